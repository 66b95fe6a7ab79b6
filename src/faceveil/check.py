"""Looking at a finished file as an adversary would: is a face still there, is metadata left?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from faceveil import media
from faceveil.detect import load_detector, threshold
from faceveil.media.hygiene import leftovers
from faceveil.options import Options
from faceveil.report import Finding
from faceveil.types import Box, Face, Frame, Plan

# A face counts as covered when this much of its box was painted: the detector's second look at a
# painted head wanders a little.
COVERED = 0.5
# The second look has no vote of several passes behind it, so a face has to be this much surer.
CERTAIN = 0.3
MOST = 0.8
# Frames of a video beyond one a second that are looked at.
LEAST, ONE_IN = 6, 120


def check_file(path: Path, options: Options) -> list[Finding]:
    """Everything an adversary could use in any file: every face, all metadata.

    Raises:
        InputError: the file cannot be read.
        WeightsError: the detector's weights are missing or altered.
    """
    found = []
    with media.open_source(path, options) as source:
        detector = load_detector(options, source.media.kind)
        for frame in source.frames():
            faces = detector.detect(frame, threshold(detector, options))
            found += [_face(frame.index, face) for face in faces]
    return found + _metadata(path)


def inspect(
    path: Path, plan: Plan, painted: Mapping[int, Iterable[Box]], options: Options
) -> list[Finding]:
    """What is wrong with a finished output.

    Args:
        path: the output, under its temporary name.
        plan: what it was made from; faces kept on purpose are no findings.
        painted: frame index -> boxes that were painted.
    """
    if options.check == "off":
        return []
    kept = [track.boxes for track in plan.tracks if track.keep]
    found = []
    with media.open_source(path, options) as output:
        detector = load_detector(options, output.media.kind)
        sure = min(threshold(detector, options) + CERTAIN, MOST)
        for frame in _looked_at(output, plan, options):
            known = [*painted.get(frame.index, ()), *_at(kept, frame.index)]
            faces = detector.look_again(frame, sure)
            found += [_face(frame.index, face) for face in faces if not _inside(face.box, known)]
    return found + _metadata(path)


def _looked_at(output: media.Source, plan: Plan, options: Options) -> Iterator[Frame]:
    if output.media.kind == "video" and options.check == "sample":
        return output.sample(sampled(plan, output.key_frames()))
    return output.skim()


def sampled(plan: Plan, key_frames: Sequence[int]) -> set[int]:
    """The frames of a video to look at: one a second, and those where a leak is likeliest.

    Args:
        key_frames: indices of the frames that cost least to read.
    """
    seconds: dict[int, int] = {}
    keys = set(key_frames)
    for index, pts in enumerate(plan.pts):
        second = int((pts - plan.pts[0]) * plan.time_base)
        if second not in seconds or (index in keys and seconds[second] not in keys):
            seconds[second] = index
    doubtful: list[tuple[float, int]] = []
    for track in plan.hidden:
        if not track.boxes:  # somebody took them out of the plan
            continue
        order = sorted(track.boxes)
        for index in (order[0], order[len(order) // 2], order[-1]):
            doubtful.append((0.0 if index not in track.seen else track.seen[index].score, index))
        doubtful += [(face.score, index) for index, face in track.seen.items()]
    # Least certain first; as many as a tenth of the run's time has room for.
    room = LEAST + len(plan.pts) // ONE_IN
    return {*seconds.values(), *(index for _, index in sorted(set(doubtful))[:room])}


def _at(boxes: Iterable[Mapping[int, Box]], index: int) -> list[Box]:
    return [track[index] for track in boxes if index in track]


def _inside(box: Box, known: list[Box]) -> bool:
    return sum(box.intersection(other) for other in known) >= COVERED * box.area


def _face(frame: int, face: Face) -> Finding:
    return Finding(
        "face", f"a face of {face.box.size:.0f} px is visible", frame, face.box, face.score
    )


def _metadata(path: Path) -> list[Finding]:
    return [Finding("metadata", name) for name in leftovers(path)]
