"""Surfaces to paint on: a BGR picture, or the planes of a video frame.

Painting the planes spares a video the round trip through BGR, which changes every pixel of the
frame. A canvas never copies more than the area it is asked about.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import pairwise
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.frames import LUMA, Frame, Image, Planes
from faceveil.geometry import Box

Color = tuple[int, int, int]
"""Blue, green, red."""


class Canvas(Protocol):
    """Pixels that can be averaged and painted over.

    All boxes hold whole pixels and lie inside the picture; on planes they begin on even ones.

    Attributes:
        width, height: in pixels.
    """

    width: int
    height: int

    def means(self, box: Box, ys: NDArray[np.intp], xs: NDArray[np.intp]) -> NDArray[np.float64]:
        """Exact mean colour of each cell of a grid.

        Args:
            ys, xs: borders of the rows and columns, ascending, from 0 to the height and width of
                the box.

        Returns:
            (rows, cols, 3) BGR, 0 to 255.
        """
        ...

    def crop(self, box: Box) -> Image:
        """A copy of the pixels of the box."""
        ...

    def paste(self, box: Box, patch: Image, mask: NDArray[np.uint8]) -> None:
        """Replace what is there, entirely where the mask is 255 and not at all where it is 0.

        Args:
            patch: (h, w, 3) BGR of the box's size.
            mask: (h, w).
        """
        ...

    def fill(self, box: Box, color: Color) -> None:
        """Paint a rectangle."""
        ...


def canvas_of(frame: Frame) -> Canvas:
    """The canvas of a frame: its planes where it has some, else its picture."""
    if frame.planes is not None:
        return PlanesCanvas(frame.planes, frame.forget_image, frame.alpha)
    return BgrCanvas(frame.image, frame.alpha)


class BgrCanvas:
    """A picture, painted in place. What is painted becomes opaque.

    Args:
        image: (H, W, 3) uint8 BGR.
        alpha: (H, W) uint8 opacity, painted too.
    """

    def __init__(self, image: Image, alpha: NDArray[np.uint8] | None = None) -> None:
        self.height, self.width = image.shape[:2]
        self._image = image
        self._alpha = alpha

    def means(self, box: Box, ys: NDArray[np.intp], xs: NDArray[np.intp]) -> NDArray[np.float64]:
        return _means(self._image[_slices(box)], ys, xs)

    def crop(self, box: Box) -> Image:
        return self._image[_slices(box)].copy()

    def paste(self, box: Box, patch: Image, mask: NDArray[np.uint8]) -> None:
        where = _slices(box)
        _blend(self._image[where], patch, mask)
        if self._alpha is not None:
            _blend(self._alpha[where], np.full_like(mask, 255), mask)

    def fill(self, box: Box, color: Color) -> None:
        where = _slices(box)
        self._image[where] = color
        if self._alpha is not None:
            self._alpha[where] = 255


class PlanesCanvas:
    """The planes of a video frame, painted in place. What is painted becomes opaque.

    A chroma sample is painted as far as the most painted of its pixels.

    Args:
        planes: luma and chroma; 4:2:0, 4:2:2, 4:4:0 or 4:4:4, 8 to 16 bits.
        painted: called after each change, to drop pictures made from the planes before it.
        alpha: (H, W) uint8 opacity, painted too: where it follows a head, it shows its outline.

    Raises:
        ValueError: the layout is none of these.
    """

    def __init__(
        self,
        planes: Planes,
        painted: Callable[[], None] = lambda: None,
        alpha: NDArray[np.uint8] | None = None,
    ) -> None:
        if not (set(planes.chroma) <= {1, 2} and 8 <= planes.depth <= 16):
            raise ValueError(f"cannot paint planes with chroma {planes.chroma}, {planes.depth} bit")
        if planes.matrix not in LUMA:
            raise ValueError(f"unknown colour matrix: {planes.matrix}")
        self.height, self.width = planes.y.shape
        self._planes = planes
        self._painted = painted
        self._alpha = alpha
        # Lines of two fields alternate, and so do those of their chroma: of 4:2:0, a sample of
        # either field belongs to two of four lines.
        (sx, sy), (across, down) = planes.chroma, planes.fields
        self._group = (sx * across if sx > 1 else 1, sy * down if sy > 1 else 1)
        self._from_bgr = _ycc_matrix(planes)
        self._to_bgr = np.linalg.inv(self._from_bgr[:, :3])

    def means(self, box: Box, ys: NDArray[np.intp], xs: NDArray[np.intp]) -> NDArray[np.float64]:
        planes, (sx, sy) = self._planes, self._planes.chroma
        where = self._chroma_slices(box)
        # A border of the last, odd pixel belongs to the chroma sample it lies in.
        chroma = (ys + sy - 1) // sy, (xs + sx - 1) // sx
        ycc = np.stack(
            [
                _means(planes.y[_slices(box)], ys, xs),
                _means(planes.u[where], *chroma),
                _means(planes.v[where], *chroma),
            ],
            axis=-1,
        )
        return ((ycc - self._from_bgr[:, 3]) @ self._to_bgr.T).clip(0, 255)

    def crop(self, box: Box) -> Image:
        planes, (sx, sy) = self._planes, self._planes.chroma
        luma = planes.y[_slices(box)]
        height, width = luma.shape
        where = self._chroma_slices(box)
        ycc = np.empty((height, width, 3), np.float32)
        ycc[..., 0] = luma
        for channel, plane in ((1, planes.u), (2, planes.v)):
            full = plane[where].repeat(sy, axis=0).repeat(sx, axis=1)
            ycc[..., channel] = full[:height, :width]
        bgr = (ycc - self._from_bgr[:, 3].astype(np.float32)) @ self._to_bgr.T.astype(np.float32)
        return np.rint(bgr).clip(0, 255).astype(np.uint8)

    def paste(self, box: Box, patch: Image, mask: NDArray[np.uint8]) -> None:
        planes, (sx, sy) = self._planes, self._planes.chroma
        _blend(planes.y[_slices(box)], self._convert(patch)[..., 0], mask)
        if self._alpha is not None:
            _blend(self._alpha[_slices(box)], np.full_like(mask, 255), mask)
        # Every chroma sample of which a pixel is painted, even if the box begins or ends within.
        (gx, gy), ends = self._group, _slices(box)
        more = [(at.start % size, -at.stop % size) for at, size in zip(ends, (gy, gx), strict=True)]
        if any(map(any, more)):
            patch = np.pad(patch, (*more, (0, 0)), mode="edge")
            mask = np.pad(mask, more, mode="edge")
        if (sx, sy) != (1, 1):
            size = patch.shape[1] // sx, patch.shape[0] // sy
            patch = cv2.resize(patch, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
            mask = _pooled(mask, gx, gy).repeat(gx // sx, axis=1).repeat(gy // sy, axis=0)
        chroma, where = self._convert(patch), self._chroma_slices(box, self._group)
        for plane, channel in ((planes.u, 1), (planes.v, 2)):
            target = plane[where]
            rows, cols = target.shape
            _blend(target, chroma[:rows, :cols, channel], mask[:rows, :cols])
        self._painted()

    def fill(self, box: Box, color: Color) -> None:
        planes = self._planes
        luma, u, v = self._convert(np.array([[color]], np.uint8))[0, 0]
        planes.y[_slices(box)] = luma
        where = self._chroma_slices(box, self._group)
        planes.u[where], planes.v[where] = u, v
        if self._alpha is not None:
            self._alpha[_slices(box)] = 255
        self._painted()

    def _chroma_slices(self, box: Box, group: tuple[int, int] | None = None) -> tuple[slice, slice]:
        """The chroma samples of a box, of whole groups if asked to."""
        (sx, sy), (rows, cols) = self._planes.chroma, _slices(box)
        gx, gy = group or (sx, sy)
        return (
            slice(rows.start // gy * (gy // sy), -(-rows.stop // gy) * (gy // sy)),
            slice(cols.start // gx * (gx // sx), -(-cols.stop // gx) * (gx // sx)),
        )

    def _convert(self, patch: Image) -> NDArray[Any]:
        """(h, w, 3) BGR -> the same of Y, Cb, Cr in the planes' own type."""
        if self._planes.depth == 8:
            return cv2.transform(patch, self._from_bgr)
        ycc = cv2.transform(patch.astype(np.float32), self._from_bgr)
        top = (1 << self._planes.depth) - 1
        return np.rint(ycc).clip(0, top).astype(self._planes.y.dtype)


def _slices(box: Box) -> tuple[slice, slice]:
    x0, y0, x1, y1 = map(int, box.as_tuple())
    return slice(y0, y1), slice(x0, x1)


def _means(area: NDArray[Any], ys: NDArray[np.intp], xs: NDArray[np.intp]) -> NDArray[np.float64]:
    """Means over the cells of a grid, (rows, cols) or (rows, cols, 3); the sums are exact."""
    depth = cv2.CV_32S if area.dtype == np.uint8 else cv2.CV_64F
    bands = [
        cv2.reduce(area[top:bottom], 0, cv2.REDUCE_SUM, dtype=depth) for top, bottom in pairwise(ys)
    ]
    sums = np.concatenate(bands).astype(np.float64)
    sums = np.add.reduceat(sums, xs[:-1], axis=1)
    counts = np.outer(np.diff(ys), np.diff(xs))
    means: NDArray[np.float64] = sums / counts.reshape(counts.shape + (1,) * (area.ndim - 2))
    return means


def _blend(target: NDArray[Any], patch: NDArray[Any], mask: NDArray[np.uint8]) -> None:
    """target += (patch - target) * mask / 255, rounded; exact where the mask is 0 or 255."""
    full = mask == 255
    if full.all():
        target[...] = patch
        return
    np.copyto(target, patch, where=full if target.ndim == 2 else full[..., None])
    soft = (mask != 0) & ~full
    if soft.any():
        edge = np.nonzero(soft)
        weight = mask[edge].astype(np.uint32)
        if target.ndim == 3:
            weight = weight[:, None]
        target[edge] = (target[edge] * (255 - weight) + patch[edge] * weight + 127) // 255


def _pooled(mask: NDArray[np.uint8], sx: int, sy: int) -> NDArray[np.uint8]:
    """The largest value of each block of sy x sx."""
    rows = reduce(np.maximum, (mask[start::sy] for start in range(sy)))
    return reduce(np.maximum, (rows[:, start::sx] for start in range(sx)))


def _ycc_matrix(planes: Planes) -> NDArray[np.float64]:
    """(3, 4): BGR of 0 to 255 and 1 -> Y, Cb, Cr as stored in the planes."""
    red, blue = LUMA[planes.matrix]
    luma = np.array([blue, 1 - red - blue, red])
    cb = (np.array([1.0, 0.0, 0.0]) - luma) / (2 * (1 - blue))
    cr = (np.array([0.0, 0.0, 1.0]) - luma) / (2 * (1 - red))
    unit = 1 << (planes.depth - 8)
    if planes.full_range:
        scale = np.full(3, float((1 << planes.depth) - 1))
        offset = np.array([0, 128 * unit, 128 * unit])
    else:
        scale = np.array([219.0, 224.0, 224.0]) * unit
        offset = np.array([16, 128, 128]) * unit
    return np.column_stack([np.stack([luma, cb, cr]) * scale[:, None] / 255, offset])
