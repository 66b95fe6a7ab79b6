"""A review while it goes on: its edits, and the original that it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from anyio import CancelScope, to_thread
from fastapi import APIRouter, Depends, Query

from faceveil.options import Options
from faceveil.server import actions, drafts, grouping
from faceveil.server.drafts import Draft
from faceveil.server.following import Follow, Pursued
from faceveil.server.routes import JobId
from faceveil.server.schemas import Job, job_of
from faceveil.server.state import StateDep

router = APIRouter(prefix="/api", tags=["review"])


@router.get("/jobs/{job}/draft")
def draft(job: JobId, state: StateDep) -> Draft:
    """Edits that were not applied yet, as differences from the plan; `version` 0: none."""
    state.store.load(job)
    return drafts.load(state.store, job)


@router.put("/jobs/{job}/draft")
def edit_draft(job: JobId, wanted: Draft, state: StateDep) -> Draft:
    """Keep edits until they are applied; PUT plan does that, and deletes them."""
    return drafts.save(state.store, job, wanted)


@router.post("/jobs/{job}/people", status_code=202)
def people(job: JobId, state: StateDep) -> Job:
    """Number the people in the plan, without another analysis; then the job is as it was before."""
    folder = Options(**state.base).weights
    return job_of(state.store, grouping.ask(state.store, state.queue, job, folder))


@router.post("/jobs/{job}/keep")
def keep(
    job: JobId,
    state: StateDep,
    longer: Annotated[bool, Query(description="As long as a new original is kept.")] = False,
) -> Job:
    """Put off the deletion of an original that is being reviewed, for at least ten minutes."""
    usual = state.service.keep_original_minutes * 60
    seconds = usual if longer else min(usual, actions.REVIEW_SECONDS)
    return job_of(state.store, actions.put_off(state.store, job, seconds))


async def _asked(job: JobId, wanted: Follow, state: StateDep) -> AsyncIterator[tuple[str, Follow]]:
    """The request, and room for it until it is answered."""
    await to_thread.run_sync(state.following.require, job, wanted)
    async with state.following.place():
        yield job, wanted


@router.post("/jobs/{job}/follow")
async def follow(
    asked: Annotated[tuple[str, Follow], Depends(_asked)], state: StateDep
) -> AsyncIterator[Pursued]:
    """Follow a box through its scene, both ways: a line of JSON for each stretch as it is found.

    Close the connection to end it. Nothing is changed; put the boxes into a track of the plan.
    """
    parts, threads = state.following.parts(*asked), state.following.threads
    try:
        while found := await to_thread.run_sync(next, parts, (), limiter=threads):
            for part in found:
                yield part
    finally:
        with CancelScope(shield=True):
            await to_thread.run_sync(parts.close, limiter=threads)
