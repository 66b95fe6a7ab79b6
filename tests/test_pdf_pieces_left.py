"""Leftovers in a PDF: pictures that are named and not drawn, and rows behind a fax."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

import pdfs
from faceveil import Options
from faceveil.frames import Image
from faceveil.media.documents.remains import remains
from faceveil.pipeline import veil_file

OPTIONS = Options(second_detector="none", check="off")


def _small(picture: Image) -> Any:
    return cv2.resize(picture, (pdfs.SIDE, pdfs.SIDE), interpolation=cv2.INTER_AREA)


def _pictures(path: Path) -> int:
    with pikepdf.open(path) as pdf:
        return sum(isinstance(one, pikepdf.Stream) and "/Width" in one for one in pdf.objects)


@pytest.mark.parametrize("where", ["page", "tree", "form", "runs"])
def test_pieces_that_are_only_named_go(
    where: str, tmp_path: Path, astronaut: Image, detector: str
) -> None:
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    with pikepdf.new() as pdf:
        named, _ = pdfs.in_strips(pdf, _small(astronaut))
        if where == "form":
            inner = pdfs.form(pdf, "0 0 m", Resources=pdfs.xobjects(**named))
            pdfs.page(pdf, "/A Do", {"A": inner})
        else:
            made = pdfs.page(pdf, "", named)
            if where == "runs":
                pdfs.wrap(made.Contents, "/RunLengthDecode")
            if where == "tree":
                pdf.Root.Pages.Resources = made.Resources
                del made.Resources
        pdf.save(source)
    assert "a picture that nothing shows" in remains(source, OPTIONS)
    report = veil_file(source, target, OPTIONS)
    assert report.status == "ok"
    assert "a picture that nothing shows" in report.dropped
    assert _pictures(target) == 0
    assert remains(target, OPTIONS) == []


@pytest.mark.slow
def test_what_is_drawn_stays_however_it_is_named(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    """Through a form without resources, a name with signs, a comment, and in two pieces."""
    plain = np.full((40, 40, 3), 90, np.uint8)
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    with pikepdf.new() as pdf:
        names = ("A", "B b", "C", "D", "E", "F")
        named = {name: pdfs.stored(pdf, plain + at) for at, name in enumerate(names)}
        named["Form"] = pdfs.form(pdf, "q 9 0 0 9 0 0 cm /A Do Q")
        made = pdfs.page(pdf, "/Form Do /B#20b Do /C % words\n Do /D", named)
        made.Contents = Array([made.Contents, pdf.make_stream(b"Do/E Do")])
        pdf.save(source)
    report = veil_file(source, target, OPTIONS)
    assert report.status == "ok"
    assert _pictures(target) == 6  # F alone is looked at
    assert "a picture that nothing shows" not in report.dropped


@pytest.mark.slow
@pytest.mark.parametrize("said", [60, None])
def test_rows_behind_a_fax_go(
    said: int | None, tmp_path: Path, astronaut: Image, detector: str
) -> None:
    """It is said to end above the face, or not at all but by the picture's height."""
    rows = np.vstack([np.full((40, pdfs.SIDE, 3), 255, np.uint8), _small(astronaut)])
    rows[:20, ::7] = 0
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    with pikepdf.new() as pdf:
        one = pdfs.stored(pdf, rows, "fax", Height=60)
        if said is None:
            del one.DecodeParms["/Rows"]
        else:
            one.DecodeParms.Rows = said
        pdfs.page(pdf, pdfs.PLACED, {"I": one})
        before = len(one.read_raw_bytes())
        pdf.save(source)
    report = veil_file(source, target, OPTIONS)
    assert report.status == "ok"
    assert "rows of a picture that nothing shows" in report.dropped
    with pikepdf.open(target) as pdf:
        made: Any = pdf.pages[0].obj.Resources.XObject.I
        assert len(made.read_raw_bytes()) < before / 10
        shown = np.asarray(pikepdf.PdfImage(made).as_pil_image().convert("L"))
    with pikepdf.open(source) as pdf:
        given: Any = pdf.pages[0].obj.Resources.XObject.I
        held = np.asarray(pikepdf.PdfImage(given).as_pil_image().convert("L"))
    assert np.array_equal(shown, held[:60])


@pytest.mark.slow
@pytest.mark.parametrize("margin", [0, 200])
def test_a_sound_fax_stays_as_it_is(
    margin: int, tmp_path: Path, astronaut: Image, detector: str
) -> None:
    rows = np.vstack([_small(astronaut)[-100:], np.full((margin, pdfs.SIDE, 3), 255, np.uint8)])
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    with pikepdf.new() as pdf:
        pdfs.page(pdf, pdfs.PLACED, {"I": pdfs.stored(pdf, rows, "fax")})
        pdf.save(source)
    report = veil_file(source, target, OPTIONS)
    assert report.status == "ok"
    assert not report.dropped
    with pikepdf.open(source) as first, pikepdf.open(target) as second:
        data = [one.pages[0].obj.Resources.XObject.I.read_raw_bytes() for one in (first, second)]
    assert data[0] == data[1]


def test_a_second_file_of_an_attachment_is_named(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    with pikepdf.new() as pdf:
        made = pdfs.page(pdf, "")
        plain = np.full((40, 40, 3), 90, np.uint8)
        first, second = (
            pdf.make_stream(cv2.imencode(".jpg", one)[1].tobytes(), Type=Name.EmbeddedFile)
            for one in (plain, _small(astronaut))
        )
        files = Dictionary(F=second, UF=first)
        said = Dictionary(Type=Name.Filespec, F=String("a.jpg"), UF=String("a.jpg"), EF=files)
        made["/AF"] = Array([pdf.make_indirect(said)])
        pdf.save(source)
    report = veil_file(source, target, OPTIONS)
    assert report.status == "partial"
    assert report.warnings == ("1 attached files are left out",)
