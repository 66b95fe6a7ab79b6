"""Incoming uploads: read and counted as they arrive, without a name until they are accepted.

The bytes go into unnamed files in the folder of the jobs. If the server dies, the kernel frees
them. An upload uses two such files, however many files it has: the first file has one of its own,
which later gets a name, so that a large video is written only once; all others share the second.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any

from anyio import to_thread
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from faceveil.i18n import say
from faceveil.server.problems import ProblemError

_FIELDS = 16
_FIELD_BYTES = 256 * 1024


def unnamed(folder: Path) -> IO[bytes]:
    """A file that disappears when it is closed, however that happens."""
    if hasattr(os, "O_TMPFILE"):
        with suppress(OSError):  # not every file system can
            handle = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
            return os.fdopen(handle, "w+b")
    return tempfile.TemporaryFile(dir=folder)


def keep(file: IO[bytes], target: Path) -> None:
    """Give an unnamed file a name in its own file system, copying only where that is impossible."""
    file.flush()
    try:
        handle = file.fileno()  # which a part of a file has not
        # Python follows the link that stands for the file only if some folder is given.
        os.link(f"/proc/self/fd/{handle}", target, src_dir_fd=handle, follow_symlinks=True)
    except OSError:
        file.seek(0)
        with target.open("xb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
    target.chmod(0o600)


class Slice(io.RawIOBase):
    """A file inside the shared file: everything that is written through this is in one piece.

    Args:
        whole: the shared file; its earlier content is left alone.
    """

    def __init__(self, whole: IO[bytes]) -> None:
        self._whole = whole.fileno()
        self._start: int | None = None
        self._size = self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self._start is None:  # not before: the one before it grows until then
            self._start = os.fstat(self._whole).st_size
        left = memoryview(data)
        while left:
            count = os.pwrite(self._whole, left, self._start + self._at)
            self._at += count
            self._size = max(self._size, self._at)
            left = left[count:]
        return len(data)

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self._size - self._at)
        data = os.pread(self._whole, count, (self._start or 0) + self._at) if count > 0 else b""
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at


class _Parser(MultiPartParser):
    """Starlette's parser, with files of ours."""

    def __init__(self, request: Request, folder: Path, most: int) -> None:
        super().__init__(
            Headers(scope=request.scope),
            request.stream(),
            max_files=most,
            max_fields=_FIELDS,
            max_part_size=_FIELD_BYTES,
        )
        self._folder = folder
        self.files: list[IO[bytes]] = []
        """Files that have to be closed."""

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        part = self._current_part
        if part.file is not None:
            part.file.file.close()
            if len(self.files) < 2:
                self.files.append(unnamed(self._folder))
            file: Any = self.files[0]
            if self._current_files > 1:
                file = Slice(self.files[1])
            part.file.file = file


@asynccontextmanager
async def read_form(request: Request, folder: Path, most: int) -> AsyncIterator[FormData]:
    """The fields and files of a multipart request, for as long as this is open.

    Args:
        folder: the folder for the files until they are accepted.
        most: number of files.

    Raises:
        ProblemError: it is not multipart, broken, or has too many parts.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise ProblemError(415, "unsupported", say("files have to be sent as multipart/form-data"))
    parser = _Parser(request, folder, most)
    try:
        try:
            form = await parser.parse()
        except MultiPartException as error:
            status, kind = (413, "limit") if "Too many" in error.message else (400, "usage")
            raise ProblemError(status, kind, error.message.rstrip(".").lower()) from error
        except (ValueError, LookupError) as error:  # by its own declaration
            raise ProblemError(400, "usage", say("the form cannot be read")) from error
        yield form
    finally:
        for file in parser.files:
            file.close()


async def read_body(request: Request, folder: Path) -> IO[bytes]:
    """The body of a request in an unnamed file; close it when done."""
    file = unnamed(folder)
    try:
        async for chunk in request.stream():
            await to_thread.run_sync(file.write, chunk)
    except BaseException:
        file.close()
        raise
    return file


def files_of(form: FormData, field: str) -> list[UploadFile]:
    """The files that were sent under a name."""
    return [part for part in form.getlist(field) if isinstance(part, UploadFile)]


def text_of(form: FormData, field: str) -> str | None:
    """The text that was sent under a name, or None."""
    value = form.get(field)
    return value if isinstance(value, str) else None
