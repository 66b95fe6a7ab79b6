"""Choose the size and the rate of the looks so that every answer comes in time.

The time of a look is estimated from the last ones as TCP estimates round trips: a running mean and
a running deviation (Jacobson 1988, "Congestion Avoidance and Control").
"""

from __future__ import annotations

from collections.abc import Callable

from faceveil.detect import Detector

LONGEST = 0.3
"""A look may take this share of the time that a frame waits. Another look may just have begun when
the frame arrives, so its own look ends after twice that time and the pause.
"""
BUSY = 0.55
"""Share of the time the detector may be at work; painting and encoding need the rest."""
STEP = 1.25
"""Factor between two sizes of the smallest face looked for."""
COARSEST = 4.0
"""The smallest face looked for grows up to this many times; beyond that, frames are covered
completely.
"""
ROOM = 0.7
"""Share of the longest time below which the next finer size is tried."""
CALM_LOOKS = 20
"""Looks in a row that have to leave room before that."""
_GAIN, _SPREAD_GAIN, _SPREADS = 1 / 8, 1 / 4, 2.0


class Pace:
    """Chooses the detector's input size and rate from the time its looks take.

    Args:
        make: makes a detector for faces of so many pixels and more; None: of its own choice.
        size: width and height of the pictures.
        waits: seconds a frame waits before it leaves.
        fixed: the user set the smallest face, so never look only for larger ones.

    Attributes:
        detector: the one to look with now.
        smallest: size in pixels of the smallest face it finds.
        seconds: what a look takes, a cautious estimate; 0 before the first.
    """

    def __init__(
        self,
        make: Callable[[float | None], Detector],
        size: tuple[int, int],
        waits: float,
        *,
        fixed: bool = False,
    ) -> None:
        self._make, self._size, self._waits, self._fixed = make, size, waits, fixed
        self._level = self._looks = self._calm = 0
        self._mean = self._spread = 0.0
        self._first = make(None)
        self._finest = self._first.smallest_face(*size)
        self.detector, self.smallest = self._first, self._finest

    @property
    def pause(self) -> float:
        """Seconds from the beginning of one look to that of the next, at least."""
        spare = self._waits - 2 * self.seconds
        return max(0.0, min(self._mean / BUSY, self._mean + spare / 2))

    def add_duration(self, seconds: float) -> bool:
        """Add the time of a look; True if another smallest face is looked for from now on."""
        self._looks += 1
        if self._looks == 1:  # the first look also sets up memory
            return False
        if self._looks == 2:
            self._mean, self._spread = seconds, seconds / 2
        else:
            off = seconds - self._mean
            self._mean += _GAIN * off
            self._spread += _SPREAD_GAIN * (abs(off) - self._spread)
        limit = LONGEST * self._waits
        self._calm = self._calm + 1 if self.seconds * STEP**2 < ROOM * limit else 0
        if self.seconds > limit and self._looks > 3:
            return self._turn(1)
        return self._calm >= CALM_LOOKS and self._turn(-1)

    @property
    def seconds(self) -> float:
        return self._mean + _SPREADS * self._spread

    def _turn(self, by: int) -> bool:
        level = self._level + by
        if self._fixed or level < 0 or STEP**level > COARSEST:
            return False
        self._use(level)
        return True

    def _use(self, level: int) -> None:
        self._level = level
        self.smallest = self._finest * STEP**level
        self.detector = self._make(self.smallest) if level else self._first
        self._looks = self._calm = 0
        self._mean = self._spread = 0.0
