"""The descriptions that MP4 and QuickTime hold of how each track is to be decoded."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

from faceveil.errors import UnsupportedError
from faceveil.i18n import say
from faceveil.media.metadata.items import boxes, inside
from faceveil.media.videos.containers import bytes_of

LOCKED = frozenset({b"encv", b"enca"})
"""Kinds of encrypted pictures and sound (ISO/IEC 14496-12, 8.12)."""
_FORM = slice(16, 28)
"""In a sound's sample entry: channels, bits a sample, and the rate (12.2.3)."""


def descriptions(origin: Path | bytes, kind: str) -> dict[int, list[tuple[bytes, bytes]]]:
    """The sample entries of each track: its number -> the kind of each, and the form of a sound.

    Args:
        kind: of the file; others than MP4 and QuickTime have none.
    """
    found: dict[int, list[tuple[bytes, bytes]]] = {}
    if kind not in ("mp4", "mov"):
        return found
    # What is broken is passed over, as players do.
    with bytes_of(origin) as data, suppress(IndexError, ValueError, struct.error):
        for trak in inside(boxes, data, (0, len(data)), b"moov", b"trak"):
            number = 0
            for head, _ in inside(boxes, data, trak, b"tkhd"):
                at = head + (20 if data[head] == 1 else 12)
                number = int.from_bytes(data[at : at + 4], "big")
            for at, end in inside(boxes, data, trak, b"mdia", b"minf", b"stbl", b"stsd"):
                found[number] = [
                    (bytes(name), bytes(data[body:stop][_FORM]))
                    for name, body, stop in boxes(data, at + 8, end)
                ]
    return found


def is_locked(entries: list[tuple[bytes, bytes]]) -> bool:
    """Whether a track, or a part of it, is encrypted."""
    return any(name in LOCKED for name, _ in entries)


def require_open(origin: Path | bytes, kind: str, track: int) -> None:
    """Refuse pictures that are encrypted, of which decoders make blocks and noise.

    Raises:
        UnsupportedError: they are.
    """
    if is_locked(descriptions(origin, kind).get(track, [])):
        raise UnsupportedError(
            say("the pictures of this video are encrypted"),
            say("Decrypt it with its key, or ask whoever made it for a plain copy."),
        )
