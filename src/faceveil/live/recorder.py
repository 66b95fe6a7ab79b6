"""Live pictures into a file or onto the network, encoded as they come."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import av
from av.codec.context import Flags
from av.error import FFmpegError

from faceveil.errors import OutputError, UsageError
from faceveil.frames import Frame
from faceveil.i18n import reason_of, say, words_of
from faceveil.live.addresses import advice_on, public_name, to_send
from faceveil.live.aspect import shape_of
from faceveil.media.videos.containers import container_of
from faceveil.media.videos.fitting import Fitter
from faceveil.media.videos.planes import Orientation, converted, layout_of
from faceveil.media.videos.recording import MUXER_OPTIONS, RecordingFile
from faceveil.media.videos.sei import without_encoder_info
from faceveil.media.videos.view import VideoFrame

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

TIME_BASE: Final = Fraction(1, 1000)
"""Of the ``pts`` of frames written here."""
OPEN_SECONDS = 10.0
_KEY_SECONDS: Final = 2
_RATE: Final = 30
_ENCODER: Final = {"preset": "superfast", "tune": "zerolatency", "crf": "23"}


class Encoded:
    """H.264 without look-ahead, as a recording or a stream.

    A recording can be played at any time, is kept however it ends, and gets its name at the end.
    The size of the first frame is kept: later ones of another size are fitted into it, on black.

    Args:
        target: an address, or the path of a file.

    Attributes:
        name: what messages call it.
        path: where a recording is until it gets its name; None: not a recording.
        endless: its receiver may return, so that a break is worth another try.

    Raises:
        UsageError: an address or a suffix of a kind that is not written.
        OutputError: the file's folder is missing or cannot be written to.
    """

    def __init__(self, target: str) -> None:
        self._part: RecordingFile | None = None
        self._whole = 0
        self.path: Path | None = None
        self._output: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._settings: dict[str, str] = {}
        self._address = ""
        if "://" in target:
            self._address, self._format, self._settings = to_send(target)
            self.endless = True
            self.name = public_name(target)
        else:
            path = Path(target)
            self._format, self.endless = container_of(path).muxer, False
            if self._format == "webm":
                raise UsageError(say("live is not recorded as .webm: use .mp4 or .mkv"))
            self._settings = MUXER_OPTIONS[self._format]
            self._part = RecordingFile(path)
            self.path, self.name = self._part.path, path.name

    def write(self, frame: Frame) -> None:
        """Encode and send a frame.

        Raises:
            OutputError: the disk is full, or nobody listens any more.
        """
        try:
            picture = self._picture(frame)
            if self._stream is None:
                self._open(picture)
            assert self._stream is not None
            if (shape := shape_of(picture)) != self._shape:
                picture = self._fitter.fit(picture, shape)
            picture.pts, picture.time_base, picture.pict_type = frame.pts, TIME_BASE, 0
            self._mux(self._stream.encode(picture))
        except (FFmpegError, ValueError, OSError) as error:
            why = _why(error)
            told = say("{name} cannot be written to: {reason}", name=self.name, reason=why)
            if self._part is not None:
                # The file is complete up to here; an end that does not fit would damage it.
                self._part.keep(self._whole)
                if self._whole:
                    told = say(
                        "{name} is recorded up to here, then not: {reason}",
                        name=self.name,
                        reason=why,
                    )
            self._close()
            # FFmpeg's error names the address, and with it the password.
            raise OutputError(told, advice_on(error)) from None

    def close(self) -> None:
        """End it. A recording gets its name, unless no frame arrived.

        Raises:
            OutputError: the recording lacks its end, or cannot get its name.
        """
        failed: OutputError | None = None
        try:
            if self._output is not None and self._stream is not None:
                self._mux(self._stream.encode(None))
                self._output.close()
        except (FFmpegError, OSError) as error:
            if self._part is not None:
                self._part.keep(self._whole)
                failed = OutputError(
                    say("{name} lacks its end: {reason}", name=self.name, reason=_why(error))
                )
        finally:
            self._close()
            if self._part is not None:
                self._name_recording()
        if failed is not None:
            raise failed

    def _name_recording(self) -> None:
        part, self._part = self._part, None
        assert part is not None
        if not self._whole:
            part.abort()
            return
        try:
            part.commit()
        except OutputError as error:
            raise OutputError(
                say("{error}; the recording is {name}", error=error, name=part.path.name)
            ) from error

    def _picture(self, frame: Frame) -> av.VideoFrame:
        if isinstance(frame, VideoFrame) and frame.picture.look.orientation == Orientation():
            return frame.picture.frame
        raw = av.VideoFrame.from_ndarray(frame.image, format="bgr24")
        return converted(raw, layout_of(raw, Orientation())[0])

    def _open(self, picture: av.VideoFrame) -> None:
        place, timeout = self._address or None, OPEN_SECONDS
        self._output = av.open(
            place or cast("RecordingFile", self._part).file,
            "w",
            format=self._format,
            container_options={
                "fflags": "+bitexact" if place else "+bitexact+flush_packets",
                **self._settings,
            },
            timeout=timeout if place else None,
        )
        stream = self._output.add_stream("libx264", rate=_RATE)
        # Whole chroma samples only.
        width, height = picture.width // 2 * 2, picture.height // 2 * 2
        self._shape = replace(shape_of(picture), width=width, height=height, format="yuv420p")
        look = replace(layout_of(picture, Orientation())[0], format="yuv420p")
        self._fitter = Fitter(self._shape, look, Fraction(1))
        context: Any = stream.codec_context
        context.width, context.height = width, height
        context.pix_fmt = "yuv420p"
        context.time_base = stream.time_base = TIME_BASE
        context.color_range, context.colorspace = picture.color_range, picture.colorspace
        context.color_primaries, context.color_trc = picture.color_primaries, picture.color_trc
        context.gop_size = _RATE * _KEY_SECONDS
        context.flags |= Flags.bitexact
        context.options = dict(_ENCODER)
        self._stream = stream
        self._first = True

    def _mux(self, packets: list[Any]) -> None:
        assert self._output is not None
        for packet in packets:
            self._output.mux_one(without_encoder_info(packet) if self._first else packet)
            self._first = False
            if self._part is not None:
                self._whole = self._part.file.tell()

    def _close(self) -> None:
        output, self._output, self._stream = self._output, None, None
        if output is not None:
            # The receiver may be gone; everything possible was sent.
            with suppress(FFmpegError, OSError):
                output.close()


def _why(error: Exception) -> str:
    return reason_of(error) if isinstance(error, FFmpegError | OSError) else words_of(error)
