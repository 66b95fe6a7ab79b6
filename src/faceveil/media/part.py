"""An output of FaceVeil: it appears under its final name complete and checked, or not at all."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from faceveil.errors import OutputError, UsageError
from faceveil.i18n import reason_of, say
from faceveil.system.files import WholeFile, part_prefix


class PartFile(WholeFile):
    """An output until it is committed, then with the permissions a new file gets there.

    Raises:
        OutputError: the folder is missing or cannot be written to.
        UsageError: the target is the input itself, under whatever name, or a folder.
    """

    def __init__(self, target: Path, source: Path | None = None) -> None:
        if source is not None and target.exists() and source.exists() and target.samefile(source):
            raise UsageError(
                say("the output would overwrite the input"), say("Choose another name for it.")
            )
        if target.is_dir():
            raise UsageError(say("the output is a folder"), say("Name a file in it."))
        with _in_words():
            super().__init__(target)

    def close(self, *, durable: bool = True) -> Path:
        """As `WholeFile.close`, but raises OutputError."""
        with _in_words():
            return super().close(durable=durable)

    def commit(self, mode: int | None = None, *, durable: bool = True) -> Path:
        """As `WholeFile.commit`, but raises OutputError."""
        with _in_words():
            return super().commit(mode, durable=durable)


def require_writable(target: Path, source: Path) -> None:
    """Refuse an output before any work is done for it.

    Raises:
        UsageError: it is the input itself, under whatever name, or a folder.
        OutputError: its folder is missing or cannot be written to.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise UsageError(
            say("{path} is the input, which is never overwritten", path=target),
            say("Choose another name for it."),
        )
    if target.is_dir():
        raise UsageError(say("{path} is a folder", path=target), say("Name a file in it."))
    try:
        WholeFile(target).abort()
    except OSError as error:
        raise OutputError(
            say("{path} cannot be written: {reason}", path=target, reason=reason_of(error)),
            say("Check the folder and the disk."),
        ) from error


class DiskError(OutputError):
    """The disk is full or failing: other files on it would fail, too."""


DISK_ERRORS: Final = frozenset(
    {errno.ENOSPC, errno.EIO, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EROFS}
)


def cannot_write(error: OSError) -> OutputError:
    """The error to raise when the operating system refuses to write."""
    reason = reason_of(error)
    kind = DiskError if error.errno in DISK_ERRORS else OutputError
    return kind(
        say("the output cannot be written: {reason}", reason=reason),
        say("Check the folder and the disk."),
    )


def scratch_beside(target: Path) -> Path:
    """A new folder, on the disk of an output, for what is needed until that is complete.

    Raises:
        OutputError: it cannot be made.
    """
    with _in_words():
        prefix = part_prefix(target.name)
        return Path(tempfile.mkdtemp(dir=target.parent, prefix=prefix, suffix=".part"))


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise cannot_write(error) from error
