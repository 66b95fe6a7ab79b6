"""Stages side by side: order, errors, and that nothing keeps running."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from faceveil.system.stages import BYTES, DEPTH, ahead, behind, depth_for, several
from films import threads


def test_ahead_keeps_the_order_and_ends_its_thread() -> None:
    assert list(ahead(range(1000), 3)) == list(range(1000))
    assert threads() == []


def test_ahead_is_bounded() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    stream = ahead(items(), 4)
    assert next(stream) == 0
    time.sleep(0.2)
    assert len(made) <= 7
    stream.close()
    assert threads() == []


def test_few_large_frames_wait() -> None:
    assert depth_for(320 * 192) == DEPTH > depth_for(1920 * 1080) > 2
    assert depth_for(3840 * 2160) == depth_for(7680 * 4320) == 2
    assert all(n == 2 or n * p * 3 <= BYTES for p in range(1, 10**8, 10**5) for n in [depth_for(p)])


def test_an_error_ahead_surfaces_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken frame")

    stream = ahead(items())
    assert next(stream) == 1
    with pytest.raises(ValueError, match="broken frame"):
        next(stream)
    assert threads() == []


def test_behind_consumes_everything_in_order() -> None:
    taken: list[int] = []
    with behind(taken.append, 2) as put:
        for number in range(500):
            put(number)
    assert taken == list(range(500))
    assert threads() == []


def test_an_error_behind_stops_the_producer() -> None:
    def consume(number: int) -> None:
        if number == 3:
            raise OSError("disk full")

    def produce() -> None:
        with behind(consume, 2) as put:
            for number in range(10_000):
                put(number)

    with pytest.raises(OSError, match="disk full"):
        produce()
    assert threads() == []


def test_a_failing_body_drops_what_waits() -> None:
    taken: list[int] = []

    def slow(number: int) -> None:
        time.sleep(0.05)
        taken.append(number)

    def produce() -> None:
        with behind(slow, 50) as put:
            for number in range(20):
                put(number)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        produce()
    assert len(taken) < 20
    assert threads() == []


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_several_keep_the_order_whoever_is_first(workers: int) -> None:
    def slow_if_even(number: int) -> int:
        time.sleep(0.01 * (number % 2 == 0))
        return number * number

    taken = []

    def numbers() -> Iterator[int]:
        for number in range(20):
            taken.append(number)
            yield number

    results = several(slow_if_even, numbers(), workers)
    assert next(results) == 0
    assert len(taken) <= 2 * workers  # no more is held in memory
    assert list(results) == [number * number for number in range(1, 20)]


def test_an_error_of_one_of_several_ends_all() -> None:
    def fails(number: int) -> int:
        if number == 3:
            raise ValueError("no memory")
        return number

    results = several(fails, range(100), 4)
    with pytest.raises(ValueError, match="no memory"):
        list(results)
    assert threads() == []
