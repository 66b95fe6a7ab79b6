"""Frames whose pictures are made straight from decoded planes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from faceveil.frames import Frame, Image, Planes, with_opacity
from faceveil.geometry import Box
from faceveil.media.videos.planes import Picture, luma_of, small_bgr, small_luma

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class View(Frame):
    """A frame for looking only, whose pictures are made straight from the planes it is given.

    It keeps showing their content, because painting makes a copy of planes that are in use.
    """

    __slots__ = ("_seen",)

    def __init__(
        self,
        index: int,
        planes: Planes,
        pts: int,
        alpha: NDArray[np.uint8] | None = None,
        aspect: float = 1.0,
    ) -> None:
        self._seen = planes
        height, width = planes.y.shape
        super().__init__(
            index,
            lambda: small_bgr(planes, width, height),
            pts=pts,
            planes=planes,
            alpha=alpha,
            aspect=aspect,
        )

    def at_size(self, width: int, height: int) -> Image:
        return small_bgr(self._seen, width, height)

    def thumbnail(self, width: int, height: int) -> NDArray[np.uint8]:
        luma = small_luma(self._seen, width, height)
        return luma if self.alpha is None else with_opacity(luma, self.alpha)

    def luma(self, width: int, height: int) -> NDArray[np.uint8]:
        luma = luma_of(self._seen, width, height)
        return luma if self.alpha is None else with_opacity(luma, self.alpha)

    def crop(self, box: Box) -> Frame:
        part = part_of(self._seen, box)
        return View(self.index, part, self.pts, self.opacity_in(box), self.aspect)


class VideoFrame(Frame):
    """A frame of a video. Its planes are views of the picture that will be encoded.

    Attributes:
        picture: the decoded frame.
    """

    __slots__ = ("picture",)

    def __init__(self, index: int, picture: Picture, pts: int, damaged: bool) -> None:
        super().__init__(
            index,
            picture.bgr,
            pts=pts,
            duration=picture.frame.duration,
            alpha=picture.alpha() if picture.look.alpha else None,
            planes=picture.write,
            damaged=damaged,
            aspect=picture.look.aspect,
        )
        self.picture = picture

    def at_size(self, width: int, height: int) -> Image:
        return small_bgr(self.peek(), width, height)

    def thumbnail(self, width: int, height: int) -> NDArray[np.uint8]:
        luma = small_luma(self.peek(), width, height)
        return luma if self.alpha is None else with_opacity(luma, self.alpha)

    def luma(self, width: int, height: int) -> NDArray[np.uint8]:
        luma = luma_of(self.peek(), width, height)
        return luma if self.alpha is None else with_opacity(luma, self.alpha)

    def crop(self, box: Box) -> Frame:
        part = part_of(self.peek(), box)
        return View(self.index, part, self.pts, self.opacity_in(box), self.aspect)

    def peek(self) -> Planes:
        """The planes for reading only; they do not show later paint."""
        return self.picture.read()


def part_of(planes: Planes, box: Box) -> Planes:
    """The part in a box with whole, even corners: views of the planes."""
    x0, y0, x1, y1 = map(int, box.as_tuple())
    across, down = planes.chroma
    rows = slice(y0 // down, -(-y1 // down))
    columns = slice(x0 // across, -(-x1 // across))
    return replace(
        planes, y=planes.y[y0:y1, x0:x1], u=planes.u[rows, columns], v=planes.v[rows, columns]
    )
