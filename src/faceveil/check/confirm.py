"""Confirm what the quick look at a video's output was certain of."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from faceveil.check.clear import same_place
from faceveil.detect import Detector
from faceveil.detect.opinion import SURE, Opinion
from faceveil.faces import Faces
from faceveil.frames import Frame
from faceveil.geometry import Box
from faceveil.i18n import say
from faceveil.media import Source
from faceveil.plan import Face, Plan
from faceveil.report import Finding
from faceveil.system import beats
from faceveil.system.stages import several

VOTED = 0.1
"""The least score for which the votes are counted; what has less is far from `SURE` anyway."""
HARDLY, SURELY = 0.3, 0.4
"""The quick look is not believed if the other network's scores of a thing are lower than the first
on average. What it gives the second is a face, whatever came before in this place.

In composed videos (benchmarks/leaks.py: seeds 1 to 10, and dark, turning and fading scenes; one
frame in twelve, each for itself) none of 442 faces of which the quick look was certain had less
than 0.3, and three less than 0.4. Of 38 other things, all of them a motorcycle's lamp, 35 had less
than 0.3, and all less than 0.4.
"""
NEXT, WAY = 2.0, 0.5
"""Seconds between two finds of the same thing, at most (one frame of each second is looked at), and
the share of its size by which it may have moved aside.
"""


def confirmed(
    output: Source,
    plan: Plan,
    found: Sequence[Finding],
    detector: Detector,
    opinion: Opinion,
    workers: int = 1,
) -> list[Finding]:
    """The findings. A face that nothing else confirms is a doubt, and each thing is doubted once,
    where it looks most like a face.

    The quick look sees each frame once. The analysis decides by the votes of several views, and by
    the other network's scores in all frames in which something shows. A single view that is certain
    of a lamp, which gets 0.4 by the votes, does not overrule that: the lamp would be painted for a
    whole scene, and the video would be made again for it.

    Args:
        output: in which the faces were found.
        plan: knows the times of its frames, and its scenes.
        detector: whose findings these are; what another one found is passed on.
        opinion: of the other network.
        workers: the frames that the detector may be given at the same time.
    """
    certain = _places(found, "face", detector)
    scores: dict[int, float] = {}

    def ask(frame: Frame) -> Iterator[tuple[int, float]]:
        there = certain[frame.index]
        return zip(there, _scores(frame, [*there.values()], detector, opinion), strict=True)

    # Some files can only be read as a whole, which would be in vain for nothing.
    wanted = output.sample(certain.keys()) if certain else ()
    for answers in several(ask, wanted, workers):
        scores.update(answers)
        beats.moved()
    denied: set[int] = set()
    for thing in _things(plan, certain):
        if np.mean([scores[number] for number in thing]) < HARDLY:
            denied.update(number for number in thing if scores[number] < SURELY)
    told = [as_doubt(one) if number in denied else one for number, one in enumerate(found)]
    repeated: set[int] = set()
    for thing in _things(plan, _places(told, "doubt", detector)):
        best = max(thing, key=lambda number: told[number].score or 0.0)
        repeated.update(number for number in thing if number != best)
    return [one for number, one in enumerate(told) if number not in repeated]


def _places(found: Sequence[Finding], kind: str, detector: Detector) -> dict[int, dict[int, Face]]:
    """The faces of one kind by their frames, and by their numbers among the findings."""
    places: dict[int, dict[int, Face]] = {}
    for number, one in enumerate(found):
        # What follows the first word is where it ran, which may have changed since.
        if one.kind == kind and one.detector.split()[:1] == detector.name.split()[:1]:
            assert one.frame is not None
            assert one.box is not None
            assert one.score is not None
            places.setdefault(one.frame, {})[number] = Face(one.box, one.score)
    return places


def _scores(
    frame: Frame, faces: Sequence[Face], detector: Detector, opinion: Opinion
) -> list[float]:
    """The other network's scores, upright or lying; 1 for what the votes are certain of, and for
    what is in the dark, where a face that codecs have left few blocks of is doubted as a lamp is.
    """
    voted = [face.box for face in detector.detect(frame, VOTED) if face.score >= SURE]
    asked = Faces.of(faces)
    dark = opinion.in_the_dark(frame, asked)
    upright, lying = (opinion.judge(frame, asked, lying=turned).scores for turned in (False, True))
    return [
        1.0 if in_the_dark or any(same_place(face.box, box) for box in voted) else float(score)
        for face, in_the_dark, score in zip(faces, dark, np.maximum(upright, lying), strict=True)
    ]


def _things(plan: Plan, places: Mapping[int, Mapping[int, Face]]) -> list[list[int]]:
    """The numbers of the finds, those of one thing together; two in one frame are two things."""
    reach, cuts = NEXT / plan.time_base, sorted(plan.cuts)
    things: list[list[int]] = []
    last: dict[int, tuple[int, Box]] = {}  # of each thing that may still go on
    for frame in sorted(places):
        since = plan.pts[frame] - reach
        scene = bisect_right(cuts, frame)
        last = {
            thing: (before, box)
            for thing, (before, box) in last.items()
            if plan.pts[before] >= since and bisect_right(cuts, before) == scene
        }
        free = {thing: box.padded(WAY, WAY, WAY, WAY) for thing, (_, box) in last.items()}
        for number, face in places[frame].items():
            near = (
                (math.dist(around.center, face.box.center), thing)
                for thing, around in free.items()
                if same_place(around, face.box)
            )
            _, thing = min(near, default=(0.0, len(things)))
            if thing == len(things):
                things.append([])
            things[thing].append(number)
            last[thing] = frame, face.box
            free.pop(thing, None)
    return things


def as_doubt(face: Finding) -> Finding:
    """The finding, for a person to look at."""
    assert face.box is not None
    return replace(face, kind="doubt", detail=in_words(face.box, certain=False))


def in_words(box: Box, *, certain: bool) -> str:
    """The face and its place, in words."""
    x, y = (round(value) for value in box.center)
    if certain:
        return say("a face of {size:.0f} px is visible at {x},{y}", size=box.size, x=x, y=y)
    return say("perhaps a face of {size:.0f} px at {x},{y}", size=box.size, x=x, y=y)
