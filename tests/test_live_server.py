"""The WebSocket behind the page's camera: who may use it, and what it does with what comes."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra server is not installed")
pytest.importorskip("websockets", reason="the extra server is not installed")

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from faceveil.errors import LimitError, UnreadableError
from faceveil.frames import Image
from faceveil.live.session import Session, decode
from films import head, put, scenery
from lively import SOLID, MarkDetector, bare, marked, scene
from servers import PATIENCE, Server, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(detector: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server") / "jobs") as server:
        yield server


def jpeg(image: Image) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def opened(server: Server, origin: str | None = None, **headers: str) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{server.port}/api/live",
        origin=origin,  # type: ignore[arg-type]
        additional_headers={"Authorization": f"Bearer {server.token}"} | headers,
        proxy=None,
    )


def answers(socket: ClientConnection, seconds: float) -> dict[int, Image]:
    """Pictures that come back within so many seconds, by number."""
    found: dict[int, Image] = {}
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        with suppress(TimeoutError):
            message = socket.recv(timeout=left)
            if isinstance(message, bytes):
                found[int.from_bytes(message[:4], "big")] = decode(message[4:])
    return found


@pytest.mark.alone
def test_a_face_goes_there_and_comes_back_covered(server: Server, astronaut: Image) -> None:
    actor, face = head(astronaut, 1.0)
    picture = put(scenery(1, (480, 270)), actor, 120, 50)
    box = face.transformed(1.0, 120, 50)
    inside = np.s_[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]
    back: dict[int, Image] = {}
    shown = False
    with opened(server, f"http://127.0.0.1:{server.port}") as socket:
        socket.send(json.dumps({"preset": "strict"}))
        number, until = 0, time.monotonic() + PATIENCE
        while not (shown and len(back) > 15) and time.monotonic() < until:
            socket.send(number.to_bytes(4, "big") + jpeg(picture))
            number += 1
            found = answers(socket, 0.06)
            back |= found
            shown = shown or any(
                np.abs(image[:40].astype(int) - picture[:40]).mean() < 8 for image in found.values()
            )
    assert len(back) > 15
    for image in back.values():
        assert image[inside].std() < 12
    assert shown  # what is no face


@pytest.mark.parametrize(
    ("origin", "headers"),
    [
        ("http://evil.example", {}),
        ("null", {}),
        (None, {"Sec-Fetch-Site": "cross-site"}),
        (None, {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_other_sites_are_refused(
    server: Server, origin: str | None, headers: dict[str, str]
) -> None:
    with pytest.raises(InvalidStatus) as caught, opened(server, origin, **headers):
        pass
    assert caught.value.response.status_code == 403


def test_a_foreign_name_is_refused(server: Server) -> None:
    """As a page does that has its own name point here."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    headers = {
        "Host": "evil.example",
        "Origin": "http://evil.example",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    connection.request("GET", "/api/live", headers=headers)
    assert connection.getresponse().status == 403
    connection.close()


def test_a_token_is_asked_for(detector: str, tmp_path: Path) -> None:
    token = "a secret of more than sixteen letters"
    with running(tmp_path / "jobs", FACEVEIL_TOKEN=token) as server:
        for wrong in ("", "Bearer", f"Bearer {token}x"):
            with pytest.raises(InvalidStatus), opened(server, Authorization=wrong):
                pass
        with opened(server) as socket:
            socket.send("{}")
            assert "smallest_face" in json.loads(socket.recv(timeout=20))


@pytest.mark.parametrize(
    ("greeting", "message", "kind"),
    [
        ('{"nonsense": 1}', None, "usage"),
        ("not JSON", None, "usage"),
        ('{"delay": 0.2}', None, "usage"),
        ("{}", b"\x00\x00\x00\x01GIF89a", "unreadable"),
        ("{}", b"\x00", "unreadable"),
    ],
)
def test_what_makes_no_sense_is_told(
    server: Server, greeting: str, message: bytes | None, kind: str
) -> None:
    with opened(server) as socket:
        socket.send(greeting)
        if message is not None:
            socket.send(message)
        with suppress(ConnectionClosed):
            while True:
                told = json.loads(socket.recv(timeout=20))
    assert told["problem"]["type"].endswith(kind)


def test_only_so_many_at_a_time(server: Server) -> None:
    with opened(server) as first, opened(server) as second:
        for socket in (first, second):
            socket.send("{}")
            socket.recv(timeout=20)
        with opened(server) as third:
            with pytest.raises(ConnectionClosed):
                third.recv(timeout=20)
            assert third.close_code == 1013


def test_a_session_without_a_network() -> None:
    detector = MarkDetector()
    session = Session(SOLID, make=lambda smallest: detector)
    out = []
    for number in range(20):
        session.push((7 + number).to_bytes(4, "big") + jpeg(marked(scene(), 100, 90)))
        if (message := session.pull(0.03)) is not None:
            out.append(message)
    deadline = time.monotonic() + PATIENCE
    while len(out) + session.stats.dropped < 20 and time.monotonic() < deadline:
        if (message := session.pull(0.4)) is not None:
            out.append(message)
    session.close()
    # On a busy machine this receiver is slow at times: then the oldest are dropped, and counted.
    numbers = [int.from_bytes(message[:4], "big") for message in out]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(7, 27))
    assert numbers[-1] == 26
    assert len(numbers) == 20 - session.stats.dropped
    assert not any(bare(decode(message[4:])) for message in out)


def test_pictures_that_are_too_large_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(LimitError, match="8000x8000"):
        decode(jpeg(np.zeros((8000, 8000, 3), np.uint8)))
    whole = jpeg(scene())
    with pytest.raises(UnreadableError):
        decode(whole[:30])
