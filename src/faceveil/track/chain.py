"""Group the hits of one face: association from frame to frame, then stitching across gaps.

Association follows ByteTrack (Zhang 2022, arXiv 2110.06864) in letting weak hits continue a track.
It uses distance in units of the face's size instead of overlap, because small, fast faces do not
overlap themselves from one frame to the next. Weak hits may start a chain too, and chains without
any strong hit are dropped at the end, which makes the rule the same in both directions of time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from faceveil.faces import Floats, centers, sizes
from faceveil.options import Options
from faceveil.track import motion
from faceveil.track.motion import HITS, TICK, Motion
from faceveil.track.rush import joined_rushes
from faceveil.track.scene import Hits, Scene

GATE = 0.4
"""A face whose motion is known appears within this many sizes of its expected place."""
GATE_SIGMAS = 2.5
GATE_LIMIT = 2.0
SIZE_RATIO = 1.7
WEAK_COST = 0.3
SHORT_GAP = 0.2
"""Seconds a track may miss in the first pass; longer gaps are left to the stitching, which knows
the motion on both sides."""

STITCH_GATE = 0.5
STITCH_DRIFT = 1.5
"""Further distance, in sizes a second, at which a face may reappear from behind something."""
FAINT_DRIFT = 0.5
"""The same if one side has no strong hit: it has to lie on the other's path."""


Chain = list[int]
"""Numbers of hits, in frame order."""


def chains(hits: Hits, scene: Scene, options: Options) -> list[Chain]:
    """Join the hits of one scene into one chain per face.

    Returns:
        Chains with at least one strong hit and at most one hit a frame.
    """
    parts = joined_rushes(_associate(hits, scene, options), hits)
    joined = _stitch(parts, hits, scene, options)
    return [chain for chain in joined if hits.strong[chain].any()]


class _Open:
    """The tracks that can still be continued: their last hits, latest first."""

    def __init__(self) -> None:
        self.chains: list[Chain] = []
        self.times: Floats = np.empty((0, HITS))
        self.centers: Floats = np.empty((0, HITS, 2))
        self.sizes: Floats = np.empty((0, HITS))

    def keep(self, mask: np.ndarray) -> None:
        self.chains = [chain for chain, kept in zip(self.chains, mask, strict=True) if kept]
        self.times, self.centers = self.times[mask], self.centers[mask]
        self.sizes = self.sizes[mask]

    def extend(self, rows: list[int], time: float, centers: Floats, sizes: Floats) -> None:
        for history in (self.times, self.centers, self.sizes):
            history[rows, 1:] = history[rows, :-1]
        self.times[rows, 0], self.centers[rows, 0], self.sizes[rows, 0] = time, centers, sizes

    def begin(self, new: list[Chain], time: float, centers: Floats, sizes: Floats) -> None:
        row = np.full((len(new), HITS), np.nan)
        self.chains += new
        self.times = np.concatenate([self.times, row])
        self.centers = np.concatenate([self.centers, np.repeat(row[..., None], 2, axis=2)])
        self.sizes = np.concatenate([self.sizes, row])
        if new:
            rows = slice(len(self.chains) - len(new), None)
            self.times[rows, 0], self.centers[rows, 0], self.sizes[rows, 0] = time, centers, sizes


def _associate(hits: Hits, scene: Scene, options: Options) -> list[Chain]:
    """First pass: follow each face from one frame the detector looked at to the next."""
    parts: list[Chain] = []
    opened = _Open()
    bridge = scene.bridge(options)
    edges = np.flatnonzero(np.diff(hits.frames, prepend=-1, append=scene.end)).tolist()
    for begin, end in pairwise(edges):
        frame = int(hits.frames[begin])
        now = scene.times[frame]
        boxes, weak = hits.faces.boxes[begin:end], ~hits.strong[begin:end]
        places, extents = centers(boxes), sizes(boxes)
        # A single look without a hit never ends a track, however rare the looks are.
        oldest = scene.times[scene.ran[max(0, scene.look(frame) - 2)]]
        limit = min(now - SHORT_GAP, oldest)
        opened.keep(opened.times[:, 0] >= max(limit, now - bridge) - TICK)
        expected = motion.fit(opened.times, opened.centers, opened.sizes)
        pairs = assign(link_costs(expected, now, places, extents) + WEAK_COST * weak)
        rows, columns = [row for row, _ in pairs], [column for _, column in pairs]
        for row, column in pairs:
            opened.chains[row].append(begin + column)
        opened.extend(rows, now, places[columns], extents[columns])
        free = sorted(set(range(end - begin)) - set(columns))
        new = [[begin + column] for column in free]
        opened.begin(new, now, places[free], extents[free])
        parts += new
    return parts


def link_costs(expected: Motion, now: float, places: Floats, extents: Floats) -> Floats:
    """(N, M) cost of continuing track n with hit m; infinite where it is out of reach."""
    ahead = now - expected.time
    place = expected.center + expected.velocity * ahead[:, None]
    off = np.hypot(*(np.subtract.outer(place[:, axis], places[:, axis]) for axis in (0, 1)))
    reach = GATE * expected.size + GATE_SIGMAS * expected.spread * ahead
    reach = np.minimum(reach, GATE_LIMIT * expected.size)[:, None]
    ratio = np.abs(np.log(expected.size[:, None] / extents[None]))
    # Costs are in face sizes, not in gates, so that an uncertain track does not win over one that
    # the hit lies exactly on.
    cost: Floats = off / expected.size[:, None] + ratio
    return np.where((off <= reach) & (ratio <= np.log(SIZE_RATIO)), cost, np.inf)


def assign(costs: Floats) -> list[tuple[int, int]]:
    """Greedy assignment, cheapest pair first, every row and column used at most once."""
    rows, columns = np.nonzero(np.isfinite(costs))
    order = np.argsort(costs[rows, columns], kind="stable")
    taken_rows: set[int] = set()
    taken_columns: set[int] = set()
    pairs = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in taken_rows and column not in taken_columns:
            taken_rows.add(row)
            taken_columns.add(column)
            pairs.append((row, column))
    return pairs


def _stitch(parts: list[Chain], hits: Hits, scene: Scene, options: Options) -> Iterator[Chain]:
    """Second pass: join a chain that ends with one that begins soon after, at its expected place.

    Args:
        parts: in order of their first hits.
    """
    times, boxes = hits.times, hits.faces.boxes
    starts = [times[chain[0]] for chain in parts]
    last = [chain[: -HITS - 1 : -1] for chain in parts]
    tails = motion.latest([(times[some], boxes[some]) for some in last])
    first = [chain[:HITS] for chain in parts]
    heads = motion.latest([(-times[some], boxes[some]) for some in first])
    firm = np.array([hits.strong[chain].any() for chain in parts], dtype=bool)
    bridge = scene.bridge(options)
    found: list[tuple[float, int, int]] = []
    for a, chain in enumerate(parts):
        end = times[chain[-1]]
        low = bisect_left(starts, end + TICK)
        high = bisect_left(starts, end + bridge + TICK)
        if low == high:
            continue
        drift = np.where(firm[low:high] & firm[a], STITCH_DRIFT, FAINT_DRIFT)
        costs = _stitch_costs(tails.at(slice(a, a + 1)), heads.at(slice(low, high)), drift)
        found += [(float(costs[b]), a, low + int(b)) for b in np.nonzero(np.isfinite(costs))[0]]
    after: dict[int, int] = {}
    followers: set[int] = set()
    for _, a, b in sorted(found):
        if a not in after and b not in followers:
            after[a] = b
            followers.add(b)
    for number in range(len(parts)):
        if number not in followers:
            yield list(_walk(parts, after, number))


def _walk(parts: list[Chain], after: dict[int, int], number: int) -> Iterator[int]:
    part: int | None = number
    while part is not None:
        yield from parts[part]
        part = after.get(part)


def _stitch_costs(tail: Motion, heads: Motion, drift: Floats) -> Floats:
    """(M,) cost of joining one chain's tail with each of M heads, or infinity.

    A face behind something moves on or stands still; the closest of three guesses counts.
    """
    gap = (-heads.time - tail.time)[:, None]
    forth = np.linalg.norm(tail.center + tail.velocity * gap - heads.center, axis=1)
    back = np.linalg.norm(heads.center + heads.velocity * gap - tail.center, axis=1)
    still = np.linalg.norm(heads.center - tail.center, axis=1)
    size = np.sqrt(tail.size * heads.size)
    off = np.minimum(np.minimum(forth, back), still) / size
    ratio = np.abs(np.log(heads.size / tail.size))
    reach = np.minimum(STITCH_GATE + drift * gap[:, 0], GATE_LIMIT)
    cost: Floats = off + ratio + gap[:, 0]
    return np.where((off <= reach) & (ratio <= np.log(SIZE_RATIO)), cost, np.inf)
