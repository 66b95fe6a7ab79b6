"""Other users of the machine, and whoever reads the log, learn nothing of what the service has."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from servers import Server, holding, running

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]
TOKEN = b"0rig1nalBytes-0rig1nalBytes"
SECRET = "s3cret-name"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("detector"),
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("setpriv") is None,
        reason="needs to be root, and setpriv, to be somebody else",
    ),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A service in a folder that everybody may look at."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        with running(Path(place) / "jobs", workers=1) as server:
            yield server


@pytest.fixture
def jobs(server: Server, photo: Path) -> list[str]:
    """One job that is done, one that waits for a look."""
    picture = photo.read_bytes() + TOKEN
    (done,) = server.upload({f"{SECRET}.jpg": picture})["jobs"]
    (looked,) = server.upload({f"{SECRET}2.jpg": picture}, review=True)["jobs"]
    assert server.wait(done["id"])["state"] == "done"
    assert server.wait(looked["id"], "review")["state"] == "review"
    return [done["id"], looked["id"]]


def as_nobody(*command: str) -> str:
    done = subprocess.run([*NOBODY, *command], capture_output=True, text=True, timeout=30)
    return done.stdout


def test_nothing_of_the_folder_can_be_read(server: Server, jobs: list[str]) -> None:
    assert holding(server.folder, TOKEN)  # by its owner
    place = server.folder.parent
    assert as_nobody("find", str(place), "-mindepth", "1").split() == [str(server.folder)]
    for path in server.folder.rglob("*"):
        assert as_nobody("head", "-c", "1", str(path)) == ""
        assert as_nobody("ls", str(path)) == ""


def test_the_token_is_in_no_list_of_processes(server: Server, jobs: list[str]) -> None:
    for process in (psutil.Process(server.process.pid), *server.workers()):
        at = Path(f"/proc/{process.pid}")
        assert server.token not in as_nobody("cat", str(at / "cmdline"))
        for name in ("environ", "maps", "fd/0"):
            assert as_nobody("cat", str(at / name)) == ""


def test_no_request_is_answered(server: Server, jobs: list[str]) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    address = f"http://127.0.0.1:{server.port}"
    asked = 0
    for path, methods in server.api.get("/openapi.json").json()["paths"].items():
        for method in methods:
            filled = re.sub(r"\{(batch|job)\}", jobs[0], path)
            filled = re.sub(r"\{\w+\}", "0", filled)
            said = as_nobody(
                *("curl", "-s", "-X", method.upper(), "-m", "10", "-w", "\n%{http_code}"),
                *("-H", "Accept: */*", f"{address}{filled}"),
            )
            body, _, status = said.rpartition("\n")
            asked += 1
            if path == "/healthz":
                assert json.loads(body).keys() == {"status", "version", "waiting", "working"}
            else:
                assert (status, json.loads(body)["type"]) == ("401", "no-token"), path
            assert SECRET not in said
            assert not any(job in said for job in jobs)
    assert asked > 20
    for path in ("/", "/docs", "/static/js/main.js", "/?token=", "/api/live"):
        assert (
            as_nobody("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", address + path)
            == "401"
        )
    assert {job["id"] for job in server.jobs()} >= set(jobs)


def test_no_log_and_no_figure_names_a_file(tmp_path: Path, photo: Path) -> None:
    """Nor does what a name says to a terminal get to one."""
    hostile = f"{SECRET}\x1b]0;owned\x07\x1b[2J\u202e.jpg"
    with running(tmp_path / "jobs", workers=1) as server:
        picture = photo.read_bytes()
        for content in (picture, picture[:1000], b"\xff\xd8\xff\x1b[2J", b"no picture"):
            for job in server.upload({hostile: content})["jobs"]:
                ended = server.wait(job["id"])
                assert "\x1b" not in json.dumps(ended, ensure_ascii=False)
        job = server.jobs()[0]["id"]
        place = server.folder / "jobs" / job
        (place / "plan.json").write_text("{")
        assert server.api.get(f"/api/jobs/{job}/tracks/0/thumbnail").status_code == 409
        # A fault in the middle of things, with a path in its message.
        (place / "plan.json").unlink()
        (place / "plan.json").mkdir()
        for _ in range(3):
            answer = server.api.get(f"/api/jobs/{job}/plan")
            assert (answer.status_code, answer.json()["type"]) == (500, "fault")
        figures = server.api.get("/metrics").text
        said = server.stop()
    assert "IsADirectoryError" in said
    for text in (figures, said):
        assert SECRET not in text
        assert "\x1b" not in text
        assert job not in text
        assert "Traceback" not in text
        assert str(tmp_path) not in text
