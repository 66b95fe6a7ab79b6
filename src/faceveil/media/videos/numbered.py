"""The tracks of a Matroska file that players make streams of, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from faceveil.media.metadata.items import inside
from faceveil.media.metadata.matroska import elements

PICTURES: Final = 1
_SEGMENT, _TRACKS, _TRACK, _TYPE, _CODEC = 0x18538067, 0x1654AE6B, 0xAE, 0x83, 0x86
_TYPES: Final = {PICTURES: b"V", 2: b"A", 17: b"SD", 33: b"SD"}
"""Types of tracks (RFC 9559, 5.1.4.1.3), and how the names of their codecs begin."""

walk: Final = partial(elements, cut_off=True)
"""Goes through elements as players do, who show what there is."""


def streamed(data: bytes) -> Iterator[tuple[int, tuple[int, int]]]:
    """The type of each track, and the place of what it says.

    FFmpeg makes no stream of a track without a codec, with one of another type, or of a type that
    it does not know. It tells the number of no track, so they have to be counted as it counts them.
    """
    for place in inside(walk, data, (0, len(data)), _SEGMENT, _TRACKS, _TRACK):
        said = {part: (body, stop) for part, body, stop in walk(data, *place)}
        type = int.from_bytes(data[slice(*said.get(_TYPE, (0, 0)))], "big")
        begins = bytes(data[slice(*said.get(_CODEC, (0, 0)))])[:1]
        if begins and begins in _TYPES.get(type, b""):
            yield type, place
