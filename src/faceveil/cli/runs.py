"""Work on files one by one or many at once, and print the result of each."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, TypeVar

from faceveil.cli import interrupts
from faceveil.cli.idle import tell_idle
from faceveil.cli.outcomes import Outcomes
from faceveil.cli.ui import UI
from faceveil.errors import (
    ExitCode,
    FaceVeilError,
    InputError,
    OutputError,
    UsageError,
)
from faceveil.i18n import reason_of, say
from faceveil.plan import Media, Plan

if TYPE_CHECKING:
    from faceveil.batch import InputFile, Inputs, Passed
    from faceveil.batch.apart import Apart
    from faceveil.batch.storage import Stamp
    from faceveil.cli.verbs_evidence import Evidence
    from faceveil.options import Options
    from faceveil.pipeline import Progress
    from faceveil.report import Report

T = TypeVar("T")

MANIFEST = "faceveil-done.jsonl"
"""Name of the manifest of a run that is resumable and names none."""
_FILE_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}")


def find_inputs(
    inputs: Sequence[Path],
    options: Options,
    *,
    out: Path | None = None,
    sides: Sequence[Path | None] = (),
    plan: Path | None = None,
    manifest: Path | None = None,
    outputs: bool = False,
) -> Inputs:
    """The files behind the inputs.

    Args:
        sides: other files that will be written.
        outputs: take FaceVeil's own outputs, too.

    Raises:
        UsageError: there are none, or a side output would destroy one, or there are several and
            only one can have a plan.
    """
    from faceveil import batch

    apart = [out] if out is not None else []
    made: dict[str, Stamp] = {}
    if manifest is not None:
        from faceveil.batch.manifest import is_manifest, outputs_in

        apart += [manifest] if is_manifest(manifest) else []
        made = outputs_in(manifest) if out is None else {}
    found = batch.find_inputs(inputs, options, apart=apart, outputs=outputs, made=made)
    jobs = found.jobs
    if plan is not None and len(jobs) > 1:
        raise UsageError(say("--plan takes one input, not {count}", count=len(jobs)))
    given = [side for side in (*sides, plan, manifest) if side is not None]
    names = {side.name for side in given}
    taken = {Path(str(job)).resolve() for job in jobs if PurePath(job.name).name in names}
    for side in given:
        if side.resolve() in taken:
            raise UsageError(say("{path} is an input and would be overwritten", path=side))
        if side is not manifest and not side.parent.is_dir():
            raise OutputError(say("{path} is not there, or no folder", path=side.parent))
    return found


def manifest_beside(inputs: Sequence[Path], out: Path | None) -> Path:
    """The manifest of a run that names none: in the folder of its outputs.

    Raises:
        UsageError: the outputs are to go into what is named like a file.
    """
    if out is None:
        return (inputs[0] if inputs[0].is_dir() else inputs[0].parent) / MANIFEST
    if out.suffix.lower() == ".zip" and not out.is_dir():
        return out.parent / MANIFEST
    _require_no_file(out)
    return out / MANIFEST


def _require_no_file(out: Path) -> None:
    if not out.is_dir() and _FILE_SUFFIX.fullmatch(out.suffix):
        raise UsageError(
            say("{out} is named like a file, but a folder is needed here", out=out),
            say("End the name with / if it is to be a folder: {out}/", out=out),
        )


def make_folder(out: str | None) -> None:
    """Make the folder for outputs, if the name says by its end that it is one.

    Raises:
        OutputError: it cannot be made.
    """
    from faceveil.batch.storage import is_url

    if out is None or is_url(out) or not out.endswith(("/", os.sep)):
        return
    try:
        Path(out).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            say("cannot make {path}: {reason}", path=out, reason=reason_of(error))
        ) from error


def _require_folder(out: Path, count: int) -> None:
    """Refuse a folder for outputs before any work is done.

    Raises:
        UsageError: it is a file, or named like one.
        OutputError: it cannot be made, or nothing can be written into it.
    """
    from faceveil.batch.storage import is_url

    if is_url(str(out)):
        return
    if out.exists() and not out.is_dir():
        raise UsageError(
            say(
                "{out} is no folder, and there are {count} files to put into it",
                out=out,
                count=count,
            )
        )
    _require_no_file(out)
    new = [one for one in (out, *out.parents) if not one.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise OutputError(
            say("cannot write {path}: {reason}", path=out, reason=reason_of(error))
        ) from error
    finally:
        for one in new:
            with suppress(OSError):
                one.rmdir()


def is_many(inputs: Sequence[Path], jobs: Sequence[InputFile]) -> bool:
    """Whether there are several files; one file goes beside its input, or where ``-o`` says."""
    from faceveil.batch.storage import is_url
    from faceveil.media.archives.archive import archive_kind

    first = inputs[0]
    if len(jobs) != 1 or len(inputs) > 1 or first.is_dir() or is_url(str(first)):
        return True
    try:
        return archive_kind(first) is not None
    except InputError:
        return False


def _outcome(
    helper: Apart | None,
    work: Callable[[Path, Progress], T],
    path: Path,
    options: Options,
    progress: Progress,
) -> T | Exception:
    """Work on a file, in a process of its own or, without a helper, in this one."""
    from faceveil.batch.apart import LostError, outcome_of, with_heartbeat

    if helper is None:
        return outcome_of(work, path, progress)
    outcome = helper.run(with_heartbeat, work, path, options, watch=progress)
    if isinstance(outcome, LostError):
        outcome = helper.run(with_heartbeat, work, path, options, watch=progress)
    return outcome


def run_each(
    ui: UI,
    inputs: Inputs,
    options: Options,
    work: Callable[[Path, Progress], T],
    show: Callable[[str, T], None],
) -> ExitCode:
    """Work on each file and each member of archives in turn, and show its outcome.

    If there are several, each is in a process of its own, so that a file that crashes or hangs it
    does not affect the others.

    Args:
        work: a function of a module, so that it can be sent to another process.
    """
    from faceveil import batch
    from faceveil.batch.apart import Apart
    from faceveil.batch.work import is_archive

    outcomes = Outcomes(ui)
    outcomes.found(inputs)
    alone = len(inputs.jobs) == 1 and not is_archive(inputs.jobs[0])
    media = list[Media]()
    with Apart() as helper:
        for job in inputs.jobs:
            for name, item in _files(job, options):
                if isinstance(item, batch.Passed):
                    outcomes.passed(replace(item, name=name))
                    outcomes.sidecars([item])
                    continue
                outcome: T | Exception
                if isinstance(item, Exception):
                    outcome = item
                else:
                    with ui.progress(PurePath(name).name) as progress:
                        outcome = _outcome(None if alone else helper, work, item, options, progress)
                if isinstance(outcome, Exception):
                    outcomes.failed(name, outcome)
                else:
                    outcomes.done()
                    show(name, outcome)
                    if isinstance(outcome, Plan):
                        media.append(outcome.media)
                interrupts.heed()
    every = len(inputs.jobs) + (outcomes.exit_code != ExitCode.OK)
    tell_idle(ui, options, media, inputs, every=every, many=not alone)
    return outcomes.exit_code


def _files(job: InputFile, options: Options) -> Iterator[tuple[str, Path | Exception | Passed]]:
    """A file by its name, or all that an archive holds."""
    from faceveil.batch.unpacked import unpacked
    from faceveil.batch.work import is_archive

    if not is_archive(job):
        yield str(job), job.path
        return
    try:
        for name, item in unpacked(job.path, options):
            yield f"{job}/{name}", item
    except FaceVeilError as error:
        yield str(job), error


def veil_one(
    ui: UI,
    path: Path,
    out: Path | None,
    work: Callable[[Progress], Report],
    evidence: Evidence,
    options: Options,
    *,
    searched: bool = True,
) -> ExitCode:
    """Obscure one file and print its result.

    Args:
        searched: faces are looked for in it, and not only by the check.
    """
    with evidence:
        outcomes = Outcomes(ui, evidence, strict=options.strict)
        try:
            with ui.progress(path.name) as progress:
                done = work(progress)
        except Exception as error:
            outcomes.failed(path, error)
        else:
            folder = path.parent if out is None else out if out.is_dir() else out.parent
            outcomes.veiled(path, folder, done)
            if not (done.regions or done.kept):
                least = done.smallest_face_px
                ui.note(say("no face of {size:.0f} px or more is in {name}", size=least, name=path))
                ui.note(say("--min-face looks for smaller ones, --cover-zones covers a place."))
    outcomes.remarks.tell(ui)
    tell_idle(ui, options, outcomes.remarks.media, searched=searched)
    return outcomes.exit_code


def veil_many(
    ui: UI,
    inputs: Inputs,
    out: Path | None,
    options: Options,
    evidence: Evidence,
    manifest: Path | None = None,
    *,
    resume: bool = False,
    boxes: Path | None = None,
) -> ExitCode:
    """Obscure many files at once and print the result of each."""
    from faceveil.batch import Manifest, veil_files
    from faceveil.dataset import read_labels

    jobs = inputs.jobs
    number = max(len(jobs), inputs.given)
    if out is not None and number > 1:
        _require_folder(out, number)
    labels = read_labels(boxes) if boxes is not None else None
    done: Manifest | None = None
    with evidence, ExitStack() as stack:
        if manifest is not None:
            plans = labels.sha256 if labels else ""
            done = stack.enter_context(Manifest(str(manifest), options, resume=resume, plans=plans))
        executor = None
        if options.ray_address is not None:
            from faceveil.batch.ray import Cluster

            executor = stack.enter_context(Cluster(options.ray_address, options.jobs))
        outcomes = Outcomes(ui, evidence, strict=options.strict)
        outcomes.found(inputs)
        watch = stack.enter_context(ui.batch(inputs))
        for one in veil_files(
            jobs, out, options, executor, manifest=done, labels=labels, watch=watch
        ):
            for member in one.passed:
                outcomes.passed(replace(member, name=f"{one.job}/{member.name}"))
            outcomes.sidecars(one.passed)
            for note in one.notes:
                ui.note(say("{name}: {what}", name=one.job, what=note))
            if one.outcome is None:
                outcomes.done(partial=one.partial)
                outcomes.add(one.codes)
            elif isinstance(one.outcome, Exception):
                outcomes.failed(one.job, one.outcome, one.codes)
            else:
                named = (
                    say("{name} is left out: {reason}", name=piece.name, reason=piece.reason)
                    for piece in one.passed
                )
                told = {*one.notes, *named}
                outcomes.veiled(one.job, one.folder, one.outcome, one.packed, told)
                outcomes.add(one.codes)
            interrupts.heed()
    outcomes.remarks.tell(ui)
    media, searched = outcomes.remarks.media, boxes is None
    tell_idle(ui, options, media, inputs, every=len(jobs), many=True, searched=searched)
    return outcomes.exit_code
