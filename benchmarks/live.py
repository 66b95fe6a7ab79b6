"""Frames a second, delay and smallest face of live, with a clip played as a camera.

    python benchmarks/live.py CLIP... [--seconds N] [--delay S] [--session]

Each clip is played in real time, over and over, and obscured into an H.264 stream that goes
nowhere, as `faceveil live CLIP udp://...` would do. With ``--session`` pictures go in and come out
as JPEG at 640 pixels of width instead, as they do between the page and the server. Where the
machine has more than two processors, the process keeps to two. The load is printed, because a busy
machine makes late frames: those are covered whole, and counted.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import threading
import time
from pathlib import Path

import cv2

from faceveil.frames import Frame
from faceveil.live.live_pipeline import LivePipeline
from faceveil.live.outlets import Outlet
from faceveil.live.recorder import Encoded
from faceveil.live.session import Session
from faceveil.live.sources import open_feed
from faceveil.live.stats import percentiles
from faceveil.options import Options

CORES = 2
WIDTH = 640
WARM_SECONDS = 2.0
SHARES = (0.5, 0.95, 0.99)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--delay", type=float, default=Options().delay)
    parser.add_argument("--session", action="store_true", help="JPEG in and out")
    args = parser.parse_args()
    if len(os.sched_getaffinity(0)) > CORES:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    options = Options(delay=args.delay, loop=True)
    for clip in args.clips:
        before = os.getloadavg()[0], cpu()
        delays, stats, seconds = (through_session if args.session else through_veil)(
            str(clip), options, args.seconds
        )
        middle, high, highest = (1000 * value for value in percentiles(delays, *SHARES))
        print(
            f"{clip.name} {stats.width}x{stats.height}: {len(delays) / seconds:.1f} frames a "
            f"second, delay {middle:.0f} ms, 95 % {high:.0f}, 99 % {highest:.0f} of "
            f"{1000 * args.delay:.0f}; smallest face {stats.smallest_face:.0f} px, look "
            f"{stats.look:.0f} ms; covered whole {stats.whole} of {stats.frames}, dropped "
            f"{stats.dropped}; processor {(cpu() - before[1]) / seconds:.2f} s a second, load "
            f"{before[0]:.1f}",
            flush=True,
        )


def cpu() -> float:
    """Processor seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Measured:
    """A sink that passes on, and remembers how long after it came each frame was written."""

    endless = False

    def __init__(self) -> None:
        self._inner = Encoded("udp://127.0.0.1:9")
        self.name = self._inner.name
        self.came: dict[int, float] = {}
        self.delays: list[float] = []

    def write(self, frame: Frame) -> None:
        self._inner.write(frame)
        self.delays.append(time.monotonic() - self.came.pop(frame.index))

    def close(self) -> None:
        self._inner.close()


def through_veil(clip: str, options: Options, seconds: float):  # type: ignore[no-untyped-def]
    """Delays from a frame's arrival until it is encoded and sent."""
    veil, sink = LivePipeline(options), Measured()
    outlet = Outlet(sink, 0.0, print)
    feed = feed_thread(clip, options, lambda frame: veil.push(frame))
    began = time.monotonic()
    while (now := time.monotonic()) - began < WARM_SECONDS + seconds:
        veiled = veil.pull(0.1)
        if veiled is not None:
            sink.came[veiled.frame.index] = veiled.came
            outlet.put(veiled.frame, veiled.came)
        if now - began < WARM_SECONDS:
            sink.delays.clear()
    feed.set()
    outlet.close()
    stats = veil.stats
    veil.close()
    return sink.delays, stats, seconds


def through_session(clip: str, options: Options, seconds: float):  # type: ignore[no-untyped-def]
    """Delays from a JPEG's coming to that of the obscured one going back."""
    session = Session(options)
    came: dict[int, float] = {}
    numbers = itertools.count()

    def push(frame: Frame) -> None:
        width, height = frame.size
        small = frame.at_size(WIDTH, height * WIDTH // width)
        number = next(numbers)
        data = cv2.imencode(".jpg", small)[1].tobytes()
        came[number] = time.monotonic()
        session.push(number.to_bytes(4, "big") + data)

    feed = feed_thread(clip, options, push)
    delays: list[float] = []
    began = time.monotonic()
    while (now := time.monotonic()) - began < WARM_SECONDS + seconds:
        message = session.pull(0.1)
        if message is not None and now - began >= WARM_SECONDS:
            delays.append(time.monotonic() - came.pop(int.from_bytes(message[:4], "big")))
    feed.set()
    stats = session.stats
    session.close()
    return delays, stats, seconds


def feed_thread(clip: str, options: Options, push) -> threading.Event:  # type: ignore[no-untyped-def]
    """Play a clip until the event is set."""
    feed, stop = open_feed(clip, options), threading.Event()

    def work() -> None:
        for frame in feed.frames():
            if stop.is_set():
                return
            push(frame)

    threading.Thread(target=work, daemon=True).start()
    return stop


if __name__ == "__main__":
    main()
