"""Limits for connections: their number, and the time that one may keep the service waiting.

A client that sends nothing, or one letter at a time, occupies a connection and its resources.
uvicorn waits for ever, so its connections are checked once a second. If there are too many, the one
that was silent for longest is closed for a new one. A client that has sent a whole request never
loses its connection to those that have not.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 20.0
"""Seconds from a new connection, or from the first letter, to a whole header."""
PAUSE_SECONDS, LEAST_BYTES = 60.0, 60_000
"""The least number of bytes of a body that must arrive in so many seconds: 1 kB a second."""
STUCK_SECONDS = 120.0
"""Seconds that a client may read nothing of its answer."""
MOST = 500
"""Connections at a time. A browser opens six."""
BACKLOG = 100
"""Connections that are accepted in one step."""
_LINE = 4096
_WANTED = 16_384
"""Descriptors: for connections, for uploads in them, and for everything else."""
_EACH = 4
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


def raise_limits() -> int:
    """Raise this process's limit of descriptors; return the number of connections they allow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(hard, _WANTED)
    if soft < wanted:
        with suppress(ValueError, OSError):  # macOS knows of further limits
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return max(8, min(MOST, (soft - 2 * BACKLOG) // _EACH))


class TimedConnection(H11Protocol):
    """A connection with time limits.

    Attributes:
        most: connections there may be.
    """

    most = MOST

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._silent_since = self._since = time.monotonic()
        self._came = 0
        self._unsent = 0
        self._asked: Any = None
        super().connection_made(transport)
        if len(self.connections) <= self.most:
            return
        silent = [
            line
            for line in self.connections
            if isinstance(line, TimedConnection) and line.is_silent
        ]
        longest = min(silent, key=lambda line: line._silent_since)
        if longest is not self:
            longest.hang_up()
            return
        transport.write(_FULL)
        self.connections.discard(self)
        transport.close()

    def data_received(self, data: bytes) -> None:
        if self.is_silent and not self._came:
            self._since = time.monotonic()
        self._came += len(data)
        super().data_received(data)

    def on_response_complete(self) -> None:
        self._silent_since = self._since = time.monotonic()
        self._came = 0
        super().on_response_complete()

    @property
    def is_silent(self) -> bool:
        """Whether no complete request waits for an answer."""
        return self.cycle is None or self.cycle.response_complete

    def look(self, now: float) -> None:
        """Close the connection if it exceeded a time limit."""
        waited, unsent = now - self._since, self.transport.get_write_buffer_size()
        if unsent:
            if unsent != self._unsent:
                self._unsent, self._since = unsent, now
            elif waited > STUCK_SECONDS:
                self.hang_up()
        elif self.is_silent:
            # After an answer uvicorn itself waits for the next request.
            if waited > HEADER_SECONDS and (self._came or self.cycle is None):
                self.hang_up()
        elif self._asked is not self.cycle or not self.cycle.more_body or self.flow.read_paused:
            # It is new, or the next step is not the client's.
            self._asked, self._since, self._came = self.cycle, now, 0
        elif waited > PAUSE_SECONDS:
            if self._came < LEAST_BYTES:
                self.hang_up()
            self._since, self._came = now, 0

    def hang_up(self) -> None:
        """Close it at once, even if data is still to be sent."""
        self.connections.discard(self)  # it does not count any more
        self.transport.abort()


def wait_in_line(listener: int) -> None:
    """Let more connections wait than are accepted in one step. asyncio has one number for both.

    Connections that find no place try again after a second, then two.

    Args:
        listener: handle of the socket.
    """
    with socket.socket(fileno=os.dup(listener)) as same:
        same.listen(_LINE)


def look_at_all(connections: Iterable[Any]) -> None:
    """Close the connections that exceeded a time limit."""
    now = time.monotonic()
    for line in list(connections):
        if isinstance(line, TimedConnection):  # and no WebSocket, which has limits of its own
            line.look(now)
