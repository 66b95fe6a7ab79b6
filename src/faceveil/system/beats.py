"""Signs of life of a process that works for another.

A process that waits for another cannot tell long work from a library that hangs. So every stage
reports each step here. The reports are passed on only in a process that works for another;
elsewhere they are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

Progress = Callable[[str, int, int | None], None]
"""Called with the stage, the frames done and their number, or None where it is not known."""


class Listener(Protocol):
    """Receives the signs of life."""

    def moved(self, stage: str, done: int, total: int | None) -> None: ...

    def patient(self, seconds: float) -> None: ...

    def began(self, path: Path) -> None: ...


_listener: Listener | None = None


def listen(listener: Listener | None) -> None:
    """Send the signs of life to this listener from now on, or to none."""
    global _listener
    _listener = listener


def moved(stage: str = "", done: int = 0, total: int | None = None) -> None:
    """Report that something was done; with a stage and its progress, for a person to see."""
    if _listener is not None:
        _listener.moved(stage, done, total)


def patient(seconds: float) -> None:
    """Report that the next work may take this long between two signs of life."""
    if _listener is not None:
        _listener.patient(seconds)


def began(path: Path) -> None:
    """Report a new temporary file, which has to be removed if this process is ended."""
    if _listener is not None:
        _listener.began(path)
