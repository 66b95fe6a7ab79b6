"""The camera of the page: frames arrive over a WebSocket and are sent back obscured.

Nothing is stored. Detecting and painting happen in threads of this process, because a frame that
waits for a worker would be late; so only a few cameras may run at a time.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import asdict

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from faceveil.errors import FaceVeilError
from faceveil.i18n import say
from faceveil.live.session import Session
from faceveil.options import Options
from faceveil.server import actions
from faceveil.server.language import in_their_language
from faceveil.server.problems import ProblemError, problem_of
from faceveil.server.routes import read_options
from faceveil.server.state import StateDep

router = APIRouter()

MOST_SESSIONS = 2
"""Cameras at a time; each keeps about one processor core busy."""
_GREETING_SECONDS = 10.0
_SILENT_SECONDS = 20.0
_PATIENCE = 0.1
_TELL_SECONDS = 0.5
_BUSY, _REFUSED = 1013, 1008


@router.websocket("/api/live")
async def live(socket: WebSocket, state: StateDep) -> None:
    """Options as a JSON object, then pictures as `faceveil.live.session` has them.

    Beside pictures the client gets the stats as JSON, now and then.
    """
    await socket.accept()
    if state.cameras >= MOST_SESSIONS:
        await socket.close(_BUSY, in_their_language(say("too many cameras at a time")))
        return
    state.cameras += 1
    session = None
    try:
        async with asyncio.timeout(_GREETING_SECONDS):
            given = read_options(await socket.receive_text())
        options = Options(**actions.options_of(given, state.base), **state.machine)
        session = await to_thread.run_sync(Session, options)
        await _serve(socket, session)
    except (WebSocketDisconnect, TimeoutError, KeyError):
        pass  # gone, silent, or not speaking this language
    except (FaceVeilError, ProblemError) as error:
        await _refuse(socket, error)
    finally:
        state.cameras -= 1
        if session is not None:
            await asyncio.shield(to_thread.run_sync(session.close))
        with suppress(RuntimeError, WebSocketDisconnect):
            if socket.application_state is not WebSocketState.DISCONNECTED:
                await socket.close()


async def _serve(socket: WebSocket, session: Session) -> None:
    threads = CapacityLimiter(2)
    sending = asyncio.create_task(_send(socket, session, threads))
    try:
        while not sending.done():
            async with asyncio.timeout(_SILENT_SECONDS):
                message = await socket.receive_bytes()
            await to_thread.run_sync(session.push, message, limiter=threads)
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
            await sending


async def _send(socket: WebSocket, session: Session, threads: CapacityLimiter) -> None:
    told = 0.0
    while True:
        message = await to_thread.run_sync(session.pull, _PATIENCE, limiter=threads)
        if message is not None:
            await socket.send_bytes(message)
        if time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            stats = session.stats
            await socket.send_json(asdict(stats) | {"reason": in_their_language(stats.reason)})


async def _refuse(socket: WebSocket, error: FaceVeilError | ProblemError) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.send_json({"problem": problem_of(error).model_dump(mode="json")})
        await socket.close(_REFUSED)
