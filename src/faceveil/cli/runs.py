"""Working on files one by one or many at once, and telling what came of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from faceveil.cli.ui import UI, describe, private_file
from faceveil.errors import SOME_FAILED, UsageError, WeightsError, WithheldError

if TYPE_CHECKING:
    from faceveil.batch import Job
    from faceveil.options import Options
    from faceveil.pipeline import Progress
    from faceveil.report import Report
    from faceveil.types import Plan

T = TypeVar("T")


class Outcomes:
    """What came of each file; one that fails is named and does not stop the others.

    Args:
        lines: where reports are saved, or None.
    """

    def __init__(self, ui: UI, lines: IO[str] | None = None) -> None:
        self.ui = ui
        self.lines = lines
        self._codes: set[int] = set()

    @property
    def exit_code(self) -> int:
        """The one that all files have in common; otherwise, that some failed."""
        (code, *others) = self._codes
        return SOME_FAILED if others else code

    def done(self) -> None:
        self._codes.add(0)

    def veiled(self, path: Path, folder: Path, report: Report) -> None:
        """A file was obscured and written into ``folder``."""
        self.done()
        self.ui.result(
            f"{path} -> {folder / report.output}: {count(report.tracks, 'face')} covered"
        )
        for warning in report.warnings:
            self.ui.warn(f"{path}: {warning}")
        self._save(report.to_json())

    def failed(self, path: Path, error: Exception) -> None:
        """A file could not be worked on.

        Raises:
            UsageError, WeightsError: the error itself, since no other file would fare better.
        """
        if isinstance(error, UsageError | WeightsError):
            raise error
        from faceveil.report import Report

        self._codes.add(self.ui.error(error, str(path)))
        report = error.report if isinstance(error, WithheldError) else None
        failed = Report(status="failed", input=path.name, warnings=(describe(error),))
        self._save((report or failed).to_json())

    def _save(self, line: str) -> None:
        if self.lines is not None:
            print(line, file=self.lines, flush=True)


def find_jobs(
    inputs: Sequence[Path], *, report: Path | None = None, plan: Path | None = None
) -> list[Job]:
    """The files behind the inputs.

    Raises:
        UsageError: there are none, or a side output would destroy one, or there are several and
            only one can have a plan.
    """
    from faceveil import batch

    jobs = batch.find_jobs(inputs)
    if plan is not None and len(jobs) > 1:
        raise UsageError(f"--plan takes one input, not {len(jobs)}")
    taken = {job.path.resolve() for job in jobs}
    for side in (report, plan):
        if side is not None and side.resolve() in taken:
            raise UsageError(f"{side} is an input and would be overwritten")
    return jobs


def run_each(
    ui: UI,
    files: Sequence[Path],
    work: Callable[[Path, Progress], T],
    show: Callable[[Path, T], None],
) -> int:
    """Work on each file in turn and show its outcome."""
    outcomes = Outcomes(ui)
    for path in files:
        try:
            with ui.progress(path.name) as progress:
                outcome = work(path, progress)
        except Exception as error:
            outcomes.failed(path, error)
        else:
            outcomes.done()
            show(path, outcome)
    return outcomes.exit_code


def veil_one(
    ui: UI, path: Path, out: Path | None, work: Callable[[Progress], Report], report: Path | None
) -> int:
    """Obscure one file and tell about it."""
    with private_file(report) as lines:
        outcomes = Outcomes(ui, lines)
        try:
            with ui.progress(path.name) as progress:
                done = work(progress)
        except Exception as error:
            outcomes.failed(path, error)
        else:
            folder = path.parent if out is None else out if out.is_dir() else out.parent
            outcomes.veiled(path, folder, done)
    return outcomes.exit_code


def veil_many(
    ui: UI, jobs: Sequence[Job], out: Path | None, options: Options, report: Path | None
) -> int:
    """Obscure many files at once and tell about each."""
    from faceveil.batch import veil_files

    if out is not None and out.exists() and not out.is_dir():
        raise UsageError(f"{out} is no folder, and there are {len(jobs)} files to put into it")
    with private_file(report) as lines, ui.progress(f"{len(jobs)} files") as progress:
        outcomes = Outcomes(ui, lines)
        for number, (job, done) in enumerate(veil_files(jobs, out, options), 1):
            progress("obscured", number, len(jobs))
            if isinstance(done, Exception):
                outcomes.failed(job.path, done)
            else:
                outcomes.veiled(job.path, out / job.folder if out else job.path.parent, done)
    return outcomes.exit_code


def save_plan(path: Path, plan: Plan) -> None:
    """Write a plan for its owner alone."""
    with private_file(path) as file:
        if file is not None:
            file.write(plan.to_json())


def read_plan(path: Path) -> Plan:
    """A plan that was saved and perhaps edited.

    Raises:
        UsageError: the file is not there or holds no plan; says what is wrong with it.
    """
    from pydantic import ValidationError

    from faceveil.types import Plan

    try:
        return Plan.from_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        reason = f"{place}: {first['msg']}" if place else first["msg"]
    except OSError as error:
        reason = error.strerror or "it cannot be read"
    raise UsageError(f"{path} cannot be used as a plan: {reason}")


def count(number: int, noun: str) -> str:
    """ "1 face", "2 faces"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
