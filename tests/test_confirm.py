"""The check asks again about a face in a video of which its quick look was certain."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from faceveil import weights
from faceveil.check import CERTAIN, confirm, look_over
from faceveil.check.confirm import HARDLY, NEXT, SURELY, confirmed
from faceveil.detect import Detector, load_detector, load_opinion
from faceveil.detect.opinion import NEARLY, SURE, Opinion
from faceveil.faces import Faces
from faceveil.frames import Frame
from faceveil.geometry import Box
from faceveil.media.memory import MemorySource
from faceveil.options import Options
from faceveil.plan import Face, Media, Plan
from faceveil.report import Finding

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
from compose import compose
from scenes import MIXED, SIZE, story

A_SECOND, FRAMES = 25, 200
HERE, THERE = Box(100, 100, 140, 140), Box(300, 100, 340, 140)
BESIDE = Box(136, 100, 176, 140)
LOW, HIGH = HARDLY - 0.1, SURELY + 0.1


class Voting:
    """A detector whose votes give this score to whatever is at this place."""

    name, weights_sha256 = "first", ""

    def __init__(self, score: float, box: Box = HERE) -> None:
        self._face = Face(box, score)

    def detect(self, frame: Frame, floor: float) -> Sequence[Face]:
        return [self._face] if self._face.score >= floor else []


class Told(Opinion):
    """Another network's scores, by the frame; it sees no face that lies."""

    def __init__(self, scores: Mapping[int, float]) -> None:
        self._scores, self.asked = scores, 0

    def judge(self, frame: Frame, faces: Faces, *, lying: bool = False) -> Faces:
        self.asked += 1
        score = 0.0 if lying else self._scores[frame.index]
        return Faces(faces.boxes, np.full(len(faces), score), faces.landmarks)


def found(*frames: int, box: Box = HERE, detector: str = "first") -> list[Finding]:
    return [Finding("face", "a face", frame, box, 0.8, detector) for frame in frames]


def plan_of(frames: int = FRAMES, cuts: tuple[int, ...] = ()) -> Plan:
    return Plan(
        Media("video", "mp4", 400, 240, frames),
        (),
        "first",
        "",
        time_base=Fraction(1, A_SECOND),
        pts=tuple(range(frames)),
        cuts=cuts,
    )


def told(
    findings: Sequence[Finding],
    scores: Mapping[int, float],
    votes: float = 0.4,
    cuts: tuple[int, ...] = (),
    light: int = 120,
) -> list[Finding]:
    """The findings as they are told."""
    output = MemorySource([np.full((240, 400, 3), light, np.uint8)] * FRAMES)
    detector = cast(Detector, Voting(votes))
    return confirmed(output, plan_of(cuts=cuts), findings, detector, Told(scores))


def kinds(findings: Sequence[Finding]) -> dict[int, str]:
    """The kinds of findings, by the frame."""
    return {one.frame or 0: one.kind for one in findings}


def test_what_nothing_confirms_is_a_doubt() -> None:
    assert kinds(told(found(3), {3: LOW})) == {3: "doubt"}


@pytest.mark.parametrize(
    ("scores", "votes"),
    [
        ({3: HARDLY}, 0.4),  # the other network sees something
        ({3: LOW}, SURE),  # the votes are certain
    ],
)
def test_what_one_of_them_confirms_is_a_face(scores: dict[int, float], votes: float) -> None:
    assert kinds(told(found(3), scores, votes)) == {3: "face"}


def test_in_the_dark_the_quick_look_is_believed() -> None:
    assert kinds(told(found(3), {3: LOW}, light=8)) == {3: "face"}


def test_the_answers_about_one_thing_count_together() -> None:
    near, far = A_SECOND, int(NEXT * A_SECOND) + 1
    between = (HARDLY + SURELY) / 2
    scores = {0: LOW, near: LOW, 2 * near: between}
    assert kinds(told(found(*scores), scores)) == {0: "doubt"}
    scores = {0: LOW, far: LOW, 2 * far: between}
    assert kinds(told(found(*scores), scores)) == {0: "doubt", far: "doubt", 2 * far: "face"}


def test_a_thing_is_doubted_once_where_it_looks_most_like_a_face() -> None:
    scores = dict.fromkeys((0, 10, 20, 30), LOW)
    most = replace(found(20)[0], score=0.9)
    perhaps = replace(found(30)[0], kind="doubt", score=0.5)
    assert kinds(told([*found(0, 10), most, perhaps], scores)) == {20: "doubt"}
    assert kinds(told([*found(0, 10), *found(20, box=THERE)], scores)) == {0: "doubt", 20: "doubt"}


def test_a_face_in_the_place_of_a_thing_stays_a_face() -> None:
    scores = {0: 0.0, 10: 0.0, 20: 0.0, 30: HIGH}
    assert kinds(told(found(*scores), scores)) == {0: "doubt", 30: "face"}


def test_another_place_or_another_scene_is_another_thing() -> None:
    between = (HARDLY + SURELY) / 2
    scores = {0: LOW, 10: LOW, 20: between}
    assert kinds(told(found(*scores), scores)) == {0: "doubt"}
    assert kinds(told(found(*scores), scores, cuts=(15,))) == {0: "doubt", 20: "face"}
    assert kinds(told([*found(0, 10), *found(20, box=THERE)], scores)) == {0: "doubt", 20: "face"}


def test_of_two_side_by_side_each_is_doubted() -> None:
    """Each is the nearest to where it was, even if the other one is more certain."""
    one, other = found(0, 10, 20), found(0, 10, 20, box=BESIDE)
    one[1], other[0], other[2] = (replace(face, score=0.9) for face in (one[1], other[0], other[2]))
    scores = dict.fromkeys((0, 10, 20), LOW)
    both = [other[0], one[0], one[1], other[1], other[2], one[2]]
    assert [(face.frame, face.box) for face in told(both, scores)] == [(0, BESIDE), (10, HERE)]


class Read(tuple[int, ...]):
    """Times that count how often they are read."""

    reads = 0

    def __getitem__(self, place: Any) -> Any:
        self.reads += 1
        return super().__getitem__(place)


def test_what_is_long_gone_is_not_compared_with() -> None:
    frames, step, times = 4 * FRAMES, 2, Read(range(4 * FRAMES))
    places = {
        frame: {frame: Face(Box(frame * 20, 0, frame * 20 + 9, 9), 0.8)}
        for frame in range(0, frames, step)
    }
    plan = replace(plan_of(frames), pts=times)
    assert confirm._things(plan, places) == [[frame] for frame in places]
    assert times.reads <= len(places) * (NEXT * A_SECOND / step + 3)


def test_what_others_found_is_passed_on() -> None:
    others = found(3, 4, detector="second")
    assert kinds(told(others, {3: LOW})) == {3: "face", 4: "face"}
    doubts = [replace(one, kind="doubt") for one in others]
    assert kinds(told([*doubts, Finding("metadata", "GPS")], {})) == {
        3: "doubt",
        4: "doubt",
        0: "metadata",
    }


def test_the_output_is_read_again_only_if_something_was_certain() -> None:
    class Unread(MemorySource):
        def sample(self, wanted: Collection[int]) -> Iterator[Frame]:
            raise AssertionError("nothing is to be looked at again")

    doubts = [replace(one, kind="doubt") for one in found(3)]
    output = Unread([np.zeros((240, 400, 3), np.uint8)] * FRAMES)
    detector = cast(Detector, Voting(0.4))
    assert confirmed(output, plan_of(FRAMES), doubts, detector, Told({})) == doubts


def test_what_is_nearly_certain_in_the_dark_is_never_denied() -> None:
    """The quick look is certain from a score on from which the dark counts, and whoever chooses
    another one is not denied anything.
    """
    if not (weights.available("yunet", None) and weights.available("centerface", None)):
        pytest.skip("needs both networks")
    eye = load_detector(Options(detector="yunet"), "video")
    assert min(eye.thresholds.values()) + CERTAIN >= NEARLY
    assert load_opinion(Options(detector="yunet"), eye, 0.4) is not None
    assert load_opinion(Options(detector="yunet", confidence=0.2), eye, 0.2) is None


def test_a_lamp_is_a_doubt_and_every_bare_face_is_found() -> None:
    """The quick look is certain of a motorcycle's lamp; the votes and CenterFace are not."""
    if not (weights.available("yunet", None) and weights.available("centerface", None)):
        pytest.skip("needs both networks")
    told = story(MIXED, 2, 72, SIZE, A_SECOND)  # not encoded, so it is the same each time
    shots, truths = zip(*compose(told, 2), strict=True)
    pts = tuple(range(0, 40 * len(shots), 40))
    output = MemorySource(shots, pts)
    plan = Plan(output.media, (), "", "", time_base=output.time_base, pts=pts)
    findings, _ = look_over(output, plan, {}, Options(detector="yunet"))
    faces = {one.frame for one in findings if one.kind == "face"}
    assert faces == set(range(0, 72, A_SECOND))
    lamps = []
    for one in findings:
        assert one.frame is not None
        assert one.box is not None
        labelled = any(one.box.iou(truth.box) > 0.3 for truth in truths[one.frame])
        assert one.kind == "doubt" or labelled
        if not labelled and (one.score or 0.0) > 0.72:
            lamps.append(one.kind)
    assert lamps == ["doubt"]
