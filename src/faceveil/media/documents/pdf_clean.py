"""Things that a PDF holds beside its pages: taken out, or a reason to refuse it.

Everything here works on the objects of the file, wherever they are referred to, so that nothing
depends on knowing all the places in which a PDF may keep a second copy of something.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from faceveil.errors import LimitError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.advice import PRINT
from faceveil.media.documents.pdf_objects import (
    containers,
    data_of,
    empty,
    filters_of,
    is_array,
    is_dictionary,
    is_stream,
    items_of,
    parms_of,
    undone,
)
from faceveil.media.documents.texts import narrowed

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
    "/CreatorInfo": say("data of programs"),
    "/DPM": say("data of programs"),
}
# All keys that ISO 32000-2 gives to the catalog, a page, a picture, a form and the trailer (tables
# 29, 31, 87, 93, 15). Others are of programs, which may keep anything there.
_KNOWN: Final = {
    kind: frozenset(re.findall(r"/\w+", names))
    for kind, names in {
        "/Catalog": (
            "/Type/Version/Extensions/Pages/PageLabels/Names/Dests/ViewerPreferences"
            "/PageLayout/PageMode/Outlines/Threads/OpenAction/URI/AcroForm/StructTreeRoot"
            "/MarkInfo/Lang/OutputIntents/OCProperties/NeedsRendering/DPartRoot"
        ),
        "/Page": (
            "/Type/Parent/Resources/MediaBox/CropBox/BleedBox/TrimBox/ArtBox/BoxColorInfo"
            "/Contents/Rotate/Group/B/Dur/Trans/Annots/StructParents/PZ/SeparationInfo/Tabs"
            "/TemplateInstantiated/PresSteps/UserUnit/VP/AF/OutputIntents/DPart"
        ),
        "/Image": (
            "/Length/Filter/DecodeParms/Type/Subtype/Width/Height/ColorSpace"
            "/BitsPerComponent/Intent/ImageMask/Mask/Decode/Interpolate/Alternates/SMask"
            "/SMaskInData/Matte/Name/StructParent/OC/AF/Measure/PtData"
        ),
        "/Form": (
            "/Length/Filter/DecodeParms/Type/Subtype/FormType/BBox/Matrix/Resources/Group"
            "/StructParent/StructParents/OC/Name/AF/Measure/PtData"
        ),
        "trailer": ("/Length/Filter/DecodeParms/Type/Size/Prev/Root/Encrypt/Index/W/XRefStm"),
    }.items()
}
_FROM_ROOT: Final = {
    "/Collection": "",
    "/Legal": "",
    "/AF": "",
    "/Requirements": "",
}
_FROM_NAMES: Final = {
    "/JavaScript": "JavaScript",
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

_MOST: Final = {"/FlateDecode": 1032, "/LZWDecode": 1400, "/RunLengthDecode": 64}
"""The number of times its size to which a filter can unpack something."""
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
        if _is_one_of(_MOVING, one.get("/Subtype")) and "/Rect" in one:
            raise UnsupportedError(
                say("the PDF holds a film, a sound or a model, which are not handled"),
                say("Remove it from the document first."),
            )
        signed |= one.get("/FT") == "/Sig" and "/V" in one
        signed |= "/ByteRange" in one and "/Contents" in one
        if is_stream(one):
            if "/F" in one:
                raise UnsupportedError(say("the PDF keeps a part of itself in another file"), PRINT)
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
    data = b"".join(narrowed(data_of(part))[0] for part in parts if is_stream(part))
    if _XFA_PICTURES.search(data) or pdf.Root.get("/NeedsRendering"):
        raise UnsupportedError(
            say("the PDF is an XFA form, whose pictures cannot be reached"),
            say("Print it to a new PDF first."),
        )


def _refuse_bomb(stream: Object, options: Options) -> None:
    """Refuse a stream that unpacks to far more than its size, unless it is that many pixels."""
    from pikepdf import PdfError

    filters = filters_of(stream)
    if not _MOST.keys() & set(filters):
        return
    packed = max(1, int(stream.stream_dict.get("/Length", 0)))
    room = max(_LEAST, options.max_ratio * packed)
    if stream.get("/Subtype") == "/Image":
        width, height = (max(0, int(stream.get(key, 0))) for key in ("/Width", "/Height"))
        # At most 32 samples of 16 bits a pixel (8.6.6.5), and a byte a row for a predictor.
        room = max(_LEAST, (64 * width + 1) * height) if width * height > 0 else room
    # What one filter can do at most; most streams are settled by this.
    if len(filters) == 1 and _MOST[filters[0]] * packed <= room:
        return
    data: bytes = stream.read_raw_bytes()
    for name, told in zip(filters, parms_of(stream), strict=True):
        if name == "/LZWDecode":
            _require_room(_lzw_size(data, int(room)), int(room))
        if name == "/FlateDecode":
            plain = _inflated(data, int(room))
            if told is None:
                data = plain
                continue
        try:
            data = undone(data, [name], [told])
        except PdfError:  # a coded picture, or what nobody can read
            return
        _require_room(len(data), int(room))


def _inflated(data: bytes, room: int) -> bytes:
    worker = zlib.decompressobj()
    try:
        unpacked = worker.decompress(data, room + 1)
    except zlib.error:  # whoever reads it gets no further either
        return b""
    _require_room(len(unpacked), room)
    return unpacked


def _lzw_size(data: bytes, room: int) -> int:
    """Bytes to which LZW unpacks (ISO 32000-2, 7.4.4); counted no further than past ``room``."""
    sizes, width, size, before = [1] * 258, 9, 0, 0
    bits = count = 0
    for byte in data:
        bits, count = (bits << 8 | byte) & 0xFFFFFF, count + 8
        if count < width:
            continue
        count -= width
        code = bits >> count & (1 << width) - 1
        if code == 256:  # a new table
            del sizes[258:]
            width, before = 9, 0
            continue
        if code == 257 or code > len(sizes) or size > room:
            break
        new = sizes[code] if code < len(sizes) else before + 1
        if before and len(sizes) < 4096:
            sizes.append(before + 1)
        size, before = size + new, new
        # One earlier than needed, as is usual; where it is not, the count is of what nobody shows.
        width = min(12, max(9, (len(sizes) + 1).bit_length()))
    return size


def _require_room(size: int, room: int) -> None:
    if size > room:
        raise LimitError(
            say("a part of the PDF unpacks to far more than its size"),
            say("If you trust the file, raise max_ratio."),
        )


def clean(pdf: Pdf) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Take everything out that is neither on a page nor needed to show one.

    Returns:
        Names of what was dropped, as `leftovers` has them, and warnings of what will be missed.
    """
    dropped: dict[str, None] = {}
    root = pdf.Root
    signed = "/Perms" in root or "/DSS" in root
    if "/Info" in pdf.trailer:
        dropped[say("document information")] = None
        del pdf.trailer["/Info"]
    if "/ID" in pdf.trailer:  # tells which document this one was made from
        del pdf.trailer["/ID"]
    _keep_known(pdf.trailer, _KNOWN["trailer"], dropped)
    _drop(root, {**_FROM_ROOT, "/Perms": "", "/DSS": ""}, dropped)
    for article in items_of(root.get("/Threads")):
        if is_dictionary(article):
            _drop(article, {"/I": say("document information")}, dropped)
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
        action = one.get("/S")
        if _is_one_of(_ACTIONS, action) and ("/Type" in one or action != "/Sound"):
            dropped[say("actions")] = None
            _emptied(one)
        for kind in ("/Image", "/Form"):
            if is_stream(one) and one.get("/Subtype") == kind:
                _keep_known(one, _KNOWN[kind], dropped)
        if one.get("/Subtype") == "/Form" and "/Ref" in one:
            del one["/Ref"]
        if one.get("/FT") == "/Sig" and "/V" in one:
            del one["/V"]
            signed = True
    _keep_known(root, _KNOWN["/Catalog"], dropped)
    for page in pdf.pages:
        _keep_known(page.obj, _KNOWN["/Page"], dropped)
    if is_dictionary(form := root.get("/AcroForm")) and "/SigFlags" in form:
        del form["/SigFlags"]
    warnings = []
    if signed:
        warnings.append(say("the signatures are no longer valid and are left out"))
    return tuple(dropped), tuple(warnings)


def _drop(one: Object, keys: Mapping[str, str], dropped: dict[str, None]) -> None:
    for key, name in keys.items():
        if key in one:
            del one[key]
            if name:
                dropped[name] = None


def _keep_known(one: Object, known: frozenset[str], dropped: dict[str, None]) -> None:
    """Drop the keys that programs have added."""
    added = {key: say("data of programs") for key in one.keys() if key not in known}  # noqa: SIM118
    _drop(one, added, dropped)


def _is_one_of(names: frozenset[str], value: object) -> bool:
    """Whether a value is one of these names; resources may be called as any key is."""
    from pikepdf import Name

    return isinstance(value, Name) and value in names


def _emptied(one: Object) -> None:
    if is_stream(one):
        one.write(b"")
    empty(one, "/Length")
