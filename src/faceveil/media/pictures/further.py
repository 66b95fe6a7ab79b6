"""Further pictures in a file beside the one that is shown; no output will contain them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from faceveil.i18n import say
from faceveil.media.metadata.bmff import PIXEL_ITEMS, shown_items
from faceveil.media.metadata.items import Items, outer_boxes
from faceveil.media.metadata.tiff import TiffReader
from faceveil.media.pictures.item import read_items
from faceveil.media.pictures.jpeg_layout import CannotKeep, segments, size_of

_MP_ENTRIES: Final = 0xB002
_MP_ENTRY: Final = 16
_MULTI_FRAME: Final = 0x02
"""Kind of a picture that is one of several: panorama, stereo, many angles; 1 is a preview, and 0
has no kind (CIPA DC-007, 5.2.3.3.1)."""
_AIDS: Final = (b"hdrgm", b"hdrgainmap", b"GainMap", b"21496-1", b"AuxiliaryImageType")
"""Words in pictures without a kind that only help to show the first, such as gain maps."""

_WITHOUT_CLIP: Final = say("the clip of a motion photo is left out; only its still picture is kept")
_CLIP: Final = re.compile(rb"\0\0\0[\x10-\x40]ftyp[\x20-\x7e]{4}")
"""The beginning of an MP4 that a phone appends to a picture (motion photo)."""
_FIRST: Final = 8
"""The place at which the search begins in a picture that begins so itself."""

_JOINT: Final = re.compile(rb"\xff\xd9\0*(?=\xff\xd8\xff)")
"""The joint of two JPEGs; no compressed data looks like this."""


def what_is_further(kind: str, picture: Any, data: bytes) -> Iterator[str]:
    """Yield a warning for the further pictures of a JPEG (MPO), PNG, HEIC or AVIF file, if there
    are any.

    Args:
        picture: as Pillow opened it.
    """
    count = 0
    if kind == "png":
        # Shown by whatever does not know of animated PNG.
        count = int(bool(picture.info.get("default_image")))
    elif kind == "jpeg":
        index = picture.info.get("mp")
        count = _of_mpo(index, data) if index else _that_follow(data)
        if _CLIP.search(data):
            yield _WITHOUT_CLIP
    elif kind in ("heic", "avif"):
        with suppress(ValueError):
            items = read_items(data)
            count = 0 if items is None else _of_items(items)
        outer = list(_outer(data))
        if b"mpvd" in outer or _CLIP.search(data, _FIRST):
            yield _WITHOUT_CLIP
        elif kind == "heic" and b"moov" in outer:
            yield say("the file's image sequence is left out; only its still picture is kept")
    if count == 1:
        yield say("1 further picture of the file is left out")
    elif count:
        yield say("{count} further pictures of the file are left out", count=count)


def _outer(data: bytes) -> Iterator[bytes]:
    """The names of the outer boxes, up to bytes that are none."""
    with suppress(ValueError):
        for name, _, _ in outer_boxes(data):
            yield name


def _of_items(items: Items) -> int:
    """Those that a viewer would let its user turn to: no tiles, thumbnails, masks, hidden ones."""
    parts = {target for kind, _, to in items.references if kind == b"dimg" for target in to}
    lesser = {source for kind, source, _ in items.references if kind in (b"thmb", b"auxl")}
    out = shown_items(items) | parts | lesser | items.hidden
    return sum(kind in PIXEL_ITEMS for item, kind in items.kinds.items() if item not in out)


def _that_follow(data: bytes) -> int:
    """The frames of a bare Motion JPEG stream behind the first, which is what a viewer shows.

    A smaller picture there is a preview or a map, as cameras append them.
    """
    try:
        end = next((end for marker, _, end in segments(data) if marker == 0xD9), len(data))
        joints = [one.end() for one in _JOINT.finditer(data, end - 2)]
        if not joints or size_of(data[joints[0] :]) != size_of(data):
            return 0
    except CannotKeep:
        return 0
    return len(joints)


def _of_mpo(index: bytes, data: bytes) -> int:
    try:
        reader = TiffReader(index)
        _, size, at = reader.directory(reader.first).tags[_MP_ENTRIES]
        order = ">" if index[:2] == b"MM" else "<"
        entries = [
            struct.unpack_from(order + "III", index, place)
            for place in range(at, at + size, _MP_ENTRY)
        ]
    # A broken index must not make the picture unreadable.
    except (IndexError, KeyError, ValueError, struct.error):
        return 0
    base = data.find(index)
    return sum(_is_of_its_own(entry, data, base) for entry in entries[1:])


def _is_of_its_own(entry: tuple[int, int, int], data: bytes, base: int) -> bool:
    """Whether a picture behind the first is more than a preview of it or an aid.

    Programs that combine pictures give them no kind, and phones give their gain maps none either;
    these are recognized by their own metadata.
    """
    kind = entry[0] >> 16 & 0xFF
    if kind:
        return kind == _MULTI_FRAME
    size, offset = entry[1:]
    where = data[base + offset : base + offset + size] if offset else data
    return not any(word in where for word in _AIDS)
