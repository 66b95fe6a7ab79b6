"""Places and ways in which a document may hide a face, a link or somebody's name."""

from __future__ import annotations

import base64
import gzip
import io
import quopri
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pikepdf
import pytest

from faceveil import Options, analyze_file, veil_file
from faceveil.errors import UnreadableError, UnsupportedError
from faceveil.frames import Image
from faceveil.media import open_source
from faceveil.media.beside import beside
from faceveil.media.documents.blanks import BLANK_PNG, empty_compound
from faceveil.media.documents.compound import streams_of
from faceveil.media.documents.fields import without_fetching
from faceveil.media.documents.remains import remains
from faceveil.media.documents.svg import lean_svg
from faceveil.media.documents.texts import replaced, runs
from faceveil.report import Report
from films import film
from offices import document, emf, jpeg, parts_of, png, read, relationships, zipped
from pdfs import whole_page
from tiers import daily

OPTIONS = Options(second_detector="none", check="sample")
TOKEN = b"PLANTED-TOKEN"


def done(path: Path, tmp_path: Path, options: Options = OPTIONS) -> tuple[Report, Path]:
    out = tmp_path / f"out{path.suffix}"
    return veil_file(path, out, options), out


def faces_in(path: Path) -> int:
    return len(analyze_file(path, OPTIONS).hidden)


def _letters(face: Image) -> str:
    return base64.b64encode(jpeg(face)).decode()


def _web(face: Image) -> bytes:
    """A page as mail, whose picture's letters are broken by references and escaped slashes."""
    letters = _letters(face).replace("/", "\\/")
    return f'<html><script>x = "data:image\\/jpeg;base64,{letters}"</script></html>'.encode()


PAINTED: dict[str, Callable[[Image], dict[str, bytes]]] = {
    "percent in a name": lambda face: {"word/media/im%61ge1.jp%65g": jpeg(face)},
    "JPEG called PNG": lambda face: {"word/media/image1.png": jpeg(face)},
    "PNG called BIN": lambda face: {"word/media/image1.bin": png(face)},
    "hexadecimal": lambda face: {
        "customXml/item1.xml": f"<photo>{jpeg(face).hex().upper()}</photo>".encode()
    },
    "hexadecimal of a database": lambda face: {
        "customXml/item1.xml": f"<row photo='0x{jpeg(face).hex()}'/>".encode()
    },
    "slashes as references": lambda face: {
        "customXml/item1.xml": f"<p>{_letters(face).replace('/', '&#47;')}</p>".encode()
    },
    "slashes as other references": lambda face: {
        "customXml/item1.xml": f"<p>{_letters(face).replace('/', '&#x2F;')}</p>".encode()
    },
    "escaped slashes": lambda face: {"word/page.html": _web(face)},
    "UTF-16 without a mark": lambda face: {
        "customXml/item1.xml": f"<photo>{_letters(face)}</photo>".encode("utf-16-le")
    },
    "UTF-16, big end first": lambda face: {
        "customXml/item1.xml": f"<photo>{_letters(face)}</photo>".encode("utf-16-be")
    },
    "PDF": lambda face: {"word/media/image1.pdf": _pdf(face)},
    "PDF in letters": lambda face: {
        "word/a.xml": b"<w:binData>" + base64.b64encode(_pdf(face)) + b"</w:binData>"
    },
}


def _pdf(face: Image) -> bytes:
    file = io.BytesIO()
    with pikepdf.new() as pdf:
        whole_page(pdf, face)
        pdf.save(file)
    return file.getvalue()


@pytest.mark.parametrize("where", daily(PAINTED, every=4))
def test_a_face_is_painted_however_it_is_written(
    where: str, face: Image, tmp_path: Path, detector: str
) -> None:
    path = tmp_path / "x.docx"
    document("docx", PAINTED[where](face), path)
    report, out = done(path, tmp_path)
    assert (report.status, report.tracks) == ("ok", 1)
    assert faces_in(out) == 0
    before, after = read(path), read(out)
    assert list(before) == list(after)
    part = next(iter(PAINTED[where](face)))
    assert after[part] != before[part]
    assert jpeg(face)[300:360] not in b"".join(after.values())
    assert jpeg(face)[300:360].hex() not in b"".join(after.values()).decode("latin-1").lower()
    assert remains(out, OPTIONS) == []


def test_letters_are_found_and_put_back_in_their_own_way() -> None:
    """Each picture is the one that was written, to the last byte."""
    picture = b"\xff\xd8\xff" + bytes(range(256)) * 2
    base, hexed = base64.b64encode(picture), picture.hex().encode()
    for text in (b"<a>" + base + b"</a>", b"<a>" + hexed + b"</a>", b"{'a': '0x" + hexed + b"'}"):
        (run,) = runs(text)
        assert run.data == picture
        assert replaced(text, {run.start: picture}).lower() == text.lower()
    prose = b"<p>" + b"Quick brown foxes jump, ffd8ff and all that jazz. " * 40 + b"</p>"
    assert [*runs(prose)] == []


LEFT_OUT = {
    "3D model": ("word/media/model3d1.glb", b"glTF" + struct.pack("<II", 2, 900)),
    "Flash": ("word/activeX/movie.swf", b"CWS\x0a" + struct.pack("<I", 900)),
    "object": ("word/embeddings/oleObject1.bin", empty_compound()),
}


def _targa(face: Image) -> bytes:
    height, width = face.shape[:2]
    return struct.pack("<3B9xHHBB", 0, 0, 2, width, height, 24, 32) + face.tobytes()


def _icon(face: Image) -> bytes:
    """An icon with a bitmap, which has no header of its own there."""
    rows = np.ascontiguousarray(face[:256, :256][::-1])
    body = struct.pack("<IiiHHIIiiII", 40, 256, 512, 1, 24, 0, rows.nbytes, 0, 0, 0, 0)
    body += rows.tobytes() + bytes(256 * 32)
    return struct.pack("<3H4BHHII", 0, 1, 1, 0, 0, 0, 0, 1, 24, len(body), 22) + body


UNREAD: dict[str, tuple[str, Callable[[Image], dict[str, bytes]]]] = {
    "by its suffix": ("docx", lambda face: {"word/media/a.ico": _icon(face)}),
    "by a link": (
        "docx",
        lambda face: {
            "word/media/a": _targa(face),
            "word/_rels/document.xml.rels": relationships(("image", "media/a")),
        },
    ),
    "by the type of its suffix": (
        "docx",
        lambda face: {
            "word/media/a.xyz": _targa(face),
            "[Content_Types].xml": parts_of("docx", {})["[Content_Types].xml"].replace(
                b"<Default", b'<Default Extension="XYZ" ContentType="image/x-tga"/><Default', 1
            ),
        },
    ),
    "in a list of a book": (
        "epub",
        lambda face: {
            "OEBPS/img/a": _targa(face),
            "OEBPS/book.opf": b'<manifest><item href="img/a" media-type="image/x-tga"/></manifest>',
        },
    ),
    "as a film": (
        "pptx",
        lambda face: {
            "ppt/media/a.rm": b".RMF" + _targa(face),
            "ppt/_rels/presentation.xml.rels": relationships(("video", "media/a.rm")),
        },
    ),
    "packed, with a picture behind it": (
        "docx",
        lambda face: {"word/media/a.emz": gzip.compress(emf()) + jpeg(face)},
    ),
    "Photoshop in letters": (
        "docx",
        lambda face: {
            "customXml/item1.xml": b"<a>"
            + base64.encodebytes(b"8BPS\0\1" + bytes(20) + face.tobytes())
            + b"</a>"
        },
    ),
}


@pytest.mark.parametrize("how", UNREAD)
def test_pictures_that_are_not_read_here_become_blank(
    how: str, face: Image, tmp_path: Path, detector: str
) -> None:
    """A part that the document calls a picture is one, though not a byte tells of which kind."""
    form, make = UNREAD[how]
    path = tmp_path / f"x.{form}"
    document(form, make(face), path)
    report, out = done(path, tmp_path)
    assert report.status == "partial"
    assert len(report.warnings) == 1
    before, after = read(path), read(out)
    name = next(iter(make(face)))
    assert len(after[name]) < 300 < len(before[name])


def test_a_drawing_is_no_picture_that_is_not_read(tmp_path: Path, detector: str) -> None:
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0 L 255 216 137 80"/></svg>'
    parts = {
        "word/media/a.svg": drawing,
        "word/_rels/document.xml.rels": relationships(("image", "media/a.svg")),
    }
    path = tmp_path / "x.docx"
    document("docx", parts, path)
    report, out = done(path, tmp_path)
    assert report.status == "ok"
    assert read(out)["word/media/a.svg"] == drawing


@pytest.mark.parametrize("what", LEFT_OUT)
def test_what_nobody_can_look_at_is_left_out_and_its_preview_painted(
    what: str, face: Image, tmp_path: Path, detector: str
) -> None:
    name, head = LEFT_OUT[what]
    path = tmp_path / "x.docx"
    data = head + bytes(200) + TOKEN + png(face)
    document("docx", {name: data, "word/media/preview.png": png(face)}, path)
    report, out = done(path, tmp_path)
    assert (report.status, report.tracks) == ("partial", 1)
    assert any(one.startswith(f"{name}: ") and "left out" in one for one in report.warnings)
    assert TOKEN not in b"".join(read(out).values())
    assert faces_in(out) == 0


def test_a_pdf_that_cannot_be_veiled_becomes_blank(tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.docx"
    document("docx", {"word/media/a.pdf": b"%PDF-1.4\n" + TOKEN + bytes(200)}, path)
    report, out = done(path, tmp_path)
    assert report.status == "partial"
    assert any("word/media/a.pdf: it is replaced by a blank one" in one for one in report.warnings)
    assert read(out)["word/media/a.pdf"] == BLANK_PNG


def _blob(face: Image) -> bytes:
    return b"\0\1\0\0\0\xff\xff\xff\xff\1\0\0" + jpeg(face) + b"\x0b"


def _mail(face: Image, code: bytes, body: bytes) -> bytes:
    return b"MIME-Version: 1.0\nContent-Transfer-Encoding: " + code + b"\n\n" + body + b"\n--b--"


def _uu(data: bytes) -> bytes:
    import binascii

    lines = [binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    return b"text\nbegin 644 face.jpg\n" + b"".join(lines) + b"`\nend\n"


REFUSED: dict[str, tuple[Callable[[Image], dict[str, bytes]], str]] = {
    "a blob in base64": (
        lambda face: {"customXml/i.xml": b"<v>" + base64.b64encode(_blob(face)) + b"</v>"},
        "nothing can be painted",
    ),
    "a bitmap in a control": (
        lambda face: {"word/activeX/activeX1.bin": bytes(30) + _bmp(face) + bytes(9)},
        "nothing can be painted",
    ),
    "a picture in a mail as it is": (
        lambda face: {"word/a.mht": _mail(face, b"binary", b"x" * 5000 + jpeg(face))},
        "nothing can be painted",
    ),
    "quoted-printable": (
        lambda face: {
            "word/a.mht": _mail(face, b"quoted-printable", quopri.encodestring(jpeg(face)))
        },
        "in a rare way",
    ),
    "percent signs": (
        lambda face: {
            "word/a.html": b"<img src='data:image/jpeg,"
            + b"".join(b"%%%02X" % one for one in jpeg(face))
            + b"'/>"
        },
        "in a rare way",
    ),
    "uuencode": (lambda face: {"word/a.mht": _uu(jpeg(face))}, "in a rare way"),
    "base64 for addresses": (
        lambda face: {"word/a.json": b'{"x": "' + base64.urlsafe_b64encode(jpeg(face)) + b'"}'},
        "in a rare way",
    ),
    "numbers": (
        lambda face: {"word/a.json": f"[{', '.join(map(str, jpeg(face)))}]".encode()},
        "in a rare way",
    ),
    "numbers with signs": (
        lambda face: {"word/a.js": "".join(f"\\x{one:02x}" for one in png(face)).encode()},
        "in a rare way",
    ),
    "numbers in pairs": (
        lambda face: {"customXml/i.xml": f"<a>{jpeg(face).hex(' ').upper()}</a>".encode()},
        "in a rare way",
    ),
    "a picture in macros, its sectors in any order": (
        lambda face: {"word/vbaProject.bin": compound(jpeg(face))},
        "windows of their own",
    ),
    "a picture in macros": (
        lambda face: {"word/vbaProject.bin": empty_compound() + png(face)},
        "windows of their own",
    ),
    "entities in UTF-16": (
        lambda face: {"word/a.xml": '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'.encode("utf-16")},
        "entities",
    ),
    "entities behind a mark": (
        lambda face: {
            "word/a.bin": b'\xef\xbb\xbf<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>' + b" " * 60
        },
        "entities",
    ),
    "UTF-7": (
        lambda face: {"word/a.xml": b'<?xml version="1.0" encoding="UTF-7"?>' + b"<x/>" * 20},
        "rare encoding",
    ),
    "UTF-32": (lambda face: {"word/a.xml": ("<x/>" * 30).encode("utf-32")}, "rare encoding"),
    "EBCDIC": (
        lambda face: {"word/a.xml": ("<?xml version='1.0'?>" + "<x/>" * 30).encode("cp037")},
        "rare encoding",
    ),
    "pieces": (
        lambda face: {
            "word/media/a.jpeg/[0].piece": jpeg(face)[:4000],
            "word/media/a.jpeg/[1].last.piece": jpeg(face)[4000:],
        },
        "in pieces",
    ),
    "one name in two spellings": (
        lambda face: {"word/media/a.jpeg": jpeg(face), "word/media/%61.jpeg": png(face)},
        "one name",
    ),
    "a signature by another name": (
        lambda face: {
            "_rels/.rels": b'<Relationships><Relationship Type="http://schemas.openxmlformats.org/'
            b'package/2006/relationships/digital-signature/origin" Target="/package/sig"/>'
            b"</Relationships>",
            "package/sig": b"",
        },
        "is signed",
    ),
    "a signature in capitals": (
        lambda face: {"_XMLSignatures/SIG1.XML": b"<Signature/>"},
        "is signed",
    ),
}


def compound(data: bytes) -> bytes:
    """A compound file with one stream, whose sectors lie in it last first."""
    count = -(-len(data) // 512)
    tables = (count + 1) // 128 + 1
    numbers = [0xFFFFFFFE, *[0xFFFFFFFD] * tables]  # of the directory, and of the table itself
    numbers += [0xFFFFFFFE, *range(tables + 1, tables + count)]
    header = empty_compound()[:24] + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    ends = (4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<9I", 0, tables, 0, 0, *ends) + struct.pack(
        "<109I", *[*range(1, tables + 1), *[0xFFFFFFFF] * 109][:109]
    )
    unused = (0xFFFFFFFF,) * 2
    root = struct.pack("<64sHBB3I", "Root Entry".encode("utf-16-le"), 22, 5, 1, *unused, 1)
    root += bytes(36) + struct.pack("<IQ", 0xFFFFFFFE, 0)
    stream = struct.pack("<64sHBB3I", "Photo".encode("utf-16-le"), 12, 2, 1, *unused, unused[0])
    stream += bytes(36) + struct.pack("<IQ", tables + count, len(data))
    sectors = [data[at : at + 512].ljust(512, b"\0") for at in range(0, len(data), 512)]
    table = struct.pack(f"<{len(numbers)}I", *numbers).ljust(512 * tables, b"\xff")
    return header + (root + stream).ljust(512, b"\0") + table + b"".join(sectors[::-1])


def test_the_streams_of_a_compound_file(face: Image) -> None:
    data = jpeg(face)
    (stream,) = streams_of(compound(data))
    assert stream[: len(data)] == data
    assert data[1000:1600] not in compound(data)
    assert [*streams_of(empty_compound())] == []
    for at in range(0, 600, 7):  # whatever is broken
        assert len([*streams_of(compound(data)[:at] + b"\xff" * 90)]) <= 1


def _bmp(face: Image) -> bytes:
    import cv2

    return cv2.imencode(".bmp", face)[1].tobytes()


@pytest.mark.parametrize("what", REFUSED)
def test_refused_in_words(what: str, face: Image, tmp_path: Path, detector: str) -> None:
    make, words = REFUSED[what]
    path = tmp_path / "x.docx"
    document("docx", make(face), path)
    with pytest.raises(UnsupportedError, match=words):
        done(path, tmp_path)
    assert not (tmp_path / "out.docx").exists()


# Links, fields and formulas


def _field(*pieces: str) -> str:
    """A field whose instruction is in pieces, and which shows a text."""
    words = "".join(f"<w:r><w:instrText>{one}</w:instrText></w:r>" for one in pieces)
    return (
        f'<w:r><w:fldChar w:fldCharType="begin"/></w:r>{words}<w:r><w:fldChar w:fldCharType='
        '"separate"/></w:r><w:t>shown</w:t><w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


def test_fields_that_fetch_pictures_are_emptied(tmp_path: Path, detector: str) -> None:
    address = "https://x.example/face.jpg"
    body = (
        _field(" INCLUDEPICTURE ", f'"{address}" \\d ')
        + _field(" INCLU", "DEPIC", f'TURE "{address}"')
        + _field(" HYPERLINK ", '"https://stays.example/"')
        + f"<w:fldSimple w:instr=' IMPORT \"{address}\" '><w:t>shown</w:t></w:fldSimple>"
    )
    path = tmp_path / "x.docx"
    document("docx", {}, path, body)
    report, out = done(path, tmp_path)
    text = read(out)["word/document.xml"].decode()
    assert report.status == "partial"
    assert any("lie elsewhere" in one for one in report.warnings)
    assert address not in text
    assert "INCLUDEPICTURE" not in text
    assert text.count("shown") == 4
    assert "https://stays.example/" in text
    assert remains(out, OPTIONS) == []


def test_pictures_in_cells_keep_no_address(face: Image, tmp_path: Path, detector: str) -> None:
    address = "https://x.example/face.jpg"
    rels = relationships(("hyperlink", address), external=True)
    sheet = (
        f'<c vm="1"><f>_xlfn.IMAGE("{address}",A1)</f><v>#VALUE!</v></c><f>A1&amp;"IMAGE(1)"</f>'
    )
    parts = {
        "xl/worksheets/sheet1.xml": sheet.encode(),
        "xl/richData/rdRichValueWebImage.xml": b"<webImagesSrd/>",
        "xl/richData/_rels/rdRichValueWebImage.xml.rels": rels,
        "xl/richData/_rels/richValueRel.xml.rels": relationships(("image", "../media/a.png")),
        "xl/media/a.png": png(face),
        "xl/worksheets/_rels/sheet1.xml.rels": rels,
    }
    path = tmp_path / "x.xlsx"
    document("xlsx", parts, path)
    report, out = done(path, tmp_path)
    after = read(out)
    assert (report.status, report.tracks) == ("partial", 1)
    assert b'<f>""</f><v>#VALUE!</v>' in after["xl/worksheets/sheet1.xml"]
    assert b'<f>A1&amp;"IMAGE(1)"</f>' in after["xl/worksheets/sheet1.xml"]
    assert address.encode() not in after["xl/richData/_rels/rdRichValueWebImage.xml.rels"]
    assert after["xl/worksheets/_rels/sheet1.xml.rels"] == rels  # a link that a person follows
    assert faces_in(out) == 0


def test_a_field_within_a_field_keeps_what_is_its_own() -> None:
    inner = _field(" MERGEFIELD ", "photo ")
    text = _field(" INCLUDEPICTURE ", f"</w:instrText></w:r>{inner}<w:r><w:instrText>", " x ")
    changed, count = without_fetching(text.encode())
    assert count == 1
    assert b"MERGEFIELD" in changed
    assert b"INCLUDEPICTURE" not in changed
    assert without_fetching(changed) == (changed, 0)


def test_pages_in_a_document_lead_to_no_picture(tmp_path: Path, detector: str) -> None:
    mail = (
        b'MIME-Version: 1.0\n\n<html><img src=3D"http://x.example/a.jpg"/><p style=3D\'background:'
        b"url(https://x.example/b.jpg)'>text</p></html>"
    )
    path = tmp_path / "x.docx"
    document("docx", {"word/afchunk.mht": mail}, path)
    report, out = done(path, tmp_path)
    assert report.status == "partial"
    assert b"x.example" not in read(out)["word/afchunk.mht"]


# Properties, remnants


@pytest.mark.parametrize("form", ["other case", "percent", "parameter", "default", "UTF-16"])
def test_properties_are_reset_however_their_type_is_given(
    form: str, tmp_path: Path, detector: str
) -> None:
    parts = parts_of("docx", {})
    types = parts.pop("[Content_Types].xml")
    if form == "other case":
        types = types.replace(b"core-properties", b"CORE-Properties")
        parts["DOCPROPS/Core.xml"] = parts.pop("docProps/core.xml")
    elif form == "percent":
        types = types.replace(b"/docProps/core.xml", b"/docProps/c%6Fre.xml")
    elif form == "parameter":
        types = types.replace(b'core-properties+xml"', b'core-properties+xml; charset=utf-8"')
    elif form == "default":
        types = types.replace(b'Override PartName="/docProps/core.xml"', b'Default Extension="XYZ"')
        parts["docProps/core.xyz"] = parts.pop("docProps/core.xml")
    else:
        types = b"\xff\xfe" + types.decode().encode("utf-16-le")
    path = tmp_path / "x.docx"
    zipped({"[Content_Types].xml": types, **parts}, path)
    report, out = done(path, tmp_path)
    assert report.status == "ok"
    assert "document properties" in report.dropped
    assert b"TOKEN" not in b"".join(read(out).values())


def test_a_book_does_not_say_who_bought_it(tmp_path: Path, detector: str) -> None:
    path, bought = (
        tmp_path / "x.epub",
        {"iTunesMetadata.plist": TOKEN, "OEBPS/a.plist": b"<plist/>"},
    )
    document("epub", {**bought, "META-INF/calibre_bookmarks.txt": TOKEN * 9}, path)
    report, out = done(path, tmp_path)
    assert (report.status, report.dropped) == ("ok", ("document properties",))
    assert TOKEN not in b"".join(read(out).values())
    assert read(out)["OEBPS/a.plist"] == b"<plist/>"
    assert remains(out, OPTIONS) == []


MICROSOFT = "http://schemas.microsoft.com/office"
TRACES: dict[str, tuple[set[str], dict[str, bytes]]] = {
    "pptx": (
        {"editing history"},
        {
            "ppt/_rels/presentation.xml.rels": relationships(
                ("changesInfo", "changesInfos/changesInfo1.xml"),
                ("revisionInfo", "revisionInfo.xml"),
                ("theme", "theme/theme1.xml"),
            ).replace(b"http://schemas.openxmlformats.org", MICROSOFT.encode()),
            "ppt/changesInfos/changesInfo1.xml": b"<pc:chgInfo userId='S::TOKEN::0'/>" + b" " * 64,
            "ppt/revisionInfo.xml": b"<p1510:revInfo><c dt='TOKEN'/></p1510:revInfo>" + b" " * 64,
            "ppt/theme/theme1.xml": b"<theme/>",
        },
    ),
    "docx": (
        {"document properties", "path of a file"},
        {
            "_rels/.rels": relationships(
                ("officeDocument", "word/document.xml"),
                ("classificationlabels", "docMetadata/LabelInfo.xml"),
            ),
            "docMetadata/LabelInfo.xml": b"<clbl:labelList id='TOKEN'/>" + b" " * 64,
            "customXml/item1.xml": f'<?xml version="1.0"?><p:properties xmlns:p="{MICROSOFT}/2006/'
            'metadata/properties"><documentManagement>TOKEN</documentManagement></p:properties>'
            "".encode(),
            "customXml/item2.xml": f"\ufeff<LongProperties xmlns='{MICROSOFT}/2006/metadata/long"
            "Properties'>TOKEN</LongProperties>".encode("utf-16-le"),
            "customXml/item3.xml": b"<mine><properties/></mine>",
            "word/_rels/settings.xml.rels": relationships(
                ("attachedTemplate", "file:///C:\\Users\\TOKEN\\Letter.dotx"), external=True
            ),
        },
    ),
    "xlsx": (
        {"path of a file"},
        {
            "xl/workbook.xml": b'<workbook xmlns:mc="urn:m"><mc:AlternateContent><mc:Choice Req'
            b'uires="x15"><x15ac:absPath url="C:\\Users\\TOKEN\\" xmlns:x15ac="urn:x"/></mc:Choice>'
            b"</mc:AlternateContent><sheets/></workbook>",
            "xl/other.xml": b"<workbook xmlns:mc='urn:m'><x:absPath xmlns:x='urn:x' url='/h/TOKEN'>"
            b"</x:absPath></workbook>",
        },
    ),
}


@pytest.mark.parametrize("form", TRACES)
def test_traces_of_the_author_outside_of_the_properties_go(
    form: str, tmp_path: Path, detector: str
) -> None:
    dropped, parts = TRACES[form]
    path = tmp_path / f"x.{form}"
    whole = parts_of(form, parts)
    for name in [one for one in whole if one.startswith("docProps/")]:
        del whole[name]
    zipped(whole, path)
    report, out = done(path, tmp_path)
    assert (report.status, set(report.dropped)) == ("ok", dropped)
    after = read(out)
    assert b"TOKEN" not in b"".join(one.replace(b"\0", b"") for one in after.values())
    for data in after.values():
        ElementTree.fromstring(data)
    leads = b"".join(data for name, data in after.items() if name.endswith(".rels"))
    assert b"Info" not in leads
    assert (b"theme1.xml" in leads) is (form == "pptx")
    assert (b'"Letter.dotx"' in leads) is (form == "docx")
    assert after.get("customXml/item3.xml") == parts.get("customXml/item3.xml")
    assert remains(out, OPTIONS) == []


def test_properties_keep_the_name_of_the_program(tmp_path: Path, detector: str) -> None:
    """LibreOffice lays a sheet out otherwise if it does not know that Excel wrote it."""
    for form, name, kept, other in (
        (
            "xlsx",
            "docProps/app.xml",
            b"<Application>Microsoft Excel</Application>",
            b"Excel of Bob",
        ),
        (
            "odt",
            "meta.xml",
            b"<meta:generator>LibreOffice/7.4.7.2$Linux_X86_64 LibreOffice_project/40$Build-2"
            b"</meta:generator>",
            b"LibreOffice/7.4 of Bob",
        ),
    ):
        path = tmp_path / f"x.{form}"
        for what in (kept, kept.replace(kept[kept.index(b">") + 1 : kept.index(b"</")], other)):
            parts = parts_of(form, {})
            parts[name] = b"<x><y>TOKEN</y>" + what + b"</x>"
            zipped(parts, path)
            report, out = done(path, tmp_path)
            made = read(out)[name]
            assert report.status == "ok"
            assert (kept in made) is (what == kept)
            assert b"Bob" not in made
            assert b"TOKEN" not in made
            ElementTree.fromstring(made)
            assert remains(out, OPTIONS) == []


@pytest.mark.parametrize(("version", "stays"), [("12.0000", True), ("16.0300", False)])
def test_properties_keep_that_office_2007_wrote_a_file(
    version: str, stays: bool, tmp_path: Path, detector: str
) -> None:
    """Charts of that version alone have other defaults, and show labels where it is not known."""
    path, told = tmp_path / "x.pptx", f"<AppVersion>{version}</AppVersion>"
    parts = parts_of("pptx", {})
    app = f"<x><Application>Microsoft Office PowerPoint</Application><y>TOKEN</y>{told}</x>"
    parts["docProps/app.xml"] = app.encode()
    zipped(parts, path)
    report, out = done(path, tmp_path)
    made = read(out)["docProps/app.xml"]
    assert report.status == "ok"
    assert (told.encode() in made) is stays
    assert TOKEN not in made
    ElementTree.fromstring(made)
    assert remains(out, OPTIONS) == []


def test_a_png_without_a_face_loses_its_words_and_no_pixel(
    face: Image, tmp_path: Path, detector: str
) -> None:
    """Coded anew, its edges would be scaled otherwise where it has opacity."""
    from PIL import Image as Pillow
    from PIL.PngImagePlugin import PngInfo

    words = PngInfo()
    words.add_text("Author", TOKEN.decode())
    ink = np.random.default_rng(3).integers(0, 255, (60, 80, 4), np.uint8)
    file = io.BytesIO()
    Pillow.fromarray(ink).save(file, "PNG", pnginfo=words, dpi=(90, 90))
    path = tmp_path / "x.docx"
    document("docx", {"word/media/a.png": file.getvalue()}, path)
    report, out = done(path, tmp_path)
    made = read(out)["word/media/a.png"]
    assert report.status == "ok"
    assert "text" in report.dropped
    assert TOKEN not in made
    stored = Pillow.open(io.BytesIO(made))
    assert np.array_equal(np.asarray(stored), ink)
    assert round(stored.info["dpi"][0]) == 90


def _drawn(inside: str = "", around: str = "") -> str:
    """A drawing, with and without what its program keeps to edit it again."""
    return (
        f'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:i="urn:i" xmlns:s="u"'
        f"{around}><title>A map</title><style><![CDATA[<!-- a {{}} -->]]></style>{inside}</svg>"
    )


def test_a_drawing_keeps_no_copy_that_its_program_made_and_no_metadata(
    face: Image, tmp_path: Path, detector: str
) -> None:
    packed = base64.encodebytes(zlib.compress(b"%AI" + jpeg(face) + TOKEN)).decode()
    words = TOKEN.decode()
    around = f" content='{packed}' sodipodi:docname=\"{words}\" inkscape:export-filename='/{words}'"
    inside = (
        f"<!-- {words} --><metadata id='a'><dc:creator>{words}</dc:creator></metadata><metadata/>"
        f"<i:pgf id='b'><![CDATA[{packed}]]></i:pgf><i:aipgf i:encoding='zstd'>{packed}</i:aipgf >"
    )
    declared = ' xmlns:sodipodi="urn:s" xmlns:inkscape="urn:k"'
    full, lean = (_drawn(inside, declared + around).encode(), _drawn("", declared).encode())
    shown = f"<image href='data:image/jpeg;base64,{_letters(face)}'/>"
    path = tmp_path / "x.docx"
    letters = base64.b64encode(full).decode()
    document(
        "docx",
        {
            "word/media/a.svg": full,
            "word/media/b.svgz": gzip.compress(full),
            "word/media/c.svg": _drawn(shown + inside, declared + around).encode("utf-16"),
            "word/d.xml": f"<a>{letters}</a>".encode(),
            "word/media/e.svg": lean,
            "word/f.xml": b"<metadata>stays<!-- too --></metadata>" + b" " * 64,
        },
        path,
    )
    report, out = done(path, tmp_path)
    assert (report.status, report.tracks) == ("ok", 1)
    assert "metadata of a drawing" in report.dropped
    after = read(out)
    assert after["word/media/a.svg"] == after["word/media/e.svg"] == lean
    assert gzip.decompress(after["word/media/b.svgz"]) == lean
    assert after["word/d.xml"] == b"<a>" + base64.b64encode(lean) + b"</a>"
    assert after["word/f.xml"] == read(path)["word/f.xml"]
    painted = after["word/media/c.svg"].decode("utf-16")
    assert painted.startswith(_drawn("", declared)[:60])
    assert words not in painted
    assert packed[100:140] not in painted
    assert faces_in(out) == 0
    assert remains(out, OPTIONS) == []


@pytest.mark.parametrize(
    "text", ["<svg><!--", "<svg><metadata>", "<svg a='<!-- -->", "<svg><i:pgf>", "<?a <svg>"]
)
def test_a_drawing_that_is_cut_off_stays_as_it_is(text: str) -> None:
    for many in (1, 20_000):  # and takes no longer than it is long
        assert lean_svg(text.encode() * many) == text.encode() * many


def test_objects_in_opendocument_have_properties_of_their_own(
    tmp_path: Path, detector: str
) -> None:
    path = tmp_path / "x.odt"
    document("odt", {"Object 1/meta.xml": b"<office:document-meta>" + TOKEN + b" " * 80}, path)
    _, out = done(path, tmp_path)
    assert TOKEN not in b"".join(read(out).values())


def test_remnants_of_powerpoint_go(face: Image, tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.pptx"
    document("pptx", {"[trash]/0000.dat": jpeg(face)[2000:] + TOKEN}, path)
    report, out = done(path, tmp_path)
    assert "[trash]/0000.dat" not in read(out)
    assert "remnant" in report.dropped


# What the file is


def test_the_list_of_types_may_be_spelled_otherwise(
    face: Image, tmp_path: Path, detector: str
) -> None:
    parts = parts_of("docx", {"word/media/a.jpeg": jpeg(face)})
    types = parts.pop("[Content_Types].xml")
    path = tmp_path / "x.docx"
    zipped({"[CONTENT_TYPES].xml": types, **parts}, path)
    report, out = done(path, tmp_path)
    assert (report.status, report.tracks) == ("ok", 1)
    assert faces_in(out) == 0
    assert b"Gr\xc3\xbc\xc3\x9fe" in read(out)["word/document.xml"]


@pytest.mark.parametrize("way", ["data descriptors", "zip64", "a program before it"])
def test_packed_in_every_way(way: str, face: Image, tmp_path: Path, detector: str) -> None:
    class Pipe(io.RawIOBase):
        """A file that cannot be sought in, so that sizes follow the data."""

        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.data += bytes(data)  # type: ignore[call-overload]
            return len(data)  # type: ignore[arg-type]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts_of("docx", {"word/media/a.jpeg": jpeg(face)}).items():
            with package.open(name, "w", force_zip64=way == "zip64") as file:
                file.write(data)
    path = tmp_path / "x.docx"
    path.write_bytes((b"#!/bin/sh\n" if way.startswith("a program") else b"") + pipe.data)
    if way.startswith("a program"):  # no program for documents opens that
        with pytest.raises((UnreadableError, UnsupportedError)):
            open_source(path, OPTIONS)
        return
    report, out = done(path, tmp_path)
    assert (report.status, report.tracks) == ("ok", 1)
    assert faces_in(out) == 0


FLAT = {
    "OpenDocument": b'<?xml version="1.0"?><office:document xmlns:office="urn:o">',
    "OPC": b'<?xml version="1.0"?><?mso-application progid="Word.Document"?><pkg:package>',
    "OPC in UTF-16": "<?xml version='1.0'?><pkg:package>".encode("utf-16"),
    "RTF": b"{\\rtf1\\ansi ",
    "mail": b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n",
}


@pytest.mark.parametrize("form", FLAT)
def test_documents_in_one_text_are_refused(form: str, face: Image, tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_bytes(FLAT[form] + _letters(face).encode())
    with pytest.raises(UnsupportedError, match="in one file of text"):
        veil_file(path, tmp_path / "out.xml", OPTIONS)
    assert beside("x.xml", path.read_bytes()[:4096]) is None  # a failure in a folder, too


def test_documents_of_apple_are_refused_and_no_archives(face: Image, tmp_path: Path) -> None:
    path = tmp_path / "x.pages"
    zipped({"Data/a.jpg": jpeg(face), "Index/Document.iwa": b"x" * 99}, path)
    with pytest.raises(UnsupportedError, match="of this form"):
        veil_file(path, tmp_path / "out.pages", OPTIONS)


def test_strict_documents_are_like_others(face: Image, tmp_path: Path, detector: str) -> None:
    """ISO/IEC 29500 strict has other names of spaces and of relationships."""
    parts = parts_of("docx", {"word/media/a.jpeg": jpeg(face)})
    strict = b"http://purl.oclc.org/ooxml/officeDocument/relationships"
    usual = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts["word/_rels/document.xml.rels"] = relationships(
        ("image", "https://x.example/a.jpg"), external=True
    )
    path = tmp_path / "x.docx"
    zipped({name: data.replace(usual, strict) for name, data in parts.items()}, path)
    report, out = done(path, tmp_path)
    assert (report.status, report.tracks) == ("partial", 1)
    assert b"x.example" not in read(out)["word/_rels/document.xml.rels"]
    assert faces_in(out) == 0


# Films


def test_a_report_says_that_a_film_is_in_no_plan(
    face: Image, tmp_path: Path, detector: str
) -> None:
    scene = np.pad(face, ((10, 10), (30, 30), (0, 0)), constant_values=90)
    data = film(tmp_path / "film.mp4", [scene] * 12, sound="aac").read_bytes()
    path = tmp_path / "x.pptx"
    document("pptx", {"ppt/media/media1.mp4": data}, path)
    report, _ = done(path, tmp_path)
    (note,) = [one for one in report.notes if "in no plan" in one]
    assert "ppt/media/media1.mp4" in note
    assert note.endswith("faces covered: 1")
