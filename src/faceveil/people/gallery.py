"""Number the people of a job: faces of one person get one number.

Two numbers for one person are a nuisance. One number for two people would hide or show both, so
whoever is not clearly the same is somebody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from faceveil.people.embedder import Points, apart
from faceveil.people.judge import APART
from faceveil.people.stretches import LOOKS

SAME: Final = 0.40
"""Median distance of their looks below which two stretches of a video are of one person."""
SAME_FEW: Final = 0.34
"""The same if one of them has few looks; see `judge.KEEP_FEW`."""
_MOST: Final = 7
"""Looks of a stretch that are remembered."""
_BLOCK: Final = 256
"""Looks that are compared with all others at a time: an hour of one face has 14,000."""


@dataclass(frozen=True, slots=True, repr=False)
class _Member:
    """A stretch of a person: its looks, its file and the frames of that."""

    points: Points
    file: int
    frames: frozenset[int]


class Gallery:
    """The people that were seen so far, in one file or in several one after the other.

    It is in the memory of this process alone, and cannot be saved.

    Args:
        taken: numbers up to this one belong to others.
    """

    def __init__(self, taken: int = 0) -> None:
        self._people: list[list[_Member]] = []
        self._taken = taken
        self._file = 0

    def number(self, seen: Sequence[tuple[Sequence[int], NDArray[np.float32]]]) -> list[int | None]:
        """Numbers for the stretches of another file, from 1 on or from the first that is free.

        Args:
            seen: frames and looks (n, any length) of each stretch.

        Returns:
            The number of each; None for one without looks, or whose looks are of several people.
        """
        self._file += 1
        numbers: list[int | None] = [None] * len(seen)
        # Those with many looks first: what is clear is settled before what is not.
        for index in sorted(range(len(seen)), key=lambda one: -len(seen[one][1])):
            frames, points = seen[index]
            if len(points) and _widest(points) < APART:
                picked = np.linspace(0, len(points) - 1, min(len(points), _MOST)).astype(int)
                member = _Member(points[picked], self._file, frozenset(frames))
                numbers[index] = self._place(member)
        return numbers

    def _place(self, member: _Member) -> int:
        """The number of the person that it is, who may be new."""
        fits = [
            (max(_apart(member, other) for other in person), number)
            for number, person in enumerate(self._people)
            if all(_may_be_one(member, other) for other in person)
        ]
        best = min(fits, default=None)
        if best is None:
            self._people.append([member])
            return self._taken + len(self._people)
        self._people[best[1]].append(member)
        return self._taken + best[1] + 1

    def __reduce__(self) -> NoReturn:
        raise TypeError("a gallery stays in the memory of its process")


def _may_be_one(one: _Member, other: _Member) -> bool:
    """Whether two stretches are of one person: alike, and never there at once."""
    if one.file == other.file and one.frames & other.frames:
        return False
    several = min(len(one.points), len(other.points)) >= LOOKS
    return _apart(one, other) < (SAME if several else SAME_FEW)


def _apart(one: _Member, other: _Member) -> float:
    return float(np.median(apart(one.points, other.points)))


def _widest(points: Points) -> float:
    """The largest distance between any two."""
    starts = range(0, len(points), _BLOCK)
    return max(float(apart(points[at : at + _BLOCK], points).max()) for at in starts)
