"""Compare the pictures that a film of boxes declares (ISO/IEC 14496-12) with those that were read.

FFmpeg leaves out what it cannot find, and what goes back in time, as fragments do that are not in
their order, and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from faceveil.i18n import say
from faceveil.media.videos.containers import all_packets, bytes_of, open_input
from faceveil.media.videos.ending import is_cut_off

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

_TABLES: Final = (b"mdia", b"minf", b"stbl")
"""The boxes in that of a track in which its tables lie."""

_DEFAULT_SIZE: Final = 0x10
"""Flag of a fragment's header: it tells the size of its pictures."""
_OFFSET: Final = 0x1
_FIRST_FLAGS: Final = 0x4
_PER_SAMPLE: Final = (0x100, 0x200, 0x400, 0x800)
"""Flags of a run: each of its pictures has a duration, a size, flags, a time."""
_SIZES: Final = 0x200

_Box = tuple[bytes, int, int]
"""Type, where the body begins, where it ends."""


class Counted:
    """Packets of pictures, counted on their way."""

    def __init__(self, stream: VideoStream, packets: Iterable[Packet[VideoStream] | str]) -> None:
        self._track = stream.id
        self._packets = packets
        self._count = 0

    def __iter__(self) -> Iterator[Packet[VideoStream] | str]:
        for packet in self._packets:
            self._count += not isinstance(packet, str) and _is_shown(packet)
            yield packet

    def lack(self, origin: Path | bytes, kind: str) -> tuple[str, ...]:
        """A warning if the film is whole and declares more pictures than there were; or none."""
        if kind not in ("mp4", "mov") or is_cut_off(origin, kind):
            return ()
        with bytes_of(origin) as data:
            declared = _declared(data, self._track)
        if declared <= self._count:
            return ()
        count = max(self._count, _within_reach(origin, kind, self._track))
        if declared <= count:  # an edit list leaves out the others, so they are not shown
            return ()
        words = say(
            "{lost} of the {declared} pictures that the file declares cannot be read: missing",
            lost=declared - count,
            declared=declared,
        )
        return (words,)


def _is_shown(packet: Packet[VideoStream]) -> bool:
    return packet.size > 0 and not packet.is_discard


def _within_reach(origin: Path | bytes, kind: str, track: int) -> int:
    """The pictures that can be read if all are asked for, one for each that is stored."""
    settings = {"ignore_editlist": "1", "fflags": "+noparse"}
    count = 0
    with open_input(origin, kind, settings) as container:
        streams = [one for one in container.streams if one.id == track]
        try:
            for packet in all_packets(container, streams):
                count += _is_shown(packet)
        except FFmpegError:
            return count
    return count


def _declared(data: bytes, track: int) -> int:
    """The pictures of a track that are not empty.

    A second header is passed over, as FFmpeg does: it repeats the first one before more fragments,
    or begins another recording, of which `ending` tells.
    """
    count, begun, usual = 0, False, dict[int, int]()
    for code, at, end in _boxes(data, 0, len(data)):
        if code == b"moov" and not begun:
            begun, usual = True, _usual_sizes(data, at, end)
            count += sum(_in_table(data, *box) for box in _tables(data, at, end, track))
        elif code == b"moof":
            for part in _named(data, at, end, b"traf"):
                count += _in_fragment(data, *part[1:], track, usual.get(track, 0))
    return count


def _boxes(data: bytes, at: int, end: int) -> Iterator[_Box]:
    """The boxes in a part of a file, as far as they fit into it."""
    while at + 8 <= end:
        length, code, head = _number(data, at), bytes(data[at + 4 : at + 8]), 8
        if length == 1:
            length, head = _number(data, at + 8, 8), 16
        elif length == 0:  # to the end, wherever that is
            length = end - at
        if length < head or at + length > end:
            return
        yield code, at + head, at + length
        at += length


def _named(data: bytes, at: int, end: int, code: bytes) -> list[_Box]:
    return [box for box in _boxes(data, at, end) if box[0] == code]


def _tables(data: bytes, at: int, end: int, track: int) -> Iterator[_Box]:
    """The tables with the sizes of a track's pictures."""
    for _, inner, stop in _named(data, at, end, b"trak"):
        heads = _named(data, inner, stop, b"tkhd")
        if not any(_track_of(data, start) == track for _, start, _ in heads):
            continue
        level = [(b"trak", inner, stop)]
        for code in _TABLES:
            level = [box for _, start, end in level for box in _named(data, start, end, code)]
        for _, start, end in level:
            yield from _named(data, start, end, b"stsz")
            yield from _named(data, start, end, b"stz2")


def _track_of(data: bytes, at: int) -> int:
    """The number in the header of a track, whose times have four bytes or eight."""
    return _number(data, at + (20 if data[at : at + 1] == b"\1" else 12))


def _in_table(data: bytes, code: bytes, at: int, end: int) -> int:
    size, count = _number(data, at + 4), _number(data, at + 8)
    if code == b"stz2" or size:
        return count
    return int(np.count_nonzero(_words(data, at + 12, end, count)))


def _usual_sizes(data: bytes, at: int, end: int) -> dict[int, int]:
    """Track -> size of a picture of which no fragment tells it."""
    return {
        _number(data, body + 4): _number(data, body + 16)
        for _, inner, stop in _named(data, at, end, b"mvex")
        for _, body, _ in _named(data, inner, stop, b"trex")
    }


def _in_fragment(data: bytes, at: int, end: int, track: int, usual: int) -> int:
    """The pictures of a fragment's part, if it belongs to the track."""
    count = 0
    for _, body, _ in _named(data, at, end, b"tfhd"):
        if _number(data, body + 4) != track:
            return 0
        flags = _number(data, body) & 0xFFFFFF
        if flags & _DEFAULT_SIZE:  # behind an offset, a number and a duration
            behind = 8 * bool(flags & 1) + 4 * bool(flags & 2) + 4 * bool(flags & 8)
            usual = _number(data, body + 8 + behind)
    for _, body, stop in _named(data, at, end, b"trun"):
        flags, samples = _number(data, body) & 0xFFFFFF, _number(data, body + 4)
        if not flags & _SIZES:
            count += samples * bool(usual)
            continue
        begin = body + 8 + 4 * bool(flags & _OFFSET) + 4 * bool(flags & _FIRST_FLAGS)
        columns = [flag for flag in _PER_SAMPLE if flags & flag]
        table = _words(data, begin, stop, len(columns) * samples)
        rows = table[: len(table) // len(columns) * len(columns)].reshape(-1, len(columns))
        count += int(np.count_nonzero(rows[:, columns.index(_SIZES)]))
    return count


def _words(data: bytes, at: int, end: int, most: int) -> NDArray[np.uint32]:
    """The numbers of four bytes in a box, whose length may be damaged."""
    return np.frombuffer(data[at : at + 4 * min(most, max(0, end - at) // 4)], ">u4")


def _number(data: bytes, at: int, length: int = 4) -> int:
    return int.from_bytes(data[at : at + length], "big")
