"""No bare frame leaves, whatever fails: checked frame by frame against where the mark is."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from faceveil.faces import Faces
from faceveil.frames import Frame, Image
from faceveil.live import LivePipeline, VeiledFrame
from faceveil.live.coverage import Coverage
from faceveil.live.timing import Timing
from faceveil.options import Options
from faceveil.plan import Face
from films import head, put, scenery, threads
from lively import SOLID, BareError, MarkDetector, bare, marked, patient, play, reasons, scene
from tiers import daily

pytestmark = [pytest.mark.alone, pytest.mark.slow]


def walk(count: int, start: int = 60, speed: float = 1.0, seed: int = 0) -> list[Image]:
    """The mark walks to the right."""
    return [marked(scene(seed), round(start + speed * n), 90) for n in range(count)]


def assert_covered(out: Sequence[VeiledFrame]) -> None:
    leaks = [veiled.frame.index for veiled in out if bare(veiled.frame.image)]
    if leaks:
        raise BareError(leaks)


@patient
def test_a_face_is_covered_and_the_rest_is_not() -> None:
    pictures = walk(60)
    out = play(pictures, MarkDetector())
    assert [veiled.frame.index for veiled in out] == list(range(60))
    assert_covered(out)
    late = [veiled for veiled in out[5:] if not veiled.reason]
    assert len(late) > 45
    for veiled in late:
        original = pictures[veiled.frame.index]
        changed = (veiled.frame.image != original).any(axis=2).mean()
        assert 0 < changed < 0.2


@pytest.mark.long
@patient
def test_a_camera_without_a_clock_films_what_goes_on() -> None:
    def filmed() -> Iterator[Image]:
        began = time.monotonic()
        for _ in range(60):
            yield marked(scene(), round(60 + 50 * (time.monotonic() - began)), 90)

    out = play(filmed(), MarkDetector(), made=0)
    assert_covered(out)
    assert reasons(out).count("") > 40


@pytest.mark.long
@patient
def test_what_comes_in_a_burst_is_judged_by_the_clock_of_its_source() -> None:
    """Ten times as fast as it was made, a mark goes half its way to and fro between two looks."""
    xs = [160 + 90 * math.sin(2 * math.pi * n / 75) for n in range(300)]
    pictures = [marked(scene(), round(x), 90) for x in xs]
    out = play(pictures, MarkDetector(work=0.06), step=0.004, made=0.04)
    assert len(out) > 100
    assert_covered(out)
    assert "the detector looked too seldom" in reasons(out)


@pytest.mark.long
@patient
def test_a_frame_that_stands_is_covered_and_looked_at() -> None:
    """The source says nothing for a second, and that one frame shows somebody."""
    pictures = [marked(scene(), 160, 90) if n % 12 == 11 else scene() for n in range(36)]

    def pause(number: int, veil: LivePipeline) -> None:
        if number % 12 == 0 and number:
            time.sleep(1.0)

    out = play(pictures, MarkDetector(), before=pause)
    assert_covered(out)
    assert "" in reasons(out)


def test_a_frame_that_stands_and_was_not_looked_at_is_covered_whole() -> None:
    known = Coverage((320, 180), 0.5, SOLID, Timing())
    for looked in (10.0, 10.36):
        known.add_detections(looked, 1, Faces.of(()), None)
    assert known.reason_to_cover(10.04, 1, until=10.08) == ""
    assert known.reason_to_cover(10.04, 1, until=10.36) == "the detector looked too seldom"
    assert known.reason_to_cover(10.36, 1, until=12.0) == ""


@patient
def test_whoever_comes_and_goes_between_two_looks_is_covered() -> None:
    """Each visit is shorter than a look takes, and at another place."""
    pictures = [scene() for _ in range(100)]
    for number in range(20, 96, 6):
        for frame in (number, number + 1):
            pictures[frame] = marked(scene(), 30 + 20 * (number * 7 % 13), 40 + number % 90)
    detector = MarkDetector(work=0.06)
    out = play(pictures, detector)
    assert_covered(out)
    assert detector.looks < 45
    assert reasons(out).count("") > 40
    assert any(np.array_equal(one.frame.image, pictures[one.frame.index]) for one in out)


@patient
def test_a_frame_leaves_after_the_delay_and_not_before() -> None:
    detector = MarkDetector()
    veil = LivePipeline(SOLID, make=lambda smallest: detector)
    veil.push(Frame(0, scene()))
    assert veil.pull(0.1) is None
    veiled = veil.pull(0.2)
    assert veiled is not None
    assert veil.stats.delay <= 1000 * SOLID.delay
    assert veil.pull(0.02) is None
    veil.close()
    assert veil.pull() is None
    assert not veil.push(Frame(1, scene()))
    assert threads() == []


@patient
def test_a_face_is_covered_before_it_was_first_seen() -> None:
    """The detector sees the mark ten frames after it appears; the frames waited for that."""
    blind = range(30, 38)
    pictures = [scene()] * 30 + [marked(scene(), 160, 90)] * 40

    class Slow(MarkDetector):
        def detect(self, frame: Frame, floor: float) -> list[Face]:
            return [] if frame.index in blind else super().detect(frame, floor)

    out = play(pictures, Slow(), SOLID.model_copy(update={"delay": 0.35}))
    assert not any(bare(veiled.frame.image) for veiled in out)  # if the next look comes in time
    assert "" in reasons(out[30:38])


@pytest.mark.parametrize("trouble", daily(["raise", "stall"], "stall"))
@patient
def test_a_detector_that_fails_covers_everything(trouble: str) -> None:
    detector = MarkDetector(lambda look: trouble if look > 12 else "")
    out = play(walk(90), detector)
    assert_covered(out)
    assert "" in reasons(out[:40])
    assert all(reasons(out[-20:]))
    assert len(out) == 90


@pytest.mark.long
@pytest.mark.parametrize("trouble", ["raise", "stall"])
@patient
def test_trouble_that_ends_is_over(trouble: str) -> None:
    detector = MarkDetector(lambda look: trouble if 12 < look < 15 else "")
    if trouble == "stall":
        threading.Timer(0.6, detector.stalled.set).start()
    out = play(walk(140), detector)
    assert_covered(out)
    assert not any(reasons(out[-10:]))


@patient
def test_a_detector_that_suddenly_finds_nothing_is_not_believed() -> None:
    """30 frames of a camera, 1.2 s, and then some."""
    quiet = range(15, 200)
    detector = MarkDetector(lambda look: "nothing" if look in quiet else "")
    options = SOLID.model_copy(update={"bridge_seconds": 0.5})
    out = play([marked(scene(), 160 + (n // 8) % 5, 90) for n in range(110)], detector, options)
    assert_covered(out)
    assert "all faces vanished at once" in reasons(out)


@pytest.mark.long
@patient
def test_a_face_that_leaves_over_the_rim_raises_no_doubt() -> None:
    pictures = [marked(scene(), 260 + 3 * n, 90) for n in range(40)] + [scene()] * 80
    options = SOLID.model_copy(update={"bridge_seconds": 0.4})
    out = play(pictures, MarkDetector(), options)
    assert_covered(out)
    assert "all faces vanished at once" not in reasons(out)
    assert np.array_equal(out[-1].frame.image, pictures[-1])


@patient
def test_a_change_of_size_covers_what_waits_and_what_comes_next() -> None:
    small = [np.ascontiguousarray(picture[:140, :256]) for picture in walk(40, 40)]
    out = play(walk(40) + small, MarkDetector())
    assert_covered(out)
    assert out[45].frame.size == (256, 140)
    assert "the size changed" in reasons(out)
    assert "" in reasons(out[-20:])


@patient
def test_a_cut_is_covered_until_the_detector_has_spoken() -> None:
    pictures = walk(40) + [marked(255 - scene(7) // 2 - 60, 200, 40) for _ in range(40)]
    out = play(pictures, MarkDetector(work=0.04))
    assert_covered(out)
    assert "" in reasons(out[10:38])
    assert "" in reasons(out[50:])


def test_after_a_break_nothing_known_counts() -> None:
    def stop(number: int, veil: LivePipeline) -> None:
        if number == 40:
            veil.mark_discontinuity()

    out = play(walk(40) + walk(40, 200, 0.5), MarkDetector(work=0.03), before=stop)
    assert_covered(out)


@pytest.mark.long
@patient
def test_cover_until_sure_starts_covered() -> None:
    options = SOLID.model_copy(update={"cover_until_sure": True})

    def stop(number: int, veil: LivePipeline) -> None:
        if number == 90:
            veil.mark_discontinuity()

    out = play(walk(180, 20), MarkDetector(), options, before=stop)
    assert_covered(out)

    def between(first: int, end: int) -> list[str]:
        return reasons([veiled for veiled in out if first <= veiled.frame.index < end])

    assert all(between(0, 49))
    assert "" in between(60, 80)
    assert all(between(90, 130))
    assert "" in between(150, 180)


@patient
def test_damaged_frames_are_covered_whole() -> None:
    out = play(walk(60), MarkDetector(), damaged={30})
    assert out[30].reason == "the frame is damaged"
    assert_covered(out)


@patient
def test_what_nobody_takes_in_time_is_dropped() -> None:
    detector = MarkDetector()
    veil = LivePipeline(SOLID, make=lambda smallest: detector)
    for number, picture in enumerate(walk(200)):
        veil.push(Frame(number, picture), at=time.monotonic() + number / 1000)
    assert veil.waiting <= 128
    assert veil.stats.dropped >= 72
    veil.close()


@pytest.mark.long
@patient
def test_frames_above_the_cap_are_left_out() -> None:
    out = play(walk(60), MarkDetector(), SOLID.model_copy(update={"fps_cap": 25.0}))
    assert 25 <= len(out) <= 35
    assert_covered(out)


@patient
def test_the_real_detector_on_a_real_face(detector: str, astronaut: Image) -> None:
    """A head comes in from the left, walks, and is gone behind the right rim."""
    actor, face = head(astronaut, 0.8)
    size = (480, 270)
    background = scenery(4, size)
    places = [-100 + 7 * number for number in range(85)]
    pictures = [put(background, actor, x, 60) for x in places]
    veil = LivePipeline(Options(method="solid"))
    out: list[VeiledFrame] = []
    began = time.monotonic()
    for number, picture in enumerate(pictures):
        while (left := began + number * 0.04 - time.monotonic()) > 0:
            if (veiled := veil.pull(left)) is not None:
                out.append(veiled)
        veil.push(Frame(number, picture))
    while (veiled := veil.pull(0.5)) is not None:
        out.append(veiled)
    veil.close()
    for veiled in out:
        box = face.transformed(1.0, places[veiled.frame.index], 60)
        seen = box.clipped(*size)
        if seen is None or seen.area < box.area / 2:
            continue
        x0, y0, x1, y1 = map(round, seen.as_tuple())
        now = veiled.frame.image[y0:y1, x0:x1]
        before = pictures[veiled.frame.index][y0:y1, x0:x1]
        if (now != before).any(axis=2).mean() <= 0.9:
            raise BareError(veiled.frame.index)
    assert len(out) > 40
