"""From the paint on a page to the pictures under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.media.documents.matrices import inverted, moved

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAME = 6
"""Levels by which two renderings of the same thing may differ."""
_SHOWS = 0.1
"""Share of the pixels of a painted area that may still look as before: text that lies on it."""
_ROOM = 2
"""Pixels around what is painted, for the rounding of one grid to another."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Paint for a part of a picture.

    Attributes:
        box: in the picture's pixels, whole.
        image: (h, w, 3) BGR; mask: (h, w), True where it is painted.
    """

    box: Box
    image: Image
    mask: NDArray[np.bool_]

    def apply(self, picture: Image) -> None:
        """Paint in place."""
        x0, y0, x1, y1 = map(int, self.box.as_tuple())
        picture[y0:y1, x0:x1][self.mask] = self.image[self.mask]


@dataclass(frozen=True, slots=True)
class PaintedArea:
    """An area of a page before and after it was painted.

    Attributes:
        box: whole pixels.
    """

    box: Box
    before: Image
    after: Image

    def paint(self) -> NDArray[np.uint8]:
        """255 where it was painted, and where paint happens to equal the page."""
        changed = (self.before != self.after).any(axis=2).astype(np.uint8) * 255
        side = max(3, min(changed.shape) // 4)
        room = cv2.copyMakeBorder(changed, side, side, side, side, cv2.BORDER_CONSTANT)
        closed = cv2.morphologyEx(room, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
        return np.asarray(closed[side:-side, side:-side], np.uint8)

    def shows(self, page: Image) -> bool:
        """Whether the finished page still shows there what it showed before."""
        now = _cut(page, self.box).astype(np.int16)
        before, after = self.before.astype(np.int16), self.after.astype(np.int16)
        changed = np.abs(before - after).max(axis=2) > 2 * _SAME
        same = np.abs(now - before).max(axis=2) <= _SAME
        return bool(np.count_nonzero(changed & same) > _SHOWS * np.count_nonzero(changed))


def areas_of(before: Image, after: Image, boxes: Sequence[Box]) -> tuple[PaintedArea, ...]:
    """The painted areas of a page."""
    return tuple(
        PaintedArea(box, _cut(before, box).copy(), _cut(after, box).copy()) for box in boxes
    )


def patch_for(area: PaintedArea, onto: NDArray[np.float64], size: tuple[int, int]) -> Patch | None:
    """The paint that an area of a page puts on a picture that lies under it, or None.

    It is the page's own paint, so that strips of a face tell together no more than the face that
    was painted as one.

    Args:
        onto: (3, 3) from the picture's unit square, whose second number grows downwards, to the
            page's pixels.
        size: of the picture.
    """
    width, height = size
    onto_page = onto @ np.diag([1 / width, 1 / height, 1])
    if abs(np.linalg.det(onto_page)) < 1e-12:
        return None
    x0, y0, x1, y1 = area.box.as_tuple()
    inside = np.array(moved(inverted(onto_page), (x0, y0, x1, y1)))
    left, top = np.floor(inside[:2]) - _ROOM
    right, bottom = np.ceil(inside[2:]) + _ROOM
    left, top = int(max(left, 0)), int(max(top, 0))
    right, bottom = int(min(right, width)), int(min(bottom, height))
    if left >= right or top >= bottom:
        return None
    # From the pixels of the patch to those of the area; centres of pixels lie at one half.
    shift = np.array([[1, 0, left + 0.5], [0, 1, top + 0.5], [0, 0, 1]])
    back = np.array([[1, 0, -x0 - 0.5], [0, 1, -y0 - 0.5], [0, 0, 1]])
    warp = (back @ onto_page @ shift)[:2]
    extent = right - left, bottom - top
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    image = cv2.warpAffine(area.after, warp, extent, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpAffine(area.paint(), warp, extent, flags=flags) > 0
    wide = np.ones((2 * _ROOM + 1, 2 * _ROOM + 1), np.uint8)
    mask = cv2.dilate(mask.astype(np.uint8), wide).astype(bool)
    if not mask.any():
        return None
    return Patch(Box(left, top, right, bottom), np.asarray(image, np.uint8), mask)


def _cut(image: Image, box: Box) -> Image:
    x0, y0, x1, y1 = map(int, box.as_tuple())
    return image[y0:y1, x0:x1]
