"""Messages on stderr: that something went wrong and of what kind, but no names.

A repeated fault is printed once a minute, because a log that fills the disk is a fault, too.
"""

from __future__ import annotations

import errno
import logging
import sys
import time
from threading import Lock

_EVERY = 60.0
"""Seconds between two lines that say the same."""
_MOST = 100
"""Different lines that are remembered."""

_lock = Lock()
_told: dict[str, float] = {}


def tell_fault(where: str, error: BaseException | None) -> None:
    """Print that something failed, unless that was printed in the last minute.

    Args:
        where: in words of this program.
        error: only its kind is printed, because its message may contain a file name.
    """
    line = where if error is None else f"{where}: {type(error).__name__}"
    if is_news(line):
        sys.stderr.write(f"faceveil: {line}\n")
        sys.stderr.flush()


def is_news(line: str) -> bool:
    """Whether a line was not printed in the last minute; it counts as printed from now on."""
    with _lock:
        now = time.monotonic()
        if now - _told.get(line, -_EVERY) < _EVERY:
            return False
        if len(_told) >= _MOST:
            _told.clear()
        _told[line] = now
        return True


def quiet_logs() -> Failures:
    """From now on print only the place and kind of errors that libraries log."""
    failures = Failures()
    logging.basicConfig(handlers=[failures], level=logging.ERROR)
    return failures


class Failures(logging.Handler):
    """Receives the log of libraries, which may contain names and addresses.

    Attributes:
        why: the last error that was a whole message, such as for an address in use.
    """

    why = OSError(errno.EIO, "")

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, OSError):
            self.why = record.msg
        elif record.exc_info:
            tell_fault(record.name.partition(".")[0], record.exc_info[1])
