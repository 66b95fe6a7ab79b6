"""Cut tracks into stretches that show one person all along, and choose the frames to look at.

A track that is somebody's in one second can be somebody else's in the next: two people cross, one
steps behind another. So a track is cut wherever that could happen, each stretch is judged by its
own looks, and what lies far from every look is nobody's. Pure functions, no I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from faceveil.faces import corners, intersections
from faceveil.geometry import Box
from faceveil.plan import Face, Track, Why

LEAST_SIZE: Final = 64.0
"""A smaller face, in pixels, tells too little."""
LEAST_EYES: Final = 0.27
"""Space between the eyes, as a share of the face's size. It is less in a face that is turned away:
a twentieth of 40 faces that look at the camera have less than 0.35, and a profile 0.05 to 0.2.
"""
NOSE: Final = (0.1, 0.9)
"""The tip of the nose lies between the eyes, 0 and 1 along the line through them."""
LOOK_EVERY: Final = 0.25
"""Seconds between two looks at a stretch."""
LOOKS: Final = 3
"""Looks at a stretch of a video below which nothing is said of it; a still has one."""
GAP: Final = 0.5
"""Seconds without the face being seen, after which it may be another's."""
ROOM: Final = 0.5
"""Share of a box by which it is grown on each side before two are said to cross."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a track that shows one person all along.

    Attributes:
        frames: those in which it is covered.
        looks: the frames to look at, with a face that is good enough; may be none.
        why: the reason why nothing can be said, if it is known without looking.
    """

    track: Track
    frames: tuple[int, ...]
    looks: tuple[int, ...] = ()
    why: Why = ""


def stretches(
    tracks: Sequence[Track], times: Sequence[float], still: bool, cuts: Collection[int] = ()
) -> list[Stretch]:
    """All parts of the tracks that a detector found, in their order.

    Args:
        times: seconds of every frame.
        still: frames are independent pictures, and a track has the same face on all of its own.
        cuts: frames at which a scene begins.
    """
    found: list[Stretch] = []
    tracks = [track for track in tracks if track.origin == "detected" and track.boxes]
    if still:
        for track in tracks:
            frames = tuple(track.boxes)
            found.append(Stretch(track, frames, *_looks(track, frames, None)))
        return found
    crossed = _crossings(tracks)
    for track in tracks:
        for frames, why in _cut(track, times, crossed[track.id], set(cuts)):
            looks = ((), why) if why else _looks(track, frames, times)
            found.append(Stretch(track, frames, *looks))
    return found


def shortcoming(face: Face) -> Why:
    """The reason why a face does not tell whose it is, or ""."""
    if face.box.size < LEAST_SIZE:
        return "small"
    if face.landmarks is None:
        return "turned"
    right, left, nose = (np.array(point) for point in face.landmarks[:3])
    across = left - right
    apart = float(np.hypot(*across))
    if apart < LEAST_EYES * face.box.size:
        return "turned"
    along = float((nose - right) @ across) / apart**2
    return "" if NOSE[0] <= along <= NOSE[1] else "turned"


def _crossings(tracks: Sequence[Track]) -> dict[int, set[int]]:
    """Track id -> frames in which it comes so close to another that they could be exchanged."""
    there: dict[int, list[tuple[int, Box]]] = {}
    for track in tracks:
        for frame, box in track.boxes.items():
            there.setdefault(frame, []).append((track.id, box.padded(ROOM, ROOM, ROOM, ROOM)))
    found: dict[int, set[int]] = {track.id: set() for track in tracks}
    for frame, here in there.items():
        boxes = corners(box for _, box in here)
        meet = (intersections(boxes, boxes) > 0).sum(axis=1) > 1  # each meets itself
        for (number, _), close in zip(here, meet, strict=True):
            if close:
                found[number].add(frame)
    return found


def _cut(
    track: Track, times: Sequence[float], crossed: Collection[int], cuts: Collection[int]
) -> Iterator[tuple[tuple[int, ...], Why]]:
    """The frames of a track, in runs within which it cannot have become another's."""
    frames, seen = sorted(track.boxes), sorted(track.seen)
    lost = {
        frame
        for one, after in pairwise(seen)
        if times[after] - times[one] > GAP
        for frame in range(one + 1, after)
    }

    def reason(frame: int) -> Why:
        if frame in crossed:
            return "crossing"
        within = bool(seen) and seen[0] <= frame <= seen[-1]
        return "" if within and frame not in lost else "unseen"

    run: list[int] = []
    for frame in frames:
        apart = run and (frame != run[-1] + 1 or frame in cuts or reason(frame) != reason(run[-1]))
        if apart:
            yield tuple(run), reason(run[-1])
            run = []
        run.append(frame)
    if run:
        yield tuple(run), reason(run[-1])


def _looks(
    track: Track, frames: Sequence[int], times: Sequence[float] | None
) -> tuple[tuple[int, ...], Why]:
    """The frames to look at, or the reason why there are none.

    Of a video the ends of a stretch and the best frame of each period in it, of a still all.
    """
    faces = {frame: track.seen[frame] for frame in frames if frame in track.seen}
    short = [shortcoming(face) for face in faces.values()]
    good = [frame for frame, why in zip(faces, short, strict=True) if not why]
    if not good:
        return (), max(short, key=short.count, default="unseen")
    if times is None:
        return tuple(good), ""
    best: dict[int, int] = {}
    for frame in good:
        slot = int(times[frame] // LOOK_EVERY)
        if slot not in best or _worth(faces[frame]) > _worth(faces[best[slot]]):
            best[slot] = frame
    picked = {*best.values(), good[0], good[-1]}
    for frame in good:  # a short stretch is looked at more often
        if len(picked) >= LOOKS + 2:
            break
        picked.add(frame)
    return tuple(sorted(picked)), ""


def _worth(face: Face) -> float:
    return face.score * face.box.size


def looks_by_frame(parts: Sequence[Stretch]) -> Mapping[int, list[int]]:
    """Frame -> the numbers of the stretches that are looked at there."""
    wanted: dict[int, list[int]] = {}
    for number, part in enumerate(parts):
        for look in part.looks:
            wanted.setdefault(look, []).append(number)
    return wanted
