"""The views of a picture with transparency: its plain colours, and the picture on any ground; those
of heads that lie; both fields of a frame; and a picture whose pixels are not square as it is shown.

A face can be drawn in the opacity alone (ink of one colour), in the colours alone, or in both, so
that it shows on one ground and not on another. White and black are the extremes: a face that shows
on any ground shows on one of them, perhaps faintly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.detect.combs import fields
from faceveil.faces import Faces, around, pairwise_iou
from faceveil.frames import Frame, Image
from faceveil.media.pictures.large import Shrinking, is_large

WHITE, BLACK = 255, 0
SAME_FACE_IOU = 0.4
# Quarters by which a picture is turned so that a head in it comes upright. Of 57 faces of 28 px and
# more in photos that stood on their heads, 16 were found without a turn and 12 by one of a quarter.
TURNS = (1, 2, 3)
_TURN = {
    1: cv2.ROTATE_90_COUNTERCLOCKWISE,
    2: cv2.ROTATE_180,
    3: cv2.ROTATE_90_CLOCKWISE,
}
# Opacities that differ by no more than this, as those of lossy formats do, show nothing.
UNIFORM = 3
# A face drawn with opacities this near to 0 or to full is too faint for a detector on every ground,
# but not for a person. Fewer pixels across than SOFT are the smooth edge of a shape.
FAINT, SOFT = 32, 5
# Contrast is raised in each part of the picture by itself, because otherwise a clear part would
# hide faint parts elsewhere: Zuiderveld, Contrast Limited Adaptive Histogram Equalization, 1994.
CONTRAST, PARTS = 10.0, (8, 8)
# Pixels may be so many times as wide as high, or as high as wide, before YuNet sees less than if
# they were made square. Of labelled faces in pictures squeezed by 1.5, 2, 2.5 and 3.3 it finds 86,
# 71, 61 and 6 of 100, and 85, 80, 74 and 73 if they are stretched again.
OBLONG = 1.6
# A shape that no camera has, passed over as players pass it over, or a frame would fill the memory.
MOST_OBLONG = 8.0


def views(frame: Frame) -> Iterator[Frame]:
    """The views of a frame: the frame itself first, and alone if it is no comb of two pictures and
    its opacity shows nothing."""
    yield frame
    yield from fields(frame)
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


class Stretched(Frame):
    """A frame whose pixels are made square, for looking only; no side is shorter than before.

    A frame so large that every copy counts keeps the number of its pixels: one side is shorter.

    Args:
        aspect: width of a pixel by its height.

    Attributes:
        across, down: pixels for one of the frame's.
    """

    __slots__ = ("_given", "across", "down")

    def __init__(self, frame: Frame, aspect: float) -> None:
        self._given = frame
        self.across, self.down = max(1.0, aspect), max(1.0, 1 / aspect)
        if is_large(*frame.size):
            self.across, self.down = math.sqrt(aspect), math.sqrt(1 / aspect)
        super().__init__(frame.index, lambda: self.at_size(*self.size), pts=frame.pts)

    @property
    def size(self) -> tuple[int, int]:
        return self.of_whole(self._given.size)

    def of_whole(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size of a stretched picture of which the frame may be a part."""
        return round(size[0] * self.across), round(size[1] * self.down)

    def at_size(self, width: int, height: int) -> Image:
        columns, rows = self._given.size
        # One side may become shorter and the other longer, for which no filter is made.
        less = min(width, columns), min(height, rows)
        given = self._given
        image = given.at_least(*less) if isinstance(given, Shrinking) else given.image
        shrunk = cv2.resize(image, less, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(shrunk, (width, height)), np.uint8)

    def no_finer(self, scale: float) -> Frame:
        """The view at this scale, where a copy of all of it counts; at most as it is."""
        width, height = self.size
        if scale >= 1 or not is_large(width, height):
            return self
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return Frame(self.index, self.at_size(*size), pts=self.pts)

    @property
    def shares(self) -> NDArray[np.float64]:
        """(2,) pixels, across and down, for one of the frame's."""
        return np.array([self.across, self.down])

    def given_back(self, faces: Faces) -> Faces:
        """Faces of this view in the pixels of the frame."""
        boxes = faces.boxes / np.tile(self.shares, 2)
        return Faces(boxes, faces.scores, faces.landmarks / self.shares)


def all_over(frame: Frame, look: Callable[[Frame], Faces]) -> list[Faces]:
    """The faces of each view, and of each as it is shown if the pixels are far from square.

    Even then a frame is looked at as it is stored, too, because the file may be wrong.

    Args:
        look: finds the faces of a view.
    """
    return [faces for view in views(frame) for faces in in_both_shapes(view, frame.aspect, look)]


def in_both_shapes(view: Frame, aspect: float, look: Callable[[Frame], Faces]) -> Iterator[Faces]:
    """The faces of a view as it is stored, and as it is shown if its pixels are far from square.

    Args:
        aspect: width of a pixel by its height.
        look: finds the faces of a view.
    """
    yield look(view)
    if _is_far_from_square(aspect):
        square = Stretched(view, aspect)
        yield square.given_back(look(square))


def is_oblong(frame: Frame) -> bool:
    """Whether the pixels are so far from square that a face looks like none."""
    return _is_far_from_square(frame.aspect)


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


def turned_by(image: Image, quarters: int) -> Image:
    """A picture turned by 1 to 3 quarters, as by `numpy.rot90`, whose copies take ten times as
    long."""
    return np.asarray(cv2.rotate(image, _TURN[quarters]), np.uint8)


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


def _is_far_from_square(aspect: float) -> bool:
    return OBLONG <= max(aspect, 1 / aspect) <= MOST_OBLONG


def _is_faint(alpha: NDArray[np.uint8]) -> bool:
    faint = ((alpha > 0) & (alpha < FAINT)) | ((alpha < 255) & (alpha > 255 - FAINT))
    return bool(cv2.erode(faint.astype(np.uint8), np.ones((SOFT, SOFT), np.uint8)).any())


def _raised(image: Image) -> Image:
    luma, red, blue = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb))
    luma = cv2.createCLAHE(CONTRAST, PARTS).apply(luma)
    return np.asarray(cv2.cvtColor(cv2.merge([luma, red, blue]), cv2.COLOR_YCrCb2BGR), np.uint8)
