"""The classic Gaussian blur, for comparison. It can be undone.

Its codes are the whole untouched crop, with as many cells as pixels. The other obscurers keep few
cells and so bound what they give away; this one has no such bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from faceveil.frames import Image
from faceveil.geometry import Region
from faceveil.obscure.codes import Codes
from faceveil.options import Options

if TYPE_CHECKING:
    from faceveil.obscure.canvas import Canvas

_SMALLEST_KERNEL = 15
_LARGEST_KERNEL = 4  # times the patch: its result is flat to the eye, and larger ones cost minutes


class Gaussian:
    """``cv2.GaussianBlur`` with a kernel that grows with the face."""

    name = "gaussian"
    recoverable = True
    holds = False

    def __init__(self, options: Options) -> None:
        self._scale = options.gaussian_scale
        self._passes = options.gaussian_passes

    def summarize(self, canvas: Canvas, region: Region) -> Codes:
        return Codes(canvas.crop(region.box))

    def draw(self, codes: Codes, region: Region) -> Image:
        face = region.shapes[0].face
        kernel = max(int((face.width + face.height) * self._scale), _SMALLEST_KERNEL)
        kernel = min(kernel, _LARGEST_KERNEL * max(codes.cells.shape)) | 1
        patch = codes.cells
        for _ in range(self._passes):
            patch = cv2.GaussianBlur(patch, (kernel, kernel), 0)  # type: ignore[assignment]
        return patch
