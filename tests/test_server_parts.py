"""The server's parts by themselves: store, queue, sweep, names, and what may be done when."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceveil.errors import OutputError, UsageError
from faceveil.server import actions, sweep, work
from faceveil.server.locks import HeldError, locked
from faceveil.server.names import LONGEST, attachment, display_name, result_path, unique
from faceveil.server.problems import ProblemError, problem_of
from faceveil.server.queue import JobQueue
from faceveil.server.store import ORIGINAL, PLAN, Record, Store, new_id
from faceveil.types import Box, Media, Plan, Track
from servers import wait_for

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
            from redis.exceptions import ConnectionError as Refused

            queue = JobQueue(tmp_path, url)
            try:
                queue.waiting()
            except Refused:
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

    def test_addresses_that_are_none(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot be kept"):
            JobQueue(tmp_path, "http://example.org")


class TestSweep:
    def look(self, store: Store, queue: JobQueue) -> None:
        sweep.sweep(store, queue, list(store.records()))

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


class TestActions:
    def test_cancel_while_it_waits(self, store: Store) -> None:
        record = add(store)
        cancelled = actions.cancel(store, record.id)
        assert (cancelled.state, cancelled.problem) == ("failed", actions.CANCELLED)
        assert actions.cancel(store, record.id) == cancelled
        assert not store.stop_asked(record.id)

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
        work.work_on(store, record.id, {})
        work.work_on(store, "not-there-0000000000", {})
        assert store.path(record.id, "job.json").stat().st_mtime_ns == before

    def test_another_workers_job_is_left_alone(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(work, "_TAKE_OVER", 0.05)
        record = add(store)
        with store.lock(record.id):
            work.work_on(store, record.id, {})
        assert store.load(record.id) == record

    def test_what_cannot_be_read_fails_in_words(self, store: Store) -> None:
        record = add(store)
        store.path(record.id, ORIGINAL).write_bytes(b"\xff\xd8\xff and no more")
        work.work_on(store, record.id, {})
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
        monkeypatch.setattr(work, "_run", ended)
        with pytest.raises(SystemExit):
            work.work_on(store, record.id, {})
        assert (store.load(record.id).state, store.load(record.id).attempts) == ("queued", 0)

    def test_a_job_that_kills_is_given_up(self, store: Store) -> None:
        record = add(store, state="analyzing", attempts=work.ATTEMPTS)
        work.work_on(store, record.id, {})
        assert store.load(record.id).problem == work.GIVEN_UP


class TestNames:
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
