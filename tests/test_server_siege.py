"""All at once, for minutes: crowds, slow clients, a full disk, queues that break, a clock set back.

FACEVEIL_SIEGE_MINUTES=10 pytest tests/test_server_siege.py -m long -s
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx2 as httpx
import psutil
import pytest

from servers import Server, running, wait_for
from test_server_trouble import TOKEN, Redis, fill, own_redis, small_disk

__all__ = ["own_redis"]

pytestmark = [pytest.mark.long, pytest.mark.alone, pytest.mark.usefixtures("detector")]

MINUTES = float(os.environ.get("FACEVEIL_SIEGE_MINUTES", "1.5"))
SECONDS = MINUTES * 60
CROWD = 1100
KEEP = 20.0
"""Seconds that originals are kept."""
SLACK = 15.0
"""Seconds in which what is due has to be gone, on a machine that does much else."""
FEW = ("sh", "-c", 'ulimit -n 1024; exec "$0" "$@"', sys.executable, "-m", "faceveil")


class Siege:
    """Everything that goes on around a service until it is over."""

    def __init__(self, server: Server, picture: bytes) -> None:
        self.server, self.picture = server, picture
        self.process = psutil.Process(server.process.pid)
        self.began = time.monotonic()
        self.over = threading.Event()
        self.waits: list[tuple[float, float]] = []
        self.ill: list[tuple[float, str]] = []
        self.answers: dict[int, int] = {}
        self.sizes: list[tuple[float, float, int]] = []
        self.oldest = 0.0
        self._seen: dict[Path, float] = {}
        self.failed: list[str] = []
        self._threads = [
            threading.Thread(target=self._again, args=(what, pause))
            for what, pause in (
                *((self._health, 0.25), (self._upload, 1.0), (self._originals, 0.5)),
                *((self._slow_header, 1.0), (self._slow_upload, 1.0), (self._measure, 2.0)),
            )
        ]
        self._crowd = threading.Thread(target=self._stand_around)

    def __enter__(self) -> Siege:
        for thread in (*self._threads, self._crowd):
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in (*self._threads, self._crowd):
            thread.join(30)

    def now(self) -> float:
        return time.monotonic() - self.began

    def _again(self, what: Callable[[], None], pause: float) -> None:
        while not self.over.wait(pause):
            try:
                what()
            except (httpx.TransportError, OSError) as error:
                self.failed.append(f"{self.now():.0f} s, {what.__name__}: {type(error).__name__}")

    def _health(self) -> None:
        since = time.monotonic()
        with self._line(
            b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        ) as line:
            head, _, body = b"".join(iter(lambda: line.recv(65536), b"")).partition(b"\r\n\r\n")
        self.waits.append((self.now(), time.monotonic() - since))
        if not head.startswith(b"HTTP/1.1 200"):
            self.ill.append((self.now(), json.loads(body)["detail"]))

    def _upload(self) -> None:
        # One that stays open between two uploads may have had to give way.
        files = {"files": ("a.jpg", self.picture)}
        answer = self.server.api.post("/api/jobs", files=files, headers={"connection": "close"})
        self.answers[answer.status_code] = self.answers.get(answer.status_code, 0) + 1

    def _slow_header(self) -> None:
        with self._line(b"GET /api/jobs HTTP/1.1\r\nX-Slow: ") as line, suppress(OSError):
            while not self.over.wait(1.0):
                line.sendall(b"a")

    def _slow_upload(self) -> None:
        token = f"Authorization: Bearer {self.server.token}\r\n".encode()
        head = (
            b"POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10000000\r\n"
            + token
            + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
            + b'Content-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
        )
        with self._line(head) as line, suppress(OSError):
            while not self.over.wait(0.5):
                line.sendall(b"\xff" * 100)

    def _line(self, said: bytes = b"") -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self.server.port), timeout=10)
        if said:
            line.sendall(said)
        return line

    def _stand_around(self) -> None:
        lines: list[socket.socket] = []
        while not self.over.is_set():
            for _ in range(50):
                with suppress(OSError):
                    lines.append(self._line())
            while len(lines) > CROWD:
                lines.pop(0).close()
            self.over.wait(0.2)
        for line in lines:
            line.close()

    def _originals(self) -> None:
        """The age of originals, by a clock that nobody sets."""
        for path in (self.server.folder / "jobs").glob("*/original"):
            with suppress(FileNotFoundError):
                seen = self._seen.setdefault(path, time.monotonic())
                if path.exists():
                    self.oldest = max(self.oldest, time.monotonic() - seen)

    def _measure(self) -> None:
        memory = self.process.memory_info().rss / 1e6
        self.sizes.append((self.now(), memory, self.process.num_fds()))

    def figures(self) -> str:
        waits = sorted(wait for _, wait in self.waits)
        warm = [size for at, *size in self.sizes if at > SECONDS / 4]
        memory, handles = ([size[index] for size in warm] for index in (0, 1))
        reasons = {text for _, text in self.ill}
        return (
            f"/healthz {len(waits)} times: median {waits[len(waits) // 2] * 1000:.0f} ms, "
            f"99 % {waits[int(len(waits) * 0.99)] * 1000:.0f} ms, worst {waits[-1] * 1000:.0f} ms; "
            f"{len(self.ill)} times not well: {reasons}\n"
            f"slow: {[(round(at), round(wait, 2)) for at, wait in self.waits if wait > 0.5]}\n"
            f"uploads by answer: {self.answers}; oldest original {self.oldest:.1f} s "
            f"(kept for {KEEP:g} s)\n"
            f"memory {memory[0]:.0f} MB at first, {memory[-1]:.0f} MB at last, at most "
            f"{max(memory):.0f}; descriptors at most {max(handles)}; "
            f"lost connections: {self.failed[:10]} ({len(self.failed)})"
        )


CLOCK = """
import time
real = time.time

def told():
    with open({path!r}) as file:
        return real() + float(file.read() or 0)

time.time = told
"""


@pytest.fixture
def clock(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A file that says how far the clock is set, and the variables of a program that obeys it."""
    dial, folder = tmp_path / "clock", tmp_path / "python"
    dial.write_text("0")
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(CLOCK.format(path=str(dial)))
    return dial, {"PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}".rstrip(":")}


@pytest.mark.parametrize("kind", ["file", "redis"])
def test_a_siege(
    tmp_path: Path,
    photo: Path,
    own_redis: Redis,
    clock: tuple[Path, dict[str, str]],
    kind: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dial, obeying = clock
    disk = tmp_path / "disk"
    arguments = ["--keep-original-minutes", f"{KEEP / 60:.4f}", "--keep-result-hours", "0.01"]
    if kind == "redis":
        arguments += ["--queue", own_redis.address]
    with ExitStack() as stack:
        stack.enter_context(small_disk(disk, 48))
        server = stack.enter_context(running(disk / "jobs", *arguments, program=FEW, **obeying))
        picture = photo.read_bytes() + TOKEN
        (first,) = server.upload({"first.jpg": picture})["jobs"]
        assert server.wait(first["id"])["state"] == "done"
        before = psutil.Process(server.process.pid).num_fds()
        with Siege(server, picture) as siege:

            def wait_until(share: float) -> None:
                siege.over.wait(max(0.0, share * SECONDS - siege.now()))

            wait_until(0.15)
            if kind == "redis":
                own_redis.stop()
            else:
                (server.folder / "queue.sqlite").write_bytes(os.urandom(30_000))
            wait_until(0.3)
            if kind == "redis":
                own_redis.start()
            else:
                for path in server.folder.glob("queue.sqlite*"):
                    path.unlink()
            wait_until(0.4)
            fill(disk / "filler")
            wait_until(0.55)
            (disk / "filler").unlink()
            wait_until(0.65)
            dial.write_text("-3600")
            wait_until(1.0)
        # It goes on by itself.
        wait_for(lambda: server.api.get("/healthz").status_code == 200, 30)
        (last,) = server.upload({"last.jpg": picture})["jobs"]
        assert server.wait(last["id"])["state"] == "done"
        wait_for(lambda: psutil.Process(server.process.pid).num_fds() <= before + 10, 60)
        wait_for(lambda: not list((server.folder / "jobs").glob("*/original")), KEEP + SLACK)
        after = psutil.Process(server.process.pid).num_fds()
        said = server.stop()
    with capsys.disabled():
        print(f"\n{kind}, {MINUTES:g} minutes: {siege.figures()}")
        print(f"descriptors before {before}, after {after}; lines on stderr: {said.splitlines()}")
    waits = sorted(wait for _, wait in siege.waits)
    # A second at most is the aim on two cores of one's own; shared ones get slack for the outliers.
    assert waits[int(len(waits) * 0.98)] < 1.0
    assert waits[-1] < 3.0
    assert siege.oldest < KEEP + SLACK
    assert siege.answers[202] > SECONDS / 20
    assert set(siege.answers) <= {202, 429, 507}
    assert "Traceback" not in said
    warm = [memory for at, memory, _ in siege.sizes if at > SECONDS / 4]
    assert warm[-1] < 1.25 * warm[0]
    assert max(handles for *_, handles in siege.sizes) < 600
