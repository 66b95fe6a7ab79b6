"""Signs of life of a process that works for another.

Whoever waits for work cannot tell a long one from one that hangs in a library. So the stages say
that something moved, wherever they run; it is heard only in a process that works for another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Listener(Protocol):
    """Receives the signs of life."""

    def moved(self, stage: str, done: int, total: int | None) -> None: ...

    def patient(self, seconds: float) -> None: ...

    def began(self, path: Path) -> None: ...


_listener: Listener | None = None


def listen(listener: Listener | None) -> None:
    """Tell this one from now on, or nobody."""
    global _listener
    _listener = listener


def moved(stage: str = "", done: int = 0, total: int | None = None) -> None:
    """Something was done. With a stage and how far it is, it is progress to be shown."""
    if _listener is not None:
        _listener.moved(stage, done, total)


def patient(seconds: float) -> None:
    """The work that begins now may take this long from one move to the next."""
    if _listener is not None:
        _listener.patient(seconds)


def began(path: Path) -> None:
    """A temporary file was begun, which somebody has to remove if this process is ended."""
    if _listener is not None:
        _listener.began(path)
