"""The tracker of live pictures: whatever counts as known is covered."""

from __future__ import annotations

import math
import random

import pytest

from faceveil.faces import Faces
from faceveil.geometry import Box
from faceveil.live.coverage import GAP, Coverage
from faceveil.options import Options
from faceveil.plan import Face

STEP = 0.04
FRAMES = 300
OPTIONS = Options()


def at(frame: int, side: float) -> Box:
    """A face that goes to and fro, twelve seconds long, and turns between two looks."""
    x = round(160 + 90 * math.sin(2 * math.pi * frame / 75))
    return Box(x - side / 2, 90 - side / 2, x + side / 2, 90 + side / 2)


@pytest.mark.parametrize("side", [30, 40])
@pytest.mark.parametrize("seed", [4, 7, 8, 9, 26, 38, 114, 158])
def test_a_face_that_turns_between_two_looks_is_covered(side: float, seed: int) -> None:
    """The looks are as rare as a frame may be known by; where it turned, it is not recognized."""
    rare = random.Random(seed)
    known = Coverage((320, 180), 0.5, OPTIONS)
    margin = (OPTIONS.margin_side, OPTIONS.margin_top)
    looks = [0]
    while looks[-1] < FRAMES:
        looks.append(looks[-1] + rare.randint(1, round(GAP / STEP)))
    sure, last = 0, -1
    for frame in range(FRAMES):
        while last < frame:  # a frame leaves when the next look is over
            last = looks.pop(0)
            known.add_detections(last * STEP, 1, Faces.of([Face(at(last, side), 0.9)]), None)
        if known.reason_to_cover(frame * STEP, 1, (frame + 1) * STEP):
            continue
        sure += 1
        face = at(frame, side)
        covers = [
            target.box.padded(*margin, OPTIONS.margin_side, OPTIONS.margin_bottom)
            for target in known.targets(frame * STEP, STEP)
        ]
        assert any(cover.intersection(face) == face.area for cover in covers), frame
    assert sure > FRAMES / 2
