"""Codes: the few coarse colours that are kept of a face.

Every obscurer paints a function of ``Codes`` and of geometry, and nothing else. A blur can be
undone because it is nearly invertible; the average of a ninth of a face, rounded to one of 256
colours, cannot, whatever is drawn from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faceveil.frames import LUMA, Image
from faceveil.geometry import Region

if TYPE_CHECKING:
    from faceveil.obscure.canvas import Canvas

BITS_PER_CELL = 8
"""4 bits of luma and 2 of each colour difference, so at most 256 different cells."""

# Offsets from neutral on a scale of 0 to 255. They are uneven because faces average skin, hair and
# clothing: skin of any tone lies around Cb -16, Cr +16, and strong colours are rare. Neutral is a
# level of its own, so that grey stays grey.
_CB = np.array([-40.0, -15.0, 0.0, 24.0])
_CR = np.array([-18.0, 0.0, 15.0, 38.0])
_RED, _BLUE = LUMA["bt601"]
_GREEN = 1 - _RED - _BLUE
_LUMA_STEP = 17.0  # 16 levels, black and white included

# Two levels next to each other are at most 25 apart, two with one between them at least 33.
_NEIGHBOURS = 28.0


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """The colours that a patch is drawn from, and the only data of the picture it may use.

    Attributes:
        cells: (rows, cols, 3) uint8 BGR, read-only; (0, 0, 3) if nothing is kept.
    """

    cells: Image

    def __post_init__(self) -> None:
        self.cells.flags.writeable = False

    def alike(self, other: Codes) -> bool:
        """Whether no cell differs by more than one level of luma and of each colour difference.

        Codes of the same still face differ that little when its box moves a little: the averages
        cross from one level to the next and back.
        """
        if self.cells.shape != other.cells.shape:
            return False
        one, two = (_components(codes.cells.astype(np.float64)) for codes in (self, other))
        return bool((np.abs(one - two) < _NEIGHBOURS).all())


def nothing() -> Codes:
    """The codes of an obscurer that looks at no pixel."""
    return Codes(np.zeros((0, 0, 3), np.uint8))


def borders(length: int, cells: int) -> NDArray[np.intp]:
    """The positions where ``cells`` cells begin and end on ``length`` pixels: cells + 1 of them.

    All are even but the last one, so that every 4:2:0 chroma sample lies in one cell as well.
    """
    pairs = (length + 1) // 2
    return np.minimum(np.arange(cells + 1) * pairs // cells * 2, length)


def grid(region: Region, cells: int) -> tuple[int, int]:
    """Rows and columns of a grid in which no face is covered by more than ``cells`` x ``cells``.

    A cell is never smaller than the largest face of the region divided by ``cells``, each way.
    """
    width = max(shape.face.width for shape in region.shapes)
    height = max(shape.face.height for shape in region.shapes)
    return _count(region.box.height, height / cells), _count(region.box.width, width / cells)


def _count(length: float, side: float) -> int:
    return max(1, int(length // 2) // math.ceil(side / 2))


def summarize(canvas: Canvas, region: Region, cells: int) -> Codes:
    """Average the region over a grid and round to few colours.

    Each pixel belongs to exactly one cell and the sums are integers, so the result does not depend
    on the order of the pixels in a cell.
    """
    return averaged(canvas, region, *grid(region, cells))


def averaged(canvas: Canvas, region: Region, rows: int, cols: int) -> Codes:
    """The codes of a region on a grid of so many rows and columns."""
    height, width = int(region.box.height), int(region.box.width)
    return Codes(quantize(canvas.means(region.box, borders(height, rows), borders(width, cols))))


def quantize(bgr: NDArray[np.float64]) -> Image:
    """Round colours to the nearest of 256.

    Args:
        bgr: (..., 3), 0 to 255.

    Returns:
        The same shape, uint8.
    """
    luma, blue, red = _components(bgr)
    level = np.rint(luma / _LUMA_STEP).clip(0, 15).astype(np.intp)
    cb = np.searchsorted((_CB[1:] + _CB[:-1]) / 2, blue)
    cr = np.searchsorted((_CR[1:] + _CR[:-1]) / 2, red)
    rounded: Image = _palette()[level, cb, cr]
    return rounded


def _components(bgr: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, ...): luma and the two colour differences, ITU-R BT.601, of colours (..., 3)."""
    blue, green, red = np.moveaxis(bgr, -1, 0)
    luma = _BLUE * blue + _GREEN * green + _RED * red
    return np.stack([luma, 0.564 * (blue - luma), 0.713 * (red - luma)])


@cache
def _palette() -> Image:
    """(16, 4, 4, 3): the colour of each luma level and colour difference."""
    luma, cb, cr = np.meshgrid(np.arange(16) * _LUMA_STEP, _CB, _CR, indexing="ij")
    blue, red = luma + cb / 0.564, luma + cr / 0.713
    green = (luma - _BLUE * blue - _RED * red) / _GREEN
    colors: Image = np.rint(np.stack([blue, green, red], -1)).clip(0, 255).astype(np.uint8)
    colors.flags.writeable = False
    return colors
