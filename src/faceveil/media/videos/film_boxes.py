"""The boxes of a film (ISO/IEC 14496-12), as far as they tell of its tracks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

FilmBox = tuple[bytes, int, int]
"""Type, where the body begins, where it ends."""

TABLES: Final = (b"mdia", b"minf", b"stbl")
"""The boxes in that of a track in which its tables lie."""
SIZES: Final = (b"stsz", b"stz2")
"""The tables that declare the samples of a track."""


def boxes_in(data: bytes, at: int, end: int) -> Iterator[FilmBox]:
    """The boxes in a part of a file, as far as they fit into it."""
    while at + 8 <= end:
        length, code, head = number(data, at), bytes(data[at + 4 : at + 8]), 8
        if length == 1:
            length, head = number(data, at + 8, 8), 16
        elif length == 0:  # to the end, wherever that is
            length = end - at
        if length < head or at + length > end:
            return
        yield code, at + head, at + length
        at += length


def named(data: bytes, at: int, end: int, code: bytes) -> list[FilmBox]:
    """Those of one type."""
    return [box for box in boxes_in(data, at, end) if box[0] == code]


def tracks(data: bytes, at: int, end: int) -> Iterator[tuple[int, list[FilmBox]]]:
    """The number of each track of a header, and what lies beside its tables."""
    for _, inner, stop in named(data, at, end, b"trak"):
        level = [(b"trak", inner, stop)]
        for code in TABLES:
            level = [box for _, start, end in level for box in named(data, start, end, code)]
        tables = [box for _, start, end in level for box in boxes_in(data, start, end)]
        heads = [start for _, start, _ in named(data, inner, stop, b"tkhd")]
        # Behind times of four bytes or eight.
        ids = [number(data, at + (20 if data[at : at + 1] == b"\1" else 12)) for at in heads]
        yield from ((id, tables) for id in ids or [0])


def repeats(header: bytes, later: bytes) -> bool:
    """Whether a later header of a film is the first one again, as it may stand before fragments.

    Args:
        header, later: the whole boxes ``moov``.
    """
    described, samples = _declared(later)
    return bool(described) and not samples and described == _declared(header)[0]


def _declared(header: bytes) -> tuple[list[tuple[int, list[bytes]]], int]:
    """Of each track how its samples are coded, by which fragments are read; and the samples in all
    tables."""
    found = [one for _, *body in boxes_in(header, 0, len(header)) for one in tracks(header, *body)]
    described = [
        (track, [header[start:end] for code, start, end in tables if code == b"stsd"])
        for track, tables in found
    ]
    sizes = [at for _, tables in found for code, at, _ in tables if code in SIZES]
    return described, sum(number(header, at + 8) for at in sizes)


def number(data: bytes, at: int, length: int = 4) -> int:
    """A number in a file, most significant byte first."""
    return int.from_bytes(data[at : at + length], "big")
