"""Jobs: upload, watch, correct, stop and delete them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.datastructures import FormData

from faceveil.i18n import say
from faceveil.server import actions, forms, previews
from faceveil.server.intake import Upload
from faceveil.server.problems import ProblemError
from faceveil.server.references import FIELDS, MOST, photos_in
from faceveil.server.routes import JobId, KnownJob, read_options
from faceveil.server.schemas import Accepted, Job, Jobs, Render, job_of
from faceveil.server.state import StateDep
from faceveil.server.store import Record, Store
from faceveil.server.webhooks import require_webhook

router = APIRouter(prefix="/api", tags=["jobs"])

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                            "description": "Photos, videos, documents, or zips of them. A file "
                            "name may hold a relative path.",
                        },
                        "options": {
                            "type": "string",
                            "description": "Settings as a JSON object; see GET /api/options.",
                            "examples": ['{"preset": "strict"}'],
                        },
                        "review": {
                            "type": "string",
                            "enum": ["true", "false"],
                            "description": "Stop after the analysis, for a person to look.",
                        },
                        "people": {
                            "type": "string",
                            "enum": ["true", "false"],
                            "description": "Number the people in the plan.",
                        },
                        **FIELDS,
                        "webhook": {
                            "type": "string",
                            "description": "Address that gets a signed POST when a job ends or "
                            "waits for a look.",
                            "examples": ["http://127.0.0.1:9000/done"],
                        },
                    },
                },
            }
        },
    }
}


@router.post("/jobs", status_code=202, openapi_extra=_FORM)
async def upload(
    request: Request,
    state: StateDep,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> Accepted:
    """Upload files, each as a job; of an archive each file.

    Sent again with the same key, it gives the jobs of the first time, as long as one exists.
    """
    forms.require_query(request)
    state.intake.require_room()
    store, service = state.store, state.service
    async with forms.read_form(request, store.staging, service.max_files + MOST) as form:
        forms.require_known(
            form,
            files=("files", *FIELDS),
            texts=("options", "review", "people", "webhook"),
        )
        given = read_options(forms.text_of(form, "options"))
        options = actions.options_of(given, state.base)
        review, people = (_switch(form, name) for name in ("review", "people"))
        photos = photos_in(form)
        webhook = forms.text_of(form, "webhook") or ""
        if webhook:
            require_webhook(webhook, service)
        uploads = [Upload(file.filename or "", file.file) for file in forms.files_of(form, "files")]
        if not uploads:
            raise ProblemError(422, "usage", say("files: at least one is wanted"))
        batch, records, refused = await to_thread.run_sync(
            lambda: state.intake.accept(
                uploads,
                options,
                review=review,
                key=idempotency_key,
                webhook=webhook,
                photos=photos,
                people=people,
            )
        )
    await to_thread.run_sync(actions.enqueue, state.queue, records)
    state.metrics.accepted.inc(len(records))
    state.metrics.refused.inc(len(refused))
    if records and request.headers.get("sec-fetch-site") == "same-origin":
        state.darkroom.soon(previews.warm)  # the page will want pictures of them
    # The upload is accepted: a later failure must not say otherwise.
    with suppress(OSError):
        await state.hub.refresh()
    return Accepted(batch=batch, jobs=[_as_it_is(store, one) for one in records], refused=refused)


def _as_it_is(store: Store, record: Record) -> Job:
    with suppress(LookupError):
        record = store.load(record.id)
    return job_of(store, record)


def _switch(form: FormData, name: str) -> bool:
    text = forms.text_of(form, name)
    if text not in (None, "", "true", "false"):
        raise ProblemError(422, "usage", say("{name}: true or false is wanted", name=name))
    return text == "true"


@router.get("/jobs")
async def jobs(state: StateDep) -> Jobs:
    """All jobs, oldest first."""
    await state.hub.refresh()
    return Jobs(jobs=state.hub.jobs())


@router.get("/events", response_class=EventSourceResponse)
async def events(state: StateDep) -> AsyncIterator[ServerSentEvent]:
    """Every job once, then each again at every change (`job`), and the id of one gone (`gone`)."""
    async for event in state.hub.events():
        yield _event(event)


@router.get("/jobs/{job}", name="job")
def one(job: JobId, state: StateDep) -> Job:
    """A job."""
    return job_of(state.store, state.store.load(job))


@router.get("/jobs/{job}/events", response_class=EventSourceResponse)
async def events_of(job: KnownJob, state: StateDep) -> AsyncIterator[ServerSentEvent]:
    """The same as /api/events for one job, until it has ended."""
    async for event in state.hub.events_of(job):
        yield _event(event)


def _event(event: Job | str) -> ServerSentEvent:
    if isinstance(event, str):
        return ServerSentEvent(event="gone", data={"id": event})
    return ServerSentEvent(event="job", data=event)


@router.post("/jobs/{job}/render", status_code=202)
def render(job: JobId, state: StateDep, wanted: Render | None = None) -> Job:
    """Make the result from the saved plan, without another analysis; also ends the review."""
    store, scan = state.store, wanted is not None and wanted.scan
    options = store.load(job).options
    if wanted is not None and (wanted.options or wanted.anew):
        options = actions.options_of(wanted.options, state.base if wanted.anew else options)
    return job_of(store, actions.render(store, state.queue, job, options, scan=scan))


@router.post("/jobs/{job}/cancel", status_code=202)
def cancel(job: JobId, state: StateDep) -> Job:
    """Stop a job: at once if it waits, else as soon as its worker notices."""
    return job_of(state.store, actions.cancel(state.store, job))


@router.post("/jobs/{job}/retry", status_code=202)
def retry(job: JobId, state: StateDep) -> Job:
    """Start a failed job again."""
    return job_of(state.store, actions.retry(state.store, state.queue, job))


@router.post("/jobs/{job}/finish")
def finish(job: JobId, state: StateDep) -> Job:
    """Delete the original and the plan; the result stays until it expires."""
    return job_of(state.store, actions.finish(state.store, job))


@router.delete("/jobs/{job}", status_code=204)
def discard(job: JobId, state: StateDep) -> Response:
    """Delete all of a job, at once."""
    actions.discard(state.store, job)
    return Response(status_code=204)


@router.delete("/batches/{batch}", status_code=204)
def discard_batch(batch: JobId, state: StateDep) -> Response:
    """Delete all jobs of an upload, at once."""
    mine = [record.id for record in state.store.records() if record.batch == batch]
    if not mine:
        raise LookupError(batch)
    for job in mine:
        state.store.discard(job)
    return Response(status_code=204)
