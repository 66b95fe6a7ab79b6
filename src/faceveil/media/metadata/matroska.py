"""Matroska and WebM files: what the elements hold beside pictures and sound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

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

# RFC 9559, section 5.1: what a player needs. Of what is left out, some have a name below.
_ALLOWED: Final[dict[int, frozenset[int]]] = {
    _SEGMENT: frozenset({0x114D9B74, _INFO, _TRACKS, _CLUSTER, 0x1C53BB6B, _TAGS}),
    _INFO: frozenset({0x2AD7B1, 0x4489, 0x4D80, 0x5741, 0x73A4}),
    _TRACKS: frozenset({_TRACK}),
    _TRACK: frozenset(
        {0xD7, 0x73C5, _TRACK_TYPE, 0xB9, 0x88, 0x55AA, 0x55AB, 0x55AC, 0x55AD, 0x55AE, 0x55AF}
        | {0x9C, 0x6DE7, 0x6DF8, 0x23E383, 0x234E7A, 0x23314F, 0x55EE, 0x41E4, 0x22B59C, 0x22B59D}
        | {0x86, 0x63A2, 0xAA, 0x56AA, 0x56BB, 0xE0, 0xE1, 0x6D80}
    ),
    _CLUSTER: frozenset({0xE7, 0xA7, 0xAB, 0xA3, _BLOCK_GROUP}),
    _BLOCK_GROUP: frozenset({0xA1, 0x75A1, 0x9B, 0xFA, 0xFB, 0x75A2}),
}
_NAMES: Final = {
    0x1043A770: "chapters",
    0x1941A469: "attachments",
    0x7BA9: "title",
    0x4461: "creation time",
    0x536E: "track name",
    0x258688: "codec name",
    0x7446: "attachment link",
    0x7384: "file name",
    0x3C83AB: "file name",
    0x3E83BB: "file name",
}
_PICTURE, _SOUND = 1, 2
_KINDS: Final = {16: "logo track", 17: "subtitles", 18: "buttons", 32: "control track"}
_APPLICATIONS: Final = (0x4D80, 0x5741)
_KNOWN_APPLICATIONS: Final = frozenset({b"", b"Lavf"})
_KNOWN_TAGS: Final = frozenset({b"DURATION"})
_UNKNOWN_SIZES: Final = frozenset(2 ** (7 * length) - 1 for length in range(1, 9))


def matroska(data: bytes) -> Iterator[str]:
    """Names of what is not needed to play the first picture track and the sound."""
    kinds: list[int] = []
    for element, body, end in _elements(data, 0, len(data)):
        if element == _SEGMENT:
            yield from _segment(data, body, end, kinds)
        elif element == _VOID:
            yield from _padding(data, body, end)
        elif element != _EBML:
            yield f"element {element:X}"
    if kinds.count(_PICTURE) > 1:
        yield "further picture track"


def _segment(data: bytes, at: int, end: int, kinds: list[int]) -> Iterator[str]:
    for element, body, stop in _children(data, _SEGMENT, at, end):
        if isinstance(element, str):
            yield element
        elif element == _INFO:
            for part, first, last in _children(data, element, body, stop):
                if isinstance(part, str):
                    yield part
                elif part in _APPLICATIONS and data[first:last] not in _KNOWN_APPLICATIONS:
                    yield "application name"
        elif element == _TRACKS:
            for part, first, last in _children(data, element, body, stop):
                if isinstance(part, str):
                    yield part
                else:
                    yield from _track(data, first, last, kinds)
        elif element == _CLUSTER:
            yield from _cluster(data, body, stop)
        elif element == _TAGS:
            yield from _tags(data, body, stop, 0)


def _track(data: bytes, at: int, end: int, kinds: list[int]) -> Iterator[str]:
    codec = private = b""
    for element, body, stop in _children(data, _TRACK, at, end):
        if element == _CODEC:
            codec = data[body:stop].rstrip(b"\0")
        elif element == _PRIVATE:
            private = data[body:stop]
        if isinstance(element, str):
            yield element
        elif element == _TRACK_TYPE:
            kind = int.from_bytes(data[body:stop], "big")
            kinds.append(kind)
            if kind not in (_PICTURE, _SOUND):
                yield _KINDS.get(kind, f"track of type {kind}")
    if codec == b"A_FLAC":  # of which FFmpeg shows but the first block
        yield from in_header("flac", private)


def _cluster(data: bytes, at: int, end: int) -> Iterator[str]:
    for element, body, stop in _children(data, _CLUSTER, at, end):
        if isinstance(element, str):
            yield element
        elif element == _BLOCK_GROUP:
            for part, *_ in _children(data, element, body, stop):
                if isinstance(part, str):
                    yield part


def _tags(data: bytes, at: int, end: int, depth: int) -> Iterator[str]:
    if depth > 4:
        raise ValueError("tags nested too deep")
    for element, body, stop in _elements(data, at, end):
        if element in (_TAG, _SIMPLE_TAG):
            yield from _tags(data, body, stop, depth + 1)
        elif element == _TAG_NAME and data[body:stop].rstrip(b"\0") not in _KNOWN_TAGS:
            name = data[body:stop][:40].decode("latin-1")
            yield "tag " + "".join(c if 32 < ord(c) < 127 else "?" for c in name)


def _children(data: bytes, parent: int, at: int, end: int) -> Iterator[tuple[int | str, int, int]]:
    """(id, body, end) of the allowed elements; (name, 0, 0) for the others."""
    for element, body, stop in _elements(data, at, end):
        if element == _VOID:
            for name in _padding(data, body, stop):
                yield name, 0, 0
        elif element == _CRC:
            continue
        elif element in _ALLOWED[parent]:
            yield element, body, stop
        else:
            yield _NAMES.get(element, f"element {element:X}"), 0, 0


def _elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(id, start of the body, end) of each element.

    One of unknown size (a live recording) is taken to end where an element begins that cannot
    be inside it.

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
        if stop > end:
            raise ValueError("element beyond the end")
        yield element, at, stop
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
        yield f"hidden {end - body} bytes"
