"""Operators that hide a face: FaceVeil's methods and its peers', as an attacker knows them.

Each can paint a picture, and each says what linear map of the hidden pixels its paint is. All of
them work on rows and columns apart, so a map is two matrices: paint = rows @ pixels @ cols.T.

The peers' operators are written anew from what their sources say they compute, at their defaults:
deface 1.5.0, uniface (privacy/blur.py at 13c4ac83d8e7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.frames import LUMA, Image
from faceveil.geometry import Box, Region, Target
from faceveil.obscure import Sampler as Sight
from faceveil.obscure import load_obscurer, paint
from faceveil.obscure.canvas import BgrCanvas
from faceveil.obscure.codes import borders, grid
from faceveil.obscure.region import mask, regions
from faceveil.options import Options

Matrix = NDArray[np.float64]
Line = Callable[[NDArray[np.float32], int], NDArray[Any]]
"""Filters the columns of an array; the second argument is the size of its kernel or block."""

_RED, _BLUE = LUMA["bt601"]
SHARES = np.array([_BLUE, 1 - _RED - _BLUE, _RED])
"""Of blue, green and red in luma."""
ROUNDING = 0.6
"""Standard deviation of what 8-bit rounding, once or twice, does to a sample."""
CODE_STEP = 17.0 / np.sqrt(12)
"""The same of a code: its luma has 16 levels."""


@dataclass(frozen=True)
class Look:
    """The evidence of one painted frame, without its values.

    Attributes:
        box: x0, y0, x1, y1 of the painted rectangle.
        rows, cols: (p, h) and (q, w), the linear map of its pixels. Empty if it tells nothing.
        hidden: (h, w) bool, False where the pixel still shows. All True unless p, q are h, w.
        noise: standard deviation of a value.
    """

    box: tuple[int, int, int, int]
    rows: Matrix
    cols: Matrix
    hidden: NDArray[np.bool_]
    noise: float = ROUNDING


class Operator(Protocol):
    """A way to hide a face.

    Attributes:
        name: what tables call it.
        held: frames of a track may share codes.
    """

    name: str
    held: bool

    def paint(self, image: Image, face: Box) -> Image:
        """A copy of a picture with the face hidden, as in a first frame."""
        ...

    def look(self, face: Box, width: int, height: int) -> Look:
        """The evidence in the paint over a face in a picture of this size."""
        ...

    def values(self, image: Image, face: Box) -> Matrix:
        """(p, q) luma, 0 to 255: what the frame shows of ``look``."""
        ...


class Ours:
    """A method of FaceVeil, run by its own code.

    Args:
        settings: as of ``Options``.
    """

    def __init__(self, name: str, **settings: Any) -> None:
        self.name = name
        self.options = Options.model_validate({"allow_weak": True, **settings})
        self._obscurer = load_obscurer(self.options)
        self.held = self._obscurer.holds

    def region(self, face: Box, width: int, height: int) -> Region:
        return regions([Target(0, face)], width, height, self.options)[0]

    def paint(self, image: Image, face: Box) -> Image:
        painted = image.copy()
        region = self.region(face, image.shape[1], image.shape[0])
        paint(BgrCanvas(painted), [region], [mask(region, self.options)], self._obscurer)
        return painted

    def look(self, face: Box, width: int, height: int) -> Look:
        region = self.region(face, width, height)
        x0, y0, x1, y1 = map(int, region.box.as_tuple())
        h, w = y1 - y0, x1 - x0
        hidden = mask(region, self.options) == 255
        if self.options.method == "gaussian":
            kernel = gaussian_kernel(face, self.options.gaussian_scale)
            passes = self.options.gaussian_passes
            rows, cols = (_matrix(_gaussian, n, kernel, passes) for n in (h, w))
            return Look((x0, y0, x1, y1), rows, cols, hidden)
        if not self.held:  # solid and cartoon look at no pixel
            return Look((x0, y0, x1, y1), np.zeros((0, h)), np.zeros((0, w)), hidden)
        down, across = grid(region, self.options.cells)
        return Look((x0, y0, x1, y1), means(h, down), means(w, across), hidden, CODE_STEP)

    def values(self, image: Image, face: Box) -> Matrix:
        if self.held:
            return luma(self.sight(image, face).codes().cells)
        region = self.region(face, image.shape[1], image.shape[0])
        if self.options.method != "gaussian":
            return np.zeros((0, 0))
        x0, y0, x1, y1 = map(int, region.box.as_tuple())
        return luma(self.paint(image, face)[y0:y1, x0:x1])

    def sight(self, image: Image, face: Box) -> Sight:
        """The facts about a face that the program uses before it paints."""
        region = self.region(face, image.shape[1], image.shape[0])
        return Sight(BgrCanvas(image), region, self._obscurer)


class Peer:
    """An operator of another program.

    Args:
        line: the filter, one direction of it.
        size: kernel or block for a rectangle of this height and width, each way.
        grow: the face's box is widened by this share of itself on each side.
        ellipse: only the ellipse in the rectangle is painted.
    """

    held = False

    def __init__(
        self,
        name: str,
        line: Line,
        size: Callable[[int, int], tuple[int, int]],
        grow: float = 0.0,
        ellipse: bool = False,
    ) -> None:
        self.name = name
        self._line, self._size, self._grow, self._ellipse = line, size, grow, ellipse

    def _box(self, face: Box, width: int, height: int) -> tuple[int, int, int, int]:
        grown = face.padded(*[self._grow] * 4)
        x0, y0, x1, y1 = (round(side) for side in grown.as_tuple())
        return max(x0, 0), max(y0, 0), min(x1, width - 1), min(y1, height - 1)

    def paint(self, image: Image, face: Box) -> Image:
        x0, y0, x1, y1 = self._box(face, image.shape[1], image.shape[0])
        painted = image.copy()
        part = painted[y0:y1, x0:x1]
        h, w = part.shape[:2]
        tall, wide = self._size(h, w)
        filtered = _both(self._line, part.astype(np.float32), tall, wide)
        if filtered.shape != part.shape:  # a mosaic: each value is a block
            blocks = cv2.resize(filtered, (w, h), interpolation=cv2.INTER_NEAREST)
            filtered = np.asarray(blocks, np.float32)
        inside = self._inside(h, w)
        part[inside] = np.rint(filtered).clip(0, 255).astype(np.uint8)[inside]
        return painted

    def _inside(self, height: int, width: int) -> NDArray[np.bool_]:
        if not self._ellipse:
            return np.ones((height, width), np.bool_)
        y, x = np.ogrid[:height, :width]
        ry, rx = height // 2, width // 2
        return np.asarray(((y - ry) / ry) ** 2 + ((x - rx) / rx) ** 2 < 1, np.bool_)

    def look(self, face: Box, width: int, height: int) -> Look:
        box = self._box(face, width, height)
        h, w = box[3] - box[1], box[2] - box[0]
        tall, wide = self._size(h, w)
        rows, cols = _matrix(self._line, h, tall), _matrix(self._line, w, wide)
        return Look(box, rows, cols, self._inside(h, w))

    def values(self, image: Image, face: Box) -> Matrix:
        x0, y0, x1, y1 = self._box(face, image.shape[1], image.shape[0])
        shown = luma(self.paint(image, face)[y0:y1, x0:x1])
        h, w = shown.shape
        tall, wide = self._size(h, w)
        down, across = len(_matrix(self._line, h, tall)), len(_matrix(self._line, w, wide))
        # Of a mosaic, one pixel from the middle of each block.
        centers = [((np.arange(k) + 0.5) * n / k).astype(int) for n, k in ((h, down), (w, across))]
        return shown[np.ix_(*centers)]


def luma(image: NDArray[Any]) -> Matrix:
    """(..., 3) BGR to (...) luma."""
    return np.asarray(image @ SHARES, np.float64)


def means(length: int, cells: int) -> Matrix:
    """(cells, length): the averages over FaceVeil's cells."""
    edges = borders(length, cells)
    at = np.arange(length)
    inside = (at >= edges[:-1, None]) & (at < edges[1:, None])
    return np.asarray(inside / inside.sum(axis=1, keepdims=True), np.float64)


def gaussian_kernel(face: Box, scale: float) -> int:
    """Size of the tutorial's kernel: a share of width plus height, 15 at least, odd."""
    return max(int((face.width + face.height) * scale), 15) | 1


def _gaussian(columns: NDArray[np.float32], kernel: int) -> NDArray[Any]:
    sigma = 0.3 * ((kernel - 1) * 0.5 - 1) + 0.8  # what OpenCV takes where none is given
    return cv2.GaussianBlur(columns, (1, kernel), sigmaX=1, sigmaY=sigma)


def _box_filter(columns: NDArray[np.float32], kernel: int) -> NDArray[Any]:
    return cv2.blur(columns, (1, kernel))


def _sample(columns: NDArray[np.float32], block: int) -> NDArray[Any]:
    height, width = columns.shape[:2]
    small = max(1, height // block)
    return cv2.resize(columns, (width, small), interpolation=cv2.INTER_LINEAR)


def _both(line: Line, image: NDArray[np.float32], tall: int, wide: int) -> NDArray[np.float32]:
    down = line(image, tall).transpose(1, 0, 2)
    across = line(np.ascontiguousarray(down), wide).transpose(1, 0, 2)
    return np.ascontiguousarray(across, np.float32)


@cache
def _matrix(line: Line, length: int, size: int, passes: int = 1) -> Matrix:
    """The effect of a filter on ``length`` pixels in a row with its edges, from unit pulses."""
    once = np.asarray(line(np.eye(length, dtype=np.float32), size), np.float64)
    return np.linalg.matrix_power(once, passes) if passes > 1 else once


def _third(height: int, width: int) -> tuple[int, int]:
    kernel = max(3, int(min(height, width) / 7 * 3)) | 1
    return kernel, kernel


DEFAULT = Ours("balanced: blur, 3 cells (default)", preset="balanced")
TUTORIAL = Ours("Gaussian, one pass (tutorial)", method="gaussian")
SOLID = Ours("strict: solid", preset="strict")
KNOWN_WEAK: tuple[Operator, ...] = (
    TUTORIAL,
    Ours("Gaussian, two passes (tutorial)", method="gaussian", gaussian_passes=2),
    Peer("deface 1.5.0: blur", _box_filter, lambda h, w: (h // 2, w // 2), 0.3, ellipse=True),
    Peer("uniface: gaussian", _gaussian, _third),
    Peer("uniface: pixelate", _sample, lambda h, w: (15, 15)),
)
# Pixelate draws the codes of blur in another way: an attacker gets the same from both.
OURS: tuple[Ours, ...] = (
    SOLID,
    Ours("cartoon", method="cartoon"),
    DEFAULT,
    Ours("light: blur, 5 cells", preset="light"),
    *(Ours(f"blur, {n} cells", cells=n) for n in (2, 4, 6, 7, 8)),
    *(Ours(f"pixelate, {n} cells", method="pixelate", cells=n) for n in (3, 8)),
)
