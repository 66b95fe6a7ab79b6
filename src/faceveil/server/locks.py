"""Locks that the kernel releases when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL = 0.01


class HeldError(Exception):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock of a file, which is made if its folder is there.

    Args:
        wait: seconds to wait for it.

    Raises:
        HeldError: another process, or another part of this one, holds it.
        FileNotFoundError: the folder is gone.
    """
    until = time.monotonic() + wait
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= until:
                    raise HeldError(path.name) from error
            time.sleep(_POLL)
        yield
    finally:
        os.close(handle)
