"""EXIF as far as it concerns how a picture is shown. Nothing of it is ever written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from PIL.Image import Exif
    from PIL.Image import Image as Picture

_ORIENTATION: Final = 0x0112
SIDEWAYS: Final = (5, 6, 7, 8)
"""Orientations of pictures that are stored lying on their side."""
_RAW_PROFILE: Final = b"Raw profile type exif".decode()
"""ImageMagick's place for EXIF before PNG had a chunk for it: three lines, then digits."""


def read_exif(picture: Picture) -> Exif:
    """The EXIF block of a picture; an empty one where there is none or it is broken.

    Pillow's ``getexif`` is not used: it takes the orientation from XMP if EXIF has none, and an XMP
    packet often stays unchanged when its picture is turned. Viewers ignore it.
    """
    from PIL.Image import Exif

    info: dict[Any, Any] = picture.info
    exif = Exif()
    # Broken EXIF must not make the picture unreadable, and the parser raises errors of any kind.
    try:
        block = info.get("exif")
        if block is None and _RAW_PROFILE in info:
            block = bytes.fromhex("".join(info[_RAW_PROFILE].split("\n")[3:]))
        if block:
            exif.load(block)
            dict(exif)  # values are parsed when they are asked for
    except Exception:
        return Exif()
    return exif


def exif_orientation(exif: Exif) -> int:
    """EXIF orientation, 1 to 8 (Exif 2.32, tag 0x0112); 1 for anything else."""
    value = exif.get(_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
