"""Boxes under matrices, as pages, slides and drawings place what they show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_RIM = 0.2
"""Share of the smaller of two boxes that may lie in the other one if they are side by side."""


def inverted(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix back; raises LinAlgError if it makes everything flat."""
    return np.asarray(np.linalg.inv(matrix), np.float64)


def moved(
    matrix: NDArray[np.float64], box: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """The box around a box that was moved, and perhaps turned.

    Args:
        matrix: (2, 3) or (3, 3), for columns of x, y and 1.
    """
    x0, y0, x1, y1 = box
    corners = matrix @ np.array([[x0, x1, x0, x1], [y0, y0, y1, y1], [1.0, 1, 1, 1]])
    (left, top), (right, bottom) = corners[:2].min(axis=1), corners[:2].max(axis=1)
    return float(left), float(top), float(right), float(bottom)


def lie_on(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    """Decide whether more of the smaller of two boxes lies in the other one than its rim."""
    x0, y0, x1, y1 = one
    a, b, c, d = other
    width, height = min(x1, c) - max(x0, a), min(y1, d) - max(y0, b)
    least = min((x1 - x0) * (y1 - y0), (c - a) * (d - b))
    return width > 0 and height > 0 and width * height > _RIM * least
