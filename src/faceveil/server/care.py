"""Background tasks that run as long as the server does, and a watch over them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from anyio import CapacityLimiter, to_thread

from faceveil.server.sweep import steady
from faceveil.server.tell import tell_fault

_PATIENCE = 15.0
"""Seconds without a sign of success after which a task counts as stuck."""


class Care:
    """Repeats tasks, whatever happens, and knows which of them fail."""

    def __init__(self) -> None:
        self._well: dict[str, float] = {}
        self._ill: set[str] = set()

    def reasons(self) -> list[str]:
        """The tasks that fail or are stuck at the moment, in words."""
        now = steady()
        stuck = {what for what, since in self._well.items() if now - since > _PATIENCE}
        return sorted(stuck | self._ill)

    async def keep(self, what: str, act: Callable[[], Awaitable[None]], pause: float) -> None:
        """Repeat a task until cancelled.

        Args:
            what: the message while it fails.
        """
        self._well[what] = steady()
        while True:
            try:
                await act()
                self._well[what] = steady()
                self._ill.discard(what)
            except Exception as error:
                self._ill.add(what)
                tell_fault(what, error)
            await asyncio.sleep(pause)


def in_thread(act: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    """The same in a thread reserved for it, so that many requests cannot delay it."""
    own = CapacityLimiter(1)

    async def run() -> None:
        await to_thread.run_sync(act, limiter=own)

    return run
