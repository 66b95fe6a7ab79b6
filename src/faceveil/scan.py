"""The first reading of a source: in which frames to look for faces, and what was found there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceveil.detect import Detector
from faceveil.media import Source
from faceveil.stages import ahead
from faceveil.track import THUMBNAIL, CutFinder
from faceveil.types import Face, Frame

# Every so often a video's schedule begins anew, as if nothing was known, so that a part of a long
# video can be scanned on its own with the same result. It costs one look more each time.
RESTART_SECONDS = 20.0
# In a video the detector rests for this many seconds at most: well within what a track reaches
# back from its first hit, so that a face which enters meanwhile is covered from its first frame.
REST_SECONDS = 0.24
# No face may move further than this share of its size between two looks.
STRIDE = 0.5
# A face this near to where one was, and this like in size, is taken for the same.
NEAR, ALIKE = 1.0, 1.5
# A face that appears this near to where another is gone may be the same: somebody who runs past
# the camera goes 15 times the size of their face in a second. Only clear faces count, because in a
# crowd the doubtful ones come and go.
FAR, CLEAR = 4.0, 0.6
# Mean difference of two thumbnails, 0 to 255, from which so much has changed that the detector
# has to look at once.
CHANGED = 10.0
# Something enters where a cell of the thumbnail's rim changed by this much, and no more than this
# share of the rim did; more is a moving camera. After so many seconds that is worth a look: a face
# that only cuts a corner is gone before the rest is over.
ENTERED, RIM_SHARE, ENTER_SECONDS = 32, 0.12, 0.12


@dataclass
class Scan:
    """What one reading of a source gave.

    Attributes:
        found: frame index -> faces there, for the frames in which the detector looked.
        pts: presentation time of every frame.
        cuts: frame indices at which a new scene begins.
        suspects: those of which some are cuts.
        damaged: frame indices whose pictures cannot be trusted.
    """

    found: dict[int, list[Face]] = field(default_factory=dict)
    pts: list[int] = field(default_factory=list)
    cuts: tuple[int, ...] = ()
    damaged: list[int] = field(default_factory=list)
    suspects: list[int] = field(default_factory=list)


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
    video = source.media.kind == "video"
    schedule = Schedule(float(source.time_base), sure) if video else EveryFrame()
    return follow(source.skim(), schedule, detector, floor, progress)


def follow(
    frames: Iterable[Frame],
    schedule: Schedule | EveryFrame,
    detector: Detector,
    floor: float,
    progress: Callable[[int, int], None],
    before: Frame | None = None,
    *,
    to_end: bool = True,
) -> Scan:
    """Look for faces where the schedule says. As `scan`, for any frames in a row.

    Args:
        before: the frame before the first, for a part of a video.
        to_end: the last frame is that of the video.
    """
    result, cuts = Scan(), CutFinder(0 if before is None else before.index)
    faces = 0
    last = before
    if before is not None:
        cuts.feed(before.thumbnail(*THUMBNAIL))
        schedule.resume(before.pts)

    def look(frame: Frame) -> list[Face]:
        if frame.index not in result.found:
            result.found[frame.index] = detector.detect(frame, floor)
        return result.found[frame.index]

    stream = ahead(frames)
    try:
        for frame in stream:
            thumbnail = frame.thumbnail(*THUMBNAIL)
            suspect = cuts.feed(thumbnail)
            result.pts.append(frame.pts)
            if frame.damaged:
                result.damaged.append(frame.index)
            if suspect and last is not None:
                look(last)  # nothing after the end of a scene tells of a face in it
            if schedule.due(frame.pts, thumbnail, suspect):
                found = look(frame)
                faces += len(found)
                schedule.saw(found)
            last = frame
            progress(len(result.pts), faces)
    finally:
        stream.close()
    if last is not None and to_end:
        look(last)
    result.cuts, result.suspects = cuts.cuts, cuts.suspects
    return result


class EveryFrame:
    """Looks at every frame: stills and short animations."""

    def due(self, pts: int, thumbnail: NDArray[Any], suspect: bool) -> bool:
        return True

    def saw(self, faces: Sequence[Face]) -> None:
        """Makes no difference."""

    def resume(self, pts: int) -> None:
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
        self._looked = self._before = -math.inf
        self._rest = 0.0
        self._anew = False

    def resume(self, pts: int) -> None:
        """Begin after the frame of this time, which is the last before a restart."""
        self._looked = pts

    def due(self, pts: int, thumbnail: NDArray[Any], suspect: bool) -> bool:
        """Whether the detector has to look at this frame.

        Args:
            suspect: it may be the first of a scene.
        """
        if self._looked > -math.inf and self._period(pts) != self._period(self._looked):
            self._faces, self._thumbnail = (), None
            self._looked, self._anew = -math.inf, True
        # The difference first: products of large times would be a rounding error apart.
        since = (pts - self._looked) * self._unit
        changed = self._thumbnail is None or _changed(self._thumbnail, thumbnail)
        entered = since >= ENTER_SECONDS and _entered(self._thumbnail, thumbnail)
        if not (suspect or changed or entered or since <= 0 or since >= self._rest):
            return False
        self._before, self._looked, self._thumbnail = self._looked, pts, thumbnail
        return True

    def saw(self, faces: Sequence[Face]) -> None:
        """Take what the detector found, to decide when to look again."""
        faces = [face for face in faces if face.score >= self._sure]
        moved, seconds = _motion(self._faces, faces), (self._looked - self._before) * self._unit
        self._faces = faces
        self._rest = REST_SECONDS
        if moved and 0 < seconds < math.inf:
            self._rest = min(REST_SECONDS, STRIDE * seconds / moved)
        if self._anew:  # how fast the faces are is told by the next frame
            self._rest, self._anew = 0.0, False

    def _period(self, pts: float) -> int:
        return period(pts * self._unit)


def period(seconds: float) -> int:
    """Number of the stretch of a video, from one restart to the next, in which a time lies."""
    return math.floor(seconds / RESTART_SECONDS)


def _motion(before: Sequence[Face], after: Sequence[Face]) -> float:
    """How far the fastest face went, in shares of its size.

    A face that is near none of before may be one that is gone from further away.
    """
    if not before or not after:
        return 0.0
    old, new = (np.array([face.box.as_tuple() for face in faces]) for faces in (before, after))
    sizes = np.sqrt(np.prod(new[:, 2:] - new[:, :2], axis=1))[:, None]
    ratios = np.sqrt(np.prod(old[:, 2:] - old[:, :2], axis=1)) / sizes
    centers = (old[:, :2] + old[:, 2:]) / 2, (new[:, :2] + new[:, 2:]) / 2
    steps = np.linalg.norm(centers[1][:, None] - centers[0], axis=2) / sizes
    steps[(ratios <= 1 / ALIKE) | (ratios >= ALIKE)] = np.inf
    near = steps < NEAR
    # In a crowd one face is near where another was. Both have to be the other's nearest.
    pairs = near & (steps == steps.min(axis=0)) & (steps == steps.min(axis=1, keepdims=True))
    clear = [np.array([face.score >= CLEAR for face in faces]) for faces in (before, after)]
    alone, gone = clear[1] & ~near.any(axis=1), clear[0] & ~near.any(axis=0)
    pairs |= (steps < FAR) & alone[:, None] & (gone if gone.any() else True)
    return float(steps[pairs].max(initial=0.0))


def _changed(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    return float(np.abs(before.astype(np.int16) - after).mean()) > CHANGED


def _entered(before: NDArray[np.uint8] | None, after: NDArray[np.uint8]) -> bool:
    if before is None:
        return True
    difference = np.abs(before.astype(np.int16) - after)
    rim = [difference[0], difference[-1], difference[1:-1, 0], difference[1:-1, -1]]
    return 0 < float((np.concatenate(rim) > ENTERED).mean()) <= RIM_SHARE
