"""Heads that lie, between the looks for them all over the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest

from faceveil.faces import Faces
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.media.memory import MemorySource
from faceveil.plan import Face
from faceveil.scan import Scan, scan
from faceveil.scan.schedule import SIDEWAYS_SECONDS
from faceveil.scan.sideways import CLEAR, EACH, LITTLE, PAUSE, SAVED, Sideways
from films import SIZE, Told, nobody, scenery

FPS = 50
SIDE = 36
RED = (0, 0, 255)
COMES = 8
"""Frame in which a head comes: too early for the next look all over."""


@dataclass
class Red(Told):
    """Finds a red square in turned pictures only.

    Attributes:
        turned: indices of the frames of which parts were turned, and sizes of the parts.
    """

    turned: list[tuple[int, tuple[int, int]]] = field(default_factory=list)
    score: float = 0.9

    def detect_rotated(self, frame: Frame, floor: float) -> list[Face]:
        if frame.size != SIZE:
            self.turned.append((frame.index, frame.size))
        rows, columns = np.nonzero((frame.image == RED).all(axis=2))
        if not len(rows):
            return []
        box = Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        return [Face(box, self.score)] if self.score >= floor else []


def with_square(at: tuple[int, int] | None, colour: tuple[int, int, int] = RED) -> Image:
    picture = scenery(1).copy()
    if at is not None:
        x, y = at
        picture[max(0, y) : y + SIDE, max(0, x) : x + SIDE] = colour
    return picture


def scanned(pictures: Sequence[Image], detector: Told) -> Scan:
    with MemorySource(pictures) as source:
        source.time_base = Fraction(1, FPS)
        return scan(source, detector, 0.3, 0.4, lambda done: None)


def seen(result: Scan) -> dict[int, Box]:
    faces = {**result.found_in_crops, **result.found}
    return {index: next(iter(some)).box for index, some in faces.items() if len(some)}


def test_a_head_that_lies_for_a_moment_is_found_in_the_frame_in_which_it_comes() -> None:
    assert COMES < SIDEWAYS_SECONDS * FPS
    spans = [(COMES, COMES + 1), (COMES, COMES + 4)]
    for first, end in spans:
        shown = [(120, 70) if first <= i < end else None for i in range(30)]
        result = scanned([with_square(at) for at in shown], Red())
        assert seen(result)[first] == Box(120, 70, 120 + SIDE, 70 + SIDE)


def test_one_that_rushes_past_is_found_often_enough_to_know_where_it_goes() -> None:
    step, count = 40, 8
    shown: list[tuple[int, int] | None] = [None] * 30
    for number in range(count):
        shown[COMES + number] = (number * step - 4, 80)
    found = seen(scanned([with_square(at) for at in shown], Red()))
    middle = range(COMES + 1, COMES + count - 1)
    assert len(set(middle) & set(found)) >= len(middle) - 1
    for index in set(middle) & set(found):
        at = shown[index]
        assert at is not None
        assert found[index] == Box(at[0], at[1], at[0] + SIDE, at[1] + SIDE)


def test_one_that_was_found_is_looked_for_again_before_its_track_ends() -> None:
    end = COMES + round(2.2 * PAUSE * FPS)
    shown = [(120, 70) if COMES <= i < end else None for i in range(end + 5)]
    found = sorted(seen(scanned([with_square(at) for at in shown], Red())))
    assert found[0] == COMES
    longest = max(b - a for a, b in zip(found, [*found[1:], end], strict=True))
    assert longest / FPS < 0.4  # a track's extension


@pytest.mark.parametrize(
    ("face", "spared"),
    [(Box(130, 4, 156, 34), True), (Box(20, 4, 46, 34), False)],
    ids=["above", "elsewhere"],
)
def test_what_is_below_an_upright_face_is_its_body(face: Box, spared: bool) -> None:
    detector = Red(lambda index: [Face(face, 0.9)])
    blue = [with_square((120, 70) if i >= COMES else None, (200, 0, 0)) for i in range(COMES + 3)]
    scanned(blue, detector)
    assert bool(detector.turned) != spared


@pytest.mark.parametrize("upright", [True, False])
def test_an_upright_face_found_in_the_same_frame_explains_what_is_new(upright: bool) -> None:
    face = Face(Box(120, 70, 120 + SIDE, 70 + SIDE), 0.9)
    detector = Red(lambda index: [face] if upright and index == COMES else [])
    scanned([with_square((120, 70) if i == COMES else None) for i in range(COMES + 1)], detector)
    assert bool(detector.turned) != upright


def test_what_keeps_changing_is_turned_no_more_often_than_it_may_cost() -> None:
    seconds = 6
    colours = np.random.default_rng(3).integers(0, 200, (seconds * FPS, 3)).tolist()
    detector = Red(nobody)
    scanned([with_square((120, 70), (b, g, r)) for b, g, r in colours], detector)
    assert SAVED < len(detector.turned) <= SAVED + seconds / EACH


@pytest.mark.parametrize(("score", "found"), [(CLEAR - 0.01, False), (CLEAR, True)])
def test_more_looks_have_to_be_more_certain(score: float, found: bool) -> None:
    pictures = [with_square((120, 70) if COMES <= i < COMES + 4 else None) for i in range(20)]
    detector = Red(score=score)
    assert bool(seen(scanned(pictures, detector))) == found
    assert detector.turned


def fed(change: Callable[[Image], None]) -> Sequence[Box]:
    """The boxes that a change of a grey picture of 240x160 samples leads to."""
    some = Sideways((960, 640), 12.0, 1 / FPS, 0.4)
    grey = np.full((160, 240), 100, np.uint8)
    some.feed(grey, np.zeros(grey.shape, bool))
    some.look_all_over()
    changed = grey.copy()
    change(changed)
    some.feed(changed, changed != grey)
    return some.boxes(1, Faces.of(()))


def test_only_what_is_as_large_as_a_head_and_little_of_the_picture_is_turned() -> None:
    def painted(*areas: tuple[int, int, int, int]) -> Callable[[Image], None]:
        def change(picture: Image) -> None:
            for x, y, width, height in areas:
                picture[y : y + height, x : x + width] = 200

        return change

    assert fed(painted((50, 60, 12, 12)))
    assert not fed(painted((50, 60, 3, 60)))  # a pole
    assert not fed(painted((0, 0, 200, 160)))  # another scene
    small, large = (10, 10, 12, 12), (60, 40, 160, 110)
    boxes = fed(painted(small, large))  # the large one is too much, the small one is not
    assert len(boxes) == 1
    assert boxes[0].area < LITTLE * 960 * 640
    assert boxes[0].intersection(Box(40, 40, 88, 88)) > 0


def test_what_is_gone_again_leaves_nothing_to_turn() -> None:
    some = Sideways((960, 640), 12.0, 1 / FPS, 0.4)
    grey = np.full((160, 240), 100, np.uint8)
    some.feed(grey, np.zeros(grey.shape, bool))
    some.look_all_over()
    changed = np.zeros(grey.shape, bool)
    changed[60:80, 50:70] = True
    some.feed(grey, changed)
    assert not some.boxes(1, Faces.of(()))
