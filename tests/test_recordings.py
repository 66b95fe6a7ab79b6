"""Recordings of the page's camera: one film whatever breaks them off, and gone when promised."""

from __future__ import annotations

import errno
import itertools
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra server is not installed")
pytest.importorskip("websockets", reason="the extra server is not installed")

from fastapi.testclient import TestClient
from websockets.sync.client import ClientConnection, connect

from faceveil.errors import OutputError
from faceveil.frames import Frame, Image
from faceveil.live.aspect import fitted
from faceveil.live.footage import FILM, Footage, facts_of, gather
from faceveil.media.leftovers import leftovers
from faceveil.server.app import create_app
from faceveil.server.problems import ProblemError
from faceveil.server.queue import JobQueue
from faceveil.server.recordings import Recordings
from faceveil.server.settings import Service
from faceveil.server.store import Store
from faceveil.server.tape import Tape
from films import head, put, scenery
from lively import scene
from servers import PATIENCE, Server, running

LONG = 1000.0
STEP_MS = 40


def filmed(footage: Footage, size: tuple[int, int] = (320, 180), count: int = 25) -> None:
    for number in range(count):
        footage.write(Frame(number, scene(number % 3, size), pts=5000 + number * STEP_MS))


def times(film: Path) -> list[float]:
    """Of the frames, every one decoded."""
    with av.open(str(film)) as file:
        return [frame.time or 0.0 for frame in file.decode(video=0)]


class TestFootage:
    def test_parts_become_one_film_of_the_first_one_s_size(self, tmp_path: Path) -> None:
        for size in ((320, 180), (640, 480), (321, 181)):
            footage = Footage(tmp_path, LONG)
            filmed(footage, size)
            footage.close()
            assert gather(tmp_path)
        facts = facts_of(tmp_path / FILM)
        assert facts is not None
        assert (facts.width, facts.height, facts.frames) == (320, 180, 75)
        assert facts.seconds == pytest.approx(3.0, abs=0.2)
        shown = times(tmp_path / FILM)
        assert shown[0] == 0.0
        steps = np.diff(shown)
        assert len(shown) == 75
        assert 0.02 < steps.min() <= steps.max() < 0.08
        assert [path.name for path in tmp_path.iterdir()] == [FILM]
        assert list(leftovers(tmp_path / FILM)) == []

    def test_a_part_that_was_torn_is_kept_up_to_there(self, tmp_path: Path) -> None:
        whole = Footage(tmp_path, LONG)
        filmed(whole)
        whole.close()
        gather(tmp_path)
        torn = Footage(tmp_path, LONG)
        filmed(torn, count=60)
        (part,) = tmp_path.glob("part*")  # as a process that is killed leaves it
        part.write_bytes(part.read_bytes()[:-500])
        assert gather(tmp_path)
        assert 25 + 30 < len(times(tmp_path / FILM)) < 85
        assert [path.name for path in tmp_path.iterdir()] == [FILM]
        torn.close()

    def test_nothing_comes_of_no_frame(self, tmp_path: Path) -> None:
        Footage(tmp_path, LONG).close()
        assert not gather(tmp_path)
        (tmp_path / "part.recording.mp4").write_bytes(b"")
        assert not gather(tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_it_ends_where_it_may_be_no_longer(self, tmp_path: Path) -> None:
        footage = Footage(tmp_path, 0.5)
        filmed(footage)
        footage.close()
        assert footage.full == "long"
        gather(tmp_path)
        assert 0.4 < times(tmp_path / FILM)[-1] < 0.6
        more = Footage(tmp_path, 0.9)
        filmed(more)
        assert more.full == "long"
        assert more.seconds == pytest.approx(0.9, abs=0.1)
        more.close()

    def test_it_ends_where_there_is_no_room_and_asks_once_a_second(self, tmp_path: Path) -> None:
        left = iter([True, True, False])
        footage = Footage(tmp_path, LONG, lambda: next(left))
        filmed(footage, count=200)
        footage.close()
        assert footage.full == "room"
        gather(tmp_path)
        assert times(tmp_path / FILM)[-1] == pytest.approx(3.0, abs=0.1)

    def test_a_full_disk_is_told_and_what_there_is_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        footage = Footage(tmp_path, LONG)
        filmed(footage, count=30)
        with monkeypatch.context() as full:

            def write(*_: object) -> None:
                raise OutputError("full")

            full.setattr("faceveil.live.recorder.Encoded.write", write)
            filmed(footage, count=2)
        assert isinstance(footage.problem, OutputError)
        filmed(footage)  # of no use
        footage.close()
        assert gather(tmp_path)
        assert len(times(tmp_path / FILM)) == 30

    def test_what_cannot_be_read_just_now_is_not_lost(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for count in (20, 10):
            footage = Footage(tmp_path, LONG)
            filmed(footage, count=count)
            footage.close()
            if count == 20:
                gather(tmp_path)
        opened = av.open

        def without_handles(file: Any, *given: Any, **named: Any) -> Any:
            if str(file).endswith(FILM):
                raise OSError(errno.EMFILE, "no handles")
            return opened(file, *given, **named)

        with monkeypatch.context() as scarce:
            scarce.setattr("faceveil.live.footage.av.open", without_handles)
            with pytest.raises(OutputError):
                gather(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {FILM, "part.mp4"}
        assert gather(tmp_path)
        assert len(times(tmp_path / FILM)) == 30

    def test_another_shape_is_fitted_in_without_being_stretched(self) -> None:
        made = fitted(np.full((480, 640, 3), 200, np.uint8), (640, 360))
        assert made.shape == (360, 640, 3)
        assert (made[:, 80:560] == 200).all()
        assert (made[:, :79] == 0).all()
        assert (made[:, 561:] == 0).all()


class TestRecordings:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return Store(tmp_path / "jobs")

    def made(self, recordings: Recordings, recording: str = "", *, broken: bool = False) -> str:
        name, footage = recordings.begin(recording)
        filmed(footage)
        recordings.end(name, broken=broken)
        return name

    def test_one_is_gone_on_with_and_told(self, store: Store) -> None:
        recordings = Recordings(store, Service())
        first = self.made(recordings, broken=True)
        (before,) = recordings.all()
        assert before[0].broken
        self.made(recordings, first)
        ((kept, open_),) = recordings.all()
        assert not open_
        assert not kept.broken
        assert (kept.id, kept.width, kept.frames) == (first, 320, 50)
        assert kept.seconds == pytest.approx(2 * before[0].seconds, abs=0.1)

    def test_one_that_is_being_made_is_not_begun_twice_nor_shown(self, store: Store) -> None:
        recordings = Recordings(store, Service())
        name, footage = recordings.begin()
        filmed(footage)
        ((kept, open_),) = recordings.all()
        assert open_
        assert kept.seconds > 0.5
        with pytest.raises(ProblemError):
            recordings.begin(name)
        with pytest.raises(LookupError):
            recordings.film(name)
        recordings.discard(name)  # also while it is made
        filmed(footage)
        recordings.end(name)
        assert recordings.all() == []
        assert list(store.recordings.iterdir()) == list(store.trash.iterdir()) == []

    @pytest.mark.parametrize("name", ["../jobs", "", "x" * 22, "..", "/etc"])
    def test_others_are_not_there(self, store: Store, name: str) -> None:
        recordings = Recordings(store, Service())
        (store.folder / "keep").write_text("me")
        with suppress(LookupError):
            if name:
                recordings.begin(name)
                raise AssertionError
        with pytest.raises(LookupError):
            recordings.film(name)
        with pytest.raises(LookupError):
            recordings.discard(name)
        assert (store.folder / "keep").exists()

    def test_it_is_deleted_when_results_are(self, store: Store) -> None:
        recordings = Recordings(store, Service(keep_result_hours=2))
        name = self.made(recordings)
        open_, footage = recordings.begin()
        filmed(footage)
        recordings.delete_due()
        assert recordings.film(name).exists()
        (store.recordings / "that-is-none-of-ours").mkdir()
        os.utime(store.recordings / "that-is-none-of-ours", (0, 0))
        for one in (name, open_):
            facts = store.recordings / one / "recording.json"
            told = json.loads(facts.read_text())
            facts.write_text(json.dumps(told | {"ended": told["ended"] - 2 * 3600}))
        recordings.delete_due()
        # What is being made has its time yet to come.
        assert [kept.id for kept, _ in recordings.all()] == [open_]
        assert [path.name for path in store.recordings.iterdir()] == [open_]
        recordings.close()
        recordings.delete_due()
        assert recordings.film(open_).exists()

    def test_what_a_killed_server_recorded_is_there_at_the_next_start(self, store: Store) -> None:
        before = Recordings(store, Service())
        name, footage = before.begin()
        filmed(footage, count=60)  # and no end
        after = Recordings(store, Service())
        after.mend()
        ((kept, open_),) = after.all()
        assert (kept.id, kept.broken, open_) == (name, True, False)
        assert kept.seconds > 1
        footage.close()

    def test_parts_for_which_there_was_no_room_are_kept_in_their_order(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recordings = Recordings(store, Service())

        def full(*_: object) -> bool:
            raise OutputError("full")

        with monkeypatch.context() as patched:
            patched.setattr("faceveil.live.footage.join", full)
            name = self.made(recordings)
            assert len(times(recordings.film(name))) == 25  # it is a film all the same
            with pytest.raises(OutputError):
                self.made(recordings, name)
            with pytest.raises(OutputError):  # nothing would be left of the second part
                recordings.begin(name)
        self.made(recordings, name)
        assert len(times(recordings.film(name))) == 75
        assert {path.name for path in (store.recordings / name).iterdir()} == {
            FILM,
            "recording.json",
        }

    def test_two_that_end_it_do_not_join_the_same_parts(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recordings = Recordings(store, Service())
        name, footage = recordings.begin()
        filmed(footage)
        inside = threading.Event()
        calls: list[Path] = []

        def slow(folder: Path) -> bool:
            calls.append(folder)
            inside.set()
            time.sleep(0.3)
            return gather(folder)

        monkeypatch.setattr("faceveil.server.recordings.gather", slow)
        first = threading.Thread(target=recordings.end, args=(name,))
        first.start()
        assert inside.wait(PATIENCE)
        recordings.close()  # the server ends
        first.join()
        assert len(calls) == 1
        ((kept, open_),) = recordings.all()
        assert (kept.frames, kept.broken, open_) == (25, False, False)

    def test_no_more_are_kept_than_may_be_and_none_goes_for_another(self, store: Store) -> None:
        recordings = Recordings(store, Service(max_recordings=2))
        first, second = self.made(recordings, broken=True), self.made(recordings)
        with pytest.raises(ProblemError) as refused:
            recordings.begin()
        assert refused.value.problem.type == "recordings-full"
        assert refused.value.problem.detail == "2 recordings are kept, and no more may be"
        assert {kept.id for kept, _ in recordings.all()} == {first, second}
        self.made(recordings, first)  # it is none more
        recordings.discard(second)
        self.made(recordings)

    def test_one_that_fills_the_room_ends_is_kept_and_its_maker_is_told(self, store: Store) -> None:
        before = Recordings(store, Service())
        self.made(before)
        used = before.size()
        assert used > 1000
        recordings = Recordings(store, Service())
        recordings.most_bytes = used + 5000
        session: Any = SimpleNamespace(tap=None)
        tape = Tape(session, recordings)
        tape.hear('{"record": ""}')
        rng = np.random.default_rng(1)
        number = 0
        while not (news := tape.news()):
            assert number < 500
            noise = rng.integers(0, 256, (180, 320, 3), np.uint8)
            session.tap(Frame(number, noise, pts=number * STEP_MS))
            number += 1
        assert news[0]["trouble"]["type"] == "recording-ended"
        assert session.tap is None
        tape.leave()
        (_, _), (kept, open_) = recordings.all()
        assert not open_
        assert not kept.broken
        assert kept.frames > 20
        for wish in ("", kept.id):
            tape.hear(json.dumps({"record": wish}))
            assert tape.news()[-1]["trouble"]["type"] == "recordings-full"
        assert len(recordings.all()) == 2

    def test_one_that_is_joined_does_not_end_another(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It lies there twice for a moment."""
        recordings = Recordings(store, Service())
        _, other = recordings.begin()
        name, footage = recordings.begin()
        filmed(footage)
        recordings.most_bytes = recordings.size() + 20_000

        def twice(folder: Path) -> bool:
            (folder / "twice").write_bytes(bytes(100_000))
            filmed(other, count=60)
            (folder / "twice").unlink()
            return gather(folder)

        monkeypatch.setattr("faceveil.server.recordings.gather", twice)
        recordings.end(name)
        assert not other.full
        recordings.close()

    def test_what_else_lies_in_the_folder_is_none(self, store: Store) -> None:
        (store.recordings / "lost+found").mkdir()
        recordings = Recordings(store, Service(max_recordings=1))
        name = self.made(recordings)
        assert [kept.id for kept, _ in recordings.all()] == [name]
        assert recordings.size() == recordings.size(name) > 1000

    def test_its_time_runs_while_no_server_does(self, store: Store) -> None:
        before = Recordings(store, Service(keep_result_hours=2))
        name, footage = before.begin()
        filmed(footage)
        (part,) = (store.recordings / name).glob("part*")
        os.utime(part, (time.time() - 3 * 3600,) * 2)
        after = Recordings(store, Service(keep_result_hours=2))
        after.mend()
        after.delete_due()
        assert after.all() == []
        footage.close()

    def test_who_records_hears_that_it_was_deleted(self, store: Store) -> None:
        recordings = Recordings(store, Service())
        session: Any = SimpleNamespace(tap=None)
        tape = Tape(session, recordings)
        tape.hear('{"record": ""}')
        session.tap(Frame(0, scene(0, (320, 180)), pts=0))
        assert tape.news() == []
        ((made, _),) = recordings.all()
        recordings.discard(made.id)
        assert tape.news()[0]["trouble"]["type"] == "not-found"
        assert (tape.state, session.tap) == (None, None)
        tape.leave()
        assert list(store.recordings.iterdir()) == []


def test_a_job_that_cannot_be_deleted_keeps_no_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "jobs")
    old = store.recordings / ("x" * 22)
    old.mkdir()
    os.utime(old, (0, 0))

    def stuck(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("faceveil.server.sweep.Sweeper.delete_due", stuck)
    app = create_app(Service(), {}, store, JobQueue(store.folder), "x" * 22)
    with TestClient(app):
        until = time.monotonic() + PATIENCE
        while old.exists():
            assert time.monotonic() < until
            time.sleep(0.05)


@pytest.fixture(scope="module")
def server(detector: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server") / "jobs") as server:
        yield server


def opened(server: Server) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{server.port}/api/live",
        additional_headers={"Authorization": f"Bearer {server.token}"},
        proxy=None,
    )


class Camera:
    """A client that shows one picture again and again.

    Attributes:
        covers: of the last picture.
        told: the last message of each kind.
    """

    def __init__(self, socket: ClientConnection, picture: Image) -> None:
        self._socket = socket
        self._data = cv2.imencode(".jpg", picture)[1].tobytes()
        self._numbers = itertools.count(0, STEP_MS)
        self.covers: list[list[int]] = []
        self.told: dict[str, Any] = {}
        socket.send(json.dumps({"preset": "strict"}))

    def ask(self, record: str | None) -> None:
        self._socket.send(json.dumps({"record": record}))

    def run(self, seconds: float) -> None:
        """Send and hear, until so many seconds are recorded."""
        until = time.monotonic() + PATIENCE
        while (self.told.get("recording") or {"seconds": 0.0})["seconds"] < seconds:
            assert time.monotonic() < until
            self._socket.send(next(self._numbers).to_bytes(4, "big") + self._data)
            with suppress(TimeoutError):
                while True:
                    self._hear(self._socket.recv(timeout=STEP_MS / 1000))

    def _hear(self, message: str | bytes) -> None:
        if isinstance(message, str):
            heard = json.loads(message)
            self.told |= heard
            self.covers = heard.get("covers", self.covers)

    def hear(self, what: str) -> Any:
        until = time.monotonic() + PATIENCE
        while what not in self.told:
            assert time.monotonic() < until
            self._hear(self._socket.recv(timeout=PATIENCE))
        return self.told.pop(what)


def listed(server: Server) -> list[dict[str, Any]]:
    return list(server.api.get("/api/recordings").raise_for_status().json()["recordings"])


def at_rest(server: Server) -> dict[str, Any]:
    """The only recording, once it is a film."""
    until = time.monotonic() + PATIENCE
    while True:
        (one,) = listed(server)
        if not one["open"]:
            return one
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.alone
def test_only_what_is_covered_is_kept_and_all_of_it_goes(
    server: Server, astronaut: Image, tmp_path: Path
) -> None:
    actor, face = head(astronaut, 1.0)
    picture = put(scenery(1, (480, 270)), actor, 120, 50)
    box = face.transformed(1.0, 120, 50)
    inside = np.s_[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]
    with opened(server) as socket:
        camera = Camera(socket, picture)
        camera.ask("")
        camera.run(2.0)
        assert all(x0 < x1 and y0 < y1 for x0, y0, x1, y1 in camera.covers)
        assert camera.covers
        (one,) = listed(server)
        assert one["open"]
        assert server.api.get(f"/api/recordings/{one['id']}/film").status_code == 404
    # The client went away without a word, as a tab that crashes.
    one = at_rest(server)
    assert one["broken"]
    told = server.api.get("/api/recordings").json()
    assert 1000 < one["bytes"] == told["bytes"] < told["most_bytes"] == 10_000_000_000
    answer = server.api.get(f"/api/recordings/{one['id']}/film")
    assert one["name"] in answer.headers["content-disposition"]
    film = tmp_path / "film.mp4"
    film.write_bytes(answer.content)
    with av.open(str(film)) as file:
        shown = [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)]
    assert len(shown) > 10
    assert all(image[inside].std() < 12 for image in shown)
    # What is no face can be seen: it is not all that was covered.
    assert min(np.abs(image[:40].astype(int) - picture[:40]).mean() for image in shown) < 8
    part = server.api.get(f"/api/recordings/{one['id']}/film", headers={"Range": "bytes=0-99"})
    assert (part.status_code, part.content) == (206, answer.content[:100])
    still = server.api.get(f"/api/recordings/{one['id']}/picture").raise_for_status()
    poster = cv2.imdecode(np.frombuffer(still.content, np.uint8), cv2.IMREAD_COLOR)
    assert poster is not None
    assert poster.shape[1] == 320

    kept = [path for path in (server.folder / "recordings").rglob("*") if path.is_file()]
    assert {path.name for path in kept} == {"film.mp4", "recording.json"}
    assert server.api.delete(f"/api/recordings/{one['id']}").status_code == 204
    assert listed(server) == []
    assert list((server.folder / "recordings").iterdir()) == []
    for path in ("film", "picture"):
        answer = server.api.get(f"/api/recordings/{one['id']}/{path}")
        assert (answer.status_code, answer.json()["detail"][:21]) == (404, "there is no such reco")
    assert server.api.delete(f"/api/recordings/{one['id']}").status_code == 404


@pytest.mark.slow
@pytest.mark.alone
def test_a_killed_server_has_it_when_it_is_back(server: Server) -> None:
    with opened(server) as socket:
        camera = Camera(socket, scene(0, (320, 180)))
        camera.ask("nothing-that-was-recorded")
        assert camera.hear("trouble")["type"] == "not-found"
        camera.ask("")
        camera.run(2.0)
        server.kill()
    server.start()
    one = at_rest(server)
    assert one["broken"]
    assert one["seconds"] > 1
    with opened(server) as socket:
        camera = Camera(socket, scene(0, (320, 180)))
        camera.ask(one["id"])
        camera.run(one["seconds"] + 1)
        camera.ask(None)
        socket.close()
    again = at_rest(server)
    assert (again["id"], again["broken"]) == (one["id"], False)
    assert again["seconds"] > one["seconds"] + 0.5
    mode = (server.folder / "recordings").stat().st_mode & 0o777
    assert os.name == "nt" or mode == 0o700
    server.api.delete(f"/api/recordings/{one['id']}")
