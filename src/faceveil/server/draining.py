"""Keep reading from a client whose request is refused before all of it was read.

If a connection is closed while its client is still sending, it is reset and the client never sees
the answer: it reports a broken connection instead of, for example, a full disk.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Send

SECONDS, BYTES = 3.0, 8_000_000
"""Limits in seconds and bytes for reading on from a refused client."""


def drain_when_refused(receive: Receive, send: Send, headers: Headers) -> tuple[Receive, Send]:
    """The same application, but an answer ends only when the request has ended, within limits.

    A client that waits to be asked for its body (``Expect``) has not begun to send it.
    """
    has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    over = not has_body or headers.get("expect", "").lower() == "100-continue"

    async def hearing() -> Message:
        nonlocal over
        message = await receive()
        over = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            await drain()
        await send(message)

    async def drain() -> None:
        left = BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                while not over and left > 0:
                    left -= len((await hearing()).get("body", b""))

    return hearing, sending
