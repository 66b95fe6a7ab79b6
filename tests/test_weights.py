"""The table of weights: search order, hashes, and fetching from local stand-ins of the sources."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import stat
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import platformdirs
import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows

from faceveil import weights
from faceveil.errors import UsageError, WeightsError
from faceveil.weights import mirrors
from faceveil.weights.mirrors import Mirror, SourceError, Url, Wheel

CONTENT = b"weights of a test"
ENTRY = weights.WeightsFile(
    name="test",
    file="test.onnx",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    licence="MIT",
    size=len(CONTENT),
    sources=(),
)


@dataclass
class FakeSource:
    """Delivers what it is told to; an exception is raised instead."""

    answer: bytes | BaseException
    name: str = "fake"
    calls: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        return self.name

    def read(self, limit: int) -> bytes:
        self.calls.append(limit)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The four places that are searched, all empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("FACEVEIL_WEIGHTS", str(tmp_path / "environment"))
    monkeypatch.setattr(weights.search, "_PACKAGE_FOLDER", tmp_path / "package")
    found = {
        "argument": tmp_path / "argument",
        "environment": tmp_path / "environment",
        "package": tmp_path / "package",
        "cache": tmp_path / "xdg" / "faceveil" / "weights",
    }
    for folder in found.values():
        folder.mkdir(parents=True)
    return found


def table(monkeypatch: pytest.MonkeyPatch, *sources: Mirror) -> None:
    monkeypatch.setattr(weights.table, "TABLE", {"test": replace(ENTRY, sources=sources)})


# The real table


def test_table_is_complete() -> None:
    assert list(weights.TABLE) == [
        "yunet",
        "centerface",
        "blazeface-full",
        "blazeface-short",
        "people",
    ]
    for name, entry in weights.TABLE.items():
        assert entry.name == name
        assert re.fullmatch("[0-9a-f]{64}", entry.sha256)
        assert entry.licence in {"Apache-2.0", "MIT", "CC0-1.0"}
        assert entry.size > 0
        assert entry.sources


# Searching


def test_places_are_searched_in_order(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    table(monkeypatch)
    for folder in reversed(places.values()):
        assert weights.available("test", places["argument"]) is (folder != places["cache"])
        (folder / ENTRY.file).write_bytes(CONTENT)
        assert weights.find("test", places["argument"]) == folder / ENTRY.file
    assert weights.find("test") == places["environment"] / ENTRY.file


def test_missing_weights_name_the_command_that_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    table(monkeypatch)
    with pytest.raises(WeightsError, match=re.escape(ENTRY.file)) as caught:
        weights.find("test")
    assert caught.value.exit_code == 4
    assert "faceveil weights fetch test" in caught.value.advice
    assert not weights.available("test")


def test_altered_weights_are_noticed_though_a_good_copy_follows(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    table(monkeypatch)
    (places["package"] / ENTRY.file).write_bytes(b"altered")
    (places["cache"] / ENTRY.file).write_bytes(CONTENT)
    with pytest.raises(WeightsError, match=ENTRY.sha256) as caught:
        weights.find("test")
    assert "faceveil weights fetch test" in caught.value.advice
    assert weights.available("test")
    assert weights.verify("test").state == "wrong"


def test_a_change_after_a_good_verification_is_noticed(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    table(monkeypatch)
    path = places["cache"] / ENTRY.file
    path.write_bytes(CONTENT)
    weights.find("test")
    path.write_bytes(CONTENT + b"!")
    with pytest.raises(WeightsError):
        weights.find("test")


def test_a_file_is_hashed_once(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    table(monkeypatch)
    (places["cache"] / ENTRY.file).write_bytes(CONTENT)
    weights.find("test")
    monkeypatch.delattr(hashlib, "file_digest")
    weights.find("test")


def test_listing_tells_what_is_where(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(ENTRY, name="other", file="other.onnx")
    monkeypatch.setattr(weights.table, "TABLE", {"test": ENTRY, "other": other})
    (places["cache"] / ENTRY.file).write_bytes(CONTENT)
    assert weights.listing() == [
        weights.Located(ENTRY, places["cache"] / ENTRY.file, "ok"),
        weights.Located(other, None, "missing"),
    ]


@pytest.mark.parametrize(
    "function", [weights.find, weights.available, weights.verify, weights.fetch]
)
def test_an_unknown_name_lists_the_known_ones(function: object) -> None:
    assert callable(function)
    with pytest.raises(UsageError, match="yunet"):
        function("resnet")


@pytest.mark.parametrize(
    ("system", "where"),
    [
        (Unix, "/home/me/.cache/faceveil/weights"),
        (MacOS, "/home/me/Library/Caches/faceveil/weights"),
        (Windows, r"C:\Users\me\AppData\Local/faceveil/weights"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="asks for the home folder in other ways")
def test_the_cache_is_where_it_always_was(
    system: type,
    where: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody fetches weights again after an update."""
    monkeypatch.setattr(platformdirs, "PlatformDirs", system)
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("WIN_PD_OVERRIDE_LOCAL_APPDATA", r"C:\Users\me\AppData\Local")
    assert weights.own_folder() == tmp_path / "xdg" / "faceveil" / "weights"
    monkeypatch.delenv("XDG_CACHE_HOME")
    if system is Windows:  # whose paths mean nothing here
        monkeypatch.setattr(Path, "is_absolute", lambda _: True)
    assert weights.own_folder() == Path(where)


@pytest.mark.skipif(sys.platform == "win32", reason="asks for the home folder in other ways")
def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    table(monkeypatch, FakeSource(CONTENT))
    assert weights.own_folder() is None
    with pytest.raises(WeightsError):
        weights.find("test")
    with pytest.raises(WeightsError, match="home"):
        weights.fetch("test")


def test_only_fetch_opens_a_socket(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(subprocess, "run", refuse)
    weights.listing()
    weights.available("yunet")
    with pytest.raises(WeightsError):
        weights.find("yunet")


# Fetching


def test_sources_are_tried_in_turn(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = (
        FakeSource(SourceError("no route"), "first"),
        FakeSource(b"something else", "second"),
        FakeSource(CONTENT, "third"),
        FakeSource(CONTENT, "fourth"),
    )
    table(monkeypatch, *sources)
    events: list[weights.FetchEvent] = []
    path = weights.fetch("test", on_event=events.append)
    assert path == places["cache"] / ENTRY.file
    assert path.read_bytes() == CONTENT
    assert stat.S_IMODE(path.stat().st_mode) == 0o644 or sys.platform == "win32"
    assert [(event.kind, event.source) for event in events] == [
        ("trying", "first"),
        ("failed", "first"),
        ("trying", "second"),
        ("failed", "second"),
        ("trying", "third"),
        ("done", "third"),
    ]
    assert sources[3].calls == []
    assert weights.find("test") == path


def test_what_is_there_is_not_fetched_again(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = FakeSource(CONTENT)
    table(monkeypatch, source)
    (places["environment"] / ENTRY.file).write_bytes(CONTENT)
    assert weights.fetch("test") == places["environment"] / ENTRY.file
    assert source.calls == []
    assert weights.fetch("test", places["argument"]) == places["argument"] / ENTRY.file
    assert weights.fetch("test", places["argument"]) == places["argument"] / ENTRY.file
    assert len(source.calls) == 1


def test_an_altered_file_is_replaced_where_it_lies(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    table(monkeypatch, FakeSource(CONTENT))
    (places["package"] / ENTRY.file).write_bytes(b"altered")
    assert weights.fetch("test") == places["package"] / ENTRY.file
    assert weights.find("test") == places["package"] / ENTRY.file


def test_when_all_sources_fail_each_says_why(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    table(monkeypatch, FakeSource(SourceError("no route"), "one"), FakeSource(b"bad", "two"))
    with pytest.raises(WeightsError, match=r"(?s)one: no route.*two: .*sha256") as caught:
        weights.fetch("test")
    assert "FACEVEIL_WEIGHTS" in caught.value.advice
    assert list(places["cache"].iterdir()) == []


@pytest.mark.parametrize("step", ["os.fsync", "os.replace"])
def test_a_crash_in_the_middle_leaves_nothing(
    step: str, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    table(monkeypatch, FakeSource(CONTENT))
    monkeypatch.setattr(step, crash)
    with pytest.raises(KeyboardInterrupt):
        weights.fetch("test")
    assert list(places["cache"].iterdir()) == []


def test_a_full_disk_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    table(monkeypatch, FakeSource(CONTENT))
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WeightsError, match="cannot be written: no space left"):
        weights.fetch("test")


# A source that is a URL


@contextlib.contextmanager
def server(status: int = 200, body: bytes = CONTENT) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):  # a reader with a limit hangs up early
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/test.onnx"
        finally:
            http.shutdown()
            thread.join()


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.usefixtures("no_proxy")
def test_url_delivers(monkeypatch: pytest.MonkeyPatch) -> None:
    with server() as url:
        table(monkeypatch, Url(url))
        assert weights.fetch("test").read_bytes() == CONTENT


@pytest.mark.usefixtures("no_proxy")
def test_url_is_read_no_further_than_the_limit() -> None:
    with server(body=b"x" * 1_000_000) as url:
        assert len(Url(url).read(limit=1000)) == 1001


@pytest.mark.usefixtures("no_proxy")
def test_url_that_is_gone_says_so() -> None:
    with server(status=404) as url, pytest.raises(SourceError, match="404 Not Found"):
        Url(url).read(limit=1000)


@pytest.mark.usefixtures("no_proxy")
def test_url_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(SourceError, match="no answer"):
            Url(f"http://127.0.0.1:{silent.getsockname()[1]}/").read(limit=1000)
        assert time.monotonic() - began < 2
        connection, _ = silent.accept()
        connection.close()
    for thread in threading.enumerate():
        if thread.name == "faceveil-fetch":
            thread.join(timeout=5)


@pytest.mark.usefixtures("no_proxy")
def test_url_without_a_server_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(SourceError, match="refused"):
        Url(f"http://127.0.0.1:{port}/").read(limit=1000)


# A source that is a file inside a wheel


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where the installer looks: a folder with one wheel."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    info = "faceveil_sample-1.0.dist-info"
    with zipfile.ZipFile(folder / "faceveil_sample-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("sample/test.onnx", CONTENT)
        wheel.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: faceveil-sample\nVersion: 1.0\nRequires-Python: <3\n",
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null" if sys.platform != "win32" else "nul")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.mark.slow
@pytest.mark.usefixtures("wheelhouse")
def test_wheel_delivers(monkeypatch: pytest.MonkeyPatch) -> None:
    table(monkeypatch, Wheel("faceveil-sample", "1.0", "sample/test.onnx"))
    assert weights.fetch("test").read_bytes() == CONTENT


@pytest.mark.slow
@pytest.mark.usefixtures("wheelhouse")
@pytest.mark.parametrize(
    ("wheel", "reason"),
    [
        (Wheel("faceveil-sample", "1.0", "sample/other.onnx"), "holds no sample/other.onnx"),
        (
            Wheel("faceveil-sample", "2.0", "sample/test.onnx"),
            "the package index does not offer it",
        ),
    ],
)
def test_wheel_that_does_not_deliver_says_why(wheel: Wheel, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        wheel.read(limit=1000)


def test_without_an_installer_the_way_to_get_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(SourceError, match="ensurepip"):
        Wheel("faceveil-sample", "1.0", "sample/test.onnx").read(limit=1000)
