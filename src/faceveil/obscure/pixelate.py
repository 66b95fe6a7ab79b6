"""The codes as they are: a coarse mosaic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from faceveil.frames import Image
from faceveil.geometry import Region
from faceveil.obscure.codes import Codes, borders, summarize
from faceveil.options import Options

if TYPE_CHECKING:
    from faceveil.obscure.canvas import Canvas


class Pixelate:
    """One flat rectangle a cell."""

    name = "pixelate"
    recoverable = False
    holds = True

    def __init__(self, options: Options) -> None:
        self._cells = options.cells

    def summarize(self, canvas: Canvas, region: Region) -> Codes:
        return summarize(canvas, region, self._cells)

    def draw(self, codes: Codes, region: Region) -> Image:
        rows, cols = codes.cells.shape[:2]
        height, width = int(region.box.height), int(region.box.width)
        bands = codes.cells.repeat(np.diff(borders(width, cols)), axis=1)
        return bands.repeat(np.diff(borders(height, rows)), axis=0)
