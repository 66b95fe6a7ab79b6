"""Faces cut out and turned upright, as the face network knows them."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceveil.frames import Image
from faceveil.people.network import SIDE

_PADDING: Final = 0.25
"""Space on each side of the mean face, as a share of its width."""

# Of dlib's mean face: centers of the right and left eye, tip of the nose, corners of the mouth.
_MEAN = np.array(
    [
        (0.225492, 0.215990),
        (0.754762, 0.215990),
        (0.490127, 0.515625),
        (0.254149, 0.780233),
        (0.726104, 0.780233),
    ]
)
_PLACES = (_MEAN + _PADDING) / (1 + 2 * _PADDING) * SIDE


def aligned(image: Image, landmarks: ArrayLike) -> Image:
    """A face turned and scaled to where the network expects its eyes, nose and mouth.

    Args:
        image: (H, W, 3) BGR.
        landmarks: (5, 2) as in `Face.landmarks`.

    Returns:
        (150, 150, 3) BGR.
    """
    matrix = similarity(np.asarray(landmarks, np.float64), _PLACES)
    scale = float(np.hypot(*matrix[:, 0]))
    if scale < 0.5:  # by area first: a warp alone would skip pixels
        height, width = image.shape[:2]
        x0, y0, x1, y1 = _shown(matrix, width, height)
        part = image[y0:y1, x0:x1]
        size = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
        shrink = np.array([(x1 - x0) / size[0], (y1 - y0) / size[1]])
        image = cv2.resize(part, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        shift = matrix[:, :2] @ (np.array([x0, y0]) + shrink / 2 - 0.5) + matrix[:, 2]
        matrix = np.column_stack([matrix[:, :2] * shrink, shift])
    chip: Image = cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)  # type: ignore[assignment]
    return chip


def similarity(points: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3) turn, scale and shift that take (n, 2) points closest to others, by least squares."""
    here, there = (one[:, 0] + 1j * one[:, 1] for one in (points, places))
    middle, target = here.mean(), there.mean()
    spread = float((np.abs(here - middle) ** 2).sum())
    turn = ((here - middle).conj() * (there - target)).sum() / max(spread, 1e-9)
    shift = target - turn * middle
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def _shown(matrix: NDArray[np.float64], width: int, height: int) -> tuple[int, int, int, int]:
    """The part of a picture that can be seen in the chip, a pixel or two more."""
    back = cv2.invertAffineTransform(matrix)
    corners = np.array([(0, 0, 1), (SIDE, 0, 1), (0, SIDE, 1), (SIDE, SIDE, 1)]) @ back.T
    spare = 2 / max(float(np.hypot(*matrix[:, 0])), 1e-9)
    low, high = corners.min(axis=0) - spare, corners.max(axis=0) + spare
    x0, y0 = (
        int(np.clip(value, 0, side - 1)) for value, side in zip(low, (width, height), strict=True)
    )
    x1, y1 = (
        int(np.clip(value + 1, least + 1, side))
        for value, least, side in zip(high, (x0, y0), (width, height), strict=True)
    )
    return x0, y0, x1, y1
