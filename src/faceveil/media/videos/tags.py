"""Find everything that a video file holds beside its pictures and its sound.

The boxes or elements are compared with a list of those that playing needs, and the coded pictures
and the coded sound are searched for user data. Names only, never contents.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from faceveil.errors import InputError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.kinds import HEAD, VIDEOS, sniff
from faceveil.media.metadata import sound
from faceveil.media.metadata.matroska import matroska
from faceveil.media.metadata.mp4 import mp4
from faceveil.media.metadata.units import in_configuration, user_data
from faceveil.media.videos.containers import bytes_of, open_input
from faceveil.media.videos.cropping import margins_of, track_of
from faceveil.media.videos.facts import beside

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext

BROKEN: Final = say("unparsable structure")

_HEARD: Final = 0.5
"""Seconds of sound that may be stored beyond what is played: decoders begin and end with some."""

_WALKERS: Final[dict[str, Callable[[bytes], Iterator[str]]]] = {
    "mp4": mp4,
    "mov": mp4,
    "mkv": matroska,
    "webm": matroska,
}


def stream_leftovers(origin: Path | bytes) -> list[str]:
    """Name everything in a video file that is not needed to play its pictures and sound.

    Args:
        origin: the file, or its bytes.

    Returns:
        Short names, each once: "title", "location", "cover art", "chapters", "subtitles",
        "user data in the picture stream". ``BROKEN`` where the structure cannot be followed: what
        lies behind that point is unknown. In AVI and MPEG only streams and tags are examined.

    Raises:
        UnsupportedError: not a video of a kind known here.
        UnreadableError: the file cannot be read.
    """
    found: dict[str, None] = {}
    with bytes_of(origin) as data:
        kind = sniff(bytes(data[:HEAD]))
        if kind not in VIDEOS:
            raise UnsupportedError(say("no video format that can be looked through"))
        try:
            for name in _WALKERS.get(kind, _nothing)(data):
                found[name] = None
        except (IndexError, KeyError, struct.error, ValueError, RecursionError):
            found[BROKEN] = None
    try:
        for name in _streams(origin, kind, deep=kind in _WALKERS):
            found[name] = None
        for name in _cut_off(origin, kind):
            found[name] = None
    except (FFmpegError, InputError):
        found[BROKEN] = None
    return list(found)


def _streams(origin: Path | bytes, kind: str, *, deep: bool) -> Iterator[str]:
    with open_input(origin, kind) as container:
        if not deep:
            yield from beside(container, container.streams.best("video"))
        readers: dict[int, Callable[[bytes], Iterator[str]]] = {}
        for stream in container.streams.video:
            context = stream.codec_context
            if context is not None:
                codec, extradata = context.codec.canonical_name, context.extradata or b""
                yield from in_configuration(codec, extradata)
                size = stream.width, stream.height
                if margins_of(origin, kind, track_of(stream, kind), size) is not None:
                    yield say("margins that are cut off")
                if reader := user_data(codec, extradata):
                    readers[stream.index] = reader
        for track in container.streams.audio:
            spoken = cast("AudioCodecContext | None", track.codec_context)
            if spoken is not None:
                codec = spoken.codec.canonical_name
                yield from sound.in_header(codec, spoken.extradata or b"")
                readers[track.index] = partial(sound.in_packet, codec)
        if not readers:
            return
        for packet in container.demux([container.streams[index] for index in readers]):
            if packet.size:
                yield from readers[packet.stream.index](bytes(packet))


def _cut_off(origin: Path | bytes, kind: str) -> Iterator[str]:
    """Pictures and sound of MP4 and QuickTime that an edit list passes over. Who cuts a film in
    this way does not want them to be seen, and whoever takes the list away sees them."""
    if kind not in ("mp4", "mov"):
        return
    stored, shown = (_places(origin, kind, settings) for settings in ({"ignore_editlist": "1"}, {}))
    hidden = {one: seconds[~np.isin(at, shown[one][0])] for one, (at, seconds) in stored.items()}
    if any(len(rest) for (type, _), rest in hidden.items() if type == "video"):
        yield say("pictures that are cut off")
    if any(rest.sum() > _HEARD for (type, _), rest in hidden.items() if type == "audio"):
        yield say("sound that is cut off")


def _places(
    origin: Path | bytes, kind: str, settings: dict[str, str]
) -> dict[tuple[str, int], tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """The packets that are played of each stream of pictures or sound: their places, and how long
    each lasts."""
    with open_input(origin, kind, settings) as container:
        streams = [one for one in container.streams if one.type in ("video", "audio")]
        found = {one.index: (array("q"), array("d")) for one in streams}
        for packet in container.demux(streams):
            if packet.size and not packet.is_discard:
                places, seconds = found[packet.stream.index]
                places.append(packet.pos or 0)
                seconds.append(float((packet.duration or 0) * packet.time_base))
        return {
            (one.type, one.index): (np.array(found[one.index][0]), np.array(found[one.index][1]))
            for one in streams
        }


def _nothing(data: bytes) -> Iterator[str]:
    yield from ()
