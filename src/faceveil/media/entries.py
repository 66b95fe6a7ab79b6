"""What the entries of an archive may be called, and how much of them there may be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Final

from faceveil.errors import LimitError, UnreadableError, UnsupportedError
from faceveil.media.kinds import ARCHIVES, sniff
from faceveil.options import Options

SMALL: Final = 16_000_000
"""An archive that unpacks to no more bytes than this is no bomb, whatever its ratio."""

# Longest name of a file in all usual file systems, and longest path in Linux, in bytes of UTF-8.
_MOST_PART, _MOST_PATH = 255, 4095
# Signs that turn the direction of writing let a name end otherwise than it seems to.
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_ARCHIVE_SUFFIXES: Final = re.compile(
    r"\.(zip|tar|tgz|tbz2?|txz|tzst|gz|bz2|xz|zst|7z|rar|jar|cab|lz4?|lzma|z)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive.

    Attributes:
        name: where it lies in the archive: relative, without ``..``.
        size: unpacked, in bytes, as the archive claims.
    """

    name: PurePosixPath
    size: int


def safe_name(text: str, number: int) -> PurePosixPath:
    """The name of an entry, if nothing can come of it on any system.

    Args:
        number: of the entry, from 1; what cannot be shown is told by it.

    Raises:
        UnsupportedError: the name is absolute, leaves its folder, or cannot be shown as it is.
    """
    unseen = any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in text)
    parts = [part for part in text.split("/") if part not in ("", ".")]
    problem = (
        "has control characters in its name"
        if unseen or _TURNING.search(text)
        else "has a backslash in its name"
        if "\\" in text
        else "has an absolute name"
        if text.startswith("/") or _DRIVE.match(text)
        else "has a name that leaves its folder"
        if ".." in parts
        else "has no name"
        if not text
        else "has a name that is too long"
        if len(text.encode()) > _MOST_PATH or any(len(p.encode()) > _MOST_PART for p in parts)
        else ""
    )
    if problem:
        raise UnsupportedError(f"entry {number} of the archive {problem}")
    return PurePosixPath(*parts)


def key_of(name: PurePosixPath) -> str:
    """What two names have in common that some file systems cannot tell apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(name)).casefold())


def refuse_doubles(names: Iterable[PurePosixPath]) -> None:
    """Refuse names that would be written to one place.

    Raises:
        UnsupportedError: two are alike, or one is a folder of another.
    """
    seen: set[str] = set()
    folders: set[str] = set()
    for name in names:
        key = key_of(name)
        above = {key_of(folder) for folder in name.parents if folder.name}
        if key in seen or key in folders or above & seen:
            raise UnsupportedError(f"several entries of the archive are called {str(name)!r}")
        seen.add(key)
        folders |= above


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
        """Take one more entry of so many bytes; returns its number, from 1.

        Raises:
            LimitError: that is too many, or too much.
        """
        self._count += 1
        if self._count > self._entries:
            raise LimitError(f"the archive has more than {self._entries} entries (max_entries)")
        self.bytes(size)
        return self._count

    def bytes(self, size: int) -> None:
        """Take so many bytes more.

        Raises:
            LimitError: that is too much.
        """
        if size < 0:
            raise UnreadableError("the archive claims entries of negative size")
        self._total += size
        if self._total > self.most:
            raise LimitError(f"the archive unpacks to more than {self.most} bytes ({self._what})")


def refuse_nested(name: PurePosixPath, head: bytes) -> None:
    """Refuse an archive in an archive: its limits would be those of each, not of all.

    Args:
        head: the first bytes of the entry.

    Raises:
        UnsupportedError: the name or the bytes are an archive's.
    """
    if sniff(head) in ARCHIVES or _ARCHIVE_SUFFIXES.search(name.name):
        raise UnsupportedError(
            f"{str(name)!r} in the archive is an archive itself", "Unpack it and leave it out."
        )


class Guarded:
    """A file that gives only so much before ``allow`` is called again.

    Readers of archives trust what an archive claims about the size of its tables.
    """

    def __init__(self, file: IO[bytes], allowed: int) -> None:
        self._file = file
        self._allowed: int | None = allowed
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def allow(self, allowed: int | None) -> None:
        """So many bytes may be read from here on; None: any number."""
        self._allowed = allowed

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """As a file's ``read``.

        Raises:
            LimitError: more was asked for than is allowed, and it is there.
        """
        if self._allowed is None:
            return self._file.read(size)
        if 0 <= size <= self._allowed:
            data = self._file.read(size)
        else:
            data = self._file.read(self._allowed + 1)
        if len(data) > self._allowed:
            raise LimitError("the tables of the archive are too large")
        self._allowed -= len(data)
        return data
