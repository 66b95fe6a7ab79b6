"""Things that coded pictures carry beside their pixels, in the streams of a PDF."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from faceveil.i18n import say
from faceveil.media.documents.pdf_objects import (
    CODED_PICTURES,
    filters_of,
    is_array,
    is_picture,
    is_stream,
)
from faceveil.media.documents.pdf_pixels import read_stored, recode
from faceveil.media.documents.pdf_samples import trimmed
from faceveil.media.leftovers import leftovers
from faceveil.media.metadata.items import boxes
from faceveil.media.pictures.jpeg_layout import CannotKeep, segments, size_of

if TYPE_CHECKING:
    from pikepdf import Pdf

_JFIF: Final = (b"JFIF\0", 0xE0, 14)
_ADOBE: Final = (b"Adobe", 0xEE, 12)
"""Segments that say how the samples are meant: beginning, marker, length."""
_CODESTREAM, _TILE, _COMMENT = b"\xff\x4f\xff\x51", b"\xff\x90", b"\xff\x64"
_EXTRA: Final = frozenset({b"uuid", b"xml ", b"jp2i", b"uinf", b"free", b"jumb", b"asoc", b"lbl "})
"""Boxes of JPEG 2000 that no picture needs (ISO/IEC 15444-1 I.7, 15444-2 M.11)."""


def strip(pdf: Pdf) -> Iterator[str]:
    """Take all metadata out of coded pictures. Their coded pixels stay byte for byte, if possible.

    Streams with a picture that is not said to be one are emptied: nothing shows them.

    Yields:
        Names of what was dropped.
    """
    from pikepdf import Name

    for one in pdf.objects:
        if not is_stream(one):
            continue
        filters = filters_of(one)
        if not is_picture(one):
            if CODED_PICTURES & set(filters):
                one.write(b"")
                yield say("a picture that nothing shows")
            continue
        if trimmed(one):
            yield say("rows of a picture that nothing shows")
        bare = {"/DCTDecode": _bare_jpeg, "/JPXDecode": _bare_jpx}.get(
            filters[-1] if filters else ""
        )
        if bare is None or not set(filters[:-1]) <= {"/FlateDecode"}:
            continue
        data, parms = _unpacked(one, len(filters) - 1), _last(one.get("/DecodeParms"))
        if bare is _bare_jpeg:
            _say_size(one, data)
        if found := _found(data):
            yield from found
            stripped = _tried(bare, data)
            if not _found(stripped):
                one.write(stripped, filter=Name(filters[-1]), decode_parms=parms)
            elif (stored := read_stored(pdf, one.objgen)) is not None:
                recode(one, stored)
                yield say("what is hidden in a picture's coding, which was coded again")


def _unpacked(stream: Any, times: int) -> bytes:
    """The coded picture in a stream that was compressed once more, as it is if that is broken."""
    data: bytes = stream.read_raw_bytes()
    try:
        for _ in range(times):
            data = zlib.decompress(data)
    except zlib.error:
        return b""
    return data


def _last(parms: Any) -> Any:
    return parms[len(parms) - 1] if is_array(parms) and len(parms) else parms


def _say_size(stream: Any, data: bytes) -> None:
    """A JPEG has the size that it says itself, whatever the PDF does: all of it is looked at."""
    try:
        size = size_of(data)
    except CannotKeep:
        return
    if min(size) > 0:
        stream.Width, stream.Height = size


def remains(pdf: Pdf) -> Iterator[str]:
    """Names of the metadata in coded pictures."""
    for one in pdf.objects:
        if is_picture(one) and filters_of(one) in (["/DCTDecode"], ["/JPXDecode"]):
            yield from _found(one.read_raw_bytes())


def _found(data: bytes) -> list[str]:
    from faceveil.errors import UnsupportedError

    try:
        return leftovers(data)
    except UnsupportedError:  # a bare code stream, or no picture at all
        return []


def _tried(bare: Callable[[bytes], bytes], data: bytes) -> bytes:
    try:
        return bare(data)
    except (CannotKeep, ValueError, IndexError):
        return data


def _bare_jpeg(data: bytes) -> bytes:
    kept = [data[:2]]
    for marker, start, end in segments(data):
        meant = any(
            marker == number and data[start + 4 :].startswith(head)
            for head, number, _ in (_JFIF, _ADOBE)
        )
        if meant:
            size = _JFIF[2] if marker == _JFIF[1] else _ADOBE[2]
            body = bytearray(data[start + 4 : start + 4 + size].ljust(size, b"\0"))
            if marker == _JFIF[1]:
                body[12:14] = b"\0\0"  # the size of its thumbnail
            kept.append(data[start : start + 2] + (size + 2).to_bytes(2, "big") + body)
        elif not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(data[start:end])
    return b"".join(kept)


def _bare_jpx(data: bytes) -> bytes:
    if data.startswith(_CODESTREAM):
        return _without_comments(data)
    kept, at = [], 0
    for kind, body, end in boxes(data, 0, len(data)):
        if kind == b"jp2c":
            stream = _without_comments(data[body:end])
            kept.append((len(stream) + 8).to_bytes(4, "big") + kind + stream)
        elif kind not in _EXTRA:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _without_comments(stream: bytes) -> bytes:
    """A code stream without the comments in its main header (ISO/IEC 15444-1, A.9.2)."""
    kept, at = [stream[:2]], 2
    while stream[at : at + 2] not in (_TILE, b""):
        end = at + 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
        if stream[at : at + 2] != _COMMENT:
            kept.append(stream[at:end])
        at = end
    return b"".join(kept) + stream[at:]
