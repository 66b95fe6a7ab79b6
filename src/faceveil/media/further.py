"""Pictures that a file offers beside the one that is shown, and that no output will hold."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

from faceveil.media.hygiene.boxes import PIXEL_ITEMS, shown_items
from faceveil.media.hygiene.items import Items, boxes
from faceveil.media.hygiene.tiff import Reader
from faceveil.media.item import read_items

_MP_ENTRIES: Final = 0xB002
_MP_ENTRY: Final = 16
_MULTI_FRAME: Final = 0x02
"""First byte of the type of a picture that is one of several: panorama, stereo, many angles. Others
are previews and gain maps of the first (CIPA DC-007, 5.2.3.3.1)."""


def what_is_further(kind: str, picture: Any, data: bytes) -> Iterator[str]:
    """Tells of the further pictures of a JPEG (MPO), HEIC or AVIF file, if it has some.

    Args:
        picture: as Pillow opened it.
    """
    count = 0
    if kind == "jpeg":
        count = _of_mpo(picture.info.get("mp"))
    elif kind in ("heic", "avif"):
        try:
            items = read_items(data)
            count = 0 if items is None else _of_items(items)
            if kind == "heic" and any(name == b"moov" for name, _, _ in boxes(data, 0, len(data))):
                yield "the file's image sequence is left out; only its still picture is kept"
        except ValueError:  # bytes behind the last box: what was read before them stands
            pass
    if count == 1:
        yield "1 further picture of the file is left out"
    elif count:
        yield f"{count} further pictures of the file are left out"


def _of_items(items: Items) -> int:
    """Those that a viewer would let its user turn to: no tiles, thumbnails, masks, hidden ones."""
    parts = {target for kind, _, to in items.references if kind == b"dimg" for target in to}
    lesser = {source for kind, source, _ in items.references if kind in (b"thmb", b"auxl")}
    out = shown_items(items) | parts | lesser | items.hidden
    return sum(kind in PIXEL_ITEMS for item, kind in items.kinds.items() if item not in out)


def _of_mpo(index: bytes | None) -> int:
    if not index:
        return 0
    try:
        reader = Reader(index)
        _, size, at = reader.directory(reader.first).tags[_MP_ENTRIES]
        big = index[:2] == b"MM"
        kinds = [
            index[place + 1 if big else place + 2] for place in range(at, at + size, _MP_ENTRY)
        ]
    # A broken index must not cost the picture.
    except (IndexError, KeyError, ValueError, struct.error):
        return 0
    return max(kinds.count(_MULTI_FRAME) - 1, 0)
