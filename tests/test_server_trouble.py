"""The service keeps its word while what it stands on fails, and goes on by itself afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from servers import Server, free_port, health, holding, running, wait_for

TOKEN = b"0rig1nalBytes-0rig1nalBytes"
"""Behind the end of an original's picture: in no output, and in nothing that may stay."""

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("detector")]


@pytest.fixture
def picture(photo: Path) -> bytes:
    return photo.read_bytes() + TOKEN


def is_well(server: Server) -> bool:
    return health(server).status_code == 200


def ill(server: Server) -> str | None:
    answer = health(server)
    if answer.status_code == 200:
        return None
    assert (answer.status_code, answer.json()["type"]) == (503, "failing")
    return str(answer.json()["detail"])


class Redis:
    """A Redis that may come and go."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.address = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=self._folder)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here")
    redis = Redis(tmp_path)
    yield redis
    redis.stop()


@pytest.mark.long
def test_redis_comes_and_goes(tmp_path: Path, own_redis: Redis, picture: bytes) -> None:
    arguments = ("--queue", own_redis.address, "--keep-original-minutes", "0.2")
    with running(tmp_path / "jobs", *arguments) as server:
        wait_for(lambda: is_well(server))
        (before,) = server.upload({"a.jpg": picture}, review=True)["jobs"]
        assert server.wait(before["id"], "review")["state"] == "review"
        own_redis.stop()
        assert "queue" in wait_for(lambda: ill(server))
        # What is sent meanwhile is taken, and waits.
        (meanwhile,) = server.upload({"b.jpg": picture})["jobs"]
        assert server.job(meanwhile["id"])["state"] == "queued"
        # Originals go on time.
        assert server.wait(before["id"])["problem"]["type"] == "expired"
        assert len(holding(tmp_path / "jobs", TOKEN)) == 1
        wait_for(lambda: not holding(tmp_path / "jobs", TOKEN))
        (late,) = server.upload({"c.jpg": picture})["jobs"]
        own_redis.start()
        assert server.wait(late["id"])["state"] == "done"
        wait_for(lambda: is_well(server))
        said = server.stop()
    assert "Traceback" not in said
    assert len(said.splitlines()) < 10


@pytest.mark.long
@pytest.mark.parametrize(
    "how",
    [
        "overwritten",
        pytest.param("emptied", marks=pytest.mark.long),
        pytest.param("removed", marks=pytest.mark.long),
    ],
)
def test_the_queue_file_is_broken(tmp_path: Path, picture: bytes, how: str) -> None:
    folder = tmp_path / "jobs"
    with running(folder) as server:
        (first,) = server.upload({"a.jpg": picture})["jobs"]
        assert server.wait(first["id"])["state"] == "done"
        queue = folder / "queue.sqlite"
        for path in folder.glob("queue.sqlite*"):
            if how == "removed":
                path.unlink()
            elif path == queue:
                path.write_bytes(os.urandom(20_000) if how == "overwritten" else b"")
        accepted = server.upload({"b.jpg": picture, "c.jpg": picture})["jobs"]
        assert [server.wait(job["id"])["state"] for job in accepted] == ["done", "done"]
        wait_for(lambda: is_well(server))
        server.api.delete(f"/api/jobs/{first['id']}")
        assert "Traceback" not in server.stop()


@pytest.mark.long
def test_what_a_careless_hand_removes(tmp_path: Path, picture: bytes) -> None:
    folder = tmp_path / "jobs"
    with running(folder, "--keep-original-minutes", "0.15") as server:
        (first,) = server.upload({"a.jpg": picture})["jobs"]
        assert server.wait(first["id"])["state"] == "done"
        (folder / "changes").unlink()
        for name in ("staging", "trash"):
            (folder / name).rmdir()
        (folder / "jobs" / ".DS_Store").write_bytes(b"x")
        (folder / "jobs" / first["id"] / ".DS_Store").write_bytes(b"x")
        wait_for(lambda: (folder / "staging").exists() and (folder / "trash").exists())
        (second,) = server.upload({"b.jpg": picture})["jobs"]
        assert server.wait(second["id"])["state"] == "done"
        wait_for(lambda: not holding(folder, TOKEN))
        assert is_well(server)
        server.kill()
        server.start()
        assert {job["id"] for job in server.jobs()} == {first["id"], second["id"]}
        assert server.stop() == ""


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A disk of its own at a folder."""
    folder.mkdir()
    options = f"size={megabytes}m,mode=700"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)


@pytest.mark.long
def test_a_full_disk(tmp_path: Path, picture: bytes) -> None:
    """Uploads are refused in words, originals go on time, and then there is room again."""
    with (
        small_disk(tmp_path / "disk", 12),
        running(tmp_path / "disk" / "jobs", "--keep-original-minutes", "0.2") as server,
    ):
        (first,) = server.upload({"a.jpg": picture}, review=True)["jobs"]
        server.wait(first["id"], "review")
        filler = tmp_path / "disk" / "filler"
        fill(filler)
        for _ in range(3):
            answer = server.post_files({"b.jpg": picture * 20})
            assert (answer.status_code, answer.json()["type"]) == (507, "disk-full")
            answer = server.api.post("/api/veil", content=picture * 20)
            assert (answer.status_code, answer.json()["type"]) == (507, "disk-full")
        wait_for(lambda: not holding(server.folder, TOKEN), 30)
        assert [path.name for path in (server.folder / "jobs").iterdir()] == [first["id"]]
        assert list((server.folder / "staging").iterdir()) == []
        filler.unlink()
        (later,) = server.upload({"c.jpg": picture})["jobs"]
        assert server.wait(later["id"])["state"] == "done"
        wait_for(lambda: is_well(server))
        assert "Traceback" not in server.stop()
