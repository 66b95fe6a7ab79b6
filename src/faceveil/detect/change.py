"""Find the parts of a picture that have changed since the detector looked at them.

One rule holds for every place in every frame of the first reading: the detector looked at it there,
or it shows what was near it when the detector last looked, or it lies on a face that is known and
covered. "The picture as a whole changed little" is no reason to skip a place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.detect.levels import cells, extremes_of
from faceveil.faces import Faces, Mask
from faceveil.frames import Image
from faceveil.geometry import Box

Luma = NDArray[np.uint8]

SAMPLES = 3.0
"""Samples along the smallest face: a change of that size shows in several."""
BASE, TIMES = 5, 2.5
"""A place has changed if it differs by so many levels of 255 plus so many times its noise. Where it
is dark or pale, levels count as the detector sees them: further apart.
"""
LEAST = 1.0
"""Levels by which a place differs at least, because pictures hold whole levels only."""
BLACK, WHITE = 16, 235
"""The levels of black and of white in most videos."""
GRAIN = 4
"""The strongest noise that is assumed; a stronger change from frame to frame is a motion."""
RATE = 0.1
"""Share of a frame in the running mean of the noise."""
SHIFT = 2
"""Samples by which a thing may have moved since the last look and still count as the same."""
SOLID, SHARE = 5, 0.7
"""A new face changes a patch of so many samples, or this share of the face."""
JOIN = 0.03
"""The least cost of a look at a part, as a share of the picture, however small the part is."""
MOST = 0.3
"""If a larger share of the picture is due, all of it is looked at."""


class Grid:
    """The samples of a picture in which a face of the smallest size shows.

    Args:
        size: width and height of the picture, in pixels.
        smallest: size in pixels of the smallest face that can be found.

    Attributes:
        shape: width and height of the small picture that the samples make.
    """

    def __init__(self, size: tuple[int, int], smallest: float) -> None:
        self._size = size
        step = max(1.0, smallest / SAMPLES)
        self.shape = max(1, round(size[0] / step)), max(1, round(size[1] / step))

    def inside(self, box: Box) -> tuple[slice, slice]:
        """The samples that lie in a box all over."""
        (width, height), (w, h) = self._size, self.shape
        left, top = max(0, math.ceil(box.x0 * w / width)), max(0, math.ceil(box.y0 * h / height))
        right, bottom = max(left, int(box.x1 * w / width)), max(top, int(box.y1 * h / height))
        return slice(top, bottom), slice(left, right)

    def patches(self, mask: Mask) -> tuple[NDArray[np.int32], list[Box]]:
        """The connected parts of a mask of samples: for each sample the number of its part, from 1
        on, or 0; and the box of each part, in pixels.
        """
        (width, height), (w, h) = self._size, self.shape
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
        boxes = []
        for x, y, across, down, _ in stats[1:count].tolist():
            corners = (x / w, y / h, (x + across) / w, (y + down) / h)
            boxes.append(Box(*np.multiply(corners, (width, height, width, height)).tolist()))
        return np.asarray(labels, np.int32), boxes


class ChangeMap:
    """Compares each frame, place by place, with the picture at the last look.

    Args:
        size: of the frames, in pixels.
        smallest: size in pixels of the smallest face that can be found.

    Attributes:
        shape: width and height of the small pictures it compares.
        moving: share of the picture that changed with the frame before the last one.
    """

    def __init__(self, size: tuple[int, int], smallest: float) -> None:
        self._size = size
        self._grid = Grid(size, smallest)
        self.shape = self._grid.shape
        self._smallest = smallest
        self.moving = self._moved = 0.0
        self._looked: Luma | None = None
        self._last: Luma | None = None
        self._noise = Noise()
        self._covered = np.zeros(self.shape[::-1], bool)

    def feed(self, luma: Luma) -> Mask:
        """Take the next frame.

        Args:
            luma: of the size ``shape``, by area, not by picking samples.

        Returns:
            A mask of the places that show something that was not near them at the last look.
        """
        if self._last is None or self._looked is None:
            fresh = np.ones(luma.shape, bool)
            self._looked = luma.copy()
        else:
            step = difference(luma, self._last)
            limit = self._noise.feed(luma, step)
            self.moving, self._moved = self._moved, np.count_nonzero(step > limit) / step.size
            fresh = (difference(luma, self._looked) > limit) & ~self._covered
            if fresh.any():
                fresh = solid(unmoved(fresh, luma, self._looked, limit))
        self._last = luma
        return fresh

    def update_reference(self, box: Box | None) -> None:
        """Note that the last frame is looked at: in this box, or, if None, all over."""
        if self._last is None or self._looked is None:
            return
        if box is None:
            self._looked = self._last.copy()
        else:  # samples on the border are looked at only in part
            part = self._grid.inside(box)
            self._looked[part] = self._last[part]

    def cover(self, faces: Faces, *, anew: bool) -> None:
        """Note where faces are known: their places will be covered for a while.

        Args:
            anew: no others are known any longer.
        """
        if anew:
            self._covered[:] = False
        for corners in faces.boxes.tolist():
            self._covered[self._grid.inside(Box(*corners))] = True

    def boxes(self, fresh: Mask) -> Sequence[Box] | None:
        """The boxes to look at after ``feed``, or None for the whole picture."""
        if not fresh.any():
            return ()
        return self._with_room(self._grid.patches(fresh)[1])

    def around(self, faces: Faces) -> Sequence[Box] | None:
        """The boxes that show these faces, or None for the whole picture."""
        return self._with_room([face.box for face in faces])

    def _with_room(self, boxes: Sequence[Box]) -> Sequence[Box] | None:
        width, height = self._size
        found = []
        for box in boxes:
            # What changed may be only a part of a face.
            margin = max(max(box.width, box.height) / 2, 3 * self._smallest)
            grown = Box(box.x0 - margin, box.y0 - margin, box.x1 + margin, box.y1 + margin)
            if (inside := grown.clipped(width, height)) is not None:
                found.append(inside)
        found = merged(found, JOIN * width * height)
        return found if sum(box.area for box in found) <= MOST * width * height else None


class Noise:
    """The noise of each place of a film, a running mean."""

    def __init__(self) -> None:
        self._mean = np.zeros(0, np.float32)

    def feed(self, luma: Luma, step: Image) -> Luma:
        """Take the next frame.

        Args:
            step: its difference from the one before it.

        Returns:
            The difference from which a place counts as changed.
        """
        if not self._mean.size:
            self._mean = np.full(step.shape, min(float(np.median(step)), GRAIN), np.float32)
        # Differences are whole numbers, so the limits may be, too.
        limit = TIMES * self._mean
        limit += _base(luma)
        whole = np.asarray(np.maximum(limit, LEAST, out=limit), np.uint8)
        cv2.accumulateWeighted(np.minimum(step, np.uint8(GRAIN)), self._mean, RATE)
        return whole


def _base(luma: Luma) -> NDArray[np.float32] | float:
    """The least change of a place without noise: fewer levels where it is dark or pale."""
    height, width = luma.shape
    small = cv2.resize(luma, cells(width, height), interpolation=cv2.INTER_AREA)
    some = extremes_of(np.asarray(small, np.uint8), BLACK, WHITE)
    if some is None:
        return BASE
    return np.asarray(BASE / cv2.resize(some.gain, (width, height)), np.float32)


def difference(a: Luma, b: Luma) -> Image:
    """(H, W) mean difference around each sample."""
    return np.asarray(cv2.blur(cv2.absdiff(a, b), (3, 3)), np.uint8)


def unmoved(mask: Mask, luma: Luma, before: Luma, limit: Luma) -> Mask:
    """The part of a mask that shows something else than was near there before."""
    height, width = luma.shape
    edges = (SHIFT, SHIFT, SHIFT, SHIFT)
    wide = np.asarray(cv2.copyMakeBorder(before, *edges, cv2.BORDER_REPLICATE), np.uint8)
    for y in range(2 * SHIFT + 1):
        if not solid(mask).any():
            break
        for x in range(2 * SHIFT + 1):
            mask = mask & (difference(luma, wide[y : y + height, x : x + width]) > limit)
    return mask


def solid(mask: Mask) -> Mask:
    """The solid part of a mask, without the thin outlines of slow things."""
    patch, edge = (SOLID, SOLID), cv2.BORDER_REPLICATE
    count = cv2.boxFilter(mask.view(np.uint8), -1, patch, normalize=False, borderType=edge)
    # A whole number, because bytes are compared with it without being made floats first.
    return np.asarray(count >= math.ceil(SHARE * SOLID**2)) & mask


def merged(boxes: Sequence[Box], room: float) -> list[Box]:
    """Merge boxes until none touch, and none are so near that merging adds less than ``room``."""
    rest, done = list(boxes), []
    while rest:
        box = rest.pop()
        near = [one for one in rest if box.hull(one).area - box.area - one.area < room]
        if not near:
            done.append(box)
            continue
        rest = [one for one in rest if one not in near]
        for one in near:
            box = box.hull(one)
        # It has grown, and may touch what is done already.
        rest += [box, *done]
        done = []
    return done
