"""Look at a picture several times: at several scales, in tiles, with a border, on two grounds.

This wraps any detector. A detector sees faces of a certain range of sizes on its input, so it gets
the picture at as many scales as the requested range needs. Faces seen in more than one pass are
more likely to be real, so the passes vote. The ideas are those of image pyramids (Viola and Jones
2001) and sliced inference (SAHI, Akyon et al. 2022); the constants are measured with
benchmarks/coverage.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from faceveil.detect.levels import extremes, lit
from faceveil.detect.protocols import SinglePass
from faceveil.detect.views import (
    SAME_FACE_IOU,
    TURNS,
    Stretched,
    all_over,
    in_both_shapes,
    turned_back,
    turned_by,
    union,
)
from faceveil.detect.votes import Groups
from faceveil.faces import Faces, Floats, Mask, around, corners, nearest, sizes
from faceveil.frames import Frame, Image, croppable
from faceveil.geometry import Box
from faceveil.system.stages import several

# The last pass shows the whole picture this small, inside a border, because a detector trained on
# whole heads misses a face that is cut off by the edge or fills the picture.
BORDERED_SIDE = 160
BORDER = 0.3
GREY = (114, 114, 114)
# The longest side of what the network sees at once; larger inputs are tiled, for memory's sake.
TILE = 1088
# A box this near to the seam of a tile is cut off by it; the neighbour shows that face whole.
SEAM = 2.0
# This share of the required score is enough to confirm the result of another pass.
CONFIRMS = 0.75
# Lying heads are looked for in a picture reduced by this factor, because most faces are upright.
HALF = 2
# A face at the border of a part is shown with so much around it, in units of its size.
CONTEXT = 1.0
# Members of a group at least this confident, relative to its best, widen the box: suppression
# alone would let a small confident box push out the one that covers the face.
WIDEN = 0.65
# Large false boxes cost more of the picture, so they have to be this much more certain; large
# means this many times the smallest face looked for.
LARGE = 4.0


@dataclass(frozen=True, slots=True)
class Effort:
    """The effort of a search.

    Attributes:
        ladder: scales of the passes, as shares of the finest one; halved on from the last.
        dark: the same where the dark prevails.
        soft: standard deviation in pixels of a blur where the dark is deep, or 0.
        again: scales for checking: between those above, and cheap.
        side: longest side, in pixels of the finest pass, that an unset ``min_face`` may ask for.
        coarsest: smallest face, in pixels, that an unset ``min_face`` may ask for.
    """

    ladder: tuple[float, ...]
    dark: tuple[float, ...]
    soft: float
    again: tuple[float, ...]
    side: int
    coarsest: float


FINE = (1.0, 0.75, 0.5, 0.25)
STILL = Effort(FINE, FINE, 0.0, (0.6, 0.18), 4096, 0.0)
# A face in a video can be seen many times, and a weak hit counts if it continues a track. In the
# dark a codec leaves little of a face but blocks: of the faces of 20 px and more in composed dark
# videos, 74 % were found at two scales, 89 % at four, and 94 % if softened as well.
VIDEO = Effort((1.0, 0.3), FINE, 1.2, (0.55, 0.16), 1152, 12.0)


@dataclass(frozen=True, slots=True)
class _Pass:
    scale: float
    border: float
    smallest: float
    largest: float


@dataclass(frozen=True, slots=True, eq=False)
class _Tile:
    """A part of a scaled picture.

    Attributes:
        number: of the pass.
        x, y: where the part lies in the scaled picture with its border.
        whole: width and height of that picture.
        margin: width of the border.
        back: pixels of the frame for one of these.
    """

    number: int
    x: int
    y: int
    image: Image
    whole: tuple[int, int]
    margin: int
    back: float


class Scaled:
    """A detector at several scales. Implements the ``Detector`` protocol.

    Args:
        inner: the detector that looks at each scaled picture.
        min_face: size in pixels of the smallest face to look for; None chooses by picture size.
        effort: how hard to look.
        least: what is chosen by picture size is no smaller than this.
        workers: so many tiles are shown to the detector at the same time; makes no difference to
            the result.
    """

    def __init__(
        self,
        inner: SinglePass,
        min_face: float | None = None,
        effort: Effort = STILL,
        least: float = 0.0,
        workers: int = 1,
    ) -> None:
        self.inner = inner
        self._workers = workers
        self._effort = effort
        self._least = least
        self._min_face = min_face
        self.weights_sha256 = inner.weights_sha256
        self.thresholds = inner.thresholds

    @property
    def name(self) -> str:
        return self.inner.name

    def smallest_face(self, width: int, height: int) -> float:
        """Size in pixels of the smallest face found in a picture of this size."""
        if self._min_face is not None:
            return self._min_face
        inner, effort = self.inner, self._effort
        by_size = inner.min_size * max(width, height) / effort.side
        return max(inner.default_min_face, effort.coarsest, by_size, self._least)

    def detect(self, frame: Frame, floor: float) -> Faces:
        return self._look(frame, frame.size, floor)

    def detect_in(self, frame: Frame, box: Box, floor: float) -> Faces:
        """As ``detect``, in a part of the frame, which the network sees at the same scales.

        A face that is cut off by the border of the part is looked at again with its surroundings.
        """
        size = width, height = frame.size
        part = croppable(box, size)
        faces = self._look(frame.crop(part), size, floor).transformed(1.0, part.x0, part.y0)
        cut = faces.boxes[_at_seam(faces.boxes, part.as_tuple(), size)]
        if not len(cut):
            return faces
        room = CONTEXT * (cut[:, 2:] - cut[:, :2])
        wanted = around(cut + np.hstack([-room, room]), corners([box])[0])
        inside = Box(*wanted.tolist()).clipped(width, height)
        return faces if inside is None else self.detect_in(frame, inside, floor)

    def _look(self, frame: Frame, size: tuple[int, int], floor: float) -> Faces:
        """Look at a part of a picture of this size, and at its views on any ground."""

        def look(view: Frame) -> Faces:
            whole = view.of_whole(size) if isinstance(view, Stretched) else size
            return self._detect(view, whole, floor)

        return union(all_over(frame, look))

    def _detect(self, frame: Frame, size: tuple[int, int], floor: float) -> Faces:
        faces = self.groups(frame, CONFIRMS * floor, size).voted(LARGE * self.smallest_face(*size))
        return faces[faces.scores >= floor]

    def groups(self, frame: Frame, floor: float, size: tuple[int, int] | None = None) -> Groups:
        """The finds of the passes, each face once, before they vote.

        Args:
            floor: the least score of a find.
            size: of the picture, if the frame is a part of it.
        """
        some = extremes(frame)
        dark = some.dark if some else None
        steps = list(self._passes(*(size or frame.size), dark is not None and dark.prevails))
        shown = some.lit(frame, steps[0].scale, self._effort.soft) if some else frame
        return _grouped(steps, self._run(shown, frame.size, steps, floor))

    def detect_rotated(self, frame: Frame, floor: float) -> Faces:
        """The faces of heads that lie on either side or are upside down, from twice the smallest
        size on."""
        look = partial(self._turned, floor)
        return Faces.concatenate(in_both_shapes(frame, frame.aspect, look))

    def _turned(self, floor: float, frame: Frame) -> Faces:
        width, height = frame.size
        image = lit(frame, 1 / HALF).at_size(max(1, width // HALF), max(1, height // HALF))
        h, w = image.shape[:2]
        found = []
        for quarters in TURNS:
            turned = Frame(frame.index, turned_by(image, quarters))
            faces = self._look(turned, turned.size, floor)
            found.append(turned_back(faces, quarters, w, h).transformed(width / w))
        return Faces.concatenate(found)

    def recheck(self, frame: Frame, floor: float) -> Faces:
        """Quick passes at scales that ``detect`` does not use."""
        return Faces.concatenate(all_over(frame, partial(self._again, floor)))

    def _again(self, floor: float, view: Frame) -> Faces:
        top = self.inner.min_size / self.smallest_face(*view.size)
        steps = [_Pass(top * share, 0.0, 0.0, float("inf")) for share in self._effort.again]
        some = extremes(view)
        shown = some.lit(view, top, self._effort.soft) if some else view
        return Faces.concatenate(self._run(shown, view.size, steps, floor))

    def _passes(self, width: int, height: int, dark: bool) -> Iterator[_Pass]:
        inner, side = self.inner, max(width, height)
        top = inner.min_size / self.smallest_face(width, height)
        ladder = self._effort.dark if dark else self._effort.ladder
        scales = [top * share for share in ladder]
        while scales[-1] * side / 2 > BORDERED_SIDE:
            scales.append(scales[-1] / 2)
        scales = [scale for scale in scales if scale == top or scale * side > BORDERED_SIDE]
        for scale in scales:
            # Each pass contributes the sizes it sees best and leaves the others to the next; coarse
            # passes leave small faces to the fine ones, which are right about them more often.
            coarse = scale <= top / 2
            yield _Pass(
                scale, 0.0, inner.min_size / scale if coarse else 0.0, inner.max_size / scale
            )
        scale = BORDERED_SIDE / (side * (1 + 2 * BORDER))
        yield _Pass(scale, BORDER, inner.min_size / scale / 2, float("inf"))

    def _run(
        self, frame: Frame, size: tuple[int, int], steps: Sequence[_Pass], floor: float
    ) -> list[Faces]:
        """The faces of each pass over a frame, which may be shrunk; boxes in pixels of ``size``."""

        def look(tile: _Tile) -> tuple[int, Faces]:
            found = Faces.of(self.inner.detect([tile.image], floor)[0])
            found = found[~_cut_off(found.boxes, tile, self._overlap)]
            away = (tile.x - tile.margin) * tile.back, (tile.y - tile.margin) * tile.back
            return tile.number, found.transformed(tile.back, *away)

        tiles = (
            tile
            for number, step in enumerate(steps)
            for tile in self._shown(frame, size, step, number)
        )
        looks = map(look, tiles) if self._workers < 2 else several(look, tiles, self._workers)
        parts: list[list[Faces]] = [[] for _ in steps]
        for number, faces in looks:
            parts[number].append(faces)
        whole = map(Faces.concatenate, parts)
        return [
            faces[(step.smallest <= faces.sizes) & (faces.sizes < step.largest)]
            for step, faces in zip(steps, whole, strict=True)
        ]

    def _shown(
        self, frame: Frame, size: tuple[int, int], step: _Pass, number: int
    ) -> Iterator[_Tile]:
        """The parts of the frame that a pass shows to the detector, one after the other."""
        width, height = size
        margin = round(max(height, width) * step.border * step.scale)
        scaled_w, scaled_h = (max(1, round(side * step.scale)) for side in (width, height))
        image = frame.at_size(scaled_w, scaled_h)
        if margin:
            sides = (margin, margin, margin, margin)
            bordered = cv2.copyMakeBorder(image, *sides, cv2.BORDER_CONSTANT, value=GREY)
            image = np.asarray(bordered, np.uint8)
        whole = image.shape[1], image.shape[0]
        for x, y, tile in self._tiles(image):
            yield _Tile(number, x, y, tile, whole, margin, width / scaled_w)

    def _tiles(self, image: Image) -> Iterator[tuple[int, int, Image]]:
        """The picture in overlapping parts no larger than the network may see at once."""
        side, overlap = self._side, self._overlap
        for top, bottom in _spans(image.shape[0], side, overlap):
            for left, right in _spans(image.shape[1], side, overlap):
                yield left, top, np.ascontiguousarray(image[top:bottom, left:right])

    @property
    def _side(self) -> int:
        return self.inner.input_side or TILE

    @property
    def _overlap(self) -> int:
        return min(int(self.inner.max_size * 0.75), self._side // 3)


def _spans(length: int, side: int, overlap: int) -> list[tuple[int, int]]:
    """Fewest equal parts of at most ``side``, of which neighbours share at least ``overlap``."""
    if length <= side:
        return [(0, length)]
    count = -(-(length - overlap) // (side - overlap))
    part = -(-(length + (count - 1) * overlap) // count)
    starts = [round(i * (length - part) / (count - 1)) for i in range(count)]
    return [(start, start + part) for start in starts]


def _cut_off(boxes: Floats, tile: _Tile, overlap: int) -> Mask:
    """The faces that reach a seam and are small enough for the next tile to show them whole."""
    (height, width), x, y = tile.image.shape[:2], tile.x, tile.y
    part = (x, y, x + width, y + height)
    small: Mask = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0) < overlap - 2 * SEAM
    return small & _at_seam(boxes + np.array([x, y, x, y]), part, tile.whole)


def _at_seam(boxes: Floats, part: tuple[float, float, float, float], size: tuple[int, int]) -> Mask:
    """The faces in a part of a picture that reach a border beyond which the picture continues."""
    low = [side + SEAM if side > 0 else -math.inf for side in part[:2]]
    high = [
        side - SEAM if side < end else math.inf for side, end in zip(part[2:], size, strict=True)
    ]
    beyond: Mask = np.hstack([boxes[:, :2] < low, boxes[:, 2:] > high])
    return np.asarray(beyond.any(axis=1))


def _grouped(steps: Sequence[_Pass], found: Sequence[Faces]) -> Groups:
    faces = Faces.concatenate(found)
    leaders = faces.leaders(SAME_FACE_IOU)
    tight, scores = faces.boxes[leaders], faces.scores
    boxes, extents, second = tight.copy(), sizes(tight), np.zeros(len(leaders))
    if len(leaders):
        number = np.repeat(np.arange(len(found)), [len(part) for part in found])
        owner, shared = nearest(boxes, faces.boxes)
        owner[shared <= SAME_FACE_IOU] = -1
        member = owner >= 0
        best = np.zeros((len(leaders), len(steps)))
        np.maximum.at(best, (owner[member], number[member]), scores[member])
        second = np.sort(best, axis=1)[:, -2]
        wide = member & (scores >= WIDEN * scores[leaders][owner])
        for side, extreme in enumerate((np.minimum, np.minimum, np.maximum, np.maximum)):
            extreme.at(boxes[:, side], owner[wide], faces.boxes[wide, side])
    able = np.array([(step.smallest <= extents) & (extents < step.largest) for step in steps])
    return Groups(
        Faces(boxes, scores[leaders], faces.landmarks[leaders]),
        second,
        able.sum(axis=0) < 2,
        tight,
    )
