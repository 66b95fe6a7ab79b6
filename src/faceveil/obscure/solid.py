"""A flat grey. Not the mean colour, which would still tell the tone of a skin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from faceveil.frames import Image
from faceveil.geometry import Region
from faceveil.obscure.codes import Codes, nothing
from faceveil.options import Options

if TYPE_CHECKING:
    from faceveil.obscure.canvas import Canvas

_GREY = 128


class Solid:
    """The same grey everywhere, whatever the picture."""

    name = "solid"
    recoverable = False
    holds = False

    def __init__(self, options: Options) -> None:
        pass

    def summarize(self, canvas: Canvas, region: Region) -> Codes:
        return nothing()

    def draw(self, codes: Codes, region: Region) -> Image:
        return np.full((int(region.box.height), int(region.box.width), 3), _GREY, np.uint8)
