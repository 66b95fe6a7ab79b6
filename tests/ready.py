"""Run by `commands.py`: a process in which FaceVeil is loaded, and from which runs are forked.

A run is what ``python -m faceveil`` does, in a process of its own, from the reading of its
arguments to the end of the interpreter. Only the imports, most of what a short run costs, are done
before. Each line on stdin is a run to make, each on stdout the exit code of one.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import sys
from contextlib import suppress
from importlib import import_module

WHAT = (
    *("av", "cv2", "jpeglib", "numpy", "onnx", "onnxruntime", "PIL.Image", "PIL.JpegImagePlugin"),
    *("pikepdf", "pypdfium2", "rich"),
    *(f"faceveil.{name}" for name in ("batch", "check", "cli.runs", "dataset", "evidence")),
    *("faceveil.detect.centerface", "faceveil.detect.judged", "faceveil.detect.yunet"),
    *("faceveil.media.documents", "faceveil.obscure.blur", "faceveil.pipeline"),
)


def load() -> None:
    """Import what most runs import; none of it may begin a thread, which no fork takes along."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # as `faceveil.detect.runtime`, before its import
    for name in WHAT:
        with suppress(ImportError):  # of an extra that is not installed
            import_module(name)
    gc.freeze()  # nothing of it is looked through again, and so copied, in each run


def main() -> None:
    load()
    asked, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.dup(1)
    for line in asked:
        run = json.loads(line)
        child = os.fork()
        if child == 0:
            break
        _, status = os.waitpid(child, 0)
        os.write(answers, b"%d\n" % os.waitstatus_to_exitcode(status))
    else:
        return
    os.close(asked.fileno())
    os.close(answers)
    for number, (name, mode) in enumerate(run["streams"]):
        handle = os.open(name, mode)
        os.dup2(handle, number)
        os.close(handle)
    os.chdir(run["folder"])
    os.environ.clear()
    os.environ.update(run["environment"])
    signal.alarm(run["patience"])
    sys.argv[1:] = run["arguments"]
    runpy.run_module("faceveil", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
