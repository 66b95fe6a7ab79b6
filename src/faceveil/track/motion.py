"""The speed of a face, and its uncertainty.

A Bayesian straight-line fit through the last few hits: the measurement error of a detector and
the spread of speeds seen in practice decide how far a velocity from few hits is trusted. All
uncertainties are in units of the face's size, so nothing here depends on the resolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from faceveil.faces import Floats, centers, sizes

TICK = 1e-6
"""Seconds by which two equal times may differ, because they are sums of floats."""
HITS = 6
"""Number of hits that a velocity is fitted to; more would smooth away real acceleration."""
WINDOW = 0.4
"""Seconds after which a hit no longer tells the present velocity (the last two always count)."""
JITTER = 0.04
"""Standard deviation of a detector's box position between frames, in face sizes."""
SPEED = 6.0
"""Standard deviation of the speed of faces, in face sizes a second: someone passing near the
camera covers the width of the picture, about six faces, in a second."""
GROWTH = 1.5
"""The same for the logarithm of the size, per second."""


class Motion(NamedTuple):
    """State of N faces at their latest hit.

    Attributes:
        time: (N,) seconds.
        center: (N, 2) pixels.
        size: (N,) pixels.
        velocity: (N, 2) pixels a second.
        spread: (N,) standard deviation of the velocity, pixels a second.
        growth: (N,) change of the logarithm of the size, per second.
    """

    time: Floats
    center: Floats
    size: Floats
    velocity: Floats
    spread: Floats
    growth: Floats

    def at(self, index: Any) -> Motion:
        """The faces an index, a slice or an array of indices picks."""
        return Motion(*(column[index] for column in self))


def fit(times: Floats, places: Floats, extents: Floats) -> Motion:
    """Fit a constant velocity to each face's last hits.

    Args:
        times: (N, K) seconds, latest hit first; NaN where a face has fewer hits.
        places: (N, K, 2) centers and extents: (N, K) sizes, pixels, NaN likewise.
    """
    used = np.isfinite(times)
    used[:, 2:] &= np.abs(times[:, 2:] - times[:, :1]) <= WINDOW + TICK
    count = used.sum(axis=1)
    t = np.where(used, times, 0.0)
    t = np.where(used, t - (t.sum(axis=1) / count)[:, None], 0.0)
    moment = (t * t).sum(axis=1)
    size = extents[:, 0]
    # Times are centred on their mean, so the mean of the other side drops out of the sums.
    slope = np.einsum("nk,nkd->nd", t, np.where(used[..., None], places, 0.0))
    growth = (t * np.log(np.where(used, extents, 1.0))).sum(axis=1)
    trust = moment + (JITTER / SPEED) ** 2
    return Motion(
        time=times[:, 0],
        center=places[:, 0],
        size=size,
        velocity=slope / trust[:, None],
        spread=JITTER * size / np.sqrt(trust),
        growth=growth / (moment + (JITTER / GROWTH) ** 2),
    )


def latest(histories: Sequence[tuple[Floats, Floats]]) -> Motion:
    """The motion of several faces, each at the first of its hits.

    Args:
        histories: of each face the times (K,) and boxes (K, 4) of its hits, latest first.
    """
    times = np.full((len(histories), HITS), np.nan)
    boxes = np.tile((0.0, 0.0, 1.0, 1.0), (len(histories), HITS, 1))
    for row, (when, where) in enumerate(histories):
        known = min(len(when), HITS)
        times[row, :known], boxes[row, :known] = when[:known], where[:known]
    return fit(times, centers(boxes), sizes(boxes))


def joined(motions: Sequence[Motion]) -> Motion:
    """The motions of some faces and of others in one."""
    return Motion(*map(np.concatenate, zip(*motions, strict=True)))


def windows(times: Floats, boxes: Floats) -> Motion:
    """The motion at each hit of one track, from that hit and those before it.

    Args:
        times: (N,) seconds in the order to look at them; boxes: (N, 4).
    """
    index = np.arange(len(times))[:, None] - np.arange(HITS)
    missing = index < 0
    index = np.maximum(index, 0)
    return fit(np.where(missing, np.nan, times[index]), centers(boxes)[index], sizes(boxes)[index])


def backwards(times: Floats, boxes: Floats) -> Motion:
    """As ``windows``, from each hit and those after it, with time running backwards."""
    motion = windows(-times[::-1], boxes[::-1])
    return motion.at(slice(None, None, -1))
