"""The recordings of the page's camera: what there is, the films, and their end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from faceveil.i18n import say
from faceveil.media.media_types import type_of
from faceveil.options import Options
from faceveil.server import previews
from faceveil.server.client_names import attachment
from faceveil.server.darkroom import LATER
from faceveil.server.playing import played
from faceveil.server.problems import ProblemError
from faceveil.server.recordings import Kept
from faceveil.server.routes import JobId
from faceveil.server.schemas import ANY_RESULT, BINARY, Recording, RecordingList, moment_of
from faceveil.server.state import StateDep

router = APIRouter(prefix="/api/recordings", tags=["live"])
_FILM: dict[int | str, Any] = {
    200: {"content": ANY_RESULT},
    206: {"description": "A range of it", "content": ANY_RESULT},
}
_JPEG: dict[int | str, Any] = {200: {"content": {"image/jpeg": BINARY}}}


@router.get("")
def recordings(state: StateDep) -> RecordingList:
    """All recordings of the page's camera, oldest first."""
    there = state.recordings
    told = [_told(kept, open_, there.size(kept.id)) for kept, open_ in there.all()]
    return RecordingList(recordings=told, bytes=there.size(), most_bytes=there.most_bytes)


@router.get("/{recording}/film", response_class=Response, responses=_FILM)
def recorded(recording: JobId, state: StateDep, request: Request) -> Response:
    """The film, to save or to play; not while it is being made."""
    with _known():
        film, kept = state.recordings.film(recording), state.recordings.kept(recording)
        try:
            answer = played(film, type_of(film.name), request.headers.get("range", ""))
        except OSError as error:
            raise LookupError from error
    answer.headers["Content-Disposition"] = attachment(_name(kept))
    return answer


@router.get("/{recording}/picture", response_class=Response, responses=_JPEG)
async def recording_picture(
    recording: JobId,
    state: StateDep,
    request: Request,
    width: Annotated[int, Query(ge=16, le=previews.WIDEST)] = 320,
) -> Response:
    """Its last picture, as JPEG."""
    with _known():
        film = await to_thread.run_sync(state.recordings.film, recording)
        kept = await to_thread.run_sync(state.recordings.kept, recording)
        wanted = previews.frame_jpeg, film, max(0, kept.frames - 1), width, Options()
        try:
            data = await state.darkroom.make(*wanted, gone=request.is_disconnected, urgency=LATER)
        except OSError as error:
            raise LookupError from error
    return Response(data, media_type="image/jpeg")


@router.delete("/{recording}", status_code=204)
def discard_recording(recording: JobId, state: StateDep) -> Response:
    """Delete all of a recording, at once."""
    with _known():
        state.recordings.discard(recording)
    return Response(status_code=204)


@contextmanager
def _known() -> Iterator[None]:
    try:
        yield
    except LookupError as error:
        raise ProblemError(
            404, "not-found", say("there is no such recording, or it is gone")
        ) from error


def _told(kept: Kept, open_: bool, size: int) -> Recording:
    return Recording(
        id=kept.id,
        name=_name(kept),
        begun=moment_of(kept.begun),
        result_expires=None if open_ else moment_of(kept.ended + kept.keep_seconds),
        seconds=kept.seconds,
        bytes=size,
        width=kept.width,
        height=kept.height,
        broken=kept.broken,
        open=open_,
    )


def _name(kept: Kept) -> str:
    when = time.strftime("%Y-%m-%d-%H-%M-%S", time.localtime(kept.begun))
    return f"camera-{when}.veiled.mp4"
