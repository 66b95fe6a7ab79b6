"""One way to open an ONNX model: quiet, without telemetry, on a bounded number of threads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime

_ERRORS_ONLY = 3
# From version 1.29 on, ONNX Runtime reports to its makers from the moment it is imported, whatever
# `disable_telemetry_events` says later. It asks this variable once, before it begins.
_SILENCE = "ORT_DISABLE_TELEMETRY"


def session(model: Path | bytes, threads: int = 0) -> onnxruntime.InferenceSession:
    """Open a model for the CPU, its graph fully optimized once.

    Args:
        model: the file, or its contents.
        threads: bound on the threads of one operator; 0: all processors this process may use.

    Returns:
        A session whose threads sleep between runs, so that they take nothing from the other
        stages of a run (decoding, painting, encoding).
    """
    os.environ[_SILENCE] = "1"
    import onnxruntime as ort

    ort.disable_telemetry_events()
    ort.set_default_logger_severity(_ERRORS_ONLY)
    options = ort.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = bounded(threads)
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(
        os.fspath(model) if isinstance(model, Path) else model,
        sess_options=options,
        providers=["CPUExecutionProvider"],
    )


def bounded(threads: int) -> int:
    """The number of threads asked for, or with 0 the number of processors this process may use."""
    if threads > 0:
        return threads
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
