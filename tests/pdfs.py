"""PDFs in which the astronaut is hidden in every place that a PDF has."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Callable, Iterable
from itertools import cycle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
import PIL.Image
from pikepdf import Array, Dictionary, Name, Pdf, Stream

from faceveil.frames import Image

SIDE = 320
"""Points of a page's side, and pixels of the picture."""
FLAG = 80
"""Columns of the picture in which a flag, as a negative, may look like a face."""
TEXT = "BT /F 12 Tf 10 305 Td (Words that stay) Tj ET "
PLACED = "q 280 0 0 280 20 15 cm /I Do Q "
AROUND: dict[str, Callable[[bytes], bytes]] = {
    "/ASCII85Decode": lambda data: base64.a85encode(data) + b"~>",
    "/ASCIIHexDecode": lambda data: data.hex().encode() + b">",
    "/FlateDecode": zlib.compress,
    "/RunLengthDecode": lambda data: (
        b"".join(
            bytes([len(run) - 1]) + run
            for run in (data[i : i + 128] for i in range(0, len(data), 128))
        )
        + b"\x80"
    ),
}
"""Filters that anything can have, and what they undo."""
Place = Callable[[Pdf, Any], None]
PLACES: dict[str, Place] = {}


def place(build: Place) -> Place:
    PLACES[build.__name__] = build
    return build


def built(build: Place, picture: Image, path: Path) -> Path:
    """A PDF that is made with the picture."""
    with pikepdf.new() as pdf:
        build(pdf, cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
        pdf.save(path)
    return path


def composed(name: str, picture: Image, path: Path) -> Path:
    """A PDF with the picture in the place of this name."""
    return built(PLACES[name], picture, path)


def sign(path: Path) -> None:
    """Put a signature into a PDF."""
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        contents = pikepdf.String("planted")
        value = Dictionary(Type=Name.Sig, Filter=Name("/Adobe.PPKLite"), Contents=contents)
        value.ByteRange = Array([0, 1, 2, 3])
        field = Dictionary(FT=Name.Sig, T=pikepdf.String("one"), V=pdf.make_indirect(value))
        pdf.Root.AcroForm = Dictionary(SigFlags=3, Fields=Array([pdf.make_indirect(field)]))
        pdf.save(path)


def lock(path: Path, password: str) -> None:
    """Encrypt a PDF."""
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="boss", user=password))


def wrap(stream: Stream, used: str) -> None:
    """Put one more filter around what a stream holds."""
    inner: Any = stream.get("/Filter", Array())
    filters = Array([Name(used), *(inner if isinstance(inner, Array) else [inner])])
    stream.write(AROUND[used](stream.read_raw_bytes()), filter=filters)


def predict(stream: Stream) -> None:
    """Put a filter around that of a JPEG, which predicts its bytes (7.4.4.4)."""
    rows = b"".join(bytes([0, byte]) for byte in stream.read_raw_bytes())
    stream.write(
        zlib.compress(rows),
        filter=Array([Name.FlateDecode, Name.DCTDecode]),
        decode_parms=Array([Dictionary(Predictor=12, Columns=1), None]),
    )


def stored(pdf: Pdf, bgr: Any, coding: str = "flate", **keys: Any) -> Stream:
    """A picture as an object."""
    height, width = bgr.shape[:2]
    rgb = np.ascontiguousarray(bgr[..., ::-1])
    space: Any = Name.DeviceRGB
    bits, parms = 8, None
    if coding == "jpeg":
        data, used = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes(), "DCT"
    elif coding == "jpx":
        buffer = io.BytesIO()
        PIL.Image.fromarray(rgb).save(buffer, "JPEG2000", irreversible=False)
        data, used = buffer.getvalue(), "JPX"
    elif coding == "cmyk":
        buffer = io.BytesIO()
        PIL.Image.fromarray(rgb).convert("CMYK").save(buffer, "JPEG", quality=92)
        data, used, space = buffer.getvalue(), "DCT", Name.DeviceCMYK
        keys["Decode"] = Array([1, 0] * 4)
    elif coding == "fax":
        buffer = io.BytesIO()
        two = PIL.Image.fromarray(rgb).resize((3 * width, 3 * height)).convert("1")
        two.save(buffer, "TIFF", compression="group4", tiffinfo={278: 3 * height})
        with PIL.Image.open(buffer) as tiff:
            assert isinstance(tiff, PIL.Image.Image)
            tags: Any = tiff.tag_v2  # type: ignore[attr-defined]
            data = buffer.getvalue()[tags[273][0] :][: tags[279][0]]
        width, height = 3 * width, 3 * height
        parms = Dictionary(K=-1, Columns=width, Rows=height, BlackIs1=True)
        used, space, bits = "CCITTFax", Name.DeviceGray, 1
    elif coding == "grey16":
        grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY).astype(">u2") * 257
        data, used, space, bits = grey.tobytes(), "Flate", Name.DeviceGray, 16
    elif coding == "indexed":
        few = PIL.Image.fromarray(rgb).quantize(64)
        data, used = few.tobytes(), "Flate"
        palette = bytes(few.getpalette() or ())[: 64 * 3]
        space = Array(
            [Name.Indexed, Name.DeviceRGB, len(palette) // 3 - 1, pikepdf.String(palette)]
        )
    elif coding == "runs":
        data, used = AROUND["/RunLengthDecode"](rgb.tobytes()), "RunLength"
    else:
        data, used = rgb.tobytes(), "Flate"
    stream = pdf.make_stream(zlib.compress(data) if used == "Flate" else data)
    stream.Filter = Name(f"/{used}Decode")
    if parms is not None:
        stream.DecodeParms = parms
    stream.Type, stream.Subtype = Name.XObject, Name.Image
    stream.Width, stream.Height = width, height
    stream.ColorSpace, stream.BitsPerComponent = space, bits
    for key, value in keys.items():
        stream[f"/{key}"] = value
    return stream


def page(pdf: Pdf, content: str, pictures: dict[str, Any] | None = None, **keys: Any) -> Any:
    """A page with some text; ``pictures`` are its XObjects by name."""
    made = pdf.add_blank_page(page_size=(SIDE, SIDE)).obj
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    named = Dictionary({f"/{name}": one for name, one in (pictures or {}).items()})
    made.Resources = Dictionary(Font=Dictionary(F=font), XObject=named)
    made.Contents = pdf.make_stream((TEXT + content).encode("latin-1"))
    for key, value in keys.items():
        made[f"/{key}"] = value
    return made


def form(pdf: Pdf, content: str, **keys: Any) -> Stream:
    made = pdf.make_stream(content.encode())
    made.Type, made.Subtype = Name.XObject, Name.Form
    made.BBox = Array([0, 0, SIDE, SIDE])
    for key, value in keys.items():
        made[f"/{key}"] = value
    return made


def xobjects(**named: Any) -> Dictionary:
    return Dictionary(XObject=Dictionary({f"/{name}": one for name, one in named.items()}))


def in_strips(
    pdf: Pdf, picture: Any, codings: Iterable[str] = ("flate",)
) -> tuple[dict[str, Any], str]:
    """Strips of the picture by name, and a content that draws them. The codings take turns."""
    named, content = {}, ""
    for top, coding in zip(range(0, SIDE, 16), cycle(codings), strict=False):
        named[f"S{top}"] = stored(pdf, picture[top : top + 16], coding)
        content += f"q 280 0 0 14 20 {281 - top * 280 / SIDE} cm /S{top} Do Q "
    return named, content


@place
def whole_page(pdf: Pdf, picture: Any) -> None:
    page(pdf, PLACED, {"I": stored(pdf, picture, "jpeg")})


@place
def two_on_a_page(pdf: Pdf, picture: Any) -> None:
    small = "q 140 0 0 140 10 80 cm /I Do Q q 140 0 0 140 165 80 cm /J Do Q "
    page(pdf, small, {"I": stored(pdf, picture, "jpeg"), "J": stored(pdf, picture)})


for _coding in ("jpx", "cmyk", "fax", "grey16", "indexed", "runs"):

    def _coded(pdf: Pdf, picture: Any, coding: str = _coding) -> None:
        page(pdf, PLACED, {"I": stored(pdf, picture, coding)})

    PLACES[f"coded_{_coding}"] = _coded


@place
def strips(pdf: Pdf, picture: Any) -> None:
    named, content = in_strips(pdf, picture, ("flate", "jpeg"))
    page(pdf, content, named)


@place
def tiles_in_a_turned_form(pdf: Pdf, picture: Any) -> None:
    named, content = {}, ""
    for top in range(0, SIDE, 64):
        for left in range(0, SIDE, 64):
            named[f"T{top}_{left}"] = stored(pdf, picture[top : top + 64, left : left + 64])
            content += f"q 64 0 0 64 {left} {SIDE - top - 64} cm /T{top}_{left} Do Q "
    inner = form(pdf, content, Resources=xobjects(**named))
    page(pdf, "q .65 .2 -.2 .65 80 20 cm /F1 Do Q ", {"F1": inner})


@place
def form_in_form(pdf: Pdf, picture: Any) -> None:
    inner = form(pdf, PLACED, Resources=xobjects(I=stored(pdf, picture)))
    outer = form(pdf, "q .9 0 0 .9 5 5 cm /A Do Q", Resources=xobjects(A=inner))
    page(pdf, "/B Do ", {"B": outer})


@place
def inline_in_a_form(pdf: Pdf, picture: Any) -> None:
    rows = cv2.resize(picture, (160, 160))[..., ::-1].tobytes().hex()
    image = f"BI /W 160 /H 160 /CS /RGB /BPC 8 /F /AHx ID {rows}>\nEI "
    page(pdf, "/A Do ", {"A": form(pdf, f"q 280 0 0 280 20 15 cm {image} Q")})


@place
def inline_on_a_page(pdf: Pdf, picture: Any) -> None:
    rows = cv2.resize(picture, (160, 160))[..., ::-1].tobytes().hex()
    page(pdf, f"q 280 0 0 280 20 15 cm BI /W 160 /H 160 /CS /RGB /BPC 8 /F /AHx ID {rows}>\nEI Q")


@place
def pattern(pdf: Pdf, picture: Any) -> None:
    tile = pdf.make_stream(b"q 140 0 0 140 0 0 cm /I Do Q")
    tile.Type, tile.PatternType, tile.PaintType, tile.TilingType = Name.Pattern, 1, 1, 1
    tile.BBox, tile.XStep, tile.YStep = Array([0, 0, 140, 140]), 140, 140
    tile.Resources = xobjects(I=stored(pdf, picture))
    made = page(pdf, "/Pattern cs /P scn 10 10 300 280 re f ")
    made.Resources.Pattern = Dictionary(P=tile)


@place
def soft_mask(pdf: Pdf, picture: Any) -> None:
    """The face is in what makes a plain picture transparent."""
    mask = stored(pdf, cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[..., None].repeat(3, axis=2))
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    grey[:, :FLAG] = 128
    mask.write(zlib.compress(grey.tobytes()), filter=Name.FlateDecode)
    mask.ColorSpace = Name.DeviceGray
    dark = stored(pdf, np.zeros_like(picture), SMask=mask)
    page(pdf, PLACED, {"I": dark})


@place
def mask_of_luminosity(pdf: Pdf, picture: Any) -> None:
    picture = picture.copy()
    picture[:, :FLAG] = 128
    group = form(pdf, PLACED, Resources=xobjects(I=stored(pdf, picture)))
    group.Group = Dictionary(S=Name.Transparency, CS=Name.DeviceRGB)
    made = page(pdf, "/G gs 0 0 0 rg 0 0 320 300 re f ")
    mask = Dictionary(Type=Name.Mask, S=Name.Luminosity, G=group)
    made.Resources.ExtGState = Dictionary(G=Dictionary(SMask=mask))


@place
def hidden_by_a_mask(pdf: Pdf, picture: Any) -> None:
    """Nobody sees it, and it is in the file."""
    mask = stored(pdf, picture[:8, :8])
    mask.write(zlib.compress(bytes(64)), filter=Name.FlateDecode)
    mask.ColorSpace = Name.DeviceGray
    page(pdf, PLACED, {"I": stored(pdf, picture, SMask=mask)})


@place
def stencil(pdf: Pdf, picture: Any) -> None:
    large = PIL.Image.fromarray(picture[..., ::-1]).resize((4 * SIDE, 4 * SIDE)).convert("1")
    stream = pdf.make_stream(zlib.compress(large.tobytes()))
    stream.Filter, stream.Type, stream.Subtype = Name.FlateDecode, Name.XObject, Name.Image
    stream.Width = stream.Height = 4 * SIDE
    stream.ImageMask, stream.BitsPerComponent = True, 1
    page(pdf, "0 0 .3 rg " + PLACED, {"I": stream})


@place
def clipped(pdf: Pdf, picture: Any) -> None:
    """The page shows the rocket, the file holds the whole picture."""
    page(pdf, "q 240 100 60 80 re W n 280 0 0 280 20 15 cm /I Do Q ", {"I": stored(pdf, picture)})


@place
def shared_under_two_crops(pdf: Pdf, picture: Any) -> None:
    shared = stored(pdf, picture, "jpeg")
    page(pdf, "q 20 15 280 140 re W n 280 0 0 280 20 15 cm /I Do Q ", {"I": shared})
    page(pdf, "q 0 1 -1 0 320 0 cm " + PLACED + "Q ", {"I": shared})


@place
def turned_page(pdf: Pdf, picture: Any) -> None:
    page(pdf, PLACED, {"I": stored(pdf, np.rot90(picture).copy(), "jpeg")}, Rotate=90)


@place
def cropped_page_in_large_units(pdf: Pdf, picture: Any) -> None:
    page(
        pdf,
        PLACED + "q 10 0 0 10 5 5 cm /J Do Q ",
        {"I": stored(pdf, picture), "J": stored(pdf, picture[:16, :16])},
        CropBox=Array([40, 100, 310, 310]),
        UserUnit=2,
        Rotate=180,
    )


@place
def annotation(pdf: Pdf, picture: Any) -> None:
    look = form(pdf, PLACED, Resources=xobjects(I=stored(pdf, picture)))
    off = form(pdf, "", Resources=Dictionary())
    rect = Array([10, 10, 310, 300])
    stamp = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=rect, F=4)
    stamp.AP, stamp.AS = Dictionary(N=Dictionary(On=look, Off=off)), Name.On
    page(pdf, "", Annots=Array([pdf.make_indirect(stamp)]))


@place
def hidden_annotation_in_strips(pdf: Pdf, picture: Any) -> None:
    named, content = {}, ""
    for top in range(0, SIDE, 16):
        named[f"S{top}"] = stored(pdf, picture[top : top + 16])
        content += f"q {SIDE} 0 0 16 0 {SIDE - 16 - top} cm /S{top} Do Q "
    look = form(pdf, content, Resources=xobjects(**named))
    stamp = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([10, 10, 310, 300]), F=2)
    stamp.AP = Dictionary(N=look)
    page(pdf, "", Annots=Array([pdf.make_indirect(stamp)]))


def hide_layer(pdf: Pdf, made: Any) -> None:
    """The layer L of a page is not shown unless somebody asks for it."""
    group = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=pikepdf.String("people")))
    made.Resources.Properties = Dictionary(L=group)
    usual = Dictionary(OFF=Array([group]), Order=Array([group]))
    pdf.Root.OCProperties = Dictionary(OCGs=Array([group]), D=usual)


@place
def hidden_layer_in_strips(pdf: Pdf, picture: Any) -> None:
    named, content = in_strips(pdf, picture)
    hide_layer(pdf, page(pdf, f"/OC /L BDC {content}EMC ", named))


@place
def drawn_in_a_hidden_layer(pdf: Pdf, picture: Any) -> None:
    drawn_pixel_by_pixel(pdf, picture)
    made = pdf.pages[0].obj
    content = made.Contents.read_bytes().replace(TEXT.encode(), TEXT.encode() + b"/OC /L BDC ")
    made.Contents = pdf.make_stream(content + b" EMC")
    hide_layer(pdf, made)


@place
def strips_and_their_copies(pdf: Pdf, picture: Any) -> None:
    """Of every strip there is a second object with the same bytes that nothing shows."""
    strips(pdf, picture)
    named = pdf.pages[0].obj.Resources.XObject
    for key in list(named.keys()):
        twin = pdf.make_stream(named[key].read_raw_bytes())
        for each in named[key].keys():  # noqa: SIM118 (no dict)
            if each != "/Length":
                twin[each] = named[key][each]
        named[f"{key}Twin"] = twin


@place
def deleted_page_with_a_bookmark(pdf: Pdf, picture: Any) -> None:
    strips(pdf, picture)
    page(pdf, "")
    gone = pdf.pages[0].obj
    with pdf.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem("old", Array([gone, Name.Fit])))
    del pdf.pages[0]
    del gone["/Parent"]


@place
def rows_behind_the_last(pdf: Pdf, picture: Any) -> None:
    """The picture says that it ends above the head of the second one in it."""
    rows = np.vstack([picture[-8:], picture])
    page(pdf, PLACED, {"I": stored(pdf, rows, Height=8)})


@place
def runs_behind_the_last(pdf: Pdf, picture: Any) -> None:
    rows = np.vstack([picture[-8:], picture])
    page(pdf, PLACED, {"I": stored(pdf, rows, "runs", Height=8)})


@place
def jpeg_larger_than_it_is_said_to_be(pdf: Pdf, picture: Any) -> None:
    page(pdf, PLACED, {"I": stored(pdf, picture, "jpeg", Width=40, Height=40)})


@place
def compressed_twice(pdf: Pdf, picture: Any) -> None:
    made = stored(pdf, picture, "jpeg")
    predict(made)
    page(pdf, PLACED, {"I": made})


@place
def alternate(pdf: Pdf, picture: Any) -> None:
    other = Array([Dictionary(Image=stored(pdf, picture, "jpeg"), DefaultForPrinting=True)])
    page(pdf, PLACED, {"I": stored(pdf, picture[-64:, -64:], Alternates=other)})


@place
def thumbnail(pdf: Pdf, picture: Any) -> None:
    made = page(pdf, "")
    made.Thumb = stored(pdf, cv2.resize(picture, (96, 96)))


@place
def unused_name(pdf: Pdf, picture: Any) -> None:
    page(pdf, "", {"I": stored(pdf, picture, "jpeg")})


@place
def private_data(pdf: Pdf, picture: Any) -> None:
    made = page(pdf, "")
    private = Dictionary(Image=stored(pdf, picture, "jpeg"))
    made.PieceInfo = Dictionary(
        Editor=Dictionary(LastModified=pikepdf.String("D:2020"), Private=private)
    )


@place
def no_subtype(pdf: Pdf, picture: Any) -> None:
    made = page(pdf, "")
    made.Resources.Odd = stored(pdf, picture, "jpeg")
    del made.Resources.Odd["/Subtype"]


@place
def attachment(pdf: Pdf, picture: Any) -> None:
    page(pdf, "")
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    pdf.attachments["photo.jpg"] = pikepdf.AttachedFileSpec(pdf, data, filename="photo.jpg")


@place
def drawn_pixel_by_pixel(pdf: Pdf, picture: Any) -> None:
    small = cv2.resize(picture, (100, 100), interpolation=cv2.INTER_AREA)[..., ::-1] / 255
    content = "".join(
        f"{r:.2f} {g:.2f} {b:.2f} rg {10 + 3 * x} {3 * (99 - y)} 3.2 3.2 re f "
        for y, row in enumerate(small)
        for x, (r, g, b) in enumerate(row)
    )
    page(pdf, content)


@place
def bitmap_letter(pdf: Pdf, picture: Any) -> None:
    large = PIL.Image.fromarray(picture[..., ::-1]).resize((640, 640)).convert("1")
    bits = bytes(255 - byte for byte in large.tobytes()).hex()
    letter = pdf.make_stream(
        f"1 0 0 0 1 1 d1 BI /W 640 /H 640 /IM true /BPC 1 /F /AHx /D [1 0] ID {bits}>\nEI".encode()
    )
    font = Dictionary(Type=Name.Font, Subtype=Name.Type3, FontBBox=Array([0, 0, 1, 1]))
    font.FontMatrix, font.CharProcs = Array([1, 0, 0, 1, 0, 0]), Dictionary(a=letter)
    font.Encoding = Dictionary(Type=Name.Encoding, Differences=Array([97, Name.a]))
    font.FirstChar, font.LastChar, font.Widths = 97, 97, Array([1])
    font.Resources = Dictionary()
    made = page(pdf, "BT /T 280 Tf 20 15 Td (a) Tj ET ")
    made.Resources.Font.T = font
