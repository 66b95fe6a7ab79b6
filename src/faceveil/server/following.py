"""Boxes that go along with what they were drawn around, in a process of its own.

The process reads the video and looks for faces, so that the server answers meanwhile, and a broken
file ends only that process. It does a little at a time and keeps its place: when nobody asks for
more, nothing more is done.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, Literal

from anyio import CapacityLimiter, sleep
from pydantic import BaseModel, ConfigDict, Field

from faceveil.batch.apart import Apart, HungError, LostError
from faceveil.geometry import Box
from faceveil.i18n import say, words_of
from faceveil.options import Options
from faceveil.server.actions import require_original
from faceveil.server.problems import Problem, ProblemError, problem_of
from faceveil.server.store import ORIGINAL, PLAN, Store, new_id
from faceveil.server.worker import NICE
from faceveil.system import beats
from faceveil.system.closing import Closing

MOST = 2
"""Boxes that are followed at the same time: each holds some frames in memory."""
RETRY_SECONDS = 5
_ROOM_SECONDS = 5.0
_PATIENCE = 60.0
"""Seconds after which a part that does not come is given up."""
_PART_SECONDS = 0.4
"""Time for which the process works before it tells what it has."""
_IDLE_SECONDS = 60.0
"""The process stays for so long after its last part, because the next box may come."""

_Frame = Annotated[int, Field(ge=0, le=100_000_000)]


class Follow(BaseModel):
    """A box to follow from a frame, as far as its scene goes, or from ``first`` to ``last``."""

    model_config = ConfigDict(extra="forbid")

    frame: _Frame
    box: Box
    first: _Frame = 0
    last: _Frame | None = None


class Pursued(BaseModel):
    """Some frames more, in one direction.

    ``seen`` are the frames in which it was recognized; in the others of ``boxes`` its place is
    inferred. ``ended`` is the reason why it is not followed further: "lost", "left" the picture, a
    "cut", the end or beginning of the "film", as far as was "asked", or too "long" for one request;
    ``at`` is the last frame in which it was seen. With a ``problem`` all ends.
    """

    way: Literal["later", "earlier"] = "later"
    boxes: dict[int, Box] = {}
    seen: tuple[int, ...] = ()
    ended: Literal["", "lost", "left", "cut", "film", "asked", "long"] = ""
    at: int = 0
    problem: Problem | None = None


class Following(Closing):
    """The process that follows boxes, started when it is needed.

    Args:
        machine: options that are this machine's own.

    Attributes:
        threads: those that wait for it.
    """

    def __init__(self, store: Store, machine: dict[str, Any]) -> None:
        self._store, self._machine = store, machine
        self._lock = Lock()
        self._apart: Apart | None = None
        self._used = 0.0
        self._places = 0
        self.threads = CapacityLimiter(MOST)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Room for one more box; raises ProblemError with 429 if there is none before long."""
        until = time.monotonic() + _ROOM_SECONDS
        while self._places >= MOST:  # one that was just left takes a moment to end
            if time.monotonic() > until:
                raise ProblemError(
                    429,
                    "queue-full",
                    say("other boxes are being followed"),
                    say("Try again in a while."),
                    headers={"Retry-After": str(RETRY_SECONDS)},
                )
            await sleep(_ROOM_SECONDS / 50)
        self._places += 1
        try:
            yield
        finally:
            self._places -= 1

    def require(self, job: str, wanted: Follow) -> None:
        """Check that this can be asked of a job.

        Raises:
            LookupError: there is no such job.
            ProblemError: 409, it has no plan; 410, the original is gone; 422, it is no video, or
                the box is not in it.
        """
        record = self._store.load(job)
        require_original(self._store, record)
        if not self._store.has(job, PLAN):
            raise ProblemError(
                409, "no-plan", say("the job has no plan yet"), say("Wait for the analysis.")
            )
        wrong, end = "", (record.frames or 0) - 1
        last = end if wanted.last is None else min(end, wanted.last)
        if record.kind not in ("video", "animation"):
            wrong = say("only in a video can a box be followed")
        elif not wanted.first <= wanted.frame <= last:
            wrong = say("a box is in a frame that is not there")
        elif wanted.box.clipped(record.width or 0, record.height or 0) is None:
            wrong = say("a box lies outside the picture")
        if wrong:
            raise ProblemError(422, "usage", wrong)

    def parts(self, job: str, wanted: Follow) -> Generator[list[Pursued], None, None]:
        """Boxes that are found, bit by bit; the last may be a problem. Blocks while it works."""
        token = new_id()
        try:
            record = self._store.load(job)
            options = Options(**{**record.options, **self._machine})
            paths = self._store.path(job, ORIGINAL), self._store.path(job, PLAN)
            while True:
                require_original(self._store, self._store.load(job))
                found = self._run(_more, token, *paths, wanted, options)
                if isinstance(found, (LostError, HungError)):
                    kind = "hung" if isinstance(found, HungError) else "worker-died"
                    raise ProblemError(500, kind, words_of(found), found.advice)
                if isinstance(found, Exception):
                    raise found
                if not found:
                    return
                yield found
        except Exception as error:
            yield [Pursued(problem=problem_of(error))]
        finally:
            self._run(_drop, token)

    def rest(self) -> None:
        """End the process if it has not been needed for a while. Call now and then."""
        if self._apart is not None and time.monotonic() - self._used > _IDLE_SECONDS:
            self.close()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            apart, self._apart = self._apart, None
            if apart is not None:
                apart.close()

    def _run(self, function: Any, *arguments: Any) -> Any:
        with self._lock:
            self._used = time.monotonic()
            if self._apart is None:
                if function is _drop:
                    return None
                self._apart = Apart(alone=False)
            try:
                found = self._apart.run(function, *arguments)
            except KeyboardInterrupt:  # it was interrupted, as at the end of the server
                found = LostError()
            if isinstance(found, (LostError, HungError)):
                self._apart = None  # it has ended; only another box needs a new one
            self._used = time.monotonic()
            return found


# In the other process.

_UNDER_WAY: dict[str, Iterator[Pursued]] = {}


def _more(
    token: str, original: Path, plan: Path, wanted: Follow, options: Options
) -> list[Pursued]:
    """The next parts; none: that was all."""
    beats.patient(_PATIENCE)
    if token not in _UNDER_WAY:
        if not _UNDER_WAY:
            with suppress(OSError):
                os.nice(NICE - os.nice(0))
        _UNDER_WAY[token] = _stretches(original, plan, wanted, options)
    until, found = time.monotonic() + _PART_SECONDS, list[Pursued]()
    for part in _UNDER_WAY[token]:
        beats.moved()
        found.append(part)
        if time.monotonic() >= until:
            break
    return found


def _drop(token: str) -> None:
    """Follow it no further."""
    _UNDER_WAY.pop(token, None)


def _stretches(original: Path, plan: Path, wanted: Follow, options: Options) -> Iterator[Pursued]:
    from faceveil import media
    from faceveil.plan import Plan
    from faceveil.scan.pursuit import pursue

    with media.open_source(original, options) as source:
        known = Plan.from_json(plan.read_bytes())
        for part in pursue(
            source,
            known,
            wanted.frame,
            wanted.box,
            options,
            first=wanted.first,
            last=wanted.last,
        ):
            yield Pursued(
                way="later" if part.way > 0 else "earlier",
                boxes=dict(part.boxes),
                seen=tuple(sorted(part.sure)),
                ended=part.ended,
                at=part.at,
            )
