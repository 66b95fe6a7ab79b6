"""The camera of the page: frames arrive over a WebSocket and are sent back obscured.

Nothing is stored but what it gets back, and that only where the client has it recorded. Detecting
and painting happen in threads of this process, because a frame that waits for a worker would be
late; so only a few cameras may run at a time.
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
from faceveil.server.tape import Tape

router = APIRouter()

MOST_SESSIONS = 2
"""Cameras at a time; each keeps about one processor core busy."""
_GREETING_SECONDS = 10.0
_SILENT_SECONDS = 20.0
_LAST_SECONDS = 2.0
_PATIENCE = 0.1
_TELL_SECONDS = 0.5
_BUSY, _REFUSED = 1013, 1008


@router.websocket("/api/live")
async def live(socket: WebSocket, state: StateDep) -> None:
    """Options as a JSON object, then pictures as `faceveil.live.session` has them.

    Before each picture the client gets the areas covered in it as JSON, and now and then the stats.
    ``{"record": ""}`` begins a recording, the id of one goes on with it, null ends it.
    """
    await socket.accept()
    if state.cameras >= MOST_SESSIONS:
        await socket.close(_BUSY, in_their_language(say("too many cameras at a time")))
        return
    state.cameras += 1
    session = tape = None
    try:
        async with asyncio.timeout(_GREETING_SECONDS):
            given = read_options(await socket.receive_text())
        options = Options(**actions.options_of(given, state.base), **state.machine)
        session = await to_thread.run_sync(Session, options)
        tape = Tape(session, state.recordings)
        await _serve(socket, session, tape)
    except (WebSocketDisconnect, TimeoutError, KeyError):
        pass  # gone, silent, or not speaking this language
    except (FaceVeilError, ProblemError) as error:
        await _refuse(socket, error)
    finally:
        state.cameras -= 1
        if tape is not None:
            await asyncio.shield(to_thread.run_sync(tape.leave))
        if session is not None:
            await asyncio.shield(to_thread.run_sync(session.close))
        with suppress(RuntimeError, WebSocketDisconnect):
            if socket.application_state is not WebSocketState.DISCONNECTED:
                await socket.close()


async def _serve(socket: WebSocket, session: Session, tape: Tape) -> None:
    threads = CapacityLimiter(2)
    sending = asyncio.create_task(_send(socket, session, tape, threads))
    try:
        while not sending.done():
            async with asyncio.timeout(_SILENT_SECONDS):
                message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if (data := message.get("bytes")) is not None:
                await to_thread.run_sync(session.push, data, limiter=threads)
            else:
                await to_thread.run_sync(tape.hear, message["text"])
        await _hear_last_words(socket, tape)
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
            await sending


async def _hear_last_words(socket: WebSocket, tape: Tape) -> None:
    """Nothing can be sent any more; but what arrived before may say that the recording is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_SECONDS):
            while (message := await socket.receive())["type"] != "websocket.disconnect":
                if (text := message.get("text")) is not None:
                    await to_thread.run_sync(tape.hear, text)


async def _send(socket: WebSocket, session: Session, tape: Tape, threads: CapacityLimiter) -> None:
    told = 0.0
    while True:
        message = await to_thread.run_sync(session.pull, _PATIENCE, limiter=threads)
        if message is not None:
            covers = [[round(side) for side in box.as_tuple()] for box in session.covers]
            await socket.send_json({"covers": covers})
            await socket.send_bytes(message)
        for news in tape.news():
            await socket.send_json(news)
        if time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            stats = session.stats
            reason = in_their_language(stats.reason)
            await socket.send_json(asdict(stats) | {"reason": reason, "recording": tape.state})


async def _refuse(socket: WebSocket, error: FaceVeilError | ProblemError) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.send_json({"problem": problem_of(error).model_dump(mode="json")})
        await socket.close(_REFUSED)
