"""Webhooks: tell a program that its job has ended or waits for a review.

Messages are signed according to version 1.0.0 of the Standard Webhooks specification. The address
is this machine's own, or on a host that the settings name; a name is resolved anew each time. No
redirect is followed, no proxy is used, and only the status of the answer matters.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import socket
import ssl
from collections.abc import Collection
from contextlib import suppress
from functools import cache, partial
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread

from faceveil.i18n import say
from faceveil.server.problems import ProblemError
from faceveil.server.settings import Service, key_of

SECONDS = 10.0
"""Seconds that a whole try may take."""
_POLITE_SECONDS, _POLITE_BYTES = 1.0, 1 << 16
"""Limits for reading the rest of an answer, so that the receiver can finish; it is thrown away."""
_LINE = 4096
"""The longest first line of an answer."""
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r\n]")
_LOOKUPS = CapacityLimiter(4)


class Receiver(NamedTuple):
    """The receiver of a webhook.

    Attributes:
        target: path and query.
        authority: the host as the header has it.
        anywhere: its name may resolve to another machine.
    """

    tls: bool
    host: str
    port: int
    target: str
    authority: str
    anywhere: bool


class AnswerError(Exception):
    """The receiver did not confirm the message.

    Attributes:
        status: that of its answer; 0: the answer was not HTTP.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class StrayError(Exception):
    """A name of this machine resolves to another one."""


def require_webhook(url: str, service: Service) -> None:
    """Raise ProblemError if webhooks are off, or not allowed to that address."""
    if service.webhook_secret is None:
        raise ProblemError(
            422,
            "usage",
            say("webhook: this service has no secret to sign it with"),
            say("Start it with one in the variable FACEVEIL_WEBHOOK_SECRET."),
        )
    receiver_of(url, service.webhook_hosts)


def receiver_of(url: str, named: Collection[str]) -> Receiver:
    """The receiver at an address.

    Args:
        named: hosts that may be called besides this machine.

    Raises:
        ProblemError: it is none, or of another host.
    """
    try:
        if not re.fullmatch(r"[!-~]{1,2000}", url):
            raise ValueError
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
        if parts.scheme not in ("http", "https") or "@" in parts.netloc:
            raise ValueError
        if not re.fullmatch(r"[a-z0-9.:_-]+", host) or port == 0:
            raise ValueError
    except ValueError as error:
        raise ProblemError(
            422,
            "usage",
            say("webhook: an address is wanted, without a name or password in it"),
            say("Give one like http://127.0.0.1:9000/done."),
        ) from error
    anywhere = host in {name.lower() for name in named}
    if not (anywhere or host == "localhost" or _is_own(host)):
        raise ProblemError(
            422,
            "usage",
            say("webhook: its host is none that this service may call"),
            say("Use 127.0.0.1, or start the service with --webhook-hosts and its name."),
        )
    tls = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Receiver(tls, host, port or (443 if tls else 80), target, parts.netloc, anywhere)


def signature(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """The value of the header ``webhook-signature``."""
    signed = f"{id}.{timestamp}.".encode() + body
    made = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"


async def post(to: Receiver, id: str, timestamp: int, body: bytes, secret: str) -> None:
    """Send a message once.

    Raises:
        AnswerError: it was not taken.
        StrayError: the name leads elsewhere.
        OSError, EOFError, asyncio.LimitOverrunError: no receiver answers by HTTP within `SECONDS`.
    """
    headers = {
        "Host": to.authority,
        "User-Agent": "FaceVeil",
        "Content-Type": "application/json",
        "Content-Length": len(body),
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(secret, id, timestamp, body),
        "Connection": "close",
    }
    head = [f"POST {to.target} HTTP/1.1", *(f"{name}: {said}" for name, said in headers.items())]
    async with asyncio.timeout(SECONDS) as limit:
        reader, writer = await _connected(to)
        try:
            writer.write("\r\n".join((*head, "", "")).encode() + body)
            await writer.drain()
            said = _STATUS.match(await reader.readuntil(b"\n"))
            status = int(said[1]) if said else 0
            limit.reschedule(None)  # what counts is there
            with suppress(OSError):
                await _let_finish(reader)
        finally:
            writer.transport.abort()
    if not 200 <= status < 300:
        raise AnswerError(status)


async def _connected(to: Receiver) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    look = partial(socket.getaddrinfo, to.host, to.port, type=socket.SOCK_STREAM)
    found = await to_thread.run_sync(look, limiter=_LOOKUPS, abandon_on_cancel=True)
    addresses = [str(entry[4][0]) for entry in found]
    if not (to.anywhere or all(map(_is_own, addresses))):
        raise StrayError
    context = await to_thread.run_sync(_trust) if to.tls else None
    failed: OSError = ConnectionError()
    for address in addresses:  # the address that was checked, not the name again
        try:
            return await asyncio.open_connection(
                address,
                to.port,
                limit=_LINE,
                ssl=context,
                server_hostname=to.host if to.tls else None,
            )
        except OSError as error:
            failed = error
    raise failed


async def _let_finish(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(_POLITE_SECONDS):
        taken = 0
        while taken < _POLITE_BYTES and (some := await reader.read(_LINE)):
            taken += len(some)


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _is_own(address: str) -> bool:
    """Whether an address in numbers is this machine's own."""
    try:
        number = ip_address(address)
    except ValueError:
        return False
    if isinstance(number, IPv6Address) and number.ipv4_mapped is not None:
        number = number.ipv4_mapped
    return number.is_loopback
