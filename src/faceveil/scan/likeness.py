"""The looks of a part of a picture, and where that part is in the next frame.

Optical flow, checked backwards: Kalal, Mikolajczyk and Matas, "Forward-Backward Error: Automatic
Detection of Tracking Failures", ICPR 2010. Pictures are (H, W) uint8 luma; boxes are (4,) corners.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.detect.change import Luma
from faceveil.faces import Floats, centers, sizes

SIDE, HALF = 32, 16
"""Side of a look in pixels."""
MOST = 12
"""Looks that are remembered; the first one always is."""
GRID, INNER = 9, 0.85
"""Points across a box that are followed, and the share of it in which they lie: the corners are
background.
"""
REACH = 1.0
"""Sizes around a box in which a point may go from one frame to the next."""
RETURN = 0.03
"""A point whose way there and back ends this near to where it began, in sizes, was followed."""
TOGETHER = 0.02
"""Points that move together do so this exactly, in sizes."""
FOLLOWED = 0.3
"""The least share of the points that must move together."""
OTHER = 0.15
"""So large a share that moves together in another way is something else, in front or behind."""
SWELL = 0.06
"""A thing grows or shrinks by this share from one frame to the next, at most."""
SHOWN = 0.4
"""Less than this share of a thing inside the picture tells nothing about its looks."""
UNIQUE = 0.12
"""The best of several places looks better than any other by this much."""
SCALES = (0.9, 1.0, 1.1)

_ROWS, _COLUMNS = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
_ROUND = (_ROWS**2 + _COLUMNS**2 <= 1.0).astype(np.float32)


class Moved(NamedTuple):
    """The place to which a box went.

    Attributes:
        share: of its points that moved together.
        alone: no others moved together in another way.
    """

    box: Floats
    share: float
    alone: bool


class _Look(NamedTuple):
    pixels: NDArray[np.float32]
    shown: NDArray[np.float32]


class Likeness:
    """The looks of a thing so far."""

    def __init__(self) -> None:
        self._looks: list[_Look] = []

    def learn(self, luma: Luma, box: Floats) -> None:
        """Remember the look of a box."""
        look = _look(luma, box)
        if look.shown.mean() < _ROUND.mean() * SHOWN:
            return
        if len(self._looks) >= MOST:
            del self._looks[1]
        self._looks.append(look)

    def of(self, luma: Luma, box: Floats) -> float | None:
        """Likeness of a box to what is known, -1 to 1; None: too little of it is in the picture."""
        look = _look(luma, box)
        if look.shown.mean() < _ROUND.mean() * SHOWN:
            return None
        return max((_correlation(look, known) for known in self._looks), default=0.0)

    def find(self, luma: Luma, box: Floats, area: Floats) -> tuple[Floats, float] | None:
        """The one place in an area that looks most like it, and how like.

        Args:
            box: as large as it is expected to be, anywhere.
        """
        found = sorted(self._places(luma, box, area), key=lambda place: -place[1])
        if not found:
            return None
        best, like = found[0]
        apart = sizes(best) / 2
        for other, value in found[1:]:
            if np.linalg.norm(centers(other) - centers(best)) > apart and like - value < UNIQUE:
                return None
        return best, like

    def _places(self, luma: Luma, box: Floats, area: Floats) -> Iterator[tuple[Floats, float]]:
        height, width = luma.shape
        x0, y0 = np.floor(np.maximum(area[:2], 0)).astype(int).tolist()
        x1, y1 = np.ceil(np.minimum(area[2:], (width, height))).astype(int).tolist()
        part = luma[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)]
        sides = box[2:] - box[:2]
        for known in (self._looks[0], *self._looks[1:][-3:]):
            if (known.shown < _ROUND).any():
                continue  # a part of it was outside the picture
            for scale in SCALES:
                zoom = SIDE / (sides * scale)
                shape = np.round(np.array(part.shape[::-1]) * zoom).astype(int)
                if (shape < SIDE).any():
                    continue
                small = cv2.resize(part, shape.tolist(), interpolation=cv2.INTER_AREA)
                match = cv2.matchTemplate(
                    small.astype(np.float32), known.pixels, cv2.TM_CCOEFF_NORMED, mask=_ROUND
                )
                match = np.where(np.isfinite(match), match, -1.0)
                for _ in range(2):
                    _, value, _, (column, row) = cv2.minMaxLoc(match)
                    corner = np.array([x0, y0]) + np.array([column, row]) / zoom
                    yield np.concatenate([corner, corner + sides * scale]), float(value)
                    rows, columns = (slice(max(0, at - HALF), at + HALF) for at in (row, column))
                    match[rows, columns] = -1.0


def flow(before: Luma, after: Luma, box: Floats, guess: Floats) -> Moved | None:
    """The place of a box in the next frame, or None if its points do not move together.

    Args:
        guess: (2,) pixels by which it may have moved.
    """
    size, middle, half = float(sizes(box)), centers(box), (box[2:] - box[:2]) / 2
    steps = np.linspace(-INNER, INNER, GRID)
    points = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    points = points[np.linalg.norm(points, axis=1) <= INNER] * half + middle
    height, width = after.shape
    points = points[((points >= 0) & (points < (width, height))).all(axis=1)]
    room = REACH * size + np.abs(guess)
    x0, y0 = np.maximum(box[:2] - room, 0).astype(int).tolist()
    x1, y1 = np.minimum(box[2:] + room, (width, height)).astype(int).tolist()
    if len(points) < GRID or min(x1 - x0, y1 - y0) < 8:
        return None
    one, two = before[y0:y1, x0:x1], after[y0:y1, x0:x1]
    begun = (points - (x0, y0)).astype(np.float32)
    window = int(min(21, max(7, size / 3)))
    there, ahead = _lucas_kanade(one, two, begun, guess, window)
    back, again = _lucas_kanade(two, one, there, -guess, window)
    wrong = np.linalg.norm(back - begun, axis=1)
    good = ahead & again & (wrong <= max(0.5, RETURN * size))
    least = max(5.0, FOLLOWED * len(points))
    turn, together = _turn(begun[good], there[good], size)
    others = begun[good][~together], there[good][~together]
    second, more = _turn(*others, size)
    alone = second is None or more.sum() < max(4, OTHER * len(points))
    middle = middle - np.array([x0, y0])
    if turn is not None and second is not None and not alone:
        # The thing goes on as it did; what moves otherwise has come before it.
        expected = middle + guess
        one_off, two_off = (
            np.linalg.norm(_turned(middle, one) - expected) for one in (turn, second)
        )
        if two_off < one_off:
            turn, together = second, more
    if turn is None or together.sum() < (least if alone else least / 2):
        return None
    center = _turned(middle, turn) + np.array([x0, y0])
    half = half * np.clip(np.hypot(turn[0, 0], turn[1, 0]), 1 - SWELL, 1 + SWELL)
    share = float(together.sum()) / len(points)
    return Moved(np.concatenate([center - half, center + half]), share, alone)


def _turn(
    begun: NDArray[np.float32], there: NDArray[np.float32], size: float
) -> tuple[Floats | None, NDArray[np.bool_]]:
    """The (2, 3) matrix by which most points move together, and those that do."""
    none = np.zeros(len(begun), np.bool_)
    if len(begun) < 4:
        return None, none
    turn, together = cv2.estimateAffinePartial2D(
        begun, there, ransacReprojThreshold=max(0.7, TOGETHER * size)
    )
    return (None, none) if turn is None else (np.asarray(turn, np.float64), together.ravel() > 0)


def _turned(point: Floats, turn: Floats) -> Floats:
    return np.asarray(turn @ np.append(point, 1.0))


def _lucas_kanade(
    one: Luma, two: Luma, points: NDArray[np.float32], guess: Floats, window: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        one,
        two,
        points,
        (points + guess).astype(np.float32),
        winSize=(window, window),
        maxLevel=3,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return np.asarray(there, np.float32), found.ravel() > 0


def _look(luma: Luma, box: Floats) -> _Look:
    """The box at a fixed size, and what of it is inside the picture."""
    scale = (box[2:] - box[:2]) / SIDE
    turn: Any = np.array([[scale[0], 0, box[0]], [0, scale[1], box[1]]], np.float64)
    x0, y0 = np.floor(np.clip(box[:2] - 2, 0, None)).astype(int).tolist()
    x1, y1 = np.ceil(np.clip(box[2:] + 2, 0, luma.shape[::-1])).astype(int).tolist()
    part = luma[y0:y1, x0:x1]
    if not part.size:
        nothing = np.zeros((SIDE, SIDE), np.float32)
        return _Look(nothing, nothing)
    blur = max(scale) / 2
    if blur > 0.6:
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), float(blur)), np.uint8)
    turn[:, 2] -= (x0, y0)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    pixels = cv2.warpAffine(part, turn, (SIDE, SIDE), flags=flags)
    shown = cv2.warpAffine(np.ones_like(part), turn, (SIDE, SIDE), flags=flags)
    return _Look(pixels.astype(np.float32), shown.astype(np.float32) * _ROUND)


def _correlation(a: _Look, b: _Look) -> float:
    """Normalized, of what both show."""
    both = (a.shown * b.shown) > 0
    if both.mean() < _ROUND.mean() * SHOWN:
        return 0.0
    one, two = a.pixels[both], b.pixels[both]
    one, two = one - one.mean(), two - two.mean()
    energy = float(np.sqrt((one @ one) * (two @ two)))
    return float(one @ two) / energy if energy > 0 else 0.0
