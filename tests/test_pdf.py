"""PDFs: a face in every place that a PDF has, and what is refused in words."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
import pypdfium2
import pytest
from numpy.typing import NDArray
from pikepdf import Array, Dictionary, Name, String

import pdfs
from faceveil import FaceVeilError, LimitError, Options, UnreadableError, UnsupportedError
from faceveil.check import check_file
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.media.documents.remains import remains
from faceveil.media.leftovers import leftovers
from faceveil.pipeline import analyze_file, render_file, veil_file
from faceveil.plan import Track
from faceveil.report import Report
from tiers import daily

FLAT = {"drawn_pixel_by_pixel", "bitmap_letter", "drawn_in_a_hidden_layer"}
"""Places that are no picture: their page becomes one."""
CODED_ANEW = {"coded_cmyk"}
"""Inks in a JPEG, which becomes one of red, green and blue."""
ROUNDING, ROOM = 2, 48
"""Levels by which two renderings may differ, and pixels of a page that a JPEG's block may have."""
GONE = {"thumbnail", "private_data", "no_subtype", "rows_behind_the_last"} | {
    "runs_behind_the_last",
    "deleted_page_with_a_bookmark",
}
"""Places that are not looked at, because the output has none."""
INVISIBLE = (
    GONE
    | {"clipped", "alternate", "unused_name", "hidden_by_a_mask", "attachment"}
    | {
        "hidden_annotation_in_strips",
        "hidden_layer_in_strips",
        "shared_under_two_crops",
        "drawn_in_a_hidden_layer",
    }
)
"""Places whose face the first page does not show."""

DAILY = (
    *("whole_page", "turned_page", "annotation", "pattern", "strips"),
    *("inline_on_a_page", "clipped", "attachment", "thumbnail", "unused_name", "coded_jpx"),
    *("drawn_in_a_hidden_layer", "deleted_page_with_a_bookmark"),
)
"""Places that are tried every time: one of each kind."""


@pytest.fixture
def veiled(
    request: Any, tmp_path: Path, astronaut: Image, detector: str
) -> tuple[str, Path, Path, Report]:
    name: str = request.param
    source = pdfs.composed(name, astronaut, tmp_path / "in.pdf")
    report = veil_file(source, tmp_path / "out.pdf")
    return name, source, tmp_path / "out.pdf", report


def pages(path: Path, scale: float = 150 / 72, password: str = "") -> list[Image]:
    with pypdfium2.PdfDocument(path, password) as document:
        shown = []
        for page in document:
            shown.append(page.render(scale=scale).to_numpy()[..., :3].copy())
            page.close()
        return shown


def words(path: Path) -> list[str]:
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_bounded().strip() for page in document]


def near_the_paint(report: Report, number: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The part of a page that may have changed: paint, and a block of a JPEG around it."""
    assert report.media is not None
    near = np.zeros(shape, bool)
    for index, boxes in report.regions.items():
        part = report.media.parts[index]
        if part.page == number and not part.picture:
            for box in boxes:
                x0, y0, x1, y1 = box.transformed(shape[1] / part.width).as_tuple()
                left, top = (max(0, round(side) - ROOM) for side in (x0, y0))
                near[top : round(y1) + ROOM, left : round(x1) + ROOM] = True
    return near


def streams(path: Path) -> dict[str, bytes]:
    """The raw bytes of every picture, by their hash."""
    with pikepdf.open(path) as pdf:
        found = [
            one.read_raw_bytes()
            for one in pdf.objects
            if isinstance(one, pikepdf.Stream) and one.get("/Width") is not None
        ]
    return {hashlib.sha256(data).hexdigest(): data for data in found}


@pytest.mark.slow
@pytest.mark.parametrize("veiled", daily(pdfs.PLACES, *DAILY), indirect=True, ids=str)
def test_no_place_keeps_a_face(veiled: tuple[str, Path, Path, Report]) -> None:
    name, source, out, report = veiled
    flat, doubts = name in FLAT, [one for one in report.findings if one.kind == "doubt"]
    assert report.status == ("partial" if flat or doubts else "ok"), report.warnings
    assert bool(report.tracks) == (name not in GONE)
    assert [one.words for one in check_file(out, Options()) if one.kind == "face"] == []
    assert remains(out, Options()) == []
    if "strips" in name or "tiles" in name:  # those beside the face stay as they were
        assert 0 < len(streams(source).keys() & streams(out).keys()) < len(streams(source)) - 4
    else:
        small = {key for key, data in streams(source).items() if len(data) < 5000}
        kept = (streams(source).keys() & streams(out).keys()) - small
        assert not kept or name in ("soft_mask", "alternate")
    before, after = pages(source), pages(out)
    assert [one.shape for one in before] == [one.shape for one in after]
    for number, (old, new) in enumerate(zip(before, after, strict=True), 1):
        apart = np.abs(old.astype(int) - new).max(axis=2)
        far = apart[~near_the_paint(report, number, apart.shape)]
        assert far.max() <= ROUNDING or (name in CODED_ANEW and far.mean() < ROUNDING), name
    assert words(out) == ([""] if flat else words(source))
    changed = np.abs(before[0].astype(int) - after[0]).max(axis=2) > 8
    assert (changed.mean() < 0.001) == (name in INVISIBLE)
    assert changed.mean() < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("veiled", ["whole_page", "strips", "form_in_form"], indirect=True, ids=str)
def test_what_is_not_painted_looks_as_before(veiled: tuple[str, Path, Path, Report]) -> None:
    _, source, out, report = veiled
    (before,), (after,) = pages(source), pages(out)
    apart = np.abs(before.astype(int) - after).max(axis=2) > 2
    rows, columns = np.nonzero(apart)
    # The head and its margins, and a block of a JPEG around them.
    height, width = apart.shape
    assert rows.max() - rows.min() < 0.45 * height
    assert columns.max() - columns.min() < 0.4 * width
    face = after[int(0.16 * height) : int(0.34 * height), int(0.36 * width) : int(0.5 * width)]
    assert np.abs(np.diff(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY).astype(int), axis=1)).max() < 12
    assert report.status == "ok"


@pytest.mark.slow
def test_without_a_face_only_the_metadata_goes(tmp_path: Path, detector: str) -> None:
    with pikepdf.new() as pdf:
        slope = np.mgrid[:90, :120].transpose(1, 2, 0)[..., [0, 1, 0]].astype(np.uint8)
        for coding in ("jpeg", "indexed", "grey16", "cmyk"):
            pdfs.page(pdf, pdfs.PLACED, {"I": pdfs.stored(pdf, slope, coding)})
        pdf.docinfo["/Author"] = "planted token"
        with pdf.open_metadata() as xmp:
            xmp["dc:creator"] = ["planted token"]
        pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.alert('planted token')"))
        pdf.save(tmp_path / "in.pdf")
    report = veil_file(tmp_path / "in.pdf", tmp_path / "out.pdf")
    assert (report.status, report.tracks) == ("ok", 0)
    assert {"XMP", "document information", "JavaScript"} <= set(report.dropped)
    assert streams(tmp_path / "in.pdf").keys() == streams(tmp_path / "out.pdf").keys()
    assert b"planted" not in unpacked(tmp_path / "out.pdf")
    for before, after in zip(pages(tmp_path / "in.pdf"), pages(tmp_path / "out.pdf"), strict=True):
        assert np.array_equal(before, after)


def unpacked(path: Path) -> bytes:
    """All of a PDF, its streams undone."""
    buffer = io.BytesIO()
    with pikepdf.open(path) as pdf:
        pdf.save(buffer, qdf=True, stream_decode_level=pikepdf.StreamDecodeLevel.generalized)
    return buffer.getvalue()


@pytest.mark.parametrize("around", daily([None, "a predictor", *pdfs.AROUND], every=3))
def test_metadata_in_a_picture_goes_and_its_pixels_stay(
    around: str | None, tmp_path: Path, astronaut: Image, detector: str
) -> None:
    import piexif

    data = cv2.imencode(".jpg", astronaut[200:, 300:])[1].tobytes()
    small = cv2.imencode(".jpg", cv2.resize(astronaut, (128, 128)))[1].tobytes()
    exif = piexif.dump({"GPS": {1: b"N"}, "0th": {305: b"planted"}, "thumbnail": small, "1st": {}})
    buffer = io.BytesIO()
    piexif.insert(exif, data, buffer)
    with pikepdf.new() as pdf:
        stream = pdfs.stored(pdf, astronaut[200:, 300:], "jpeg")
        stream.write(buffer.getvalue(), filter=Name.DCTDecode)
        if around == "a predictor":
            pdfs.predict(stream)
        elif around is not None:
            pdfs.wrap(stream, around)
        pdfs.page(pdf, pdfs.PLACED, {"I": stream})
        pdf.save(tmp_path / "in.pdf")
    assert "GPS" in remains(tmp_path / "in.pdf", Options())
    report = veil_file(tmp_path / "in.pdf", tmp_path / "out.pdf")
    assert "GPS" in report.dropped
    (kept,) = streams(tmp_path / "out.pdf").values()
    assert b"planted" not in kept
    assert leftovers(kept) == []
    before, after = (cv2.imdecode(np.frombuffer(one, np.uint8), 1) for one in (data, kept))
    assert before is not None
    assert after is not None
    assert np.array_equal(before, after)


def test_earlier_revisions_go(tmp_path: Path, astronaut: Image, detector: str) -> None:
    """The new revision takes the picture off the page; its bytes are still in the file."""
    source = pdfs.composed("whole_page", astronaut, tmp_path / "in.pdf")
    data = source.read_bytes()
    with pikepdf.open(source) as pdf:
        contents, count = pdf.pages[0].obj.Contents.objgen[0], len(pdf.objects) + 1
    at = len(data)
    update = f"{contents} 0 obj\n<</Length 0>>\nstream\n\nendstream\nendobj\n"
    table = f"xref\n{contents} 1\n{at:010} 00000 n \ntrailer\n<</Size {count} /Root 1 0 R /Prev "
    where = int(data.rsplit(b"startxref", 1)[1].split()[0])
    data += f"{update}{table}{where}>>\nstartxref\n{at + len(update)}\n%%EOF\n".encode()
    source.write_bytes(data)
    assert remains(source, Options()) != []
    report = veil_file(source, tmp_path / "out.pdf")
    assert report.status == "ok"
    assert remains(tmp_path / "out.pdf", Options()) == []
    with pytest.raises(StopIteration):  # and the picture that the old page showed is covered
        next(key for key in streams(source) if key in streams(tmp_path / "out.pdf"))


@pytest.mark.parametrize("mode", ["generate", "disable"])
def test_object_streams_and_broken_tables(
    mode: str, tmp_path: Path, astronaut: Image, detector: str
) -> None:
    source = pdfs.composed("whole_page", astronaut, tmp_path / "in.pdf")
    with pikepdf.open(source, allow_overwriting_input=True) as pdf:
        pdf.save(source, object_stream_mode=getattr(pikepdf.ObjectStreamMode, mode))
    data = source.read_bytes()
    where = data.rindex(b"startxref")
    source.write_bytes(b"\nsome mail header\n" + data[:where] + b"startxref\n7\n%%EOF\n")
    report = veil_file(source, tmp_path / "out.pdf")
    assert report.tracks == 1
    assert report.warnings == ("the PDF was damaged and has been repaired",)
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        assert pdf.get_warnings() == []


def test_a_password_opens_and_locks_again(tmp_path: Path, astronaut: Image, detector: str) -> None:
    source = pdfs.composed("whole_page", astronaut, tmp_path / "in.pdf")
    pdfs.lock(source, "sesame")
    with pytest.raises(UnsupportedError, match="is encrypted") as caught:
        veil_file(source, tmp_path / "out.pdf")
    assert "--password" in caught.value.advice
    with pytest.raises(UnsupportedError, match="password is wrong"):
        veil_file(source, tmp_path / "out.pdf", Options(password="simsim"))
    report = veil_file(source, tmp_path / "out.pdf", Options(password="sesame"))
    assert report.tracks == 1
    assert "sesame" not in report.to_json() + repr(Options(password="sesame"))
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(tmp_path / "out.pdf")
    assert len(pages(tmp_path / "out.pdf", password="sesame")) == 1


def test_signatures_are_invalidated_on_request_only(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    source = pdfs.composed("whole_page", astronaut, tmp_path / "in.pdf")
    pdfs.sign(source)
    with pytest.raises(UnsupportedError, match="is signed"):
        veil_file(source, tmp_path / "out.pdf")
    report = veil_file(source, tmp_path / "out.pdf", Options(invalidate_signatures=True))
    assert report.status == "partial"
    assert any("signatures" in warning for warning in report.warnings)
    assert b"planted" not in unpacked(tmp_path / "out.pdf")


def _xfa(pdf: pikepdf.Pdf) -> None:
    template = pdf.make_stream(
        b"<template><draw><value><image contentType='image/png'>AAAA</image>"
    )
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=template)


def _moving(pdf: pikepdf.Pdf) -> None:
    model = Dictionary(Type=Name.Annot, Subtype=Name("/3D"), Rect=Array([0, 0, 9, 9]))
    pdf.pages[0].obj.Annots = Array([pdf.make_indirect(model)])


def _elsewhere(pdf: pikepdf.Pdf) -> None:
    other = pdfs.stored(pdf, np.zeros((9, 9, 3), np.uint8))
    other["/F"] = String("photo.raw")
    pdf.pages[0].obj.Resources.XObject.J = other


def _bomb(pdf: pikepdf.Pdf) -> None:
    content = pdf.make_stream(zlib.compress(zlib.compress(bytes(1 << 28), 9), 9))
    content.Filter = Array([Name.FlateDecode, Name.FlateDecode])
    pdf.pages[0].obj.Contents = content


def _thin_bomb(pdf: pikepdf.Pdf) -> None:
    """A small picture with very much behind its last row."""
    picture = pdf.pages[0].obj.Resources.XObject.I
    picture.write(zlib.compress(bytes(1 << 28), 9), filter=Name.FlateDecode)


def _bomb_in_letters(pdf: pikepdf.Pdf) -> None:
    _thin_bomb(pdf)
    picture: Any = pdf.pages[0].obj.Resources.XObject.I
    pdfs.wrap(picture, "/ASCII85Decode")


def _bomb_of_runs(pdf: pikepdf.Pdf) -> None:
    """Each run alone is a small one, and they are compressed."""
    long = pdf.make_stream(zlib.compress(b"\x81\0" * (1 << 20) + b"\x80", 9))
    long.Filter = Array([Name.FlateDecode, Name.RunLengthDecode])
    pdf.pages[0].obj.Resources.Long = long


def _lzw_bomb(pdf: pikepdf.Pdf) -> None:
    """A table of ever longer runs of the same byte, several times over."""
    bits = ""
    for width in (9, 12, 12):
        bits += f"{256:0{width}b}"
        for code in (0, *range(258, 4094)):
            size = code if code else 257
            bits += format(code, f"0{max(9, (size + 1).bit_length())}b")
    data = int(bits.ljust(-len(bits) // 8 * -8, "0"), 2).to_bytes(-(-len(bits) // 8))
    pdf.pages[0].obj.Resources.Long = pdf.make_stream(data)
    pdf.pages[0].obj.Resources.Long.Filter = Name.LZWDecode


def _many_pages(pdf: pikepdf.Pdf) -> None:
    for _ in range(30):
        pdf.pages.append(pdf.pages[0])


def _wide(pdf: pikepdf.Pdf) -> None:
    picture = pdf.pages[0].obj.Resources.XObject.I
    picture.write(zlib.compress(bytes(99)), filter=Name.FlateDecode)  # a JPEG has its own size
    picture.Width = 1_000_000


def _calls(pdf: pikepdf.Pdf) -> None:
    """Forms that draw each other, a thousand million times."""
    inner = pdfs.form(pdf, "0 0 m 9 9 l S")
    for _ in range(9):
        inner = pdfs.form(pdf, "/A Do " * 10, Resources=pdfs.xobjects(A=inner))
    pdf.pages[0].obj.Resources.XObject.B = inner
    pdf.pages[0].obj.Contents = pdf.make_stream(b"/B Do")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "error", "told"),
    [
        (_xfa, UnsupportedError, "XFA"),
        (_moving, UnsupportedError, "a film, a sound or a model"),
        (_elsewhere, UnsupportedError, "another file"),
        pytest.param(_bomb, LimitError, "unpacks to far more", marks=pytest.mark.long),
        (_thin_bomb, LimitError, "unpacks to far more"),
        (_lzw_bomb, LimitError, "unpacks to far more"),
        pytest.param(_bomb_in_letters, LimitError, "unpacks to far more", marks=pytest.mark.long),
        (_bomb_of_runs, LimitError, "unpacks to far more"),
        (_many_pages, LimitError, "31 pages"),
        (_wide, LimitError, "too large"),
        (_calls, LimitError, "draws too much"),
    ],
)
def test_refused_in_words(
    spoil: Any, error: type[FaceVeilError], told: str, tmp_path: Path, astronaut: Image
) -> None:
    source = pdfs.composed("whole_page", astronaut, tmp_path / "in.pdf")
    with pikepdf.open(source, allow_overwriting_input=True) as pdf:
        spoil(pdf)
        pdf.save(source, compress_streams=False)
    with pytest.raises(error, match=told):
        veil_file(source, tmp_path / "out.pdf", Options(max_pages=30))
    assert [path.name for path in tmp_path.iterdir()] == ["in.pdf"]


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7\n", b"%PDF-1.4\n" + bytes(999), b"%PDF-1.4 trailer<<>>"]
)
def test_broken_beyond_repair(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "in.pdf").write_bytes(data)
    with pytest.raises(UnreadableError, match="PDF is broken"):
        veil_file(tmp_path / "in.pdf", tmp_path / "out.pdf")


@pytest.mark.slow
def test_a_picture_that_cannot_be_decoded_is_covered(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    source = pdfs.composed("two_on_a_page", astronaut, tmp_path / "in.pdf")
    with pikepdf.open(source, allow_overwriting_input=True) as pdf:
        picture = pdf.pages[0].obj.Resources.XObject.J
        picture.write(b"nothing that anybody knows" * 99, filter=Name.JPXDecode)
        pdf.save(source)
    report = veil_file(source, tmp_path / "out.pdf")
    assert report.warnings == ("a picture that cannot be decoded is covered whole",)
    assert b"nothing that anybody" not in unpacked(tmp_path / "out.pdf")


def test_a_person_covers_words(tmp_path: Path, astronaut: Image, detector: str) -> None:
    """A box that is drawn on text covers it, and the text is no longer there."""
    source = pdfs.composed("unused_name", astronaut, tmp_path / "in.pdf")
    plan = analyze_file(source)
    assert [part.name for part in plan.media.parts] == ["page 1", "page 1, picture 1"]
    assert {index for track in plan.tracks for index in track.boxes} == {1}
    drawn = Track(99, {0: Box(10, 10, 300, 60)}, origin="manual")
    report = render_file(source, replace(plan, tracks=(*plan.tracks, drawn)), tmp_path / "out.pdf")
    assert report.status == "partial"
    assert words(tmp_path / "out.pdf") == [""]
    assert "stay" not in unpacked(tmp_path / "out.pdf").decode("latin-1")


@pytest.mark.long
def test_pdfs_of_others(data: Path, tmp_path: Path, detector: str) -> None:
    """Each is done or refused in words, and what is written opens again."""
    found = sorted((data / "documents").glob("*.pdf"))
    assert found
    for path in found:
        try:
            report = veil_file(path, tmp_path / path.name)
        except FaceVeilError:
            continue
        assert [one.shape for one in pages(path, 0.5)] == [
            one.shape for one in pages(tmp_path / report.output, 0.5)
        ], path.name
        for before, after in zip(words(path), words(tmp_path / report.output), strict=True):
            lost = Counter(before.split()) - Counter(after.split())
            assert not Counter(after.split()) - Counter(before.split()), path.name
            assert not lost or report.tracks, path.name  # recognized text goes where paint lies
