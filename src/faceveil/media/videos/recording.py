"""A recording: a file that can be played at any moment of its making, whatever ends it."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from faceveil.media.part import PartFile
from faceveil.system.files import PRIVATE, shortened

_MARK: Final = ".recording"
_PIECE: Final = 500_000
"""Microseconds of what is handed to the disk at once: all that can be lost."""

MUXER_OPTIONS: Final = {
    # Nothing has to be written at the end to make the file readable.
    "mp4": {"movflags": "+empty_moov+default_base_moof", "frag_duration": str(_PIECE)},
    "mov": {"movflags": "+empty_moov+default_base_moof", "frag_duration": str(_PIECE)},
    "matroska": {"cluster_time_limit": str(_PIECE // 1000)},
}


class RecordingFile(PartFile):
    """A file under a name of its own, ``x.recording.mp4``, until it is committed as ``x.mp4``.

    Other than a `PartFile` it can be seen and played while it is made: every frame in it is covered
    already. It is what is left if the program is killed.

    Raises: as `PartFile`.
    """

    def _created(self) -> tuple[Path, IO[Any]]:
        stem = shortened(self.target.stem, 200)
        number = 0
        while True:
            number += 1
            more = f"-{number}" if number > 1 else ""
            path = self.target.with_name(f"{stem}{_MARK}{more}{self.target.suffix}")
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            with suppress(FileExistsError):  # what an earlier run left is kept
                return path, _Straight(os.open(path, flags, PRIVATE), "r+")

    def keep(self, size: int) -> None:
        """Cut off what could not be written whole, and close.

        Args:
            size: bytes to keep.
        """
        with suppress(OSError):
            self.file.truncate(size)
        with suppress(OSError):
            self.file.close()

    def _usual_mode(self) -> int:
        try:
            return super()._usual_mode()
        except OSError:  # on a full disk; then it stays its owner's alone
            return PRIVATE


class _Straight(io.FileIO):
    """Hands everything on at once, and all of it."""

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            rest = rest[super().write(rest) or 0 :]
        return size
