"""Rectangles in pictures: where a face is, what to cover, what is painted. Frozen, no I/O.

All boxes are in float pixels of the picture *as displayed* (orientation applied), half-open:
a box covers columns ``x0 <= x < x1`` and rows ``y0 <= y < y1``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in float pixels, half-open, ``x0 < x1`` and ``y0 < y1``.

    Raises:
        ValueError: a coordinate is not finite or the box is empty.
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not (self.x0 < self.x1 and self.y0 < self.y1):
            raise ValueError(f"empty or undefined box: {self.as_tuple()}")
        if not all(map(math.isfinite, self.as_tuple())):
            raise ValueError(f"box is not finite: {self.as_tuple()}")

    def as_tuple(self) -> tuple[float, float, float, float]:
        return (self.x0, self.y0, self.x1, self.y1)

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def size(self) -> float:
        """Side of the square of the same area: what "a face of 20 px" means everywhere here."""
        return math.sqrt(self.area)

    @property
    def center(self) -> tuple[float, float]:
        return ((self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2)

    def transformed(self, scale: float, dx: float = 0.0, dy: float = 0.0) -> Box:
        """The box after ``x -> x * scale + dx``."""
        return Box(
            self.x0 * scale + dx, self.y0 * scale + dy, self.x1 * scale + dx, self.y1 * scale + dy
        )

    def padded(self, left: float, top: float, right: float, bottom: float) -> Box:
        """The box grown by fractions of its own width and height."""
        w, h = self.width, self.height
        return Box(self.x0 - left * w, self.y0 - top * h, self.x1 + right * w, self.y1 + bottom * h)

    def clipped(self, width: float, height: float) -> Box | None:
        """The part inside a picture of this size, or None if there is none."""
        x0, y0 = max(self.x0, 0.0), max(self.y0, 0.0)
        x1, y1 = min(self.x1, float(width)), min(self.y1, float(height))
        return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    def hull(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(
            min(self.x0, other.x0),
            min(self.y0, other.y0),
            max(self.x1, other.x1),
            max(self.y1, other.y1),
        )

    def intersection(self, other: Box) -> float:
        """Area shared with the other box, in square pixels."""
        w = min(self.x1, other.x1) - max(self.x0, other.x0)
        h = min(self.y1, other.y1) - max(self.y0, other.y0)
        return w * h if w > 0 and h > 0 else 0.0

    def iou(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        shared = self.intersection(other)
        return shared / (self.area + other.area - shared)


Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Target:
    """Something to cover in one frame.

    Attributes:
        track: id of its track; codes are held under it, so distinct targets need distinct ids.
        box: the face's own box, or a fixed zone, in pixels as displayed; may leave the picture.
        roll: tilt of the head in radians, clockwise positive.
        padded: add the margins of the options. False covers the box as it is (fixed zones).
    """

    track: int
    box: Box
    roll: float = 0.0
    padded: bool = True


@dataclass(frozen=True, slots=True)
class Shape:
    """A face as an obscurer sees it: geometry without pixels.

    Attributes:
        face: the face's own box, before padding.
        cover: the padded box, rounded outward to whole pixels and clipped to the picture. Every
            pixel of it is guaranteed to be painted.
        roll: tilt of the head in radians, clockwise positive.
    """

    face: Box
    cover: Box
    roll: float = 0.0


@dataclass(frozen=True, slots=True)
class Region:
    """One connected area to paint: a face, or several whose covers overlap.

    Attributes:
        box: bounding box of everything painted, whole pixels, inside the picture.
        shapes: the faces in it, largest first.
        track: id of the largest face's track; the codes of a region are held under it.
    """

    box: Box
    shapes: tuple[Shape, ...]
    track: int = 0
