"""Setting right what a crash left, and deleting what has had its time."""

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
"""Seconds after which a change is no longer on its way from one process to another."""
_BROKEN = 60.0
"""Seconds after which a job whose record cannot be read is deleted: nothing else would end it."""


class Sweeper:
    """Looks after jobs, again and again: those whose time is over, and those that nobody works on.

    Each job is looked after by itself, and what failed with one is told after all others.
    """

    def __init__(self, store: Store, queue: JobQueue) -> None:
        self._store = store
        self._queue = queue
        self._clock = Deadlines()
        self._one_at_a_time = Lock()
        self._broken: dict[str, float] = {}

    def sweep(self, records: Iterable[Record]) -> None:
        """All that there is to do; deleting first, before anything that may fail.

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
        """Delete what has had its time. Raises OSError if something could not be deleted."""
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
        """Put back into the queue what nobody works on. Raises QueueError."""
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
            # Its worker may be at it still; without an original it is of no use for longer.
            until = record.original_until + record.keep_seconds
            lifetime = until - record.created
        else:
            until, lifetime = record.ended + record.keep_seconds, record.keep_seconds
        return self._clock.over((record.id, "all"), until, lifetime)

    def _unchanged(self, record: Record, now: float) -> bool:
        changed = self._store.path(record.id, "job.json").stat().st_mtime
        return not 0 <= now - changed < _SETTLED


class Deadlines:
    """Says when something is over, even if somebody sets the clock back meanwhile."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], tuple[float, float]] = {}

    def over(self, of: tuple[str, str], until: float, longest: float) -> bool:
        """Whether it is, by the clock or by what has passed since this was first asked.

        Args:
            of: the id of a job, and what of it.
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
    """Seconds since this machine started, those in which it slept included where that is known."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def clear_half_made(store: Store) -> None:
    """Delete what a server that died was accepting: nobody was told that it was taken.

    Only for whoever holds the server's lock.
    """
    empty(store.staging)
    for job in store.ids():
        if store.is_broken(job):  # as after a power cut
            store.discard(job)
    for record in store.records():
        if record.direct:  # whoever waited for it is gone
            store.discard(record.id)
