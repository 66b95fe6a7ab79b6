"""Boxes out and in: COCO, YOLO, CSV, each there and back, and everything that may be wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from commands import faceveil
from faceveil.batch import Done, InputFile, Serial, veil_files
from faceveil.cli.json_lines import plan_line
from faceveil.dataset import FORMATS, Annotation, read_found, read_labels, write
from faceveil.dataset.annotation import Spot
from faceveil.errors import UnsupportedError, UsageError
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.options import Options
from faceveil.plan import DocumentPart, Face, Media, Plan, Track
from faceveil.report import Report
from films import film, scenery
from test_cli import FACE

TIMES = Fraction(1, 25)


def put(folder: Path, files: dict[str, str], name: str) -> Path:
    """A data set as a user has it: a folder for YOLO, else a file."""
    if "" in files:
        path = folder / name
        path.write_text(files[""], encoding="utf-8")
        return path
    for key, text in files.items():
        (folder / key).write_text(text, encoding="utf-8")
    return folder


FOUND = [
    Annotation(
        "a.jpg", 200, 100, 1, (Spot(0, Box(10.5, 20.25, 60, 70), 0.9, 0), Spot(0, Box(0, 0, 9, 9)))
    ),
    Annotation("照片/b.png", 640, 480, 1, ()),
]


@pytest.mark.parametrize("form", FORMATS)
def test_boxes_go_there_and_back(form: str, tmp_path: Path) -> None:
    path = put(tmp_path, write(FOUND, form), f"x.{'json' if form == 'coco' else form}")
    labels = read_labels(path)
    for one in FOUND:
        media = Media("image", "jpeg", one.width, one.height)
        plan = labels.of(one.file).plan(media, TIMES, (0,))
        boxes = [track.boxes[0].as_tuple() for track in plan.tracks]
        expected = [spot.box.as_tuple() for spot in one.spots]
        assert np.allclose(sorted(boxes), sorted(expected), atol=0.01)
        assert all(track.origin == "manual" and not track.keep for track in plan.tracks)
    assert len(labels.sha256) == 64


def test_coco_is_what_its_tools_read(tmp_path: Path) -> None:
    data = json.loads(write(FOUND, "coco")[""])
    assert [image["file_name"] for image in data["images"]] == ["a.jpg", "照片/b.png"]
    assert data["annotations"][0] == {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "bbox": [10.5, 20.25, 49.5, 49.75],
        "area": 2462.62,
        "iscrowd": 0,
        "score": 0.9,
        "track_id": 0,
    }
    assert data["categories"] == [{"id": 1, "name": "face"}]
    assert write(FOUND, "yolo")["a.txt"].splitlines()[0] == "0 0.176250 0.451250 0.247500 0.497500"
    assert write(FOUND, "yolo")["b.txt"] == ""


def test_frames_of_a_video_keep_their_number_and_track(tmp_path: Path) -> None:
    spots = tuple(Spot(frame, Box(frame, 1, frame + 5, 9), None, 3) for frame in (4, 7))
    found = [Annotation("clip.mp4", 64, 48, 10, spots)]
    for form, name in (("coco", "x.json"), ("csv", "x.csv")):
        labels = read_labels(put(tmp_path, write(found, form), name))
        media = Media("video", "mp4", 64, 48, 10)
        plan = labels.of("clip.mp4").plan(media, TIMES, range(10))
        assert [(t.id, dict(t.boxes)) for t in plan.tracks] == [
            (3, {4: Box(4, 1, 9, 9), 7: Box(7, 1, 12, 9)})
        ]
    assert list(write(found, "yolo")) == ["clip_000004.txt", "clip_000007.txt"]


def test_each_page_and_picture_has_its_own_size(tmp_path: Path) -> None:
    sizes = ((100, 200), (40, 20))
    parts = tuple(DocumentPart(f"part {at}", *size) for at, size in enumerate(sizes))
    media = Media("document", "docx", 100, 200, 2, parts=parts)
    box = Box(10, 5, 30, 15)
    plan = Plan(media, (Track(0, {1: box}, origin="manual"),), pts=(0, 0))
    path = tmp_path / "x.docx.plan.json"
    path.write_text(plan.to_json())
    (found,) = read_found(path)
    path.write_text(plan_line("x.docx", plan))
    assert read_found(path)[0].sizes == found.sizes == sizes
    assert write([found], "yolo") == {"x_000001.txt": "0 0.500000 0.500000 0.500000 0.500000\n"}
    for form, name in (("coco", "x.json"), ("csv", "x.csv")):
        labels = read_labels(put(tmp_path, write([found], form), name)).of("x.docx")
        assert labels.plan(media, TIMES, (0, 0)).tracks[0].boxes == {1: box}
        turned = replace(media, parts=parts[::-1])
        with pytest.raises(UnsupportedError, match="its boxes are for 40x20"):
            labels.plan(turned, TIMES, (0, 0))


def test_plans_reports_and_lines_are_read(tmp_path: Path) -> None:
    face = Face(Box(1, 2, 30, 40), 0.8)
    plan = Plan(
        Media("image", "jpeg", 64, 48), (Track(5, {0: face.box}, {0: face}),), min_face=10.0
    )
    path = tmp_path / "photo.plan.json"
    path.write_text(plan.to_json())
    assert read_found(path) == [Annotation("photo", 64, 48, 1, (Spot(0, face.box, 0.8, 5),))]
    for text in ("", "{}", "[]", "text", '{"regions": {}}', '{"media": 3}'):
        path.write_text(text)
        with pytest.raises(UsageError):
            read_found(path)
    with pytest.raises(UsageError):
        read_found(tmp_path / "missing")


CSV = "file,frame,x0,y0,x1,y1\n"
COCO = {"images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 100}], "annotations": []}


def coco(**note: object) -> str:
    return json.dumps(COCO | {"annotations": [{"image_id": 1, "bbox": [1, 1, 9, 9]} | note]})


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.csv", "a,b\n1,2\n", "header has no file"),
        ("x.csv", CSV + "a.jpg,0,1,2,3\n", "line 2.*fields"),
        ("x.csv", CSV + "a.jpg,0,1,2,3,4,5\n", "line 2.*fields"),
        ("x.csv", CSV + "a.jpg,0,9,2,3,4\n", "line 2.*empty"),
        ("x.csv", CSV + "a.jpg,0,1,2,nan,4\n", "line 2.*finite"),
        ("x.csv", CSV + "a.jpg,0,1,2,three,4\n", "line 2.*four numbers"),
        ("x.csv", CSV + "a.jpg,0,1,2,,4\n", "line 2.*four numbers"),
        ("x.csv", CSV + "a.jpg,-1,1,2,3,4\n", "negative"),
        ("x.csv", "file,x0,y0,x1,y1,width,height\na,1,1,99,9,50,50\n", "beyond"),
        ("x.json", "{", "line 1.*no JSON"),
        ("x.json", "{}", "'images' is missing"),
        ("x.json", "[]", "x.json"),
        ("x.json", coco(image_id=2), "annotations.0.*no picture"),
        ("x.json", coco(bbox=[1, 2, 3]), "four numbers"),
        ("x.json", coco(bbox=[1, 2, -3, 4]), "empty"),
        ("x.json", coco(bbox=[1, 2, 300, 4]), "beyond"),
        ("x.json", coco(bbox="wide"), "four numbers|is no number"),
        ("x.txt", "0 0.5 0.5 0.1\n", "line 1.*class"),
        ("x.txt", "\n0 50 50 10 10\n", "line 2.*shares"),
        ("x.txt", "0 0.5 0.5 0.1 x\n", "line 1"),
        ("x.txt", "0 0.95 0.5 0.2 0.1\n", "beyond"),
        ("x.txt", "0 0.1 0.2 0.3 0.2 0.3 0.4 0.1\n", "class"),
        ("x.xml", "<a/>", "not known as boxes"),
    ],
)
def test_what_is_wrong_is_said(name: str, text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        read_labels(path)


def test_labels_that_are_not_for_a_picture_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        "file,frame,x0,y0,x1,y1,width,height\n"
        "a/x.jpg,0,1,1,5,5,50,40\nb/x.jpg,0,,,,,50,40\nfar.jpg,0,60,1,70,9,,\nv.mp4,9,1,1,5,5,,\n"
    )
    labels = read_labels(path)
    media = Media("image", "jpeg", 50, 40)
    assert labels.of("b/x.jpg").plan(media, TIMES, (0,)).tracks == ()
    with pytest.raises(UnsupportedError, match="several"):
        labels.of("c/x.jpg")
    with pytest.raises(UnsupportedError, match="no entry"):
        labels.of("other.jpg")
    with pytest.raises(UnsupportedError, match="50x40"):
        labels.of("a/x.jpg").plan(Media("image", "jpeg", 40, 50), TIMES, (0,))
    with pytest.raises(UnsupportedError, match="outside"):
        labels.of("far.jpg").plan(media, TIMES, (0,))
    with pytest.raises(UnsupportedError, match="frame 9"):
        labels.of("v.mp4").plan(media, TIMES, range(9))


def painted(one: Done) -> Report:
    assert isinstance(one.outcome, Report), one.outcome
    return one.outcome


OFF = Options(check="off", method="solid")


def test_other_peoples_boxes_are_painted(
    tmp_path: Path, photo: Path, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceveil import pipeline

    monkeypatch.setattr(pipeline, "load_detector", None)  # nothing looks for faces
    (tmp_path / "x.csv").write_text("file,x0,y0,x1,y1\nphoto.jpg,300,300,340,350\n")
    labels = read_labels(tmp_path / "x.csv")
    (one,) = veil_files([InputFile.of(photo)], None, OFF, Serial(), labels=labels)
    report = painted(one)
    assert (report.tracks, report.detector) == (1, "")
    after = cv2.imread(str(tmp_path / report.output))
    assert after is not None
    changed = np.abs(after.astype(int) - astronaut).max(axis=2) > 60
    assert changed[300:350, 300:340].mean() > 0.9
    assert not changed[:200, :290].any()
    (tmp_path / "y.csv").write_text("file,x0,y0,x1,y1\nother.jpg,300,300,340,350\n")
    jobs = [InputFile.of(photo)]
    (one,) = veil_files(jobs, None, OFF, Serial(), labels=read_labels(tmp_path / "y.csv"))
    assert isinstance(one.outcome, UnsupportedError)


def test_boxes_of_a_video_are_painted_in_their_frames(tmp_path: Path) -> None:
    film(tmp_path / "clip.mp4", [scenery(3)] * 12)
    rows = "".join(f"clip.mp4,{frame},100,60,140,100\n" for frame in (3, 4))
    (tmp_path / "x.csv").write_text("file,frame,x0,y0,x1,y1\n" + rows)
    labels = read_labels(tmp_path / "x.csv")
    (one,) = veil_files([InputFile.of(tmp_path / "clip.mp4")], None, OFF, Serial(), labels=labels)
    assert list(painted(one).regions) == [3, 4]


@pytest.mark.slow
@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=[pytest.mark.long] * (form != "coco")) for form in FORMATS]
)
def test_the_commands(form: str, tmp_path: Path, photo: Path, detector: str) -> None:
    plan, report = tmp_path / "photo.plan.json", tmp_path / "report.jsonl"
    done = faceveil("veil", photo, "--plan", plan, "--report", report)
    assert done.returncode == 0, done.stderr
    out = tmp_path / {"coco": "x.json", "csv": "x.csv", "yolo": "labels"}[form]
    done = faceveil("export", plan, "--format", form, "-o", out)
    assert done.returncode == 0, done.stderr
    assert "1 face in 1 input" in done.stdout
    files = [out] if out.is_file() else list(out.iterdir())
    assert all(path.stat().st_mode & 0o77 == 0 for path in files)
    second = tmp_path / "second.jsonl"
    done = faceveil("veil", photo, "--boxes-from", out, "-o", tmp_path / "o", "--report", second)
    assert done.returncode == 0, done.stderr
    first, told = (json.loads(path.read_text()) for path in (report, second))
    (box,) = told["regions"]["0"]
    assert np.allclose(box, first["regions"]["0"][0], atol=2)
    assert Box(*box).intersection(FACE) > 0.95 * FACE.area
    assert faceveil("export", photo, "--format", form, "-o", out).returncode == 2
    assert faceveil("export", report, "--format", form, "-o", out).returncode == 0
