"""Executors: many files in this process, or in others of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from queue import SimpleQueue
from typing import TypeVar

from faceveil.batch.apart import Apart, LostError, outcome_of

J = TypeVar("J")
R = TypeVar("R")


class Serial:
    """One job after the other, in this process. A crash ends all of them."""

    workers = 1

    def map(
        self, function: Callable[[J], R], jobs: Iterable[J]
    ) -> Iterator[tuple[J, R | Exception]]:
        return ((job, outcome_of(function, job)) for job in jobs)


class Processes:
    """As many processes as given, each with a detector of its own.

    If a process dies, its job is tried once more when no other job is running, because memory may
    have been short. A process without progress is ended.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def map(
        self, function: Callable[[J], R], jobs: Iterable[J]
    ) -> Iterator[tuple[J, R | Exception]]:
        """See `faceveil.system.stages.Executor`."""
        helpers = [Apart(alone=self.workers == 1) for _ in range(self.workers)]
        free: SimpleQueue[Apart] = SimpleQueue()
        for helper in helpers:
            free.put(helper)

        def work(job: J) -> R | Exception:
            helper = free.get()
            try:
                return helper.run(function, job)
            finally:
                free.put(helper)

        waiting, lost = iter(jobs), list[J]()
        running: dict[Future[R | Exception], J] = {}
        # Each process has a thread that waits for it. Only as many jobs are taken as keep them
        # busy.
        threads = ThreadPoolExecutor(self.workers, "faceveil-apart")
        try:
            while True:
                for job in islice(waiting, 2 * self.workers - len(running)):
                    running[threads.submit(work, job)] = job
                if not running:
                    break
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    job, outcome = running.pop(future), future.result()
                    if isinstance(outcome, LostError):
                        lost.append(job)
                    else:
                        yield job, outcome
            for job in lost:
                yield job, work(job)
        except BaseException:
            for helper in helpers:
                helper.stop()
            raise
        finally:
            threads.shutdown(wait=True, cancel_futures=True)
            for helper in helpers:
                helper.close()
