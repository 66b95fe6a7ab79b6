"""The places of faces that are beyond doubt, so that nobody else is asked about them.

Another network's opinion only counts for tracks in which no face is beyond doubt. A face that
belongs to one that was certain a moment ago costs a question whose answer would not be read.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from faceveil.detect.opinion import SURE
from faceveil.faces import Faces, Floats, Mask, pairwise_iou

SAME = 0.4
"""IoU from which a face is the one that was seen there before."""


class Certain:
    """Follows the faces that were certain once, from look to look.

    Args:
        near: whether two times are so near to each other that a place shows the same face.
    """

    def __init__(self, near: Callable[[int, int], bool]) -> None:
        self._near = near
        self._scene = 0
        self._boxes: Floats = np.empty((0, 4))
        self._times: list[int] = []

    def among(self, time: int, scene: int, faces: Faces) -> Mask:
        """Those that need no other opinion. Call in the order of the looks.

        Args:
            time: of the frame.
            scene: its number; a cut tells nothing about who is there.
        """
        recent = [scene == self._scene and self._near(then, time) for then in self._times]
        boxes = self._boxes[recent]
        times = [then for then, keep in zip(self._times, recent, strict=True) if keep]
        shared = pairwise_iou(faces.boxes, boxes)
        known = shared.max(axis=1, initial=0.0) > SAME
        certain = known | (faces.scores >= SURE)
        # What was seen now takes the place of what was seen there before.
        left = np.asarray(~(shared > SAME).any(axis=0))
        self._scene = scene
        self._boxes = np.concatenate([boxes[left], faces.boxes[certain]])
        self._times = [then for then, keep in zip(times, left.tolist(), strict=True) if keep]
        self._times += [time] * int(certain.sum())
        return np.asarray(known, np.bool_)
