"""Faces that rush past: so fast that each frame shows them further away than any face should be.

Association reaches as far as faces usually go, so it leaves a single hit in each frame. Hits on a
straight line that are evenly spaced, in time, are one face nevertheless.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from faceveil.faces import Floats, Mask, centers
from faceveil.track.motion import TICK
from faceveil.track.scene import Hits

LEAST: Final = 4
"""Hits that make a line: three may be on one by chance in a crowd."""
GAP: Final = 0.1
"""Seconds from one hit to the next at most."""
OFF, RATIO = 0.35, 1.3
"""A hit is this near to its place on the line, in sizes of the face, and at most so many times
as large as the one before, or smaller."""


def joined_rushes(parts: Sequence[list[int]], hits: Hits) -> list[list[int]]:
    """Join chains of a single hit that are one face which rushes past.

    Args:
        parts: chains of hits, in order of their first hits.

    Returns:
        The chains in the same order, those that were joined as one.
    """
    single = np.array([number for number, part in enumerate(parts) if len(part) == 1], np.int64)
    if len(single) < LEAST:
        return list(parts)
    rows = np.array([parts[number][0] for number in single], np.int64)
    line = _Line(hits.times[rows], centers(hits.faces.boxes[rows]), hits.faces.sizes[rows])
    free = np.ones(len(rows), bool)
    joined: dict[int, list[int]] = {}
    for first in range(len(rows)):
        if free[first] and len(found := line.longest(first, free)) >= LEAST:
            free[found] = False
            joined[int(single[first])] = rows[found].tolist()
    gone = set(single[~free].tolist()) - joined.keys()
    return [joined.get(n, part) for n, part in enumerate(parts) if n not in gone]


class _Line:
    """Single hits in the order of time: seconds (N,), centers (N, 2) and sizes (N,) in pixels."""

    def __init__(self, times: Floats, places: Floats, extents: Floats) -> None:
        self._times, self._places, self._extents = times, places, extents

    def longest(self, first: int, free: Mask) -> list[int]:
        """The longest line of free hits that begins with this one."""
        best: list[int] = []
        for second in self._next(first, free):
            line = [first, int(second)]
            while (following := self._following(line, free)) is not None:
                line.append(following)
            if len(line) > len(best):
                best = line
        return best

    def _next(self, last: int, free: Mask) -> NDArray[np.int64]:
        """Hits that may come after this one, if nothing is known of the way."""
        time = self._times[last]
        low, high = np.searchsorted(self._times, (time + TICK, time + GAP + TICK))
        near = np.arange(low, high)
        ratio = self._extents[low:high] / self._extents[last]
        alike = free[low:high] & (ratio < RATIO) & (ratio > 1 / RATIO)
        return np.asarray(near[alike])

    def _following(self, line: list[int], free: Mask) -> int | None:
        """The hit that continues a line, if there is one."""
        first, last = line[0], line[-1]
        near = self._next(last, free)
        if not len(near):
            return None
        passed = self._times[last] - self._times[first]
        velocity = (self._places[last] - self._places[first]) / passed
        ahead = (self._times[near] - self._times[last])[:, None]
        off = np.linalg.norm(self._places[last] + velocity * ahead - self._places[near], axis=1)
        # The nearest in time that lies on the line: another one may be a frame further on.
        fits = near[off < OFF * self._extents[last]]
        return int(fits[0]) if len(fits) else None
