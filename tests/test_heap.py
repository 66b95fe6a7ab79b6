"""Memory that a stage has freed goes back to the system before the next one takes its own."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

KEPT = """
import ctypes, resource
from pathlib import Path
from faceveil.system.heap import give_back_freed, share_heap

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

share_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
blocks = [libc.malloc(100_000) for _ in range(1_000)]
for block in blocks:
    ctypes.memset(block, 1, 100_000)
for block in blocks[:-1]:  # the last one holds the end of the heap
    libc.free(block)
before = resident()
give_back_freed()
print(before - resident())
"""

STORE = """
import resource
from pathlib import Path
import numpy as np
from faceveil.detect.onnx_format import model, node
from faceveil.detect.runtime import give_back_store, session
from faceveil.system.heap import share_heap

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

share_heap()
give_back_store()  # before any model is open
count = 10_000_000
steps = [node("Relu", ["it"], ["half"]), node("Neg", ["half"], ["out"])]
shapes = {"it": ["n"]}, {"out": ["n"]}
opened = session(model(steps, [], *shapes, name="n", opset=13, ir_version=8))
opened.run(None, {"it": np.ones(9, np.float32)})  # the first piece of the store stays
found = opened.run(None, {"it": np.ones(count, np.float32)})[0]
assert found[-1] == -1
del found
before = resident()
give_back_store()
print(before - resident())
assert opened.run(None, {"it": np.ones(count, np.float32)})[0][-1] == -1
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's heap")
def test_what_was_freed_below_something_in_use_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 80_000_000


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's heap")
def test_what_models_keep_for_their_next_run_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", STORE], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 60_000_000
