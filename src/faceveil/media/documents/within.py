"""Pictures within files of no kind known here: they may begin anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from faceveil.errors import FaceVeilError
from faceveil.media.kinds import HEAD, IMAGES, sniff

_SIGNS: Final = (
    *((b"\xff\xd8\xff", 0), (b"\x89PNG\r\n\x1a\n", 0), (b"GIF8", 0), (b"RIFF", 0), (b"BM", 0)),
    *((b"II*\0", 0), (b"MM\0*", 0), (b"ftyp", 4), (b"\0\0\0\x0cjP  ", 0)),
)
"""Bytes near the beginnings of pictures, and how many stand before them."""


def pictures_in(data: bytes) -> Iterator[tuple[int, int, str]]:
    """The places in a file at which pictures begin and end, and their kinds. Each can be opened."""
    known = range(0)
    for sign, before in _SIGNS:
        found = data.find(sign)
        while found >= 0:
            at = found - before
            kind = sniff(data[at : at + HEAD]) if at >= 0 else None
            if kind in IMAGES and at not in known and _opens(kind, data[at:]):
                end = at + _length(kind, data[at:])
                if kind in ("jpeg", "png"):
                    known = range(at, end)
                yield at, end, kind
            found = data.find(sign, found + 1)


def has_pictures(data: bytes) -> bool:
    return next(pictures_in(data), None) is not None


def _length(kind: str, data: bytes) -> int:
    """Bytes of a picture with other data behind it; all of them where its end is not known."""
    if kind == "png":
        end = data.find(b"IEND")
        return end + 8 if end > 0 else len(data)
    if kind == "bmp":
        size = int.from_bytes(data[2:6], "little")
        return size if 26 < size < len(data) else len(data)
    if kind == "webp":
        return min(8 + int.from_bytes(data[4:8], "little"), len(data))
    at = 2
    while kind == "jpeg" and data[at : at + 1] == b"\xff":
        if data[at + 1] == 0xDA:
            end = data.find(b"\xff\xd9", at)
            return end + 2 if end > 0 else len(data)
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return len(data)


def _opens(kind: str, data: bytes) -> bool:
    """Whether a picture really begins here."""
    from faceveil.media.pictures.pillow import decoding, open_picture

    try:
        with decoding(kind):
            open_picture(kind, data, 1 << 28).load()
    except FaceVeilError:
        return False
    return True
