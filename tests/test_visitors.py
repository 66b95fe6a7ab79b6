"""Comparing pictures finds what comes and goes between two looks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.live.visitors import Visitors
from films import head, put, scenery
from tiers import daily

SIZE = (480, 270)
SMALLEST = 12.0
STEP = 0.04


def seen(
    pictures: Iterator[Image] | list[Image], noise: float = 0.0, known: tuple[Box, ...] = ()
) -> np.ndarray:
    """A mask of what the last picture but one shows and its two neighbours do not."""
    grain = np.random.default_rng(1)
    visitors = Visitors(SIZE, SMALLEST)
    time = 0.0
    for time, picture in enumerate(pictures):
        noisy = np.clip(picture + grain.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)
        visitors.feed(STEP * time, Frame(0, noisy).luma(*visitors.shape))
    mask = np.zeros(SIZE[::-1], bool)
    for box in visitors.boxes(STEP * (time - 1), (STEP * (time - 2), STEP * time), known):
        x0, y0, x1, y1 = (max(0, round(value)) for value in box.as_tuple())
        mask[y0:y1, x0:x1] = True
    return mask


def within(mask: np.ndarray, box: Box) -> float:
    """The share of a box that is in a mask."""
    x0, y0, x1, y1 = (round(value) for value in box.as_tuple())
    return float(mask[y0:y1, x0:x1].mean())


@pytest.mark.parametrize("noise", daily([0.0, 4.0], 4.0))
@pytest.mark.parametrize("pixels", [12, 16, 24, 40, 80, 140])
def test_a_face_in_a_single_frame_is_found(astronaut: Image, pixels: int, noise: float) -> None:
    _, usual = head(astronaut, 1.0)
    actor, face = head(astronaut, pixels / max(usual.width, usual.height))
    rare = np.random.default_rng(pixels)
    for seed in range(4):
        empty = scenery(seed, SIZE)
        x = int(rare.integers(0, SIZE[0] - actor.shape[1]))
        y = int(rare.integers(0, max(1, SIZE[1] - actor.shape[0])))
        mask = seen([*[empty] * 6, put(empty, actor, x, y), empty], noise)
        assert within(mask, face.transformed(1.0, x, y)) == 1
        assert mask.mean() < 0.1 + 6 * (pixels / 270) ** 2


def test_where_nobody_came_nothing_is_new() -> None:
    empty = scenery(1, SIZE)
    assert not seen([empty] * 8, noise=6.0).any()
    light = [np.asarray(np.clip(empty + 4.0 * n, 0, 255), np.uint8) for n in range(8)]
    assert not seen(light).any()


def test_whoever_is_there_at_a_look_is_no_visitor(astronaut: Image) -> None:
    empty, (actor, _) = scenery(1, SIZE), head(astronaut, 0.5)
    there = put(empty, actor, 200, 60)
    assert not seen([*[empty] * 6, there, there]).any()
    assert not seen([*[empty] * 5, there, there, empty]).any()


def test_a_visitor_is_found_beside_somebody_who_walks(astronaut: Image) -> None:
    empty, (actor, face) = scenery(2, SIZE), head(astronaut, 0.4)
    pictures = [put(empty, actor, 20 + 12 * n, 60) for n in range(8)]
    pictures[6] = put(pictures[6], actor, 330, 100)
    walker = face.transformed(1.0, 20 + 12 * 6, 60)
    mask = seen(pictures, known=(walker.padded(0.5, 0.5, 0.5, 0.5),))
    assert within(mask, face.transformed(1.0, 330, 100)) == 1
    assert mask.mean() < 0.2


def test_what_is_covered_anyway_is_no_visitor(astronaut: Image) -> None:
    empty, (actor, face) = scenery(1, SIZE), head(astronaut, 0.5)
    whole = Box(0, 0, actor.shape[1], actor.shape[0]).transformed(1.0, 200, 60)
    pictures = [*[empty] * 6, put(empty, actor, 200, 60), empty]
    assert within(seen(pictures), face.transformed(1.0, 200, 60)) == 1
    assert not seen(pictures, known=(whole.padded(0.1, 0.1, 0.1, 0.1),)).any()
    half = Box(whole.x0, whole.y0, whole.x1 - 0.4 * whole.width, whole.y1)
    assert within(seen(pictures, known=(half,)), face.transformed(1.0, 200, 60)) == 1


def test_a_frame_that_was_not_fed_has_no_visitors() -> None:
    visitors = Visitors(SIZE, SMALLEST)
    visitors.feed(0.0, Frame(0, scenery(1, SIZE)).luma(*visitors.shape))
    assert visitors.boxes(1.0, (0.0, 2.0), ()) == []
