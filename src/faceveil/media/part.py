"""A file that appears under its final name whole, checked, or not at all."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from faceveil.errors import OutputError, UsageError
from faceveil.media.names import shortened
from faceveil.system import beats


class PartFile:
    """A temporary file beside its target, readable by its owner only until it is committed.

    Attributes:
        target: the final name.
        path: the temporary name, ``.<target>.<random>.part``: it has no suffix a viewer or an
            upload tool would pick up.
        file: open for reading and writing until ``close``.

    Raises:
        OutputError: the folder is missing or cannot be written to.
        UsageError: the target is the input itself, under whatever name, or a folder.
    """

    def __init__(self, target: Path, source: Path | None = None) -> None:
        if source is not None and target.exists() and source.exists() and target.samefile(source):
            raise UsageError("the output would overwrite the input", "Choose another name for it.")
        if target.is_dir():
            raise UsageError("the output is a folder", "Name a file in it.")
        self.target = target
        try:
            self.path, self.file = self._created()
        except OSError as error:
            raise cannot_write(error) from error
        beats.began(self.path)
        self._committed = False

    def _created(self) -> tuple[Path, IO[Any]]:
        descriptor, name = tempfile.mkstemp(
            dir=self.target.parent, prefix=part_prefix(self.target.name), suffix=".part"
        )
        return Path(name), os.fdopen(descriptor, "w+b")

    def close(self) -> Path:
        """Put every byte on the disk and return the temporary name.

        Raises:
            OutputError: the disk is full, or failed.
        """
        if not self.file.closed:
            try:
                self.file.flush()
                # A crash after the rename must not leave an empty file under the final name.
                os.fsync(self.file.fileno())
                self.file.close()
            except OSError as error:
                raise cannot_write(error) from error
        return self.path

    def commit(self) -> Path:
        """Rename to the final name, in one step, with the permissions a new file gets there.

        Raises:
            OutputError: the target cannot be replaced.
        """
        if self._committed:
            return self.target
        self.close()
        try:
            self.path.chmod(self._usual_mode())
            self.path.replace(self.target)
        except OSError as error:
            raise cannot_write(error) from error
        self._committed = True
        return self.target

    def _usual_mode(self) -> int:
        # Asking for the umask means changing it, for all threads. A probe file shows it instead.
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
            self.path.unlink(missing_ok=True)


class DiskError(OutputError):
    """The disk is full, or fails: what is written next to it will not fare better."""


DISK_ERRORS: Final = frozenset(
    {errno.ENOSPC, errno.EIO, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EROFS}
)


def cannot_write(error: OSError) -> OutputError:
    """The error to raise when the operating system refuses to write."""
    reason = (error.strerror or "input or output failed").lower()
    kind = DiskError if error.errno in DISK_ERRORS else OutputError
    return kind(f"the output cannot be written: {reason}", "Check the folder and the disk.")


def part_prefix(name: str) -> str:
    """How the temporary name of a file begins: with as much of its own as there is room for."""
    return f".{shortened(name, 100)}."


def open_own(
    path: Path, mode: int = 0o600, *, keep: bool = False, dir_fd: int | None = None
) -> int:
    """Open a side output for writing: one of the user's own, and where its name says.

    In a folder where others may write, one of them may have put a link there that leads to a file
    of the user's, or a file that everybody may read. What the system itself keeps, such as
    ``/dev/stdout``, is no such place.

    Args:
        mode: permissions of a new file, and of one that is there if they are for its owner alone.

    Raises:
        OSError: it is a link, or somebody else's, or cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    if not str(path).startswith(("/dev/", "/proc/")):
        if dir_fd is None and path.is_symlink():  # where the next flag is not known
            raise OSError(errno.ELOOP, "it is a link")
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(path, flags, mode, dir_fd=dir_fd)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link") from error
        raise
    try:
        found = os.fstat(handle)
        if stat.S_ISREG(found.st_mode):  # a pipe or a terminal keeps its mode
            if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
                raise PermissionError(errno.EPERM, "it belongs to somebody else")
            if mode == 0o600 and hasattr(os, "fchmod"):
                os.fchmod(handle, mode)
            if not keep:
                os.ftruncate(handle, 0)
    except BaseException:
        os.close(handle)
        raise
    return handle
