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
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from anyio import to_thread
from starlette.requests import Request


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
