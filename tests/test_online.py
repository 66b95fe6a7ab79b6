"""The tracker of live pictures: whatever counts as known is covered."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

import pytest

from faceveil.faces import Faces
from faceveil.geometry import Box
from faceveil.live.coverage import GAP, Coverage
from faceveil.live.timing import Timing
from faceveil.options import Options
from faceveil.plan import Face
from tiers import daily

STEP = 0.04
FRAMES = 300
OPTIONS = Options()
DELAY, WORK = 0.25, 0.06
"""Seconds that a frame waits, and that a look takes."""


def at(time: float, side: float) -> Box:
    """A face that goes to and fro, twelve seconds long, and turns between two looks."""
    x = round(160 + 90 * math.sin(2 * math.pi * time / 3))
    return Box(x - side / 2, 90 - side / 2, x + side / 2, 90 + side / 2)


def shown(
    made: Sequence[float], came: Sequence[float], clock: Sequence[int], looks: set[int], side: float
) -> int:
    """Show frames that were made and came at these times, and see that the face is covered.

    Args:
        looks: frames in which the detector looks.

    Returns:
        How many were not covered completely.
    """
    timing = Timing()
    known = Coverage((320, 180), 0.5, OPTIONS, timing)
    margins = OPTIONS.margin_side, OPTIONS.margin_top, OPTIONS.margin_side, OPTIONS.margin_bottom
    times: list[float] = []
    sure = looked = 0
    for frame, now in enumerate(came[:-1]):
        while len(times) < len(came) and came[len(times)] <= now + DELAY:
            times.append(timing.add(came[len(times)], clock[len(times)]))
        while looked < len(times) and came[looked] <= now + DELAY - WORK:
            if looked in looks:
                found = Faces.of([Face(at(made[looked], side), 0.9)])
                known.add_detections(times[looked], 1, found, None)
            looked += 1
        if known.reason_to_cover(times[frame], 1, times[frame] + STEP):
            continue
        sure += 1
        covers = [target.box.padded(*margins) for target in known.targets(times[frame])]
        face = at(made[frame], side)
        assert any(cover.intersection(face) == face.area for cover in covers), frame
    return sure


def looks_apart(rare: random.Random, most: int) -> set[int]:
    return set(accumulate(rare.randint(1, most) for _ in range(FRAMES)))


@pytest.mark.slow
@pytest.mark.parametrize("side", [30, 40])
@pytest.mark.parametrize("seed", [4, 7, 8, 9, 26, 38, 114, 158])
def test_a_face_that_turns_between_two_looks_is_covered(side: float, seed: int) -> None:
    """The looks are as rare as a frame may be known by; where it turned, it is not recognized."""
    made = [frame * STEP for frame in range(FRAMES)]
    looks = looks_apart(random.Random(seed), round(GAP / STEP))
    assert shown(made, made, [0] * FRAMES, looks, side) > FRAMES / 2


def held_up(made: Sequence[float], rare: random.Random) -> list[float]:
    """Times of arrival where a network now and then lets some frames go only together."""
    came: list[float] = []
    free = 0.0
    for time in made:
        if time >= free and rare.random() < 0.15:
            free = time + rare.uniform(0.05, 0.35)
        came.append(max(time, free) + 0.004 * (1 + (time < free) * len(came) % 9))
        came[-1] = max(came[-1], came[-2] + 0.002) if len(came) > 1 else came[-1]
    return came


def handed_over_late(made: Sequence[float], rare: random.Random) -> list[float]:
    """Times of arrival where a busy machine takes each frame when it gets round to it."""
    came: list[float] = []
    for time in made:
        late = time + max(0.0, rare.gauss(0.02, 0.05))
        came.append(max(late, came[-1] + 0.002) if came else late)
    return came


def even(rare: random.Random) -> list[float]:
    return [frame * STEP for frame in range(FRAMES)]


def with_pauses(rare: random.Random) -> list[float]:
    """A camera that now and then makes no frame for a while."""
    made = [0.0]
    while len(made) < FRAMES:
        made.append(made[-1] + (rare.uniform(0.08, 0.3) if rare.random() < 0.08 else STEP))
    return made


def at_once(made: Sequence[float], rare: random.Random) -> list[float]:
    return list(made)


CLOCKS: dict[str, Callable[[Sequence[float]], list[int]]] = {
    "right": lambda made: [1000 + round(1000 * time) for time in made],
    "none": lambda made: [0] * len(made),
    "counts": lambda made: [1000 * frame // 25 for frame in range(1, len(made) + 1)],
    "slow": lambda made: [1 + round(600 * time) for time in made],
    "pictures": lambda made: list(range(len(made))),
    "set": lambda made: [1 + round(1000 * time) + (time > 5) * 210 for time in made],
}


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "side"), daily([(3, 30), (4, 40)], (3, 30)))
@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("way", [held_up, handed_over_late, at_once])
@pytest.mark.parametrize("camera", daily([even, with_pauses], with_pauses))
def test_frames_whose_times_are_wrong_are_covered(
    camera: Callable[[random.Random], list[float]],
    way: Callable[[Sequence[float], random.Random], list[float]],
    clock: str,
    seed: int,
    side: float,
) -> None:
    """Held up, they come later than they were made: the face is not where it seems to be then."""
    rare = random.Random(seed)
    made = camera(rare)
    came = way(made, rare)
    assert all(before < after for before, after in pairwise(came))
    assert shown(made, came, CLOCKS[clock](made), looks_apart(rare, 5), side) > FRAMES / 3


def test_the_clock_of_the_source_tells_when_a_held_up_frame_was_made() -> None:
    timing = Timing()
    made = [frame * STEP for frame in range(50)]
    came = [max(time, 1.3 + 0.001 * time) if time > 1 else time for time in made]
    times = [timing.add(at, 5000 + round(1000 * time)) for at, time in zip(came, made, strict=True)]
    assert times == pytest.approx(made)
    assert timing.unsure(times[0], times[-1]) == []
    assert timing.arrival(times[30]) == came[30]


def test_frames_without_a_clock_are_an_even_step_apart() -> None:
    timing = Timing()
    made = [frame * STEP for frame in range(75)]
    came = [max(time, 2.3 + 0.01 * time) if 2 < time < 2.3 else time for time in made]
    times = [timing.add(at, 0) for at in came]
    assert times == pytest.approx(made, abs=2 * STEP)
    assert timing.unsure(times[0], times[-1]) == []


def test_a_pause_is_in_doubt_where_the_clock_only_counts() -> None:
    timing = Timing()
    came = [frame * STEP + (frame >= 40) * 0.3 for frame in range(80)]
    times = [timing.add(time, 40 * frame + 40) for frame, time in enumerate(came)]
    assert timing.unsure(times[0], times[-1]) == [times[40]]


def test_a_clock_that_was_set_is_not_followed() -> None:
    timing = Timing()
    clock = [
        40 * frame + 40 + (frame >= 40) * 3_600_000 - (frame >= 60) * 7_200_000
        for frame in range(80)
    ]
    times = [timing.add(frame * STEP, time) for frame, time in enumerate(clock)]
    assert times == pytest.approx([frame * STEP for frame in range(80)], abs=0.01)


def test_a_clock_that_counts_pictures_is_none() -> None:
    timing = Timing()
    times = [timing.add(frame * STEP, frame) for frame in range(80)]
    assert times == pytest.approx([frame * STEP for frame in range(80)], abs=0.01)
