"""Faces as arrays: they say what single faces say, and doubles are told as defined."""

from __future__ import annotations

import math
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceveil import faces as faces_module
from faceveil.faces import Faces, centers, corners, hull, intersections, nearest, pairwise_iou
from faceveil.geometry import Box
from faceveil.plan import Face

numbers = st.floats(-500, 500, width=32)
sides = st.floats(1, 200, width=32)
scores = st.floats(0.0625, 1, width=32)
boxes = st.builds(lambda x, y, w, h: Box(x, y, x + w, y + h), numbers, numbers, sides, sides)
points = st.tuples(*[st.tuples(numbers, numbers)] * 5)
faces = st.builds(Face, boxes, scores, st.none() | points)
LIMIT = 0.4123  # no two boxes of round numbers overlap by this much exactly
several = st.lists(faces, max_size=12)


@pytest.mark.slow
@given(several)
def test_a_face_comes_out_as_it_went_in(given: list[Face]) -> None:
    found = Faces.of(given)
    assert list(found) == given
    assert [found[number] for number in range(len(given))] == given
    assert len(found) == len(given)
    assert bool(found) == bool(given)
    assert Faces.of(found) is found
    assert pickle.loads(pickle.dumps(found)) == found
    assert Faces.concatenate([given[:3], found[3:]]) == found
    assert found.sizes.tolist() == [face.box.size for face in given]
    assert centers(found.boxes).tolist() == [list(face.box.center) for face in given]


@pytest.mark.slow
@given(several, st.data())
def test_what_is_picked_is_what_a_list_gives(given: list[Face], data: st.DataObject) -> None:
    found = Faces.of(given)
    chosen = data.draw(st.lists(st.booleans(), min_size=len(given), max_size=len(given)))
    expected = [face for face, kept in zip(given, chosen, strict=True) if kept]
    assert list(found[np.array(chosen, bool)]) == expected
    assert list(found[1:]) == given[1:]
    assert list(found[::-1]) == given[::-1]
    if given:
        assert found[-1] == given[-1]
        assert list(found[[0]]) == given[:1]


@pytest.mark.slow
@given(several, st.sampled_from([0.25, 1.0, 3.0]), numbers, numbers)
def test_all_are_transformed_like_one(given: list[Face], scale: float, x: float, y: float) -> None:
    assert list(Faces.of(given).transformed(scale, x, y)) == [
        face.transformed(scale, x, y) for face in given
    ]


@given(st.lists(boxes, max_size=6), st.lists(boxes, max_size=6))
def test_boxes_meet_as_single_ones_do(a: list[Box], b: list[Box]) -> None:
    first, second = corners(a), corners(b)
    shared, ratio = intersections(first, second), pairwise_iou(first, second)
    assert shared.shape == ratio.shape == (len(a), len(b))
    for row, one in enumerate(a):
        assert shared[row].tolist() == [one.intersection(other) for other in b]
        assert ratio[row].tolist() == pytest.approx([one.iou(other) for other in b])
    pairs = list(zip(a, b, strict=False))
    least = len(pairs)
    assert hull(first[:least], second[:least]).tolist() == [
        list(one.hull(other).as_tuple()) for one, other in pairs
    ]


@pytest.mark.slow
@given(several)
def test_a_leader_is_overlapped_by_no_better_one(given: list[Face]) -> None:
    found = Faces.of(given)
    leaders = found.leaders(LIMIT).tolist()
    order = sorted(range(len(given)), key=lambda number: -given[number].score)
    expected: list[int] = []
    for number in order:
        overlaps = (given[number].box.iou(given[better].box) for better in expected)
        if all(overlap <= LIMIT for overlap in overlaps):
            expected.append(number)
    assert [given[number].score for number in leaders] == [given[n].score for n in expected]
    assert sorted(leaders) == sorted(expected)


def test_neighbours_do_not_chain() -> None:
    """Each overlaps the next one, and the last one not the first."""
    row = Faces.of(Face(Box(x, 0, x + 10, 10), 1 - x / 100) for x in (0, 4, 8, 12))
    same = pairwise_iou(row.boxes, row.boxes) > 0.4
    merged = row.merged(same, np.ones(4, bool))
    assert list(merged.boxes[:, 0]) == [0, 8]
    assert list(merged.boxes[:, 2]) == [14, 22]


def test_a_double_that_is_only_weak_does_not_widen() -> None:
    pair = Faces.of([Face(Box(0, 0, 10, 10), 0.9), Face(Box(1, 0, 11, 10), 0.3)])
    same = np.ones((2, 2), bool)
    assert pair.merged(same, pair.scores >= 0.5) == pair[:1]
    assert list(pair.merged(same, pair.scores >= 0.2).boxes[0]) == [0, 0, 11, 10]


def test_rows_that_are_no_faces_are_passed_over() -> None:
    row = [10.0, 10, 20, 20, 0.9, *range(10)]
    undefined, empty = list(row), list(row)
    undefined[3], empty[2] = math.nan, 10.0
    (face,) = Faces.from_rows(np.array([undefined, row, empty], np.float32))
    assert face.box == Box(10, 10, 20, 20)
    assert np.ravel(face.landmarks or ()).tolist() == list(range(10))
    assert not Faces.from_rows(np.zeros((0, 15), np.float32))


@pytest.mark.slow
@given(st.lists(boxes, min_size=1, max_size=8), st.lists(boxes, max_size=20), st.integers(1, 60))
def test_the_nearest_is_the_same_in_parts(a: list[Box], b: list[Box], pairs: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faces_module, "PAIRS", pairs)
        best, most = nearest(corners(a), corners(b))
    shared = pairwise_iou(corners(a), corners(b))
    assert best.tolist() == shared.argmax(axis=0).tolist()
    assert most.tolist() == shared.max(axis=0).tolist()


def test_a_stadium_is_compared_in_little_memory() -> None:
    """Of 2,300 faces there are 9,000 finds: all pairs at once took 2.3 GB."""
    numbers = np.random.default_rng(5)
    found = numbers.uniform(0, 9000, (9000, 2))
    found = np.hstack([found, found + 20])
    tracemalloc.start()
    best, most = nearest(found[:3000], found)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000_000
    assert best[:3000].tolist() == list(range(3000))
    assert (most[:3000] == 1).all()
