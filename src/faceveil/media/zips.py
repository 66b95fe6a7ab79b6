"""Reading zip archives that may be hostile."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from itertools import pairwise
from pathlib import Path
from typing import IO, Final, cast

from faceveil.errors import UnreadableError, UnsupportedError
from faceveil.media.entries import Guarded, Member, Tally, safe_name
from faceveil.options import Options

DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    struct.error,
)
"""What the standard library raises when the data is not what it should be."""

# Flags of an entry (APPNOTE.TXT 4.4.4): encrypted, patch, strongly encrypted, masked headers.
_REFUSED_FLAGS: Final = {0x1: "is encrypted", 0x20: "is a patch", 0x40: "is encrypted"}
_MASKED: Final = 0x2000
_UTF8: Final = 0x800
# Others unpack without a bound on memory, or not at all; no usual tool writes them.
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_LOCAL: Final = struct.Struct("<4s22xHH")
"""A local header: signature, lengths of name and extra field (APPNOTE.TXT 4.3.7)."""
_TABLE: Final = 1024
"""Bytes of the central directory that an entry may take on average."""
_END: Final = 1 << 18
"""Bytes to find the end record in, its longest comment included, several times over."""


class ZipReader:
    """The members of a zip archive, names and sizes checked. See `open_archive` for errors."""

    def __init__(self, path: Path, options: Options) -> None:
        file = path.open("rb")
        guard = Guarded(file, _END + _TABLE * options.max_entries)
        try:
            self._zip = zipfile.ZipFile(cast("IO[bytes]", guard))
            guard.allow(None)
            self._file = file
            self._entries = self._checked(Tally(path.stat().st_size, options))
        except DAMAGE as error:
            file.close()
            raise UnreadableError("the zip archive is damaged or cut off") from error
        except BaseException:
            file.close()
            raise
        self.members = tuple(self._entries)

    def _checked(self, tally: Tally) -> dict[Member, zipfile.ZipInfo]:
        entries, spans = {}, []
        for info in self._zip.infolist():
            number = tally.entry(info.file_size)
            name = safe_name(_name(info), number)
            self._refuse(info, number)
            spans.append(self._span(info))
            if not info.is_dir():
                # Two of one name are refused later, and must not become one before.
                member = Member(name, info.file_size)
                if member in entries:
                    raise UnsupportedError(f"several entries of the archive are called {name!s}")
                entries[member] = info
        spans = [*sorted(spans), (self._zip.start_dir, self._zip.start_dir)]
        if any(end > start for (_, end), (start, _) in pairwise(spans)):
            raise UnreadableError("entries of the archive overlap, as in a zip bomb")
        return entries

    def _refuse(self, info: zipfile.ZipInfo, number: int) -> None:
        mode = stat.S_IFMT(info.external_attr >> 16)
        problems = [words for flag, words in _REFUSED_FLAGS.items() if info.flag_bits & flag]
        if info.flag_bits & _MASKED:
            problems.append("is encrypted")
        elif mode not in (0, stat.S_IFREG, stat.S_IFDIR):
            problems.append("is a link or a device, not a file")
        elif info.compress_type not in _METHODS:
            problems.append(f"is packed by a method that is not handled ({info.compress_type})")
        if problems:
            raise UnsupportedError(f"entry {number} of the archive {problems[0]}")

    def _span(self, info: zipfile.ZipInfo) -> tuple[int, int]:
        """First byte and end of all that belongs to an entry."""
        self._file.seek(info.header_offset)
        signature, name, extra = _LOCAL.unpack(self._file.read(_LOCAL.size))
        if signature != b"PK\x03\x04":
            raise UnreadableError("the zip archive is damaged")
        start = info.header_offset
        return start, start + _LOCAL.size + name + extra + info.compress_size

    def open(self, member: Member) -> IO[bytes]:
        info = self._entries[member]
        try:
            return self._zip.open(info)
        except DAMAGE as error:
            raise UnreadableError(f"{str(member.name)!r} in the archive is damaged") from error

    def close(self) -> None:
        self._zip.close()
        self._file.close()


def _name(info: zipfile.ZipInfo) -> str:
    """The name as stored. Without the flag for it, UTF-8 is meant if it can be: macOS omits it."""
    name = info.orig_filename
    if not info.flag_bits & _UTF8:
        try:
            return name.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return name
