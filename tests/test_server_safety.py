"""Hostile requests are refused in words, before any work, and harm nothing."""

from __future__ import annotations

import errno
import io
import os
import socket
import stat
import struct
import sys
import time
import webbrowser
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

from faceveil.media.archives.archive import Archive
from faceveil.media.part import cannot_write
from faceveil.server import browse, sessions
from faceveil.server.app import create_app
from faceveil.server.browse import address_of
from faceveil.server.queue import JobQueue, QueueError
from faceveil.server.serve import token_of
from faceveil.server.settings import Service
from faceveil.server.store import Record, Store
from faceveil.system import browser
from servers import Server, running, wait_for, zipped

TOKEN = "a-token-for-the-tests"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = ("--max-upload-mb", "3", "--max-files", "50", "--max-pixels", "50000000")
    with running(tmp_path_factory.mktemp("safety") / "jobs", *limits) as server:
        yield server


def client(tmp_path: Path, host: str = "127.0.0.1", *, known: bool = False, **more: Any) -> Any:
    """A client of a service in this process; ``known``: it sends the token."""
    service = Service(host=host, **more)
    store = Store(tmp_path / "jobs")
    app = create_app(service, {}, store, JobQueue(store.folder), TOKEN)
    api = TestClient(app, base_url=f"http://{host}:8765", raise_server_exceptions=False)
    if known:
        api.headers["Authorization"] = f"Bearer {TOKEN}"
    return api


def refused(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem in an answer, after looking whether it is one, in words, without a traceback."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = dict(answer.json())
    assert problem.keys() == {"type", "title", "status", "detail", "advice"}
    assert (problem["type"], problem["status"]) == (kind, status)
    assert problem["detail"]
    assert "Traceback" not in answer.text
    return problem


def nothing_left(server: Server) -> bool:
    places = ("jobs", "staging", "trash")
    return not [path for name in places for path in (server.folder / name).iterdir()]


def png(width: int, height: int) -> bytes:
    """A picture that is small as a file: one colour."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    packer = zlib.compressobj(9)
    row = b"\0" * (1 + (width + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def archive(*entries: tuple[str, bytes, int]) -> bytes:
    """A zip of entries (name, content, mode), whatever they are called."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            out.writestr(info, content)
    return buffer.getvalue()


FILE, LINK = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777
ARCHIVES = {
    "up": lambda: archive(("../../evil.jpg", b"x", FILE)),
    "absolute": lambda: archive(("/etc/evil.jpg", b"x", FILE)),
    "drive": lambda: archive(("C:\\evil.jpg", b"x", FILE)),
    "link": lambda: archive(("link.jpg", b"/etc/passwd", LINK)),
    "bomb": lambda: zipped({"bomb.jpg": b"\0" * 200_000_000}),
    "ten thousand": lambda: zipped({f"{n}.jpg": b"" for n in range(10_000)}),
    "too many": lambda: zipped({f"{n}.jpg": b"\xff\xd8\xff" for n in range(51)}),
    "nested": lambda: zipped({"inner.zip": zipped({"a.jpg": b"x"})}),
    "cut off": lambda: zipped({"a.jpg": b"x" * 1000})[:-30],
    "not one": lambda: b"PK\x03\x04" + b"\xff" * 500,
}


LEFT_OUT = {
    "absolute": "etc/evil.jpg",
    "drive": "C_/evil.jpg",
    "link": "link.jpg",
    "nested": "inner.zip",
}
"""Members that are refused of an archive whose other members are accepted."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHIVES)
def test_archives(server: Server, name: str) -> None:
    answer = server.post_files({"a.zip": ARCHIVES[name]()})
    assert answer.status_code == 202, answer.text
    accepted = answer.json()
    assert accepted["jobs"] == []
    (file,) = accepted["refused"]
    assert file["name"] == LEFT_OUT.get(name, "a.zip")
    assert file["problem"]["type"] in ("unsupported", "limit", "unreadable")
    assert file["problem"]["detail"]
    assert nothing_left(server)


def test_many_files(server: Server) -> None:
    refused(server.post_files({f"{n}.jpg": b"\xff\xd8\xff" for n in range(51)}), 413, "limit")
    twice = {"a.zip": zipped({f"{n}.jpg": b"\xff\xd8\xff" for n in range(30)})}
    twice["b.zip"] = twice["a.zip"]
    refused(server.post_files(twice), 413, "limit")
    assert nothing_left(server)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("empty.jpg", b"", "unreadable"),
        ("lying.jpg", b"#!/bin/sh\nrm -rf /\n" * 100, "unreadable"),
        ("page.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "unreadable"),
        ("layers.mp4", b"8BPS" + b"\0" * 100, "unsupported"),
    ],
)
def test_lying_names(server: Server, name: str, content: bytes, kind: str) -> None:
    accepted = server.upload({name: content})
    assert accepted["jobs"] == []
    assert [file["problem"]["type"] for file in accepted["refused"]] == [kind]
    refused(
        server.api.post("/api/veil", content=content), {"unsupported": 415}.get(kind, 422), kind
    )
    assert nothing_left(server)


@pytest.mark.slow
@pytest.mark.usefixtures("detector")
def test_a_picture_under_a_foreign_suffix(server: Server) -> None:
    """The format of the result follows the bytes, and so does its name."""
    (job,) = server.upload({"really.mp4": png(64, 64)})["jobs"]
    done = server.wait(job["id"])
    assert (done["state"], done["result_name"]) == ("done", "really-mp4.veiled.png")
    assert server.api.delete(f"/api/jobs/{job['id']}").status_code == 204


@pytest.mark.slow
def test_pixel_bombs(server: Server) -> None:
    bomb = png(10_000, 10_000)
    assert len(bomb) < 100_000
    (job,) = server.upload({"bomb.png": bomb})["jobs"]
    ended = server.wait(job["id"])
    assert (ended["state"], ended["problem"]["type"]) == ("failed", "limit")
    assert server.api.get(f"/api/jobs/{job['id']}/frames/0").status_code == 413
    assert server.api.delete(f"/api/jobs/{job['id']}").status_code == 204
    refused(server.api.post("/api/veil", content=bomb), 413, "limit")
    assert nothing_left(server)


def test_names_are_never_paths(server: Server) -> None:
    names = {
        "../../../../tmp/evil.png": "tmp/evil.png",
        "..\\..\\evil.png": "evil.png",
        "/etc/evil.png": "etc/evil.png",
        "a/../b/./c.png": "a/b/c.png",
        "x\0y\r\nz.png": "xyz.png",
        'quo"te<>.png': "quo_te__.png",
        "\u202egnp.exe": "gnp.exe",
        "": "file",
        "..": "file",
    }
    picture = png(8, 8)
    for given, shown in names.items():
        body = b"".join(
            [
                b'--x\r\nContent-Disposition: form-data; name="files"; filename="',
                given.replace("\\", "\\\\").replace('"', "%22").encode()
                if '"' not in given
                else b'quo\\"te<>.png',
                b'"\r\n\r\n',
                picture,
                b"\r\n--x--\r\n",
            ]
        )
        if "\r" in given or "\0" in given:  # no such header can be sent
            continue
        answer = server.api.post(
            "/api/jobs",
            content=body,
            headers={"content-type": "multipart/form-data; boundary=x"},
        )
        assert answer.status_code == 202, answer.text
        (job,) = answer.json()["jobs"]
        assert job["name"] == shown
        places = {path.name for path in (server.folder / "jobs" / job["id"]).iterdir()}
        assert "original" in places
        server.api.delete(f"/api/jobs/{job['id']}")
    assert nothing_left(server)


class TestSize:
    @pytest.mark.slow
    def test_what_says_that_it_is_too_large(self, server: Server) -> None:
        answer = _raw(
            server,
            b"POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n"
            + _authorization(server)
            + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n",
        )
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"application/problem+json" in answer

    @pytest.mark.parametrize("megabytes", [1, 3])
    def test_the_page_is_told_of_the_limit_that_the_service_has(
        self, tmp_path: Path, megabytes: int
    ) -> None:
        """One megabyte for both; what the page lets pass is not refused, more is."""
        with client(tmp_path, known=True, max_upload_mb=megabytes) as api:
            limits = api.get("/api/options").json()["service"]
            most = limits["max_upload_bytes"]
            assert (limits["max_upload_mb"], most) == (megabytes, megabytes * 1_000_000)
            fits = api.post("/api/jobs", files={"files": ("x.jpg", b"x" * most)})
            assert fits.status_code != 413
            longer = api.post("/api/jobs", files={"files": ("x.jpg", b"x" * (most + 1_000_000))})
            refused(longer, 413, "limit")
            assert f"larger than {megabytes} MB" in longer.json()["detail"]

    @pytest.mark.slow
    @pytest.mark.parametrize("path", ["/api/jobs", "/api/veil"])
    def test_what_never_ends(self, server: Server, path: str) -> None:
        sent = 0
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
            line.sendall(
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
                + b"Transfer-Encoding: chunked\r\n"
                + _authorization(server)
                + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            )
            head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
            line.sendall(b"%x\r\n%s\r\n" % (len(head), head))
            piece = b"10000\r\n" + b"\xff" * 65536 + b"\r\n"
            try:
                while sent < 50_000_000:
                    line.sendall(piece)
                    sent += 65536
            except OSError:
                pass  # it was cut off
        assert 2_000_000 < sent < 20_000_000
        assert nothing_left(server)
        assert server.api.get("/healthz").status_code == 200

    @pytest.mark.slow
    def test_a_plan_that_never_ends(self, server: Server) -> None:
        huge = (b"y" * 1_000_000 for _ in range(70))
        path = "/api/jobs/aaaaaaaaaaaaaaaaaaaa/plan"
        try:
            refused(server.api.put(path, content=huge), 413, "limit")
        except httpx.TransportError:  # cut off while it was still sending
            assert next(huge, None) is not None
        assert server.api.get("/healthz").status_code == 200

    def test_many_parts(self, server: Server) -> None:
        parts = {f"field{n}": "x" for n in range(100)}
        answer = server.api.post("/api/jobs", files={"files": png(8, 8)}, data=parts)
        refused(answer, 413, "limit")

    def test_a_full_queue(self, tmp_path: Path) -> None:
        with client(tmp_path, known=True, max_queue=2) as api:
            files = [("files", (f"{n}.png", png(8, 8))) for n in range(3)]
            answer = api.post("/api/jobs", files=files)
            refused(answer, 429, "queue-full")
            assert int(answer.headers["retry-after"]) > 0
            assert api.get("/api/jobs").json() == {"jobs": []}
            assert api.post("/api/jobs", files=files[:2]).status_code == 202
            refused(api.post("/api/jobs", files=files[:1]), 429, "queue-full")
            refused(api.post("/api/veil", content=png(8, 8)), 429, "queue-full")
            assert len(api.get("/api/jobs").json()["jobs"]) == 2


def _authorization(server: Server) -> bytes:
    return f"Authorization: Bearer {server.token}\r\n".encode()


def _raw(server: Server, data: bytes) -> bytes:
    """The answer to plain bytes until the line is closed."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        line.sendall(data)
        while more := line.recv(65536):
            answer += more
    return answer


class TestAllOrNone:
    """Refused uploads leave nothing behind, and take no room from later ones."""

    @pytest.fixture
    def full(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
        """Fills the disk when so many jobs were accepted."""
        whole = Store.publish

        def after(most: int) -> None:
            accepted = 0

            def publish(store: Store, staged: Path, record: Record) -> None:
                nonlocal accepted
                accepted += 1
                if accepted > most:
                    raise OSError(errno.ENOSPC, "No space left on device")
                whole(store, staged, record)

            monkeypatch.setattr(Store, "publish", publish)

        return after

    @pytest.mark.parametrize("most", [0, 1, 3])
    def test_the_disk_is_full(
        self,
        tmp_path: Path,
        full: Callable[[int], None],
        monkeypatch: pytest.MonkeyPatch,
        most: int,
    ) -> None:
        files = [("files", (f"{n}.png", png(8, 8))) for n in range(4)]
        with client(tmp_path, known=True, max_queue=5) as api:
            full(most)
            for _ in range(5):
                refused(api.post("/api/jobs", files=files), 507, "disk-full")
                assert self.left(tmp_path) == []
            assert api.get("/api/jobs").json() == {"jobs": []}
            monkeypatch.undo()
            assert api.post("/api/jobs", files=files).status_code == 202

    def test_the_disk_is_full_while_unpacking(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        files = [
            ("files", ("a.png", png(8, 8))),
            ("files", ("b.zip", zipped({f"{n}.png": png(8, 8) for n in range(3)}))),
        ]

        def full(*_: object) -> None:
            raise cannot_write(OSError(errno.ENOSPC, "No space left on device"))

        with client(tmp_path, known=True) as api:
            monkeypatch.setattr(Archive, "extract", full)
            answer = api.post("/api/jobs", files=files)
            assert answer.status_code == 507, answer.text
            assert self.left(tmp_path) == []

    @pytest.mark.slow
    def test_the_queue_is_away(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """That is no reason to refuse: the sweep puts them into the queue once it is back."""
        asked = 0

        def away(*_: object, **__: object) -> None:
            nonlocal asked
            asked += 1
            raise QueueError

        files = [("files", (f"{n}.png", png(8, 8))) for n in range(4)]
        with client(tmp_path, known=True) as api:
            monkeypatch.setattr(JobQueue, "push", away)
            answer = api.post("/api/jobs", files=files)
            assert answer.status_code == 202
            assert asked == 1  # each may take seconds to fail
            jobs = {job["id"] for job in answer.json()["jobs"]}
            for job in jobs:
                os.utime(tmp_path / "jobs" / "jobs" / job / "job.json", (1, 1))
            monkeypatch.undo()
            queue = JobQueue(tmp_path / "jobs")
            wait_for(lambda: queue.waiting() == jobs)

    def test_one_that_is_gone_at_once_is_no_reason_to_refuse(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with client(tmp_path, known=True) as api:
            monkeypatch.setattr(Store, "load", Mock(side_effect=LookupError))
            files = {"files": ("a.png", png(8, 8))}
            assert api.post("/api/jobs", files=files).status_code == 202

    def test_an_archive_where_one_picture_is_wanted(self, tmp_path: Path) -> None:
        good = {f"{n}.png": png(8, 8) for n in range(3)}
        with client(tmp_path, known=True) as api:
            for inside in (good, good | {"read.me": b"text"}):
                answer = api.post("/api/veil", content=zipped(inside))
                refused(answer, 415, "unsupported")
                assert self.left(tmp_path) == []

    def left(self, tmp_path: Path) -> list[Path]:
        places = (tmp_path / "jobs" / name for name in ("jobs", "staging", "trash"))
        return [path for place in places for path in place.iterdir()]


class TestKeys:
    """A program that does not know whether its upload was taken sends it once more."""

    def send(self, api: Any, key: str, *names: str) -> Any:
        files = [("files", (name, png(8, 8))) for name in names]
        return api.post("/api/jobs", files=files, headers={"idempotency-key": key})

    def test_once_more(self, tmp_path: Path) -> None:
        with client(tmp_path, known=True) as api:
            first = self.send(api, "a key", "a.png", "b.png").json()
            assert len(first["jobs"]) == 2
            assert self.send(api, "a key", "a.png", "b.png").json() == first
            other = self.send(api, "another key", "a.png", "b.png").json()
            assert other["batch"] != first["batch"]
            assert len(api.get("/api/jobs").json()["jobs"]) == 4
        with client(tmp_path, known=True) as api:  # and after a restart
            assert self.send(api, "a key", "a.png", "b.png").json() == first

    def test_many_at_once(self, tmp_path: Path) -> None:
        with client(tmp_path, known=True) as api, ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: self.send(api, "a key", "a.png"), range(16)))
            assert {answer.status_code for answer in answers} == {202}
            assert len({job["id"] for one in answers for job in one.json()["jobs"]}) == 1
            assert len(api.get("/api/jobs").json()["jobs"]) == 1
            assert list((tmp_path / "jobs" / "staging").iterdir()) == []

    def test_keys_that_are_none(self, tmp_path: Path) -> None:
        with client(tmp_path, known=True) as api:
            refused(self.send(api, "x" * 256, "a.png"), 422, "usage")


class TestOtherSites:
    @pytest.mark.parametrize(
        "host",
        ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "[::2]", "10.0.0.1", ""],
    )
    def test_a_foreign_host(self, server: Server, host: str) -> None:
        for path in ("/", "/api/jobs", "/healthz"):
            refused(server.api.get(path, headers={"host": host}), 421, "foreign-host")

    def test_no_host_or_two(self, server: Server) -> None:
        assert _raw(server, b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 4")
        twice = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
        assert _raw(server, twice).startswith(b"HTTP/1.1 4")

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST:1"])
    def test_our_own_names(self, server: Server, host: str) -> None:
        assert server.api.get("/api/jobs", headers={"host": host}).status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "http://evil.example"},
            {"origin": "null"},
            {"origin": "http://localhost:1"},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
        ],
    )
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/api/jobs"),
            ("POST", "/api/veil"),
            ("GET", "/api/events"),
            ("DELETE", "/api/jobs/aaaaaaaaaaaaaaaaaaaa"),
            ("GET", "/api/jobs/aaaaaaaaaaaaaaaaaaaa/frames/0"),
        ],
    )
    def test_a_foreign_page(
        self, server: Server, method: str, path: str, headers: dict[str, str]
    ) -> None:
        answer = server.api.request(method, path, headers=headers, content=b"x")
        refused(answer, 403, "foreign-origin")
        assert "access-control-allow-origin" not in answer.headers

    def test_our_own_page(self, server: Server) -> None:
        origin = {"origin": f"http://127.0.0.1:{server.port}", "sec-fetch-site": "same-origin"}
        answer = server.api.delete("/api/jobs/aaaaaaaaaaaaaaaaaaaa", headers=origin)
        refused(answer, 404, "not-found")

    def test_a_preflight_gets_no_leave(self, server: Server) -> None:
        ask = {"origin": "http://evil.example", "access-control-request-method": "PUT"}
        answer = server.api.options("/api/jobs", headers=ask)
        assert answer.status_code in (403, 405)
        assert not any(name.startswith("access-control") for name in answer.headers)


class TestToken:
    def test_there_always_is_one(self) -> None:
        """Every user of a machine reaches its own address."""
        for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "192.168.1.7", "box.example"):
            made = token_of(Service(host=host))
            assert len(made) >= 32
            assert made != token_of(Service(host=host))
            assert token_of(Service(host=host, token=TOKEN)) == TOKEN

    @pytest.mark.parametrize("host", ["127.0.0.1", "192.168.1.7"])
    def test_without_and_with(self, tmp_path: Path, host: str) -> None:
        with client(tmp_path, host) as api:
            for path in ("/", "/api/jobs", "/metrics", "/openapi.json", "/static/app.js"):
                answer = api.get(path)
                refused(answer, 401, "no-token")
                assert answer.headers["www-authenticate"] == "Bearer"
            for wrong in ("Bearer wrong", f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x"):
                answer = api.get("/api/jobs", headers={"authorization": wrong})
                refused(answer, 401, "no-token")
            refused(api.get("/?token=wrong"), 401, "no-token")
            assert api.get("/healthz").status_code == 200
            right = {"authorization": f"Bearer {TOKEN}"}
            assert api.get("/api/jobs", headers=right).status_code == 200

    def test_a_browser_gets_a_cookie(self, tmp_path: Path) -> None:
        with client(tmp_path) as api:
            answer = api.get(f"/?token={TOKEN}")
            assert answer.status_code == 200
            assert 'http-equiv="refresh" content="0;url=/"' in answer.text
            assert TOKEN not in answer.text
            cookie = answer.headers["set-cookie"].lower()
            for part in ("httponly", "samesite=strict", "max-age=86400", "path=/"):
                assert part in cookie
            assert "secure" not in cookie
            assert TOKEN.lower() not in cookie
            assert api.get("/api/jobs").status_code == 200
            again = client(tmp_path).get(f"/?token={TOKEN}").headers["set-cookie"]
            assert again.split(";")[0] != answer.headers["set-cookie"].split(";")[0]

    def test_a_cookie_ends(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with client(tmp_path) as api:
            api.get(f"/?token={TOKEN}")
            now = time.monotonic()
            monkeypatch.setattr(time, "monotonic", lambda: now + sessions.SECONDS - 60)
            assert api.get("/api/jobs").status_code == 200
            monkeypatch.setattr(time, "monotonic", lambda: now + sessions.SECONDS + 60)
            refused(api.get("/api/jobs"), 401, "no-token")

    def test_not_every_session_is_remembered_for_ever(self) -> None:
        known = sessions.Sessions()
        made = [known.begin() for _ in range(1500)]
        assert sum(map(known.holds, made)) == 1000
        assert known.holds(made[-1])

    def test_cookies_of_two_services_do_not_meet(self, tmp_path: Path) -> None:
        names = set()
        for port in (8765, 8766):
            with client(tmp_path / str(port), port=port) as api:
                answer = api.get(f"/?token={TOKEN}")
                names.add(answer.headers["set-cookie"].partition("=")[0])
        assert len(names) == 2

    def test_a_cookie_of_an_encrypted_line_stays_on_it(self, tmp_path: Path) -> None:
        with client(tmp_path, hosts=("veil.example",)) as api:
            proxy = {"host": "veil.example", "x-forwarded-proto": "https"}
            answer = api.get(f"/?token={TOKEN}", headers=proxy)
            assert "; secure" in answer.headers["set-cookie"].lower()

    @pytest.mark.parametrize(
        "path", ["/", "/?token=wrong", "/api/jobs/aaaaaaaaaaaaaaaaaaaa/result"]
    )
    def test_a_person_without_it_reads_a_page(self, tmp_path: Path, path: str) -> None:
        browser = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
        with client(tmp_path) as api:
            answer = api.get(path, headers=browser)
            assert answer.status_code == 401
            assert answer.headers["content-type"].startswith("text/html")
            assert "Open the address that `faceveil serve` printed" in answer.text
            assert "令牌" in answer.text
            assert "'unsafe" not in answer.headers["content-security-policy"]
            foreign = api.get("/", headers=browser | {"host": "evil<b>.example"})
            assert foreign.status_code == 421
            assert foreign.headers["content-type"].startswith("text/html")
            assert "<b>" not in foreign.text

    def test_the_address_works_from_elsewhere(self) -> None:
        assert address_of("127.0.0.1", 80) == "http://127.0.0.1:80/"
        assert address_of("::1", 8765) == "http://[::1]:8765/"
        assert address_of("box.example", 8765) == "http://box.example:8765/"
        for host in ("0.0.0.0", "::"):
            shown = urlsplit(address_of(host, 8765)).hostname
            assert shown not in (None, "", "0.0.0.0", "::")

    def test_only_a_person_at_a_screen_gets_a_browser(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DISPLAY", ":7")
        for terminal in (False, True):
            for stream in (sys.stdin, sys.stdout):
                monkeypatch.setattr(stream, "isatty", lambda terminal=terminal: terminal)
            assert browse.can_open() == terminal
        monkeypatch.setattr(sys, "platform", "linux")
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            monkeypatch.delenv(name, raising=False)
        assert not browse.can_open()

    def test_nobody_else_learns_the_address_that_is_opened(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[str] = []
        monkeypatch.setattr(webbrowser, "open", opened.append)
        (tmp_path / "elsewhere").write_text("mine")
        (tmp_path / "open.html").symlink_to(tmp_path / "elsewhere")
        browser.show_in_browser(tmp_path, f"http://127.0.0.1:8765/?token={TOKEN}")
        (place,) = opened
        assert TOKEN not in place
        path = Path(urlsplit(place).path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert f"url=http://127.0.0.1:8765/?token={TOKEN}" in path.read_text()
        assert (tmp_path / "elsewhere").read_text() == "mine"
        browser.forget_address(tmp_path)
        assert not path.exists()

    def test_names_of_a_public_service(self, tmp_path: Path) -> None:
        right = {"authorization": f"Bearer {TOKEN}"}
        with client(tmp_path, "0.0.0.0", hosts=("veil.example",)) as api:
            for host in ("192.168.1.7:8765", "[fe80::1]", "veil.example"):
                assert api.get("/api/jobs", headers=right | {"host": host}).status_code == 200
            for host in ("evil.example", "localhost.evil.example", "0.0.0.0.example"):
                refused(api.get("/api/jobs", headers=right | {"host": host}), 421, "foreign-host")


class TestAnswers:
    def test_headers(self, server: Server) -> None:
        for path in ("/healthz", "/api/jobs", "/nowhere", "/api/jobs/aaaaaaaaaaaaaaaaaaaa"):
            headers = server.api.get(path).headers
            assert headers["cache-control"] == "no-store"
            assert headers["content-security-policy"].startswith("default-src 'none'; script-src")
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["permissions-policy"].startswith("camera=(self)")
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert "server" not in headers

    @pytest.mark.parametrize(
        ("method", "path", "status", "kind"),
        [
            ("GET", "/nowhere", 404, "not-found"),
            ("GET", "/redoc", 404, "not-found"),
            ("PATCH", "/api/jobs", 405, "wrong-method"),
            ("GET", "/api/jobs/short", 422, "usage"),
            ("GET", "/api/jobs/..%2f..%2fetc%2fpasswd", 404, "not-found"),
            ("GET", "/api/jobs/aaaaaaaaaaaaaaaaaaaa", 404, "not-found"),
            ("GET", "/api/jobs/aaaaaaaaaaaaaaaaaaaa/events", 404, "not-found"),
            ("GET", "/api/jobs/aaaaaaaaaaaaaaaaaaaa/frames/-1", 422, "usage"),
            ("POST", "/api/jobs", 415, "unsupported"),
        ],
    )
    def test_errors(self, server: Server, method: str, path: str, status: int, kind: str) -> None:
        refused(server.api.request(method, path), status, kind)

    @pytest.mark.parametrize(
        "options",
        [
            "[]",
            "{",
            '{"weights": "/etc"}',
            '{"max_pixels": 1}',
            '{"jobs": 99}',
            '{"nonsense": 1}',
            '{"preset": "none"}',
            '{"cells": 30}',
            '{"quality": "high"}',
        ],
    )
    def test_options(self, server: Server, options: str) -> None:
        refused(server.post_files({"a.png": png(8, 8)}, options=options), 422, "usage")
        answer = server.api.post("/api/veil", content=png(8, 8), params={"options": options})
        refused(answer, 422, "usage")
        assert nothing_left(server)

    def test_the_folder_is_private(self, server: Server) -> None:
        for folder in (server.folder, *(path for path in server.folder.iterdir() if path.is_dir())):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    @pytest.mark.slow
    def test_addresses_are_never_fetched(self, server: Server) -> None:
        """A playlist or a picture that names an address is a file of no kind known here."""
        playlist = b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/\n"
        concat = b"ffconcat version 1.0\nfile '/etc/passwd'\n"
        accepted = server.upload({"a.mp4": playlist, "b.mp4": concat})
        assert accepted["jobs"] == []
