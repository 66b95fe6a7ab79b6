"""The bitmaps in drawings of Windows: EMF, EMF+ and WMF.

References: MS-EMF 2.3, MS-EMFPLUS 2.2.1 and 2.3.5, MS-WMF 2.3. A drawing is walked record by
record. It is never played, so what it draws with lines stays as it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from typing import Final

from faceveil.frames import Image

LEAST: Final = 8
"""Sides in pixels below which a bitmap shows no face; brushes have eight."""

# For each record the places of the offset and size of the header of its bitmap and of its bits.
_EMF_BITMAPS: Final[dict[int, tuple[int, ...]]] = {
    76: (84,),  # BITBLT
    77: (84,),  # STRETCHBLT
    78: (84, 112),  # MASKBLT, with a mask
    79: (96, 124),  # PLGBLT, with a mask
    80: (48,),  # SETDIBITSTODEVICE
    81: (48,),  # STRETCHDIBITS
    93: (16,),  # CREATEMONOBRUSH
    94: (16,),  # CREATEDIBPATTERNBRUSHPT
    114: (84,),  # ALPHABLEND
    116: (84,),  # TRANSPARENTBLT
}
_EMF_COMMENT: Final = 70
_EMF_GL: Final = frozenset({102, 103})
_AS_WMF, _AS_OTHERS = 0x80000001, 0x40000004
"""Public comments with the same drawing in another format: WMF, several."""
_OBJECT, _IMAGE, _BRUSH, _TEXTURE = 0x4008, 5, 1, 2
# Pixel formats of GDI+ that a BMP has as well: 24 and 32 bits.
_DEPTHS: Final = {0x00021808: 24, 0x00022009: 32, 0x0026200A: 32, 0x000E200B: 32}

# For each function where its bitmap begins, with a header of its own.
_WMF_BITMAPS: Final = {0x0940: 22, 0x0B41: 26, 0x0F43: 28, 0x0D33: 24, 0x0142: 10}
_WMF_OLD: Final = frozenset({0x0922, 0x0B23, 0x01F9})
"""Functions with a bitmap that depends on the device."""
_ESCAPE: Final = 0x0626
_PLAIN_COMMENT: Final = 256
"""Bytes of a comment in which no picture is."""

_JPEG, _PNG, _MASKED = 4, 5, 3


class UnwalkableError(Exception):
    """The drawing holds what cannot be looked at."""


def is_emf(head: bytes) -> bool:
    return head[:4] == b"\1\0\0\0" and head[40:44] == b" EMF"


def is_wmf(head: bytes) -> bool:
    return head.startswith(b"\xd7\xcd\xc6\x9a") or (
        head[:4] in (b"\1\0\x09\0", b"\2\0\x09\0") and head[4:6] in (b"\0\1", b"\0\3")
    )


def bitmaps(data: bytes) -> list[bytes]:
    """The bitmaps in a drawing, each as a picture file (BMP, JPEG, PNG, ...), without brushes.

    Programs cut pictures into strips, in which no face is found. So those of one width that follow
    each other are also put together, in either order, and those of one height likewise.

    Raises:
        UnwalkableError: the drawing is broken, or there may be more in it.
    """
    try:
        found = list(_of_emf(data) if is_emf(data) else _of_wmf(data))
        return found + list(_joined(found))
    except (struct.error, IndexError, ValueError) as error:
        raise UnwalkableError from error


def _joined(files: list[bytes]) -> Iterator[bytes]:
    """Strips put together, as BMP files."""
    import cv2
    import numpy as np

    strips: list[Image] = []
    for one in files if len(files) > 1 else ():
        strip = cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR)
        if strip is None:
            raise UnwalkableError
        strips.append(np.asarray(strip, np.uint8))
    for axis in (0, 1):
        for _, group in groupby(strips, partial(_across, axis)):
            run = list(group)
            for order in (run, run[::-1]) if len(run) > 1 else ():
                whole: Image = np.concatenate(order, axis)
                yield cv2.imencode(".bmp", whole)[1].tobytes()


def _across(axis: int, strip: Image) -> int:
    return int(strip.shape[1 - axis])


def _of_emf(data: bytes) -> Iterator[bytes]:
    at, kind, plus = 0, 0, _Plus()
    while kind != 14:
        kind, size = struct.unpack_from("<II", data, at)
        if size < 8 or size % 4 or at + size > len(data):
            raise UnwalkableError
        record = data[at : at + size]
        at += size
        if kind in _EMF_GL:
            raise UnwalkableError
        if kind == _EMF_COMMENT:
            yield from plus.pictures(record)
        for place in _EMF_BITMAPS.get(kind, ()):
            if place + 16 > size:
                continue
            header, header_size, bits, bits_size = struct.unpack_from("<IIII", record, place)
            if header_size and bits_size:
                if max(header + header_size, bits + bits_size) > size:
                    raise UnwalkableError
                yield from _as_file(
                    record[header : header + header_size], record[bits : bits + bits_size]
                )
    if plus.open:
        raise UnwalkableError


class _Plus:
    """The pictures in the comments of an EMF, whose objects may go on from one to the next."""

    def __init__(self) -> None:
        self.open = b""

    def pictures(self, record: bytes) -> Iterator[bytes]:
        (size,) = struct.unpack_from("<I", record, 8)
        body = record[12 : 12 + size]
        if body[:4] == b"EMF+":
            yield from self._objects(body[4:])
        elif body[:4] == b"GDIC":
            (what,) = struct.unpack_from("<I", body, 4)
            if what == _AS_OTHERS:
                raise UnwalkableError
            if what == _AS_WMF:
                yield from _of_wmf(body[24:])
        elif len(body) > _PLAIN_COMMENT and _may_hold_picture(body):
            raise UnwalkableError

    def _objects(self, data: bytes) -> Iterator[bytes]:
        at = 0
        while at + 12 <= len(data):
            kind, flags, size, length = struct.unpack_from("<HHII", data, at)
            if size < 12 or at + size > len(data):
                raise UnwalkableError
            body = data[at + 12 : at + 12 + length]
            at += size
            if kind != _OBJECT:
                continue
            if flags & 0x8000:  # with the size of the whole before each part
                self.open += body[4:]
                continue
            body, self.open = self.open + body, b""
            kind = flags >> 8 & 0x7F
            if kind == _IMAGE:
                yield from _plus_image(body)
            elif kind == _BRUSH and struct.unpack_from("<I", body, 4)[0] == _TEXTURE:
                raise UnwalkableError


def _plus_image(body: bytes) -> Iterator[bytes]:
    (kind,) = struct.unpack_from("<I", body, 4)
    if kind != 1:  # a drawing in the drawing
        raise UnwalkableError
    width, height, stride, form, compressed = struct.unpack_from("<iiiII", body, 8)
    bits = body[28:]
    if compressed:
        yield bits.rstrip(b"\0")
        return
    if max(width, height) <= 0 or min(width, height) < LEAST:
        return
    depth = _DEPTHS.get(form)
    if depth is None or stride < width * depth // 8 or stride % 4 or len(bits) < stride * height:
        raise UnwalkableError
    wide = stride * 8 // depth
    header = struct.pack("<IiiHHIIiiII", 40, wide, -height, 1, depth, 0, 0, 0, 0, 0, 0)
    yield from _as_file(header, bits)


def _of_wmf(data: bytes) -> Iterator[bytes]:
    start = 22 if data.startswith(b"\xd7\xcd\xc6\x9a") else 0
    at = start + 2 * struct.unpack_from("<H", data, start + 2)[0]
    function = -1
    while function:
        words, function = struct.unpack_from("<IH", data, at)
        record = data[at : at + 2 * words]
        if words < 3 or len(record) < 2 * words:
            raise UnwalkableError
        at += 2 * words
        if function == _ESCAPE and words > 5 + _PLAIN_COMMENT // 2:
            raise UnwalkableError
        if function in _WMF_OLD and words != (function >> 8) + 3 and words > 5 + 64:
            raise UnwalkableError
        if function in _WMF_BITMAPS and words != (function >> 8) + 3:
            packed = record[_WMF_BITMAPS[function] :]
            if packed:
                size = _header_size(packed)
                yield from _as_file(packed[:size], packed[size:])


def _header_size(dib: bytes) -> int:
    """Bytes of the header of a bitmap, its masks and its colours."""
    (size,) = struct.unpack_from("<I", dib)
    if size == 12:
        (depth,) = struct.unpack_from("<H", dib, 10)
        return 12 + (3 << depth if depth <= 8 else 0)
    depth, compression = struct.unpack_from("<HI", dib, 14)
    (colours,) = struct.unpack_from("<I", dib, 32)
    colours = colours or (1 << depth if depth <= 8 else 0)
    return int(size + (12 if compression == _MASKED and size == 40 else 0) + 4 * colours)


def _as_file(header: bytes, bits: bytes) -> Iterator[bytes]:
    """A bitmap as a file, unless it is a small one."""
    (size,) = struct.unpack_from("<I", header)
    if size == 12:
        width, height = struct.unpack_from("<HH", header, 4)
    else:
        width, height = struct.unpack_from("<ii", header, 4)
        if struct.unpack_from("<I", header, 16)[0] in (_JPEG, _PNG):
            yield bits.rstrip(b"\0")
            return
    if min(width, abs(height)) >= LEAST:
        offset = 14 + len(header)
        yield b"BM" + struct.pack("<IHHI", offset + len(bits), 0, 0, offset) + header + bits


def _may_hold_picture(body: bytes) -> bool:
    return any(
        sign in body
        for sign in (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b" EMF", b"%!PS", b"II*\0", b"MM\0*")
    )
