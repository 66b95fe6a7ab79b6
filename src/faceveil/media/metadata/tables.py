"""The tables in MP4: the number of bytes that their own fields account for.

No player reads the bytes behind these, so something may be hidden there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from faceveil.i18n import say
from faceveil.media.metadata.items import printable

# Sizes in bytes, from behind the type of the box (ISO/IEC 14496-12; QuickTime file format).
_FIXED: Final = {
    b"vmhd": 12,
    b"smhd": 8,
    b"trex": 24,
    b"mfhd": 8,
    b"mfro": 8,
    b"clef": 12,
    b"prof": 12,
    b"enof": 12,
    b"pasp": 8,
    b"fiel": 2,
    b"clap": 32,
    b"clli": 4,
    b"mdcv": 24,
    b"SmDm": 28,
    b"CoLL": 8,
    b"btrt": 12,
    b"srat": 8,
    b"frma": 4,
    b"enda": 2,
    b"dac3": 3,
    b"pcmC": 6,
}
_BY_VERSION: Final = {
    b"mvhd": (100, 112),
    b"tkhd": (84, 96),
    b"mdhd": (24, 36),
    b"mehd": (8, 12),
    b"tfdt": (8, 12),
    b"cslg": (24, 44),
}
_ROWS: Final = {
    b"stts": (8, 8),
    b"ctts": (8, 8),
    b"stss": (4, 4),
    b"stps": (4, 4),
    b"stsc": (12, 12),
    b"stco": (4, 4),
    b"co64": (8, 8),
    b"elst": (12, 20),
}
"""Bytes of a row in versions 0 and 1; their number lies behind version and flags."""
_GROUPS: Final = {b"roll": 2, b"prol": 2, b"rap ": 1, b"sync": 1, b"tele": 1}
"""Bytes of the description of a group of samples."""


def beyond(data: bytes, kind: bytes, body: int, end: int) -> Iterator[str]:
    """Name the bytes of a box behind those that its fields account for.

    Args:
        body, end: where the box lies, without its size and type.
    """
    if kind in (b"sgpd", b"sbgp") and data[body + 4 : body + 8] not in _GROUPS:
        yield say("sample group {name}", name=printable(data[body + 4 : body + 8]))
        return
    needed = _needed(data, kind, body)
    if needed is not None and body + needed < end:
        yield say(
            "hidden {count} bytes in {place}", count=end - body - needed, place=printable(kind)
        )


def _needed(data: bytes, kind: bytes, at: int) -> int | None:
    if kind in _FIXED:
        return _FIXED[kind]
    if kind in _BY_VERSION:
        return _BY_VERSION[kind][bool(data[at])]
    if kind in _ROWS:
        return 8 + _ROWS[kind][bool(data[at])] * _number(data, at + 4)
    return _OTHERS[kind](data, at) if kind in _OTHERS else None


def _stsz(data: bytes, at: int) -> int:
    return 12 if _number(data, at + 4) else 12 + 4 * _number(data, at + 8)


def _stz2(data: bytes, at: int) -> int:
    return 12 + (data[at + 7] * _number(data, at + 8) + 7) // 8


def _tfhd(data: bytes, at: int) -> int:
    flags = _number(data, at) & 0xFFFFFF
    return 8 + sum(size for bit, size in ((1, 8), (2, 4), (8, 4), (16, 4), (32, 4)) if flags & bit)


def _trun(data: bytes, at: int) -> int:
    flags = _number(data, at) & 0xFFFFFF
    row = 4 * (flags & 0xF00).bit_count()
    return 8 + 4 * (flags & 5).bit_count() + row * _number(data, at + 4)


def _tfra(data: bytes, at: int) -> int:
    widths = data[at + 11]
    row = (16 if data[at] else 8) + sum((widths >> shift & 3) + 1 for shift in (0, 2, 4))
    return 16 + row * _number(data, at + 12)


def _sidx(data: bytes, at: int) -> int:
    head = 28 if data[at] else 20
    return head + 4 + 12 * _number(data, at + head + 2, 2)


def _sbgp(data: bytes, at: int) -> int:
    head = 12 if data[at] else 8
    return head + 4 + 8 * _number(data, at + head)


def _sgpd(data: bytes, at: int) -> int:
    size = _GROUPS[bytes(data[at + 4 : at + 8])]
    head = (8, 12, 12)[min(data[at], 2)]
    if data[at] and not _number(data, at + 8):  # each with its length
        size += 4
    return head + 4 + size * _number(data, at + head)


def _esds(data: bytes, at: int) -> int:
    size, place = 0, 5  # a descriptor's length has seven bits in each byte (ISO/IEC 14496-1, 8.3.3)
    while True:
        byte = data[at + place]
        size, place = size << 7 | byte & 127, place + 1
        if byte < 128:
            return place + size


def _avcc(data: bytes, at: int) -> int:
    place = 5
    for mask in (31, 255):
        count, place = data[at + place] & mask, place + 1
        place = _units(data, at, place, count)
    if data[at + 1] in (66, 77, 88):
        return place
    # Those above may say four bytes more, and further units (ISO/IEC 14496-15, 5.3.3.1.2).
    return _units(data, at, place + 4, data[at + place + 3])


def _hvcc(data: bytes, at: int) -> int:
    place = 23
    for _ in range(data[at + 22]):
        place = _units(data, at, place + 3, _number(data, at + place + 1, 2))
    return place


def _units(data: bytes, at: int, place: int, count: int) -> int:
    """The end of so many units that begin with their length."""
    for _ in range(count):
        place += 2 + _number(data, at + place, 2)
    return place


_OTHERS: Final[dict[bytes, Callable[[bytes, int], int]]] = {
    b"stsz": _stsz,
    b"stz2": _stz2,
    b"tfhd": _tfhd,
    b"trun": _trun,
    b"tfra": _tfra,
    b"sidx": _sidx,
    b"sbgp": _sbgp,
    b"sgpd": _sgpd,
    b"esds": _esds,
    b"avcC": _avcc,
    b"hvcC": _hvcc,
    b"vpcC": lambda data, at: 12 + _number(data, at + 10, 2),
    b"dOps": lambda data, at: 13 + data[at + 1] if data[at + 10] else 11,
    b"chan": lambda data, at: 16 + 20 * _number(data, at + 12),
}


def _number(data: bytes, at: int, size: int = 4) -> int:
    return int.from_bytes(data[at : at + size], "big")
