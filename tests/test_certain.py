"""Faces that are beyond doubt, about which nobody else is asked."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from faceveil.detect.opinion import NEARLY, SURE, Opinion
from faceveil.faces import Faces
from faceveil.geometry import Box
from faceveil.media.memory import MemorySource
from faceveil.plan import Face, Track
from faceveil.scan import scan
from faceveil.scan.certain import Certain
from faceveil.track.settle import VOUCHED, settle
from films import Told, scenery

SCORE = 0.55
"""Of a face that counts, and is in doubt."""


def at(x: float, score: float) -> Face:
    return Face(Box(x, 0, x + 20, 20), score)


def known(certain: Certain, time: int, *faces: Face, scene: int = 0) -> list[bool]:
    return [bool(one) for one in certain.among(time, scene, Faces.of(faces))]


def within(seconds: int) -> Certain:
    return Certain(lambda a, b: abs(a - b) <= seconds)


def test_a_face_is_asked_about_until_it_is_certain() -> None:
    certain = within(10)
    assert known(certain, 0, at(0, SCORE)) == [False]
    assert known(certain, 1, at(0, SURE)) == [False]
    assert known(certain, 2, at(0, SCORE), at(60, SCORE)) == [True, False]


def test_a_face_that_moves_stays_known_and_leaves_its_place() -> None:
    certain = within(10)
    known(certain, 0, at(0, SURE))
    for step in range(1, 8):
        assert known(certain, step, at(5 * step, SCORE)) == [True]
    assert known(certain, 8, at(0, SCORE)) == [False]


def test_what_is_long_ago_or_before_a_cut_tells_nothing() -> None:
    certain = within(10)
    known(certain, 0, at(0, SURE))
    known(certain, 6)
    assert known(certain, 11, at(0, SCORE)) == [False]
    known(certain, 12, at(0, SURE))
    assert known(certain, 13, at(0, SCORE), scene=1) == [False]


class Sees:
    """Another network that sees nothing, and counts."""

    name = "other"

    def __init__(self) -> None:
        self.asked = 0

    def detect(self, images: list[object], floor: float) -> list[list[Face]]:
        self.asked += len(images)
        return [[] for _ in images]


def test_a_scan_asks_only_about_who_was_never_certain() -> None:
    """One face is certain in the first frame, the other never is, and both stay where they are."""
    pictures = [scenery(1, (160, 120))] * 60

    def faces(index: int) -> list[Face]:
        return [at(10, SCORE if index else 0.9), at(100, SCORE)]

    asked: list[dict[int, Faces]] = []
    for workers in (1, 2, 5):
        opinion = Opinion(Sees(), 0.5)  # type: ignore[arg-type]
        with MemorySource(pictures) as source:
            source.time_base = Fraction(1, 25)
            result = scan(source, Told(faces), 0.3, 0.5, lambda done: None, workers, opinion)
        asked.append(result.opinions)
    for opinions in asked:
        # The last frame is looked at on its own, and asked about as a whole.
        first, *planned = (opinions[index] for index in sorted(opinions)[:-1])
        assert first.boxes[:, 0].tolist() == [100.0]
        assert len(planned) > 1
        for one in planned:
            assert dict(zip(one.boxes[:, 0], one.scores, strict=True)) == {10: VOUCHED, 100: 0}
        assert {index: one.scores.tolist() for index, one in opinions.items()} == {
            index: one.scores.tolist() for index, one in asked[0].items()
        }


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=12))
def test_nobody_is_dropped_because_a_question_was_spared(answers: list[tuple[float, bool]]) -> None:
    here = Box(0, 0, 20, 20)
    track = Track(0, {}, seen={index: Face(here, SCORE) for index in range(len(answers))})

    def kept(*, spared: bool) -> int:
        scores = [VOUCHED if spared and vouched else score for score, vouched in answers]
        opinions = {at: Faces.of([Face(here, score)]) for at, score in enumerate(scores)}
        return len(settle([track], opinions, NEARLY, SURE))

    assert kept(spared=True) >= kept(spared=False)
