"""Sound whose form changes on the way, so that a copy would be decoded wrongly."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from av.error import FFmpegError

from faceveil.media.videos.containers import all_packets, open_input
from faceveil.media.videos.described import descriptions

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream
    from av.packet import Packet

_CHANGING: Final = frozenset({"flv", "mpegts"})
"""Containers in which the form of AAC and MP3 may change at any time."""
TELLING: Final = frozenset({"aac", "mp3"})
"""Codecs whose packets tell the form, or come with it."""


def changing(origin: Path | bytes, kind: str) -> frozenset[int]:
    """Indices of the tracks of AAC and MP3 whose rate or channels change on the way, as in joined
    recordings."""
    forms: dict[int, set[bytes]] = {}
    twice = any(len(entries) > 1 for entries in descriptions(origin, kind).values())
    if kind in _CHANGING or twice:
        with open_input(origin, kind) as container, suppress(FFmpegError):
            for track in container.streams.audio:
                context = cast("AudioCodecContext | None", track.codec_context)
                if context is not None and context.codec.canonical_name in TELLING:
                    forms[track.index] = {context.extradata} if context.extradata else set()
            for packet in all_packets(container, [container.streams[index] for index in forms]):
                if form := _form_of(packet):
                    forms[packet.stream.index].add(form)
    return frozenset(index for index, found in forms.items() if len(found) > 1)


def _form_of(packet: Packet[AudioStream]) -> bytes:
    """The bytes that say how the sound of a packet is to be decoded; b"" where it is as before."""
    if packet.has_sidedata("new_extradata"):
        return bytes(packet.get_sidedata("new_extradata"))
    head = bytes(packet)[:4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return b""
    if head[1] & 0x06 == 0:  # ISO/IEC 13818-7, 6.2: profile, rate, channels
        return bytes([head[2] & 0xFD, head[3] & 0xC0])
    # ISO/IEC 11172-3, 2.4.1.3: version, layer, rate, and whether there are two channels.
    return bytes([head[1] & 0x1E, head[2] & 0x0C, head[3] >> 6 != 3])
