"""From the hits of one face to a box in every frame in which it may have been visible."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from faceveil.by_frame import Boxes, ByFrame
from faceveil.faces import Floats, centers, hull, sizes
from faceveil.geometry import Box
from faceveil.options import Options
from faceveil.track import motion
from faceveil.track.motion import Motion
from faceveil.track.scene import Hits, Scene

GAP_GROWTH = 0.5
"""An unseen face may leave the straight line by this many of its sizes a second."""
GAP_LIMIT = 0.5
SURPRISE = 0.08
"""Share of the distance travelled by which a face may have braked, sped up or turned."""
MISSED = 0.2
"""Seconds from the ends of a gap, in which the detector looked, within which a face may have gone
on as if it was lost. Within 0.4, a ninth more was painted without a face, and as many were bare.
"""
MAX_GROWTH = 1.5


def cover(
    chain: Sequence[int],
    hits: Hits,
    scene: Scene,
    width: float,
    height: float,
    options: Options,
) -> ByFrame[Box]:
    """Box per frame for one face: its hits, the gaps between, and both ends.

    Args:
        chain: numbers of its hits in frame order, at most one per frame.
        width, height: size of the picture in pixels.

    Returns:
        Frame -> box inside the picture, frames ascending and without a gap, except where the
        face has left the picture in between.
    """
    chain = list(chain)
    seen, times, boxes = hits.frames[chain], hits.times[chain], hits.faces.boxes[chain]
    onward, back = motion.windows(times, boxes), motion.backwards(times, boxes)

    after = scene.reach(int(seen[-1]), 1, options.extend_seconds)
    before = scene.reach(int(seen[0]), -1, options.extend_seconds)
    tail = _leaving(_expected(onward.at(-1), boxes[-1], scene, after), width, height)
    head = _leaving(_expected(back.at(0), boxes[0], scene, before), width, height)
    frames = np.arange(seen[0] - len(head), seen[-1] + len(tail) + 1)
    filled = np.concatenate([head[::-1], _between(seen, boxes, onward, back, scene, options), tail])
    moved = _widen(filled)
    moved[:, :2] = np.maximum(moved[:, :2], 0.0)
    moved[:, 2:] = np.minimum(moved[:, 2:], (width, height))
    inside = (moved[:, :2] < moved[:, 2:]).all(axis=1)
    return ByFrame(frames[inside], Boxes(moved[inside]))


def _expected(state: Motion, box: Floats, scene: Scene, frames: NDArray[np.int64]) -> Floats:
    """(N, 4) the expected boxes of a face in frames beyond its hit ``box``."""
    ahead = np.abs(np.array([scene.times[frame] for frame in frames]) - abs(state.time))
    return project(state, np.broadcast_to(box, (len(frames), 4)), ahead)


def project(state: Motion, boxes: Floats, ahead: Floats) -> Floats:
    """Boxes moved on by ``ahead`` (N,) seconds and enlarged by the uncertainty. Never shrunk."""
    growth = np.clip(np.exp(state.growth * ahead), 1.0, MAX_GROWTH)
    speed = np.linalg.norm(state.velocity, axis=-1)
    margin = np.minimum(GAP_LIMIT * state.size, state.spread * ahead) + SURPRISE * speed * ahead
    center = centers(boxes) + state.velocity * ahead[:, None]
    half = (boxes[:, 2:] - boxes[:, :2]) / 2 * growth[:, None] + margin[:, None]
    return np.concatenate([center - half, center + half], axis=1)


def grown(boxes: Floats, unseen: Floats) -> Floats:
    """Boxes with room for the motion of a face that is not seen for (N,) seconds."""
    margin = (np.minimum(GAP_LIMIT, GAP_GROWTH * unseen) * sizes(boxes))[:, None]
    return np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1)


def between(a: Floats, b: Floats, since: Floats, until: Floats) -> Floats:
    """Boxes on the straight line from ``a``, (N,) seconds ago, to ``b``, and room around them."""
    whole = since + until
    share = (since / np.where(whole > 0, whole, 1.0))[:, None]
    return grown(a * (1 - share) + b * share, np.minimum(since, until))


def _between(
    hits: NDArray[np.int64],
    boxes: Floats,
    onward: Motion,
    back: Motion,
    scene: Scene,
    options: Options,
) -> Floats:
    """(N, 4) boxes from the first hit to the last, gaps filled."""
    frames = np.arange(hits[0], hits[-1] + 1)
    times = np.array(scene.times[int(hits[0]) : int(hits[-1]) + 1])
    left = np.searchsorted(hits, frames, side="right") - 1
    right = np.minimum(left + 1, len(hits) - 1)
    since, until = times - onward.time[left], -back.time[right] - times
    filled = between(boxes[left], boxes[right], since, until)

    # Where the detector looked and found nothing, the face may have moved as if the track ended.
    ran = np.asarray(scene.ran)
    until_hit, after_hit = (np.searchsorted(ran, hits, side) for side in ("left", "right"))
    missed = (since > 0) & (until_hit[right] > after_hit[left])
    limit = min(MISSED, options.extend_seconds)
    for state, index, ahead in ((onward, left, since), (back, right, until)):
        rows = np.nonzero(missed & (ahead <= limit + motion.TICK))[0]
        if rows.size:
            guess = project(state.at(index[rows]), boxes[index[rows]], ahead[rows])
            filled[rows] = hull(filled[rows], guess)
    return filled


def _leaving(boxes: Floats, width: float, height: float) -> Floats:
    """The boxes up to the first that lies outside the picture."""
    outside = (boxes[:, :2] >= (width, height)).any(axis=1) | (boxes[:, 2:] <= 0).any(axis=1)
    return boxes[: int(np.argmax(outside))] if outside.any() else boxes


def _widen(boxes: Floats) -> Floats:
    """Each box with those of the frames before and after it: motion within an exposure, and a
    hit that lags, stay covered."""
    wide = boxes.copy()
    wide[1:] = hull(wide[1:], boxes[:-1])
    wide[:-1] = hull(wide[:-1], boxes[1:])
    return wide
