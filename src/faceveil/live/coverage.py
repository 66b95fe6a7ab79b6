"""The looks at pictures of one size, and whether they suffice to show a frame."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right

from faceveil.faces import Faces
from faceveil.geometry import Target
from faceveil.i18n import say
from faceveil.live.timing import Timing
from faceveil.options import Options
from faceveil.track.motion import TICK
from faceveil.track.online import KEEP_SECONDS, OnlineTracker

GAP = 0.4
"""If the looks before and after a frame are further apart, in seconds, it is covered completely.
This is the time that a cover reaches back by default, so no face can come and go unseen for longer.
"""
STANDS = 0.24
"""A frame that is shown for longer, in seconds, has to be looked at itself."""
SETTLE = 1.0
"""Seconds of looks without a gap that ``cover_until_sure`` waits for."""


class Coverage:
    """The looks at pictures of one size, scene by scene, and the faces in them.

    Args:
        size: width and height of the pictures.
        strong: score from which a face counts on its own.
        timing: of the frames.
    """

    def __init__(
        self, size: tuple[int, int], strong: float, options: Options, timing: Timing
    ) -> None:
        self.size = size
        self._timing = timing
        self._reach = max(options.bridge_seconds, options.extend_seconds, GAP)
        self.tracks = OnlineTracker(size, strong, options)
        self._cautious = options.cover_until_sure
        self._looks: dict[int, list[float]] = {}
        self._run: tuple[float, float] | None = None
        self._settled = math.inf

    def mark_discontinuity(self) -> None:
        """Start again with full caution, because pictures were lost."""
        self._run, self._settled = None, math.inf

    def new_scene(self, time: float) -> None:
        self.tracks.new_scene(time)

    def add_detections(self, time: float, scene: int, found: Faces, again: Faces | None) -> None:
        """Add the faces that a look found in the frame of this time; see
        `OnlineTracker.add_detections`.
        """
        self._looks.setdefault(scene, []).append(time)
        oldest = time - KEEP_SECONDS
        for old in [number for number, looks in self._looks.items() if looks[-1] < oldest]:
            del self._looks[old]
        del self._looks[scene][: bisect_left(self._looks[scene], oldest)]
        first, last = self._run or (time, time)
        self._run = (first if time - last <= GAP else time, time)
        if time - self._run[0] >= SETTLE:
            self._settled = min(self._settled, time)
        self.tracks.add_detections(time, found, again)

    def targets(self, time: float) -> list[Target]:
        """The targets to cover in the frame of this time."""
        unsure = self._timing.unsure(time - self._reach, time + self._reach)
        return list(self.tracks.targets(time, self._timing.step, unsure))

    def reason_to_cover(self, time: float, scene: int, until: float) -> str:
        """The reason for covering the whole frame, in words, or "" if there is none.

        Args:
            until: when the next frame is shown, or a time before that.
        """
        looks = self._looks.get(scene, [])
        after = bisect_left(looks, time - TICK)
        if after == len(looks):
            return say("the detector is late")
        before = bisect_right(looks, time + TICK) - 1
        # A look at a long frame tells nothing about the frames before and after it.
        if (
            before < 0
            or self._apart(looks[before], looks[after]) > GAP
            or (until - time > STANDS and looks[after] > time + TICK)
        ):
            return say("the detector looked too seldom")
        if self.tracks.is_doubtful(time):
            return say("all faces vanished at once")
        if self._cautious and time < self._settled:
            return say("not sure yet")
        return ""

    def around(self, time: float, scene: int) -> tuple[float, float]:
        """The times of the looks by which a frame is known: the last before it and the first after
        it, or its own.
        """
        looks = self._looks[scene]
        return looks[bisect_right(looks, time + TICK) - 1], looks[bisect_left(looks, time - TICK)]

    def _apart(self, first: float, last: float) -> float:
        """Seconds between two frames, by their own times or by their arrivals if that is more."""
        return max(last - first, self._timing.arrival(last) - self._timing.arrival(first))
