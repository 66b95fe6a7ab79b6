"""Brighten what is dark, and darken what is pale, because detectors see little in either.

Of the faces of 10 px and more that YuNet finds by day, it finds half at a fourteenth of the light,
and one in fifteen at a twenty-fifth. Brightened, it finds nine in ten of them. Of 103
faces with a twelfth of their contrast, next to white, it finds 4, and 81 darkened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Frame, Image

LEVEL = 100.0
"""A dark place is multiplied until the brightest thing near it has this level of 255. With higher
ones, small lit faces in front of a dark ground are overexposed.
"""
PALE_LEVEL = 200.0
"""The same for pale places, in the negative, where no lamps are overexposed: of 103 faces with 0.15
of their contrast, 78 are covered with a level of 100, 80 with 150, 85 with this, and 86 with 230.
"""
DUSK = 64.0
"""A picture is dark if half of its places have nothing brighter near them."""
DARK, LIGHT = 30.0, 50.0
"""In other pictures a place is dark up to the first level, and less and less so up to the second:
brightened shades look like faces more often than there are any in them.
"""
DEEP = 5.0
"""If the usual gain is this strong, the dark is deep. Small faces in a dusk would only lose by a
blur.
"""
MOST = 40.0
"""A stronger gain would show little but noise."""
LEAST = 1.25
"""If no place needs more than this gain, the picture stays as it is."""
CELLS, NEAR = 128, 8
"""Brightness is compared in cells, so many along the longer side. Those up to so many cells away
are near: a lamp or a lit face keeps its own surroundings dark, not the whole picture.
"""
SIDE = 2048
"""A larger picture is shrunk to this, or to what the finest look needs, before it is brightened."""
_MEAN = np.full((1, 3), 1 / 3, np.float32)

Gain = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Darkness:
    """The dark parts of a picture, or the pale ones, which are the dark ones of its negative.

    Attributes:
        gain: the factor by which each of its cells is brightened.
        prevails: most of it is dark.
    """

    gain: Gain
    prevails: bool

    @property
    def deep(self) -> bool:
        """Whether most of it is so dark that codecs leave little but blocks."""
        return _middle(self.gain) >= DEEP

    def brightened(self, image: Image, soft: float) -> Image:
        """The picture with its dark parts brightened; all parts keep their colours.

        Args:
            soft: standard deviation in pixels of a blur, where the dark is deep.
        """
        smooth = cv2.resize(self.gain, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        channels, deep = [], self.deep
        for one in cv2.split(image):
            if soft and deep:  # in hundredths of a level
                fine = cv2.GaussianBlur(one * np.uint16(100), (0, 0), soft)
                channels.append(cv2.multiply(fine, smooth, scale=0.01, dtype=cv2.CV_8U))
            else:
                channels.append(cv2.multiply(one, smooth, dtype=cv2.CV_8U))
        return np.asarray(cv2.merge(channels), np.uint8)


@dataclass(frozen=True, slots=True)
class Extremes:
    """The parts of a picture whose levels all lie near one end, so that little shows in them.

    Attributes:
        dark: the dark ones, if there are any.
        pale: the pale ones, as the dark ones of the negative, if most of the picture is pale: a
            white sky or wall is in many pictures, and no face is lost in it.
    """

    dark: Darkness | None
    pale: Darkness | None

    @property
    def gain(self) -> Gain:
        """The factor by which the contrast of each cell is raised."""
        gains = [part.gain for part in (self.dark, self.pale) if part is not None]
        return np.asarray(np.maximum.reduce(gains), np.float32)

    def lit(self, frame: Frame, finest: float = 1.0, soft: float = 0.0) -> Frame:
        """The frame with its dark parts brightened and its pale ones darkened, to be looked at.

        Other parts stay as they are. It is brightened before it is shrunk: the mean of shades that
        differ by a single level is lost if it is rounded in the dark.

        Args:
            finest: scale of the finest look. The result may be smaller than the frame, but not
                coarser than this look.
            soft: standard deviation in pixels of a blur, where the dark is deep.
        """
        width, height = frame.size
        scale = min(1.0, max(finest, SIDE / max(width, height)))
        image = frame.at_size(max(1, round(width * scale)), max(1, round(height * scale)))
        if self.dark is not None:
            image = self.dark.brightened(image, soft)
        if self.pale is not None:
            image = _negative(self.pale.brightened(_negative(image), 0.0))
        return Frame(frame.index, image, pts=frame.pts)


def lit(frame: Frame, finest: float = 1.0) -> Frame:
    """As `Extremes.lit`; the frame itself if none of it is dark or pale."""
    some = extremes(frame)
    return frame if some is None else some.lit(frame, finest)


def extremes(frame: Frame) -> Extremes | None:
    """The dark and the pale parts of a frame, or None if there are none."""
    return extremes_of(frame.at_size(*cells(*frame.size)))


def cells(width: int, height: int) -> tuple[int, int]:
    """Width and height, in cells, of a picture."""
    scale = CELLS / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def extremes_of(small: Image, black: int = 0, white: int = 255) -> Extremes | None:
    """The dark and the pale parts of a picture, or None if there are none.

    Args:
        small: the picture with one pixel a cell, BGR or grey.
        black, white: the levels of nothing and of full.
    """
    grey = small if small.ndim == 2 else cv2.transform(small, _MEAN)
    dark = darkness_of(np.maximum(grey, black) - np.uint8(black), LEVEL)
    pale = darkness_of(np.uint8(white) - np.minimum(grey, white), PALE_LEVEL)
    if pale is not None and not pale.prevails:
        pale = None
    return None if dark is None and pale is None else Extremes(dark, pale)


def darkness_of(grey: Image, level: float) -> Darkness | None:
    """The dark parts of a picture, or None if there are none.

    Args:
        grey: the picture with one pixel a cell.
        level: of what is brightest near a dark place, when it is brightened.
    """
    window = (2 * NEAR + 1, 2 * NEAR + 1)
    # Blurred, because a step in the gain would be an edge in the picture.
    near = cv2.dilate(grey, np.ones(window, np.uint8))
    if near.min() > DUSK:  # so bright everywhere that no place would be brightened
        return None
    brightest = cv2.blur(near.astype(np.float32), window)
    gain = np.clip(level / np.maximum(brightest, 1.0), 1.0, MOST)
    prevails = _mostly_below(brightest, DUSK)
    if not prevails:
        gain = 1.0 + (gain - 1.0) * np.clip((LIGHT - brightest) / (LIGHT - DARK), 0.0, 1.0)
    return None if gain.max() < LEAST else Darkness(np.asarray(gain, np.float32), prevails)


def _mostly_below(values: NDArray[Any], limit: float) -> bool:
    """Whether the median is below a limit. To count takes a tenth of the time of finding it."""
    below = 2 * np.count_nonzero(values < limit)
    return bool(below > values.size if below != values.size else _middle(values) < limit)


def _negative(image: Image) -> Image:
    return np.asarray(cv2.bitwise_not(image), np.uint8)


def _middle(values: NDArray[Any]) -> float:
    """The median. NumPy's own loads its masked arrays, which takes longer than all that is here."""
    places = [(values.size - 1) // 2, values.size // 2]
    return float(np.partition(values.ravel(), places)[places].mean())
