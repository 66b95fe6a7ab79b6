"""Remember Ctrl-C, because its exception may arrive as another one.

Raised during an import or in a callback of a library, a `KeyboardInterrupt` may turn into an
`ImportError`, into a failure of the current file, or into nothing at all.
"""

from __future__ import annotations

from threading import Event
from types import FrameType

_came = Event()


def caught(_number: int, _frame: FrameType | None) -> None:
    """Handler of the signal.

    Raises:
        KeyboardInterrupt: always.
    """
    _came.set()
    raise KeyboardInterrupt


def came() -> bool:
    """Whether this process was interrupted, whatever became of the exception."""
    return _came.is_set()


def heed() -> None:
    """Interrupt the run between two files if a library has swallowed the interrupt.

    Raises:
        KeyboardInterrupt: this process was interrupted.
    """
    if _came.is_set():
        raise KeyboardInterrupt
