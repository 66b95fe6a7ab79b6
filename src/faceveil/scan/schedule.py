"""Decide when the detector looks at a whole frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faceveil.faces import Faces, centers
from faceveil.frames import Frame
from faceveil.geometry import Box
from faceveil.scan.looks import LEAST_LAG, Aside
from faceveil.scan.stillness import ALIKE, FIRST, NEAR, Stillness

if TYPE_CHECKING:
    from faceveil.detect.change import ChangeMap
    from faceveil.scan.sideways import Sideways

# A video's schedule restarts after so many seconds, as if nothing was known, so that a part of a
# long video can be scanned on its own with the same result. Each restart costs one more look.
RESTART_SECONDS = 60.0
# In a video the detector pauses for at most this many seconds, but where nothing changes. A track
# reaches back further than that from its first hit, so a face that enters during the pause is
# covered from its first frame.
REST_SECONDS = FIRST
# A face that is found again within this time, at the same place, is the same.
NEAR_SECONDS = 0.5
# No face may move further than this share of its size between two looks.
STRIDE = 0.5
# A face that appears this near to one that has disappeared may be the same: somebody who runs past
# the camera moves 15 times the size of their face in a second. Only clear faces count, because in a
# crowd the doubtful ones come and go.
FAR, CLEAR = 4.0, 0.6
# Lying heads are looked for this often: together with the delay of a look, that is a gap that is
# bridged. Where nothing changes, they have been looked for already.
SIDEWAYS_SECONDS, STILL_SIDEWAYS_SECONDS = 0.7, 8.0
# Where nothing changes, a look may take so many frames: it shows what is known already, and
# meanwhile the next frames are read.
STILL_LAG = 24
# If more than this share of the picture changes in frame after frame, it is a fade or a moving
# camera. Meanwhile, looks because of changes are at least this far apart.
GLOBAL, MOVING_SECONDS = 0.3, 0.12
# Mean difference of two thumbnails, 0 to 255, from which so much has changed that the detector
# has to look at once.
CHANGED = 10.0
# Something enters where a cell of the thumbnail's rim changed by this much, and no more than this
# share of the rim did; more is a moving camera. After so many seconds that is worth a look, because
# a face that only crosses a corner is gone before the pause ends.
ENTERED, RIM_SHARE, ENTER_SECONDS = 32, 0.12, 0.12


class EveryFrame:
    """Looks at every frame: stills and short animations.

    Args:
        lag: the number of frames after which a look must be over; no look depends on another.
    """

    spared = False

    def __init__(self, lag: int) -> None:
        self.lag = lag

    def due(self, pts: int, thumbnail: NDArray[Any], suspect: bool) -> bool:
        return True

    def changed_boxes(self, frame: Frame) -> Sequence[Box]:
        return ()

    def add_look(self, boxes: Sequence[Box] | None = None) -> None:
        """Makes no difference."""

    def add_detections(
        self, pts: int, faces: Faces, *, whole: bool = True, lying: Faces | None = None
    ) -> None:
        """Makes no difference."""

    def stands_long(self, pts: int, until: int) -> bool:
        return False

    def aside(self, suspect: bool) -> Aside | None:
        return None

    def aside_in_parts(self) -> Aside | None:
        return None

    def near(self, pts: int, other: int) -> bool:
        return False

    def resume(self, pts: int) -> None:
        """Makes no difference."""


class Schedule:
    """Looks often when faces move fast or the picture changes, and rarely when all is calm.

    It is told at once that a frame is looked at (``add_look``), and what the detector found there a
    few frames later (``add_detections``), because several looks are under way at the same time.

    Args:
        unit: seconds per unit of ``pts``.
        strong: score from which a face influences the schedule.
        smallest: size in pixels of the smallest face that is looked for.
        lag: frames after which a look must be over while something changes.

    Attributes:
        spared: the frame is due, but parts of it are as good as the whole, because the rest shows
            what it did at the last look.
    """

    def __init__(
        self, unit: float, strong: float, smallest: float = 12.0, lag: int = LEAST_LAG
    ) -> None:
        self._lag = lag
        self._unit = unit
        self._strong = strong
        self._smallest = smallest
        self._faces = Faces.of(())
        self._changes: ChangeMap | None = None
        self._sideways: Sideways | None = None
        self._now = self._turned = -math.inf
        self._shown: NDArray[Any] | None = None
        self._thumbnail: NDArray[Any] | None = None
        self._looked = self._known = -math.inf
        self._rest, self._anew = REST_SECONDS, False
        self._still, self.spared = Stillness(unit, strong), False

    @property
    def lag(self) -> int:
        """The number of frames after which a look must be over."""
        return STILL_LAG if self._still.is_long else self._lag

    def resume(self, pts: int) -> None:
        """Start after the frame of this time, which is the last before a restart."""
        self._looked = pts

    def due(self, pts: int, thumbnail: NDArray[Any], suspect: bool) -> bool:
        """Whether the detector has to look at this frame.

        Args:
            suspect: it may be the first of a scene.
        """
        if self._looked > -math.inf and self._period(pts) != self._period(self._looked):
            self._faces, self._thumbnail = Faces.of(()), None
            self._changes = self._sideways = None
            self._looked = self._known = self._turned = -math.inf
            self._rest, self._anew = REST_SECONDS, True
            self._still = Stillness(self._unit, self._strong)
        self._now, self._shown = pts, thumbnail
        changed = self._thumbnail is None or _changed(self._thumbnail, thumbnail)
        since = self._since()
        entered = since >= ENTER_SECONDS and _entered(self._thumbnail, thumbnail)
        urgent = suspect or changed or entered or since <= 0
        self.spared = not urgent and since >= self._rest and self._still.spares(pts)
        return urgent or (since >= self._rest and not self.spared)

    def stands_long(self, pts: int, until: int) -> bool:
        """Whether a frame at the first time, followed by one at the second, is shown for long."""
        return (until - pts) * self._unit >= REST_SECONDS

    def near(self, pts: int, other: int) -> bool:
        """Whether two times are so near to each other that a face is still where it was."""
        together = self._period(pts) == self._period(other)
        return together and abs(pts - other) * self._unit <= NEAR_SECONDS

    def aside(self, suspect: bool) -> Aside | None:
        """The search for heads that lie in this frame, of which all is looked at.

        Call this after ``changed_boxes``.
        """
        pause = STILL_SIDEWAYS_SECONDS if self._still.lasts else SIDEWAYS_SECONDS
        if not suspect and (self._now - self._turned) * self._unit < pause:
            return self.aside_in_parts()
        self._turned = self._now
        if self._sideways is not None:
            self._sideways.look_all_over()
        return Aside(self._strong, None)

    def aside_in_parts(self) -> Aside | None:
        """The same for a frame of which at most parts are looked at."""
        if self._sideways is None:
            return None
        boxes = self._sideways.boxes(self._now, self._faces)
        return Aside(self._sideways.floor, boxes) if boxes else None

    def changed_boxes(self, frame: Frame) -> Sequence[Box] | None:
        """The boxes of this frame that have changed and need a look; None: the whole frame.

        Call this for every frame, after ``due``.
        """
        if self._changes is None:
            from faceveil.detect.change import ChangeMap  # no use for photos
            from faceveil.scan.sideways import Sideways

            self._changes = ChangeMap(frame.size, self._smallest)
            self._sideways = Sideways(frame.size, self._smallest, self._unit, self._strong)
        luma = frame.luma(*self._changes.shape)
        fresh = self._changes.feed(luma)
        if self._sideways is not None:
            self._sideways.feed(luma, fresh)
        if fresh.any():
            self._still.end()
        if self.spared:
            boxes = self._changes.around(self._still.faces) if self._still.lasts else None
            self.spared = boxes is not None
            return boxes
        goes_on = self._changes.moving > GLOBAL / 2 and fresh.mean() > GLOBAL
        if goes_on and self._since() < MOVING_SECONDS:
            return ()
        return self._changes.boxes(fresh)

    def add_look(self, boxes: Sequence[Box] | None = None) -> None:
        """Note that the detector looks at the last frame: in these boxes, or all over."""
        if boxes is None:
            self._still.look(self._now)
        if boxes is None or self.spared:
            self._looked, self._thumbnail = self._now, self._shown
        if self._changes is not None:
            for box in [None] if boxes is None else boxes:
                self._changes.update_reference(box)

    def add_detections(
        self, pts: int, faces: Faces, *, whole: bool = True, lying: Faces | None = None
    ) -> None:
        """Add the faces that the detector found, to decide when to look again.

        Args:
            pts: time of the frame in which it looked; call in the order of the frames.
            whole: it looked all over the frame, or wherever a face can be, not in parts of it.
            lying: those of heads that lie.
        """
        if self._period(pts) != self._period(self._now):
            return  # it has restarted since
        if self._sideways is not None and lying is not None:
            self._sideways.add(pts, lying)
        if whole:
            self._still.add(pts, faces)
        faces = faces[faces.scores >= self._strong]
        if self._changes is not None:
            self._changes.cover(faces, anew=whole)
        if not whole:
            return
        # The difference first: products of large times would be a rounding error apart.
        moved, seconds = _motion(self._faces, faces), (pts - self._known) * self._unit
        self._faces, self._known = faces, pts
        self._rest = REST_SECONDS
        if moved and 0 < seconds < math.inf:
            self._rest = min(REST_SECONDS, STRIDE * seconds / moved)
        if self._rest < REST_SECONDS:
            self._still.end()
        if self._anew:  # how fast the faces are is told by the next look
            self._rest, self._anew = 0.0, False

    def _since(self) -> float:
        """Seconds since the last look."""
        return (self._now - self._looked) * self._unit

    def _period(self, pts: float) -> int:
        return period(pts * self._unit)


def period(seconds: float) -> int:
    """Number of the stretch of a video, from one restart to the next, in which a time lies."""
    return math.floor(seconds / RESTART_SECONDS)


def _motion(before: Faces, after: Faces) -> float:
    """The distance that the fastest face went, in shares of its size.

    A face with no earlier one near it may be one that has moved from further away.
    """
    if not before or not after:
        return 0.0
    sizes = after.sizes[:, None]
    ratios = before.sizes / sizes
    steps = np.linalg.norm(centers(after.boxes)[:, None] - centers(before.boxes), axis=2) / sizes
    steps[(ratios <= 1 / ALIKE) | (ratios >= ALIKE)] = np.inf
    near = steps < NEAR
    # In a crowd a face may be near the earlier place of another. So both must be each other's
    # nearest.
    pairs = near & (steps == steps.min(axis=0)) & (steps == steps.min(axis=1, keepdims=True))
    alone = (after.scores >= CLEAR) & ~near.any(axis=1)
    gone = (before.scores >= CLEAR) & ~near.any(axis=0)
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
