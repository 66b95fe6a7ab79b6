"""The live pipeline: frames wait a fraction of a second, and leave with every face covered."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from faceveil.detect import Detector, load_detector, threshold
from faceveil.faces import Faces
from faceveil.frames import Frame
from faceveil.geometry import Box, Target
from faceveil.i18n import say
from faceveil.live.coverage import Coverage
from faceveil.live.pace import Pace
from faceveil.live.snapshot import Snapshot
from faceveil.live.stats import Meter, Stats
from faceveil.live.timing import Timing
from faceveil.live.visitors import Visitors
from faceveil.obscure.painter import HOLD_SECONDS, Held, Painter, places, whole
from faceveil.options import Options
from faceveil.track import THUMBNAIL, is_cut
from faceveil.track.motion import TICK
from faceveil.zones import in_skip_zone

RESERVE = 0.05
"""Seconds of the delay that are left for painting and handing over."""
MOST = 128
"""Frames that may wait; only a faulty source sends more."""
CERTAIN, SUREST = 0.3, 0.8
"""A second look has no vote of several passes behind it: a face in it must be this much surer."""

Make = Callable[[float | None], Detector]
"""Makes a detector for faces of so many pixels and more; None: of its own choice."""


@dataclass(frozen=True, slots=True)
class VeiledFrame:
    """A frame that may be shown.

    Attributes:
        frame: with everything painted. Its ``pts`` is in milliseconds since the first frame came,
            strictly increasing.
        came: when it was pushed, by the pipeline's clock.
        covers: the areas that are certainly covered.
        reason: why all of it is covered, or "".
    """

    frame: Frame
    came: float
    covers: tuple[Box, ...]
    reason: str


@dataclass(slots=True)
class _Waiting:
    """A frame that waits.

    Attributes:
        came: when it was pushed; its delay begins then.
        time: when it was made, as far as that is known; detections have these times.
    """

    frame: Frame
    came: float
    time: float
    size: tuple[int, int]
    scene: int


class LivePipeline:
    """Takes frames as they arrive and returns them covered after a fixed delay.

    ``push`` never blocks and may be called from one thread, ``pull`` from another; a third, of
    its own, looks for faces: at the newest frame, not at those between.

    Only the faces of a frame are covered if the detector has looked at it, or at frames shortly
    before *and* after it in the same scene; and what it shows and those do not. Otherwise all of it
    is covered: the detector is late, hangs or fails, the source broke off, the size changed, the
    scene was cut, the frame is damaged, or all faces vanished at once and the detector cannot be
    trusted yet. If too many frames wait, the oldest are dropped.

    Args:
        make: detectors to use in place of those the options name.
        clock: seconds.

    Raises:
        UsageError, WeightsError: no such detector, or it has no weights.
    """

    def __init__(
        self,
        options: Options,
        *,
        make: Make | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._make = make or _maker(options)
        self._clock = clock
        self._strong = threshold(self._make(None), options)
        self._painter = Painter(options)
        self._held = Held(HOLD_SECONDS)
        self._changed = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._next: _Waiting | None = None
        self._scene = self._asked = self._shown = 0
        self._thumbnail: NDArray[Any] | None = None
        self._known: Coverage | None = None
        self._pace: Pace | None = None
        self._visitors: Visitors | None = None
        self._timing = Timing()
        self._began, self._pts = -math.inf, -1
        self._meter = Meter()
        self._whole = self._dropped = self._looks = self._failures = 0
        self._reason = ""
        self._closed = False
        self._eyes = threading.Thread(target=self._watch, name="faceveil-look", daemon=True)
        self._eyes.start()

    # Frames come

    def push(self, frame: Frame, at: float | None = None) -> bool:
        """Take a frame.

        The caller must not use it afterwards. Its ``pts`` is in milliseconds of the source's clock.

        Args:
            at: when it was made, by the clock; None: now.

        Returns:
            False if it was left out: it came too soon for ``fps_cap``, or the pipeline is closed.
        """
        now = self._clock() if at is None else at
        since, cap = self._timing.since(now, frame.pts), self._options.fps_cap
        if since <= TICK or (cap and since < 0.9 / cap):
            return False
        thumbnail, size = frame.thumbnail(*THUMBNAIL), frame.size
        with self._changed:
            if self._closed:
                return False
            if self._began == -math.inf:
                self._began = now
            made = self._timing.add(now, frame.pts)
            if self._known is None or self._visitors is None or size != self._known.size:
                # Earlier looks do not apply to frames of another size.
                self._known = Coverage(size, self._strong, self._options, self._timing)
                self._pace = self._new_pace(size)
                self._visitors = Visitors(size, self._pace.smallest)
                self._scene += 1
            elif self._thumbnail is None or is_cut(self._thumbnail, thumbnail):
                self._known.new_scene(made)
                self._scene += 1
            self._thumbnail = thumbnail
            self._visitors.feed(made, frame.luma(*self._visitors.shape))
            self._pts = max(self._pts + 1, round((now - self._began) * 1000))
            frame.pts = self._pts
            waiting = _Waiting(frame, now, made, size, self._scene)
            self._waiting.append(waiting)
            # The first frame of a scene is not skipped for a newer one.
            first = self._next is None or self._next.scene != self._scene
            if not frame.damaged and (first or self._asked == self._scene):
                self._next = waiting
            if len(self._waiting) > MOST:
                self._drop()
            self._changed.notify_all()
        return True

    def mark_discontinuity(self) -> None:
        """Start again after the source broke off: earlier looks do not count any more."""
        with self._changed:
            self._thumbnail = None
            if self._known is not None:
                self._known.mark_discontinuity()

    # Frames leave

    def pull(self, timeout: float | None = None) -> VeiledFrame | None:
        """Wait until the next frame is due, and cover it.

        Args:
            timeout: seconds to wait at most.

        Returns:
            None after that time, or when the pipeline is closed.
        """
        limit = math.inf if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._closed:
                now = self._clock()
                while self._waiting and now - self._waiting[0].came > 2 * self._options.delay:
                    self._drop()  # the receiver is too slow
                wait = self._due(self._waiting[0]) - now if self._waiting else math.inf
                left = limit - time.monotonic()
                if wait <= 0:
                    break
                if left <= 0:
                    return None
                self._changed.wait(min(wait, left, threading.TIMEOUT_MAX))
            if self._closed:
                return None
            due = self._waiting.popleft()
            if self._next is due:  # it will be painted, so looking at it is useless
                self._next = None
            targets, reason = self._decide(due)
            self._reason = reason
            self._whole += bool(reason)
            known, visitors = self._known, self._visitors
            looks = known.around(due.time, due.scene) if known and not reason else None
        if looks and visitors:
            targets += self._unseen(visitors, due.time, looks, targets)
        return self._paint(due, targets, reason)

    @property
    def waiting(self) -> int:
        """Frames that wait."""
        return len(self._waiting)

    @property
    def detector(self) -> str:
        """The name of the detector by now; "" before the first frame."""
        pace = self._pace
        return pace.detector.name if pace else ""

    @property
    def stats(self) -> Stats:
        with self._changed:
            self._meter.forget(self._clock())
            middle, high = self._meter.delays(0.5, 0.95)
            pace, known = self._pace, self._known
            width, height = known.size if known else (0, 0)
            return Stats(
                frames=self._meter.count,
                whole=self._whole,
                dropped=self._dropped,
                looks=self._looks,
                failures=self._failures,
                fps=self._meter.rate,
                delay=1000 * middle,
                delay_95=1000 * high,
                look=1000 * pace.seconds if pace else 0.0,
                smallest_face=pace.smallest if pace else 0.0,
                faces=known.tracks.faces if known else 0,
                width=width,
                height=height,
                reason=self._reason,
            )

    def _due(self, waiting: _Waiting) -> float:
        return waiting.came + self._options.delay - RESERVE

    def _drop(self) -> None:
        if self._waiting.popleft() is self._next:
            self._next = None
        self._dropped += 1

    def _decide(self, due: _Waiting) -> tuple[list[Target], str]:
        """The targets to cover, and the reason if they are the whole frame."""
        known = self._known
        if due.frame.damaged:
            reason: str = say("the frame is damaged")
        elif known is None or known.size != due.size:
            reason = say("the size changed")
        else:
            until = due.time + self._stands(due)
            if not (reason := known.reason_to_cover(due.time, due.scene, until)):
                return known.targets(due.time), ""
        return [whole(due.size)], reason

    def _unseen(
        self, visitors: Visitors, time: float, looks: tuple[float, float], known: list[Target]
    ) -> list[Target]:
        """Further targets: what may have come and gone between two looks."""
        options = self._options
        margins = (
            options.margin_side,
            options.margin_top,
            options.margin_side,
            options.margin_bottom,
        )
        boxes = visitors.boxes(time, looks, [target.box.padded(*margins) for target in known])
        return places([box for box in boxes if not in_skip_zone(box, options.skip_zones)])

    def _stands(self, due: _Waiting) -> float:
        """Seconds for which a frame is shown, as far as that is known."""
        if not self._waiting:
            return self._clock() - due.came
        return max(self._waiting[0].came - due.came, self._waiting[0].time - due.time)

    def _paint(self, due: _Waiting, targets: list[Target], reason: str) -> VeiledFrame:
        frame = due.frame
        if frame.peek() is None:
            # The detector may still look at the array itself.
            frame = Frame(frame.index, frame.image.copy(), pts=frame.pts)
        hold = self._held.at(due.time, due.scene != self._shown)
        self._shown = due.scene
        covers = self._painter.paint(frame, due.size, targets, hold)
        with self._changed:
            now = self._clock()
            self._meter.add(now, now - due.came)
        return VeiledFrame(frame, due.came, covers, reason)

    # The detector looks

    def _watch(self) -> None:
        began = -math.inf
        while True:
            with self._changed:
                while not self._closed and (wait := self._pause(began)) > 0:
                    self._changed.wait(min(wait, threading.TIMEOUT_MAX))
                due, known, pace = self._next, self._known, self._pace
                if self._closed or due is None or known is None or pace is None:
                    return
                self._next, self._asked = None, due.scene
                frame, doubt = Snapshot(due.frame), known.tracks.in_doubt
                began = self._clock()
            again = None
            try:
                found = Faces.of(pace.detector.detect(frame, known.tracks.weak))
                if doubt:
                    least = min(self._strong + CERTAIN, SUREST)
                    again = Faces.of(pace.detector.recheck(frame, least))
            except Exception:
                # Whatever failed, frames are covered completely until a look succeeds.
                with self._changed:
                    self._failures += 1
                continue
            with self._changed:
                self._looks += 1
                pace.add_duration(self._clock() - began)
                known.add_detections(due.time, due.scene, found, again)

    def _pause(self, began: float) -> float:
        """Seconds until the next look is due."""
        if self._next is None or self._pace is None:
            return math.inf
        if self._next.scene != self._asked:
            return 0.0
        return began + self._pace.pause - self._clock()

    def _new_pace(self, size: tuple[int, int]) -> Pace:
        fixed = self._options.min_face is not None
        return Pace(self._make, size, self._options.delay - RESERVE, fixed=fixed)

    def close(self) -> None:
        """Stop. A detector that hangs is left behind."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        self._eyes.join(1.0)


def _maker(options: Options) -> Make:
    def make(smallest: float | None) -> Detector:
        if smallest is None:
            return load_detector(options, "video")
        return load_detector(options.model_copy(update={"min_face": smallest}), "video")

    return make
