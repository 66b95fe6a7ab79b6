"""Who works on many files: this process, or several of this machine."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import islice
from multiprocessing import get_context, parent_process
from types import FrameType
from typing import TypeVar

from faceveil.errors import INTERRUPTED, FaceVeilError

J = TypeVar("J")
R = TypeVar("R")

_GRACE = 5.0
"""Seconds a process has to tidy up after the one that started it is gone."""
_busy = threading.Event()
"""Set in a worker while it works on a job."""


class LostError(FaceVeilError):
    """The process that worked on a file ended, and did so again when it was tried alone."""

    def __init__(self) -> None:
        super().__init__(
            "the process that worked on it was ended twice, as happens when memory runs out",
            "try it alone, with a larger --min-face or more memory",
        )


class Serial:
    """One job after the other, in this process."""

    workers = 1

    def map(
        self, function: Callable[[J], R], jobs: Iterable[J]
    ) -> Iterator[tuple[J, R | Exception]]:
        return ((job, outcome_of(function, job)) for job in jobs)


def outcome_of(function: Callable[[J], R], job: J) -> R | Exception:
    """What the function returns or raises."""
    try:
        return function(job)
    except Exception as error:
        return error


class Processes:
    """As many processes as given, each with a detector of its own.

    A process that dies does not end the run. Nobody can tell which of the jobs in flight it died
    of, so each is tried again alone; one that ends its process a second time has failed.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def map(
        self, function: Callable[[J], R], jobs: Iterable[J]
    ) -> Iterator[tuple[J, R | Exception]]:
        work = partial(_at_work, function)
        waiting = iter(jobs)
        while True:
            suspects: list[J] = []
            yield from self._together(work, waiting, suspects)
            if not suspects:
                return
            for job in suspects:
                yield job, self._alone(work, job)

    def _together(
        self, work: Callable[[J], R | Exception], waiting: Iterator[J], suspects: list[J]
    ) -> Iterator[tuple[J, R | Exception]]:
        """Until all is done, or a process died: then ``suspects`` gets the jobs in flight."""
        pool = _pool(self.workers)
        running: dict[Future[R | Exception], J] = {}
        try:
            # Only so many are handed out that no worker idles.
            while not suspects:
                for job in islice(waiting, 2 * self.workers - len(running)):
                    try:
                        with _undisturbed():
                            running[pool.submit(work, job)] = job
                    except BrokenProcessPool:
                        suspects.append(job)
                        break
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    job = running.pop(future)
                    try:
                        yield job, _result(future)
                    except BrokenProcessPool:
                        suspects.append(job)
            # The others in flight are lost with the pool, unless they were done just before.
            for future, job in running.items():
                try:
                    yield job, _result(future)
                except BrokenProcessPool:
                    suspects.append(job)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _alone(self, work: Callable[[J], R | Exception], job: J) -> R | Exception:
        with _pool(1) as pool:
            try:
                with _undisturbed():
                    future = pool.submit(work, job)
                return _result(future)
            except BrokenProcessPool:
                return LostError()


def _result(future: Future[R | Exception]) -> R | Exception:
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except SystemExit:  # how an interrupt ends a worker
        raise KeyboardInterrupt from None
    except Exception as error:  # what came of it could not be sent here
        return error


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin_worker)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keeps an interrupt waiting, here and in processes begun here until they are ready for it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker() -> None:
    import cv2

    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, name="faceveil-orphan", daemon=True).start()
    signal.signal(signal.SIGINT, _leave)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _leave(number: int, _frame: FrameType | None) -> None:
    if not _busy.is_set():  # nothing is half-written, and whoever waits here would print this
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    raise SystemExit(INTERRUPTED)


def _at_work(function: Callable[[J], R], job: J) -> R | Exception:
    """``outcome_of`` in a worker."""
    _busy.set()
    try:
        return outcome_of(function, job)
    finally:
        _busy.clear()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work forever."""
    parent = parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGINT)  # unwinds what is under way: half-written files go
    time.sleep(_GRACE)
    os.kill(os.getpid(), signal.SIGTERM)
