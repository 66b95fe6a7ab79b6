"""A box that somebody drew goes along with the head it was drawn around, or says where it stopped.

How much of the face is covered is measured against where the composed films put it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceveil import media
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.options import Options
from faceveil.plan import Plan
from faceveil.scan.pursuit import Ending, pursue
from films import FACE, HEAD, Told, film, head, scenery
from tiers import daily

FRAMES, MIDDLE, SIZE = 50, 25, (384, 216)
COVERED = 0.9
"""Share of a face; the margin of whatever obscures it comes on top."""

Pose = Callable[[int], tuple[float, float, float]]
"""Frame -> middle of the head, and how far it is turned, in radians."""


@dataclass
class Acted:
    """A film, and the visible part of the face in each of its frames."""

    path: Path
    truth: dict[int, Box] = field(default_factory=dict)


def act(
    path: Path,
    astronaut: Image,
    pose: Pose,
    *,
    scale: float = 0.4,
    screen: tuple[int, int] | None = None,
    cut: int = FRAMES,
    shake: float = 0.0,
) -> Acted:
    acted = Acted(path)
    x0, y0 = HEAD[:2]
    actor, _ = head(astronaut, scale)
    face = FACE.transformed(1.0, -x0, -y0).transformed(scale)
    height, width = actor.shape[:2]
    oval = np.zeros((height, width), np.uint8)
    cv2.ellipse(oval, (width // 2, height // 2), (width // 2, height // 2), 0, 0, 360, 255, -1)
    noise = np.random.default_rng(1)
    marks = noise.integers(0, 256, (12, 20, 3)).astype(np.uint8)
    larger = cv2.resize(marks, SIZE, interpolation=cv2.INTER_NEAREST)
    room = (scenery(2, SIZE) // 3 * 2 + np.asarray(larger) // 3).astype(np.uint8)
    pictures = []
    for index in range(FRAMES):
        shift = np.array([[1, 0, shake * math.sin(index / 3)], [0, 1, shake * math.cos(index / 4)]])
        picture = cv2.warpAffine(room, shift, SIZE, borderMode=cv2.BORDER_REFLECT)
        if index >= cut:
            picture = scenery(9, SIZE)
        else:
            x, y, turn = pose(index)
            # A turned head is narrower, and its far side smaller.
            half, less = width / 2 * math.cos(turn), 0.1 * height * math.sin(turn)
            begun = [[0, 0], [width, 0], [width, height], [0, height]]
            left, right = max(less, 0.0), max(-less, 0.0)
            ends = [[x - half, y - height / 2 + left], [x + half, y - height / 2 + right]]
            ends += [[x + half, y + height / 2 - right], [x - half, y + height / 2 - left]]
            seen = cv2.getPerspectiveTransform(
                np.array(begun, np.float32), np.array(ends, np.float32)
            )
            share = cv2.warpPerspective(oval, seen, SIZE)[..., None] / 255
            picture = picture * (1 - share) + cv2.warpPerspective(actor, seen, SIZE) * share
            sides = [[face.x0, face.y0], [face.x1, face.y0], [face.x1, face.y1], [face.x0, face.y1]]
            spots = cv2.perspectiveTransform(np.array([sides], np.float32), seen)[0]
            box = Box(*spots.min(axis=0).tolist(), *spots.max(axis=0).tolist()).clipped(*SIZE)
            if box is not None and screen is not None:
                box = beside(box, screen)
            if box is not None:
                acted.truth[index] = box
        if screen is not None:
            picture[:, screen[0] : screen[1]] = room[:, : screen[1] - screen[0]] // 2
        grainy = picture + noise.normal(0, 3, picture.shape)
        pictures.append(np.clip(grainy, 0, 255).astype(np.uint8))
    film(path, pictures)
    return acted


def beside(box: Box, screen: tuple[int, int]) -> Box | None:
    """The part of a face that a screen leaves; None: too little to be one."""
    left, right = screen
    x0, x1 = (box.x0, min(box.x1, left)) if box.x0 < left else (max(box.x0, right), box.x1)
    return Box(x0, box.y0, x1, box.y1) if x1 - x0 > 0.2 * box.width else None


@dataclass
class Result:
    boxes: dict[int, Box]
    sure: set[int]
    ends: dict[int, tuple[Ending, int]]

    def covered(self, truth: Mapping[int, Box]) -> float:
        """The share of the frames in which a face is there, and covered."""
        there = [
            index in self.boxes and self.boxes[index].intersection(face) >= COVERED * face.area
            for index, face in truth.items()
        ]
        return sum(there) / len(there)


def followed(
    acted: Acted, start: int, detector: str, *, cuts: tuple[int, ...] = (), **more: int
) -> Result:
    options = Options(threads=1)
    with media.open_source(acted.path, options) as source:
        pts = tuple(frame.pts for frame in source.skim())
        plan = Plan(source.media, (), time_base=source.time_base, pts=pts, cuts=cuts)
        own = Told() if detector == "asleep" else None
        result = Result({start: acted.truth[start]}, {start}, {})
        box = acted.truth[start]
        for part in pursue(source, plan, start, box, options, detector=own, **more):
            assert not part.boxes.keys() & result.boxes.keys(), "each frame is told once"
            result.boxes.update(part.boxes)
            result.sure |= part.sure
            if part.ended:
                result.ends[part.way] = (part.ended, part.at)
    return result


WALKS: dict[str, Pose] = {
    "moves": lambda i: (192 + 90 * math.sin(i / 9), 108 + 25 * math.sin(i / 5), 0.0),
    "turns": lambda i: (192 + 50 * math.sin(i / 10), 108, 1.0 * math.sin(i / 8)),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("walk", "detector", "least"),
    daily(
        [("moves", "asleep", 1.0), ("turns", "own", 1.0), ("turns", "asleep", 0.9)],
        ("turns", "own", 1.0),
    ),
)
def test_a_head_is_covered(
    tmp_path: Path, astronaut: Image, walk: str, detector: str, least: float
) -> None:
    """Also where no detector knows it for a face."""
    acted = act(tmp_path / "c.mp4", astronaut, WALKS[walk], shake=8.0)
    result = followed(acted, MIDDLE, detector)
    assert result.covered(acted.truth) >= least
    assert result.ends == {1: ("film", FRAMES - 1), -1: ("film", 0)}


@pytest.mark.slow
def test_it_ends_with_the_scene_and_where_it_was_told(tmp_path: Path, astronaut: Image) -> None:
    acted = act(tmp_path / "c.mp4", astronaut, WALKS["moves"], cut=40)
    result = followed(acted, MIDDLE, "asleep", cuts=(40,), first=15)
    assert result.ends == {1: ("cut", 39), -1: ("asked", 15)}
    assert max(result.boxes) == 39
    assert result.covered({i: box for i, box in acted.truth.items() if i >= 15}) == 1.0


@pytest.mark.slow
def test_it_leaves_the_picture_with_the_head(tmp_path: Path, astronaut: Image) -> None:
    acted = act(tmp_path / "c.mp4", astronaut, lambda i: (192 + (i - 20) * 10, 108, 0.0))
    result = followed(acted, 20, "own")
    why, at = result.ends[1]
    assert why == "left"
    assert abs(at - max(acted.truth)) <= 3
    assert result.covered(acted.truth) == 1.0
    assert max(result.boxes) < FRAMES - 5


@pytest.mark.slow
@pytest.mark.parametrize("detector", daily(["own", "asleep"], "asleep"))
def test_it_is_lost_behind_a_screen_and_says_so(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    """It does not stay with what stands before the head, as flow alone does."""
    screen = (220, 384)
    acted = act(tmp_path / "c.mp4", astronaut, lambda i: (120 + i * 3, 108, 0.0), screen=screen)
    result = followed(acted, 10, detector)
    hidden = max(acted.truth)
    why, at = result.ends[1]
    assert why == "lost"
    assert abs(at - hidden) <= 8
    assert result.covered(acted.truth) >= 0.97
    assert max(result.boxes) > at, "when unsure, cover: it stays for a while"


@pytest.mark.slow
def test_it_is_found_again_behind_a_post(tmp_path: Path, astronaut: Image) -> None:
    acted = act(tmp_path / "c.mp4", astronaut, lambda i: (60 + i * 5, 108, 0.0), screen=(180, 210))
    result = followed(acted, 10, "own")
    assert result.ends[1] == ("film", FRAMES - 1)
    assert result.covered(acted.truth) >= 0.9
