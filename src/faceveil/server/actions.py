"""The actions on a job and the states that allow them. All hold the job's lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from faceveil.errors import UsageError
from faceveil.i18n import say, words_of
from faceveil.options import Options
from faceveil.options.groups import DECISIVE
from faceveil.options.presets import OF_PRESETS
from faceveil.plan import Plan, Track
from faceveil.server.locks import HeldError
from faceveil.server.problems import Problem, ProblemError, problem
from faceveil.server.queue import JobQueue, QueueError
from faceveil.server.store import (
    DRAFT,
    ENDED,
    ORIGINAL,
    PAGE,
    PLAN,
    REPORT,
    UNFINISHED,
    Record,
    Store,
)
from faceveil.server.tell import tell_fault

_SHORTLY = 0.5
"""Seconds to wait for a job's lock: a process that only changes its record releases it sooner."""

REVIEW_SECONDS = 600.0
"""An original is kept for this long after the last sign that somebody reviews it."""

CANCELLED = problem(409, "cancelled", say("the job was cancelled"), say("Retry it, or discard it."))
EXPIRED = problem(
    410,
    "expired",
    say("the original was deleted before the job was done"),
    say("Upload the file again."),
)


def options_of(given: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """The options of a job: those from its client, and for the rest those of the service.

    Raises:
        ProblemError: a setting is unknown, not for clients to choose, or out of range.
    """
    foreign = [name for name in given if name not in DECISIVE]
    if foreign:
        raise ProblemError(
            422,
            "usage",
            say("no such option: {name}", name=foreign[0][:60]),
            say("GET /api/options lists them all."),
        )
    for name in ("detector", "second_detector"):
        # The name of a module would be imported here, and its function called.
        if ":" in str(given.get(name, "")):
            raise ProblemError(
                422,
                "usage",
                say("{name}: only those who run the service name a module", name=name),
            )
    if "preset" in given:
        base = {name: value for name, value in base.items() if name not in OF_PRESETS}
    merged = {**base, **{name: value for name, value in given.items() if value is not None}}
    try:
        Options(**merged)
    except UsageError as error:
        raise ProblemError(422, "usage", words_of(error)) from error
    return merged


def fail(store: Store, record: Record, why: Problem) -> Record:
    """End a job without a result. One whose people were to be numbered is what it was before."""
    if record.grouping is not None:
        reason = say("people could not be told apart: {reason}", reason=why.detail)
        told = () if why == CANCELLED else (reason,)
        return store.save(regrouped(record).but(warnings=(*record.warnings, *told)))
    state = "withheld" if why.type == "withheld" else "failed"
    ended = record.but(state=state, problem=why, ended=time.time(), attempts=0)
    return store.save(ended)


def regrouped(record: Record) -> Record:
    """A job as it was before its people were to be numbered."""
    return record.but(state=record.grouping, grouping=None, attempts=0)


def cancel(store: Store, job: str) -> Record:
    """Stop a job: at once if no worker has it, otherwise as soon as its worker notices.

    Raises:
        ProblemError: 409, there is nothing to stop any more.
    """
    record = store.load(job)
    if record.state in ENDED:
        if record.problem == CANCELLED:
            return record
        raise ProblemError(
            409, "ended", say("the job has ended already"), say("Discard it, or leave it.")
        )
    store.ask_to_stop(job)
    with suppress(HeldError), _held(store, job) as record:
        if record.state in UNFINISHED or record.state == "review":
            record = fail(store, record, CANCELLED)
        store.forget_stop(job)
        return record
    return store.load(job)


def retry(store: Store, queue: JobQueue, job: str) -> Record:
    """Start a failed job again. An analysis that is done already is not repeated.

    Raises:
        ProblemError: 409, it has not failed; a result that is there stays.
    """

    def require_failed(record: Record) -> Record:
        if record.state in ("done", "review"):
            raise ProblemError(
                409,
                "not-failed",
                say("the job has not failed"),
                say("Render it to make the result anew."),
            )
        return record

    return _again(store, queue, job, require_failed)


def render(
    store: Store, queue: JobQueue, job: str, options: dict[str, Any], *, scan: bool = False
) -> Record:
    """Make the result from the saved plan, without another analysis unless one is asked for.

    Args:
        options: the new options of the job, all of them, from `options_of`.
        scan: look for the faces anew. The plan goes, with what a person changed in it.
    """

    def change(record: Record) -> Record:
        if not store.has(job, PLAN):
            raise ProblemError(
                409, "no-plan", say("the job has no plan yet"), say("Wait for the analysis.")
            )
        if scan:
            store.drop(job, PLAN, DRAFT)
            record = record.but(edited=False)
        return record.but(options=options, review=False)

    return _again(store, queue, job, change)


def _again(store: Store, queue: JobQueue, job: str, change: Callable[[Record], Record]) -> Record:
    with at_rest(store, job) as record:
        require_original(store, record)
        record = change(record)
        store.drop(job, record.result or REPORT, REPORT, PAGE)
        store.forget_stop(job)
        record = record.but(
            state="queued",
            problem=None,
            ended=None,
            attempts=0,
            result="",
            added=None,
            doubts=None,
            places=(),
            warnings=(),
            notes=(),
            dropped=(),
        )
        store.save(record)
    enqueue(queue, [record])
    return record


def enqueue(queue: JobQueue, records: Iterable[Record]) -> None:
    """Put jobs into the queue. If it cannot be used now, the sweep does so later."""
    try:
        for record in records:
            queue.push(record.id, first=record.direct)
    except QueueError as error:
        tell_fault(say("the queue of jobs cannot be used"), error)


def plan_of(store: Store, job: str) -> Plan:
    """The saved plan of a job.

    Raises:
        ProblemError: 409, there is none, or it is broken. A new analysis in its place would lose
            the faces that a person has added.
    """
    try:
        return Plan.from_json(store.path(job, PLAN).read_bytes())
    except FileNotFoundError as error:
        raise ProblemError(409, "no-plan", say("the job has no plan yet")) from error
    except ValueError as error:
        raise ProblemError(
            409, "no-plan", say("the plan of the job is broken"), say("Upload the file again.")
        ) from error


def save_plan(store: Store, job: str, edited: Plan) -> Plan:
    """Save the tracks of an edited plan; the other results of the analysis stay."""
    with at_rest(store, job) as record:
        require_original(store, record)
        plan = plan_of(store, job)
        _require_same(plan, edited)
        plan = replace(plan, tracks=_decided(plan, edited))
        store.write(job, PLAN, plan.to_json())
        store.drop(job, DRAFT)  # it is applied
        if not record.edited:
            store.save(record.but(edited=True))
    return plan


def _decided(plan: Plan, edited: Plan) -> tuple[Track, ...]:
    """The edited tracks. What a person changed is no longer as photos of somebody had it; who was
    put with somebody by hand stays known for the report.
    """
    kept = {track.id: track.keep for track in plan.tracks}
    return tuple(
        replace(track, why="")
        if track.why != "moved" and kept.get(track.id, track.keep) != track.keep
        else track
        for track in edited.tracks
    )


def _require_same(plan: Plan, edited: Plan) -> None:
    """Check that the edited plan is for the same picture, and that its boxes lie inside."""
    wrong = ""
    if (plan.media.width, plan.media.height) != (edited.media.width, edited.media.height):
        wrong = say("the plan is for a picture of another size")
    elif edited.sha256 not in ("", plan.sha256):
        wrong = say("the plan was made for another file")
    elif len({track.id for track in edited.tracks}) != len(edited.tracks):
        wrong = say("two tracks have the same id")
    elif any(track.id < 0 for track in edited.tracks):
        wrong = say("a track has a negative id")
    elif any(
        not 0 <= index < len(plan.pts)
        for track in edited.tracks
        for index in (*track.boxes, *track.seen)
    ):
        wrong = say("a box is in a frame that is not there")
    elif any(track.seen.keys() - track.boxes.keys() for track in edited.tracks):
        wrong = say("a face was seen in a frame in which it has no box")
    if wrong:
        raise ProblemError(422, "usage", wrong, say("Change a copy of what GET gave."))


def finish(store: Store, job: str) -> Record:
    """Delete the original and everything made for correcting it; keep the result."""
    with at_rest(store, job) as record:
        if record.state == "review":
            record = fail(store, record, CANCELLED)
        store.drop_original(job)
    return record


def put_off(store: Store, job: str, seconds: float) -> Record:
    """Keep the original for at least so many seconds from now, as far as its upload allows.

    Raises:
        ProblemError: 409, a worker has the job; 410, the original is gone.
    """
    with at_rest(store, job) as record:
        require_original(store, record)
        until = min(time.time() + seconds, record.original_latest or 0.0)
        if until > record.original_until:
            record = store.save(record.but(original_until=until))
    return record


def discard(store: Store, job: str) -> None:
    """Delete all of a job, at once."""
    store.load(job)
    store.discard(job)


@contextmanager
def at_rest(store: Store, job: str) -> Iterator[Record]:
    """Lock a job that no worker has and that does not wait for one.

    Raises:
        ProblemError: 409, it is not so.
        LookupError: there is no such job.
    """
    try:
        with _held(store, job) as record:
            if record.state not in ENDED and record.state != "review":
                raise HeldError(job)
            yield record
    except HeldError as error:
        raise ProblemError(
            409,
            "busy",
            say("the job is waiting or being worked on"),
            say("Wait for it, or cancel it."),
        ) from error


@contextmanager
def _held(store: Store, job: str) -> Iterator[Record]:
    store.load(job)
    try:
        with store.lock(job, _SHORTLY):
            yield store.load(job)
    except FileNotFoundError as error:
        raise LookupError(job) from error


def require_original(store: Store, record: Record) -> None:
    """Raise ProblemError with 410 if the original was deleted."""
    if not store.has(record.id, ORIGINAL):
        raise ProblemError(
            410, "expired", say("the original was deleted"), say("Upload the file again.")
        )
