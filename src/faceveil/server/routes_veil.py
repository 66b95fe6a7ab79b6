"""A picture in, the obscured picture out, in one request."""

from __future__ import annotations

import asyncio
import json
from typing import IO, Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from faceveil.server import actions, spool
from faceveil.server.intake import Upload
from faceveil.server.problems import ProblemError
from faceveil.server.routes import Here, read_options
from faceveil.server.schemas import ANY_RESULT, BINARY, type_of
from faceveil.server.store import ENDED, REPORT, Record, Store

router = APIRouter(prefix="/api", tags=["veil"])

_LOOK = 0.05
"""Seconds between two looks whether the worker is done."""
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": BINARY,
            "image/*": BINARY,
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}
_HEADERS = {
    "FaceVeil-Status": "ok, or partial: there are warnings",
    "FaceVeil-Faces": "Different faces that were covered",
    "FaceVeil-Report": "The report as JSON, without the regions",
}
_ANSWER: dict[int | str, Any] = {
    200: {
        "description": "The obscured picture",
        "content": ANY_RESULT,
        "headers": {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in _HEADERS.items()
        },
    }
}


@router.post("/veil", response_class=Response, responses=_ANSWER, openapi_extra=_BODY)
async def veil(
    request: Request,
    state: Here,
    options: Annotated[str | None, Query(description="Settings as a JSON object.")] = None,
) -> Response:
    """Obscure one picture, sent as the bare body or as the field `file` of a form."""
    given = actions.options_of(read_options(options), state.base)
    state.intake.require_room()
    store: Store = state.store
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with spool.read_form(request, store.staging, 1) as form:
            files = spool.files_of(form, "file")
            if not files:
                raise ProblemError(422, "usage", "file: one is wanted")
            record = await to_thread.run_sync(_accept, state, files[0].file, given)
    else:
        with await spool.read_body(request, store.staging) as file:
            record = await to_thread.run_sync(_accept, state, file, given)
    try:
        await to_thread.run_sync(actions.enqueue, state.queue, [record])
        record = await _ended(request, store, record)
        return await to_thread.run_sync(_answer, store, record)
    finally:
        await asyncio.shield(to_thread.run_sync(store.discard, record.id))


def _accept(state: Here, file: IO[bytes], options: dict[str, Any]) -> Record:
    _, records, refused = state.intake.accept([Upload("picture", file)], options, direct=True)
    if refused:
        raise ProblemError.of(refused[0].problem)
    record: Record = records[0]
    return record


async def _ended(request: Request, store: Store, record: Record) -> Record:
    """Wait for the worker, as long as the client does."""
    while record.state not in ENDED:
        if await request.is_disconnected():
            raise ClientDisconnect
        await asyncio.sleep(_LOOK)
        record = await to_thread.run_sync(store.load, record.id)
    return record


def _answer(store: Store, record: Record) -> Response:
    if record.problem is not None:
        raise ProblemError.of(record.problem)
    report = json.loads(store.path(record.id, REPORT).read_bytes())
    del report["regions"]
    headers = {
        "FaceVeil-Status": report["status"],
        "FaceVeil-Faces": str(report["tracks"]),
        "FaceVeil-Report": json.dumps(report),
    }
    data = store.path(record.id, record.result).read_bytes()
    return Response(data, media_type=type_of(record.result), headers=headers)
