"""The first reading of a source: in which frames to look for faces, and what was found there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceveil.detect import Detector
from faceveil.media import Source
from faceveil.stages import ahead
from faceveil.track import THUMBNAIL, CutFinder
from faceveil.types import Face

# In a video the detector rests for this many seconds at most: well within what a track reaches
# back from its first hit, so that a face which enters meanwhile is covered from its first frame.
REST_SECONDS = 0.24
# No face may move further than this share of its size between two looks.
STRIDE = 0.5
# A face this near to where one was, and this like in size, is taken for the same.
NEAR, ALIKE = 1.0, 1.5
# Mean difference of two thumbnails, 0 to 255, from which so much has changed that the detector
# has to look at once.
CHANGED = 10.0


@dataclass
class Scan:
    """What one reading of a source gave.

    Attributes:
        found: frame index -> faces there, for the frames in which the detector looked.
        pts: presentation time of every frame.
        cuts: frame indices at which a new scene begins.
        damaged: frame indices whose pictures cannot be trusted.
    """

    found: dict[int, list[Face]] = field(default_factory=dict)
    pts: list[int] = field(default_factory=list)
    cuts: tuple[int, ...] = ()
    damaged: list[int] = field(default_factory=list)


def scan(
    source: Source,
    detector: Detector,
    floor: float,
    sure: float,
    progress: Callable[[int, int], None],
) -> Scan:
    """Read every frame once and look for faces where it is due.

    Args:
        floor: the least score of a face that is kept.
        sure: the score of a face that would be covered on its own.
        progress: called with the frames read and the faces found so far.
    """
    result, cuts = Scan(), CutFinder()
    video = source.media.kind == "video"
    schedule = Schedule(float(source.time_base), sure) if video else EveryFrame()
    faces = 0
    stream = ahead(source.skim())
    try:
        for frame in stream:
            thumbnail = frame.thumbnail(*THUMBNAIL)
            suspect = cuts.feed(thumbnail)
            result.pts.append(frame.pts)
            if frame.damaged:
                result.damaged.append(frame.index)
            if schedule.due(frame.pts, thumbnail, suspect):
                found = detector.detect(frame, floor)
                schedule.saw(found)
                result.found[frame.index] = found
                faces += len(found)
            progress(len(result.pts), faces)
    finally:
        stream.close()
    result.cuts = cuts.cuts
    return result


class EveryFrame:
    """Looks at every frame: stills and short animations."""

    def due(self, pts: int, thumbnail: NDArray[Any], suspect: bool) -> bool:
        return True

    def saw(self, faces: Sequence[Face]) -> None:
        """Makes no difference."""


class Schedule:
    """Looks often where faces move fast or the picture changes, and rarely where all is calm.

    Args:
        unit: seconds per unit of ``pts``.
        sure: score from which a face has a say in it.
    """

    def __init__(self, unit: float, sure: float) -> None:
        self._unit = unit
        self._sure = sure
        self._faces: Sequence[Face] = ()
        self._thumbnail: NDArray[Any] | None = None
        self._looked = self._before = -np.inf
        self._rest = 0.0

    def due(self, pts: int, thumbnail: NDArray[Any], suspect: bool) -> bool:
        """Whether the detector has to look at this frame.

        Args:
            suspect: it may be the first of a scene.
        """
        seconds = pts * self._unit
        since = seconds - self._looked
        changed = self._thumbnail is None or _difference(self._thumbnail, thumbnail) > CHANGED
        if not (suspect or changed or since <= 0 or since >= self._rest):
            return False
        self._before, self._looked, self._thumbnail = self._looked, seconds, thumbnail
        return True

    def saw(self, faces: Sequence[Face]) -> None:
        """Take what the detector found, to decide when to look again."""
        faces = [face for face in faces if face.score >= self._sure]
        moved, seconds = _motion(self._faces, faces), self._looked - self._before
        self._faces = faces
        self._rest = REST_SECONDS
        if moved and 0 < seconds < np.inf:
            self._rest = min(REST_SECONDS, STRIDE * seconds / moved)


def _motion(before: Sequence[Face], after: Sequence[Face]) -> float:
    """How far the fastest face went, in shares of its size."""
    fastest = 0.0
    for face in after:
        (x, y), size = face.box.center, face.box.size
        steps = [
            float(np.hypot(x - other.box.center[0], y - other.box.center[1])) / size
            for other in before
            if 1 / ALIKE < other.box.size / size < ALIKE
        ]
        nearest = min(steps, default=np.inf)
        if nearest < NEAR:
            fastest = max(fastest, nearest)
    return fastest


def _difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(np.int16) - b).mean())
