"""A friendly bear where the face was, drawn from geometry in fixed colours.

It shows only position, size and tilt of the head, and reads no pixel.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from faceveil.frames import Image
from faceveil.geometry import Region, Shape
from faceveil.obscure.codes import Codes, nothing
from faceveil.options import Options

if TYPE_CHECKING:
    from faceveil.obscure.canvas import Canvas

_BACKGROUND = (214, 199, 176)  # all BGR
_FUR = (92, 143, 196)
_EAR = (140, 186, 226)
_MUZZLE = (203, 225, 243)
_CHEEK = (132, 143, 236)
_DARK = (46, 52, 66)
_LIGHT = (255, 255, 255)

# Discs of the figure in the head's own frame, whose unit is the radius of the head: x to the
# right, y down, half axes, colour.
_DISCS = (
    (-0.68, -0.70, 0.36, 0.36, _FUR),
    (0.68, -0.70, 0.36, 0.36, _FUR),
    (-0.68, -0.70, 0.20, 0.20, _EAR),
    (0.68, -0.70, 0.20, 0.20, _EAR),
    (0.0, 0.0, 1.0, 0.94, _FUR),
    (-0.58, 0.24, 0.17, 0.12, _CHEEK),
    (0.58, 0.24, 0.17, 0.12, _CHEEK),
    (0.0, 0.40, 0.42, 0.34, _MUZZLE),
    (-0.38, -0.10, 0.105, 0.13, _DARK),
    (0.38, -0.10, 0.105, 0.13, _DARK),
    (-0.35, -0.15, 0.035, 0.04, _LIGHT),
    (0.41, -0.15, 0.035, 0.04, _LIGHT),
    (0.0, 0.24, 0.13, 0.09, _DARK),
)
# Halves of the mouth, drawn as arcs: centre, half axes.
_SMILE = ((-0.10, 0.42, 0.10, 0.11), (0.10, 0.42, 0.10, 0.11))
_SMILE_WIDTH = 0.045

_HEAD = 0.56
"""Radius of the head for a face of size 1: the ears stay inside the usual cover, tilted or not."""
_LARGEST = 16_000.0
"""Larger heads, in pixels, are left out: OpenCV's fixed-point coordinates end soon after."""
_SHIFT = 4  # fractional bits of those coordinates


class Cartoon:
    """One figure a face on a plain background."""

    name = "cartoon"
    recoverable = False
    holds = False

    def __init__(self, options: Options) -> None:
        pass

    def summarize(self, canvas: Canvas, region: Region) -> Codes:
        return nothing()

    def draw(self, codes: Codes, region: Region) -> Image:
        patch = np.empty((int(region.box.height), int(region.box.width), 3), np.uint8)
        patch[:] = _BACKGROUND
        for shape in reversed(region.shapes):  # the largest face is the nearest: on top
            if shape.face.size < _LARGEST:
                _draw_bear(patch, shape, region.box.x0, region.box.y0)
        return patch


def _draw_bear(patch: Image, shape: Shape, left: float, top: float) -> None:
    x, y = shape.face.center
    x, y, radius = x - left, y - top, shape.face.size * _HEAD
    sin, cos = math.sin(shape.roll) * radius, math.cos(shape.roll) * radius
    degrees = math.degrees(shape.roll)

    def ellipse(
        u: float, v: float, a: float, b: float, end: int, color: tuple[int, int, int], line: int
    ) -> None:
        # OpenCV places pixel centres on whole numbers.
        centre = (_fixed(x + u * cos - v * sin - 0.5), _fixed(y + u * sin + v * cos - 0.5))
        axes = (_fixed(a * radius), _fixed(b * radius))
        cv2.ellipse(patch, centre, axes, degrees, 0, end, color, line, cv2.LINE_AA, _SHIFT)

    for u, v, a, b, color in _DISCS:
        ellipse(u, v, a, b, 360, color, cv2.FILLED)
    line = max(1, round(_SMILE_WIDTH * radius))
    for u, v, a, b in _SMILE:
        ellipse(u, v, a, b, 180, _DARK, line)


def _fixed(value: float) -> int:
    return round(value * (1 << _SHIFT))
