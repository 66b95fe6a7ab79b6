"""The memory of processes that are FaceVeil's own."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from typing import Final

_ARENA_MAX: Final = -8
"""glibc's number of this setting (``M_ARENA_MAX`` of malloc.h)."""


def share_heap() -> None:
    """Let all threads of this process take their memory from one heap.

    glibc gives each thread one of its own, and each keeps what was freed there. Pictures are made
    in one thread and let go in another, so that a fifth of the memory of a run was kept for
    nothing. Elsewhere than with glibc nothing is done.
    """
    _glibc("mallopt", _ARENA_MAX, 1)


def give_back_freed() -> None:
    """Give the memory that was freed back to the system.

    glibc keeps it below whatever is still in use, and what the next stage needs is often of other
    sizes: 80 MiB of a search of 1080p were kept beside all that painting took. Elsewhere than with
    glibc nothing is done.
    """
    _glibc("malloc_trim", 0)


def _glibc(name: str, *numbers: int) -> None:
    if sys.platform != "linux":
        return
    import ctypes

    with suppress(AttributeError, OSError):  # another C library
        getattr(ctypes.CDLL(None), name)(*numbers)


def collect_garbage() -> None:
    """Let Python search for garbage, if it was told not to; all that is there now is no garbage."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
