"""Things that coded pictures carry beside their pixels, in the streams of a PDF."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from faceveil.i18n import say
from faceveil.media.documents.pdf_hidden import bytes_of, is_file
from faceveil.media.documents.pdf_objects import (
    CODED_PICTURES,
    coded_picture,
    filters_of,
    is_array,
    is_dictionary,
    is_picture,
    is_stream,
)
from faceveil.media.documents.pdf_pixels import read_stored, recode
from faceveil.media.documents.pdf_render import picture
from faceveil.media.documents.pdf_samples import trimmed
from faceveil.media.leftovers import leftovers
from faceveil.media.metadata.items import end_of_codestream, outer_boxes
from faceveil.media.pictures.jpeg_layout import CannotKeep, segments, size_of

if TYPE_CHECKING:
    from pikepdf import Pdf

_JFIF: Final = (b"JFIF\0", 0xE0, 14)
_ADOBE: Final = (b"Adobe", 0xEE, 12)
"""Segments that say how the samples are meant: beginning, marker, length."""
_CODESTREAM, _TILE, _COMMENT = b"\xff\x4f\xff\x51", b"\xff\x90", b"\xff\x64"
_FILL, _END, _MORE = b"\x00\xff", 4, 32
"""Bytes of rows as white as the one before (ITU-T T.6, 2.2.3), the length of the mark of a fax's
end, and that of what is no longer nothing.
"""
_JBIG2_PAGE, _UNKNOWN = 48, 0xFFFFFFFF
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
            if CODED_PICTURES & set(filters) or is_file(bytes_of(one)):
                one.write(b"")
                yield say("a picture that nothing shows")
            continue
        if filters[-1:] == ["/JBIG2Decode"]:
            _say_size(one, _jbig2_size(_file(one)))
        if filters[-1:] == ["/CCITTFaxDecode"] and (_is_cut(one) or _goes_on(pdf, one)):
            if (stored := read_stored(pdf, one.objgen)) is not None:
                recode(one, stored)
                yield say("rows of a picture that nothing shows")
            continue
        if trimmed(one):
            yield say("rows of a picture that nothing shows")
        bare = {"/DCTDecode": _bare_jpeg, "/JPXDecode": _bare_jpx}.get(
            filters[-1] if filters else ""
        )
        if bare is None:
            continue
        data, parms = _file(one), _last(one.get("/DecodeParms"))
        _say_size(one, _jpeg_size(data) if bare is _bare_jpeg else _jpx_size(data))
        if found := _found(data):
            yield from found
            stripped = _tried(bare, data)
            if not _found(stripped):
                one.write(stripped, filter=Name(filters[-1]), decode_parms=parms)
            elif (stored := read_stored(pdf, one.objgen)) is not None:
                recode(one, stored)
                yield say("what is hidden in a picture's coding, which was coded again")


def _file(stream: Any) -> bytes:
    """The file of a coded picture; nothing if it cannot be read."""
    from pikepdf import PdfError

    try:
        return coded_picture(stream)
    except PdfError:
        return b""


def _last(parms: Any) -> Any:
    return parms[len(parms) - 1] if is_array(parms) and len(parms) else parms


def _say_size(stream: Any, size: tuple[int, int]) -> None:
    """A coded picture has the size that it says itself, whatever the PDF does: all is looked at."""
    if min(size) > 0:
        stream.Width, stream.Height = size


def _jpeg_size(data: bytes) -> tuple[int, int]:
    try:
        return size_of(data)
    except CannotKeep:
        return 0, 0


def _jpx_size(data: bytes) -> tuple[int, int]:
    """Width and height of JPEG 2000 (ISO/IEC 15444-1, A.5.1), or 0."""
    at = data.find(_CODESTREAM)
    if at < 0 or len(data) < at + 24:
        return 0, 0
    right, bottom, left, top = struct.unpack_from(">4I", data, at + 8)
    return right - left, bottom - top


def _jbig2_size(data: bytes) -> tuple[int, int]:
    """Width and height of JBIG2 if a page comes first (ITU-T T.88, 7.2 and 7.4.8), or 0."""
    if len(data) < 19 or data[4] & 0x7F != _JBIG2_PAGE or data[5] >> 5:
        return 0, 0
    width, height = struct.unpack_from(">2I", data, 11)
    return (width, height) if height < _UNKNOWN else (0, 0)


def _is_cut(stream: Any) -> bool:
    """Whether a fax has more columns or rows than the PDF shows of it."""
    parms = _last(stream.get("/DecodeParms"))
    if not is_dictionary(parms):
        return False
    columns, rows = int(parms.get("/Columns", 1728)), int(parms.get("/Rows", 0))
    return columns > int(stream.get("/Width", 0)) or rows > int(stream.get("/Height", 0))


def _goes_on(pdf: Pdf, stream: Any) -> bool:
    """Whether a fax shows the same without the end of its data: more may be behind its rows."""
    if len(filters_of(stream)) > 1:
        return True
    # White rows, the mark of the end and what fills the last bytes are not counted.
    data = stream.read_raw_bytes().rstrip(_FILL)[:-_END].rstrip(_FILL)
    if len(data) <= _MORE:
        return False
    whole, short = picture(pdf, stream), picture(pdf, stream, data=data[:-_MORE])
    return whole is not None and short is not None and np.array_equal(whole, short)


def remains(pdf: Pdf) -> Iterator[str]:
    """Names of the metadata in coded pictures."""
    for one in pdf.objects:
        if is_picture(one) and filters_of(one)[-1:] in (["/DCTDecode"], ["/JPXDecode"]):
            yield from _found(_file(one))


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
    for kind, body, end in outer_boxes(data):
        if kind == b"jp2c":
            stream = _without_comments(data[body:end])
            kept.append((len(stream) + 8).to_bytes(4, "big") + kind + stream)
        elif kind not in _EXTRA:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _without_comments(stream: bytes) -> bytes:
    """A code stream without the comments in its main header (ISO/IEC 15444-1, A.9.2), and without
    what lies behind it.
    """
    with suppress(ValueError):
        stream = stream[: end_of_codestream(stream)]
    kept, at = [stream[:2]], 2
    while stream[at : at + 2] not in (_TILE, b""):
        end = at + 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
        if stream[at : at + 2] != _COMMENT:
            kept.append(stream[at:end])
        at = end
    return b"".join(kept) + stream[at:]
