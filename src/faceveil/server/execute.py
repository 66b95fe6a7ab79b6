"""The stages of a job in a worker."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from faceveil.batch.apart import patience
from faceveil.errors import FaceVeilError, LimitError, WithheldError
from faceveil.i18n import say
from faceveil.options import Options
from faceveil.plan import Plan
from faceveil.report import Report
from faceveil.server import actions
from faceveil.server.client_names import base_name, result_name
from faceveil.server.grouping import numbered
from faceveil.server.locks import HeldError
from faceveil.server.problems import ProblemError, problem, problem_of
from faceveil.server.references import photos_of_job
from faceveil.server.store import (
    ORIGINAL,
    PAGE,
    PLAN,
    REPORT,
    UNFINISHED,
    JobProgress,
    JobState,
    Record,
    Store,
)
from faceveil.system import beats

ATTEMPTS = 3
"""The number of workers that may die on a job before it is given up."""

_EVERY = 0.25
"""Seconds between two records of progress, and between two checks whether to stop."""
_MOST_RATE = 120
"""Frames a second that are allowed for where a video does not say how long it is."""
_TAKE_OVER = 2.0
_PICTURES = 6
"""Small pictures of a result on its page, at most."""

GIVEN_UP = problem(
    500,
    "worker-died",
    say("the worker died of this file several times"),
    say("Try another copy of it."),
)
HUNG = problem(
    500,
    "hung",
    say("the worker was ended because nothing of this file was done for too long"),
    say("Try another copy of it."),
)


class StoppedError(Exception):
    """The job was cancelled or deleted."""


def work_on(store: Store, job: str, machine: dict[str, Any]) -> None:
    """Do everything of a job that can be done now. Leave it alone if it is finished or locked.

    Args:
        machine: options that are this machine's own: ``weights``, ``threads``.
    """
    with suppress(HeldError, FileNotFoundError, LookupError), store.lock(job, _TAKE_OVER):
        record = store.load(job)
        if record.state not in UNFINISHED:
            return
        store.tidy(job)
        if record.attempts >= ATTEMPTS:
            actions.fail(store, record, GIVEN_UP)
            return
        record = store.save(record.but(attempts=record.attempts + 1))
        try:
            people = {"people": record.people, **photos_of_job(store, job)}
            _run(store, record, Options(**{**record.options, **machine, **people}))
        except StoppedError:
            actions.fail(store, store.load(job), actions.CANCELLED)
            store.forget_stop(job)
        except LookupError:
            raise
        except Exception as error:
            if not store.path(job).exists():
                return
            # Before anybody sees that it ended: what was put aside may show a face.
            store.tidy(job)
            if isinstance(error, WithheldError) and error.report is not None:
                _save_report(store, record, error.report)
            actions.fail(store, store.load(job), problem_of(error))
            if not isinstance(error, FaceVeilError | ProblemError):
                raise
        except BaseException:
            # The worker is told to end; the job is not to blame.
            store.save(store.load(job).but(state="queued", attempts=record.attempts - 1))
            raise
        finally:
            with suppress(LookupError, FileNotFoundError):
                store.tidy(job)


def _run(store: Store, record: Record, options: Options) -> None:
    from faceveil import media
    from faceveil.pipeline import analyze_file, veil_file

    original = store.path(record.id, ORIGINAL)
    watch = _Watch(store, record)
    beats.patient(patience(original, options))
    if record.grouping is not None:
        watch.enter("analyzing")
        plan = numbered(original, actions.plan_of(store, record.id), options, watch)
        store.write(record.id, PLAN, plan.to_json())
        store.save(actions.regrouped(store.load(record.id)).but(people=True, **_counts(plan)))
        return
    if store.has(record.id, PLAN):
        plan = actions.plan_of(store, record.id)
    else:
        _require_short(original, record)
        document = media.kind_of(original)[1] in media.DOCUMENTS
        watch.enter("analyzing", kind="document" if document else None)
        plan = analyze_file(original, options, progress=watch)
        store.write(record.id, PLAN, plan.to_json())
    if record.review:  # until the review is done, also if a worker died or the job is retried
        watch.save(state="review", attempts=0, **_counts(plan))
        return
    watch.enter("rendering", **_counts(plan))
    # The format follows the kind of file; the name only says how its suffix is spelled.
    suffix = media.output_suffix(plan.media, base_name(record.name))
    result = store.path(record.id, f"result{suffix}")
    report = veil_file(original, result, options, plan=plan, progress=watch, mended=watch.mended)
    _save_report(store, record, report, result)
    watch.save(
        state="done",
        attempts=0,
        ended=time.time(),
        result=result.name,
        warnings=report.warnings,
        notes=report.notes,
        dropped=report.dropped,
        places=tuple(
            say("{name}: {what}", name=part, what=count)
            for part, count in report.faces_by_part.items()
        ),
        # Films in a document have plans of their own.
        faces=report.tracks,
        filled=report.filled,
        doubts=sum(1 for one in report.findings if one.frame is not None),
    )


_STATES: dict[str, JobState] = {"render": "rendering", "check": "checking"}
"""Stages that begin by themselves. There may be several renderings if the check finds a face."""


class _Watch:
    """Records the progress of a job, and stops it when it was cancelled."""

    def __init__(self, store: Store, record: Record) -> None:
        self._store = store
        self._record = record
        self._stage = ""
        self._began = self._noted = 0.0

    def save(self, **changes: Any) -> None:
        self._record = self._store.save(self._record.but(**changes))

    def enter(self, state: JobState, **changes: Any) -> None:
        """Begin a stage of the job."""
        if self._store.stop_asked(self._record.id):
            raise StoppedError
        self.save(state=state, **changes)

    def mended(self, plan: Plan) -> None:
        """Keep what the check has added, so that a person sees it and can take it away."""
        self._store.write(self._record.id, PLAN, plan.to_json())
        self.save(**_counts(plan))

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        beats.moved(stage, done, total)
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began, self._noted = stage, now, -_EVERY
            if stage in _STATES and self._record.state != _STATES[stage]:
                self.enter(_STATES[stage])
        if now - self._noted < _EVERY and done != total:
            return
        self._noted = now
        if self._store.stop_asked(self._record.id):
            raise StoppedError
        if total is None and done > self._record.longest * _MOST_RATE:
            raise LimitError(say("the video is longer than this service takes"))
        seconds = now - self._began
        fps = done / seconds if done > 1 and seconds > _EVERY else None
        left = (total - done) / fps if fps and total is not None else None
        self._store.save_progress(
            self._record.id,
            JobProgress(
                stage=stage,
                done=done,
                total=total,
                fps=None if fps is None else round(fps, 2),
                seconds_left=None if left is None else round(left, 1),
            ),
        )


def _counts(plan: Plan) -> dict[str, Any]:
    return {
        "kind": plan.media.kind,
        "width": plan.media.width,
        "height": plan.media.height,
        "frames": len(plan.pts),
        "pages": plan.media.pages,
        "pictures": plan.media.pictures,
        "faces": len(plan.hidden),
        "kept": len(plan.tracks) - len(plan.hidden),
        "filled": sum(track.filled for track in plan.tracks),
        "longest_fill": round(plan.longest_fill, 3),
        "added": sum(1 for track in plan.hidden if track.origin == "checked"),
    }


def _require_short(original: Path, record: Record) -> None:
    """Refuse a video that is too long, before any work on it.

    Raises:
        LimitError: it is.
    """
    from faceveil.media import HEAD, VIDEOS, sniff

    with original.open("rb") as file:
        kind = sniff(file.read(HEAD))
    if kind not in VIDEOS:
        return
    from faceveil.media.videos.containers import declared_seconds

    seconds = declared_seconds(original, kind)
    if seconds is not None and seconds > record.longest:
        raise LimitError(
            say(
                "the video is {minutes:.0f} minutes long, more than the "
                "{most:.0f} that this service takes",
                minutes=seconds / 60,
                most=record.longest / 60,
            ),
            say("Cut it, or raise --max-minutes."),
        )


def _save_report(store: Store, record: Record, report: Report, result: Path | None = None) -> None:
    """Save the report for programs, and for people as a page with small pictures of the result."""
    told = replace(
        report,
        input=base_name(record.name),
        output=report.output and result_name(record.name, report.output),
    )
    store.write(record.id, REPORT, told.to_json())
    if record.direct:  # the answer is the report
        return
    from faceveil.evidence.html import page
    from faceveil.evidence.sheet import contact_sheet

    sheet = list[bytes]()
    if result is not None:
        with suppress(FaceVeilError, OSError):  # of no kind that is shown; the report stands
            sheet = contact_sheet(result, Options(**record.options), _PICTURES)
    store.write(record.id, PAGE, page([(replace(told, regions={}), sheet)], record.language))
