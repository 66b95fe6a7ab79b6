"""The samples of a PDF's picture that no codec has touched: unpack, paint, pack (ISO 32000-2, 8.9).

What is not painted stays as it is, bit by bit, whatever its colours mean.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Image
from faceveil.media.documents.pdf_objects import data_of, filters_of, is_array, is_stream

if TYPE_CHECKING:
    from pikepdf import Stream

_GENERAL: Final = frozenset(
    {"/FlateDecode", "/LZWDecode", "/ASCII85Decode", "/ASCIIHexDecode", "/RunLengthDecode"}
)
_CHANNELS: Final = {
    "/DeviceGray": 1,
    "/G": 1,
    "/CalGray": 1,
    "/DeviceRGB": 3,
    "/RGB": 3,
    "/CalRGB": 3,
    "/DeviceCMYK": 4,
    "/CMYK": 4,
}
_SLACK: Final = 16
"""Bytes that programs leave behind the last row, ends of lines for example."""
_PAPER: Final = 128
"""A bit of paint is black below this luma."""


def channels(space: Any) -> int:
    """Number of components of a colour space of grey, red, green and blue, or inks; else 0."""
    if is_array(space) and len(space):
        name = str(space[0])
        if name == "/ICCBased" and is_stream(space[1]):
            count = int(space[1].get("/N", 0))
            return count if count in (1, 3, 4) else 0
        return _CHANNELS.get(name, 0)
    return _CHANNELS.get(str(space), 0)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Samples in rows.

    Attributes:
        channels: a pixel's samples; bits: of each.
        decode: lowest and highest value of each.
        palette: (n, 3) BGR, or None.
    """

    width: int
    height: int
    channels: int
    bits: int
    decode: tuple[tuple[float, float], ...]
    palette: NDArray[np.int32] | None = None
    stencil: bool = False

    @property
    def row(self) -> int:
        """Bytes of a row."""
        return -(-self.width * self.channels * self.bits // 8)


def repaint(stream: Stream, painted: Image, touched: NDArray[np.bool_]) -> bool:
    """Replace the touched samples of a picture in place.

    Args:
        painted: (H, W, 3) BGR.
        touched: (H, W).

    Returns:
        Whether it is of a kind that is done here; nothing is changed otherwise.
    """
    layout = _layout(stream)
    if layout is None:
        return False
    data = data_of(stream)
    size = layout.row * layout.height
    rows = np.frombuffer(data[:size].ljust(size, b"\0"), np.uint8).reshape(layout.height, -1)
    samples = _unpacked(rows, layout)
    samples[touched] = _samples(painted[touched], layout)
    write_flate(stream, _packed(samples, layout), layout.channels, layout.bits)
    return True


def trimmed(stream: Stream) -> bool:
    """Cut off what lies behind the last row of a picture's samples; says whether there was any."""
    from pikepdf import PdfError

    layout = _layout(stream) if filters_of(stream) else None
    if layout is None:
        return False
    size = layout.row * layout.height
    try:
        data = data_of(stream)
    except PdfError:
        return False
    if len(data) <= size + _SLACK:
        return False
    rows = np.frombuffer(data[:size], np.uint8).reshape(layout.height, layout.row)
    write_flate(stream, rows, layout.channels, layout.bits)
    return True


def write_rgb(stream: Stream, image: Image) -> None:
    """Write a picture, (H, W, 3) BGR, without loss, and say how large it is."""
    from pikepdf import Name

    stream.Width, stream.Height = image.shape[1], image.shape[0]
    stream.ColorSpace, stream.BitsPerComponent = Name.DeviceRGB, 8
    rows = np.ascontiguousarray(image[..., ::-1]).reshape(len(image), -1)
    write_flate(stream, rows, 3, 8)


def write_flate(stream: Stream, rows: NDArray[np.uint8], count: int, bits: int) -> None:
    """Write rows of packed samples, compressed; whole bytes as differences to the row above."""
    from pikepdf import Dictionary, Name

    if count * bits < 8:
        stream.write(zlib.compress(rows.tobytes(), 6), filter=Name.FlateDecode)
        return
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    up = np.full((len(rows), 1), 2, np.uint8)  # PNG's filter of this number (PNG, 9.2)
    data = np.hstack([up, rows - above]).tobytes()
    width = int(stream.Width)
    parms = Dictionary(Predictor=15, Colors=count, BitsPerComponent=bits, Columns=width)
    stream.write(zlib.compress(data, 6), filter=Name.FlateDecode, decode_parms=parms)


def _layout(stream: Stream) -> _Layout | None:
    if not set(filters_of(stream)) <= _GENERAL:
        return None
    width, height = int(stream.Width), int(stream.Height)
    stencil = bool(stream.get("/ImageMask", False))
    bits = 1 if stencil else int(stream.get("/BitsPerComponent", 8))
    if bits not in (1, 2, 4, 8, 16):
        return None
    space, palette = stream.get("/ColorSpace"), None
    if stencil:
        count = 1
    elif is_array(space) and str(space[0]) in ("/Indexed", "/I"):
        count, palette = 1, _palette(space)
        if palette is None:
            return None
    else:
        count = channels(space)
    if not count:
        return None
    top = float((1 << bits) - 1) if palette is not None else 1.0
    decode = [float(one) for one in stream.get("/Decode", [])] or [0.0, top] * count
    pairs = tuple(zip(decode[::2], decode[1::2], strict=True))
    if len(pairs) != count or any(low == high for low, high in pairs):
        return None
    return _Layout(width, height, count, bits, pairs, palette, stencil)


def _palette(space: Any) -> NDArray[np.int32] | None:
    """(n, 3) BGR, by the plain meaning of its colours."""
    count = channels(space[1])
    if not count:
        return None
    table = data_of(space[3]) if is_stream(space[3]) else bytes(space[3])
    entries = len(table) // count
    if not entries:
        return None
    values = np.frombuffer(table[: entries * count], np.uint8).reshape(entries, count)
    colours = values.astype(np.int32)[: int(space[2]) + 1]
    if count == 4:
        colours = (255 - colours[:, :3]) * (255 - colours[:, 3:]) // 255
    elif count == 1:
        colours = colours.repeat(3, axis=1)
    return colours[:, ::-1]


def _samples(colours: NDArray[np.uint8], layout: _Layout) -> NDArray[np.uint16]:
    """(n, channels) samples for (n, 3) BGR."""
    grey = cv2.cvtColor(colours.reshape(-1, 1, 3), cv2.COLOR_BGR2GRAY).reshape(-1, 1)
    if layout.palette is not None:
        kinds, which = np.unique(colours, axis=0, return_inverse=True)
        apart = kinds[:, None].astype(np.int32) - layout.palette[None]
        nearest = (apart**2).sum(axis=2).argmin(axis=1)
        values = nearest[which.reshape(-1)][:, None].astype(np.float64)
    elif layout.stencil:
        values = (grey >= _PAPER).astype(np.float64)
    elif layout.channels == 1:
        values = grey / 255
    elif layout.channels == 3:
        values = colours[:, ::-1] / 255
    else:
        values = np.hstack([1 - colours[:, ::-1] / 255, np.zeros_like(grey, np.float64)])
    low, high = np.array(layout.decode).T
    top = (1 << layout.bits) - 1
    # A value of the palette is no share.
    scale = np.rint((values - low) / (high - low) * top)
    return np.asarray(scale.clip(0, top), np.uint16)


def _unpacked(rows: NDArray[np.uint8], layout: _Layout) -> NDArray[np.uint16]:
    """(H, W, channels) samples from packed rows."""
    wanted = layout.width * layout.channels
    if layout.bits == 16:
        flat: NDArray[Any] = rows.view(">u2")[:, :wanted].astype(np.uint16)
    elif layout.bits == 8:
        flat = rows[:, :wanted].astype(np.uint16)
    else:
        bits = np.unpackbits(rows, axis=1)[:, : wanted * layout.bits]
        groups = bits.reshape(len(rows), wanted, layout.bits)
        weights = (1 << np.arange(layout.bits)[::-1]).astype(np.uint16)
        flat = (groups * weights).sum(axis=2, dtype=np.uint16)
    return flat.reshape(layout.height, layout.width, layout.channels)


def _packed(samples: NDArray[np.uint16], layout: _Layout) -> NDArray[np.uint8]:
    flat = samples.reshape(layout.height, -1)
    if layout.bits == 16:
        return np.ascontiguousarray(flat.astype(">u2")).view(np.uint8)
    if layout.bits == 8:
        return flat.astype(np.uint8)
    shifts = np.arange(layout.bits)[::-1]
    bits = (flat[..., None] >> shifts & 1).astype(np.uint8)
    return np.packbits(bits.reshape(layout.height, -1), axis=1)
