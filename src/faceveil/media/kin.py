"""Whether a file was made by FaceVeil from another one: told by what it is, not by its name.

Nothing is written into an output that would tell, since that would mark whoever publishes it. But
an output is its input with some of it painted over, and holds nothing else: no metadata, which
hardly any picture of another origin can say of itself.
"""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from faceveil.errors import FaceVeilError
from faceveil.media.archive import OLDEST, archive_kind
from faceveil.media.hygiene import leftovers

if TYPE_CHECKING:
    from faceveil.media import Source
    from faceveil.options import Options
    from faceveil.types import Image

_SIDE: Final = 32
_LIKE: Final = 10.0
"""How far the colours of a place may lie apart that was not painted, on average of the channels."""
_SHARE: Final = 0.3
"""So much of a picture is left as it was, or nobody can tell."""


def is_made_from(path: Path, source: Source, options: Options) -> bool:
    """Whether a file is an output for this picture or video."""
    from faceveil.media import open_source

    try:
        if leftovers(path):
            return False
        with open_source(path, options) as output:
            mine, theirs = output.media, source.media
            if (mine.width, mine.height) != (theirs.width, theirs.height):
                return False
            # int16, or differences would wrap
            apart = np.abs(_small(output).astype(np.int16) - _small(source)).mean(axis=2)
            return bool((apart <= _LIKE).mean() >= _SHARE)
    except (FaceVeilError, OSError):
        return False


def is_made_from_file(path: Path, original: Path, options: Options) -> bool:
    """The same for an input that is not open, which may be an archive."""
    from faceveil.media import open_source

    try:
        if archive_kind(path) is not None:
            return archive_kind(original) is not None and is_own_zip(path)
        with open_source(original, options) as source:
            return is_made_from(path, source, options)
    except FaceVeilError:
        return False


def is_own_zip(path: Path) -> bool:
    """Whether a zip is one of those that `ArchiveWriter` writes."""
    try:
        with zipfile.ZipFile(path) as archive:
            return not archive.comment and all(
                (entry.date_time, entry.extra, entry.external_attr >> 16)
                == (OLDEST, b"", stat.S_IFREG | 0o600)
                for entry in archive.infolist()
            )
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False


def _small(source: Source) -> Image:
    frames = source.sample({0})
    return next(iter(frames)).at_size(_SIDE, _SIDE)
