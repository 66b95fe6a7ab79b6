"""Faces in office files, OpenDocument and EPUB are covered, and everything else stays."""

from __future__ import annotations

import base64
import gzip
import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from faceveil import Options, analyze_file, render_file, veil_file
from faceveil.batch import find_inputs, veil_files
from faceveil.batch.executors import Serial
from faceveil.check import check_file
from faceveil.cli.json_lines import plan_line
from faceveil.errors import (
    LimitError,
    OutputError,
    UnreadableError,
    UnsupportedError,
    UsageError,
    WithheldError,
)
from faceveil.frames import Image
from faceveil.media import kind_of, open_source, output_suffix, sniff
from faceveil.media.archives.archive import archive_kind
from faceveil.media.documents import metafiles
from faceveil.media.documents.blanks import BLANK_PNG, empty_compound
from faceveil.media.documents.remains import remains
from faceveil.report import Report
from films import film
from offices import (
    FORMS,
    document,
    emf,
    jpeg,
    parts_of,
    png,
    read,
    relationships,
    stretched,
    wmf,
    zipped,
)
from servers import running
from tiers import daily

OPTIONS = Options(second_detector="none", check="sample")
TOKEN = b"PLANTED-TOKEN"


@pytest.fixture
def plain() -> Image:
    """A picture without a face."""
    ramp = np.linspace(0, 255, 160, dtype=np.uint8)
    return np.ascontiguousarray(np.dstack([np.tile(ramp, (120, 1))] * 3))


def faces_in(path: Path) -> int:
    """The faces that are found in a document."""
    return len(analyze_file(path, OPTIONS).hidden)


def done(path: Path, tmp_path: Path, options: Options = OPTIONS) -> tuple[Report, Path]:
    out = tmp_path / f"out{path.suffix}"
    return veil_file(path, out, options), out


# Every form


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_a_face_is_covered_and_every_other_part_stays(
    form: str, face: Image, plain: Image, tmp_path: Path, detector: str
) -> None:
    pictures = {"media/face.jpeg": jpeg(face), "media/plain.png": png(plain)}
    path = tmp_path / f"x.{form}"
    document(form, pictures, path)
    assert faces_in(path) == 1
    report, out = done(path, tmp_path)
    assert (report.status, report.tracks, report.frames, report.copied) == ("ok", 1, 2, 1)
    before, after = read(path), read(out)
    assert list(after) == list(before)
    changed = {name for name in before if before[name] != after[name]}
    properties = {"docProps/core.xml", "docProps/app.xml", "meta.xml"} & set(before)
    assert changed == {"media/face.jpeg"} | properties
    assert faces_in(out) == 0
    assert b"TOKEN" not in b"".join(after.values())
    painted = Pillow.open(io.BytesIO(after["media/face.jpeg"]))
    assert (painted.format, painted.size) == ("JPEG", (260, 300))
    with zipfile.ZipFile(out) as package:
        first = package.infolist()[0]
        assert first.filename == next(iter(before))
        if "mimetype" in before:
            assert first.compress_type == zipfile.ZIP_STORED


@pytest.mark.parametrize("form", ["docx", "odt", "epub"])
def test_a_document_without_faces_keeps_its_pictures(
    form: str, plain: Image, tmp_path: Path, detector: str
) -> None:
    path = tmp_path / f"x.{form}"
    document(form, {"media/a.jpeg": jpeg(plain)}, path)
    report, out = done(path, tmp_path)
    assert (report.status, report.tracks) == ("ok", 0)
    assert read(out)["media/a.jpeg"] == read(path)["media/a.jpeg"]
    assert remains(out, OPTIONS) == []


def test_a_document_without_pictures_comes_out(tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.docx"
    document("docx", {}, path)
    report, out = done(path, tmp_path)
    assert (report.status, report.frames, report.tracks) == ("ok", 0, 0)
    assert read(out)["word/document.xml"] == read(path)["word/document.xml"]


def test_a_second_run_replaces_its_own_output(face: Image, tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.docx"
    document("docx", {"word/media/a.jpeg": jpeg(face)}, path)
    assert veil_file(path, options=OPTIONS).output == "x.veiled.docx"
    assert veil_file(path, options=OPTIONS).output == "x.veiled.docx"


def test_the_name_of_an_output_asks_for_no_other_form(tmp_path: Path) -> None:
    path = tmp_path / "x.docx"
    document("docx", {}, path)
    with pytest.raises(UsageError, match="stays a DOCX"):
        veil_file(path, tmp_path / "x.pdf", OPTIONS)


# Recognized by what they are


def test_a_document_is_one_in_whatever_order_its_parts_lie(face: Image, tmp_path: Path) -> None:
    parts = parts_of("docx", {"word/media/a.jpeg": jpeg(face)})
    turned = zipped({"customXml/item1.xml": b"<x/>", **parts})
    assert sniff(turned[:4096]) == "zip"
    assert kind_of(turned)[1] == "office"
    path = tmp_path / "x.zip"
    path.write_bytes(turned)
    assert archive_kind(path) is None
    with open_source(path, OPTIONS) as source:
        assert (source.media.kind, source.media.format) == ("document", "docx")
        assert [part.name for part in source.media.parts] == ["word/media/a.jpeg"]
        assert output_suffix(source.media, path.name) == ".docx"


def test_a_zip_of_a_folder_called_word_is_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    zipped({"word/a.jpg": b"x"}, path)
    assert sniff(path.read_bytes()) == "office"
    assert archive_kind(path) == "zip"


# Plans


def test_a_plan_names_the_part_of_each_face(
    face: Image, plain: Image, tmp_path: Path, detector: str
) -> None:
    path, out = tmp_path / "x.pptx", tmp_path / "out.pptx"
    media = {"ppt/media/image1.png": png(plain), "ppt/media/image2.jpeg": jpeg(face)}
    document("pptx", media, path)
    plan = analyze_file(path, OPTIONS)
    line = json.loads(plan_line("x.pptx", plan))
    assert [(one["part"], len(one["faces"])) for one in line["frames"]] == [
        ("ppt/media/image1.png", 0),
        ("ppt/media/image2.jpeg", 1),
    ]
    again = type(plan).from_json(plan.to_json())
    assert render_file(path, again, out, OPTIONS).tracks == 1
    assert faces_in(out) == 0


def test_one_picture_in_several_parts_is_one_frame(
    face: Image, tmp_path: Path, detector: str
) -> None:
    path, data = tmp_path / "x.docx", jpeg(face)
    document("docx", {"word/media/a.jpeg": data, "word/media/b.jpeg": data}, path)
    report, out = done(path, tmp_path)
    assert (report.frames, report.tracks) == (1, 1)
    after = read(out)
    assert after["word/media/a.jpeg"] == after["word/media/b.jpeg"] != data


def test_a_picture_that_a_plan_forgets_in_another_part_is_no_output(
    face: Image, tmp_path: Path, detector: str
) -> None:
    """The same pixels in two formats, and a person who covers one of them."""
    path, out = tmp_path / "x.docx", tmp_path / "out.docx"
    bmp = cv2.imencode(".bmp", face)[1].tobytes()
    document("docx", {"word/media/a.png": png(face), "word/media/b.bmp": bmp}, path)
    plan = analyze_file(path, OPTIONS)
    assert len(plan.tracks) == 2
    half = type(plan)(**{**_fields(plan), "tracks": plan.tracks[:1]})
    with pytest.raises(OutputError, match="is left in another place"):
        render_file(path, half, out, OPTIONS)
    assert not out.exists()


def _fields(plan: Any) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in plan.__dataclass_fields__}


# Places in which a face may hide


def _embedded(face: Image) -> dict[str, bytes]:
    return {"word/embeddings/sheet.xlsx": document("xlsx", {"xl/media/a.jpeg": jpeg(face)})}


def _letters(face: Image) -> str:
    return base64.b64encode(jpeg(face)).decode()


def _svg(face: Image) -> bytes:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg"><image href="data:image/jpeg;base64,'
        f'{_letters(face)}"/><text>kept</text></svg>'
    ).encode()


HIDING: dict[str, Callable[[Image], dict[str, bytes]]] = {
    "unreferenced": lambda face: {"word/media/nobody.bin": jpeg(face)},
    "without suffix": lambda face: {"word/media/picture": png(face)},
    "header": lambda face: {
        "word/_rels/header1.xml.rels": relationships(("image", "media/h.jpeg")),
        "word/header1.xml": b"<w:hdr/>",
        "word/media/h.jpeg": jpeg(face),
    },
    "chart": lambda face: {
        "word/charts/_rels/chart1.xml.rels": relationships(("image", "../media/c.png")),
        "word/media/c.png": png(face),
    },
    "unused relationship": lambda face: {
        "word/_rels/document.xml.rels": relationships(("image", "media/u.jpeg")),
        "word/media/u.jpeg": jpeg(face),
    },
    "animation": lambda face: {"word/media/a.gif": _gif(face)},
    "pages": lambda face: {"word/media/a.tiff": _tiff(face)},
    "embedded workbook": _embedded,
    "embedded in embedded": lambda face: {
        "word/embeddings/deck.pptx": document("pptx", _embedded(face))
    },
    "SVG beside PNG": lambda face: {"word/media/a.svg": _svg(face)},
    "packed SVG": lambda face: {"word/media/a.svgz": gzip.compress(_svg(face))},
    "SVG in SVG": lambda face: {
        "word/media/a.svg": b'<svg><image href="data:image/svg+xml;base64,'
        + base64.b64encode(_svg(face))
        + b'"/></svg>'
    },
    "custom XML": lambda face: {
        "customXml/item1.xml": f"<root><photo>{_letters(face)}</photo></root>".encode()
    },
    "custom XML in UTF-16": lambda face: {
        "customXml/item1.xml": f"<root><photo>{_letters(face)}</photo></root>".encode("utf-16")
    },
    "lines of base64": lambda face: {
        "word/afchunk.mht": b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(jpeg(face)).replace(b"\n", b"\r\n")
        + b"\r\n--boundary--"
    },
    "EMF": lambda face: {"word/media/a.emf": emf(stretched(face))},
    "packed EMF": lambda face: {"word/media/a.emz": gzip.compress(emf(stretched(face)))},
    "EMF in strips": lambda face: {
        "word/media/a.emf": emf(*(stretched(face[at : at + 12]) for at in range(0, 300, 12)))
    },
    "EMF in strips from below": lambda face: {
        "word/media/a.emf": emf(*(stretched(face[at : at + 12]) for at in range(288, -1, -12)))
    },
    "WMF": lambda face: {"word/media/a.wmf": wmf(face)},
}


def _gif(face: Image) -> bytes:
    file = io.BytesIO()
    shown = Pillow.fromarray(face[..., ::-1])
    blank = Pillow.new("RGB", shown.size, (90, 90, 90))
    blank.save(file, "GIF", save_all=True, append_images=[shown], duration=100)
    return file.getvalue()


def _tiff(face: Image) -> bytes:
    file = io.BytesIO()
    shown = Pillow.fromarray(face[..., ::-1])
    Pillow.new("RGB", (50, 40)).save(file, "TIFF", save_all=True, append_images=[shown])
    return file.getvalue()


@pytest.mark.parametrize("where", daily(HIDING, every=4))
def test_a_face_is_found_wherever_it_hides(
    where: str, face: Image, tmp_path: Path, detector: str
) -> None:
    hidden = HIDING[where](face)
    path = tmp_path / "x.docx"
    document("docx", hidden, path)
    assert faces_in(path) == 1
    report, out = done(path, tmp_path)
    assert report.tracks == 1
    assert report.status == "ok"  # drawings are painted in place, too
    assert faces_in(out) == 0
    before, after = read(path), read(out)
    assert list(before) == list(after)
    data = b"".join(after.values())
    for original in (jpeg(face), png(face), _letters(face).encode()):
        assert original[200:260] not in data
    if "SVG" in where and where != "SVG in SVG":
        svg = next(data for name, data in after.items() if ".svg" in name)
        assert b"<text>kept</text>" in (gzip.decompress(svg) if "packed" in where else svg)


PLACES = {
    "pptx": (
        *("ppt/media/image1.jpeg", "ppt/notesSlides/media/n.jpeg", "ppt/slideMasters/m.jpeg"),
        *("ppt/slideLayouts/l.jpeg", "ppt/handoutMasters/h.jpeg", "ppt/theme/media/bg.jpeg"),
        *("ppt/comments/c.jpeg", "ppt/revisionInfo.xml.bak", "ppt/charts/c.jpeg", "ppt/tags/t"),
    ),
    "docx": (
        *("word/media/header.jpeg", "word/media/footer.jpeg", "word/media/footnote.jpeg"),
        *("word/media/numbering.jpeg", "word/glossary/media/g.jpeg", "word/diagrams/d.jpeg"),
        *("word/media/background.jpeg", "customXml/photo", "word/people/p.jpeg", "nobody/x"),
    ),
    "odt": (
        *("Pictures/1.jpg", "Pictures/2", "ObjectReplacements/Object 1", "Object 1/Pictures/3.jpg"),
        *("Versions/v.jpg", "Configurations2/images/Bitmaps/b.jpg", "layout-cache", "Basic/x"),
    ),
    "xlsx": (
        *("xl/media/image1.jpeg", "xl/charts/c.jpeg", "xl/richData/r.jpeg", "xl/drawings/d"),
        "xl/threadedComments/t.jpeg",
    ),
    "odp": (
        *("Pictures/1.jpg", "Thumb/2", "ObjectReplacements/Object 1", "Object 1/Pictures/3.jpg"),
        "Configurations2/images/Bitmaps/b.jpg",
    ),
    "ods": (
        *("Pictures/1.jpg", "Object 1/2", "ObjectReplacements/Object 1", "media/m.jpg"),
        "Configurations2/images/Bitmaps/b.jpg",
    ),
    "epub": (
        *("OEBPS/images/cover.jpg", "OEBPS/fonts/f", "META-INF/m.jpg", "thumbnail.jpg"),
        "OEBPS/nobody.bin",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("form", daily(PLACES, every=3))
def test_it_does_not_matter_what_a_part_is_for(
    form: str, face: Image, tmp_path: Path, detector: str
) -> None:
    """Each part has a face of its own; whether anything refers to it is not asked."""
    pictures = {name: jpeg(face, 80 + at) for at, name in enumerate(PLACES[form])}
    path = tmp_path / f"x.{form}"
    document(form, pictures, path)
    report, out = done(path, tmp_path)
    assert (report.status, report.tracks) == ("ok", len(pictures))
    assert faces_in(out) == 0
    everything = out.read_bytes() + b"".join(read(out).values())
    assert not any(data[300:360] in everything for data in pictures.values())


def test_a_picture_that_is_cut_off_becomes_blank_in_every_run(
    face: Image, plain: Image, tmp_path: Path, detector: str
) -> None:
    """Also if a plan comes from elsewhere, and nobody has tried to decode it before."""
    path, out = tmp_path / "x.docx", tmp_path / "out.docx"
    pictures = {"word/media/a.jpeg": jpeg(face)[:-3000], "word/media/b.png": png(plain)}
    document("docx", pictures, path)
    report = veil_file(path, out, OPTIONS)
    assert report.status == "partial"
    assert read(out)["word/media/a.jpeg"] == BLANK_PNG
    out.unlink()
    report = render_file(path, analyze_file(path, OPTIONS), out, OPTIONS)
    assert "word/media/a.jpeg: it is replaced by a blank one" in report.warnings[0]
    assert read(out)["word/media/a.jpeg"] == BLANK_PNG
    assert read(out)["word/media/b.png"] == png(plain)


def test_a_lying_picture_keeps_its_pixels_where_they_are(
    face: Image, tmp_path: Path, detector: str
) -> None:
    """Programs for documents ignore EXIF: a picture that is turned would be stretched."""
    exif = Pillow.Exif()
    exif[0x0112] = 6
    lying = Pillow.fromarray(np.ascontiguousarray(np.rot90(face[..., ::-1])))
    for progressive in (False, True):
        file = io.BytesIO()
        lying.save(file, "JPEG", quality=92, exif=exif, progressive=progressive)
        path = tmp_path / "x.docx"
        document("docx", {"word/media/a.jpeg": file.getvalue()}, path)
        report, out = done(path, tmp_path)
        assert report.tracks == 1
        stored = Pillow.open(io.BytesIO(read(out)["word/media/a.jpeg"]))
        assert (stored.size == lying.size) is not progressive
        assert (report.status == "partial") is progressive


def test_a_drawing_without_bitmaps_stays(tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.docx"
    document("docx", {"word/media/a.emf": emf()}, path)
    report, out = done(path, tmp_path)
    assert report.status == "ok"
    assert read(out)["word/media/a.emf"] == read(path)["word/media/a.emf"]


def test_a_drawing_that_cannot_be_looked_at_becomes_a_blank_one(
    tmp_path: Path, detector: str
) -> None:
    path, broken = tmp_path / "x.docx", bytearray(emf(emf()[88:] * 4))
    broken[92:96] = b"\xff\xff\xff\x00"
    document("docx", {"word/media/a.emf": bytes(broken)}, path)
    report, out = done(path, tmp_path)
    assert report.status == "partial"
    blank = read(out)["word/media/a.emf"]
    assert metafiles.bitmaps_of(blank) == []
    assert blank[8:40] == broken[8:40]  # as large as before


@pytest.mark.parametrize(
    "data", [b"II\xbc\x01" + bytes(100), b"VCLMTF" + bytes(100), b"%!PS-Adobe-3.0" + bytes(100)]
)
def test_pictures_that_nothing_reads_become_blank(
    data: bytes, tmp_path: Path, detector: str
) -> None:
    path = tmp_path / "x.pptx"
    document("pptx", {"ppt/media/a.wdp": data + TOKEN}, path)
    report, out = done(path, tmp_path)
    assert report.status == "partial"
    assert "ppt/media/a.wdp" in report.warnings[0]
    assert read(out)["ppt/media/a.wdp"] == BLANK_PNG


def test_a_broken_picture_becomes_blank(face: Image, tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.docx"
    document("docx", {"word/media/a.jpeg": jpeg(face)[:200]}, path)
    report, out = done(path, tmp_path)
    assert report.status == "partial"
    assert read(out)["word/media/a.jpeg"] == BLANK_PNG


def test_an_embedded_object_is_emptied(face: Image, tmp_path: Path, detector: str) -> None:
    """Its inside cannot be looked at; its preview is a picture like others."""
    path = tmp_path / "x.docx"
    compound = empty_compound() + jpeg(face) + TOKEN
    parts = {"word/embeddings/oleObject1.bin": compound, "word/media/p.png": png(face)}
    document("docx", parts, path)
    report, out = done(path, tmp_path)
    assert report.tracks == 1
    assert "word/embeddings/oleObject1.bin: an embedded object is left out" in report.warnings
    assert read(out)["word/embeddings/oleObject1.bin"] == empty_compound()
    assert faces_in(out) == 0


def test_an_archive_in_a_document_is_emptied(face: Image, tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.docx"
    document("docx", {"word/embeddings/a.zip": zipped({"a.jpg": jpeg(face)})}, path)
    report, out = done(path, tmp_path)
    assert report.status == "partial"
    assert read(out)["word/embeddings/a.zip"] == b""


def test_archives_in_documents_in_archives_are_told_of(
    face: Image, tmp_path: Path, detector: str
) -> None:
    inner = zipped({"a.jpg": jpeg(face)})
    book = document("xlsx", {"xl/embeddings/a.zip": inner, "xl/media/a.jpeg": jpeg(face)})
    text = document("docx", {"word/embeddings/a.xlsx": book})
    zipped({"x.docx": text, "b.jpg": jpeg(face)}, tmp_path / "x.zip")
    jobs = find_inputs([tmp_path / "x.zip"], OPTIONS).jobs
    (ended,) = veil_files(jobs, tmp_path / "out", OPTIONS, Serial())
    assert ended.codes == {0}
    assert isinstance(ended.outcome, Report)
    assert ended.outcome.status == "partial"
    said = "word/embeddings/a.xlsx!xl/embeddings/a.zip: an archive in the document is left out"
    assert [said in what for what in ended.outcome.warnings] == [True]
    (packed,) = (tmp_path / "out").iterdir()
    made = read(packed)
    deepest = read(read(made["x.veiled.docx"])["word/embeddings/a.xlsx"])
    assert deepest["xl/embeddings/a.zip"] == b""
    assert jpeg(face) not in deepest.values()
    (tmp_path / "x.docx").write_bytes(made["x.veiled.docx"])
    assert faces_in(tmp_path / "x.docx") == 0


def test_thumbnails_go_with_all_that_leads_to_them(
    face: Image, tmp_path: Path, detector: str
) -> None:
    parts = parts_of("docx", {"docProps/thumbnail.jpeg": jpeg(face)})
    kind = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail"
    link = f'<Relationship Id="t" Type="{kind}" Target="docProps/thumbnail.jpeg"/></Rel'.encode()
    parts["_rels/.rels"] = parts["_rels/.rels"].replace(b"</Rel", link)
    path = tmp_path / "x.docx"
    zipped(parts, path)
    report, out = done(path, tmp_path)
    assert "thumbnail" in report.dropped
    after = read(out)
    assert "docProps/thumbnail.jpeg" not in after
    assert b"thumbnail" not in after["_rels/.rels"]
    assert b"word/document.xml" in after["_rels/.rels"]
    path = tmp_path / "x.odt"
    document("odt", {"Thumbnails/thumbnail.png": png(face)}, path)
    report, out = done(path, tmp_path)
    assert report.status == "ok"
    assert "Thumbnails/thumbnail.png" not in read(out)
    assert b"thumbnail" not in read(out)["META-INF/manifest.xml"]


def test_links_to_pictures_elsewhere_go_and_others_stay(tmp_path: Path, detector: str) -> None:
    rels = relationships(("image", "https://x.example/a.jpg"), external=True)
    pages = relationships(("hyperlink", "https://x.example/"), external=True)
    path = tmp_path / "x.docx"
    further = {"word/_rels/document.xml.rels": rels, "word/_rels/footer1.xml.rels": pages}
    body = '<v:imagedata src="http://x.example/b.png" o:title="t"/>'
    document("docx", further, path, body)
    report, out = done(path, tmp_path)
    assert report.status == "partial"
    after = read(out)
    assert b'Target="NULL" TargetMode="External"' in after["word/_rels/document.xml.rels"]
    assert after["word/_rels/footer1.xml.rels"] == pages
    assert b'<v:imagedata src="" o:title="t"/>' in after["word/document.xml"]
    assert remains(out, OPTIONS) == []
    path = tmp_path / "x.odt"
    document("odt", {}, path, '<draw:image xlink:href="../../face.jpg"/><a href="http://x/"/>')
    report, out = done(path, tmp_path)
    assert b'<draw:image xlink:href=""/><a href="http://x/"/>' in read(out)["content.xml"]


def test_metadata_of_pictures_goes(
    face: Image, plain: Image, tmp_path: Path, detector: str
) -> None:
    """Also of those in which there is no face: a thumbnail may show what was cut off."""
    data = jpeg(plain)
    comment = b"\xff\xfe" + (len(TOKEN) + 2).to_bytes(2, "big") + TOKEN
    path = tmp_path / "x.docx"
    document("docx", {"word/media/a.jpeg": data[:2] + comment + data[2:]}, path)
    report, out = done(path, tmp_path)
    assert "comment" in report.dropped
    after = read(out)["word/media/a.jpeg"]
    assert TOKEN not in after
    shown = [np.asarray(Pillow.open(io.BytesIO(one))) for one in (data, after)]
    assert np.array_equal(shown[0], shown[1])


def test_nothing_between_the_parts_comes_along(plain: Image, tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.docx"
    document("docx", {"word/media/a.png": png(plain)}, path)
    with zipfile.ZipFile(path, "a") as package:
        assert package.fp is not None
        package.fp.seek(package.start_dir)
        package.fp.write(TOKEN)
        package.start_dir = package.fp.tell()
        package.comment = TOKEN
    assert path.read_bytes().count(TOKEN) == 2
    report, out = done(path, tmp_path)
    assert report.status == "ok"
    assert TOKEN not in out.read_bytes()
    found = {one.detail for one in check_file(path, OPTIONS)}
    assert {"document properties", "comments of the package", "times of parts"} <= found
    assert check_file(out, OPTIONS) == []


# Films and sounds


def _shot(face: Image, path: Path) -> bytes:
    """A film that shows a face."""
    scene = np.pad(face, ((10, 10), (30, 30), (0, 0)), constant_values=90)
    return film(path, [scene] * 12, sound="aac").read_bytes()


@pytest.mark.slow
def test_films_are_worked_on_as_films(face: Image, tmp_path: Path, detector: str) -> None:
    data = _shot(face, tmp_path / "film.mp4")
    path = tmp_path / "x.pptx"
    document("pptx", {"ppt/media/media1.mp4": data, "ppt/media/image1.png": png(face)}, path)
    plan = analyze_file(path, OPTIONS)
    assert plan.media.films == ("ppt/media/media1.mp4",)
    report, out = done(path, tmp_path)
    assert (report.status, report.tracks) == ("ok", 2)
    veiled = tmp_path / "veiled.mp4"
    veiled.write_bytes(read(out)["ppt/media/media1.mp4"])
    assert faces_in(veiled) == 0
    with av.open(str(veiled)) as container:
        assert len(container.streams.audio) == 1
    assert check_file(out, OPTIONS) == []
    assert any("media1.mp4" in one.detail for one in check_file(path, OPTIONS))
    options = OPTIONS.model_copy(update={"audio": "drop"})
    _, out = done(path, tmp_path, options)
    veiled.write_bytes(read(out)["ppt/media/media1.mp4"])
    with av.open(str(veiled)) as container:
        assert len(container.streams.audio) == 0


def test_a_film_in_a_workbook_in_a_deck_is_one_too(
    face: Image, tmp_path: Path, detector: str
) -> None:
    data = _shot(face, tmp_path / "film.mp4")
    inner = document("xlsx", {"xl/media/media1.mp4": data})
    path = tmp_path / "x.pptx"
    document("pptx", {"ppt/embeddings/book.xlsx": inner}, path)
    report, out = done(path, tmp_path)
    assert (report.status, report.tracks) == ("ok", 1)
    veiled = tmp_path / "veiled.mp4"
    veiled.write_bytes(read(read(out)["ppt/embeddings/book.xlsx"])["xl/media/media1.mp4"])
    assert faces_in(veiled) == 0


@pytest.mark.slow
def test_a_film_that_does_not_pass_withholds_the_document(
    face: Image, tmp_path: Path, detector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.pptx"
    document("pptx", {"ppt/media/m.mp4": _shot(face, tmp_path / "film.mp4")}, path)
    monkeypatch.setattr("faceveil.pipeline.Painter.paint", lambda *_: [])
    with pytest.raises(WithheldError, match=r"m\.mp4: the check found"):
        done(path, tmp_path)
    assert not (tmp_path / "out.pptx").exists()
    assert list(tmp_path.glob(".*")) == []


def test_a_film_that_cannot_be_read_is_left_out(tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.pptx"
    document("pptx", {"ppt/media/m.mp4": b"\0\0\0\x18ftypmp42" + bytes(200)}, path)
    report, out = done(path, tmp_path)
    assert report.status == "partial"
    assert "ppt/media/m.mp4: a film in it" in report.warnings[0]
    assert read(out)["ppt/media/m.mp4"] == b""


def test_sounds_stay_or_go_as_sound_does(tmp_path: Path, detector: str) -> None:
    form = struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    body = b"WAVEfmt " + form + b"data" + struct.pack("<I", 100) + bytes(range(100))
    path, sound = tmp_path / "x.pptx", b"RIFF" + struct.pack("<I", len(body)) + body
    document("pptx", {"ppt/media/s.wav": sound}, path)
    report, out = done(path, tmp_path)
    assert (report.status, read(out)["ppt/media/s.wav"]) == ("ok", sound)
    report, out = done(path, tmp_path, OPTIONS.model_copy(update={"audio": "drop"}))
    assert (report.status, read(out)["ppt/media/s.wav"]) == ("partial", b"")


def test_a_sound_with_a_face_on_its_cover_is_left_out(
    face: Image, plain: Image, tmp_path: Path, detector: str
) -> None:
    path = tmp_path / "x.pptx"
    sounds = {"ppt/media/a.mp3": jpeg(face), "ppt/media/b.mp3": jpeg(plain)}
    document(
        "pptx", {name: b"ID3" + bytes(90) + data + TOKEN for name, data in sounds.items()}, path
    )
    report, out = done(path, tmp_path)
    assert report.status == "partial"
    after = read(out)
    assert after["ppt/media/a.mp3"] == b""
    assert after["ppt/media/b.mp3"] == read(path)["ppt/media/b.mp3"]


def test_metadata_of_a_picture_in_a_drawing_goes(
    plain: Image, tmp_path: Path, detector: str
) -> None:
    """A JPEG in an EMF may hide a thumbnail; it is written anew in its place."""
    clean, comment = jpeg(plain), b"\xff\xfe" + (len(TOKEN) + 2).to_bytes(2, "big") + TOKEN
    for data, stays in ((clean, True), (clean[:2] + comment + clean[2:], False)):
        record = bytearray(stretched(plain[:8, :8]))
        record[80 + 16 : 80 + 20] = (4).to_bytes(4, "little")  # BI_JPEG
        data += bytes(-len(data) % 4)
        record[60:64] = len(data).to_bytes(4, "little")
        body = bytes(record[:120]) + data
        drawing = emf(body[:4] + len(body).to_bytes(4, "little") + body[8:])
        path = tmp_path / "x.docx"
        document("docx", {"word/media/a.emf": drawing}, path)
        report, out = done(path, tmp_path)
        assert report.frames == 1
        assert report.status == "ok"
        assert metafiles.bitmaps_of(read(out)["word/media/a.emf"])[0].bits.startswith(b"\xff\xd8")
        assert (read(out)["word/media/a.emf"] == drawing) is stays
        assert TOKEN not in b"".join(read(out).values())


# Many files


@pytest.mark.slow
def test_documents_in_folders_and_archives_are_files_like_others(
    face: Image, tmp_path: Path, detector: str
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    document("docx", {"word/media/a.jpeg": jpeg(face)}, folder / "a.docx")
    document("odp", {"Pictures/a.png": png(face)}, folder / "b.odp")
    (folder / "c.jpg").write_bytes(jpeg(face))
    zipped({one.name: one.read_bytes() for one in sorted(folder.iterdir())}, tmp_path / "x.zip")
    for place in (folder, tmp_path / "x.zip"):
        out = tmp_path / f"out-{place.name.partition('.')[0]}"
        jobs = find_inputs([place], OPTIONS).jobs
        ended = list(veil_files(jobs, out, OPTIONS, Serial()))
        assert {code for one in ended for code in one.codes} == {0}
        if place is not folder:
            with zipfile.ZipFile(next(out.iterdir())) as package:
                assert sorted(package.namelist()) == NAMES
                package.extractall(out / "all")
            out = out / "all"
        assert sorted(one.name for one in out.iterdir()) == NAMES
        assert [faces_in(out / name) for name in NAMES] == [0, 0, 0]
    again = find_inputs([folder], OPTIONS)
    veil_file(folder / "a.docx", options=OPTIONS)
    again = find_inputs([folder], OPTIONS)
    assert [one.name for one in again.jobs] == ["a.docx", "b.odp", "c.jpg"]
    assert [Path(one.name).name for one in again.passed] == ["a.veiled.docx"]


NAMES = ["a.veiled.docx", "b.veiled.odp", "c.veiled.jpg"]


@pytest.mark.slow
def test_the_service_takes_documents(face: Image, tmp_path: Path, detector: str) -> None:
    data = document("docx", {"word/media/a.png": png(face[:200]), "word/media/b.jpeg": jpeg(face)})
    with running(tmp_path / "jobs") as server:
        (job,) = server.upload({"letter.docx": data}, review=True)["jobs"]
        job = server.wait(job["id"], "review")
        assert (job["kind"], job["state"], job["frames"]) == ("document", "review", 2)
        place = f"/api/jobs/{job['id']}"
        assert server.api.get(f"{place}/frames/1").content.startswith(b"\xff\xd8\xff")
        assert server.api.get(f"{place}/original").status_code == 404  # only films are played
        assert server.api.post(f"{place}/render").status_code < 300
        server.wait(job["id"], "done")
        result = server.api.get(f"{place}/result")
        assert "letter.veiled.docx" in result.headers["content-disposition"]
        (tmp_path / "out.docx").write_bytes(result.content)
    assert faces_in(tmp_path / "out.docx") == 0


# Refused in words


def _with(form: str, further: dict[str, bytes]) -> bytes:
    return document(form, further)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (empty_compound() + "EncryptedPackage".encode("utf-16-le"), "is encrypted"),
        (empty_compound() + "DRMEncryptedDataSpace".encode("utf-16-le"), "rights management"),
        (empty_compound(), "old office files"),
        (_with("docx", {"_xmlsignatures/sig1.xml": b"<Signature/>"}), "is signed"),
        (_with("odt", {"META-INF/documentsignatures.xml": b"<s/>"}), "is signed"),
        (_with("epub", {"META-INF/rights.xml": b"<r/>"}), "rights management"),
        (
            _with("epub", {"META-INF/encryption.xml": b'<EncryptionMethod Algorithm="aes"/>'}),
            "rights management",
        ),
        (_with("docx", {"word/x.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x/>' * 2}), "entities"),
        (
            _with("docx", {"word/x.xml": b"<!DOCTYPE x SYSTEM '/etc/passwd'>" * 2}),
            "entities",
        ),
        (_with("epub", {"x.xhtml": b'<!DOCTYPE x [<!ENTITY a "b">]><x/>' * 2}), "entities"),
        (_with("docx", {"word/a.rtf": b"{\\rtf1 {\\pict ffd8ff}" + b" " * 99}), "RTF"),
        (_with("docx", {"WORD/document.xml": b"<w/>"}), "one name"),
        (zipped({"[Content_Types].xml": b"<Types/>", "a": b"b"}), "of this form"),
    ],
)
def test_refused_in_words(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.docx"
    path.write_bytes(data)
    with pytest.raises(UnsupportedError, match=words):
        veil_file(path, tmp_path / "out.docx", OPTIONS)
    assert not (tmp_path / "out.docx").exists()


def test_an_encrypted_odt_is_refused(tmp_path: Path) -> None:
    parts = parts_of("odt", {})
    parts["META-INF/manifest.xml"] = b"<manifest:encryption-data/>"
    path = tmp_path / "x.odt"
    zipped(parts, path)
    with pytest.raises(UnsupportedError, match="is encrypted"):
        open_source(path, OPTIONS)


def test_signatures_go_if_somebody_says_so(face: Image, tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.docx"
    signed = {"_xmlsignatures/sig1.xml": b"<Signature/>", "word/media/a.jpeg": jpeg(face)}
    document("docx", signed, path)
    options = OPTIONS.model_copy(update={"invalidate_signatures": True})
    report, out = done(path, tmp_path, options)
    assert report.tracks == 1
    assert "signature" in report.dropped
    assert "_xmlsignatures/sig1.xml" not in read(out)


def test_hidden_fonts_of_a_book_are_no_reason(tmp_path: Path, detector: str) -> None:
    font = b'<EncryptionMethod Algorithm="http://www.idpf.org/2008/embedding"/>'
    path = tmp_path / "x.epub"
    document("epub", {"META-INF/encryption.xml": font}, path)
    assert done(path, tmp_path)[0].status == "ok"


@pytest.mark.slow
def test_bombs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.docx"
    document("docx", {"word/media/a.bin": bytes(20_000_000)}, path)
    with pytest.raises(LimitError, match="max_ratio"):
        open_source(path, OPTIONS)
    nested = document("docx", {"word/a.bin": bytes(300_000)})
    for _ in range(2):
        nested = document("docx", {f"word/{one}.docx": nested for one in "abcdef"})
    path.write_bytes(nested)
    few = OPTIONS.model_copy(update={"max_unpacked": 6_000_000})
    with pytest.raises(LimitError, match="too large"):
        open_source(path, few)
    for _ in range(6):
        nested = document("docx", {"word/a.docx": nested})
    path.write_bytes(nested)
    with pytest.raises(LimitError, match="too deep"):
        open_source(path, OPTIONS)


def test_large_pictures_are_refused(face: Image, tmp_path: Path) -> None:
    path = tmp_path / "x.docx"
    document("docx", {"word/media/a.png": png(face)}, path)
    with pytest.raises(LimitError):
        open_source(path, OPTIONS.model_copy(update={"max_pixels": 1000}))


def test_a_face_in_a_part_of_no_kind_is_refused(face: Image, tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.docx"
    document("docx", {"word/activeX/activeX1.bin": bytes(90) + jpeg(face) + bytes(90)}, path)
    with pytest.raises(UnsupportedError, match="nothing can be painted"):
        done(path, tmp_path)


def test_macros_are_kept_and_named(tmp_path: Path, detector: str) -> None:
    path, macros = tmp_path / "x.docm", empty_compound() + b"Sub x()"
    document("docm", {"word/vbaProject.bin": macros}, path)
    report, out = done(path, tmp_path)
    assert "macros are kept as they are" in report.notes
    assert read(out)["word/vbaProject.bin"] == macros


@pytest.mark.parametrize("cut", [100, 700, 1500])
def test_a_document_that_is_cut_off_is_refused(cut: int, face: Image, tmp_path: Path) -> None:
    path = tmp_path / "x.docx"
    path.write_bytes(document("docx", {"word/media/a.jpeg": jpeg(face)})[:-cut])
    with pytest.raises(UnreadableError):
        open_source(path, OPTIONS)
