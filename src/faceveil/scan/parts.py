"""Scan a long video in independent parts, with the result of a single scan.

A scan treats a frame by that frame, the one before it, and everything since its schedule last
restarted. So a part begins at a restart, reads the frame before it as well, and is decoded from a
key frame far enough ahead that its pictures are those of a whole reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, cast

from faceveil.detect import Detector, at_once, load_detector, load_opinion, threshold
from faceveil.detect.load import second_of
from faceveil.detect.opinion import Opinion
from faceveil.detect.runtime import bounded
from faceveil.errors import InputError
from faceveil.faces import Faces
from faceveil.frames import Frame
from faceveil.media import open_source
from faceveil.options import Options
from faceveil.options.whereabouts import worst
from faceveil.scan import Scan, follow, period, schedule_for
from faceveil.system import beats
from faceveil.system.stages import Executor, depth_for
from faceveil.track import cuts_among

if TYPE_CHECKING:
    from faceveil.media.videos.video import VideoSource

RUN_UP = 2
"""A part is decoded from so many key frames before it: a frame that is shown before a key frame but
stored after it needs the key frame before.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """Some frames of a video in a row.

    Attributes:
        first, end: their indices, half-open.
        start: time of the key frame to decode from; None: the beginning.
        times: presentation times of its frames, after that of the frame before if there is one.
        last: it ends with the video.
    """

    first: int
    end: int
    start: int | None
    times: tuple[int, ...]
    last: bool


def scan_in_parts(path: Path, options: Options, executor: Executor) -> Scan | None:
    """The scan of a video, made in parts side by side, or None if it cannot be split."""
    with open_source(path, options) as source:
        parts = parts_of(cast("VideoSource", source), options.parts)
    if len(parts) < 2:
        return None
    threads = options.threads or max(1, bounded(0) // executor.workers)
    work = partial(_part_of_file, path, options.model_copy(update={"threads": threads}))
    scans = dict(executor.map(work, parts))
    found = [scans[part] for part in parts]
    for outcome in found:
        if isinstance(outcome, Exception) and not isinstance(outcome, InputError):
            raise outcome
    whole = [scan for scan in found if isinstance(scan, Scan)]
    return join(whole) if len(whole) == len(parts) else None


def _part_of_file(path: Path, options: Options, part: Part) -> Scan | None:
    with open_source(path, options) as source:
        workers, shared = at_once(options)
        detector = load_detector(shared, "video")
        strong = threshold(detector, options)
        weak = strong * options.weak_share
        opinion = load_opinion(shared, detector, strong)
        source = cast("VideoSource", source)
        found = scan_part(source, part, detector, weak, strong, workers, opinion)
        if found is not None:  # a device may have failed in this process alone
            found.detector, found.second = detector.name, second_of(detector, opinion)
        return found


def parts_of(source: VideoSource, count: int) -> list[Part]:
    """At most ``count`` parts of about one length; one if it is too short to be split, and
    none if the times of its frames are not known without decoding it.
    """
    packets, keys = source.times()
    times = sorted(packets)
    if not times or len(set(times)) < len(times):
        return []
    unit = float(source.time_base)
    begins = [
        index
        for index, (before, now) in enumerate(pairwise(times), 1)
        if period(before * unit) != period(now * unit)
        and sum(key < before for key in keys) >= RUN_UP
    ]
    ideal = [len(times) * number // count for number in range(1, count)]
    chosen = {min(begins, key=lambda begin: abs(begin - at)) for at in ideal} if begins else set()
    edges = [0, *sorted(chosen), len(times)]
    ordered = sorted(keys)
    parts = []
    for first, end in pairwise(edges):
        ahead = [key for key in ordered if first and key < times[first - 1]]
        parts.append(
            Part(
                first,
                end,
                ahead[-RUN_UP] if first else None,
                tuple(times[max(0, first - 1) : end]),
                end == len(times),
            )
        )
    return parts


def scan_part(
    source: VideoSource,
    part: Part,
    detector: Detector,
    floor: float,
    strong: float,
    workers: int = 1,
    opinion: Opinion | None = None,
) -> Scan | None:
    """The part of a whole scan's result; None if only a scan of the whole video can tell."""
    frames = source.skim(part.start)
    index = max(0, part.first - 1)

    def wanted() -> Iterator[Frame]:
        nonlocal index
        for frame in frames:
            if frame.pts < part.times[0]:
                continue
            if frame.pts > part.times[-1]:
                return
            frame.index = index
            index += 1
            yield frame

    rest = wanted()
    before = next(rest) if part.first else None
    result = follow(
        rest,
        schedule_for(source, detector, strong),
        detector,
        floor,
        _alive,
        before,
        to_end=part.last,
        workers=workers,
        opinion=opinion,
        depth=depth_for(source.media.width * source.media.height),
    )
    seen = [before.pts, *result.pts] if before else result.pts
    return None if result.damaged or tuple(seen) != part.times else result


def join(parts: Sequence[Scan]) -> Scan:
    """The scan of the whole video."""
    found = {frame: faces for part in parts for frame, faces in part.found.items()}
    suspects = sorted({frame for part in parts for frame in part.suspects})
    opinions: dict[int, Faces] = {}
    for before, part in pairwise([Scan(), *parts]):
        # A frame that the part before has looked at as a whole would not be looked at again.
        opinions |= {at: faces for at, faces in part.opinions.items() if at not in before.found}
    return Scan(
        found=found,
        found_in_crops={
            frame: faces
            for part in parts
            for frame, faces in part.found_in_crops.items()
            if frame not in found  # the first frame of a part may make the one before it due
        },
        opinions=opinions,
        pts=[pts for part in parts for pts in part.pts],
        cuts=cuts_among(suspects),
        suspects=suspects,
        detector=worst(part.detector for part in parts),
        second=worst(part.second for part in parts),
    )


def _alive(frames: int) -> None:
    """A progress function that only gives signs of life."""
    beats.moved()
