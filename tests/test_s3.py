"""A store that speaks S3, on this machine: moto's server, reached through s3fs.

Neither is in an extra: both need a python-dateutil older than the one in constraints.txt. To run
this: pip install s3fs 'moto[s3]' flask flask-cors
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceveil.check import check_file
from faceveil.options import Options
from servers import free_port, wait_for, zipped

pytestmark = pytest.mark.filterwarnings("ignore")  # botocore's own
KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Store:
    """The server, and a bucket in it.

    Attributes:
        client: boto3's.
    """

    def __init__(self) -> None:
        port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.keys = KEYS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        boto3: Any = import_module("boto3")
        self.client = boto3.client(
            "s3",
            endpoint_url=self.keys["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        wait_for(self._begun)

    def _begun(self) -> bool:
        try:
            self.client.create_bucket(Bucket="bucket")
        except Exception:
            return False
        return True

    def put(self, data: bytes, *names: str) -> None:
        for name in names:
            self.client.put_object(Bucket="bucket", Key=name, Body=data)

    def get(self, name: str) -> bytes:
        return bytes(self.client.get_object(Bucket="bucket", Key=name)["Body"].read())

    def names(self, below: str) -> list[str]:
        found = self.client.list_objects_v2(Bucket="bucket", Prefix=below).get("Contents", ())
        return sorted(one["Key"].removeprefix(below) for one in found)

    def start(self, *arguments: str, **keys: str) -> subprocess.Popen[str]:
        """``faceveil veil`` as a user types it."""
        return subprocess.Popen(
            [sys.executable, "-m", "faceveil", "veil", *arguments, "--min-face", "40"],
            env=os.environ | self.keys | {"NO_COLOR": "1"} | keys,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def veil(self, *arguments: str, **keys: str) -> tuple[int, str]:
        """Its exit code, and all that it says."""
        with self.start(*arguments, **keys) as process:
            printed, errors = process.communicate(timeout=120)
        return process.returncode, printed + errors


@pytest.fixture(scope="module")
def _store() -> Iterator[Store]:
    for name in ("s3fs", "moto.server", "boto3"):
        pytest.importorskip(name, reason=f"{name.partition('.')[0]} is not installed")
    store = Store()
    yield store
    store.process.terminate()
    store.process.wait(20)


@pytest.fixture
def store(_store: Store) -> Store:
    for name in _store.names(""):
        _store.client.delete_object(Bucket="bucket", Key=name)
    return _store


def test_a_bucket_is_veiled_into_another_place_and_taken_up(
    store: Store, photo: Path, tmp_path: Path, detector: str
) -> None:
    store.put(photo.read_bytes(), "in/a.jpg", "in/deep/b c.jpg")
    store.put(b"no picture", "in/broken.jpg")
    store.put(zipped({"a.jpg": photo.read_bytes()}), "in/c.zip")
    arguments = "s3://bucket/in", "-o", "s3://bucket/out", "--manifest", "s3://bucket/done.jsonl"
    code, said = store.veil(*arguments)
    assert code == 1
    assert "faces covered: 2" in said
    assert "c.zip: an archive at a URL is not opened" in said
    assert store.names("out/") == ["a.veiled.jpg", "deep/b c.veiled.jpg"]
    for number, name in enumerate(store.names("out/")):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(store.get(f"out/{name}"))
        assert check_file(path, Options(min_face=40)) == []
    lines = [json.loads(line) for line in store.get("done.jsonl").splitlines()]
    assert {line["input"]: line["status"] for line in lines} == {
        "a.jpg": "ok",
        "deep/b c.jpg": "ok",
        "broken.jpg": "failed",
        "c.zip": "failed",
    }
    store.put(photo.read_bytes() + b" ", "in/a.jpg")
    code, said = store.veil(*arguments, "--resume")
    assert "done earlier: 1," in said


def test_outputs_beside_their_inputs_are_found_again(
    store: Store, photo: Path, detector: str
) -> None:
    """Written by other processes, after this one had listed the folder."""
    names = [f"in/{number}.jpg" for number in range(4)]
    store.put(photo.read_bytes(), *names)
    arguments = "s3://bucket/in", "--manifest", "s3://bucket/done.jsonl", "--jobs", "2"
    assert store.veil(*arguments)[0] == 0
    for line in map(json.loads, store.get("done.jsonl").splitlines()):
        assert line["output_size"] == len(store.get(f"in/{line['output']}"))
    assert "done earlier: 4," in store.veil(*arguments, "--resume")[1]
    assert len(store.names("in/")) == 8


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_ended_leaves_whole_outputs(
    store: Store, photo: Path, tmp_path: Path, detector: str, how: signal.Signals
) -> None:
    store.put(photo.read_bytes(), *(f"in/{number}.jpg" for number in range(10)))
    arguments = "s3://bucket/in", "-o", "s3://bucket/out", "--manifest", "s3://bucket/done.jsonl"
    scratch = tmp_path / "scratch"  # what cannot be cleared away any more
    scratch.mkdir()
    with store.start(*arguments, "--jobs", "2", TMPDIR=str(scratch)) as process:
        assert process.stdout is not None
        assert "covered" in process.stdout.readline()
        process.send_signal(how)
        process.communicate(timeout=60)
    done = store.names("out/")
    assert 0 < len(done) < 10
    for name in done:
        data = np.frombuffer(store.get(f"out/{name}"), np.uint8)
        assert data[-2:].tobytes() == b"\xff\xd9"
        assert cv2.imdecode(data, cv2.IMREAD_COLOR) is not None
    code, said = store.veil(*arguments, "--resume")
    assert code == 0
    assert ("done earlier: 0," in said) == (how == signal.SIGKILL)
    assert len(store.names("out/")) == 10


def test_what_the_store_refuses_is_told(store: Store, photo: Path, detector: str) -> None:
    store.put(photo.read_bytes(), "in/a.jpg")
    code, said = store.veil("s3://bucket/in", "-o", "s3://misspelt/out")
    assert code == 1
    assert "cannot be delivered: The specified bucket does not exist" in said
    buckets = store.client.list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == ["bucket"]
    nobody = f"http://127.0.0.1:{free_port()}"
    code, said = store.veil("s3://bucket/in", "-o", "s3://bucket/out", AWS_ENDPOINT_URL=nobody)
    assert code == 2
    assert "s3://bucket/in cannot be read: Could not connect" in said


def test_a_cluster_reads_and_writes_a_bucket(store: Store, photo: Path, detector: str) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (extra scale)")
    store.put(photo.read_bytes(), "in/a.jpg", "in/b.jpg")
    code, said = store.veil(
        *("s3://bucket/in", "-o", "s3://bucket/out", "--manifest", "s3://bucket/done.jsonl"),
        *("--ray-address", "local", "--jobs", "2"),
    )
    assert code == 0, said
    assert store.names("out/") == ["a.veiled.jpg", "b.veiled.jpg"]
    assert len(store.get("done.jsonl").splitlines()) == 2
