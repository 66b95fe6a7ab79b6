"""Many files: which they are, where each goes, and who works on them.

An executor is anything with ``map``: it takes a function and jobs and gives back the results in
the order in which they are done.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path, PurePath
from typing import Protocol, TypeVar

from faceveil.detect.runtime import bounded
from faceveil.errors import UsageError
from faceveil.options import Options
from faceveil.report import Report

J = TypeVar("J")
R = TypeVar("R")

# Fewer files than this are done before further processes have loaded their detectors.
WORTH_PROCESSES = 4


@dataclass(frozen=True, slots=True)
class Job:
    """A file to work on.

    Attributes:
        path: where it lies.
        folder: the folder below the output folder that mirrors where it was found.
    """

    path: Path
    folder: PurePath = field(default_factory=PurePath)


class Executor(Protocol):
    def map(self, function: Callable[[J], R], jobs: Iterable[J]) -> Iterator[R]:
        """Results in order of completion. ``function`` must not raise."""
        ...


class Serial:
    """One job after the other, in this process."""

    def map(self, function: Callable[[J], R], jobs: Iterable[J]) -> Iterator[R]:
        return map(function, jobs)


class Processes:
    """As many processes as given, each with a detector of its own."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def map(self, function: Callable[[J], R], jobs: Iterable[J]) -> Iterator[R]:
        waiting = iter(jobs)
        pool = ProcessPoolExecutor(self.workers, mp_context=get_context("spawn"))
        try:
            # Only so many are handed out that no worker idles: a million jobs need no memory.
            running: set[Future[R]] = {
                pool.submit(function, job) for job in islice(waiting, 2 * self.workers)
            }
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {pool.submit(function, job) for job in islice(waiting, len(done))}
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def find_jobs(inputs: Sequence[Path]) -> list[Job]:
    """The files behind the inputs: each file itself, and all below each folder.

    Hidden files, and folders that are links, are passed over.

    Raises:
        UsageError: nothing is there to work on.
    """
    jobs = []
    for given in inputs:
        if not given.is_dir():
            jobs.append(Job(given))
            continue
        for folder, below, files in os.walk(given):
            below[:] = sorted(name for name in below if not name.startswith("."))
            at = Path(folder)
            jobs += [
                Job(at / name, at.relative_to(given))
                for name in sorted(files)
                if not name.startswith(".")
            ]
    if not jobs:
        raise UsageError(f"no file in {', '.join(map(str, inputs))}")
    return jobs


def veil_files(
    jobs: Sequence[Job],
    out: Path | None,
    options: Options,
    executor: Executor | None = None,
) -> Iterator[tuple[Job, Report | Exception]]:
    """Obscure many files. One that fails does not stop the others.

    Args:
        out: folder for the outputs; None puts each beside its input.

    Yields:
        Each job with its report, or with what went wrong, in order of completion.

    Raises:
        UsageError: two inputs would be written to the same place.
    """
    if out is not None:
        places = Counter((job.folder, job.path.name) for job in jobs)
        twice = [str(PurePath(*place)) for place, count in places.items() if count > 1]
        if twice:
            raise UsageError(
                f"several inputs are called {twice[0]}", "give each its own output folder"
            )
    workers = bounded(options.jobs)
    if executor is None:
        parallel = workers > 1 and len(jobs) >= WORTH_PROCESSES
        executor = Processes(workers) if parallel else Serial()
    if isinstance(executor, Processes) and not options.threads:
        options = options.model_copy(update={"threads": 1})
    return executor.map(partial(_veil, out=out, options=options), jobs)


def _veil(job: Job, *, out: Path | None, options: Options) -> tuple[Job, Report | Exception]:
    from faceveil.pipeline import veil_file

    try:
        folder = None if out is None else out / job.folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        return job, veil_file(job.path, folder, options)
    except Exception as error:
        return job, error
