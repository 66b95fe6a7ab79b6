"""TIFF files, and the TIFF structure inside EXIF."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from faceveil.i18n import say

# Bytes per value of each TIFF field type (TIFF 6.0 section 2, BigTIFF for 16 to 18).
_TYPE_SIZES: Final = dict(
    zip(range(1, 19), (1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8), strict=True)
)

_SUBFILE_TYPE, _OLD_SUBFILE_TYPE = 254, 255
# Bits of the former: a smaller version of another page, a mask of one; 2 of the latter is the same
# as the first.
_REDUCED, _MASK, _OLD_REDUCED = 1, 4, 2
_STRIPS: Final = ((273, 279), (324, 325), (513, 514))
_SUB_IFDS: Final = 330
_EXIF_IFD: Final = 34665
_GPS_IFD: Final = 34853
_MAKER_NOTE: Final = 37500
_ORIENTATION: Final = 274

# What decoding needs: TIFF 6.0 baseline, tiles, JPEG in TIFF, colour model, orientation,
# resolution and page number (numbers without history).
_NEEDED: Final = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283}
    | {284, 290, 291, 292, 293, 296, 297, 317, 320, 321, 322, 323, 324, 325, 332, 334, 338, 339}
    | {347, 513, 514, 529, 530, 531, 532}
)
_NAMES: Final = {
    269: say("document name"),
    270: say("description"),
    271: say("camera make"),
    272: say("camera model"),
    285: say("page name"),
    305: say("software"),
    306: say("date"),
    315: say("artist"),
    316: say("host computer"),
    _SUB_IFDS: say("sub-IFD"),
    700: "XMP",
    33432: say("copyright"),
    33723: "IPTC",
    34377: say("Photoshop 8BIM"),
    _EXIF_IFD: "EXIF",
    34675: "ICC",
    _GPS_IFD: "GPS",
    37724: say("Photoshop layers"),
    42112: say("GDAL metadata"),
    50341: say("print data"),
}
_MAX_IFDS: Final = 10_000


@dataclass
class Directory:
    """One IFD.

    Attributes:
        tags: tag -> (type, count, offset of the value's bytes).
        next: offset of the following IFD, 0 for none.
    """

    tags: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    next: int = 0


class TiffReader:
    """A TIFF structure, classic or BigTIFF, of either byte order.

    Attributes:
        used: (start, end) of every stretch of bytes that some directory refers to.

    Raises:
        ValueError: no TIFF header.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        order = {b"II": "<", b"MM": ">"}.get(data[:2])
        if order is None:
            raise ValueError("no TIFF header")
        magic = struct.unpack(order + "H", data[2:4])[0]
        if magic not in (42, 43):
            raise ValueError("no TIFF header")
        self._big = magic == 43
        self._order = order
        header = 16 if self._big else 8
        self.used: list[tuple[int, int]] = [(0, header)]
        word = "Q" if self._big else "I"
        self.first: int = self._unpack(word, header - struct.calcsize(word))[0]

    def _unpack(self, code: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(self._order + code, self.data, at)

    def directory(self, at: int) -> Directory:
        """Read the IFD at an offset.

        Raises:
            struct.error, ValueError: it reaches beyond the data.
        """
        count_code, entry, word = ("Q", 20, "Q") if self._big else ("H", 12, "I")
        room = struct.calcsize(word)
        start = at + struct.calcsize(count_code)
        count = self._unpack(count_code, at)[0]
        end = start + count * entry
        result = Directory(next=self._unpack(word, end)[0])
        self.used.append((at, end + room))
        for position in range(start, end, entry):
            tag, kind = self._unpack("HH", position)
            number = self._unpack(word, position + 4)[0]
            size = _TYPE_SIZES.get(kind, 1) * number
            value = position + 4 + room
            if size > room:
                value = self._unpack(word, value)[0]
                if value + size > len(self.data):
                    raise ValueError("a value lies beyond the end")
                self.used.append((value, value + size))
            result.tags[tag] = (kind, number, value)
        return result

    def integers(self, entry: tuple[int, int, int]) -> tuple[int, ...]:
        kind, number, at = entry
        code = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(kind)
        return self._unpack(f"{number}{code}", at) if code else ()


def tiff(data: bytes) -> Iterator[str]:
    """Names what a TIFF file holds beside its finished pages."""
    reader = TiffReader(data)
    at, seen = reader.first, set[int]()
    while at and at not in seen and len(seen) < _MAX_IFDS:
        seen.add(at)
        directory = reader.directory(at)
        _use_strips(reader, directory)
        yield from _beside(reader, directory)
        at = directory.next
    idle = unreferenced(data, reader.used)
    if idle:
        yield say("unreferenced {count} bytes", count=idle)


def _beside(reader: TiffReader, directory: Directory) -> Iterator[str]:
    tags = directory.tags
    kind = sum(reader.integers(tags[_SUBFILE_TYPE])) if _SUBFILE_TYPE in tags else 0
    old = reader.integers(tags[_OLD_SUBFILE_TYPE]) if _OLD_SUBFILE_TYPE in tags else ()
    if kind & _REDUCED or old == (_OLD_REDUCED,):
        yield say("thumbnail")
    elif kind & _MASK:
        yield say("mask")
    for tag, entry in tags.items():
        if tag not in _NEEDED:
            yield _NAMES.get(tag, say("tag {tag}", tag=tag))
        if tag in (_SUB_IFDS, _EXIF_IFD, _GPS_IFD):
            for at in reader.integers(entry):
                inner = reader.directory(at)
                _use_strips(reader, inner)
                if _MAKER_NOTE in inner.tags:
                    yield say("maker note")


def _use_strips(reader: TiffReader, directory: Directory) -> None:
    for offsets, counts in _STRIPS:
        if offsets in directory.tags and counts in directory.tags:
            starts = reader.integers(directory.tags[offsets])
            sizes = reader.integers(directory.tags[counts])
            reader.used += [
                (start, start + size) for start, size in zip(starts, sizes, strict=False)
            ]


def unreferenced(data: bytes, used: list[tuple[int, int]]) -> int:
    """Number of bytes outside all stretches; zeros at the ends of a gap are alignment."""
    idle, end = 0, 0
    for start, stop in [*sorted(used), (len(data), len(data))]:
        if start > end:
            idle += len(data[end:start].strip(b"\0"))
        end = max(end, stop)
    return idle


def orientation_only(orientation: int) -> bytes:
    """An EXIF block, without its "Exif" marker, that says how the picture is turned and no more.

    Args:
        orientation: 1 to 8 (Exif 2.32, tag 0x0112).
    """
    entry = struct.pack(">HHIHH", _ORIENTATION, 3, 1, orientation, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)


def exif(data: bytes) -> Iterator[str]:
    """Names what an EXIF block (without its "Exif" marker) holds.

    "EXIF" at least, unless it is byte for byte one that only says how the picture is turned.
    """
    if any(data == orientation_only(one) for one in range(1, 9)):
        return
    yield "EXIF"
    try:
        reader = TiffReader(data)
        first = reader.directory(reader.first)
        if _GPS_IFD in first.tags:
            yield "GPS"
        if _EXIF_IFD in first.tags:
            private = reader.directory(reader.integers(first.tags[_EXIF_IFD])[0])
            if _MAKER_NOTE in private.tags:
                yield say("maker note")
        if first.next:
            yield say("thumbnail")
    except (IndexError, struct.error, ValueError):
        return


def xmp(data: bytes) -> Iterator[str]:
    """Names what an XMP packet holds; "XMP" at least."""
    yield "XMP"
    for needles, name in (
        ((b"mwg-rs", b"MPReg"), say("named face regions")),
        ((b"GImage:Data", b"xmpGImg:image"), say("embedded picture")),
        ((b"hdrgm:", b"HDRGainMap"), say("gain map")),
    ):
        if any(needle in data for needle in needles):
            yield name
