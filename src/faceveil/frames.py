"""A picture on its way through the stages, and the planes a video's picture is decoded into."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceveil.geometry import Box

Image = NDArray[np.uint8]
"""(H, W, 3) uint8, BGR, C-contiguous."""

LUMA: Final = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
"""Shares of red and blue in luma, the rest is green: ITU-R BT.601-7, BT.709-6, BT.2020-2."""


@dataclass(frozen=True, slots=True)
class Planes:
    """The decoded planes of a video frame, painted in place.

    Attributes:
        y, u, v: 2-D arrays, uint8 (depth 8) or uint16 (deeper, value in the low bits). ``u`` and
            ``v`` are smaller by ``chroma``.
        chroma: (horizontal, vertical) subsampling: (2, 2) for 4:2:0, (1, 1) for 4:4:4.
        depth: bits per sample.
        full_range: luma uses all values, not 16 to 235 (times a power of two).
        matrix: one of ``LUMA``.
        fields: (horizontal, vertical): 2 where columns or rows belong to two fields in turn.
    """

    y: NDArray[Any]
    u: NDArray[Any]
    v: NDArray[Any]
    chroma: tuple[int, int] = (2, 2)
    depth: int = 8
    full_range: bool = False
    matrix: str = "bt601"
    fields: tuple[int, int] = (1, 1)


class Span(NamedTuple):
    """Frames in a row that go from a source into an output as they are coded.

    Attributes:
        frames: their indices.
        first, last: times of the first, which is coded first as well, and of the last.
        end: time up to which the last is shown, once it is known.
    """

    frames: range
    first: int
    last: int
    end: int = 0


class Frame:
    """One picture of a source.

    Attributes:
        index: position in display order, from 0.
        pts: presentation time in units of the source's time base.
        duration: in the same units; 0 if unknown.
        alpha: (H, W) uint8 opacity, or None for an opaque picture.
        damaged: the decoder could not restore it, or a frame it was predicted from. Its picture
            cannot be trusted, and all of it has to be covered.
        painted: the areas that were painted, soft edges included.
        aspect: width of a displayed pixel by its height.
    """

    __slots__ = (
        "_image",
        "_make",
        "_planes",
        "alpha",
        "aspect",
        "damaged",
        "duration",
        "index",
        "painted",
        "pts",
    )

    def __init__(
        self,
        index: int,
        image: Image | Callable[[], Image],
        *,
        pts: int = 0,
        duration: int = 0,
        alpha: NDArray[np.uint8] | None = None,
        planes: Planes | Callable[[], Planes] | None = None,
        damaged: bool = False,
        aspect: float = 1.0,
    ) -> None:
        self.index = index
        self.pts = pts
        self.duration = duration
        self.alpha = alpha
        self.damaged = damaged
        self.aspect = aspect
        self.painted: tuple[Box, ...] = ()
        self._planes = planes
        self._make = image if callable(image) else None
        self._image = None if callable(image) else image

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as displayed."""
        planes = self.peek()
        height, width = (self.image if planes is None else planes.y).shape[:2]
        return width, height

    @property
    def planes(self) -> Planes | None:
        """The decoded planes of a video frame, to paint on; None for a still."""
        if callable(self._planes):
            self._planes = self._planes()
        return self._planes

    def peek(self) -> Planes | None:
        """The planes for reading only, without the copy that painting may need."""
        return self.planes

    @property
    def image(self) -> Image:
        """(H, W, 3) uint8 BGR, C-contiguous; made on first use where it has to be converted.

        Raises:
            RuntimeError: the planes were painted, and there is no way to make a picture of them.
        """
        if self._image is None:
            if self._make is None:
                raise RuntimeError("the picture of this frame is out of date")
            self._image = self._make()
        return self._image

    def at_size(self, width: int, height: int) -> Image:
        """The picture shrunk or enlarged, (height, width, 3) uint8 BGR, not to be written to.

        Sources of video make it straight from the planes.
        """
        import cv2

        image = self.image
        rows, columns = image.shape[:2]
        if (columns, rows) == (width, height):
            return image
        method = cv2.INTER_AREA if width < columns else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)

    def thumbnail(self, width: int, height: int) -> NDArray[np.uint8]:
        """Roughly the luma, tiny, (height, width) uint8; for comparing frames."""
        import cv2

        luma = cv2.cvtColor(self.at_size(width, height), cv2.COLOR_BGR2GRAY)
        return np.asarray(luma if self.alpha is None else with_opacity(luma, self.alpha), np.uint8)

    def luma(self, width: int, height: int) -> NDArray[np.uint8]:
        """The luma, and the opacity, of the picture shrunk by area, (height, width) uint8."""
        return Frame.thumbnail(self, width, height)

    def crop(self, box: Box) -> Frame:
        """A part of the picture as a frame of its own, not to be written to.

        Args:
            box: inside the picture, with corners as ``croppable`` gives them.
        """
        x0, y0, x1, y1 = map(int, box.as_tuple())
        image = np.ascontiguousarray(self.image[y0:y1, x0:x1])
        alpha = self.opacity_in(box)
        return Frame(self.index, image, pts=self.pts, alpha=alpha, aspect=self.aspect)

    def opacity_in(self, box: Box) -> NDArray[np.uint8] | None:
        """The opacity of a part; see ``crop``."""
        x0, y0, x1, y1 = map(int, box.as_tuple())
        return None if self.alpha is None else self.alpha[y0:y1, x0:x1]

    def on(self, ground: int) -> Frame:
        """The frame as shown on a ground of this grey, 0 to 255; itself if it is opaque."""
        if self.alpha is None:
            return self
        share = self.alpha[..., None].astype(np.uint16)
        mixed = (self.image * share + np.uint16(ground) * (255 - share) + 127) // 255
        return Frame(self.index, mixed.astype(np.uint8), pts=self.pts, duration=self.duration)

    def forget_image(self) -> None:
        """Drop the picture made from the planes before they were painted: it shows the face."""
        self._image = None


def croppable(box: Box, size: tuple[int, int]) -> Box:
    """The box enlarged to corners that are multiples of 4, or on the border of a picture so large.

    A video's colours come for two by two pixels, perhaps of every other row.
    """
    width, height = size
    x0, y0 = (int(side) // 4 * 4 for side in (box.x0, box.y0))
    x1, y1 = (math.ceil(side / 4) * 4 for side in (box.x1, box.y1))
    return Box(x0, y0, min(width, x1), min(height, y1))


def with_opacity(thumbnail: NDArray[Any], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A thumbnail that changes where the colours do, and where the opacity does."""
    import cv2

    size = thumbnail.shape[1::-1]
    small = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.addWeighted(thumbnail, 0.5, small, 0.5, 0), np.uint8)
