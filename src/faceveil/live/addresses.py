"""Addresses of streams: the supported kinds, their options, and their names in messages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from av.error import HTTPForbiddenError, HTTPUnauthorizedError

from faceveil.errors import UsageError
from faceveil.i18n import listed, say
from faceveil.options.ports import require_port

STREAMS: Final = {
    # Nothing here may open a file: a playlist from the network could name one.
    "rtsp": "rtsp,rtp,srtp,udp,tcp",
    "rtsps": "rtsp,rtp,srtp,udp,tcp,tls",
    "http": "http,tcp,crypto",
    "https": "https,http,tls,tcp,crypto",
    "udp": "udp",
    "rtp": "rtp,udp",
    "tcp": "tcp",
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,tls,tcp",
}
"""Kinds of address that can be read, each with the protocols FFmpeg may use for it."""
PUSHES: Final = {
    "rtsp": "rtsp",
    "rtmp": "flv",
    "rtmps": "flv",
    "udp": "mpegts",
    "tcp": "mpegts",
    "http": "mpegts",
    "https": "mpegts",
}
"""Kinds of address that can be sent to, each with FFmpeg's muxer."""
_QUICK: Final = {"fflags": "nobuffer", "analyzeduration": "1000000", "probesize": "1000000"}
_SETTINGS: Final = {
    "rtsp": {"rtsp_transport": "tcp"},
    "rtsps": {"rtsp_transport": "tcp"},
    "udp": {"overrun_nonfatal": "1"},
}


def to_read(address: str) -> dict[str, str]:
    """FFmpeg's options to read from an address.

    Raises:
        UsageError: it is of a kind that is not read, or its port is impossible.
    """
    kind = _kind(address)
    if kind not in STREAMS:
        raise UsageError(say("streams of kind '{kind}' are not read", kind=kind), _one_of(STREAMS))
    return {**_QUICK, **_SETTINGS.get(kind, {}), "protocol_whitelist": STREAMS[kind]}


def to_send(address: str) -> tuple[str, str, dict[str, str]]:
    """The address to open for sending, with FFmpeg's muxer and its options.

    Raises:
        UsageError: it is of a kind that nothing is sent to, or its port is impossible.
    """
    kind = _kind(address)
    if kind not in PUSHES:
        raise UsageError(
            say("nothing is sent to addresses of kind '{kind}'", kind=kind), _one_of(PUSHES)
        )
    if kind == "udp" and "pkt_size=" not in address:
        # Seven whole packets in a datagram, so that a lost one breaks none in two. PyAV hands
        # options to the muxer alone.
        address += f"{'&' if '?' in address else '?'}pkt_size=1316"
    return address, PUSHES[kind], _SETTINGS.get(kind, {})


def public_name(address: str) -> str:
    """An address without the password, path and query that may be in it.

    If a slash may belong to a password that should have been quoted, the host is left out, too.
    """
    scheme, _, rest = address.partition("://")
    _, known, host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")
    return f"{scheme}://{host if known or '@' not in rest else '...'}"


def advice_on(error: Exception) -> str:
    """Advice on an address that could not be opened, if there is any."""
    if isinstance(error, HTTPUnauthorizedError | HTTPForbiddenError):
        return say(
            "Write user and password into the address: "
            "rtsp://user:password@host/path, with %40 for @ and %25 for %."
        )
    return ""


def _kind(address: str) -> str:
    require_port(address)
    return address.partition("://")[0].lower()


def _one_of(known: Iterable[str]) -> str:
    return say("Use one of: {kinds}.", kinds=listed(known))
