"""Setting right what a crash left, and deleting what has had its time."""

from __future__ import annotations

import time
from contextlib import suppress

from faceveil.server import actions
from faceveil.server.locks import HeldError, locked
from faceveil.server.queue import JobQueue
from faceveil.server.store import ENDED, ORIGINAL, UNFINISHED, Record, Store, empty

SERVER_LOCK = "server.lock"
_SETTLED = 2.0
"""Seconds after which a change is no longer on its way from one process to another."""


def sweep(store: Store, queue: JobQueue, *, serving: bool) -> None:
    """Look at every job once.

    Args:
        serving: the caller is the server, and may be accepting jobs right now.
    """
    if not serving:
        with suppress(HeldError), locked(store.folder / SERVER_LOCK):
            clear_half_made(store)
    empty(store.trash)
    now, waiting = time.time(), None
    for job in store.ids():
        with suppress(HeldError, FileNotFoundError, LookupError), store.lock(job):
            record = _readable(store, job)
            if record is None or _expired(record, now):
                store.discard(job)
                continue
            _delete_original(store, record, now)
            if record.state in UNFINISHED and _unchanged(store, record, now):
                waiting = queue.waiting() if waiting is None else waiting
                if job not in waiting:
                    queue.push(job, first=record.direct)


def _readable(store: Store, job: str) -> Record | None:
    try:
        return store.load(job)
    except LookupError:
        return None


def clear_half_made(store: Store) -> None:
    """Delete what a server that died was accepting: nobody was told that it was taken."""
    empty(store.staging)
    for record in store.records():
        if record.direct:  # whoever waited for it is gone
            store.discard(record.id)


def _expired(record: Record, now: float) -> bool:
    since = record.ended if record.ended is not None else record.original_until
    return now >= since + record.keep_seconds


def _delete_original(store: Store, record: Record, now: float) -> None:
    if now < record.original_until or not store.has(record.id, ORIGINAL):
        return
    if record.state not in ENDED:
        actions.fail(store, record, actions.EXPIRED)
    store.drop_original(record.id)


def _unchanged(store: Store, record: Record, now: float) -> bool:
    return now - store.path(record.id, "job.json").stat().st_mtime >= _SETTLED
