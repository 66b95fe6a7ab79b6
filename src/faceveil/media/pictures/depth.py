"""The number of bits of a picture's samples in its file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from faceveil.media.metadata.items import outer_boxes
from faceveil.media.pictures.deep_jpeg import frame_at
from faceveil.media.pictures.item import bits_of_movie, primary_item

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_TIFF_BITS_PER_SAMPLE: Final = 258


def stored_bits(kind: str, picture: Picture, data: bytes) -> int:
    """Bits of the deepest sample; 8 where the format has no others, or says nothing."""
    if kind == "png":
        return data[24]
    if kind == "jpeg":
        at = frame_at(data)
        return 8 if at is None else data[at + 4]
    if kind == "tiff":
        tags: Any = getattr(picture, "tag_v2", {})
        return int(max(tags.get(_TIFF_BITS_PER_SAMPLE, (8,))))
    if kind in ("heic", "avif"):
        item = primary_item(data)
        return max(item.bits if item else 8, bits_of_movie(data))
    return _of_jp2(data) if kind == "jp2" else 8


def _of_jp2(data: bytes) -> int:
    """From the SIZ segment of the codestream (ISO/IEC 15444-1, A.5.1)."""
    start = 0
    if data[:4] != b"\xff\x4f\xff\x51":
        start = next(at for kind, at, _ in outer_boxes(data) if kind == b"jp2c")
    count = int.from_bytes(data[start + 40 : start + 42], "big")
    return max((byte & 0x7F) + 1 for byte in data[start + 42 : start + 42 + 3 * count : 3])
