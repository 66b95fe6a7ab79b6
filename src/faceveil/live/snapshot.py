"""A frame that the detector can look at while another thread paints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceveil.frames import Frame, Image, Planes
from faceveil.media.videos.planes import small_bgr, small_luma

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Snapshot(Frame):
    """A view of a frame that keeps showing the picture before it was painted.

    For a video's frame it holds the decoded planes, so that painting has to make a copy first. A
    picture in memory must not be painted in place.
    """

    __slots__ = ("_seen",)

    def __init__(self, frame: Frame) -> None:
        self._seen: Planes | None = frame.peek()
        if self._seen is None:
            super().__init__(frame.index, frame.image, pts=frame.pts)
        else:
            height, width = self._seen.y.shape
            super().__init__(
                frame.index,
                lambda: self.at_size(width, height),
                pts=frame.pts,
                planes=self._seen,
            )

    def at_size(self, width: int, height: int) -> Image:
        if self._seen is None:
            return super().at_size(width, height)
        return small_bgr(self._seen, width, height)

    def thumbnail(self, width: int, height: int) -> NDArray[np.uint8]:
        if self._seen is None:
            return super().thumbnail(width, height)
        return small_luma(self._seen, width, height)
