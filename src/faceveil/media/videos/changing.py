"""Sound whose form changes on the way, so that a copy would be decoded wrongly."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from av.error import FFmpegError

from faceveil.media.metadata.items import boxes, inside
from faceveil.media.videos.containers import all_packets, bytes_of, open_input

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream
    from av.packet import Packet

_CHANGING: Final = frozenset({"flv", "mpegts"})
"""Containers in which the form of AAC may change at any time."""


def changing(origin: Path | bytes, kind: str) -> frozenset[int]:
    """Indices of the tracks of AAC whose rate or channels change on the way, as in joined
    recordings."""
    forms: dict[int, set[bytes]] = {}
    if kind in _CHANGING or (kind in ("mp4", "mov") and _is_described_twice(origin)):
        with open_input(origin, kind) as container, suppress(FFmpegError):
            for track in container.streams.audio:
                context = cast("AudioCodecContext | None", track.codec_context)
                if context is not None and context.codec.canonical_name == "aac":
                    forms[track.index] = {context.extradata} if context.extradata else set()
            for packet in all_packets(container, [container.streams[index] for index in forms]):
                if form := _form_of(packet):
                    forms[packet.stream.index].add(form)
    return frozenset(index for index, found in forms.items() if len(found) > 1)


def _is_described_twice(origin: Path | bytes) -> bool:
    """Whether a track of MP4 or QuickTime has several descriptions of how it is to be decoded."""
    with bytes_of(origin) as data, suppress(IndexError, ValueError, struct.error):
        tables = inside(
            boxes, data, (0, len(data)), b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"
        )
        return any(int.from_bytes(data[at + 4 : at + 8], "big") > 1 for at, _ in tables)
    return False


def _form_of(packet: Packet[AudioStream]) -> bytes:
    """The bytes that say how the AAC of a packet is to be decoded; b"" where it is as before."""
    if packet.has_sidedata("new_extradata"):
        return bytes(packet.get_sidedata("new_extradata"))
    head = bytes(packet)[:4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return b""
    return bytes([head[2] & 0xFD, head[3] & 0xC0])  # ISO/IEC 13818-7, 6.2: profile, rate, channels
