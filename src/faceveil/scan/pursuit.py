"""Follow what a person has marked in one frame of a video, forwards or backwards.

Each frame is asked twice: where the points of the box went, as long as what is there looks like
what was marked; and, every few frames and whenever that fails, where the detector finds a face
near the place at which it is expected, by the rule that links the faces of a scan. Where neither
tells for ``bridge_seconds``, it is lost. Boxes get their margins as those of detected faces do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, Protocol

import numpy as np

from faceveil.detect import Detector, load_detector, threshold
from faceveil.errors import UnreadableError
from faceveil.faces import Faces, hull
from faceveil.frames import Frame
from faceveil.geometry import Box
from faceveil.i18n import say
from faceveil.media import Source
from faceveil.media.videos.glances import Glances
from faceveil.media.videos.video import VideoSource
from faceveil.options import Options
from faceveil.plan import Face, Plan
from faceveil.scan.hunt import EARLIER, LATER, Hunt, Way
from faceveil.track import timeline
from faceveil.track.fill import cover, grown
from faceveil.track.motion import HITS, JITTER
from faceveil.track.scene import Hits, Scene

Ending = Literal["", "lost", "left", "cut", "film", "asked", "long"]
"""Reasons for an end: none, it goes on; what it followed was lost or has left the picture; a scene
ends or the whole film; as far as was asked for; or it took too long.
"""

TOLD = 24
"""Frames after which boxes are handed out."""
KEPT, BYTES = 96, 200_000_000
"""Frames that are read at once where they are wanted backwards, and what they may take."""
RECENT = 600
"""Frames that are remembered: more than what is handed out next may depend on."""
LONGEST = 20_000
"""Frames that are followed at a stretch."""
ROOM = 2 * JITTER
"""Shares of its sides by which a box is larger than where it was seen; twice that where no face in
it tells how large it has become.
"""


@dataclass(frozen=True, slots=True)
class Followed:
    """Some frames more.

    Attributes:
        way: later (1) or earlier (-1) than the frame where it was marked.
        boxes: frame -> box inside the picture.
        sure: the frames among them in which it was seen.
        ended: the reason why it is not followed further.
        at: the last frame in which it was seen.
    """

    way: Way
    boxes: Mapping[int, Box]
    sure: frozenset[int]
    ended: Ending
    at: int


class Film(Protocol):
    """Frames in stretches, in any order: `Glances`, or a source that has no need of them."""

    def between(self, first: int, end: int) -> Iterator[Frame]:
        """The frames from one index up to another."""
        ...


class _Sampled:
    def __init__(self, source: Source) -> None:
        self._source = source

    def between(self, first: int, end: int) -> Iterator[Frame]:
        return self._source.sample(range(first, end))


def pursue(
    source: Source,
    plan: Plan,
    frame: int,
    box: Box,
    options: Options,
    *,
    detector: Detector | None = None,
    first: int = 0,
    last: int | None = None,
) -> Iterator[Followed]:
    """Follow what was marked in one frame, through its scene, both ways in turns.

    Args:
        plan: of the same file; its times and cuts are used.
        frame, box: where it was marked; the box lies at least partly inside the picture.
        detector: in place of the one the options name.
        first, last: the frames of interest.

    Raises:
        UnreadableError: the file is gone or broken, or that frame cannot be read.
    """
    film = Glances(source) if isinstance(source, VideoSource) else _Sampled(source)
    detector = detector or load_detector(options, "video")
    floor = threshold(detector, options) * options.weak_share
    size = plan.media.width, plan.media.height
    times = timeline(plan.pts, plan.time_base)
    begins = [0, *sorted(plan.cuts), len(plan.pts)]
    begin = max(cut for cut in begins if cut <= frame)
    end = min(cut for cut in begins if cut > frame)
    scene = Scene(times, begin, end, [])
    whole = (0, len(plan.pts) - 1)
    ways: list[Iterator[Followed]] = []
    for way, edge, rim, asked in (
        (LATER, end - 1, whole[1], whole[1] if last is None else last),
        (EARLIER, begin, whole[0], first),
    ):
        bounds: list[tuple[int, Ending]] = [
            (edge, "film" if edge == rim else "cut"),
            (asked, "asked"),
            (frame + way * LONGEST, "long"),
        ]
        far, why = min(bounds, key=lambda bound: abs(bound[0] - frame))
        told = _Told(Hunt(box, size, detector, floor, options, way), scene, size, options, frame)
        ways.append(_one_way(film, told, far, why))
    while ways:
        for pursuit in tuple(ways):
            part = next(pursuit)
            yield part
            if part.ended:
                ways.remove(pursuit)


def _one_way(film: Film, told: _Told, last: int, why: Ending) -> Iterator[Followed]:
    """Follow it up to a frame, beyond which there is the reason given to follow it no further."""
    hunt, frame = told.hunt, told.frame
    frames = _read(film, frame, last, told.size, hunt.zoom, hunt.way)
    while some := list(islice(frames, TOLD)):
        if not hunt.looked and some[0].index != frame:
            break
        seen = all(hunt.see(one, told.scene.times[one.index]) for one in some)
        if not seen or hunt.gone:
            break
        if some[-1].index != last:
            yield told.more()
    if not hunt.looked:
        raise UnreadableError(say("frame {frame} cannot be decoded", frame=frame + 1))
    if hunt.gone or (hunt.unsure and hunt.leaving):
        why = "left"
    elif hunt.unsure:
        why = "lost"
    yield told.rest(why, last if why in ("asked", "long") else None)


def _read(
    film: Film, frame: int, last: int, size: tuple[int, int], zoom: float, way: Way
) -> Iterator[Frame]:
    """The frames from one to another, both included, in this order of time."""
    if way > 0:
        for one in film.between(frame, last + 1):
            yield _small(one, size, zoom)
        return
    pixels = size[0] * size[1] * (2 if zoom >= 1 else 3 * zoom**2)
    most = max(4, min(KEPT, int(BYTES / pixels)))
    end = frame + 1
    while end > last:
        begin = max(last, end - most)
        yield from reversed([_small(one, size, zoom) for one in film.between(begin, end)])
        end = begin


def _small(frame: Frame, size: tuple[int, int], zoom: float) -> Frame:
    """The picture that is worked on: what it takes to keep it depends on the box, not the video."""
    if zoom >= 1:
        return frame
    width, height = (max(1, round(side * zoom)) for side in size)
    image = frame.at_size(width, height)
    return Frame(frame.index, image, pts=frame.pts, damaged=frame.damaged, aspect=frame.aspect)


class _Told:
    """The boxes of a hunt with their margins, each handed out once."""

    def __init__(
        self,
        hunt: Hunt,
        scene: Scene,
        size: tuple[int, int],
        options: Options,
        frame: int,
    ) -> None:
        self.hunt, self.scene, self.size, self.frame = hunt, scene, size, frame
        self._options, self._last = options, frame

    def more(self) -> Followed:
        """All that is certain by now: up to the last box but one, whose neighbour is known."""
        seen = [at for at in self.hunt.seen if self._beyond(at, self._last)]
        stop = seen[-2] if len(seen) > 1 else self._last
        return self._tell(stop, "")

    def rest(self, why: Ending, stop: int | None) -> Followed:
        """All that is left: up to a frame, or to the end of the margin."""
        return self._tell(stop, why)

    def _beyond(self, at: int, other: int) -> bool:
        return (at - other) * self.hunt.way > 0

    def _tell(self, stop: int | None, why: Ending) -> Followed:
        order = list(self.hunt.seen)[-RECENT:]
        known = [at for at in order if not self._beyond(at, self._last)][-HITS:]
        frames = sorted(known + [at for at in order if self._beyond(at, self._last)])
        boxes = self._covered(frames, why)
        told = {
            at: box
            for at, box in boxes.items()
            if self._beyond(at, self._last) and (stop is None or not self._beyond(at, stop))
        }
        if stop is not None:
            self._last = stop
        seen = frozenset(at for at in told if at in self.hunt.seen)
        return Followed(self.hunt.way, told, seen, why, order[-1])

    def _covered(self, frames: list[int], why: Ending) -> dict[int, Box]:
        room = ROOM if self.hunt.has_face else 2 * ROOM
        hits = Hits(
            Faces.of(Face(self.hunt.seen[at].padded(*(room,) * 4), 1.0) for at in frames),
            np.array(frames, np.int64),
            np.array([self.scene.times[at] for at in frames]),
            np.ones(len(frames), np.bool_),
        )
        scene = replace(self.scene, ran=sorted(self.hunt.looked[-RECENT:]))
        boxes = dict(cover(range(len(frames)), hits, scene, *self.size, self._options))
        if why == "lost":  # it may also stand where it was
            end = frames[-1] if self.hunt.way > 0 else frames[0]
            row = np.array([self.hunt.seen[end].as_tuple()])
            for at, box in boxes.items():
                if self._beyond(at, end):
                    since = abs(self.scene.times[at] - self.scene.times[end])
                    stood = hull(grown(row, np.array([since])), np.array([box.as_tuple()]))
                    clipped = Box(*stood[0].tolist()).clipped(*self.size)
                    boxes[at] = clipped or box
        return boxes
