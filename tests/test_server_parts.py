"""The server's parts by themselves: store, queue, sweep, names, and what may be done when."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import StreamingResponse

from faceveil.errors import OutputError, UsageError
from faceveil.geometry import Box
from faceveil.plan import Media, Plan, Track
from faceveil.report import Report
from faceveil.server import actions, execute, routes_veil, sweep
from faceveil.server.care import Care
from faceveil.server.client_names import LONGEST, attachment, display_name, result_path, unique
from faceveil.server.job_index import JobIndex
from faceveil.server.locks import HeldError, locked
from faceveil.server.problems import ProblemError, problem_of
from faceveil.server.queue import JobQueue, QueueError
from faceveil.server.store import ORIGINAL, PLAN, REPORT, Record, Store, new_id
from servers import free_port, in_a_loop, wait_for
from tiers import daily

PLAN_MADE = Plan(Media("image", "jpeg", 64, 48), (Track(0, {0: Box(1, 2, 3, 4)}),))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "jobs")


@pytest.fixture
def queue(store: Store) -> JobQueue:
    return JobQueue(store.folder)


def add(store: Store, **fields: Any) -> Record:
    """A job in the store."""
    now = time.time()
    given = {"created": now, "original_until": now + 60, "keep_seconds": 60, "longest": 60}
    record = Record(id=new_id(), batch="b", name="x.jpg", **{**given, **fields})
    folder = store.stage()
    (folder / ORIGINAL).write_bytes(b"the original")
    store.publish(folder, record)
    return record


def age(store: Store, record: Record) -> None:
    """Make it look as if it changed a while ago."""
    os.utime(store.path(record.id, "job.json"), (1, 1))


class TestStore:
    def test_a_job(self, store: Store) -> None:
        record = add(store)
        assert store.load(record.id) == record
        assert store.ids() == [record.id]
        assert list(store.staging.iterdir()) == []
        with store.lock(record.id):
            store.save(record.but(state="analyzing"))
        assert store.load(record.id).state == "analyzing"
        store.discard(record.id)
        with pytest.raises(LookupError):
            store.load(record.id)
        with pytest.raises(LookupError):
            store.save(record)
        assert [*store.jobs.iterdir(), *store.trash.iterdir()] == []
        lines = store.changes.read_text().split()
        assert set(lines) == {record.id}
        assert len(lines) == 3

    @pytest.mark.parametrize(
        "job", ["", ".", "..", "../../etc", "a/b", "a" * 15, "a" * 65, "ü" * 20]
    )
    def test_ids_that_cannot_be(self, store: Store, job: str) -> None:
        with pytest.raises(LookupError):
            store.load(job)

    def test_nothing_comes_back_after_a_job_was_discarded(self, store: Store) -> None:
        record = add(store)
        with store.lock(record.id):
            store.discard(record.id)
            for write in (
                lambda: store.save(record),
                lambda: store.write(record.id, PLAN, "{}"),
            ):
                with pytest.raises(LookupError):
                    write()
        assert store.stop_asked(record.id)
        assert list(store.jobs.iterdir()) == []

    def test_only_what_belongs_to_the_result_stays(self, store: Store) -> None:
        record = add(store)
        kept = {"job.json", "lock", "report.json", "result.jpg"}
        for name in (*kept - {"job.json"}, PLAN, "progress.json", ".result.jpg.x.part", "cancel"):
            store.path(record.id, name).touch()
        store.drop_original(record.id)
        assert {path.name for path in store.path(record.id).iterdir()} == kept

    def test_folders_that_cannot_be_used(self, tmp_path: Path) -> None:
        taken = tmp_path / "taken"
        taken.mkdir(mode=0o755)
        (taken / "mine.txt").touch()
        with pytest.raises(UsageError, match="other files"):
            Store(taken)
        assert stat.S_IMODE(taken.stat().st_mode) == 0o755
        with pytest.raises(OutputError):
            Store(taken / "mine.txt")
        empty = tmp_path / "empty"
        empty.mkdir(mode=0o755)
        Store(empty)
        assert stat.S_IMODE(empty.stat().st_mode) == 0o700
        Store(empty)


class TestLocks:
    def test_one_at_a_time(self, tmp_path: Path) -> None:
        lock = tmp_path / "lock"
        with locked(lock), pytest.raises(HeldError), locked(lock, wait=0.05):
            pass
        with locked(tmp_path / "lock"):
            pass

    def test_a_killed_holder_gives_it_up(self, tmp_path: Path) -> None:
        code = (
            "import sys, time; from pathlib import Path; from faceveil.server.locks import locked\n"
            "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
        )
        holder = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
        )
        with holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(HeldError), locked(tmp_path / "lock"):
                pass
            holder.send_signal(signal.SIGKILL)
            holder.wait()
        with locked(tmp_path / "lock"):
            pass


class TestQueue:
    @pytest.fixture(params=["sqlite", "redis"])
    def queues(self, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[JobQueue, JobQueue]:
        """Two ends of one queue."""
        url = request.getfixturevalue("redis") if request.param == "redis" else None

        def ready() -> JobQueue | None:
            queue = JobQueue(tmp_path, url)
            try:
                queue.waiting()
            except QueueError:
                return None
            return queue

        return wait_for(ready), JobQueue(tmp_path, url)

    def test_order(self, queues: tuple[JobQueue, JobQueue]) -> None:
        here, there = queues
        for job in ("one", "two", "three"):
            here.push(job)
        here.push("urgent", first=True)
        assert there.waiting() == {"urgent", "one", "two", "three"}
        assert [there.take() for _ in range(5)] == ["urgent", "one", "two", "three", None]
        assert here.waiting() == set()

    def test_it_carries_ids_and_nothing_that_runs(self, tmp_path: Path) -> None:
        JobQueue(tmp_path).push("some-id")
        import sqlite3

        with sqlite3.connect(tmp_path / "queue.sqlite") as database:
            ((data,),) = database.execute("select data from task")
        _, _, priority, arguments = json.loads(data)
        assert (priority, arguments) == (0, ["some-id"])
        database.close()

    @pytest.mark.parametrize(
        "how", daily(["garbage", "nothing", "folder", "another", "gone"], "garbage", "gone")
    )
    def test_a_broken_file_is_made_anew(self, tmp_path: Path, how: str) -> None:
        """And both ends meet in the new one, whoever notices first."""
        path, here, there = tmp_path / "queue.sqlite", JobQueue(tmp_path), JobQueue(tmp_path)
        here.push("one")
        assert there.waiting() == {"one"}
        if how == "garbage":
            path.write_bytes(os.urandom(8192))
        elif how == "nothing":
            path.write_bytes(b"")
        else:
            for part in tmp_path.glob("queue.sqlite*"):
                part.unlink()
        if how == "folder":
            path.mkdir()
            (path / "x").touch()
        elif how == "another":
            import sqlite3

            with sqlite3.connect(path) as database:
                database.execute("create table task (other)")
            database.close()
        assert JobQueue(tmp_path).waiting() <= {"one"}
        there.push("two")
        here.push("three")
        for end in (here, there, JobQueue(tmp_path)):
            assert {"two", "three"} <= end.waiting() <= {"one", "two", "three"}
        assert "two" in [here.take() for _ in range(3)]
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(".queue")]

    def test_what_is_no_id_is_taken_and_harms_nothing(self, tmp_path: Path) -> None:
        import sqlite3

        queue = JobQueue(tmp_path)
        queue.push("first")
        with sqlite3.connect(tmp_path / "queue.sqlite") as database:
            for data in (b"\xff\x00", b"[" * 100_000, b"[1, 2]", b'["a", "no such task", 0, [{}]]'):
                database.execute("insert into task (queue, data) values ('faceveil', ?)", (data,))
        database.close()
        assert "first" in queue.waiting()
        assert queue.take() == "first"
        for _ in range(5):
            queue.take()
        assert queue.waiting() == set()

    def test_a_queue_that_is_held_or_away_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import sqlite3

        monkeypatch.setattr("faceveil.server.queue._WAIT", 0.1)
        queue = JobQueue(tmp_path)
        queue.push("one")
        with closing(sqlite3.connect(tmp_path / "queue.sqlite")) as database:
            database.execute("begin exclusive")
            with pytest.raises(QueueError):
                JobQueue(tmp_path).push("two")
        assert queue.waiting() == {"one"}
        with pytest.raises(QueueError):
            JobQueue(tmp_path, f"redis://127.0.0.1:{free_port()}/0").waiting()

    def test_addresses_that_are_none(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot be kept"):
            JobQueue(tmp_path, "http://example.org")


class TestSweep:
    def look(self, store: Store, queue: JobQueue) -> None:
        sweep.Sweeper(store, queue).sweep(store.records())

    def test_what_nobody_works_on_is_queued_again_once(self, store: Store, queue: JobQueue) -> None:
        for state in ("queued", "analyzing", "rendering", "checking"):
            age(store, add(store, state=state))
        held = add(store, state="rendering")
        age(store, held)
        fresh = add(store)
        with store.lock(held.id):
            self.look(store, queue)
            self.look(store, queue)
        assert queue.waiting() == set(store.ids()) - {held.id, fresh.id}
        assert len(list(iter(queue.take, None))) == 4

    @pytest.mark.parametrize("state", ["done", "failed", "withheld", "review"])
    def test_what_rests_is_left_alone(self, store: Store, queue: JobQueue, state: str) -> None:
        record = add(store, state=state, ended=time.time())
        age(store, record)
        self.look(store, queue)
        assert queue.waiting() == set()
        assert store.has(record.id, ORIGINAL)

    def test_lifetimes(self, store: Store, queue: JobQueue) -> None:
        past = time.time() - 100
        done = add(store, state="done", ended=time.time(), original_until=past)
        waiting = add(store, state="review", original_until=past, keep_seconds=1000)
        held = add(store, state="rendering", original_until=past, keep_seconds=1000)
        over = add(store, state="done", ended=past, keep_seconds=50)
        with store.lock(held.id):
            self.look(store, queue)
            assert store.has(held.id, ORIGINAL)
        assert not store.has(done.id, ORIGINAL)
        assert store.load(done.id).state == "done"
        assert not store.has(waiting.id, ORIGINAL)
        assert store.load(waiting.id).problem == actions.EXPIRED
        assert over.id not in store.ids()

    def test_what_was_half_accepted(self, store: Store) -> None:
        (store.stage() / ORIGINAL).write_bytes(b"x")
        asked = add(store, direct=True)
        kept = add(store)
        broken = add(store)
        store.path(broken.id, "job.json").write_text("{")
        sweep.clear_half_made(store)
        assert list(store.staging.iterdir()) == []
        assert store.ids() == [kept.id]
        assert asked.id not in store.ids()

    def test_a_queue_that_fails_ends_no_deletion(
        self, store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> set[str]:
            raise QueueError

        monkeypatch.setattr(queue, "waiting", fail)
        over = add(store, state="done", ended=1.0)
        old = add(store, state="done", ended=time.time(), original_until=1.0)
        with pytest.raises(QueueError):
            self.look(store, queue)
        assert store.ids() == [old.id]
        assert not store.has(old.id, ORIGINAL)
        assert over.id not in store.ids()

    def test_each_job_is_looked_after_by_itself(
        self, store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        past = time.time() - 1
        jobs = [add(store, state="review", original_until=past) for _ in range(5)]
        whole = Store.drop_original

        def drop(store: Store, job: str) -> None:
            if job == jobs[2].id:
                raise PermissionError
            whole(store, job)

        monkeypatch.setattr(Store, "drop_original", drop)
        with pytest.raises(PermissionError):
            self.look(store, queue)
        assert [store.has(job.id, ORIGINAL) for job in jobs] == [False, False, True, False, False]

    def test_deleting_needs_no_room(
        self, store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """On a full disk nothing can be noted; the original goes all the same."""

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        job = add(store, original_until=time.time() - 1)
        monkeypatch.setattr("faceveil.server.store.write_whole", full)
        with pytest.raises(OSError, match="No space"):
            self.look(store, queue)
        assert not store.has(job.id, ORIGINAL)
        monkeypatch.undo()
        self.look(store, queue)
        assert store.load(job.id).problem == actions.EXPIRED

    @pytest.mark.parametrize("left", ["folder", ".DS_Store"])
    def test_what_else_lies_in_a_job(self, store: Store, queue: JobQueue, left: str) -> None:
        job = add(store, state="done", ended=time.time(), original_until=1.0)
        place = store.path(job.id, left)
        if left == "folder":
            place.mkdir()
            (place / "x").touch()
        else:
            place.touch()
        self.look(store, queue)
        assert {path.name for path in store.path(job.id).iterdir()} == {"job.json", "lock"}

    @pytest.mark.parametrize("back", [60.0, 3600.0, 400 * 86400.0])
    def test_a_clock_that_is_set_back(
        self, store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch, back: float
    ) -> None:
        sweeper, wall, passed = sweep.Sweeper(store, queue), time.time(), sweep.steady()
        waiting = add(store, state="review", original_until=wall + 60, keep_seconds=100)
        done = add(store, state="done", ended=wall, original_until=wall + 60, keep_seconds=50)
        sweeper.sweep(store.records())

        def after(seconds: float) -> None:
            monkeypatch.setattr("time.time", lambda: wall - back + seconds)
            monkeypatch.setattr(sweep, "steady", lambda: passed + seconds)
            sweeper.sweep(store.records())

        after(45)
        assert store.has(waiting.id, ORIGINAL)
        assert store.has(done.id, ORIGINAL)
        later = add(store, created=wall - back + 45, original_until=wall - back + 105)
        after(55)
        assert done.id not in store.ids()
        after(65)
        assert not store.has(waiting.id, ORIGINAL)
        assert store.load(waiting.id).problem == actions.EXPIRED
        assert store.has(later.id, ORIGINAL)
        after(110)
        assert not store.has(later.id, ORIGINAL)

    def test_a_start_after_the_clock_was_set_back(
        self, store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody knows how old an original is then: no older than it may become from now on."""
        wall, passed = time.time(), sweep.steady()
        job = add(store, created=wall, original_until=wall + 60)
        sweeper = sweep.Sweeper(store, queue)
        for seconds, there in ((0, True), (50, True), (70, False)):
            monkeypatch.setattr("time.time", lambda now=seconds: wall - 7200 + now)
            monkeypatch.setattr(sweep, "steady", lambda now=seconds: passed + now)
            sweeper.sweep(store.records())
            assert store.has(job.id, ORIGINAL) == there

    def test_a_record_that_stays_broken_ends_its_job(
        self, store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sweeper, passed = sweep.Sweeper(store, queue), sweep.steady()
        broken, missing, well = (add(store) for _ in range(3))
        store.path(broken.id, "job.json").write_text("[" * 100_000)
        store.path(missing.id, "job.json").unlink()
        for seconds, left in ((0, 3), (30, 3), (61, 1)):
            monkeypatch.setattr(sweep, "steady", lambda now=seconds: passed + now)
            sweeper.sweep(store.records())
            assert len(store.ids()) == left
        assert store.ids() == [well.id]


class TestHub:
    def jobs(self, hub: JobIndex) -> list[str]:
        in_a_loop(hub.refresh())
        return [job.id for job in hub.jobs()]

    def test_what_is_nonsense_hides_no_other_job(self, store: Store) -> None:
        hub = JobIndex(store)
        (store.jobs / ".DS_Store").touch()
        (store.jobs / "a-file-with-a-good-name").touch()
        well, late = add(store), add(store, created=1e300)
        assert self.jobs(hub) == [well.id]
        store.changes.unlink()
        other = add(store)
        assert set(self.jobs(hub)) == {well.id, other.id}
        store.save(well.but(state="analyzing"))
        in_a_loop(hub.refresh())
        assert hub.states() == {"analyzing": 1, "queued": 1}
        assert late.id in store.ids()

    def test_a_missing_log_of_changes_is_made_anew(self, store: Store) -> None:
        hub, first = JobIndex(store), add(store)
        assert self.jobs(hub) == [first.id]
        store.changes.unlink()
        assert self.jobs(hub) == [first.id]
        second = add(store)
        assert self.jobs(hub) == [first.id, second.id]

    def test_a_job_that_was_taken_back_takes_no_room_though_it_was_seen(self, store: Store) -> None:
        hub = JobIndex(store)
        stays, goes = add(store), add(store)
        in_a_loop(hub.refresh())  # between the two halves of an upload that fails
        hub.expect(goes.id)
        store.discard(goes.id)
        hub.forget(goes.id)
        assert hub.count() == 1
        assert self.jobs(hub) == [stays.id]
        assert hub.count() == 1


class TestCare:
    def test_what_fails_is_done_again_and_known_meanwhile(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("faceveil.server.tell._told", {})
        care, tried = Care(), 0

        async def act() -> None:
            nonlocal tried
            tried += 1
            if tried < 50:
                raise OSError("/home/me/secret.jpg")

        async def run() -> list[list[str]]:
            task = asyncio.create_task(care.keep("it cannot be done", act, 0.001))
            seen = []
            while tried < 60:
                await asyncio.sleep(0.001)
                seen.append(care.reasons())
            task.cancel()
            return seen

        seen = in_a_loop(run())
        assert ["it cannot be done"] in seen
        assert seen[-1] == []
        assert capsys.readouterr().err == "faceveil: it cannot be done: OSError\n"

    def test_what_is_stuck_is_known(self, monkeypatch: pytest.MonkeyPatch) -> None:
        care, passed = Care(), sweep.steady()

        async def run() -> list[str]:
            task = asyncio.create_task(care.keep("it is stuck", asyncio.Event().wait, 0.01))  # type: ignore[arg-type]
            await asyncio.sleep(0.01)
            assert care.reasons() == []
            monkeypatch.setattr("faceveil.server.care.steady", lambda: passed + 60)
            found = care.reasons()
            task.cancel()
            return found

        assert in_a_loop(run()) == ["it is stuck"]


class TestActions:
    def test_cancel_while_it_waits(self, store: Store) -> None:
        record = add(store)
        cancelled = actions.cancel(store, record.id)
        assert (cancelled.state, cancelled.problem) == ("failed", actions.CANCELLED)
        assert actions.cancel(store, record.id) == cancelled
        assert not store.stop_asked(record.id)

    @pytest.mark.parametrize("state", ["done", "failed", "withheld"])
    def test_cancel_what_has_ended(self, store: Store, state: str) -> None:
        record = add(store, state=state, ended=1.0)
        with pytest.raises(ProblemError, match="ended already") as refusal:
            actions.cancel(store, record.id)
        assert refusal.value.problem.status == 409
        assert store.load(record.id) == record
        assert not store.stop_asked(record.id)

    @pytest.mark.parametrize("state", ["done", "review"])
    def test_retry_what_has_not_failed(self, store: Store, queue: JobQueue, state: str) -> None:
        record = add(store, state=state, result="result.jpg", ended=1.0)
        store.path(record.id, "result.jpg").write_bytes(b"the result")
        with pytest.raises(ProblemError, match="not failed") as refusal:
            actions.retry(store, queue, record.id)
        assert refusal.value.problem.status == 409
        assert store.load(record.id) == record
        assert store.path(record.id, "result.jpg").read_bytes() == b"the result"
        assert queue.take() is None

    def test_cancel_while_it_is_worked_on(self, store: Store) -> None:
        record = add(store, state="rendering")
        with store.lock(record.id):
            assert actions.cancel(store, record.id).state == "rendering"
        assert store.stop_asked(record.id)

    def test_only_what_rests_can_be_changed(self, store: Store, queue: JobQueue) -> None:
        for state in ("queued", "analyzing", "rendering", "checking"):
            record = add(store, state=state)
            for act in (
                lambda job: actions.retry(store, queue, job),
                lambda job: actions.render(store, queue, job, {}),
                lambda job: actions.finish(store, job),
                lambda job: actions.save_plan(store, job, PLAN_MADE),
            ):
                with pytest.raises(ProblemError) as refusal:
                    act(record.id)
                assert (refusal.value.problem.status, refusal.value.problem.type) == (409, "busy")

    def test_render_takes_the_old_result_away(self, store: Store, queue: JobQueue) -> None:
        record = add(store, state="done", result="result.jpg", ended=1.0)
        store.path(record.id, "result.jpg").touch()
        with pytest.raises(ProblemError, match="no plan"):
            actions.render(store, queue, record.id, {})
        store.write(record.id, PLAN, PLAN_MADE.to_json())
        again = actions.render(store, queue, record.id, {"preset": "strict"})
        assert (again.state, again.result, again.options) == ("queued", "", {"preset": "strict"})
        assert not store.has(record.id, "result.jpg")
        assert queue.take() == record.id

    @pytest.mark.parametrize(
        ("tracks", "words"),
        [
            ((Track(0, {}), Track(0, {})), "same id"),
            ((Track(-1, {}),), "negative"),
            ((Track(0, {1: Box(0, 0, 1, 1)}),), "not there"),
            ((Track(0, {-1: Box(0, 0, 1, 1)}),), "not there"),
        ],
    )
    def test_plans_that_are_refused(
        self, store: Store, tracks: tuple[Track, ...], words: str
    ) -> None:
        record = add(store, state="review")
        store.write(record.id, PLAN, PLAN_MADE.to_json())
        with pytest.raises(ProblemError, match=words):
            actions.save_plan(store, record.id, replace(PLAN_MADE, tracks=tracks))
        other = replace(PLAN_MADE, media=Media("image", "jpeg", 65, 48))
        with pytest.raises(ProblemError, match="another size"):
            actions.save_plan(store, record.id, other)
        assert store.path(record.id, PLAN).read_text() == PLAN_MADE.to_json()

    def test_only_tracks_are_taken_over(self, store: Store) -> None:
        record = add(store, state="review")
        store.write(record.id, PLAN, PLAN_MADE.to_json())
        kept = replace(PLAN_MADE.tracks[0], keep=True)
        edited = replace(PLAN_MADE, tracks=(kept,), detector="mine", min_face=1000.0, pts=(0, 1))
        assert actions.save_plan(store, record.id, edited) == replace(PLAN_MADE, tracks=(kept,))

    def test_options_over_those_of_the_service(self) -> None:
        base = {"preset": "light", "method": "cartoon", "quality": 50}
        assert actions.options_of({}, base) == base
        assert actions.options_of({"preset": "strict"}, base) == {"preset": "strict", "quality": 50}
        assert actions.options_of({"quality": None, "cells": 2}, base) == {**base, "cells": 2}


class TestWork:
    def test_done_jobs_are_left_alone(self, store: Store) -> None:
        record = add(store, state="done", ended=1.0)
        before = store.path(record.id, "job.json").stat().st_mtime_ns
        execute.work_on(store, record.id, {})
        execute.work_on(store, "not-there-0000000000", {})
        assert store.path(record.id, "job.json").stat().st_mtime_ns == before

    def test_nothing_is_made_before_somebody_has_looked(
        self, store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Though the plan is there, as after a worker died, or when it is retried."""
        monkeypatch.setattr("faceveil.pipeline.veil_file", None)
        for fields in ({"state": "analyzing"}, {"state": "failed", "problem": actions.CANCELLED}):
            record = add(store, review=True, **fields)
            store.write(record.id, PLAN, PLAN_MADE.to_json())
            if record.problem is not None:
                actions.retry(store, queue, record.id)
            execute.work_on(store, record.id, {})
            assert store.load(record.id).state == "review"

    def test_a_broken_plan_is_not_made_anew(self, store: Store) -> None:
        """A new one would not have the faces that somebody had added."""
        record = add(store)
        store.write(record.id, PLAN, "{")
        execute.work_on(store, record.id, {})
        failed = store.load(record.id)
        assert failed.problem is not None
        assert (failed.problem.status, failed.problem.type) == (409, "no-plan")
        with pytest.raises(ProblemError, match="broken"):
            actions.save_plan(store, record.id, PLAN_MADE)

    def test_another_workers_job_is_left_alone(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(execute, "_TAKE_OVER", 0.05)
        record = add(store)
        with store.lock(record.id):
            execute.work_on(store, record.id, {})
        assert store.load(record.id) == record

    def test_what_cannot_be_read_fails_in_words(self, store: Store) -> None:
        record = add(store)
        store.path(record.id, ORIGINAL).write_bytes(b"\xff\xd8\xff and no more")
        execute.work_on(store, record.id, {})
        failed = store.load(record.id)
        assert failed.state == "failed"
        assert failed.problem is not None
        assert (failed.problem.type, failed.problem.status) == ("unreadable", 422)

    def test_the_end_of_the_worker_is_no_fault_of_the_job(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def ended(*_: object) -> None:
            raise SystemExit(143)

        record = add(store)
        monkeypatch.setattr(execute, "_run", ended)
        with pytest.raises(SystemExit):
            execute.work_on(store, record.id, {})
        assert (store.load(record.id).state, store.load(record.id).attempts) == ("queued", 0)

    def test_a_job_tells_of_the_faces_that_the_check_has_added(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        added = Track(0, dict.fromkeys(range(3), Box(1, 2, 3, 4)), origin="checked")
        plan = Plan(Media("video", "mp4", 64, 48), pts=(0, 500, 1000), tracks=())

        def veil(*_: object, mended: Callable[[Plan], None], **__: object) -> None:
            mended(replace(plan, tracks=(added,)))
            raise SystemExit  # before anything else is told

        monkeypatch.setattr("faceveil.pipeline.veil_file", veil)
        record = add(store)
        store.write(record.id, PLAN, plan.to_json())
        with pytest.raises(SystemExit):
            execute.work_on(store, record.id, {})
        job = store.load(record.id)
        assert (job.faces, job.added, job.filled, job.longest_fill) == (1, 1, 3, 1.5)
        assert actions.plan_of(store, record.id).tracks == (added,)

    def test_a_job_that_kills_is_given_up(self, store: Store) -> None:
        record = add(store, state="analyzing", attempts=execute.ATTEMPTS)
        execute.work_on(store, record.id, {})
        assert store.load(record.id).problem == execute.GIVEN_UP


def test_headers_of_a_crowd_are_small(store: Store) -> None:
    """Node's fetch and many proxies take 16 kB, others 8; a report of a crowd has 25."""
    record = add(store, state="done", result="result.jpg", ended=1.0)
    warnings = tuple(f"face {number} of the crowd is " + "small" * 20 for number in range(1000))
    report = Report("partial", tracks=1000, warnings=warnings)
    store.write(record.id, REPORT, report.to_json())
    store.path(record.id, "result.jpg").write_bytes(b"the result")

    async def body(answer: StreamingResponse) -> bytes:
        return b"".join([bytes(piece) async for piece in answer.body_iterator])  # type: ignore[arg-type]

    for reported in (False, True):
        answer = routes_veil._answer(store, record, reported)
        whole = in_a_loop(body(answer))
        assert b"the result" in whole
        assert (b"face 999 of the crowd" in whole) == reported
        assert len(whole) == int(answer.headers["content-length"])
        assert sum(len(name) + len(value) + 4 for name, value in answer.raw_headers) < 1000
        assert answer.headers["faceveil-faces"] == "1000"
        assert answer.headers["faceveil-warnings"] == "1000"
        assert answer.headers["faceveil-status"] == "partial"


class TestNames:
    @pytest.mark.slow
    @given(st.text())
    def test_a_name_leads_nowhere(self, name: str) -> None:
        shown = display_name(name)
        parts = shown.split("/")
        assert all(part.strip(". ") or part not in ("", ".", "..") for part in parts)
        assert not {"", ".", ".."} & set(parts)
        assert all(len(part.encode()) <= LONGEST for part in parts)
        assert "\\" not in shown
        assert shown.isprintable()
        assert display_name(shown) == shown
        assert attachment(shown).isascii()
        assert "\r" not in attachment(shown)
        assert "\n" not in attachment(shown)

    def test_results(self) -> None:
        assert result_path("a/b.JPG", "result.JPG") == "a/b.veiled.JPG"
        assert result_path("a/b.heic", "result.jpg") == "a/b-heic.veiled.jpg"
        assert result_path("file", "result.png") == "file.veiled.png"
        taken: set[str] = set()
        names = [unique(name, taken) for name in ("a/x.jpg", "a/X.JPG", "a/x.jpg", "x.jpg")]
        assert names == ["a/x.jpg", "a/X-2.JPG", "a/x-3.jpg", "x.jpg"]


def test_a_fault_tells_nothing_of_what_it_was_about() -> None:
    told = problem_of(ValueError("/home/me/secret.jpg"))
    assert (told.status, told.type) == (500, "fault")
    assert "secret" not in told.model_dump_json()
    assert problem_of(OSError(28, "No space left on device")).type == "disk-full"
