"""One face found twice in one frame, made one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from faceveil.geometry import Box
from faceveil.plan import Face
from faceveil.track.motion import Floats

SAME_IOU = 0.45
"""Two boxes that overlap this much in one frame are one face found twice."""
SAME_INSIDE = 0.75
"""So are two of similar size of which one lies this far inside the other."""
SAME_SIZE = 2.0


def merge_duplicates(
    faces: Sequence[Face], width: float, height: float, strong: float, weak: float
) -> list[Face]:
    """The faces of one frame, each once, best first.

    A face is dropped if it is below ``weak`` or wholly outside the picture. One found twice keeps
    the better score and landmarks; its box becomes the hull, unless the second find is only weak.
    """
    order = sorted(
        (face for face in faces if face.score >= weak and _visible(face.box, width, height)),
        key=lambda face: (-face.score, face.box.as_tuple()),
    )
    if len(order) < 2:
        return order
    same = np.triu(_same(np.array([face.box.as_tuple() for face in order])), 1)
    # Compared with the best find, not with a grown hull, or neighbours would chain.
    merged = dict(enumerate(order))
    for better in np.nonzero(same.any(axis=1))[0].tolist():
        if better not in merged:
            continue
        best = merged[better]
        for other in np.nonzero(same[better])[0].tolist():
            double = merged.pop(other, None)
            if double is not None and double.score >= strong:
                best = Face(best.box.hull(double.box), best.score, best.landmarks)
        merged[better] = best
    return list(merged.values())


def _visible(box: Box, width: float, height: float) -> bool:
    return box.x0 < width and box.y0 < height and box.x1 > 0 and box.y1 > 0


def _same(boxes: Floats) -> NDArray[np.bool_]:
    """(N, N) bool for boxes (N, 4)."""
    x0, y0, x1, y1 = boxes.T
    wide = np.minimum.outer(x1, x1) - np.maximum.outer(x0, x0)
    high = np.minimum.outer(y1, y1) - np.maximum.outer(y0, y0)
    shared = np.maximum(wide, 0.0) * np.maximum(high, 0.0)
    area = (x1 - x0) * (y1 - y0)
    small, large = np.minimum.outer(area, area), np.maximum.outer(area, area)
    found: NDArray[np.bool_] = shared >= SAME_IOU * (small + large - shared)
    found |= (shared >= SAME_INSIDE * small) & (large <= small * SAME_SIZE**2)
    return found
