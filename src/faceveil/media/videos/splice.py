"""Copied and encoded groups of pictures in one stream."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from av.packet import Packet

from faceveil.errors import InputError
from faceveil.frames import Span
from faceveil.media.metadata.units import between_starts
from faceveil.media.videos import h264
from faceveil.media.videos.containers import all_packets, open_input, picture_stream, reading
from faceveil.media.videos.video import VideoSource

if TYPE_CHECKING:
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
        self._begins: list[list[int]] = []

    def encoded(self, packets: Sequence[Packet[Any]]) -> Iterator[Packet[Any]]:
        """A packet of the encoder, in the form of the stream."""
        for packet in packets:
            units = between_starts(bytes(packet))
            slices = [unit for unit in units if unit[0] & 31 in (h264.SLICE, h264.IDR)]
            yield self._made(packet, h264.joined(slices), packet.is_keyframe, 0)

    def next_copied(self) -> Iterator[Packet[Any]]:
        """The packets of the next span."""
        span = self.spans.pop(0)
        self._begins.append([])
        for packet, data, is_idr in self._copies.packets(span):
            if is_idr and packet.pts is not None:
                self._begins[-1].append(packet.pts - self._shift)
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
            times = self._stored(path, kind)
            return times is not None and self._decodes(path, kind, times, options)
        except InputError:
            return False

    def _stored(self, path: Path, kind: str) -> list[int] | None:
        """The times of all frames, in their order, if the file holds what was put in."""
        found, times = hashlib.sha256(), []
        with open_input(path, kind) as container, reading():
            stream = picture_stream(container)
            if stream is None or stream.codec_context.extradata != self.configuration:
                return None
            for packet in all_packets(container, [stream]):
                found.update(bytes(packet))
                if packet.size and packet.pts is not None:
                    times.append(packet.pts)
        same = found.digest() == self._hash.digest() and len(times) == len(self._times)
        return sorted(times) if same else None

    def _decodes(self, path: Path, kind: str, times: Sequence[int], options: Options) -> bool:
        """Whether it decodes, with every frame at its time.

        Args:
            times: of all frames, as the file has them.
        """
        with VideoSource(path, kind, options) as made:
            unit = max(made.time_base, self._time_base)
            if any(
                abs(time * made.time_base - due * self._time_base) > unit
                for time, due in zip(times, self._times, strict=True)
            ):
                return False
            known = self._known()
            count = sum(len(frames) for frames in known)
            skip = [Span(frames, times[frames.start], times[frames.stop - 1]) for frames in known]
            for frame in made.skim(skip=skip):
                if frame.damaged or times[frame.index : frame.index + 1] != [frame.pts]:
                    return False
                count += 1
            return count == len(times) and not made.warnings

    def _known(self) -> list[range]:
        """Frames of which it is known already that they can be decoded.

        What was decoded in the source without a fault, and is stored here byte for byte with the
        parameters that it refers to, decodes to the same. Where copied and encoded groups meet, a
        group on either side is decoded again.
        """
        source = self._copies.source
        if source.sound_times.tolist() != [time + self._shift for time in self._times]:
            return []
        inner = ((begins[1], begins[-1]) for begins in self._begins if len(begins) > 2)
        return [
            range(bisect_left(self._times, first), bisect_left(self._times, end))
            for first, end in inner
        ]

    def close(self) -> None:
        self._copies.close()
