"""Workbooks whose parts are records instead of XML (MS-XLSB)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from faceveil.i18n import Message
from faceveil.media.documents.accounts import ACCOUNTS
from faceveil.media.documents.traces import HISTORY, PATH

# MS-XLSB 2.3.2.
_SHEET, _BOOK = 129, 131
"""BrtBeginSheet, BrtBeginBook."""
_BEGIN, _END = 37, 38
"""BrtACBegin and BrtACEnd, around what older programs skip."""
_FOLDER: Final = 2071
"""BrtAbsPath15, the folder in which the file was saved."""
_SHARING, _BEFORE_NAME = 548, 4
"""BrtFileSharing, and its bytes before the name of who asked others not to change the file."""
_TRACES: Final = {_FOLDER: PATH, 3073: HISTORY}
"""The other is brtRevisionPtr."""
_PAGES: Final = frozenset({478, 652})
"""BrtPageSetup and BrtCsPageSetup, whose last field is the relationship that leads to the settings
of a printer."""
_NULL: Final = b"\xff\xff\xff\xff"


class _Record(NamedTuple):
    """A record, by places: a sheet has millions, and is not held twice."""

    kind: int
    start: int
    body: int
    end: int


class _Change(NamedTuple):
    start: int
    end: int
    new: bytes


def without_binary_traces(data: bytes, gone: Collection[str]) -> tuple[bytes, tuple[Message, ...]]:
    """A part of records without traces of its author, and what it held.

    Args:
        gone: ids of relationships of the part that are not kept.
    """
    found: dict[Message, None] = {}
    try:
        first = next(_records(data), None)
        if first is None or (first.kind != _BOOK and (first.kind != _SHEET or not gone)):
            return data, ()  # all that a sheet holds of them is where its printer is
        changes = _changes(data, gone, found)
    except (IndexError, ValueError):
        return data, ()
    if not changes:
        return data, ()
    kept, at = [], 0
    for one in changes:
        kept += [data[at : one.start], one.new]
        at = one.end
    return b"".join((*kept, data[at:])), tuple(found)


def _changes(data: bytes, gone: Collection[str], found: dict[Message, None]) -> list[_Change]:
    changes: list[_Change] = []
    before = two_before = _Record(0, 0, 0, 0)
    for one in _records(data):
        if one.kind == _END and before.kind in _TRACES and two_before.kind == _BEGIN:
            found[_TRACES[before.kind]] = None
            while changes and changes[-1].start > two_before.start:
                changes.pop()
            changes.append(_Change(two_before.start, one.end, b""))
        elif one.kind == _FOLDER and data[one.body : one.end].strip(b"\0"):
            found[PATH] = None
            changes.append(_Change(one.start, one.end, _packed(one.kind, bytes(4))))
        elif one.kind == _SHARING and data[one.body + _BEFORE_NAME : one.end].strip(b"\0"):
            found[ACCOUNTS] = None
            body = data[one.body : one.body + _BEFORE_NAME] + bytes(4)
            changes.append(_Change(one.start, one.end, _packed(one.kind, body)))
        elif one.kind in _PAGES:
            body = data[one.body : one.end]
            if (new := _without_printer(body, gone)) != body:
                changes.append(_Change(one.start, one.end, _packed(one.kind, new)))
        two_before, before = before, one
    return changes


def _without_printer(body: bytes, gone: Collection[str]) -> bytes:
    for id in gone:
        end = len(id).to_bytes(4, "little") + id.encode("utf-16-le")
        if body.endswith(end):
            return body.removesuffix(end) + _NULL
    return body


def _records(data: bytes) -> Iterator[_Record]:
    """MS-XLSB 2.1.4: a type in one or two groups of seven bits, a size in up to four.

    Raises:
        IndexError, ValueError: the data does not end with a record.
    """
    at = 0
    while at < len(data):
        kind, body = _number(data, at, 2)
        size, body = _number(data, body, 4)
        end = body + size
        if end > len(data):
            raise ValueError("cut off")
        yield _Record(kind, at, body, end)
        at = end


def _number(data: bytes, at: int, longest: int) -> tuple[int, int]:
    value = 0
    for group in range(longest):
        byte = data[at + group]
        value |= (byte & 127) << 7 * group
        if byte < 128:
            return value, at + group + 1
    raise ValueError("no number")


def _packed(kind: int, body: bytes) -> bytes:
    return _bytes_of(kind) + _bytes_of(len(body)) + body


def _bytes_of(number: int) -> bytes:
    groups = bytearray()
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes((*groups, number))
