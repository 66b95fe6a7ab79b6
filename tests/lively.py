"""A stage for live tests: a bright mark stands for a face, and detectors that can be broken."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec

import cv2
import numpy as np

from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.live import LivePipeline, VeiledFrame
from faceveil.options import Options, Sensitivity
from faceveil.plan import Face

SIZE = (320, 180)
MARK = 24
"""Side of the mark in pixels."""
BRIGHT = 235
"""Nothing but the mark is this bright."""
STEP = 0.02
"""Seconds between frames: faster than a camera, so that the tests are short."""
TRIES = 5
P = ParamSpec("P")
SOLID = Options(method="solid", delay=0.2)


def scene(seed: int = 0, size: tuple[int, int] = SIZE) -> Image:
    """(H, W, 3) uint8 BGR: soft and dark."""
    coarse = np.random.default_rng(seed).integers(20, 120, (5, 8, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def marked(picture: Image, x: int, y: int, side: int = MARK) -> Image:
    """The picture with the mark, its middle at (x, y)."""
    picture = picture.copy()
    half = side // 2
    picture[max(0, y - half) : max(0, y + half), max(0, x - half) : max(0, x + half)] = 255
    return picture


def bare(picture: Image) -> bool:
    """Whether any of the mark can be seen."""
    return bool((picture.min(axis=2) >= BRIGHT).any())


Trouble = Callable[[int], str]
"""Number of the look -> what goes wrong: "raise", "stall", "nothing", or ""."""


def fine(look: int) -> str:
    return ""


@dataclass
class MarkDetector:
    """Finds the mark in the pixels it is shown, unless it is in trouble.

    Attributes:
        smallest: of the faces it finds, in pixels.
        work: seconds a look takes.
        stalled: set it to end a stall.
    """

    trouble: Trouble = fine
    work: float = 0.005
    smallest: float = 10.0
    name: str = "mark"
    weights_sha256: str = "0" * 64
    thresholds: dict[Sensitivity, float] = field(
        default_factory=lambda: {"high": 0.4, "balanced": 0.5, "precise": 0.6}
    )
    looks: int = 0
    seconds: int = 0
    stalled: threading.Event = field(default_factory=threading.Event)

    def detect(self, frame: Frame, floor: float) -> list[Face]:
        self.looks += 1
        trouble = self.trouble(self.looks)
        time.sleep(self.work)
        if trouble == "raise":
            raise RuntimeError("the detector is broken")
        if trouble == "stall":
            self.stalled.wait(20)
        return [] if trouble == "nothing" else found(frame)

    def detect_in(self, frame: Frame, box: Box, floor: float) -> list[Face]:
        return [face for face in self.detect(frame, floor) if face.box.intersection(box) > 0]

    def detect_rotated(self, frame: Frame, floor: float) -> list[Face]:
        return []

    def recheck(self, frame: Frame, floor: float) -> list[Face]:
        self.seconds += 1
        return [] if self.trouble(self.looks) == "nothing" else found(frame)

    def smallest_face(self, width: int, height: int) -> float:
        return self.smallest


def found(frame: Frame) -> list[Face]:
    mask = (frame.image.min(axis=2) >= BRIGHT).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    return [Face(Box(x, y, x + w, y + h), 0.9) for x, y, w, h, area in stats[1:] if area > 40]


def play(
    pictures: Iterable[Image],
    detector: MarkDetector,
    options: Options = SOLID,
    step: float = STEP,
    before: Callable[[int, LivePipeline], None] | None = None,
    damaged: Collection[int] = (),
    made: float | None = None,
) -> list[VeiledFrame]:
    """Show pictures at their pace, and collect what comes out.

    Where a busy machine holds up whoever shows them, they come late, and what was is not taken for
    what is: each says when its turn was.

    Args:
        pictures: each is taken when its turn has come.
        before: called with the number of each picture before it is pushed.
        damaged: numbers of those that the decoder would call damaged.
        made: seconds between them by the source's clock, or 0 if it has none. They then come when
            they come.
    """
    veil = LivePipeline(options, make=lambda smallest: detector)
    out: list[VeiledFrame] = []
    done = threading.Event()

    def take() -> None:
        while not (done.is_set() and not veil.waiting):
            if (veiled := veil.pull(0.05)) is not None:
                out.append(veiled)

    taker = threading.Thread(target=take, name="taker")
    taker.start()
    began = time.monotonic()
    to_show = iter(pictures)
    for number in itertools.count():
        time.sleep(max(0.0, began + number * step - time.monotonic()))
        picture = next(to_show, None)
        if picture is None:
            break
        if before is not None:
            since = time.monotonic()
            before(number, veil)
            began += time.monotonic() - since
        pts = round(1000 * (made or 0.0) * number)
        at = began + number * step if made is None else None
        veil.push(Frame(number, picture, pts=pts, damaged=number in damaged), at)
    done.set()
    taker.join()
    detector.stalled.set()
    veil.close()
    return out


class BareError(AssertionError):
    """A face was shown that must never be shown."""


def patient(test: Callable[P, None]) -> Callable[P, None]:
    """Try a test again, for it asks what a busy machine may be too late for.

    Late frames are covered whole, or left out. What may be late must be there in one of a few
    tries; what must never be (`BareError`) fails the test at once.
    """

    @wraps(test)
    def tried(*args: P.args, **kwargs: P.kwargs) -> None:
        for _ in range(TRIES - 1):
            try:
                return test(*args, **kwargs)
            except BareError:
                raise
            except AssertionError as late:
                print(f"tried again: {late}")
        return test(*args, **kwargs)

    return tried


def reasons(out: Sequence[VeiledFrame]) -> list[str]:
    return [veiled.reason for veiled in out]


@contextmanager
def live(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command, which does not outlive the block."""
    command = [sys.executable, "-m", "faceveil", "live", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()
