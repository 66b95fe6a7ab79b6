"""Live over messages: a compressed picture in, the same one obscured out. It has no network code.

A message is four bytes, a number of the sender's choice (big-endian), and a JPEG or WebP picture;
the answer has the same number. If the numbers are milliseconds, they tell when the pictures were
taken.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import cv2
import numpy as np

from faceveil.errors import LimitError, UnreadableError
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.i18n import say
from faceveil.live.live_pipeline import LivePipeline, Make
from faceveil.live.stats import Stats
from faceveil.options import Options

MOST_BYTES = 4 << 20
"""Largest message."""
MOST_PIXELS = 1920 * 1200
_HEAD = struct.Struct(">I")
_QUALITY = 80


class Session:
    """One sender of pictures.

    Args:
        make: detectors to use in place of those the options name.

    Attributes:
        covers: the areas that are covered in what ``pull`` returned last.
        tap: gets each frame that leaves, covered, such as `Footage.write`.

    Raises:
        UsageError, WeightsError: no such detector, or it has no weights.
    """

    def __init__(self, options: Options, *, make: Make | None = None) -> None:
        self._veil = LivePipeline(options, make=make)
        self.covers: tuple[Box, ...] = ()
        self.tap: Callable[[Frame], None] | None = None

    def push(self, message: bytes) -> None:
        """Take a message; may be called in another thread than ``pull``.

        Raises:
            UnreadableError: it is none.
            LimitError: it, or its picture, is too large.
        """
        if len(message) > MOST_BYTES:
            raise LimitError(say("the message is too large"))
        if len(message) <= _HEAD.size:
            raise UnreadableError(say("the message is too short"))
        (number,) = _HEAD.unpack_from(message)
        self._veil.push(Frame(number, decode(message[_HEAD.size :]), pts=number))

    def pull(self, timeout: float) -> bytes | None:
        """The next message to send back, or None if none is due within these seconds."""
        veiled = self._veil.pull(timeout)
        if veiled is None:
            return None
        self.covers = veiled.covers
        if (tap := self.tap) is not None:
            tap(veiled.frame)
        return _HEAD.pack(veiled.frame.index) + encode(veiled.frame.image)

    @property
    def stats(self) -> Stats:
        return self._veil.stats

    def close(self) -> None:
        """Stop, and forget the waiting pictures."""
        self._veil.close()


def decode(data: bytes) -> Image:
    """A JPEG or WebP picture as (H, W, 3) uint8 BGR.

    Raises:
        UnreadableError: it is neither, or broken.
        LimitError: it has too many pixels; known before it is decoded.
    """
    import PIL.Image

    try:
        with PIL.Image.open(io.BytesIO(data), formats=("JPEG", "WEBP")) as picture:
            width, height = picture.size
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadableError(say("neither a JPEG nor a WebP picture")) from error
    if width * height > MOST_PIXELS:
        raise LimitError(
            say("pictures of {width}x{height} are too large for live", width=width, height=height)
        )
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise UnreadableError(say("the picture is broken")) from error
    if image is None:
        raise UnreadableError(say("the picture is broken"))
    return np.ascontiguousarray(image, np.uint8)


def encode(image: Image) -> bytes:
    """As JPEG, without metadata."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
