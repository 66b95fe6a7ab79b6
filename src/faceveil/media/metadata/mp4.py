"""MP4 and QuickTime files: what the boxes hold beside pictures and sound."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

from faceveil.media.metadata.items import boxes
from faceveil.media.metadata.sound import in_header

# ISO/IEC 14496-12 and -14, -15, the codecs' own bindings, and the QuickTime file format: what a
# player needs for one picture track and sound.
_CHILDREN: Final[dict[bytes, frozenset[bytes]]] = {
    b"moov": frozenset({b"mvhd", b"trak", b"iods", b"mvex"}),
    b"mvex": frozenset({b"mehd", b"trex"}),
    b"moof": frozenset({b"mfhd", b"traf"}),
    b"traf": frozenset({b"tfhd", b"tfdt", b"trun", b"sdtp", b"sgpd", b"sbgp", b"subs"}),
    b"mfra": frozenset({b"tfra", b"mfro"}),
    b"trak": frozenset({b"tkhd", b"edts", b"mdia", b"tapt"}),
    b"edts": frozenset({b"elst"}),
    b"mdia": frozenset({b"mdhd", b"hdlr", b"minf", b"elng"}),
    b"minf": frozenset({b"vmhd", b"smhd", b"dinf", b"stbl", b"hdlr"}),
    b"dinf": frozenset({b"dref"}),
    b"stbl": frozenset(
        {b"stsd", b"stts", b"ctts", b"stss", b"stsc", b"stsz", b"stz2", b"stco", b"co64"}
        | {b"sgpd", b"sbgp", b"cslg", b"sdtp", b"stps"}
    ),
}
_PICTURE: Final = frozenset(
    {b"avcC", b"hvcC", b"av1C", b"vpcC", b"esds", b"colr", b"pasp", b"fiel", b"btrt", b"clap"}
    | {b"clli", b"mdcv", b"SmDm", b"CoLL"}
)
_SOUND: Final = frozenset(
    {b"esds", b"dOps", b"dfLa", b"dac3", b"dec3", b"alac", b"chan", b"wave", b"btrt", b"srat"}
    | {b"pcmC", b"chnl"}
)
_TOP: Final = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"sidx", b"mfra"}
)
_HANDLERS: Final = frozenset({b"", b"VideoHandler", b"SoundHandler"})
_COMPRESSORS: Final = frozenset({b"", b"H.264", b"HEVC"})
_NAMES: Final = {
    b"\xa9nam": "title",
    b"\xa9ART": "artist",
    b"\xa9alb": "album",
    b"\xa9cmt": "comment",
    b"\xa9day": "date",
    b"\xa9xyz": "location",
    b"loci": "location",
    b"\xa9too": "software",
    b"\xa9swr": "software",
    b"\xa9mak": "camera make",
    b"\xa9mod": "camera model",
    b"covr": "cover art",
    b"chpl": "chapters",
    b"----": "free-form metadata",
    b"keys": "metadata keys",
    b"Xtra": "Windows metadata",
    b"GPMF": "GoPro metadata",
}
_TRACKS: Final = {
    b"text": "subtitles or chapters",
    b"sbtl": "subtitles",
    b"subt": "subtitles",
    b"clcp": "closed captions",
    b"tmcd": "time code track",
    b"meta": "metadata track",
    b"camm": "camera motion track",
    b"hint": "hint track",
}
_MAX_DEPTH: Final = 12


def mp4(data: bytes) -> Iterator[str]:
    """Names of what is not needed to play the first picture track and the sound."""
    payload = samples = 0
    pictures = 0
    for kind, body, end in boxes(data, 0, len(data)):
        if kind == b"mdat":
            payload += end - body
        elif kind in (b"free", b"skip", b"wide"):
            yield from _padding(data, body, end)
        elif kind in (b"moov", b"moof", b"mfra"):
            for name, part, stop in _walk(data, kind, body, end, 0):
                if isinstance(name, str):
                    yield name
                    continue
                if name == b"stsz":
                    samples += _sample_bytes(data, part, stop)
                elif name == b"hdlr":
                    pictures += data[part + 8 : part + 12] == b"vide"
                yield from _inspect(data, name, part, stop)
        elif kind not in _TOP:
            yield "XMP or other uuid box" if kind == b"uuid" else f"box {_printable(kind)}"
    if pictures > 1:
        yield "further picture track"
    if samples and payload > samples:
        yield f"unreferenced {payload - samples} bytes"


def _walk(
    data: bytes, parent: bytes, at: int, end: int, depth: int
) -> Iterator[tuple[bytes | str, int, int]]:
    """(type, body, end) of the boxes needed, parents first; (name, 0, 0) for the others."""
    if depth > _MAX_DEPTH:
        raise ValueError("boxes nested too deep")
    allowed = _CHILDREN[parent]
    for kind, body, stop in boxes(data, at, end):
        names: Iterable[str] = ()
        if kind in (b"free", b"skip"):
            names = _padding(data, body, stop)
        elif kind in (b"udta", b"meta"):
            names = _metadata(data, kind, body, stop, 0)
        elif kind == b"tref":
            names = (f"track reference {_printable(one)}" for one, *_ in boxes(data, body, stop))
        elif kind not in allowed:
            names = (f"box {_printable(kind)}",)
        else:
            yield kind, body, stop
            if kind in _CHILDREN:
                yield from _walk(data, kind, body, stop, depth + 1)
        for name in names:
            yield name, 0, 0


def _metadata(data: bytes, kind: bytes, at: int, end: int, depth: int) -> Iterator[str]:
    """Names of the entries of ``udta`` and ``meta``; an empty list of entries is harmless."""
    if depth > _MAX_DEPTH:
        raise ValueError("boxes nested too deep")
    if kind == b"meta" and data[at : at + 4] == b"\0\0\0\0":
        at += 4
    if kind == b"udta" and data[at:end] == b"\0\0\0\0":  # QuickTime ends it with a zero
        return
    for entry, body, stop in boxes(data, at, end):
        if entry in (b"meta", b"ilst", b"udta"):
            yield from _metadata(data, entry, body, stop, depth + 1)
        elif entry == b"hdlr" and kind == b"meta":
            if data[body + 24 : stop].strip(b"\0"):
                yield "handler name"
        else:
            yield _NAMES.get(entry, f"metadata {_printable(entry)}")


def _inspect(data: bytes, kind: bytes, body: int, end: int) -> Iterator[str]:
    """Look into the boxes that can carry free text, dates or addresses."""
    if kind in (b"mvhd", b"tkhd", b"mdhd"):
        width = 16 if data[body] else 8
        if data[body + 4 : body + 4 + width].strip(b"\0"):
            yield "creation time"
    elif kind == b"hdlr":
        handler, name = data[body + 8 : body + 12], data[body + 24 : end]
        if data[body + 4 : body + 8] != b"dhlr" and handler not in (b"vide", b"soun"):
            yield _TRACKS.get(handler, f"track {_printable(handler)}")
        if data[body + 4 : body + 8] == b"mhlr":  # QuickTime: length first
            name = name[1 : 1 + name[0]] if name else b""
        if data[body + 4 : body + 8] != b"dhlr" and name.rstrip(b"\0") not in _HANDLERS:
            yield "handler name"
    elif kind == b"dref":
        for reference, part, stop in boxes(data, body + 8, end):
            if reference not in (b"url ", b"alis") or data[part + 3] != 1 or stop > part + 4:
                yield "reference to another file"
    elif kind == b"stsd":
        for _, part, stop in boxes(data, body + 8, end):
            yield from _sample_entry(data, part, stop)


def _sample_entry(data: bytes, at: int, end: int) -> Iterator[str]:
    # A visual entry has its compressor's name at 42 and children from 78 on; a sound entry has
    # children from 28 on, 16 or 36 bytes later in QuickTime's versions 1 and 2.
    try:
        children = list(boxes(data, at + 78, end))
        known = _PICTURE
    except ValueError:
        children = []
    if not children or not all(kind in _PICTURE for kind, *_ in children):
        version = struct.unpack_from(">H", data, at + 8)[0]
        skip = {1: 16, 2: 36}.get(version, 0)
        try:
            sound = list(boxes(data, at + 28 + skip, end))
        except ValueError:
            sound = []
        if sound and any(kind in _SOUND for kind, *_ in sound):
            children, known = sound, _SOUND
        elif not children:
            return
    for kind, part, stop in children:
        if kind not in known:
            yield f"sample description {_printable(kind)}"
        elif kind == b"dfLa":  # of which FFmpeg shows but the first block
            yield from in_header("flac", data[part + 4 : stop])
    if known is _PICTURE:
        length = min(data[at + 42], 31)
        name = data[at + 43 : at + 43 + length].rstrip(b"\0")
        if name not in _COMPRESSORS:
            yield "compressor name"


def _sample_bytes(data: bytes, body: int, end: int) -> int:
    size, count = struct.unpack_from(">II", data, body + 4)
    if size:
        return int(size * count)
    if body + 12 + 4 * count > end:
        raise ValueError("sample sizes beyond the end")
    return sum(struct.unpack_from(f">{count}I", data, body + 12))


def _padding(data: bytes, body: int, end: int) -> Iterator[str]:
    if data[body:end].strip(b"\0"):
        yield f"hidden {end - body} bytes"


def _printable(code: bytes) -> str:
    return "".join(chr(c) if 32 < c < 127 else "?" for c in code)
