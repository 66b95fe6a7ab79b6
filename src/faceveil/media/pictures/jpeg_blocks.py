"""JPEG files in which only the painted blocks are encoded again.

A JPEG is a grid of blocks of 8 x 8 samples, each coded by itself. The numbers of unpainted blocks
are taken over, so their pixels stay exactly the same; every block with a painted pixel is made from
the painted picture. The idea is that of jpegtran's "drop"; the numbers are read and written by
libjpeg, through jpeglib.

A painted block is computed only from painted pixels, and the Huffman tables from the new blocks, so
nothing from under the paint is left in the file.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Image
from faceveil.i18n import say
from faceveil.media.pictures.jpeg_layout import CannotKeep, Component, JpegLayout, read_layout

MOST_PIXELS: Final = 100_000_000
"""Larger pictures are encoded: their numbers would take more than 600 MB of memory."""

_GREY, _YCBCR = 1, 3
"""libjpeg's J_COLOR_SPACE."""
_OPTIMIZE: Final = 1 << 6
"""jpeglib's flag for Huffman tables made for this picture."""
_RIM: Final = 2
"""Samples beyond a changed one that a decoder mixes in where it enlarges the colours."""


def repainted(data: bytes, painted: Image, touched: NDArray[np.bool_], scratch: Path) -> bytes:
    """The JPEG with every unit of blocks that holds a touched pixel replaced.

    Args:
        data: the file. Everything that is not needed to show its first picture is left out,
            including all descriptive markers; the caller adds those that it wants.
        painted: (H, W, 3) uint8 BGR, the picture as stored, not turned, in the file's own colours.
        touched: (H, W), True where it was painted.
        scratch: an existing folder for libjpeg's files, if the system has no files in memory.

    Returns:
        From the marker SOI to EOI, without any application or comment segment. Its colours are
        YCbCr as in JFIF, or grey.

    Raises:
        CannotKeep: progressive, arithmetic, of other colours or depths, odd, or too large.
    """
    layout = read_layout(data)
    if painted.shape[:2] != (layout.height, layout.width):
        raise CannotKeep(say("of the wrong size"))
    if layout.width * layout.height > MOST_PIXELS:
        raise CannotKeep(say("very large"))
    planes, tables = _read(layout, scratch)
    _replace(layout, planes, tables, painted, touched)
    return _write(layout, planes, tables, scratch)


def changed_at_most(layout_of: bytes, touched: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels that may differ after `repainted`: the replaced blocks, and a rim around them.

    Decoders enlarge colours of half resolution by mixing neighbours, so a replaced block shows a
    sample or two beyond its edge.
    """
    layout = read_layout(layout_of)
    units = _units(layout, touched)
    spread = np.kron(units, np.ones((8 * layout.down, 8 * layout.across), np.uint8))
    spread = spread[: layout.height, : layout.width]
    wide = np.ones((2 * _RIM * layout.down - 1, 2 * _RIM * layout.across - 1), np.uint8)
    return np.asarray(cv2.dilate(np.ascontiguousarray(spread), wide)).astype(bool)


def _units(layout: JpegLayout, touched: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The units of blocks that are coded together (T.81: MCU) and hold a touched pixel."""
    tall, wide = 8 * layout.down, 8 * layout.across
    rows, columns = -(-layout.height // tall), -(-layout.width // wide)
    room = np.zeros((rows * tall, columns * wide), bool)
    room[: layout.height, : layout.width] = touched
    units = room.reshape(rows, tall, columns, wide).any(axis=(1, 3))
    return np.asarray(units, np.uint8)


def _replace(
    layout: JpegLayout,
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
    samples: NDArray[np.uint8], layout: JpegLayout, one: Component, table: NDArray[np.uint16]
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
    return np.asarray(np.clip(quantized, -1023, 1023), np.int16)


@cache
def _cosines() -> NDArray[np.float32]:
    """The matrix of the discrete cosine transform of 8 samples (T.81 A.3.3), orthonormal."""
    order, place = np.mgrid[:8, :8]
    matrix = np.cos((2 * place + 1) * order * np.pi / 16) / 2
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, np.float32)


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
        raise CannotKeep(say("not readable without the package jpeglib")) from error
    return CJpegLib._bind_lib(version="turbo210")


def _pointer(array: NDArray[Any] | None) -> Any:
    return None if array is None else ctypes.c_void_p(array.ctypes.data)


@contextmanager
def _shared(folder: Path) -> Iterator[Path]:
    """The name of a file that libjpeg and Python both open.

    It contains the faces, so it is a file in memory if the system has those, and nothing is left if
    the process is killed. Otherwise it is in a folder that nobody else may read.
    """
    memory = _memory()
    if memory is not None:
        with memory:
            yield _name(memory)
        return
    with TemporaryDirectory(dir=folder, prefix=".", suffix=".part") as name:
        yield Path(name, "jpeg")


def _memory() -> IO[bytes] | None:
    """A file in memory, unless the system or its rules have none that can be opened by name."""
    if sys.platform != "linux":
        return None
    try:
        file = os.fdopen(os.memfd_create("jpeg"), "w+b")
    except OSError:
        return None
    if _name(file).exists():
        return file
    file.close()
    return None


def _name(file: IO[bytes]) -> Path:
    return Path(f"/proc/self/fd/{file.fileno()}")


def _path(path: Path) -> Any:
    return ctypes.c_char_p(bytes(path))


def _read(
    layout: JpegLayout, scratch: Path
) -> tuple[list[NDArray[np.int16]], list[NDArray[np.uint16]]]:
    """The coefficients of each component (rows, columns, 64), and its quantization table."""
    planes = [np.zeros((*layout.blocks(one), 64), np.int16) for one in layout.components]
    tables, numbers = np.zeros((4, 64), np.uint16), np.zeros(4, np.int16)
    library = _library()
    with _shared(scratch) as path:
        path.write_bytes(layout.needed)
        read = library.read_jpeg_dct(
            _path(path),
            *(_pointer(plane) for plane in [*planes, None, None, None][:4]),
            _pointer(tables),
            _pointer(numbers),
        )
    used = [tables[numbers[at]] for at in range(len(planes))]
    if not read or any(not table.all() for table in used):
        raise CannotKeep(say("damaged"))
    if any(_beyond(plane[..., 1:], 1023) or _beyond(plane[..., 0], 1024) for plane in planes):
        raise CannotKeep(say("damaged"))  # none that can be coded: the data went astray
    return planes, used


def _beyond(numbers: NDArray[np.int16], most: int) -> bool:
    """Whether one of them is larger, either way; without a copy of what may be half a gigabyte."""
    return bool(numbers.max() > most or numbers.min() < -most)


def _write(
    layout: JpegLayout,
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
    with _shared(scratch) as path:
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
            raise CannotKeep(say("not to be written as it was"))
        data = path.read_bytes()
    return read_layout(data).needed
