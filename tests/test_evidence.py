"""Evidence of a run: the report, the page, the signature."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pikepdf
import pytest

import faceveil
import pdfs
from faceveil.cli.ui import UI
from faceveil.cli.verbs_evidence import Evidence
from faceveil.errors import UsageError
from faceveil.evidence import SIZES, digest
from faceveil.evidence.html import ROWS, page
from faceveil.evidence.sheet import SIDE, contact_sheet
from faceveil.evidence.sign import NAMESPACE, load_key, sign_file
from faceveil.evidence.words import STATUS, WORDS
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.i18n import say, translated
from faceveil.media import open_source
from faceveil.options import Options
from faceveil.plan import DocumentPart, Media
from faceveil.report import Checked, Finding, Report, TrackFacts
from films import film, scenery

FULL = Report(
    "partial",
    "in.mp4",
    "out.mp4",
    media=Media("video", "mp4", 640, 360, 50),
    length=2.0,
    faces=40,
    tracks=2,
    filled=9,
    frames=50,
    smallest_face_px=12.0,
    sizes={"0-16": 0, "16-32": 2},
    faces_by_part={"page 1": 2},
    faces_over_time=tuple(
        TrackFacts(n, 0, 49, 20, 30, 18.0, 30.0, 0.9, "detected", n == 1) for n in range(ROWS + 5)
    ),
    warnings=("the video ends early",),
    notes=("written as MP4",),
    dropped=("GPS", say("subtitles")),
    findings=(
        Finding(
            "face",
            say("a face of {size} px is visible at {x},{y}", size=20, x=10, y=10),
            7,
            Box(0, 0, 20, 20),
            0.9,
            "yunet",
        ),
    ),
    check=Checked("sample", 12, {"yunet": "0" * 64}, repairs=1, added=2),
    sha256_in="1" * 64,
    sha256_out="2" * 64,
    detector="yunet",
    weights_sha256="3" * 64,
    method="blur",
    options={"cells": 3, "min_face": 12.0},
    options_sha256="4" * 64,
    version="0.1.0",
    date="2026-11-22T08:00:00+00:00",
    seconds=3.0,
)


class Page(HTMLParser):
    """A page as a browser would read it.

    Attributes:
        tags: those that begin, with their attributes.
        text: what is read.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def report(photo: Path, detector: str) -> Report:
    options = Options(detector=detector, min_face=20, threads=2, weights=photo.parent)
    return faceveil.veil_file(photo, photo.with_name("out.jpg"), options)


class TestReport:
    def test_it_names_what_anyone_can_compare(self, report: Report, photo: Path) -> None:
        assert report.sha256_in == hashlib.sha256(photo.read_bytes()).hexdigest()
        out = photo.with_name("out.jpg")
        assert report.sha256_out == hashlib.sha256(out.read_bytes()).hexdigest()
        assert report.media == Media("image", "jpeg", 512, 512, 1)
        assert report.check is not None
        assert report.check.frames == 1
        assert report.check.detectors[report.detector] == report.weights_sha256
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", report.date)

    def test_its_settings_hash_to_what_it_says_and_hold_no_path(self, report: Report) -> None:
        saved = json.loads(report.to_json())
        assert saved["options"]["min_face"] == 20
        assert not saved["options"].keys() & {"weights", "threads", "jobs"}
        assert digest(saved["options"]) == saved["options_sha256"] == report.options_sha256
        assert digest(saved["options"] | {"cells": 4}) != report.options_sha256

    def test_it_counts_faces_by_size(self, report: Report) -> None:
        (face,) = report.faces_over_time
        assert 60 < face.smallest_px == face.largest_px < 160
        assert sum(report.sizes.values()) == 1
        assert len(report.sizes) == len(SIZES)
        (at,) = (name for name, count in report.sizes.items() if count)
        low, high = map(int, at.split("-"))
        assert low <= face.largest_px < high


class TestPage:
    def test_nothing_is_run_or_fetched(self) -> None:
        html = page([(FULL, [b"\xff\xd8jpeg"])])
        seen = Page(html)
        assert not {tag for tag, _ in seen.tags} & {"script", "link", "iframe", "object", "base"}
        for _, attributes in seen.tags:
            assert not any(name.startswith("on") for name in attributes)
            for name in ("src", "href", "action"):
                assert (attributes.get(name) or "data:").startswith("data:")
        assert "url(" not in html
        assert "@import" not in html
        policy = next(given for _, given in seen.tags if "http-equiv" in given)["content"]
        assert policy is not None
        assert policy.startswith("default-src 'none'")

    def test_it_says_what_the_report_says(self) -> None:
        text = Page(page([(FULL, [])])).text
        told = [FULL.input, FULL.output, *FULL.warnings, *FULL.notes, *FULL.dropped]
        told += [digit * 64 for digit in "1234"]
        told += [
            "640 × 360",
            "12 px",
            "a face of 20 px is visible at 10,10",
            "min_face = 12.0",
            "repairs: 1",
        ]
        for words in told:
            assert words in text
        assert "+ 5: " in text

    def test_it_is_in_two_languages(self) -> None:
        name = say("page {number}", number=3)
        media = Media("document", "pdf", 640, 400, 1, parts=(DocumentPart(name, 640, 400, 3),))
        letter = replace(FULL, media=media, pages=1, faces_by_part={name: 2})
        text = Page(page([(FULL, [b"x"]), (FULL, []), (letter, [])])).text
        assert "PDF; pages: 1PDF；页数：1" in text
        assert "page 3第 3 页2" in text
        unused = {"unchecked"}
        for key, words in WORDS.items():
            assert key in unused or (words in text and translated(words, "zh") in text), key
        assert "人脸（第 7 帧）：10,10 处可见一张 20 像素的人脸" in text
        assert "GPS, subtitlesGPS、字幕" in text
        assert "抽查：12 帧，检测器：yunet；重做 1 次，新增 2 张人脸" in text
        off = replace(FULL, check=Checked("off"))
        assert translated(WORDS["unchecked"], "zh") in Page(page([(off, [])])).text

    def test_the_second_language_is_the_readers(self) -> None:
        both = (WORDS["title"], STATUS[FULL.status])
        for asked, beside in (("en", "zh"), ("zh", "zh"), ("zh-Hant", "zh-Hant")):
            html = page([(FULL, [])], asked)
            assert set(re.findall(r'<span lang="([\w-]+)">', html)) == {beside}
            assert all(translated(words, beside) in html for words in both)

    def test_names_cannot_break_out(self) -> None:
        evil = '"><script>alert(1)</script>\u202egpj.x'
        entry = replace(FULL, input=evil, output=evil, warnings=(evil,), dropped=(evil,))
        html = page([(entry, []), (entry, [])])
        assert "<script" not in html
        assert evil in Page(html).text
        assert html.count("<bdi>") == html.count("</bdi>") >= 4

    def test_many_files_are_summed_up(self) -> None:
        failed = Report("failed", "broken.jpg", warnings=("cut off",))
        skipped = Report("skipped", "notes.txt")
        given = [FULL, replace(FULL, tracks=5), failed, skipped]
        text = Page(page([(report, []) for report in given])).text
        assert "7Faces covered" in text
        assert "1No output" in text
        assert all(words in text for words in STATUS.values() if words != "done")


class TestSheet:
    def test_a_picture(self, tmp_path: Path, astronaut: Image) -> None:
        path = tmp_path / "picture.png"
        cv2.imwrite(str(path), astronaut)
        (small,) = contact_sheet(path, Options(), 5)
        shown = cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR)
        assert shown is not None
        assert shown.shape == (SIDE, SIDE, 3)
        expected = cv2.resize(astronaut, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        assert np.abs(shown.astype(int) - expected).mean() < 6

    def test_a_video(self, tmp_path: Path) -> None:
        path = film(tmp_path / "clip.mp4", [scenery(index // 10) for index in range(40)])
        sheet = contact_sheet(path, Options(), 4)
        assert len(sheet) == 4
        for index, small in enumerate(sheet):
            shown = cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR)
            assert shown is not None
            assert np.abs(shown.astype(int) - scenery(index)).mean() < 12
        assert len(contact_sheet(path, Options(), 12)) == 12

    def test_a_document_shows_its_pages(self, tmp_path: Path, astronaut: Image) -> None:
        """Not the pictures on them, which come after them."""
        with pikepdf.new() as pdf:
            for level in (250, 150, 50):
                small = cv2.resize(astronaut, (40, 40))
                named = {"I": pdfs.stored(pdf, small), "J": pdfs.stored(pdf, small[::-1].copy())}
                placed = "q 40 0 0 40 9 9 cm /I Do Q q 40 0 0 40 99 9 cm /J Do Q "
                grey = f"{level / 255:.3f} g 0 0 320 320 re f "
                pdfs.page(pdf, grey + placed, named)
            pdf.save(tmp_path / "in.pdf")
        with open_source(tmp_path / "in.pdf", Options()) as source:
            assert (source.media.pages, source.media.frames) == (3, 9)
        shown = [
            cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR)
            for small in contact_sheet(tmp_path / "in.pdf", Options(), 12)
        ]
        levels = [int(np.median(one)) for one in shown if one is not None]
        assert levels == pytest.approx([250, 150, 50], abs=3)
        assert len(contact_sheet(tmp_path / "in.pdf", Options(), 2)) == 2


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "id"
    path.parent.mkdir()
    _keygen("-q", "-t", "ed25519", "-N", "", "-C", "auditor", "-f", str(path))
    return path


def _keygen(*arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    return subprocess.run(["ssh-keygen", *arguments], input=data, capture_output=True)


def verified(path: Path, key: Path) -> bool:
    """Whether OpenSSH accepts ``x.sig`` for ``x``."""
    signers = key.with_name("allowed_signers")
    signers.write_text("auditor " + key.with_name(key.name + ".pub").read_text())
    told = ("-f", str(signers), "-I", "auditor", "-n", NAMESPACE, "-s", f"{path}.sig")
    return _keygen("-Y", "verify", *told, data=path.read_bytes()).returncode == 0


class TestSignature:
    @pytest.mark.parametrize("data", [b"", b"report\n", bytes(range(256)) * 999])
    def test_openssh_accepts_it_for_these_bytes_alone(
        self, data: bytes, key: Path, tmp_path: Path
    ) -> None:
        path = tmp_path / "report.jsonl"
        path.write_bytes(data)
        assert sign_file(path, load_key(key)) == tmp_path / "report.jsonl.sig"
        assert verified(path, key)
        path.write_bytes(data + b"!")
        assert not verified(path, key)

    def test_it_is_what_openssh_makes(self, key: Path, tmp_path: Path) -> None:
        path = tmp_path / "report"
        path.write_bytes(b"the same")
        assert _keygen("-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(path)).returncode == 0
        theirs = path.with_name("report.sig").read_text()
        assert sign_file(path, load_key(key)).read_text() == theirs

    @pytest.mark.slow
    def test_a_protected_key_asks(self, tmp_path: Path) -> None:
        key = tmp_path / "id"
        _keygen("-q", "-t", "ed25519", "-N", "horse staple", "-C", "auditor", "-f", str(key))
        path = tmp_path / "report"
        path.write_bytes(b"x")
        sign_file(path, load_key(key, lambda: "horse staple"))
        assert verified(path, key)
        with pytest.raises(UsageError, match="does not open with this passphrase"):
            load_key(key, lambda: "wrong")

    def test_what_is_no_key_is_refused(self, key: Path, tmp_path: Path) -> None:
        (tmp_path / "rubbish").write_bytes(b"rubbish")
        for name in ("rubbish", "missing", "keys/id.pub"):
            with pytest.raises(UsageError):
                load_key(tmp_path / name)
        _keygen("-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(tmp_path / "rsa"))
        with pytest.raises(UsageError, match="no Ed25519 key"):
            load_key(tmp_path / "rsa")


class TestEvidence:
    """The files that the command line saves."""

    def test_all_of_it(self, report: Report, photo: Path, key: Path) -> None:
        lines, html = photo.with_name("report.jsonl"), photo.with_name("report.html")
        with Evidence(lines, html, key, Options(), 2) as evidence:
            evidence.add(report, photo.with_name("out.jpg"))
            evidence.add(Report("failed", "broken.jpg", warnings=("cut off",)))
        saved = [json.loads(line) for line in lines.read_text().splitlines()]
        assert [one["status"] for one in saved] == ["ok", "failed"]
        assert saved[0]["regions"]["0"]
        pictures = [given for tag, given in Page(html.read_text()).tags if tag == "img"]
        assert len(pictures) == 1
        for path in (lines, html):
            assert path.stat().st_mode & 0o777 == 0o600
            assert verified(path, key)

    def test_the_page_is_in_the_language_of_the_terminal(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LC_ALL", "zh_TW.UTF-8")
        html = tmp_path / "report.html"
        with Evidence(None, html, None, Options()) as evidence:
            evidence.add(Report("failed", "broken.jpg", warnings=("cut off",)))
        assert translated(WORDS["title"], "zh-Hant") in html.read_text(encoding="utf-8")

    def test_the_pictures_are_of_the_output(self, report: Report, photo: Path) -> None:
        html = photo.with_name("report.html")
        with Evidence(None, html, None, Options()) as evidence:
            evidence.add(report, photo.with_name("out.jpg"))
        (source,) = (given["src"] for tag, given in Page(html.read_text()).tags if tag == "img")
        (expected,) = contact_sheet(photo.with_name("out.jpg"), Options(), 1)
        assert source == f"data:image/jpeg;base64,{base64.b64encode(expected).decode()}"

    def test_an_output_that_is_gone_leaves_the_report(self, tmp_path: Path) -> None:
        html = tmp_path / "report.html"
        with Evidence(None, html, None, Options()) as evidence:
            evidence.add(FULL, tmp_path / "gone.mp4")
        assert FULL.sha256_out in html.read_text()

    def test_a_run_that_breaks_off_signs_nothing(self, tmp_path: Path, key: Path) -> None:
        html = tmp_path / "report.html"

        def run() -> None:
            with Evidence(None, html, key, Options()) as evidence:
                evidence.add(FULL)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run()
        assert html.exists()
        assert not html.with_name("report.html.sig").exists()

    def test_nothing_to_sign_is_refused(self, tmp_path: Path, key: Path) -> None:
        with pytest.raises(UsageError, match="something to sign"):
            Evidence(None, None, key, Options())
        same = tmp_path / "report"
        with pytest.raises(UsageError, match="one and the same"):
            Evidence(same, same, None, Options())

    def test_an_error_in_words_names_what_cannot_be_written(self, tmp_path: Path) -> None:
        ui = UI()
        with ui.guard(), Evidence(None, tmp_path / "no" / "x.html", None, Options()):
            pass
        assert ui.exit_code == 1
