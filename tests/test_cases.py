"""The inputs on which FaceVeil was seen to fail, as `shared/cases/make.py` makes them.

Each stands for a kind of fault, whose other members are tested where the kind is mended. Here each
is put through the command as a user would.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image as Pillow

from faceveil.check import check_file
from faceveil.options import Options

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("detector")]


@pytest.fixture(scope="module")
def cases(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    script = shared / "cases" / "make.py"
    if not script.is_file():
        pytest.skip("no cases in the shared test material")
    folder = tmp_path_factory.mktemp("cases")
    subprocess.run([sys.executable, str(script), str(folder)], check=True, capture_output=True)
    return folder


def veil(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "faceveil", "veil", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def reported(case: Path, out: Path, *words: object) -> dict[str, Any]:
    """Veil a file that is to end with 0 and lose nothing; the report."""
    report = out.with_name(out.name + ".json")
    done = veil(case, "-o", out, "--report", report, *words)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(report.read_text())
    # What the check is not sure of is for a person to look at; nothing else may be warned of.
    doubts = [one for one in told["warnings"] if one.startswith("the check is not sure")]
    assert told["warnings"] == doubts
    assert told["status"] == ("partial" if doubts else "ok")
    return told


def faces(path: Path) -> list[str]:
    return [one.detail for one in check_file(path, Options()) if one.kind == "face"]


def pictures(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def bare(case: Path, out: Path, truth: Path) -> int:
    """In how many known places less than half of the face's box was changed."""
    before, after, boxes = pictures(case), pictures(out), json.loads(truth.read_text())
    assert len(before) == len(after) == len(boxes)
    count = 0
    for one, other, places in zip(before, after, boxes, strict=True):
        changed = np.abs(one.astype(int) - other).max(2) > 16
        for left, top, right, bottom in places:
            count += changed[max(0, top) : bottom, max(0, left) : right].mean() < 0.5
    return count


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("alpha_ink.png", 1),
        ("planar16.tif", 1),
        ("miniswhite16.tif", 1),
        ("pages.tif", 2),
        ("xmp_orientation.jpg", 1),
        ("fax_aspect.tif", 1),
    ],
)
def test_pictures(cases: Path, tmp_path: Path, name: str, count: int) -> None:
    out = tmp_path / name
    told = reported(cases / name, out)
    assert told["tracks"] == count
    assert faces(out) == []
    with Pillow.open(cases / name) as before, Pillow.open(out) as after:
        assert getattr(after, "n_frames", 1) == getattr(before, "n_frames", 1)
        assert after.size == before.size
        if name == "fax_aspect.tif":
            assert tuple(map(float, after.info["dpi"])) == (204, 98)


def test_colours_tagged_by_code_points(cases: Path, tmp_path: Path) -> None:
    reported(cases / "p3.avif", tmp_path / "out.png")
    with Pillow.open(tmp_path / "out.png") as picture:
        pixel = np.asarray(picture.convert("RGB"))[128, 128]
    assert np.abs(pixel.astype(int) - (213, 115, 106)).max() <= 3


@pytest.mark.parametrize(
    ("name", "code", "members"),
    [
        ("backslash.zip", 0, ["Photos/a.veiled.jpg"]),
        ("gbk.zip", 0, ["照片/家庭.veiled.jpg"]),
        ("office_beside.zip", 1, ["a.veiled.jpg"]),
        ("link.tar", 0, ["a.veiled.jpg"]),
    ],
)
def test_archives(cases: Path, tmp_path: Path, name: str, code: int, members: list[str]) -> None:
    out = tmp_path / "out.zip"
    done = veil(cases / name, "-o", out)
    assert done.returncode == code, done.stderr
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == members
        for member in members:
            (tmp_path / "member.jpg").write_bytes(archive.read(member))
            Pillow.open(io.BytesIO(archive.read(member))).load()
            assert faces(tmp_path / "member.jpg") == []
    for left_out in {"office_beside.zip": ["letter.docx"], "link.tar": ["latest.jpg"]}.get(
        name, []
    ):
        assert left_out in done.stderr


def test_names_that_collide(cases: Path, tmp_path: Path) -> None:
    done = veil(cases / "collide", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    outputs = [path.read_bytes() for path in (tmp_path / "out").iterdir()]
    sizes = sorted(Pillow.open(io.BytesIO(data)).size for data in outputs)
    assert sizes == [(300, 300), (512, 512)]


@pytest.mark.parametrize("name", ["timelapse", "swipe", "standing"])
def test_faces_that_come_and_go(cases: Path, tmp_path: Path, name: str) -> None:
    case, out = cases / f"{name}.mp4", tmp_path / "out.mp4"
    done = veil(case, "-o", out)
    assert done.returncode == 0, done.stderr
    assert bare(case, out, cases / f"{name}.json") == 0


def test_joined_recordings_are_one(cases: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    reported(cases / "joined.ts", out)
    assert len(pictures(out)) == 150
    with av.open(str(out)) as container:
        stream = container.streams.audio[0]
        seconds = sum(frame.samples for frame in container.decode(stream)) / stream.rate
    assert seconds == pytest.approx(6, abs=0.15)


@pytest.mark.parametrize("name", ["eight_channels.mkv", "rate_11024.avi"])
def test_sound_that_has_to_be_converted(cases: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out.mp4"
    told = reported(cases / name, out)
    assert any("sound" in note for note in told["notes"])
    with av.open(str(out)) as container:
        stream = container.streams.audio[0]
        seconds = sum(frame.samples for frame in container.decode(stream)) / stream.rate
    assert seconds == pytest.approx(1, abs=0.1)


def test_picture_and_sound_of_avi_stay_together(cases: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    reported(cases / "b_frames.avi", out)
    with av.open(str(out)) as container:
        flash = [
            frame.time
            for frame in container.decode(video=0)
            if frame.to_ndarray(format="gray").mean() > 240
        ]
    with av.open(str(out)) as container:
        beep = [
            (frame.time or 0.0) + int(np.argmax(np.abs(frame.to_ndarray()[0]) > 0.1)) / frame.rate
            for frame in container.decode(audio=0)
            if np.abs(frame.to_ndarray()[0]).max() > 0.1
        ]
    assert flash[0] == pytest.approx(1.12, abs=0.001)
    assert beep[0] == pytest.approx(flash[0], abs=0.04)


def test_a_plan_is_for_one_file(cases: Path, tmp_path: Path) -> None:
    plan, out = tmp_path / "plan.json", tmp_path / "out.mp4"
    faceveil = [sys.executable, "-m", "faceveil"]
    found = subprocess.run(
        [*faceveil, "detect", str(cases / "swap_without.mp4"), "--plan", str(plan)],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    command = [*faceveil, "render", str(cases / "swap_with.mp4"), str(plan), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "another file" in done.stderr
    assert not out.exists()
