"""One way to open an ONNX model: quiet, without telemetry, on a bounded number of threads.

It runs on another device than the processor if that is requested and present; the result is the
same up to rounding.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from faceveil.detect.onnx_format import model as model_of
from faceveil.detect.onnx_format import node
from faceveil.options import Device
from faceveil.options.whereabouts import Whereabouts
from faceveil.system.heap import give_back_freed
from faceveil.system.priority import usable_processors

if TYPE_CHECKING:
    import onnxruntime

_ERRORS_ONLY, _SILENT = 3, 4

PROVIDERS: Final[dict[Device, str]] = {
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
"""ONNX Runtime's name of each device. The installed build decides which of them exist."""

_CPU = "CPUExecutionProvider"
_SETTINGS: Final[dict[str, dict[str, str]]] = {
    # Hardly two pictures have the same size, and for each new one cuDNN would look thoroughly for
    # the fastest way to compute it. In TF32, the runtime's own choice, numbers have ten bits.
    PROVIDERS["cuda"]: {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"},
}
_TRIED: Final = 64
"""Width and height of the picture that a device is tried with."""
_lock = Lock()


class Runs(Protocol):
    """A model that is open: ONNX Runtime's own session, or one that can change its device."""

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, Any]) -> list[Any]:
        """The values of these outputs."""
        ...

    def get_providers(self) -> Sequence[str]:
        """ONNX Runtime's names of the devices it runs on, the first one before the others."""
        ...


class Rescued:
    """A model on a device. If that fails in the middle of a run, as one whose memory other programs
    take does, the processor takes over: it computes the same once more, and all that follows.

    Args:
        accelerated: the model on the device.
        on_processor: opens it anew there.

    Attributes:
        failed: ONNX Runtime's name of the device, once it has; "" before.
    """

    def __init__(
        self,
        accelerated: Runs,
        on_processor: Callable[[], Runs],
    ) -> None:
        self._session, self._on_processor = accelerated, on_processor
        self._lock = Lock()
        self.failed = ""

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, Any]) -> list[Any]:
        mine = self._session
        try:
            return list(mine.run(outputs, feeds))
        except Exception:  # of a class for each cause, without one in common
            with self._lock:  # several threads may look at the same time
                if self.failed and mine is self._session:
                    raise  # the processor cannot do it either
                if not self.failed:
                    failed = mine.get_providers()[0]
                    self._session, self.failed = self._on_processor(), failed
        return list(self._session.run(outputs, feeds))

    def get_providers(self) -> Sequence[str]:
        return list(self._session.get_providers())


def session(model: Path | bytes, threads: int = 0, device: Device = "cpu") -> Runs:
    """Open a model, its graph fully optimized once.

    Args:
        model: the file, or its contents.
        threads: bound on the threads of one operator; 0: all processors this process may use.
        device: where to run it. The processor takes over if that is not there, fails to start, or
            fails later; see ``named``.

    Returns:
        A session whose threads sleep between runs, so that they take nothing from the other
        stages of a run (decoding, painting, encoding).
    """
    ort = _library()
    # A missing device is reported by ``named``, in FaceVeil's own words.
    severity = _ERRORS_ONLY if device == "cpu" else _SILENT
    ort.set_default_logger_severity(severity)
    options = ort.SessionOptions()
    options.log_severity_level = severity
    options.intra_op_num_threads = bounded(threads)
    options.inter_op_num_threads = 1
    # A plan of memory for each size of picture is kept, and its block is as large as all of them.
    options.enable_mem_pattern = False
    if _memory_in_common():
        options.add_session_config_entry("session.use_env_allocators", "1")
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")

    def opened(providers: list[str]) -> Runs:
        made: Runs = ort.InferenceSession(
            os.fspath(model) if isinstance(model, Path) else model,
            sess_options=options,
            providers=[(name, _SETTINGS.get(name, {})) for name in providers],
            enable_fallback=0,  # which prints, and where it runs then is not told
        )
        return made

    if wanted := providers_of(device):
        if PROVIDERS["cuda"] in wanted:
            _find_cuda()
        try:
            accelerated = opened([*wanted, _CPU])
            _try_out(accelerated)
        except Exception:  # of a class for each cause, without one in common
            return opened([_CPU])
        return Rescued(accelerated, lambda: opened([_CPU]))
    return opened([_CPU])


def providers_of(device: Device) -> list[str]:
    """ONNX Runtime's names of a device that its installed build knows; of ``auto``, all of them."""
    if device == "cpu":
        return []
    there = _library().get_available_providers()
    return [name for key, name in PROVIDERS.items() if device in (key, "auto") and name in there]


def _library() -> Any:
    # ONNX Runtime 1.29 and later report each session to its maker over the network. Only this
    # variable, set before the first import, prevents that; the call is for older versions.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime as ort

    ort.disable_telemetry_events()
    return ort


def _find_cuda() -> None:
    """Load NVIDIA's libraries if they came as packages, where no system looks for them."""
    with _lock:
        _loaded()


@cache
def _loaded() -> None:
    import onnxruntime as ort

    preload = getattr(ort, "preload_dlls", None)  # since 1.21
    if preload is not None and find_spec("nvidia") is not None:
        with redirect_stdout(io.StringIO()):  # it prints what it does not find
            preload()


def _try_out(opened: onnxruntime.InferenceSession) -> None:
    """Run a model once: a missing library, or a card that is too old, is noticed only then."""
    if opened.get_providers() == [_CPU]:
        return
    feeds = {}
    for fed in opened.get_inputs():
        count, *sides = fed.shape
        known = [side if isinstance(side, int) else _TRIED for side in sides]
        feeds[fed.name] = np.zeros((count if isinstance(count, int) else 1, *known), np.float32)
    opened.run(None, feeds)


def _memory_in_common() -> bool:
    """Let all sessions of this process have one store of memory: they run by turns, and what one
    keeps for its next run does for the others.
    """
    with _lock:  # two may be opened at the same time
        return _registered()


@cache
def _registered() -> bool:
    import onnxruntime as ort

    place = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    try:
        ort.create_and_register_allocator(place, ort.OrtArenaCfg(0, -1, -1, -1))
    except RuntimeError:  # whoever imports FaceVeil has done so, and sessions may be of theirs
        return False
    return True


def give_back_store() -> None:
    """Give the memory that a search has freed back to the system, and what ONNX Runtime keeps for
    the next run of a model: 30 MB after one of 1080p, beside what painting takes.
    """
    # Not if no model was opened, or the store is not ours.
    if _registered.cache_info().currsize and _registered():
        import onnxruntime as ort

        said = ort.RunOptions()
        said.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        nothing: Any = session(_nothing(), threads=1)
        nothing.run(None, {"it": np.zeros(1, np.float32)}, said)
    give_back_freed()


def _nothing() -> bytes:
    """A model that does nothing: only a run gives the store back."""
    same = node("Identity", ["it"], ["same"])
    return model_of([same], [], {"it": [1]}, {"same": [1]}, name="nothing", opset=13, ir_version=8)


def named(detector: str, wanted: Device, opened: Runs) -> str:
    """The detector's name for reports, with the device if another one was asked for."""
    failed = opened.failed if isinstance(opened, Rescued) else ""
    devices = {name: device for device, name in PROVIDERS.items()}
    if failed:
        return str(Whereabouts(detector, "cpu", failed=devices.get(failed, failed)))
    if device := devices.get(opened.get_providers()[0]):
        return str(Whereabouts(detector, device))
    return detector if wanted == "cpu" else str(Whereabouts(detector, "cpu", missing=wanted))


def bounded(threads: int) -> int:
    """The number of threads asked for, or with 0 the number of processors this process may use."""
    return threads if threads > 0 else usable_processors()
