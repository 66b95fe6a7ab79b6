"""The colours that a picture file declares, in the order in which browsers use them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from faceveil.errors import UnsupportedError
from faceveil.i18n import say
from faceveil.media import colour
from faceveil.media.colour import Curve, Profile, Space
from faceveil.media.metadata.blocks import png_chunks
from faceveil.media.metadata.items import boxes, outer_boxes
from faceveil.media.pictures.exif import read_exif
from faceveil.media.pictures.item import primary_item

if TYPE_CHECKING:
    from PIL.Image import Exif
    from PIL.Image import Image as Picture

_EXIF_IFD, _INTEROP_IFD = 34665, 40965
_COLOUR_SPACE, _INTEROP_INDEX = 40961, 1
_UNCALIBRATED, _ADOBE = 0xFFFF, 2
_WHITE_POINT, _PRIMARIES, _TRANSFER = 318, 319, 301  # TIFF 6.0, section 20
_BMP_CALIBRATED, _BMP_EMBEDDED = 0, int.from_bytes(b"MBED", "big")


def read_profile(kind: str, picture: Picture, data: bytes) -> Profile:
    """The meaning of a picture's colours. Call before the pixels are decoded.

    Raises:
        UnsupportedError: a space that nothing here can convert from.
    """
    try:
        return _READERS.get(kind, _of_others)(picture, data)
    # Meaningless numbers must not make the picture unreadable.
    except (ArithmeticError, IndexError, KeyError, TypeError, ValueError, struct.error):
        return None


def _icc(picture: Picture) -> bytes | None:
    profile = picture.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile else None


def _of_others(picture: Picture, data: bytes) -> Profile:
    return _icc(picture) or _of_exif(read_exif(picture))


def _of_exif(exif: Exif) -> Space | None:
    """Cameras declare Adobe RGB by a word, without a profile (DCF 2.0, 3.2.2; Exif 2.32,
    ColorSpace).
    """
    inner = exif.get_ifd(_EXIF_IFD)
    index = exif.get_ifd(_INTEROP_IFD).get(_INTEROP_INDEX)
    space = inner.get(_COLOUR_SPACE, _UNCALIBRATED)
    named = isinstance(index, str) and index.rstrip("\0") == "R03"
    return colour.adobe_rgb() if space == _ADOBE or (named and space == _UNCALIBRATED) else None


def _of_png(picture: Picture, data: bytes) -> Profile:
    """PNG third edition, 4.3: cICP, iCCP, sRGB, then gAMA and cHRM; alone browsers ignore this."""
    chunks: dict[bytes, bytes] = {}
    for code, body in png_chunks(data):
        if code == b"IDAT":
            break
        chunks.setdefault(code, body)
    if len(chunks.get(b"cICP", b"")) == 4:
        primaries, transfer, _, full = chunks[b"cICP"]
        return colour.of_code_points(primaries, transfer, full=full != 0)
    if b"iCCP" in chunks or b"sRGB" in chunks:
        return _icc(picture)
    places = exponent = None
    if len(chunks.get(b"cHRM", b"")) == 32:
        places = [value / 100_000 for value in struct.unpack(">8I", chunks[b"cHRM"])]
    if len(chunks.get(b"gAMA", b"")) == 4:
        exponent = 100_000 / struct.unpack(">I", chunks[b"gAMA"])[0]
    return None if exponent is None else colour.of_gamma(places, exponent)


def _of_heif(picture: Picture, data: bytes) -> Profile:
    """An ICC profile wins over code points, which then only say how to get from YCbCr to RGB."""
    item = primary_item(data)
    code_points = None if item is None else item.code_points
    if _icc(picture) is not None or code_points is None:
        return _of_others(picture, data)
    return colour.of_code_points(*code_points[:2])


def _of_tiff(picture: Picture, data: bytes) -> Profile:
    tags: Any = getattr(picture, "tag_v2", {})
    profile = _icc(picture)
    if profile is not None:
        return profile
    places = None
    if _PRIMARIES in tags:
        white = tags.get(_WHITE_POINT, (0.3127, 0.3290))
        places = [float(value) for value in (*white, *tags[_PRIMARIES])]
    table = np.asarray(tags.get(_TRANSFER, ()), np.float64)
    if places is None and not table.size:
        return _of_exif(picture.getexif())
    return colour.of_curve(places, _tiff_curve(table))


def _tiff_curve(table: Curve) -> Curve | None:
    """One curve of 2^bits values for all, or one for each colour, of which the green is taken."""
    if table.size < 2:
        return None
    count = table.size // 3 if table.size & (table.size - 1) else table.size
    if count & (count - 1) or count not in (table.size, table.size // 3):
        return None
    return table[count : 2 * count] / 65535 if count < table.size else table / 65535


def _of_bmp(picture: Picture, data: bytes) -> Profile:
    """Version 4 and 5 headers (BITMAPV5HEADER)."""
    size = int.from_bytes(data[14:18], "little")
    if size < 108:
        return None
    space = int.from_bytes(data[70:74], "little")
    if space == _BMP_CALIBRATED:
        # X, Y, Z of each colour in 2.30 fixed point; gamma in 16.16.
        ends = np.array(struct.unpack_from("<9i", data, 74), np.float64).reshape(3, 3) / 2**30
        gammas = [value / 65536 for value in struct.unpack_from("<3I", data, 110)]
        if not (ends.sum(axis=1) > 0).all():
            return None
        xy = ends[:, :2] / ends.sum(axis=1, keepdims=True)
        white = ends.sum(axis=0)
        places = [*(white[:2] / white.sum()), *xy.ravel()]
        return colour.of_gamma(places, gammas[1] or None)
    if space == _BMP_EMBEDDED and size >= 124:
        at, length = struct.unpack_from("<II", data, 126)
        return data[14 + at : 14 + at + length] or None
    return None


def _of_jp2(picture: Picture, data: bytes) -> Profile:
    """The first ``colr`` box that says something (ISO/IEC 15444-1, I.5.3.3, and 15444-2)."""
    if data[:4] == b"\xff\x4f\xff\x51":
        return None
    for kind, body, end in outer_boxes(data):
        if kind != b"jp2h":
            continue
        for inner, at, stop in boxes(data, body, end):
            if inner != b"colr":
                continue
            method, value = data[at], data[at + 3 : stop]
            if method in (2, 3):
                return value
            if method == 1:
                return _of_enumerated(int.from_bytes(value[:4], "big"))
            if method == 5:
                return colour.of_code_points(*struct.unpack(">HH", value[:4]))
    return None


def _of_enumerated(code: int) -> Space | None:
    """sRGB, grey, sYCC, bilevel and CMYK are the decoder's; ROMM RGB is converted here."""
    if code == 21:
        return colour.romm_rgb()
    if code not in (0, 12, 15, 16, 17, 18):
        raise UnsupportedError(
            say("a colour space of JPEG 2000 that is not handled"), say("Convert it to sRGB first.")
        )
    return None


_READERS: Final[dict[str, Callable[[Any, bytes], Profile]]] = {
    "png": _of_png,
    "heic": _of_heif,
    "avif": _of_heif,
    "tiff": _of_tiff,
    "bmp": _of_bmp,
    "jp2": _of_jp2,
    "gif": lambda picture, data: None,
}
