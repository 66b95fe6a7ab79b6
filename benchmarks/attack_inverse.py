"""Linear inversion: what of a face comes back when the operator is known.

The attacker knows the method, every box, and what shows around it, and takes other faces for a
guide: the hidden picture is drawn from a normal distribution whose mean and covariance are learnt
from them, and the paint is a linear map of it plus rounding. The most likely picture is then one
linear solve (Wiener; Tikhonov with a learnt matrix), exact for any number of frames at once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from attack_faces import Portrait
from attack_operators import Look, Matrix, Operator, Ours, luma
from faceveil.geometry import Box
from faceveil.obscure.painter import HOLD_SECONDS, Held

AROUND = (0.38, 0.52, 0.38, 0.38)
"""Reconstructed area beyond the face, so that every region has room however the box moves."""
FINE = 20
"""Unknowns across a face: more than any operator here leaves."""
FRAMES = 64
RATE = 25
HELD_FRAMES = RATE * HOLD_SECONDS
"""The least number of frames that share a code, of a video with RATE frames a second."""
UNMODELLED = 8.0
"""Standard deviation of a clear pixel from what the grid of unknowns can show."""
# How much the attacker makes of other faces, how far a face departs from them, and over what share
# of a face it is smooth: the values that brought most back from mosaics and blurs of ten faces.
TRUST = 0.15
UNLIKE = 40.0
ALIKE = 0.28
DOUBTS = (1.0, 8.0, 64.0)
"""Values of many frames err together, so they count less than their number says; how much less
is for the attacker to find out. It is given the best for each face."""
FINEST = 20
"""The largest mosaic compared with."""
PHASES = ((0.0, 0.0), (0.0, 0.5), (0.5, 0.0), (0.5, 0.5))
"""A mosaic may begin anywhere: the mean of four places of its grid, in cells, is taken."""


@dataclass(frozen=True)
class Guide:
    """The attacker's knowledge of faces in general, on the grid.

    Attributes:
        mean: (n,) luma.
        inverse: (n, n), of the covariance.
    """

    mean: Matrix
    inverse: Matrix


def window(face: Box) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of what is reconstructed."""
    x0, y0, x1, y1 = face.padded(*AROUND).as_tuple()
    return int(np.floor(x0)), int(np.floor(y0)), int(np.ceil(x1)), int(np.ceil(y1))


def lattice(fine: int) -> tuple[int, int]:
    """Rows and columns of unknowns, for so many across a face."""
    left, top, right, bottom = AROUND
    return round(fine * (1 + top + bottom)), round(fine * (1 + left + right))


def learn(others: Sequence[Portrait], fine: int = FINE) -> Guide:
    """The mean and covariance of faces, laid over each other by their boxes.

    Few faces span few directions; in the rest, neighbours are assumed to be alike.
    """
    grid = lattice(fine)
    rows = []
    for image, face in others:
        x0, y0, x1, y1 = window(face)
        part = luma(image[y0:y1, x0:x1]).astype(np.float32)
        rows.append(cv2.resize(part, grid[::-1], interpolation=cv2.INTER_AREA).ravel())
    faces = np.array(rows, np.float64)
    mean = faces.mean(axis=0)
    spread = (faces - mean).T @ (faces - mean) / len(faces)
    steps = (np.abs(np.subtract.outer(i, i)) for i in map(np.arange, grid))
    down, across = (np.exp(-step / (ALIKE * fine)) for step in steps)
    covariance = TRUST * spread + UNLIKE**2 * np.kron(down, across) + 20.0**2
    return Guide(mean, np.linalg.inv(covariance))


class Evidence:
    """The normal equations of all that was seen, for many faces in the same place.

    Attributes:
        matrix: (n, n), the sum of A'WA over all looks; A is the Kronecker product of what happens
            to rows and to columns.
        right: (n, faces), the sum of A'Wy.
    """

    def __init__(self, grid: tuple[int, int], faces: int) -> None:
        self._grid = grid
        self.right = np.zeros((grid[0] * grid[1], faces))
        self._sum = np.zeros((grid[0] ** 2, grid[1] ** 2))
        self._waiting: list[tuple[Matrix, Matrix]] = []

    @property
    def matrix(self) -> Matrix:
        self._settle()
        n, m = self._grid
        ordered = self._sum.reshape(n, n, m, m).transpose(0, 2, 1, 3)
        return np.asarray(ordered.reshape(n * m, n * m))

    def add(self, down: Matrix, across: Matrix, look: Look, values: Matrix) -> None:
        """Take in what a look at all the faces shows.

        Args:
            down, across: the maps of a look, on the grid.
            values: (faces, p, q).
        """
        weight = 1 / look.noise**2
        if look.hidden.all():
            terms = ((down.T @ down).reshape(1, -1), (across.T @ across).reshape(1, -1) * weight)
        else:  # not one Kronecker product but a sum of them, one for each row
            values = values * look.hidden
            squares = (across[:, :, None] * across[:, None]).reshape(len(across), -1)
            counts = look.hidden.any(axis=1)
            each = down[counts]
            terms = (
                (each[:, :, None] * each[:, None]).reshape(len(each), self._grid[0] ** 2),
                look.hidden[counts].astype(np.float64) @ squares * weight,
            )
        self._waiting.append(terms)
        if sum(len(term) for term, _ in self._waiting) > 500:
            self._settle()
        seen = down.T @ values @ across * weight
        self.right += seen.reshape(len(values), -1).T

    def _settle(self) -> None:
        """Many products at once are one product of large matrices, which is quicker."""
        if self._waiting:
            downs, acrosses = (np.concatenate(part) for part in zip(*self._waiting, strict=True))
            self._sum += downs.T @ acrosses
            self._waiting.clear()


class Scene:
    """Portraits of one size with faces in one place, seen through one operator.

    Raises:
        ValueError: the portraits differ in size or box.
    """

    def __init__(self, portraits: Sequence[Portrait], fine: int = FINE) -> None:
        self.portraits = portraits
        self.face = portraits[0].face
        self.height, self.width = portraits[0].image.shape[:2]
        size = (self.height, self.width)
        if any(p.image.shape[:2] != size or p.face != self.face for p in portraits):
            raise ValueError("portraits of one scene have one size and one box")
        self._x0, self._y0, self._x1, self._y1 = window(self.face)
        self._fine, self._grid = fine, lattice(fine)
        sides = (self._y1 - self._y0, self._x1 - self._x0)
        self._up = tuple(
            np.asarray(cv2.resize(np.eye(n), (n, side), interpolation=cv2.INTER_CUBIC), np.float64)
            for n, side in zip(self._grid, sides, strict=True)
        )
        self.clear = np.stack([luma(p.image) for p in portraits])

    def boxes(self, count: int, seed: int = 0) -> list[Box]:
        """A detector's boxes of the face: they move by up to 2 px and breathe by 3 %."""
        random = np.random.default_rng(seed)
        found = [self.face]
        for _ in range(count - 1):
            dx, dy = random.uniform(-2, 2, 2)
            grow = random.uniform(-0.015, 0.015)
            found.append(self.face.padded(*[grow] * 4).transformed(1, dx, dy))
        return found

    def attack(
        self, operator: Operator, guide: Guide, frames: int, *, held: bool = False
    ) -> Matrix:
        """(faces,) dB that come back from so many frames.

        Args:
            held: a track keeps its codes, at RATE frames a second.
        """
        boxes = self.boxes(frames)
        if not (held and isinstance(operator, Ours)):
            return self.best(self.see(operator, boxes), guide)
        back = np.empty(len(self.portraits))
        for shown, faces in self._shown(operator, boxes).items():
            scene = Scene([self.portraits[face] for face in faces], self._fine)
            back[faces] = scene.best(scene.see(operator, boxes, shown), guide)
        return back

    def _shown(self, operator: Ours, boxes: Sequence[Box]) -> dict[tuple[int, ...], list[int]]:
        """The frames whose codes are shown -> the faces of which just these are."""
        found: dict[tuple[int, ...], list[int]] = {}
        for face, portrait in enumerate(self.portraits):
            held, shown, last = Held(HELD_FRAMES), list[int](), None
            for number, box in enumerate(boxes):
                sight = operator.sight(portrait.image, box)
                if (codes := held.at(number, False)(0, sight)) is not last:
                    shown.append(number)
                    last = codes
            found.setdefault(tuple(shown), []).append(face)
        return found

    def see(
        self, operator: Operator, boxes: Sequence[Box], shown: Collection[int] | None = None
    ) -> Evidence:
        """Collect what frames tell, and what shows around them.

        Args:
            boxes: one a frame. The face itself does not move.
            shown: the frames whose values are painted, in the others it is those of one before;
                None: all.
        """
        evidence = Evidence(self._grid, len(self.portraits))
        shows = np.zeros((self.height, self.width), np.bool_)
        for number, box in enumerate(boxes):
            look = operator.look(box, self.width, self.height)
            x0, y0, x1, y1 = look.box
            shows[:y0] = shows[y1:] = True
            shows[:, :x0] = shows[:, x1:] = True
            shows[y0:y1, x0:x1] |= ~look.hidden
            if look.rows.size and (shown is None or number in shown):
                values = [operator.values(p.image, box) for p in self.portraits]
                self._add(evidence, look, np.stack(values))
        everything = (0, 0, self.width, self.height)
        around = Look(everything, np.eye(self.height), np.eye(self.width), shows, UNMODELLED)
        self._add(evidence, around, self.clear)
        return evidence

    def mosaic(self, cells: int, phase: tuple[float, float] = (0.0, 0.0)) -> Evidence:
        """The same of the clear face's exact area means, ``cells`` x ``cells`` of them.

        The grid goes on around the face as far as FaceVeil's margins do.
        """
        evidence = Evidence(self._grid, len(self.portraits))
        x0, y0, x1, y1 = self.face.as_tuple()
        rows, top, bottom = _areas(y0, y1, cells, phase[0], self.height, (0.40, 0.15))
        cols, left, right = _areas(x0, x1, cells, phase[1], self.width, (0.25, 0.25))
        hidden = np.zeros((self.height, self.width), np.bool_)
        hidden[top:bottom, left:right] = True
        box = (0, 0, self.width, self.height)
        means = Look(box, rows, cols, np.ones_like(hidden), 0.3)
        self._add(evidence, means, rows @ self.clear @ cols.T)
        around = Look(box, np.eye(self.height), np.eye(self.width), ~hidden, UNMODELLED)
        self._add(evidence, around, self.clear)
        return evidence

    def mosaics(self, cells: int, guide: Guide) -> Matrix:
        """(faces,) dB that come back from such mosaics, on average over PHASES."""
        backs = [self.best(self.mosaic(cells, phase), guide) for phase in PHASES]
        return np.asarray(np.mean(backs, axis=0))

    def best(self, evidence: Evidence, guide: Guide) -> Matrix:
        """(faces,) dB of the best reconstruction of each face, over DOUBTS."""
        backs = [self.psnr(self.solve(evidence, guide, doubt)) for doubt in DOUBTS]
        return np.asarray(np.max(backs, axis=0))

    def solve(self, evidence: Evidence, guide: Guide, doubt: float = 1.0) -> Matrix:
        """(faces, h, w) luma of the window: the most likely picture of each face."""
        right = evidence.right / doubt + (guide.inverse @ guide.mean)[:, None]
        found = np.linalg.solve(evidence.matrix / doubt + guide.inverse, right)
        down, across = self._up
        pictures = down @ found.T.reshape(-1, *self._grid) @ across.T
        return np.asarray(pictures.clip(0, 255))

    def psnr(self, pictures: Matrix) -> Matrix:
        """(faces,) dB inside the face's box, of pictures of the window."""
        x0, y0, x1, y1 = (round(side) for side in self.face.as_tuple())
        wrong = (pictures - self.clear[:, self._y0 : self._y1, self._x0 : self._x1])[
            :, y0 - self._y0 : y1 - self._y0, x0 - self._x0 : x1 - self._x0
        ]
        return np.asarray(10 * np.log10(255**2 / (wrong**2).mean(axis=(1, 2))))

    def _add(self, evidence: Evidence, look: Look, values: Matrix) -> None:
        down = self._within(look.rows, look.box[1], self._y0, self._y1) @ self._up[0]
        across = self._within(look.cols, look.box[0], self._x0, self._x1) @ self._up[1]
        evidence.add(down, across, look, values)

    @staticmethod
    def _within(matrix: Matrix, offset: int, start: int, end: int) -> Matrix:
        """The columns of a map of pixels from ``offset`` on, cut or padded to start to end."""
        wide = np.zeros((len(matrix), end - start))
        first, last = max(offset, start), min(offset + matrix.shape[1], end)
        wide[:, first - start : last - start] = matrix[:, first - offset : last - offset]
        return wide


def _areas(
    start: float, end: float, cells: int, phase: float, length: int, margins: tuple[float, float]
) -> tuple[Matrix, int, int]:
    """(rows, length) of area means with edges at any fraction of a pixel; first and last pixel."""
    side = (end - start) / cells
    before, after = (int(np.ceil(share * cells)) for share in margins)
    edges = start + side * (np.arange(-before - 1, cells + after + 1) + phase)
    first, last = (start - margins[0] * (end - start), end + margins[1] * (end - start))
    edges = np.unique(edges.clip(max(first, 0), min(last, length)))
    at = np.arange(length)
    shared = np.minimum(edges[1:, None], at + 1) - np.maximum(edges[:-1, None], at)
    shared = shared.clip(0, None)
    return (
        shared / shared.sum(axis=1, keepdims=True),
        int(np.floor(edges[0])),
        int(np.ceil(edges[-1])),
    )


def cells_of(psnr: float, ladder: NDArray[Any]) -> float:
    """The mosaic that comes back as well as this: N, between the steps too.

    Args:
        ladder: (FINEST,) dB of N = 1, 2, ...
    """
    rising = np.maximum.accumulate(ladder)
    return float(np.interp(psnr, rising, np.arange(1, len(rising) + 1)))
