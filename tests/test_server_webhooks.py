"""Programs are told of their jobs, nobody else is, and whoever does not listen holds up nothing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import ValidationError

from faceveil.server import herald
from faceveil.server.herald import Herald, message_of
from faceveil.server.problems import ProblemError, problem
from faceveil.server.settings import Service
from faceveil.server.store import Record, Store
from faceveil.server.webhooks import receiver_of, signature
from pages import DOCS, blocks
from servers import Server, free_port, health, in_a_loop, running, wait_for
from tiers import daily

pytestmark = pytest.mark.slow

KEY = b"0123456789abcdefghijklmnopqrstuv"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
NAME = "s3cret-name"


class Program:
    """Takes webhooks, and keeps what came.

    Attributes:
        came: path, headers and body of each.
    """

    def __init__(self, port: int = 0, *statuses: int, location: str = "") -> None:
        self.came: list[tuple[str, dict[str, str], bytes]] = []
        program, left = self, list(statuses)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                program.came.append((self.path, headers, body))
                self.send_response(left.pop(0) if left else 204)
                if location:
                    self.send_header("location", location)
                self.send_header("content-length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def bad(say: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of somebody who takes connections and does with each as it pleases."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=50)
    threads: list[threading.Thread] = []
    held: list[socket.socket] = []

    def serve(line: socket.socket) -> None:
        with suppress(OSError):
            line.recv(65536)
            say(line)

    def accept() -> None:
        with suppress(OSError):
            while True:
                line, _ = listener.accept()
                held.append(line)
                threads.append(threading.Thread(target=serve, args=(line,), daemon=True))
                threads[-1].start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        for line in (listener, *held):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()


def silent(line: socket.socket) -> None:
    line.recv(1)


def letter_by_letter(line: socket.socket) -> None:
    while True:
        line.sendall(b"H")
        time.sleep(0.2)


def without_end(line: socket.socket) -> None:
    while True:
        line.sendall(b"x" * 65536)


def much_after_success(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\n")
    without_end(line)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("webhooks") / "jobs"
    with running(folder, FACEVEIL_WEBHOOK_SECRET=SECRET) as server:
        yield server


def is_signed(headers: dict[str, str], body: bytes) -> bool:
    """By the words of the specification."""
    signed = b".".join(
        (headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body)
    )
    made = hmac.new(KEY, signed, hashlib.sha256).digest()
    return headers["webhook-signature"] == "v1," + base64.b64encode(made).decode()


def told(server: Server, job: str, word: str) -> bool:
    return bool(server.job(job)["webhook"] == word)


@pytest.mark.long
@pytest.mark.usefixtures("detector")
def test_a_job_that_is_done(server: Server, photo: Path) -> None:
    with Program() as program:
        wanted = f"{program.address}/done?for=me"
        picture = {f"{NAME}.jpg": photo.read_bytes()}
        (job,) = server.upload(picture, webhook=wanted)["jobs"]
        assert job["webhook"] == "waiting"
        wait_for(lambda: told(server, job["id"], "sent"))
        done = server.job(job["id"])
        ((path, headers, body),) = program.came
        time.sleep(3)  # longer than the pause after a failure
        assert len(program.came) == 1
    assert path == "/done?for=me"
    assert headers["content-type"] == "application/json"
    assert headers["host"] == program.address.removeprefix("http://")
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert is_signed(headers, body)
    message = json.loads(body)
    assert message["type"] == "job.done"
    assert message["data"] == {
        "job": job["id"],
        "batch": job["batch"],
        "state": "done",
        "problem": None,
        "warnings": len(done["warnings"]),
        **{name: done[name] for name in ("faces", "kept", "filled")},
    }
    assert message["data"]["faces"] >= 1
    assert NAME not in body.decode()


@pytest.mark.usefixtures("detector")
def test_a_look_that_is_waited_for_and_what_came_of_it(server: Server, photo: Path) -> None:
    with Program() as program:
        picture = {"a.jpg": photo.read_bytes(), "b.jpg": photo.read_bytes()[:2000]}
        jobs = server.upload(picture, review=True, webhook=program.address)["jobs"]
        looked, broken = (job["id"] for job in jobs)
        wait_for(lambda: told(server, looked, "sent") and told(server, broken, "sent"))
        assert server.api.post(f"/api/jobs/{looked}/render").status_code == 202
        wait_for(lambda: server.job(looked)["state"] == "done" and told(server, looked, "sent"))
        messages = [json.loads(body) for _, _, body in program.came]
        ids = {headers["webhook-id"] for _, headers, _ in program.came}
    of_looked = [one["type"] for one in messages if one["data"]["job"] == looked]
    assert of_looked == ["job.review", "job.done"]
    (failed,) = (one["data"] for one in messages if one["data"]["job"] == broken)
    assert (failed["state"], failed["problem"]) == ("failed", "unreadable")
    assert len(ids) == len(messages) == 3


def test_the_example_in_the_documents_verifies(server: Server) -> None:
    (example,) = blocks(DOCS / "rest.md", "python")
    known: dict[str, Any] = {}
    exec(example, known)  # ours
    with Program() as program:
        fail(server, program.address)
        wait_for(lambda: program.came)
        _, headers, body = program.came[0]
    assert known["is_genuine"](SECRET, headers, body)
    assert not known["is_genuine"](SECRET, headers, body.replace(b"failed", b"done"))
    assert not known["is_genuine"]("whsec_" + "A" * 32, headers, body)
    stale = headers | {"webhook-timestamp": "1600000000"}
    assert not known["is_genuine"](SECRET, stale, body)


def fail(server: Server, webhook: str) -> str:
    """A job that ends at once."""
    (job,) = server.upload({f"{NAME}.jpg": b"\xff\xd8\xff"}, webhook=webhook)["jobs"]
    return str(job["id"])


def test_the_signature_of_the_specification() -> None:
    """The example that its libraries are tested with."""
    made = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "address",
    [
        *("http://evil.example/", "https://192.0.2.1/", "http://0.0.0.0/", "http://[::]/"),
        *("http://127.0.0.1.evil.example/", "http://2130706433/", "http://127.1/"),
        *("http://0x7f.0.0.1/", "http://evil.example#@127.0.0.1/", "http://localhost.evil/"),
        *("http://[::ffff:192.0.2.1]/", "http://169.254.169.254/latest", "http://localhost./"),
        *("http://127.0.0.1@evil.example/", "http://me:word@127.0.0.1/", "ftp://127.0.0.1/"),
        *("file:///etc/passwd", "//127.0.0.1/", "127.0.0.1", "http://", "http://127.0.0.1:0/"),
        *("http://127.0.0.1:x/", "http://127.0.0.1:99999/", "http://[::1%25lo]/", "http://[::1"),
        *("http://127.0.0.1/\r\nX: y", "http://127.0.0.1/ x", "http://127.0.0.1/é"),
        "http://127.0.0.1/" + "x" * 3000,
    ],
)
def test_another_host_or_no_address(server: Server, address: str) -> None:
    before = len(server.jobs())
    answer = server.post_files({"a.jpg": b"\xff\xd8\xff"}, webhook=address)
    assert (answer.status_code, answer.json()["type"]) == (422, "usage")
    assert answer.json()["detail"].startswith("webhook: ")
    assert answer.json()["advice"]
    assert len(server.jobs()) == before


def test_hosts_that_may_be_called() -> None:
    for address in ("http://127.8.8.8/", "http://LOCALHOST:9", "https://[::1]:9/x"):
        assert not receiver_of(address, ()).anywhere
    named = receiver_of("https://Desk.Example/a?b=c#d", ("desk.example",))
    assert named == (True, "desk.example", 443, "/a?b=c", "Desk.Example", True)
    with pytest.raises(ProblemError):
        receiver_of("https://a.desk.example/", ("desk.example",))


def test_without_a_secret_none_is_taken(tmp_path: Path) -> None:
    with running(tmp_path / "jobs", workers=1) as server:
        answer = server.post_files({"a.jpg": b"\xff\xd8\xff"}, webhook="http://127.0.0.1/")
        assert answer.status_code == 422
        assert "FACEVEIL_WEBHOOK_SECRET" in answer.json()["advice"]
        assert server.jobs() == []


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "short", "whsec_" + "A" * 28, "whsec_" + "!" * 60]
)
def test_a_secret_that_is_none(secret: str) -> None:
    with pytest.raises(ValidationError, match="24 bytes"):
        Service(webhook_secret=secret)


def test_a_redirect_is_not_followed(server: Server) -> None:
    with Program() as other, Program(0, 307, 302, location=f"{other.address}/there") as program:
        job = fail(server, program.address)
        wait_for(lambda: len(program.came) == 2)  # it is tried again where it was to go
        assert told(server, job, "waiting")
        assert other.came == []


def test_a_receiver_that_comes_up_later(server: Server) -> None:
    port = free_port()
    job = fail(server, f"http://127.0.0.1:{port}/")
    wait_for(lambda: noted(server, job).get("tries") == 1)
    assert told(server, job, "waiting")
    with Program(port) as program:
        wait_for(lambda: told(server, job, "sent"))
    ((_, headers, body),) = program.came
    assert is_signed(headers, body)


def test_one_that_wants_nothing_more(server: Server) -> None:
    with Program(0, 410) as program:
        job = fail(server, program.address)
        wait_for(lambda: told(server, job, "failed"))
        assert len(program.came) == 1


def noted(server: Server, job: str) -> dict[str, Any]:
    with suppress(FileNotFoundError):
        return dict(json.loads((server.folder / "jobs" / job / "webhook.json").read_text()))
    return {}


@pytest.mark.parametrize(
    "say", daily([silent, letter_by_letter, without_end, much_after_success], silent)
)
def test_a_hostile_receiver_holds_up_nothing(
    server: Server, say: Callable[[socket.socket], None]
) -> None:
    with bad(say) as address, Program() as program:
        process = psutil.Process(server.process.pid)
        before = process.memory_info().rss
        slow = [fail(server, address) for _ in range(6)]
        good = fail(server, program.address)
        wait_for(lambda: told(server, good, "sent"), 10)
        for _ in range(10):
            assert health(server).status_code == 200
            time.sleep(0.1)
        since = time.monotonic()
        for job in slow:
            assert server.api.delete(f"/api/jobs/{job}").status_code == 204
            assert not (server.folder / "jobs" / job).exists()
        assert time.monotonic() - since < 3.0
        assert process.memory_info().rss - before < 50_000_000


def test_the_secret_is_nowhere_and_the_log_names_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "jobs", FACEVEIL_WEBHOOK_SECRET=SECRET) as server:
        with Program(0, 500, 500, 500) as program:
            jobs = [fail(server, f"{program.address}/path-of-mine") for _ in range(3)]
            wait_for(lambda: all(told(server, job, "sent") for job in jobs))
        answers = server.api.get("/api/jobs").text + server.api.get("/metrics").text
        below = [psutil.Process(server.process.pid), *server.workers()]
        commands = " ".join(word for process in below for word in process.cmdline())
        files = [path for path in server.folder.rglob("*") if path.is_file()]
        kept = b"".join(path.read_bytes() for path in files)
        said = server.stop()
    for text in (answers, commands, said, kept.decode(errors="replace")):
        assert SECRET not in text
        assert SECRET.removeprefix("whsec_") not in text
        assert KEY.decode() not in text
    assert "path-of-mine" not in answers + said
    assert NAME not in said
    assert not any(job in said for job in jobs)
    assert said.count("a webhook was not taken: AnswerError") == 1  # of three, within a minute


@pytest.mark.long
def test_a_restart_goes_on_and_does_not_repeat(tmp_path: Path) -> None:
    port = free_port()
    with (
        Program() as program,
        running(tmp_path / "jobs", FACEVEIL_WEBHOOK_SECRET=SECRET) as server,
    ):
        done = fail(server, program.address)
        wait_for(lambda: told(server, done, "sent"))
        job = fail(server, f"http://127.0.0.1:{port}/")
        wait_for(lambda: noted(server, job).get("tries"))
        tried = noted(server, job)
        server.kill()
        with Program(port) as later:
            server.start()
            wait_for(lambda: told(server, job, "sent"))
        assert later.came[0][1]["webhook-id"] == tried["id"]
        assert noted(server, job)["tries"] > tried["tries"]
        assert len(program.came) == 1


def looped(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*given: Any, **named: Any) -> None:
        in_a_loop(test(*given, **named))

    return run


class TestHerald:
    """In this process, where time and names are ours to say."""

    def job(self, store: Store, **more: Any) -> Record:
        record = Record(
            id="a" * 22,
            batch="b" * 22,
            name=f"{NAME}.jpg",
            state="failed",
            problem=problem(422, "unreadable", f"{NAME} is broken"),
            created=1.0,
            ended=2.0,
            original_until=time.time() + 60,
            keep_seconds=60,
            longest=60,
        ).but(**more)
        store.publish(store.stage(), record)
        return record

    async def settled(self, herald: Herald) -> None:
        await herald.look()
        while herald._going:
            await next(iter(herald._going))
        await herald.look()

    @looped
    async def test_a_name_that_leads_elsewhere(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As a hosts file or a resolver may have it."""
        store = Store(tmp_path / "jobs")
        connected: list[Any] = []

        async def connect(*to: Any, **_: Any) -> Any:
            connected.append(to)
            raise ConnectionRefusedError

        def look(host: str, port: int, **_: Any) -> Any:
            found = ["127.0.0.1", "192.0.2.1"]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

        monkeypatch.setattr(socket, "getaddrinfo", look)
        monkeypatch.setattr(asyncio, "open_connection", connect)
        record = self.job(store, webhook="http://localhost:9/")
        service = Service(webhook_secret=SECRET)
        await self.settled(Herald(store, service, lambda: [record]))
        assert connected == []
        assert herald.word_of(store, record) == "failed"
        # A named one may lead anywhere.
        named = self.job(store, id="c" * 22, webhook="http://desk.example:9/")
        service = Service(webhook_secret=SECRET, webhook_hosts=("desk.example",))
        await self.settled(Herald(store, service, lambda: [named]))
        assert connected == [("127.0.0.1", 9), ("192.0.2.1", 9)]
        # Until it is not named any more.
        other = Herald(store, Service(webhook_secret=SECRET), lambda: [named])
        await self.settled(other)
        assert herald.word_of(store, named) == "failed"
        assert len(connected) == 2

    @looped
    async def test_so_many_tries_and_no_more(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = Store(tmp_path / "jobs")
        record = self.job(store, webhook=f"http://127.0.0.1:{free_port()}/")
        now = 1000.0
        monkeypatch.setattr(herald, "steady", lambda: now)
        mine = Herald(store, Service(webhook_secret=SECRET), lambda: [record])
        for number, pause in enumerate(herald.PAUSES, 1):
            await self.settled(mine)
            assert self.tries(store, record) == number
            now += pause - 0.1
            await self.settled(mine)
            assert self.tries(store, record) == number
            now += 0.2
        await self.settled(mine)
        now += 10_000
        await self.settled(mine)
        assert self.tries(store, record) == len(herald.PAUSES) + 1
        assert herald.word_of(store, record) == "failed"

    def tries(self, store: Store, record: Record) -> int:
        return int(json.loads(store.path(record.id, "webhook.json").read_text())["tries"])

    @looped
    async def test_a_proxy_of_the_environment_is_not_asked(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = Store(tmp_path / "jobs")
        with Program() as proxy, Program() as program:
            for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.address)
            monkeypatch.delenv("no_proxy", raising=False)
            record = self.job(store, webhook=program.address)
            await self.settled(Herald(store, Service(webhook_secret=SECRET), lambda: [record]))
            assert herald.word_of(store, record) == "sent"
        assert (len(proxy.came), len(program.came)) == (0, 1)

    @looped
    async def test_a_disk_that_is_full_costs_no_message(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = Store(tmp_path / "jobs")

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        with Program() as program:
            record = self.job(store, webhook=program.address)
            mine = Herald(store, Service(webhook_secret=SECRET), lambda: [record])
            with monkeypatch.context() as patched:
                patched.setattr(store, "write", full)
                await self.settled(mine)
                await self.settled(mine)
            await mine.close()  # there is room again
            assert len(program.came) == 1
        assert herald.word_of(store, record) == "sent"

    @looped
    async def test_people_are_numbered_meanwhile_and_nobody_is_told_twice(
        self, tmp_path: Path
    ) -> None:
        """The job is then what it was, and its message was on its way, or not yet noted as sent."""
        store = Store(tmp_path / "jobs")
        with Program() as program:
            record = self.job(store, webhook=program.address, state="done", problem=None)
            jobs = [record]
            for on_its_way in (True, False):
                mine = Herald(store, Service(webhook_secret=SECRET), lambda: jobs)
                await mine.look()
                while not on_its_way and mine._going:
                    await next(iter(mine._going))
                jobs[:] = [record.but(state="queued", grouping="done")]
                await mine.look()
                jobs[:] = [record]
                await self.settled(mine)
                await self.settled(mine)
                assert len(program.came) == 1
                await mine.close()
                if on_its_way:
                    (store.path(record.id) / "webhook.json").unlink()
                    program.came.clear()

    @looped
    async def test_the_original_goes_and_the_note_stays(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "jobs")
        with Program() as program:
            record = self.job(store, webhook=program.address)
            await self.settled(Herald(store, Service(webhook_secret=SECRET), lambda: [record]))
            store.drop_original(record.id)
            again = Herald(store, Service(webhook_secret=SECRET), lambda: [record])
            await self.settled(again)
            assert len(program.came) == 1


def test_the_body_says_nothing_of_the_file() -> None:
    record = Record(
        id="a" * 22,
        batch="b" * 22,
        name=f"{NAME}.jpg",
        state="failed",
        problem=problem(422, "unreadable", f"{NAME} is broken"),
        warnings=(NAME,),
        notes=(NAME,),
        dropped=(NAME,),
        result=f"result.{NAME}",
        options={"name": NAME},
        created=1.0,
        original_until=1.0,
        keep_seconds=1,
        longest=1,
        webhook=f"http://127.0.0.1/{NAME}",
    )
    body = message_of(record, 2.0).decode()
    assert NAME not in body
    assert re.search(r'"warnings":1\b', body)


def test_the_document_describes_it(server: Server) -> None:
    document = server.api.get("/openapi.json").json()
    form = document["paths"]["/api/jobs"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert "webhook" in form["schema"]["properties"]
    body = document["webhooks"]["job"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["$ref"].endswith("/WebhookMessage")
    assert "name" not in document["components"]["schemas"]["Outcome"]["properties"]
