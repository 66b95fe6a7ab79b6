"""The primary picture of a HEIC or AVIF file, as its boxes describe it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from faceveil.errors import UnsupportedError
from faceveil.i18n import say
from faceveil.media.metadata.items import Items, boxes, outer_boxes, read_meta
from faceveil.media.pictures import av1

_PUT_TOGETHER: Final = {b"grid", b"iden", b"iovl", b"tmap"}
_NO_SIZE: Final = (0, 0)
_TO_ENTRIES: Final = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"")


@dataclass(frozen=True, slots=True)
class Item:
    """The primary picture, as far as its container describes it.

    Attributes:
        size: width and height as stored, before ``crop`` and any turning.
        code_points: primaries, transfer and matrix of ITU-T H.273, by the container or else by
            the stream; None where nothing is said.
        bits: of a sample.
        crop: x0, y0, x1, y1 in stored pixels that viewers show, or None for all.
    """

    size: tuple[int, int]
    code_points: tuple[int, int, int] | None
    bits: int
    crop: tuple[int, int, int, int] | None


def read_items(data: bytes) -> Items | None:
    """The items of the file's own ``meta`` box; None without one.

    Raises:
        ValueError: the structure is broken.
    """
    for kind, body, end in outer_boxes(data):
        if kind == b"meta":
            return read_meta(data, body, end)[0]
    return None


def primary_item(data: bytes) -> Item | None:
    """The primary picture of a HEIC or AVIF file; None where there is none or it is broken."""
    try:
        items = read_items(data)
        return None if items is None else _item(data, items)
    except (EOFError, IndexError, UnsupportedError, ValueError):
        return None


def coded_as(data: bytes) -> set[bytes]:
    """The codings of the primary picture, or of the items it is put together from."""
    try:
        items = read_items(data)
    except ValueError:
        return set()
    if items is None:
        return set()
    found: set[bytes] = set()
    wanted = [items.primary]
    seen: set[int] = set()
    while wanted:
        item = wanted.pop()
        seen.add(item)
        kind = items.kinds.get(item, b"")
        if kind in _PUT_TOGETHER:
            wanted += [
                target
                for name, source, targets in items.references
                if name == b"dimg" and source == item
                for target in targets
                if target not in seen
            ]
        elif kind:
            found.add(kind)
    return found


def properties(items: Items, item: int) -> dict[bytes, list[bytes]]:
    """Kind -> bodies of the properties of an item."""
    found: dict[bytes, list[bytes]] = {}
    for index in items.owns.get(item, ()):
        if index:
            kind, body = items.properties[index - 1]
            found.setdefault(kind, []).append(body)
    return found


def item_bytes(data: bytes, items: Items, item: int) -> bytes:
    """The bytes of an item.

    Raises:
        UnsupportedError: it is made from other items.
        EOFError: the file ends before it does.
    """
    parts = []
    for method, at, size in items.extents.get(item, ()):
        if method > 1:
            raise UnsupportedError(
                say("pictures made from the bytes of others are not handled"),
                say("Convert it to JPEG or PNG first."),
            )
        start = at + (items.inside if method else 0)
        part = data[start : start + size] if size else data[start:]
        if len(part) < size:
            raise EOFError
        parts.append(part)
    return b"".join(parts)


def _item(data: bytes, items: Items) -> Item:
    owned = properties(items, items.primary)
    size = _NO_SIZE
    for body in owned.get(b"ispe", ()):
        size = (int.from_bytes(body[4:8], "big"), int.from_bytes(body[8:12], "big"))
    code_points: tuple[int, int, int] | None = None
    for body in owned.get(b"colr", ()):
        if body[:4] == b"nclx":
            first, second, third = (int.from_bytes(body[at : at + 2], "big") for at in (4, 6, 8))
            code_points = (first, second, third)
    if code_points is None:
        code_points = _stated_by_stream(data, items)
    crop = None
    for body in owned.get(b"clap", ()):
        crop = clean_aperture(body, size)
    return Item(size, code_points, _bits(items), crop)


def _tiles(items: Items) -> list[int]:
    """The primary picture and what it is put together from."""
    found = [items.primary]
    for kind, source, targets in items.references:
        if kind == b"dimg" and source == items.primary:
            found += targets
    return found


def _stated_by_stream(data: bytes, items: Items) -> tuple[int, int, int] | None:
    for item in _tiles(items):
        if items.kinds.get(item) == b"av01":
            return av1.code_points(item_bytes(data, items, item))
        for body in properties(items, item).get(b"hvcC", ()):
            return _stated_by_hevc(body)
    return None


def _stated_by_hevc(configuration: bytes) -> tuple[int, int, int] | None:
    import av

    try:
        decoder = av.CodecContext.create("hevc", "r")
        decoder.extradata = configuration
        decoder.open()
    except av.FFmpegError:
        return None
    assert isinstance(decoder, av.VideoCodecContext)
    return int(decoder.color_primaries), int(decoder.color_trc), int(decoder.colorspace)


def _bits(items: Items) -> int:
    found = [8]
    for item in _tiles(items):
        part = properties(items, item)
        found += [max(body[5:], default=8) for body in part.get(b"pixi", ())]
        found += [_of_configuration(name, body) for name in part for body in part[name]]
    return max(found)


def _of_configuration(name: bytes, body: bytes) -> int:
    """AV1 in ISOBMFF, 2.3.3: high_bitdepth and twelve_bit; HEVC: bit_depth_luma_minus8."""
    if name == b"av1C":
        return 8 + (body[2] >> 6 & 1) * (2 + (body[2] >> 5 & 1) * 2)
    return 8 + (body[17] & 7) if name == b"hvcC" else 8


def bits_of_movie(data: bytes) -> int:
    """Of the deepest track of an image sequence; 8 where there is none or it is broken."""
    found = [8]
    try:
        for path in _entries(data, 0, len(data), 0):
            found += [_of_configuration(name, data[at:end]) for name, at, end in path]
    except (IndexError, ValueError):
        pass
    return max(found)


def _entries(data: bytes, at: int, end: int, depth: int) -> Iterator[list[tuple[bytes, int, int]]]:
    """The boxes in each sample description of a movie."""
    for kind, body, stop in boxes(data, at, end):
        if kind == b"stsd":
            for _, entry, last in boxes(data, body + 8, stop):
                yield list(boxes(data, entry + 78, last))
        elif kind == _TO_ENTRIES[depth]:
            yield from _entries(data, body, stop, depth + 1)


def clean_aperture(body: bytes, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The part of a picture that a ``clap`` box says is to be shown (ISO/IEC 14496-12, 12.1.4).

    Returns:
        x0, y0, x1, y1, rounded inwards; None where it is all of the picture, or the box makes no
        sense and viewers pass it over.
    """
    numbers = [int.from_bytes(body[at : at + 4], "big", signed=True) for at in range(0, 32, 4)]
    if len(body) < 32 or min(numbers[1::2]) <= 0 or min(size) <= 0:
        return None
    width, height, across, down = (
        Fraction(above, below) for above, below in zip(numbers[::2], numbers[1::2], strict=True)
    )
    spans = []
    for length, offset, whole in ((width, across, size[0]), (height, down, size[1])):
        # The offset is between the middles of both.
        start = Fraction(whole - 1, 2) + offset - (length - 1) / 2
        spans.append((start, start + length, whole))
    if any(not (0 <= start < end <= whole) for start, end, whole in spans):
        return None
    (x0, x1, _), (y0, y1, _) = spans
    found = (-(-x0 // 1), -(-y0 // 1), x1 // 1, y1 // 1)
    if found == (0, 0, *size) or found[0] >= found[2] or found[1] >= found[3]:
        return None
    return found
