"""Places of a PDF that are for something else, in which a face or a name may hide."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, String

import pdfs
from faceveil import Options, UnsupportedError
from faceveil.check import check_file
from faceveil.frames import Image
from faceveil.media import open_source
from faceveil.media.documents import pdf_coded
from faceveil.media.documents.remains import remains
from faceveil.pipeline import veil_file
from test_pdf import unpacked
from tiers import daily

Build = Callable[[Pdf, Any], None]
TOKEN = "PLANTED-TOKEN"
SQUARE = "{x:.1f} {y:.1f} {step:.1f} {step:.1f} re f "
OPTIONS = Options(second_detector="none")


def _jpeg(picture: Any) -> bytes:
    return cv2.imencode(".jpg", picture)[1].tobytes()


def _letters(picture: Any) -> str:
    return base64.b64encode(_jpeg(picture)).decode()


def _packed(pdf: Pdf, data: bytes) -> pikepdf.Stream:
    stream = pdf.make_stream(zlib.compress(data))
    stream.Filter = Name.FlateDecode
    return stream


def _annotated(pdf: Pdf, **keys: Any) -> None:
    one = pdf.make_indirect(Dictionary(Type=Name.Annot, Rect=Array([0, 0, 9, 9]), **keys))
    pdfs.page(pdf, "", Annots=Array([one]))
    if one.Subtype == "/Widget":
        one.T = String("field")
        pdf.Root.AcroForm = Dictionary(Fields=Array([one]))


def _in_the_trailer(pdf: Pdf, picture: Any) -> None:
    pdfs.page(pdf, "")
    photo = pdfs.stored(pdf, picture, "jpeg")
    pdf.trailer["/Photo"] = pdf.make_indirect(Dictionary(Inner=photo))


def _a_file_in_the_catalog(pdf: Pdf, picture: Any) -> None:
    pdfs.page(pdf, "")
    pdf.Root["/XX_Photos"] = Array([_packed(pdf, _jpeg(picture))])


def _bytes_of_a_page(pdf: Pdf, picture: Any) -> None:
    pdfs.page(pdf, "", XX_Photo=String(_jpeg(picture)))


def _beside_a_font(pdf: Pdf, picture: Any) -> None:
    """A file that begins as a picture does is none of what a PDF needs, wherever it is."""
    pdfs.page(pdf, "").Resources.Font.F["/Photo"] = _packed(pdf, _jpeg(picture))


def _in_run_lengths(pdf: Pdf, picture: Any) -> None:
    photo = pdf.make_stream(_jpeg(picture))
    pdfs.wrap(photo, "/RunLengthDecode")
    pdfs.page(pdf, "").Resources.Font.F["/Photo"] = photo


@pytest.mark.parametrize(
    "build",
    [
        *(_in_the_trailer, _a_file_in_the_catalog, _bytes_of_a_page, _beside_a_font),
        _in_run_lengths,
    ],
)
def test_data_of_programs_go(build: Build, tmp_path: Path, astronaut: Image, detector: str) -> None:
    source = pdfs.built(build, astronaut, tmp_path / "in.pdf")
    report = veil_file(source, tmp_path / "out.pdf", OPTIONS)
    assert (report.status, report.tracks) == ("ok", 0)
    assert report.dropped
    assert (tmp_path / "out.pdf").stat().st_size < 2000
    assert remains(tmp_path / "out.pdf", OPTIONS) == []


def test_names_in_data_of_programs_go(tmp_path: Path, astronaut: Image, detector: str) -> None:
    def build(pdf: Pdf, picture: Any) -> None:
        photo = pdfs.stored(pdf, picture, "jpeg", Photographer=String(TOKEN))
        made = pdfs.page(pdf, pdfs.PLACED, {"I": photo}, XX_By=String(TOKEN))
        pdf.Root["/XX_By"] = Dictionary(A=String(TOKEN))
        pdf.trailer["/XX_By"] = String(TOKEN)
        article = Dictionary(Type=Name.Thread, I=Dictionary(Author=String(TOKEN)))
        pdf.Root.Threads = Array([pdf.make_indirect(article)])
        node = Dictionary(DPM=Dictionary(By=String(TOKEN)))
        pdf.Root.DPartRoot = Dictionary(Type=Name.DPartRoot, DPartRootNode=node)
        usage = Dictionary(CreatorInfo=Dictionary(Creator=String(TOKEN)))
        layer = Dictionary(Type=Name.OCG, Name=String("layer"), Usage=usage)
        pdf.Root.OCProperties = Dictionary(OCGs=Array([pdf.make_indirect(layer)]), D=Dictionary())
        made.Resources.XObject.A = pdfs.form(pdf, "", XX_By=String(TOKEN))

    source = pdfs.built(build, astronaut, tmp_path / "in.pdf")
    report = veil_file(source, tmp_path / "out.pdf", OPTIONS)
    assert (report.status, report.tracks) == ("ok", 1)
    assert TOKEN.encode() not in unpacked(tmp_path / "out.pdf")
    assert "data of programs" in report.dropped
    assert "data of programs" in remains(source, OPTIONS)
    assert remains(tmp_path / "out.pdf", OPTIONS) == []


def _address(pdf: Pdf, picture: Any) -> None:
    action = Dictionary(S=Name.URI, URI=String("data:image/jpeg;base64," + _letters(picture)))
    _annotated(pdf, Subtype=Name.Link, A=action)


def _rich_text(pdf: Pdf, picture: Any) -> None:
    words = f"<body><img src='data:image/jpeg;base64,{_letters(picture)}'/></body>"
    _annotated(pdf, Subtype=Name.FreeText, RC=String(words))


def _form_data(pdf: Pdf, picture: Any) -> None:
    data = f"<xfa:datasets><photo>{_letters(picture)}</photo></xfa:datasets>".encode()
    pdfs.page(pdf, "")
    pdf.Root.AcroForm = Dictionary(XFA=Array([String("datasets"), _packed(pdf, data)]))


def _form_in_utf16(pdf: Pdf, picture: Any) -> None:
    pdfs.page(pdf, "")
    data = f"<template><image>{_letters(picture)}</image></template>".encode("utf-16")
    pdf.Root.AcroForm = Dictionary(XFA=_packed(pdf, data))


def _coloured_letter(pdf: Pdf, picture: Any) -> None:
    """As OpenType keeps pictures in its tables sbix and CBDT."""
    data = b"\0\1\0\0" + bytes(80) + cv2.imencode(".png", picture)[1].tobytes()
    descriptor = Dictionary(Type=Name.FontDescriptor, FontFile2=_packed(pdf, data))
    pdfs.page(pdf, "").Resources.Font.F.FontDescriptor = pdf.make_indirect(descriptor)


def _colour_profile(pdf: Pdf, picture: Any) -> None:
    profile = _packed(pdf, bytes(200) + _jpeg(picture))
    profile.N = 3
    pdfs.page(pdf, "").Resources.ColorSpace = Dictionary(C=Array([Name.ICCBased, profile]))


@pytest.mark.parametrize(
    "build",
    [_address, _rich_text, _form_data, _form_in_utf16, _coloured_letter, _colour_profile],
)
def test_where_nothing_can_be_painted_is_refused(
    build: Build, tmp_path: Path, astronaut: Image
) -> None:
    source = pdfs.built(build, astronaut, tmp_path / "in.pdf")
    with pytest.raises(UnsupportedError, match=r"where nothing can be painted|XFA"):
        veil_file(source, tmp_path / "out.pdf", OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["in.pdf"]


def test_resources_may_be_called_as_any_key_is(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    """A font called S was taken for an action, and the file for a broken one."""

    def build(pdf: Pdf, picture: Any) -> None:
        made = pdfs.page(pdf, "q 280 0 0 280 20 15 cm /Subtype Do Q BT /S 9 Tf (a) Tj ET ")
        made.Resources.Font.S = made.Resources.Font.F
        made.Resources.XObject.Subtype = pdfs.stored(pdf, picture, "jpeg")
        made.Resources.ExtGState = Dictionary(Type=Dictionary(ca=1), FT=Dictionary(ca=1))

    source = pdfs.built(build, astronaut, tmp_path / "in.pdf")
    report = veil_file(source, tmp_path / "out.pdf", OPTIONS)
    assert (report.status, report.tracks) == ("ok", 1)
    assert check_file(tmp_path / "out.pdf", OPTIONS) == []


# Pieces of a face where no page shows them


def _in_form(pdf: Pdf, picture: Any) -> pikepdf.Stream:
    named, content = pdfs.in_strips(pdf, picture)
    return pdfs.form(pdf, content, Resources=pdfs.xobjects(**named))


def _under_a_rectangle(pdf: Pdf, picture: Any) -> None:
    named, content = pdfs.in_strips(pdf, picture)
    pdfs.page(pdf, content + "0 g 0 0 320 300 re f ", named)


def _under_a_picture(pdf: Pdf, picture: Any) -> None:
    named, content = pdfs.in_strips(pdf, picture)
    plain = pdfs.stored(pdf, picture[:2, :2])
    pdfs.page(pdf, content + "q 300 0 0 300 10 10 cm /I Do Q ", {**named, "I": plain})


def _clipped_away(pdf: Pdf, picture: Any) -> None:
    named, content = pdfs.in_strips(pdf, picture)
    pdfs.page(pdf, f"q 0 0 5 5 re W n {content} Q ", named)


def _beside_the_page(pdf: Pdf, picture: Any) -> None:
    named, content = pdfs.in_strips(pdf, picture)
    pdfs.page(pdf, f"q 0 1 -1 0 1400 0 cm {content} Q ", named, Rotate=90)


def _beside_a_cropped_page(pdf: Pdf, picture: Any) -> None:
    named, content = pdfs.in_strips(pdf, picture)
    pdfs.page(pdf, content, named, CropBox=Array([0, 0, 15, 15]))


def _transparent(pdf: Pdf, picture: Any) -> None:
    named, content = pdfs.in_strips(pdf, picture)
    made = pdfs.page(pdf, "/G gs " + content, named)
    made.Resources.ExtGState = Dictionary(G=Dictionary(ca=0))


def _while_it_is_pressed(pdf: Pdf, picture: Any) -> None:
    looks = Dictionary(N=pdfs.form(pdf, ""), D=_in_form(pdf, picture))
    _annotated(pdf, Subtype=Name.Widget, FT=Name.Btn, AP=looks)


def _while_it_is_off(pdf: Pdf, picture: Any) -> None:
    looks = Dictionary(N=Dictionary(Off=_in_form(pdf, picture), On=pdfs.form(pdf, "")))
    _annotated(pdf, Subtype=Name.Widget, FT=Name.Btn, AP=looks, AS=Name.On)


def _as_an_icon(pdf: Pdf, picture: Any) -> None:
    _annotated(pdf, Subtype=Name.Widget, FT=Name.Btn, MK=Dictionary(IX=_in_form(pdf, picture)))


def _in_a_form_that_is_not_drawn(pdf: Pdf, picture: Any) -> None:
    outer = pdfs.form(pdf, "/A Do", Resources=pdfs.xobjects(A=_in_form(pdf, picture)))
    pdfs.page(pdf, "", {"A": outer})


def _in_the_list_of_looks(pdf: Pdf, picture: Any) -> None:
    pdfs.page(pdf, "")
    pdf.Root.Names = Dictionary(AP=Dictionary(Names=Array([String("a"), _in_form(pdf, picture)])))


@pytest.mark.slow
@pytest.mark.parametrize(
    "build",
    daily(
        [
            *(_under_a_rectangle, _under_a_picture, _clipped_away, _beside_the_page),
            *(_beside_a_cropped_page, _transparent, _while_it_is_pressed, _while_it_is_off),
            *(_as_an_icon, _in_a_form_that_is_not_drawn, _in_the_list_of_looks),
        ],
        _beside_a_cropped_page,
        _in_a_form_that_is_not_drawn,
        _in_the_list_of_looks,
    ),
)
def test_pieces_that_no_page_shows_are_covered(
    build: Build, tmp_path: Path, astronaut: Image, detector: str
) -> None:
    source = pdfs.built(build, astronaut, tmp_path / "in.pdf")
    assert [one.kind for one in check_file(source, OPTIONS)] == ["face"]
    report = veil_file(source, tmp_path / "out.pdf", OPTIONS)
    assert (report.status, report.tracks, report.pages) == ("ok", 1, 1)
    assert check_file(tmp_path / "out.pdf", OPTIONS) == []
    before, after = (_rows(tmp_path / name) for name in ("in.pdf", "out.pdf"))
    assert len(before) == len(after) == 20
    assert 10 <= len(before & after) <= 17


def _rows(path: Path) -> set[bytes]:
    """The samples of the strips in a PDF."""
    with pikepdf.open(path) as pdf:
        pictures = (one for one in pdf.objects if isinstance(one, pikepdf.Stream))
        return {one.read_bytes() for one in pictures if one.get("/Width") == 320}


@pytest.mark.slow
def test_pieces_that_the_page_shows_are_looked_at_once(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    """A scanner may clip each of its strips to where it lies."""

    def build(pdf: Pdf, picture: Any) -> None:
        named, content = pdfs.in_strips(pdf, picture)
        pdfs.page(pdf, f"q 0 0 320 320 re W n {content} Q ", named)

    source = pdfs.built(build, astronaut, tmp_path / "in.pdf")
    with open_source(source, OPTIONS) as opened:
        sizes = {opened.media.parts[one.index].name: one.size for one in opened.skim()}
        (together,) = (one for one in opened.media.parts if one.name.startswith("page 1, adjoin"))
    assert together.hidden
    assert max(sizes[together.name]) < 64 < max(together.width, together.height)
    report = veil_file(source, tmp_path / "out.pdf", OPTIONS)
    assert (report.status, report.tracks) == ("ok", 1)
    assert check_file(tmp_path / "out.pdf", OPTIONS) == []


# Faces that are drawn, and what a PDF tells of them in words


def _pixels(picture: Any, side: int, each: str) -> str:
    """Something for each pixel of a picture that is made smaller, on 280 points."""
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)[..., ::-1] / 255
    step = 280 / side
    return "".join(
        f"{r:.2f} {g:.2f} {b:.2f} rg "
        + each.format(x=10 + step * x, y=step * (side - 1 - y), step=step + 0.1)
        for y, row in enumerate(small)
        for x, (r, g, b) in enumerate(row)
    )


def _few_rectangles(pdf: Pdf, picture: Any) -> None:
    pdfs.page(pdf, _pixels(picture[10:150, 80:220], 40, SQUARE))


def _few_greys(pdf: Pdf, picture: Any) -> None:
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[..., None].repeat(3, axis=2) // 48 * 48
    pdfs.page(pdf, _pixels(grey[10:150, 80:220], 48, SQUARE))


def _letters_in_colours(pdf: Pdf, picture: Any) -> None:
    words = _pixels(picture, 80, "1 0 0 1 {x:.1f} {y:.1f} Tm (M) Tj ")
    pdfs.page(pdf, f"BT /F 7 Tf {words} ET ")


@pytest.mark.slow
@pytest.mark.parametrize(
    "build", daily([_few_rectangles, _few_greys, _letters_in_colours], _few_rectangles)
)
def test_faces_of_shapes_and_letters(
    build: Build, tmp_path: Path, astronaut: Image, detector: str
) -> None:
    source = pdfs.built(build, astronaut, tmp_path / "in.pdf")
    report = veil_file(source, tmp_path / "out.pdf", OPTIONS)
    assert (report.status, report.tracks) == ("partial", 1)
    assert check_file(tmp_path / "out.pdf", OPTIONS) == []


def _structure(pdf: Pdf, page: Any, kid: Any, **keys: Any) -> None:
    """One element in another, each with its own words."""
    inner = Dictionary(Type=Name.StructElem, S=Name.Span, Pg=page, K=kid, **keys)
    inner = pdf.make_indirect(inner)
    outer = Dictionary(S=Name.P, Alt=String(TOKEN), K=Array([inner]))
    outer = pdf.make_indirect(outer)
    inner.P = outer
    pdf.Root.StructTreeRoot = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot, K=outer))


@pytest.mark.slow
def test_words_of_a_covered_text_go_from_the_structure(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    def build(pdf: Pdf, picture: Any) -> None:
        text = f"BT 3 Tr /F 30 Tf 110 240 Td ({TOKEN}) Tj ET"
        photo = {"I": pdfs.stored(pdf, picture, "jpeg")}
        made = pdfs.page(pdf, f"{pdfs.PLACED}/Span <</MCID 4>> BDC {text} EMC ", photo)
        _structure(pdf, made, 4, ActualText=String(TOKEN))

    source = pdfs.built(build, astronaut, tmp_path / "in.pdf")
    report = veil_file(source, tmp_path / "out.pdf", OPTIONS)
    assert (report.status, report.tracks) == ("ok", 1)
    assert TOKEN.encode() not in unpacked(tmp_path / "out.pdf")
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        assert pdf.Root.StructTreeRoot.K.K[0].K == 4


@pytest.mark.slow
def test_nothing_of_a_page_stays_that_became_a_picture(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    """Its drawing, the words of its structure and of its fields."""

    def build(pdf: Pdf, picture: Any) -> None:
        drawing = pdfs.form(pdf, f"%{TOKEN}\n" + _pixels(picture, 80, SQUARE))
        kid = Dictionary(Type=Name.Annot, Subtype=Name.Widget, Rect=Array([0, 0, 9, 9]))
        kid = pdf.make_indirect(kid)
        made = pdfs.page(pdf, "/A Do ", {"A": drawing}, Annots=Array([kid]))
        _structure(pdf, made, Dictionary(Type=Name.OBJR, Obj=drawing), ActualText=String(TOKEN))
        field = Dictionary(FT=Name.Tx, T=String("name"), V=String(TOKEN), Kids=Array([kid]))
        field = pdf.make_indirect(field)
        kid.Parent = field
        pdf.Root.AcroForm = Dictionary(Fields=Array([field]))

    source = pdfs.built(build, astronaut, tmp_path / "in.pdf")
    report = veil_file(source, tmp_path / "out.pdf", OPTIONS)
    assert report.status == "partial"
    assert TOKEN.encode() not in unpacked(tmp_path / "out.pdf")
    assert check_file(tmp_path / "out.pdf", OPTIONS) == []


# Coded pictures that are larger than the PDF says


def _jpeg_2000(pdf: Pdf, picture: Any) -> None:
    pdfs.page(pdf, pdfs.PLACED, {"I": pdfs.stored(pdf, picture, "jpx", Width=40, Height=40)})


@pytest.mark.slow
def test_jpeg_2000_has_the_size_that_it_says_itself(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    source = pdfs.built(_jpeg_2000, astronaut, tmp_path / "in.pdf")
    assert veil_file(source, tmp_path / "out.pdf", OPTIONS).tracks == 1
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        photo = pdf.pages[0].obj.Resources.XObject.I
        assert [int(photo.Width), int(photo.Height)] == [320, 320]


@pytest.mark.slow
@pytest.mark.parametrize("key", daily(["Width", "Height"], "Width"))
def test_a_fax_keeps_only_what_is_shown(
    key: str, tmp_path: Path, astronaut: Image, detector: str
) -> None:
    def build(pdf: Pdf, picture: Any) -> None:
        white = np.full_like(picture, 255)
        joined = np.hstack([white, picture]) if key == "Width" else np.vstack([white, picture])
        pdfs.page(pdf, pdfs.PLACED, {"I": pdfs.stored(pdf, joined, "fax", **{key: 904})})

    source = pdfs.built(build, astronaut, tmp_path / "in.pdf")
    report = veil_file(source, tmp_path / "out.pdf", OPTIONS)
    assert (report.status, report.tracks) == ("ok", 0)
    assert "rows of a picture that nothing shows" in report.dropped
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        fax = pdf.pages[0].obj.Resources.XObject.I
        assert fax.Filter == "/FlateDecode"
        assert set(fax.read_bytes()) == {255}


def test_jbig2_says_its_size() -> None:
    head = bytes([0, 0, 0, 0, 48, 0, 1, 0, 0, 0, 19])
    assert pdf_coded._jbig2_size(head + (1728).to_bytes(4) + (2200).to_bytes(4)) == (1728, 2200)
    assert pdf_coded._jbig2_size(head + (1728).to_bytes(4) + b"\xff" * 4) == (0, 0)
    assert pdf_coded._jbig2_size(head) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("state", daily(["/N", "/D"], "/D"))
def test_a_face_that_is_drawn_in_another_state_goes(
    state: str, tmp_path: Path, astronaut: Image, detector: str
) -> None:
    def build(pdf: Pdf, picture: Any) -> None:
        face = pdfs.form(pdf, _pixels(picture, 100, SQUARE), Resources=Dictionary())
        empty = pdfs.form(pdf, "", Resources=Dictionary())
        looks = Dictionary(N=empty, D=face)
        if state == "/N":
            looks = Dictionary(N=Dictionary(On=face, Off=empty))
        one = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, AP=looks, AS=Name.Off, F=4)
        one.Rect = Array([0, 0, pdfs.SIDE, pdfs.SIDE])
        pdfs.page(pdf, "", Annots=Array([pdf.make_indirect(one)]))

    source = pdfs.built(build, astronaut, tmp_path / "in.pdf")
    report = veil_file(source, tmp_path / "out.pdf", OPTIONS)
    assert report.status == "partial"
    assert "is now a picture" in report.warnings[0]
    assert b" re f " not in unpacked(tmp_path / "out.pdf")
