"""Repair after crashes, and delete expired files."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from threading import Lock

from faceveil.server import actions
from faceveil.server.locks import HeldError
from faceveil.server.queue import JobQueue
from faceveil.server.store import ENDED, ORIGINAL, PLAN, UNFINISHED, Record, Store, empty

SERVER_LOCK = "server.lock"
_SETTLED = 2.0
"""Seconds after which every process has seen a change."""
_BROKEN = 60.0
"""Seconds after which a job with an unreadable record is deleted: nothing else would do so."""


class Sweeper:
    """Looks after jobs regularly: those that have expired, and those that no worker has.

    Each job is handled separately, and an error with one is raised after all others are done.
    """

    def __init__(self, store: Store, queue: JobQueue) -> None:
        self._store = store
        self._queue = queue
        self._clock = Deadlines()
        self._one_at_a_time = Lock()
        self._broken: dict[str, float] = {}

    def sweep(self, records: Iterable[Record]) -> None:
        """Do all of it. Deleting comes first, before anything that may fail.

        Args:
            records: of all jobs; they may be a little out of date.

        Raises:
            OSError, QueueError: something could not be done; all else was.
        """
        known = list(records)
        try:
            self.delete_due(known)
            self.delete_broken()
        finally:
            self.queue_again(known)

    def delete_due(self, records: Iterable[Record]) -> None:
        """Delete expired files. Raises OSError if something could not be deleted."""
        failed: list[OSError] = []
        with self._one_at_a_time:
            try:
                empty(self._store.trash)
            except OSError as error:
                failed.append(error)
            for record in records:
                try:
                    self._end(record)
                except OSError as error:
                    failed.append(error)
        if failed:
            raise failed[0]

    def delete_broken(self) -> None:
        """Delete jobs whose record has been broken for a while: no lifetime would end them."""
        now, jobs = steady(), self._store.ids()
        with self._one_at_a_time:
            self._clock.keep(jobs)
        broken = {job for job in jobs if self._store.is_broken(job)}
        self._broken = {job: self._broken.get(job, now) for job in broken}
        for job, since in self._broken.items():
            if now - since >= _BROKEN:
                self._store.discard(job)

    def queue_again(self, records: Iterable[Record]) -> None:
        """Put jobs without a worker back into the queue. Raises QueueError."""
        waiting, now = self._queue.waiting(), time.time()
        for known in records:
            if known.state not in UNFINISHED or known.id in waiting:
                continue
            with suppress(HeldError, OSError, LookupError), self._store.lock(known.id):
                record = self._store.load(known.id)
                if record.state in UNFINISHED and self._unchanged(record, now):
                    self._queue.push(record.id, first=record.direct)

    def _end(self, known: Record) -> None:
        if not (self._original_over(known) or self._all_over(known)):
            return
        store = self._store
        with suppress(HeldError, FileNotFoundError, LookupError), store.lock(known.id):
            record = store.load(known.id)
            if self._all_over(record):
                store.discard(record.id)
            elif self._original_over(record):
                if store.has(record.id, ORIGINAL) or store.has(record.id, PLAN):
                    store.drop_original(record.id)
                if record.state not in ENDED:
                    actions.fail(store, record, actions.EXPIRED)

    def _original_over(self, record: Record) -> bool:
        lifetime = record.original_until - record.created
        return self._clock.over((record.id, ORIGINAL), record.original_until, lifetime)

    def _all_over(self, record: Record) -> bool:
        if record.ended is None:
            # Its worker may still have it; without an original it is of no further use.
            until = record.original_until + record.keep_seconds
            lifetime = until - record.created
        else:
            until, lifetime = record.ended + record.keep_seconds, record.keep_seconds
        return self._clock.over((record.id, "all"), until, lifetime)

    def _unchanged(self, record: Record, now: float) -> bool:
        changed = self._store.path(record.id, "job.json").stat().st_mtime
        return not 0 <= now - changed < _SETTLED


class Deadlines:
    """Decides when a lifetime is over, even if the clock is set back meanwhile."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], tuple[float, float]] = {}

    def over(self, of: tuple[str, str], until: float, longest: float) -> bool:
        """Whether it is over, by the clock or by the time since the first call.

        Args:
            of: the id of a job, and the kind of file.
            until: seconds since 1970.
            longest: seconds that it may last from now on, whatever the clock says now.
        """
        now, passed = time.time(), steady()
        asked, end = self._until.get(of, (None, 0.0))
        if asked != until:
            end = passed + min(until - now, longest)
            self._until[of] = until, end
        return now >= until or passed >= end

    def keep(self, jobs: Iterable[str]) -> None:
        """Forget all other jobs."""
        known = set(jobs)
        self._until = {of: end for of, end in self._until.items() if of[0] in known}


def steady() -> float:
    """Seconds since this machine started, including time asleep where that is known."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def clear_half_made(store: Store) -> None:
    """Delete uploads that a dead server was accepting: no client got an answer for them.

    Call with the server's lock held.
    """
    empty(store.staging)
    for job in store.ids():
        if store.is_broken(job):  # as after a power cut
            store.discard(job)
    for record in store.records():
        if record.direct:  # its client is gone
            store.discard(record.id)
