"""Paint one frame, given the faces to cover in it.

Files and live streams share this step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from faceveil import obscure
from faceveil.frames import Frame
from faceveil.geometry import Box, Target
from faceveil.obscure import region
from faceveil.obscure.canvas import canvas_of

if TYPE_CHECKING:
    from faceveil.obscure import Hold, Sampler
    from faceveil.obscure.codes import Codes
    from faceveil.options import Options
    from faceveil.plan import Plan, Track

HOLD_SECONDS = 2
"""A track shows the same codes for at least this long: many of them would add up to a face."""

# Codes are held by track, and no track has a negative number.
_WHOLE, _ZONES, _PLACES = -1, -2, -1_000_000


class Painter:
    """Obscures the given targets, frame by frame."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._obscurer = obscure.load_obscurer(options)

    def paint(
        self,
        frame: Frame,
        size: tuple[int, int],
        targets: Sequence[Target],
        hold: Hold,
    ) -> tuple[Box, ...]:
        """Paint the targets and the zones that are always covered, in place.

        Args:
            size: width and height of the frame.
            hold: chooses the codes of each track, see `Held`.

        Returns:
            The areas that are certainly covered.
        """
        options = self._options
        areas = region.regions([*targets, *_zones(options)], *size, options)
        if not areas:
            return ()
        canvas = canvas_of(frame)
        masks = [region.mask(area, options) for area in areas]
        obscure.paint(canvas, areas, masks, self._obscurer, hold)
        frame.painted = tuple(area.box for area in areas)
        if options.show_boxes:
            for area in areas:
                obscure.outline(canvas, area)
        return tuple(shape.cover for area in areas for shape in area.shapes)


class Held:
    """The codes of each track, from frame to frame.

    When the codes of a track have been shown for the limit, the track is sampled again. It gets
    other codes only if the face looks different by then, so that a minute of a still face with a
    moving box tells no more than a moment.

    Args:
        limit: the shortest time between two codes of a track in a scene, in the units of the times
            given to ``at``.
    """

    def __init__(self, limit: Fraction | float) -> None:
        self._limit = limit
        self._kept: dict[int, _Kept] = {}
        self._now: float = 0

    def at(self, time: float, fresh: bool) -> Hold:
        """Go to the frame at this time.

        Args:
            fresh: it is the first of a scene.
        """
        if fresh or time < self._now:
            self._kept = {}
        self._now = time
        return self._codes

    def _codes(self, track: int, look: Sampler) -> Codes:
        kept = self._kept.get(track)
        if kept is None or self._now - kept.shown >= self._limit:
            self._forget()
            kept = self._kept[track] = _Kept(look.codes(), self._now, self._now)
        elif self._now - kept.since >= self._limit:
            kept.since = self._now
            if not look.like(kept.codes):
                kept.codes = look.codes()
        kept.shown = self._now
        return kept.codes

    def _forget(self) -> None:
        """Drop the tracks that are over."""
        over = [one for one, kept in self._kept.items() if self._now - kept.shown >= self._limit]
        for track in over:
            del self._kept[track]


@dataclass(slots=True)
class _Kept:
    """Codes; since when they hold, or were last compared; and when they were last shown."""

    codes: Codes
    since: float
    shown: float


class Targets:
    """The targets that a plan covers, frame by frame: all at once would fill the memory."""

    def __init__(self, plan: Plan) -> None:
        self._tracks: dict[int, list[Track]] = {}
        for track in plan.hidden:
            for index in track.boxes:
                self._tracks.setdefault(index, []).append(track)

    @property
    def frames(self) -> Collection[int]:
        """Indices of the frames in which there is one."""
        return self._tracks.keys()

    def at(self, index: int) -> list[Target]:
        """Those in the frame with this index."""
        return [_target(track, index) for track in self._tracks.get(index, ())]


def _target(track: Track, index: int) -> Target:
    seen = track.seen.get(index)
    return Target(track.id, track.boxes[index], seen.roll if seen else 0.0)


def whole(size: tuple[int, int]) -> Target:
    """A target that covers a whole frame, for frames that cannot be trusted."""
    return Target(_WHOLE, Box(0, 0, *size), padded=False)


def places(boxes: Iterable[Box]) -> list[Target]:
    """Targets that cover boxes as they are, in one frame."""
    return [Target(_PLACES - number, box, padded=False) for number, box in enumerate(boxes)]


def _zones(options: Options) -> Iterator[Target]:
    for number, zone in enumerate(options.cover_zones):
        yield Target(_ZONES - number, Box(*zone), padded=False)
