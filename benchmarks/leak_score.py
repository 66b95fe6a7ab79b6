"""Painted regions against the ground truth of a composed video (see leaks.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compose import Truth
from faceveil.geometry import Box

Regions = Mapping[int, Sequence[Box]]
"""Frame -> what is painted there, in pixels."""

COVERED = 0.9
LINGER = 0.6
"""Seconds after a face has left within which its paint must be gone."""
REMEMBER = 2.0
"""Seconds for which paint where a face was counts as left behind; later it is a false find."""
SAME_PLACE = 0.3


def boxes_of(regions: Mapping[str, Any]) -> Regions:
    """Boxes from JSON, where a box is a list of four numbers or an object with x0 to y1."""
    return {
        int(frame): [
            Box(**box) if isinstance(box, dict) else Box(*map(float, box)) for box in boxes
        ]
        for frame, boxes in regions.items()
    }


@dataclass(frozen=True)
class Score:
    """The score of one or more videos; counts add up, ``longest`` is the maximum.

    Attributes:
        must: face boxes that had to be covered; ``leaked``: those that were not.
        faces, leaky: different faces, and those with a leaked frame.
        longest: longest run of leaked frames of one face.
        lingering: frames with paint where a face left more than 0.6 s ago.
        frames: frames looked at.
        painted, false: pixels painted, and of these outside all faces grown by half their size,
            each as a share of the picture summed over frames.
    """

    must: int = 0
    leaked: int = 0
    faces: int = 0
    leaky: int = 0
    longest: int = 0
    lingering: int = 0
    frames: int = 0
    painted: float = 0.0
    false: float = 0.0

    def __add__(self, other: Score) -> Score:
        longest = max(self.longest, other.longest)
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(Score)}
        return Score(**{**sums, "longest": longest})

    def __str__(self) -> str:
        return (
            f"leaked {self.leaked}/{self.must} ({self.leaked / max(1, self.must):.2%}), "
            f"faces with a leak {self.leaky}/{self.faces}, longest {self.longest}, "
            f"lingering {self.lingering} frames, "
            f"false area {self.false / max(1, self.frames):.2%} of the picture, "
            f"painted {self.painted / max(1, self.frames):.2%}"
        )


def score(facts: Mapping[str, Any], truths: Sequence[Sequence[Truth]], regions: Regions) -> Score:
    """Compare painted regions with the truth."""
    width, height, fps = facts["width"], facts["height"], facts["fps"]
    starts = [0, *facts["cuts"], len(truths)]
    leaks: dict[int, list[int]] = {}
    lingering, painted_sum, false_sum = 0, 0.0, 0.0
    for first, end in pairwise(starts):
        for frame in range(first, end):
            boxes = regions.get(frame, ())
            painted = raster(boxes, width, height)
            for truth in truths[frame]:
                leaks.setdefault(truth.face, [])
                if truth.must and _share(painted, truth.box) < COVERED:
                    leaks[truth.face].append(frame)
            grown = [t.box.padded(0.5, 0.5, 0.5, 0.5) for t in truths[frame]]
            painted_sum += float(painted.mean())
            false_sum += float((painted & ~raster(grown, width, height)).mean())
            lingering += _left_behind(frame, truths[first:end], regions, first, fps)
    must = {t.face for row in truths for t in row if t.must}
    return Score(
        must=sum(t.must for row in truths for t in row),
        leaked=sum(map(len, leaks.values())),
        faces=len(must),
        leaky=sum(1 for found in leaks.values() if found),
        longest=max((_run(found) for found in leaks.values()), default=0),
        lingering=lingering,
        frames=len(truths),
        painted=painted_sum,
        false=false_sum,
    )


def _left_behind(
    frame: int, scene: Sequence[Sequence[Truth]], regions: Regions, first: int, fps: float
) -> bool:
    """Whether paint lies where a face left more than ``LINGER`` seconds ago."""
    near, far = int(LINGER * fps), int(REMEMBER * fps)
    now = frame - first

    def visited(box: Box, start: int, end: int) -> bool:
        return any(
            box.intersection(truth.box) > 0 for row in scene[max(0, start) : end] for truth in row
        )

    for box in regions.get(frame, ()):
        if visited(box, now - near, now + near + 1) or not visited(box, now - far, now - near):
            continue
        # Something of the background that is painted with nobody about is a false find instead.
        if not any(
            box.iou(other) > SAME_PLACE and not visited(other, time - far, time + near + 1)
            for time in range(len(scene))
            for other in regions.get(first + time, ())
        ):
            return True
    return False


def raster(boxes: Sequence[Box], width: int, height: int) -> NDArray[np.bool_]:
    """(height, width) mask of all pixels a box touches."""
    mask = np.zeros((height, width), dtype=bool)
    for box in boxes:
        x0, y0 = max(0, int(np.floor(box.x0))), max(0, int(np.floor(box.y0)))
        mask[y0 : int(np.ceil(box.y1)), x0 : int(np.ceil(box.x1))] = True
    return mask


def _share(painted: NDArray[np.bool_], box: Box) -> float:
    part = painted[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]
    return float(part.mean()) if part.size else 1.0


def _run(frames: Sequence[int]) -> int:
    """Length of the longest run of successive numbers."""
    best = length = 0
    for index, frame in enumerate(frames):
        length = length + 1 if index and frames[index - 1] == frame - 1 else 1
        best = max(best, length)
    return best
