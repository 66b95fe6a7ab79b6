"""One thing, frame after frame: where it went, and whether that is certain."""

from __future__ import annotations

from typing import Literal

import numpy as np

from faceveil.detect import Detector
from faceveil.detect.change import Luma
from faceveil.faces import Faces, Floats, centers, hull, sizes
from faceveil.frames import Frame
from faceveil.geometry import Box
from faceveil.options import Options
from faceveil.scan.likeness import Likeness, flow
from faceveil.track import motion
from faceveil.track.chain import GATE_LIMIT, STITCH_DRIFT, STITCH_GATE, assign, link_costs
from faceveil.track.motion import HITS

Way = Literal[1, -1]
LATER: Way = 1
EARLIER: Way = -1

ACROSS = 72
"""Pixels across the marked box in the picture that is worked on; what is smaller stays so."""
LOOK_EVERY = 3
LIKE, ALIKE, FOUND = 0.5, 0.75, 0.75
"""Likeness that is asked for where most of its points moved together, where few did, and where it
is found again.
"""
MANY = 0.6
"""A share of the points that counts as most of them."""
LEARN_SECONDS = 0.12
"""Time between two looks that are remembered."""
NEAR, SMALLER, LARGER = 0.3, 0.3, 1.3
"""The first face is this near to the middle of the box, and of this size, in sizes of the box."""
TRUST = 0.5
"""A detection moves the box by this share of the way."""
RIM = 0.5
"""A thing that is lost with less than this share inside the picture, now or soon, has left it."""


class Hunt:
    """The thing that is followed, as far as it is known. All in pixels of the pictures worked on.

    Attributes:
        way: in which the frames come.
        zoom: their size as a share of the video's.
        seen: frame -> box, in pixels of the video.
        looked: the frames so far.
    """

    def __init__(
        self,
        box: Box,
        size: tuple[int, int],
        detector: Detector,
        floor: float,
        options: Options,
        way: Way,
    ) -> None:
        self.zoom = min(1.0, ACROSS / box.size)
        self.seen: dict[int, Box] = {}
        self.looked: list[int] = []
        self._detector, self._floor, self._options, self.way = detector, floor, options, way
        self._size = np.array([max(1, round(side * self.zoom)) for side in size], np.float64)
        self._box: Floats = np.array(box.as_tuple()) * self.zoom
        self._likeness = Likeness()
        self._before: Luma | None = None
        self._face: Floats | None = None
        """A face in the box: its corners as shares of the box."""
        self._times: list[float] = []
        self._boxes: list[Floats] = []
        self._learned = 0.0

    @property
    def unsure(self) -> bool:
        """True if it was not seen in the last frame."""
        return bool(self.looked) and self.looked[-1] not in self.seen

    @property
    def has_face(self) -> bool:
        """True if a face was found in the box."""
        return self._face is not None

    @property
    def gone(self) -> bool:
        """True if nothing of it is in the picture."""
        return self._inside(self._box) < 0.05

    @property
    def leaving(self) -> bool:
        """True if it was on its way out of the picture when it was last seen."""
        velocity = self._motion.velocity[0] * self._options.extend_seconds
        return min(self._inside(self._box), self._inside(self._box + np.tile(velocity, 2))) < RIM

    def see(self, frame: Frame, now: float) -> bool:
        """Look for it in the next frame; False if it has not been seen for too long."""
        now *= self.way
        luma = frame.luma(*self._size.astype(int).tolist())
        self.looked.append(frame.index)
        before, self._before = self._before, luma
        if before is None:
            self._begin(frame, luma, now)
            return True
        since = now - self._times[-1]
        found = None
        if not frame.damaged:
            if self.looked[-2] in self.seen:
                found = self._flowed(before, luma, since)
            if found is None or len(self.looked) % LOOK_EVERY == 0:
                found = self._detected(frame, luma, found, now)
            if found is None:
                found = self._found(luma, since)
        if found is None:
            return since <= self._options.bridge_seconds
        self._take(frame.index, now, found)
        return True

    def _begin(self, frame: Frame, luma: Luma, now: float) -> None:
        self._likeness.learn(luma, self._box)
        self._learned = now
        self._take(
            frame.index,
            now,
            self._with_face(self._faces_in(frame, _with_room(self._box)), self._box),
        )

    def _flowed(self, before: Luma, luma: Luma, since: float) -> Floats | None:
        """The box where its points went, if it looks as it did."""
        guess = self._motion.velocity[0] * since
        moved = flow(before, luma, self._box, guess)
        if moved is None:
            return None
        like = self._likeness.of(luma, moved.box)
        if like is not None and like < (LIKE if moved.share >= MANY else ALIKE):
            return None
        now = self._times[-1] + since
        certain = like is not None and moved.alone and moved.share >= MANY
        if certain and now - self._learned >= LEARN_SECONDS:
            self._likeness.learn(luma, moved.box)
            self._learned = now
        return moved.box

    def _detected(self, frame: Frame, luma: Luma, here: Floats | None, now: float) -> Floats | None:
        """The box by its face, if that is found where it is expected; else the box as given."""
        area = self._area(now - self._times[-1]) if here is None else _with_room(here)
        faces = self._faces_in(frame, area)
        if self._face is None:
            return None if here is None else self._with_face(faces, here)
        if not len(faces):
            return here
        times = np.array(self._times[-HITS:])[::-1]
        boxes = np.array([_part(box, self._face) for box in self._boxes[-HITS:]])[::-1]
        if here is not None:  # it is there, and only its exact place is asked
            times, boxes = np.array([now]), _part(here, self._face)[None]
        expected = motion.latest([(times, boxes)])
        pairs = assign(link_costs(expected, now, centers(faces.boxes), faces.sizes))
        if not pairs:
            return here
        whole = _whole(faces.boxes[pairs[0][1]], self._face)
        if here is None:  # of a face that is half hidden, less is found
            half = np.maximum(whole[2:] - whole[:2], self._box[2:] - self._box[:2]) / 2
            return np.concatenate([centers(whole) - half, centers(whole) + half])
        found: Floats = here + TRUST * (whole - here)
        if now - self._learned >= LEARN_SECONDS:
            self._likeness.learn(luma, found)
            self._learned = now
        return found

    def _found(self, luma: Luma, since: float) -> Floats | None:
        """Another place that looks the same."""
        found = self._likeness.find(luma, self._box, self._area(since))
        return None if found is None or found[1] < FOUND else found[0]

    def _area(self, since: float) -> Floats:
        """The area in which it may be after a while: on its way, or beside it."""
        gone = self._box + np.tile(self._motion.velocity[0] * since, 2)
        reach = min(STITCH_GATE + STITCH_DRIFT * since, GATE_LIMIT) * float(sizes(self._box))
        whole: Floats = hull(self._box[None], gone[None])[0]
        area: Floats = whole + np.array([-reach, -reach, reach, reach])
        return area

    def _faces_in(self, frame: Frame, area: Floats) -> Faces:
        part = Box(*area.tolist()).clipped(*self._size.tolist())
        if part is None:
            return Faces.of(())
        return Faces.of(self._detector.detect_in(frame, part, self._floor))

    def _with_face(self, faces: Faces, box: Floats) -> Floats:
        """The box that was drawn around a face, with all of it; remembers where in it that is."""
        size = float(sizes(box))
        off = np.linalg.norm(centers(faces.boxes) - centers(box), axis=1) / size
        fits = (off <= NEAR) & (SMALLER * size <= faces.sizes) & (faces.sizes <= LARGER * size)
        if not fits.any():
            return box
        face = faces.boxes[int(np.where(fits, off, np.inf).argmin())]
        whole: Floats = hull(box[None], face[None])[0]
        self._face = (face - np.tile(whole[:2], 2)) / np.tile(whole[2:] - whole[:2], 2)
        return whole

    def _take(self, index: int, now: float, box: Floats) -> None:
        self._box = box
        self._times.append(now)
        self._boxes.append(box)
        del self._times[:-HITS], self._boxes[:-HITS]
        self.seen[index] = Box(*(box / self.zoom).tolist())

    @property
    def _motion(self) -> motion.Motion:
        return motion.latest([(np.array(self._times)[::-1], np.array(self._boxes)[::-1])])

    def _inside(self, box: Floats) -> float:
        """The share of a box that is in the picture."""
        sides = np.minimum(box[2:], self._size) - np.maximum(box[:2], 0)
        return float(np.prod(np.maximum(sides, 0)) / np.prod(box[2:] - box[:2]))


def _with_room(box: Floats) -> Floats:
    """A box with as much around it as it takes to find a face in it."""
    room = 0.7 * (box[2:] - box[:2])
    return np.concatenate([box[:2] - room, box[2:] + room])


def _part(box: Floats, share: Floats) -> Floats:
    """The part of a box with corners at some shares of it."""
    corners: Floats = np.tile(box[:2], 2) + share * np.tile(box[2:] - box[:2], 2)
    return corners


def _whole(part: Floats, share: Floats) -> Floats:
    """The box of which this is the part."""
    sides = (part[2:] - part[:2]) / (share[2:] - share[:2])
    corner = part[:2] - share[:2] * sides
    return np.concatenate([corner, corner + sides])
