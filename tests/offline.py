"""Run by test_offline.py in a process of its own: no socket can be opened after `forbid`.

Two guards, because each sees what the other cannot: an audit hook knows every socket that Python
opens, and a seccomp filter (Linux) ends the process when a native library asks the kernel for one.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import pkgutil
import platform
import struct
import sys
import time
from pathlib import Path
from typing import Any

# AUDIT_ARCH_* of <linux/audit.h> and the number of socket(2), by machine
SYSCALLS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
AF_INET, AF_INET6 = 2, 10
LINGER = 3.0
"""Seconds to wait for what a library does in the background."""


class SocketOpenedError(BaseException):
    """Not an Exception, so that no library can swallow it."""


def forbid() -> None:
    """From now on no socket can be opened in this process."""
    sys.addaudithook(_refuse)
    if sys.platform == "linux" and platform.machine() in SYSCALLS:
        _filter(*SYSCALLS[platform.machine()])


def _refuse(event: str, details: tuple[Any, ...]) -> None:
    if event.startswith("socket."):
        raise SocketOpenedError(f"{event} {details}")


def _filter(arch: int, socket: int) -> None:
    """Have the kernel kill this process when it asks for an internet socket.

    See seccomp(2). The filter reads `struct seccomp_data`: number at byte 0, architecture at 4, the
    low half of the first argument (the address family) at 16.
    """
    load, equal, ret = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
    allow, kill = 0x7FFF0000, 0x80000000
    program = [
        (load, 0, 0, 4),
        (equal, 0, 5, arch),
        (load, 0, 0, 0),
        (equal, 0, 3, socket),
        (load, 0, 0, 16),
        (equal, 2, 0, AF_INET),
        (equal, 1, 0, AF_INET6),
        (ret, 0, 0, allow),
        (ret, 0, 0, kill),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    libc = ctypes.CDLL(None, use_errno=True)
    whole = Program(len(program), ctypes.addressof(code))
    no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    libc.prctl(no_new_privileges, 1, 0, 0, 0)
    if libc.prctl(set_seccomp, mode_filter, ctypes.byref(whole), 0, 0):
        print("no seccomp here; native code is not watched")


def import_everything() -> None:
    import faceveil

    for module in pkgutil.walk_packages(faceveil.__path__, "faceveil."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def whole_run(photo: str, detector: str) -> None:
    """Every stage of the program on one photo."""
    from skimage.data import astronaut

    from faceveil.check import check_file
    from faceveil.in_memory import veil_image
    from faceveil.options import Options
    from faceveil.pipeline import analyze_file, render_file, veil_file

    options, path = Options(detector=detector), Path(photo)
    plan = analyze_file(path, options)
    assert plan.tracks
    render_file(path, plan, path.with_name("rendered.jpg"), options)
    veil_file(path, path.with_name("veiled.jpg"), options)
    veil_image(astronaut()[..., ::-1].copy(), options)
    check_file(path.with_name("veiled.jpg"), options)
    time.sleep(LINGER)


def silenced(photo: str, detector: str) -> None:
    """The variable that keeps ONNX Runtime quiet is set before it is imported."""
    seen = []

    def watch(event: str, details: tuple[Any, ...]) -> None:
        if event == "import" and str(details[0]).partition(".")[0] == "onnxruntime":
            seen.append(os.environ.get("ORT_DISABLE_TELEMETRY"))

    sys.addaudithook(watch)
    from faceveil.options import Options
    from faceveil.pipeline import analyze_file

    analyze_file(Path(photo), Options(detector=detector))
    assert seen
    assert set(seen) == {"1"}, seen


def wait_for_whoever_reports_later(photo: str, detector: str) -> None:
    """Libraries may begin to report from a thread of their own, seconds after they were loaded."""
    import time

    from faceveil.options import Options
    from faceveil.pipeline import analyze_file

    assert analyze_file(Path(photo), Options(detector=detector)).tracks
    time.sleep(15)


def open_in_python() -> None:
    import socket

    socket.create_connection(("127.0.0.1", 9))


def open_in_native_code() -> None:
    ctypes.CDLL(None).socket(AF_INET, 1, 0)


if __name__ == "__main__":
    forbid()
    globals()[sys.argv[1]](*sys.argv[2:])
    print("done")
