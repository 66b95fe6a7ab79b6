"""The bitmaps in drawings of Windows: EMF, EMF+ and WMF.

References: MS-EMF 2.3, MS-EMFPLUS 2.2.1 and 2.3.5, MS-WMF 2.3. A drawing is walked record by
record. It is never played, so what it draws with lines stays as it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from faceveil.media.documents.bitmaps import Bitmap

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

_MASKED = 3
_EMF_END, _EMF_SIZE = 14, 48
"""The last record, and where the header has the size of the whole."""


class UnwalkableError(Exception):
    """The drawing holds what cannot be looked at."""


def is_emf(head: bytes) -> bool:
    return head[:4] == b"\1\0\0\0" and head[40:44] == b" EMF"


def is_wmf(head: bytes) -> bool:
    return head.startswith(b"\xd7\xcd\xc6\x9a") or (
        head[:4] in (b"\1\0\x09\0", b"\2\0\x09\0") and head[4:6] in (b"\0\1", b"\0\3")
    )


def without_title(data: bytes) -> bytes:
    """A drawing without the names of its program and its file (MS-EMF 2.2.9), as long as before."""
    if not is_emf(data[:88]):
        return data
    size, count, at = struct.unpack_from("<4xI52xII", data)
    if not 88 <= at <= at + 2 * count <= min(size, len(data)):
        return data
    return data[:at] + bytes(2 * count) + data[at + 2 * count :]


def bitmaps_of(data: bytes) -> list[Bitmap]:
    """The bitmaps in a drawing, without brushes.

    Raises:
        UnwalkableError: the drawing is broken, or there may be more in it.
    """
    try:
        return list(_of_emf(data) if is_emf(data) else _of_wmf(data, 0))
    except (struct.error, IndexError, ValueError) as error:
        raise UnwalkableError from error


def _of_emf(data: bytes) -> Iterator[Bitmap]:
    at, kind, plus = 0, 0, _Plus()
    while kind != _EMF_END:
        kind, size = struct.unpack_from("<II", data, at)
        if size < 8 or size % 4 or at + size > len(data):
            raise UnwalkableError
        start, record = at, data[at : at + size]
        at += size
        if kind in _EMF_GL:
            raise UnwalkableError
        if kind == _EMF_COMMENT:
            yield from plus.pictures(record, start)
        for place in _EMF_BITMAPS.get(kind, ()):
            if place + 16 > size:
                continue
            header, header_size, bits, bits_size = struct.unpack_from("<IIII", record, place)
            if header_size and bits_size:
                if max(header + header_size, bits + bits_size) > size:
                    raise UnwalkableError
                yield from _worth_a_look(
                    Bitmap(
                        record[header : header + header_size],
                        record[bits : bits + bits_size],
                        start + bits,
                        # Nothing may stand behind what grows.
                        (_EMF_SIZE, start + 4, start + place + 12, start + header + 20)
                        if size - bits - bits_size < 4
                        else (),
                    )
                )
    if plus.open:
        raise UnwalkableError


class _Plus:
    """The pictures in the comments of an EMF, whose objects may go on from one to the next."""

    def __init__(self) -> None:
        self.open = b""

    def pictures(self, record: bytes, start: int) -> Iterator[Bitmap]:
        """The pictures in a comment, whose record begins here in the drawing."""
        (size,) = struct.unpack_from("<I", record, 8)
        body = record[12 : 12 + size]
        if body[:4] == b"EMF+":
            yield from self._objects(body[4:], start)
        elif body[:4] == b"GDIC":
            (what,) = struct.unpack_from("<I", body, 4)
            if what == _AS_OTHERS:
                raise UnwalkableError
            if what == _AS_WMF:
                yield from _of_wmf(body[24:], start + 12 + 24)
        elif len(body) > _PLAIN_COMMENT and _may_hold_picture(body):
            raise UnwalkableError

    def _objects(self, data: bytes, start: int) -> Iterator[Bitmap]:
        at = 0
        while at + 12 <= len(data):
            kind, flags, size, length = struct.unpack_from("<HHII", data, at)
            if size < 12 or at + size > len(data):
                raise UnwalkableError
            body, here = data[at + 12 : at + 12 + length], start + 16 + at
            at += size
            if kind != _OBJECT:
                continue
            if flags & 0x8000:  # with the size of the whole before each part
                self.open += body[4:]
                continue
            # What goes on from one comment to the next cannot be changed.
            sizes = () if self.open else (_EMF_SIZE, start + 4, start + 8, here + 4, here + 8)
            body, self.open = self.open + body, b""
            kind = flags >> 8 & 0x7F
            if kind == _IMAGE:
                yield from _plus_image(body, here + 12 if sizes else -1, sizes)
            elif kind == _BRUSH and struct.unpack_from("<I", body, 4)[0] == _TEXTURE:
                raise UnwalkableError


def _plus_image(body: bytes, at: int, sizes: tuple[int, ...]) -> Iterator[Bitmap]:
    (kind,) = struct.unpack_from("<I", body, 4)
    if kind != 1:  # a drawing in the drawing
        raise UnwalkableError
    width, height, stride, form, compressed = struct.unpack_from("<iiiII", body, 8)
    bits, at = body[28:], at if at < 0 else at + 28
    if compressed:
        yield Bitmap(b"", bits, at, sizes)
        return
    if max(width, height) <= 0 or min(width, height) < LEAST:
        return
    depth = _DEPTHS.get(form)
    if depth is None or stride < width * depth // 8 or stride % 4 or len(bits) < stride * height:
        raise UnwalkableError
    wide = stride * 8 // depth
    header = struct.pack("<IiiHHIIiiII", 40, wide, -height, 1, depth, 0, 0, 0, 0, 0, 0)
    yield from _worth_a_look(Bitmap(header, bits, at))


def _of_wmf(data: bytes, base: int) -> Iterator[Bitmap]:
    """The bitmaps of a drawing that begins at ``base`` in the one around it."""
    start = 22 if data.startswith(b"\xd7\xcd\xc6\x9a") else 0
    at = start + 2 * struct.unpack_from("<H", data, start + 2)[0]
    function = -1
    while function:
        words, function = struct.unpack_from("<IH", data, at)
        place, record = base + at, data[at : at + 2 * words]
        if words < 3 or len(record) < 2 * words:
            raise UnwalkableError
        at += 2 * words
        if function == _ESCAPE and words > 5 + _PLAIN_COMMENT // 2:
            raise UnwalkableError
        if function in _WMF_OLD and words != (function >> 8) + 3 and words > 5 + 64:
            raise UnwalkableError
        if function in _WMF_BITMAPS and words != (function >> 8) + 3:
            before = _WMF_BITMAPS[function]
            packed = record[before:]
            if packed:
                size = _header_size(packed)
                found = Bitmap(packed[:size], packed[size:], place + before + size)
                # A file in it cannot grow: sizes are counted in words here.
                yield from _worth_a_look(replace(found, at=-1) if found.is_file else found)


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


def _worth_a_look(found: Bitmap) -> Iterator[Bitmap]:
    """A bitmap, unless it is a small one."""
    if found.is_file or min(found.form.width, found.form.height) >= LEAST:
        yield found


def _may_hold_picture(body: bytes) -> bool:
    return any(
        sign in body
        for sign in (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b" EMF", b"%!PS", b"II*\0", b"MM\0*")
    )
