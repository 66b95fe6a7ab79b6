"""The sound of a video, taken from the input to the output beside the pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import av
from av.codec.context import CodecContext, Flags
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition

from faceveil.i18n import reason_of, say, words_of
from faceveil.media.metadata.sound import clean_header, clean_packet
from faceveil.media.videos.changing import TELLING, changing
from faceveil.media.videos.containers import all_packets, is_disk_error, open_input
from faceveil.media.videos.described import descriptions, locked
from faceveil.media.videos.mixing import Mixer, is_mixed, layout_for, rate_for

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer

    from faceveil.media.videos.containers import Container

_BITS_A_CHANNEL: Final = 96_000
_KEPT_DISPOSITION: Final = (
    Disposition.default
    | Disposition.original
    | Disposition.dub
    | Disposition.comment
    | Disposition.hearing_impaired
    | Disposition.visual_impaired
)
_LEAD: Final = Fraction(1, 10)
"""Seconds of sound before what is played that decoders may need to begin with."""
_SELF_DELAYED: Final = frozenset({"opus", "vorbis"})
"""Codecs that tell Matroska themselves what of them is played before zero."""


class AudioTrack:
    """One sound track from the input to the output.

    Args:
        changes: its rate or its channels change on the way, which a copy cannot tell.

    Attributes:
        copied: packets pass unchanged.
        notes: what happens to it on the way.
        lost: packets that could not be carried over.

    Raises:
        av.error.FFmpegError, ValueError: no encoder takes it.
    """

    def __init__(
        self,
        stream: AudioStream,
        output: OutputContainer,
        container: Container,
        *,
        changes: bool = False,
    ) -> None:
        self.source = stream
        self.notes: list[str] = []
        self.lost = 0
        self._last: int | None = None
        self._begins: Fraction | None = None
        self._iso = container.iso
        self._trims = not container.iso and not _stores_delay(stream)
        self.copied = not changes and self._copy(output, container)
        if not self.copied:
            self._encode(output, container)
        if language := stream.metadata.get("language"):
            self.target.metadata["language"] = language
        self.target.disposition = stream.disposition & _KEPT_DISPOSITION

    def _copy(self, output: OutputContainer, container: Container) -> bool:
        name = self.source.codec_context.codec.canonical_name
        if container.audio and name not in container.audio:
            return False
        self._codec = name
        header = clean_header(name, self.source.codec_context.extradata or b"")
        # A muxer that takes a codec may refuse some rate of it, and the whole file with it.
        if header is None or not _is_taken(self.source, header, container):
            return False
        self.target = _copy_of(self.source, header, output)
        return True

    def _encode(self, output: OutputContainer, container: Container) -> None:
        source, name = self.source.codec_context, container.audio_encoder
        # Tried outside the output, because a stream cannot be removed from it again.
        trial = cast("AudioCodecContext", CodecContext.create(name, "w"))
        trial.layout = layout_for(name, source.layout)
        trial.sample_rate = rate_for(trial, source.sample_rate)
        trial.format = (trial.codec.audio_formats or (source.format,))[0]
        trial.open()
        layout, rate = trial.layout, trial.sample_rate
        target = output.add_stream(
            name, rate=rate, layout=layout.name, bit_rate=_BITS_A_CHANNEL * layout.nb_channels
        )
        self.target = cast("AudioStream", target)
        self.target.codec_context.flags |= Flags.bitexact  # FFmpeg's AAC encoder signs otherwise
        self._mixer = Mixer(self.target.codec_context)
        before = source.codec.canonical_name
        self.notes.append(
            say(
                "sound converted from {codec} to {new_codec}",
                codec=before,
                new_codec=self.target.codec_context.name,
            )
        )
        if rate != source.sample_rate:
            self.notes.append(
                say(
                    "sound resampled from {rate} to {new_rate} Hz",
                    rate=source.sample_rate,
                    new_rate=rate,
                )
            )
        if is_mixed(source.layout, layout):
            self.notes.append(
                say(
                    "sound mixed from {layout} to {new_layout}",
                    layout=source.layout.name,
                    new_layout=layout.name,
                )
            )

    def carry(self, packet: Packet[AudioStream]) -> Iterator[Packet[AudioStream]]:
        """The packets to write for a packet of the input; for an empty one, the rest."""
        if self.copied:
            if packet.size and (own := self._cleaned(packet)):
                yield own
            return
        try:
            frames = packet.decode()
        except FFmpegError:
            self.lost += 1
            return
        for frame in frames:
            for mixed in self._mixer.mixed(frame):
                yield from self.target.encode(mixed)
        if not packet.size:
            for mixed in self._mixer.mixed(None):
                yield from self.target.encode(mixed)
            yield from self.target.encode(None)

    def _cleaned(self, packet: Packet[AudioStream]) -> Packet[AudioStream] | None:
        """A packet with the same sound and times, and no side data but the trimming of its ends."""
        time = packet.dts if packet.dts is not None else packet.pts
        if packet.is_discard and not (self._iso and time is not None and self._leads(packet, time)):
            return None  # cut off by an edit list: nobody hears it
        if time is None or (self._last is not None and time <= self._last) or packet.is_corrupt:
            self.lost += 1
            return None
        if self._trims and time < 0:
            # It would move the pictures to make room.
            return None
        self._last = time
        own: Packet[Any] = Packet(clean_packet(self._codec, bytes(packet)))
        own.stream, own.time_base = self.target, packet.time_base
        own.pts, own.dts, own.duration = packet.pts, time, packet.duration
        own.is_keyframe = packet.is_keyframe
        if packet.has_sidedata("skip_samples"):
            own.set_sidedata(packet.get_sidedata("skip_samples"))
        return own

    def _leads(self, packet: Packet[AudioStream], time: int) -> bool:
        """Whether a packet lies just before the first that is played, and that at zero: what comes
        later would be heard."""
        if self._begins is None and packet.has_sidedata("skip_samples"):
            cut = int.from_bytes(bytes(packet.get_sidedata("skip_samples"))[:4], "little")
            rate = self.source.codec_context.sample_rate
            self._begins = time * packet.time_base + Fraction(cut, rate)
        if (
            self._begins is None
            or self._begins > 0
            or (self._last is not None and time < self._last)
        ):
            return False
        ends = (time + (packet.duration or 0)) * packet.time_base
        return self._begins - _LEAD <= ends <= self._begins


class Sound:
    """All sound tracks of a file, fed into the output in step with the pictures.

    The input is opened a second time for it, and packets are read only as far as they are due, so
    memory does not grow with the length.

    Args:
        shift: seconds by which the output is earlier than the input.

    Attributes:
        tracks: the tracks of the output.
        notes: the conversions, with reasons.
        starts: seconds at which the tracks begin in the output.
    """

    def __init__(
        self,
        origin: Path | bytes,
        kind: str,
        output: OutputContainer,
        container: Container,
        shift: Fraction,
    ) -> None:
        self._input = open_input(origin, kind)
        self._output = output
        self._shift = shift
        self.tracks: dict[int, AudioTrack] = {}
        self.notes: list[str] = []
        self._left_out: list[str] = []
        self._broken = ""
        self._changing = changing(origin, kind)
        self._described = descriptions(origin, kind)
        self._locked = locked(self._input.streams, origin, kind)
        for track in self._input.streams.audio:
            self._add(track, container)
        self._packets = self._read() if self.tracks else iter(())
        self._next = next(self._packets, None)

    @property
    def starts(self) -> list[Fraction]:
        return [
            stream.start_time * stream.time_base - self._shift
            for stream in (track.source for track in self.tracks.values())
            if stream.start_time is not None and stream.time_base is not None
        ]

    def _add(self, stream: AudioStream, container: Container) -> None:
        # PyAV's own types leave out that a codec can be unknown.
        context = cast("AudioCodecContext | None", stream.codec_context)
        if context is None:
            self._left_out.append(say("a sound track of an unknown codec is left out"))
            return
        name = context.codec.canonical_name
        if not context.sample_rate or not context.layout.nb_channels:
            self._left_out.append(say("a damaged sound track ({codec}) is left out", codec=name))
            return
        entries = self._described.get(stream.id, [])
        if stream.index in self._locked:
            self._left_out.append(say("an encrypted sound track ({codec}) is left out", codec=name))
            return
        if len(set(entries)) > 1 and name not in TELLING:
            self._left_out.append(
                say(
                    "a sound track ({codec}) changes its form on the way: what comes after may be "
                    "missing or sound wrong",
                    codec=name,
                )
            )
        try:
            changes = stream.index in self._changing
            track = AudioTrack(stream, self._output, container, changes=changes)
        except (FFmpegError, ValueError) as error:
            why = reason_of(error) if isinstance(error, FFmpegError) else words_of(error)
            self._left_out.append(
                say(
                    "a sound track ({codec}) that cannot be converted is left out: {reason}",
                    codec=name,
                    reason=why,
                )
            )
            return
        self.notes += track.notes
        self.tracks[stream.index] = track

    def _read(self) -> Iterator[Packet[AudioStream]]:
        try:
            sources = [track.source for track in self.tracks.values()]
            yield from all_packets(self._input, sources)
        except FFmpegError as error:
            self._broken = reason_of(error)

    def feed(self, until: Fraction | None) -> None:
        """Write the packets due by a time in seconds of the output; all that are left for None.

        Raises:
            av.error.FFmpegError: the disk is full or failing.
        """
        while (packet := self._next) is not None:
            if until is not None and self._is_after(packet, until):
                return
            self._next = None
            self._carry(packet)
            self._next = next(self._packets, None)

    def _is_after(self, packet: Packet[AudioStream], seconds: Fraction) -> bool:
        due = packet.dts if packet.dts is not None else packet.pts
        return due is not None and due * packet.time_base - self._shift > seconds

    def _carry(self, packet: Packet[AudioStream]) -> None:
        track = self.tracks[packet.stream.index]
        if self._shift and packet.size:
            offset = round(self._shift / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - offset
            packet.dts = None if packet.dts is None else packet.dts - offset
        try:
            for own in track.carry(packet):
                self._output.mux_one(own)
        except FFmpegError as error:
            if is_disk_error(error):
                raise
            track.lost += 1

    @property
    def warnings(self) -> list[str]:
        """The losses, in words."""
        lost = sum(track.lost for track in self.tracks.values())
        told = [say("{count} damaged sound packets are left out", count=lost)] if lost else []
        return (
            self._left_out
            + told
            + (
                [say("reading the sound stopped early: {reason}", reason=self._broken)]
                if self._broken
                else []
            )
        )

    def close(self) -> None:
        """Close the input."""
        self._packets = iter(())
        self._next = None
        self._input.close()


def _stores_delay(stream: AudioStream) -> bool:
    """Matroska is told how much of the sound is to be played before zero, and makes room for it."""
    container = cast("InputContainer", stream.container)
    return stream.name in _SELF_DELAYED or container.format.name.startswith("matroska")


def _is_taken(stream: AudioStream, header: bytes, container: Container) -> bool:
    """Whether the container accepts such a track; tried in memory."""
    try:
        with av.open(io.BytesIO(), "w", format=container.muxer) as trial:
            _copy_of(stream, header, trial)
            trial.start_encoding()
    except (FFmpegError, ValueError):
        return False
    return True


def _copy_of(stream: AudioStream, header: bytes, output: OutputContainer) -> AudioStream:
    copy = output.add_stream_from_template(stream, opaque=True)
    copy.codec_context.extradata = header or None
    return copy
