"""Stills: one network's candidates, another's opinion, and one probability of both."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceveil import weights
from faceveil.detect import Consulting, Detector, load_detector, load_judged, threshold
from faceveil.detect.crops import SIDE, ask
from faceveil.detect.judged import Judged, Thorough, _mirrored, _mirrored_back
from faceveil.detect.rule import Candidates, Rule, opinion_terms, probability, weigh
from faceveil.detect.rules import RULES, rule_of
from faceveil.detect.scaled import _grouped, _Pass
from faceveil.detect.votes import Groups
from faceveil.faces import Faces, pairwise_iou
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.options import Options, Sensitivity
from faceveil.pipeline import analyze_file, veil_file
from faceveil.plan import Face
from films import head, put, scenery
from tiers import daily

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))


class White:
    """Sees a face wherever something is white, as large as that."""

    name = "white"
    weights_sha256 = "0" * 64
    min_size = default_min_face = 8.0
    max_size = 1000.0
    input_side: int | None = None
    thresholds: dict[Sensitivity, float] = {"balanced": 0.5}  # noqa: RUF012

    def detect(self, images: Sequence[Image], floor: float) -> list[Faces]:
        assert {image.shape for image in images} == {(SIDE, SIDE, 3)}
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> Faces:
        y, x = np.nonzero(image[..., 0] > 200)
        if not len(x):
            return Faces.of(())
        corners = float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1)
        return Faces.of([Face(Box(*corners), 0.9)])

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("size", [9, 14, 32, 150])
@pytest.mark.parametrize("corner", [(0, 0), (300, 100), (489, 209)])
def test_a_place_is_shown_at_one_size_and_found_again(size: int, corner: tuple[int, int]) -> None:
    picture = np.zeros((360, 640, 3), np.uint8)
    x, y = corner
    picture[y : y + size, x : x + size] = 255
    wanted = np.array([[x, y, x + size, y + size], [300.0, 300.0, 320.0, 320.0]])
    scores, boxes = ask(White(), picture, wanted, 32.0)
    assert scores.tolist() == [0.9, 0.0]
    assert pairwise_iou(wanted[:1], boxes[:1])[0, 0] > 0.7
    assert boxes[1].tolist() == wanted[1].tolist()


def grouped(boxes: Sequence[Box], scores: Sequence[float]) -> Groups:
    faces = Faces.of(Face(box, score) for box, score in zip(boxes, scores, strict=True))
    return Groups(faces, faces.scores * 0.9, np.zeros(len(boxes), bool), faces.boxes)


def odds(known: Candidates, opinion: float, rule: Rule) -> float:
    terms = opinion_terms(known.terms, np.full(len(known.odds), opinion))
    return float((terms @ np.array(rule.together))[0])


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("size", [4.0, 12.0, 40.0, 160.0])
def test_the_more_either_sees_the_likelier_it_is(name: str, size: int) -> None:
    rule = RULES[name]
    place = Box(200, 100, 200 + size, 100 + size)
    alone = [weigh(grouped([place], [score]), 416, rule) for score in (0.15, 0.3, 0.5, 0.7, 0.9)]
    assert (np.diff([known.odds[0] for known in alone]) > 0).all()
    for opinion in (0.1, 0.3, 0.6):
        assert (np.diff([odds(known, opinion, rule) for known in alone]) > 0).all()
    for known in alone:
        told = [odds(known, opinion, rule) for opinion in (0.02, 0.1, 0.3, 0.6, 0.8)]
        assert (np.diff(told) > 0).all()


@pytest.mark.parametrize("name", RULES)
@given(
    places=st.lists(
        st.tuples(st.floats(0, 380), st.floats(0, 260), st.floats(4, 100), st.floats(0.1, 0.95)),
        max_size=8,
    ),
    factor=st.sampled_from([0.5, 2.0, 4.0]),
)
def test_megapixels_change_nothing(
    name: str, places: list[tuple[float, float, float, float]], factor: float
) -> None:
    rule = RULES[name]
    boxes = [Box(x, y, x + size, y + size) for x, y, size, _ in places]
    scores = [score for *_, score in places]
    once = weigh(grouped(boxes, scores), 416, rule)
    again = weigh(grouped([box.transformed(factor) for box in boxes], scores), 416 * factor, rule)
    assert np.allclose(once.odds, again.odds, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 300), st.integers(0, 200), st.integers(5, 60), st.integers(320, 400))
def test_the_mirror_image_is_mirrored_back(x: int, y: int, size: int, width: int) -> None:
    marks = ((x + 1, y + 2), (x + 4, y + 2), (x + 2, y + 3), (x + 1, y + 4), (x + 4, y + 4))
    face = Faces.of([Face(Box(x, y, x + size, y + size), 0.5, marks)])
    there = _mirrored_back(face, width)
    assert there.landmarks[0, 0, 0] == width - x - 4
    assert _mirrored_back(there, width) == face


def test_what_is_mirrored_is_the_picture_and_its_opacity() -> None:
    picture = scenery(1, (40, 30))
    opacity = np.arange(1200, dtype=np.uint32).reshape(30, 40).astype(np.uint8)
    reverse = _mirrored(Frame(3, picture, alpha=opacity))
    assert np.array_equal(reverse.image[:, ::-1], picture)
    assert reverse.alpha is not None
    assert np.array_equal(reverse.alpha[:, ::-1], opacity)


def judged(name: str = "yunet", **options: object) -> Detector:
    for needed in ("yunet", "centerface"):
        if not weights.available(needed):
            pytest.skip(f"no weights of {needed} here: faceveil weights fetch")
    chosen = Options.model_validate({"detector": name, "threads": 1, **options})
    return load_judged(chosen, load_detector(chosen))


def test_who_is_judged() -> None:
    assert isinstance(judged(), Judged)
    assert isinstance(judged("centerface"), Consulting)
    assert isinstance(judged(sensitivity="thorough"), Thorough)
    alone = judged(second_detector="none", sensitivity="thorough")
    assert isinstance(alone, Judged)
    assert alone.second == ""
    both = judged()
    assert isinstance(both, Judged)
    assert both.second == "centerface"
    assert rule_of("mediapipe") is None
    assert rule_of("yunet on cpu (cuda is not there)") is RULES["yunet"]


@pytest.fixture(scope="session")
def crowd(_astronaut: Image) -> tuple[Image, list[Box]]:
    """A scene of 480 x 320 with the astronaut's face at several sizes, and where it is."""
    scene, places = scenery(3, (480, 320)), []
    for scale, x, y in ((0.16, 20, 30), (0.22, 120, 40), (0.3, 240, 40), (0.6, 60, 150)):
        actor, face = head(_astronaut, scale)
        scene = put(scene, actor, x, y)
        places.append(face.transformed(1.0, x, y))
    return scene, places


@pytest.mark.slow
@pytest.mark.parametrize("name", daily(["yunet", "centerface"], "yunet"))
@pytest.mark.parametrize("second", daily(["auto", "none"], "auto"))
def test_a_scene_has_the_same_faces_at_any_number_of_megapixels(
    crowd: tuple[Image, list[Box]], name: str, second: str
) -> None:
    scene, places = crowd
    detector = judged(name, second_detector=second)
    for factor in (1, 2, 4):
        large = cv2.resize(scene, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        level = threshold(detector, Options())
        faces = detector.detect(Frame(0, np.asarray(large, np.uint8)), level)
        boxes = [face.box.transformed(1 / factor) for face in faces]
        for place in places:
            assert max(box.iou(place) for box in boxes) > 0.4, (factor, place)
        others = [box for box in boxes if max(box.iou(place) for place in places) < 0.2]
        assert len(others) <= 1, (factor, others)


@pytest.mark.slow
@pytest.mark.parametrize("name", daily(["yunet", "centerface"], "yunet"))
@pytest.mark.parametrize("second", daily(["auto", "none"], "auto"))
def test_what_is_hardly_a_face_is_painted_as_the_best_look_sees_it(
    crowd: tuple[Image, list[Box]], name: str, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = Frame(0, crowd[0])
    detector = judged(name, second_detector=second)
    assert isinstance(detector, Judged)
    evidence, scores = detector.evidence(frame), detector.detect(frame, 0.0).scores
    assert (evidence.boxes[:, :2] <= evidence.tight[:, :2] + 1e-9).all()
    assert (evidence.boxes[:, 2:] >= evidence.tight[:, 2:] - 1e-9).all()
    assert not np.array_equal(evidence.boxes, evidence.tight)
    for limit in (0.0, float(np.median(scores)), 2.0):
        monkeypatch.setattr("faceveil.detect.judged.LIKELY", limit)
        wanted = np.where(scores[:, None] < limit, evidence.tight, evidence.boxes)
        assert np.array_equal(detector.detect(frame, 0.0).boxes, wanted)


def test_the_tight_box_of_a_group_is_that_of_its_best_find() -> None:
    finds = [Face(Box(100, 100, 140, 140), 0.9), Face(Box(96, 100, 140, 148), 0.8)]
    steps = [_Pass(1.0, 0.0, 0.0, 999.0)] * 2
    groups = _grouped(steps, [Faces.of([find]) for find in finds])
    assert groups.tight.tolist() == [[100, 100, 140, 140]]
    assert groups.faces.boxes.tolist() == [[96, 100, 140, 148]]


@pytest.mark.slow
def test_thorough_finds_what_the_usual_search_finds(crowd: tuple[Image, list[Box]]) -> None:
    scene, _ = crowd
    usual, thorough = judged(), judged(sensitivity="thorough")
    level = threshold(usual, Options())
    assert threshold(thorough, Options(sensitivity="thorough")) == level
    more = thorough.detect(Frame(0, scene), level)
    for face in usual.detect(Frame(0, scene), level):
        assert max(face.box.iou(other.box) for other in more) > 0.4


@pytest.mark.slow
def test_the_report_names_the_other_network_and_how_often_it_was_asked(photo: Path) -> None:
    judged()
    plan = analyze_file(photo, Options(detector="yunet"))
    assert plan.second == "centerface"
    assert plan.settled >= 1
    report = veil_file(photo, photo.with_name("out.jpg"), Options(detector="yunet"))
    assert (report.second, report.settled) == (plan.second, plan.settled)
    assert report.second_sha256 == weights.TABLE["centerface"].sha256
    alone = veil_file(photo, photo.with_name("a.jpg"), Options(second_detector="none"))
    assert (alone.second, alone.settled) == ("", 0)


@pytest.mark.long
def test_the_constants_are_those_of_the_script(data: Path) -> None:
    import fit_opinion

    judged()
    folders = [data / name for name in ("faces", "masked", "close_ups", "no_faces")]
    for name, rule in RULES.items():
        for step, constants in fit_opinion.fit(fit_opinion.seen(folders, name)).items():
            assert np.allclose(getattr(rule, step), constants, atol=0.02), (name, step)


def test_probabilities_are_probabilities() -> None:
    assert probability(np.array([-50.0, 0.0, 50.0])).round(3).tolist() == [0.0, 0.5, 1.0]
