"""A port that there cannot be is refused before anything else is called instead."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
    ],
)
def test_a_port_is_where_it_is_in_an_address(address: str, port: str) -> None:
    assert impossible_port(address) == port


def test_what_may_be_a_password_is_not_repeated() -> None:
    assert impossible_port("rtsp://user:123456/7@host") == ""


WAYS: list[Callable[[Path], object]] = [
    lambda folder: open_feed("rtsp://127.0.0.1:70000/x", Options()),
    lambda folder: open_live_sink("udp://127.0.0.1:70000"),
    lambda folder: open_live_sink("page:70000"),
    lambda folder: _require_answer("127.0.0.1:70000"),
    partial(JobQueue, url="redis://127.0.0.1:70000/0"),
]


@pytest.mark.parametrize("way", WAYS)
def test_it_is_refused_wherever_an_address_is_given(
    way: Callable[[Path], object], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="'70000' is no port") as caught:
        way(tmp_path)
    assert caught.value.advice
