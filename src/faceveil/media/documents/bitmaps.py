"""Bitmaps as drawings of Windows hold them: a header and rows of bits (MS-WMF 2.2.2.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Image

_PLAIN, _MASKED, _JPEG, _PNG = 0, 3, 4, 5
_MASKS: Final = {16: (0x7C00, 0x3E0, 0x1F), 32: (0xFF0000, 0xFF00, 0xFF)}
"""Of red, green and blue, where the header names none."""


@dataclass(frozen=True, slots=True)
class Bitmap:
    """A bitmap in a drawing.

    Attributes:
        header: with masks and colours; b"" for a picture file.
        bits: the rows as they are stored, or the file.
        at: where the bits begin in the drawing; -1: not in one place, so nothing can be put there.
        sizes: where the drawing says how large the bits are, or what holds them: all these numbers
            of four bytes grow as they grow.
    """

    header: bytes
    bits: bytes
    at: int = -1
    sizes: tuple[int, ...] = ()

    @property
    def is_file(self) -> bool:
        """Whether the bits are those of a JPEG or PNG."""
        return not self.header or self.form.compression in (_JPEG, _PNG)

    @property
    def form(self) -> Form:
        return form_of(self.header)

    def file(self) -> bytes:
        """As a picture file. Opacity is left out; `opacity` has it.

        Raises:
            ValueError: it has fewer bits than its size needs.
        """
        if self.is_file:
            return self.bits.rstrip(b"\0")
        form = self.form
        if not form.is_plain:
            offset = 14 + len(self.header)
            size = offset + len(self.bits)
            return b"BM" + struct.pack("<IHHI", size, 0, 0, offset) + self.header + self.bits
        return as_bmp(self.pixels())

    def opacity(self) -> bytes | None:
        """The fourth bytes of the pixels as a picture, if they differ: a face may stand in them."""
        if self.is_file or (form := self.form).depth != 32 or not form.is_plain:
            return None
        fourth = self._rows()[:, 3 : 4 * form.width : 4]
        if fourth.size == 0 or fourth.min() == fourth.max():
            return None
        return as_bmp(np.repeat(self._upright(fourth)[..., None], 3, axis=2))

    @property
    def takes_paint(self) -> bool:
        """Whether `painted` can be."""
        return self.at >= 0 and (bool(self.sizes) if self.is_file else self.form.is_plain)

    def pixels(self) -> Image:
        """(H, W, 3) BGR, upright.

        Raises:
            ValueError: it has fewer bits than its size needs.
        """
        form, rows = self.form, self._rows()
        if form.depth <= 8:
            index = self._upright(_indices(rows, form.depth))[:, : form.width]
            return np.ascontiguousarray(form.colours[index.clip(max=len(form.colours) - 1)])
        if form.depth == 24 or form.masks == _MASKS[32]:
            step = form.depth // 8
            whole = rows[:, : step * form.width].reshape(len(rows), form.width, step)
            return np.ascontiguousarray(self._upright(whole)[..., :3])
        values = rows.view(f"<u{form.depth // 8}")[:, : form.width].astype(np.uint32)
        channels = [_taken(self._upright(values), mask) for mask in form.masks[::-1]]
        return np.ascontiguousarray(np.dstack(channels))

    def painted(self, image: Image) -> bytes:
        """The bits with other pixels where the image, upright, differs from them.

        Raises:
            ValueError: it is of another size.
        """
        form, before = self.form, self.pixels()
        if image.shape != before.shape:
            raise ValueError("of another size")
        changed = (image != before).any(axis=2)
        where, paint = self._upright(changed), self._upright(image)[self._upright(changed)]
        rows = self._rows().copy()
        if form.depth <= 8:
            index = _indices(rows, form.depth)
            index[:, : form.width][where] = _nearest(paint, form.colours)
            rows = _packed(index, form.depth)
        elif form.depth == 24 or form.masks == _MASKS[32]:
            step = form.depth // 8
            whole = rows[:, : step * form.width].reshape(len(rows), form.width, step)
            # What is painted is opaque, and as all the rest where opacity says nothing.
            whole[where, 3:] = 255 if self.opacity() is not None else whole[:1, :1, 3:]
            whole[where, :3] = paint
            rows[:, : step * form.width] = whole.reshape(len(rows), -1)
        else:
            values = rows.view(f"<u{form.depth // 8}")
            put = sum(_put(paint[:, 2 - at], mask) for at, mask in enumerate(form.masks))
            values[:, : form.width][where] = put
        return rows.tobytes() + self.bits[rows.size :]

    def _rows(self) -> NDArray[np.uint8]:
        form = self.form
        stride = (form.width * form.depth + 31) // 32 * 4
        if len(self.bits) < stride * form.height:
            raise ValueError("too few bits")
        flat = np.frombuffer(self.bits, np.uint8, stride * form.height)
        return flat.reshape(form.height, stride)

    def _upright(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Rows from the top, or back in the order in which they are stored."""
        return rows if self.form.from_top else rows[::-1]


@dataclass(frozen=True, slots=True)
class Form:
    """The facts in a header.

    Attributes:
        masks: of red, green and blue, for 16 and 32 bits.
        colours: (N, 3) BGR, for 1 to 8 bits.
    """

    width: int
    height: int
    depth: int
    compression: int
    from_top: bool
    masks: tuple[int, ...]
    colours: Image

    @property
    def is_plain(self) -> bool:
        """Whether the rows are uncompressed, and of a depth that is usual."""
        if self.depth in (1, 4, 8):
            return self.compression == _PLAIN and len(self.colours) > 0
        return self.depth in (16, 24, 32) and self.compression in (_PLAIN, _MASKED)


def form_of(header: bytes) -> Form:
    """Read a header.

    Raises:
        struct.error: it is too short.
    """
    (size,) = struct.unpack_from("<I", header)
    if size == 12:
        width, height, _, depth = struct.unpack_from("<HHHH", header, 4)
        compression, masks = _PLAIN, _MASKS.get(depth, ())
        colours = np.frombuffer(header[12:], np.uint8)
        colours = colours[: colours.size // 3 * 3].reshape(-1, 3)
        return Form(width, height, depth, compression, False, masks, colours)
    width, height, _, depth, compression = struct.unpack_from("<iiHHI", header, 4)
    masks = _MASKS.get(depth, ())
    at = size
    if compression == _MASKED and len(header) >= 52:
        masks = struct.unpack_from("<III", header, 40)
        at = max(size, 52)
    colours = np.frombuffer(header[at:], np.uint8) if depth <= 8 else np.empty(0, np.uint8)
    colours = colours[: colours.size // 4 * 4].reshape(-1, 4)[:, :3]
    return Form(max(width, 0), abs(height), depth, compression, height < 0, masks, colours)


def as_bmp(image: Image) -> bytes:
    """A picture file of an image, BGR."""
    import cv2

    return cv2.imencode(".bmp", image)[1].tobytes()


def _indices(rows: NDArray[np.uint8], depth: int) -> NDArray[np.uint8]:
    """The samples of rows of 1, 4 or 8 bits each."""
    if depth == 8:
        return rows.copy()
    steps = np.arange(8 - depth, -1, -depth, dtype=np.uint8)
    samples = rows[:, :, None] >> steps & ((1 << depth) - 1)
    return np.asarray(samples.reshape(len(rows), -1), np.uint8)


def _packed(index: NDArray[np.uint8], depth: int) -> NDArray[np.uint8]:
    if depth == 8:
        return index
    steps = np.arange(8 - depth, -1, -depth, dtype=np.uint8)
    apart = index.reshape(len(index), -1, 8 // depth) << steps
    return np.asarray(np.bitwise_or.reduce(apart, axis=2), np.uint8)


def _nearest(paint: Image, colours: Image) -> NDArray[np.uint8]:
    """The index of the colour that is most like each."""
    some, back = np.unique(paint, axis=0, return_inverse=True)
    apart = some[:, None].astype(int) - colours[None]
    return np.asarray((apart**2).sum(axis=2).argmin(axis=1)[back.reshape(-1)], np.uint8)


def _taken(values: NDArray[np.uint32], mask: int) -> NDArray[np.uint8]:
    """A channel of pixels, stretched to 8 bits."""
    low = (mask & -mask).bit_length() - 1 if mask else 0
    most = max(mask >> low, 1)
    return np.asarray((((values & mask) >> low) * 255 + most // 2) // most, np.uint8)


def _put(channel: NDArray[np.uint8], mask: int) -> NDArray[np.uint32]:
    low = (mask & -mask).bit_length() - 1 if mask else 0
    most = mask >> low
    return np.asarray((channel.astype(np.uint32) * most + 127) // 255 << low, np.uint32)
