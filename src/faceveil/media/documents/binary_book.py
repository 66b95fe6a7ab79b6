"""Workbooks whose parts are records instead of XML (MS-XLSB)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from faceveil.i18n import Message
from faceveil.media.documents.traces import HISTORY, PATH

# MS-XLSB 2.3.2.
_STARTS: Final = frozenset({129, 131})
"""BrtBeginSheet, BrtBeginBook."""
_BEGIN, _END = 37, 38
"""BrtACBegin and BrtACEnd, around what older programs skip."""
_FOLDER: Final = 2071
"""BrtAbsPath15, the folder in which the file was saved."""
_TRACES: Final = {_FOLDER: PATH, 3073: HISTORY}
"""The other is brtRevisionPtr."""
_PAGES: Final = frozenset({478, 652})
"""BrtPageSetup and BrtCsPageSetup, whose last field is the relationship that leads to the settings
of a printer."""
_NULL: Final = b"\xff\xff\xff\xff"


class _Record(NamedTuple):
    kind: int
    body: bytes
    whole: bytes


def without_binary_traces(data: bytes, gone: Collection[str]) -> tuple[bytes, tuple[Message, ...]]:
    """A part of records without traces of its author, and what it held.

    Args:
        gone: ids of relationships of the part that are not kept.
    """
    try:
        records = list(_records(data))
    except (IndexError, ValueError):
        return data, ()
    if not records or records[0].kind not in _STARTS:
        return data, ()
    found: dict[Message, None] = {}
    kept: list[bytes] = []
    at = 0
    while at < len(records):
        around = [one.kind for one in records[at : at + 3]]
        if len(around) == 3 and (around[0], around[2]) == (_BEGIN, _END) and around[1] in _TRACES:
            found[_TRACES[around[1]]] = None
            at += 3
            continue
        one = records[at]
        if one.kind == _FOLDER and one.body.strip(b"\0"):
            found[PATH] = None
            kept.append(_packed(one.kind, bytes(4)))
        elif one.kind in _PAGES:
            kept.append(_without_printer(one, gone))
        else:
            kept.append(one.whole)
        at += 1
    return b"".join(kept), tuple(found)


def _without_printer(one: _Record, gone: Collection[str]) -> bytes:
    for id in gone:
        end = len(id).to_bytes(4, "little") + id.encode("utf-16-le")
        if one.body.endswith(end):
            return _packed(one.kind, one.body.removesuffix(end) + _NULL)
    return one.whole


def _records(data: bytes) -> Iterator[_Record]:
    """MS-XLSB 2.1.4: a type in one or two groups of seven bits, a size in up to four.

    Raises:
        ValueError: the data does not end with a record.
    """
    at = 0
    while at < len(data):
        kind, body = _number(data, at, 2)
        size, body = _number(data, body, 4)
        end = body + size
        if end > len(data):
            raise ValueError("cut off")
        yield _Record(kind, data[body:end], data[at:end])
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
