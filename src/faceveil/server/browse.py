"""The service's address for people: the text to print, and whether a browser can open it."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress

_ELSEWHERE = (
    (socket.AF_INET, ("192.0.2.1", 9)),
    (socket.AF_INET6, ("2001:db8::1", 9)),
)
"""Addresses for documents (RFC 5737, RFC 3849): the way there is the way out of this machine."""


def address_of(host: str, port: int) -> str:
    """The address at which a browser reaches a server, from other machines too if possible."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104
        host = _own_address() or socket.gethostname()
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _own_address() -> str | None:
    """This machine's address on its network, found without sending: connecting a datagram socket
    sends nothing.
    """
    for family, elsewhere in _ELSEWHERE:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as line:
            line.connect(elsewhere)
            return str(line.getsockname()[0])
    return None


def can_open() -> bool:
    """Whether a person works at this terminal and a browser with windows is there."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
