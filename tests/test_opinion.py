"""Another network's opinion on what the first one cannot settle."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from faceveil import weights
from faceveil.check import without_doubted
from faceveil.detect import load_detector, load_opinion
from faceveil.detect.opinion import CROPS, NEARLY, ONE_IN, SURE, Opinion
from faceveil.faces import Faces
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.options import Options, Sensitivity
from faceveil.plan import Face, Track
from faceveil.track.settle import DOUBTED, SEVERAL, settle
from films import scenery

STRONG = 0.4


class Bright:
    """Sees a face wherever something is white, as large as that."""

    name = "bright"
    weights_sha256 = ""
    min_size = default_min_face = 8.0
    max_size = 1000.0
    input_side: int | None = None

    def __init__(self) -> None:
        self.thresholds: dict[Sensitivity, float] = {"balanced": 0.5}
        self.shown: list[tuple[int, ...]] = []

    def detect(self, images: Sequence[Image], floor: float) -> list[Faces]:
        (image,) = images
        self.shown.append(image.shape)
        y, x = np.nonzero(image[..., 0] > 200)
        if not len(x):
            return [Faces.of(())]
        box = Box(float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1))
        return [Faces.of([Face(box, 0.9)])]

    def close(self) -> None:
        """Nothing is open."""


def white(box: Box, size: tuple[int, int] = (640, 360)) -> Frame:
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    x0, y0, x1, y1 = map(int, box.as_tuple())
    picture[y0:y1, x0:x1] = 255
    return Frame(0, picture)


@pytest.mark.parametrize("size", [14, 32, 150])
@pytest.mark.parametrize("corner", [(0, 0), (300, 100), (480, 200)])
@pytest.mark.parametrize("lying", [False, True])
def test_it_is_shown_at_one_size_wherever_it_lies(
    size: int, corner: tuple[int, int], lying: bool
) -> None:
    other, box = Bright(), Box(*corner, corner[0] + size, corner[1] + size)
    asked = Opinion(other, STRONG).ask(white(box), Faces.of([Face(box, 0.5)]), lying=lying)
    assert asked.scores.tolist() == [0.9]
    assert len(other.shown) == 1 + 2 * lying
    assert all(max(shape) <= 4 * CROPS[0][0] for shape in other.shown)


def test_what_lies_elsewhere_or_is_of_another_size_is_no_answer() -> None:
    opinion, face = Opinion(Bright(), STRONG), Face(Box(300, 100, 340, 140), 0.5)
    for place in (Box(345, 100, 355, 140), Box(316, 116, 322, 122), Box(0, 0, 40, 40)):
        assert opinion.ask(white(place), Faces.of([face])).scores.tolist() == [0.0]


def test_only_what_counts_but_is_not_certain_is_asked() -> None:
    box = Box(300, 100, 340, 140)
    faces = Faces.of(Face(box, score) for score in (STRONG - 0.01, STRONG, SURE - 0.01, SURE))
    assert len(Opinion(Bright(), STRONG).ask(white(box), faces)) == 2


def test_about_what_is_nearly_certain_it_is_asked_in_some_frames() -> None:
    box = Box(300, 100, 340, 140)
    opinion, faces = Opinion(Bright(), STRONG), Faces.of([Face(box, NEARLY), Face(box, 0.5)])
    asked = []
    for index in range(4 * ONE_IN):
        frame = white(box)
        frame.index = index
        asked.append(len(opinion.ask(frame, faces)))
    assert asked.count(2) == 4
    assert asked.count(1) == 4 * (ONE_IN - 1)


def test_a_face_that_is_clear_at_the_first_glance_is_shown_once() -> None:
    box = Box(300, 100, 340, 140)
    clear, none = Bright(), Bright()
    Opinion(clear, STRONG).ask(white(box), Faces.of([Face(box, 0.5)]))
    Opinion(none, STRONG).ask(white(Box(0, 0, 9, 9)), Faces.of([Face(box, 0.5)]))
    assert (len(clear.shown), len(none.shown)) == (1, len(CROPS))


HERE, THERE = Box(100, 100, 140, 140), Box(400, 100, 440, 140)


def track(number: int, box: Box, *scores: float) -> Track:
    seen = {frame: Face(box, score) for frame, score in enumerate(scores)}
    return Track(number, dict.fromkeys(range(20), box), seen)


def told(*scores: float, box: Box = HERE) -> dict[int, Faces]:
    return {frame: Faces.of([Face(box, score)]) for frame, score in enumerate(scores)}


def test_a_track_goes_if_both_doubt_it() -> None:
    doubted, clear = track(0, HERE, 0.45, 0.5), track(1, THERE, 0.45, 0.5)
    low = DOUBTED - 0.05
    assert settle([doubted, clear], told(low, low), NEARLY, SURE) == (track(0, THERE, 0.45, 0.5),)


def test_what_is_nearly_certain_goes_only_for_several_answers() -> None:
    seen = track(0, HERE, *[NEARLY] * SEVERAL)
    assert settle([seen], told(*[0.0] * (SEVERAL - 1)), NEARLY, SURE) == (seen,)
    assert settle([seen], told(*[0.0] * SEVERAL), NEARLY, SURE) == ()


@pytest.mark.parametrize(
    ("scores", "opinions"),
    [
        ((0.45, 0.5), told(0.0, 2 * DOUBTED)),  # one of the two answers is enough for the mean
        ((0.45, SURE), told(0.0, 0.0)),  # certain for the first network
        ((0.45, NEARLY), told(0.0, 0.0)),  # nearly certain, and asked about too seldom
        ((0.45, 0.5), {}),  # nobody was asked
        ((0.45, 0.5), told(0.0, 0.0, box=THERE)),  # about something else
    ],
)
def test_when_unsure_it_stays(scores: tuple[float, ...], opinions: dict[int, Faces]) -> None:
    assert len(settle([track(0, HERE, *scores)], opinions, NEARLY, SURE)) == 1


def test_the_check_tells_no_doubt_that_the_other_network_does_not_share() -> None:
    there, nowhere = Box(300, 100, 340, 140), Box(20, 200, 60, 240)
    faces = [Face(there, 0.5), Face(nowhere, 0.5), Face(nowhere.transformed(1.0, 200), 0.8)]
    left = without_doubted(white(there), faces, 0.7, Opinion(Bright(), STRONG))
    assert left == [faces[0], faces[2]]  # what is certain stays, whoever doubts it


@pytest.fixture
def opinion() -> Opinion:
    """CenterFace's, on what YuNet finds."""
    if not (weights.available("yunet", None) and weights.available("centerface", None)):
        pytest.skip("needs both networks")
    found = load_opinion(Options(), load_detector(Options(detector="yunet")), STRONG)
    assert found is not None
    return found


@pytest.fixture
def unsure(opinion: Opinion, astronaut: Image) -> Faces:
    """The astronaut's face, as if YuNet were not certain."""
    face = Faces.of(load_detector(Options(detector="yunet")).detect(Frame(0, astronaut), 0.5))[:1]
    return Faces(face.boxes, np.array([0.5]), face.landmarks)


@pytest.mark.usefixtures("opinion")
def test_who_is_asked() -> None:
    yunet, center = (load_detector(Options(detector=name)) for name in ("yunet", "centerface"))
    assert load_opinion(Options(), yunet, STRONG) is not None
    assert load_opinion(Options(), center, STRONG) is None
    assert load_opinion(Options(second_detector="none"), yunet, STRONG) is None
    assert load_opinion(Options(confidence=0.3), yunet, STRONG) is None


def test_a_real_face_is_confirmed_and_scenery_is_not(
    opinion: Opinion, unsure: Faces, astronaut: Image
) -> None:
    assert opinion.ask(Frame(0, astronaut), unsure).scores[0] > 0.5
    turned = Frame(0, np.ascontiguousarray(np.rot90(astronaut)))
    x0, y0, x1, y1 = unsure.boxes[0]
    lying = Faces(
        np.array([[y0, 512 - x1, y1, 512 - x0]]), np.array([0.5]), np.full((1, 5, 2), np.nan)
    )
    assert opinion.ask(turned, lying, lying=True).scores[0] > 0.5
    empty = np.asarray(cv2.GaussianBlur(scenery(3, (512, 512)), (0, 0), 3), np.uint8)
    assert opinion.ask(Frame(0, empty), unsure).scores[0] < DOUBTED


def test_a_face_in_the_dark_is_brightened_for_the_other_too(
    opinion: Opinion, unsure: Faces, astronaut: Image
) -> None:
    dark = Frame(0, (astronaut * 0.01).astype(np.uint8))
    assert opinion.ask(dark, unsure).scores[0] > 2 * DOUBTED


def test_a_face_in_the_opacity_is_shown_to_the_other_too(
    opinion: Opinion, unsure: Faces, astronaut: Image
) -> None:
    ink = np.zeros_like(astronaut)
    opacity = 255 - np.asarray(cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY), np.uint8)
    assert opinion.ask(Frame(0, ink, alpha=opacity), unsure).scores[0] > 2 * DOUBTED
