"""The views of a picture with transparency: its plain colours, and the picture on any ground; and
those of heads that lie.

A face can be drawn in the opacity alone (ink of one colour), in the colours alone, or in both, so
that it shows on one ground and not on another. White and black are the extremes: a face that shows
on any ground shows on one of them, perhaps faintly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.faces import Faces, around, pairwise_iou
from faceveil.frames import Frame, Image

WHITE, BLACK = 255, 0
SAME_FACE_IOU = 0.4
# Quarters by which a picture is turned so that a head in it comes upright. Of 57 faces of 28 px and
# more in photos that stood on their heads, 16 were found without a turn and 12 by one of a quarter.
TURNS = (1, 2, 3)
# Opacities that differ by no more than this, as those of lossy formats do, show nothing.
UNIFORM = 3
# A face drawn with opacities this near to 0 or to full is too faint for a detector on every ground,
# but not for a person. Fewer pixels across than SOFT are the smooth edge of a shape.
FAINT, SOFT = 32, 5
# Contrast is raised in each part of the picture by itself, because otherwise a clear part would
# hide faint parts elsewhere: Zuiderveld, Contrast Limited Adaptive Histogram Equalization, 1994.
CONTRAST, PARTS = 10.0, (8, 8)


def views(frame: Frame) -> Iterator[Frame]:
    """The views of a frame: the frame itself first, and alone if its opacity shows nothing."""
    yield frame
    alpha = frame.alpha
    if alpha is None or int(alpha.max()) - int(alpha.min()) <= UNIFORM:
        return
    faint = _is_faint(alpha)
    for ground in (WHITE, BLACK):
        view = frame.on(ground)
        # Colour under opacity 0 is black already, so many pictures look the same on black.
        if not np.array_equal(view.image, frame.image):
            yield view
        if faint:
            yield Frame(frame.index, _raised(view.image), pts=frame.pts)


def union(looks: Sequence[Faces]) -> Faces:
    """The faces of several views of one picture, each once, in a box around all its detections."""
    if len(looks) == 1:
        return looks[0]
    faces = Faces.concatenate(looks)
    faces = faces[np.argsort(-faces.scores, kind="stable")]
    # Unlike `Faces.merged`, each is compared with what the better ones have grown to: what shows on
    # one ground is often another part of the same head.
    hulls, kept = faces.boxes.copy(), list[int]()
    for number, box in enumerate(faces.boxes):
        same = pairwise_iou(box[None], hulls[kept])[0] > SAME_FACE_IOU
        if same.any():
            first = kept[int(same.argmax())]
            hulls[first] = around(hulls[[first]], box)
        else:
            kept.append(number)
    return Faces(hulls, faces.scores, faces.landmarks)[kept]


def turned_back(faces: Faces, quarters: int, width: int, height: int) -> Faces:
    """The faces of a turned picture in the picture itself.

    They have no landmarks, whose roll would be of the turned picture.

    Args:
        quarters: by which it was turned, as by `numpy.rot90`.
        width, height: of the picture itself.
    """
    x0, y0, x1, y1 = faces.boxes.T
    sides = {
        0: (x0, y0, x1, y1),
        1: (width - y1, x0, width - y0, x1),
        2: (width - x1, height - y1, width - x0, height - y0),
        3: (y0, height - x1, y1, height - x0),
    }[quarters]
    return Faces(np.stack(sides, axis=1), faces.scores, np.full_like(faces.landmarks, np.nan))


def _is_faint(alpha: NDArray[np.uint8]) -> bool:
    faint = ((alpha > 0) & (alpha < FAINT)) | ((alpha < 255) & (alpha > 255 - FAINT))
    return bool(cv2.erode(faint.astype(np.uint8), np.ones((SOFT, SOFT), np.uint8)).any())


def _raised(image: Image) -> Image:
    luma, red, blue = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb))
    luma = cv2.createCLAHE(CONTRAST, PARTS).apply(luma)
    return np.asarray(cv2.cvtColor(cv2.merge([luma, red, blue]), cv2.COLOR_YCrCb2BGR), np.uint8)
