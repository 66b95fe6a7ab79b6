"""Writing animated GIF, frame by frame."""

from __future__ import annotations

import io
import struct
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Image
from faceveil.media.pictures.delta import difference, joined
from faceveil.media.pictures.encode import Alpha


class GifAnimator:
    """GIF89a, each frame with its own colour table of up to 256 colours, one of them transparent.

    A GIF frame cannot make a pixel transparent again. So each frame waits until the next is
    known: if that one has transparency, the canvas is cleared in between.
    """

    _KEEP: Final = 1
    _CLEAR: Final = 2

    def __init__(self, file: IO[bytes], size: tuple[int, int], plays: int, aspect: int = 0) -> None:
        self._file, self._size = file, size
        file.write(b"GIF89a" + struct.pack("<HHBBB", *size, 0x70, 0, aspect))
        if plays != 1:
            repeats = min(max(plays - 1, 0), 65535)
            file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", repeats, 0))
        self._canvas: NDArray[np.uint8] | None = None
        self._waiting: tuple[NDArray[np.uint8], int] | None = None

    def add(self, image: Image, alpha: Alpha, duration: int) -> None:
        frame = joined(image, alpha)
        # A pixel is opaque or transparent.
        frame[..., 3] = np.where(frame[..., 3] < 128, 0, 255)
        frame[frame[..., 3] == 0] = 0
        self._flush(clear=bool((frame[..., 3] == 0).any()))
        self._waiting = (frame, duration)

    def _flush(self, clear: bool) -> None:
        """Write the waiting frame; with ``clear`` the canvas is wiped after it."""
        if self._waiting is None:
            return
        frame, duration = self._waiting
        self._waiting = None
        width, height = self._size
        area, part = (0, 0, width, height), frame
        if self._canvas is not None and not clear:
            area, part, _ = difference(self._canvas, frame)
        self._canvas = None if clear else frame
        x0, y0, x1, y1 = area
        table, indices, key = _to_palette(np.ascontiguousarray(part))
        disposal = self._CLEAR if clear else self._KEEP
        flags = disposal << 2 | (key is not None)
        delay = min(max(round(duration / 10), 0), 65535)
        self._file.write(b"\x21\xf9\x04" + struct.pack("<BHBB", flags, delay, key or 0, 0))
        bits = max((len(table) // 3 - 1).bit_length(), 1)
        self._file.write(b"\x2c" + struct.pack("<HHHHB", x0, y0, x1 - x0, y1 - y0, 0x7F + bits))
        self._file.write(table.ljust(3 << bits, b"\0"))
        self._file.write(_lzw(indices))

    def close(self) -> None:
        self._flush(clear=False)
        self._file.write(b"\x3b")


def _to_palette(frame: NDArray[np.uint8]) -> tuple[bytes, NDArray[np.uint8], int | None]:
    """RGB table, (H, W) indices, index of the transparent entry; exact up to 256 colours."""
    import PIL.Image

    hidden = frame[..., 3] == 0
    packed = frame.view("<u4")[..., 0]
    colours = np.unique(packed)
    if len(colours) <= 256:
        table = colours.view(np.uint8).reshape(-1, 4)
        indices = np.searchsorted(colours, packed).astype(np.uint8)
        key = int(np.flatnonzero(colours == 0)[0]) if hidden.any() else None
        return table[:, [2, 1, 0]].tobytes(), indices, key
    picture = PIL.Image.fromarray(np.ascontiguousarray(frame[..., [2, 1, 0]]))
    reduced = picture.quantize(255, PIL.Image.Quantize.MEDIANCUT, dither=PIL.Image.Dither.NONE)
    palette = bytes(reduced.getpalette() or ())[: 255 * 3].ljust(255 * 3, b"\0")
    indices = np.array(reduced)
    if not hidden.any():
        return palette, indices, None
    indices[hidden] = 255
    return palette + b"\0\0\0", indices, 255


def _lzw(indices: NDArray[np.uint8]) -> bytes:
    """The compressed pixels of a GIF frame: code size, sub-blocks, end."""
    import PIL.Image

    buffer = io.BytesIO()
    # Taken over by its indices, so the still's own colour table does not matter.
    PIL.Image.fromarray(indices).save(buffer, "GIF", optimize=False, interlace=0)
    data = buffer.getvalue()
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while data[at] == 0x21:
        at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
    local = data[at + 9]
    at += 10 + (3 << ((local & 7) + 1) if local & 0x80 else 0)
    return data[at:-1]
