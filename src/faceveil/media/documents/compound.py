"""The streams of a compound file (MS-CFB), whose sectors may lie in any order."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

_NONE: Final = 0xFFFFFFFA
"""From here on a number is no sector's (2.1)."""
_ENTRY: Final = 128
_IN_HEADER: Final = 109
"""Sectors of the table that the header names."""
_STREAM, _ROOT = 2, 5


def streams_of(data: bytes) -> Iterator[bytes]:
    """The bytes of each stream, as far as they can be found."""
    try:
        yield from _streams(data)
    except (struct.error, IndexError):
        return


def _streams(data: bytes) -> Iterator[bytes]:
    size, small_size = (1 << shift for shift in struct.unpack_from("<HH", data, 30))
    if not 128 <= size <= 4096 or not 16 <= small_size <= size:
        return
    directory, least, small_table, tables = (
        struct.unpack_from("<I", data, at)[0] for at in (48, 56, 60, 68)
    )
    sectors = [data[at : at + size] for at in range(size, len(data), size)]
    named = list(struct.unpack_from(f"<{_IN_HEADER}I", data, 76))
    seen: set[int] = set()
    while tables < _NONE and tables not in seen:  # further sectors of the table are named there
        seen.add(tables)
        *more, tables = _numbers(sectors[tables])
        named += more
    table = [number for one in named if one < _NONE for number in _numbers(sectors[one])]
    entries = b"".join(_chain(directory, table, sectors))
    smalls = _numbers(b"".join(_chain(small_table, table, sectors)))
    packed: list[bytes] = []
    for at in range(0, len(entries) - _ENTRY + 1, _ENTRY):
        kind = entries[at + 66]
        begin, length = struct.unpack_from("<IQ", entries, at + 116)
        if kind == _ROOT:
            whole = b"".join(_chain(begin, table, sectors))
            packed = [whole[i : i + small_size] for i in range(0, len(whole), small_size)]
        elif kind == _STREAM:
            is_small = length < least
            chain = _chain(begin, smalls, packed) if is_small else _chain(begin, table, sectors)
            yield b"".join(chain)


def _numbers(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}I", data[: len(data) & ~3]))


def _chain(begin: int, table: Sequence[int], sectors: Sequence[bytes]) -> Iterator[bytes]:
    seen: set[int] = set()
    while begin < len(sectors) and begin not in seen:
        seen.add(begin)
        yield sectors[begin]
        begin = table[begin] if begin < len(table) else _NONE
