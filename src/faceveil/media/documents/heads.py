"""The size of a picture and all that it holds beside its pixels, without decoding it.

A document may hold hundreds of pictures, and is opened for every preview of one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from faceveil.media.leftovers import leftovers
from faceveil.media.pictures.exif import SIDEWAYS, exif_orientation, read_exif
from faceveil.media.pictures.further import what_is_further
from faceveil.media.pictures.image import ImageSource
from faceveil.media.pictures.pillow import decoding, open_picture

if TYPE_CHECKING:
    from faceveil.options import Options


@dataclass(frozen=True, slots=True)
class Head:
    """The facts about a picture file.

    Attributes:
        sizes: width and height, as displayed, of each page, or of each frame of an animation.
        dropped, warnings: as a source has them.
    """

    sizes: tuple[tuple[int, int], ...]
    dropped: tuple[str, ...]
    warnings: tuple[str, ...]


def head_of(data: bytes, kind: str, options: Options) -> Head:
    """The facts about a picture; of the usual kinds nothing is decoded for it.

    Raises:
        InputError: it is broken, too large, or of a kind that is not handled.
    """
    head = _of_header(data, kind, options) if kind in ("jpeg", "png") else None
    if head is not None:
        return head
    with ImageSource(data, kind, options) as picture:
        media = picture.media
        pages = tuple((part.width, part.height) for part in media.parts)
        sizes = pages or ((media.width, media.height),) * (media.frames or 1)
        return Head(sizes, picture.dropped, picture.warnings)


def _of_header(data: bytes, kind: str, options: Options) -> Head | None:
    """The same from the header alone, or None if that does not say all."""
    # The EXIF of a PNG may come behind its pixels.
    if kind == "png" and any(one in data for one in (b"eXIf", b"Raw profile", b"acTL")):
        return None
    with decoding(kind):
        picture = open_picture(kind, data, options.max_pixels)
        width, height = picture.size
        if exif_orientation(read_exif(picture)) in SIDEWAYS:
            width, height = height, width
        warnings = tuple(what_is_further(kind, picture, data))
    return Head(((width, height),), tuple(leftovers(data)), warnings)
