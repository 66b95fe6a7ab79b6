"""Faces that rush past: single hits on a line become one track, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceveil.geometry import Box
from faceveil.options import Options
from faceveil.plan import Face, Track
from faceveil.track import link

WIDTH, HEIGHT, FPS, FRAMES = 1920, 540, 60, 60
STRONG, WEAK = 0.41, 0.2


def tracks(hits: dict[int, list[tuple[float, float, float, float]]]) -> tuple[Track, ...]:
    """Link hits given as frame -> (x, y, size, score), in a video that was looked at everywhere."""
    found: dict[int, list[Face]] = {frame: [] for frame in range(FRAMES)} | {
        frame: [Face(Box(x, y, x + size, y + size), score) for x, y, size, score in faces]
        for frame, faces in hits.items()
    }
    times = [number / FPS for number in range(FRAMES)]
    return link(
        found, times, width=WIDTH, height=HEIGHT, strong=STRONG, weak=WEAK, options=Options()
    )


@pytest.mark.slow
@given(
    step=st.floats(60, 180),
    size=st.floats(30, 60),
    missing=st.sets(st.integers(1, 8), max_size=2),
    faint=st.sets(st.integers(0, 9), max_size=5),
    rightwards=st.booleans(),
)
def test_whoever_rushes_past_is_one_track_and_covered_on_the_way(
    step: float, size: float, missing: set[int], faint: set[int], rightwards: bool
) -> None:
    count = min(10, int((WIDTH - 2 * size) / step))
    places = {20 + n: 10 + n * step for n in range(count)}
    if not rightwards:
        places = {frame: WIDTH - 10 - size - x for frame, x in places.items()}
    seen = {frame: x for frame, x in places.items() if frame - 20 not in missing}
    scores = [0.3 if frame - 20 in faint else 0.6 for frame in seen]
    found = tracks(
        {
            frame: [(x, 200, size, score)]
            for (frame, x), score in zip(seen.items(), scores, strict=True)
        }
    )
    assert len(found) == 1
    for frame, x in places.items():
        if min(seen) <= frame <= max(seen):
            box = found[0].boxes[frame]
            assert box.x0 <= x + 0.1 * size
            assert box.x1 >= x + 0.9 * size


def test_it_is_not_covered_where_it_is_no_longer() -> None:
    found = tracks({20 + n: [(10 + 150 * n, 200, 50, 0.6)] for n in range(10)})
    assert len(found) == 1
    assert found[0].boxes[29].x0 > 1000
    assert 29 + FPS // 5 not in found[0].boxes  # it has left the picture


def test_three_hits_on_a_line_may_be_three_faces() -> None:
    found = tracks({20 + n: [(10 + 150 * n, 200, 50, 0.6)] for n in range(3)})
    assert len(found) == 3
    assert all(20 in track.boxes and 22 in track.boxes for track in found)


@pytest.mark.parametrize(
    "places",
    [
        [(10, 200), (700, 60), (200, 400), (1500, 100), (900, 300), (60, 20)],  # no line
        [(10, 200), (160, 200), (460, 200), (1060, 200), (1700, 200)],  # ever faster
    ],
)
def test_faces_at_new_places_stay_covered_where_they_were(places: list[tuple[int, int]]) -> None:
    found = tracks({20 + n: [(x, y, 50, 0.6)] for n, (x, y) in enumerate(places)})
    assert len(found) == len(places)
    for number, (track, (x, _)) in enumerate(zip(found, places, strict=True)):
        for frame in range(20 + number - 5, 20 + number + 5):
            assert track.boxes[frame].x0 <= x < track.boxes[frame].x1


def test_sizes_must_be_alike() -> None:
    sizes = (30, 60, 30, 60, 30, 60)
    found = tracks({20 + n: [(10 + 150 * n, 200, size, 0.6)] for n, size in enumerate(sizes)})
    assert len(found) == len(sizes)


def test_faint_hits_alone_are_no_track() -> None:
    assert not tracks({20 + n: [(10 + 150 * n, 200, 50, 0.3)] for n in range(8)})
