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
"""Microseconds of film that are written to the disk at once: the most that can be lost."""

MUXER_OPTIONS: Final = {
    # Nothing has to be written at the end to make the file readable.
    "mp4": {"movflags": "+empty_moov+default_base_moof", "frag_duration": str(_PIECE)},
    "mov": {"movflags": "+empty_moov+default_base_moof", "frag_duration": str(_PIECE)},
    "matroska": {"cluster_time_limit": str(_PIECE // 1000)},
}


class RecordingFile(PartFile):
    """A file under a name of its own, ``x.recording.mp4``, until it is committed as ``x.mp4``.

    Unlike a `PartFile` it can be seen and played while it is made, because every frame in it is
    covered already. It remains if the program is killed.

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
            with suppress(FileExistsError):  # a recording that an earlier run left is kept
                return path, _Straight(os.open(path, flags, PRIVATE), "r+")

    def keep(self, size: int) -> None:
        """Cut off the part that could not be written completely, and close.

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
        except OSError:  # on a full disk; then only its owner can read it
            return PRIVATE


class _Straight(io.FileIO):
    """Writes everything at once and completely."""

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            rest = rest[super().write(rest) or 0 :]
        return size
