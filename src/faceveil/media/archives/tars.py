"""Reading tar archives that may be hostile, compressed or not."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
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
)
from faceveil.media.archives.name_codes import Stored, decoded
from faceveil.media.kinds import HEAD, sniff
from faceveil.media.part import cannot_write
from faceveil.options import Options

_CHUNK: Final = 1 << 20
_HEADERS: Final = 1 << 16
"""Bytes that the headers of one entry may take, long names and attributes included."""
_XZ_MEMORY: Final = 128 << 20
"""Memory for unpacking xz: twice of what its highest preset needs."""
_BLOCK: Final = tarfile.BLOCKSIZE


class TarReader:
    """The members of a tar archive, names and sizes checked. See `open_archive` for errors."""

    def __init__(self, path: Path, kind: str, options: Options, scratch: Path | None) -> None:
        packed = path.stat().st_size
        with ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(path.open("rb"))
            if kind != "tar":
                # Unpacked once, so that members can be read in any order and more than once.
                plain = stack.enter_context(tempfile.TemporaryFile(dir=scratch))
                _unpack(file, kind, plain, Tally(packed, options))
                file = cast("IO[bytes]", plain)
            if sniff(_head(file)) != "tar":
                raise UnsupportedError(
                    say("the file is compressed, but holds no tar archive"),
                    say("Unpack it, and give FaceVeil the file in it."),
                )
            guard = Guarded(file, _HEADERS)
            try:
                self._tar = stack.enter_context(
                    tarfile.open(fileobj=cast("IO[bytes]", guard), mode="r:")
                )
                self._check(guard, Tally(packed, options), options)
                guard.allow(None)
                self._require_end(file)
            except (tarfile.TarError, OSError, ValueError, EOFError) as error:
                raise UnreadableError(
                    say("the tar archive is damaged or cut off"), COMPLETE
                ) from error
            self._stack = stack.pop_all()

    def _check(self, guard: Guarded, tally: Tally, options: Options) -> None:
        infos, stored = [], []
        for info in self._tar:
            infos.append(info)
            tally.entry(info.size if info.isreg() else 0)
            named = "path" in info.pax_headers
            stored.append(Stored(info.name.encode("utf-8", "surrogateescape"), sure=named))
            guard.allow(_HEADERS)
        names, self.notes = decoded(stored, options.names_in)
        self._entries: dict[int, tarfile.TarInfo] = {}
        members, left_out, files = list[Member](), list[LeftOut](), dict[str, tarfile.TarInfo]()
        for number, (name, info) in enumerate(zip(names, infos, strict=True), 1):
            data, problem = info, _refusal(info)
            if info.islnk() and info.linkname in files:
                # The same file under another name: in a folder it would be processed like any
                # other.
                data, problem = files[info.linkname], None
                tally.bytes(data.size)
            try:
                safe = safe_name(name, number)
            except HostileError:
                raise
            except UnsupportedError as error:
                if not info.isdir():
                    left_out.append(LeftOut(name, error))
                continue
            if info.isdir():
                continue
            if problem is not None:
                left_out.append(LeftOut(str(safe), problem, passed=_is_passed(info)))
                continue
            files[info.name] = data
            self._entries[number] = data
            members.append(Member(safe, data.size, number))
        self.members, self.left_out = tuple(members), tuple(left_out)

    def _require_end(self, file: IO[bytes]) -> None:
        # A broken or missing header ends the list silently.
        file.seek(self._tar.offset)
        if file.read(_BLOCK) != bytes(_BLOCK):
            raise UnreadableError(say("the tar archive is damaged or cut off"), COMPLETE)

    def open(self, member: Member) -> IO[bytes]:
        data = self._tar.extractfile(self._entries[member.number])
        assert data is not None, "only plain files are members"
        return data

    def close(self) -> None:
        self._stack.close()


def _refusal(info: tarfile.TarInfo) -> UnsupportedError | None:
    """The reason for leaving an entry out, or None."""
    if info.issparse():
        return UnsupportedError(say("it is stored with holes, which is not handled"), REPACK)
    if info.islnk():
        return UnsupportedError(
            say("it is a link to a file that the archive does not hold before it"), REPACK
        )
    return None if info.isreg() else UnsupportedError(LINK, REPACK)


def _is_passed(info: tarfile.TarInfo) -> bool:
    """Whether an entry would be skipped in a folder."""
    return info.issym() or info.isdev()


def _head(file: IO[bytes]) -> bytes:
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    return head


def _unpack(file: IO[bytes], kind: str, target: IO[bytes], tally: Tally) -> None:
    try:
        for chunk in _chunks(file, kind):
            tally.bytes(len(chunk))
            try:
                target.write(chunk)
            except OSError as error:
                raise cannot_write(error) from error
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise UnreadableError(
            say("the archive ({kind}) is damaged or cut off", kind=kind), COMPLETE
        ) from error


def _chunks(file: IO[bytes], kind: str) -> Iterator[bytes]:
    if kind == "xz":
        yield from _unxz(file)
        return
    unpacked: IO[bytes]
    if kind == "gzip":
        unpacked = cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    elif kind == "bzip2":
        unpacked = cast("IO[bytes]", bz2.BZ2File(file))
    else:
        unpacked = _zstd(file)
    while chunk := unpacked.read(_CHUNK):
        yield chunk


def _zstd(file: IO[bytes]) -> IO[bytes]:
    try:
        zstd = import_module("compression.zstd")
    except ImportError as error:  # before Python 3.14
        raise UnsupportedError(
            say("archives (zstd) are not handled by this version of Python"),
            say("Pack it with gzip."),
        ) from error
    opened: IO[bytes] = zstd.open(file)
    return opened


def _unxz(file: IO[bytes]) -> Iterator[bytes]:
    """The data as `lzma.open` gives it, with a bound on the memory a header can ask for."""
    while True:
        decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        while not decoder.eof:
            data = file.read(_CHUNK) if decoder.needs_input else b""
            if decoder.needs_input and not data:
                raise EOFError
            yield decoder.decompress(data, _CHUNK)
        rest = decoder.unused_data.lstrip(b"\0")  # padding between streams
        if not rest and not (rest := file.read(_CHUNK).lstrip(b"\0")):
            return
        file.seek(-len(rest), 1)
