"""Show places of a picture to a network, each at one size: cut out with some surroundings."""

from __future__ import annotations

import math

import cv2
import numpy as np

from faceveil.detect.protocols import SinglePass
from faceveil.detect.scaled import GREY
from faceveil.faces import Faces, Floats, Mask, centers, sizes
from faceveil.frames import Image

SIDE = 96
"""Width and height of a crop, in pixels."""
BATCH = 32
"""So many crops are in memory at the same time."""
NEAR, LEAST, MOST = 0.4, 0.4, 2.2
"""A find of the network is the same face if it is centered within so many sizes, and is between so
many times as large."""
FLOOR = 0.02


def ask(other: SinglePass, image: Image, boxes: Floats, shown: float) -> tuple[Floats, Floats]:
    """The scores of a network for places of a picture.

    Args:
        boxes: (n, 4) the faces that may be there, in pixels of the picture.
        shown: size at which each is shown, in pixels.

    Returns:
        (n,) scores, 0 where it sees no face, and (n, 4) the boxes that it sees.
    """
    scores, found = np.zeros(len(boxes)), boxes.copy()
    extents = np.maximum(sizes(boxes), 1.0)
    for start in range(0, len(boxes), BATCH):
        places = range(start, min(start + BATCH, len(boxes)))
        crops = [_crop(image, boxes[place], shown / extents[place]) for place in places]
        seen = other.detect([crop for crop, _ in crops], FLOOR)
        for place, (_, (x0, y0, kx, ky)), some in zip(places, crops, seen, strict=True):
            faces = Faces.of(some)
            same = np.flatnonzero(are_shown(faces, (SIDE / 2, SIDE / 2), shown))
            if len(same):
                best = same[faces.scores[same].argmax()]
                scores[place] = faces.scores[best]
                found[place] = faces.boxes[best] * [kx, ky, kx, ky] + [x0, y0, x0, y0]
    return scores, found


def are_shown(faces: Faces, middle: tuple[float, float], size: float) -> Mask:
    """(n,) the finds that are the face which is shown here, at this size."""
    off = np.abs(centers(faces.boxes) - middle).max(axis=1, initial=0.0)
    ratio = faces.sizes / size
    return np.asarray((off < NEAR * size) & (ratio > LEAST) & (ratio < MOST))


def _crop(
    image: Image, box: Floats, scale: float
) -> tuple[Image, tuple[float, float, float, float]]:
    """A square around a box at some scale, grey beyond the picture; its corner, and pixels of the
    picture for one of the square's.
    """
    height, width = image.shape[:2]
    x, y = centers(box).tolist()
    reach = SIDE / scale / 2
    x0, y0 = math.floor(x - reach), math.floor(y - reach)
    x1, y1 = math.ceil(x + reach), math.ceil(y + reach)
    part = image[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)]
    beyond = max(0, -y0), max(0, y1 - height), max(0, -x0), max(0, x1 - width)
    if not part.size:
        part = np.full((1, 1, 3), GREY, np.uint8)
    elif any(beyond):
        framed = cv2.copyMakeBorder(part, *beyond, cv2.BORDER_CONSTANT, value=GREY)
        part = np.asarray(framed, np.uint8)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    crop = np.asarray(cv2.resize(part, (SIDE, SIDE), interpolation=method), np.uint8)
    return crop, (x0, y0, (x1 - x0) / SIDE, (y1 - y0) / SIDE)
