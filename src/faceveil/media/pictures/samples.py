"""The samples of a TIFF page at their full depth, in whatever layout they are stored.

libtiff decompresses the data, through Pillow; this module interprets the bytes. For that, Pillow is
given a picture of plain bytes, as wide as a row of the page, because it knows only some dozens of
layouts and mistakes others for one of them.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL = 256, 257, 258, 259, 262, 266
_OFFSETS, _SAMPLES, _ROWS, _COUNTS, _PLANAR = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_COUNTS = 322, 323, 324, 325
_SHORT, _LONG8 = 3, 16
_HEADER: Final = 16
_BAND: Final = 256
"""Rows whose bits are taken apart at a time: each takes a byte meanwhile."""


@dataclass(frozen=True, slots=True)
class SampleLayout:
    """The layout of a page's samples.

    Attributes:
        width, height: as stored, before any orientation.
        bits: of each sample.
        samples: of each pixel.
        planar: each sample has a plane of its own.
        big_endian: of samples of 16 bits.
        predicted: samples are stored as differences from those to the left.
    """

    width: int
    height: int
    bits: int
    samples: int
    compression: int
    planar: bool
    big_endian: bool
    predicted: bool
    reversed_bits: bool


def read_samples(data: bytes, tags: Mapping[int, Any], layout: SampleLayout) -> NDArray[Any]:
    """(height, width, samples), uint8 up to 8 bits and uint16 above; values are as stored.

    Raises:
        EOFError: the data end before the samples do.
        KeyError: a tag is missing.
    """
    if not layout.planar:
        return _plane(data, tags, layout, 0, layout.samples)
    planes = [_plane(data, tags, layout, number, 1) for number in range(layout.samples)]
    return np.concatenate(planes, axis=2)


def _plane(
    data: bytes, tags: Mapping[int, Any], layout: SampleLayout, number: int, samples: int
) -> NDArray[Any]:
    tile = int(tags[_TILE_WIDTH]) if _TILE_OFFSETS in tags else 0
    run = (tile or layout.width) * samples  # samples that lie in a row
    across = -(-layout.width // tile) if tile else 1
    stored = _bytes(data, tags, layout, number, -(-run * layout.bits // 8), across)
    values = _unpacked(stored.reshape(len(stored) * across, -1), layout, run)
    values = values.reshape(len(values), -1, samples)
    if layout.predicted:
        values = np.cumsum(values, axis=1, dtype=values.dtype)
    return values.reshape(layout.height, -1, samples)[:, : layout.width]


def _bytes(
    data: bytes, tags: Mapping[int, Any], layout: SampleLayout, number: int, row: int, across: int
) -> NDArray[np.uint8]:
    """Decompressed, (height, across * row)."""
    from PIL.TiffImagePlugin import TiffImageFile

    tiled = _TILE_OFFSETS in tags
    starts, sizes = _places(data, tags, tiled)
    if layout.planar:
        each = len(starts) // layout.samples
        chosen = slice(number * each, (number + 1) * each)
        starts, sizes = starts[chosen], sizes[chosen]
    parts = [data[start : start + size] for start, size in zip(starts, sizes, strict=True)]
    if any(len(part) < size for part, size in zip(parts, sizes, strict=True)):
        raise EOFError
    entries = {
        _WIDTH: [across * row],
        _LENGTH: [layout.height],
        _BITS: [8],
        _COMPRESSION: [layout.compression],
        _PHOTOMETRIC: [1],
        _FILL: [2 if layout.reversed_bits else 1],
        _SAMPLES: [1],
        _PLANAR: [1],
    }
    ends = np.cumsum([_HEADER, *sizes]).tolist()
    if tiled:
        entries |= {_TILE_WIDTH: [row], _TILE_LENGTH: [int(tags[_TILE_LENGTH])]}
        entries |= {_TILE_OFFSETS: ends[:-1], _TILE_COUNTS: list(sizes)}
    else:
        rows = min(int(tags.get(_ROWS, layout.height)), layout.height)
        entries |= {_ROWS: [rows], _OFFSETS: ends[:-1], _COUNTS: list(sizes)}
    with TiffImageFile(io.BytesIO(_file(parts, entries))) as picture:
        return np.asarray(picture)


def _places(
    data: bytes, tags: Mapping[int, Any], tiled: bool
) -> tuple[Sequence[int], Sequence[int]]:
    starts = tags[_TILE_OFFSETS if tiled else _OFFSETS]
    sizes = tags.get(_TILE_COUNTS if tiled else _COUNTS)
    if sizes is None and len(starts) == 1:
        sizes = (len(data) - starts[0],)
    if sizes is None or len(sizes) != len(starts):
        raise KeyError(_COUNTS)
    return starts, sizes


def _file(parts: Sequence[bytes], entries: Mapping[int, list[int]]) -> bytes:
    """A little-endian BigTIFF (its offsets have room for any file) with one directory."""
    body = b"".join(parts)
    body += b"\0" * (-len(body) % 8)
    directory, heap = struct.pack("<Q", len(entries)), b""
    at = _HEADER + len(body)
    behind = at + 8 + 20 * len(entries) + 8
    for tag, values in sorted(entries.items()):
        short = tag in (_BITS, _COMPRESSION, _PHOTOMETRIC, _FILL, _SAMPLES, _PLANAR)
        packed = struct.pack(f"<{len(values)}{'H' if short else 'Q'}", *values)
        if len(packed) > 8:
            packed, heap = struct.pack("<Q", behind + len(heap)), heap + packed
        kind = _SHORT if short else _LONG8
        directory += struct.pack("<HHQ", tag, kind, len(values)) + packed.ljust(8, b"\0")
    return struct.pack("<2sHHHQ", b"II", 43, 8, 0, at) + body + directory + bytes(8) + heap


def _unpacked(rows: NDArray[np.uint8], layout: SampleLayout, run: int) -> NDArray[Any]:
    """(n, bytes) -> (n, run) samples."""
    bits = layout.bits
    if bits == 8:
        return rows[:, :run]
    if bits == 16:
        return rows.view(">u2" if layout.big_endian else "<u2")[:, :run].astype(np.uint16)
    values = np.empty((len(rows), run), np.uint8 if bits < 8 else np.uint16)
    weights = 1 << np.arange(bits - 1, -1, -1, dtype=values.dtype)
    for top in range(0, len(rows), _BAND):
        single = np.unpackbits(rows[top : top + _BAND], axis=1, count=run * bits)
        np.matmul(single.reshape(-1, run, bits), weights, out=values[top : top + _BAND])
    return values
