"""Writing animations frame by frame: GIF, animated PNG and animated WebP.

Each frame is encoded as a still by the usual encoder and its picture data moved into the animation.
So at most two frames are in memory at a time, every frame of the input stays separate (Pillow would
merge equal ones), and the file contains only the blocks written here.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import IO, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Image
from faceveil.media.metadata.blocks import webp_chunks
from faceveil.media.pictures.delta import difference, joined
from faceveil.media.pictures.density import Density
from faceveil.media.pictures.encode import Alpha, encoded
from faceveil.media.pictures.gif import GifAnimator


class Animator(Protocol):
    """Takes frames of one size; ``close`` completes the file but leaves it open."""

    def add(self, image: Image, alpha: Alpha, duration: int) -> None:
        """Append a frame that is shown for ``duration`` milliseconds."""
        ...

    def close(self) -> None: ...


def animator(
    file: IO[bytes],
    format: str,
    size: tuple[int, int],
    plays: int,
    quality: int,
    lossless: bool,
    density: Density | None = None,
) -> Animator:
    """Begin an animation in an empty, seekable file.

    Args:
        format: "gif", "png" or "webp".
        size: width, height.
        plays: how often it runs; 0: for ever.
        quality, lossless: for WebP.
        density: shape of the pixels for GIF, resolution for PNG; WebP cannot hold it.
    """
    if format == "gif":
        return GifAnimator(file, size, plays, 0 if density is None else density.gif_byte())
    if format == "png":
        return PngAnimator(file, size, plays, density)
    return WebpAnimator(file, size, plays, quality, lossless)


class PngAnimator:
    """Animated PNG (PNG third edition): acTL, then fcTL and IDAT or fdAT for each frame."""

    def __init__(
        self, file: IO[bytes], size: tuple[int, int], plays: int, density: Density | None = None
    ) -> None:
        self._file, self._size, self._plays = file, size, plays
        self._density = density
        self._before: NDArray[np.uint8] | None = None
        self._frames = self._sequence = 0

    def _chunk(self, code: bytes, body: bytes) -> None:
        self._file.write(struct.pack(">I", len(body)) + code + body)
        self._file.write(struct.pack(">I", zlib.crc32(code + body)))

    def add(self, image: Image, alpha: Alpha, duration: int) -> None:
        frame = joined(image, alpha)
        width, height = self._size
        area, part, over = (0, 0, width, height), frame, False
        if self._before is None:
            self._file.write(b"\x89PNG\r\n\x1a\n")
            # 8 bits, red, green, blue and opacity: all frames share one kind of pixel.
            self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
            self._count_at = self._file.tell()
            self._chunk(b"acTL", struct.pack(">II", 0, self._plays))
            if self._density is not None:
                self._file.write(self._density.png_chunk())
        else:
            area, part, over = difference(self._before, frame)
        self._before = frame
        x0, y0, x1, y1 = area
        milliseconds = min(max(duration, 0), 655_350)
        delay = (milliseconds, 1000) if milliseconds < 65536 else (milliseconds // 10, 100)
        place = (x1 - x0, y1 - y0, x0, y0)
        # Disposal "none"; blending "source" (replace) or "over".
        self._chunk(
            b"fcTL", struct.pack(">IIIIIHHBB", self._sequence, *place, *delay, 0, int(over))
        )
        self._sequence += 1
        if self._frames == 0:
            self._chunk(b"IDAT", self._compressed(part))
        else:
            self._chunk(b"fdAT", struct.pack(">I", self._sequence) + self._compressed(part))
            self._sequence += 1
        self._frames += 1

    @staticmethod
    def _compressed(pixels: NDArray[np.uint8]) -> bytes:
        import PIL.Image

        buffer = io.BytesIO()
        PIL.Image.fromarray(pixels[..., [2, 1, 0, 3]]).save(buffer, "PNG")
        data, at, parts = buffer.getvalue(), 8, []
        while at < len(data):
            size = int.from_bytes(data[at : at + 4], "big")
            if data[at + 4 : at + 8] == b"IDAT":
                parts.append(data[at + 8 : at + 8 + size])
            at += 12 + size
        return b"".join(parts)

    def close(self) -> None:
        self._chunk(b"IEND", b"")
        self._file.seek(self._count_at)
        self._chunk(b"acTL", struct.pack(">II", self._frames, self._plays))
        self._file.seek(0, io.SEEK_END)


class WebpAnimator:
    """Animated WebP (RFC 9649): VP8X, ANIM, then an ANMF chunk for each frame."""

    _ALPHA: Final = 0x10
    _ANIMATION: Final = 0x02
    _REPLACE: Final = 0x02

    def __init__(
        self, file: IO[bytes], size: tuple[int, int], plays: int, quality: int, lossless: bool
    ) -> None:
        self._file, self._size = file, size
        self._quality, self._lossless = quality, lossless
        self._before: NDArray[np.uint8] | None = None
        self._flags = self._ANIMATION
        self._header()
        # Background: transparent black; viewers may ignore it.
        self._chunk(b"ANIM", struct.pack("<IH", 0, min(plays, 65535)))

    def _header(self) -> None:
        width, height = self._size
        self._file.write(b"RIFF\0\0\0\0WEBP")
        self._chunk(b"VP8X", bytes([self._flags, 0, 0, 0]) + _u24(width - 1) + _u24(height - 1))

    def _chunk(self, code: bytes, body: bytes) -> None:
        self._file.write(_riff(code, body))

    def add(self, image: Image, alpha: Alpha, duration: int) -> None:
        frame = joined(image, alpha)
        width, height = self._size
        area, part, over = (0, 0, width, height), frame, False
        if self._before is not None:
            # Offsets are stored in units of two pixels.
            area, part, over = difference(self._before, frame, step=2)
        self._before = frame
        x0, y0, x1, y1 = area
        if over and not self._lossless:
            # A mask of its own costs more here than the pixels it saves.
            part, over = frame[y0:y1, x0:x1], False
        opacity = None if part[..., 3].min() == 255 else part[..., 3]
        if opacity is not None:
            self._flags |= self._ALPHA
        still = encoded(
            "webp",
            np.ascontiguousarray(part[..., :3]),
            opacity,
            quality=self._quality,
            lossless=self._lossless,
        )
        pixels = b"".join(
            _riff(code, body)
            for code, body in webp_chunks(still)
            if code in (b"ALPH", b"VP8 ", b"VP8L")
        )
        head = _u24(x0 // 2) + _u24(y0 // 2) + _u24(x1 - x0 - 1) + _u24(y1 - y0 - 1)
        head += _u24(min(max(duration, 0), 0xFFFFFF)) + bytes([0 if over else self._REPLACE])
        self._chunk(b"ANMF", head + pixels)

    def close(self) -> None:
        size = self._file.tell()
        self._file.seek(0)
        self._header()
        self._file.seek(4)
        self._file.write(struct.pack("<I", size - 8))
        self._file.seek(0, io.SEEK_END)


def _u24(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _riff(code: bytes, body: bytes) -> bytes:
    return code + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)
