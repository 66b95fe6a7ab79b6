"""A face in the dark is seen: in stills, in videos, and by the check."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from faceveil import weights
from faceveil.check import check_file, inspect
from faceveil.detect import load_detector, threshold
from faceveil.detect.levels import lifted
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.options import Options
from faceveil.pipeline import analyze_file
from faceveil.plan import Plan
from films import FACE, film, head, put, scenery

OPTIONS = Options(second_detector="none")


def dimmed(picture: Image, light: float, noise: float = 0.6, seed: int = 0) -> Image:
    """The picture with so much of its light, as a camera of eight bits and some noise takes it."""
    random = np.random.default_rng(seed)
    dark = picture * light + random.normal(0, noise, picture.shape)
    return np.asarray(dark.round().clip(0, 255), np.uint8)


def found(name: str, picture: Image) -> list[Box]:
    options = Options(detector=name)
    eye = load_detector(options)
    return [face.box for face in eye.detect(Frame(0, picture), threshold(eye, options))]


@settings(deadline=None, max_examples=60)
@given(
    light=st.floats(0.0, 1.0),
    size=st.tuples(st.integers(1, 200), st.integers(1, 200)),
    seed=st.integers(0, 20),
)
def test_nothing_gets_darker(light: float, size: tuple[int, int], seed: int) -> None:
    picture = dimmed(scenery(seed, size), light, 0.0)
    brighter = lifted(picture)
    assert brighter.shape == picture.shape
    assert brighter.dtype == np.uint8
    assert (brighter >= picture).all()
    assert np.array_equal(lifted(picture), brighter)


def test_a_bright_picture_stays_as_it_is(astronaut: Image) -> None:
    assert lifted(astronaut) is astronaut
    day = scenery(4)
    assert lifted(day) is day


def test_what_is_lit_in_the_dark_is_not_overexposed() -> None:
    dark = np.full((540, 960, 3), 3, np.uint8)
    cv2.circle(dark, (400, 200), 12, (150, 170, 190), -1)
    brighter = lifted(dark)
    assert np.abs(brighter[195:206, 395:406].astype(int) - dark[195:206, 395:406]).max() <= 2
    # So is what is far from it.
    assert brighter[500, 900].min() >= 90


@pytest.mark.parametrize("light", [0.03, 0.05, 0.1])
@pytest.mark.parametrize("name", ["yunet", "centerface"])
@pytest.mark.parametrize("lamp", [False, True])
def test_a_dark_face_is_found(astronaut: Image, name: str, light: float, lamp: bool) -> None:
    if not weights.available(name):
        pytest.skip(f"no weights of {name} here: faceveil weights fetch")
    actor, face = head(astronaut)
    dark = dimmed(put(scenery(3, (480, 320)), actor, 60, 120), light)
    if lamp:
        dark[20:60, 400:440] = 250
    wanted = face.transformed(1.0, 60, 120)
    assert max((box.iou(wanted) for box in found(name, dark)), default=0.0) > 0.5


def test_a_dark_half_does_not_cost_the_bright_one_its_face(astronaut: Image, detector: str) -> None:
    actor, face = head(astronaut)
    scene = put(put(scenery(3, (640, 320)), actor, 60, 120), actor, 500, 120)
    light = np.where(np.arange(640) < 300, 0.05, 1.0)[None, :, None]
    picture = np.asarray(np.round(scene * light), np.uint8)
    for x in (60, 500):
        wanted = face.transformed(1.0, x, 120)
        assert max(box.iou(wanted) for box in found(detector, picture)) > 0.5


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, _astronaut: Image) -> tuple[Path, list[Box]]:
    """Somebody with a face of 35 px walks through the dark for 2 s, until the light goes on."""
    actor, face = head(_astronaut, 0.34)
    rest = scenery(3, (480, 270))
    pictures, boxes = [], []
    for index in range(75):
        light = 0.05 if index < 50 else 0.05 + 0.95 * (index - 49) / 25
        x, y = 20 + 5 * index, 90 + index // 3
        pictures.append(dimmed(put(rest, actor, x, y), light, seed=index))
        boxes.append(face.transformed(1.0, x, y))
    taken = pictures[0][int(boxes[0].y0) : int(boxes[0].y1), int(boxes[0].x0) : int(boxes[0].x1)]
    assert 4 <= taken.mean() <= 8
    path = tmp_path_factory.mktemp("night") / "night.mp4"
    return film(path, pictures, crf=18), boxes


@pytest.mark.slow
def test_no_frame_of_a_dark_film_is_bare(night: tuple[Path, list[Box]], detector: str) -> None:
    path, boxes = night
    plan = analyze_file(path, OPTIONS)
    assert [i for i, box in enumerate(boxes) if covered(plan, i, box) < 0.9] == []
    # It is one person, not the noise of the dark.
    assert len(plan.tracks) <= 2


def covered(plan: Plan, index: int, box: Box) -> float:
    """Share of a box that one of the plan's boxes covers, as it is padded for painting."""
    margins = (OPTIONS.margin_side, OPTIONS.margin_top, OPTIONS.margin_side, OPTIONS.margin_bottom)
    padded = [one.boxes[index].padded(*margins) for one in plan.tracks if index in one.boxes]
    return max((one.intersection(box) / box.area for one in padded), default=0.0)


@pytest.mark.parametrize("light", [0.05, 0.1])
def test_the_check_sees_a_face_that_was_left_in_the_dark(
    tmp_path: Path, astronaut: Image, detector: str, light: float
) -> None:
    actor, face = head(astronaut, 0.6)
    scene = put(scenery(8, (480, 270)), actor, 150, 90)
    path = film(tmp_path / "night.mp4", [dimmed(scene, light, seed=n) for n in range(4)])
    plan = replace(analyze_file(path, OPTIONS), tracks=())
    findings, _ = inspect(path, plan, {}, Options(second_detector="none", check="full"))
    wanted = face.transformed(1.0, 150, 90)
    seen = [one for one in findings if one.kind == "face" and one.box is not None]
    assert {one.frame for one in seen if one.box and one.box.iou(wanted) > 0.5} == {0, 1, 2, 3}


def test_a_dark_photo_that_was_not_painted_is_found_out(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    path = tmp_path / "night.png"
    Pillow.fromarray(dimmed(astronaut, 0.05)[..., ::-1]).save(path)
    (finding,) = check_file(path, OPTIONS)
    assert finding.box is not None
    assert finding.box.iou(FACE) > 0.4
