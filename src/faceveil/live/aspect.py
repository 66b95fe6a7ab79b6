"""The shape of live pictures: square pixels, and one size where a receiver keeps to one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av.filter
import cv2
import numpy as np

from faceveil.frames import Image
from faceveil.media.videos.fitting import FrameFormat, chain, through
from faceveil.media.videos.planes import FULL, Picture
from faceveil.media.videos.view import VideoFrame

if TYPE_CHECKING:
    from av.video.frame import VideoFrame as Decoded

_MOST = 4
"""Pixels said to be wider or higher than so many to one are an error, or meant to fill the memory:
television has them up to about two.
"""


def fitted(image: Image, size: tuple[int, int]) -> Image:
    """The picture as large as fits into a size, in its middle, and black around it."""
    width, height = size
    rows, columns = image.shape[:2]
    scale = min(width / columns, height / rows)
    wide, high = max(1, round(columns * scale)), max(1, round(rows * scale))
    if (wide, high) == (columns, rows) == (width, height):
        return image
    made = np.zeros((height, width, 3), np.uint8)
    left, top = (width - wide) // 2, (height - high) // 2
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    made[top : top + high, left : left + wide] = cv2.resize(
        image, (wide, high), interpolation=method
    )
    return made


def shape_of(frame: Decoded) -> FrameFormat:
    """The shape of an upright frame with square pixels."""
    return FrameFormat(
        frame.width,
        frame.height,
        frame.format.name,
        frame.color_range == FULL,
        frame.colorspace,
        None,
        None,
    )


class Squarer:
    """Stretches frames whose pixels are not square, as television stores them: a page, a virtual
    camera and most receivers of a stream would show them as they are stored."""

    def __init__(self) -> None:
        self._graph: Any = None
        self._kind: tuple[object, ...] = ()

    def square(self, frame: Decoded, aspect: Fraction | None) -> Decoded:
        """The frame with square pixels; no side becomes shorter.

        Args:
            aspect: width of a stored pixel by its height; None: unknown. One that no camera has is
                passed over.
        """
        if not aspect or aspect == 1 or not 1 / _MOST <= aspect <= _MOST:
            return frame
        kind = frame.width, frame.height, frame.format.name, aspect
        if kind != self._kind:
            self._graph, self._kind = self._made(frame, aspect), kind
        return through(self._graph, frame)

    def squared(self, frame: VideoFrame, aspect: Fraction) -> VideoFrame:
        """The same of a frame of a file.

        Args:
            aspect: of a pixel as displayed.
        """
        picture = frame.picture
        stored = 1 / aspect if picture.look.orientation.swap else aspect
        square = self.square(picture.frame, stored)
        if square is picture.frame:
            return frame
        look = replace(picture.look, aspect=1.0)
        return VideoFrame(frame.index, Picture(square, look), frame.pts, frame.damaged)

    def _made(self, frame: Decoded, aspect: Fraction) -> av.filter.Graph:
        width, height = Fraction(frame.width), Fraction(frame.height)
        width, height = (width * aspect, height) if aspect > 1 else (width, height / aspect)
        return chain(
            frame,
            ("scale", f"{round(width / 2) * 2}:{round(height / 2) * 2}"),
            ("format", frame.format.name),
        )
