"""Matroska and WebM files: what the elements hold beside pictures and sound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from faceveil.i18n import say
from faceveil.media.metadata.sound import in_header

_EBML: Final = 0x1A45DFA3
_SEGMENT: Final = 0x18538067
_INFO: Final = 0x1549A966
_TRACKS: Final = 0x1654AE6B
_TRACK: Final = 0xAE
_CLUSTER: Final = 0x1F43B675
_TAGS: Final = 0x1254C367
_TAG: Final = 0x7373
_SIMPLE_TAG: Final = 0x67C8
_TAG_NAME: Final = 0x45A3
_TRACK_TYPE: Final = 0x83
_CODEC: Final = 0x86
_PRIVATE: Final = 0x63A2
_VOID: Final = 0xEC
_CRC: Final = 0xBF
_BLOCK_GROUP: Final = 0xA0
_SIMPLE_BLOCK: Final = 0xA3
_BLOCK: Final = 0xA1
_ADDITIONS: Final = 0x75A1
_ADDITIONAL: Final = 0xA5
_ADDITION: Final = 0xEE
_SEEK_HEAD: Final = 0x114D9B74
_CUES: Final = 0x1C53BB6B
_NUMBER: Final = 0xD7
_SEGMENT_ID: Final = 0x73A4
_TARGETS: Final = 0x63C0
_TAG_TEXT: Final = 0x4487
_LANGUAGES: Final = (0x22B59C, 0x22B59D)
_APPLICATIONS: Final = (0x4D80, 0x5741)

# RFC 9559, section 5.1: what a player needs. Of what is left out, some have a name below.
_ALLOWED: Final[dict[int, frozenset[int]]] = {
    _EBML: frozenset({0x4286, 0x42F7, 0x42F2, 0x42F3, 0x4282, 0x4287, 0x4285}),
    _SEGMENT: frozenset({_SEEK_HEAD, _INFO, _TRACKS, _CLUSTER, _CUES, _TAGS}),
    _SEEK_HEAD: frozenset({0x4DBB}),
    0x4DBB: frozenset({0x53AB, 0x53AC}),
    _CUES: frozenset({0xBB}),
    0xBB: frozenset({0xB3, 0xB7}),
    0xB7: frozenset({0xF7, 0xF1, 0xF0, 0xB2, 0x5378}),
    _INFO: frozenset({0x2AD7B1, 0x4489, *_APPLICATIONS, _SEGMENT_ID}),
    _TRACKS: frozenset({_TRACK}),
    _TRACK: frozenset(
        {_NUMBER, 0x73C5, _TRACK_TYPE, 0xB9, 0x88, 0x55AA, 0x55AB, 0x55AC, 0x55AD, 0x55AE, 0x55AF}
        | {0x9C, 0x6DE7, 0x6DF8, 0x23E383, 0x234E7A, 0x23314F, 0x55EE, 0x41E4, *_LANGUAGES}
        | {_CODEC, _PRIVATE, 0xAA, 0x56AA, 0x56BB, 0xE0, 0xE1, 0x6D80}
    ),
    0x6D80: frozenset({0x6240}),
    0x6240: frozenset({0x5031, 0x5032, 0x5033, 0x5034}),
    0x5034: frozenset({0x4254, 0x4255}),
    0x41E4: frozenset({0x41F0, 0x41E7}),
    0xE0: frozenset(
        {0xB0, 0xBA, 0x54B0, 0x54BA, 0x54B2, 0x54B3, 0x54AA, 0x54BB, 0x54CC, 0x54DD, 0x9A, 0x9D}
        | {0x53B8, 0x53B9, 0x53C0, 0x2EB524, 0x55B0, 0x7670}
    ),
    0x55B0: frozenset({*range(0x55B1, 0x55BE), 0x55D0}),
    0x55D0: frozenset(range(0x55D1, 0x55DB)),
    0x7670: frozenset({0x7671, 0x7673, 0x7674, 0x7675}),
    0xE1: frozenset({0xB5, 0x78B5, 0x9F, 0x6264, 0x52F1}),
    _CLUSTER: frozenset({0xE7, 0xA7, 0xAB, _SIMPLE_BLOCK, _BLOCK_GROUP}),
    _BLOCK_GROUP: frozenset({_BLOCK, _ADDITIONS, 0x9B, 0xFA, 0xFB, 0x75A2}),
    _ADDITIONS: frozenset({0xA6}),
    0xA6: frozenset({_ADDITIONAL, _ADDITION}),
    _TAGS: frozenset({_TAG}),
    _TAG: frozenset({_TARGETS, _SIMPLE_TAG}),
    _TARGETS: frozenset({0x68CA, 0x63C5, 0x63C9, 0x63C4, 0x63C6}),
    _SIMPLE_TAG: frozenset({_TAG_NAME, 0x447A, 0x4484, _TAG_TEXT}),
}
_LONG: Final = frozenset(
    {_CODEC, _PRIVATE, _SIMPLE_BLOCK, _BLOCK, _ADDITIONAL, *_APPLICATIONS, *_LANGUAGES}
    | {_TAG_NAME, _TAG_TEXT}
)
"""Elements that hold more than a number. These have at most eight bytes, and those of ids 16."""
_NAMES: Final = {
    0x1043A770: say("chapters"),
    0x1941A469: say("attachments"),
    0x7BA9: say("title"),
    0x4461: say("creation time"),
    0x536E: say("track name"),
    0x258688: say("codec name"),
    0x7446: say("attachment link"),
    0x7384: say("file name"),
    0x3C83AB: say("file name"),
    0x3E83BB: say("file name"),
}
_PICTURE, _SOUND = 1, 2
_KINDS: Final = {
    16: say("logo track"),
    17: say("subtitles"),
    18: say("buttons"),
    32: say("control track"),
}
_KNOWN_APPLICATIONS: Final = frozenset({b"", b"Lavf"})
_KNOWN_TAGS: Final = frozenset({b"DURATION"})
_CODE: Final = re.compile(rb"[A-Za-z0-9_/.-]{0,32}\0*")
_DURATION: Final = re.compile(rb"[0-9:.]{0,24}\0*")
_FLAG: Final = re.compile(rb"[\0\1]?")
_ZEROS: Final = re.compile(rb"\0*")
_OPACITY: Final = 1
"""The id of a block's addition that carries opacity (WebM)."""
_UNKNOWN_SIZES: Final = frozenset(2 ** (7 * length) - 1 for length in range(1, 9))


class _Tracks:
    """The tracks that were read of: their types, and the numbers that blocks call them by."""

    def __init__(self) -> None:
        self.kinds: list[int] = []
        self.numbers: set[int] = set()


def matroska(data: bytes) -> Iterator[str]:
    """Names of what is not needed to play the first picture track and the sound."""
    tracks = _Tracks()
    for element, body, end in elements(data, 0, len(data)):
        if element in (_SEGMENT, _EBML):
            yield from _walk(data, element, body, end, tracks)
        elif element == _VOID:
            yield from _padding(data, body, end)
        else:
            yield say("element {id:X}", id=element)
    if tracks.kinds.count(_PICTURE) > 1:
        yield say("further picture track")


def _walk(data: bytes, parent: int, at: int, end: int, tracks: _Tracks) -> Iterator[str]:
    codec = private = b""
    for element, body, stop in elements(data, at, end):
        if element == _VOID:
            yield from _padding(data, body, stop)
        elif element not in _ALLOWED[parent] and element != _CRC:
            yield _NAMES.get(element, say("element {id:X}", id=element))
        elif element == _SIMPLE_TAG:
            yield from _tag(data, body, stop)
        elif element in _ALLOWED:
            yield from _walk(data, element, body, stop, tracks)
        elif element not in _LONG and stop - body > (16 if element == _SEGMENT_ID else 8):
            yield say("hidden {count} bytes in {place:X}", count=stop - body, place=element)
        else:
            if element == _CODEC:
                codec = bytes(data[body:stop]).rstrip(b"\0")
            elif element == _PRIVATE:
                private = data[body:stop]
            yield from _inspect(data, element, body, stop, tracks)
    if codec == b"A_FLAC":  # of which FFmpeg shows but the first block
        yield from in_header("flac", private)


def _inspect(data: bytes, element: int, body: int, end: int, tracks: _Tracks) -> Iterator[str]:
    """Look at the elements that can carry free text, or a second picture."""
    if element == _TRACK_TYPE:
        kind = int.from_bytes(data[body:end], "big")
        tracks.kinds.append(kind)
        if kind not in (_PICTURE, _SOUND):
            yield _KINDS.get(kind, say("track of type {type}", type=kind))
    elif element == _NUMBER:
        tracks.numbers.add(int.from_bytes(data[body:end], "big"))
    elif element in (_SIMPLE_BLOCK, _BLOCK):
        if _number(data, body, end, keep_marker=False)[0] not in tracks.numbers:
            yield say("block of no track")
    elif element == _ADDITION:
        number = int.from_bytes(data[body:end], "big")
        if number != _OPACITY:
            yield say("block addition {number}", number=number)
    elif element in _APPLICATIONS:
        if data[body:end] not in _KNOWN_APPLICATIONS:
            yield say("application name")
    elif element in (_CODEC, *_LANGUAGES) and not _CODE.fullmatch(data[body:end]):
        yield say("hidden {count} bytes in {place:X}", count=end - body, place=element)


def _tag(data: bytes, at: int, end: int) -> Iterator[str]:
    """Only the duration of a track is harmless, and only if it is one."""
    parts = [(kind, bytes(data[body:stop])) for kind, body, stop in elements(data, at, end)]
    name = next((text for kind, text in parts if kind == _TAG_NAME), b"").rstrip(b"\0")
    fine = {_TAG_NAME: _CODE, _TAG_TEXT: _DURATION, 0x447A: _CODE, 0x4484: _FLAG, _VOID: _ZEROS}
    if name not in _KNOWN_TAGS or not all(
        kind in fine and fine[kind].fullmatch(text) for kind, text in parts
    ):
        shown = name[:40].decode("latin-1")
        yield say("tag {tag}", tag="".join(c if 32 < ord(c) < 127 else "?" for c in shown))


def elements(
    data: bytes, at: int, end: int, *, cut_off: bool = False
) -> Iterator[tuple[int, int, int]]:
    """(id, start of the body, end) of each element.

    One of unknown size (a live recording) is taken to end where an element begins that cannot
    be inside it.

    Args:
        cut_off: what reaches beyond the end is taken to end there.

    Raises:
        ValueError: an element reaches beyond the end.
    """
    while at < end:
        element, at = _number(data, at, end, keep_marker=True)
        first = at
        size, at = _number(data, at, end, keep_marker=False)
        if size in _UNKNOWN_SIZES and size == 2 ** (7 * (at - first)) - 1:
            stop = end if element == _SEGMENT else _end_of_cluster(data, at, end)
        else:
            stop = at + size
        if stop > end and not cut_off:
            raise ValueError("element beyond the end")
        yield element, at, min(stop, end)
        at = stop


def _end_of_cluster(data: bytes, at: int, end: int) -> int:
    while at < end:
        element, body = _number(data, at, end, keep_marker=True)
        if element > 0xFFFFFF:  # only top level elements have ids of four bytes
            return at
        size, body = _number(data, body, end, keep_marker=False)
        at = body + size
    return at


def _number(data: bytes, at: int, end: int, *, keep_marker: bool) -> tuple[int, int]:
    """A variable length number (RFC 8794, section 4), and where it ends."""
    first = data[at]
    length = 9 - first.bit_length()
    if length > 8 or at + length > end:
        raise ValueError("no number here")
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keep_marker else value & ((1 << (7 * length)) - 1)), at + length


def _padding(data: bytes, body: int, end: int) -> Iterator[str]:
    if data[body:end].strip(b"\0"):
        yield say("hidden {count} bytes", count=end - body)
