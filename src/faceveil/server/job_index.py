"""All jobs as the server knows them, kept up to date from what any process writes.

Every process that changes a job adds its id to the file of changes. The index looks at that file
once a tick, however many jobs there are, and reads only changed jobs again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from anyio import CapacityLimiter, to_thread

from faceveil.server.schemas import Job, job_of
from faceveil.server.store import UNFINISHED, WAITING, Record, Store

TICK = 0.2
"""Seconds between two looks at the changes."""
_FULL = 10.0
"""Seconds between two looks at every job: a shared folder may lose a line of the changes."""
_LARGEST = 4_000_000
_SHOWN = 25
"""Only the first so many waiting jobs are updated each time that they move up."""
_GONE_KEPT = 10_000


_Indexed = tuple[Record, Job]
"""A job, and its form for clients."""


class JobIndex:
    """The jobs, and a way to wait for changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._records: dict[str, Record] = {}
        self._jobs: dict[str, Job] = {}
        self._version = 0
        self._changed: dict[str, int] = {}
        self._gone: dict[str, int] = {}
        self._expected: set[str] = set()
        self._void: set[str] = set()
        self._offset = 0
        self._full = 0.0
        self._line: dict[str, int] = {}
        self._news = asyncio.Condition()
        self._turn = asyncio.Lock()
        self._own_thread = CapacityLimiter(1)
        self.closing = False

    async def refresh(self) -> None:
        """Read all changes up to now."""
        async with self._turn:
            found = await to_thread.run_sync(self._look, limiter=self._own_thread)
            if found is None:
                return
            self._take_in(found)
        async with self._news:
            self._news.notify_all()

    async def close(self) -> None:
        """End all streams of events."""
        self.closing = True
        async with self._news:
            self._news.notify_all()

    def jobs(self) -> list[Job]:
        """All jobs, oldest first."""
        return [self._jobs[record.id] for record in self._in_order()]

    def expect(self, job: str) -> None:
        """Count a job that was just accepted, until it is seen."""
        self._expected.add(job)

    def forget(self, job: str) -> None:
        """Stop counting a job that was taken back at once, even if it was seen meanwhile."""
        self._void.add(job)
        self._expected.discard(job)

    def count(self) -> int:
        """The number of jobs that are waiting or being worked on."""
        unfinished = sum(
            record.state in UNFINISHED and record.id not in self._void for record in self.records()
        )
        return unfinished + len(self._expected)

    def records(self) -> list[Record]:
        """All jobs, including those that are not listed, in no order."""
        return list(self._records.values())

    def states(self) -> dict[str, int]:
        """The number of jobs in each state."""
        found: dict[str, int] = {}
        for record in self.records():
            found[record.state] = found.get(record.state, 0) + 1
        return found

    async def events(self) -> AsyncIterator[Job | str]:
        """Every job once, then each again whenever it changed; the id of one that is gone."""
        await self.refresh()
        seen = self._version
        for job in self.jobs():
            yield job
        while not self.closing:
            async with self._news:
                if self._version == seen and not self.closing:
                    await self._news.wait()
            since, seen = seen, self._version
            for job_id, version in list(self._gone.items()):
                if version > since:
                    yield job_id
            for record in self._in_order():
                if self._changed.get(record.id, 0) > since:
                    yield self._jobs[record.id]

    async def events_of(self, job: str) -> AsyncIterator[Job | str]:
        """The events of one job, until it has ended."""
        shown = None
        async for event in self.events():
            if event == job:
                yield job
                return
            if isinstance(event, Job) and event.id == job and event != shown:
                shown = event
                yield event
                if event.result_expires is not None:
                    return

    def _in_order(self) -> list[Record]:
        listed = [record for record in self.records() if not record.direct]
        return sorted(listed, key=lambda record: (record.created, record.name))

    def _look(self) -> dict[str, _Indexed | None] | None:
        """The jobs that changed, None for those that are gone; None if nothing changed."""
        ids = self._changes()
        if ids is None:
            ids = set(self._store.ids()) | set(self._records) | set(self._expected)
        if not ids:
            return None
        found: dict[str, _Indexed | None] = {}
        for job in ids:
            try:
                record = self._store.load(job)
                found[job] = record, job_of(self._store, record)
            except (LookupError, ValueError, OverflowError):  # gone, or its record is nonsense
                found[job] = None
        return found

    def _changes(self) -> set[str] | None:
        """Ids that changed since the last look; None: look at all."""
        now = time.monotonic()
        try:
            with self._store.changes.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(min(self._offset, size))
                lines = file.read()
        except FileNotFoundError:  # the file was removed; the next change makes a new one
            self._offset, self._full = 0, now
            return None
        cut = lines.rfind(b"\n") + 1
        again = size < self._offset or now - self._full >= _FULL or not self._full
        self._offset = min(self._offset, size) + cut
        if self._offset > _LARGEST:
            self._store.changes.open("wb").close()
            self._offset, again = 0, True
        if again:
            self._full = now
            return None
        return set(lines[:cut].decode(errors="replace").split())

    def _take_in(self, found: dict[str, _Indexed | None]) -> None:
        version = self._version + 1
        for job, known in found.items():
            self._expected.discard(job)
            if known is None:
                self._void.discard(job)
                if self._records.pop(job, None) is not None:
                    self._jobs.pop(job, None)
                    self._changed.pop(job, None)
                    self._gone[job] = version
                continue
            record, view = known
            if record.state in WAITING:
                view = view.model_copy(update={"position": self._line.get(job)})
            self._records[job] = record
            if self._jobs.get(job) != view:
                self._jobs[job] = view
                self._changed[job] = version
        self._line_up(version)
        while len(self._gone) > _GONE_KEPT:
            del self._gone[next(iter(self._gone))]
        self._version = version

    def _line_up(self, version: int) -> None:
        """Number the jobs that wait."""
        waiting = sorted(
            (record for record in self._records.values() if record.state in WAITING),
            key=lambda record: (not record.direct, record.created),
        )
        before, self._line = (
            self._line,
            {record.id: place for place, record in enumerate(waiting, 1)},
        )
        for job, place in self._line.items():
            if before.get(job) != place and (job not in before or place <= _SHOWN):
                self._jobs[job] = self._jobs[job].model_copy(update={"position": place})
                self._changed[job] = version
