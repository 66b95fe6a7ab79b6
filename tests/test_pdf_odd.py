"""Odd PDFs: done, with no face left, or refused in words. None ends with a traceback."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, String

import pdfs
from faceveil import FaceVeilError, Options
from faceveil.check import check_file
from faceveil.frames import Image
from faceveil.media.documents.remains import remains
from faceveil.pipeline import veil_file
from tiers import daily

Build = Callable[[Pdf, Any], None]
ODD: dict[str, Build] = {}
"""With a face that can be seen or stored; each has to be done."""
WRONG: dict[str, Build] = {}
"""Things that make no sense: done or refused."""


def odd(build: Build) -> Build:
    ODD[build.__name__] = build
    return build


def wrong(build: Build) -> Build:
    WRONG[build.__name__] = build
    return build


def _whole(pdf: Pdf, picture: Any, **keys: Any) -> Any:
    return pdfs.page(pdf, pdfs.PLACED, {"I": pdfs.stored(pdf, picture, "jpeg")}, **keys)


@odd
def boxes_turned_over_and_shifted(pdf: Pdf, picture: Any) -> None:
    _whole(pdf, picture, MediaBox=Array([330, 320, -10, -5]), CropBox=Array([900, 900, -900, -900]))


@odd
def a_quarter_more_than_a_turn(pdf: Pdf, picture: Any) -> None:
    _whole(pdf, np.rot90(picture).copy(), Rotate=450)


@odd
def turned_backwards_in_the_tree(pdf: Pdf, picture: Any) -> None:
    _whole(pdf, np.rot90(picture, 3).copy())
    pdf.Root.Pages.Rotate = -90


@odd
def inherited_resources_and_box(pdf: Pdf, picture: Any) -> None:
    made = _whole(pdf, picture)
    for key in ("/Resources", "/MediaBox"):
        pdf.Root.Pages[key] = made[key]
        del made[key]


@odd
def bitmap_letter_with_a_picture(pdf: Pdf, picture: Any) -> None:
    letter = pdf.make_stream(b"1 0 0 0 1 1 d0 /I Do")
    font = Dictionary(Type=Name.Font, Subtype=Name.Type3, FontBBox=Array([0, 0, 1, 1]))
    font.FontMatrix, font.CharProcs = Array([1, 0, 0, 1, 0, 0]), Dictionary(a=letter)
    font.Encoding = Dictionary(Type=Name.Encoding, Differences=Array([97, Name.a]))
    font.FirstChar, font.LastChar, font.Widths = 97, 97, Array([1])
    font.Resources = pdfs.xobjects(I=pdfs.stored(pdf, picture))
    made = pdfs.page(pdf, "BT /T 280 Tf 20 15 Td (a) Tj ET ")
    made.Resources.Font.T = font


@odd
def isolated_group_that_multiplies(pdf: Pdf, picture: Any) -> None:
    inner = pdfs.form(pdf, "/G gs " + pdfs.PLACED)
    inner.Resources = pdfs.xobjects(I=pdfs.stored(pdf, picture))
    inner.Resources.ExtGState = Dictionary(G=Dictionary(BM=Name.Multiply, ca=0.9))
    inner.Group = Dictionary(S=Name.Transparency, I=True, K=True, CS=Name.DeviceRGB)
    pdfs.page(pdf, "/A Do ", {"A": inner})


@odd
def matte_soft_mask(pdf: Pdf, picture: Any) -> None:
    mask = pdfs.stored(pdf, picture[:1, :1])
    mask.write(zlib.compress(bytes([200])), filter=Name.FlateDecode)
    mask.ColorSpace, mask.Matte = Name.DeviceGray, Array([0, 0, 0])
    pdfs.page(pdf, pdfs.PLACED, {"I": pdfs.stored(pdf, picture, SMask=mask)})


@odd
def stencil_upside_down(pdf: Pdf, picture: Any) -> None:
    pdfs.PLACES["stencil"](pdf, picture)
    one = pdf.pages[0].obj.Resources.XObject.I
    one.Decode = Array([1, 0])
    one.write(bytes(255 - byte for byte in one.read_bytes()))


@odd
def colour_key_mask(pdf: Pdf, picture: Any) -> None:
    keyed = pdfs.stored(pdf, picture, Mask=Array([250, 255, 250, 255, 250, 255]))
    pdfs.page(pdf, pdfs.PLACED, {"I": keyed})


@odd
def picture_in_a_choice_of_layers(pdf: Pdf, picture: Any) -> None:
    made = _whole(pdf, picture)
    group = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("people")))
    choice = Dictionary(Type=Name.OCMD, OCGs=Array([group, None]), P=Name.AllOff)
    made.Resources.XObject.I.OC = pdf.make_indirect(choice)
    pdf.Root.OCProperties = Dictionary(OCGs=Array([group]), D=Dictionary(ON=Array([group])))


@odd
def icon_of_a_button(pdf: Pdf, picture: Any) -> None:
    icon = pdfs.form(pdf, pdfs.PLACED, Resources=pdfs.xobjects(I=pdfs.stored(pdf, picture)))
    field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Btn, Ff=65536, T=String("b"))
    field.Rect, field.MK = Array([10, 10, 60, 60]), Dictionary(I=icon, TP=1)
    field = pdf.make_indirect(field)
    pdfs.page(pdf, "", Annots=Array([field]))
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]))


@odd
def separated_ink(pdf: Pdf, picture: Any) -> None:
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    tint = pdf.make_stream(b"{0.1 exch 0.2 exch 0.1 exch 4 1 roll pop pop pop 0 0 0 4 -1 roll}")
    tint.FunctionType, tint.Domain, tint.Range = 4, Array([0, 1]), Array([0, 1] * 4)
    one = pdfs.stored(pdf, picture)
    one.write(zlib.compress((255 - grey).tobytes()), filter=Name.FlateDecode)
    one.ColorSpace = Array([Name.Separation, Name.Spot, Name.DeviceCMYK, tint])
    pdfs.page(pdf, pdfs.PLACED, {"I": one})


@odd
def content_in_pieces(pdf: Pdf, picture: Any) -> None:
    made = _whole(pdf, picture)
    data = made.Contents.read_bytes()
    pieces = [pdf.make_stream(part) for part in data.split(b" ")]
    made.Contents = Array([*pieces, None, Dictionary()])


@odd
def names_with_signs(pdf: Pdf, picture: Any) -> None:
    made = pdfs.page(pdf, "q 280 0 0 280 20 15 cm /Bild#201#2f#e4 Do Q ")
    made.Resources.XObject[Name("/Bild#201#2f#e4".replace("#20", " ").replace("#2f", "/"))] = (
        pdfs.stored(pdf, picture)
    )
    made.Resources.XObject["/J"] = pdfs.stored(pdf, picture)


@odd
def one_page_listed_twice(pdf: Pdf, picture: Any) -> None:
    made = _whole(pdf, picture)
    pdf.Root.Pages.Kids.append(made)
    pdf.Root.Pages.Count = 2


@odd
def huge_page(pdf: Pdf, picture: Any) -> None:
    content = "q 14000 0 0 14000 100 100 cm /I Do Q "
    pdfs.page(pdf, content, {"I": pdfs.stored(pdf, picture)}, MediaBox=Array([0, 0, 14400, 14400]))


@odd
def large_unit(pdf: Pdf, picture: Any) -> None:
    _whole(pdf, picture, UserUnit=75)


@odd
def many_small_pages(pdf: Pdf, picture: Any) -> None:
    _whole(pdf, picture)
    for _ in range(100):
        pdf.add_blank_page(page_size=(3, 3))


@odd
def faxes_of_the_third_group(pdf: Pdf, picture: Any) -> None:
    import PIL.Image

    buffer = io.BytesIO()
    two = PIL.Image.fromarray(picture[..., ::-1]).resize((960, 960)).convert("1")
    two.save(buffer, "TIFF", compression="group3", tiffinfo={278: 960})
    with PIL.Image.open(buffer) as tiff:
        tags: Any = tiff.tag_v2  # type: ignore[attr-defined]
        data = buffer.getvalue()[tags[273][0] :][: tags[279][0]]
    one = pdfs.stored(pdf, picture)
    one.write(data, filter=Name.CCITTFaxDecode, decode_parms=Dictionary(K=0, Columns=960, Rows=960))
    one.Width, one.Height, one.ColorSpace, one.BitsPerComponent = 960, 960, Name.DeviceGray, 1
    pdfs.page(pdf, pdfs.PLACED, {"I": one})


@wrong
def no_size(pdf: Pdf, picture: Any) -> None:
    made = _whole(pdf, picture)
    del made.MediaBox
    del made.Resources.XObject.I.Width


@wrong
def boxes_of_nothing(pdf: Pdf, picture: Any) -> None:
    _whole(pdf, picture, MediaBox=Array([5, 5, 5, 5]), CropBox=Array([0, 0, 0, 0]))


@wrong
def boxes_of_words(pdf: Pdf, picture: Any) -> None:
    _whole(pdf, picture, MediaBox=Array([Name.A, String("b"), None, Dictionary()]))


@wrong
def turned_by_an_eighth(pdf: Pdf, picture: Any) -> None:
    _whole(pdf, picture, Rotate=45, UserUnit=-3)


@wrong
def numbers_without_end(pdf: Pdf, picture: Any) -> None:
    big = "9" * 60
    content = (
        f"q {big} 0 0 {big} 0 0 cm {big} 0 0 {big} {big} {big} cm /I Do Q 0 0 0 0 0 0 cm /I Do "
    )
    pdfs.page(pdf, content, {"I": pdfs.stored(pdf, picture)})


@wrong
def pattern_of_no_step(pdf: Pdf, picture: Any) -> None:
    pdfs.PLACES["pattern"](pdf, picture)
    tile = pdf.pages[0].obj.Resources.Pattern.P
    tile.XStep, tile.YStep = 0, pikepdf.Object.parse(b"0.00000000000000000000000000001")


@wrong
def form_that_draws_itself(pdf: Pdf, picture: Any) -> None:
    inner = pdfs.form(pdf, "/I Do /A Do", Resources=pdfs.xobjects(I=pdfs.stored(pdf, picture)))
    inner.Resources.XObject.A = inner
    pdfs.page(pdf, "/A Do", {"A": inner})


@wrong
def picture_of_a_negative_size(pdf: Pdf, picture: Any) -> None:
    _whole(pdf, picture).Resources.XObject.I.Height = -5


@wrong
def picture_of_an_unknown_coding(pdf: Pdf, picture: Any) -> None:
    one = _whole(pdf, picture).Resources.XObject.I
    one.Filter = Array([Name.Unheard, Name.DCTDecode])
    one.DecodeParms = Array([None, String("x")])


@wrong
def picture_of_odd_samples(pdf: Pdf, picture: Any) -> None:
    one = pdfs.stored(pdf, picture, Decode=Array([1]), BitsPerComponent=7)
    other = pdfs.stored(pdf, picture, ColorSpace=Array([Name.Indexed, Name.DeviceRGB]))
    third = pdfs.stored(pdf, picture, ColorSpace=Array([]))
    pdfs.page(pdf, "/I Do /J Do /K Do", {"I": one, "J": other, "K": third})


@wrong
def content_that_breaks_off(pdf: Pdf, picture: Any) -> None:
    made = _whole(pdf, picture)
    made.Contents = Array([made.Contents, pdf.make_stream(b"BI /W 5 /H 5 /BPC 8 /CS /G ID xx")])


@odd
def content_of_nothing_known(pdf: Pdf, picture: Any) -> None:
    made = _whole(pdf, picture)
    made.Contents = pdf.make_stream(made.Contents.read_bytes() + b" ( ] >> << } q (")


@wrong
def resources_of_nothing(pdf: Pdf, picture: Any) -> None:
    made = _whole(pdf, picture)
    made.Resources = Array([1, 2])
    made.Annots = Dictionary(A=1)
    made.Contents = Array([made.Contents, 5, Name.X])


@wrong
def annotations_of_nothing(pdf: Pdf, picture: Any) -> None:
    look = pdfs.form(pdf, pdfs.PLACED, Resources=pdfs.xobjects(I=pdfs.stored(pdf, picture)))
    broken = [
        Dictionary(Subtype=Name.Stamp, AP=Dictionary(N=look)),
        Dictionary(Subtype=Name.Stamp, AP=Dictionary(N=look), Rect=Array([1, 2])),
        Dictionary(Subtype=Name.Stamp, AP=Array([look]), Rect=Array([1, 2, 3, 4]), F=Name.X),
    ]
    made = pdfs.page(pdf, "", Annots=Array([pdf.make_indirect(one) for one in broken]))
    made.Annots.append(None)


@wrong
def names_of_nothing(pdf: Pdf, picture: Any) -> None:
    _whole(pdf, picture)
    pdf.Root.Names = Dictionary(EmbeddedFiles=Array([1]), JavaScript=5)
    pdf.Root.AcroForm = Dictionary(XFA=Array([String("a"), 3]), Fields=7)
    pdf.Root.OCProperties = Dictionary(D=Array([]))
    pdf.Root.Outlines = pdf.Root


def require_opens(path: Path, count: int) -> None:
    with pikepdf.open(path) as pdf:
        assert pdf.get_warnings() == []
        assert len(pdf.pages) == count
    with pypdfium2.PdfDocument(path) as document:
        assert len(document) == count
        document[0].render(scale=0.2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    daily(
        ODD,
        "content_in_pieces",
        "inherited_resources_and_box",
        "separated_ink",
        "isolated_group_that_multiplies",
        "icon_of_a_button",
    ),
)
def test_odd_ones_are_done(name: str, astronaut: Image, tmp_path: Path, detector: str) -> None:
    source = pdfs.built(ODD[name], astronaut, tmp_path / "in.pdf")
    report = veil_file(source, tmp_path / "out.pdf")
    assert report.tracks >= 1
    assert check_file(tmp_path / "out.pdf", Options()) == []
    assert remains(tmp_path / "out.pdf", Options()) == []
    with pikepdf.open(source) as pdf:
        require_opens(tmp_path / "out.pdf", len(pdf.pages))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    daily(
        WRONG,
        "resources_of_nothing",
        "content_that_breaks_off",
        "names_of_nothing",
        "picture_of_odd_samples",
        "turned_by_an_eighth",
    ),
)
def test_wrong_ones_are_done_or_refused(
    name: str, astronaut: Image, tmp_path: Path, detector: str
) -> None:
    source = pdfs.built(WRONG[name], astronaut, tmp_path / "in.pdf")
    try:
        veil_file(source, tmp_path / "out.pdf")
    except FaceVeilError:
        assert [path.name for path in tmp_path.iterdir()] == ["in.pdf"]
        return
    assert [one for one in check_file(tmp_path / "out.pdf", Options()) if one.kind == "face"] == []
    require_opens(tmp_path / "out.pdf", 1)


@pytest.mark.slow
@pytest.mark.long
def test_linearized_and_locked_by_its_owner(
    astronaut: Image, tmp_path: Path, detector: str
) -> None:
    source = pdfs.composed("strips", astronaut, tmp_path / "in.pdf")
    rights = pikepdf.Permissions(extract=False, modify_other=False)
    with pikepdf.open(source, allow_overwriting_input=True) as pdf:
        lock = pikepdf.Encryption(owner="boss", user="", allow=rights)
        pdf.save(source, linearize=True, encryption=lock)
    report = veil_file(source, tmp_path / "out.pdf")
    assert (report.status, report.tracks) == ("ok", 1)
    assert check_file(tmp_path / "out.pdf", Options()) == []
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        assert pdf.is_encrypted
        assert not pdf.allow.extract


@pytest.mark.slow
def test_two_kinds_of_tables_at_once(astronaut: Image, tmp_path: Path, detector: str) -> None:
    """Readers of either kind find another part of it (ISO 32000-2, 7.5.8.4)."""
    source = pdfs.composed("whole_page", astronaut, tmp_path / "in.pdf")
    with pikepdf.open(source, allow_overwriting_input=True) as pdf:
        pdf.save(source, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    data = source.read_bytes()
    where = int(data[data.rindex(b"startxref") :].split()[1])
    hidden = len(data)
    rows = bytes([1]) + (9).to_bytes(4) + bytes(2)
    data += b"99 0 obj\n<</Type/XRef/W[1 4 2]/Index[98 1]/Size 100/Length %d>>stream\n" % len(rows)
    data += rows + b"\nendstream\nendobj\n"
    at = len(data)
    data += b"xref\n0 0\ntrailer\n<</Size 100/Root 1 0 R/Prev %d/XRefStm %d>>\n" % (where, hidden)
    source.write_bytes(data + b"startxref\n%d\n%%%%EOF\n" % at)
    report = veil_file(source, tmp_path / "out.pdf")
    assert report.tracks == 1
    assert check_file(tmp_path / "out.pdf", Options()) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", daily(range(24), every=8))
def test_any_damage_is_done_or_refused(
    seed: int, astronaut: Image, tmp_path: Path, detector: str
) -> None:
    """Some bytes of a PDF are others, or it ends early."""
    random = np.random.default_rng(seed)
    name = sorted(pdfs.PLACES)[seed % len(pdfs.PLACES)]
    data = bytearray(pdfs.composed(name, astronaut, tmp_path / "in.pdf").read_bytes())
    for at in random.integers(0, len(data), 1 + seed):
        data[at] = random.integers(0, 256)
    end = len(data) if seed % 3 else int(random.integers(len(data)))
    (tmp_path / "in.pdf").write_bytes(bytes(data[:end]))
    try:
        veil_file(tmp_path / "in.pdf", tmp_path / "out.pdf")
    except FaceVeilError:
        return
    assert [one for one in check_file(tmp_path / "out.pdf", Options()) if one.kind == "face"] == []
