"""The two fields of a frame that was not taken at once.

Interlaced cameras take the even rows of a frame and the odd ones in turn. Where something moves
fast, the frame shows a comb of two pictures, in which no detector finds a face.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

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
    luma = np.ascontiguousarray(luma[:, ::STEP])
    if planes.depth > 8:
        luma = cv2.convertScaleAbs(luma, alpha=0.5 ** (planes.depth - 8))
    before, here, after = luma[:-2], luma[1:-1], luma[2:]
    above = cv2.subtract(here, cv2.max(before, after))
    teeth = cv2.max(above, cv2.subtract(cv2.min(before, after), here))
    marked = cv2.threshold(teeth, TEETH, 255, cv2.THRESH_BINARY)[1]
    rows, columns = marked.shape
    cells = max(1, columns * STEP // CELL), max(1, rows // CELL)
    shares = cv2.resize(marked, cells, interpolation=cv2.INTER_AREA)
    limit = MARKED if max(planes.fields) > 1 else UNMARKED
    return float(shares.max()) > 255 * limit


def _field(image: Image, first: int, *, across: bool) -> Image:
    """Every second row from the first one on, or column, stretched over the picture."""
    height, width = image.shape[:2]
    part = image[:, first::2] if across else image[first::2]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
