"""The first reading of a source: choose the frames to look at, and collect the faces in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from faceveil.detect import Detector
from faceveil.detect.opinion import Opinion
from faceveil.faces import Faces
from faceveil.frames import Frame
from faceveil.media import Source
from faceveil.scan.looks import Looked, Looks, lag_for
from faceveil.scan.schedule import EveryFrame, Schedule, period
from faceveil.system.stages import DEPTH, ahead, depth_for
from faceveil.track import THUMBNAIL, CutFinder
from faceveil.track.settle import VOUCHED

__all__ = ["EveryFrame", "Scan", "Schedule", "follow", "period", "scan", "schedule_for"]


@dataclass
class Scan:
    """The result of one reading of a source.

    Attributes:
        found: frame index -> faces there, for the frames in which the detector looked wherever a
            face can be.
        found_in_crops: the same for the frames of which it looked at parts only.
        opinions: frame index -> the faces there that are in doubt, with another network's scores.
        settled: the number of places in stills that were put to another network.
        pts: presentation time of every frame.
        cuts: frame indices at which a new scene begins.
        suspects: frame indices that may be cuts; some of them are.
        damaged: frame indices whose pictures cannot be trusted.
        detector, second: what the detector and the network for opinions were called at the end, if
            those of other processes did the work.
    """

    found: dict[int, Faces] = field(default_factory=dict)
    found_in_crops: dict[int, Faces] = field(default_factory=dict)
    opinions: dict[int, Faces] = field(default_factory=dict)
    settled: int = 0
    pts: list[int] = field(default_factory=list)
    cuts: tuple[int, ...] = ()
    damaged: list[int] = field(default_factory=list)
    suspects: list[int] = field(default_factory=list)
    detector: str = ""
    second: str = ""

    @property
    def asked(self) -> int:
        """The number of places that were put to another network."""
        answers = (faces.scores < VOUCHED for faces in self.opinions.values())
        return self.settled + sum(int(asked.sum()) for asked in answers)


def scan(
    source: Source,
    detector: Detector,
    floor: float,
    strong: float,
    progress: Callable[[int], None],
    workers: int = 1,
    opinion: Opinion | None = None,
) -> Scan:
    """Read every frame once and look for faces in those that are due.

    Args:
        floor: the least score of a face that is kept.
        strong: the score of a face that would be covered on its own.
        progress: called with the number of frames read so far.
        workers: how many looks are under way at the same time; makes no difference to the result.
        opinion: another network, asked about the faces that the detector cannot settle.
    """
    media = source.media
    schedule: Schedule | EveryFrame
    if media.kind == "video":
        schedule = schedule_for(source, detector, strong)
    else:  # no more of what may be large wait than are looked at
        schedule = EveryFrame(workers - 1)
    return follow(
        source.skim(),
        schedule,
        detector,
        floor,
        progress,
        workers=workers,
        opinion=opinion,
        depth=depth_for(media.width * media.height, still=media.still),
    )


def schedule_for(source: Source, detector: Detector, strong: float) -> Schedule:
    """The schedule of a video, which is the same for each of its parts."""
    width, height = source.media.width, source.media.height
    smallest = detector.smallest_face(width, height)
    return Schedule(float(source.time_base), strong, smallest, lag_for(width * height))


def follow(
    frames: Iterable[Frame],
    schedule: Schedule | EveryFrame,
    detector: Detector,
    floor: float,
    progress: Callable[[int], None],
    before: Frame | None = None,
    *,
    to_end: bool = True,
    workers: int = 1,
    opinion: Opinion | None = None,
    depth: int = DEPTH,
) -> Scan:
    """Look for faces as `scan` does, in any consecutive frames.

    Args:
        before: the frame before the first, for a part of a video.
        to_end: the last frame is that of the video.
        workers, opinion: see `scan`.
        depth: how many frames may wait to be looked at.
    """
    result, cuts = Scan(), CutFinder(0 if before is None else before.index)
    last = before
    if before is not None:
        cuts.feed(before.thumbnail(*THUMBNAIL))
        schedule.resume(before.pts)
    stream = ahead(frames, depth)
    with Looks(detector, floor, workers, schedule.near, opinion) as looks:
        try:
            for frame in stream:
                for one in looks.until(frame.index - schedule.lag):
                    _take(result, schedule, one)
                result.opinions.update(looks.answers())
                thumbnail = frame.thumbnail(*THUMBNAIL)
                suspect = cuts.feed(thumbnail)
                result.pts.append(frame.pts)
                if frame.damaged:
                    result.damaged.append(frame.index)
                # A scene's last frame is looked at, because no later frame shows a face in it; and
                # so is a long frame, because no frame before or after it shows a face on it.
                if last is not None and (suspect or schedule.stands_long(last.pts, frame.pts)):
                    looks.add_last(last)
                if suspect:
                    looks.begin_scene()
                due = schedule.due(frame.pts, thumbnail, suspect)
                parts = schedule.changed_boxes(frame)
                if due or parts is None:
                    looks.add(frame, schedule.aside(suspect))
                    schedule.add_look()
                else:
                    aside = schedule.aside_in_parts()
                    if parts or aside or schedule.spared:
                        looks.add_parts(frame, parts, aside, as_whole=schedule.spared)
                        schedule.add_look(parts)
                last = frame
                progress(len(result.pts))
        finally:
            stream.close()
        if last is not None and to_end:
            looks.add_last(last)
        for one in looks.until(None):
            _take(result, schedule, one)
        result.opinions.update(looks.answers(0))
    result.cuts, result.suspects = cuts.cuts, cuts.suspects
    return result


def _take(result: Scan, schedule: Schedule | EveryFrame, one: Looked) -> None:
    """Add what was found in a look, and tell the schedule."""
    if one.whole:
        result.found[one.index] = one.faces
        result.found_in_crops.pop(one.index, None)
    elif one.faces:
        result.found_in_crops[one.index] = one.faces
    result.settled += one.settled
    if one.planned:
        schedule.add_detections(one.pts, one.faces, whole=one.whole, lying=one.lying)
