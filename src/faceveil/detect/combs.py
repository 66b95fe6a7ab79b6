"""The two fields of a frame that was not taken at once.

Interlaced cameras take the even rows of a frame and the odd ones in turn. Where something moves
fast, the frame shows a comb of two pictures, in which no detector finds a face.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Frame, Image, Planes

TEETH = 10
"""Levels of 255 by which a row differs from both of its neighbours where two pictures meet."""
CELL, STEP = 8, 4
"""Pixels along the cells in which teeth are counted; of so many columns one is looked at."""
MARKED, UNMARKED = 0.4, 0.8
"""The share of a cell's samples from which it is combed, if the file says that the film has fields,
and if it does not.

In composed films a face of 27 px and more that moves by 0.2 of its width or more from field to
field gives 0.89, one of 18 px 0.75. In 18 of 19 other films the share is at most 0.79; one, a test
pattern, has fine stripes, which cost time.
"""
STEADY, AROUND, MOST = 1.4, 3, 4.0
"""The factor by which even rows of a cell must differ from odd ones, up or down alike in each
column, more than pixels beside each other do in so many cells around; and that by which a single
row counts at most, or an edge would be enough.

Noise differs along the rows as across, and in no order. Only films with fields need this: it takes
a sigma of more than 12 to make the teeth that others need. Of 960 composed frames, a face of 18 to
72 px in front of photos that moves by 0.1 to 1.5 of its width, with fields, H.264 and noise of
sigma 0, 5, 12 and 20, all but 4 of the last count as combs, as all did without; of 12 frames in
which nothing moves, with noise of sigma 12, 5 do instead of 12, and 4 do without noise.
"""


def fields(frame: Frame) -> Iterator[Frame]:
    """Both fields of a video's frame, each as a picture of the frame's size, if it is a comb
    somewhere; nothing if not."""
    planes = frame.peek()
    if planes is None or not is_combed(planes):
        return
    for first in (0, 1):
        image = _field(frame.image, first, across=planes.fields[0] > 1)
        yield Frame(frame.index, image, pts=frame.pts, aspect=frame.aspect)


def is_combed(planes: Planes) -> bool:
    """Whether rows show two pictures in turn somewhere, whatever the file says of them."""
    luma = planes.y.T if planes.fields[0] > 1 else planes.y
    if min(luma.shape) < CELL:
        return False
    shares = _teeth(_in_bytes(np.ascontiguousarray(luma[:, ::STEP]), planes.depth))
    if max(planes.fields) == 1:
        return float(shares.max()) > 255 * UNMARKED
    found = shares > 255 * MARKED
    return bool(found.any()) and _is_steady(_in_bytes(luma, planes.depth), found)


def _in_bytes(luma: NDArray[Any], depth: int) -> NDArray[Any]:
    return luma if depth <= 8 else cv2.convertScaleAbs(luma, alpha=0.5 ** (depth - 8))


def _teeth(luma: NDArray[Any]) -> NDArray[Any]:
    """255 times the share of teeth in each cell."""
    before, here, after = luma[:-2], luma[1:-1], luma[2:]
    above = cv2.subtract(here, cv2.max(before, after))
    teeth = cv2.max(above, cv2.subtract(cv2.min(before, after), here))
    marked = cv2.threshold(teeth, TEETH, 255, cv2.THRESH_BINARY)[1]
    rows, columns = marked.shape
    cells = max(1, columns * STEP // CELL), max(1, rows // CELL)
    return cv2.resize(marked, cells, interpolation=cv2.INTER_AREA)


def _is_steady(luma: NDArray[Any], found: NDArray[np.bool_]) -> bool:
    """Whether in one of the cells found even rows differ from odd ones as two pictures do, and not
    as noise does."""
    luma = np.asarray(luma, np.float32)
    cells = found.shape[::-1]
    along = np.abs(cv2.filter2D(luma, -1, np.array([[-0.5, 1, -0.5]])))[1:-1]
    beside = cv2.resize(along, cells, interpolation=cv2.INTER_AREA)
    beside = cv2.blur(beside, (AROUND, AROUND)) + 1
    across = cv2.filter2D(luma, -1, np.array([[-0.5], [1], [-0.5]]))[1:-1]
    across[1::2] *= -1  # or it would cancel out
    most = cv2.resize(MOST * beside, along.shape[::-1], interpolation=cv2.INTER_NEAREST)
    across = np.clip(across, -most, most)
    columns = cv2.resize(across, (luma.shape[1], cells[1]), interpolation=cv2.INTER_AREA)
    apart = cv2.resize(np.abs(columns), cells, interpolation=cv2.INTER_AREA)
    return bool((found & (apart > STEADY * beside)).any())


def _field(image: Image, first: int, *, across: bool) -> Image:
    """Every second row from the first one on, or column, stretched over the picture."""
    height, width = image.shape[:2]
    part = image[:, first::2] if across else image[first::2]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
