"""JPEG 2000 of any depth.

Pillow reads samples of 8 bits, and a single component of 10 bits and more, correctly. Samples of
fewer bits come out too dark (white of one bit becomes 128), and in several components with more
bits white overflows and becomes black. The former is corrected here, the latter is read by OpenCV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from faceveil.errors import UnsupportedError
from faceveil.i18n import say
from faceveil.media.metadata.items import boxes, outer_boxes

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_CODESTREAM: Final = b"\xff\x4f\xff\x51"
_SYCC: Final = 18


def rightly(picture: Picture, data: bytes) -> Picture:
    """A picture that Pillow has opened, decoded here if Pillow would read it wrongly.

    Raises:
        UnsupportedError: neither library reads it correctly.
    """
    depths, palette, sycc = _described(data)
    bits = [depth & 0x7F for depth in depths]
    if set(bits) == {7} or (len(bits) == 1 and picture.mode.startswith("I;16")):
        return picture  # coded as one less than they are
    if palette or sycc or len(bits) > 4:
        raise _refused()
    if max(bits) <= 7:
        return _stretched(picture, [bit + 1 for bit in bits])
    if len(set(depths)) > 1 or depths[0] & 0x80 or len(bits) == 2:
        raise _refused()
    return _by_opencv(picture, data, bits[0] + 1)


def without_the_rest(data: bytes) -> bytes:
    """A file up to the end of its first code stream: OpenJPEG minds what phones append to it.

    Raises:
        ValueError: it was cut off.
    """
    if data[:4] == _CODESTREAM:
        return data
    return data[: next((end for kind, _, end in outer_boxes(data) if kind == b"jp2c"), len(data))]


def _described(data: bytes) -> tuple[list[int], bool, bool]:
    """Depth of each component (SIZ, ISO/IEC 15444-1, A.5.1), whether there is a palette, sYCC."""
    start, palette, sycc = 0, False, False
    if data[:4] != _CODESTREAM:
        found = {kind: (body, end) for kind, body, end in outer_boxes(data)}
        start = found[b"jp2c"][0]
        for kind, body, _ in boxes(data, *found[b"jp2h"]):
            palette |= kind == b"pclr"
            told = int.from_bytes(data[body + 3 : body + 7], "big")
            sycc |= kind == b"colr" and data[body] == 1 and told == _SYCC
    count = int.from_bytes(data[start + 40 : start + 42], "big")
    return list(data[start + 42 : start + 42 + 3 * count : 3]), palette, sycc


def _stretched(picture: Picture, bits: list[int]) -> Picture:
    """Samples that Pillow shifted up to 8 bits, as shares of their own white."""
    picture.load()
    table: list[int] = []
    for depth in bits:
        white = (1 << depth) - 1
        table += [((value >> (8 - depth)) * 255 + white // 2) // white for value in range(256)]
    info, done = picture.info, picture.point(table)
    done.info.update(info)
    return done


def _by_opencv(picture: Picture, data: bytes, bits: int) -> Picture:
    import cv2
    import PIL.Image

    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        found: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if found is None or found.dtype != np.uint16 or found.shape[1::-1] != picture.size:
        raise ValueError
    white = (1 << bits) - 1
    shares = (np.arange(65536, dtype=np.uint32) * 255 + white // 2) // white
    eight = np.minimum(shares, 255).astype(np.uint8)[found]
    if eight.ndim == 3:
        eight = np.ascontiguousarray(eight[..., [2, 1, 0, 3][: eight.shape[2]]])
    done = PIL.Image.fromarray(eight)
    done.info.update(picture.info)
    return done


def _refused() -> UnsupportedError:
    return UnsupportedError(
        say("JPEG 2000 samples of this kind are not handled"),
        say("Convert it to PNG or TIFF first."),
    )
