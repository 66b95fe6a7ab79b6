"""Remember Ctrl-C, because its exception may arrive as another one.

Raised during an import or in a callback of a library, a `KeyboardInterrupt` may turn into an
`ImportError`, or into a failure of the current file.
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
