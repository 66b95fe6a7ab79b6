"""Faces, tracks and plans: data about a file, frozen, never pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from faceveil.geometry import Box, Point
from faceveil.i18n import say

if TYPE_CHECKING:
    from pydantic import TypeAdapter

PLAN_SCHEMA: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class Face:
    """One detection.

    Attributes:
        score: the detector's confidence, 0 to 1; comparable within one detector only.
        landmarks: right eye, left eye, nose tip, right and left corner of the mouth, as the
            person has them (so the right eye lies left in the picture), in pixels; or None.
    """

    box: Box
    score: float
    landmarks: tuple[Point, Point, Point, Point, Point] | None = None

    def transformed(self, scale: float, dx: float = 0.0, dy: float = 0.0) -> Face:
        marks = self.landmarks and tuple(
            (x * scale + dx, y * scale + dy) for x, y in self.landmarks
        )
        return Face(self.box.transformed(scale, dx, dy), self.score, marks)  # type: ignore[arg-type]

    @property
    def roll(self) -> float:
        """Angle of the line through the eyes in radians, clockwise positive; 0 if unknown."""
        if self.landmarks is None:
            return 0.0
        (rx, ry), (lx, ly) = self.landmarks[:2]
        return math.atan2(ly - ry, lx - rx)


Origin = Literal["detected", "checked", "manual", "zone"]
Why = Literal[
    "", "reference", "stranger", "unsure", "small", "turned", "few", "unseen", "crossing", "moved"
]
"""The reason why a track is covered or stays visible, if photos of a person decided it: it is the
person of the photos; certainly another one; or it could not be told, because it looks like neither,
is too small, is turned away, was looked at too rarely, was not seen there, or is too near to
another one. "moved": whoever reviewed it said whose it is.
"""


@dataclass(frozen=True, slots=True)
class Track:
    """One face over time.

    Attributes:
        boxes: frame index -> the box to cover there, of seen and of filled frames.
        seen: frame index -> the face that the detector found there. A frame in ``boxes`` that is
            not in ``seen`` was filled in.
        origin: where the track comes from: a detector, the check, a person, or a zone.
        keep: True leaves this face visible (a person decided so).
        why: the reason, if photos of a person decided it; of a face without a number, where the
            people are numbered, the reason why it has none.
        person: number of the person, if the people were numbered and it is certain; from 1.
    """

    id: int
    boxes: Mapping[int, Box]
    seen: Mapping[int, Face] = field(default_factory=dict)
    origin: Origin = "detected"
    keep: bool = False
    why: Why = ""
    person: int | None = None

    @property
    def filled(self) -> int:
        """Number of frames in which the face is covered without having been seen."""
        return len(self.boxes.keys() - self.seen.keys())


Kind = Literal["image", "pages", "animation", "video", "document"]


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """A frame of a document: one of its pages, or a picture in it.

    Attributes:
        name: the part of the file, or the page, in words.
        width, height: in pixels, as displayed. Boxes there are in these pixels.
        page: number of the page that it is or lies on, from 1; 0: on none, or it is not known.
        picture: its number among the pictures of that page, or of those on none, from 1; 0: it is
            the page itself, or its name says which it is.
        hidden: the page with everything that it does not show, or pictures that were put together.
    """

    name: str
    width: int
    height: int
    page: int = 0
    picture: int = 0
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Media:
    """Kind, size and length of a source, as displayed.

    Attributes:
        format: short lower-case name of the container: "jpeg", "png", "mp4", ...
        width, height: of every frame. Pages, and the pictures of a document, have sizes of their
            own: then of the widest and of the highest; boxes count from the upper left corner of
            each.
        frames: number of frames or pages if it is known before reading them all, else None.
        transparent: a video with opacity; for pictures, see each frame.
        parts: of a document and of pages, what each frame is.
        films: the parts of a document with films in them, which are no frames.
    """

    kind: Kind
    format: str
    width: int
    height: int
    frames: int | None = 1
    transparent: bool = False
    parts: tuple[DocumentPart, ...] = ()
    films: tuple[str, ...] = ()

    @property
    def still(self) -> bool:
        """Whether frames are independent pictures, so that nothing carries over from one to the
        next.
        """
        return self.kind in ("image", "pages", "document")

    def size_of(self, frame: int) -> tuple[int, int]:
        """Width and height of a frame."""
        if not self.parts:
            return self.width, self.height
        return self.parts[frame].width, self.parts[frame].height

    @property
    def pages(self) -> int:
        """Number of pages; 0 for what has none, or whose pages are made by whoever shows it."""
        return sum(1 for one in self.parts if one.page and not (one.picture or one.hidden))

    @property
    def pictures(self) -> int:
        """Number of pictures in a document that are looked at by themselves."""
        return sum(1 for one in self.parts if one.picture or not (one.page or one.hidden))

    @property
    def places(self) -> tuple[str, ...]:
        """For each frame the name of the page that it is or lies on, or else of its part."""
        pages: dict[int, str] = {}
        for part in self.parts:
            if part.page:  # itself first, then what lies on it
                pages.setdefault(part.page, part.name)
        return tuple(pages.get(part.page, part.name) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Plan:
    """The boxes to cover in each frame of a file. Never pixels.

    Attributes:
        media: the source this plan was made for.
        tracks: every face, in order of first appearance.
        detector, weights_sha256: what found the faces; "" for a plan made by hand.
        second: the other network that was asked; "" for none.
        settled: number of places, over all frames, that it was asked about, because the first one
            could not settle whether a face is there.
        min_face: size in pixels of the smallest face the detector could have seen. Smaller
            faces are the declared blind spot.
        time_base: seconds per unit of ``pts``.
        pts: presentation time of each frame, in display order.
        cuts: frame indices at which a new scene begins.
        sha256: of the file it was made from, in hexadecimal; "" if it is not known.
    """

    media: Media
    tracks: tuple[Track, ...]
    detector: str = ""
    weights_sha256: str = ""
    min_face: float = 0.0
    time_base: Fraction = Fraction(1, 1000)
    pts: tuple[int, ...] = (0,)
    cuts: tuple[int, ...] = ()
    sha256: str = ""
    second: str = ""
    settled: int = 0
    schema: Literal[1] = PLAN_SCHEMA

    @property
    def hidden(self) -> tuple[Track, ...]:
        """The tracks that will be covered; one whose boxes were all taken out covers nothing."""
        return tuple(track for track in self.tracks if track.boxes and not track.keep)

    @property
    def longest_fill(self) -> float:
        """Seconds for which a face is covered at a stretch without having been seen.

        What a person drew, or a zone, was not to be seen anywhere and does not count.
        """
        if self.media.still:
            return 0.0
        longest, last = 0, len(self.pts) - 1
        for track in self.hidden:
            if track.origin in ("manual", "zone"):
                continue
            begun: int | None = None
            for index in sorted(track.boxes):
                if index in track.seen:
                    begun = None
                    continue
                if begun is None or index - 1 not in track.boxes:
                    begun = self.pts[index]
                # The last frame is shown for as long as the one before it.
                step = min(index, last - 1)
                shown = self.pts[step + 1] - self.pts[step] if last > 0 else 0
                longest = max(longest, self.pts[index] + shown - begun)
        return float(longest * self.time_base)

    @property
    def faces_by_part(self) -> dict[str, int]:
        """Of a document: page, or part without one -> number of faces that are covered there."""
        places = self.media.places
        counts = dict.fromkeys(places, 0)
        for track in self.hidden:
            for place in {places[index] for index in track.boxes if index < len(places)}:
                counts[place] += 1
        return {place: count for place, count in counts.items() if count}

    def to_json(self) -> str:
        tracks = (replace(one, boxes=dict(one.boxes), seen=dict(one.seen)) for one in self.tracks)
        return _plan_adapter().dump_json(replace(self, tracks=tuple(tracks))).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Parse and validate a saved or edited plan.

        Raises:
            ValueError: the text is not a plan of this schema version.
        """
        plan: Self = _plan_adapter().validate_json(text)
        return plan


_MOST, _FARTHEST, _LONGEST = 100_000_000, 1e6, 1 << 62
"""Upper limits of a plan: frames and ids, pixels, units of time."""


@cache
def _plan_adapter() -> TypeAdapter[Any]:
    from pydantic import AfterValidator, TypeAdapter

    return TypeAdapter(Annotated[Plan, AfterValidator(_with_bounds)])


def _with_bounds(plan: Plan) -> Plan:
    """The plan, if its numbers are within bounds.

    Raises:
        ValueError: a number is beyond anything that a file could have.
    """
    media, base = plan.media, plan.time_base
    sides = [media.width, media.height]
    sides += [side for part in media.parts for side in (part.width, part.height)]
    faces = [face for track in plan.tracks for face in track.seen.values()]
    boxes = [face.box for face in faces]
    boxes += [box for track in plan.tracks for box in track.boxes.values()]
    points = [point for face in faces for point in face.landmarks or ()]
    counts = [
        number
        for track in plan.tracks
        for number in (track.id, track.person or 0, *track.boxes, *track.seen)
    ]
    for wrong, what in (
        (not all(0 < side <= _FARTHEST for side in sides), say("a size")),
        (not 0 <= (media.frames or 0) <= _MOST, say("a number of frames")),
        (not (0 < base.numerator <= _LONGEST and base.denominator <= _LONGEST), say("a time")),
        (not all(-_LONGEST <= time <= _LONGEST for time in plan.pts), say("a time")),
        (not all(-_MOST <= number <= _MOST for number in (*counts, *plan.cuts)), say("a number")),
        (not all(_near(box.as_tuple()) for box in boxes), say("a box")),
        (not all(_near(point) for point in points), say("a point of a face")),
        (not all(_near((face.score,)) for face in faces), say("a score")),
        (not 0 <= plan.min_face <= _FARTHEST, say("the smallest face")),
    ):
        if wrong:
            raise ValueError(say("{what} is out of bounds", what=what))
    _refuse_nowhere(plan)
    return plan


def _refuse_nowhere(plan: Plan) -> None:
    """Refuse boxes that could cover nothing: whoever drew them thinks that they do.

    A box in a video may leave the picture: it is followed, or filled in.

    Raises:
        ValueError: there is one.
    """
    media, frames = plan.media, max(len(plan.pts), plan.media.frames or 0)
    for track in plan.tracks:
        for frame in (*track.boxes, *track.seen):
            if not 0 <= frame < frames:
                raise ValueError(
                    say(
                        "a box is for frame {frame}, and it has {frames}",
                        frame=frame,
                        frames=frames,
                    )
                )
        for frame, box in track.boxes.items() if media.still else ():
            seen = track.seen.get(frame)
            if (seen and seen.box == box) or (media.parts and frame >= len(media.parts)):
                continue  # as the detector saw it, or of a frame without a size
            if box.clipped(*media.size_of(frame)) is None:
                raise ValueError(say("a box lies outside the picture"))


def _near(numbers: Iterable[float]) -> bool:
    return all(-_FARTHEST <= number <= _FARTHEST for number in numbers)
