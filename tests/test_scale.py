"""Many machines: a cluster of two on this one, one of which goes in the middle."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil
import pytest

import faulty
import papers
from faceveil.batch import Manifest, Processes, Serial, find_files, ray, veil_files
from faceveil.batch.apart import LostError
from faceveil.batch.find import is_unfinished
from faceveil.batch.ray import _ANSWER_SECONDS, Cluster, _hushed, _require_answer
from faceveil.errors import FaceVeilError, UsageError
from faceveil.frames import Image
from faceveil.options import Options
from faceveil.report import Report
from faceveil.system import beats
from test_batch import double, put, written
from test_papers import face, is_grey

__all__ = ["face"]

QUICK = Options(min_face=40)
PAGE = Path(__file__).parent.parent / "docs" / "scale.md"
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray's own are many


def stuck(what: int) -> int:
    beats.patient(1)
    return faulty.act(what)


@pytest.fixture
def two_nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cluster of two nodes, each with one core."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    utils = pytest.importorskip("ray.cluster_utils", reason="Ray is not installed (extra scale)")
    here = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}
    cluster = utils.Cluster(initialize_head=True, head_node_args=here)
    try:
        yield cluster
    finally:
        cluster.shutdown()


@pytest.fixture
def local() -> Iterator[Cluster]:
    pytest.importorskip("ray", reason="Ray is not installed (extra scale)")
    with Cluster("local", 2) as cluster:
        yield cluster


@pytest.mark.long
def test_a_node_that_goes_costs_nothing(
    two_nodes: Any, tmp_path: Path, photo: Path, detector: str
) -> None:
    node = two_nodes.add_node(num_cpus=1, object_store_memory=100_000_000)
    put(photo, *(tmp_path / f"in/{number}.jpg" for number in range(16)))
    jobs, out = find_files([tmp_path / "in"], QUICK), tmp_path / "out"
    outcomes: dict[str, Any] = {}
    with Cluster(two_nodes.address) as cluster:
        assert cluster.workers == 2
        for one in veil_files(jobs, out, QUICK, cluster):
            assert one.job.name not in outcomes
            outcomes[one.job.name] = one.outcome
            if len(outcomes) == 4:
                two_nodes.remove_node(node, allow_graceful=False)
    assert len(outcomes) == 16
    assert all(isinstance(outcome, Report) for outcome in outcomes.values())
    list(veil_files(jobs, tmp_path / "calm", QUICK, Serial()))
    # What the node was writing when it went may still lie there, hidden and without a name.
    finished = {name: data for name, data in written(out).items() if not is_unfinished(name)}
    assert finished == written(tmp_path / "calm")


@pytest.mark.long
def test_local_is_one_of_its_own_beside_another(
    two_nodes: Any, face: Image, photo: Path, tmp_path: Path, detector: str
) -> None:
    """Documents of every form go through it, too."""
    folder = tmp_path / "in"
    put(photo, folder / "photo.jpg")
    for form in papers.FORMS:
        papers.paper(form, [face], folder / f"{form}.{form}")
    command = [sys.executable, "-m", "faceveil", "veil", "in", "-o", "out/"]
    command += ["--preset", "strict", "--ray-address", "local"]
    environment = os.environ | {"RAY_ADDRESS": two_nodes.address}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/photo.veiled.jpg").exists()
    for form in papers.FORMS:
        data = (tmp_path / f"out/{form}.veiled.{form}").read_bytes()
        assert is_grey(papers.stored(form, data)[0]), form


class Broken(ray.Worker):
    def __init__(self) -> None:
        raise OSError


@pytest.mark.long
def test_a_local_cluster_is_one(
    local: Cluster,
    tmp_path: Path,
    photo: Path,
    face: Image,
    detector: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All that needs a cluster, in one test: beginning it takes longer than using it."""
    # What dies is tried again, and given up in the end.
    cloudpickle: Any = import_module("ray.cloudpickle")
    cloudpickle.register_pickle_by_value(sys.modules[double.__module__])
    jobs = [tmp_path / str(number) for number in range(8)]
    for number, job in enumerate(jobs):
        job.write_text({3: "1", 6: "100"}.get(number, "0"))
    results = dict(local.map(double, jobs))
    assert isinstance(results.pop(jobs[6]), LostError)
    assert [results[job] for job in jobs if job in results] == [2] * 7

    # So is what hangs.
    for module in (stuck.__module__, faulty.__name__):
        cloudpickle.register_pickle_by_value(sys.modules[module])
    ended = dict(local.map(stuck, [faulty.GOOD, faulty.HANG, faulty.GOOD + 1]))
    assert isinstance(ended.pop(faulty.HANG), LostError)
    assert ended == {faulty.GOOD: faulty.GOOD, faulty.GOOD + 1: faulty.GOOD + 1}

    # Nobody else can reach it.
    open_to = set()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            open_to |= {
                connection.laddr.ip
                for connection in process.net_connections("inet")
                if connection.status == psutil.CONN_LISTEN
            }
    assert open_to <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    assert open_to
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"

    # Files come from and go to a store.
    put(photo, tmp_path / "in/deep/a.jpg", tmp_path / "in/b.jpg")
    papers.paper("docx", [face], tmp_path / "in/c.docx")
    source, target = f"file://{tmp_path}/in", f"file://{tmp_path}/out"
    manifest = f"{target}/done.jsonl"
    for expected in (3, 0):
        with Manifest(manifest, QUICK, resume=True) as done:
            files = find_files([Path(source)], QUICK)
            found = list(veil_files(files, Path(target), QUICK, local, manifest=done))
        assert sum(isinstance(one.outcome, Report) for one in found) == expected
        assert len(found) == 3
    names = ["b.veiled.jpg", "c.veiled.docx", "deep/a.veiled.jpg", "done.jsonl"]
    assert list(written(tmp_path / "out")) == names
    lines = (tmp_path / "out/done.jsonl").read_text().splitlines()
    assert {json.loads(line)["input"] for line in lines} == {"b.jpg", "c.docx", "deep/a.jpg"}
    jobs_here = find_files([tmp_path / "in"], QUICK)
    list(veil_files(jobs_here, tmp_path / "calm", QUICK, Serial()))
    (tmp_path / "out/done.jsonl").unlink()
    assert written(tmp_path / "out") == written(tmp_path / "calm")

    # Workers that cannot begin are not tried for ever.
    cloudpickle.register_pickle_by_value(sys.modules[Broken.__module__])
    monkeypatch.setattr(ray, "Worker", Broken)
    with pytest.raises(FaceVeilError, match="no worker can begin"):
        list(local.map(double, jobs[:1]))


@pytest.mark.long
def test_the_example_for_data_sets_runs(
    local: Cluster, tmp_path: Path, photo: Path, astronaut: Image, detector: str
) -> None:
    pytest.importorskip("ray.data", reason="Ray Data is not installed (extra scale)")
    put(photo, *(tmp_path / f"photos/{number}.jpg" for number in range(3)))
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    text = code.replace('"photos/"', repr(str(tmp_path / "photos"))).replace(
        '"veiled/"', repr(str(tmp_path / "veiled"))
    )
    assert text != code
    exec(compile(text, str(PAGE), "exec"), {"__name__": "example"})
    from faceveil.check import check_file

    pictures = sorted((tmp_path / "veiled").rglob("*.jpg"))
    assert len(pictures) == 3
    for path in pictures:
        assert check_file(path, QUICK) == []


def test_without_a_cluster_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))  # where it would look for one
    pytest.importorskip("ray", reason="Ray is not installed (extra scale)")
    with pytest.raises(UsageError, match="no Ray cluster at"):
        Cluster("auto")


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "ray://127.0.0.1:{port}", "[::1]:{port}"])
def test_an_address_at_which_nothing_answers_is_told_at_once(address: str) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (extra scale)")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        wrong = address.format(port=taken.getsockname()[1])
        began = time.monotonic()
        with pytest.raises(UsageError, match="nothing answers at") as caught:
            Cluster(wrong)
    assert time.monotonic() - began < _ANSWER_SECONDS * 2
    assert "ray start --head" in caught.value.advice


def test_an_address_in_the_environment_is_tried_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (extra scale)")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(UsageError, match=f"nothing answers at {address}"):
            Cluster("auto")


def test_of_several_addresses_of_a_name_one_that_answers_will_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Some networks let connections to an address of IPv6 end in nothing."""
    loops = asyncio.SelectorEventLoop
    connected = loops.sock_connect

    async def connect(loop: Any, line: socket.socket, address: Any) -> None:
        if line.family == socket.AF_INET6:
            await asyncio.sleep(600)
        await connected(loop, line, address)

    def look(host: str, port: int, *others: Any, **more: Any) -> list[Any]:
        kind = socket.SOCK_STREAM, socket.IPPROTO_TCP, ""
        return [
            (socket.AF_INET6, *kind, ("::1", port, 0, 0)),
            (socket.AF_INET, *kind, ("127.0.0.1", port)),
        ]

    monkeypatch.setattr(loops, "sock_connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", look)
    with socket.create_server(("127.0.0.1", 0)) as there:
        _require_answer(f"head.example:{there.getsockname()[1]}")


def test_what_ray_writes_by_itself_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    """A wrong address is told in FaceVeil's words, in the user's language."""
    with _hushed():
        os.write(2, b"Failed to connect to GCS")
    os.write(2, b"as before")
    assert capfd.readouterr().err == "as before"


@pytest.mark.parametrize("executor", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_urls_need_no_cluster(executor: Any, tmp_path: Path, photo: Path, detector: str) -> None:
    pytest.importorskip("fsspec", reason="fsspec is not installed (extra scale)")
    put(photo, tmp_path / "in/a.jpg", tmp_path / "in/.hidden.jpg")
    files = find_files([f"file://{tmp_path}/in"], QUICK)
    assert [job.name for job in files] == ["a.jpg"]
    (one,) = veil_files(files, f"file://{tmp_path}/out", QUICK, executor)
    assert isinstance(one.outcome, Report)
    assert list(written(tmp_path / "out")) == ["a.veiled.jpg"]
    with pytest.raises(UsageError, match=r"cannot be (used|read)"):
        find_files(["nosuchscheme://bucket/in"], QUICK)
