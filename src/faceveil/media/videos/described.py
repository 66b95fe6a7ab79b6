"""The words of MP4, QuickTime and Matroska on how each track is to be decoded, and decrypted."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from faceveil.errors import UnsupportedError
from faceveil.i18n import say
from faceveil.media.metadata.items import boxes, inside
from faceveil.media.videos.containers import bytes_of
from faceveil.media.videos.numbered import streamed, walk

if TYPE_CHECKING:
    from av.stream import Stream

_LOCKED: Final = frozenset({b"encv", b"enca", b"drmi", b"drms", b"drmt"})
"""Kinds of encrypted pictures and sound (ISO/IEC 14496-12, 8.12), and those that Apple sold."""
_ENCRYPTION: Final = 0x6D80, 0x6240, 0x5035
"""The way to a track's encryption in Matroska (RFC 9559, 5.1.4.1.31)."""
_TYPES: Final = {"video": 1, "audio": 2}
"""Types of tracks there."""
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


def locked(streams: Iterable[Stream], origin: Path | bytes, kind: str) -> frozenset[int]:
    """Indices of the streams that are encrypted, or a part of them, as the file says.

    Args:
        streams: all that the file has.
    """
    if kind in ("mkv", "webm"):
        found, tracks = set(), _locked_tracks(origin)
        for name, number in _TYPES.items():
            marks = [secret for type, secret in tracks if type == number]
            # FFmpeg appends the pictures among the attachments.
            ours = [one for one in streams if one.type == name][: len(marks)]
            found |= {one.index for one, secret in zip(ours, marks, strict=False) if secret}
        return frozenset(found)
    known = descriptions(origin, kind)
    return frozenset(
        one.index for one in streams if any(name in _LOCKED for name, _ in known.get(one.id, []))
    )


def _locked_tracks(origin: Path | bytes) -> list[tuple[int, bool]]:
    """The type of each track of Matroska that is a stream, and whether it is encrypted."""
    found = []
    with bytes_of(origin) as data, suppress(IndexError, ValueError):
        for type, place in streamed(data):
            found.append((type, any(inside(walk, data, place, *_ENCRYPTION))))
    return found


def encrypted() -> UnsupportedError:
    """The refusal of pictures that are encrypted, of which decoders make blocks and noise."""
    return UnsupportedError(
        say("the pictures of this video are encrypted"),
        say("Decrypt it with its key, or ask whoever made it for a plain copy."),
    )
