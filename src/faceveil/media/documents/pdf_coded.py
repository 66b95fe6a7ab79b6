"""What coded pictures carry beside their pixels, in the streams of a PDF."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from faceveil.i18n import say
from faceveil.media.documents.pdf_objects import CODED_PICTURES, filters_of, is_picture, is_stream
from faceveil.media.leftovers import leftovers
from faceveil.media.metadata.items import boxes
from faceveil.media.pictures.jpeg_layout import CannotKeep, segments

if TYPE_CHECKING:
    from pikepdf import Pdf

_JFIF: Final = (b"JFIF\0", 0xE0, 14)
_ADOBE: Final = (b"Adobe", 0xEE, 12)
"""Segments that say how the samples are meant: beginning, marker, length."""
_EXTRA: Final = frozenset({b"uuid", b"xml ", b"jp2i", b"uinf", b"free", b"jumb", b"asoc", b"lbl "})
"""Boxes of JPEG 2000 that no picture needs (ISO/IEC 15444-1 I.7, 15444-2 M.11)."""


def strip(pdf: Pdf) -> Iterator[str]:
    """Take all metadata out of coded pictures. Their coded pixels stay byte for byte.

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
        bare = {"/DCTDecode": _bare_jpeg, "/JPXDecode": _bare_jpx}.get(
            filters[-1] if filters else ""
        )
        if bare is None or len(filters) > 1:
            continue
        data = one.read_raw_bytes()
        if found := _found(data):
            yield from found
            parms: Any = one.get("/DecodeParms")
            one.write(_tried(bare, data), filter=Name(filters[-1]), decode_parms=parms)


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
    if data[:4] == b"\xff\x4f\xff\x51":
        return data
    kept, at = [], 0
    for kind, _, end in boxes(data, 0, len(data)):
        if kind not in _EXTRA:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)
