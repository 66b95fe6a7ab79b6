"""Merge repeated detections of one face in one frame."""

from __future__ import annotations

import numpy as np

from faceveil.faces import Faces, Floats, Mask, areas, intersections

SAME_IOU = 0.45
"""Two boxes that overlap this much in one frame are one face found twice."""
SAME_INSIDE = 0.75
"""So are two of similar size of which one lies this far inside the other."""
SAME_SIZE = 2.0


def merge_duplicates(
    faces: Faces, width: float, height: float, strong: float, weak: float
) -> Faces:
    """The faces of one frame, each once, best first.

    A face is dropped if it is below ``weak`` or wholly outside the picture. One found twice keeps
    the better score and landmarks; its box becomes the hull, unless the second find is only weak.
    """
    x0, y0, x1, y1 = faces.boxes.T
    faces = faces[(faces.scores >= weak) & (x0 < width) & (y0 < height) & (x1 > 0) & (y1 > 0)]
    # Of equal scores the box decides, so that the result does not depend on the order.
    faces = faces[np.lexsort((*faces.boxes.T[::-1], -faces.scores))]
    return faces.merged(_same(faces.boxes), faces.scores >= strong)


def _same(boxes: Floats) -> Mask:
    """(N, N) bool for boxes (N, 4)."""
    shared, area = intersections(boxes, boxes), areas(boxes)
    small, large = np.minimum.outer(area, area), np.maximum.outer(area, area)
    found: Mask = shared >= SAME_IOU * (small + large - shared)
    found |= (shared >= SAME_INSIDE * small) & (large <= small * SAME_SIZE**2)
    return found
