"""Find everything that a picture file holds beside its picture.

Every walker reads the bytes of its format and works from a list of what is *needed* to show the
picture; it names everything else: metadata, second copies of the picture, bytes that nothing refers
to. Names only, never contents.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from faceveil.errors import UnsupportedError
from faceveil.i18n import say
from faceveil.media.kinds import HEAD, VIDEOS, sniff
from faceveil.media.metadata import blocks, bmff, tiff

BROKEN: Final = say("unparsable structure")

_WALKERS: Final[dict[str, Callable[[bytes], Iterator[str]]]] = {
    "jpeg": blocks.jpeg,
    "png": blocks.png,
    "gif": blocks.gif,
    "webp": blocks.webp,
    "bmp": blocks.bmp,
    "tiff": tiff.tiff,
    "heic": bmff.heif,
    "avif": bmff.heif,
    "jp2": bmff.jp2,
}


def leftovers(origin: Path | bytes) -> list[str]:
    """Name everything in a picture or video file that is not needed to show it.

    Args:
        origin: the file, or its bytes.

    Returns:
        Short names in the order found, each once: "EXIF", "GPS", "thumbnail", "XMP", "comment",
        "trailer 1234 bytes". Ends with ``BROKEN`` where the structure cannot be followed; what
        lies behind that point is unknown.

    Raises:
        UnsupportedError: not a picture or a video of a kind known here.
        OSError: the file cannot be read.
    """
    if sniff(_head(origin)) in VIDEOS:
        from faceveil.media.videos.tags import stream_leftovers  # needs PyAV; pictures do without

        return stream_leftovers(origin)
    data = origin if isinstance(origin, bytes) else origin.read_bytes()
    walker = _WALKERS.get(sniff(data[:HEAD]) or "")
    if walker is None:
        raise UnsupportedError(say("no picture format that can be looked through"))
    found: dict[str, None] = {}
    try:
        for name in walker(data):
            found[name] = None
    except (IndexError, KeyError, struct.error, ValueError, RecursionError):
        found[BROKEN] = None
    return list(found)


def _head(origin: Path | bytes) -> bytes:
    if isinstance(origin, bytes):
        return origin[:HEAD]
    with origin.open("rb") as file:
        return file.read(HEAD)
