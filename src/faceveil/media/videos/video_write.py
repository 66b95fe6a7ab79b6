"""Videos as a sink of frames."""

from __future__ import annotations

import math
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import av
from av.error import FFmpegError
from av.packet import Packet

from faceveil.errors import UsageError
from faceveil.frames import Frame
from faceveil.i18n import say
from faceveil.media.part import PartFile
from faceveil.media.videos import encoders
from faceveil.media.videos.audio import Sound
from faceveil.media.videos.containers import container_of, require_suffix, writing
from faceveil.media.videos.flow import flow_in
from faceveil.media.videos.planes import enlarged
from faceveil.media.videos.sei import without_encoder_info
from faceveil.media.videos.video import VideoSource
from faceveil.media.videos.view import VideoFrame
from faceveil.system.closing import Aborting

if TYPE_CHECKING:
    from av.video.stream import VideoStream

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
    to, so unpainted parts reach the encoder bit for bit. Only pictures and sound of the input get
    in: no other stream, no metadata, no user data in the picture stream.

    May be used from any thread, one at a time.

    Attributes:
        notes: what the output's format made necessary.
        warnings: sound that was lost; complete after ``finish``.

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
        name = encoders.choose(options, self._container, self._traits)
        self._coded = encoders.coded(name, options, self._container, self._traits)
        self._check_fit(name)
        self.notes: tuple[str, ...] = ()
        self.warnings: tuple[str, ...] = ()
        self._sound: Sound | None = None
        self._first = True
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
        with writing():
            self._stream = encoders.add_stream(
                self._output,
                name,
                self._coded,
                source.time_base,
                options,
                flow,
            )
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
            self._output.start_encoding()
        self.notes = tuple(notes)
        if traits.interlaced and name != "libx264":
            self.warnings = (
                say(
                    "{codec} stores whole pictures: the two fields of each frame are shown at once",
                    codec=name,
                ),
            )

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

    def write(self, frame: Frame) -> None:
        """Encode the next frame.

        Raises:
            UsageError: not a frame of a ``VideoSource``.
            OutputError: the encoder or the disk failed.
        """
        if not isinstance(frame, VideoFrame):
            raise UsageError(say("only the frames of a video can be written as a video"))
        picture = frame.picture.frame
        with writing():
            if picture.format.name != self._format:
                picture = picture.reformat(format=self._format)
            size = self._coded.width, self._coded.height
            if (picture.width, picture.height) != size:
                picture = enlarged(picture, *size)
            picture.pts = frame.pts - self._traits.shift
            picture.time_base = self._source.time_base
            picture.duration = frame.duration
            picture.pict_type = 0  # else the encoder repeats the frame types of the input
            self._mux(self._stream.encode(picture))

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            if self._first and self._stream.codec_context.name == "libx264":
                packet = without_encoder_info(packet)
            self._first = False
            if self._sound and packet.dts is not None and packet.time_base is not None:
                self._sound.feed(packet.dts * packet.time_base)
            self._output.mux_one(packet)

    def finish(self) -> Path:
        """Complete the file under its temporary name and return that name.

        Raises:
            OutputError: the encoder or the disk failed.
        """
        with writing():
            self._mux(self._stream.encode(None))
            if self._sound:
                self._sound.feed(None)
                self.warnings += tuple(self._sound.warnings)
            self._output.close()
        self._release()
        return self._part.close()

    def _release(self) -> None:
        if self._sound:
            self._sound.close()
            self._sound = None

    def commit(self) -> Path:
        """Rename the finished file to its final name and return that name.

        Raises:
            OutputError: the target cannot be replaced.
        """
        return self._part.commit()

    def abort(self) -> None:
        """Remove everything written. Does nothing after ``commit``."""
        self._release()
        with suppress(FFmpegError):  # it would write its trailer later, when collected
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
