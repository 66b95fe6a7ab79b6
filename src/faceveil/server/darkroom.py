"""The process that makes previews: the server itself decodes nothing, and answers at once.

A preview needs a decoder, which takes long, may hang, and may crash on a broken file. So one other
process makes them, one after the other. It is started with the first one and ended when nobody
has wanted any for a while.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect

from faceveil.batch.apart import Apart, HungError, LostError
from faceveil.i18n import say
from faceveil.server.problems import ProblemError
from faceveil.server.worker import NICE
from faceveil.system import beats

_PATIENCE = 60.0
"""Seconds that a preview may take; the first of a long film reads the times of all its frames."""
_IDLE = 300.0
"""Seconds without a wish after which the process is ended."""
_MOST_BYTES = 1_200_000_000
"""Memory that the process may keep after a preview; a new one takes its place."""
_TRIES = 2
_OWN_MEMORY = Path("/proc/self/statm")

URGENT, LATER, IDLE = 2, 1, 0
"""A person looks at it; waits for it among others; does not know of it yet."""

HasLeft = Callable[[], Awaitable[bool]]
Made = tuple[bytes, int]
"""The preview, and the bytes of memory that its process now takes."""


@dataclass(eq=False)
class _Wish:
    rank: tuple[int, int]
    call: Callable[[], Made]
    gone: HasLeft
    answer: asyncio.Future[bytes]


class Darkroom:
    """Makes previews in another process: the newest wish first, and none that nobody waits for."""

    def __init__(self) -> None:
        self._apart = Apart(alone=False)
        self._own = CapacityLimiter(1)
        # A wish that is cancelled at the end of the server goes on in its thread for a moment.
        self._one_at_a_time = Lock()
        self._wishes: list[_Wish] = []
        self._count = 0
        self._idly: set[asyncio.Task[None]] = set()
        self._wanted = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    async def make(
        self, function: Callable[..., bytes], *arguments: Any, gone: HasLeft, urgency: int = URGENT
    ) -> bytes:
        """The result of a function there; it and its arguments are sent to the process.

        Args:
            gone: tells whether the client has left.
            urgency: wishes of less wait until none of more is left.

        Raises:
            ClientDisconnect: the client has left.
            ProblemError: the process died or hung.
            Exception: what the function raises.
        """
        self._count += 1
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        call = partial(_in_time, function, *arguments)
        self._wishes.append(_Wish((urgency, self._count), call, gone, answer))
        self._wanted.set()
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._run())
        return await answer

    def soon(self, function: Callable[..., bytes], *arguments: Any) -> None:
        """Call a function there when there is nothing else to do; nobody waits for it."""

        async def do() -> None:
            with suppress(Exception, asyncio.CancelledError):  # who looks at the file will see it
                await self.make(function, *arguments, gone=_nobody_left, urgency=IDLE)

        task = asyncio.create_task(do())
        self._idly.add(task)
        task.add_done_callback(self._idly.discard)

    async def close(self) -> None:
        """End the process, also in the midst of a preview."""
        for task in self._idly:
            task.cancel()
        if self._work is not None:
            self._apart.stop()
            self._work.cancel()
            with suppress(asyncio.CancelledError):
                await self._work
        await self._end()

    async def _run(self) -> None:
        while True:
            while self._wishes:
                wish = max(self._wishes, key=lambda one: one.rank)
                self._wishes.remove(wish)
                if not wish.answer.done():
                    await self._grant(wish)
            self._wanted.clear()
            try:
                await asyncio.wait_for(self._wanted.wait(), _IDLE)
            except TimeoutError:
                await self._end()

    async def _grant(self, wish: _Wish) -> None:
        try:
            if await wish.gone():
                raise ClientDisconnect
            made = await to_thread.run_sync(self._tried, wish.call, limiter=self._own)
        except asyncio.CancelledError:
            wish.answer.cancel()
            raise
        except Exception as error:
            if not wish.answer.done():
                wish.answer.set_exception(error)
        else:
            if not wish.answer.done():
                wish.answer.set_result(made)

    def _tried(self, call: Callable[[], Made]) -> bytes:
        with self._one_at_a_time:
            return self._made(call)

    def _made(self, call: Callable[[], Made]) -> bytes:
        made: Made | Exception = LostError()
        for _ in range(_TRIES):
            try:
                made = self._apart.run(call)
            except KeyboardInterrupt:  # the process was interrupted, as at the end of the server
                break
            if not isinstance(made, LostError):
                break
        if isinstance(made, LostError | HungError):
            raise ProblemError(
                500,
                "fault",
                say("the picture cannot be shown: what reads the file crashed on it or hung"),
                say("Try again; if it stays, report it with the version and the kind of file."),
            ) from made
        if isinstance(made, Exception):
            raise made
        data, kept = made
        if kept > _MOST_BYTES:
            self._apart.close()
        return data

    async def _end(self) -> None:
        await to_thread.run_sync(self._close, limiter=self._own)

    def _close(self) -> None:
        with self._one_at_a_time:
            self._apart.close()


async def _nobody_left() -> bool:
    return False


_nice = False


def _in_time(function: Callable[..., bytes], *arguments: Any) -> Made:
    """Call a function; this is in the other process."""
    global _nice
    if not _nice:
        # After the server, which has to answer at once, and before the workers.
        with suppress(OSError, AttributeError):
            os.nice(NICE // 2)
        _nice = True
    beats.patient(_PATIENCE)
    return function(*arguments), _resident()


def _resident() -> int:
    try:
        return int(_OWN_MEMORY.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, AttributeError):  # this system does not tell
        return 0
