"""From a decoder's output to 8-bit BGR and opacity, as displayed, in the sRGB colour space."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.errors import UnsupportedError
from faceveil.frames import Image
from faceveil.i18n import say
from faceveil.media.colour import Profile, Space
from faceveil.media.pictures.exif import SIDEWAYS
from faceveil.media.pictures.large import strips

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

CONVERTED: Final = say("colours converted to sRGB")
_SAME_COLOUR: Final = 2
"""A profile that moves no sampled colour by more than this many levels counts as sRGB."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """One decoded picture.

    Attributes:
        image: (H, W, 3) uint8 BGR, C-contiguous.
        alpha: (H, W) uint8 opacity, or None if all of it is opaque. Where it is 0, ``image`` is
            black, because invisible colour must not be kept in the output.
        notes: what had to be converted.
    """

    image: Image
    alpha: NDArray[np.uint8] | None
    notes: tuple[str, ...]


def to_pixels(picture: Picture, *, profile: Profile = None, orientation: int = 1) -> Pixels:
    """Convert a decoded picture of any mode.

    Args:
        profile: what its colours mean.
        orientation: EXIF orientation still to be applied; values outside 1 to 8 mean 1.

    Raises:
        UnsupportedError: samples without a fixed white (32-bit integers, floats).
    """
    notes: list[str] = []
    picture, alpha = _split_alpha(picture)
    if picture.mode.startswith("I;16"):
        picture = _to_8_bits(picture)
    elif picture.mode in ("I", "F"):
        raise UnsupportedError(
            say("32-bit samples have no fixed white"),
            say("Convert the picture to 8 or 16 bits first."),
        )
    image = _in_strips(picture, profile, orientation, notes)
    if alpha is not None:
        alpha = upright(alpha, orientation)
        image[alpha == 0] = 0
    return Pixels(image, alpha, tuple(dict.fromkeys(notes)))


def _in_strips(picture: Picture, profile: Profile, orientation: int, notes: list[str]) -> Image:
    """The picture as BGR and upright, converted part by part."""
    width, height = picture.size
    parts = strips(width, height)
    if len(parts) == 1:
        return upright(_to_bgr(picture, profile, notes), orientation)
    turned = orientation in SIDEWAYS
    image = np.empty((width, height, 3) if turned else (height, width, 3), np.uint8)
    for top, bottom in parts:
        strip = upright(_to_bgr(picture.crop((0, top, width, bottom)), profile, notes), orientation)
        if orientation in (3, 4, 6, 7):  # what was at the top is now at the bottom, or right
            top, bottom = height - bottom, height - top
        image[(slice(None), slice(top, bottom)) if turned else slice(top, bottom)] = strip
    return image


def _to_bgr(picture: Picture, profile: Profile, notes: list[str]) -> Image:
    if profile is not None:
        picture = to_srgb(picture, profile, notes)
    if picture.mode == "CMYK":
        notes.append(say("CMYK converted to RGB without a colour profile"))
    elif picture.mode == "LAB":
        picture = to_srgb(picture, None, notes)
    if picture.mode == "L":
        return np.asarray(cv2.cvtColor(np.asarray(picture), cv2.COLOR_GRAY2BGR), np.uint8)
    rgb = picture if picture.mode == "RGB" else picture.convert("RGB")
    return np.asarray(cv2.cvtColor(np.asarray(rgb), cv2.COLOR_RGB2BGR), np.uint8)


def _split_alpha(picture: Picture) -> tuple[Picture, NDArray[np.uint8] | None]:
    """The colours (mode 1 becomes L, P becomes RGB) and the opacity, None if all is opaque."""
    key = picture.info.get("transparency")
    if picture.mode.startswith("I;16"):
        if not isinstance(key, int):
            return picture, None
        opaque = np.asarray(picture) != key
        return picture, None if opaque.all() else opaque.astype(np.uint8) * 255
    if isinstance(key, tuple) and max(key) > 255:
        # Pillow hands out the high bytes of 16-bit RGB samples, but the key colour in full.
        picture.info["transparency"] = tuple(value >> 8 for value in key)
    if picture.mode == "1":
        picture = picture.convert("L")
    if key is None and picture.mode not in ("LA", "La", "PA", "RGBA", "RGBa"):
        return (picture.convert("RGB") if picture.mode == "P" else picture), None
    if picture.mode not in ("LA", "RGBA"):
        picture = picture.convert("LA" if picture.mode == "La" else "RGBA")
    alpha = np.array(picture.getchannel("A"))
    colours = picture.convert(picture.mode[:-1])
    return colours, None if alpha.min() == 255 else alpha


def _to_8_bits(picture: Picture) -> Picture:
    import PIL.Image

    wide = np.asarray(picture).astype(np.uint32)
    return PIL.Image.fromarray(((wide * 255 + 32767) // 65535).astype(np.uint8))


def to_srgb(picture: Picture, profile: Profile, notes: list[str]) -> Picture:
    """Convert colours through the picture's profile (None: CIE L*a*b*), saying so in ``notes``."""
    from PIL import ImageCms

    try:
        if isinstance(profile, Space):
            profile = profile.icc(grey=picture.mode == "L")
        source: Any = ImageCms.createProfile("LAB")
        if profile is not None:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            wanted = {"L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}.get(picture.mode, "RGB")
            if space == "RGB" and wanted != "CMYK":
                picture = picture.convert("RGB")
            elif space != wanted:
                notes.append(say("colour profile of another kind of picture ignored"))
                return picture
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            picture.mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if picture.mode in ("L", "RGB") and changes_nothing(transform, picture.mode):
            return picture
        converted = ImageCms.applyTransform(picture, transform)
    except (ImageCms.PyCMSError, OSError, ValueError):
        notes.append(say("unusable colour profile ignored"))
        return picture
    assert converted is not None
    notes.append(CONVERTED)
    return converted


def changes_nothing(transform: Any, mode: str) -> bool:
    """Whether the transform leaves a grid over all colours as it is.

    Its effect decides, not its name or hash: dozens of different files describe sRGB.
    """
    import PIL.Image

    steps = np.arange(0, 256, 15, dtype=np.uint8)
    if mode == "RGB":
        grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    else:
        grid = steps[None, :]
    after = transform.apply(PIL.Image.fromarray(np.ascontiguousarray(grid)))
    before = grid if mode == "RGB" else np.repeat(grid[..., None], 3, axis=-1)
    change = np.asarray(after).astype(np.int16) - before
    return bool(np.abs(change).max() <= _SAME_COLOUR)


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Apply an EXIF orientation (Exif 2.32, tag 0x0112); C-contiguous."""
    if orientation in SIDEWAYS:
        pixels = cv2.transpose(pixels)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return pixels if flip is None else cv2.flip(pixels, flip)
