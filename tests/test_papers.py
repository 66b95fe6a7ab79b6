"""Documents of every form, wherever files are taken: places of faces, folders, archives, queues."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import offices
import papers
from commands import faceveil
from faceveil import Options, analyze_file, check, render_file, veil_file
from faceveil.cli.json_lines import plan_line
from faceveil.cli.remarks import places
from faceveil.evidence.html import page
from faceveil.evidence.sheet import contact_sheet
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.plan import Plan, Track
from faceveil.server.previews import frame_jpeg
from films import film, head, put, scenery
from servers import running
from tiers import daily

OPTIONS = Options(second_detector="none", preset="strict")
SAME = 4.0


@pytest.fixture(scope="session")
def face(_astronaut: Image) -> Image:
    """(300, 260, 3) uint8 BGR, one face."""
    return np.ascontiguousarray(_astronaut[:300, 100:360])


@pytest.fixture(scope="session")
def plain() -> Image:
    """(200, 320, 3) uint8 BGR without a face."""
    return scenery(5, (320, 200))


FACE = Box(90, 78, 160, 170)
"""The face of `face`, without a margin."""


def part(image: Image, box: Box) -> Image:
    x0, y0, x1, y1 = map(int, box.as_tuple())
    return image[y0:y1, x0:x1]


def is_grey(image: Image) -> bool:
    return bool(np.abs(part(image, FACE).astype(int) - 128).max() <= 6)


def is_bare(image: Image, original: Image) -> bool:
    before, after = part(original, FACE).astype(int), part(image, FACE).astype(int)
    return bool(np.abs(before - after).mean() < SAME)


# Where the faces are


@pytest.mark.slow
@pytest.mark.parametrize("form", daily(papers.FORMS, "docx", "pdf", "tif"))
def test_each_face_has_its_page_and_part(
    form: str, face: Image, plain: Image, tmp_path: Path, detector: str
) -> None:
    path = tmp_path / f"x.{form}"
    papers.paper(form, [plain, face], path)
    plan = analyze_file(path, OPTIONS)
    line = json.loads(plan_line(path.name, plan))
    with_faces = [one for one in line["frames"] if one["faces"]]
    places = {"pdf": "page 2", "tif": "page 2"}
    assert with_faces[0]["part"].endswith(places.get(form, "media/image2.jpeg"))
    assert ("page" in with_faces[0]) == (form in places)
    for one in with_faces:
        for found in one["faces"]:
            x0, y0, x1, y1 = found["box"]
            assert -0.5 * one["width"] < x0 < x1 < 1.5 * one["width"]
            assert -0.5 * one["height"] < y0 < y1 < 1.5 * one["height"]
        assert one["width"] != line["width"] or one["height"] == line["height"]
    assert len({one["track"] for frame in with_faces for one in frame["faces"]}) == 1
    assert list(plan.faces_by_part.values()) == [1]


@pytest.mark.slow
@pytest.mark.parametrize("form", daily(papers.FORMS, "docx", "pdf", "tif"))
def test_a_report_says_where_faces_are_covered(
    form: str, face: Image, plain: Image, tmp_path: Path, detector: str
) -> None:
    path, out = tmp_path / f"x.{form}", tmp_path / f"out.{form}"
    data = papers.paper(form, [plain, face], path)
    report = veil_file(path, out, OPTIONS)
    assert (report.status, report.tracks) == ("ok", 1)
    (place,) = report.faces_by_part
    assert report.pages == (2 if form in ("pdf", "tif") else 0)
    assert report.pictures == (0 if form == "tif" else 2)
    said = places(report)
    assert said.startswith(" (2 pages" if report.pages else " (2 pictures")
    assert said.endswith(f"; {place}: 1)")
    kept = json.loads(report.to_json())
    assert kept["faces_by_part"] == {place: 1}
    assert [one["name"] for one in kept["media"]["parts"]]
    html = page([(report, [])])
    assert f"<td>{place}" in html
    assert "Faces over time" not in html
    before, after = papers.stored(form, data), papers.stored(form, out.read_bytes())
    assert (before[0] == after[0]).all()
    assert is_grey(after[1])
    # On the contact sheet, the pages of what has pages, and the pictures of what has none.
    sheet = contact_sheet(out, OPTIONS, 12)
    small = np.asarray(cv2.imdecode(np.frombuffer(sheet[1], np.uint8), cv2.IMREAD_COLOR))
    assert len(sheet) == 2
    assert report.pages or (small.shape == face.shape and is_grey(small))


@pytest.mark.slow
def test_a_finding_names_its_page(face: Image, plain: Image, tmp_path: Path, detector: str) -> None:
    for form, name in (("pdf", "page 2"), ("tif", "page 2"), ("docx", "word/media/image2.jpeg")):
        path = tmp_path / f"x.{form}"
        papers.paper(form, [plain, face], path)
        found = [one for one in check.check_file(path, OPTIONS) if one.kind == "face"]
        assert found[0].part == name
        assert found[0].words.startswith(f"face in {name}: ")


# A face in a PDF is one on its page and in its picture


@pytest.mark.slow
@pytest.mark.parametrize("rotation", daily([0, 90, 180, 270], 90))
def test_a_face_on_a_page_and_in_its_picture_is_one(
    rotation: int, face: Image, tmp_path: Path, detector: str
) -> None:
    import pikepdf

    path, out = tmp_path / "x.pdf", tmp_path / "out.pdf"
    data = papers.paper("pdf", [face], path)
    with pikepdf.open(io.BytesIO(data)) as pdf:
        pdf.pages[0].rotate(rotation, relative=False)
        pdf.save(path)
    plan = analyze_file(path, OPTIONS)
    (track,) = plan.tracks
    names = {plan.media.parts[frame].name for frame in track.boxes}
    assert names <= {"page 1", "page 1, picture 1"}
    assert rotation or names == {"page 1", "page 1, picture 1"}
    kept = replace(plan, tracks=(replace(track, keep=True),))
    report = render_file(path, kept, out, OPTIONS)
    assert (report.status, report.tracks, report.kept, report.regions) == ("ok", 0, 1, {})
    assert is_bare(papers.stored("pdf", out.read_bytes())[0], face)


def test_two_faces_that_share_a_picture_stay_apart(
    face: Image, tmp_path: Path, detector: str
) -> None:
    """The picture is shown twice on a page: one box in it cannot be that of two faces."""
    import pikepdf

    import pdfs

    path = tmp_path / "x.pdf"
    with pikepdf.new() as pdf:
        twice = "q 130 0 0 150 10 100 cm /I Do Q q 130 0 0 150 170 100 cm /I Do Q "
        pdfs.page(pdf, twice, {"I": pdfs.stored(pdf, face, "jpeg")})
        pdf.save(path)
    plan = analyze_file(path, OPTIONS)
    assert len(plan.tracks) == 2
    frames = [sorted(track.boxes) for track in plan.tracks]
    assert sorted(frame for some in frames for frame in some) == [0, 0, 1]
    kept = replace(plan, tracks=(replace(plan.tracks[0], keep=True), plan.tracks[1]))
    report = render_file(path, kept, tmp_path / "out.pdf", OPTIONS)
    assert is_grey(papers.stored("pdf", (tmp_path / "out.pdf").read_bytes())[0])
    assert report.tracks == 1


# Corrected by a person


@pytest.mark.slow
@pytest.mark.parametrize("form", daily(papers.FORMS, "docx", "pdf"))
def test_a_box_drawn_and_a_face_kept(
    form: str, face: Image, plain: Image, tmp_path: Path, detector: str
) -> None:
    path, out = tmp_path / f"x.{form}", tmp_path / f"out.{form}"
    data = papers.paper(form, [plain, face, face[:, ::-1]], path)
    plan = Plan.from_json(analyze_file(path, OPTIONS).to_json())
    frame = (
        0
        if form != "pdf"
        else next(
            at for at, one in enumerate(plan.media.parts) if one.picture == 1 and one.page == 1
        )
    )
    tracks = [replace(one, keep=one.id == plan.tracks[0].id) for one in plan.tracks]
    drawn = Track(99, {frame: Box(100, 60, 200, 140)}, origin="manual")
    report = render_file(path, replace(plan, tracks=(*tracks, drawn)), out, OPTIONS)
    assert (report.status, report.kept, report.tracks) == ("ok", 1, 2)
    before, after = papers.stored(form, data), papers.stored(form, out.read_bytes())
    assert np.abs(after[0][65:135, 105:195].astype(int) - 128).max() <= 6
    assert is_bare(after[1], before[1])
    assert is_grey(after[2][:, ::-1])


def test_frames_of_a_result_are_found_by_name(
    face: Image, plain: Image, tmp_path: Path, detector: str
) -> None:
    """A picture that cannot be read is no frame of the original, but a blank one of the result."""
    path, out = tmp_path / "x.docx", tmp_path / "out.docx"
    media = {
        "word/media/a.png": b"\x89PNG\r\n\x1a\n" + bytes(30),
        "word/media/b.jpeg": offices.jpeg(face),
        "word/media/c.png": offices.png(plain),
    }
    offices.document("docx", media, path)
    report = veil_file(path, out, OPTIONS)
    assert report.media is not None
    assert [one.name for one in report.media.parts] == [*media][1:]
    for index, shown in ((0, face), (1, plain)):
        name = report.media.parts[index].name
        for file, known in ((path, ""), (out, name)):
            data = np.frombuffer(frame_jpeg(file, index, 400, OPTIONS, known), np.uint8)
            assert np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR)).shape == shown.shape


# Everywhere


@pytest.fixture(scope="module")
def folder(
    face: Image, plain: Image, tmp_path_factory: pytest.TempPathFactory, detector: str
) -> Path:
    """A document of each form, and one in a folder below."""
    folder = tmp_path_factory.mktemp("papers")
    for form in papers.FORMS:
        papers.paper(form, [plain, face], folder / f"{form}.{form}")
    (folder / "below").mkdir()
    papers.paper("docx", [face], folder / "below" / "x.docx")
    return folder


NAMES = sorted(f"{form}.veiled.{form}" for form in papers.FORMS)


def assert_veiled(out: Path) -> None:
    for form in papers.FORMS:
        assert is_grey(papers.stored(form, (out / f"{form}.veiled.{form}").read_bytes())[1]), form


@pytest.mark.long
@pytest.mark.slow
def test_a_folder_in_processes_and_again(folder: Path, tmp_path: Path) -> None:
    out, manifest = tmp_path / "out", tmp_path / "done.jsonl"
    report = tmp_path / "report.jsonl"
    line: list[str | Path] = [
        "veil",
        folder,
        "-o",
        f"{out}/",
        "--jobs",
        "2",
        "--manifest",
        manifest,
    ]
    line += ["--preset", "strict"]
    done = faceveil(*line, "--report", report, "--report-html", tmp_path / "report.html")
    assert done.returncode == 0, done.stderr
    assert sorted(one.name for one in out.iterdir()) == sorted([*NAMES, "below"])
    assert_veiled(out)
    lines = [json.loads(one) for one in report.read_text().splitlines()]
    assert len(lines) == 8
    assert all(sum(one["faces_by_part"].values()) == 1 for one in lines)
    assert "pdf.pdf ->" in done.stdout.replace(f"{folder}/", "")
    assert "(2 pages, 2 pictures; page 2: 1)" in done.stdout
    again = faceveil(*line, "--resume")
    assert (again.returncode, again.stdout) == (0, ""), again.stderr


@pytest.mark.long
@pytest.mark.slow
def test_an_archive(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "papers.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for one in sorted(folder.rglob("*.*")):
            archive.write(one, one.relative_to(folder))
    done = faceveil("veil", path, "--preset", "strict")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "papers.veiled.zip") as archive:
        archive.extractall(tmp_path / "all")
    assert_veiled(tmp_path / "all")
    found = faceveil("detect", path)
    assert found.returncode == 0
    assert found.stdout.count("1 face of") == found.stdout.count(": 1)") == 8
    looked = faceveil("check", tmp_path / "papers.veiled.zip")
    assert (looked.returncode, looked.stdout.count("nothing found")) == (0, 8), looked.stdout


@pytest.mark.slow
@pytest.mark.parametrize("form", daily(papers.FORMS, "pdf"))
def test_each_verb(form: str, folder: Path, tmp_path: Path) -> None:
    path, plan = folder / f"{form}.{form}", tmp_path / "plan.json"
    out, third = tmp_path / f"out.{form}", tmp_path / f"third.{form}"
    found = faceveil("detect", path, "--plan", plan)
    assert found.returncode == 0, found.stderr
    assert ": 1)" in found.stdout
    assert faceveil("render", path, plan, "-o", out).returncode == 0
    assert faceveil("check", out, "--json").returncode == 0
    assert faceveil("check", path).returncode == 5
    done = faceveil("veil", path, "-o", third, "--parts", "2", "--plan", tmp_path / "again.json")
    assert done.returncode == 0, done.stderr
    exported = faceveil("export", plan, "--format", "csv", "-o", tmp_path / "boxes.csv")
    assert exported.returncode == 0, exported.stderr
    wrong = faceveil("veil", path, "-o", tmp_path / "out.png")
    assert wrong.returncode in (2, 3)
    assert "Traceback" not in wrong.stderr


@pytest.mark.long
@pytest.mark.slow
def test_a_service_with_redis(folder: Path, tmp_path: Path, redis: str) -> None:
    """Several workers; an upload, a single request, and a review whose boxes a client changes."""
    types = {"docx": "wordprocessingml.document", "pdf": "application/pdf", "epub": "epub+zip"}
    with running(tmp_path / "jobs", "--queue", redis, workers=2) as server:
        files = {
            f"{form}.{form}": (folder / f"{form}.{form}").read_bytes() for form in papers.FORMS
        }
        server.upload(files, options={"preset": "strict"})
        jobs = {job["name"]: job for job in server.wait_all()}
        out = tmp_path / "out"
        out.mkdir()
        for form in papers.FORMS:
            job = jobs[f"{form}.{form}"]
            assert (job["state"], job["faces"], len(job["places"])) == ("done", 1, 1), job
            assert job["kind"] == ("pages" if form == "tif" else "document")
            assert types.get(form, "") in job["result_type"]
            result = server.api.get(f"/api/jobs/{job['id']}/result")
            (out / job["result_name"]).write_bytes(result.content)
            frame = server.api.get(f"/api/jobs/{job['id']}/frames/1", params={"of": "result"})
            assert frame.headers["content-type"] == "image/jpeg"
        assert_veiled(out)
        chinese = {"Accept-Language": "zh"}
        (place,) = server.api.get(f"/api/jobs/{jobs['pdf.pdf']['id']}", headers=chinese).json()[
            "places"
        ]
        assert place == "第 2 页：1"
        for form in ("docx", "pdf"):
            sent = server.api.post(
                "/api/veil",
                content=files[f"{form}.{form}"],
                params={"options": json.dumps({"preset": "strict"})},
            )
            assert sent.status_code == 200, sent.text
            assert is_grey(papers.stored(form, sent.content)[1])


def test_a_film_counts_where_it_is(
    face: Image, astronaut: Image, tmp_path: Path, detector: str
) -> None:
    actor, _ = head(astronaut, 0.6)
    shots = [put(scenery(3, (320, 240)), actor, 20 + index, 20) for index in range(8)]
    clip = film(tmp_path / "clip.mp4", shots).read_bytes()
    path = tmp_path / "x.pptx"
    offices.document(
        "pptx", {"ppt/media/a.mp4": clip, "ppt/media/b.jpeg": offices.jpeg(face)}, path
    )
    report = veil_file(path, tmp_path / "out.pptx", OPTIONS)
    assert report.faces_by_part["ppt/media/b.jpeg"] == 1
    assert report.faces_by_part["ppt/media/a.mp4"] >= 1
