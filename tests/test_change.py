"""Changes since the last look: nothing that was not seen slips through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceveil.detect.change import ChangeMap, Luma
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.options import Options
from faceveil.pipeline import analyze_file
from faceveil.plan import Plan
from films import SIZE, film, head, put, scenery

pytestmark = pytest.mark.slow

SMALLEST = 12.0


def small(picture: Image, changes: ChangeMap) -> Luma:
    gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(gray, changes.shape, interpolation=cv2.INTER_AREA), np.uint8)


def grain(picture: NDArray[Any], random: np.random.Generator, strength: float) -> Image:
    noisy = picture + random.normal(0, strength, picture.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def watched(pictures: Iterator[Image], size: tuple[int, int] = SIZE) -> list[list[Box] | None]:
    """The places to look at in each picture, if all requested looks are taken."""
    changes, told = ChangeMap(size, SMALLEST), []
    for picture in pictures:
        boxes = changes.boxes(changes.feed(small(picture, changes)))
        told.append(None if boxes is None else list(boxes))
        for box in [None] if boxes is None else boxes:
            changes.update_reference(box)
    return told


def inside(box: Box, boxes: list[Box] | None) -> bool:
    return boxes is None or any(box.intersection(one) >= 0.99 * box.area for one in boxes)


@settings(deadline=None, max_examples=60)
@given(
    place=st.tuples(st.integers(2, SIZE[0] - 62), st.integers(2, SIZE[1] - 78)),
    scale=st.floats(0.12, 0.4),
    noise=st.floats(0, 8),
    seed=st.integers(0, 20),
)
def test_a_face_that_appears_anywhere_is_looked_at_in_that_very_frame(
    place: tuple[int, int], scale: float, noise: float, seed: int
) -> None:
    actor, face = head(np.ascontiguousarray(skimage.data.astronaut()[..., ::-1]), scale)
    random, still = np.random.default_rng(seed), scenery(seed)
    pictures = [still, still, still, put(still, actor, *place), still, still]
    told = watched(grain(picture, random, noise) for picture in pictures)
    assert inside(face.transformed(1.0, *place), told[3])


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 1000), noise=st.floats(0, 8), walk=st.floats(0, 30))
def test_every_place_shows_what_was_looked_at_there(seed: int, noise: float, walk: float) -> None:
    """With random motion, every place that differs much from its last look is looked at."""
    random, changes = np.random.default_rng(seed), ChangeMap(SIZE, SMALLEST)
    seen = np.zeros((SIZE[1], SIZE[0]), np.float32)
    x, y = 100.0, 80.0
    for index in range(12):
        x, y = np.clip(np.add((x, y), random.normal(0, walk, 2)), 0, (SIZE[0] - 30, SIZE[1] - 30))
        picture = scenery(seed)
        picture[int(y) : int(y) + 30, int(x) : int(x) + 30] = 255 - 255 * (index % 5 == 0)
        picture = grain(picture, random, noise)
        gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
        boxes = changes.boxes(changes.feed(small(picture, changes)))
        looked = np.zeros(gray.shape, bool)
        for box in [None] if boxes is None else boxes:
            x0, y0, x1, y1 = map(int, (0, 0, *SIZE) if box is None else box.as_tuple())
            looked[y0:y1, x0:x1] = True
            changes.update_reference(box)
        seen = np.where(looked, gray, seen)
        # A patch as large as two smallest faces that differs strongly, and that nothing within a
        # smallest face of it explains.
        near = cv2.morphologyEx(seen, cv2.MORPH_DILATE, np.ones((25, 25)))
        far = cv2.morphologyEx(seen, cv2.MORPH_ERODE, np.ones((25, 25)))
        apart = cv2.blur(np.maximum(np.maximum(gray - near, far - gray), 0), (25, 25))
        assert apart.max() < 40


@pytest.mark.long
def test_noise_alone_is_not_looked_at() -> None:
    random, still = np.random.default_rng(1), scenery(1)
    for strength in (0.6, 2.0, 6.0, 12.0):
        for light in (1.0, 0.1, 0.05, 0.0):
            told = watched(grain(light * still, random, strength) for _ in range(40))
            assert sum(boxes != [] for boxes in told[1:]) <= 2


@pytest.mark.parametrize("light", [0.04, 0.06, 0.1])
@pytest.mark.parametrize("scale", [0.25, 0.5])
def test_in_the_dark_a_face_differs_by_few_levels(
    astronaut: Image, light: float, scale: float
) -> None:
    actor, face = head(astronaut, scale)
    random, still = np.random.default_rng(2), np.full((SIZE[1], SIZE[0], 3), 40, np.uint8)
    pictures = [still] * 6 + [put(still, actor, 150, 60)]
    told = watched(grain(picture * light + 0.5, random, 0.6) for picture in pictures)
    assert not any(told[1:6])
    assert inside(face.transformed(1.0, 150, 60), told[6])


@pytest.mark.parametrize("step", [0.4, 1.0, 2.5])
def test_what_fades_in_is_compared_with_what_was_looked_at(astronaut: Image, step: float) -> None:
    """Slow changes add up."""
    actor, face = head(astronaut)
    still = scenery(3)
    whole = put(still, actor, 120, 60).astype(float)
    shares = np.minimum(1.0, np.arange(0, 100 / step + 1) * step / 100)
    told = watched((still + (whole - still) * share).astype(np.uint8) for share in shares)
    box = face.transformed(1.0, 120, 60)
    looks = [index for index, boxes in enumerate(told) if boxes is None or boxes]
    assert any(box.intersection(one) > 0 for index in looks[1:] for one in told[index] or ())
    # The last look at it is near its full strength.
    assert shares[looks[-1]] > 0.75


def test_a_small_shift_of_the_camera_is_the_same_picture() -> None:
    wide = scenery(5, (SIZE[0] + 40, SIZE[1] + 40))
    told = watched(wide[i % 3 : i % 3 + SIZE[1], i % 5 : i % 5 + SIZE[0]] for i in range(20))
    assert all(boxes == [] for boxes in told[1:])


# Real clips, the real detector

Case = tuple[list[Image], list[list[Box]], list[int]]
"""Pictures, the faces in each, and their times in milliseconds."""


def bare(plan: Plan, truth: list[list[Box]], least: float) -> list[int]:
    """Frames in which less than this share of a face is covered, margins not counted."""
    covers = [track.boxes for track in plan.hidden]
    return [
        index
        for index, faces in enumerate(truth)
        for face in faces
        if not any(
            face.intersection(boxes[index]) >= least * face.area
            for boxes in covers
            if index in boxes
        )
    ]


def standing(actor: Image, face: Box) -> Case:
    """Something small moves at 30 frames a second, then a frame with a face stands for 5 s."""
    pictures: list[Image] = []
    truth: list[list[Box]] = []
    times: list[int] = []
    at = 0
    for event, (x, y) in enumerate([(40, 60), (220, 90), (130, 30)]):
        for step in range(12):
            picture = scenery(2)
            picture[170:176, 20 + 10 * step : 26 + 10 * step] = 255
            pictures.append(picture)
            truth.append([])
            times.append(at)
            at += 33
        pictures.append(put(scenery(2), actor, x, y))
        truth.append([face.transformed(1.0, x, y)])
        times.append(at)
        at += (5000, 400, 1000)[event]
    return [*pictures, scenery(2)], [*truth, []], [*times, at]


def lapse(actor: Image, face: Box) -> Case:
    """A still camera, somebody at new places for 2 frames in 7."""
    random, x, y = np.random.default_rng(7), 0, 0
    pictures: list[Image] = []
    truth: list[list[Box]] = []
    for index in range(70):
        if index % 7 == 0:
            x, y = int(random.integers(0, 260)), int(random.integers(0, 110))
        there = index % 7 < 2
        pictures.append(put(scenery(4), actor, x, y) if there else scenery(4))
        truth.append([face.transformed(1.0, x, y)] if there else [])
    return pictures, truth, [33 * index for index in range(70)]


def swipe(actor: Image, face: Box) -> Case:
    """Somebody rushes past, far enough in each frame that no two show them in the same place."""
    pictures = [scenery(6)] * 40
    truth: list[list[Box]] = [[] for _ in pictures]
    for step in range(4):
        place = (5 + 70 * step, 60)
        pictures[15 + step] = put(scenery(6), actor, *place)
        truth[15 + step] = [face.transformed(1.0, *place)]
    return pictures, truth, [17 * index for index in range(40)]


def thumbnail(actor: Image, face: Box) -> Case:
    """A screen on which nothing happens, but for a small picture in a corner, for 4 frames."""
    small = cv2.resize(actor, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    pictures = [scenery(8)] * 40
    truth: list[list[Box]] = [[] for _ in pictures]
    for index in range(9, 13):
        pictures[index] = put(scenery(8), np.asarray(small, np.uint8), 270, 130)
        truth[index] = [face.transformed(0.7).transformed(1.0, 270, 130)]
    return pictures, truth, [33 * index for index in range(40)]


def slides(actor: Image, face: Box) -> Case:
    """A frame every 10 s; the last one shows somebody, too."""
    places = [None, (30, 40), None, (200, 70), (40, 90)]
    pictures = [scenery(9) if at is None else put(scenery(9), actor, *at) for at in places]
    truth = [[] if at is None else [face.transformed(1.0, *at)] for at in places]
    return pictures, truth, [0, 40, 10_040, 10_080, 20_080]


def restart(actor: Image, face: Box) -> Case:
    """The frame that stands is the one that is shown when the schedule begins anew."""
    times = [59_000 + 40 * index for index in range(20)]
    times += [times[-1] + 40, *(times[-1] + 3040 + 40 * index for index in range(10))]
    pictures = [scenery(3)] * len(times)
    truth: list[list[Box]] = [[] for _ in times]
    pictures[20] = put(scenery(3), actor, 100, 50)
    truth[20] = [face.transformed(1.0, 100, 50)]
    return pictures, truth, [time - times[0] + 59_000 * bool(i) for i, time in enumerate(times)]


def lying(actor: Image, face: Box, quarters: int = 1) -> Case:
    """Somebody whose head lies, on a side or upside down, comes in, and moves on slowly."""
    turned = np.ascontiguousarray(np.rot90(actor, quarters))
    width, height = actor.shape[1::-1]
    if quarters == 1:
        box = Box(face.y0, width - face.x1, face.y1, width - face.x0)
    elif quarters == 2:
        box = Box(width - face.x1, height - face.y1, width - face.x0, height - face.y0)
    else:
        box = Box(height - face.y1, face.x0, height - face.y0, face.x1)
    pictures, truth = [], []
    for index in range(50):
        there = 10 <= index < 40
        x = 60 + 2 * index
        pictures.append(put(scenery(3), turned, x, 60) if there else scenery(3))
        truth.append([box.transformed(1.0, x, 60)] if there else [])
    return pictures, truth, [40 * index for index in range(50)]


def lying_right(actor: Image, face: Box) -> Case:
    return lying(actor, face, 3)


def upside_down(actor: Image, face: Box) -> Case:
    return lying(actor, face, 2)


@pytest.mark.parametrize(
    "case", [lying, lying_right, upside_down, standing, lapse, swipe, thumbnail, slides, restart]
)
def test_nobody_who_is_there_for_a_moment_is_bare(
    tmp_path: Path,
    astronaut: Image,
    detector: str,
    case: Callable[[Image, Box], Case],
) -> None:
    pictures, truth, times = case(*head(astronaut))
    path = film(
        tmp_path / "in.mp4",
        pictures,
        times=times,
        time_base=Fraction(1, 1000),
        settings={"bf": "0"},
    )
    plan = analyze_file(path, Options())
    assert len(plan.pts) == len(truth)
    assert any(truth)
    # What is found of a head that lies, where it is looked at upright, is a part of the face.
    assert bare(plan, truth, 0.5 if case in (lying, lying_right) else 0.8) == []
