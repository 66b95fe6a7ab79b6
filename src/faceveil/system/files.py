"""Files that appear whole or not at all, and files for their owner alone.

Everything that FaceVeil writes under a name goes through here, except what FFmpeg writes itself.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from faceveil.i18n import say
from faceveil.system import beats

PRIVATE: Final = 0o600
"""Permissions of a file that its owner alone may read."""
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class WholeFile:
    """A file that gets its name in one step, with all its bytes, or never.

    Until then it lies beside its target, hidden, readable by its owner alone.

    Args:
        folder: handle of an open folder that the target's path starts from.

    Attributes:
        target: the final name.
        path: the temporary name, ``.<target>.<random>.part``: it has no suffix a viewer or an
            upload tool would pick up.
        file: open for reading and writing until ``close``.

    Raises:
        OSError: the folder is missing or cannot be written to.
    """

    def __init__(self, target: Path, *, folder: int | None = None) -> None:
        self.target = target
        self._folder = folder
        self._committed = False
        self.path, self.file = self._created()
        if folder is None:
            beats.began(self.path)

    def _created(self) -> tuple[Path, IO[Any]]:
        while True:
            name = f"{part_prefix(self.target.name)}{secrets.token_hex(4)}.part"
            path = self.target.with_name(name)
            with suppress(FileExistsError):
                handle = os.open(path, _NEW, PRIVATE, dir_fd=self._folder)
                return path, os.fdopen(handle, "w+b")

    def close(self, *, durable: bool = True) -> Path:
        """Hand over every byte and return the temporary name.

        Args:
            durable: wait until they are on the disk: a crash after the rename must not leave an
                empty file under the final name.

        Raises:
            OSError: the disk is full, or failed.
        """
        if not self.file.closed:
            self.file.flush()
            if durable:
                os.fsync(self.file.fileno())
            self.file.close()
        return self.path

    def commit(self, mode: int | None = None, *, durable: bool = True) -> Path:
        """Rename to the final name, in one step.

        Args:
            mode: permissions; None: those that a new file gets there.
            durable: see `close`.

        Raises:
            OSError: the target cannot be replaced.
        """
        if not self._committed:
            self.close(durable=durable)
            if mode != PRIVATE:
                self.path.chmod(self._usual_mode() if mode is None else mode)
            os.replace(self.path, self.target, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            self._committed = True
        return self.target

    def _usual_mode(self) -> int:
        # Reading the umask means changing it, for all threads. So a probe file shows it instead.
        probe = self.path.with_name(self.path.name + ".mode")
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            return probe.stat().st_mode & 0o777
        finally:
            probe.unlink()

    def abort(self) -> None:
        """Remove what was written. Does nothing after ``commit``."""
        if self._committed:
            return
        with suppress(OSError):
            self.file.close()
        with suppress(OSError):
            os.unlink(self.path, dir_fd=self._folder)


def write_whole(
    target: Path,
    data: str | bytes,
    mode: int = PRIVATE,
    *,
    durable: bool = False,
    folder: int | None = None,
) -> None:
    """Write a file in one step: a reader sees the earlier file or this one, never a part of it.

    A link in its place is replaced, not followed.

    Args:
        data: text is written as UTF-8.
        mode: permissions.
        durable: return only when it would survive a power cut.
        folder: handle of an open folder that the target's path starts from.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    part = WholeFile(target, folder=folder)
    try:
        part.file.write(data.encode() if isinstance(data, str) else data)
        part.commit(mode, durable=durable)
    except BaseException:
        part.abort()
        raise


def part_prefix(name: str) -> str:
    """The beginning of a file's temporary name: as much of its own name as there is room for."""
    return f".{shortened(name, 100)}."


def shortened(text: str, most: int) -> str:
    """The beginning of a text, in so many bytes of UTF-8."""
    return os.fsencode(text)[:most].decode("utf-8", "ignore") if length(text) > most else text


def length(name: str) -> int:
    """The length of a name on the disk, in bytes."""
    return len(name.encode("utf-8", "surrogateescape"))


def open_own(path: Path, mode: int = PRIVATE, *, keep: bool = False) -> int:
    """Open a side output for writing, only if it is the user's own file and no link.

    It is written in place, so it may also be a pipe or a terminal. In a folder where others may
    write, one of them may have put a link there that leads to one of the user's files, or a file
    that everybody may read. Files of the system itself, such as ``/dev/stdout``, are accepted.

    Args:
        mode: permissions of a new file; also of an existing one, if only the owner may read it.
        keep: append to the existing content.

    Raises:
        OSError: it is a link, or somebody else's, or cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    if not str(path).startswith(("/dev/", "/proc/")):
        if path.is_symlink():  # where the next flag is not known
            raise OSError(errno.ELOOP, say("it is a link"))
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(path, flags, mode)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, say("it is a link")) from error
        raise
    try:
        found = os.fstat(handle)
        if stat.S_ISREG(found.st_mode):  # a pipe or a terminal keeps its mode
            if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
                raise PermissionError(errno.EPERM, say("it belongs to somebody else"))
            if mode == PRIVATE and hasattr(os, "fchmod"):
                os.fchmod(handle, mode)
            if not keep:
                os.ftruncate(handle, 0)
    except BaseException:
        os.close(handle)
        raise
    return handle
