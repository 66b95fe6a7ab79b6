"""The codes drawn smoothly, so that they look like a Gaussian blur that follows the face's size.

The grid is interpolated with the uniform cubic B-spline, which is close to a Gaussian (it is a box
filter applied four times) and, unlike the usual bicubic kernel, nowhere negative: no ringing and no
colour that is not between those of the cells around it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Image
from faceveil.geometry import Region
from faceveil.obscure.codes import Codes, summarize
from faceveil.options import Options

if TYPE_CHECKING:
    from faceveil.obscure.canvas import Canvas

_FINE = 16
"""Points a cell at which the spline is evaluated; between them a straight line is as good."""


class Blur:
    """A smooth rendering of the codes."""

    name = "blur"
    recoverable = False
    holds = True

    def __init__(self, options: Options) -> None:
        self._cells = options.cells

    def summarize(self, canvas: Canvas, region: Region) -> Codes:
        return summarize(canvas, region, self._cells)

    def draw(self, codes: Codes, region: Region) -> Image:
        rows, cols = codes.cells.shape[:2]
        height, width = int(region.box.height), int(region.box.width)
        down = _spline(min(height, rows * _FINE), rows)
        across = _spline(min(width, cols * _FINE), cols)
        bands = down @ codes.cells.reshape(rows, -1).astype(np.float32)
        fine = across @ bands.reshape(-1, cols, 3)
        smooth = cv2.resize(fine, (width, height), interpolation=cv2.INTER_LINEAR)
        return cv2.convertScaleAbs(smooth)  # type: ignore[return-value]


@lru_cache(maxsize=256)
def _spline(points: int, cells: int) -> NDArray[np.float32]:
    """(points, cells): weight of each cell at evenly spaced points; each row sums to 1.

    The colours of the first and last cell continue beyond them.
    """
    at = (np.arange(points) + 0.5) * cells / points - 0.5
    first = np.floor(at).astype(np.intp)
    t = at - first
    # The four pieces of the uniform cubic B-spline, e.g. de Boor, A Practical Guide to Splines.
    pieces = np.stack(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    )
    weights = np.zeros((points, cells))
    for offset, piece in enumerate(pieces / 6, start=-1):
        np.add.at(weights, (np.arange(points), (first + offset).clip(0, cells - 1)), piece)
    return weights.astype(np.float32)
