"""Reading zip archives that may be hostile."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from faceveil.errors import UnreadableError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.advice import COMPLETE, REPACK
from faceveil.media.archives.entries import (
    LINK,
    Guarded,
    HostileError,
    LeftOut,
    Member,
    Tally,
    safe_name,
    too_many,
)
from faceveil.media.archives.name_codes import Stored, decoded
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
"""Errors that the standard library raises on damaged data."""

# Flags of an entry (APPNOTE.TXT 4.4.4): encrypted, patch, strongly encrypted, masked headers.
_REFUSED_FLAGS: Final = {
    0x1: say("is encrypted"),
    0x20: say("is a patch"),
    0x40: say("is encrypted"),
}
_MASKED: Final = 0x2000
_UTF8: Final = 0x800
# Other methods need unbounded memory, or cannot be unpacked; no usual tool writes them.
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_LOCAL: Final = struct.Struct("<4s22xHH")
"""A local header: signature, lengths of name and extra field (APPNOTE.TXT 4.3.7)."""
_ENTRY: Final = struct.Struct("<4s4xH18xHHH12x")
"""An entry of the central directory: signature, flags, lengths of name, extra field and comment."""
_FIELD: Final = struct.Struct("<HH")
_UNICODE_PATH: Final = 0x7075
"""The field in which Info-ZIP keeps the name in UTF-8: version, CRC of the other name, name."""
_UNKNOWN: Final = 0xFFFF
_TABLE: Final = 1024
"""Bytes of the central directory that an entry may take on average."""
_END: Final = 1 << 18
"""Bytes to find the end record in, its longest comment included, several times over."""


@dataclass(slots=True)
class _Directory:
    """Takes the names out of the tables of a zip before the standard library reads them.

    That library refuses a whole archive if one name is not in its declared encoding. Here it sees
    all names in code page 437, where every byte is valid.
    """

    stored: list[Stored]
    most: int

    def __call__(self, data: bytes) -> bytes:
        if len(data) == _LOCAL.size and data.startswith(b"PK\3\4"):
            return data[:7] + bytes([data[7] & ~(_UTF8 >> 8)]) + data[8:]
        if not data.startswith(b"PK\1\2") or self.stored:
            return data
        plain, at = bytearray(data), 0
        while at + _ENTRY.size <= len(plain) and plain[at : at + 4] == b"PK\1\2":
            _, flags, name, extra, comment = _ENTRY.unpack_from(plain, at)
            struct.pack_into("<H", plain, at + 8, flags & ~_UTF8)
            start = at + _ENTRY.size
            own, fields = bytes(plain[start : start + name]), start + name
            path = _unicode_path(plain, fields, fields + extra, own)
            self.stored.append(Stored(own, bool(flags & _UTF8), path))
            if len(self.stored) > self.most:  # before that library reads them all, for seconds
                raise too_many(self.most)
            at = fields + extra + comment
        return bytes(plain)


def _unicode_path(data: bytearray, at: int, end: int, name: bytes) -> str | None:
    """The name that this field holds, if it is one for this name; the field is made unknown."""
    found = None
    while at + _FIELD.size <= min(end, len(data)):
        kind, size = _FIELD.unpack_from(data, at)
        body = bytes(data[at + _FIELD.size : at + _FIELD.size + size])
        if kind == _UNICODE_PATH:
            struct.pack_into("<H", data, at, _UNKNOWN)
            if len(body) > 5 and body[0] == 1:
                (crc,) = struct.unpack_from("<I", body, 1)
                with suppress(UnicodeDecodeError):  # then the other name it is
                    found = body[5:].decode() if crc == zlib.crc32(name) else found
        at += _FIELD.size + size
    return found


class ZipReader:
    """The members of a zip archive, names and sizes checked. See `open_archive` for errors."""

    def __init__(self, origin: Path | bytes, options: Options) -> None:
        file: IO[bytes] = io.BytesIO(origin) if isinstance(origin, bytes) else origin.open("rb")
        packed = len(origin) if isinstance(origin, bytes) else origin.stat().st_size
        stored: list[Stored] = []
        guard = Guarded(
            file, _END + _TABLE * options.max_entries, _Directory(stored, options.max_entries)
        )
        try:
            self._zip = zipfile.ZipFile(cast("IO[bytes]", guard))
            guard.allow(None)
            self._file = file
            if len(stored) != len(self._zip.infolist()):
                raise UnreadableError(say("the zip archive is damaged"), COMPLETE)
            names, self.notes = decoded(stored, options.names_in)
            self._check(names, Tally(packed, options))
        except DAMAGE as error:
            file.close()
            raise UnreadableError(say("the zip archive is damaged or cut off"), COMPLETE) from error
        except BaseException:
            file.close()
            raise

    def _check(self, names: list[str], tally: Tally) -> None:
        self._entries: dict[int, zipfile.ZipInfo] = {}
        members, left_out, self._spans = list[Member](), list[LeftOut](), list[tuple[int, int]]()
        for name, info in zip(names, self._zip.infolist(), strict=True):
            number = tally.entry(info.file_size)
            safe = self._named(name, info, number)
            if _is_folder(name, info):
                continue
            if isinstance(safe, LeftOut):
                left_out.append(safe)
            else:
                self._entries[number] = info
                members.append(Member(safe, info.file_size, number))
        spans = [*sorted(self._spans), (self._zip.start_dir, self._zip.start_dir)]
        if any(end > start for (_, end), (start, _) in pairwise(spans)):
            raise UnreadableError(say("entries of the archive overlap, as in a zip bomb"), REPACK)
        self.members, self.left_out = tuple(members), tuple(left_out)

    def _named(self, name: str, info: zipfile.ZipInfo, number: int) -> PurePosixPath | LeftOut:
        """The safe name of a readable entry, or the reason why it is left out."""
        safe, problem, stored = None, None, name
        try:
            safe = safe_name(name, number)
        except HostileError:
            raise
        except UnsupportedError as error:
            problem = error
        name = name if safe is None else str(safe)
        try:
            self._spans.append(self._span(info))
        except UnreadableError as error:
            return LeftOut(name, error)
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            return LeftOut(name, UnsupportedError(LINK, REPACK), passed=True)
        problem = problem or _refusal(stored, info, number)
        if problem is not None or safe is None:
            return LeftOut(name, problem or UnreadableError(say("it is damaged"), COMPLETE))
        return safe

    def _span(self, info: zipfile.ZipInfo) -> tuple[int, int]:
        """First byte and end of all that belongs to an entry."""
        self._file.seek(info.header_offset)
        header = self._file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
            raise UnreadableError(say("it is damaged"), COMPLETE)
        _, name, extra = _LOCAL.unpack(header)
        start = info.header_offset
        return start, start + _LOCAL.size + name + extra + info.compress_size

    def open(self, member: Member) -> IO[bytes]:
        try:
            return self._zip.open(self._entries[member.number])
        except DAMAGE as error:
            raise UnreadableError(say("it is damaged"), COMPLETE) from error

    def is_packed(self, member: Member) -> bool:
        """Whether a member is compressed."""
        return self._entries[member.number].compress_type != zipfile.ZIP_STORED

    def close(self) -> None:
        self._zip.close()
        self._file.close()


def _is_folder(name: str, info: zipfile.ZipInfo) -> bool:
    return name.endswith(("/", "\\")) and not info.file_size


def _refusal(name: str, info: zipfile.ZipInfo, number: int) -> UnsupportedError | None:
    """The reason why an entry cannot be unpacked, or None."""
    problems = [words for flag, words in _REFUSED_FLAGS.items() if info.flag_bits & flag]
    if info.flag_bits & _MASKED:
        problems.append(say("is encrypted"))
    elif info.compress_type not in _METHODS:
        problems.append(
            say("is packed by a method that is not handled ({method})", method=info.compress_type)
        )
    elif name.endswith(("/", "\\")) and info.file_size:
        problems.append(say("is a folder with data of its own"))
    return (
        UnsupportedError(
            say("entry {number} of the archive {problem}", number=number, problem=problems[0]),
            REPACK,
        )
        if problems
        else None
    )
