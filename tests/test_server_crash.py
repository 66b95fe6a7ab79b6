"""Nothing is lost, done twice or left behind when the server and its workers are killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import cv2
import httpx2 as httpx
import numpy as np
import psutil
import pytest

import faulty
from faceveil.server import serve
from films import film, scenery
from servers import Server, free_port, holding, running, wait_for
from verbs import interrupted

TOKEN = b"0rig1nalBytes-0rig1nalBytes"
"""Behind the end of an original's picture: in no output, and in nothing that may stay."""

KEPT = {"job.json", "lock", "original", "plan.json", "report.html", "report.json"}
"""The files of a job that is done, but for its result."""

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("detector")]


@pytest.fixture
def picture(photo: Path) -> bytes:
    return photo.read_bytes() + TOKEN


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    """Takes a second or two."""
    path = film(tmp_path / "clip.mp4", [scenery(1, (640, 360))] * 150, crf=35)
    return path.read_bytes() + b"\0\0\0\x20free" + TOKEN


@pytest.mark.long
def test_killed_in_mid_job(tmp_path: Path, picture: bytes, clip: bytes) -> None:
    with running(tmp_path / "jobs", workers=2) as server:
        names = [f"{number}.jpg" for number in range(4)]
        accepted = server.upload(dict.fromkeys(names, picture))["jobs"]
        accepted += server.upload({"clip.mp4": clip}, options={"encoder_preset": "slower"})["jobs"]
        video = accepted[-1]["id"]
        wait_for(lambda: server.job(video)["state"] == "rendering")
        server.kill()
        assert not server.folder.joinpath("jobs", video, "result.mp4").exists()
        server.start()
        found = server.wait_all()
        assert {job["id"]: job["state"] for job in found} == {job["id"]: "done" for job in accepted}
        times = {job["id"]: _result_time(server, job["id"]) for job in found}
        time.sleep(4)  # a sweep goes by
        assert {job: _result_time(server, job) for job in times} == times
        assert server.stop().count("Traceback") == 0
    # Every job has one result and nothing half-written.
    for job in accepted:
        left = {path.name for path in (tmp_path / "jobs" / "jobs" / job["id"]).iterdir()}
        result = "result.mp4" if job["id"] == video else "result.jpg"
        assert left == {*KEPT, result}


def _result_time(server: Server, job: str) -> int:
    (result,) = (server.folder / "jobs" / job).glob("result.*")
    return result.stat().st_mtime_ns


@pytest.mark.long
def test_a_killed_worker_is_replaced(tmp_path: Path, clip: bytes) -> None:
    with running(tmp_path / "jobs") as server:
        (job,) = server.upload({"clip.mp4": clip}, options={"encoder_preset": "slower"})["jobs"]
        wait_for(lambda: server.job(job["id"])["state"] == "rendering")
        (worker,) = server.workers()
        worker.kill()
        assert server.wait(job["id"])["state"] == "done"
        assert server.workers()[0].pid != worker.pid


@pytest.mark.long
def test_workers_end_with_a_killed_server(tmp_path: Path) -> None:
    with running(tmp_path / "jobs") as server:
        wait_for(server.workers)
        (worker,) = server.workers()
        wait_for(lambda: worker.num_threads() > 1)
        server.kill(workers=False)
        wait_for(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, 20)
        server.start()
        assert server.api.get("/healthz").status_code == 200


def test_a_file_that_kills_is_given_up(tmp_path: Path, picture: bytes) -> None:
    with running(tmp_path / "jobs") as server:
        (job,) = server.upload({"a.jpg": picture}, review=True)["jobs"]
        server.wait(job["id"], "review")
        server.kill()
        record = tmp_path / "jobs" / "jobs" / job["id"] / "job.json"
        killed = json.loads(record.read_text()) | {"state": "analyzing", "attempts": 3}
        record.write_text(json.dumps(killed))
        server.start()
        found = server.wait(job["id"])
        assert (found["state"], found["problem"]["type"]) == ("failed", "worker-died")


@pytest.mark.long
def test_files_that_abort_or_hang_are_given_up_and_the_others_are_done(tmp_path: Path) -> None:
    grey = {
        "a.png": faulty.GOOD,
        "b.png": faulty.ABORT,
        "c.png": faulty.SLEEP,
        "d.png": faulty.GOOD,
    }
    files = {
        name: cv2.imencode(".png", np.full((48, 48, 3), what, np.uint8))[1].tobytes()
        for name, what in grey.items()
    }
    options = {"detector": faulty.NAME, "second_detector": "none"}
    places = faulty.install(tmp_path / "site")
    with running(tmp_path / "jobs", "--time-limit", "6", **places) as server:
        server.upload(files, options=options)
        found = {
            job["name"]: (job["state"], (job["problem"] or {}).get("type"))
            for job in server.wait_all()
        }
    assert found == {
        "a.png": ("done", None),
        "b.png": ("failed", "worker-died"),
        "c.png": ("failed", "hung"),
        "d.png": ("done", None),
    }


class TestNothingIsLeft:
    @pytest.mark.long
    def test_after_a_job_was_finished_or_discarded(self, tmp_path: Path, picture: bytes) -> None:
        with running(tmp_path / "jobs") as server:
            first, second = server.upload({"a.jpg": picture, "b.jpg": picture})["jobs"]
            server.wait_all()
            assert len(holding(tmp_path, TOKEN)) == 2
            server.api.post(f"/api/jobs/{first['id']}/finish")
            assert [path.parent.name for path in holding(tmp_path, TOKEN)] == [second["id"]]
            server.api.delete(f"/api/jobs/{second['id']}")
            assert holding(tmp_path, TOKEN) == []
            assert server.api.get(f"/api/jobs/{first['id']}/result").status_code == 200

    def test_after_its_time(self, tmp_path: Path, picture: bytes) -> None:
        with running(tmp_path / "jobs", "--keep-original-minutes", "0.2") as server:
            (job,) = server.upload({"a.jpg": picture})["jobs"]
            (other,) = server.upload({"b.jpg": picture}, review=True)["jobs"]
            assert server.wait(job["id"])["state"] == "done"
            expired = server.wait(other["id"])
            assert (expired["state"], expired["problem"]["type"]) == ("failed", "expired")
            wait_for(lambda: not server.job(job["id"])["has_original"])
            assert holding(tmp_path, TOKEN) == []
            assert server.api.get(f"/api/jobs/{job['id']}/result").status_code == 200

    @pytest.mark.long
    def test_after_its_time_and_a_kill(self, tmp_path: Path, picture: bytes) -> None:
        with running(tmp_path / "jobs", "--keep-original-minutes", "0.1") as server:
            (job,) = server.upload({"a.jpg": picture}, review=True)["jobs"]
            assert len(holding(tmp_path, TOKEN)) == 1
            server.kill()
            time.sleep(6)
            assert len(holding(tmp_path, TOKEN)) == 1  # nobody was there to delete it
            server.start()
            wait_for(lambda: not server.job(job["id"])["has_original"])
            assert holding(tmp_path, TOKEN) == []

    def test_after_an_upload_that_a_kill_cut_off(self, tmp_path: Path, picture: bytes) -> None:
        with running(tmp_path / "jobs") as server:
            body = b"--x\r\n" + (
                b'Content-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n' + picture
            )

            def half() -> object:
                yield body
                wait_for(lambda: _open_bytes(server) > len(picture) // 2)
                assert holding(tmp_path, TOKEN) == []  # there, but under no name
                server.kill()
                yield b"more"

            with pytest.raises(httpx.TransportError):
                server.api.post(
                    "/api/jobs",
                    content=half(),  # type: ignore[arg-type]
                    headers={"content-type": "multipart/form-data; boundary=x"},
                )
            assert holding(tmp_path, TOKEN) == []

    @pytest.mark.long
    def test_after_a_kill_while_accepting(self, tmp_path: Path, picture: bytes) -> None:
        folder = tmp_path / "jobs"
        with running(folder) as server:
            server.kill()
            half = folder / "staging" / "half-made-job-0000"
            half.mkdir()
            (half / "original").write_bytes(picture)
            broken = folder / "jobs" / "broken-job-00000000"
            broken.mkdir()
            (broken / "original").write_bytes(picture)
            (broken / "job.json").write_text("")
            server.start()
            wait_for(lambda: not holding(tmp_path, TOKEN))
            assert server.jobs() == []


def _open_bytes(server: Server) -> int:
    """Bytes in files without a name that the server holds open."""
    total = 0
    for handle in Path(f"/proc/{server.process.pid}/fd").iterdir():
        try:
            if "(deleted)" in str(handle.readlink()) and "/staging/" in str(handle.readlink()):
                total += handle.stat().st_size
        except OSError:
            continue
    return total


@pytest.mark.long
def test_ctrl_c_while_the_workers_are_still_starting_ends_quietly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "faceveil", "serve", "--jobs", "2"]
    command += ["--port", str(free_port()), "--folder", str(tmp_path / "jobs")]
    done = interrupted(command, "http://", tmp_path)
    assert done.returncode == 130
    assert done.stdout.splitlines()[1:] == ["faceveil: interrupted"]


def test_an_open_page_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with (
        running(tmp_path / "jobs") as server,
        server.api.stream("GET", "/api/events", timeout=30) as events,
    ):
        started = time.monotonic()
        server.process.send_signal(signal.SIGINT)
        assert list(events.iter_lines()) == []  # it ends, and is not cut off
        _, said = server.process.communicate(timeout=30)
        assert time.monotonic() - started < 10
    assert said == "faceveil: interrupted\n"


def test_a_worker_that_cannot_start_is_tried_less_and_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock of the test's own: how long a process takes to end is not its subject."""
    now, started = 0.0, list[float]()

    def start(settings: str) -> subprocess.Popen[str]:
        started.append(now)
        process = subprocess.Popen(["false"], stdin=subprocess.PIPE, text=True)
        process.wait()
        return process

    monkeypatch.setattr(serve, "_start", start)
    monkeypatch.setattr(time, "monotonic", lambda: now)
    place = serve._Place("{}")
    while now < 40:
        place.tend()
        now += 0.125
    pauses = [later - earlier for earlier, later in pairwise(started)]
    assert place.process is not None
    serve._close(place.process)
    # It is seen to have died an eighth of a second after it was started.
    assert [pause - 0.125 for pause in pauses] == [0.5, 1, 2, 4, 8, 10, 10]
