"""Ports of addresses. Libraries cut one that is too large down to 16 bits, and call another one."""

from __future__ import annotations

import re
from typing import Final

from faceveil.errors import UsageError
from faceveil.i18n import say

LAST: Final = 65535
_PORT: Final = re.compile(r"(?:[^:@]*|\[[^]]*\]):(\d+)")


def require_port(address: str) -> None:
    """Refuse an address with a port that there cannot be.

    Raises:
        UsageError: it has one.
    """
    if port := impossible_port(address):
        raise UsageError(say("'{port}' is no port", port=port), say("Ports go from 1 to 65535."))


def impossible_port(address: str) -> str:
    """The port in an address (``rtsp://user@host:554/path``, ``host:6379``) that there cannot be;
    "" where all is well, or where a password without quotes may be taken for a port.
    """
    rest = address.partition("://")[2] or address
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in rest and "@" not in place:
        return ""
    found = _PORT.fullmatch(place.rpartition("@")[2])
    return found[1] if found and int(found[1][:9]) > LAST else ""
