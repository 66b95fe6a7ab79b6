"""The packets of a picture stream: passed over, in groups, decoded here and there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from faceveil.frames import Span
from faceveil.media.videos.containers import all_packets, reading

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


def passed_over(
    packets: Iterator[Packet[VideoStream] | str], spans: Sequence[Span]
) -> Iterator[Packet[VideoStream] | Span | str]:
    """The packets but those of some spans, and in place of them the span, with its end."""
    begins = {span.first: span for span in spans}
    passed: Span | None = None
    left = end = 0
    for packet in packets:
        if isinstance(packet, str) or not packet.size:
            if passed:  # the file has become shorter
                yield passed
                passed = None
            yield packet
            continue
        if passed is None and packet.pts is not None:
            passed = begins.get(packet.pts)
            left, end = len(passed.frames) if passed else 0, packet.pts
        if passed is None:
            yield packet
            continue
        left, end = left - 1, max(end, (packet.pts or 0) + (packet.duration or 0))
        if not left:
            yield passed._replace(end=end)
            passed = None


def decoded_of(
    times: set[int], container: InputContainer, stream: VideoStream, decoder: VideoCodecContext
) -> Iterator[tuple[int, VideoFrame]]:
    """The frames that are shown at certain times, from only the groups that they need."""
    before: Sequence[Packet[VideoStream]] = ()
    for group in _groups_of(container, stream):
        due = times & {packet.pts for packet in group}
        # Shown before their key frame: they may refer to the group before, too.
        leads = any(time < (group[0].pts or 0) for time in due)
        if due:
            yield from decoded_at(due, (*before, *group) if leads else group, decoder).items()
        before = group


def _groups_of(
    container: InputContainer, stream: VideoStream
) -> Iterator[list[Packet[VideoStream]]]:
    """The stream's packets, each key frame with those up to the next."""
    group: list[Packet[VideoStream]] = []
    with reading():
        for packet in all_packets(container, [stream]):
            if packet.is_keyframe and group:
                yield group
                group = []
            if packet.size:
                group.append(packet)
    yield group


def decoded_at(
    times: set[int], group: Iterable[Packet[VideoStream]], decoder: VideoCodecContext
) -> dict[int, VideoFrame]:
    """The frames of a group that are shown at certain times; no others are kept in memory."""
    found: dict[int, VideoFrame] = {}

    def take(frames: Iterable[VideoFrame]) -> None:
        found.update({pts: one for one in frames if (pts := one.pts) is not None and pts in times})

    with reading():
        for packet in group:
            take(decoder.decode(packet))
            if len(found) == len(times) or times == {packet.pts}:
                break
        take(decoder.decode(None))
        decoder.flush_buffers()
    return found
