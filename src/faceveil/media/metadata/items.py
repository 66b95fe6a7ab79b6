"""Boxes of the ISO base media file format, and what a ``meta`` box says about its items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from faceveil.i18n import say

_META: Final = {b"hdlr", b"pitm", b"iloc", b"iinf", b"iref", b"iprp", b"idat", b"dinf"}


def printable(code: bytes) -> str:
    """A code of four characters as a word."""
    return "".join(chr(c) if 32 < c < 127 else "?" for c in code)


def boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, start of the body, end) of each box.

    Raises:
        ValueError: a box reaches beyond the end.
    """
    while at < end:
        size, body = int.from_bytes(data[at : at + 4], "big"), at + 8
        if size == 1:
            size, body = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        elif size == 0:
            size = end - at
        if size < body - at or at + size > end:
            raise ValueError("box beyond the end")
        yield data[at + 4 : at + 8], body, at + size
        at += size


_OUTER: Final = {b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"jP  ", b"jp2h", b"jp2c"}


def end_of_boxes(data: bytes) -> int:
    """The end of the last box of a file; behind it there may be bytes that are no box.

    Raises:
        ValueError: a box that belongs in such a file reaches beyond the end: it was cut off.
    """
    at = 0
    while at + 8 <= len(data):
        kind, size = data[at + 4 : at + 8], int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        elif size == 0:
            size = len(data) - at
        if size < 8 or at + size > len(data) or b"\0" in kind:
            if kind in _OUTER:
                raise ValueError("box beyond the end")
            return at
        at += size
    return at


def outer_boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """`boxes` of a whole file, without the bytes behind them.

    Raises:
        ValueError: it was cut off.
    """
    return boxes(data, 0, end_of_boxes(data))


def end_of_codestream(data: bytes) -> int:
    """The end of a code stream of JPEG 2000, behind its mark (ISO/IEC 15444-1, A.4.2 and A.4.4).

    Raises:
        ValueError: it has none.
    """
    at = 2
    while (mark := data[at : at + 2]) != b"\xff\xd9":
        step = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if mark == b"\xff\x90":  # a part of a tile; 0 is one that reaches to the end
            step = int.from_bytes(data[at + 6 : at + 10], "big")
            step = step or data.find(b"\xff\xd9", at) - at
        if mark[:1] != b"\xff" or step < 4:
            raise ValueError("no end")
        at += step
    return at + 2


def inside(
    walk: Callable[[bytes, int, int], Iterator[tuple[Any, int, int]]],
    data: bytes,
    span: tuple[int, int],
    *path: Any,
) -> Iterator[tuple[int, int]]:
    """(start of the body, end) of what is reached through parts of these kinds."""
    for kind, body, end in walk(data, *span):
        if kind != path[0]:
            continue
        if len(path) == 1:
            yield body, end
        else:
            yield from inside(walk, data, (body, end), *path[1:])


@dataclass
class Items:
    """The items of a ``meta`` box.

    Attributes:
        primary: id of the displayed picture.
        kinds: item id -> item type.
        names: what ``infe`` says beyond the type: names, MIME types.
        hidden: ids of items that are not to be shown by themselves.
        references: (type, from, to each).
        properties: 1-based, (type, body).
        owns: item id -> indices into ``properties``.
        extents: item id -> (construction method, offset, length) of each part; method 1 counts
            from ``inside``.
        inside: where the body of ``idat`` lies.
    """

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    names: dict[int, bytes] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    references: list[tuple[bytes, int, list[int]]] = field(default_factory=list)
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    owns: dict[int, list[int]] = field(default_factory=dict)
    extents: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    inside: int = 0


class _Cursor:
    """Big-endian integers, one after the other."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def take(self, size: int) -> int:
        if self.at + size > len(self._data):
            raise ValueError("number beyond the end")
        value = int.from_bytes(self._data[self.at : self.at + size], "big")
        self.at += size
        return value


def read_meta(data: bytes, start: int, end: int) -> tuple[Items, list[str]]:
    """Read the ``meta`` box whose body lies at ``start``; the names are of what it has no need of.

    Raises:
        ValueError: the structure is broken.
    """
    items = Items()
    found: list[str] = []
    for kind, body, stop in boxes(data, start + 4, end):
        if kind == b"idat":
            items.inside = body
            continue
        cursor = _Cursor(data, body)
        version = cursor.take(1)
        cursor.take(3)
        wide = 4 if version else 2
        if kind == b"pitm":
            items.primary = cursor.take(wide)
        elif kind == b"hdlr":
            if data[body + 24 : stop].strip(b"\0"):
                found.append(say("handler name"))
        elif kind == b"iinf":
            cursor.take(wide)
            for _, inner, inner_end in boxes(data, cursor.at, stop):
                _read_item(data, inner, inner_end, items)
        elif kind == b"iref":
            for name, inner, _ in boxes(data, cursor.at, stop):
                link = _Cursor(data, inner)
                source, count = link.take(wide), link.take(2)
                items.references.append((name, source, [link.take(wide) for _ in range(count)]))
        elif kind == b"iprp":
            _read_properties(data, body, stop, items)
        elif kind == b"iloc":
            _read_locations(_Cursor(data, body), items)
        elif kind not in _META:
            found.append(say("box {name}", name=printable(kind)))
    return items, found


def _read_item(data: bytes, start: int, end: int, items: Items) -> None:
    cursor = _Cursor(data, start)
    version = cursor.take(1)
    flags = cursor.take(3)
    item = cursor.take(4 if version == 3 else 2)
    cursor.take(2)
    if flags & 1 and version >= 2:
        items.hidden.add(item)
    items.kinds[item] = data[cursor.at : cursor.at + 4] if version >= 2 else b""
    items.names[item] = data[cursor.at + 4 : end].rstrip(b"\0")


def _read_properties(data: bytes, start: int, end: int, items: Items) -> None:
    for kind, body, stop in boxes(data, start, end):
        if kind == b"ipco":
            items.properties += [(k, data[b:e]) for k, b, e in boxes(data, body, stop)]
        elif kind == b"ipma":
            cursor = _Cursor(data, body)
            version, flags = cursor.take(1), cursor.take(3)
            for _ in range(cursor.take(4)):
                item = cursor.take(4 if version else 2)
                indices = [cursor.take(2 if flags & 1 else 1) for _ in range(cursor.take(1))]
                mask = 0x7FFF if flags & 1 else 0x7F
                items.owns[item] = [index & mask for index in indices]


def _read_locations(cursor: _Cursor, items: Items) -> None:
    version = cursor.take(1)
    cursor.take(3)
    sizes, more = cursor.take(1), cursor.take(1)
    for _ in range(cursor.take(4 if version == 2 else 2)):
        item = cursor.take(4 if version == 2 else 2)
        method = cursor.take(2) & 15 if version else 0
        cursor.take(2)
        base = cursor.take(more >> 4)
        parts = items.extents.setdefault(item, [])
        count = cursor.take(2)
        if count > 1 and not sizes:
            raise ValueError("extents without offset and length")
        for _ in range(count):
            if version:
                cursor.take(more & 15)
            offset = cursor.take(sizes >> 4)
            parts.append((method, base + offset, cursor.take(sizes & 15)))
