"""Pictures that lie side by side, put together as a page shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from faceveil.frames import Image
from faceveil.media.documents.lines import lines_in
from faceveil.media.documents.package import Package
from faceveil.media.documents.pdf_carry import PaintedArea, Patch, patch_for
from faceveil.media.documents.scenes import Placed, UnitMatrix, scenes_in, tree_of

_LONGEST: Final = 2400
"""Pixels of the longer side: a face in it is as large as in its pieces, or large enough."""
_LEAST: Final = 48


@dataclass(frozen=True, slots=True)
class Collage:
    """A scene with a size in pixels.

    Attributes:
        placed: its pictures, those in front last.
        size: width and height.
        onto: (3, 3) from the scene to pixels.
    """

    placed: tuple[Placed, ...]
    size: tuple[int, int]
    onto: UnitMatrix

    def image(self, pictures: Sequence[Image]) -> Image:
        """Put the pictures together, on white.

        Args:
            pictures: (H, W, 3) BGR, in the order of ``placed``.
        """
        width, height = self.size
        canvas: Image = np.full((height, width, 3), 255, np.uint8)
        for one, picture in zip(self.placed, pictures, strict=True):
            shown = _cropped(picture, one)
            matrix = self.onto @ one.frame
            # What becomes smaller is averaged first: a warp takes single pixels.
            wide, high = (float(np.hypot(*matrix[:2, side])) for side in (0, 1))
            least = max(1, round(wide)), max(1, round(high))
            if least[0] < shown.shape[1] or least[1] < shown.shape[0]:
                extent = min(least[0], shown.shape[1]), min(least[1], shown.shape[0])
                shown = np.asarray(cv2.resize(shown, extent, interpolation=cv2.INTER_AREA))
            rows, columns = shown.shape[:2]
            step = matrix @ np.diag([1 / columns, 1 / rows, 1])
            half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
            warp = (np.linalg.inv(half) @ step @ half)[:2]
            flags, border = cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
            laid = cv2.warpAffine(shown, warp, self.size, flags=flags, borderMode=border)
            corners = (matrix @ np.array([[0, 1, 1, 0], [0, 0, 1, 1], [1, 1, 1, 1.0]]))[:2].T
            mask = np.zeros((height, width), np.uint8)
            cv2.fillPoly(mask, [np.round(corners * 16).astype(np.int32)], 1, shift=4)
            canvas[mask > 0] = laid[mask > 0]
        return canvas

    def patch(self, area: PaintedArea, number: int, size: tuple[int, int]) -> Patch | None:
        """The paint that an area puts on one of the pictures, or None.

        Args:
            size: of the picture.
        """
        return patch_for(area, self.onto @ self.placed[number].whole, size)


def collages_in(
    package: Package, sizes: Mapping[str, tuple[int, int]]
) -> Iterator[tuple[str, Collage]]:
    """All pictures of a document that lie side by side, put together, each time with a name.

    Args:
        sizes: width and height of its pictures in pixels, by their parts.
    """
    for name, text, linked in package.pictured():
        number, tree = 0, tree_of(text)
        for placed in (*scenes_in(tree, linked), *lines_in(tree, linked)):
            known = [one for one in placed if one.part in sizes]
            if len({one.part for one in known}) < 2:
                continue
            made = collage_of(known, [sizes[one.part] for one in known])
            if made is not None:
                number += 1
                yield f"{name}#{number}", made


def collage_of(placed: Sequence[Placed], sizes: Sequence[tuple[int, int]]) -> Collage | None:
    """A scene at the resolution of its finest picture; None if nothing could be seen in it.

    Args:
        sizes: width and height of each picture in pixels.
    """
    boxes = np.array([one.box for one in placed])
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    finest = 0.0
    for one, (width, height) in zip(placed, sizes, strict=True):
        across, down = (float(np.hypot(*one.whole[:2, side])) for side in (0, 1))
        finest = max(finest, width / across, height / down)
    scale = min(finest, _LONGEST / max(right - left, bottom - top))
    extent = round((right - left) * scale), round((bottom - top) * scale)
    if min(extent) < _LEAST:
        return None
    onto = np.array([[scale, 0, -left * scale], [0, scale, -top * scale], [0, 0, 1]])
    return Collage(tuple(placed), extent, onto)


def _cropped(picture: Image, one: Placed) -> Image:
    height, width = picture.shape[:2]
    left, top, right, bottom = one.crop
    x0, x1 = int(np.clip(left * width, 0, width - 1)), int(np.clip(right * width, 1, width))
    y0, y1 = int(np.clip(top * height, 0, height - 1)), int(np.clip(bottom * height, 1, height))
    return picture[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
