"""A file of sound in a container for videos, without all that is no sound."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Final

import av
from av.error import FFmpegError

from faceveil.errors import InputError
from faceveil.media.metadata.sound_files import bare_sound
from faceveil.media.videos.audio import AudioTrack
from faceveil.media.videos.containers import OUTPUTS, all_packets, open_input
from faceveil.media.videos.facts import beside
from faceveil.media.videos.tags import stream_leftovers

_MUXERS: Final = {
    "mp4": "ipod",
    "mov": "mov",
    "mkv": "matroska",
    "webm": "webm",
    "ogg": "ogg",
    "asf": "asf",
}
_WALKED: Final = frozenset({"mp4", "mov", "mkv", "webm"})
_TAKES_ALL: Final = replace(OUTPUTS[0], audio=frozenset(), audio_encoder="")
"""A container into which every packet goes as it is."""


def sound_alone(data: bytes, kind: str | None) -> bytes | None:
    """A file of sound without its tags and covers; the same bytes if it has none.

    Args:
        kind: as `sniff` has it.

    Returns:
        None where that cannot be done.
    """
    if kind not in _MUXERS:
        return bare_sound(data)
    try:
        if kind in _WALKED and not stream_leftovers(data):
            return data
        return _packed_again(data, kind)
    except (FFmpegError, InputError, ValueError):
        return None


def _packed_again(data: bytes, kind: str) -> bytes | None:
    file = io.BytesIO()
    with open_input(data, kind) as source:
        if kind not in _WALKED and next(beside(source, None), None) is None:
            return data
        container = replace(_TAKES_ALL, muxer=_MUXERS[kind])
        options = {"fflags": "+bitexact"}
        with av.open(file, "w", format=container.muxer, options=options) as target:
            tracks = {
                stream.index: AudioTrack(stream, target, container)
                for stream in source.streams.audio
            }
            for packet in all_packets(source, [one.source for one in tracks.values()]):
                for own in tracks[packet.stream.index].carry(packet):
                    target.mux_one(own)
    return None if not tracks or any(one.lost for one in tracks.values()) else file.getvalue()
