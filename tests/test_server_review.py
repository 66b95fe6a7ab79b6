"""A review while it goes on: its edits are kept, and so is the original, but not for ever."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra server is not installed")

from faceveil.geometry import Box
from faceveil.plan import Media, Plan, Track
from faceveil.server import actions, drafts
from faceveil.server.drafts import Draft
from faceveil.server.problems import ProblemError
from faceveil.server.queue import JobQueue
from faceveil.server.schemas import job_of
from faceveil.server.store import DRAFT, ORIGINAL, PLAN, Record, Store
from faceveil.server.sweep import Sweeper

HOUR = 3600.0
DRAWN = Track(7, {0: Box(1, 2, 30, 40)}, origin="manual")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "jobs")


def made(store: Store, **changes: Any) -> Record:
    """A job that waits for its review, with an original that is kept for an hour, or four."""
    now = time.time()
    record = Record(
        id="J" * 22,
        batch="B" * 22,
        name="a.jpg",
        state="review",
        created=now,
        original_until=now + HOUR,
        original_latest=now + 4 * HOUR,
        keep_seconds=HOUR,
        longest=HOUR,
    ).but(**changes)
    folder = store.stage()
    (folder / ORIGINAL).write_bytes(b"a picture")
    plan = Plan(Media("image", "jpeg", 64, 48), (Track(0, {0: Box(0, 0, 9, 9)}),))
    (folder / PLAN).write_text(plan.to_json())
    store.publish(folder, record)
    return record


class TestDrafts:
    def test_comes_back_as_it_was(self, store: Store) -> None:
        job = made(store).id
        assert drafts.load(store, job) == Draft()
        draft = Draft(version=1, author="one", kept={0: True}, added=(DRAWN,))
        drafts.save(store, job, draft)
        assert drafts.load(store, job) == draft
        assert job_of(store, store.load(job)).has_draft

    def test_is_private(self, store: Store) -> None:
        job = made(store).id
        drafts.save(store, job, Draft(version=1, removed=(0,)))
        assert store.path(job, DRAFT).stat().st_mode & 0o077 == 0

    def test_what_comes_late_changes_nothing(self, store: Store) -> None:
        """A page that is left sends its last edit beside the one that is under way."""
        job = made(store).id
        drafts.save(store, job, Draft(version=3, author="one", removed=(0,)))
        late = drafts.save(store, job, Draft(version=2, author="one", kept={0: True}))
        assert late.version == drafts.load(store, job).version == 3

    def test_two_reviews_do_not_overwrite_each_other(self, store: Store) -> None:
        job = made(store).id
        drafts.save(store, job, Draft(version=1, author="one", removed=(0,)))
        with pytest.raises(ProblemError) as told:
            drafts.save(store, job, Draft(version=9, author="other", kept={0: True}))
        assert told.value.problem.status == 409
        assert drafts.load(store, job).author == "one"
        # Begun with what the first has kept, the second goes on.
        drafts.save(store, job, Draft(version=2, base=1, author="other", kept={0: True}))
        assert drafts.load(store, job).author == "other"

    def test_nothing_is_kept_of_nothing(self, store: Store) -> None:
        job = made(store).id
        drafts.save(store, job, Draft(version=1, author="one", removed=(0,)))
        drafts.save(store, job, Draft(version=2, author="one"))
        assert not store.has(job, DRAFT)

    @pytest.mark.parametrize("how", ["plan", "finish", "expiry", "discard"])
    def test_it_goes_with_what_it_is_for(self, store: Store, how: str) -> None:
        record = made(store)
        job = record.id
        drafts.save(store, job, Draft(version=1, author="one", added=(DRAWN,)))
        if how == "plan":
            actions.save_plan(store, job, actions.plan_of(store, job))
        elif how == "finish":
            actions.finish(store, job)
        elif how == "discard":
            actions.discard(store, job)
        else:
            store.save(record.but(original_until=time.time() - 1))
            Sweeper(store, JobQueue(store.folder, None)).delete_due(list(store.records()))
        assert not list(store.folder.rglob(DRAFT))

    def test_none_without_an_original(self, store: Store) -> None:
        job = made(store).id
        store.drop_original(job)
        with pytest.raises(ProblemError) as told:
            drafts.save(store, job, Draft(version=1, added=(DRAWN,)))
        assert told.value.problem.status == 410

    def test_a_broken_one_is_none(self, store: Store) -> None:
        job = made(store).id
        store.write(job, DRAFT, '{"version": 3, "add')
        assert drafts.load(store, job) == Draft()


class TestTheOriginal:
    def test_is_kept_while_somebody_reviews(self, store: Store) -> None:
        soon = time.time() + 5
        job = made(store, original_until=soon).id
        until = actions.put_off(store, job, 600).original_until
        assert 595 < until - time.time() <= 600
        # It was kept for longer already: nothing changes.
        assert actions.put_off(store, job, 60).original_until == until

    def test_but_not_for_ever(self, store: Store) -> None:
        record = made(store)
        latest = actions.put_off(store, record.id, HOUR * 9).original_until
        assert latest == record.original_latest
        job = job_of(store, store.load(record.id))
        assert job.original_expires == job.original_latest
        store.save(store.load(record.id).but(original_latest=time.time() - 1))
        assert actions.put_off(store, record.id, HOUR * 9).original_until == latest

    def test_a_job_of_an_older_version_keeps_its_time(self, store: Store) -> None:
        record = made(store, original_latest=None)
        assert actions.put_off(store, record.id, HOUR * 2).original_until == record.original_until

    def test_the_sweep_obeys(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        until = time.time() + 60
        record = made(store, original_until=until)
        sweeper = Sweeper(store, JobQueue(store.folder, None))
        sweeper.delete_due([record])
        actions.put_off(store, record.id, 600)
        monkeypatch.setattr(time, "time", lambda: until + 1)
        sweeper.delete_due([record, store.load(record.id)])  # it may know the older record
        assert store.has(record.id, ORIGINAL)
