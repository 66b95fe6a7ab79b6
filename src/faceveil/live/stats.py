"""Figures of a live run while it runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

SHOWN_SECONDS = 2.0
"""Rates and delays are those of the last so many seconds."""


@dataclass(frozen=True, slots=True)
class Stats:
    """A moment of a live run.

    Attributes:
        frames: frames that left.
        whole: how many of them were covered completely.
        dropped: frames that arrived but were never shown, because too many were waiting.
        looks, failures: times the detector looked, and failed to.
        fps: frames a second that leave.
        delay, delay_95: milliseconds from arrival to leaving, median and 95th percentile.
        look: milliseconds a look takes.
        smallest_face: size in pixels of the smallest face looked for now.
        faces: faces seen in the last look.
        width, height: size of the last frame.
        reason: why the last frame was covered completely, or "".
    """

    frames: int = 0
    whole: int = 0
    dropped: int = 0
    looks: int = 0
    failures: int = 0
    fps: float = 0.0
    delay: float = 0.0
    delay_95: float = 0.0
    look: float = 0.0
    smallest_face: float = 0.0
    faces: int = 0
    width: int = 0
    height: int = 0
    reason: str = ""


class Meter:
    """Rate and delay of passing frames, over the last seconds."""

    def __init__(self) -> None:
        self._passed: deque[tuple[float, float]] = deque()
        self.count = 0

    def add(self, now: float, delay: float) -> None:
        """Count a frame that left now, so many seconds after it arrived."""
        self.count += 1
        self._passed.append((now, delay))
        self.forget(now)

    def forget(self, now: float) -> None:
        """Forget frames that passed too long ago."""
        while self._passed and self._passed[0][0] < now - SHOWN_SECONDS:
            self._passed.popleft()

    @property
    def rate(self) -> float:
        """Per second."""
        if len(self._passed) < 2:
            return 0.0
        span = self._passed[-1][0] - self._passed[0][0]
        return (len(self._passed) - 1) / span if span else 0.0

    def delays(self, *shares: float) -> list[float]:
        """Percentiles of the delay in seconds; shares from 0 to 1."""
        return percentiles([delay for _, delay in self._passed], *shares)


def percentiles(values: Sequence[float], *shares: float) -> list[float]:
    """Values at these shares of the sorted list, nearest rank; 0 for an empty one."""
    ranked = sorted(values)
    return [ranked[min(len(ranked) - 1, int(s * len(ranked)))] if ranked else 0.0 for s in shares]
