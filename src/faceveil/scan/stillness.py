"""Spare the looks that would only show once more what was seen already.

Where nothing has changed since the detector looked at a whole frame, the next whole look can tell
nothing new but by luck: a face too faint for the detector shows up in one noisy picture of ten. So
the pause between whole looks grows by degrees while nothing changes, and what has shown up even
faintly is looked at, by itself, as often as ever.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from faceveil.faces import Faces, Mask, centers

FIRST, LONGEST = 0.24, 4.0
"""Seconds between whole looks: after a change, and when nothing has changed for long."""
GROWTH = 2.0
NEAR, ALIKE = 1.0, 1.5
"""A face this near to an earlier one, in sizes, and this similar in size, counts as the same."""


class Stillness:
    """A stretch of a video that begins with a whole look, and in which nothing changes since.

    Args:
        unit: seconds per unit of time.
        strong: score of a face that must not get lost unnoticed.

    Attributes:
        faces: all that were found in it so far, where they were found last.
        lasts: nothing has changed yet.
    """

    def __init__(self, unit: float, strong: float) -> None:
        self._unit, self._strong = unit, strong
        self.faces = Faces.of(())
        self.lasts = False
        self._pause = FIRST
        self._began = self._looked = -math.inf
        self._waiting: deque[float] = deque()

    @property
    def is_long(self) -> bool:
        """Whether it has lasted for long without anybody: what a look shows may be known later."""
        somebody = bool((self.faces.scores >= self._strong).any())
        return self.lasts and self._pause >= LONGEST / 2 and not somebody

    def spares(self, time: float) -> bool:
        """Whether no whole look is needed at this time, unless something has changed by then."""
        known = not self._waiting or (self.is_long and self._waiting[0] > self._began)
        return self.lasts and known and (time - self._looked) * self._unit < self._pause

    def look(self, time: float) -> None:
        """Note that a whole look is taken; ``add`` tells what it shows, perhaps later."""
        if not self.lasts:
            self._began, self._pause, self.lasts = time, FIRST, True
        self._looked = time
        self._waiting.append(time)

    def end(self) -> None:
        """Note that something has changed."""
        self.lasts = False

    def add(self, time: float, found: Faces) -> None:
        """Add the faces of a look: of a whole one, or else around ``faces``.

        Args:
            time: of the frame; call in the order of the frames.
        """
        whole = bool(self._waiting) and self._waiting[0] == time
        if whole:
            self._waiting.popleft()
        if time < self._began:
            return  # from before the change
        if time == self._began:
            self.faces = Faces.of(())
        elif not self._agree(found):
            self._pause, self.lasts = FIRST, self.lasts and whole
        elif whole:
            self._pause = min(GROWTH * self._pause, LONGEST)
        unseen = np.flatnonzero(~alike(self.faces, found).any(axis=1))
        self.faces = Faces.concatenate([self.faces[unseen], found])

    def _agree(self, found: Faces) -> bool:
        """Whether a look shows no face that was not known, and all that must not get lost."""
        same = alike(self.faces, found)
        lost = (self.faces.scores >= self._strong) & ~same.any(axis=1)
        return bool(same.any(axis=0).all()) and not bool(lost.any())


def alike(before: Faces, after: Faces) -> Mask:
    """(n, m) pairs that may be the same face, at rest."""
    sizes = after.sizes
    ratios = before.sizes[:, None] / sizes
    apart = np.linalg.norm(centers(before.boxes)[:, None] - centers(after.boxes), axis=2)
    near: Mask = (apart < NEAR * sizes) & (ratios > 1 / ALIKE) & (ratios < ALIKE)
    return near
