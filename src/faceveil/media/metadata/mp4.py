"""MP4 and QuickTime files: what the boxes hold beside pictures and sound."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from faceveil.i18n import say
from faceveil.media.metadata.items import boxes, printable
from faceveil.media.metadata.sound import in_header
from faceveil.media.metadata.tables import beyond

# ISO/IEC 14496-12 and -14, -15, the codecs' own bindings, and the QuickTime file format: what a
# player needs for one picture track and sound.
_CHILDREN: Final[dict[bytes, frozenset[bytes]]] = {
    b"moov": frozenset({b"mvhd", b"trak", b"mvex"}),
    b"mvex": frozenset({b"mehd", b"trex"}),
    b"moof": frozenset({b"mfhd", b"traf"}),
    b"traf": frozenset({b"tfhd", b"tfdt", b"trun", b"sdtp", b"sgpd", b"sbgp"}),
    b"mfra": frozenset({b"tfra", b"mfro"}),
    b"trak": frozenset({b"tkhd", b"edts", b"mdia", b"tapt"}),
    b"tapt": frozenset({b"clef", b"prof", b"enof"}),
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
_WAVE: Final = frozenset(
    {b"frma", b"mp4a", b"esds", b"alac", b"dac3", b"dec3", b"enda", b"chan", b"\0\0\0\0"}
)
"""Inside QuickTime's ``wave``. The last one ends it."""
_TOP: Final = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"sidx", b"mfra"}
)
_CODE_POINTS: Final = {b"nclx": 11, b"nclc": 10}
"""Bytes of a ``colr`` that names colours by numbers."""
_LANGUAGE: Final = re.compile(rb"[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8}){0,4}\0?")
_ROLE: Final = re.compile(
    rb"\0{4}urn:mpeg:dash:role:2011\0(main|alternate|supplementary|dub|description|commentary"
    rb"|caption|subtitle|forced-subtitle|sign|easyreader|karaoke|emergency)\0"
)
"""A ``kind`` that says what a track is for (ISO/IEC 23009-1, 5.8.5.5)."""
_HANDLERS: Final = frozenset({b"", b"VideoHandler", b"SoundHandler", b"DataHandler"})
_COMPRESSORS: Final = frozenset({b"", b"H.264", b"HEVC"})
_NAMES: Final = {
    b"\xa9nam": say("title"),
    b"\xa9ART": say("artist"),
    b"\xa9alb": say("album"),
    b"\xa9cmt": say("comment"),
    b"\xa9day": say("date"),
    b"\xa9xyz": say("location"),
    b"loci": say("location"),
    b"\xa9too": say("software"),
    b"\xa9swr": say("software"),
    b"\xa9mak": say("camera make"),
    b"\xa9mod": say("camera model"),
    b"covr": say("cover art"),
    b"chpl": say("chapters"),
    b"----": say("free-form metadata"),
    b"keys": say("metadata keys"),
    b"Xtra": say("Windows metadata"),
    b"GPMF": say("GoPro metadata"),
}
_TRACKS: Final = {
    b"text": say("subtitles or chapters"),
    b"sbtl": say("subtitles"),
    b"subt": say("subtitles"),
    b"clcp": say("closed captions"),
    b"tmcd": say("time code track"),
    b"meta": say("metadata track"),
    b"camm": say("camera motion track"),
    b"hint": say("hint track"),
}
_MAX_DEPTH: Final = 12


class _Seen:
    """The counts over the part of a file that was read.

    Attributes:
        payload: bytes of all ``mdat``.
        samples: bytes in them that some track refers to.
        pictures: number of picture tracks.
        handler: the type of the current track, or b"".
        count: number of samples; ``marks`` that of the bytes that say one thing of a sample each.
        usual: bytes of a sample in each track where nothing else is said; None stands for the
            track whose fragment is looked at.
    """

    def __init__(self) -> None:
        self.payload = self.samples = self.pictures = self.count = self.marks = 0
        self.handler = b""
        self.usual: dict[int | None, int] = {}


def mp4(data: bytes) -> Iterator[str]:
    """Names of what is not needed to play the first picture track and the sound."""
    seen = _Seen()
    for kind, body, end in boxes(data, 0, len(data)):
        if kind == b"mdat":
            seen.payload += end - body
        elif kind in (b"free", b"skip", b"wide"):
            yield from _padding(data, body, end)
        elif kind in (b"moov", b"moof", b"mfra"):
            for name, part, stop in _walk(data, kind, body, end, 0):
                if isinstance(name, str):
                    yield name
                    continue
                _count(data, name, part, seen)
                yield from beyond(data, name, part, stop)
                yield from _inspect(data, name, part, stop, seen)
        elif kind not in _TOP:
            yield (
                say("XMP or other uuid box")
                if kind == b"uuid"
                else say("box {name}", name=printable(kind))
            )
        else:
            yield from beyond(data, kind, body, end)
    if seen.pictures > 1:
        yield say("further picture track")
    if seen.samples and seen.payload > seen.samples:
        yield say("unreferenced {count} bytes", count=seen.payload - seen.samples)
    if seen.marks > seen.count:
        yield say("hidden {count} bytes in sdtp", count=seen.marks - seen.count)


def _count(data: bytes, kind: bytes, at: int, seen: _Seen) -> None:
    """Count the declared samples."""
    if kind == b"stsz":
        size, count = struct.unpack_from(">II", data, at + 4)
        seen.count += count
        seen.samples += size * count or sum(struct.unpack_from(f">{count}I", data, at + 12))
    elif kind == b"stz2":
        size, count = data[at + 7], struct.unpack_from(">I", data, at + 8)[0]
        seen.count += count
        table = data[at + 12 : at + 12 + (size * count + 7) // 8]
        if size == 4:
            seen.samples += sum((pair >> 4) + (pair & 15) for pair in table)
        else:
            seen.samples += sum(struct.unpack(f">{count}{'H' if size == 16 else 'B'}", table))
    elif kind == b"trex":
        track, _, _, size = struct.unpack_from(">4I", data, at + 4)
        seen.usual[track] = size
    elif kind == b"tfhd":
        flags, track = struct.unpack_from(">II", data, at)
        given = at + 8 + sum(size for bit, size in ((1, 8), (2, 4), (8, 4)) if flags & bit)
        usual = seen.usual.get(track, 0)
        seen.usual[None] = struct.unpack_from(">I", data, given)[0] if flags & 16 else usual
    elif kind == b"trun":
        flags, count = struct.unpack_from(">II", data, at)
        seen.count += count
        if not flags & 0x200:
            seen.samples += count * seen.usual.get(None, 0)
            return
        row = 4 * (flags & 0xF00).bit_count()
        first = at + 8 + 4 * (flags & 5).bit_count() + (4 if flags & 0x100 else 0)
        seen.samples += sum(
            struct.unpack_from(">I", data, first + row * number)[0] for number in range(count)
        )


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
            names = (
                say("track reference {name}", name=printable(one))
                for one, *_ in boxes(data, body, stop)
            )
        elif kind not in allowed:
            names = (say("box {name}", name=printable(kind)),)
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
                yield say("handler name")
        elif entry != b"kind" or not _ROLE.fullmatch(data[body:stop]):
            yield _NAMES.get(entry, say("metadata {name}", name=printable(entry)))


def _inspect(data: bytes, kind: bytes, body: int, end: int, seen: _Seen) -> Iterator[str]:
    """Look into the boxes that can carry free text, dates or addresses."""
    if kind == b"trak":
        seen.handler = b""
    elif kind == b"sdtp":
        seen.marks += end - body - 4
    elif kind == b"elng":
        if not _LANGUAGE.fullmatch(data[body + 4 : end]):
            yield say("language")
    elif kind in (b"mvhd", b"tkhd", b"mdhd"):
        width = 16 if data[body] else 8
        if data[body + 4 : body + 4 + width].strip(b"\0"):
            yield say("creation time")
    elif kind == b"hdlr":
        handler, name = data[body + 8 : body + 12], data[body + 24 : end]
        if data[body + 4 : body + 8] != b"dhlr":
            seen.handler = handler
            seen.pictures += handler == b"vide"
            if handler not in (b"vide", b"soun"):
                yield _TRACKS.get(handler, say("track {name}", name=printable(handler)))
        if data[body + 4 : body + 8] in (b"mhlr", b"dhlr") and name:  # QuickTime: length first
            yield from _padding(name, 1 + name[0], len(name))
            name = name[1 : 1 + name[0]]
        if name.rstrip(b"\0") not in _HANDLERS:
            yield say("handler name")
    elif kind == b"dref":
        for reference, part, stop in boxes(data, body + 8, end):
            if reference not in (b"url ", b"alis") or data[part + 3] != 1 or stop > part + 4:
                yield say("reference to another file")
    elif kind == b"stsd":
        for _, part, stop in boxes(data, body + 8, end):
            yield from _sample_entry(data, part, stop, seen.handler)


def _sample_entry(data: bytes, at: int, end: int, handler: bytes) -> Iterator[str]:
    # A visual entry has its compressor's name at 42 and children from 78 on; a sound entry has
    # children from 28 on, 16 or 36 bytes later in QuickTime's versions 1 and 2.
    if handler == b"vide":
        known, first = _PICTURE, at + 78
        name = data[at + 43 : at + 43 + min(data[at + 42], 31)].rstrip(b"\0")
        if name not in _COMPRESSORS:
            yield say("compressor name")
    elif handler == b"soun":
        version = struct.unpack_from(">H", data, at + 8)[0]
        known, first = _SOUND, at + 28 + {1: 16, 2: 36}.get(version, 0)
    elif handler:  # a track that is named as a whole
        return
    else:
        raise ValueError("samples of a track before it says what it is")
    yield from _described(data, first, end, known)


def _described(data: bytes, at: int, end: int, known: frozenset[bytes]) -> Iterator[str]:
    """Names of what a sample entry holds that decoding does not need."""
    while at < end and data[at:end] != b"\0\0\0\0":  # QuickTime ends a list with a zero
        kind, part, stop = next(boxes(data, at, end))
        at = stop
        if kind not in known:
            yield say("sample description {name}", name=printable(kind))
        elif kind == b"wave":
            yield from _described(data, part, stop, _WAVE)
        elif kind == b"mp4a" or not kind.strip(b"\0"):
            yield from _padding(data, part, stop)
        elif kind == b"dfLa":  # of which FFmpeg shows but the first block
            yield from in_header("flac", data[part + 4 : stop])
        elif kind == b"colr" and data[part : part + 4] not in _CODE_POINTS:
            yield "ICC"
        elif kind == b"colr":
            yield from _padding(data, part + _CODE_POINTS[data[part : part + 4]], stop)
        else:
            yield from beyond(data, kind, part, stop)


def _padding(data: bytes, body: int, end: int) -> Iterator[str]:
    if data[body:end].strip(b"\0"):
        yield say("hidden {count} bytes", count=end - body)
