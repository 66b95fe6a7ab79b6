"""What the detectors share: their rows of numbers, suppression of doubles, overlap."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.geometry import Box
from faceveil.plan import Face

Rows = NDArray[np.float32]


def faces(rows: Rows, suppress_iou: float) -> list[Face]:
    """Faces from a network's rows, doubles suppressed, best first.

    Args:
        rows: (n, 15) box x0, y0, x1, y1, score, five landmarks x, y, in pixels. Rows that are
            not finite or whose box is empty are passed over: a network promises neither.
    """
    rows = rows[np.isfinite(rows).all(axis=1) & (rows[:, :2] < rows[:, 2:4]).all(axis=1)]
    kept = rows[suppress(rows[:, :4], rows[:, 4], suppress_iou)]
    return [
        Face(
            Box(*row[:4]),
            row[4],
            tuple((row[i], row[i + 1]) for i in range(5, 15, 2)),  # type: ignore[arg-type]
        )
        for row in kept.tolist()
    ]


def suppress(boxes: Rows, scores: Rows, iou: float) -> NDArray[np.intp]:
    """Indices of the boxes that no better one overlaps by ``iou`` or more, best first.

    Args:
        boxes: (n, 4) x0, y0, x1, y1.
        scores: (n,).
    """
    sides = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(sides.tolist(), scores.tolist(), 0.0, iou) if len(boxes) else ()
    return np.asarray(kept, np.intp)


def overlap(a: Rows, b: Rows) -> Rows:
    """(n, m) intersection over union of (n, 4) and (m, 4) boxes."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    area_a, area_b = ((x[:, 2:] - x[:, :2]).prod(axis=1) for x in (a, b))
    union = area_a[:, None] + area_b[None] - shared
    ratio: Rows = shared / np.maximum(union, np.float32(1e-9))
    return ratio
