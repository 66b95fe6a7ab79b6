"""Things that a PDF holds beside its pages: taken out, or a reason to refuse it.

Everything here works on the objects of the file, wherever they are referred to, so that nothing
depends on knowing all the places in which a PDF may keep a second copy of something.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Final

from faceveil.errors import LimitError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.documents.pdf_objects import (
    containers,
    filters_of,
    is_array,
    is_dictionary,
    is_stream,
)

if TYPE_CHECKING:
    from pikepdf import Object, Pdf

    from faceveil.options import Options

# Keys of any dictionary (ISO 32000-2: 14.3, 14.5, 12.3.4, 8.10.4, 12.6.3), and the name of what
# they hold; "" for what nobody would miss or call metadata.
_DROPPED: Final = {
    "/Metadata": "XMP",
    "/PieceInfo": say("data of programs"),
    "/Thumb": say("thumbnail"),
    "/LastModified": say("date"),
    "/AA": say("actions"),
    "/JS": "JavaScript",
    "/OPI": "",
    "/SpiderInfo": say("data of programs"),
}
_FROM_ROOT: Final = {
    "/Collection": "",
    "/Legal": "",
    "/AF": "",
    "/Requirements": "",
}
_FROM_NAMES: Final = {
    "/JavaScript": "JavaScript",
    "/EmbeddedFiles": "",
    "/Renditions": "",
    "/IDS": say("data of programs"),
    "/URLS": say("data of programs"),
}
# Actions that run something, fetch something or send something (12.6.4).
_ACTIONS: Final = frozenset(
    {"/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/GoToE", "/Rendition", "/Movie"}
    | {"/Sound", "/GoTo3DView", "/RichMediaExecute"}
)
_MOVING: Final = frozenset({"/3D", "/RichMedia", "/Movie", "/Screen", "/Sound"})
"""Annotations with films, sounds or models (12.5.6), whose pictures are not reached here."""
_XFA_PICTURES: Final = re.compile(rb"<(\w+:)?(image|imageEdit)\b|contentType\s*=\s*\"image/", re.I)

_LEAST: Final = 16 << 20
"""A stream that unpacks to no more than this is never too much, as in an archive."""


def refuse(pdf: Pdf, options: Options) -> None:
    """Raise what forbids to work on this file.

    Raises:
        LimitError: too many pages, or streams that unpack to too much.
        UnsupportedError: it is signed, or holds what cannot be looked at.
    """
    if (count := len(pdf.pages)) > options.max_pages:
        raise LimitError(
            say(
                "the document has {count} pages, more than {limit}",
                count=count,
                limit=options.max_pages,
            ),
            say("If you trust the file, raise max_pages."),
        )
    form = pdf.Root.get("/AcroForm")
    if is_dictionary(form):
        _refuse_xfa(pdf, form)
    signed = False
    for one in containers(pdf):
        if not is_dictionary(one):
            continue
        kind = one.get("/Subtype")
        if kind in _MOVING and "/Rect" in one:
            raise UnsupportedError(
                say("the PDF holds a film, a sound or a model, which are not handled"),
                say("Remove it from the document first."),
            )
        signed |= one.get("/FT") == "/Sig" and "/V" in one
        signed |= "/ByteRange" in one and "/Contents" in one
        if is_stream(one):
            if "/F" in one:
                raise UnsupportedError(say("the PDF keeps a part of itself in another file"))
            _refuse_bomb(one, options)
    if signed and not options.invalidate_signatures:
        raise UnsupportedError(
            say("the PDF is signed, and any change makes the signature invalid"),
            say("Add --invalidate-signatures if a copy without signatures will do."),
        )


def _refuse_xfa(pdf: Pdf, form: Object) -> None:
    if "/XFA" not in form:
        return
    parts = form.XFA if is_array(form.XFA) else [form.XFA]
    data = b"".join(part.read_bytes() for part in parts if is_stream(part))
    if _XFA_PICTURES.search(data) or pdf.Root.get("/NeedsRendering"):
        raise UnsupportedError(
            say("the PDF is an XFA form, whose pictures cannot be reached"),
            say("Print it to a new PDF first."),
        )


def _refuse_bomb(stream: Object, options: Options) -> None:
    """Refuse a stream that unpacks to far more than its size, unless it is that many pixels."""
    filters = filters_of(stream)
    if "/FlateDecode" not in filters:
        return
    packed = max(1, int(stream.stream_dict.get("/Length", 0)))
    room = max(_LEAST, options.max_ratio * packed)
    if stream.get("/Subtype") == "/Image":
        width, height = (max(0, int(stream.get(key, 0))) for key in ("/Width", "/Height"))
        # At most 32 samples of 16 bits a pixel (8.6.6.5), and a byte a row for a predictor.
        room = max(_LEAST, (64 * width + 1) * height) if width * height > 0 else room
    # What deflate can do at most; most streams are settled by this.
    if filters.count("/FlateDecode") == 1 and 1032 * packed <= room:
        return
    data: bytes = stream.read_raw_bytes()
    for name in filters:
        if name != "/FlateDecode":
            return
        data = _inflated(data, int(room))


def _inflated(data: bytes, room: int) -> bytes:
    worker = zlib.decompressobj()
    try:
        unpacked = worker.decompress(data, room + 1)
    except zlib.error:  # whoever reads it gets no further either
        return b""
    if len(unpacked) > room:
        raise LimitError(
            say("a part of the PDF unpacks to far more than its size"),
            say("If you trust the file, raise max_ratio."),
        )
    return unpacked


def clean(pdf: Pdf) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Take everything out that is neither on a page nor needed to show one.

    Returns:
        Names of what was dropped, as `leftovers` has them, and warnings of what will be missed.
    """
    dropped: dict[str, None] = {}
    attached = set()
    root = pdf.Root
    signed = "/Perms" in root or "/DSS" in root
    if "/Info" in pdf.trailer:
        dropped[say("document information")] = None
        del pdf.trailer["/Info"]
    if "/ID" in pdf.trailer:  # tells which document this one was made from
        del pdf.trailer["/ID"]
    _drop(root, {**_FROM_ROOT, "/Perms": "", "/DSS": ""}, dropped)
    if is_dictionary(names := root.get("/Names")):
        _drop(names, _FROM_NAMES, dropped)
    shown = {page.obj.objgen for page in pdf.pages}
    for one in containers(pdf):
        if not is_dictionary(one):
            continue
        if one.get("/Type") in ("/Page", "/Template") and one.objgen not in shown:
            # A bookmark may still lead to a page that somebody has deleted.
            dropped[say("pages that are not shown")] = None
            _emptied(one)
        _drop(one, _DROPPED, dropped)
        if "/EF" in one:
            attached.add(one.objgen if one.is_indirect else id(one))
            for key in ("/EF", "/RF"):
                if key in one:
                    del one[key]
        if one.get("/Type") == "/EmbeddedFile":
            _emptied(one)
        if (one.get("/S") in _ACTIONS and "/Type" in one) or one.get("/S") in _ACTIONS - {"/Sound"}:
            dropped[say("actions")] = None
            _emptied(one)
        if one.get("/Subtype") == "/Form" and "/Ref" in one:
            del one["/Ref"]
        if one.get("/FT") == "/Sig" and "/V" in one:
            del one["/V"]
            signed = True
    if is_dictionary(form := root.get("/AcroForm")) and "/SigFlags" in form:
        del form["/SigFlags"]
    warnings = []
    if attached:
        warnings.append(say("{count} attached files are left out", count=len(attached)))
    if signed:
        warnings.append(say("the signatures are no longer valid and are left out"))
    return tuple(dropped), tuple(warnings)


def _drop(one: Object, keys: dict[str, str], dropped: dict[str, None]) -> None:
    for key, name in keys.items():
        if key in one:
            del one[key]
            if name:
                dropped[name] = None


def _emptied(one: Object) -> None:
    if is_stream(one):
        one.write(b"")
    for key in list(one.keys()):
        if key != "/Length":
            del one[key]
