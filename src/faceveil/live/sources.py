"""Sources of live pictures: a camera, a stream, the screen, or a file played in real time."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import av
import cv2
import numpy as np
from av.codec.context import Flags
from av.error import ExitError, FFmpegError

from faceveil.errors import LimitError, UnreadableError, UnsupportedError, UsageError
from faceveil.frames import Frame
from faceveil.i18n import listed, reason_of, say, words_of
from faceveil.live.addresses import advice_on, public_name, to_read
from faceveil.live.aspect import Squarer
from faceveil.media import open_source
from faceveil.media.videos import facts
from faceveil.media.videos.containers import picture_stream
from faceveil.media.videos.cropping import Cropper, margins_in
from faceveil.media.videos.damage import DamageTracker
from faceveil.media.videos.planes import FrameLayout, Orientation, Picture, converted, layout_of
from faceveil.media.videos.video import VideoSource
from faceveil.media.videos.view import VideoFrame

if TYPE_CHECKING:
    from av.container import InputContainer

    from faceveil.options import Options

OPEN_SECONDS, READ_SECONDS = 10.0, 4.0
"""A stream that sends nothing for so many seconds is given up."""
LATE_SECONDS = 0.1
_THREADS: Final = 2
"""Never one: PyAV hides a decoder's errors then. Each one more delays by a frame."""

_SCREENS: Final = {"darwin": ("avfoundation", "Capture screen 0"), "win32": ("gdigrab", "desktop")}
_DISPLAY: Final = say(
    "The screen is read through X11, not through Wayland: start this "
    "in an X11 session, or name the display, as in screen::0.0."
)


class LiveSource(Protocol):
    """A source of live pictures.

    Attributes:
        name: what messages call it; without passwords.
        endless: it has no natural end, so that a break is worth another try.
    """

    name: str
    endless: bool

    def frames(self) -> Iterator[Frame]:
        """Open it, and yield frames as they arrive, of any size, until it breaks off or ends.

        Their ``pts`` is in milliseconds; always 0 where the source has no clock.

        Raises:
            InputError: it cannot be opened or read any more; says why.
        """
        ...

    def stop(self) -> None:
        """Make ``frames`` end soon. May be called from another thread."""
        ...


def open_feed(source: str, options: Options) -> LiveSource:
    """The source that a word, an address or a path names.

    Args:
        source: ``camera``, ``camera:1``, ``camera:/dev/video2``, ``screen``, ``screen::0.0``, an
            address such as ``rtsp://``, or a video file.

    Raises:
        UsageError: an address of a kind that is not read.
    """
    word, _, rest = source.partition(":")
    if word == "camera":
        return Camera(rest or "0", options)
    if word == "screen":
        return _screen(rest, options)
    if "://" in source:
        return Stream(source, public_name(source), to_read(source), options)
    if source.startswith("/dev/video"):
        return Camera(source, options)
    return Played(Path(source), options)


class Camera:
    """A camera of this machine, through OpenCV; a `LiveSource`.

    Args:
        device: its number, or its path.
    """

    endless = True

    def __init__(self, device: str, options: Options) -> None:
        self.name: str = say("camera {device}", device=device)
        self._device: int | str = int(device) if device.isdecimal() else device
        self._options = options
        self._stopped = False

    def frames(self) -> Iterator[Frame]:
        level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        camera = cv2.VideoCapture(self._device)
        try:
            if not camera.isOpened():
                raise UnreadableError(
                    say("{name} is not there, or used by another program", name=self.name),
                    _cameras(),
                )
            self._ask(camera)
            index = 0
            while not self._stopped:
                came, image = camera.read()
                if not came:
                    raise UnreadableError(say("{name} gives no more pictures", name=self.name))
                clock = max(0, round(camera.get(cv2.CAP_PROP_POS_MSEC)))  # 0 if there is none
                yield Frame(index, np.ascontiguousarray(image, np.uint8), pts=clock)
                index += 1
        finally:
            camera.release()
            cv2.utils.logging.setLogLevel(level)

    def _ask(self, camera: Any) -> None:
        """Request size and rate; a camera ignores values that it does not support."""
        size, fps = self._options.camera_size, self._options.camera_fps
        if size:
            # Large uncompressed pictures arrive at only a few frames a second over USB.
            camera.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            width, height = size.split("x")
            camera.set(cv2.CAP_PROP_FRAME_WIDTH, int(width))
            camera.set(cv2.CAP_PROP_FRAME_HEIGHT, int(height))
        if fps:
            camera.set(cv2.CAP_PROP_FPS, fps)
        camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def stop(self) -> None:
        self._stopped = True


class Stream:
    """Anything FFmpeg reads as it comes; a `LiveSource`.

    Args:
        address: what to open.
        name: what messages call it.
        settings: FFmpeg's options.
        format: its name for a capture device; None for an address.
    """

    endless = True

    def __init__(
        self,
        address: str,
        name: str,
        settings: dict[str, str],
        options: Options,
        format: str | None = None,
    ) -> None:
        self.name = name
        self._address, self._format, self._settings = address, format, settings
        self._options = options
        self._stopped = False

    def frames(self) -> Iterator[VideoFrame]:
        try:
            container = av.open(
                self._address,
                "r",
                format=self._format,
                options=dict(self._settings),
                timeout=(OPEN_SECONDS, READ_SECONDS),
                metadata_errors="replace",
            )
        except (FFmpegError, ValueError) as error:
            advice = _DISPLAY if self._format == "x11grab" else advice_on(error)
            # FFmpeg's error names the address, and with it the password.
            raise UnreadableError(
                say("{name} cannot be opened: {reason}", name=self.name, reason=_why(error)), advice
            ) from None
        with container:
            yield from self._decode(container)

    def _decode(self, container: InputContainer) -> Iterator[VideoFrame]:
        stream = picture_stream(container)
        if stream is None:
            raise UnsupportedError(say("{name} has no picture", name=self.name))
        context = stream.codec_context
        if context is None:
            raise UnsupportedError(say("the codec of {name} is not known here", name=self.name))
        limit = self._options.max_pixels
        context.options = {"max_pixels": str(limit)}
        context.thread_type, context.thread_count = "AUTO", _THREADS
        # Damaged pictures are kept: they are covered completely.
        context.flags |= Flags.output_corrupt | Flags.low_delay
        doubt, index = DamageTracker(), 0
        kind: tuple[object, ...] | None = None
        look: FrameLayout | None = None
        cropper: Cropper | None = None
        first: Fraction | None = None
        squarer = Squarer()
        try:
            for packet in container.demux(stream):
                if self._stopped:
                    return
                doubt.sent(packet)
                try:
                    decoded = context.decode(packet)
                except FFmpegError:
                    doubt.failed()
                    continue
                for frame in decoded:
                    if frame.width * frame.height > limit:
                        raise LimitError(
                            say(
                                "frames of {width}x{height} are too large",
                                width=frame.width,
                                height=frame.height,
                            )
                        )
                    suspect = doubt.about(frame)
                    if cropper is None:
                        size = frame.width, frame.height
                        cropper = Cropper(margins_in(stream, size), size)
                        first = context.sample_aspect_ratio
                    aspect = context.sample_aspect_ratio
                    # A container's word counts until the coded pictures say otherwise.
                    aspect = stream.sample_aspect_ratio if aspect == first else aspect
                    frame = squarer.square(cropper.shown(frame), aspect)
                    shape = frame.width, frame.height, frame.format.name, frame.colorspace
                    if look is None or kind != (*shape, frame.color_range):
                        kind = (*shape, frame.color_range)
                        look = _look(frame)
                    picture = Picture(converted(frame, look), look)
                    milliseconds = round(1000 * (frame.time or 0.0))
                    yield VideoFrame(index, picture, milliseconds, suspect)
                    index += 1
        except FFmpegError as error:
            raise UnreadableError(
                say("{name} broke off: {reason}", name=self.name, reason=_why(error))
            ) from error

    def stop(self) -> None:
        self._stopped = True


class Played:
    """A video file played in real time, as a camera would show it; a `LiveSource`."""

    endless = False

    def __init__(self, path: Path, options: Options) -> None:
        self.name = path.name
        self._path, self._options = path, options
        self._stop = threading.Event()

    def frames(self) -> Iterator[Frame]:
        index = 0
        with open_source(self._path, self._options) as source:
            if source.media.kind != "video":
                raise UnsupportedError(say("{name} is no video", name=self.name))
            while not self._stop.is_set():
                began, squarer = -math.inf, Squarer()
                for frame in source.frames():
                    if isinstance(frame, VideoFrame) and isinstance(source, VideoSource):
                        frame = squarer.squared(frame, source.sample_aspect)
                    at = frame.pts * float(source.time_base)
                    # Time lost by a slow start is not caught up.
                    began = max(began, time.monotonic() - at - LATE_SECONDS)
                    if self._stop.wait(max(0.0, began + at - time.monotonic())):
                        return
                    frame.index, frame.pts = index, round(1000 * at)
                    index += 1
                    yield frame
                if not self._options.loop:
                    return

    def stop(self) -> None:
        self._stop.set()


def _screen(name: str, options: Options) -> Stream:
    display = os.environ.get("DISPLAY", ":0.0")
    format, usual = _SCREENS.get(sys.platform, ("x11grab", display))
    if format not in av.formats_available:
        raise UsageError(
            say("this machine's PyAV cannot read the screen ({format} is not in it)", format=format)
        )
    settings = {}
    if options.camera_size:
        settings["video_size"] = options.camera_size
    if options.camera_fps:
        settings["framerate"] = f"{options.camera_fps:g}"
    return Stream(name or usual, say("the screen"), settings, options, format)


def _look(frame: av.VideoFrame) -> FrameLayout:
    matrix = facts.display_matrix(frame)
    upright = Orientation.of_matrix(matrix) if matrix else None
    return layout_of(frame, upright or Orientation())[0]


def _why(error: Exception) -> str:
    if isinstance(error, ExitError):
        return say("nothing comes")
    return reason_of(error) if isinstance(error, FFmpegError) else words_of(error)


def _cameras() -> str:
    """Advice that names the cameras of this machine."""
    found = sorted(str(path) for path in Path("/dev").glob("video*"))
    if found:
        return say(
            "Here are: {cameras}. Name one as camera:{first}.",
            cameras=listed(found),
            first=found[0],
        )
    return say("Plug one in, or name it: camera:1 or camera:/dev/video2.")
