"""Pictures as programs hand them over: arrays of several layouts, and pictures of Pillow."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import numpy as np

from faceveil.errors import UnsupportedError
from faceveil.frames import Image
from faceveil.i18n import say

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image as Picture

P = TypeVar("P", "NDArray[Any]", "Picture")
"""An array or a picture of Pillow; the same comes back as was handed over."""
Back = Callable[[Image], Any]
"""Makes of (H, W, 3) or (H, W, 4) what was handed over."""

_OURS: Final = {
    **{"L": "L", "1": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA"},
    **dict.fromkeys(("P", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"), "RGB"),
}
"""Mode of a picture of Pillow -> the one in which its result is."""
_SEEN_THROUGH: Final = {"L": "LA", "RGB": "RGBA"}


def taken(image: P, order: Literal["BGR", "RGB"]) -> tuple[Image, Back]:
    """(H, W, 3) uint8 BGR, or (H, W, 4) with opacity, and the way back.

    Raises:
        UnsupportedError: it is of another shape or type.
    """
    if isinstance(image, np.ndarray):
        return _of_array(image, order)
    pillow = sys.modules.get("PIL.Image")  # not loaded: then it is none of its pictures
    if pillow is not None and isinstance(image, pillow.Image):
        return _of_pillow(image)
    raise UnsupportedError(
        say("a picture must be an array or a picture of Pillow, not {kind}", kind=_kind(image))
    )


def _kind(image: object) -> str:
    return type(image).__name__


def _of_array(image: Image, order: Literal["BGR", "RGB"]) -> tuple[Image, Back]:
    if image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1):
        shape = image.shape
        return _grey(image.reshape(shape[:2])), lambda made: _luma(made).reshape(shape)
    if order == "BGR" or image.ndim != 3:
        return image, lambda made: made
    if order != "RGB":
        raise UnsupportedError(say("the order is BGR or RGB, not {order}", order=order))
    return _swapped(image), _swapped


def _of_pillow(given: Picture) -> tuple[Image, Back]:
    import PIL.Image
    from PIL import ImageOps

    # What turns the picture is metadata, which the result has none of.
    picture = ImageOps.exif_transpose(given)
    mode = _OURS.get(picture.mode)
    if mode is None:
        raise UnsupportedError(
            say("pictures of Pillow in mode {mode} are not handled", mode=picture.mode)
        )
    if "transparency" in picture.info:
        mode = _SEEN_THROUGH.get(mode, mode)
    profile = given.info.get("icc_profile")
    if profile and picture.mode == "CMYK":  # whose colours nothing else tells
        picture = _in_srgb(picture, profile)
    if picture.mode != mode:
        picture = picture.convert(mode)
    if profile and given.mode not in ("CMYK", "LAB", "HSV"):
        picture = _in_srgb(picture, profile)
    pixels = np.asarray(picture)
    if mode in ("RGB", "RGBA"):
        return _swapped(pixels), lambda made: PIL.Image.fromarray(_swapped(made))
    if mode == "L":
        return _grey(pixels), lambda made: PIL.Image.fromarray(_luma(made))
    return np.dstack([_grey(pixels[..., 0]), pixels[..., 1]]), lambda made: PIL.Image.fromarray(
        np.dstack([_luma(made), made[..., 3]])
    )


def _in_srgb(picture: Picture, profile: bytes) -> Picture:
    """The colours that a profile means; unchanged if it is broken, or of another kind."""
    from faceveil.media.pictures.picture import to_srgb

    plain, seen_through = picture, picture.mode in ("LA", "RGBA")
    if seen_through:
        plain = picture.convert(picture.mode.removesuffix("A"))
    colours = to_srgb(plain, profile, [])
    if plain.mode != "CMYK" and colours.mode != plain.mode:
        colours = colours.convert(plain.mode)
    if seen_through:
        colours.putalpha(picture.getchannel("A"))
    return colours


def _grey(values: Image) -> Image:
    return np.repeat(values[..., None], 3, axis=2)


def _luma(made: Image) -> Image:
    import cv2

    return np.asarray(cv2.cvtColor(np.ascontiguousarray(made[..., :3]), cv2.COLOR_BGR2GRAY))


def _swapped(image: Image) -> Image:
    return np.ascontiguousarray(image[..., [2, 1, 0, 3][: image.shape[2]]])
