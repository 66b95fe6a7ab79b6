"""The service as its clients use it: upload, follow, correct, download."""

from __future__ import annotations

import email
import hashlib
import io
import json
import shutil
import statistics
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import av
import cv2
import httpx2 as httpx
import numpy as np
import pytest

from faceveil.frames import Image
from faceveil.geometry import Box
from films import film, head, inside, lumas, put, scenery
from lively import patient
from servers import ENDED, Server, running, wait_for, zipped

FACE = Box(180.0, 68.0, 270.0, 184.0)
"""Forehead to chin of the astronaut."""

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("detector")]


@pytest.fixture(scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("flow") / "jobs", workers=2) as server:
        yield server


@pytest.fixture
def server(_server: Server) -> Iterator[Server]:
    """A running server without jobs."""
    yield _server
    for job in _server.jobs():
        _server.api.delete(f"/api/jobs/{job['id']}")


@pytest.fixture
def picture(photo: Path) -> bytes:
    return photo.read_bytes()


def decoded(data: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def differs(before: Image, after: Image, box: Box) -> float:
    """Mean difference inside a box, 0 to 255."""
    x0, y0, x1, y1 = map(int, box.as_tuple())
    return float(np.abs(before[y0:y1, x0:x1].astype(int) - after[y0:y1, x0:x1]).mean())


def events(stream: httpx.Response) -> Iterator[tuple[str, Any]]:
    """Name and data of each event of a stream."""
    name = ""
    for line in stream.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


class TestPhoto:
    def test_from_upload_to_result(self, server: Server, picture: bytes) -> None:
        accepted = server.upload({"Ferien/Größe 1.jpg": picture}, options={"preset": "strict"})
        assert accepted["refused"] == []
        (job,) = accepted["jobs"]
        assert (job["name"], job["batch"]) == ("Ferien/Größe 1.jpg", accepted["batch"])
        with server.api.stream("GET", f"/api/jobs/{job['id']}/events") as stream:
            shown = [data for _, data in events(stream)]
        assert shown[-1]["state"] == "done"
        done = shown[-1]
        assert (done["faces"], done["kept"], done["kind"]) == (1, 0, "image")
        assert (done["width"], done["height"], done["frames"]) == (512, 512, 1)
        assert done["options"] == {"preset": "strict"}
        assert done["progress"] is None
        answer = server.api.get(f"/api/jobs/{job['id']}/result")
        assert answer.headers["content-type"] == "image/jpeg"
        assert (
            "filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.veiled.jpg"
            in answer.headers["content-disposition"]
        )
        assert 'filename="Gr__e 1.veiled.jpg"' in answer.headers["content-disposition"]
        assert differs(decoded(picture), decoded(answer.content), FACE) > 20
        report = server.api.get(f"/api/jobs/{job['id']}/report").json()
        assert (report["status"], report["tracks"], report["method"]) == ("ok", 1, "solid")
        assert (report["input"], report["output"]) == ("Größe 1.jpg", "Größe 1.veiled.jpg")

    def test_what_is_withheld_can_be_mended_and_leaves_nothing(
        self, server: Server, picture: bytes
    ) -> None:
        (job,) = server.upload({"a.jpg": picture}, options={"on_fail": "withhold"})["jobs"]
        place = f"/api/jobs/{job['id']}"
        assert server.wait(job["id"])["state"] == "done"
        plan = server.api.get(f"{place}/plan").json()
        for tracks, state in (([], "withheld"), (plan["tracks"], "done")):
            server.api.put(f"{place}/plan", json=plan | {"tracks": tracks}).raise_for_status()
            server.api.post(f"{place}/render", json={}).raise_for_status()
            assert server.wait(job["id"])["state"] == state
            assert server.api.get(f"{place}/result").is_success == (state == "done")
            folder = server.folder / "jobs" / job["id"]
            assert not any(path.name.startswith(".") for path in folder.iterdir())
        # Unless told to withhold it, the check covers what somebody took for no face.
        server.api.put(f"{place}/plan", json=plan | {"tracks": []}).raise_for_status()
        body = {"options": {"on_fail": "obscure-more"}}
        server.api.post(f"{place}/render", json=body).raise_for_status()
        mended = server.wait(job["id"])
        assert (mended["state"], mended["faces"], mended["added"]) == ("done", 1, 1)
        # What it has added is in the plan, marked; a person who knows better takes it away.
        (found,) = server.api.get(f"{place}/plan").json()["tracks"]
        assert found["origin"] == "checked"
        mine = plan | {"tracks": [found | {"keep": True}]}
        server.api.put(f"{place}/plan", json=mine).raise_for_status()
        server.api.post(f"{place}/render", json={}).raise_for_status()
        bare = server.wait(job["id"])
        assert (bare["state"], bare["faces"], bare["kept"], bare["added"]) == ("done", 0, 1, 0)

    def test_in_one_request(self, server: Server, picture: bytes) -> None:
        raw = server.api.post("/api/veil", content=picture)
        form = server.api.post(
            "/api/veil", files={"file": picture}, params={"options": '{"method": "solid"}'}
        )
        for answer in (raw, form):
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"] == "image/jpeg"
            assert (answer.headers["faceveil-status"], answer.headers["faceveil-faces"]) == (
                "ok",
                "1",
            )
            assert differs(decoded(picture), decoded(answer.content), FACE) > 20
            assert answer.headers["faceveil-warnings"] == "0"
            assert int(answer.headers["content-length"]) == len(answer.content)
        assert server.jobs() == []
        assert list((server.folder / "jobs").iterdir()) == []

    def test_settings_may_be_in_the_form(self, server: Server, picture: bytes) -> None:
        solid = {"options": '{"method": "solid"}'}
        ways: list[dict[str, Any]] = [{"params": solid}, {"data": solid}, {}]
        asked, told, plain = (
            server.api.post("/api/veil", files={"file": picture}, **way) for way in ways
        )
        assert asked.content == told.content != plain.content

    def test_a_form_without_its_end_is_refused(self, server: Server, picture: bytes) -> None:
        """A proxy that breaks off and says a length that fits: the last file would be lost."""
        part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
        kind = {"content-type": "multipart/form-data; boundary=b"}
        cut = part + picture + b"\r\n" + part + picture[:500]
        for body in (cut, part + picture, part + picture + b"\r\n--b"):
            answer = server.api.post("/api/jobs", content=body, headers=kind)
            assert answer.status_code == 400, answer.text
            assert answer.json()["detail"] == "the form cannot be read"
        assert server.jobs() == []
        whole = part + picture + b"\r\n--b--"
        assert server.api.post("/api/jobs", content=whole, headers=kind).status_code == 202

    @pytest.mark.parametrize("path", ["/api/veil", "/api/jobs"])
    def test_what_nobody_would_look_at_is_refused(
        self, server: Server, picture: bytes, path: str
    ) -> None:
        """It would be believed to be obeyed: another preset, a person to hide."""
        field = "file" if path == "/api/veil" else "files"
        whole = {field: ("a.jpg", picture)}
        settings = ("o.json", b'{"preset": "strict"}')
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"files": whole, "params": {"preset": "strict"}}, "no parameter preset"),
            ({"files": whole, "data": {"preset": "strict"}}, "no field preset"),
            ({"files": whole | {"hiden": ("b.jpg", picture)}}, "no field hiden"),
            ({"files": whole | {"options": settings}}, "options: a text is wanted"),
            ({"files": whole, "data": {"keep": "me.jpg"}}, "keep: a file is wanted"),
            ({"files": whole, "data": {"options": ["{}", "{}"]}}, "options is given twice"),
        ]
        if path == "/api/veil":
            both = {"params": {"options": "{}"}, "data": {"options": "{}"}}
            wrong += [
                ({"files": whole, **both}, "options is given twice"),
                ({"content": picture, "params": {"preset": "strict"}}, "no parameter preset"),
            ]
        for request, words in wrong:
            answer = server.api.post(path, **request)
            assert answer.status_code == 422, (words, answer.text)
            assert words in answer.json()["detail"]
        assert server.jobs() == []

    @pytest.mark.parametrize("options", ["{}", '{"method": "solid"}'])
    def test_in_one_request_with_its_report(
        self, server: Server, picture: bytes, options: str
    ) -> None:
        answer = server.api.post(
            "/api/veil",
            content=picture,
            params={"options": options},
            headers={"accept": "multipart/form-data"},
        )
        assert answer.status_code == 200, answer.text
        head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
        parts: list[Any] = list(email.message_from_bytes(head + answer.content).walk())[1:]
        names = [part.get_param("name", header="content-disposition") for part in parts]
        assert names == ["report", "file"]
        report, veiled = (part.get_payload(decode=True) for part in parts)
        assert json.loads(report)["method"] == ("solid" if "solid" in options else "blur")
        assert json.loads(report)["sha256_out"] == hashlib.sha256(veiled).hexdigest()
        assert differs(decoded(picture), decoded(veiled), FACE) > 20
        assert list((server.folder / "jobs").iterdir()) == []

    def test_a_browsers_client_reads_it(self, server: Server, photo: Path) -> None:
        if shutil.which("node") is None:
            pytest.skip("no Node.js here")
        code = """
            const [address, token, path] = process.argv.slice(1);
            const body = require("fs").readFileSync(path);
            const headers = { authorization: `Bearer ${token}`, accept: "multipart/form-data" };
            fetch(`${address}/api/veil`, { method: "POST", body, headers })
              .then((answer) => answer.formData())
              .then(async (form) => {
                const report = JSON.parse(await new Response(form.get("report")).text());
                console.log(report.tracks, form.get("file").type, form.get("file").size > 1000);
              });
        """
        address = f"http://127.0.0.1:{server.port}"
        done = subprocess.run(
            ["node", "-e", code, address, server.token, str(photo)], capture_output=True, text=True
        )
        assert done.stdout == "1 image/jpeg true\n", done.stderr

    def test_a_client_that_leaves(self, server: Server, picture: bytes) -> None:
        with pytest.raises(httpx.ReadTimeout):
            server.api.post("/api/veil", content=picture, timeout=0.02)
        wait_for(lambda: not list((server.folder / "jobs").iterdir()))

    def test_review(self, server: Server, picture: bytes) -> None:
        (job,) = server.upload({"a.jpg": picture}, review=True)["jobs"]
        job = server.wait(job["id"], "review")
        assert (job["state"], job["has_plan"], job["has_result"]) == ("review", True, False)
        at = f"/api/jobs/{job['id']}"
        assert server.api.get(f"{at}/result").status_code == 404
        plan = server.api.get(f"{at}/plan").json()
        (track,) = plan["tracks"]
        thumbnail = decoded(server.api.get(f"{at}/tracks/{track['id']}/thumbnail").content)
        assert max(thumbnail.shape[:2]) == 160
        track["keep"] = True
        added = {"x0": 20, "y0": 400, "x1": 80, "y1": 470}
        plan["tracks"].append(
            {
                "id": 7,
                "boxes": {"0": added},
                "seen": {"0": {"box": added, "score": 1, "landmarks": None}},
                "origin": "manual",
                "keep": False,
            }
        )
        answer = server.api.put(f"{at}/plan", json=plan)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["tracks"]) == 2
        answer = server.api.post(f"{at}/render", json={"options": {"preset": "strict"}})
        assert (answer.status_code, answer.json()["state"]) == (202, "queued")
        done = server.wait(job["id"])
        assert (done["state"], done["faces"], done["kept"]) == ("done", 1, 1)
        assert done["options"] == {"preset": "strict"}
        after = decoded(server.api.get(f"{at}/result").content)
        assert differs(decoded(picture), after, FACE) < 5
        assert differs(decoded(picture), after, Box(20, 400, 80, 470)) > 20
        before = decoded(server.api.get(f"{at}/frames/0").content)
        assert differs(before, decoded(picture), FACE) < 5
        small = decoded(server.api.get(f"{at}/frames/0?of=result&width=100").content)
        assert small.shape[:2] == (100, 100)

    @pytest.mark.long
    def test_made_again_with_these_settings_and_no_others(
        self, server: Server, picture: bytes
    ) -> None:
        options = {"preset": "light", "margin_side": 0.4}
        (job,) = server.upload({"a.jpg": picture}, options=options)["jobs"]
        at = f"/api/jobs/{job['id']}"
        assert server.wait(job["id"])["options"] == options
        again = {"options": {"preset": "strict"}, "anew": True}
        assert server.api.post(f"{at}/render", json=again).status_code == 202
        assert server.wait(job["id"])["options"] == {"preset": "strict"}

        plan = server.api.get(f"{at}/plan").json()
        plan["tracks"][0]["keep"] = True
        server.api.put(f"{at}/plan", json=plan).raise_for_status()
        assert server.job(job["id"])["edited"] is True
        server.api.post(f"{at}/render", json={"options": {"min_face": 30}}).raise_for_status()
        done = server.wait(job["id"])
        assert (done["faces"], done["kept"], done["edited"]) == (0, 1, True)
        # Looked for anew, a face is found again, and what a person did is gone as it was said.
        server.api.post(f"{at}/render", json={"scan": True}).raise_for_status()
        done = server.wait(job["id"])
        assert (done["faces"], done["kept"], done["edited"]) == (1, 0, False)
        assert server.api.get(f"{at}/plan").json()["tracks"][0]["keep"] is False

    def test_evidence(
        self, server: Server, picture: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(server.api.headers, "Accept-Language", "zh-TW")
        (job,) = server.upload({"trip/my photo.jpg": picture})["jobs"]
        at = f"/api/jobs/{job['id']}"
        assert server.wait(job["id"])["state"] == "done"
        answer = server.api.get(f"{at}/report.html")
        assert answer.headers["content-type"].startswith("text/html")
        # Saved, never shown at the service's address.
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "my photo.veiled.jpg" in answer.text
        assert "data:image/jpeg;base64," in answer.text
        assert "<script" not in answer.text
        assert '<span lang="zh-Hant">' in answer.text
        assert '<span lang="zh">' not in answer.text
        packed = server.api.get(f"{at}/evidence").content
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        assert sorted(files) == ["SHA256SUMS", "report.html", "report.json"]
        assert files["report.html"] == answer.content
        files["my photo.veiled.jpg"] = server.api.get(f"{at}/result").content
        for line in files.pop("SHA256SUMS").decode().splitlines():
            digest, name = line.split("  ")
            assert hashlib.sha256(files.pop(name)).hexdigest() == digest
        assert files == {}
        # A correction makes all of it anew.
        plan = server.api.get(f"{at}/plan").json()
        plan["tracks"][0]["keep"] = True
        server.api.put(f"{at}/plan", json=plan).raise_for_status()
        server.api.post(f"{at}/render").raise_for_status()
        server.wait(job["id"])
        assert server.api.get(f"{at}/report.html").content != answer.content
        server.api.post(f"{at}/finish").raise_for_status()
        assert server.api.get(f"{at}/evidence").status_code == 200
        server.api.delete(at)
        assert server.api.get(f"{at}/report.html").status_code == 404

    def test_corrected_again_and_again(self, server: Server, picture: bytes) -> None:
        (job,) = server.upload({"a.jpg": picture})["jobs"]
        at = f"/api/jobs/{job['id']}"
        assert server.wait(job["id"])["state"] == "done"
        plan = server.api.get(f"{at}/plan").json()
        plan["tracks"][0]["keep"] = True
        assert server.api.put(f"{at}/plan", json=plan).status_code == 200
        assert server.api.post(f"{at}/render").status_code == 202
        done = server.wait(job["id"])
        assert (done["state"], done["faces"], done["kept"]) == ("done", 0, 1)
        assert differs(decoded(picture), decoded(server.api.get(f"{at}/result").content), FACE) < 5
        finished = server.api.post(f"{at}/finish").json()
        assert (finished["has_original"], finished["has_plan"], finished["has_result"]) == (
            False,
            False,
            True,
        )
        for path, method in (("plan", "GET"), ("frames/0", "GET"), ("original", "GET")):
            assert server.api.request(method, f"{at}/{path}").status_code == 404
        assert server.api.put(f"{at}/plan", json=plan).status_code == 410
        assert server.api.post(f"{at}/render").status_code == 410
        assert server.api.get(f"{at}/result").status_code == 200


class TestMany:
    @pytest.mark.long
    def test_a_zip_of_ten(self, server: Server, picture: bytes) -> None:
        inside_zip = {f"album/{number}.jpg": picture for number in range(10)}
        clutter = {"__MACOSX/album/._0.jpg": b"x", "album/.DS_Store": b"x", "album/read.me": b"hi"}
        accepted = server.upload({"album.zip": zipped(inside_zip | clutter)})
        assert [job["name"] for job in accepted["jobs"]] == list(inside_zip)
        assert [file["name"] for file in accepted["refused"]] == ["album/read.me"]
        assert {job["state"] for job in server.wait_all()} == {"done"}
        answer = server.api.get(f"/api/batches/{accepted['batch']}/result")
        assert answer.headers["content-type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.namelist() == [f"album/{number}.veiled.jpg" for number in range(10)]
            assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            for name in archive.namelist():
                assert differs(decoded(picture), decoded(archive.read(name)), FACE) > 20
        assert server.api.delete(f"/api/batches/{accepted['batch']}").status_code == 204
        assert server.jobs() == []
        assert server.api.get(f"/api/batches/{accepted['batch']}/result").status_code == 404

    def test_names_that_meet(self, server: Server, picture: bytes) -> None:
        accepted = server.upload({"a.zip": zipped({"x.jpg": picture}), "x.jpg": picture})
        server.wait_all()
        answer = server.api.get(f"/api/batches/{accepted['batch']}/result")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.namelist() == ["x.veiled.jpg", "x.veiled-2.jpg"]

    @pytest.mark.long
    def test_all_events(self, server: Server, picture: bytes) -> None:
        (first,) = server.upload({"first.jpg": picture})["jobs"]
        server.wait(first["id"])
        seen: list[tuple[str, Any]] = []
        with server.api.stream("GET", "/api/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            for event in events(stream):
                seen.append(event)
                if len(seen) == 1:
                    (second,) = server.upload({"second.jpg": picture})["jobs"]
                if event[1].get("state") == "done" and event[1]["id"] == second["id"]:
                    server.api.delete(f"/api/jobs/{first['id']}")
                if event[0] == "gone":
                    break
        assert seen[0][0] == "job"
        assert (seen[0][1]["id"], seen[0][1]["state"]) == (first["id"], "done")
        states = [data["state"] for name, data in seen[1:-1] if data["id"] == second["id"]]
        assert states[-1] == "done"
        assert seen[-1] == ("gone", {"id": first["id"]})

    @pytest.mark.long
    @pytest.mark.alone
    @patient
    def test_twenty_at_once_and_the_page_answers(
        self, server: Server, picture: bytes, record_property: Callable[[str, object], None]
    ) -> None:
        for job in server.jobs():
            server.api.delete(f"/api/jobs/{job['id']}")
        waits: list[float] = []
        over = threading.Event()

        def ask() -> None:
            with httpx.Client(base_url=server.api.base_url) as client:
                while not over.is_set():
                    started = time.perf_counter()
                    assert client.get("/healthz").status_code == 200
                    waits.append(time.perf_counter() - started)
                    time.sleep(0.02)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            with ThreadPoolExecutor(20) as pool:
                list(pool.map(lambda n: server.upload({f"{n}.jpg": picture}), range(20)))
            found = server.wait_all()
        finally:
            over.set()
            asking.join()
        assert [job["state"] for job in found] == ["done"] * 20
        waits.sort()
        record_property("median_ms", round(statistics.median(waits) * 1000, 1))
        record_property("worst_ms", round(waits[-1] * 1000, 1))
        print(f"/healthz: median {statistics.median(waits):.4f} s, worst {waits[-1]:.4f} s")
        # 0.2 s is the aim on two cores of one's own; shared ones get slack for the outliers.
        assert waits[int(len(waits) * 0.95)] < 0.2
        assert waits[-1] < 1.0


class TestVideo:
    @pytest.fixture
    def clip(self, tmp_path: Path, astronaut: Image) -> Path:
        """Two seconds: somebody walks to the right, there is sound."""
        actor, _ = head(astronaut, 0.6)
        pictures = [put(scenery(3, (480, 270)), actor, 60 + 3 * n, 80) for n in range(50)]
        return film(tmp_path / "in.mp4", pictures, sound="aac")

    def test_from_upload_to_result(
        self, server: Server, clip: Path, astronaut: Image, tmp_path: Path
    ) -> None:
        _, face = head(astronaut, 0.6)
        (job,) = server.upload({"walk.mp4": clip.read_bytes()}, review="true")["jobs"]
        job = server.wait(job["id"], "review")
        assert (job["kind"], job["state"], job["frames"]) == ("video", "review", 50)
        at = f"/api/jobs/{job['id']}"
        plan = server.api.get(f"{at}/plan").json()
        assert len(plan["pts"]) == 50
        self.follow(server, at, face)
        box = {"x0": 380, "y0": 20, "x1": 420, "y1": 70}
        drawn = {"box": box, "score": 1, "landmarks": None}
        plan["tracks"].append(
            {
                "id": 99,
                "boxes": {str(n): box for n in range(10, 21)},
                "seen": {"10": drawn, "20": drawn},
                "origin": "manual",
            }
        )
        assert server.api.put(f"{at}/plan", json=plan).status_code == 200
        assert server.api.post(f"{at}/render").status_code == 202
        done = server.wait(job["id"])
        assert done["state"] == "done", done
        assert done["filled"] >= 9
        assert done["longest_fill"] < 2  # what a person drew does not count
        assert (done["added"], done["doubts"]) == (0, 0)
        result = tmp_path / "out.mp4"
        result.write_bytes(server.api.get(f"{at}/result").content)
        before, after = lumas(clip), lumas(result)
        assert len(after) == 50
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            there = face.transformed(1.0, 60 + 3 * index, 80)
            assert np.abs(inside(old, there) - inside(new, there)).mean() > 10
            change = np.abs(inside(old, Box(385, 25, 415, 65)) - inside(new, Box(385, 25, 415, 65)))
            assert (change.mean() > 1.5) == (10 <= index <= 20), index
        with av.open(str(result)) as file:
            assert len(file.streams.audio) == 1
        for index in (0, 17, 49):
            shown = decoded(server.api.get(f"{at}/frames/{index}").content)
            grey = cv2.cvtColor(shown, cv2.COLOR_BGR2GRAY).astype(int)
            there = face.transformed(1.0, 60 + 3 * index, 80)
            errors = [
                float(np.abs(inside(grey, there) - inside(_full(luma), there)).mean())
                for luma in before
            ]
            assert int(np.argmin(errors)) == index
        assert server.api.get(f"{at}/frames/50").status_code == 404

    def follow(self, server: Server, at: str, face: Box) -> None:
        """A box that was drawn in one frame goes along with the face, in both directions."""
        there = face.transformed(1.0, 60 + 3 * 25, 80)
        wanted = {"frame": 25, "box": asdict(there), "first": 5}
        boxes, ends = dict[int, Box](), {}
        with server.api.stream("POST", f"{at}/follow", json=wanted) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/jsonl"
            for line in answer.iter_lines():
                part = json.loads(line)
                assert part["problem"] is None, part
                boxes |= {int(index): Box(**box) for index, box in part["boxes"].items()}
                if part["ended"]:
                    ends[part["way"]] = (part["ended"], part["at"])
        assert ends == {"later": ("film", 49), "earlier": ("asked", 5)}
        assert sorted(boxes) == [*range(5, 25), *range(26, 50)]
        for index, box in boxes.items():
            truth = face.transformed(1.0, 60 + 3 * index, 80)
            assert box.intersection(truth) >= 0.95 * truth.area, index
        # One that is left is followed no further, and makes room for the next.
        for _ in range(3):
            with server.api.stream("POST", f"{at}/follow", json=wanted) as answer:
                assert answer.status_code == 200
        for wrong in ({"frame": 50}, {"last": 20}, {"box": asdict(Box(900, 0, 999, 9))}):
            answer = server.api.post(f"{at}/follow", json=wanted | wrong)
            assert (answer.status_code, answer.json()["type"]) == (422, "usage"), wrong

    @pytest.mark.long
    def test_cancel_and_retry(self, server: Server, tmp_path: Path) -> None:
        long = film(tmp_path / "long.mp4", [scenery(1, (640, 360))] * 600, crf=35)
        (job,) = server.upload(
            {"long.mp4": long.read_bytes()}, options={"encoder_preset": "veryslow"}
        )["jobs"]
        at = f"/api/jobs/{job['id']}"
        wait_for(lambda: (server.job(job["id"])["progress"] or {}).get("stage") == "render")
        assert server.api.put(f"{at}/plan", json={}).status_code == 422
        assert server.api.post(f"{at}/render").status_code == 409
        assert server.api.post(f"{at}/finish").status_code == 409
        assert server.api.post(f"{at}/cancel").status_code == 202
        stopped = wait_for(
            lambda: found if (found := server.job(job["id"]))["state"] in ENDED else None, 10
        )
        assert (stopped["state"], stopped["problem"]["type"]) == ("failed", "cancelled")
        retried = server.api.post(f"{at}/retry").json()
        assert (retried["state"], retried["problem"]) == ("queued", None)
        wait_for(lambda: server.job(job["id"])["state"] == "rendering")
        assert server.api.delete(at).status_code == 204
        assert server.api.get(at).status_code == 404
        wait_for(lambda: not list((server.folder / "trash").iterdir()))


def _full(luma: Any) -> Any:
    """Limited range to full."""
    return (luma.astype(float) - 16) * 255 / 219


def test_the_settings_offered(server: Server) -> None:
    page = server.api.get("/api/options").json()
    offered = page["schema"]["properties"]
    assert offered["preset"]["enum"] == ["strict", "balanced", "light"]
    assert not offered.keys() & {"weights", "threads", "jobs", "max_pixels", "max_ratio"}
    assert page["presets"]["strict"] == {"method": "solid"}
    assert page["service"]["keep_original_minutes"] == 60
    assert page["service"]["detector"] in ("yunet", "centerface")


def test_figures(server: Server, picture: bytes) -> None:
    (job,) = server.upload({"secret-name.jpg": picture})["jobs"]
    server.wait(job["id"])
    answer = server.api.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert 'faceveil_jobs{state="done"} 1.0' in lines
    assert any(line.startswith("faceveil_jobs_accepted_total ") for line in lines)
    assert "secret-name" not in answer.text
    assert job["id"] not in answer.text
    assert server.api.get("/healthz").json()["status"] == "ok"
