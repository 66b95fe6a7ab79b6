"""Copied and encoded groups of pictures in one stream."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from av.packet import Packet

from faceveil.errors import InputError
from faceveil.media.metadata.units import between_starts
from faceveil.media.videos import h264
from faceveil.media.videos.containers import all_packets, open_input, picture_stream, reading
from faceveil.media.videos.video import VideoSource

if TYPE_CHECKING:
    from faceveil.frames import Span
    from faceveil.media.videos.copying import Copies
    from faceveil.options import Options


class Splice:
    """Gives the packets of both kinds one form, with the times at which they are decoded.

    All parameter sets stand before the first picture, and nothing but slices in the packets. The
    times of decoding are those of showing, as many places earlier as pictures are coded ahead.

    Args:
        times: of all frames, in the order in which they are shown.
        shift: units by which the output is earlier than the source.
        encoder: the encoder's parameter sets.

    Attributes:
        spans: what is still to be copied.
        copied: number of frames copied so far.
        configuration: what the muxer needs to know.
    """

    def __init__(
        self,
        copies: Copies,
        spans: Sequence[Span],
        times: Sequence[int],
        time_base: Fraction,
        shift: int,
        encoder: h264.ParameterSets,
    ) -> None:
        self.spans = list(spans)
        self.copied = 0
        self._copies, self._time_base, self._shift = copies, time_base, shift
        sets, ahead = copies.given, copies.ahead
        if sum(len(span.frames) for span in spans) < len(times):
            (own,) = (h264.SequenceSet.read(unit) for unit in encoder.sequences)
            sets, ahead = encoder + sets, max(ahead, own.reorder or 0)
        self.configuration = sets.write()
        self._times = [time - shift for time in times]
        ahead = min(ahead, len(times) - 1)
        delay = times[ahead] - times[0]
        self._due = iter([*(time - delay for time in self._times[:ahead]), *self._times])
        self._hash = hashlib.sha256()

    def encoded(self, packets: Sequence[Packet[Any]]) -> Iterator[Packet[Any]]:
        """A packet of the encoder, in the form of the stream."""
        for packet in packets:
            units = between_starts(bytes(packet))
            slices = [unit for unit in units if unit[0] & 31 in (h264.SLICE, h264.IDR)]
            yield self._made(packet, h264.joined(slices), packet.is_keyframe, 0)

    def next_copied(self) -> Iterator[Packet[Any]]:
        """The packets of the next span."""
        span = self.spans.pop(0)
        for packet, data, is_idr in self._copies.packets(span):
            yield self._made(packet, data, is_idr, self._shift)
        self.copied += len(span.frames)

    def _made(self, packet: Packet[Any], data: bytes, is_idr: bool, shift: int) -> Packet[Any]:
        made: Packet[Any] = Packet(data)
        made.time_base = self._time_base
        made.pts = None if packet.pts is None else packet.pts - shift
        made.dts = next(self._due)
        made.duration = packet.duration
        made.is_keyframe = is_idr
        self._hash.update(data)
        return made

    def came_out(self, path: Path, kind: str, options: Options) -> bool:
        """Whether a finished file holds exactly what was put in, and decodes without a fault.

        Args:
            kind: of the file.
        """
        try:
            return self._is_whole(path, kind) and self._decodes(path, kind, options)
        except InputError:
            return False

    def _is_whole(self, path: Path, kind: str) -> bool:
        found = hashlib.sha256()
        with open_input(path, kind) as container, reading():
            stream = picture_stream(container)
            if stream is None or stream.codec_context.extradata != self.configuration:
                return False
            for packet in all_packets(container, [stream]):
                found.update(bytes(packet))
        return found.digest() == self._hash.digest()

    def _decodes(self, path: Path, kind: str, options: Options) -> bool:
        with VideoSource(path, kind, options) as made:
            unit = max(made.time_base, self._time_base)
            count = 0
            for frame in made.skim():
                if count == len(self._times) or frame.damaged:
                    return False
                due = self._times[count] * self._time_base
                if abs(frame.pts * made.time_base - due) > unit:
                    return False
                count += 1
            return count == len(self._times) and not made.warnings

    def close(self) -> None:
        self._copies.close()
