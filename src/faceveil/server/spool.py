"""Uploads on their way in: read as they come, counted, and nowhere under a name until accepted.

The bytes go into files without a name, in the folder of the jobs. If the server dies the kernel
frees them.
"""

from __future__ import annotations

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

from faceveil.server.problems import ProblemError

_FIELDS = 16
_FIELD_BYTES = 256 * 1024


def unnamed(folder: Path) -> IO[bytes]:
    """A file that is gone when it is closed, however that happens."""
    if hasattr(os, "O_TMPFILE"):
        with suppress(OSError):  # not every file system can
            handle = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
            return os.fdopen(handle, "w+b")
    return tempfile.TemporaryFile(dir=folder)


def keep(file: IO[bytes], target: Path) -> None:
    """Give an unnamed file a name in its own file system, copying only where that is impossible."""
    file.flush()
    try:
        handle = file.fileno()
        # Only with a folder given, whichever, does Python follow the link that stands for the file.
        os.link(f"/proc/self/fd/{handle}", target, src_dir_fd=handle, follow_symlinks=True)
    except OSError:
        file.seek(0)
        with target.open("xb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
    target.chmod(0o600)


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

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        part = self._current_part
        if part.file is not None:
            part.file.file.close()
            file: Any = unnamed(self._folder)
            part.file.file = file
            self._files_to_close_on_error.append(file)


@asynccontextmanager
async def read_form(request: Request, folder: Path, most: int) -> AsyncIterator[FormData]:
    """The fields and files of a multipart request, for as long as this is open.

    Args:
        folder: where the files lie meanwhile.
        most: number of files.

    Raises:
        ProblemError: it is not multipart, broken, or has too many parts.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise ProblemError(415, "unsupported", "files have to be sent as multipart/form-data")
    try:
        form = await _Parser(request, folder, most).parse()
    except MultiPartException as error:
        status, kind = (413, "limit") if "Too many" in error.message else (400, "usage")
        raise ProblemError(status, kind, error.message.rstrip(".").lower()) from error
    try:
        yield form
    finally:
        await form.close()


async def read_body(request: Request, folder: Path) -> IO[bytes]:
    """The bare body of a request in an unnamed file; close it when done."""
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
