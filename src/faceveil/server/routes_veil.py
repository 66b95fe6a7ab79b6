"""A picture in, the obscured picture out, in one request."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from typing import IO, Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from faceveil.i18n import say
from faceveil.media.media_types import type_of
from faceveil.server import actions, forms, spool
from faceveil.server.intake import Upload
from faceveil.server.problems import ProblemError
from faceveil.server.references import FIELDS, MOST, Photos, photos_in
from faceveil.server.routes import chunks, read_options
from faceveil.server.schemas import ANY_RESULT, BINARY
from faceveil.server.state import StateDep
from faceveil.server.store import ENDED, REPORT, Record, Store, new_id

router = APIRouter(prefix="/api", tags=["veil"])

_LOOK = 0.05
"""Seconds between two checks whether the worker is done."""
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
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "options": {
                            "type": "string",
                            "description": "Settings as a JSON object, if not in the query.",
                        },
                        **FIELDS,
                    },
                }
            },
        },
    }
}
_HEADERS = {
    "FaceVeil-Status": "ok, or partial: there are warnings",
    "FaceVeil-Faces": "Different faces that were covered",
    "FaceVeil-Warnings": "How many warnings the report has",
}
"""Only counts: many programs and proxies accept at most 8 kB of headers."""
_FORM = "multipart/form-data"
_WITH_REPORT: dict[str, Any] = {
    "schema": {
        "type": "object",
        "required": ["file", "report"],
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "report": {"type": "object"},
        },
    }
}
_ANSWER: dict[int | str, Any] = {
    200: {
        "description": "The obscured file; as the field `file` of a form, with the `report`, if "
        f"{_FORM} is accepted",
        "content": {**ANY_RESULT, _FORM: _WITH_REPORT},
        "headers": {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in _HEADERS.items()
        },
    }
}


@router.post("/veil", response_class=Response, responses=_ANSWER, openapi_extra=_BODY)
async def veil(
    request: Request,
    state: StateDep,
    options: Annotated[str | None, Query(description="Settings as a JSON object.")] = None,
) -> Response:
    """Obscure one picture or document, sent as the bare body or as the field `file` of a form.

    A client that accepts `multipart/form-data` gets the report, too.
    """
    forms.require_query(request, "options")
    given = actions.options_of(read_options(options), state.base)
    state.intake.require_room()
    store: Store = state.store
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with forms.read_form(request, store.staging, 1 + MOST) as form:
            forms.require_known(form, files=("file", *FIELDS), texts=("options",))
            if (within := forms.text_of(form, "options")) is not None:
                if options is not None:
                    raise ProblemError(422, "usage", say("{name} is given twice", name="options"))
                given = actions.options_of(read_options(within), state.base)
            files = forms.files_of(form, "file")
            if not files:
                raise ProblemError(422, "usage", say("file: one is wanted"))
            if len(files) > 1:
                raise ProblemError(
                    413, "limit", say("the upload holds more than {most} files", most=1)
                )
            photos = photos_in(form)
            record = await to_thread.run_sync(_accept, state, files[0].file, given, photos)
    else:
        with await spool.read_body(request, store.staging) as file:
            record = await to_thread.run_sync(_accept, state, file, given)
    try:
        await to_thread.run_sync(actions.enqueue, state.queue, [record])
        record = await _wait_for_end(request, store, record)
        reported = _FORM in request.headers.get("accept", "")
        return await to_thread.run_sync(_answer, store, record, reported)
    finally:
        await asyncio.shield(to_thread.run_sync(store.discard, record.id))


def _accept(
    state: StateDep, file: IO[bytes], options: dict[str, Any], photos: Photos = ()
) -> Record:
    _, records, refused = state.intake.accept(
        [Upload("picture", file)], options, direct=True, photos=photos
    )
    if refused:
        raise ProblemError.of(refused[0].problem)
    record: Record = records[0]
    return record


async def _wait_for_end(request: Request, store: Store, record: Record) -> Record:
    """Wait for the worker, as long as the client does."""
    while record.state not in ENDED:
        if await request.is_disconnected():
            raise ClientDisconnect
        await asyncio.sleep(_LOOK)
        record = await to_thread.run_sync(store.load, record.id)
    return record


def _answer(store: Store, record: Record, reported: bool) -> StreamingResponse:
    if record.problem is not None:
        raise ProblemError.of(record.problem)
    report = store.path(record.id, REPORT).read_bytes()
    told = json.loads(report)
    headers = {
        "FaceVeil-Status": told["status"],
        "FaceVeil-Faces": str(told["tracks"]),
        "FaceVeil-Warnings": str(len(told["warnings"])),
    }
    kind, start, end = type_of(record.result), b"", b""
    if reported:
        boundary = new_id()
        part = f"--{boundary}\r\nContent-Disposition: form-data; name="
        start = (
            f'{part}"report"\r\nContent-Type: application/json\r\n\r\n'.encode()
            + report
            + f'\r\n{part}"file"; filename="{record.result}"\r\n'.encode()
            + f"Content-Type: {kind}\r\n\r\n".encode()
        )
        kind, end = f"multipart/form-data; boundary={boundary}", f"\r\n--{boundary}--\r\n".encode()
    # It can be read to its end after it is deleted, and may be too large for memory.
    file = store.path(record.id, record.result).open("rb")
    size = len(start) + os.fstat(file.fileno()).st_size + len(end)
    headers["Content-Length"] = str(size)
    return StreamingResponse(_around(start, file, end), media_type=kind, headers=headers)


def _around(start: bytes, file: IO[bytes], end: bytes) -> Iterator[bytes]:
    yield start
    yield from chunks(file)
    yield end
