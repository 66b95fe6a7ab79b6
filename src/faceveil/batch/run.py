"""The run over many files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from faceveil.batch.bundle import Bundle, Piece
from faceveil.batch.executors import Processes, Serial
from faceveil.batch.find import Job, is_own
from faceveil.batch.manifest import Entry, Manifest
from faceveil.batch.store import Stamp, deliver, fetch, is_url, place_of
from faceveil.dataset import Labels, Marked
from faceveil.detect.runtime import bounded
from faceveil.errors import FaceVeilError, UnsupportedError, UsageError
from faceveil.media.archive import archive_kind
from faceveil.options import Options
from faceveil.report import Report
from faceveil.stages import Executor

# Fewer files than this are done before further processes have loaded their detectors.
WORTH_PROCESSES = 4


@dataclass
class Counts:
    """How far a run is. A file of an archive counts like any other.

    Attributes:
        files: how many there are, as far as is known yet.
        done: how many are through, of which ``failed`` failed and ``partial`` have warnings.
        skipped: how many of them an earlier run had done.
        faces: different faces covered in them.
    """

    files: int = 0
    done: int = 0
    failed: int = 0
    partial: int = 0
    skipped: int = 0
    faces: int = 0

    def add(self, outcome: Report | Exception) -> None:
        self.done += 1
        if isinstance(outcome, Exception):
            self.failed += 1
            return
        self.partial += outcome.status == "partial"
        self.faces += outcome.tracks

    def skip(self, entry: Entry) -> None:
        self.done += 1
        self.skipped += 1
        self.partial += entry.status == "partial"
        self.faces += entry.faces


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one input.

    Attributes:
        outcome: the report, or what went wrong; None: an earlier run had done it.
        folder: where the output lies.
        partial: there were warnings, now or in the earlier run.
    """

    job: Job
    outcome: Report | Exception | None
    folder: str
    partial: bool = False


@dataclass(frozen=True, slots=True)
class _Task:
    """What an executor is handed: a file, or a member of an archive."""

    job: Job
    folder: str
    stamp: Stamp | None = None
    piece: Piece | None = None
    bundle: int = 0
    marked: Marked | None = None


def veil_files(
    jobs: Sequence[Job],
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
        labels: someone else's boxes, to be painted in place of what a detector finds.
        watch: called with the counts whenever they change.

    Yields:
        What came of each, in order of completion.

    Raises:
        UsageError: two inputs would be written to the same place.
    """
    _refuse_doubles(jobs, out, manifest)
    workers = bounded(options.jobs)
    if executor is None:
        parallel = workers > 1 and (len(jobs) >= WORTH_PROCESSES or any(map(_is_archive, jobs)))
        executor = Processes(workers) if parallel else Serial()
    if executor.workers > 1 and not options.threads:
        options = options.model_copy(update={"threads": 1})
    run = _Run(out, options, manifest, watch or (lambda counts: None), labels)
    return run.over(jobs, executor)


def _refuse_doubles(jobs: Sequence[Job], out: Path | str | None, manifest: object) -> None:
    if out is None and manifest is None:
        return
    if len({job.root for job in jobs}) < 2:
        return
    twice = [name for name, count in Counter(job.name for job in jobs).items() if count > 1]
    if twice:
        raise UsageError(f"several inputs are called {twice[0]}", "give each its own output folder")


def _is_archive(job: Job) -> bool:
    try:
        return not is_url(job.root) and archive_kind(job.path) is not None
    except FaceVeilError:
        return False


class _Run:
    def __init__(
        self,
        out: Path | str | None,
        options: Options,
        manifest: Manifest | None,
        watch: Callable[[Counts], None],
        labels: Labels | None,
    ) -> None:
        remote = out is not None and is_url(str(out))
        named = out is not None and not remote and str(out).lower().endswith(".zip")
        self._zip = Path(out) if out is not None and named and not Path(out).is_dir() else None
        self._out = None if out is None or self._zip else place_of(str(out)).root
        self._options, self._manifest, self._watch = options, manifest, watch
        self._labels = labels
        self._counts = Counts()
        self._bundles: dict[int, tuple[_Task, Bundle]] = {}
        self._ready: deque[Done] = deque()
        self._swept: set[str] = set()

    def over(self, jobs: Sequence[Job], executor: Executor) -> Iterator[Done]:
        self._counts.files = len(jobs)
        work = partial(_work, options=self._options, here=Path.cwd())
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

    def _tasks(self, jobs: Sequence[Job]) -> Iterator[_Task]:
        """What there is to do, found out when somebody is there to do it."""
        for number, job in enumerate(jobs):
            folder = self._folder(job)
            entry = self._manifest and self._manifest.finished(job, self._base())
            if entry:
                self._counts.skip(entry)
                self._watch(self._counts)
                self._ready.append(Done(job, None, folder, entry.status == "partial"))
                continue
            task = _Task(job, folder, place_of(job.root).stamp(job.name))
            try:
                self._prepare(folder)
                if not _is_archive(job):
                    yield replace(task, marked=self._marked(job.name))
                    continue
                bundle = Bundle(job.path, self._zip_for(job, folder), self._options)
            except FaceVeilError as error:
                self._counts.add(error)
                self._close(task, error)
                continue
            self._counts.files += len(bundle) - 1
            self._bundles[number] = task, bundle
            for piece in bundle.pieces():
                problem: Exception | None = None
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

    def _take(self, number: int, member: int, outcome: Report | Exception) -> None:
        self._watch(self._counts)
        if number not in self._bundles:  # given up
            return
        task, bundle = self._bundles[number]
        bundle.take(member, outcome)
        if bundle.complete:
            del self._bundles[number]
            self._close(task, bundle.finish())

    def _close(self, task: _Task, outcome: Report | Exception) -> None:
        if self._manifest is not None:
            self._manifest.record(task.job, task.stamp, self._base(), outcome)
        partial = isinstance(outcome, Report) and outcome.status == "partial"
        self._ready.append(Done(task.job, outcome, task.folder, partial))
        self._watch(self._counts)

    def _marked(self, name: str) -> Marked | None:
        return self._labels.of(name) if self._labels is not None else None

    def _base(self) -> str | None:
        return str(self._zip.parent) if self._zip else self._out

    def _folder(self, job: Job) -> str:
        base = self._base()
        if base is None:
            base = job.root
        if is_url(base):
            return "/".join((place_of(base).root, *job.folder.parts))
        return str(Path(base, job.folder))

    def _zip_for(self, job: Job, folder: str) -> Path:
        if self._zip is not None:
            return self._zip
        name = PurePosixPath(job.name).name
        stem = name[:-4] if name.lower().endswith(".zip") else name.replace(".", "-")
        return Path(folder, f"{stem}.veiled.zip")

    def _prepare(self, folder: str) -> None:
        """Make an output folder, and remove what a run that was killed left unfinished in it."""
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
                if ".veiled" in entry.name and entry.name.endswith(".part") and is_own(entry.name):
                    if entry.is_dir(follow_symlinks=False):
                        shutil.rmtree(entry.path, ignore_errors=True)
                    else:
                        Path(entry.path).unlink()


def _work(task: _Task, *, options: Options, here: Path) -> Report:
    """One file, in whatever process this is, which may have begun in another folder."""
    if task.piece is not None:
        return _veil(here / task.piece.path, here / task.piece.folder, options, task.marked)
    if not (is_url(task.job.root) or is_url(task.folder)):
        return _veil(here / task.job.path, here / task.folder, options, task.marked)
    with tempfile.TemporaryDirectory(prefix="faceveil-") as scratch:
        path = Path(scratch, PurePosixPath(task.job.name).name)
        if is_url(task.job.root):
            fetch(f"{task.job.root}/{task.job.name}", path)
            if archive_kind(path) is not None:
                raise UnsupportedError("an archive at a URL is not opened", "copy it here first")
        else:
            path = here / task.job.path
        if not is_url(task.folder):
            return _veil(path, here / task.folder, options, task.marked)
        out = Path(scratch, "out")
        out.mkdir()
        report = _veil(path, out, options, task.marked)
        deliver(out / report.output, f"{task.folder}/{report.output}")
        return report


def _veil(path: Path, folder: Path, options: Options, marked: Marked | None) -> Report:
    from faceveil.pipeline import marked_plan, veil_file

    plan = None if marked is None else marked_plan(path, marked, options)
    return veil_file(path, folder, options, plan=plan)
