"""Pictures so large that every copy counts.

A photo of 200 megapixels is 600 MB of pixels. It is decoded, converted and encoded in strips, and
searched in copies that are halved again and again, so that no second full-size copy is in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Frame, Image

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

LARGE: Final = 50_000_000
"""Pixels. A still up to this size stays decoded between passes; a larger one is decoded again."""

_STRIP: Final = 8_000_000
_SAMPLING: Final = {
    0: cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    1: cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    2: cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}
_MOST_OF_JPEG: Final = 65_500


def is_large(width: int, height: int) -> bool:
    return width * height > LARGE


def strips(width: int, height: int) -> list[tuple[int, int]]:
    """Top and bottom of the parts in which a picture is converted: one for most."""
    rows = height if not is_large(width, height) else max(_STRIP // width, 1)
    return [(top, min(top + rows, height)) for top in range(0, height, rows)]


class Shrinking(Frame):
    """A large frame for looking only: smaller pictures of it are made from halved ones."""

    __slots__ = ("_halves",)

    def at_least(self, width: int, height: int) -> Image:
        """The smallest of the halved pictures that is no smaller than this."""
        halves: list[Image] = getattr(self, "_halves", [])
        self._halves = halves
        image, level = self.image, 0
        while image.shape[1] >= 2 * width and image.shape[0] >= 2 * height:
            if level == len(halves):
                rows, columns = image.shape[0] // 2, image.shape[1] // 2
                even = image[: 2 * rows, : 2 * columns]
                half = cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA)
                halves.append(np.asarray(half, np.uint8))
            image, level = halves[level], level + 1
        return image

    def at_size(self, width: int, height: int) -> Image:
        return Frame(self.index, self.at_least(width, height)).at_size(width, height)


class Rows:
    """A decoded picture in rows of RGB, which Pillow, with four bytes a pixel, need not hold too.

    It has the part of Pillow's interface that reading in strips needs.

    Args:
        owner: whose memory the pixels lie in; kept for as long as they are.
    """

    mode: Final = "RGB"

    def __init__(self, pixels: NDArray[np.uint8], info: dict[Any, Any], owner: object) -> None:
        self._pixels, self.info, self._owner = pixels, info, owner
        self.size = (pixels.shape[1], pixels.shape[0])

    def load(self) -> None:
        """It is decoded already."""

    def crop(self, box: tuple[int, int, int, int]) -> Picture:
        import PIL.Image

        left, top, right, bottom = box
        part = PIL.Image.fromarray(np.ascontiguousarray(self._pixels[top:bottom, left:right]))
        part.info.update(self.info)
        return part


def encode_large(format: str, image: Image, quality: int, chroma: int) -> memoryview | None:
    """A large opaque picture in colour as JPEG or PNG, straight from its array.

    Returns:
        None if Pillow has to do it.
    """
    height, width = image.shape[:2]
    if not is_large(width, height) or max(width, height) > _MOST_OF_JPEG:
        return None
    if format == "jpeg":
        settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
        settings += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _SAMPLING[chroma]]
        done, data = cv2.imencode(".jpg", image, settings)
    elif format == "png":
        done, data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    else:
        return None
    return data.data if done else None
