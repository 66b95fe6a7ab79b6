"""Files attached to a PDF: worked on as files of their own, or left out."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, String

import pdfs
from faceveil import Options, WithheldError
from faceveil.check import check_file
from faceveil.frames import Image
from faceveil.media.documents.remains import remains
from faceveil.pipeline import veil_file
from offices import document
from tiers import daily


def specification(pdf: Pdf, name: str, data: bytes) -> Any:
    stream = pdf.make_stream(data)
    stream.Type, stream.Subtype = Name.EmbeddedFile, Name("/application/octet-stream")
    stream.Params = Dictionary(Size=len(data), ModDate=String("D:20200202 planted"))
    made = Dictionary(Type=Name.Filespec, F=String(name), UF=String(name), EF=Dictionary(F=stream))
    made.Desc = String("planted")
    return pdf.make_indirect(made)


def listed(pdf: Pdf, files: dict[str, bytes]) -> None:
    """In the document's own list, which has two leaves."""
    leaves = []
    for name, data in files.items():
        leaf = Dictionary(Names=Array([String(name), specification(pdf, name, data)]))
        leaf.Limits = Array([String(name), String(name)])
        leaves.append(pdf.make_indirect(leaf))
    pdf.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Kids=Array(leaves)))


def pinned(pdf: Pdf, files: dict[str, bytes]) -> None:
    """On a page, each as a paper clip."""
    pins = [
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.FileAttachment,
            Rect=Array([10 + 30 * at, 10, 30 + 30 * at, 30]),
            FS=specification(pdf, name, data),
        )
        for at, (name, data) in enumerate(files.items())
    ]
    pdf.pages[0].obj.Annots = Array([pdf.make_indirect(pin) for pin in pins])


def portfolio(pdf: Pdf, files: dict[str, bytes]) -> None:
    """A folder that looks like a PDF."""
    listed(pdf, files)
    pdf.Root.Collection = Dictionary(Type=Name.Collection, View=Name.T, D=String("photo.jpg"))
    for one in pdf.objects:
        if isinstance(one, Dictionary) and "/EF" in one:
            one.CI = Dictionary(Who=String("planted"))
            one.Thumb = pdfs.stored(pdf, np.zeros((8, 8, 3), np.uint8))


def associated(pdf: Pdf, files: dict[str, bytes]) -> None:
    """Beside a page, as invoices have them, and nowhere else."""
    pdf.pages[0].obj.AF = Array([specification(pdf, *item) for item in files.items()])


def attached(path: Path) -> dict[str, bytes]:
    """All files that a PDF has attached, wherever."""
    with pikepdf.open(path) as pdf:
        return {
            str(one.UF): one.EF.F.read_bytes()
            for one in pdf.objects
            if isinstance(one, Dictionary) and "/EF" in one
        }


def composed(way: Callable[[Pdf, dict[str, bytes]], None], files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with pikepdf.new() as pdf:
        pdfs.page(pdf, "")
        way(pdf, files)
        pdf.save(buffer)
    return buffer.getvalue()


@pytest.fixture
def photo_bytes(astronaut: Image) -> bytes:
    small = cv2.resize(astronaut, (320, 320), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small)[1].tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("way", daily([listed, pinned, portfolio, associated], listed))
def test_attached_files_are_files_of_their_own(
    way: Any, photo_bytes: bytes, astronaut: Image, tmp_path: Path, detector: str
) -> None:
    document("docx", {"word/media/a.jpg": photo_bytes}, tmp_path / "letter.docx")
    pdfs.composed("whole_page", astronaut, tmp_path / "page.pdf")
    given = {
        "photo.jpg": photo_bytes,
        "letter.docx": (tmp_path / "letter.docx").read_bytes(),
        "page.pdf": (tmp_path / "page.pdf").read_bytes(),
        "notes.txt": b"planted " * 20,
    }
    (tmp_path / "in.pdf").write_bytes(composed(way, given))
    assert sum(one.kind == "face" for one in check_file(tmp_path / "in.pdf", Options())) == 3
    report = veil_file(tmp_path / "in.pdf", tmp_path / "out.pdf")
    assert (report.tracks, report.status) == (3, "partial")
    assert report.warnings == ("1 attached files are left out",)
    found = attached(tmp_path / "out.pdf")
    assert found.keys() == given.keys() - {"notes.txt"}
    for name, data in found.items():
        assert data != given[name]
        (tmp_path / f"out-{name}").write_bytes(data)
        assert check_file(tmp_path / f"out-{name}", Options()) == []
    assert check_file(tmp_path / "out.pdf", Options()) == []
    assert remains(tmp_path / "out.pdf", Options()) == []
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        assert set(pdf.attachments) == (set() if way is pinned else {f"{n:06}" for n in range(3)})
        pdf.save(tmp_path / "plain.pdf", stream_decode_level=pikepdf.StreamDecodeLevel.all)
        assert "/Collection" not in pdf.Root
    plain = (tmp_path / "plain.pdf").read_bytes()
    assert b"planted" not in plain
    assert b"FaceVeil" not in plain


def test_a_file_that_is_attached_twice_is_worked_on_once(
    photo_bytes: bytes, tmp_path: Path, detector: str
) -> None:
    data = composed(listed, {"a.jpg": photo_bytes, "b.jpg": photo_bytes})
    (tmp_path / "in.pdf").write_bytes(data)
    assert veil_file(tmp_path / "in.pdf", tmp_path / "out.pdf").tracks == 1
    found = attached(tmp_path / "out.pdf")
    assert found["a.jpg"] == found["b.jpg"] != photo_bytes


def test_one_that_cannot_be_read_is_left_out(
    photo_bytes: bytes, tmp_path: Path, detector: str
) -> None:
    cut = photo_bytes[: len(photo_bytes) // 2]
    (tmp_path / "in.pdf").write_bytes(composed(listed, {"cut.pdf": b"%PDF-1.4\n" + bytes(99)}))
    report = veil_file(tmp_path / "in.pdf", tmp_path / "out.pdf")
    assert report.status == "partial"
    assert report.warnings[0].startswith("cut.pdf: it is left out: ")
    assert attached(tmp_path / "out.pdf") == {}
    (tmp_path / "in.pdf").write_bytes(composed(pinned, {"cut.jpg": cut}))
    report = veil_file(tmp_path / "in.pdf", tmp_path / "out.pdf")
    assert report.status == "partial"
    assert cut not in (tmp_path / "out.pdf").read_bytes()


@pytest.mark.slow
def test_those_in_attached_files_are_too_but_not_without_end(
    photo_bytes: bytes, tmp_path: Path, detector: str
) -> None:
    data = composed(listed, {"photo.jpg": photo_bytes})
    for _ in range(6):
        data = composed(listed, {"inner.pdf": data})
    (tmp_path / "in.pdf").write_bytes(data)
    report = veil_file(tmp_path / "in.pdf", tmp_path / "out.pdf")
    assert report.status == "partial"
    assert "too deep" in report.warnings[0]
    path, depth = tmp_path / "out.pdf", 0
    while found := attached(path):
        path.write_bytes(found.popitem()[1])
        depth += 1
    assert depth == 5


def test_one_that_does_not_pass_withholds_the_document(
    photo_bytes: bytes, tmp_path: Path, detector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in.pdf").write_bytes(composed(listed, {"photo.jpg": photo_bytes}))
    monkeypatch.setattr("faceveil.pipeline.Painter.paint", lambda *_: [])
    with pytest.raises(WithheldError, match=r"photo\.jpg: the check found"):
        veil_file(tmp_path / "in.pdf", tmp_path / "out.pdf")
    assert [path.name for path in tmp_path.iterdir()] == ["in.pdf"]
