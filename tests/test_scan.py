"""The looks of the first reading: often enough that nobody slips through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceveil.faces import Faces
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.media.memory import MemorySource
from faceveil.plan import Face
from faceveil.scan import Scan, Schedule, scan
from faceveil.scan.schedule import CHANGED, REST_SECONDS
from faceveil.scan.stillness import LONGEST
from faceveil.track import THUMBNAIL
from films import Told, nobody, scenery, threads

STRONG, WEAK = 0.6, 0.3
FPS = 50
REST = round(REST_SECONDS * FPS)
CALM = np.full(THUMBNAIL[::-1], 100, np.uint8)


def still(count: int, seed: int = 1) -> list[Image]:
    return [scenery(seed, (64, 48))] * count


def scanned(
    pictures: Sequence[Image],
    detector: Told,
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, FPS),
) -> Scan:
    with MemorySource(pictures, pts) as source:
        source.time_base = time_base
        return scan(source, detector, WEAK, STRONG, lambda done: None)


def sliding(step: float, score: float = 0.9) -> Callable[[int], list[Face]]:
    """A face 20 px large that moves so many pixels a frame."""
    return lambda index: [Face(Box(index * step, 10, index * step + 20, 30), score)]


def gaps(looked: Sequence[int]) -> list[int]:
    return [b - a for a, b in pairwise(looked)]


def test_a_calm_video_is_looked_at_every_rest() -> None:
    detector = Told()
    result = scanned(still(200), detector)
    looked = sorted(result.found)
    assert looked[0] == 0
    # The last frame is looked at as well.
    assert set(gaps(looked)[:-1]) == {REST}
    assert gaps(looked)[-1] <= REST
    assert result.pts == list(range(200))
    assert result.cuts == ()


@pytest.mark.slow
@pytest.mark.parametrize("fps", [1, 3, 10, 24, 25, 30, 60, 240])
def test_it_never_rests_longer_whatever_the_frame_rate(fps: int) -> None:
    detector = Told(sliding(0))
    scanned(still(3 * fps + 2), detector, time_base=Fraction(1, fps))
    assert max(gaps(detector.looked)) < REST_SECONDS * fps + 0.999
    assert 3 * fps + 1 - detector.looked[-1] < REST_SECONDS * fps + 1


def test_the_first_frame_of_every_scene_is_looked_at() -> None:
    pictures = [*still(17, 1), *still(5, 2), *still(31, 3), *still(1, 4), *still(20, 1)]
    detector = Told()
    result = scanned(pictures, detector)
    assert {0, 17, 22, 53, 54} <= set(detector.looked)
    assert {17, 22} <= set(result.cuts)
    assert set(result.cuts) <= set(detector.looked)


def test_a_gradual_change_is_looked_at_though_it_is_no_cut() -> None:
    a, b = (scenery(seed, (64, 48)).astype(float) for seed in (1, 2))
    fade = [(a + (b - a) * i / 20).astype(np.uint8) for i in range(21)]
    detector, calm = Told(), Told()
    assert scanned(fade, detector).cuts == ()
    scanned(still(21), calm)
    assert len(detector.looked) > len(calm.looked)


def test_fast_faces_are_looked_at_more_often() -> None:
    looks = []
    for step in (0.0, 1.5, 3.0, 6.0):
        detector = Told(sliding(step))
        scanned(still(100), detector)
        looks.append(len(detector.looked))
    assert looks == sorted(looks)
    assert looks[-1] > 3 * looks[0]


@pytest.mark.slow
@given(st.floats(0.1, 4 * 20 / REST - 0.1))
def test_a_face_moves_half_its_size_at_most_between_looks(step: float) -> None:
    detector = Told(sliding(step))
    scanned(still(60), detector)
    # The first two rests are taken before any motion is known: it is known a lag after a look.
    for gap in gaps(detector.looked)[2:]:
        assert (gap - 1) * step <= 0.5 * 20 + 1e-6


def test_weak_faces_have_no_say_but_are_kept() -> None:
    weak, calm = Told(sliding(5.0, score=0.4)), Told()
    result = scanned(still(100), weak)
    assert sorted(result.found) == sorted(scanned(still(100), calm).found)
    assert all(result.found.values())


def test_faces_below_the_floor_are_not_kept() -> None:
    result = scanned(still(30), Told(sliding(1.0, score=0.29)))
    assert result.found
    assert not any(result.found.values())


@pytest.mark.parametrize(
    "pts",
    [
        [0] * 40,
        [7, *[3] * 39],
        list(range(40, 0, -1)),
        [-1000 + i for i in range(40)],
        [0, *[10**9 + i for i in range(39)]],
        [*range(20), *range(20)],
        [10**15, *range(39)],
    ],
)
def test_broken_times_never_stop_it_looking(pts: list[int]) -> None:
    detector = Told()
    result = scanned(still(40), detector, pts)
    assert result.pts == pts
    assert max(gaps([*sorted(result.found), 40])) <= REST
    assert max(gaps([*detector.looked, 40])) <= LONGEST * FPS


@pytest.mark.slow
@given(st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=80))
def test_any_times_at_all(pts: list[int]) -> None:
    detector = Told()
    found = scanned(still(len(pts)), detector, pts).found
    last = 0
    for index in range(1, len(pts)):
        if index in found:
            last = index
        else:
            assert 0 < (pts[index] - pts[last]) / FPS < REST_SECONDS


def tell(schedule: Schedule, pts: int, faces: Faces) -> None:
    """The frame that was due is looked at, and what is found there is known at once."""
    schedule.add_look()
    schedule.add_detections(pts, faces)


def test_a_schedule_looks_again_at_once_where_the_picture_changes() -> None:
    schedule = Schedule(1 / FPS, STRONG)
    assert schedule.due(0, CALM, suspect=False)
    tell(schedule, 0, Faces.of([]))
    assert not schedule.due(1, CALM + np.uint8(CHANGED), suspect=False)
    assert schedule.due(2, CALM + np.uint8(CHANGED + 1), suspect=False)
    tell(schedule, 2, Faces.of([]))
    assert not schedule.due(3, CALM + np.uint8(CHANGED + 1), suspect=False)
    assert schedule.due(4, CALM + np.uint8(CHANGED + 1), suspect=True)


def test_darker_counts_as_much_as_brighter() -> None:
    schedule = Schedule(1 / FPS, STRONG)
    assert schedule.due(0, CALM, suspect=False)
    tell(schedule, 0, Faces.of([]))
    assert schedule.due(1, CALM - np.uint8(CHANGED + 1), suspect=False)


def test_other_people_do_not_count_as_motion() -> None:
    # One joins, then the other leaves, and somebody much nearer to the camera comes.
    here, near, large = Box(0, 0, 20, 20), Box(40, 0, 60, 20), Box(0, 0, 90, 90)
    schedule = Schedule(1 / FPS, STRONG)
    for pts, boxes in ((0, [here]), (REST, [here, near]), (2 * REST, [near, large])):
        assert schedule.due(pts, CALM, suspect=False)
        tell(schedule, pts, Faces.of([Face(box, 0.9) for box in boxes]))
    assert not schedule.due(3 * REST - 1, CALM, suspect=False)
    assert schedule.due(3 * REST, CALM, suspect=False)


@pytest.mark.parametrize(("distance", "again"), [(25, True), (75, True), (90, False)])
def test_a_face_gone_from_further_away_may_be_a_fast_one(distance: float, again: bool) -> None:
    schedule = Schedule(1 / FPS, STRONG)
    for pts, x in ((0, 0.0), (REST, distance)):
        assert schedule.due(pts, CALM, suspect=False)
        boxes = Box(x, 0, x + 20, 20), Box(500, 0, 520, 20)
        tell(schedule, pts, Faces.of(Face(box, 0.9) for box in boxes))
    assert schedule.due(REST + REST // 2, CALM, suspect=False) is again


def test_the_fastest_face_decides() -> None:
    detector = Told(lambda index: [*sliding(0)(index), *sliding(6.0)(index)])
    lone = Told(sliding(6.0))
    scanned(still(60), detector)
    scanned(still(60), lone)
    assert len(detector.looked) >= 0.9 * len(lone.looked)


def test_stills_and_animations_are_looked_at_frame_by_frame() -> None:
    detector = Told()
    with MemorySource(still(40)) as source:
        source.media = replace(source.media, kind="animation")
        scan(source, detector, WEAK, STRONG, lambda done: None)
    assert detector.looked == list(range(40))
    detector = Told()
    scanned(still(1), detector)
    assert detector.looked == [0]


def test_progress_counts_frames() -> None:
    told: list[int] = []
    with MemorySource(still(30)) as source:
        scan(source, Told(sliding(0)), WEAK, STRONG, told.append)
    assert told == list(range(1, 31))


def test_the_result_does_not_depend_on_the_number_of_threads() -> None:
    moving = [np.roll(scenery(2, (64, 48)), 3 * step, axis=1) for step in range(40)]
    pictures = [*still(30, 1), *moving, *still(9, 3)]
    results = []
    for workers in (1, 2, 7):
        detector = Told(sliding(3.0))
        with MemorySource(pictures) as source:
            source.media = replace(source.media, kind="video")
            source.time_base = Fraction(1, FPS)
            results.append(scan(source, detector, WEAK, STRONG, lambda done: None, workers))
    first = results[0]
    assert len(first.found) < len(pictures)
    for other in results[1:]:
        assert other.cuts == first.cuts
        assert other.found_in_crops.keys() == first.found_in_crops.keys()
        assert {i: list(faces) for i, faces in other.found.items()} == {
            i: list(faces) for i, faces in first.found.items()
        }


class Damaged(MemorySource):
    """Every fifth frame is not to be trusted."""

    def skim(self) -> Iterator[Frame]:
        for frame in super().frames():
            frame.damaged = frame.index % 5 == 0
            yield frame


def test_damaged_frames_are_told() -> None:
    with Damaged(still(12)) as source:
        result = scan(source, Told(), WEAK, STRONG, lambda done: None)
    assert result.damaged == [0, 5, 10]


class Failing(MemorySource):
    def skim(self) -> Iterator[Frame]:
        yield from list(super().frames())[:3]
        raise OSError("gone")


def test_errors_come_through_and_end_the_thread() -> None:
    def broken(index: int) -> Sequence[Face]:
        raise ValueError("no memory")

    with pytest.raises(ValueError, match="no memory"):
        scanned(still(40), Told(broken))
    with Failing(still(9)) as source, pytest.raises(OSError, match="gone"):
        scan(source, Told(nobody), WEAK, STRONG, lambda done: None)
    assert threads() == []
