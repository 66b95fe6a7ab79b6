"""One scene of a video, as the detector saw it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceveil.faces import Faces, Floats, Mask
from faceveil.options import Options
from faceveil.track.motion import TICK

LINGER = 0.6
"""Seconds after which the cover of a face that left must be gone."""
CUT_SECONDS = 0.7
"""A face that is first found so soon after a cut was there since the cut, and one that is lost so
shortly before a cut is there until then: people rarely come or go with a scene."""


@dataclass(frozen=True, slots=True)
class Hits:
    """The faces found in the frames of one scene, in their order.

    Attributes:
        frames: (n,) the frame of each.
        times: (n,) seconds of that frame.
        strong: (n,) whether it would be covered on its own.
    """

    faces: Faces
    frames: NDArray[np.int64]
    times: Floats
    strong: Mask


@dataclass(frozen=True, slots=True)
class Scene:
    """The frames of one scene.

    Attributes:
        times: seconds of every frame of the video.
        first, end: the scene's frames, half-open.
        ran: the frames of the scene in which the detector looked, ascending.
    """

    times: Sequence[float]
    first: int
    end: int
    ran: Sequence[int]

    def look(self, frame: int) -> int:
        """Position of a frame in ``ran``."""
        return bisect_left(self.ran, frame)

    def bridge(self, options: Options) -> float:
        """Longest gap to bridge, in seconds; at least one missed look of a slow animation."""
        if len(self.ran) < 2 or not options.bridge_seconds:
            return options.bridge_seconds
        looks = np.median(np.diff([self.times[frame] for frame in self.ran]))
        return max(options.bridge_seconds, min(2.01 * float(looks), 2 * options.bridge_seconds))

    def reach(self, frame: int, step: int, seconds: float) -> NDArray[np.int64]:
        """The frames to cover after (step 1) or before (step -1) a track's last hit.

        All within ``seconds``, at least one if frames are slow, those up to the next look, because
        before it is not known that the face is gone, and those up to a cut that is near.
        """
        now = self.times[frame]
        edge = self.end - 1 if step > 0 else self.first
        if seconds and abs(self.times[edge] - now) <= CUT_SECONDS + TICK:
            return np.arange(frame + step, edge + step, step)
        if step > 0:
            stop = bisect_right(self.times, now + seconds + TICK, frame + 1, self.end)
            if stop == frame + 1 < self.end and seconds and self.times[stop] - now <= LINGER:
                stop += 1
            after = bisect_right(self.ran, frame)
            stop = max(stop, self.ran[after] if after < len(self.ran) else self.end)
            return np.arange(frame + 1, stop)
        stop = bisect_left(self.times, now - seconds - TICK, self.first, frame) - 1
        if stop == frame - 1 >= self.first and seconds and now - self.times[stop] <= LINGER:
            stop -= 1
        before = bisect_left(self.ran, frame) - 1
        stop = min(stop, self.ran[before] if before >= 0 else self.first - 1)
        return np.arange(frame - 1, stop, -1)
