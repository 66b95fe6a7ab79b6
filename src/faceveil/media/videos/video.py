"""Videos as a source of frames."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from av.codec.context import CodecContext, Flags
from av.error import FFmpegError

from faceveil.errors import LimitError, UnsupportedError
from faceveil.frames import Span
from faceveil.i18n import say
from faceveil.media.videos import facts
from faceveil.media.videos.clock import Clock
from faceveil.media.videos.containers import (
    ALPHA_DECODERS,
    all_packets,
    has_alpha,
    open_input,
    packets_of,
    picture_stream,
    reading,
)
from faceveil.media.videos.counted import Counted
from faceveil.media.videos.cropping import cropper_of
from faceveil.media.videos.damage import DamageTracker, losses
from faceveil.media.videos.decoding import threads_for
from faceveil.media.videos.described import encrypted, locked
from faceveil.media.videos.ending import endings
from faceveil.media.videos.fitting import Changes, Fitter, FrameFormat, Shapes
from faceveil.media.videos.flow import longest_group
from faceveil.media.videos.packets import decoded_of, passed_over
from faceveil.media.videos.planes import Orientation, Picture, converted, layout_of
from faceveil.media.videos.transport import begins_later, no_picture
from faceveil.media.videos.view import VideoFrame
from faceveil.plan import Media
from faceveil.system.closing import Closing

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame as Decoded
    from av.video.stream import VideoStream

    from faceveil.options import Options

_MOST_UNSMOOTHED: Final = 600
"""Frames from one key frame to the next that may be decoded without smoothing: what is predicted
from such frames is worse than they are. Coarse H.264 (x264 at crf 32) is 36 dB from what it should
be after 100 frames, 30 after 600, and 15 after 9000.
"""


class VideoSource(Closing):
    """The picture stream of a video file that players show; meets ``faceveil.media.Source``.

    The first frame is decoded here, so most faults are known once the source exists. Each pass
    opens the file again, so passes can run at the same time.

    Pixels are handed out as displayed: a display matrix by quarters is applied as views, and
    ``traits`` tell the sink to write it again, so that no pixel has to be moved.

    Attributes:
        origin: the file, or its bytes; path: the file, or None for bytes.
        traits: what the sink has to keep.
        sample_aspect: width of a displayed pixel by its height.
        cropped: the file says that only a part of the stored pictures is shown.
        warnings: what went wrong in reading; complete after a whole pass.
        sound_times: of all frames, if a whole pass has decoded them without a fault.

    Raises:
        UnreadableError: broken, or no frame can be decoded.
        UnsupportedError: no picture stream, an unknown codec, transparency or colours that cannot
            be kept.
        LimitError: frames of more than ``options.max_pixels``.
    """

    def __init__(self, origin: Path | bytes, kind: str, options: Options) -> None:
        self.path = origin if isinstance(origin, Path) else None
        self.origin = origin
        self._kind = kind
        self._max_pixels = options.max_pixels
        self.warnings: tuple[str, ...] = ()
        self.sound_times = array("q")
        self._drifts: bool | None = None
        self._end = 0
        with open_input(origin, kind) as container:
            pictures = picture_stream(container)
            if pictures and pictures.index in locked(container.streams, origin, kind):
                raise encrypted()
            stream = self._picture_stream(container)
            self._with_alpha = has_alpha(container, stream)
        self._shapes = Shapes()
        with open_input(origin, kind) as container, reading():
            stream = self._picture_stream(container)
            first, self._shape = self._first_frame(container, stream)
            matrix = facts.display_matrix(first)
            upright = Orientation.of_matrix(matrix) if matrix else None
            self._look, note = layout_of(first, upright or Orientation())
            self.traits = facts.traits_of(container, stream, first, matrix, self._look.format)
            self.dropped = facts.dropped(container, stream, first)
            self._missed = facts.missed(first)
            self.cropped = (cut := self._cropper().note(first.width, first.height)) != ""
            notes = [note, cut, *facts.notes_of(container, stream, first, self.traits)]
            self._numbers = frozenset(one.id for one in container.streams)
            frames, self.time_base = stream.frames or None, facts.time_base_of(stream)
        oblique = say("turned by an angle that is no quarter; boxes refer to the unturned frame")
        notes.append(oblique if matrix and upright is None else "")
        self.notes = tuple(filter(None, notes))
        width, height = self.traits.width, self.traits.height
        aspect = square = self.traits.sample_aspect or Fraction(1)
        if self._look.orientation.swap:
            width, height, aspect = height, width, 1 / aspect
        self.sample_aspect = aspect
        self._look = replace(self._look, aspect=float(aspect))
        self.media = Media("video", kind, width, height, frames, self._look.alpha)
        self._fitter = partial(Fitter, self._shape, self._look, square)

    def frames(self, skip: Sequence[Span] = ()) -> Iterator[VideoFrame]:
        """Every frame, in display order, with strictly increasing ``pts``.

        A frame that the decoder had to make up, and every one after it up to the next key frame, is
        marked as damaged. One that it could not make at all is left out, with a warning in
        ``warnings``.

        Args:
            skip: what is neither decoded nor handed out.

        Raises:
            UnreadableError: the file has gone, or nothing could be decoded.
        """
        yield from self._decode(skip=skip)

    def skim(
        self, start: int | None = None, skip: Sequence[Span] = (), *, seek: bool = False
    ) -> Iterator[VideoFrame]:
        """As ``frames``, if possible without smoothing the edges of blocks: a fifth of the time. It
        begins with the key frame at ``start``, None: the first; with ``seek`` that is sought.
        """
        if self._drifts is None:
            # VP8's decoder does not notice damage, which would look otherwise without smoothing.
            vp8 = self.traits.codec == "vp8"
            self._drifts = vp8 or longest_group(self.origin, self._kind) > _MOST_UNSMOOTHED
        settings = {} if self._drifts else {"skip_loop_filter": "all"}
        yield from self._decode(settings, start, skip, seek)

    def key_frames(self) -> list[int]:
        """Indices of the frames that can be decoded without any other."""
        times, keys = self.times()
        return [index for index, time in enumerate(sorted(times)) if time in keys]

    def sample(self, wanted: Collection[int]) -> Iterator[VideoFrame]:
        """Only the frames with these indices, decoding each from the key frame before it.

        Of a file whose packets have no times all frames are read.

        Raises:
            UnreadableError: what is needed for one of them cannot be decoded.
        """
        times, keys = self.times()
        if not keys:
            yield from (frame for frame in self._decode() if frame.index in wanted)
            return
        index = {time: number for number, time in enumerate(sorted(times))}
        asked = {time for time, number in index.items() if number in wanted}
        with open_input(self.origin, self._kind) as container:
            stream = self._picture_stream(container)
            decoder, fitter, cropper = self._decoder(stream), self._fitter(), self._cropper()
            for pts, frame in decoded_of(asked, container, stream, decoder):
                frame = cropper.shown(frame)
                picture = self._picture(frame, self._shapes.of(frame, decoder), fitter)
                yield VideoFrame(index[pts], picture, pts, frame.is_corrupt)

    def opened(self) -> tuple[InputContainer, VideoStream, VideoCodecContext]:
        """The file, open until the caller closes it, to be read here and there."""
        container = open_input(self.origin, self._kind)
        stream = self._picture_stream(container)
        return container, stream, self._decoder(stream)

    def shown(self, index: int, pts: int, frame: Decoded, by: VideoCodecContext) -> VideoFrame:
        """A frame that was decoded elsewhere, as this source shows it."""
        frame = self._cropper().shown(frame)
        picture = self._picture(frame, self._shapes.of(frame, by), self._fitter())
        return VideoFrame(index, picture, pts, frame.is_corrupt)

    def times(self) -> tuple[list[int], set[int]]:
        """Times of the packets that are shown, and of key frames before or among them; or empty."""
        times, keys = [], set()
        if self._kind in ("avi", "asf"):  # places in the order of decoding
            return [], set()
        with open_input(self.origin, self._kind) as container, reading():
            for packet in all_packets(container, [self._picture_stream(container)]):
                if not packet.size:
                    continue
                if packet.pts is None:
                    return [], set()
                if not packet.is_discard:
                    times.append(packet.pts)
                if packet.is_keyframe and not (packet.is_discard and times):
                    keys.add(packet.pts)
        return times, keys

    def _decode(
        self,
        settings: Mapping[str, str] | None = None,
        start: int | None = None,
        skip: Sequence[Span] = (),
        seek: bool = False,
    ) -> Iterator[VideoFrame]:
        with open_input(self.origin, self._kind) as container:
            stream, times = self._picture_stream(container), array("q")
            packets = Counted(stream, packets_of(container, stream, start, seek))
            for frame in self._decode_packets(stream, passed_over(iter(packets), skip), settings):
                times.append(frame.pts)
                yield frame
        self.warnings += packets.lack(self.origin, self._kind) if start is None else ()
        if start is None and not (skip or self.warnings):
            self.sound_times = times

    def _decode_packets(
        self,
        stream: VideoStream,
        packets: Iterator[Packet[VideoStream] | Span | str],
        settings: Mapping[str, str] | None,
    ) -> Iterator[VideoFrame]:
        decoder = self._decoder(stream)
        decoder.options.update(settings or {})
        clock = Clock(self.time_base, self.traits.rate, self._kind)
        index = lost = damaged = 0
        doubt, fitter, cropper = DamageTracker(), self._fitter(), self._cropper()
        changes = Changes(self._shape, self._shapes)
        broken = too_large = ""
        for packet in packets:
            decoded: list[Decoded] = []
            try:
                if isinstance(packet, str):
                    broken = packet
                elif isinstance(packet, Span):  # what is left of the pictures before it
                    decoded = decoder.decode(None)
                else:
                    clock.sent(packet)
                    doubt.sent(packet)
                    decoded = decoder.decode(packet)
            except FFmpegError:
                lost += 1
                doubt.failed()
                if decoder.width * decoder.height > self._max_pixels:
                    too_large = f"{decoder.width}x{decoder.height}"
            ends = isinstance(packet, str | Span) or not packet.size
            for frame, suspect in doubt.judged(decoded, last=ends):
                frame = cropper.shown(frame)
                shape = changes.at(index, frame, decoder)
                damaged += suspect
                frame.pts = clock.stamp(frame)
                frame.time_base = self.time_base
                self._end = max(self._end, frame.pts + (frame.duration or 0))
                picture = self._picture(frame, shape, fitter)
                yield VideoFrame(index, picture, frame.pts, suspect)
                index += 1
            if isinstance(packet, Span):
                decoder.flush_buffers()
                index, clock.last = packet.frames.stop, packet.last
                self._end = max(self._end, packet.end)
            if broken:
                break
        if not index:
            raise no_picture(self.origin, self._kind, stream.id)
        told = [
            *losses(broken, lost, too_large, damaged),
            clock.warning,
            *endings(self.origin, self._kind, stream, clock.last or 0, self._end),
            begins_later(self.origin, self._kind, self._numbers),
            *self._missed,
            *changes.warnings,
        ]
        self.warnings = tuple(filter(None, told))
        self.notes = tuple(dict.fromkeys((*self.notes, *changes.notes)))

    def _picture(self, frame: Decoded, shape: FrameFormat, fitter: Fitter) -> Picture:
        if shape != self._shape:
            frame = fitter.fit(frame, shape)
        return Picture(converted(frame, self._look), self._look)

    def _first_frame(
        self, container: InputContainer, stream: VideoStream
    ) -> tuple[Decoded, FrameFormat]:
        decoder = self._decoder(stream)
        for packet in packets_of(container, stream):
            if isinstance(packet, str):
                break
            try:
                decoded = decoder.decode(packet)
            except FFmpegError:
                continue
            for frame in decoded:
                self._check_size(frame.width, frame.height)
                if min(plane.line_size for plane in frame.planes) <= 0:
                    raise UnsupportedError(say("pictures stored bottom-up are not handled"))
                self._cropper = cropper_of(self.origin, self._kind, stream, frame)
                frame = self._cropper().shown(frame)
                return frame, self._shapes.of(frame, decoder)
        raise no_picture(self.origin, self._kind, stream.id)

    def _picture_stream(self, container: InputContainer) -> VideoStream:
        stream = picture_stream(container)
        if stream is None:
            raise UnsupportedError(say("there is no picture in this file, only other streams"))
        if stream.codec_context is None:
            raise UnsupportedError(
                say("the video's codec is not known here"), say("Convert it to MP4.")
            )
        self._check_size(stream.width, stream.height)
        return stream

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self._max_pixels:
            raise LimitError(
                say(
                    "frames of {width}x{height} are more than max_pixels permits",
                    width=width,
                    height=height,
                )
            )

    def _decoder(self, stream: VideoStream) -> VideoCodecContext:
        context = stream.codec_context
        if self._with_alpha:
            name = ALPHA_DECODERS[context.codec.canonical_name]
            own = cast("VideoCodecContext", CodecContext.create(name, "r"))
            own.extradata = context.extradata
            context = own
        context.options = {"max_pixels": str(self._max_pixels)}
        if context.codec.canonical_name == "hevc":
            # This is the only decoder that does not report slices it could not decode, and returns
            # whatever was in the frame's memory.
            context.options["err_detect"] = "explode"
        context.thread_type = "AUTO"
        context.thread_count = threads_for(stream)
        # Damaged pictures are kept: they keep their place in time, and are covered completely.
        context.flags |= Flags.output_corrupt
        return context

    def close(self) -> None:
        """Nothing stays open between passes."""
