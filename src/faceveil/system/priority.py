"""The share of the machine that this process may take: its processors and its priority."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_THREADS = Path("/proc/self/task")


def usable_processors(most: int = sys.maxsize) -> int:
    """The number of processors that this process may use, which may be fewer than there are; at
    most so many, and at least one."""
    try:
        there = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        there = os.cpu_count() or 1
    return max(1, min(there, most))


@contextmanager
def usual_priority() -> Iterator[None]:
    """Undo what a library does to the priorities of threads within the block, its own included.

    SVT-AV1, started by root, makes the calling thread one of real time at the highest priority, and
    its own threads as well: nothing else on the machine is served before they rest.
    """
    if not hasattr(os, "sched_getscheduler") or not _THREADS.is_dir():
        yield
        return
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        for thread in [int(one.name) for one in _THREADS.iterdir()]:
            with suppress(OSError):  # it has ended
                if os.sched_getscheduler(thread) != policy:
                    os.sched_setscheduler(thread, policy, priority)
