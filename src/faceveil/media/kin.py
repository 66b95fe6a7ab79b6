"""Decide whether FaceVeil made a file from another one, by its content and not by its name.

Outputs have no mark, because a mark would point to whoever publishes them. But an output is its
input with parts painted over, and contains no metadata, which is true of hardly any other picture.
"""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from faceveil.errors import FaceVeilError
from faceveil.media.archives.archive import OLDEST, archive_kind
from faceveil.media.documents.remains import remains

if TYPE_CHECKING:
    from faceveil.frames import Image
    from faceveil.media import Source
    from faceveil.options import Options

_SIDE: Final = 256
_CELL: Final = 8
"""Both in pixels: pictures are compared at this size, in cells like these."""
_LIKE: Final = 10.0
"""Largest difference in colour of an unpainted cell, on average of the channels."""
_NEAR: Final = 40.0
"""The same for large areas that were painted: codes keep their mean colours, but not exactly."""
_PLAIN: Final = 1.5
"""The median of the second differences in a cell without detail, as painted ones are."""
_GREY: Final = 128
"""The grey of a solid fill."""
_MOST: Final = 0.33
"""Share of cells that are neither unchanged nor painted: edges of paint run through some. Measured
on 55 pictures, 11 of them close-ups, by three methods at most 0.3; on 8,010 pairs of other pictures
below 0.33 in seven, two of which show the same.
"""


def is_made_from(path: Path, source: Source, options: Options) -> bool:
    """Whether a file is an output for this picture or video."""
    from faceveil.media import open_source

    try:
        if remains(path, options):
            return False
        with open_source(path, options) as output:
            mine, theirs = output.media, source.media
            if mine.kind == "document" and mine.format != "pdf":
                return _same_text(source, output)
            if (mine.width, mine.height) != (theirs.width, theirs.height):
                return False
            return _foreign(_small(source), _small(output)) <= _MOST
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
    """Whether `ArchiveWriter` wrote a zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            return not archive.comment and all(
                (entry.date_time, entry.extra, entry.external_attr >> 16)
                == (OLDEST, b"", stat.S_IFREG | 0o600)
                for entry in archive.infolist()
            )
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False


def _same_text(before: Source, after: Source) -> bool:
    """Whether most parts without pictures are the same in both documents."""
    from faceveil.media.documents.document import DocumentSource

    if not (isinstance(before, DocumentSource) and isinstance(after, DocumentSource)):
        return False
    names = {part.name for part in before.media.parts}
    if not names.issuperset(part.name for part in after.media.parts):
        return False
    old, new = dict(before.package.kept()), dict(after.package.kept())
    same = sum(old.get(name) == data for name, data in new.items())
    return 2 * same > len(new)


def _small(source: Source) -> Image:
    frames = source.sample({0})
    return next(iter(frames)).at_size(_SIDE, _SIDE)


def _foreign(before: Image, after: Image) -> float:
    """The share of a picture that is neither unchanged nor painted."""
    import cv2

    def cells(image: NDArray[Any], size: int = _SIDE // _CELL) -> NDArray[np.float32]:
        return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)

    def apart(one: NDArray[np.float32], other: NDArray[np.float32] | int) -> NDArray[np.float32]:
        return np.asarray(np.abs(one - other).mean(axis=2), np.float32)

    count = _SIDE // _CELL
    like = apart(cells(before), cells(after)) <= _LIKE
    bends = np.abs(cv2.Laplacian(cv2.cvtColor(after, cv2.COLOR_BGR2GRAY), cv2.CV_32F))
    tiles = bends.reshape(count, _CELL, count, _CELL).swapaxes(1, 2).reshape(count, count, -1)
    plain = np.median(tiles, axis=2) <= _PLAIN
    near = apart(cells(before, 4), cells(after, 4)) <= _NEAR
    near = np.kron(near, np.ones((count // 4, count // 4), bool)).astype(bool)
    grey = apart(cells(after), _GREY) <= _LIKE
    return float(1 - (like | plain & (near | grey)).mean())
