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
from faceveil.media.videos.film_boxes import SIZES, boxes_in, named, number, tracks

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

_DEFAULT_SIZE: Final = 0x10
"""Flag of a fragment's header: it tells the size of its pictures."""
_OFFSET: Final = 0x1
_FIRST_FLAGS: Final = 0x4
_PER_SAMPLE: Final = (0x100, 0x200, 0x400, 0x800)
"""Flags of a run: each of its pictures has a duration, a size, flags, a time."""
_SIZED: Final = 0x200


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
    for code, at, end in boxes_in(data, 0, len(data)):
        if code == b"moov" and not begun:
            begun, usual = True, _usual_sizes(data, at, end)
            count += sum(
                _in_table(data, *box)
                for one, tables in tracks(data, at, end)
                for box in tables
                if one == track and box[0] in SIZES
            )
        elif code == b"moof":
            for part in named(data, at, end, b"traf"):
                count += _in_fragment(data, *part[1:], track, usual.get(track, 0))
    return count


def _in_table(data: bytes, code: bytes, at: int, end: int) -> int:
    size, count = number(data, at + 4), number(data, at + 8)
    if code == b"stz2" or size:
        return count
    return int(np.count_nonzero(_words(data, at + 12, end, count)))


def _usual_sizes(data: bytes, at: int, end: int) -> dict[int, int]:
    """Track -> size of a picture of which no fragment tells it."""
    return {
        number(data, body + 4): number(data, body + 16)
        for _, inner, stop in named(data, at, end, b"mvex")
        for _, body, _ in named(data, inner, stop, b"trex")
    }


def _in_fragment(data: bytes, at: int, end: int, track: int, usual: int) -> int:
    """The pictures of a fragment's part, if it belongs to the track."""
    count = 0
    for _, body, _ in named(data, at, end, b"tfhd"):
        if number(data, body + 4) != track:
            return 0
        flags = number(data, body) & 0xFFFFFF
        if flags & _DEFAULT_SIZE:  # behind an offset, a number and a duration
            behind = 8 * bool(flags & 1) + 4 * bool(flags & 2) + 4 * bool(flags & 8)
            usual = number(data, body + 8 + behind)
    for _, body, stop in named(data, at, end, b"trun"):
        flags, samples = number(data, body) & 0xFFFFFF, number(data, body + 4)
        if not flags & _SIZED:
            count += samples * bool(usual)
            continue
        begin = body + 8 + 4 * bool(flags & _OFFSET) + 4 * bool(flags & _FIRST_FLAGS)
        columns = [flag for flag in _PER_SAMPLE if flags & flag]
        table = _words(data, begin, stop, len(columns) * samples)
        rows = table[: len(table) // len(columns) * len(columns)].reshape(-1, len(columns))
        count += int(np.count_nonzero(rows[:, columns.index(_SIZED)]))
    return count


def _words(data: bytes, at: int, end: int, most: int) -> NDArray[np.uint32]:
    """The numbers of four bytes in a box, whose length may be damaged."""
    return np.frombuffer(data[at : at + 4 * min(most, max(0, end - at) // 4)], ">u4")
