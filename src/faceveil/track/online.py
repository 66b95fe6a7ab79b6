"""Faces over time in real time: the online counterpart of `faceveil.track`, which works on files.

Linking is that of ByteTrack (Zhang 2022, arXiv 2110.06864) with distances in sizes of the face, as
in `faceveil.track.chain`. Because the future is unknown here, faces are covered for longer.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from faceveil.faces import Faces, Floats, centers, hull, sizes
from faceveil.geometry import Box, Target
from faceveil.options import Options
from faceveil.track import motion
from faceveil.track.chain import SIZE_RATIO, WEAK_COST, assign, link_costs
from faceveil.track.duplicates import merge_duplicates
from faceveil.track.fill import between, grown, project
from faceveil.track.motion import HITS, SPEED, TICK, Motion
from faceveil.zones import in_skip_zone

KEEP_SECONDS = 3.0
"""Seconds for which hits are remembered; longer than any frame waits."""
CONFIRMED = 3
"""The number of strong hits from which a face is expected not to vanish suddenly."""
FARTHEST = 2 * SPEED
"""Sizes a second that a face may go between two looks: two standard deviations of its speed."""
RIM = 0.35
"""A face this near to the rim, in its own sizes, now or soon, may have left the picture."""
DOUBT_SECONDS = 5.0
"""Seconds after all faces vanished at once from which the detector is trusted again, if second
looks at other scales found nothing, too.
"""
SECOND_LOOKS = 3


@dataclass(slots=True)
class _Track:
    """One face: its hits in order of time.

    Attributes:
        motions: how it moved at each hit.
        strong: number of hits with a score that would be covered on its own.
        kept: it never left a zone in which faces stay visible.
    """

    id: int
    times: list[float] = field(default_factory=list)
    faces: Faces = field(default_factory=lambda: Faces.of(()))
    motions: list[Motion] = field(default_factory=list)
    strong: int = 0
    kept: bool = True

    def add(self, time: float, one: Faces) -> None:
        """Take the next hit."""
        self.times.append(time)
        self.faces = Faces.concatenate([self.faces, one])
        recent = np.array(self.times[-HITS:])[::-1], self.faces.boxes[-HITS:][::-1]
        self.motions.append(motion.latest([recent]))

    def forget(self, hits: int) -> None:
        """Leave out so many of the oldest hits."""
        del self.times[:hits], self.motions[:hits]
        self.faces = self.faces[hits:]


class OnlineTracker:
    """The hits of all looks so far, and the areas to cover because of them.

    Args:
        size: width and height of the picture.
        strong: score from which a face counts on its own.
        options: ``bridge_seconds``, ``extend_seconds``, ``weak_share`` and ``skip_zones``.
    """

    def __init__(self, size: tuple[int, int], strong: float, options: Options) -> None:
        self._width, self._height = size
        self._strong = strong
        self.weak = strong * options.weak_share
        self._options = options
        self._tracks: list[_Track] = []
        self._looks: list[float] = []
        self._number = 0
        # Doubt lasts from _alarm to _calm; before _believe it cannot end in silence.
        self._alarm = self._calm = self._believe = math.inf
        self._second = 0

    def add_detections(self, time: float, found: Faces, again: Faces | None = None) -> None:
        """Add the faces of one look. Looks come in order of time.

        Args:
            time: of the frame, in seconds.
            again: the faces of a second look at other scales, if there was one.
        """
        faces = merge_duplicates(
            found if again is None else Faces.concatenate([found, again]),
            self._width,
            self._height,
            self._strong,
            self.weak,
        )
        self._looks.append(time)
        self._link(time, faces)
        self._judge(time, bool((found.scores >= self._strong).any()), again)
        self._forget(time)

    @property
    def faces(self) -> int:
        """The number of faces in the last look."""
        return sum(1 for track in self._covered() if track.times[-1:] == self._looks[-1:])

    @property
    def in_doubt(self) -> bool:
        """Whether a second look is needed: all faces have vanished at once, or are about to."""
        lost = self._lost()
        missed = lost is not None and bool(self._looks) and lost < self._looks[-1]
        return missed or self._alarm < self._calm

    def is_doubtful(self, time: float) -> bool:
        """Whether the detector's silence cannot be trusted at this time, so that the whole picture
        has to be covered.
        """
        return self._alarm < time <= self._calm

    def new_scene(self, time: float) -> None:
        """Start a new scene: now an empty look may be right."""
        self._believe, self._second = time, SECOND_LOOKS - 1

    def targets(self, time: float, step: float, unsure: Sequence[float] = ()) -> Iterator[Target]:
        """The targets to cover at a time.

        Args:
            step: seconds between frames; covers are widened by the motion within.
            unsure: ends of intervals whose length is not known, ascending. In a gap with one of
                them, a face may be anywhere between the two places where it was seen.
        """
        for track in self._covered():
            box = self._box(track, time, step, unsure)
            if box is None or (track.kept and in_skip_zone(box, self._options.skip_zones)):
                continue
            near = min(bisect_left(track.times, time - TICK), len(track.times) - 1)
            yield Target(track.id, box, track.faces[near].roll)

    def _covered(self) -> Iterator[_Track]:
        return (track for track in self._tracks if track.strong)

    def _link(self, time: float, faces: Faces) -> None:
        bridge = self._options.bridge_seconds
        opened = [track for track in self._tracks if time - track.times[-1] <= bridge + TICK]
        taken: set[int] = set()
        if opened and faces:
            places, extents = centers(faces.boxes), sizes(faces.boxes)
            expected = motion.joined([track.motions[-1] for track in opened])
            weak = faces.scores < self._strong
            costs = link_costs(expected, time, places, extents) + WEAK_COST * weak
            for row, column in assign(costs):
                taken.add(column)
                self._hit(opened[row], time, faces[[column]])
        for column in range(len(faces)):
            if column not in taken:
                self._tracks.append(_Track(self._number))
                self._number += 1
                self._hit(self._tracks[-1], time, faces[[column]])

    def _hit(self, track: _Track, time: float, one: Faces) -> None:
        (face,) = one
        track.add(time, one)
        track.strong += face.score >= self._strong
        track.kept = track.kept and in_skip_zone(face.box, self._options.skip_zones)

    def _forget(self, now: float) -> None:
        oldest = now - KEEP_SECONDS
        for track in self._tracks:
            drop = min(bisect_left(track.times, oldest), len(track.times) - HITS)
            if drop > 0:
                track.forget(drop)
        gone = oldest - self._options.bridge_seconds
        self._tracks = [track for track in self._tracks if track.times[-1] >= gone]
        del self._looks[: bisect_left(self._looks, oldest)]

    # Silence

    def _judge(self, now: float, seen: bool, again: Faces | None) -> None:
        """Start or end the doubt."""
        if self._alarm < self._calm == math.inf:
            self._second += again is not None and not again
            believed = now >= self._believe and self._second >= SECOND_LOOKS
            if seen or believed:
                self._calm = now
            if believed:
                self._tracks = [track for track in self._tracks if track.times[-1] >= now]
            return
        lost = self._lost()
        bridge = self._options.bridge_seconds
        if lost is not None and not seen and now - lost > bridge:
            self._alarm, self._calm = lost + bridge, math.inf
            self._believe, self._second = self._alarm + DOUBT_SECONDS, 0

    def _lost(self) -> float | None:
        """The time of the last confirmed face, if it cannot have left over the rim."""
        known = [track for track in self._tracks if track.strong >= CONFIRMED]
        if not known:
            return None
        last = max(track.times[-1] for track in known)
        late = [track for track in known if last - track.times[-1] <= TICK]
        return None if all(self._leaving(track) for track in late) else last

    def _leaving(self, track: _Track) -> bool:
        """Whether a face was at the rim, or on its way out, when it was last seen."""
        box = track.faces[-1].box
        near = box.padded(RIM, RIM, RIM, RIM)
        if near.x0 <= 0 or near.y0 <= 0 or near.x1 >= self._width or near.y1 >= self._height:
            return True
        (vx, vy) = track.motions[-1].velocity[0] * self._options.extend_seconds
        x, y = box.center
        return not (0 < x + vx < self._width and 0 < y + vy < self._height)

    # Boxes

    def _box(self, track: _Track, time: float, step: float, unsure: Sequence[float]) -> Box | None:
        """The possible place of one face, or None if it is long gone or not yet there."""
        first, last = track.times[0], track.times[-1]
        if time > last + self._options.bridge_seconds + TICK:
            return None
        if time < first - self._options.extend_seconds - TICK:
            return None
        others, lapse = self._others(track, time, step, unsure)
        box = reduce(hull, (self._at(track, other, lapse) for other in (time, *others)))
        return Box(*box[0].tolist()).clipped(self._width, self._height)

    def _others(
        self, track: _Track, time: float, step: float, unsure: Sequence[float]
    ) -> tuple[list[float], float]:
        """Other times at which the frame of this one may have been made, and the least time that
        may have passed between the looks around it.
        """
        hits, lapse = track.times, self._options.extend_seconds
        after = bisect_left(hits, time - TICK)
        if after == len(hits) or hits[after] - time > TICK:  # not seen in this very frame
            inside = 0 < after < len(hits)
            first, last = (hits[after - 1], hits[after]) if inside else self._around(time)
            if bisect_right(unsure, first + TICK) < bisect_right(unsure, last + TICK):
                others = [first + share * (last - first) for share in (0.01, 0.5, 0.99)]
                if not inside:
                    others.append(time + lapse if after else time - lapse)
                return others, lapse
        return [at for at in (time - step, time + step) if hits[0] <= at <= hits[-1]], 0.0

    def _around(self, time: float) -> tuple[float, float]:
        """The times of the looks before and after this one; this one itself if there is none."""
        before = bisect_left(self._looks, time - TICK)
        after = bisect_right(self._looks, time + TICK)
        return self._looks[before - 1] if before else time, [*self._looks, time][after]

    def _at(self, track: _Track, time: float, lapse: float) -> Floats:
        """(1, 4)."""
        times, boxes = track.times, track.faces.boxes
        after = bisect_left(times, time - TICK)
        if after == len(times):
            return self._onward(track, after - 1, time)
        if after == 0 and times[0] - time > TICK:
            box = self._ahead(track, times[0] - time)
            return reduce(hull, self._leaps(track, time, lapse), box)
        if abs(times[after] - time) <= TICK:
            return boxes[[after]]
        since, until = np.array([time - times[after - 1]]), np.array([times[after] - time])
        box = between(boxes[[after - 1]], boxes[[after]], since, until)
        looks = bisect_left(self._looks, times[after] - TICK) - bisect_right(
            self._looks, times[after - 1] + TICK
        )
        # Where the detector looked and found nothing, the face may have moved as if it were lost.
        return hull(box, self._onward(track, after - 1, time)) if looks else box

    def _onward(self, track: _Track, last: int, time: float) -> Floats:
        """The box after a hit: where its motion leads, or where it was; it grows with time."""
        box, since = track.faces.boxes[[last]], np.array([time - track.times[last]])
        moved = project(track.motions[last], box, np.minimum(since, self._options.extend_seconds))
        return hull(moved, grown(box, since))

    def _leaps(self, track: _Track, time: float, lapse: float) -> Iterator[Floats]:
        """The boxes on the way to the first hit from faces that are gone since the look before it.

        One of them may have been this face: where it turned round between the looks, it is not
        where its motion would have led, and so it was not recognized.
        """
        first = bisect_left(self._looks, track.times[0] - TICK)
        if first == 0 or time <= (before := self._looks[first - 1]):
            return
        since, until = np.array([time - before]), np.array([track.times[0] - time])
        here = track.faces.boxes[[0]]
        farthest = FARTHEST * max(track.times[0] - before, lapse)
        for other in self._tracks:
            last = bisect_right(other.times, track.times[0] + TICK) - 1
            if last < 0 or abs(other.times[last] - before) > TICK:
                continue  # it was gone before, or was seen again
            there = other.faces.boxes[[last]]
            (a,), (b,) = sizes(here), sizes(there)
            apart = np.linalg.norm(centers(here) - centers(there))
            if max(a, b) <= SIZE_RATIO * min(a, b) and apart <= farthest * np.sqrt(a * b):
                yield between(there, here, since, until)

    def _ahead(self, track: _Track, until: float) -> Floats:
        """The box before the first hit: where its motion came from, or where it is."""
        box = track.faces.boxes[[0]]
        state = motion.latest([(-np.array(track.times), track.faces.boxes)])
        return hull(project(state, box, np.array([until])), box)
