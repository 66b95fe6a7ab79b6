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
    if sys.platform != "linux":
        return
    import ctypes

    with suppress(AttributeError, OSError):  # another C library
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def collect_garbage() -> None:
    """Let Python search for garbage, if it was told not to; all that is there now is no garbage."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
