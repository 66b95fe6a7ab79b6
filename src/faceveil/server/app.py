"""The service as an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from anyio import CancelScope, to_thread
from anyio.lowlevel import checkpoint
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceveil.errors import FaceVeilError
from faceveil.i18n import foreign, say
from faceveil.i18n.validation import first_fault
from faceveil.options import Options
from faceveil.server import (
    routes_docs,
    routes_files,
    routes_jobs,
    routes_live,
    routes_recordings,
    routes_review,
    routes_service,
    routes_veil,
)
from faceveil.server.care import in_thread
from faceveil.server.herald import Herald
from faceveil.server.intake import Intake
from faceveil.server.job_index import TICK, JobIndex
from faceveil.server.language import Languages
from faceveil.server.metrics import Metrics
from faceveil.server.problems import MEDIA_TYPE, ProblemError, problem, problem_of
from faceveil.server.queue import JobQueue
from faceveil.server.routes_docs import describe_tokens, describe_webhooks
from faceveil.server.security import Guard, cookie_of
from faceveil.server.settings import Service
from faceveil.server.state import State
from faceveil.server.store import Store
from faceveil.server.sweep import Sweeper, clear_half_made
from faceveil.server.tell import tell_fault

STATIC = Path(__file__).with_name("static")
SWEEP_SECONDS, LOOK_SECONDS = 2.0, 10.0
_TELL_SECONDS = 0.5

_PROBLEM: dict[str, Any] = {
    "description": "What went wrong",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_STATUS_WORDS = {404: "not-found", 405: "wrong-method"}


def create_app(
    service: Service,
    base: dict[str, Any],
    store: Store,
    queue: JobQueue,
    token: str,
    machine: dict[str, Any] | None = None,
    *,
    hub: JobIndex | None = None,
) -> ASGIApp:
    """Make the application. The process that runs it holds the server's lock of the folder.

    Args:
        base: options of every job unless its client says otherwise.
        token: what clients have to send.
        machine: options of this machine, for what is done in this process.
        hub: knows the jobs; given, so that its streams can be closed before the connections.

    Raises:
        pydantic.ValidationError: the options are out of range.
    """
    hub = hub or JobIndex(store)
    intake = Intake(store, service, Options(**base), hub)
    state = State(service, base, store, queue, hub, intake, Metrics(hub), machine or {})
    app = FastAPI(
        title="FaceVeil",
        summary="Finds every face in photos, videos and documents and obscures it irreversibly.",
        version=version("faceveil"),
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        docs_url=None,  # these pages would come from elsewhere; routes_docs has one of its own
        redoc_url=None,
        lifespan=_lifespan,
        responses={"default": _PROBLEM, 422: _PROBLEM},
        generate_unique_id_function=lambda route: route.name,
    )
    describe_tokens(app, cookie_of(service))
    describe_webhooks(app)
    app.state.faceveil = state
    for routes in (
        routes_service,
        routes_docs,
        routes_veil,
        routes_jobs,
        routes_files,
        routes_review,
        routes_live,
        routes_recordings,
    ):
        app.include_router(routes.router)
    if STATIC.is_dir():
        app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for kind in (
        *(FaceVeilError, ProblemError, LookupError),
        *(HTTPException, RequestValidationError, ClientDisconnect),
    ):
        app.add_exception_handler(kind, _on_error)
    app.add_exception_handler(Exception, _on_error)
    return Languages(Guard(_Counted(_answer_head(app), state.metrics), service, token))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: State = app.state.faceveil
    await to_thread.run_sync(clear_half_made, state.store)
    await to_thread.run_sync(state.recordings.mend)
    await state.hub.refresh()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(state.darkroom.close)
        stack.push_async_callback(to_thread.run_sync, state.following.close)
        stack.push_async_callback(to_thread.run_sync, state.recordings.close)
        herald = Herald(state.store, state.service, state.hub.records)
        stack.push_async_callback(herald.close)
        for task in _background(state, herald):
            running = asyncio.create_task(task)
            stack.push_async_callback(_cancel_and_wait, running)
        yield
        await state.hub.close()


async def _cancel_and_wait(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _background(state: State, herald: Herald) -> Iterator[Coroutine[Any, Any, None]]:
    """The background tasks. Deleting does not wait for any other."""
    sweeper, keep = Sweeper(state.store, state.queue), state.care.keep

    def delete() -> None:
        try:
            state.store.mend()
            sweeper.delete_due(state.hub.records())
        finally:  # neither waits for what cannot be deleted of the other
            state.recordings.delete_due()

    def look_at_all() -> None:
        # The hub may be out of date, and does not know jobs that cannot be read.
        sweeper.delete_broken()
        sweeper.delete_due(state.store.records())

    def queue_again() -> None:
        sweeper.queue_again(state.hub.records())

    yield keep(say("jobs cannot be followed"), state.hub.refresh, TICK)
    yield keep(say("what has had its time cannot be deleted"), in_thread(delete), SWEEP_SECONDS)
    yield keep(say("the folder of jobs cannot be read"), in_thread(look_at_all), LOOK_SECONDS)
    yield keep(say("the queue of jobs cannot be used"), in_thread(queue_again), SWEEP_SECONDS)
    rest = in_thread(state.following.rest)
    yield keep(say("the process that follows boxes cannot be ended"), rest, SWEEP_SECONDS)
    yield keep(say("webhooks cannot be sent"), herald.look, _TELL_SECONDS)


async def _on_error(request: Request, error: Exception) -> Response:
    """Any error in the words of the command line, never a traceback."""
    headers: dict[str, str] = {}
    if isinstance(error, RequestValidationError):
        told = problem(422, "usage", first_fault(error.errors(), slice(1, None)))
    elif isinstance(error, HTTPException):
        kind = _STATUS_WORDS.get(error.status_code, "usage")
        told = problem(error.status_code, kind, foreign(str(error.detail)))
        headers = dict(error.headers or {})
    elif isinstance(error, ClientDisconnect):
        return Response(status_code=400)  # the client is gone
    elif isinstance(error, LookupError):
        told = problem(404, "not-found", say("there is no such job, or it is gone"))
    else:
        told = problem_of(error)
        headers = error.headers if isinstance(error, ProblemError) else {}
    return JSONResponse(told.model_dump(mode="json"), told.status, headers, MEDIA_TYPE)


def _answer_head(app: ASGIApp) -> ASGIApp:
    """Answers HEAD as GET, without the body, and without making all of it."""

    async def headed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await app(scope, receive, send)
            return
        with CancelScope() as rest:

            async def send_headers(message: Message) -> None:
                await send(message)
                if message["type"] == "http.response.start":
                    await send({"type": "http.response.body", "body": b""})
                    rest.cancel()
                    await checkpoint()

            await app({**scope, "method": "GET"}, receive, send_headers)

    return headed


class _Counted:
    """Middleware that counts the answers."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answered = False

        async def counting(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                self._metrics.requests.labels(message["status"]).inc()
            await send(message)
            if message["type"] == "http.response.body":
                answered = not message.get("more_body", False)

        try:
            await self._app(scope, receive, counting)
        except Exception as error:
            # Starlette raises an error that it has already answered, and uvicorn then drops the
            # connection, on which the next request may be arriving.
            if not answered:
                raise
            tell_fault("requests", error)
