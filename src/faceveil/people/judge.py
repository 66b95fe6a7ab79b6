"""Judge by photos of a person whose face each stretch of a track shows. Pure functions, no I/O.

The numbers come from `benchmarks/people.py` and docs/people.md: what is a mistake here shows
somebody who was to be hidden, so whatever is not clear is hidden.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from faceveil.people.embedder import Points, apart
from faceveil.people.stretches import LOOKS, Stretch
from faceveil.plan import Track, Why

REACH: Final = 1.0
"""Seconds before and after a look for which it speaks, within a stretch."""
KEEP: Final = 0.40
"""Median distance from the photos below which a stretch of a video is the person's, at most."""
KEEP_FEW: Final = 0.34
"""The same where little is known: a single look, or photos that are few or too much alike. Of
3,081 pairs of different faces none is nearer.
"""
PHOTOS: Final = 3
SPREAD: Final = 0.12
"""A face may lie so much farther from the photos than these lie from each other: three copies of
one picture say nothing of how different a person can look.
"""
APART: Final = 0.60
"""A single look that is so far off means that somebody else is among the looks."""
RIVAL: Final = 0.10
"""Two faces in one frame that differ by less than this cannot be told apart."""
HIDE: Final = 0.75
"""Median distance above which a stretch is certainly somebody else's."""

Mode = Literal["keep", "hide"]


@dataclass(frozen=True, slots=True)
class Compared:
    """A stretch with what its looks said.

    Attributes:
        distances: of each look from the photos, the median of these.
        person: its number, if the people were numbered.
    """

    stretch: Stretch
    distances: Mapping[int, float]
    person: int | None = None

    @property
    def median(self) -> float:
        return float(np.median(list(self.distances.values())))


def distances(points: Points, photos: Points) -> NDArray[np.float64]:
    """(n,) of each of n looks: the median of its distances from the photos."""
    middle: NDArray[np.float64] = np.median(apart(points, photos), axis=1)
    return middle


def limit_of(photos: Points) -> float:
    """The distance below which several looks are the person's: the less the photos differ, the
    nearer.
    """
    if len(photos) < PHOTOS:
        return KEEP_FEW
    pairs = apart(photos, photos)[np.triu_indices(len(photos), 1)]
    spread = float(np.median(pairs))
    return float(np.clip(spread + SPREAD, KEEP_FEW, KEEP))


def decide(
    judged: Sequence[Compared], times: Sequence[float], mode: Mode, limit: float, still: bool
) -> dict[int, list[Track]]:
    """The parts of each track by its id; those that stay visible are marked.

    A track of which nothing stays visible is left whole.

    Args:
        mode: "keep" leaves only the person of the photos visible, "hide" everybody else.
        limit: from `limit_of` the photos.
    """
    medians = _medians(judged)
    labels: dict[int, dict[int, Label]] = {}
    for one in judged:
        track, frames = one.stretch.track, one.stretch.frames
        mine = labels.setdefault(track.id, {})
        keep, why = verdict(one, mode, limit, still)
        looks, median = sorted(one.distances), one.median if keep else 0.0
        for frame in frames:
            sure = not keep or still or near(looks, frame, times)
            if keep and mode == "keep":
                sure = sure and _alone(median, medians[frame])
            mine[frame] = Label(keep and sure, why if sure else "unsure", one.person)
    tracks = {one.stretch.track.id: one.stretch.track for one in judged}
    return {number: list(cut(tracks[number], mine)) for number, mine in labels.items()}


@dataclass(frozen=True, slots=True)
class Label:
    """The judgement of a face in a frame."""

    keep: bool
    why: Why
    person: int | None = None


def cut(track: Track, labels: Mapping[int, Label]) -> Iterable[Track]:
    """A track in parts of one label each; whole if it is hidden all along and nobody's."""
    if track.keep:  # a zone or a person says so, for the whole of it
        labels = {frame: Label(True, track.why, label.person) for frame, label in labels.items()}
    if not any(label.keep or label.person for label in labels.values()):
        reasons = [label.why for label in labels.values()]
        known: list[Why] = ["reference", "stranger"]
        why = next((one for one in known if one in reasons), max(reasons, key=reasons.count))
        yield replace(track, why=why)
    else:
        for label in dict.fromkeys(labels.values()):
            chosen = {frame for frame, one in labels.items() if one == label}
            yield replace(
                track,
                boxes={frame: box for frame, box in track.boxes.items() if frame in chosen},
                seen={frame: face for frame, face in track.seen.items() if frame in chosen},
                keep=label.keep,
                why=label.why,
                person=label.person,
            )


def verdict(one: Compared, mode: Mode, limit: float, still: bool) -> tuple[bool, Why]:
    """Whether a stretch stays visible, and why or why not."""
    found = one.distances.values()
    if one.stretch.why:
        return False, one.stretch.why
    if not found or (len(found) < LOOKS and not still):
        return False, "few"
    if mode == "hide":
        if one.median > HIDE and min(found) > APART:
            return True, "stranger"
        return False, "reference" if one.median < APART else "unsure"
    if max(found) < APART and one.median < (KEEP_FEW if still else limit):
        return True, "reference"
    return False, "stranger" if one.median >= APART else "unsure"


def near(looks: Sequence[int], frame: int, times: Sequence[float]) -> bool:
    """Whether one of the looks, frames themselves in their order, speaks for a frame."""
    after = bisect_left(looks, frame)
    next_to = looks[max(after - 1, 0) : after + 1]
    return any(abs(times[frame] - times[look]) <= REACH for look in next_to)


def _medians(judged: Sequence[Compared]) -> dict[int, list[float]]:
    """Frame -> the medians of all stretches there that were looked at."""
    medians: dict[int, list[float]] = {}
    for one in judged:
        mine = [one.median] if one.distances else []
        for frame in one.stretch.frames:
            medians.setdefault(frame, []).extend(mine)
    return medians


def _alone(median: float, there: Sequence[float]) -> bool:
    """Nobody else in a frame could be this person as well: nobody is there twice."""
    return sum(other < median + RIVAL for other in there) == 1
