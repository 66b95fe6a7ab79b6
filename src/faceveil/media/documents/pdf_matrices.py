"""Matrices and boxes as a PDF writes them (ISO 32000-2, 8.3.4, 7.9.5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

Matrix = tuple[float, float, float, float, float, float]
"""x' = a x + c y + e, y' = b x + d y + f."""
PageArea = tuple[float, float, float, float]
"""Left, bottom, right, top in a page's user space."""

UNIT: Final[Matrix] = (1, 0, 0, 1, 0, 0)


def matrix_of(numbers: Any) -> Matrix:
    """A matrix as a PDF writes it; none is one that moves nothing."""
    if numbers is None:
        return UNIT
    a, b, c, d, e, f = (float(one) for one in numbers)
    return a, b, c, d, e, f


def times(first: Matrix, then: Matrix) -> Matrix:
    """One matrix, and then another."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return (
        a * p + b * r,
        a * q + b * s,
        c * p + d * r,
        c * q + d * s,
        e * p + f * r + t,
        e * q + f * s + u,
    )


def inverse(matrix: Matrix) -> Matrix:
    """The matrix back.

    Raises:
        ValueError: it makes everything flat.
    """
    a, b, c, d, e, f = matrix
    whole = a * d - b * c
    if not whole:
        raise ValueError("flat")
    return (
        d / whole,
        -b / whole,
        -c / whole,
        a / whole,
        (c * f - d * e) / whole,
        (b * e - a * f) / whole,
    )


def corners(box: PageArea | tuple[float, ...]) -> list[tuple[float, float]]:
    """The corners of a box."""
    x0, y0, x1, y1 = box
    return [(x0, y0), (x1, y0), (x0, y1), (x1, y1)]


def around(matrix: Matrix, points: Iterable[tuple[float, float]]) -> PageArea:
    """The box around points that are moved by a matrix."""
    a, b, c, d, e, f = matrix
    moved = [(a * x + c * y + e, b * x + d * y + f) for x, y in points]
    xs, ys = zip(*moved, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def box_of(numbers: Any) -> PageArea:
    """A rectangle as a PDF writes it, by any two of its corners."""
    x0, y0, x1, y1 = (float(one) for one in numbers)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
