"""Setting right what a crash left, and deleting what has had its time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

from faceveil.server import actions
from faceveil.server.locks import HeldError
from faceveil.server.queue import JobQueue
from faceveil.server.store import ENDED, ORIGINAL, UNFINISHED, Record, Store, empty

SERVER_LOCK = "server.lock"
_SETTLED = 2.0
"""Seconds after which a change is no longer on its way from one process to another."""


def sweep(store: Store, queue: JobQueue, records: Iterable[Record]) -> None:
    """Look after jobs: those that are due, and those whose worker died.

    Args:
        records: of the jobs to look at; they may be a little out of date.
    """
    empty(store.trash)
    now, waiting = time.time(), None
    for known in records:
        if not _is_due(known, now):
            continue
        with suppress(HeldError, FileNotFoundError, LookupError), store.lock(known.id):
            record = store.load(known.id)
            if _expired(record, now):
                store.discard(record.id)
                continue
            _delete_original(store, record, now)
            if record.state in UNFINISHED and _unchanged(store, record, now):
                waiting = queue.waiting() if waiting is None else waiting
                if record.id not in waiting:
                    queue.push(record.id, first=record.direct)


def clear_unreadable(store: Store) -> None:
    """Delete jobs whose record is broken, as after a power cut: no lifetime would end them."""
    for job in store.ids():
        try:
            store.load(job)
        except LookupError:
            store.discard(job)


def clear_half_made(store: Store) -> None:
    """Delete what a server that died was accepting: nobody was told that it was taken.

    Only for whoever holds the server's lock.
    """
    empty(store.staging)
    clear_unreadable(store)
    for record in store.records():
        if record.direct:  # whoever waited for it is gone
            store.discard(record.id)


def _is_due(record: Record, now: float) -> bool:
    return record.state in UNFINISHED or now >= record.original_until or _expired(record, now)


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
