"""Rows by frame: a dictionary from outside, a tenth of its memory."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceveil.by_frame import Boxes, ByFrame
from faceveil.faces import Faces
from faceveil.geometry import Box
from faceveil.obscure.painter import Targets
from faceveil.plan import Face, Media, Plan, Track
from test_faces import boxes, faces

frames = st.integers(0, 1000)


def by_frame(given: dict[int, Face]) -> ByFrame[Face]:
    return ByFrame(np.array(sorted(given), np.int64), Faces.of(given[at] for at in sorted(given)))


@pytest.mark.slow
@given(st.dictionaries(frames, faces, max_size=12), frames)
def test_it_is_the_dictionary_that_it_was_made_of(given: dict[int, Face], frame: int) -> None:
    held = by_frame(given)
    assert held == given
    assert given == held
    assert pickle.loads(pickle.dumps(held)) == given
    assert list(held) == sorted(given)
    assert list(held.values()) == [given[at] for at in sorted(given)]
    assert (frame in held) == (frame in given)
    assert held.get(frame) == given.get(frame)
    assert held.keys() - {frame} == given.keys() - {frame}
    assert bool(held) == bool(given)
    with pytest.raises(KeyError):
        held[-1]


@pytest.mark.slow
@given(st.lists(boxes, max_size=8))
def test_boxes_come_out_as_they_went_in(given: list[Box]) -> None:
    held = Boxes.of(given)
    assert list(held) == given
    assert [held[number] for number in range(len(given))] == given
    assert list(held[1:]) == given[1:]


def test_a_face_takes_little_memory_and_a_plan_of_them_is_the_same() -> None:
    """180,000 faces (ten minutes of a dozen) took 150 MB as objects, and 600 MB are promised."""
    count, at = 2000, np.arange(2000)
    marks = ((1.0, 2.0),) * 5
    tracemalloc.start()
    corners = np.array([(one, 0.0, one + 9.5, 9.5) for one in range(count)])
    rows = Faces(corners, np.full(count, 0.5), np.tile(np.array(marks), (count, 1, 1)))
    track = Track(0, ByFrame(at, Boxes(corners)), ByFrame(at, rows))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 200 * count

    single = [Face(Box(one, 0.0, one + 9.5, 9.5), 0.5, marks) for one in range(count)]
    plain = Track(0, {n: face.box for n, face in enumerate(single)}, dict(enumerate(single)))
    media = Media("video", "mp4", 3000, 100, frames=count)
    plans = [Plan(media, (one,), pts=tuple(range(count))) for one in (track, plain)]
    assert plans[0] == plans[1] == Plan.from_json(plans[0].to_json())
    assert plans[0].to_json() == plans[1].to_json()
    arrays, objects = map(Targets, plans)
    assert list(arrays.frames) == list(objects.frames) == list(range(count))
    assert arrays.at(7) == objects.at(7) != []
    assert arrays.at(count) == []
