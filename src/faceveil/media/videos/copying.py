"""Groups of pictures in which nothing is painted are copied as they are coded, not encoded again.

That is safe only for what neither refers to a picture with a covered face, nor is referred to by
one. In H.264 an IDR picture ends all reference to what was coded before it, and what is coded after
it is shown after it, too. So what is copied begins with an IDR picture, and goes up to the next, or
to the end. Any other picture from which a player may begin is no border: the pictures that lead up
to it (open groups) are made of what was coded before it.

Only what shows the pictures is copied: slices, and once the parameter sets that they refer to.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from faceveil.errors import InputError
from faceveil.frames import Span
from faceveil.media.metadata.units import messages
from faceveil.media.videos import h264
from faceveil.media.videos.containers import all_packets, open_input, picture_stream, reading

if TYPE_CHECKING:
    from av.packet import Packet

    from faceveil.media.videos.containers import Container
    from faceveil.media.videos.facts import StreamFormat
    from faceveil.media.videos.video import VideoSource
    from faceveil.options import Options

_CONTAINERS: Final = ("mp4", "mov", "mkv")
_FORMATS: Final = ("yuv420p", "yuvj420p")
_SHOWN: Final = frozenset({19, 47, 147})
"""Kinds of messages (ITU-T H.264, D.1) that change what is shown: grain, a turn, brightness."""

_WORTHWHILE: Final = Fraction(1, 2)
"""Seconds. What is shorter saves less than a new start of the encoder costs."""


@dataclass(slots=True)
class _Group:
    """The pictures that are coded from one IDR picture up to the next.

    Attributes:
        begins: time of the IDR picture; None for what comes before the first.
        times: of all, in the order in which they are coded.
    """

    begins: int | None
    times: list[int] = field(default_factory=list)

    @property
    def ahead(self) -> int:
        """By how many places a picture is coded later than it is shown, at most."""
        order = sorted(self.times)
        return max(place - bisect_left(order, time) for place, time in enumerate(self.times))


class Copies:
    """The groups of a source that can be copied.

    Attributes:
        source: the file they are in.
        given: the source's parameter sets.
        number: of the encoder's own parameter sets: nothing in the source has it.
        ahead: by how many places a copied picture is coded later than it is shown, at most.

    Raises:
        OddStreamError: nothing can.
    """

    def __init__(self, source: VideoSource) -> None:
        self.source, self._kind = source, source.media.format
        with open_input(source.origin, self._kind) as container:
            stream = picture_stream(container)
            extradata = stream.codec_context.extradata if stream else None
            self.given = h264.ParameterSets.read(bytes(extradata or b""))
        sequences = [h264.SequenceSet.read(unit) for unit in self.given.sequences]
        pictures = [h264.PictureSet.read(unit) for unit in self.given.pictures]
        if len(sequences) != 1 or any(one.sequences != sequences[0].name for one in pictures):
            raise h264.OddStreamError  # several kinds of pictures
        (self._sequence,) = sequences
        self._names = {one.name for one in pictures}
        free = set(range(1, 32)) - self._names - {self._sequence.name}
        if len(self._names) != len(pictures) or not free:
            raise h264.OddStreamError  # one of several under the same number, or a great many
        self.number = min(free)
        self.ahead = 0
        self._feed: Generator[tuple[Packet[Any], list[bytes], bool]] | None = None

    def fits(self, encoder: h264.ParameterSets) -> bool:
        """Whether what an encoder with these parameter sets makes looks like the source."""
        try:
            found = [h264.SequenceSet.read(unit) for unit in encoder.sequences]
        except h264.OddStreamError:
            return False
        return [one.look for one in found] == [self._sequence.look] and found[0].reorder is not None

    def spans(self, times: Sequence[int], touched: Collection[int]) -> list[Span]:
        """The spans to copy; none where anything in the file is odd.

        Args:
            times: of all frames, in the order in which they are shown.
            touched: indices of those that are not to be copied.
        """
        try:
            groups = self._groups()
        except (h264.OddStreamError, InputError):
            return []
        marks = sorted(touched)
        spans: list[Span] = []
        ended = -1
        for number, group in _apart(groups):
            begin = bisect_left(times, group.times[0])
            frames = range(begin, begin + len(group.times))
            if list(times[begin : frames.stop]) != sorted(group.times):
                continue  # a picture that is not shown, or was not looked at
            if bisect_left(marks, begin) != bisect_left(marks, frames.stop):
                continue
            if spans and ended == number:  # nothing is stored between them
                frames = range(spans.pop().frames.start, frames.stop)
            ended = number + 1
            self.ahead = max(self.ahead, group.ahead)
            spans.append(Span(frames, times[frames.start], times[frames.stop - 1]))
        return [span for span in spans if self._is_worthwhile(span, times)]

    def _is_worthwhile(self, span: Span, times: Sequence[int]) -> bool:
        if len(span.frames) == len(times):
            return True
        after = times[min(span.frames.stop, len(times) - 1)]
        return (after - span.first) * self.source.time_base >= _WORTHWHILE

    def packets(self, span: Span) -> Iterator[tuple[Packet[Any], bytes, bool]]:
        """The packets of a span, in the order in which they are coded, each with the data to store
        and whether it is an IDR picture. Spans are to be asked for in order."""
        if self._feed is None:
            self._feed = self._read()
        left = len(span.frames)
        for packet, slices, is_idr in self._feed:
            if left < len(span.frames) or packet.pts == span.first:
                yield packet, h264.joined(slices), is_idr
                left -= 1
            if not left:
                return
        raise h264.OddStreamError  # the file has changed

    def close(self) -> None:
        if self._feed is not None:
            self._feed.close()

    def _groups(self) -> list[_Group]:
        groups = [_Group(None)]
        for packet, _, is_idr in self._read():
            if is_idr:
                groups.append(_Group(packet.pts))
            groups[-1].times.append(packet.pts or 0)
        return groups

    def _read(self) -> Generator[tuple[Packet[Any], list[bytes], bool]]:
        with open_input(self.source.origin, self._kind) as container, reading():
            stream = picture_stream(container)
            for packet in all_packets(container, [stream] if stream else []):
                if not packet.size:
                    continue
                if packet.pts is None or packet.is_corrupt or packet.has_sidedata("new_extradata"):
                    raise h264.OddStreamError  # a packet that is not like others
                slices, is_idr = self._slices(bytes(packet))
                yield packet, slices, is_idr

    def _slices(self, packet: bytes) -> tuple[list[bytes], bool]:
        """The units of a packet that show its picture, and whether it is an IDR picture.

        Raises:
            OddStreamError: not one whole picture, or something that has a say in what it shows.
        """
        slices, pictures, last = [], set(), -1
        for unit in h264.prefixed(packet, self.given.length):
            kind = unit[0] & 31
            if kind in (h264.SLICE, h264.IDR):
                h264.require_escaped(unit)
                first, picture = self._sequence.slice_begins(unit)
                if first <= last or (last < 0 and first) or picture[1] not in self._names:
                    raise h264.OddStreamError  # slices out of order
                last = first
                pictures.add(picture)
                slices.append(unit)
            elif kind in (h264.SPS, h264.PPS):
                if unit not in (*self.given.sequences, *self.given.pictures):
                    raise h264.OddStreamError  # parameter sets that change on the way
            elif kind not in h264.BESIDE:
                raise h264.OddStreamError  # a rare kind of unit
            elif kind == h264.SEI and not _SHOWN.isdisjoint(messages(unit[1:])):
                raise h264.OddStreamError  # shown otherwise without it
        if len(pictures) != 1:
            raise h264.OddStreamError  # no picture, or two
        return slices, slices[0][0] & 31 == h264.IDR


def copies_of(
    source: VideoSource,
    container: Container,
    encoder: str,
    coded: StreamFormat,
    options: Options,
) -> Copies | None:
    """The groups that can be copied from a source into a container, or None to encode all.

    Who asks for an encoder, a speed or a quality means all of the film.

    Args:
        encoder: the one for what is touched.
        coded: what the encoder gets.
    """
    traits = source.traits
    named = (options.encoder != "auto", options.video_quality, options.encoder_preset)
    if (
        options.copy_unpainted != "auto"
        or named != (False, None, None)
        or source.media.format not in _CONTAINERS
        or container.name not in _CONTAINERS
        or (traits.codec, encoder) != ("h264", "libx264")
        or traits.interlaced
        or source.cropped
        or traits.mastering is not None
        or traits.format not in _FORMATS
        or coded != traits
    ):
        return None
    try:
        return Copies(source)
    except (h264.OddStreamError, InputError):
        return None


def _apart(groups: list[_Group]) -> Iterator[tuple[int, _Group]]:
    """The groups that are shown after all that is coded before them, and before all coded after,
    with their numbers."""
    groups = [group for group in groups if group.times]
    first, last = ([pick(group.times) for group in groups] for pick in (min, max))
    before = [-math.inf, *accumulate(last, max)]
    after = [math.inf, *accumulate(reversed(first), min)][::-1]
    for number, group in enumerate(groups):
        alone = before[number] < first[number] and last[number] < after[number + 1]
        if alone and group.begins == first[number]:
            yield number, group
