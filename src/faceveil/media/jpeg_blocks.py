"""JPEG files in which only what was painted is coded again.

A JPEG is a grid of blocks of 8 x 8 samples, each coded by itself. Those that nobody painted are
taken over as the numbers they were, so their pixels stay exactly what they were; every block that
holds a painted pixel is made anew from the painted picture. The idea is that of jpegtran's "drop";
the numbers are read and written by libjpeg, through jpeglib.

A painted block is computed from painted pixels alone, and the Huffman tables anew from all
blocks, so nothing of what lay under the paint is left in the file.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.types import Image

MOST_PIXELS: Final = 100_000_000
"""Larger pictures are encoded: their numbers would take more than 600 MB of memory."""

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_DHT, _DAC, _DQT, _DNL, _DRI, _APP14 = 0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xEE
_SEQUENTIAL: Final = (0xC0, 0xC1)
# Start of frame by its number (ITU-T T.81 table B.1), less DHT, JPG and DAC.
_SOFS: Final = frozenset(range(0xC0, 0xD0)) - {_DHT, 0xC8, _DAC}
_GREY, _YCBCR = 1, 3
"""libjpeg's J_COLOR_SPACE."""
_OPTIMIZE: Final = 1 << 6
"""jpeglib's flag for Huffman tables made for this picture."""
_RIM: Final = 2
"""Samples beyond a changed one that a decoder mixes in where it enlarges the colours."""


class CannotKeep(Exception):  # noqa: N818 (no error: the picture is encoded instead)
    """The blocks of this file cannot be taken over; the message says why."""


@dataclass(frozen=True, slots=True)
class _Component:
    """One plane of samples: its share of the resolution, and its quantization table's number."""

    across: int
    down: int
    table: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """What a JPEG's headers say about its blocks, and the bytes that hold them."""

    width: int
    height: int
    components: tuple[_Component, ...]
    needed: bytes

    @property
    def across(self) -> int:
        return max(one.across for one in self.components)

    @property
    def down(self) -> int:
        return max(one.down for one in self.components)

    def blocks(self, one: _Component) -> tuple[int, int]:
        """Rows and columns of blocks of a component (T.81 A.1.1 and A.2.2)."""
        rows = -(-(self.height * one.down) // (8 * self.down))
        return rows, -(-(self.width * one.across) // (8 * self.across))


def repainted(data: bytes, painted: Image, touched: NDArray[np.bool_], scratch: Path) -> bytes:
    """The JPEG with every unit of blocks that holds a touched pixel replaced.

    Args:
        data: the file. Whatever of it is not needed to show its first picture is left out, and so
            are all markers that say something: the caller adds those it wants.
        painted: (H, W, 3) uint8 BGR, the picture as stored, not turned, in the file's own colours.
        touched: (H, W) where it was painted.
        scratch: an existing folder that nobody else may read, for what libjpeg reads and writes.

    Returns:
        From the marker SOI to EOI, with no application or comment segment but, where the colours
        need it, none: YCbCr as in JFIF is meant.

    Raises:
        CannotKeep: progressive, arithmetic, of other colours or depths, odd, or too large.
    """
    layout = _layout(data)
    if painted.shape[:2] != (layout.height, layout.width):
        raise CannotKeep("of the wrong size")
    if layout.width * layout.height > MOST_PIXELS:
        raise CannotKeep("very large")
    planes, tables = _read(layout, scratch)
    _replace(layout, planes, tables, painted, touched)
    return _write(layout, planes, tables, scratch)


def changed_at_most(layout_of: bytes, touched: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where pixels may differ after `repainted`: the replaced blocks, and a rim around them.

    Decoders enlarge colours of half resolution by mixing neighbours, so a replaced block shows a
    sample or two beyond its edge.
    """
    layout = _layout(layout_of)
    units = _units(layout, touched)
    spread = np.kron(units, np.ones((8 * layout.down, 8 * layout.across), np.uint8))
    spread = spread[: layout.height, : layout.width]
    wide = np.ones((2 * _RIM * layout.down - 1, 2 * _RIM * layout.across - 1), np.uint8)
    return cv2.dilate(np.ascontiguousarray(spread), wide).astype(bool)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment of the first picture, entropy-coded data included."""
    at, size = 2, len(data)
    while at + 2 <= size:
        if data[at] != 0xFF:
            raise CannotKeep("damaged")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _EOI:
            yield marker, at, at + 2
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SOS:
            end = _end_of_scan(data, end)
        if end > size or end < at + 4:
            break
        yield marker, at, end
        at = end
    raise CannotKeep("damaged")


def _end_of_scan(data: bytes, at: int) -> int:
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise CannotKeep("damaged")
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7 and data[at + 1] != 0xFF:
            return at
        at += 1 if data[at + 1] == 0xFF else 2


def _layout(data: bytes) -> _Layout:
    needed, frame, plain = [data[:2]], b"", False
    for marker, start, end in _segments(data):
        # A scan's coded data follows its header.
        body = data[start + 4 : start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")]
        if marker in _SOFS:
            if marker not in _SEQUENTIAL:
                odd = {0xC2: "progressive", 0xC3: "lossless"}
                raise CannotKeep(odd.get(marker, "coded in a rare way"))
            if frame:
                raise CannotKeep("damaged")
            frame = body
        elif marker in (_DNL, _DAC):
            raise CannotKeep("coded in a rare way")
        elif marker == _APP14 and body[:5] == b"Adobe":
            plain = body[11:12] == b"\0"
        elif not _sound(marker, body, frame):
            raise CannotKeep("damaged")
        if marker in _SOFS or marker in (_DHT, _DQT, _DRI, _SOS, _EOI):
            needed.append(data[start:end])
    if len(frame) < 6 or len(frame) != 6 + 3 * frame[5]:
        raise CannotKeep("damaged")
    if frame[0] != 8:
        raise CannotKeep(f"{frame[0]}-bit")
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    triples = [frame[at : at + 3] for at in range(6, len(frame), 3)]
    if len(triples) not in (1, 3):
        raise CannotKeep("CMYK")
    # Red, green and blue: Adobe's segment says so, or the components' names, as libjpeg has it.
    if len(triples) == 3 and (plain or bytes(one[0] for one in triples) == b"RGB"):
        raise CannotKeep("coded without YCbCr")
    components = tuple(_Component(one[1] >> 4, one[1] & 15, one[2]) for one in triples)
    if len(components) == 1:  # whatever factors it names, its blocks lie side by side
        components = (_Component(1, 1, components[0].table),)
    layout = _Layout(width, height, components, b"".join(needed))
    known = range(1, 5)
    if not (
        width and height and all(one.across in known and one.down in known for one in components)
    ):
        raise CannotKeep("damaged")
    if any(layout.across % one.across or layout.down % one.down for one in components):
        raise CannotKeep("of colours at an odd resolution")
    return layout


def _sound(marker: int, body: bytes, frame: bytes) -> bool:
    """Whether a segment is what T.81 B.2 says it is.

    jpeglib does not survive an error of libjpeg in the headers, so none may reach it. Errors in
    what follows the first scan's header are reported properly.
    """
    if marker == _DRI:
        return len(body) == 2
    if marker == _DQT:
        sizes = {0x00: 65, 0x10: 129}
        while body and body[0] & 15 < 4 and body[0] & 0xF0 in sizes:
            size = sizes[body[0] & 0xF0]
            if len(body) < size:
                return False
            body = body[size:]
        return not body
    if marker == _DHT:
        while len(body) >= 17 and body[0] & 0xEF < 4:
            count = sum(body[1:17])
            if count > 256 or len(body) < 17 + count:
                return False
            body = body[17 + count :]
        return not body
    if marker == _SOS:
        names = [frame[at] for at in range(6, len(frame), 3)]
        count = body[0] if body else 0
        listed = list(body[1 : 1 + 2 * count : 2])
        whole = 1 <= count <= 4 and len(body) == 2 * count + 4
        return whole and len(set(listed)) == count and set(listed) <= set(names)
    return True


def _units(layout: _Layout, touched: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Which of the units of blocks that are coded together (T.81: MCU) hold a touched pixel."""
    tall, wide = 8 * layout.down, 8 * layout.across
    rows, columns = -(-layout.height // tall), -(-layout.width // wide)
    room = np.zeros((rows * tall, columns * wide), bool)
    room[: layout.height, : layout.width] = touched
    return room.reshape(rows, tall, columns, wide).any(axis=(1, 3)).astype(np.uint8)


def _replace(
    layout: _Layout,
    planes: list[NDArray[np.int16]],
    tables: list[NDArray[np.uint16]],
    painted: Image,
    touched: NDArray[np.bool_],
) -> None:
    tall, wide = 8 * layout.down, 8 * layout.across
    rows, columns = np.nonzero(_units(layout, touched))
    if not len(rows):
        return
    # What lies beyond the picture's edge repeats its last samples, as encoders do.
    down = np.minimum(rows[:, None] * tall + np.arange(tall), layout.height - 1)
    across = np.minimum(columns[:, None] * wide + np.arange(wide), layout.width - 1)
    pixels = painted[down[:, :, None], across[:, None, :]]
    flat = cv2.cvtColor(pixels.reshape(-1, wide, 3), cv2.COLOR_BGR2YCrCb)
    samples = flat.reshape(pixels.shape)[..., [0, 2, 1]]
    for number, (one, plane) in enumerate(zip(layout.components, planes, strict=True)):
        blocks = _coefficients(samples[..., number], layout, one, tables[number])
        for y in range(one.down):
            for x in range(one.across):
                row, column = rows * one.down + y, columns * one.across + x
                there = (row < plane.shape[0]) & (column < plane.shape[1])
                plane[row[there], column[there]] = blocks[there, y, x]


def _coefficients(
    samples: NDArray[np.uint8], layout: _Layout, one: _Component, table: NDArray[np.uint16]
) -> NDArray[np.int16]:
    """(n, down, across, 64) quantized coefficients of n units of (n, tall, wide) samples."""
    count, (tall, wide) = len(samples), samples.shape[1:]
    fine_y, fine_x = layout.down // one.down, layout.across // one.across
    means = samples.reshape(count, tall // fine_y, fine_y, wide // fine_x, fine_x)
    level = means.mean(axis=(2, 4), dtype=np.float32) - 128
    blocks = level.reshape(count, one.down, 8, one.across, 8).swapaxes(2, 3)
    cosines = _cosines()
    values = cosines @ blocks @ cosines.T
    quantized = np.rint(values.reshape(*values.shape[:3], 64) / table)
    return np.clip(quantized, -1023, 1023).astype(np.int16)


@cache
def _cosines() -> NDArray[np.float32]:
    """The matrix of the discrete cosine transform of 8 samples (T.81 A.3.3), orthonormal."""
    order, place = np.mgrid[:8, :8]
    matrix = np.cos((2 * place + 1) * order * np.pi / 16) / 2
    matrix[0] /= np.sqrt(2)
    return matrix.astype(np.float32)


@cache
def _library() -> Any:
    """libjpeg-turbo as jpeglib brings it.

    jpeglib's own functions copy the file into the system's temporary folder and print its path
    when something fails; the library below them does neither. It is private to jpeglib, so the
    version is bounded, and a test says so.

    Raises:
        CannotKeep: it is not installed.
    """
    try:
        from jpeglib._bind import CJpegLib
    except ImportError as error:
        raise CannotKeep("not readable without the package jpeglib") from error
    return CJpegLib._bind_lib(version="turbo210")


def _pointer(array: NDArray[Any] | None) -> Any:
    return None if array is None else ctypes.c_void_p(array.ctypes.data)


def _path(path: Path) -> Any:
    return ctypes.c_char_p(bytes(path))


def _read(
    layout: _Layout, scratch: Path
) -> tuple[list[NDArray[np.int16]], list[NDArray[np.uint16]]]:
    """The coefficients of each component (rows, columns, 64), and its quantization table."""
    planes = [np.zeros((*layout.blocks(one), 64), np.int16) for one in layout.components]
    tables, numbers = np.zeros((4, 64), np.uint16), np.zeros(4, np.int16)
    library = _library()
    path = scratch / "old"
    path.write_bytes(layout.needed)
    read = library.read_jpeg_dct(
        _path(path),
        *(_pointer(plane) for plane in [*planes, None, None, None][:4]),
        _pointer(tables),
        _pointer(numbers),
    )
    path.unlink()
    used = [tables[numbers[at]] for at in range(len(planes))]
    if not read or any(not table.all() for table in used):
        raise CannotKeep("damaged")
    if any(np.abs(plane[..., 1:]).max() > 1023 or np.abs(plane).max() > 1024 for plane in planes):
        raise CannotKeep("damaged")  # none that can be coded: the data went astray
    return planes, used


def _write(
    layout: _Layout,
    planes: list[NDArray[np.int16]],
    tables: list[NDArray[np.uint16]],
    scratch: Path,
) -> bytes:
    """The file that libjpeg makes of them, less its application segments."""
    # A table of its own for each component that has another: jpeglib takes them in this order.
    kinds: list[NDArray[np.uint16]] = []
    numbers = np.zeros(4, np.int16)
    for at, table in enumerate(tables):
        same = [number for number, kind in enumerate(kinds) if np.array_equal(kind, table)]
        numbers[at] = same[0] if same else len(kinds)
        if not same:
            kinds.append(table)
    laid = np.zeros((4, 64), np.uint16)
    laid[: len(kinds)] = kinds
    dimensions = np.array([layout.height, layout.width], np.int32)
    counts = np.array([plane.shape[:2] for plane in planes], np.int32)
    factors = np.array([(one.down, one.across) for one in layout.components], np.int32)
    library = _library()
    path = scratch / "new"
    written = library.write_jpeg_dct(
        None,
        _path(path),
        *(_pointer(plane) for plane in [*planes, None, None, None][:4]),
        _pointer(dimensions),
        _pointer(counts),
        _pointer(factors),
        _YCBCR if len(planes) == 3 else _GREY,
        len(planes),
        _pointer(laid),
        ctypes.c_short(-1),
        _pointer(numbers),
        0,
        None,
        None,
        None,
        ctypes.c_uint(_OPTIMIZE),
        ctypes.c_uint(0xFFFFFFFF),
    )
    if not written:
        raise CannotKeep("not to be written as it was")
    data = path.read_bytes()
    path.unlink()
    return _layout(data).needed
