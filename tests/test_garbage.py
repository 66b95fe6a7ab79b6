"""Garbage of any kind is refused in words, and is never a fault of FaceVeil."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from pydantic import ValidationError

from faceveil.dataset import read_labels
from faceveil.dataset.annotation import read_found
from faceveil.errors import FaceVeilError, UsageError
from faceveil.geometry import Box
from faceveil.options.groups import DECISIVE
from faceveil.plan import Face, Media, Plan, Track
from lively import patient
from servers import Server, running, zipped
from test_server_safety import client, png, refused
from tiers import daily

pytestmark = pytest.mark.slow

DEEP = "[" * 200_000
ODD: tuple[Any, ...] = (
    *(None, True, 10**30, -(10**30), 10**400, 1e308, float("nan"), float("inf"), -1, 0, 1.5),
    *("", "x" * 10_000, "\x1b[2J", [], {}, [[]], [10**30, "x"]),
)
PLAN = Plan(
    Media("image", "jpeg", 64, 48),
    (Track(0, {0: Box(1, 2, 3, 4)}, {0: Face(Box(1, 2, 3, 4), 0.9)}),),
)


def replaced(whole: Any, value: object) -> Iterator[Any]:
    """The same with one of its parts replaced, for each part."""
    items = whole.items() if isinstance(whole, dict) else enumerate(whole)
    for key, part in list(items):
        copy = whole.copy()
        copy[key] = value
        yield copy
        if isinstance(part, dict | list):
            for inner in replaced(part, value):
                copy = whole.copy()
                copy[key] = inner
                yield copy


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: str(odd)[:8])
class TestLabels:
    def paint(self, path: Path) -> None:
        with suppress(FaceVeilError):
            marked = read_labels(path).of("photo.jpg")
            marked.plan(Media("image", "jpeg", 64, 48), Fraction(1, 1000), (0,))

    def test_coco(self, tmp_path: Path, odd: object) -> None:
        picture = {"id": 1, "file_name": "photo.jpg", "width": 64, "height": 48}
        note = {"image_id": 1, "bbox": [1, 2, 3, 4], "track_id": 1}
        for data in replaced({"images": [picture], "annotations": [note]}, odd):
            (tmp_path / "a.json").write_text(json.dumps(data))
            self.paint(tmp_path / "a.json")

    def test_csv(self, tmp_path: Path, odd: object) -> None:
        header = ["file", "x0", "y0", "x1", "y1", "frame", "track", "width", "height"]
        row: list[Any] = ["photo.jpg", 1, 2, 3, 4, 0, 0, 64, 48]
        for fields in replaced(row, odd):
            lines = [header, ["" if field is None else str(field) for field in fields]]
            (tmp_path / "a.csv").write_text("\n".join(map(",".join, lines)))
            self.paint(tmp_path / "a.csv")

    def test_yolo(self, tmp_path: Path, odd: object) -> None:
        for fields in replaced([0, 0.5, 0.5, 0.1, 0.1, 1], odd):
            (tmp_path / "photo.txt").write_text(" ".join(map(str, fields)))
            self.paint(tmp_path / "photo.txt")

    def test_plan(self, odd: object) -> None:
        """Anything that is no plan is refused; the numbers of a plan can be computed with."""
        for data in replaced(json.loads(PLAN.to_json()), odd):
            try:
                plan = Plan.from_json(json.dumps(data))
            except ValidationError:
                continue
            assert all(track.id <= 10**8 for track in plan.tracks)
            assert all(box.area <= 1e13 for track in plan.tracks for box in track.boxes.values())


def test_lists_in_lists_without_end(tmp_path: Path) -> None:
    for text in (DEEP, '{"images": ' + DEEP):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(UsageError, match="without end"):
            read_labels(tmp_path / "a.json")
        with pytest.raises(UsageError, match="neither a plan nor a report"):
            read_found(tmp_path / "a.json")
        with pytest.raises(ValidationError):
            Plan.from_json(text)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with client(tmp_path_factory.mktemp("garbage"), known=True) as api:
        yield api


class TestRequests:
    @pytest.mark.parametrize("name", daily(DECISIVE, every=4))
    def test_options(self, api: Any, name: str) -> None:
        for odd in ODD:
            files = {"files": ("a.png", png(8, 8))}
            answer = api.post("/api/jobs", files=files, data={"options": json.dumps({name: odd})})
            assert answer.status_code in (202, 422), f"{odd}: {answer.text}"
            for job in answer.json().get("jobs", []):
                assert api.get(f"/api/jobs/{job['id']}/frames/0").status_code == 200
                assert api.delete(f"/api/jobs/{job['id']}").status_code == 204

    @pytest.mark.parametrize(
        "text", [DEEP, '{"preset": ' + DEEP, "\0", '{"quality": ' + "9" * 5000]
    )
    def test_what_is_no_object(self, api: Any, text: str) -> None:
        files = {"files": ("a.png", png(8, 8))}
        refused(api.post("/api/jobs", files=files, data={"options": text}), 422, "usage")
        answer = api.post("/api/veil", content=png(8, 8), params={"options": text[:8000]})
        refused(answer, 422, "usage")
        job = "/api/jobs/aaaaaaaaaaaaaaaaaaaa"
        for method, path in (("post", f"{job}/render"), ("put", f"{job}/plan")):
            given = {"content": text, "headers": {"content-type": "application/json"}}
            assert getattr(api, method)(path, **given).status_code in (400, 404, 422)

    @pytest.mark.parametrize(
        "kind", ["", "; boundary=", "; boundary=" + "x" * 5000, "; charset=\0; boundary=x"]
    )
    def test_forms(self, api: Any, kind: str) -> None:
        head = b"--x\r\nContent-Disposition: form-data; "
        for body in (
            b"",
            b"--x",
            b"--x\r\n\r\n--x--",
            head + b'filename="a"\r\n\r\nq\r\n--x--',
            head + b"name*=utf-8''%ff; filename*=zlib''%ff\r\n\r\nq\r\n--x--",
            b"--x\r\n" + b"A: b\r\n" * 100_000,
        ):
            headers = {"content-type": f"multipart/form-data{kind}"}
            answer = api.post("/api/jobs", content=body, headers=headers)
            assert answer.status_code in (400, 413, 415, 422), answer.text

    def test_a_plan_of_enormous_numbers(self, tmp_path: Path, api: Any) -> None:
        (job,) = api.post("/api/jobs", files={"files": ("a.png", png(8, 8))}).json()["jobs"]
        track = {"id": 10**30, "boxes": {"0": {"x0": 1, "y0": 1, "x1": 3, "y1": 3}}}
        plan = json.loads(PLAN.to_json()) | {"tracks": [track]}
        refused(api.put(f"/api/jobs/{job['id']}/plan", json=plan), 422, "usage")
        api.delete(f"/api/jobs/{job['id']}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("large") / "jobs") as server:
        yield server


@pytest.mark.long
@patient
def test_an_archive_of_70_000_keeps_nobody_waiting(server: Server) -> None:
    large = zipped({f"album/{number:06}.jpg": b"" for number in range(70_000)})
    waits, over = [], threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=server.api.base_url) as stranger:
            while not over.is_set():
                since = time.monotonic()
                assert stranger.get("/healthz").status_code == 200
                waits.append(time.monotonic() - since)
                time.sleep(0.01)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        since = time.monotonic()
        for _ in range(3):
            accepted = server.upload({"a.zip": large})
            assert [one["problem"]["type"] for one in accepted["refused"]] == ["limit"]
        took = time.monotonic() - since
    finally:
        over.set()
        asking.join()
    print(f"each {took / 3:.2f} s, /healthz at worst {max(waits):.3f} s")
    assert max(waits) < 1.0
