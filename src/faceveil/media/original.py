"""An input that must not change during a run.

It is read several times by its path: to find faces, to paint, for its hash. If another file
replaced it in between, the boxes of one would be painted into the other.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from faceveil.errors import UnreadableError, UsageError
from faceveil.i18n import reason_of, say
from faceveil.media.advice import READABLE
from faceveil.plan import Plan


class _State(NamedTuple):
    """The file system's facts about a file. Times in nanoseconds."""

    device: int
    inode: int
    size: int
    modified: int
    touched: int


class Original:
    """A file as it was when this was made: before the first reading.

    Attributes:
        path: its path.

    Raises:
        UnreadableError: it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state = self._now()

    @cached_property
    def sha256(self) -> str:
        """Of its bytes, in hexadecimal; read once.

        Raises:
            UnreadableError: it changed since, or cannot be read.
        """
        found = self._hash()
        if self._now() != self._state:
            raise _changed()
        return found

    def require_same(self) -> None:
        """Check that the file is unchanged; call this after each reading.

        If somebody sets the times of a file back, only its inode shows a change. A new hard link
        looks the same and is harmless, so in this case a known hash is compared again.

        Raises:
            UnreadableError: it changed since.
        """
        now = self._now()
        if now[:-1] != self._state[:-1]:
            raise _changed()
        if now != self._state and "sha256" in self.__dict__ and self._hash() != self.sha256:
            raise _changed()
        self._state = now

    def _now(self) -> _State:
        try:
            told = self.path.stat()
        except OSError as error:
            raise _unreadable(error) from error
        return _State(told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)

    def _hash(self) -> str:
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable(error) from error


def belongs(plan: Plan, sha256: str, foreign: bool) -> tuple[str, ...]:
    """Warnings if it is not known whether a plan was made for the file with this hash.

    Raises:
        UsageError: it is for another one, and ``foreign`` is not set.
    """
    if not plan.sha256:
        return (say("the plan does not say for which file it was made"),)
    if plan.sha256 == sha256:
        return ()
    if not foreign:
        raise other_file(say("its sha256 is not that of this one"))
    return (say("the plan was made for another file"),)


def other_file(how: str) -> UsageError:
    """The error for a plan that is not of the file that it is to be used for."""
    return UsageError(
        say("the plan was made for another file: {how}", how=how),
        say("make a new plan from this one"),
    )


def _unreadable(error: OSError) -> UnreadableError:
    reason = reason_of(error)
    return UnreadableError(say("the file cannot be read: {reason}", reason=reason), READABLE)


def _changed() -> UnreadableError:
    return UnreadableError(
        say("the file changed while it was worked on"), say("Try again when nothing writes to it.")
    )
