"""Faces as arrays, which the stages pass on to compute with many at once.

A single `Face` is used only at the edges: plug-ins, plans, reports. Boxes here are (n, 4) arrays of
x0, y0, x1, y1, in float pixels and half-open like a `Box`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from faceveil.geometry import Box
from faceveil.plan import Face

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_UNKNOWN = ((np.nan, np.nan),) * 5
PAIRS = 1 << 20
"""Faces that are compared with others at once, times those: 8 MB for each number of theirs."""


@dataclass(frozen=True, slots=True, eq=False)
class Faces(Sequence[Face]):
    """The faces of one picture, or of one track. As a sequence, it gives each as a `Face`.

    Attributes:
        boxes: (n, 4).
        scores: (n,).
        landmarks: (n, 5, 2) in the order of `Face.landmarks`; NaN where they are not known.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    landmarks: NDArray[np.float64]

    @classmethod
    def of(cls, faces: Iterable[Face]) -> Faces:
        """The same faces as arrays; a `Faces` is returned unchanged."""
        if isinstance(faces, Faces):
            return faces
        given = list(faces)
        return cls(
            corners(face.box for face in given),
            np.array([face.score for face in given], np.float64),
            np.array([face.landmarks or _UNKNOWN for face in given]).reshape(-1, 5, 2),
        )

    @classmethod
    def from_rows(cls, rows: NDArray[np.floating[Any]]) -> Faces:
        """Faces from the output of a network.

        Args:
            rows: (n, 15) box, score, five landmarks x, y. Rows that are not finite or whose box is
                empty are skipped: a network guarantees neither.
        """
        good = np.isfinite(rows).all(axis=1) & (rows[:, :2] < rows[:, 2:4]).all(axis=1)
        kept: Floats = rows[good].astype(np.float64)
        return cls(kept[:, :4], kept[:, 4], kept[:, 5:].reshape(-1, 5, 2))

    @classmethod
    def concatenate(cls, parts: Iterable[Iterable[Face]]) -> Faces:
        columns = [(one.boxes, one.scores, one.landmarks) for one in map(cls.of, parts)]
        return cls(*map(np.concatenate, zip(*columns, strict=True))) if columns else cls.of(())

    def __len__(self) -> int:
        return len(self.scores)

    def __iter__(self) -> Iterator[Face]:
        columns = (self.boxes.tolist(), self.scores.tolist(), self.landmarks.tolist())
        return map(_face, *columns)

    @overload
    def __getitem__(self, index: int) -> Face: ...

    @overload
    def __getitem__(self, index: slice | list[int] | NDArray[Any]) -> Faces: ...

    def __getitem__(self, index: Any) -> Face | Faces:
        """One face by its number, or those that a slice, a mask or an array of numbers picks."""
        picked = self.boxes[index], self.scores[index], self.landmarks[index]
        if picked[0].ndim == 1:
            return _face(*(column.tolist() for column in picked))
        return Faces(*picked)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Faces):
            return NotImplemented
        return (
            np.array_equal(self.boxes, other.boxes)
            and np.array_equal(self.scores, other.scores)
            and np.array_equal(self.landmarks, other.landmarks, equal_nan=True)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def sizes(self) -> NDArray[np.float64]:
        """(n,) as `Box.size`."""
        return sizes(self.boxes)

    def transformed(self, scale: float, dx: float = 0.0, dy: float = 0.0) -> Faces:
        """The faces after ``x -> x * scale + dx``."""
        shift = np.array([dx, dy])
        boxes = self.boxes * scale + np.tile(shift, 2)
        return Faces(boxes, self.scores, self.landmarks * scale + shift)

    def leaders(self, overlap: float) -> NDArray[np.intp]:
        """Numbers of the faces that no better one overlaps by more than this IoU, best first."""
        import cv2

        if not len(self):
            return np.zeros(0, np.intp)
        sides = np.hstack([self.boxes[:, :2], self.boxes[:, 2:] - self.boxes[:, :2]])
        kept = cv2.dnn.NMSBoxes(sides.tolist(), self.scores.tolist(), 0.0, overlap)
        return np.asarray(kept, np.intp)

    def merged(self, same: NDArray[np.bool_], widens: NDArray[np.bool_]) -> Faces:
        """The faces, each once, in the same order.

        A double is merged into the first face that it equals. It is compared with the original box
        of that face, not with the grown one, because otherwise neighbours would chain.

        Args:
            same: (n, n) pairs that are one face.
            widens: (n,) the box of the first becomes the hull with those of these doubles.
        """
        if len(self) < 2:
            return self
        boxes, kept = self.boxes.copy(), np.ones(len(self), bool)
        later = np.triu(same, 1)
        for first in np.flatnonzero(later.any(axis=1)):
            if kept[first]:
                doubles = later[first] & kept
                kept &= ~doubles
                boxes[first] = around(self.boxes[doubles & widens], boxes[first])
        return Faces(boxes[kept], self.scores[kept], self.landmarks[kept])


def _face(box: list[float], score: float, marks: list[list[float]]) -> Face:
    known = marks[0][0] == marks[0][0]
    landmarks = tuple((x, y) for x, y in marks) if known else None
    return Face(Box(*box), score, landmarks)  # type: ignore[arg-type]


def corners(boxes: Iterable[Box]) -> Floats:
    """(n, 4)."""
    return np.array([box.as_tuple() for box in boxes], np.float64).reshape(-1, 4)


def centers(boxes: Floats) -> Floats:
    """(..., 2) for boxes (..., 4)."""
    middle: Floats = (boxes[..., :2] + boxes[..., 2:]) / 2
    return middle


def areas(boxes: Floats) -> Floats:
    """(...) for boxes (..., 4)."""
    sides = boxes[..., 2:] - boxes[..., :2]
    area: Floats = sides[..., 0] * sides[..., 1]
    return area


def sizes(boxes: Floats) -> Floats:
    """(...) for boxes (..., 4): as `Box.size`."""
    return np.sqrt(areas(boxes))


def hull(a: Floats, b: Floats) -> Floats:
    """(n, 4) the smallest boxes that hold both of each pair."""
    return np.hstack([np.minimum(a[:, :2], b[:, :2]), np.maximum(a[:, 2:], b[:, 2:])])


def around(boxes: Floats, box: Floats) -> Floats:
    """(4,) the smallest box that holds a box and (n, 4) others."""
    every = np.vstack([box, boxes])
    return np.hstack([every[:, :2].min(axis=0), every[:, 2:].max(axis=0)])


def intersections(a: Floats, b: Floats) -> Floats:
    """(n, m) areas that (n, 4) and (m, 4) boxes share."""
    shared: Floats = _overlap(a, b, 0)
    shared *= _overlap(a, b, 1)
    return shared


def _overlap(a: Floats, b: Floats, axis: int) -> Floats:
    """(n, m) lengths that they share along an axis."""
    ends = np.minimum(a[:, None, axis + 2], b[:, axis + 2])
    ends -= np.maximum(a[:, None, axis], b[:, axis])
    return np.maximum(ends, 0.0, out=ends)


def paired_iou(a: Floats, b: Floats) -> Floats:
    """(n,) intersection over union of each pair of boxes (n, 4), none of them empty."""
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    shared = np.maximum(sides, 0.0).prod(axis=1)
    ratio: Floats = shared / (areas(a) + areas(b) - shared)
    return ratio


def pairwise_iou(a: Floats, b: Floats) -> Floats:
    """(n, m) intersection over union of (n, 4) and (m, 4) boxes, none of them empty."""
    shared = intersections(a, b)
    ratio: Floats = shared / (areas(a)[:, None] + areas(b)[None] - shared)
    return ratio


def nearest(a: Floats, b: Floats) -> tuple[NDArray[np.intp], Floats]:
    """For each of (m, 4) boxes: which of (n, 4) others, at least one, it meets with most IoU (m,),
    and with how much (m,).
    """
    best, most = np.zeros(len(b), np.intp), np.zeros(len(b))
    for some in in_parts(len(b), len(a)):
        shared = pairwise_iou(a, b[some])
        best[some], most[some] = shared.argmax(axis=0), shared.max(axis=0)
    return best, most


def in_parts(count: int, others: int) -> Iterator[slice]:
    """Parts of a number of faces to be compared with so many others.

    The finds in a stadium are ten thousand, and all their pairs at once would take gigabytes.
    """
    step = max(1, PAIRS // max(others, 1))
    return (slice(start, start + step) for start in range(0, count, step))
