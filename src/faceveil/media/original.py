"""A file that has to stay as it is while it is worked on.

An input is read several times, by its path: to look, to paint, for its hash. If another file took
its place meanwhile, the boxes of one would be painted into the other, under the hash of either.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from faceveil.errors import UnreadableError


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
        path: where it lies.

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
        """To be asked after each reading.

        A file whose times were set back shows only that its inode was touched. So does one that
        somebody made a link to, which is harmless; if its hash is known it is taken once more.

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


def _unreadable(error: OSError) -> UnreadableError:
    reason = (error.strerror or "reading failed").lower()
    return UnreadableError(f"the file cannot be read: {reason}")


def _changed() -> UnreadableError:
    return UnreadableError(
        "the file changed while it was worked on", "Try again when nothing writes to it."
    )
