"""One clock for all streams of a file.

The times of joined recordings start again, the clock of a recorder jumps when it is set, a counter
wraps. All three are corrected here in the same way, on the packets, before anything is decoded, so
that pictures, sound and marks of damage use the same times.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from av.error import FFmpegError

if TYPE_CHECKING:
    from av.packet import Packet

_BACK: Final = Fraction(1, 2)
"""Seconds. A time further back than this belongs to another clock."""

_FORTH: Final = Fraction(10)
"""Seconds. So is one further ahead, where a recorder's clock is stored and no other stream is there
yet: elsewhere a picture may stand for long. FFmpeg's own tool has the same limit."""

_HELD: Final = Fraction(3)
"""Seconds of the new clock within which the other streams have to follow."""

_LEFT_OVER: Final = Fraction(1)
"""Seconds of the new clock after which no packet of the old one arrives."""

_ROUGHLY: Final = Fraction(1, 100)
"""Seconds by which a stream may seem to go back as its times are rounded."""

_MOST_HELD: Final = 4000
"""Packets."""

_MARKED_BEFORE: Final = 1
"""Packets between one that is marked as damaged and the tear: the parser is ahead by one."""


def straightened(packets: Iterable[Packet[Any]], *, recorded: bool) -> Iterator[Packet[Any]]:
    """The packets of a file with times of one clock, which does not jump.

    When one stream jumps, packets are held until the others have followed. Then all later packets
    are moved together, so picture and sound stay in step, and no stream continues before it has
    ended.

    A packet is marked as damaged where its stream is torn, usually the last one before the tear. If
    recordings were joined there, nothing need be missing, and the mark is removed: the decoder
    decides whether the packet is complete.

    Args:
        packets: those of all streams of picture and sound in the order of the file, so that any two
            readings come to the same times.
        recorded: the format stores the clock of the recorder.
    """
    timeline = _Timeline(recorded)
    try:
        for packet in packets:
            yield from timeline.put(packet)
    except FFmpegError:
        yield from timeline.settled()
        raise
    yield from timeline.settled()


class _Strand:
    """The state of one stream.

    Attributes:
        offset: seconds to add to its times.
        joint: number of the joint that the offset is from.
        last: the latest time of a packet, with the offset.
        end: where its last packet ends, with the offset; None before the first.
        span: seconds that its last packet lasts.
    """

    __slots__ = ("_lead", "end", "joint", "last", "offset", "span")

    def __init__(self, offset: Fraction, joint: int) -> None:
        self.offset, self.joint = offset, joint
        self.end: Fraction | None = None
        self.last = Fraction(0)
        self.span = Fraction(0)
        self._lead = 0

    def passed(self, packet: Packet[Any], time: Fraction) -> None:
        if packet.duration:
            self.span = packet.duration * packet.time_base
        now = time + self.offset
        self.last = now if self.end is None else max(self.last, now)
        self.end = now + self.span if self.end is None else max(self.end, now + self.span)

    def ahead(self, time: Fraction) -> Fraction:
        """Seconds by which a time lies beyond the end, or, less than zero, before the last packet.

        In between, while one is shown for long, packets may come that are shown before it.
        """
        now = time + self.offset
        if self.end is not None and now > self.end:
            return now - self.end
        return min(Fraction(0), now - self.last)

    def moved(self, packet: Packet[Any], offset: Fraction, recorded: bool) -> Packet[Any]:
        if packet.pts is not None and packet.dts is not None:
            lead = packet.pts - packet.dts
            # Elsewhere the one before may stand for long, and it is decoded at that one's time.
            if -_BACK < lead * packet.time_base < (_FORTH if recorded else math.inf):
                self._lead = lead
            else:  # the parser gave it that of the packet behind the joint
                packet.pts = packet.dts + self._lead
        if offset:
            units = round(offset / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + units
            packet.dts = None if packet.dts is None else packet.dts + units
        return packet


class _Timeline:
    def __init__(self, recorded: bool) -> None:
        self._recorded = recorded
        self._strands: dict[int, _Strand] = {}
        self._held: list[tuple[Packet[Any], Fraction | None]] = []
        self._torn: dict[int, tuple[Packet[Any], int]] = {}
        self._begins: dict[int, Fraction] = {}
        self._now = Fraction(0)
        self._offset, self._joint = Fraction(0), 0

    def put(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        time = _time(packet)
        if time is None:
            self._held.append((packet, None))
        else:
            self._sort(packet, packet.stream.index, time)
        if not self._waits():
            yield from self.settled()

    def _sort(self, packet: Packet[Any], index: int, time: Fraction) -> None:
        strand = self._strands.get(index)
        if strand is None:
            strand = self._strands[index] = _Strand(self._offset, self._joint)
        if packet.dts is None and strand.end is None and not self._begins:
            # Matroska's first ones have no time of decoding. That of showing may be far ahead.
            self._held.append((packet, strand.offset))
            return
        torn, since = self._torn.pop(index, (None, 0))
        if index in self._begins or self._is_new(strand, time):
            self._begins.setdefault(index, time)
            self._now = time
            self._held.append((packet, None))
            if torn is not None:
                torn.is_corrupt = False
        else:
            self._held.append((packet, strand.offset))
            strand.passed(packet, time)
            if packet.is_corrupt:
                self._torn[index] = packet, 0
            elif torn is not None and since < _MARKED_BEFORE:
                self._torn[index] = torn, since + 1

    def _is_new(self, strand: _Strand, time: Fraction) -> bool:
        """Whether the time belongs to a clock that began after the stream's last packet."""
        if strand.end is None:
            return bool(self._begins)
        ahead = strand.ahead(time)
        if self._begins:  # others jumped: what is left of the old clock comes at once, in order
            late = self._now - min(self._begins.values()) > _LEFT_OVER
            return late or ahead < -_ROUGHLY or abs(time - self._now) < abs(ahead)
        if strand.joint < self._joint:
            now = max(
                one.end for one in self._strands.values() if one.joint == self._joint and one.end
            )
            nearer = abs(time + self._offset - now) < abs(time + strand.offset - now)
            if nearer and abs(time + self._offset - now) < _FORTH:
                strand.offset, strand.joint = self._offset, self._joint
                return False
        if ahead < -_BACK:
            return True
        return (
            self._recorded
            and ahead > _FORTH
            and not any(
                abs(one.end - strand.end - ahead) < _FORTH
                for one in self._strands.values()
                if one is not strand and one.end is not None
            )
        )

    def _waits(self) -> bool:
        if len(self._held) > _MOST_HELD:
            return False
        if self._torn:
            return True
        first = min(self._begins.values(), default=None)
        return (
            first is not None
            and self._now - first < _HELD
            and len(self._begins) < len(self._strands)
        )

    def settled(self) -> Iterator[Packet[Any]]:
        """The packets that were held, with their times."""
        self._torn.clear()
        if self._begins:
            self._join()
        held, self._held = self._held, []
        for packet, offset in held:
            time = _time(packet)
            if time is None:
                yield packet
                continue
            strand = self._strands[packet.stream.index]
            if offset is None:
                offset = strand.offset
                strand.passed(packet, time)
            yield strand.moved(packet, offset, self._recorded)

    def _join(self) -> None:
        """Set the offset of the streams that jumped."""
        self._joint += 1
        begins, self._begins = self._begins, {}
        while begins:
            first = min(begins.values())
            near = {index: one for index, one in begins.items() if one - first < _FORTH}
            ends = [(self._strands[index].end, one) for index, one in near.items()]
            self._offset = max(
                (end - one for end, one in ends if end is not None), default=self._offset
            )
            for index in near:
                strand = self._strands[index]
                strand.offset, strand.joint = self._offset, self._joint
                del begins[index]


def _time(packet: Packet[Any]) -> Fraction | None:
    """The time of the packet, in seconds."""
    units = packet.dts if packet.dts is not None else packet.pts
    return None if units is None else units * packet.time_base
