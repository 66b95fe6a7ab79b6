"""Traits of the input that its output should have, too."""

from __future__ import annotations

from dataclasses import dataclass

from faceveil.media.colour import Space
from faceveil.media.pictures.density import Density


@dataclass(frozen=True, slots=True)
class Traits:
    """The coding of the input, as far as the output should resemble it.

    Attributes:
        plays: how often an animation runs; 0: for ever.
        lossless: the input's own format lost nothing.
        chroma: JPEG subsampling of the input: 0 for 4:4:4, 1 for 4:2:2, 2 for 4:2:0; None where
            there is none to follow.
        density: resolution and shape of the pixels, as displayed; None where nothing is said.
        densities: the same of each page of a TIFF.
        jpeg: the input, if it is a JPEG.
    """

    plays: int = 0
    lossless: bool = False
    chroma: int | None = None
    density: Density | None = None
    densities: tuple[Density | None, ...] = ()
    jpeg: StoredJpeg | None = None


@dataclass(frozen=True, slots=True)
class StoredJpeg:
    """A JPEG file whose blocks may be kept.

    Attributes:
        data: the file.
        orientation: EXIF's number for the turn from the stored to the displayed picture.
        converted: whether its colours are others than sRGB's, and were converted to be shown.
        space: the name of its colour space, if that is well known.
    """

    data: bytes
    orientation: int = 1
    converted: bool = False
    space: Space | None = None
