"""Ctrl-C: remembered, because what it raises does not always come out as what it was.

Raised in the middle of an import or in a callback of a library, a `KeyboardInterrupt` may end as an
`ImportError`, or as a failure of the file that was worked on.
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
    """Whether this process was interrupted, whatever has become of it."""
    return _came.is_set()
