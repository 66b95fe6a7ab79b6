"""Presentation times of decoded frames."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from av.frame import Frame

_USUAL_RATE: Final = Fraction(25)


class Clock:
    """Gives every frame a time: its own, unless that is missing or not after the last one's.

    Args:
        time_base: seconds per unit.
        rate: frames per second, for frames that tell no duration.

    Attributes:
        last: the time given last, in units.
        moved: how many times had to be changed.
    """

    def __init__(self, time_base: Fraction, rate: Fraction | None) -> None:
        self._step = max(1, round(1 / (rate or _USUAL_RATE) / time_base))
        self.last: int | None = None
        self.moved = 0

    def stamp(self, frame: Frame) -> int:
        """The time of the next frame in display order, in units."""
        # AVI keeps no presentation times; there the time of decoding is the next best.
        own = frame.pts if frame.pts is not None else frame.dts
        if self.last is None:
            time = own or 0
        elif own is None:
            time = self.last + (frame.duration or self._step)
        elif own > self.last:
            time = own
        else:
            self.moved += 1
            # A doubled time is moved as little as can be; a clock that jumped back is bridged.
            time = self.last + (1 if self.last - own < self._step else self._step)
        self.last = time
        return time

    @property
    def warning(self) -> str:
        """What was changed, in words, or ""."""
        if not self.moved:
            return ""
        return f"{self.moved} pictures had a time before the one shown last and were moved"
