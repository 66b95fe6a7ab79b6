"""Encode one picture from an array of pixels, so that nothing of an older file can come along."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.errors import OutputError
from faceveil.frames import Frame, Image
from faceveil.i18n import say
from faceveil.media.pictures.density import Density, stamped
from faceveil.media.pictures.large import encode_large

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Alpha = NDArray[np.uint8] | None

WITHOUT_ALPHA: Final = frozenset({"jpeg", "bmp"})
_FULL_CHROMA_FROM: Final = 90
"""JPEG quality from which colour is kept at full resolution if the input says nothing else."""


def encode(
    file: IO[bytes],
    format: str,
    image: Image,
    alpha: Alpha = None,
    *,
    quality: int = 92,
    lossless: bool = False,
    chroma: int | None = None,
    density: Density | None = None,
) -> None:
    """Write one picture: jpeg, png, webp, tiff, bmp or avif.

    Args:
        image: (H, W, 3) uint8 BGR. One without colour is written as grey.
        alpha: (H, W) uint8. Colour under opacity 0 is blanked; a format without opacity gets the
            picture on white.
        lossless: for WebP.
        chroma: for JPEG, 0 for 4:4:4, 1 for 4:2:2, 2 for 4:2:0.
        density: resolution and shape of the pixels; WebP and AVIF cannot hold it.

    Raises:
        OutputError: the format cannot hold the picture (JPEG ends at 65500 pixels, WebP at 16383).
        OSError: writing failed.
    """
    if alpha is not None and format in WITHOUT_ALPHA:
        image, alpha = Frame(0, image, alpha=alpha).on(255).image, None
    if chroma is None:
        chroma = 0 if quality >= _FULL_CHROMA_FROM else 2
    large = None
    if alpha is None and not _is_grey(image):
        large = encode_large(format, image, quality, chroma)
    if large is not None:
        file.write(large if density is None else stamped(format, bytes(large), density))
        return
    picture = _bare(image, alpha)
    settings: dict[str, Any] = {}
    if format == "jpeg":
        settings = {"quality": quality, "subsampling": chroma}
    elif format == "webp":
        settings = {"quality": quality, "lossless": lossless, "exact": lossless}
        if lossless:
            # Effort, not loss: more halves the speed and saves nothing measurable.
            settings["quality"] = 30
    elif format == "avif":
        from PIL import AvifImagePlugin  # noqa: F401  (registers the encoder)

        # Twice as fast as the default 6 for files 5 % larger; 9 can double them.
        settings = {"quality": quality, "speed": 8}
    elif format == "tiff":
        # Differences between neighbours (predictor 2) under LZW: within 11 % of deflate's size
        # for photographs, five times as fast, and every reader knows it.
        tags = {} if density is None else density.tiff_tags()
        settings = {"compression": "tiff_lzw", "tiffinfo": {317: 2, **tags}}
    elif format == "png":
        # A third of the default's time for files 3 % larger.
        settings = {"compress_level": 3}
    # A failing encoder may blame the picture or the disk; only the first is handled here.
    buffer = io.BytesIO()
    try:
        picture.save(buffer, format.upper(), **settings)
    except Exception as error:
        raise OutputError(
            say(
                "the picture of {width} x {height} cannot be written as {format}",
                width=picture.width,
                height=picture.height,
                format=format.upper(),
            ),
            say("Name the output .png."),
        ) from error
    if density is None:
        file.write(buffer.getbuffer())
    else:
        file.write(stamped(format, buffer.getvalue(), density))


def append_page(file: IO[bytes], image: Image, alpha: Alpha = None, **settings: Any) -> None:
    """Write a picture as the next page of a TIFF; ``settings`` as for ``encode``.

    Args:
        file: readable too, and holding the pages before it, or nothing.
    """
    from PIL.TiffImagePlugin import AppendingTiffWriter

    file.seek(0)
    with AppendingTiffWriter(file) as pages:
        start = file.tell()
        encode(pages, "tiff", image, alpha, **settings)
        pages.newFrame()
    if start:  # the page's own header, to which nothing refers
        file.seek(start)
        file.write(bytes(8))
    file.seek(0, io.SEEK_END)


def encoded(format: str, image: Image, alpha: Alpha = None, **settings: Any) -> bytes:
    """The bytes that ``encode`` writes."""
    buffer = io.BytesIO()
    encode(buffer, format, image, alpha, **settings)
    return buffer.getvalue()


def blanked(image: Image, alpha: Alpha) -> Image:
    """The picture with black where it is fully transparent; itself if nothing is to be done."""
    if alpha is None:
        return image
    hidden = alpha == 0
    if not image[hidden].any():
        return image
    image = image.copy()
    image[hidden] = 0
    return image


def _bare(image: Image, alpha: Alpha) -> Picture:
    import PIL.Image

    image = blanked(image, alpha)
    if _is_grey(image):
        grey = np.ascontiguousarray(image[..., 0])
        pixels = grey if alpha is None else np.dstack([grey, alpha])
    elif alpha is None:
        pixels = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    else:
        pixels = np.dstack([cv2.cvtColor(image, cv2.COLOR_BGR2RGB), alpha])
    return PIL.Image.fromarray(pixels)


def _is_grey(image: Image) -> bool:
    # For most pictures the first rows decide.
    head = image[:8]
    return all(
        np.array_equal(part[..., 0], part[..., 1]) and np.array_equal(part[..., 1], part[..., 2])
        for part in (head, image)
    )
