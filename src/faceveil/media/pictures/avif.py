"""AVIF files that libavif refuses as a whole, although it can decode their parts.

Alpha of another depth than the colours, two boxes where one is wanted, a list of brands without
its own: the picture and its alpha are each put into a plain file of their own and decoded there.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from faceveil.errors import UnsupportedError
from faceveil.i18n import say
from faceveil.media.metadata.bmff import ALPHA, aux_type
from faceveil.media.metadata.items import Items
from faceveil.media.pictures.item import item_bytes, properties, read_items

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_KEPT: Final = (b"ispe", b"av1C", b"colr", b"pasp", b"irot", b"imir", b"a1op", b"lsel", b"a1lx")
"""Properties that decoding needs. Another one may be the reason for the refusal."""
_ESSENTIAL: Final = {b"av1C", b"irot", b"imir", b"a1op", b"lsel"}
_MOST_ITEMS: Final = 4096


def decode_apart(data: bytes, fits: Callable[[int, int], None]) -> Picture:
    """The primary picture with its alpha, neither cropped nor turned.

    Args:
        fits: raises if a picture of this width and height is too large to decode.

    Raises:
        UnsupportedError: it is put together in a way that is not handled.
        ValueError: the structure is broken.
        Exception: whatever Pillow raises if what is in it cannot be decoded either.
    """
    items = read_items(data)
    if items is None or items.primary not in items.kinds:
        raise ValueError("no picture item")
    colours = _decoded(_alone(data, items, items.primary), fits)
    alpha = _alpha_of(items)
    if alpha is None:
        return colours
    opacity = _decoded(_alone(data, items, alpha), fits).convert("L")
    if opacity.size != colours.size:
        opacity = opacity.resize(colours.size)
    multiplied = any(
        kind == b"prem" and source == items.primary for kind, source, _ in items.references
    )
    return _joined(colours, opacity, multiplied)


def _joined(colours: Picture, opacity: Picture, multiplied: bool) -> Picture:
    import PIL.Image

    info = colours.info
    if multiplied:
        share = np.maximum(np.asarray(opacity), 1).astype(np.uint16)
        straight = np.asarray(colours.convert("RGB")) * np.uint16(255) // share[..., None]
        colours = PIL.Image.fromarray(np.minimum(straight, 255).astype(np.uint8))
    colours = colours.convert("RGB")
    colours.putalpha(opacity)
    colours.info.update(info)
    return colours


def _decoded(data: bytes, fits: Callable[[int, int], None]) -> Picture:
    from PIL.AvifImagePlugin import AvifImageFile

    picture = AvifImageFile(io.BytesIO(data))
    fits(*picture.size)
    picture.load()
    return picture


def _alpha_of(items: Items) -> int | None:
    for kind, source, targets in items.references:
        if kind == b"auxl" and items.primary in targets and aux_type(items, source) in ALPHA:
            return source
    return None


def _alone(data: bytes, items: Items, root: int) -> bytes:
    """A file with one picture, and the tiles it is put together from."""
    tiles = [
        t for kind, source, ts in items.references if kind == b"dimg" and source == root for t in ts
    ]
    wanted = [root, *dict.fromkeys(tiles)]
    kinds = {items.kinds.get(item, b"") for item in wanted[1:]} | {items.kinds[root]}
    if not kinds <= {b"av01", b"grid"} or len(wanted) > _MOST_ITEMS:
        odd = min(kinds - {b"av01", b"grid"}, default=b"grid").decode("latin-1")
        raise UnsupportedError(
            say("AVIF pictures coded as {coding} are not handled", coding=odd),
            say("Convert it to JPEG or PNG first."),
        )
    number = {item: index + 1 for index, item in enumerate(wanted)}
    size = properties(items, items.primary).get(b"ispe", [])
    boxes: list[bytes] = []
    owned, names, payloads = b"", b"", []
    for item in wanted:
        own = {b"ispe": size, **properties(items, item)}
        indices = b""
        for kind in _KEPT:
            for body in own.get(kind, ()):
                one = _box(kind, body)
                if one not in boxes:
                    boxes.append(one)
                place = boxes.index(one) + 1 | (0x8000 if kind in _ESSENTIAL else 0)
                indices += struct.pack(">H", place)
        owned += struct.pack(">HB", number[item], len(indices) // 2) + indices
        names += _box(
            b"infe", b"\2\0\0\0" + struct.pack(">HH4s", number[item], 0, items.kinds[item]) + b"\0"
        )
        payloads.append(item_bytes(data, items, item))
    meta = _box(b"hdlr", bytes(8) + b"pict" + bytes(13))
    meta += _box(b"pitm", bytes(4) + struct.pack(">H", 1))
    meta += _box(b"iinf", bytes(4) + struct.pack(">H", len(wanted)) + names)
    meta += _box(
        b"iprp",
        _box(b"ipco", b"".join(boxes))
        + _box(b"ipma", b"\0\0\0\1" + struct.pack(">I", len(wanted)) + owned),
    )
    if tiles:
        links = struct.pack(f">HH{len(tiles)}H", 1, len(tiles), *(number[tile] for tile in tiles))
        meta += _box(b"iref", bytes(4) + _box(b"dimg", links))
    head = _box(b"ftyp", b"avif" + bytes(4) + b"avifmif1miaf")
    # Offsets of four bytes, lengths of four, no base; one extent for each item.
    place = len(head) + 12 + len(meta) + 8 + 8 + 14 * len(wanted) + 8
    table = bytes(4) + b"\x44\0" + struct.pack(">H", len(wanted))
    for item, payload in zip(wanted, payloads, strict=True):
        table += struct.pack(">HHHII", number[item], 0, 1, place, len(payload))
        place += len(payload)
    meta += _box(b"iloc", table)
    return head + _box(b"meta", bytes(4) + meta) + _box(b"mdat", b"".join(payloads))


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body
