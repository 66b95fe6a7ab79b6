"""A painted JPEG written from the blocks of the one that was read; see `jpeg_blocks`."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.i18n import say
from faceveil.media.metadata.blocks import ICC_WHOLE
from faceveil.media.metadata.tiff import orientation_only
from faceveil.media.pictures.exif import SIDEWAYS
from faceveil.media.pictures.jpeg_blocks import changed_at_most, repainted
from faceveil.media.pictures.jpeg_layout import CannotKeep
from faceveil.media.pictures.large import strips
from faceveil.media.pictures.picture import to_pixels, upright
from faceveil.media.pictures.pillow import decoding, open_picture
from faceveil.media.pictures.well_known import from_srgb

if TYPE_CHECKING:
    from faceveil.frames import Frame, Image
    from faceveil.media.pictures.density import Density
    from faceveil.media.pictures.traits import StoredJpeg

_SAME: Final = 1
"""Levels by which two decoders may differ in a block that both have from the same numbers."""
_COARSE: Final = 32
"""Mean levels by which the coarsest tables in use may change paint."""
_BACK: Final = {6: 8, 8: 6}
"""EXIF orientation -> the one that undoes it, where that is another."""


def kept_jpeg(
    jpeg: StoredJpeg, original: Image, frame: Frame, density: Density | None, scratch: Path
) -> bytes:
    """The file with the painted blocks encoded again, and nothing else.

    The result is decoded and compared: outside the replaced blocks it must look as before, so a
    file that two decoders read differently is not kept.

    Args:
        original: (H, W, 3) uint8 BGR, the picture before anything was painted, as displayed.
        frame: the same, painted.
        density: resolution and shape of the pixels, as displayed.
        scratch: an existing folder; see `repainted`.

    Raises:
        CannotKeep: says why the picture has to be encoded instead.
    """
    if jpeg.converted and jpeg.space is None:
        raise CannotKeep(say("of colours that are not well known"))
    back = _BACK.get(jpeg.orientation, jpeg.orientation)
    touched = upright(_touched(original, frame).astype(np.uint8), back).astype(bool)
    stored, before = upright(frame.image, back), upright(original, back)
    if jpeg.space is not None:
        before = _decoded(jpeg.data, before.shape[0] * before.shape[1])
        stored = np.where(touched[..., None], from_srgb(stored, jpeg.space), before)
    bare = repainted(jpeg.data, stored, touched, scratch)
    _verify(bare, before, stored, touched)
    return bare[:2] + _head(jpeg, density) + bare[2:]


def _touched(original: Image, frame: Frame) -> NDArray[np.bool_]:
    """The painted pixels: where the picture differs, and all of every area that was painted.

    Paint may happen to equal the picture. Its block is replaced all the same, because equal-looking
    blocks may be coded by different numbers.
    """
    touched = _apart(original, frame.image) > 0
    for box in frame.painted:
        x0, y0, x1, y1 = (round(value) for value in box.as_tuple())
        touched[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
    return touched


def _verify(data: bytes, before: Image, painted: Image, touched: NDArray[np.bool_]) -> None:
    shown = _decoded(data, before.shape[0] * before.shape[1])
    outside = ~changed_at_most(data, touched)
    if np.any(_apart(shown, before)[outside] > _SAME):
        raise CannotKeep(say("read in two ways by two decoders"))
    if touched.any() and _apart(shown, painted)[touched].mean() > _COARSE:
        raise CannotKeep(say("not to be written as it was"))


def _apart(one: Image, other: Image) -> NDArray[np.uint8]:
    """Levels between two pictures, of the colour that differs most; NumPy is ten times slower."""
    height, width = one.shape[:2]
    levels = np.empty((height, width), np.uint8)
    for top, bottom in strips(width, height):
        blue, green, red = cv2.split(cv2.absdiff(one[top:bottom], other[top:bottom]))
        cv2.max(cv2.max(blue, green), red, levels[top:bottom])
    return levels


def _decoded(data: bytes, limit: int) -> Image:
    """The picture as stored, in its own colours."""
    with decoding("jpeg"):
        picture = open_picture("jpeg", data, limit)
        picture.load()
        return to_pixels(picture).image


def _head(jpeg: StoredJpeg, density: Density | None) -> bytes:
    """Application segments, written anew: JFIF, how the picture is turned, a well-known space."""
    if density is not None and jpeg.orientation in SIDEWAYS:
        density = density.turned()
    sizes = b"\0\0\1\0\1" if density is None else density.jfif()
    head = _segment(0xE0, b"JFIF\0\1\1" + sizes + b"\0\0")
    if jpeg.orientation != 1:
        head += _segment(0xE1, b"Exif\0\0" + orientation_only(jpeg.orientation))
    if jpeg.space is not None:
        head += _segment(0xE2, ICC_WHOLE + jpeg.space.icc(grey=False))
    return head


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
