"""Pictures where a PDF has no place for any: in streams and strings that are for something else.

No viewer shows them, but whoever unpacks the file finds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from faceveil.errors import FaceVeilError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.documents.pdf_attached import HANDLED
from faceveil.media.documents.pdf_objects import (
    containers,
    data_of,
    is_picture,
    is_stream,
    items_of,
    values_of,
)
from faceveil.media.documents.recognize import kind_of
from faceveil.media.documents.texts import is_written_otherwise, narrowed, runs, without_mark
from faceveil.media.documents.within import has_pictures

if TYPE_CHECKING:
    from pikepdf import Pdf, Stream

_LEAST: Final = 100
"""Bytes of the smallest thing that shows a face."""


def refuse_hidden(pdf: Pdf) -> None:
    """Refuse a file with a picture in a string, or in a stream that is no picture.

    Args:
        pdf: with nothing in it that nothing refers to.

    Raises:
        UnsupportedError: it has one.
    """
    for one in containers(pdf):
        values = (*values_of(one), *items_of(one))
        strings = (bytes(value) for value in values if _is_string(value))
        if any(len(data) >= _LEAST and holds_picture(data) for data in strings):
            raise _refusal()
        if is_stream(one) and not is_picture(one) and holds_picture(bytes_of(one)):
            raise _refusal()


def holds_picture(data: bytes) -> bool:
    """Decide whether a picture, a film or a document can be taken out of some bytes."""
    if is_file(data) or has_pictures(data):
        return True
    text, code = narrowed(data)
    # All but texts for programs is for letters, colours or pages, and holds no words of this kind.
    if not code and without_mark(text[:64])[:1] not in (b"<", b"{", b"[") and b"base64" not in text:
        return False
    return is_written_otherwise(text) or any(
        is_file(run.data) or has_pictures(run.data) for run in runs(text)
    )


def is_file(data: bytes) -> bool:
    """Decide whether bytes are a file with something to look at."""
    try:
        return len(data) >= _LEAST and kind_of(data)[1] in HANDLED
    except FaceVeilError:
        return False


def bytes_of(stream: Stream) -> bytes:
    """A stream unpacked, or as it is stored where that fails."""
    from pikepdf import PdfError

    try:
        return data_of(stream)
    except PdfError:
        return stream.read_raw_bytes()


def _is_string(value: object) -> bool:
    from pikepdf import String

    return isinstance(value, String)


def _refusal() -> UnsupportedError:
    return UnsupportedError(
        say("the PDF holds a picture where nothing can be painted"),
        say("Print it to a new PDF first."),
    )
