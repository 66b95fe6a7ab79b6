"""Number the people of a job afterwards, without looking for the faces again."""

from __future__ import annotations

from pathlib import Path

from faceveil import weights
from faceveil.i18n import say
from faceveil.options import Options
from faceveil.plan import Plan
from faceveil.server import drafts
from faceveil.server.actions import at_rest, enqueue, plan_of, require_original
from faceveil.server.problems import ProblemError
from faceveil.server.queue import JobQueue
from faceveil.server.store import Record, Store
from faceveil.system.beats import Progress


def ask(store: Store, queue: JobQueue, job: str, folder: Path | None) -> Record:
    """Have a worker number the people of a plan; the job is then what it was before, with its
    result. If they have numbers already, nothing happens.

    Args:
        folder: where the weights are, or None.

    Raises:
        ProblemError: 409, a worker has the job, there is no plan, or somebody has made edits that
            were not applied: these name tracks that may be cut. 410, the original is gone.
        WeightsError: the network's weights are missing.
    """
    weights.find("people", folder)
    with at_rest(store, job) as record:
        require_original(store, record)
        if any(track.person for track in plan_of(store, job).tracks):
            return record
        if not drafts.load(store, job).empty:
            raise ProblemError(
                409,
                "draft",
                say("the file has edits that were not applied yet"),
                say("Save them first."),
            )
        store.forget_stop(job)
        record = store.save(record.but(grouping=record.state, state="queued", attempts=0))
    enqueue(queue, [record])
    return record


def numbered(original: Path, plan: Plan, options: Options, progress: Progress) -> Plan:
    """The plan with numbers for its people. What decides who is hidden stays as it is."""
    from faceveil import media
    from faceveil.people import recognized

    options = options.but(people=True, keep=(), hide=())
    with media.open_source(original, options) as source:
        return recognized(plan, source, options, progress=progress)
