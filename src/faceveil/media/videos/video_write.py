"""Videos as a sink of frames."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import av
from av.error import FFmpegError
from av.packet import Packet

from faceveil.errors import InputError, OutputError, UsageError
from faceveil.frames import Frame, Span
from faceveil.i18n import say
from faceveil.media.part import DiskError, PartFile
from faceveil.media.videos import encoders, h264
from faceveil.media.videos.audio import Sound
from faceveil.media.videos.containers import container_of, require_suffix, writing
from faceveil.media.videos.copying import copies_of
from faceveil.media.videos.flow import flow_in
from faceveil.media.videos.interlacing import lost_fields
from faceveil.media.videos.planes import enlarged
from faceveil.media.videos.sei import without_encoder_info
from faceveil.media.videos.splice import Splice
from faceveil.media.videos.video import VideoSource
from faceveil.media.videos.view import VideoFrame
from faceveil.system.closing import Aborting

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

    from faceveil.media import Source
    from faceveil.media.videos.containers import Container
    from faceveil.options import Options

_USUAL_TIMESCALE: Final = 1000
_MAX_TIMESCALE: Final = 2**31 - 1
_SHAPELESS: Final = frozenset({"vp8", "vp9", "av1"})
"""Codecs that do not code the shape of pixels themselves."""


class VideoSink(Aborting):
    """Writes the frames of a ``VideoSource`` to MP4, Matroska or WebM; a ``faceveil.media.Sink``.

    The target's suffix chooses the container. Frames are encoded from the planes they were decoded
    to, so unpainted parts reach the encoder bit for bit. Those that ``keep`` returns are copied.
    Only pictures and sound of the input get in: no other stream, no metadata, no user data in the
    picture stream.

    May be used from any thread, one at a time.

    Attributes:
        notes: what the output's format made necessary.
        warnings: sound that was lost; complete after ``finish``.
        copied: number of frames that were not encoded again.
        spoilt: they did not come out as they went in, known after ``finish``.

    Raises:
        UsageError: the target is the input; suffix, encoder and input do not go together.
        OutputError: the folder is missing or cannot be written to.
    """

    def __init__(self, target: Path, source: Source, options: Options) -> None:
        if not isinstance(source, VideoSource):
            raise UsageError(say("only the frames of a video can be written as a video"))
        self._source = source
        self._traits = source.traits
        require_suffix(target, source.media)
        self._container = container_of(target)
        self._options = options
        name = encoders.choose(options, self._container, self._traits)
        self._coded = encoders.coded(name, options, self._container, self._traits)
        self._check_fit(name)
        self._copies = copies_of(source, self._container, name, self._coded, options)
        self._splice: Splice | None = None
        self.spoilt, self._first = False, True
        self.notes: tuple[str, ...] = ()
        self.warnings: tuple[str, ...] = ()
        self._sound: Sound | None = None
        self._held: Packet[Any] | None = None
        self._last, self._stands = -math.inf, 0
        self._part = PartFile(target, source.path)
        try:
            with writing():
                path = str(self._part.path.absolute())
                self._output = av.open(path, "w", format=self._container.muxer)
        except BaseException:
            self._part.abort()
            raise
        try:
            self._open(name, options)
        except BaseException:
            self.abort()
            raise

    def _open(self, name: str, options: Options) -> None:
        source, traits = self._source, self._traits
        flow = None
        if options.video_quality is None:
            flow = flow_in(source.origin, source.media.format)
        number = self._copies.number if self._copies else 0
        self._encoding = encoders.Encoding(self._coded, source.time_base, options, flow, number)
        with writing():
            self._stream = encoders.add_stream(self._output, name, self._encoding)
            self._encoder: VideoCodecContext | None = self._stream.codec_context
            self._fed = False
            self._format = self._stream.codec_context.pix_fmt
            notes = self._made_necessary(name)
            starts = [(traits.first - traits.shift) * source.time_base]
            if options.audio == "copy":
                shift = traits.shift * source.time_base
                self._sound = Sound(
                    source.origin, source.media.format, self._output, self._container, shift
                )
                notes += self._sound.notes
                starts += self._sound.starts
            self._output.container_options.update(
                _muxer_options(self._container, self._part.target.suffix.lower(), starts)
            )
            if self._copies is None:
                self._output.start_encoding()
        self.notes = tuple(notes)
        self.warnings = lost_fields(name, traits, self._coded)

    def _made_necessary(self, name: str) -> list[str]:
        """Notes on what the container and the encoder change."""
        given, coded, container = self._traits, self._coded, self._container
        notes: list[str] = []
        if container.name != self._source.media.format:
            notes.append(say("written as {format}", format=container.name.upper()))
        if self._format != given.format:
            notes.append(
                say(
                    "picture converted from {format} to {new_format}",
                    format=given.format,
                    new_format=self._format,
                )
            )
        if coded.format != given.format:
            notes.append(say("colour has half the resolution, which all players show"))
        if (coded.width, coded.height) != (given.width, given.height):
            notes.append(
                say(
                    "the last column or row is repeated: {width}x{height} is even, "
                    "which {codec} needs",
                    width=coded.width,
                    height=coded.height,
                    codec=encoders.codec_of(name),
                )
            )
        if container.iso and encoders.codec_of(name) == "hevc" and given.codec != "hevc":
            notes.append(say("10 bits a sample are written as HEVC, which not every browser plays"))
        return notes

    def _check_fit(self, name: str) -> None:
        aspect = self._traits.sample_aspect
        if self._container.keeps_shape or aspect in (None, 1):
            return
        codec = encoders.codec_of(name)
        if codec in _SHAPELESS:
            raise UsageError(
                say(
                    "{container} with {codec} cannot keep pixels that are not square",
                    container=self._container.name,
                    codec=codec,
                ),
                say("Write it as .mp4."),
            )

    def keep(self, times: Sequence[int], touched: Collection[int]) -> Sequence[Span]:
        """Choose what is copied. To be asked before the first frame is written.

        Args:
            times: of all frames.
            touched: indices of those that are painted.

        Returns:
            What is not to be written.
        """
        if self._copies is None:
            return ()
        context = self._stream.codec_context
        own = h264.ParameterSets.read(bytes(context.extradata or b""))
        if not self._copies.fits(own) or not (spans := self._copies.spans(times, touched)):
            return ()
        base, shift = self._source.time_base, self._traits.shift
        self._splice = Splice(self._copies, spans, times, base, shift, own)
        context.extradata = self._splice.configuration
        return spans

    @property
    def copied(self) -> int:
        return self._splice.copied if self._splice else 0

    def write(self, frame: Frame) -> None:
        """Encode the next frame.

        Raises:
            UsageError: not a frame of a ``VideoSource``.
            OutputError: the encoder or the disk failed.
        """
        if not isinstance(frame, VideoFrame):
            raise UsageError(say("only the frames of a video can be written as a video"))
        if not self.spoilt:
            with self._writing():
                self._copy_up_to(frame.index)
                self._encode(frame)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A failure of copying is no reason to give up, because all can be encoded."""
        try:
            with writing():
                self._output.start_encoding()  # unless it has
                yield
        except (OutputError, InputError, h264.OddStreamError) as error:
            if self._splice is None or isinstance(error, DiskError):
                raise
            self.spoilt = True

    def _encode(self, frame: VideoFrame) -> None:
        picture = frame.picture.frame
        if picture.format.name != self._format:
            picture = picture.reformat(format=self._format)
        size = self._coded.width, self._coded.height
        if (picture.width, picture.height) != size:
            picture = enlarged(picture, *size)
        picture.pts = frame.pts - self._traits.shift
        picture.time_base = self._source.time_base
        picture.duration = frame.duration
        own = self._stream.codec_context.codec.name
        picture.pict_type = encoders.kind_for(frame.picture.frame, own, self._encoding)
        if self._encoder is None:
            self._encoder = encoders.another(self._stream.codec_context, self._encoding)
        self._fed = True
        self._mux_encoded(self._encoder.encode(picture))

    def _copy_up_to(self, index: float) -> None:
        """Copy what comes before the frame with this index."""
        while self._splice and self._splice.spans and self._splice.spans[0].frames.start < index:
            self._end_encoding()
            for packet in self._splice.next_copied():
                self._mux(packet)

    def _end_encoding(self) -> None:
        if self._encoder is not None and self._fed:
            self._mux_encoded(self._encoder.encode(None))
            self._encoder, self._fed = None, False

    def _mux_encoded(self, packets: list[Packet[Any]]) -> None:
        for packet in packets:
            packet.stream = self._stream
        if self._splice:
            packets = list(self._splice.encoded(packets))
        elif packets and self._first and self._stream.codec_context.name == "libx264":
            packets[0] = without_encoder_info(packets[0])
        self._first = self._first and not packets
        for packet in packets:
            self._mux(packet)

    def _mux(self, packet: Packet[Any]) -> None:
        packet.stream = self._stream
        if self._sound and packet.dts is not None and packet.time_base is not None:
            self._sound.feed(packet.dts * packet.time_base)
        if packet.pts is not None and packet.pts < self._traits.ends:
            # That of MP4 is the time until the next is decoded, which may be shown long before.
            packet.duration = min(packet.duration or 0, self._traits.ends - packet.pts)
        if packet.pts is not None and packet.pts > self._last:
            self._last, self._stands = packet.pts, packet.duration or 0
        self._mux_held()
        self._held = packet

    def _mux_held(self) -> None:
        if self._held is not None:
            self._output.mux_one(self._held)
            self._held = None

    def finish(self) -> Path:
        """Complete the file under its temporary name and return that name.

        Raises:
            OutputError: the encoder or the disk failed.
        """
        if not self.spoilt:
            with self._writing():
                self._copy_up_to(math.inf)
                self._end_encoding()
                if self._held is not None and self._container.iso:
                    # There the last one decoded says how long the last one shown stands.
                    self._held.duration = max(self._held.duration or 0, self._stands)
                self._mux_held()
                if self._sound:
                    self._sound.feed(None)
                    self.warnings += tuple(self._sound.warnings)
                self._output.close()
                # What x264 holds of large pictures is more than all else, and the check is to come.
                del self._stream, self._output
        self._release()
        path = self._part.close()
        if self._splice and not self.spoilt:
            kind = self._container.name
            self.spoilt = not self._splice.came_out(path, kind, self._options)
            self.notes += (
                say(
                    "{count} frames stayed as they were coded: nothing is painted there",
                    count=self.copied,
                ),
            )
        return path

    def _release(self) -> None:
        if self._copies:
            self._copies.close()
        if self._sound:
            self._sound.close()
            self._sound = None

    def commit(self) -> Path:
        """Rename the finished file to its final name and return that name.

        Raises:
            OutputError: the target cannot be replaced, or the file is ``spoilt``.
        """
        if self.spoilt:
            raise OutputError(say("what was copied did not come out as it went in"))
        return self._part.commit()

    def abort(self) -> None:
        """Remove everything written. Does nothing after ``commit``."""
        self._release()
        with suppress(FFmpegError, AttributeError):  # else its trailer comes when it is collected
            self._output.close()
        self._part.abort()


def _muxer_options(container: Container, suffix: str, starts: list[Fraction]) -> dict[str, str]:
    """Settings of the muxer.

    Args:
        suffix: of the file, in small letters.
        starts: seconds at which the streams begin.
    """
    settings = {"fflags": "+bitexact"}  # no version, no random numbers
    if not container.iso:
        return settings
    settings["movflags"] = "+faststart"
    if suffix == ".m4v":
        settings["brand"] = "M4V "  # what Apple's players look for in a file of that name
    # A late start is stored in units of the whole movie: make them fine enough to be exact.
    scale = math.lcm(_USUAL_TIMESCALE, *(start.denominator for start in starts))
    if all(start >= 0 for start in starts) and scale <= _MAX_TIMESCALE:
        settings["movie_timescale"] = str(scale)
    return settings
