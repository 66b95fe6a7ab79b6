"""The run over many files."""

from __future__ import annotations

import os
import shutil
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from faceveil.batch.archive_job import ArchiveJob, MemberOutcome, Piece, exit_code_of
from faceveil.batch.counts import Counts, Done
from faceveil.batch.executors import Processes
from faceveil.batch.find import InputFile, Passed, is_unfinished
from faceveil.batch.manifest import Manifest, ManifestEntry
from faceveil.batch.storage import is_url, place_of
from faceveil.batch.work import Task, do_task, is_archive
from faceveil.dataset import Labels, Marked
from faceveil.detect.runtime import bounded
from faceveil.errors import ExitCode, FaceVeilError, UnsupportedError, UsageError
from faceveil.i18n import say
from faceveil.media.kin import is_own_zip
from faceveil.media.names import MARK, clashing, told_apart, veiled_name
from faceveil.options import Options
from faceveil.report import Report
from faceveil.system.stages import Executor
from faceveil.system.text import shown

# Fewer files than this are done before further processes have loaded their detectors.
WORTH_PROCESSES = 4


def veil_files(
    jobs: Sequence[InputFile],
    out: Path | str | None,
    options: Options,
    executor: Executor | None = None,
    *,
    manifest: Manifest | None = None,
    labels: Labels | None = None,
    watch: Callable[[Counts], None] | None = None,
) -> Iterator[Done]:
    """Obscure many files. One that fails does not stop the others.

    Args:
        out: folder or URL for the outputs; None puts each beside its input. For a single archive
            the zip to write, if its name ends so.
        manifest: what is done already, and where it is written down.
        labels: boxes from elsewhere, to be painted instead of those that a detector finds.
        watch: called with the counts whenever they change.

    Yields:
        The result of each, in order of completion.

    Raises:
        UsageError: several inputs would be written to the same place.
    """
    _refuse_doubles(jobs, out, manifest)
    if len(jobs) > 1 and _is_zip(out):
        raise UsageError(
            say(
                "{out} is no folder, and there are {count} files to put into it",
                out=out,
                count=len(jobs),
            )
        )
    workers = bounded(options.jobs)
    if executor is None:
        parallel = workers > 1 and (len(jobs) >= WORTH_PROCESSES or any(map(is_archive, jobs)))
        executor = Processes(workers if parallel else 1)
    if executor.workers > 1 and not options.threads:
        options = options.model_copy(update={"threads": 1})
    run = _Run(out, options, manifest, watch or (lambda counts: None), labels)
    return run.over(jobs, executor)


def _refuse_doubles(jobs: Sequence[InputFile], out: Path | str | None, manifest: object) -> None:
    if out is None and manifest is None:
        return
    if len({job.root for job in jobs}) < 2:
        return
    twice = [name for name, count in Counter(job.name for job in jobs).items() if count > 1]
    if twice:
        name = shown(twice[0])
        raise UsageError(
            say("several inputs are called {name}", name=name),
            say("give each its own output folder"),
        )


def _is_zip(out: Path | str | None) -> bool:
    """Whether the output is the zip of one archive, and no folder or URL."""
    if out is None or is_url(str(out)) or not str(out).lower().endswith(".zip"):
        return False
    return not Path(out).is_dir()


def _done_earlier(job: InputFile, folder: str, entry: ManifestEntry) -> Done:
    done = Done(job, None, folder, entry.status == "partial")
    if not entry.failed:
        return done
    note = say("an earlier run left out {count} of its files", count=entry.failed)
    return replace(done, codes=frozenset({ExitCode.OK, ExitCode.SOME_FAILED}), notes=(note,))


class _Run:
    def __init__(
        self,
        out: Path | str | None,
        options: Options,
        manifest: Manifest | None,
        watch: Callable[[Counts], None],
        labels: Labels | None,
    ) -> None:
        self._zip = Path(out) if out is not None and _is_zip(out) else None
        self._out = None if out is None or self._zip else place_of(str(out)).root
        self._options, self._manifest, self._watch = options, manifest, watch
        self._labels = labels
        self._counts = Counts()
        self._bundles: dict[int, tuple[Task, ArchiveJob]] = {}
        self._called: dict[InputFile, str] = {}
        self._ready: deque[Done] = deque()
        self._swept: set[str] = set()

    def over(self, jobs: Sequence[InputFile], executor: Executor) -> Iterator[Done]:
        self._counts.files = len(jobs)
        self._called = self._distinct_names(jobs)
        work = partial(do_task, options=self._options, here=Path.cwd())
        try:
            for task, outcome in executor.map(work, self._tasks(jobs)):
                self._counts.add(outcome)
                if task.piece is None:
                    self._close(task, outcome)
                else:
                    self._take(task.bundle, task.piece.number, outcome)
                while self._ready:
                    yield self._ready.popleft()
            yield from self._ready
        finally:
            for _, bundle in self._bundles.values():
                bundle.abort()

    def _tasks(self, jobs: Sequence[InputFile]) -> Iterator[Task]:
        """The tasks, each made only when a process is free for it."""
        for number, job in enumerate(jobs):
            folder = self._folder(job)
            entry = self._manifest and self._manifest.finished(job, self._base())
            if entry:
                self._counts.skip(entry)
                self._watch(self._counts)
                self._ready.append(_done_earlier(job, folder, entry))
                continue
            called = self._called.get(job, "")
            task = Task(job, folder, called, place_of(job.root).stamp(job.name))
            try:
                self._prepare(folder)
                if not is_archive(job):
                    yield replace(task, marked=self._marked(job.name))
                    continue
                bundle = ArchiveJob(job.path, self._zip_for(task), self._options)
            except FaceVeilError as error:
                self._counts.add(error)
                self._close(task, error)
                continue
            self._counts.files += len(bundle) + bundle.failed - 1
            self._counts.done += bundle.failed
            self._counts.failed += bundle.failed
            self._counts.aside += len(bundle.passed)
            self._bundles[number] = task, bundle
            self._end(number)
            for piece in bundle.pieces():
                problem: Exception | Passed | None = None
                if isinstance(piece, Piece):
                    member = piece.number
                    try:
                        marked = self._marked(piece.name)
                        yield replace(task, piece=piece, bundle=number, marked=marked)
                    except UnsupportedError as error:
                        problem = error
                else:
                    member, problem = piece
                if problem is not None:
                    self._counts.add(problem)
                    self._take(number, member, problem)

    def _take(self, number: int, member: int, outcome: MemberOutcome) -> None:
        self._watch(self._counts)
        if number in self._bundles:  # or it was given up
            self._bundles[number][1].take(member, outcome)
            self._end(number)

    def _end(self, number: int) -> None:
        """Yield the result of an archive when all of its members are finished."""
        task, bundle = self._bundles[number]
        if bundle.complete:
            del self._bundles[number]
            self._close(task, bundle.finish(), bundle)

    def _close(
        self, task: Task, outcome: Report | Exception, bundle: ArchiveJob | None = None
    ) -> None:
        failed = bundle.failed if bundle is not None else 0
        if self._manifest is not None:
            self._manifest.record(task.job, task.stamp, self._base(), outcome, failed)
        partial = isinstance(outcome, Report) and outcome.status == "partial"
        own = exit_code_of(outcome) if isinstance(outcome, Exception) else ExitCode.OK
        codes = frozenset({own})
        done = Done(task.job, outcome, task.folder, partial, codes)
        if bundle is not None:
            done = replace(
                done,
                codes=codes if bundle.stopped else frozenset(bundle.codes) or codes,
                packed=tuple(bundle.packed) if isinstance(outcome, Report) else (),
                passed=tuple(bundle.passed),
                notes=bundle.names_notes,
            )
        self._ready.append(done)
        self._watch(self._counts)

    def _marked(self, name: str) -> Marked | None:
        return self._labels.of(name) if self._labels is not None else None

    def _base(self) -> str | None:
        return str(self._zip.parent) if self._zip else self._out

    def _folder(self, job: InputFile) -> str:
        base = self._base()
        if base is None:
            base = job.root
        if is_url(base):
            return "/".join((place_of(base).root, *job.folder.parts))
        return str(Path(base, job.folder))

    def _zip_for(self, task: Task) -> Path:
        if self._zip is not None:
            return self._zip
        name = task.called or PurePosixPath(task.job.name).name
        target = Path(task.folder, veiled_name(name, ".zip"))
        if not os.path.lexists(target) or is_own_zip(target):
            return target
        return target.with_name(veiled_name(told_apart(name), ".zip"))

    def _distinct_names(self, jobs: Sequence[InputFile]) -> dict[InputFile, str]:
        """Names for the outputs that would otherwise share one with another output."""
        folders = defaultdict[str, list[tuple[InputFile, str]]](list)
        for job in jobs:
            folders[self._folder(job)].append((job, PurePosixPath(job.name).name))
        called = {}
        for pairs in folders.values():
            beside = [name for _, name in pairs] if self._base() is None else []
            for job in clashing(pairs, beside):
                called[job] = told_apart(PurePosixPath(job.name).name)
        return called

    def _prepare(self, folder: str) -> None:
        """Make an output folder, and remove unfinished files of a killed run from it."""
        if folder in self._swept or is_url(folder):
            return
        self._swept.add(folder)
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            from faceveil.media.part import cannot_write

            raise cannot_write(error) from error
        if self._manifest is None or not self._manifest.resume:
            return
        with suppress(OSError), os.scandir(folder) as found:
            for entry in found:
                if MARK in entry.name and is_unfinished(entry.name):
                    if entry.is_dir(follow_symlinks=False):
                        shutil.rmtree(entry.path, ignore_errors=True)
                    else:
                        Path(entry.path).unlink()
