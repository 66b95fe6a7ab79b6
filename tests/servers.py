"""A server as a user runs it: its own process, workers below it, real requests."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx
import psutil

T = TypeVar("T")

PATIENCE = 180.0
RARELY = 0.15
"""Seconds between two looks for what does not pass: each look costs the machine 5 ms of work."""
ENDED = {"done", "failed", "withheld"}


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port of this machine that nobody uses."""
    with socket.socket(socket.AF_INET, kind) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Server:
    """``faceveil serve`` on a folder.

    Attributes:
        api: a client for it.
        folder: where the jobs are.
        address: what it printed, the token in it.
        token: what it asks of its clients.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        workers: int = 1,
        program: Sequence[str] = (sys.executable, "-m", "faceveil"),
        **environment: str,
    ) -> None:
        self.folder = folder
        self._program = program
        self.port = free_port()
        self._arguments = [*arguments, "--jobs", str(workers)]
        self._environment = os.environ | {"NO_COLOR": "1"} | environment
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)
        self.start()

    def start(self) -> None:
        command = [*self._program, "serve"]
        command += ["--port", str(self.port), "--folder", str(self.folder), *self._arguments]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            raise RuntimeError(self.process.communicate()[1])
        (self.token,) = parse_qs(urlsplit(self.address).query)["token"]
        self.api.headers["Authorization"] = f"Bearer {self.token}"

    def workers(self) -> list[psutil.Process]:
        """The processes that work on jobs."""
        return list(psutil.Process(self.process.pid).children())

    def kill(self, *, workers: bool = True) -> None:
        """kill -9."""
        below = self.workers() if workers else []
        for process in (self.process, *below):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        self.process.wait()
        for process in below:
            with suppress(psutil.NoSuchProcess):
                process.wait(10)
        self._close()

    def stop(self) -> str:
        """End it as a user does, and give what it said on stderr."""
        below = self.workers() if self.process.poll() is None else []
        self.process.terminate()
        try:
            _, errors = self.process.communicate(timeout=PATIENCE)
        finally:
            self.process.kill()
            for process in below:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self._close()
        return str(errors)

    def _close(self) -> None:
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def upload(self, files: Mapping[str, bytes], **fields: Any) -> dict[str, Any]:
        """The answer to an upload: ``{"batch", "jobs", "refused"}``."""
        answer = self.post_files(files, **fields)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def post_files(self, files: Mapping[str, bytes], **fields: Any) -> httpx.Response:
        data = {
            name: json.dumps(value) if isinstance(value, dict | bool) else value
            for name, value in fields.items()
        }
        return self.api.post(
            "/api/jobs",
            files=[("files", (name, content)) for name, content in files.items()],
            data=data,
        )

    def job(self, job: str) -> dict[str, Any]:
        answer = self.api.get(f"/api/jobs/{job}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def jobs(self) -> list[dict[str, Any]]:
        return list(self.api.get("/api/jobs").json()["jobs"])

    def wait(self, job: str, *states: str) -> dict[str, Any]:
        """The job once it is in one of the states, or has ended."""
        return wait_for(
            lambda: found if (found := self.job(job))["state"] in {*states, *ENDED} else None,
            pause=0.05 if states else RARELY,
        )

    def wait_all(self) -> list[dict[str, Any]]:
        """All jobs once all have ended."""

        def ended() -> list[dict[str, Any]] | None:
            found = self.jobs()
            return found if all(job["state"] in ENDED for job in found) else None

        return wait_for(ended, pause=RARELY)


def wait_for(look: Callable[[], T | None], patience: float = PATIENCE, *, pause: float = 0.05) -> T:
    """The first result of ``look`` that is true."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(pause)
    raise AssertionError(f"waited {patience:g} s in vain")


def health(server: Server) -> httpx.Response:
    """The service's own report on its health, which comes within a second.

    A busy machine may hold up one of a few questions; a service that is kept waiting is late
    with each.
    """
    for _ in range(5):
        with httpx.Client(base_url=server.api.base_url) as stranger:
            since = time.monotonic()
            answer = stranger.get("/healthz")
            if time.monotonic() - since < 1.0:
                return answer
    raise AssertionError("the service is kept waiting")


@contextmanager
def running(folder: Path, *arguments: str, **more: Any) -> Iterator[Server]:
    """A server that ends with the block."""
    server = Server(folder, *arguments, **more)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
        server.api.close()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def holding(folder: Path, token: bytes) -> list[Path]:
    """The files below a folder in which some bytes are found."""
    found = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file() and token in path.read_bytes():
                found.append(path)
    return found


def in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end in a thread of its own: Playwright keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
