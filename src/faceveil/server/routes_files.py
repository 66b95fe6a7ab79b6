"""The files of a job: its plan, pictures of it, its result and report."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path as FilePath
from pathlib import PurePosixPath
from typing import IO, Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request
from pydantic import ValidationError
from starlette.responses import FileResponse, Response, StreamingResponse

from faceveil.i18n import say
from faceveil.i18n.validation import first_fault
from faceveil.media.archives.archive import ArchiveWriter
from faceveil.media.media_types import type_of
from faceveil.options import Options
from faceveil.plan import Plan
from faceveil.server import actions, previews
from faceveil.server.client_names import attachment, result_name, result_path, stem_of, unique
from faceveil.server.darkroom import LATER, URGENT
from faceveil.server.playing import played
from faceveil.server.problems import ProblemError
from faceveil.server.routes import JobId, chunks
from faceveil.server.schemas import ANY_RESULT, BINARY
from faceveil.server.state import StateDep
from faceveil.server.store import ORIGINAL, PAGE, PLAN, REPORT, Record, Store

router = APIRouter(prefix="/api", tags=["files"])
_NAMES = {ORIGINAL: say("original"), PLAN: say("plan"), REPORT: say("report"), PAGE: say("report")}
"""Files of a job as a person knows them."""

_JPEG: dict[int | str, Any] = {200: {"content": {"image/jpeg": BINARY}}}
_FILE: dict[int | str, Any] = {200: {"content": ANY_RESULT}}
_FILM = _FILE | {
    206: {"description": "A range of it", "content": ANY_RESULT},
    416: {"description": "The range lies beyond its end"},
}
_ZIP: dict[int | str, Any] = {200: {"content": {"application/zip": BINARY}}}
_PAGE: dict[int | str, Any] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
_ANY_JSON: dict[int | str, Any] = {200: {"content": {"application/json": {"schema": {}}}}}


@router.get("/jobs/{job}/plan", response_class=Response, responses=_ANY_JSON)
def plan(job: JobId, state: StateDep) -> Response:
    """The plan: where the faces are, to look at and edit."""
    return Response(_read(state, job, PLAN), media_type="application/json")


@router.put(
    "/jobs/{job}/plan",
    response_class=Response,
    responses=_ANY_JSON,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
)
async def edit_plan(job: JobId, state: StateDep, request: Request) -> Response:
    """Save the tracks of an edited plan; POST render applies them."""
    body = await request.body()

    def save() -> bytes:
        state.store.load(job)
        try:
            edited = Plan.from_json(body)
        except ValidationError as error:
            raise ProblemError(
                422, "usage", first_fault(error.errors()), say("Change a copy of what GET gave.")
            ) from error
        return actions.save_plan(state.store, job, edited).to_json().encode()

    return Response(await to_thread.run_sync(save), media_type="application/json")


@router.get("/jobs/{job}/frames/{frame}", response_class=Response, responses=_JPEG)
async def frame(
    job: JobId,
    frame: Annotated[int, Path(ge=0, le=100_000_000)],
    state: StateDep,
    request: Request,
    of: Literal["original", "result"] = "original",
    width: Annotated[int, Query(ge=16, le=previews.WIDEST)] = 1280,
) -> Response:
    """A frame of the original or of the result, as JPEG."""

    films = list[tuple[FilePath, Options]]()

    def find() -> tuple[Any, ...]:
        record = state.store.load(job)
        name = ORIGINAL if of == "original" else _result(record)
        path = _existing(state, record, name)
        part = _part(state, record, frame) if of == "result" else ""
        options = _options(record, state)
        if record.kind == "video" and frame == 0 and width > previews.SMALL:
            films.append((path, options))
        return previews.frame_jpeg, path, frame, width, options, part

    urgency = URGENT if width > previews.SMALL else LATER
    answer = await _preview(state, request, find, urgency=urgency)
    for film in films:  # somebody opened it, and will go through it
        state.darkroom.soon(previews.prepare, *film)
    return answer


@router.get("/jobs/{job}/original", response_class=Response, responses=_FILM)
def original(job: JobId, state: StateDep, request: Request) -> Response:
    """The film as it was uploaded, for a player; there is no other way to get an original."""
    record = state.store.load(job)
    path = _existing(state, record, ORIGINAL)
    if record.kind != "video":
        raise ProblemError(404, "not-found", say("only a video can be played"))
    try:
        return played(path, type_of(record.name), request.headers.get("range", ""))
    except FileNotFoundError as error:
        raise LookupError from error


@router.get("/jobs/{job}/tracks/{track}/thumbnail", response_class=Response, responses=_JPEG)
async def thumbnail(
    job: JobId,
    track: Annotated[int, Path(ge=0, le=100_000_000)],
    state: StateDep,
    request: Request,
) -> Response:
    """A face in the original, where it was seen best, as JPEG."""

    def find() -> tuple[Any, ...]:
        record = state.store.load(job)
        path = _existing(state, record, ORIGINAL)
        _existing(state, record, PLAN)
        for found in actions.plan_of(state.store, job).tracks:
            if found.id == track:
                return previews.face_jpeg, path, found, _options(record, state)
        raise ProblemError(404, "not-found", say("there is no such track"))

    return await _preview(state, request, find, urgency=LATER)


async def _preview(
    state: StateDep, request: Request, find: Callable[[], tuple[Any, ...]], *, urgency: int
) -> Response:
    try:
        wanted = await to_thread.run_sync(find)
        gone = request.is_disconnected
        data = await state.darkroom.make(*wanted, gone=gone, urgency=urgency)
    except FileNotFoundError as error:
        raise LookupError from error
    return Response(data, media_type="image/jpeg")


@router.get("/jobs/{job}/result", response_class=FileResponse, responses=_FILE)
def result(job: JobId, state: StateDep) -> Response:
    """The obscured file, to save."""
    record = state.store.load(job)
    path = _existing(state, record, _result(record))
    return FileResponse(
        path,
        media_type=type_of(record.result),
        headers={"Content-Disposition": attachment(result_name(record.name, record.result))},
    )


@router.get("/jobs/{job}/report", response_class=Response, responses=_ANY_JSON)
def report(job: JobId, state: StateDep) -> Response:
    """The report: what was done, what was dropped, and what the check found."""
    return Response(_read(state, job, REPORT), media_type="application/json")


@router.get("/jobs/{job}/report.html", response_class=Response, responses=_PAGE)
def report_page(job: JobId, state: StateDep) -> Response:
    """The report for people: a page to read and print, with small pictures of the result."""
    name = f"{stem_of(state.store.load(job).name)}.report.html"
    # To be saved and not to be shown here: nothing but the service's own page runs at its address.
    return Response(
        _read(state, job, PAGE),
        media_type="text/html",
        headers={"Content-Disposition": attachment(name)},
    )


@router.get("/jobs/{job}/evidence", response_class=Response, responses=_ZIP)
def evidence(job: JobId, state: StateDep) -> Response:
    """Both reports in a zip, with the hashes of the result and of these files to compare."""
    record = state.store.load(job)
    files = {"report.json": _read(state, job, REPORT), "report.html": _read(state, job, PAGE)}
    hashes = {name: sha256(data).hexdigest() for name, data in files.items()}
    told = json.loads(files["report.json"])
    if told["output"]:
        hashes[told["output"]] = told["sha256_out"]
    lines = "".join(f"{digest}  {name}\n" for name, digest in hashes.items())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (files | {"SHA256SUMS": lines.encode()}).items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return Response(
        packed.getvalue(),
        media_type="application/zip",
        headers={"Content-Disposition": attachment(f"{stem_of(record.name)}.evidence.zip")},
    )


@router.get("/batches/{batch}/result", response_class=Response, responses=_ZIP)
async def results(batch: JobId, state: StateDep) -> Response:
    """All results of an upload as a zip, in the folders that the originals lay in."""
    mine = [record for record in state.store.records() if record.batch == batch]
    done = [record for record in mine if record.state == "done" and record.result]
    if not done:
        raise ProblemError(404, "not-found", say("nothing of that upload is done, or it is gone"))
    file = await to_thread.run_sync(_pack, state.store, done)
    return StreamingResponse(
        chunks(file),
        media_type="application/zip",
        headers={
            "Content-Disposition": attachment("faceveil.zip"),
            "Content-Length": str(os.fstat(file.fileno()).st_size),
        },
    )


def _pack(store: Store, records: list[Record]) -> IO[bytes]:
    """A zip of results in an unnamed file. Results that are deleted meanwhile are left out."""
    folder = store.stage()
    try:
        with ArchiveWriter(folder / "zip") as archive:
            taken = set[str]()
            for record in sorted(records, key=lambda record: record.created):
                path = store.path(record.id, record.result)
                if path.exists():
                    name = unique(result_path(record.name, record.result), taken)
                    archive.add(PurePosixPath(name), path)
            return archive.commit().open("rb")
    finally:
        shutil.rmtree(folder)


def _read(state: StateDep, job: str, name: str) -> bytes:
    record = state.store.load(job)
    return _existing(state, record, name).read_bytes()


def _existing(state: StateDep, record: Record, name: str) -> FilePath:
    if not state.store.has(record.id, name):
        what = _NAMES.get(name, say("result"))
        raise ProblemError(
            404, "not-found", say("the job has no {what}, or it was deleted", what=what)
        )
    path: FilePath = state.store.path(record.id, name)
    return path


def _part(state: StateDep, record: Record, frame: int) -> str:
    """The name of what a frame of a document shows, as its report has it."""
    if record.kind != "document" or not state.store.has(record.id, REPORT):
        return ""
    parts = json.loads(_read(state, record.id, REPORT))["media"]["parts"]
    return str(parts[frame]["name"]) if frame < len(parts) else ""


def _result(record: Record) -> str:
    """File name of the result, if clients may have it."""
    if record.state != "done" or not record.result:
        raise ProblemError(
            404, "not-found", say("the job has no result"), say("Its state and problem say why.")
        )
    return record.result


def _options(record: Record, state: StateDep) -> Options:
    return Options(**record.options)
