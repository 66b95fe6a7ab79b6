"""Outlets of live pictures, each in a thread of its own, so that a slow one delays no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import Any, Protocol

import numpy as np

from faceveil.errors import FaceVeilError, OutputError, UsageError
from faceveil.frames import Frame, Image
from faceveil.i18n import say
from faceveil.live.aspect import fitted
from faceveil.live.backoff import Backoff
from faceveil.live.stats import Meter
from faceveil.system.extras import advice_for

DEPTH = 4
"""Frames that may wait for a slow outlet; it skips any more."""
_PATIENCE = 0.1


class LiveSink(Protocol):
    """A receiver of pictures that are covered already.

    Attributes:
        name: what messages call it.
        endless: it may recover after a failure.
    """

    name: str
    endless: bool

    def write(self, frame: Frame) -> None:
        """Take a frame; it is not changed, others may read it too.

        Raises:
            OutputError: it cannot.
        """
        ...

    def close(self) -> None:
        """End; a recording is kept."""
        ...


def open_live_sink(target: str) -> LiveSink:
    """The sink that a word, an address or a path names.

    Args:
        target: ``page``, ``page:8765``, ``preview`` (the page, opened in the browser),
            ``virtual``, ``virtual:/dev/video4``, an address such as ``udp://``, or a video file.

    Raises:
        UsageError: nothing of that kind can be written, or an extra is not installed.
        OutputError: it cannot be reached.
    """
    word, _, rest = target.partition(":")
    if word in ("page", "preview"):
        from faceveil.live.preview import PreviewServer

        if rest and not (rest.isdecimal() and int(rest) < 65536):
            raise UsageError(
                say("'{port}' is no port", port=rest), say("Write page, or page:8765.")
            )
        page = PreviewServer(int(rest or 0))
        if word == "preview":
            page.open()
        return page
    if word == "virtual":
        return VirtualCamera(rest or None)
    from faceveil.live.recorder import Encoded

    return Encoded(target)


class Outlet:
    """A sink with its thread. If it loses its connection, it is tried again.

    Args:
        retry: longest pause between two tries, in seconds; 0: none.
        on_message: called with what happens, in words.

    Attributes:
        meter: rate and delay of what was written.
        missed: frames that it skipped because it was too slow or not connected.
        error: why it ended, if it failed, or, once closed, why it never took a frame.
    """

    def __init__(self, sink: LiveSink, retry: float, on_message: Callable[[str], None]) -> None:
        self.sink = sink
        self.meter = Meter()
        self.missed = 0
        self.error: FaceVeilError | None = None
        self._trouble: FaceVeilError | None = None
        self._queue: Queue[tuple[Frame, float]] = Queue(DEPTH)
        self._ended = threading.Event()
        self._retry, self._on_message = retry, on_message
        self._thread = threading.Thread(target=self._work, name="faceveil-outlet", daemon=True)
        self._thread.start()

    def put(self, frame: Frame, came: float) -> None:
        """Pass on a frame that arrived at this time; never waits."""
        try:
            self._queue.put_nowait((frame, came))
        except Full:
            self.missed += 1

    def close(self) -> None:
        """Write the waiting frames, and end."""
        self._ended.set()
        self._thread.join()
        try:
            self.sink.close()
        except FaceVeilError as error:
            self.error = self.error or error
        if not self.meter.count:
            self.error = self.error or self._trouble

    def _work(self) -> None:
        backoff = Backoff(self._retry)
        while True:
            try:
                frame, came = self._queue.get(timeout=_PATIENCE)
            except Empty:
                if self._ended.is_set():
                    return
                continue
            try:
                self.sink.write(frame)
            except Exception as error:
                self.missed += 1
                if not isinstance(error, FaceVeilError):
                    error = OutputError(
                        say("{name} failed: {kind}", name=self.sink.name, kind=type(error).__name__)
                    )
                self._trouble = error
                pause = backoff.next() if self.sink.endless else None
                if pause is None:
                    self.error = error
                    return
                self._on_message(
                    say("{error}; next try in {seconds:g} s", error=error, seconds=pause)
                )
                if self._ended.wait(pause):
                    return
                while not self._queue.empty():
                    with suppress(Empty):
                        self._queue.get_nowait()
                        self.missed += 1
            else:
                backoff.reset()
                now = time.monotonic()
                self.meter.add(now, now - came)


class VirtualCamera:
    """Shows up as a camera in other programs, through pyvirtualcam; a `LiveSink`.

    Args:
        device: which one; None: the first there is.

    Raises:
        UsageError: the extra ``live`` is not installed.
    """

    endless = False
    rate = 30
    """The rate that it announces; frames are shown as they arrive."""

    def __init__(self, device: str | None = None) -> None:
        try:
            import pyvirtualcam
        except ImportError as error:
            raise UsageError(
                say("the virtual camera needs an extra that is not installed"),
                advice_for("live"),
            ) from error
        self.name: str = say("the virtual camera")
        self._library: Any = pyvirtualcam
        self._device = device
        self._camera: Any = None

    def write(self, frame: Frame) -> None:
        image = frame.image
        if self._camera is None:
            self._open(image)
        size = self._camera.width, self._camera.height
        self._camera.send(np.ascontiguousarray(fitted(image, size)))

    def _open(self, image: Image) -> None:
        height, width = image.shape[:2]
        try:
            self._camera = self._library.Camera(
                width, height, self.rate, fmt=self._library.PixelFormat.BGR, device=self._device
            )
        except RuntimeError as error:
            raise OutputError(
                say("there is no virtual camera to write to"),
                say(
                    "Load v4l2loopback (Linux) or install OBS (macOS, Windows), and "
                    "close programs that use it."
                ),
            ) from error

    def close(self) -> None:
        if self._camera is not None:
            self._camera.close()
