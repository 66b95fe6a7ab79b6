"""Resolution, and with it the shape of a pixel: read and written."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from faceveil.i18n import say
from faceveil.media.metadata.blocks import png_chunks
from faceveil.media.metadata.items import boxes, outer_boxes
from faceveil.media.pictures.exif import read_exif

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from faceveil.media.pictures.pages import Page

Unit = Literal["inch", "cm", ""]

_X, _Y, _UNIT = 282, 283, 296  # TIFF 6.0 and Exif: XResolution, YResolution, ResolutionUnit
_TIFF_UNITS: Final[dict[int, Unit]] = {1: "", 2: "inch", 3: "cm"}
_MOST: Final = 1_000_000
_INCH: Final = Fraction(254, 100)
_PLACEHOLDERS: Final = frozenset({72, 96})
"""Dots an inch that programs write by default."""


@dataclass(frozen=True, slots=True)
class Density:
    """Pixels across and down on a unit of length.

    Attributes:
        x, y: above 0.
        unit: "inch", "cm", or "" where only the ratio of ``x`` to ``y`` is known: pixels are
            ``y / x`` times as wide as high.
    """

    x: Fraction
    y: Fraction
    unit: Unit

    def turned(self) -> Density:
        """The same for a picture that was turned by 90 degrees."""
        return Density(self.y, self.x, self.unit)

    @property
    def square(self) -> bool:
        """Whether a pixel is as wide as it is high, within one in a hundred."""
        return abs(self.x / self.y - 1) <= Fraction(1, 100)

    @property
    def telling(self) -> bool:
        """Whether a user would miss it: it is no placeholder, and says more than "pixels are
        square".
        """
        return bool(self.unit) and not _PLACEHOLDERS.issuperset(map(round, self.to("inch")))

    def to(self, unit: Unit) -> tuple[Fraction, Fraction]:
        """``x`` and ``y`` in another unit; 72 dots an inch are taken where none is known."""
        if unit == self.unit:
            return self.x, self.y
        if not self.unit:
            return Density(72 * self.x / self.y, Fraction(72), "inch").to(unit)
        factor = _INCH if unit == "inch" else 1 / _INCH
        return self.x * factor, self.y * factor

    def ratio(self, most: int) -> tuple[int, int]:
        """``x`` to ``y`` in whole numbers of at most ``most``."""
        share = self.x / self.y
        if share <= 1:
            share = share.limit_denominator(most)
            return max(share.numerator, 1), share.denominator
        share = (1 / share).limit_denominator(most)
        return share.denominator, max(share.numerator, 1)

    def tiff_tags(self) -> dict[int, Any]:
        """Values for a TIFF's tags."""
        code = {name: code for code, name in _TIFF_UNITS.items()}[self.unit]
        return {_X: _rational(self.x), _Y: _rational(self.y), _UNIT: code}

    def png_chunk(self) -> bytes:
        """A whole pHYs chunk."""
        x, y = self.ratio(65535)
        if self.unit:
            x, y = (max(round(value * 100), 1) for value in self.to("cm"))
        body = b"pHYs" + struct.pack(">IIB", x, y, bool(self.unit))
        return struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body))

    def jfif(self) -> bytes:
        """Unit and density as a JFIF header has them (JFIF 1.02): whole numbers only."""
        if not self.unit:
            return struct.pack(">BHH", 0, *self.ratio(65535))
        # The unit with the smaller rounding error: 300 dots an inch are not 118 a centimetre.
        ways = ((code, self.to(unit)) for code, unit in ((1, "inch"), (2, "cm")))  # type: ignore[arg-type]
        code, pair = min(ways, key=lambda way: max(abs(1 - round(v) / v) for v in way[1]))
        x, y = (min(max(round(value), 1), 65535) for value in pair)
        return struct.pack(">BHH", code, x, y)

    def gif_byte(self) -> int:
        """The aspect byte of a GIF's screen: (byte + 15) / 64; 0 for square pixels."""
        return 0 if self.square else min(max(round(64 * self.y / self.x) - 15, 1), 255)


def stamped(format: str, data: bytes, density: Density) -> bytes:
    """An encoded picture with its density written in; TIFF has it from ``tiff_tags``.

    WebP and AVIF have no place for it.
    """
    if format == "jpeg" and data[2:4] == b"\xff\xe0" and data[6:11] == b"JFIF\0":
        return data[:13] + density.jfif() + data[18:]
    if format == "png":
        return data[:33] + density.png_chunk() + data[33:]
    if format == "bmp":
        x, y = (min(max(round(value * 100), 1), 2**31 - 1) for value in density.to("cm"))
        return data[:38] + struct.pack("<ii", x, y) + data[46:]
    if format == "gif":
        return data[:12] + bytes([density.gif_byte()]) + data[13:]
    return data


def what_is_lost(format: str, density: Density) -> Iterator[tuple[str, bool]]:
    """The losses of a density in a format, and whether a viewer shows the difference."""
    if format in ("webp", "avif") and not density.square:
        yield (
            say(
                "pixels that are not square become square: {format} has no others",
                format=format.upper(),
            ),
            True,
        )
    elif format in ("webp", "avif", "gif") and density.telling:
        yield say("resolution not kept: {format} has no place for it", format=format.upper()), False


def read_density(kind: str, picture: Picture | Page, data: bytes) -> Density | None:
    """The density in a picture file, as stored, before any orientation. None: it has none."""
    try:
        found = _stored(kind, picture, data)
        if found is None and kind in ("jpeg", "png", "webp", "heic", "avif"):
            found = _of_tags(read_exif(cast("Picture", picture)))
    # A malformed number must not make the picture unreadable.
    except (ArithmeticError, TypeError, ValueError, struct.error):
        return None
    return found


def _stored(kind: str, picture: Any, data: bytes) -> Density | None:
    if kind == "jpeg":
        return _of_jfif(picture)
    if kind == "png":
        # Pillow gives rounded dots an inch; this needs the chunk itself.
        for code, body in png_chunks(data):
            if code == b"pHYs":
                x, y, metre = struct.unpack(">IIB", body)
                return _metric(x, y) if metre else _density(x, y, "")
    elif kind == "tiff":
        return _of_tags(getattr(picture, "tag_v2", {}))
    elif kind == "bmp" and int.from_bytes(data[14:18], "little") >= 40:
        return _metric(*struct.unpack_from("<ii", data, 38))
    elif kind == "gif" and data[12]:
        return _density(64, data[12] + 15, "")
    elif kind == "jp2":
        return _of_jp2(data)
    return None


def _of_jfif(picture: Picture) -> Density | None:
    unit, pair = picture.info.get("jfif_unit"), picture.info.get("jfif_density")
    if pair is None:
        return None
    if unit in (1, 2):
        return _density(pair[0], pair[1], "inch" if unit == 1 else "cm")
    # "1 to 1" is what encoders write that know nothing; EXIF may know more.
    return _of_tags(read_exif(picture)) or _density(pair[0], pair[1], "")


def _of_tags(tags: Mapping[int, Any]) -> Density | None:
    if _X not in tags or _Y not in tags:
        return None
    unit = _TIFF_UNITS.get(tags.get(_UNIT, 2))
    return None if unit is None else _density(tags[_X], tags[_Y], unit)


def _of_jp2(data: bytes) -> Density | None:
    """Of the ``res`` box (ISO/IEC 15444-1, I.5.3.7): for display, else of the capture."""
    if data[:4] == b"\xff\x4f\xff\x51":
        return None
    found: dict[bytes, Density | None] = {}
    for kind, body, end in outer_boxes(data):
        if kind != b"jp2h":
            continue
        for inner, at, stop in boxes(data, body, end):
            for name, start, _ in boxes(data, at, stop) if inner == b"res " else ():
                down, under, across, below, down10, across10 = struct.unpack_from(
                    ">HHHHbb", data, start
                )
                x = Fraction(across, below) * Fraction(10) ** across10
                y = Fraction(down, under) * Fraction(10) ** down10
                found[name] = _metric(x, y)
    return found.get(b"resd") or found.get(b"resc")


def _metric(x: Fraction | int, y: Fraction | int) -> Density | None:
    """Of pixels a metre."""
    return _density(Fraction(x) / 100, Fraction(y) / 100, "cm")


def _density(x: Any, y: Any, unit: Unit) -> Density | None:
    across, down = _fraction(x), _fraction(y)
    if not (0 < across <= _MOST and 0 < down <= _MOST) or (not unit and across == down):
        return None
    return Density(across, down, unit)


def _fraction(value: Any) -> Fraction:
    """Of a number or of Pillow's rational, whose denominator may be 0."""
    if isinstance(value, int):
        return Fraction(value)
    if hasattr(value, "numerator") and hasattr(value, "denominator"):
        return Fraction(int(value.numerator), int(value.denominator))
    return Fraction(float(value)).limit_denominator(65535)


def _rational(value: Fraction) -> Any:
    from PIL.TiffImagePlugin import IFDRational

    value = value.limit_denominator(100_000)
    return IFDRational(value.numerator, value.denominator)
