"""A face in the dark, or in a pale picture, is seen: in stills, in videos, and by the check."""

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
from faceveil.detect.levels import (
    DUSK,
    LEAST,
    LEVEL,
    Darkness,
    _mostly_below,
    darkness_of,
    extremes,
    lit,
)
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


def lifted(picture: Image) -> Image:
    return lit(Frame(0, picture)).image


def raised(picture: Image, contrast: float, clipped: float = 0.0, seed: int = 0) -> Image:
    """The picture with so much of its contrast, at the bright end, as an overexposed one has it.

    Args:
        clipped: levels by which it is too bright still, and which are lost.
    """
    noise = np.random.default_rng(seed).normal(0, 0.6, picture.shape)
    pale = 255 - (255.0 - picture) * contrast + clipped + noise
    return np.asarray(pale.round().clip(0, 255), np.uint8)


def darkness(picture: Image) -> Darkness:
    some = extremes(Frame(0, picture))
    assert some is not None
    assert some.dark is not None
    return some.dark


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


@given(st.integers(2, 60), st.integers(2, 60), st.integers(50, 80), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_only_what_needs_no_gain_is_told_bright_at_a_glance(
    width: int, height: int, level: int, seed: int
) -> None:
    small = np.random.default_rng(seed).integers(level - 1, level + 2, (height, width), np.uint8)
    brightest = cv2.blur(
        cv2.dilate(small, np.ones((17, 17), np.uint8)).astype(np.float32), (17, 17)
    )
    dark = darkness_of(small, LEVEL)
    if np.median(brightest) < DUSK:
        assert dark is not None
        assert dark.prevails
        np.testing.assert_allclose(dark.gain, LEVEL / brightest, rtol=1e-6)
        assert dark.gain.max() >= LEAST
    else:  # all of it is about as bright, so nothing is a dark place
        assert dark is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=40), st.integers(44, 64))
def test_the_dark_prevails_as_the_median_says(shades: list[int], base: int) -> None:
    rows = np.array(shades, np.float32) + base
    for values in (rows, np.repeat(rows, 2), np.append(rows, DUSK)):
        assert _mostly_below(values, DUSK) == (np.median(values) < DUSK)


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


@pytest.mark.parametrize(("contrast", "clipped"), [(0.1, 0.0), (0.04, 0.0), (0.12, 15.0)])
@pytest.mark.parametrize("name", ["yunet", "centerface"])
def test_a_pale_face_is_found(astronaut: Image, name: str, contrast: float, clipped: float) -> None:
    if not weights.available(name):
        pytest.skip(f"no weights of {name} here: faceveil weights fetch")
    actor, face = head(astronaut, 0.34)
    white = np.full((320, 480, 3), 255, np.uint8)
    pale = raised(put(white, actor, 60, 120), contrast, clipped)
    wanted = face.transformed(1.0, 60, 120)
    assert max((box.iou(wanted) for box in found(name, pale)), default=0.0) > 0.5


def test_only_what_is_pale_for_the_most_part_is_darkened() -> None:
    scene = scenery(4)
    pale = raised(scene, 0.15)
    shown = lifted(pale)
    assert (shown <= pale).all()
    assert shown.std() > 3 * pale.std()
    assert shown.mean(axis=2).min() > 0
    half = scene.copy()
    half[:, : half.shape[1] // 3] = pale[:, : half.shape[1] // 3]
    assert lifted(half) is half


def test_a_dark_half_does_not_cost_the_bright_one_its_face(astronaut: Image, detector: str) -> None:
    actor, face = head(astronaut)
    scene = put(put(scenery(3, (640, 320)), actor, 60, 120), actor, 500, 120)
    light = np.where(np.arange(640) < 300, 0.05, 1.0)[None, :, None]
    picture = np.asarray(np.round(scene * light), np.uint8)
    for x in (60, 500):
        wanted = face.transformed(1.0, x, 120)
        assert max(box.iou(wanted) for box in found(detector, picture)) > 0.5


def test_what_is_shrunk_is_brightened_before() -> None:
    """Shades half a level apart are only in the mean of many pixels."""
    random = np.random.default_rng(1)
    dark = np.full((540, 960), 3.0)
    dark[200:240, 400:440] += 0.5
    picture = np.floor(dark + random.random(dark.shape))[..., None].repeat(3, axis=2)
    small = lit(Frame(0, picture.astype(np.uint8))).at_size(96, 54)[..., 1].astype(float)
    assert small[21:23, 41:43].min() > small[21:23, 45:47].max() + 4


def test_a_dark_picture_is_softened_and_a_bright_one_with_dark_corners_is_not() -> None:
    grain = np.random.default_rng(1).integers(2, 9, (540, 960, 3)).astype(np.uint8)
    half = np.full_like(grain, 180)
    half[:, :300] = grain[:, :300]
    for picture, softened in ((grain, True), (half, False)):
        dark = darkness(picture)
        assert dark.prevails == softened
        sharp, soft = (dark.brightened(picture, soft) for soft in (0.0, 1.2))
        assert np.array_equal(sharp, soft) != softened
        assert abs(float(sharp.mean()) - float(soft.mean())) < 1


@pytest.mark.parametrize("side", [960, 4000])
def test_the_brightened_picture_is_as_fine_as_the_finest_look(side: int) -> None:
    frame = Frame(0, np.zeros((side // 2, side, 3), np.uint8))
    assert lit(frame, 1.0).size == frame.size
    shrunk = lit(frame, 0.1).size[0]
    assert min(side, 0.1 * side) <= shrunk <= max(2048, 0.1 * side)


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


@pytest.mark.slow
def test_no_frame_of_a_pale_film_is_bare(tmp_path: Path, astronaut: Image, detector: str) -> None:
    """Somebody with a face of 40 px comes into an empty white room after a second."""
    actor, face = head(astronaut, 0.4)
    white = np.full((270, 480, 3), 255, np.uint8)
    walk = [(20 + 6 * step, 90 + step // 3) for step in range(40)]
    pictures = [white] * 25 + [put(white, actor, *place) for place in walk]
    pale = [raised(picture, 0.08, seed=n) for n, picture in enumerate(pictures)]
    plan = analyze_file(film(tmp_path / "pale.mp4", pale, crf=18), OPTIONS)
    boxes = [face.transformed(1.0, *place) for place in walk]
    assert [n for n, box in enumerate(boxes) if covered(plan, 25 + n, box) < 0.9] == []
    assert len(plan.tracks) <= 2


@pytest.mark.long
@pytest.mark.slow
def test_who_comes_into_the_dark_after_a_while_is_seen_at_once(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    """Nothing changed for five seconds, so looks have become rare."""
    actor, face = head(astronaut, 0.4)
    rest = scenery(3, (480, 270))
    walk = [(440 - 9 * step, 80 + step) for step in range(50)]
    pictures = [rest] * 125 + [put(rest, actor, *place) for place in walk]
    dark = [dimmed(picture, 0.05, seed=n) for n, picture in enumerate(pictures)]
    plan = analyze_file(film(tmp_path / "late.mp4", dark, crf=18), OPTIONS)
    boxes = [face.transformed(1.0, *place).clipped(480, 270) for place in walk]
    bare = [n for n, box in enumerate(boxes) if box and covered(plan, 125 + n, box) < 0.9]
    assert bare == []


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


@pytest.mark.slow
def test_a_dark_photo_that_was_not_painted_is_found_out(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    path = tmp_path / "night.png"
    Pillow.fromarray(dimmed(astronaut, 0.05)[..., ::-1]).save(path)
    (finding,) = check_file(path, OPTIONS)
    assert finding.box is not None
    assert finding.box.iou(FACE) > 0.4
