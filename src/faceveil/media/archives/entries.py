"""Rules for the entries of an archive: their names and their number."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Final

from faceveil.errors import FaceVeilError, LimitError, UnreadableError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.advice import COMPLETE, REPACK
from faceveil.media.kinds import ARCHIVES, sniff
from faceveil.options import Options
from faceveil.system.text import unseen

SMALL: Final = 16_000_000
"""An archive that unpacks to at most this many bytes is no bomb, whatever its ratio."""

LINK: Final = say("it is a link or a device, not a file")
_DRIVE: Final = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive.

    Attributes:
        name: its path in the archive: relative, without ``..``.
        size: unpacked, in bytes, as the archive claims.
        number: of the entry, from 1.
    """

    name: PurePosixPath
    size: int
    number: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An entry that is left out.

    Attributes:
        name: as the archive has it.
        error: why.
        passed: it would be skipped in a folder, too: a link, a device.
    """

    name: str
    error: FaceVeilError
    passed: bool = False


class HostileError(UnsupportedError):
    """A name that is an attack: nothing of the archive is unpacked."""


def safe_name(text: str, number: int) -> PurePosixPath:
    """The name of an entry, if it is harmless on every system.

    A backslash separates folders, as in archives of old Windows programs.

    Args:
        number: of the entry, from 1.

    Raises:
        HostileError: the name leaves its folder.
        UnsupportedError: it is absolute, or cannot be shown as it is.
    """
    plain = text.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise HostileError(
            say("entry {number} of the archive has a name that leaves its folder", number=number)
        )
    problem = (
        say("has control characters in its name")
        if unseen(text)
        else say("has an absolute name")
        if plain.startswith("/") or _DRIVE.match(plain)
        else say("has no name")
        if not parts
        else ""
    )
    if problem:
        raise UnsupportedError(
            say("entry {number} of the archive {problem}", number=number, problem=problem), REPACK
        )
    return PurePosixPath(*parts)


class Tally:
    """Counts entries and bytes against the limits.

    Args:
        packed: size of the archive in bytes.
    """

    def __init__(self, packed: int, options: Options) -> None:
        self._entries = options.max_entries
        by_ratio = max(SMALL, int(options.max_ratio * packed))
        self.most = min(options.max_unpacked, by_ratio)
        self._what = "max_unpacked" if self.most == options.max_unpacked else "max_ratio"
        self._count = self._total = 0

    def entry(self, size: int) -> int:
        """Count one more entry of so many bytes; returns its number, from 1.

        Raises:
            LimitError: that is too many, or too much.
        """
        self._count += 1
        if self._count > self._entries:
            raise too_many(self._entries)
        self.bytes(size)
        return self._count

    def bytes(self, size: int) -> None:
        """Count so many bytes more.

        Raises:
            LimitError: that is too much.
        """
        if size < 0:
            raise UnreadableError(say("the archive claims entries of negative size"), COMPLETE)
        self._total += size
        if self._total > self.most:
            raise LimitError(
                say(
                    "the archive unpacks to more than {most} bytes ({limit})",
                    most=self.most,
                    limit=self._what,
                ),
                say("If you trust the file, raise {limit}.", limit=self._what),
            )


def too_many(most: int) -> LimitError:
    """The error to raise for an archive of more entries."""
    return LimitError(
        say("the archive has more than {most} entries (max_entries)", most=most),
        say("If you trust the file, raise max_entries."),
    )


def refuse_nested(head: bytes) -> None:
    """Refuse an archive in an archive: its limits would be those of each, not of all.

    Args:
        head: the first bytes of the entry.

    Raises:
        UnsupportedError: they are an archive's.
    """
    if sniff(head) in ARCHIVES:
        raise UnsupportedError(
            say("it is an archive in an archive"),
            say("Unpack it, and give it to FaceVeil by itself."),
        )


class Guarded:
    """A file that returns only a limited number of bytes before ``allow`` is called again.

    Readers of archives would trust an archive's claims about the size of its tables.

    Args:
        seen: called with the bytes that were read of the tables, and may change them.
    """

    def __init__(
        self, file: IO[bytes], allowed: int, seen: Callable[[bytes], bytes] | None = None
    ) -> None:
        self._file, self._seen = file, seen
        self._allowed: int | None = allowed
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def allow(self, allowed: int | None) -> None:
        """Allow so many more bytes to be read; None: any number."""
        self._allowed = allowed

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """As a file's ``read``.

        Raises:
            LimitError: more was asked for than is allowed, and it is there.
        """
        if self._allowed is None:
            return self._shown(self._file.read(size))
        if 0 <= size <= self._allowed:
            data = self._file.read(size)
        else:
            data = self._file.read(self._allowed + 1)
        if len(data) > self._allowed:
            raise LimitError(say("the tables of the archive are too large"), REPACK)
        self._allowed -= len(data)
        return self._shown(data)

    def _shown(self, data: bytes) -> bytes:
        return data if self._seen is None else self._seen(data)
