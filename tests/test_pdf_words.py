"""Text that was recognized in a scan: it goes where the scan is covered, and stays elsewhere."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
import pypdfium2
import pytest
from pikepdf import Dictionary, Name

import pdfs
from faceveil import Options
from faceveil.check import check_file
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.pipeline import analyze_file, render_file, veil_file
from faceveil.plan import Track
from tiers import daily

ON, BELOW = "120 220 Td (planted) Tj", "30 40 Td (Name below) Tj"
"""Words on the astronaut's face, and under her photo."""
HIDDEN = "/F 12 Tf 3 Tr 12 TL "
UNDER = f"BT {HIDDEN} {BELOW} ET "
WAYS = {
    "each in a block": f"BT {HIDDEN} {ON} ET {UNDER}",
    "one after the other": f"BT {HIDDEN} {ON} -90 -180 Td (Name below) Tj ET",
    "in pieces": f"BT {HIDDEN} 120 220 Td [(pl) -20 (anted) 9 ()] TJ ET {UNDER}",
    "on the next line": f"BT {HIDDEN} 120 232 Td (planted) ' ET {UNDER}",
    "with spaces": f'BT {HIDDEN} 120 232 Td 1 0 (planted) " ET {UNDER}',
    "turned": f"BT {HIDDEN} 0 1 -1 0 150 200 Tm (planted) Tj ET {UNDER}",
    "read aloud": f"/Span <</ActualText (planted)>> BDC BT {HIDDEN} {ON} ET EMC {UNDER}",
    "without a font": f"BT 3 Tr (nothing) Tj ET BT {HIDDEN} {ON} ET",
}


def words(path: Path) -> str:
    with pypdfium2.PdfDocument(path) as document:
        return "".join(page.get_textpage().get_text_bounded() for page in document)


def unpacked(path: Path) -> bytes:
    with pikepdf.open(path) as pdf:
        plain = path.with_name("plain.pdf")
        pdf.save(plain, stream_decode_level=pikepdf.StreamDecodeLevel.all)
    return plain.read_bytes()


def shown(path: Path) -> Any:
    with pypdfium2.PdfDocument(path) as document:
        return document[0].render(scale=2).to_numpy()[..., :3].astype(int)


def scan(path: Path, picture: Image, before: str, after: str, **forms: str) -> Path:
    """A scanned page with text before and after it."""
    small = cv2.resize(picture, (320, 320), interpolation=cv2.INTER_AREA)
    with pikepdf.new() as pdf:
        image = pdfs.stored(pdf, small, "jpeg")
        made = pdfs.page(pdf, f"{before} {pdfs.PLACED} {after}", {"I": image})
        for name, content in forms.items():
            fonts = Dictionary(Font=made.Resources.Font)
            made.Resources.XObject[f"/{name}"] = pdfs.form(pdf, content, Resources=fonts)
        pdf.save(path)
    return path


def require_gone(source: Path, out: Path, report: Any, *, stays: bool = True) -> None:
    assert report.status == "ok"
    assert "page 1: recognized text is taken out where it is covered" in report.notes
    assert "planted" in words(source)
    assert "planted" not in words(out)
    assert b"planted" not in unpacked(out)
    assert "Words that stay" in words(out)
    assert ("Name below" in words(out)) == stays
    assert np.abs(shown(source) - shown(out)).max(axis=2)[360:].max() <= 2
    assert check_file(out, Options()) == []


@pytest.mark.parametrize("way", daily(WAYS, every=4))
def test_it_goes_where_a_face_is_covered(
    way: str, astronaut: Image, tmp_path: Path, detector: str
) -> None:
    source = scan(tmp_path / "in.pdf", astronaut, "", WAYS[way])
    report = veil_file(source, tmp_path / "out.pdf")
    require_gone(source, tmp_path / "out.pdf", report, stays=way != "without a font")


def test_text_under_the_picture_is_unseen_too(
    astronaut: Image, tmp_path: Path, detector: str
) -> None:
    before = f"BT /F 12 Tf {ON} ET BT /F 12 Tf {BELOW} ET"
    source = scan(tmp_path / "in.pdf", astronaut, before, "")
    require_gone(source, tmp_path / "out.pdf", veil_file(source, tmp_path / "out.pdf"))


@pytest.mark.slow
def test_text_that_shows_through_a_picture_stays(
    astronaut: Image, tmp_path: Path, detector: str
) -> None:
    small = cv2.resize(astronaut, (320, 320), interpolation=cv2.INTER_AREA)
    with pikepdf.new() as pdf:
        mask = pdfs.stored(pdf, small)
        mask.write(zlib.compress(np.full((320, 320), 200, np.uint8).tobytes()))
        mask.Filter, mask.ColorSpace = Name.FlateDecode, Name.DeviceGray
        image = pdfs.stored(pdf, small, SMask=mask)
        pdfs.page(pdf, f"BT /F 12 Tf {ON} ET {pdfs.PLACED}", {"I": image})
        pdf.save(tmp_path / "in.pdf")
    report = veil_file(tmp_path / "in.pdf", tmp_path / "out.pdf")
    assert report.tracks
    assert not any("recognized text" in note for note in report.notes)
    assert "planted" in words(tmp_path / "out.pdf")


def test_it_may_be_in_a_form(astronaut: Image, tmp_path: Path, detector: str) -> None:
    text = f"BT 3 Tr /F 12 Tf {ON} ET BT 3 Tr /F 12 Tf {BELOW} ET"
    shifted = text.replace("120 220", "60 110").replace("30 40", "15 20").replace("12 Tf", "6 Tf")
    source = scan(tmp_path / "in.pdf", astronaut, "", "q 2 0 0 2 0 0 cm /T Do Q", T=shifted)
    require_gone(source, tmp_path / "out.pdf", veil_file(source, tmp_path / "out.pdf"))


def test_it_goes_where_a_person_draws_a_box(
    astronaut: Image, tmp_path: Path, detector: str
) -> None:
    """A name in a scan is covered by hand: it cannot be selected any more."""
    text = f"BT 3 Tr /F 12 Tf 0 0 Td {BELOW.replace('Name below', 'planted')} ET"
    source = scan(tmp_path / "in.pdf", astronaut, "", text)
    plan = analyze_file(source)
    assert "planted" in words(source)
    veil_file(source, tmp_path / "kept.pdf", plan=plan)
    assert "planted" in words(tmp_path / "kept.pdf")
    # In the picture's pixels: 40 points above the lower edge of the page, 25 above its own.
    drawn = Track(99, {0: Box(5, 275, 120, 300)}, origin="manual")
    render_file(source, replace(plan, tracks=(*plan.tracks, drawn)), tmp_path / "out.pdf")
    assert "planted" not in words(tmp_path / "out.pdf")
    assert b"planted" not in unpacked(tmp_path / "out.pdf")
    assert "Words that stay" in words(tmp_path / "out.pdf")


def test_visible_words_beside_a_face_stay(astronaut: Image, tmp_path: Path, detector: str) -> None:
    source = scan(
        tmp_path / "in.pdf", astronaut, "", "BT 1 1 1 rg /F 6 Tf 200 220 Td (A caption) Tj ET"
    )
    report = veil_file(source, tmp_path / "out.pdf")
    assert report.notes == ()
    assert words(source) == words(tmp_path / "out.pdf")
