"""Finding where scenes begin."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceveil.frames import Image
from faceveil.track import THUMBNAIL, CutFinder, is_cut
from tiers import daily

Gray = NDArray[np.uint8]


def thumbnail(gray: NDArray[np.uint8]) -> Gray:
    return np.asarray(cv2.resize(gray, THUMBNAIL, interpolation=cv2.INTER_AREA), np.uint8)


def cuts(path: Path) -> tuple[int, ...]:
    finder = CutFinder()
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            finder.feed(thumbnail(np.asarray(frame.to_ndarray(format="gray"), np.uint8)))
    return finder.cuts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected"),
    daily(
        [
            ("stage_cuts_audio.mp4", (20, 82, 211)),
            ("walking_608x1080_600f.mp4", ()),
            ("crowd_1080p_audio.mp4", ()),
            ("jumping_boxes.mpg", ()),
            ("rotated_vfr.mp4", ()),
            ("talking_720p_audio.mp4", ()),
        ],
        ("stage_cuts_audio.mp4", (20, 82, 211)),
        ("jumping_boxes.mpg", ()),
        ("rotated_vfr.mp4", ()),
    ),
)
def test_real_videos(data: Path, name: str, expected: tuple[int, ...]) -> None:
    assert cuts(data / "videos" / name) == expected


@pytest.fixture
def scenes() -> list[Gray]:
    """Two pictures that have nothing in common."""
    random = np.random.default_rng(0)
    coarse = [random.uniform(0, 255, (4, 6)).astype(np.uint8) for _ in range(2)]
    return [thumbnail(np.asarray(cv2.resize(x, (320, 180)), np.uint8)) for x in coarse]


def feed(frames: list[Gray]) -> tuple[list[bool], tuple[int, ...]]:
    finder = CutFinder()
    return [finder.feed(frame) for frame in frames], finder.cuts


def test_a_cut(scenes: list[Gray]) -> None:
    a, b = scenes
    suspects, found = feed([a, a, a, b, b, b])
    assert suspects == [True, False, False, True, False, False]
    assert found == (3,)
    assert is_cut(a, b)
    assert is_cut(b, a)


def test_a_flash_is_no_cut(scenes: list[Gray]) -> None:
    a, b = scenes
    assert feed([a, a, b, a, a])[1] == ()
    brighter = np.asarray(np.clip(a.astype(int) // 2 + 120, 0, 255), np.uint8)
    assert feed([a, a, brighter, brighter])[1] == ()


def test_noise_in_the_dark_is_no_cut() -> None:
    noise = np.random.default_rng(0).integers(0, 6, (5, *THUMBNAIL[::-1])).astype(np.uint8)
    assert feed(list(noise))[1] == ()


def test_out_of_black(scenes: list[Gray]) -> None:
    black = np.zeros_like(scenes[0])
    assert feed([black, black, scenes[0], scenes[0], black, black])[1] == (2, 4)


def test_something_that_moves_is_no_cut(astronaut: Image) -> None:
    gray = np.asarray(cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY), np.uint8)
    pan = [thumbnail(gray[100:325, x : x + 400]) for x in range(0, 110, 10)]
    assert feed(pan)[1] == ()
