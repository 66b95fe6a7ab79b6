"""A whole live run: source, pipeline and outlets, until the source ends or the run is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from faceveil.errors import FaceVeilError, UnreadableError
from faceveil.evidence.devices import device_notes
from faceveil.i18n import say
from faceveil.live.backoff import Backoff
from faceveil.live.live_pipeline import LivePipeline, Make
from faceveil.live.outlets import LiveSink, Outlet
from faceveil.live.sources import LiveSource
from faceveil.live.stats import Stats
from faceveil.obscure import doubts_of, load_obscurer
from faceveil.options import Options

TELL_SECONDS = 1.0
_PATIENCE = 0.1


def run(
    feed: LiveSource,
    sinks: Sequence[LiveSink],
    options: Options,
    *,
    make: Make | None = None,
    stop: threading.Event | None = None,
    on_message: Callable[[str], None] = lambda words: None,
    on_stats: Callable[[Stats], None] = lambda stats: None,
) -> Stats:
    """Take frames from the feed and give them, covered, to the sinks, which are closed at the end.

    A feed that breaks off is opened again, with pauses that double up to ``options.reconnect``;
    one that never gave a frame is not.

    Args:
        make: detectors to use in place of those the options name.
        stop: set it to end the run; recordings are completed.
        on_message: called with each event, in words.
        on_stats: called about once a second.

    Returns:
        What was done in all.

    Raises:
        InputError: the feed cannot be opened, or broke off for good.
        OutputError: a sink failed for good.
        UsageError, WeightsError: no such detector, or it has no weights.
    """
    stop = stop or threading.Event()
    outlets: list[Outlet] = []
    try:
        veil = LivePipeline(options, make=make)
        for warning in doubts_of(load_obscurer(options)):
            on_message(warning)
        outlets += [Outlet(sink, options.reconnect, on_message) for sink in sinks]
        told = set[str]()

        def tell_device() -> None:
            for note in device_notes([veil.detector], options.device):
                if note not in told:
                    told.add(note)
                    on_message(note)

        def tell(stats: Stats) -> None:
            tell_device()
            on_stats(stats)

        feeder = _Feeder(feed, veil, options, stop, on_message)
        try:
            _pump(veil, feeder, outlets, stop, tell)
        finally:
            feeder.close()
            stats = veil.stats
            veil.close()
            tell_device()
    finally:  # whatever ended it, the recording is covered and is kept
        for outlet in outlets:
            outlet.close()
            if outlet.missed:
                on_message(
                    say(
                        "{name} was too slow or away for {frames} frames",
                        name=outlet.sink.name,
                        frames=outlet.missed,
                    )
                )
        for sink in sinks[len(outlets) :]:
            sink.close()
    failed = feeder.error or next((outlet.error for outlet in outlets if outlet.error), None)
    if failed is not None:
        raise failed
    return stats


def _pump(
    veil: LivePipeline,
    feeder: _Feeder,
    outlets: Sequence[Outlet],
    stop: threading.Event,
    on_stats: Callable[[Stats], None],
) -> None:
    last = time.monotonic()
    while not stop.is_set() and (feeder.running or veil.waiting):
        veiled = veil.pull(_PATIENCE)
        if veiled is not None:
            for outlet in outlets:
                outlet.put(veiled.frame, veiled.came)
        if any(outlet.error for outlet in outlets):
            return
        if time.monotonic() - last >= TELL_SECONDS:
            last = time.monotonic()
            on_stats(veil.stats)


class _Feeder:
    """Reads the feed in a thread of its own, as fast as it comes.

    Attributes:
        error: why it ended, if it failed.
    """

    def __init__(
        self,
        feed: LiveSource,
        veil: LivePipeline,
        options: Options,
        stop: threading.Event,
        on_message: Callable[[str], None],
    ) -> None:
        self._feed, self._veil, self._on_message = feed, veil, on_message
        self._stop = stop
        self._backoff = Backoff(options.reconnect)
        self._came = False
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="faceveil-feed", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        self._stop.set()
        self._feed.stop()
        self._thread.join()

    def _tell_size(self, size: tuple[int, int]) -> None:
        self._on_message(
            say(
                "the picture is {width}x{height} from here on: what keeps its size, such as a "
                "recording, shows it on black",
                width=size[0],
                height=size[1],
            )
        )

    def _work(self) -> None:
        while not self._stop.is_set():
            error: FaceVeilError = UnreadableError(say("{name} ended", name=self._feed.name))
            size: tuple[int, int] | None = None
            try:
                for frame in self._feed.frames():
                    if self._stop.is_set():
                        return
                    if size not in (None, frame.size):
                        self._tell_size(frame.size)
                    size = frame.size
                    self._came = True
                    self._backoff.reset()
                    self._veil.push(frame)
            except FaceVeilError as failure:
                error = failure
            except Exception as failure:
                self.error = failure
                return
            else:
                if not self._feed.endless:
                    return
            if self._stop.is_set():
                return
            self._veil.mark_discontinuity()
            pause = self._backoff.next() if self._came and self._feed.endless else None
            if pause is None:
                self.error = error
                return
            self._on_message(say("{error}; next try in {seconds:g} s", error=error, seconds=pause))
            self._stop.wait(pause)
