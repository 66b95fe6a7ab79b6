"""The times at which frames were made, told from the clock of their source and their arrivals."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np

from faceveil.track.motion import TICK

USUAL_STEP = 0.04
LONGEST_STEP = 1.0
"""The longest time between two frames, in seconds; a longer one means that the source's clock was
set.
"""
MEMORY = 1.5
"""Seconds before and after a frame in which others tell how long it was on its way."""
SLOWEST = 0.5
"""A clock that is slower counts something else."""
PULL = 0.03
"""Share of a frame's lateness that is taken for a true delay where the source has no clock."""


class Timing:
    """The times of the frames of one source.

    The source's clock gives the intervals between frames. If it has none, they are supposed to be
    equal, at the rate at which frames arrive. Neither is simply believed: a busy machine or network
    holds frames up and lets them go in a burst, a camera may pause, and a clock may only count
    frames. But the frames that are held up least are all equally long on their way (the minimum
    filter of NTP, RFC 5905). If these are longer on their way after some frame than before it, or
    shorter, then an unknown time has passed before that frame.

    Attributes:
        step: seconds between two frames, usually.
    """

    def __init__(self) -> None:
        self.step = USUAL_STEP
        self._clocks: list[int] = []
        self._made: list[float] = []
        self._came: list[float] = []

    def since(self, came: float, clock: int) -> float:
        """Seconds from the last frame to this one; see ``add``."""
        if not self._made:
            return USUAL_STEP
        return self._apart(came, clock) or came - self._came[-1]

    def add(self, came: float, clock: int) -> float:
        """Take a frame that came after the last one.

        Args:
            came: when it arrived, in seconds.
            clock: milliseconds of the source's clock; always 0 if it has none.

        Returns:
            When it was made; later than the last one.
        """
        since = self.since(came, clock)
        made = came
        if self._made:
            even = not self._apart(came, clock) and since <= LONGEST_STEP
            made = self._made[-1] + (self._even(came) if even else since)
        if since < LONGEST_STEP:
            self.step += (since - self.step) / 8
        self._clocks.append(clock)
        self._made.append(made)
        self._came.append(came)
        old = bisect_left(self._came, came - 4 * MEMORY)
        del self._made[:old], self._came[:old], self._clocks[:old]
        return made

    def arrival(self, made: float) -> float:
        """The time of arrival of a frame that was made at this time."""
        place = bisect_left(self._made, made - TICK)
        return self._came[place] if place < len(self._made) else made

    def unsure(self, first: float, last: float) -> Sequence[float]:
        """The times of the frames, from one time to another, before which an unknown time passed.

        It is known to within ``step``.
        """
        begin = bisect_left(self._made, first - MEMORY)
        end = bisect_right(self._made, last + MEMORY)
        made = np.array(self._made[begin:end])
        way = np.array(self._came[begin:end]) - made
        change = np.minimum.accumulate(way[::-1])[::-1][1:] - np.minimum.accumulate(way)[:-1]
        jump, held = np.diff(way), way[:-1] - np.minimum.accumulate(way[::-1])[::-1][1:]
        least = self.step / 4
        longer = (change > self.step) & ((jump > least) | (held > least))
        shorter = (change < -self.step) & (jump < -least)
        wrong = made[1:][longer | shorter]
        return [float(time) for time in wrong if first - TICK <= time <= last + TICK]

    def _apart(self, came: float, clock: int) -> float:
        """Seconds since the last frame by the source's clock, or 0 if it is none or is wrong."""
        old = bisect_left(self._came, came - MEMORY)
        if old == len(self._came):
            return came - self._came[-1]
        slow = clock - self._clocks[old] < SLOWEST * 1000 * (came - self._came[old])
        apart = (clock - self._clocks[-1]) / 1000
        return apart if not slow and 0 < apart <= LONGEST_STEP else 0.0

    def _even(self, came: float) -> float:
        """Seconds since the last frame if frames are made at an even rate."""
        recent = [*self._came[bisect_left(self._came, came - MEMORY) :], came]
        usual = float(np.median(np.diff(recent)))
        late = came - (self._made[-1] + usual)
        return max(usual / 4, usual + PULL * late)
