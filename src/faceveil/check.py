"""Looking at a finished file as an adversary would: is a face still there, is metadata left?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from faceveil import media
from faceveil.detect import load_detector, threshold
from faceveil.media.hygiene import leftovers
from faceveil.options import Options
from faceveil.report import Finding
from faceveil.types import Box, Face, Plan

# A face counts as covered when this much of its box was painted: the detector's second look at a
# painted head wanders a little.
COVERED = 0.5
# The second look has no vote of several passes behind it, so a face has to be this much surer.
CERTAIN = 0.3
MOST = 0.8


def check_file(path: Path, options: Options) -> list[Finding]:
    """Everything an adversary could use in any file: every face, all metadata.

    Raises:
        InputError: the file cannot be read.
        WeightsError: the detector's weights are missing or altered.
    """
    detector = load_detector(options)
    found = []
    with media.open_source(path, options) as source:
        for frame in source.frames():
            faces = detector.detect([frame.image], threshold(detector, options))[0]
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
    detector = load_detector(options)
    found = []
    with media.open_source(path, options) as output:
        for frame in output.frames():
            known = [
                *painted.get(frame.index, ()),
                *(track.boxes[frame.index] for track in plan.tracks if frame.index in track.boxes),
            ]
            sure = min(threshold(detector, options) + CERTAIN, MOST)
            faces = detector.look_again(frame.image, sure)
            found += [_face(frame.index, face) for face in faces if not _inside(face.box, known)]
    return found + _metadata(path)


def _inside(box: Box, known: list[Box]) -> bool:
    return sum(box.intersection(other) for other in known) >= COVERED * box.area


def _face(frame: int, face: Face) -> Finding:
    return Finding(
        "face", f"a face of {face.box.size:.0f} px is visible", frame, face.box, face.score
    )


def _metadata(path: Path) -> list[Finding]:
    return [Finding("metadata", name) for name in leftovers(path)]
