"""Decide which tracks are covered: not those that both networks doubt, nor in skipped zones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from faceveil.faces import Faces, corners, pairwise_iou
from faceveil.options import Options
from faceveil.plan import Plan, Track
from faceveil.zones import in_skip_zone

DOUBTED: Final = 0.225
"""A track is dropped if the other network's scores of its faces are lower than this on average."""
SEVERAL = 3
"""A face that the first network is nearly sure of is dropped for so many answers, not for one or
two: somebody who shows for three frames is asked about once.
"""
VOUCHED: Final = 1.0
"""Stands for the other network's score of a face that was certain a moment ago, about which it was
not asked. No score is higher, so nothing is dropped that would be kept if it was asked.
"""
SAME = 0.3
"""IoU from which a track's face is one that the other network was asked about."""


def settle(
    tracks: Sequence[Track], opinions: Mapping[int, Faces], nearly: float, sure: float
) -> tuple[Track, ...]:
    """The tracks that are not doubted by both networks, numbered from 0.

    Args:
        opinions: frame index -> the faces there that the first network could not settle, with the
            scores of the other one; `VOUCHED` for what was certain a moment ago.
        nearly, sure: the first network's scores from which a face takes several answers to drop,
            and from which it is beyond doubt.
    """
    kept = (track for track in tracks if not _doubted(track, opinions, nearly, sure))
    return tuple(replace(track, id=number) for number, track in enumerate(kept))


def _doubted(track: Track, opinions: Mapping[int, Faces], nearly: float, sure: float) -> bool:
    best = max(face.score for face in track.seen.values())
    scores = list(_scores(track, opinions))
    if best >= sure or len(scores) < (1 if best < nearly else SEVERAL):
        return False
    return float(np.mean(scores)) < DOUBTED


def _scores(track: Track, opinions: Mapping[int, Faces]) -> Iterator[float]:
    for frame, face in track.seen.items():
        asked = opinions.get(frame)
        if asked is None or not len(asked):
            continue
        same = pairwise_iou(corners([face.box]), asked.boxes)[0]
        if same.max() >= SAME:
            yield float(asked.scores[same.argmax()])


def zoned(plan: Plan, options: Options) -> Plan:
    """Keep the faces that stay inside a zone in which faces are left visible.

    Boxes that a person has drawn are not kept: somebody wants them covered.
    """

    def kept(track: Track) -> bool:
        inside = all(in_skip_zone(box, options.skip_zones) for box in track.boxes.values())
        return track.origin in ("detected", "checked") and bool(track.boxes) and inside

    tracks = (replace(one, keep=True) if kept(one) else one for one in plan.tracks)
    return replace(plan, tracks=tuple(tracks))
