"""The first reading of a source: choose the frames to look at, and collect the faces in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from faceveil.detect import Detector
from faceveil.faces import Faces
from faceveil.frames import Frame
from faceveil.media import Source
from faceveil.scan.schedule import EveryFrame, Schedule, period
from faceveil.system.stages import ahead
from faceveil.track import THUMBNAIL, CutFinder

__all__ = ["EveryFrame", "Scan", "Schedule", "follow", "period", "scan"]


@dataclass
class Scan:
    """The result of one reading of a source.

    Attributes:
        found: frame index -> faces there, for the frames in which the detector looked.
        found_in_crops: the same for the frames of which it looked at parts only.
        pts: presentation time of every frame.
        cuts: frame indices at which a new scene begins.
        suspects: frame indices that may be cuts; some of them are.
        damaged: frame indices whose pictures cannot be trusted.
    """

    found: dict[int, Faces] = field(default_factory=dict)
    found_in_crops: dict[int, Faces] = field(default_factory=dict)
    pts: list[int] = field(default_factory=list)
    cuts: tuple[int, ...] = ()
    damaged: list[int] = field(default_factory=list)
    suspects: list[int] = field(default_factory=list)


def scan(
    source: Source,
    detector: Detector,
    floor: float,
    strong: float,
    progress: Callable[[int, int], None],
) -> Scan:
    """Read every frame once and look for faces in those that are due.

    Args:
        floor: the least score of a face that is kept.
        strong: the score of a face that would be covered on its own.
        progress: called with the frames read and the faces found so far.
    """
    video = source.media.kind == "video"
    width, height = source.media.width, source.media.height
    smallest = detector.smallest_face(width, height)
    schedule = Schedule(float(source.time_base), strong, smallest) if video else EveryFrame()
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
    """Look for faces as `scan` does, in any consecutive frames.

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

    def look(frame: Frame) -> Faces:
        if frame.index not in result.found:
            result.found[frame.index] = Faces.of(detector.detect(frame, floor))
            result.found_in_crops.pop(frame.index, None)
        return result.found[frame.index]

    stream = ahead(frames)
    try:
        for frame in stream:
            thumbnail = frame.thumbnail(*THUMBNAIL)
            suspect = cuts.feed(thumbnail)
            result.pts.append(frame.pts)
            if frame.damaged:
                result.damaged.append(frame.index)
            # A scene's last frame is looked at, because no later frame shows a face in it; and so
            # is a long frame, because no frame before or after it shows a face on it.
            if last is not None and (suspect or schedule.stands_long(last.pts, frame.pts)):
                look(last)
            due, patches = (
                schedule.due(frame.pts, thumbnail, suspect),
                schedule.changed_boxes(frame),
            )
            if due or patches is None:
                found = look(frame)
                if (least := schedule.rotated_floor(suspect)) is not None:
                    found = Faces.concatenate([found, detector.detect_rotated(frame, least)])
                    result.found[frame.index] = found
                schedule.add_detections(found)
            elif patches:
                found = Faces.concatenate(detector.detect_in(frame, one, floor) for one in patches)
                schedule.add_detections_in(patches, found)
                if found:
                    result.found_in_crops[frame.index] = found
            else:
                found = Faces.of(())
            faces += len(found)
            last = frame
            progress(len(result.pts), faces)
    finally:
        stream.close()
    if last is not None and to_end:
        look(last)
    result.cuts, result.suspects = cuts.cuts, cuts.suspects
    return result
