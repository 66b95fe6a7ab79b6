"""Find what comes and goes between two looks of the detector.

A frame between two looks is compared with the pictures of both. Where these show the same and the
frame shows something else, somebody may have been there that the detector never saw.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceveil.detect.change import Grid, Luma, Noise, difference, merged, solid, unmoved
from faceveil.faces import Mask
from faceveil.geometry import Box
from faceveil.track.online import KEEP_SECONDS

ROOM = 0.25
"""The cover of a visitor is larger than the place that changed by this share of its longer side,
and at least by the smallest face: a part of a face may look like what is behind it."""


class Visitors:
    """Compares frames of one size with those at which the detector looked.

    Args:
        size: width and height of the frames.
        smallest: size in pixels of the smallest face that is looked for.

    Attributes:
        shape: width and height of the small pictures that it compares.
    """

    def __init__(self, size: tuple[int, int], smallest: float) -> None:
        self._grid = Grid(size, smallest)
        self.shape = self._grid.shape
        self._smallest = smallest
        self._noise = Noise()
        self._shown: dict[float, tuple[Luma, Luma]] = {}

    def feed(self, time: float, luma: Luma) -> None:
        """Take the next frame.

        Args:
            luma: of the size ``shape``, by area, not by picking samples.
        """
        last = next(reversed(self._shown.values()))[0] if self._shown else luma
        self._shown[time] = luma, self._noise.feed(luma, difference(luma, last))
        while (oldest := next(iter(self._shown))) < time - KEEP_SECONDS:
            del self._shown[oldest]

    def boxes(self, time: float, looks: tuple[float, float], known: Sequence[Box]) -> list[Box]:
        """The boxes to cover because of visitors, in the frame of a time.

        Args:
            looks: the times of the looks before and after it.
            known: areas that are covered anyway.
        """
        # Frames are fed meanwhile, and the oldest ones forgotten.
        found = [one for at in (time, *looks) if (one := self._shown.get(at))]
        if len(found) < 1 + len(looks):
            return []
        (luma, limit), (before, _), (after, _) = found
        new = difference(before, after) <= limit
        for look in (before, after):
            new &= difference(luma, look) > limit
        for look in (before, after):
            new = unmoved(new, luma, look, limit)
        return self._around(solid(new), known)

    def _around(self, mask: Mask, known: Sequence[Box]) -> list[Box]:
        """Boxes with some room around the parts of a mask that no known box covers all of."""
        labels, parts = self._grid.patches(mask)
        for box in known:
            labels[self._grid.inside(box)] = 0
        boxes = []
        for part in (parts[number - 1] for number in np.unique(labels) if number):
            room = max(self._smallest, ROOM * max(part.width, part.height))
            boxes.append(Box(part.x0 - room, part.y0 - room, part.x1 + room, part.y1 + room))
        return merged(boxes, self._smallest**2)
