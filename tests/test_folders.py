"""Odd things in folders and archives: none costs another, and none is lost silently."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from commands import faceveil
from faceveil import check, pipeline
from faceveil.batch import Done, Manifest, Serial, find_files, find_inputs, veil_files
from faceveil.batch.manifest import outputs_in
from faceveil.errors import FaceVeilError, OutputError, UsageError
from faceveil.frames import Frame, Image
from faceveil.media.beside import beside, beside_in
from faceveil.media.kin import is_own_zip
from faceveil.media.names import key_of
from faceveil.media.part import DiskError
from faceveil.options import Options, Sensitivity
from faceveil.plan import Face
from faceveil.report import Report
from videos import compose

pytestmark = pytest.mark.slow

QUICK = Options(min_face=40)
UNCHECKED = Options(check="off", jobs=1)


@dataclass
class Blind:
    """A detector that finds nothing, at once."""

    name: str = "blind"
    weights_sha256: str = "0" * 64
    thresholds: dict[Sensitivity, float] = field(
        default_factory=lambda: {"high": 0.4, "balanced": 0.5, "precise": 0.6}
    )

    def detect(self, frame: Frame, floor: float) -> list[Face]:
        return []

    def recheck(self, frame: Frame, floor: float) -> list[Face]:
        return []

    def smallest_face(self, width: int, height: int) -> float:
        return 7.0


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pipeline, check):
        monkeypatch.setattr(module, "load_detector", lambda options, kind: Blind())


def picture(seed: int = 1, suffix: str = ".jpg", side: int = 48) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (3, 3, 3), np.uint8)
    large = cv2.resize(noise, (side, side), interpolation=cv2.INTER_NEAREST)
    return cv2.imencode(suffix, large)[1].tobytes()


def decoded(data: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def veiled(root: Path, out: Path | None, options: Options = UNCHECKED) -> dict[str, Done]:
    jobs = find_files([root], options)
    return {one.job.name: one for one in veil_files(jobs, out, options, Serial())}


def document() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as nested:
        nested.writestr("[Content_Types].xml", "<Types/>")
        nested.writestr("word/document.xml", "<w/>")
    return buffer.getvalue()


# Names of outputs


@pytest.mark.parametrize(
    "files",
    [
        {"scan": picture(1), "scan.jpg": picture(2)},
        {"IMG_1.jpg": picture(1, ".png"), "IMG_1-jpg.png": picture(2, ".png")},
        {"a.JPG": picture(1), "a.jpg": picture(2)},
        {"ü.png": picture(1, ".png"), "u\u0308.png": picture(2, ".png")},
        {"x.jpg": picture(1), "x.veiled.jpg": picture(2)},
        {"照" * 83 + "1.jpg": picture(1), "照" * 83 + "2.jpg": picture(2)},
        {"d/scan": picture(1), "d/scan.jpg": picture(2), "d/scan-jpg": picture(3)},
    ],
    ids=lambda files: ascii(" ".join(files)),
)
@pytest.mark.parametrize("beside", [True, False])
def test_two_inputs_never_share_an_output(
    files: dict[str, bytes], beside: bool, tmp_path: Path, blind: None
) -> None:
    folder = put(tmp_path / "in", files)
    outputs = []
    for _ in range(2):  # the same inputs get the same names
        done = veiled(folder, None if beside else tmp_path / "out")
        found = dict[str, Report]()
        for name, data in files.items():
            assert (folder / name).read_bytes() == data
            report = done[name].outcome
            assert isinstance(report, Report), report
            found[name] = report
            made = Path(done[name].folder, report.output)
            old, new = decoded(data), decoded(made.read_bytes())
            assert np.abs(old.astype(int) - new).mean() < 8
        outputs.append({name: report.output for name, report in found.items()})
    keys = {(str(PurePosixPath(name).parent), key_of(one)) for name, one in outputs[0].items()}
    assert len(keys) == len(files)
    assert outputs[0] == outputs[1]
    packed = find_files([zipped(tmp_path / "x.zip", files)], UNCHECKED)
    (album,) = veil_files(packed, None, UNCHECKED, Serial())
    assert album.codes == {0}
    with zipfile.ZipFile(tmp_path / "x.veiled.zip") as archive:
        assert len({key_of(name) for name in archive.namelist()}) == len(files)


def test_a_file_of_somebody_else_is_not_written_over(tmp_path: Path, blind: None) -> None:
    innocent = picture(7)
    put(tmp_path, {"me.jpg": picture(1), "out/me.veiled.jpg": innocent})
    names = set()
    for _ in range(3):
        report = pipeline.veil_file(tmp_path / "me.jpg", tmp_path / "out", UNCHECKED)
        assert any("another file's" in note for note in report.notes)
        names.add(report.output)
    assert (tmp_path / "out/me.veiled.jpg").read_bytes() == innocent
    assert len(names) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [*names, "me.veiled.jpg"]
    )


def test_an_output_of_the_same_file_is_replaced(tmp_path: Path, blind: None) -> None:
    put(tmp_path, {"me.jpg": picture(1)})
    for quality in (92, 50):
        pipeline.veil_file(
            tmp_path / "me.jpg", None, UNCHECKED.model_copy(update={"quality": quality})
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["me.jpg", "me.veiled.jpg"]


@pytest.mark.parametrize("method", ["solid", "blur", "pixelate"])
def test_an_output_painted_nearly_all_over_is_replaced(
    method: str, tmp_path: Path, astronaut: Image, blind: None
) -> None:
    close = cv2.imencode(".jpg", cv2.resize(astronaut[60:200, 160:290], (400, 430)))[1].tobytes()
    put(tmp_path, {"me.jpg": close, "in/me.jpg": close})
    options = Options(check="off", method=method, cover_zones=((40, 40, 360, 400),))  # type: ignore[arg-type]
    for _ in range(2):
        assert pipeline.veil_file(tmp_path / "me.jpg", None, options).output == "me.veiled.jpg"
    other = cv2.imencode(".jpg", cv2.resize(astronaut[300:440, 160:290], (400, 430)))[1]
    (tmp_path / "in/me.veiled.jpg").write_bytes(other.tobytes())
    assert pipeline.veil_file(tmp_path / "in/me.jpg", None, options).output != "me.veiled.jpg"


def test_outputs_are_known_by_what_they_are(tmp_path: Path, blind: None) -> None:
    put(tmp_path, {"a.jpg": picture(1), "b.jpg": picture(2), "bride.veiled.jpg": picture(3)})
    zipped(tmp_path / "c.zip", {"x.jpg": picture(4)})
    assert {one.codes for one in veiled(tmp_path, None).values()} == {frozenset({0})}
    made = {path.name for path in tmp_path.iterdir()} - {"bride.veiled.jpg"}
    assert {"a.veiled.jpg", "b.veiled.jpg", "c.veiled.zip", "bride.veiled.veiled.jpg"} <= made
    (tmp_path / "b.veiled.jpg").write_bytes(picture(9))  # and this is nobody's output
    found = find_inputs([tmp_path], UNCHECKED)
    assert [job.name for job in found.jobs] == [
        "a.jpg",
        "b.jpg",
        "b.veiled.jpg",
        "bride.veiled.jpg",
        "c.zip",
    ]
    assert {Path(one.name).name: one.reason for one in found.passed} == {
        "a.veiled.jpg": "it is what FaceVeil made of a.jpg",
        "bride.veiled.veiled.jpg": "it is what FaceVeil made of bride.veiled.jpg",
        "c.veiled.zip": "it is what FaceVeil made of c.zip",
    }
    assert is_own_zip(tmp_path / "c.veiled.zip")
    assert not is_own_zip(tmp_path / "c.zip")
    everything = find_inputs([tmp_path], UNCHECKED, outputs=True)
    assert len(everything.jobs) == 8


def test_a_manifest_spares_looking_at_outputs(
    tmp_path: Path, blind: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = put(tmp_path / "in", {"a.jpg": picture(1), "d/b.jpg": picture(2)})
    path = tmp_path / "done.jsonl"
    with Manifest(path, UNCHECKED) as manifest:
        list(
            veil_files(
                find_files([folder], UNCHECKED), None, UNCHECKED, Serial(), manifest=manifest
            )
        )
    never = lambda *_: pytest.fail("it was looked at")  # noqa: E731
    monkeypatch.setattr("faceveil.batch.find.is_made_from_file", never)
    found = find_inputs([folder], UNCHECKED, made=outputs_in(path))
    assert [job.name for job in found.jobs] == ["a.jpg", "d/b.jpg"]
    assert len(found.passed) == 2
    (folder / "a.veiled.jpg").write_bytes(picture(5))  # no longer what was written
    found = find_inputs([folder], UNCHECKED, made=outputs_in(path))
    assert [job.name for job in found.jobs] == ["a.jpg", "a.veiled.jpg", "d/b.jpg"]


@pytest.mark.parametrize("name", ["x.pdf", "x.txt", "x.jpg2", "x"])
def test_a_name_that_no_picture_has_is_refused_before_work(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {"a.jpg": picture()})
    monkeypatch.setattr(pipeline, "analyze", lambda *_, **__: pytest.fail("it was worked on"))
    with pytest.raises(UsageError, match=f"{name} cannot be written"):
        pipeline.veil_file(tmp_path / "a.jpg", tmp_path / name, UNCHECKED)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


# What is not worked on


@pytest.mark.parametrize(
    "name",
    [
        *("Thumbs.db", "desktop.ini", ".DS_Store", "._IMG_1.jpg", "Picasa.ini", "metadata.json"),
        *("IMG_1.AAE", "IMG_1.xmp", "IMG_1.jpg.xmp", "a.pp3", "DJI_1.SRT", "C0001M01.XML"),
        *("IMG_1.jpg.json", "IMG_1.jpg(2).json", "IMG_1.HEIC.supplemental-metadata.json"),
        "IMG_1.jpg.supplemental-me.json",
    ],
)
def test_sidecars_are_known(name: str) -> None:
    assert beside(name, b"\0\x01binary") == "sidecar"
    assert beside(name, picture()) is None


def test_what_may_hold_a_picture_is_no_text() -> None:
    assert beside("notes.txt", b"dear all,\n") == "text"
    assert beside("notes.txt", "照片".encode("gbk")) == "text"
    assert beside("notes.txt", b"") == "text"
    assert beside("list.json", b"{}") == "text"
    for name in (
        "a.jpg",
        "a.mp4",
        "a.svg",
        "a.html",
        "a.pdf",
        "a.docx",
        "a.pgm",
        "a.XPM",
        "a.fits",
    ):
        assert beside(name, b"dear all,\n") is None
    assert beside("page", b"<!DOCTYPE html><img src='data:") is None
    written = (b"P3\n2 2\n255\n", b"P6 #\n9 9 255\n\xff\xfe", b"/* XPM */\n", b"WARC/1.1\r\n")
    for head in (*written, b"SIMPLE  =                    T"):
        assert beside("a", head) is beside("a.txt", head) is None
    assert beside("a.txt", b"P3 is the third\n") == "text"
    assert beside("disk.img", bytes(100)) is None


def test_a_text_with_a_picture_in_letters_is_none_wherever_it_stands() -> None:
    letters, begin = base64.b64encode(picture()), b"a line of a notebook\n" * 60_000
    for text in (
        b'{"image/png": "' + letters + b'"}',
        begin + b"![](data:image/jpeg;base64," + letters + b")",
        begin + b"PHOTO;ENCODING=b:" + base64.encodebytes(picture()),
        picture().hex().encode(),
        (begin.decode() + letters.decode()).encode("utf-16"),
    ):
        assert beside_in("a.ipynb", io.BytesIO(text)) is None
    for text in (begin, begin + base64.b64encode(bytes(999)), b"see /9j/ and iVBORw0K\n"):
        assert beside_in("a.ipynb", io.BytesIO(text)) == "text"


BESIDE = {
    "a.jpg": picture(1),
    "Thumbs.db": b"\xd0\xcf\x11\xe0" + bytes(600),
    "a.aae": b"<?xml version='1.0'?><plist/>",
    "a.jpg.json": b"{}",
    "sub/a.xmp": b"<x:xmpmeta/>",
    "sub/desktop.ini": b"[.ShellClassInfo]",
    "notes.txt": b"dear all,\n",
}


def test_folder_and_zip_say_the_same_of_what_lies_beside(tmp_path: Path, detector: str) -> None:
    folder = put(tmp_path / "in", BESIDE)
    packed = zipped(tmp_path / "x.zip", BESIDE)
    for where in (folder, packed):
        done = faceveil("veil", where, "-o", tmp_path / "out/", "--report", tmp_path / "r.jsonl")
        assert done.returncode == 0, done.stderr
        assert "files that accompany pictures and are no media: 5" in done.stderr
        assert "notes.txt passed over: it is a text" in done.stderr
        assert "failed: 0" in done.stderr
        assert "passed over: 6" in done.stderr
        lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
        assert sorted(line["input"] for line in lines if line["status"] == "skipped") == sorted(
            PurePosixPath(name).name for name in BESIDE if name != "a.jpg"
        )
    assert faceveil("veil", folder, "--strict", "-o", tmp_path / "new/").returncode == 0


ODD = {
    "a broken picture": {"broken.jpg": b"\xff\xd8\xffnone"},
    "a document": {"letter.docx": document()},
    "a PDF": {"letter.pdf": b"%PDF-1.7\n"},
    "a notebook": {"x.ipynb": b'{"image/png": "' + base64.b64encode(picture()) + b'"}'},
    "a 7z archive": {"x.7z": b"7z\xbc\xaf\x27\x1c" + bytes(50)},
    "an empty picture": {"b.jpg": b""},
    "nothing odd": {},
    "a text": {"a.txt": b"dear all"},
}


@pytest.mark.parametrize("what", ODD)
def test_folder_zip_and_tar_end_with_the_same_code(what: str, tmp_path: Path, blind: None) -> None:
    files = {"a.jpg": picture(1), **ODD[what]}
    folder = put(tmp_path / "in", files)
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(folder, ".")
    results = []
    for where in (folder, zipped(tmp_path / "x.zip", files), tmp_path / "x.tar"):
        found = find_inputs([where], UNCHECKED)
        done = list(veil_files(found.jobs, tmp_path / "out", UNCHECKED, Serial()))
        codes = frozenset().union(*(one.codes for one in done))
        results.append((codes, len(found.passed) + sum(len(one.passed) for one in done)))
    assert results[0] == results[1] == results[2]
    assert results[0][0] == ({0} if what in ("nothing odd", "a text") else {0, 3})
    odd = "".join(ODD[what])
    for kind in ("zip", "tar"):
        packed = find_files([tmp_path / f"x.{kind}"], UNCHECKED)
        for one in veil_files(packed, None, UNCHECKED, Serial()):
            assert isinstance(one.outcome, Report)
            told = [*one.outcome.warnings, *one.outcome.notes]
            assert not odd or any(line.startswith(f"{odd} is left out: ") for line in told)
    excluding = UNCHECKED.model_copy(update={"exclude": (odd,) if odd else ()})
    for one in veil_files(find_files([tmp_path / "x.zip"], excluding), None, excluding, Serial()):
        assert one.codes == {0}


def test_links_are_named_in_folders_and_tars(tmp_path: Path, blind: None) -> None:
    folder = put(tmp_path / "in", {"a.jpg": picture(1)})
    (folder / "latest.jpg").symlink_to("a.jpg")
    os.mkfifo(folder / "pipe")
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(folder, ".")
    found = find_inputs([folder], UNCHECKED)
    assert {Path(one.name).name for one in found.passed} == {"latest.jpg", "pipe"}
    (done,) = veil_files(find_files([tmp_path / "x.tar"], UNCHECKED), None, UNCHECKED, Serial())
    assert {one.name for one in done.passed} == {"latest.jpg", "pipe"}
    assert done.codes == {0}
    following = UNCHECKED.model_copy(update={"links": True})
    (done,) = veil_files(find_files([tmp_path / "x.tar"], following), None, following, Serial())
    assert done.codes == {0, 3}


def test_a_damaged_member_is_left_out_and_named(tmp_path: Path, blind: None) -> None:
    path = zipped(
        tmp_path / "x.zip", {"a.jpg": picture(1), "b.jpg": picture(2), "c.jpg": picture(3)}
    )
    data = bytearray(path.read_bytes())
    data[data.index(picture(2)) + 100] ^= 0xFF
    path.write_bytes(data)
    (done,) = veil_files(find_files([path], UNCHECKED), None, UNCHECKED, Serial())
    assert isinstance(done.outcome, Report)
    assert done.outcome.warnings == ("b.jpg is left out: it is damaged",)
    assert done.codes == {0, 3}
    assert [one.name for one in done.packed] == ["a.jpg", "c.jpg"]


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="needs a user who may not read")
def test_a_folder_without_rights_is_named(tmp_path: Path) -> None:
    folder = put(tmp_path / "in", {"a.jpg": picture(1), "secret/b.jpg": picture(2)})
    (folder / "secret").chmod(0)
    try:
        found = find_inputs([folder], UNCHECKED)
    finally:
        (folder / "secret").chmod(0o700)
    assert [job.name for job in found.jobs] == ["a.jpg"]
    assert [job.name for job, _ in found.failed] == ["secret"]


def without_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may list folders called "secret", not even root."""

    def refuse(path: Path) -> object:
        if path.name == "secret":
            raise PermissionError(13, "Permission denied")
        return os.scandir(path)

    here = SimpleNamespace(scandir=refuse, DirEntry=os.DirEntry)
    monkeypatch.setattr("faceveil.batch.find.os", here)


def test_a_folder_that_cannot_be_read_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = put(
        tmp_path / "in", {"a.jpg": picture(1), "secret/b.jpg": picture(2), "z/c.jpg": picture(3)}
    )
    without_rights(monkeypatch)
    found = find_inputs([folder], UNCHECKED)
    assert [job.name for job in found.jobs] == ["a.jpg", "z/c.jpg"]
    ((job, error),) = found.failed
    assert job.name == "secret"
    assert str(error) == "the folder cannot be read: permission denied"


def test_the_command_names_a_folder_that_cannot_be_read(
    tmp_path: Path,
    photo: Path,
    detector: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from faceveil.cli.runs import find_inputs as found_by_command
    from faceveil.cli.runs import veil_many
    from faceveil.cli.ui import UI
    from faceveil.cli.verbs_evidence import Evidence

    folder = put(tmp_path / "in", {"a.jpg": photo.read_bytes(), "secret/b.jpg": b""})
    without_rights(monkeypatch)
    inputs = found_by_command([folder], QUICK)
    code = veil_many(UI(), inputs, tmp_path / "out", QUICK, Evidence(None, None, None, QUICK))
    assert code == 1
    assert "secret: the folder cannot be read" in capsys.readouterr().err
    assert (tmp_path / "out/a.veiled.jpg").exists()


# A full disk


def test_a_full_disk_ends_an_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blind: None
) -> None:
    path = zipped(tmp_path / "x.zip", {"a.jpg": picture(1), "b.jpg": picture(2)})
    other = zipped(tmp_path / "y.zip", {"a.jpg": picture(1)})
    real, calls = pipeline.veil_file, 0

    def full(*arguments: object, **more: object) -> Report:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise DiskError("the output cannot be written: no space left on device")
        return real(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "veil_file", full)
    results = list(veil_files(find_files([path, other], UNCHECKED), None, UNCHECKED, Serial()))
    assert isinstance(results[0].outcome, OutputError)
    assert results[0].codes == {1}
    assert results[0].packed == ()
    assert results[1].codes == {0}
    assert sorted(one.name for one in tmp_path.iterdir()) == ["x.zip", "y.veiled.zip", "y.zip"]


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="no prlimit here")
@pytest.mark.parametrize("method", ["zip", "tar"])
def test_a_real_full_disk_is_a_failure_and_named(
    method: str, tmp_path: Path, astronaut: Image, detector: str
) -> None:
    large = cv2.imencode(".png", cv2.resize(astronaut, (900, 900)))[1].tobytes()
    path = tmp_path / f"x.{method}"
    if method == "zip":
        zipped(path, {"a.png": large, "b.png": large})
    else:
        with tarfile.open(path, "w") as tar:
            info = tarfile.TarInfo("a.png")
            info.size = len(large)
            tar.addfile(info, io.BytesIO(large))
    # A limit on the size of files fails as a full disk does, for every file of the run.
    code = (
        "import resource, signal, sys; from faceveil.cli import main; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)); "
        "sys.argv = ['faceveil', 'veil', sys.argv[1], '--jobs', '1']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 1, done.stderr
    assert f"{path}: the output cannot be written: file too large" in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


# Everything is accounted for

parts = st.sampled_from(["a", "A", "b", ".", "-", "jpg", "veiled", "ü", "ü", "con", "notes", "照"])
suffixes = st.sampled_from(["", ".jpg", ".JPG", ".png", ".txt", ".xmp", ".veiled.jpg", ".zip"])
kinds: dict[str, Callable[[int], bytes]] = {
    "jpeg": picture,
    "png": lambda seed: picture(seed, ".png"),
    "text": lambda seed: b"text",
    "broken": lambda seed: b"\xff\xd8\xffnone",
    "empty": lambda seed: b"",
    "binary": lambda seed: bytes(40),
}
files_of = st.dictionaries(
    st.builds(
        lambda folder, stem, suffix: f"{folder}{''.join(stem)}{suffix}",
        st.sampled_from(["", "d/", "E/"]),
        st.lists(parts, min_size=1, max_size=2),
        suffixes,
    ).filter(lambda name: not name.rpartition("/")[2].startswith(".")),
    st.tuples(st.sampled_from([*kinds, "jpeg", "jpeg"]), st.integers(1, 5)),
    min_size=1,
    max_size=7,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(files={"a": ("jpeg", 1), "a.veiled.jpg": ("jpeg", 1)})
@given(files=files_of)
def test_every_file_of_a_folder_and_a_zip_is_accounted_for(
    files: dict[str, tuple[str, int]], tmp_path_factory: pytest.TempPathFactory, blind: None
) -> None:
    scratch = tmp_path_factory.mktemp("all")
    given = {name: kinds[kind](seed) for name, (kind, seed) in files.items()}
    folder = put(scratch / "in", given)
    try:
        found = find_inputs([folder], UNCHECKED)
    except UsageError:
        assert not any(kind in ("jpeg", "png") for kind, _ in files.values())
        return
    done = list(veil_files(found.jobs, scratch / "out", UNCHECKED, Serial()))
    worked = {one.job.name: one for one in done}
    passed = {Path(one.name).relative_to(folder).as_posix() for one in found.passed}
    assert worked.keys() | passed == given.keys()
    assert not worked.keys() & passed
    outputs = {}
    for name, one in worked.items():
        picture_in_it = files[name][0] in ("jpeg", "png")
        assert isinstance(one.outcome, Report) == picture_in_it
        assert picture_in_it or isinstance(one.outcome, FaceVeilError)
        if isinstance(one.outcome, Report):
            outputs[name] = key_of(Path(one.folder, one.outcome.output))
            assert Path(one.folder, one.outcome.output).stat().st_size
    assert len(set(outputs.values())) == len(outputs)
    codes = frozenset().union(*(one.codes for one in done))

    (packed,) = veil_files(
        find_files([zipped(scratch / "x.zip", given)], UNCHECKED), None, UNCHECKED, Serial()
    )
    assert packed.codes == codes
    if isinstance(packed.outcome, Report):
        # In an archive, what is called like the output of another one is done again.
        own = {
            Path(one.name).relative_to(folder).as_posix()
            for one in found.passed
            if "what FaceVeil made of" in one.reason
        }
        assert {one.name for one in packed.packed} == outputs.keys() | own
        assert {one.name for one in packed.passed} == passed - own
        left = {line.split(" is left out: ")[0] for line in packed.outcome.warnings}
        assert left == worked.keys() - outputs.keys()
        with zipfile.ZipFile(scratch / "x.veiled.zip") as archive:
            assert len({key_of(name) for name in archive.namelist()}) == len(outputs) + len(own)
    else:
        assert not outputs


# The command


def test_a_folder_is_made_where_the_name_ends_like_one(
    tmp_path: Path, photo: Path, detector: str
) -> None:
    done = faceveil("veil", photo, "-o", f"{tmp_path}/new/er/", "--min-face", "40")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "new/er").iterdir()] == ["photo.veiled.jpg"]
    done = faceveil("veil", photo, "-o", tmp_path / "x.pdf")
    assert done.returncode == 2
    assert "x.pdf cannot be written" in done.stderr
    assert not (tmp_path / "x.pdf").exists()


@pytest.mark.long
def test_check_looks_into_archives_and_folders(tmp_path: Path, photo: Path, detector: str) -> None:
    face = {"faces/a.jpg": photo.read_bytes(), "notes.txt": b"text"}
    for where in (put(tmp_path / "in", face), zipped(tmp_path / "x.zip", face)):
        done = faceveil("check", where)
        assert done.returncode == 5, done.stderr
        assert f"{where}/faces/a.jpg: face in frame 0" in done.stdout
        assert "notes.txt passed over" in done.stderr
        line = json.loads(faceveil("check", where, "--json").stdout)
        assert line["file"] == f"{where}/faces/a.jpg"
    clean = zipped(tmp_path / "y.zip", {"a.png": picture(1, ".png", 200), "b.jpg": b"\xff\xd8\xff"})
    done = faceveil("check", clean)
    assert done.returncode == 1, done.stderr
    assert f"{clean}/b.jpg: " in done.stderr


def test_what_is_wrong_with_one_file_alone_costs_no_other(
    tmp_path: Path, photo: Path, detector: str
) -> None:
    """An encoder is asked for that no video can have; the photo needs none."""
    compose(tmp_path / "a.mp4")
    files = {"a.mp4": (tmp_path / "a.mp4").read_bytes(), "b.jpg": photo.read_bytes()}
    flags = ("--encoder", "nosuch", "--min-face", "40", "--check", "off")
    for where in (put(tmp_path / "in", files), zipped(tmp_path / "x.zip", files)):
        done = faceveil("veil", where, "-o", tmp_path / "out", *flags)
        assert done.returncode == 1, done.stderr
        assert "b.jpg -> " in done.stdout
        assert "a.mp4" in done.stderr
        assert "there is no encoder 'nosuch'" in done.stderr
    done = faceveil("veil", tmp_path / "in", "-o", tmp_path / "out", "--detector", "nosuch")
    assert done.returncode == 2
    assert done.stderr.count("there is no detector 'nosuch'") == 1


def test_a_plan_of_another_file_costs_a_run_its_own_file_only(
    tmp_path: Path, photo: Path, detector: str
) -> None:
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(
        "file,x0,y0,x1,y1,width,height\na.jpg,1,1,9,9,10,10\nb.jpg,180,68,270,184,512,512\n"
    )
    files = {name: photo.read_bytes() for name in ("a.jpg", "b.jpg", "c.jpg")}
    done = faceveil("veil", put(tmp_path / "in", files), "--boxes-from", boxes)
    assert done.returncode == 1, done.stderr
    assert sorted(path.name for path in (tmp_path / "in").glob("*.veiled.*")) == ["b.veiled.jpg"]
    assert "a.jpg: its boxes are for 10x10" in done.stderr
    assert "c.jpg: there is no entry for it among the boxes" in done.stderr


def test_several_inputs_never_go_into_one_zip(tmp_path: Path, blind: None) -> None:
    files = {"a.jpg": picture()}
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("x.zip", "y.zip"):
        zipped(folder / name, files)
    with pytest.raises(UsageError, match="is no folder, and there are 2 files"):
        veiled(folder, tmp_path / "out.zip")
    (folder / "y.zip").unlink()
    assert set(veiled(folder, tmp_path / "out.zip")) == {"x.zip"}
    assert zipfile.is_zipfile(tmp_path / "out.zip")
