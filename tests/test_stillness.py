"""A camera that stands still: few looks, and nobody slips through."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from faceveil.batch import Serial
from faceveil.faces import Faces
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.media.memory import MemorySource
from faceveil.options import Options
from faceveil.pipeline import analyze_file
from faceveil.plan import Face
from faceveil.scan import Scan, scan, schedule
from faceveil.scan.schedule import REST_SECONDS, RESTART_SECONDS
from faceveil.scan.stillness import LONGEST, Stillness
from films import SIZE, Script, Told, film, head, put, scenery

FPS = 25
REST = round(REST_SECONDS * FPS)
HERE = Box(100, 60, 120, 80)


def noisy(picture: Image, count: int, seed: int = 1) -> Iterator[Image]:
    random = np.random.default_rng(seed)
    for _ in range(count):
        grain = picture + random.normal(0, 2, picture.shape)
        yield np.clip(grain, 0, 255).astype(np.uint8)


def scanned(pictures: list[Image], script: Script) -> tuple[Scan, Told]:
    detector = Told(script)
    with MemorySource(pictures) as source:
        source.time_base = Fraction(1, FPS)
        return scan(source, detector, 0.3, 0.6, lambda done: None), detector


def gaps(looked: list[int]) -> list[int]:
    return [b - a for a, b in pairwise(looked)]


@pytest.mark.slow
@pytest.mark.long
def test_where_nothing_changes_whole_looks_become_rare() -> None:
    seconds = round(2 * RESTART_SECONDS)
    result, detector = scanned(list(noisy(scenery(1, (96, 64)), seconds * FPS)), lambda index: [])
    assert len(detector.looked) < 0.9 * seconds
    assert LONGEST * FPS <= max(gaps(detector.looked)) < LONGEST * FPS + REST
    # For the tracks it is as if the detector had looked as often as ever, and found nothing.
    assert max(gaps(sorted(result.found))) <= REST
    assert not any(result.found.values())
    assert detector.glanced == []


@pytest.mark.parametrize("score", [0.35, 0.9])
def test_what_was_seen_even_faintly_is_looked_at_as_often_as_ever(score: float) -> None:
    pictures = [scenery(1)] * (6 * FPS)
    result, detector = scanned(pictures, lambda index: [Face(HERE, score)])
    assert len(detector.looked) < 14
    assert max(gaps(sorted({*detector.looked, *detector.glanced}))) <= REST
    assert all(len(faces) == 1 for faces in result.found.values())


@pytest.mark.slow
def test_a_faint_face_that_shows_by_luck_is_watched_from_then_on() -> None:
    """In one look of ten, at first by luck only in a whole one."""
    faint = {index: [Face(HERE, 0.35)] for index in range(0, 12 * FPS, 10)}
    result, detector = scanned([scenery(1)] * (12 * FPS), lambda index: faint.get(index, []))
    first = min(index for index, faces in result.found.items() if faces)
    since = sorted(index for index in {*detector.looked, *detector.glanced} if index >= first)
    assert max(gaps(since)) <= REST


@pytest.mark.slow
def test_a_face_that_is_lost_makes_the_whole_due() -> None:
    gone = 5 * FPS
    pictures = [scenery(1)] * (8 * FPS)
    _, calm = scanned(pictures, lambda index: [Face(HERE, 0.9)])
    _, detector = scanned(pictures, lambda index: [Face(HERE, 0.9)] if index < gone else [])
    soon = range(gone, gone + 3 * REST)
    assert [index for index in detector.looked if index in soon]
    assert len(detector.looked) > len(calm.looked)


def test_a_change_ends_the_rest() -> None:
    """Something small appears after a long pause, and stays."""
    at = 7 * FPS
    pictures = [scenery(1)] * at
    changed = scenery(1)
    changed[100:116, 200:216] = 255
    _, detector = scanned([*pictures, *[changed] * FPS], lambda index: [])
    assert detector.glanced[0] == at or at in detector.looked
    after = [index for index in detector.looked if index >= at]
    assert after[0] <= at + REST
    assert gaps(after)[0] <= REST


def test_a_look_that_is_not_over_spares_none() -> None:
    still = Stillness(1.0, 0.6)
    still.look(0.0)
    assert not still.spares(0.1)
    still.add(0.0, Faces.of([]))
    assert still.spares(0.1)
    still.look(0.2)
    assert not still.spares(0.3)
    still.end()
    still.add(0.2, Faces.of([]))
    assert not still.spares(0.3)


@pytest.mark.parametrize("score", [0.35, 0.9])
def test_after_a_long_rest_without_anybody_looks_may_take_longer(score: float) -> None:
    still, time = Stillness(1.0, 0.6), 0.0
    for _ in range(8):
        still.look(time)
        still.add(time, Faces.of([Face(HERE, score)]))
        time += LONGEST
    assert still.is_long is (score < 0.6)
    still.look(time)
    assert still.spares(time + 0.1) is (score < 0.6)
    still.end()
    assert not still.is_long
    assert not still.spares(time + 0.1)


@pytest.mark.slow
def test_however_many_look_at_once_the_result_is_the_same() -> None:
    def script(index: int) -> list[Face]:
        return [Face(HERE, 0.35)] if index % 7 == 0 else []

    pictures = [*noisy(scenery(1, (96, 64)), 12 * FPS), *noisy(scenery(2, (96, 64)), 4 * FPS)]
    found = []
    for count in (1, 4):
        with MemorySource(pictures) as source:
            source.time_base = Fraction(1, FPS)
            detector = Told(script)
            result = scan(source, detector, 0.3, 0.6, lambda done: None, count)
            found.append((result, sorted(detector.looked), sorted(detector.glanced)))
    assert found[0] == found[1]


def test_what_was_found_before_a_change_says_nothing_of_what_comes_after() -> None:
    still = Stillness(1.0, 0.6)
    still.look(0.0)
    still.end()
    still.look(0.1)
    still.add(0.0, Faces.of([Face(HERE, 0.9)]))
    still.add(0.1, Faces.of([]))
    assert still.spares(0.2)
    assert len(still.faces) == 0


# Real films, the real detector


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory, _astronaut: Image) -> Path:
    """24 seconds of noise; heads in three of them, at places of their own."""
    actor, _ = head(_astronaut, 0.2)

    def pictures() -> Iterator[Image]:
        for index, picture in enumerate(noisy(scenery(3), 24 * FPS)):
            for number, place in enumerate(PLACES):
                if 0 <= index - BEGINS[number] < FPS:
                    picture = put(picture, actor, *place)
            yield picture

    path = tmp_path_factory.mktemp("quiet") / "in.mp4"
    return film(path, pictures(), gop=2 * FPS, crf=20, settings={"bf": "0"})


PLACES = ((0, 0), (150, 70), (SIZE[0] - 40, SIZE[1] - 50))
BEGINS = (5 * FPS + 13, 11 * FPS + 7, 21 * FPS + 3)


@pytest.mark.slow
def test_somebody_who_appears_after_a_long_rest_is_covered_from_the_first_frame(
    quiet: Path, astronaut: Image, detector: str
) -> None:
    _, face = head(astronaut, 0.2)
    plan = analyze_file(quiet, Options())
    for begin, place in zip(BEGINS, PLACES, strict=True):
        there = face.transformed(1.0, *place)
        for index in range(begin, begin + FPS):
            boxes = [track.boxes[index] for track in plan.hidden if index in track.boxes]
            assert any(there.intersection(box) > 0.7 * there.area for box in boxes), index


@pytest.mark.slow
def test_parts_of_it_make_the_whole(
    quiet: Path, detector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "RESTART_SECONDS", 5.0)
    whole = analyze_file(quiet, Options())
    assert whole.tracks
    parts = Options(parts=3)
    assert analyze_file(quiet, parts, executor=Serial()) == whole
