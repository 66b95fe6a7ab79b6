"""Decide where heads that lie are looked for between the looks for them all over.

To turn a picture three times costs as much as to look at it once more, so that is done rarely. But
where little changes, what is new can be turned by itself in the frame in which it appears.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from faceveil.detect.change import Grid, Luma, difference, merged, solid
from faceveil.faces import Faces, Floats, Mask
from faceveil.geometry import Box

CLEAR = 0.6
"""The least score of a head: more looks find more that is none, and of real ones most frames show
as much."""
PAUSE = 0.3
"""Seconds until a head that was found is looked for again, where it was. A find is extended by more
than that, to both sides."""
EACH, SAVED = 0.4, 8
"""A place may be turned for every so many seconds; those that were not needed are saved, up to so
many, for what rushes past."""
LITTLE = 0.3
"""If more than this share of the picture is new, a look all over is better."""
SMALLEST = 2.0
"""Lying heads are found from so many times the smallest size on."""
CORE = 1.5
"""The least size of a change, in smallest faces: a head hardly differs at its rims."""
ROOM = 0.5
"""The surroundings with which a change is shown, in units of its longer side."""
JOIN = 0.01
"""Two places are looked at together if that adds no more than this share of the picture."""
OTHER = 12
"""A place shows something else if it differs by more than so many levels of 255. What is gone again
leaves no trace."""
BODY = (1.5, 0.5, 7.0)
"""The reach of a person beside, above and below the box of the face, in widths and heights."""


class Sideways:
    """The places that have changed since heads that lie were looked for there.

    Args:
        size: of the frames, in pixels.
        smallest: size in pixels of the smallest face that can be found.
        unit: seconds per unit of time.
        strong: score of a face that would be covered on its own.

    Attributes:
        floor: the score from which a head counts.
    """

    def __init__(self, size: tuple[int, int], smallest: float, unit: float, strong: float) -> None:
        self.floor = max(strong, CLEAR)
        self._size, self._smallest, self._unit = size, smallest, unit
        self._grid = Grid(size, smallest)
        self._changed = self._fresh = np.zeros(self._grid.shape[::-1], bool)
        self._shown: Luma | None = None
        self._before: Luma | None = None
        self._seen = self._last = -math.inf
        self._saved = float(SAVED)
        self._lying = Faces.of(())

    def feed(self, luma: Luma, fresh: Mask) -> None:
        """Add the next frame.

        Args:
            luma: the small picture that was compared.
            fresh: the places that show something new.
        """
        self._shown, self._fresh = luma, fresh
        self._changed = self._changed | fresh

    def add(self, time: float, lying: Faces) -> None:
        """Add the heads that were found in the frame of this time."""
        lying = lying[lying.scores >= self.floor]
        if len(lying):
            self._lying, self._seen = lying, time

    def look_all_over(self) -> None:
        """Note that they are looked for in all of the last frame."""
        self._before = None if self._shown is None else self._shown.copy()
        self._changed = np.zeros_like(self._changed)

    def boxes(self, time: float, known: Faces) -> Sequence[Box]:
        """The boxes in which they have to be looked for in the frame that was fed last.

        Args:
            known: upright faces: what changes below them is their body.
        """
        if time > self._last > -math.inf:
            self._saved = min(self._saved + (time - self._last) * self._unit / EACH, SAVED)
        self._last = time
        if self._saved < 1:
            return ()
        wanted = self._large()
        if len(self._lying) and (time - self._seen) * self._unit >= PAUSE:
            wanted = [*(Box(*corners) for corners in self._lying.boxes.tolist()), *wanted]
        places = self._affordable([box for box in wanted if not _is_body(box, known.boxes)])
        if places:
            self._saved -= len(places)
            self._lying = Faces.of(())
        for box in places:
            part = self._grid.inside(box)
            self._changed[part] = False
            if self._before is not None and self._shown is not None:
                self._before[part] = self._shown[part]
        return places

    def _affordable(self, wanted: Sequence[Box]) -> list[Box]:
        """The boxes with what is around them, the first ones first, as far as they are little."""
        width, height = self._size
        area, places = width * height, list[Box]()
        for box in wanted:
            inside = self._with_room(box).clipped(width, height)
            more = merged([*places, inside], JOIN * area) if inside else places
            if sum(one.area for one in more) <= LITTLE * area:
                places = more
        return places

    def _large(self) -> list[Box]:
        """The places as large as a head that have changed, and still look otherwise than when heads
        that lie were last looked for there."""
        if self._before is None or self._shown is None or not self._changed.any():
            return []
        new = solid(self._changed & (difference(self._shown, self._before) > OTHER))
        least = CORE * self._smallest
        boxes = [box for box in self._grid.patches(new)[1] if min(box.width, box.height) >= least]
        # First what has just come; where it was a moment ago, there is only a trace of it.
        return sorted(boxes, key=lambda box: -float(self._fresh[self._grid.inside(box)].mean()))

    def _with_room(self, box: Box) -> Box:
        room = max(ROOM * max(box.width, box.height), SMALLEST * self._smallest)
        return Box(box.x0 - room, box.y0 - room, box.x1 + room, box.y1 + room)


def _is_body(box: Box, faces: Floats) -> bool:
    """Whether a place belongs to somebody whose face is upright."""
    x0, y0, x1, y1 = faces.T
    wide, tall = x1 - x0, y1 - y0
    beside, above, below = BODY
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    across = (x > x0 - beside * wide) & (x < x1 + beside * wide)
    down = (y > y0 - above * tall) & (y < y1 + below * tall)
    return bool((across & down).any())
