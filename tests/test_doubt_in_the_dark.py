"""Whether another network's doubt counts: not in the dark, and less of a head that lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from faceveil.detect.opinion import DIM, NEARLY, SURE, Opinion
from faceveil.faces import Faces
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.media.memory import MemorySource
from faceveil.plan import Face
from faceveil.scan import scan
from faceveil.scan.looks import LYING
from faceveil.track.settle import VOUCHED
from films import Told, scenery


class Other:
    """Another network that sees a face of this score in the middle of whatever it is shown."""

    name = "other"

    def __init__(self, score: float) -> None:
        self._score = score

    def detect(self, images: Sequence[Image], floor: float) -> list[Faces]:
        (image,) = images
        height, width = image.shape[:2]
        reach = min(height, width) / 6
        x, y = width / 2, height / 2
        return [Faces.of([Face(Box(x - reach, y - reach, x + reach, y + reach), self._score)])]


@pytest.mark.parametrize(("level", "kept"), [(DIM - 2, True), (DIM + 2, False)])
@pytest.mark.parametrize("score", [NEARLY, SURE - 0.01])
def test_in_the_dark_a_scan_takes_no_doubt(level: float, score: float, kept: bool) -> None:
    pictures = [np.full((120, 160, 3), round(level), np.uint8)] * 30
    told = Told(lambda index: [Face(Box(60, 40, 80, 60), score)])
    opinion = Opinion(Other(0.05), 0.5)  # type: ignore[arg-type]
    with MemorySource(pictures) as source:
        result = scan(source, told, 0.3, 0.5, lambda done: None, 1, opinion)
    scores = [score for faces in result.opinions.values() for score in faces.scores.tolist()]
    assert scores
    assert scores == pytest.approx([VOUCHED if kept else 0.05] * len(scores))


def test_less_than_nearly_certain_is_asked_about_in_the_dark_too() -> None:
    frame = Frame(0, np.zeros((120, 160, 3), np.uint8))
    faces = Faces.of(Face(Box(60, 40, 80, 60), score) for score in (NEARLY - 0.01, NEARLY, 0.95))
    opinion = Opinion(Other(0.05), 0.5)  # type: ignore[arg-type]
    assert opinion.in_the_dark(frame, faces).tolist() == [False, True, True]


def test_of_a_head_that_lies_the_best_answer_weighs_less() -> None:
    class Lying(Told):
        def detect_rotated(self, frame: Frame, floor: float) -> list[Face]:
            return [Face(Box(60, 40, 80, 60), 0.5)]

    pictures = [scenery(1, (160, 120))] * 3
    opinion = Opinion(Other(0.25), 0.4)  # type: ignore[arg-type]
    with MemorySource(pictures) as source:
        result = scan(source, Lying(), 0.3, 0.4, lambda done: None, 1, opinion)
    scores = [score for faces in result.opinions.values() for score in faces.scores.tolist()]
    assert scores
    assert scores == pytest.approx([0.25 * LYING] * len(scores))
