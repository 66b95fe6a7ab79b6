"""A port that there cannot be is refused before anything else is called instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from faceveil.batch.ray import _require_answer
from faceveil.errors import UsageError
from faceveil.live.outlets import open_live_sink
from faceveil.live.sources import open_feed
from faceveil.options import Options
from faceveil.options.ports import impossible_port
from faceveil.server.queue import JobQueue


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("rtsp://user:99999@host:70000/path", "70000"),
        ("udp://[::1]:70000?pkt_size=1316", "70000"),
        ("host:65536", "65536"),
        ("host:" + "9" * 5000, "9" * 5000),
        ("redis://:secret@host:66000/0", "66000"),
        ("udp://host:65535", ""),
        ("rtsp://user:99999@host/path", ""),
        ("rtsp://[fe80::99999]/", ""),
        ("rtsp://host/a:70000", ""),
        ("auto", ""),
        ("rtsp://user:123456/7@host", ""),  # it may be of a password, which is not repeated
    ],
)
def test_a_port_is_where_it_is_in_an_address(address: str, port: str) -> None:
    assert impossible_port(address) == port


def test_it_is_refused_wherever_an_address_is_given() -> None:
    ways: list[Callable[[], object]] = [
        lambda: open_feed("rtsp://127.0.0.1:70000/x", Options()),
        lambda: open_live_sink("udp://127.0.0.1:70000"),
        lambda: open_live_sink("page:70000"),
        lambda: _require_answer("127.0.0.1:70000"),
        lambda: JobQueue(Path(), "redis://127.0.0.1:70000/0"),
    ]
    for way in ways:
        with pytest.raises(UsageError, match="'70000' is no port") as caught:
            way()
        assert caught.value.advice
