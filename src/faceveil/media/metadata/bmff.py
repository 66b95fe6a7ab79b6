"""HEIF, AVIF and JPEG 2000 files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from faceveil.i18n import say
from faceveil.media.metadata.blocks import trailer
from faceveil.media.metadata.items import (
    Items,
    boxes,
    end_of_boxes,
    end_of_codestream,
    outer_boxes,
    printable,
    read_meta,
)
from faceveil.media.metadata.tiff import exif, unreferenced, xmp

_TOP: Final = {b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip"}
PIXEL_ITEMS: Final = {b"av01", b"hvc1", b"grid", b"iden", b"iovl", b"avc1", b"jpeg", b"j2k1"}
# Item properties that decoding or display needs (ISO/IEC 23008-12, AV1 in HEIF).
_PROPERTIES: Final = (
    {b"ispe", b"pixi", b"av1C", b"hvcC", b"avcC", b"j2kH", b"colr", b"pasp", b"clap", b"irot"}
    | {b"imir", b"auxC", b"a1op", b"a1lx", b"lsel", b"clli", b"mdcv", b"cclv", b"amve", b"ndwt"}
    | {b"rloc"}
)
ALPHA: Final = {
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
    b"urn:mpeg:hevc:2015:auxid:1",
    b"urn:mpeg:avc:2015:auxid:1",
}
_DEPTH: Final = {
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth",
    b"urn:mpeg:hevc:2015:auxid:2",
    b"urn:mpeg:avc:2015:auxid:2",
}
_HDR_TRANSFERS: Final = {16, 18}
"""PQ and HLG, as coded in ITU-T H.273."""


def lacks_its_end(data: bytes) -> bool:
    """Whether the last box of a HEIC or AVIF file is incomplete.

    The decoders do not say so as long as the picture itself is whole.
    """
    try:
        end_of_boxes(data)
    except ValueError:
        return True
    return False


def heif(data: bytes) -> Iterator[str]:
    """Names what a HEIC or AVIF file holds beside its primary picture and that one's alpha."""
    used: list[tuple[int, int]] = []
    moving = False
    stills: tuple[int, int] | None = None
    for kind, body, end in outer_boxes(data):
        if kind == b"meta":
            stills = (body, end)
        elif kind == b"moov":
            moving = True
            yield from _sequence(data, body, end)
        elif kind in (b"free", b"skip"):
            if data[body:end].strip(b"\0"):
                yield say("unreferenced {count} bytes", count=end - body)
        elif kind not in _TOP or (kind == b"ftyp" and used):  # a second file begins
            yield say("box {name}", name=printable(kind))
        if kind != b"mdat":
            used.append((body - 8, end))
        else:
            used.append((body - 8, body))
    if stills is None:
        if not moving:
            yield say("no picture item")
        return
    yield from trailer(len(data) - end_of_boxes(data))
    used.append((end_of_boxes(data), len(data)))
    items, found = read_meta(data, *stills)
    yield from found
    yield from _judge_items(data, items)
    used += [
        (at, at + size)
        for parts in items.extents.values()
        for method, at, size in parts
        if method == 0
    ]
    idle = 0 if moving else unreferenced(data, used)
    if idle:
        yield say("unreferenced {count} bytes", count=idle)


def shown_items(items: Items) -> set[int]:
    """Parts of the displayed picture: the primary item, what it is put together from, and the
    alpha planes that point at one of these.
    """
    shown = {items.primary}
    for _ in range(4):
        for kind, source, targets in items.references:
            if kind == b"dimg" and source in shown:
                shown.update(targets)
            elif kind == b"auxl" and shown & set(targets) and aux_type(items, source) in ALPHA:
                shown.add(source)
    return shown


def _judge_items(data: bytes, items: Items) -> Iterator[str]:
    shown = shown_items(items)
    thumbnails = {source for kind, source, _ in items.references if kind == b"thmb"}
    auxiliary = {source for kind, source, _ in items.references if kind == b"auxl"}
    for item, kind in items.kinds.items():
        if item in shown:
            if items.names[item] not in (b"", b"Color", b"Alpha"):
                yield say("item name")
        elif kind in (b"Exif", b"mime"):
            parts = items.extents.get(item, ())
            content = b"".join(data[at : at + size] for method, at, size in parts if not method)
            if kind == b"Exif":
                # The payload begins with the offset of the TIFF header behind these four bytes.
                yield from exif(content[4 + int.from_bytes(content[:4], "big") :])
            elif b"rdf+xml" in items.names[item]:
                yield from xmp(content)
            else:
                yield say("MIME item")
        elif item in thumbnails:
            yield say("thumbnail")
        elif item in auxiliary:
            name = aux_type(items, item)
            if name in _DEPTH:
                yield say("depth map")
            else:
                yield say("gain map") if b"gainmap" in name.lower() else say("auxiliary picture")
        elif kind == b"tmap":
            yield say("gain map")
        elif kind in PIXEL_ITEMS:
            yield say("further picture")
        else:
            yield say("item {name}", name=printable(kind))
    for name, body in items.properties:
        if name == b"colr" and body[:4] in (b"prof", b"rICC"):
            yield "ICC"
        elif name == b"udes":
            yield say("description")
        elif name not in _PROPERTIES:
            yield say("property {name}", name=printable(name))


def aux_type(items: Items, item: int) -> bytes:
    """The type of an auxiliary picture, from its ``auxC``."""
    for index in items.owns.get(item, ()):
        kind, body = items.properties[index - 1]
        if kind == b"auxC":
            return body[4:].split(b"\0", 1)[0]
    return b""


def _sequence(data: bytes, start: int, end: int) -> Iterator[str]:
    for kind, body, stop in boxes(data, start, end):
        if kind == b"udta":
            yield say("user data")
        elif kind == b"meta":
            yield say("movie metadata")
        elif kind == b"trak":
            yield from _sequence(data, body, stop)


def is_hdr(data: bytes) -> bool:
    """Whether a HEIC or AVIF file declares a high-dynamic-range transfer curve for a picture."""
    try:
        for kind, body, end in outer_boxes(data):
            if kind == b"meta":
                return any(
                    name == b"colr"
                    and value[:4] == b"nclx"
                    and int.from_bytes(value[6:8], "big") in _HDR_TRANSFERS
                    for name, value in read_meta(data, body, end)[0].properties
                )
    except ValueError:
        pass
    return False


def jp2(data: bytes) -> Iterator[str]:
    """Names what a JPEG 2000 file holds beside its picture."""
    if data[:4] == b"\xff\x4f\xff\x51":
        yield from _codestream(data)
        return
    for kind, body, end in outer_boxes(data):
        if kind == b"jp2h":
            for inner, at, stop in boxes(data, body, end):
                if inner == b"colr":
                    if data[at] == 2 and stop - at > 3:
                        yield "ICC"
                elif inner not in (b"ihdr", b"bpcc", b"pclr", b"cmap", b"cdef", b"res "):
                    yield say("box {name}", name=printable(inner))
        elif kind == b"jp2c":
            yield from _codestream(data[body:end])
        elif kind == b"uuid":
            packet = data[body + 16 : end]
            yield from xmp(packet) if b"xmpmeta" in packet else iter((say("UUID box"),))
        elif kind not in (b"jP  ", b"ftyp") or body > 28:
            yield "XML" if kind == b"xml " else say("box {name}", name=printable(kind))
    yield from trailer(len(data) - end_of_boxes(data))


def _codestream(data: bytes) -> Iterator[str]:
    at = 2
    while data[at : at + 2] not in (b"\xff\x90", b"\xff\xd9"):  # start of a tile part, end
        if data[at] != 0xFF:
            raise ValueError("no marker")
        if data[at + 1] == 0x64:
            yield say("comment")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    with suppress(ValueError):  # some are not ended
        yield from trailer(len(data) - end_of_codestream(data))
