"""Connections that say nothing, or too slowly, or too many of them, keep nobody else waiting."""

from __future__ import annotations

import asyncio
import io
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2 as httpx
import psutil
import pytest
import uvicorn

from faceveil.server import connections, spool
from faceveil.server.references import Photos, put
from faceveil.server.serve import _Server
from servers import Server, free_port, health, running, wait_for

pytestmark = pytest.mark.slow

FEW = ("sh", "-c", 'ulimit -n 1024; exec "$0" "$@"', sys.executable, "-m", "faceveil")
"""A program that may have no more descriptors than most systems give."""


def silent(port: int, said: bytes = b"") -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=10)
    if said:
        line.sendall(said)
    return line


def closed(line: socket.socket) -> bool:
    line.settimeout(0.01)
    try:
        return line.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


class TestCrowds:
    @pytest.mark.long
    def test_1100_that_say_nothing(self, tmp_path: Path, photo: Path) -> None:
        """Events go on, requests are answered, and the log stays short."""
        heard: list[str] = []
        with ExitStack() as stack, running(tmp_path / "jobs", program=FEW) as server:

            def follow() -> None:
                with (
                    suppress(httpx.TransportError),
                    server.api.stream("GET", "/api/events", timeout=60) as stream,
                ):
                    heard.extend(line for line in stream.iter_lines() if '"name"' in line)

            page = threading.Thread(target=follow)
            page.start()
            crowd = []
            for number in range(1100):
                said = b"" if number % 2 else b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-"
                crowd.append(stack.enter_context(silent(server.port, said)))
                if number % 100 == 0:
                    self.require_well(server)
            for _ in range(20):
                self.require_well(server)
                time.sleep(0.05)
            with httpx.Client(base_url=server.api.base_url, headers=server.api.headers) as api:
                answer = api.post("/api/jobs", files={"files": ("late.jpg", photo.read_bytes())})
                assert answer.status_code == 202
            wait_for(lambda: any("late.jpg" in line for line in heard), 20)
            assert psutil.Process(server.process.pid).num_fds() < 600
            assert sum(map(closed, crowd)) > 800
            told = server.stop()
            page.join(20)
        assert len(told.splitlines()) < 5, told

    def require_well(self, server: Server) -> None:
        assert health(server).status_code == 200

    @pytest.mark.long
    def test_many_files_need_two_descriptors(self, tmp_path: Path) -> None:
        with running(tmp_path / "jobs", program=FEW, workers=1) as server:
            most, over = 0, threading.Event()

            def watch() -> None:
                nonlocal most
                while not over.is_set():
                    most = max(most, psutil.Process(server.process.pid).num_fds())
                    time.sleep(0.01)

            watching = threading.Thread(target=watch)
            watching.start()
            files = {f"{n}.jpg": b"\xff\xd8\xff" + str(n).encode() * 100 for n in range(300)}
            try:
                accepted = server.upload(files)
            finally:
                over.set()
                watching.join()
            assert [job["name"] for job in accepted["jobs"]] == list(files)
            for job in accepted["jobs"]:
                path = server.folder / "jobs" / job["id"] / "original"
                with suppress(FileNotFoundError):
                    assert path.read_bytes() == files[job["name"]]
            server.api.delete(f"/api/batches/{accepted['batch']}")
        assert most < 100


class TestParts:
    def test_each_is_as_it_was_sent(self, tmp_path: Path) -> None:
        with spool.unnamed(tmp_path) as whole:
            parts = [spool.Slice(whole) for _ in range(4)]
            sent = [b"first" * 1000, b"", b"third", b"last" * 70_000]
            for part, data in zip(parts, sent, strict=True):
                for start in range(0, len(data), 1000):
                    part.write(data[start : start + 1000])
            for number, (part, data) in enumerate(zip(parts, sent, strict=True)):
                part.seek(0)
                assert part.read() == data
                part.seek(2)
                assert part.read(3) == data[2:5]
                part.seek(0)
                spool.keep(part, tmp_path / str(number))  # type: ignore[arg-type]
                assert (tmp_path / str(number)).read_bytes() == data

    def test_photos_lie_on_the_disk_once_however_many_jobs_there_are(self, tmp_path: Path) -> None:
        folders = [tmp_path / str(number) for number in range(3)]
        for folder in folders:
            folder.mkdir()
        with spool.unnamed(tmp_path) as whole:
            part = spool.Slice(whole)
            part.write(b"a photo")
            photos: Photos = [("keep-1", part), ("keep-2", io.BytesIO(b"another"))]  # type: ignore[list-item]
            put(photos, folders)
            put(photos, [])
        for name, data in (("keep-1", b"a photo"), ("keep-2", b"another")):
            assert len({(folder / name).stat().st_ino for folder in folders}) == 1
            # Of one job they are deleted; the others have theirs.
            (folders[0] / name).unlink()
            assert [(folder / name).read_bytes() for folder in folders[1:]] == [data] * 2


Listen = Callable[[], int]


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listen]:
    """Starts a service of a few lines that has little patience; gives its port."""
    monkeypatch.setattr(connections, "HEADER_SECONDS", 1.0)
    monkeypatch.setattr(connections, "PAUSE_SECONDS", 2.0)
    monkeypatch.setattr(connections, "STUCK_SECONDS", 2.0)
    monkeypatch.setattr(connections.TimedConnection, "most", 20)
    stack = ExitStack()
    yield lambda: stack.enter_context(_listening())
    stack.close()


@contextmanager
def _listening() -> Iterator[int]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/slow":
            await asyncio.sleep(4)
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        size = 30_000_000 if scope["path"] == "/large" else 2
        for _ in range(0, size, 1_000_000):
            body = b"x" * min(size, 1_000_000)
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def nothing() -> None:
        pass

    port, ready = free_port(), threading.Event()
    config = uvicorn.Config(
        app, port=port, http=connections.TimedConnection, lifespan="off", log_config=None
    )
    server = _Server(config, ready.set, nothing)
    thread = threading.Thread(target=server.run)
    thread.start()
    assert ready.wait(20)
    yield port
    server.should_exit = True
    thread.join(20)


ASK = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\n\r\n"


class TestPatience:
    def ended_after(self, line: socket.socket, more: bytes = b"") -> float:
        """Seconds until a line is closed, while a letter now and then is sent on it."""
        since = time.monotonic()
        while time.monotonic() - since < 15:
            if closed(line):
                return time.monotonic() - since
            with suppress(OSError):
                line.sendall(more)
            time.sleep(0.1)
        raise AssertionError("it was never closed")

    @pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nX-Slow: "])
    def test_a_header_that_never_ends(self, listen: Listen, said: bytes) -> None:
        with silent(listen(), said) as line:
            assert 0.8 < self.ended_after(line, said and b"a") < 5

    def test_a_second_header_that_never_ends(self, listen: Listen) -> None:
        with silent(listen(), b"GET / HTTP/1.1\r\nHost: here\r\n\r\n") as line:
            assert b"200" in line.recv(1000)
            time.sleep(0.3)
            while not closed(line):  # the rest of the answer
                line.settimeout(0.2)
                try:
                    line.recv(1000)
                except TimeoutError:
                    break
            line.sendall(b"GET / HTTP/1.1\r\n")
            assert 0.5 < self.ended_after(line, b"X-Slow: a\r\n") < 5

    @pytest.mark.parametrize("more", [b"", b"a"])
    def test_a_body_that_does_not_get_on(self, listen: Listen, more: bytes) -> None:
        with silent(listen(), ASK) as line:
            assert 1.5 < self.ended_after(line, more) < 8

    def test_a_body_that_is_only_slow(
        self, listen: Listen, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connections, "LEAST_BYTES", 1000)
        with silent(listen(), ASK.replace(b"1000000", b"20000")) as line:
            for _ in range(20):
                line.sendall(b"a" * 1000)
                time.sleep(0.3)
            line.settimeout(5)
            assert line.recv(15) == b"HTTP/1.1 200 OK"

    def test_who_waits_for_an_answer_may_wait(self, listen: Listen) -> None:
        with silent(listen(), b"GET /slow HTTP/1.1\r\nHost: here\r\n\r\n") as line:
            line.settimeout(10)
            assert line.recv(15) == b"HTTP/1.1 200 OK"

    def test_an_answer_that_nobody_takes(self, listen: Listen) -> None:
        with silent(listen(), b"GET /large HTTP/1.1\r\nHost: here\r\n\r\n") as line:
            time.sleep(6)
            taken = 0
            with suppress(ConnectionError):
                while more := line.recv(1 << 20):
                    taken += len(more)
            assert taken < 30_000_000

    def test_who_is_silent_gives_way(self, listen: Listen) -> None:
        port = listen()
        with ExitStack() as stack:
            busy = [stack.enter_context(silent(port, ASK)) for _ in range(5)]
            time.sleep(0.3)
            crowd = [stack.enter_context(silent(port)) for _ in range(40)]
            wait_for(lambda: sum(map(closed, crowd)) >= 25, 5)
            assert closed(crowd[0])
            for line in busy:
                line.sendall(b"a" * 1_000_000)
                line.settimeout(5)
                assert line.recv(15) == b"HTTP/1.1 200 OK"

    def test_one_too_many_is_told(self, listen: Listen) -> None:
        port = listen()
        with ExitStack() as stack:
            for _ in range(20):
                stack.enter_context(silent(port, ASK))
            time.sleep(0.5)
            late = stack.enter_context(silent(port, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"))
            assert late.recv(12) == b"HTTP/1.1 503"


def test_as_many_as_there_are_descriptors_for(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr("resource.setrlimit", lambda _, pair: given.append(pair))
    for soft, hard, most, raised in (
        (1024, 1 << 20, connections.MOST, [(16_384, 1 << 20)]),
        (1024, 1024, 206, []),
        (256, 256, 14, []),
        (64, 64, 8, []),
        (1 << 20, 1 << 20, connections.MOST, []),
    ):
        monkeypatch.setattr("resource.getrlimit", lambda _, pair=(soft, hard): pair)
        given.clear()
        assert connections.raise_limits() == most
        assert given == raised


def test_a_flood_is_told_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    from faceveil.server import tell

    tell._told.clear()
    for number in range(1000):
        tell.tell_fault("connections", OSError(24, f"/home/me/{number}.jpg"))
    assert capsys.readouterr().err == "faceveil: connections: OSError\n"


def test_who_is_refused_while_sending_sees_the_answer(tmp_path: Path) -> None:
    """Also if it sends on: a connection that is closed too early is reset, and the answer lost."""
    body = b"x" * 5_000_000
    head = f"POST /api/veil HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    with running(tmp_path / "jobs") as server:
        address = ("127.0.0.1", int(server.api.base_url.port or 0))
        for _ in range(10):
            with socket.create_connection(address, timeout=10) as line:
                line.sendall(head.encode())
                for start in range(0, len(body), 65_536):
                    line.sendall(body[start : start + 65_536])
                answer = b""
                while part := line.recv(65_536):
                    answer += part
            assert answer.startswith(b"HTTP/1.1 401 ")
        # Whoever never goes on is not waited for.
        since = time.monotonic()
        with socket.create_connection(address, timeout=30) as line:
            line.sendall(head.encode())
            assert line.recv(65_536).startswith(b"HTTP/1.1 401 ")
        assert time.monotonic() - since < 10
