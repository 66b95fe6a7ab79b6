"""Archives of pictures and videos: zip and tar in, zip out.

Every archive is treated as hostile. All facts about its entries are checked before the first is
unpacked, and unpacking stops at the declared sizes. Bombs: Fifield 2019, "A better zip bomb"
(overlapping entries).
"""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, Final, Protocol

from faceveil.errors import OutputError, UnreadableError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.advice import COMPLETE
from faceveil.media.archives.entries import LeftOut, Member, refuse_nested, safe_name
from faceveil.media.documents.recognize import kind_of
from faceveil.media.kinds import ARCHIVES, HEAD, PROGRAMS
from faceveil.media.names import key_of
from faceveil.media.part import PartFile, cannot_write
from faceveil.options import Options
from faceveil.system.closing import Aborting, Closing

__all__ = ["Archive", "ArchiveWriter", "Member", "archive_kind", "open_archive"]

_CHUNK: Final = 1 << 20
OLDEST: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every entry written: the first that a zip can hold."""

_TARS: Final = frozenset({"tar", "gzip", "bzip2", "xz", "zstd"})


class ArchiveReader(Protocol):
    """One format of archive.

    Attributes:
        members: the files in it, names and sizes checked; folders are left out.
        left_out: what cannot be had of it, and why.
        notes: how its names were read, if nothing in it says so.
    """

    members: tuple[Member, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    def open(self, member: Member) -> IO[bytes]:
        """The unpacked bytes of a member."""
        ...

    def close(self) -> None: ...


class Archive(Closing):
    """An archive that may be unpacked.

    Attributes:
        members: the files in it, in the order in which they are stored. Two may be of one name.
        left_out: what cannot be had of it, and why.
        notes: how its names were read, if nothing in it says so.
    """

    def __init__(self, reader: ArchiveReader) -> None:
        self._reader = reader
        self.members, self.left_out, self.notes = reader.members, reader.left_out, reader.notes

    def extract(self, member: Member, target: Path) -> None:
        """Unpack one member into a new file that only its owner can read.

        Raises:
            UnreadableError: it is damaged, or not of the size the archive claims.
            UnsupportedError: it is an archive itself.
            OutputError: the file is there already, or cannot be written.
        """
        try:
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise cannot_write(error) from error
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in self._chunks(member):
                    if not file.tell():
                        refuse_nested(chunk[:HEAD])
                    try:
                        file.write(chunk)
                    except OSError as error:
                        raise cannot_write(error) from error
        except BaseException:
            with suppress(OSError):
                target.unlink()
            raise

    def read(self, member: Member) -> bytes:
        """The unpacked bytes of one member, whatever they are.

        Raises:
            UnreadableError: it is damaged, or not of the size the archive claims.
        """
        return b"".join(self._chunks(member))

    def _chunks(self, member: Member) -> Iterator[bytes]:
        left = member.size
        with self._reader.open(member) as file:
            while True:
                with _reading():
                    # One byte more than declared shows that the declaration is false.
                    chunk = file.read(min(_CHUNK, left + 1))
                left -= len(chunk)
                if left < 0 or (left and not chunk):
                    raise UnreadableError(
                        say("it is not of the size that the archive claims"), COMPLETE
                    )
                if not chunk:
                    return
                yield chunk

    def close(self) -> None:
        self._reader.close()


@contextmanager
def _reading() -> Iterator[None]:
    """Turns the standard library's errors about damaged data into FaceVeil's."""
    from faceveil.media.archives.zips import DAMAGE

    try:
        yield
    except DAMAGE as error:
        raise UnreadableError(say("it is damaged"), COMPLETE) from error


def archive_kind(path: Path) -> str | None:
    """The kind of archive a file is by its bytes, or None for anything else.

    Raises:
        UnreadableError: the file cannot be read.
    """
    head, kind = kind_of(path)
    if kind is None and head.startswith(PROGRAMS) and zipfile.is_zipfile(path):
        return "zip"  # which unpacks itself
    return kind if kind in ARCHIVES else None


def open_archive(path: Path, options: Options, scratch: Path | None = None) -> Archive:
    """Open a zip or a tar (plain, gzip, bzip2, xz; zstd from Python 3.14 on).

    Args:
        options: ``max_entries``, ``max_unpacked``, ``max_ratio`` and ``names_in`` are used.
        scratch: where a compressed tar is unpacked to, in a file without a name; None: the
            system's folder for such files.

    Raises:
        UnreadableError: damaged, cut off, or its entries overlap.
        UnsupportedError: not such an archive, or a name in it leads out of it.
        LimitError: too many entries, or too much to unpack.
    """
    kind = archive_kind(path)
    if kind == "zip":
        from faceveil.media.archives.zips import ZipReader

        return Archive(ZipReader(path, options))
    if kind in _TARS:
        from faceveil.media.archives.tars import TarReader

        return Archive(TarReader(path, kind, options, scratch))
    raise UnsupportedError(
        say("archives ({kind}) are not handled", kind=kind)
        if kind
        else say("the file is no archive"),
        say("Pack the files as zip or tar."),
    )


class ArchiveWriter(Aborting):
    """A new zip, which appears under its name with ``commit`` or not at all.

    The same files give the same bytes: entries are stored as they are, with one fixed time,
    readable by their owner, without comments and extra fields.

    Raises:
        OutputError: the folder is missing or cannot be written to.
        UsageError: the target is the input itself, or a folder.
    """

    def __init__(self, target: Path, source: Path | None = None) -> None:
        self._part = PartFile(target, source)
        self._zip = zipfile.ZipFile(self._part.file, "w", zipfile.ZIP_STORED)
        self._names: list[PurePosixPath] = []
        self._keys: set[str] = set()

    def add(self, name: PurePosixPath, file: Path) -> None:
        """Put a file into the archive.

        Raises:
            UnsupportedError: the name is not safe.
            OutputError: there is one of that name already, or the disk is full.
        """
        name = safe_name(str(name), len(self._names) + 1)
        if key_of(name) in self._keys:
            raise OutputError(
                say("several entries of the archive would be called '{name}'", name=str(name))
            )
        entry = zipfile.ZipInfo(str(name), OLDEST)
        entry.create_system = 3  # Unix, on every system
        entry.external_attr = (stat.S_IFREG | 0o600) << 16
        try:
            with file.open("rb") as data:
                entry.file_size = os.fstat(data.fileno()).st_size
                with self._zip.open(entry, "w") as out:
                    while chunk := data.read(_CHUNK):
                        out.write(chunk)
        except OSError as error:
            raise cannot_write(error) from error
        self._names.append(name)
        self._keys.add(key_of(name))

    def commit(self) -> Path:
        """Complete the archive and give it its name, in one step."""
        try:
            self._zip.close()
        except OSError as error:
            raise cannot_write(error) from error
        return self._part.commit()

    def abort(self) -> None:
        """Remove what was written. Does nothing after ``commit``."""
        with suppress(OSError, ValueError):
            self._zip.close()
        self._part.abort()
