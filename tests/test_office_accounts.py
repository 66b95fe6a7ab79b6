"""Accounts, printers, sessions and folders that an office file names where no page shows them."""

from __future__ import annotations

import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest

from faceveil import Options, veil_file
from faceveil.media.documents.binary_book import without_binary_traces
from faceveil.media.documents.remains import remains
from offices import parts_of, read, relationships, zipped

OPTIONS = Options(second_detector="none", check="sample")
TOKEN = b"PLANTED"
WIDE = TOKEN.decode().encode("utf-16-le")
FIRST, SECOND = (f"{{{number:08X}-2222-4333-8444-5555666677AB}}" for number in (0xABCD, 7))
ACCOUNT = 'userId="S::PLANTED@corp.example::1f" providerId="AD"'


def people(element: str) -> bytes:
    return f"<list xmlns:p='urn:p' xmlns:w15='urn:w'>{element}</list>".encode() + b" " * 64


def printer(sheet: bool = True) -> dict[str, bytes]:
    """The parts of a printer, and what leads to them."""
    main = "xl/worksheets/sheet1.xml" if sheet else "word/document.xml"
    folder, _, name = main.rpartition("/")
    text = (
        '<worksheet xmlns:r="urn:r"><pageSetup paperSize="9" r:id="rId2" copies="2"/>'
        '<pageSetup r:id="rId2"/><pageSetup r:id="rId1"/></worksheet>'
        if sheet
        else '<document xmlns:w="urn:w" xmlns:r="urn:r"><w:printerSettings r:id="rId2"/></document>'
    )
    links = relationships(("theme", "../theme.xml"), ("printerSettings", "../printer.bin"))
    home = folder.rpartition("/")[0]
    return {
        main: text.encode(),
        f"{folder}/_rels/{name}.rels": links,
        f"{home}/theme.xml".lstrip("/"): b"<theme/>",
        f"{home}/printer.bin".lstrip("/"): WIDE * 9,
    }


CASES: dict[str, tuple[str, set[str], dict[str, bytes]]] = {
    "sessions of a text": (
        "docx",
        {"editing history"},
        {
            "word/document.xml": b'<w:document xmlns:w="urn:w"><w:p w:rsidR="00AA1B2C" '
            b'w:rsidRDefault="00AA1B2C" w:val="1"><w:t>w:rsidR="00AA1B2C" is shown'
            b"</w:t></w:p></w:document>",
            "word/settings.xml": b'<w:settings xmlns:w="urn:w" xmlns:w15="urn:x"><w:rsids>'
            b'<w:rsidRoot w:val="PLANTED"/><w:rsid w:val="PLANTED"/></w:rsids>'
            b'<w15:docId w15:val="{PLANTED}"/></w:settings>',
            "word/styles.xml": b'<w:styles xmlns:w="urn:w"><w:style><w:rsid w:val="PLANTED"/>'
            b'<w:pPr w:val="1"/></w:style></w:styles>',
        },
    ),
    "sessions and printer of OpenDocument": (
        "odt",
        {"editing history", "settings of a printer"},
        {
            "styles.xml": b'<s xmlns:officeooo="urn:o"><t officeooo:rsid="00AA1B2C" '
            b'officeooo:paragraph-rsid="00AA1B2C"/></s>',
            "settings.xml": b'<s xmlns:config="urn:c">'
            b'<config:config-item config:name="PrinterName">PLANTED</config:config-item>'
            b'<config:config-item config:name="Rsid" config:type="int">PLANTED</config:config-item>'
            b'<config:config-item config:name="Zoom" config:type="int">3</config:config-item></s>',
        },
    ),
    "versions of a workbook": (
        "xlsx",
        {"editing history"},
        {
            "xl/workbook.xml": b'<workbook xmlns:xr="urn:x"><xr:revisionPtr documentId="PLANTED"/>'
            b"<sheets/></workbook>"
        },
    ),
    "printer of a sheet": ("xlsx", {"settings of a printer"}, printer()),
    "printer of a text": ("docx", {"settings of a printer"}, printer(sheet=False)),
    "authors of a text": (
        "docx",
        {"accounts of authors"},
        {
            "word/people.xml": people(
                f'<w15:person w15:author="Ann"><w15:presenceInfo {ACCOUNT}/></w15:person>'
            ),
            # As Word writes it: each name has a prefix.
            "word/people2.xml": people(
                '<w15:person w15:author="Ann"><w15:presenceInfo w15:providerId="AD" '
                'w15:userId="S::PLANTED@corp.example::1f"/></w15:person>'
            ),
            "word/tasks.xml": b'<t><Attribution userId="PLANTED" userName="Ann" userProvider'
            b'="AD"/></t>',
        },
    ),
    "authors of a workbook": (
        "xlsx",
        {"accounts of authors"},
        {
            "xl/_rels/workbook.xml.rels": relationships(("person", "persons/person.xml")),
            "xl/persons/person.xml": people(
                f'<person displayName="Ann" id="{FIRST}" {ACCOUNT}/>'
                f'<person displayName="Bob" id="{SECOND}" userId="PLANTED" providerId="AD"/>'
            ),
            "xl/threadedComments/one.xml": people(f'<c personId="{FIRST.lower()}" id="{{1}}"/>'),
            "xl/threadedComments/two.xml": people(f'<c personId="{SECOND}" id="{{2}}"/>'),
            "xl/pivotCache/one.xml": b"<pivotCacheDefinition refreshedBy='PLANTED' r='1'/>"
            + b" " * 64,
            "xl/workbook.xml": b'<workbook><fileSharing readOnlyRecommended="1" userName='
            b'"PLANTED"/></workbook>',
        },
    ),
    "authors of slides": (
        "pptx",
        {"accounts of authors"},
        {
            "ppt/_rels/presentation.xml.rels": relationships(
                ("authors", "authors.xml"), ("commentAuthors", "old.xml")
            ),
            "ppt/authors.xml": people(
                f'<p:author id="{FIRST}" name="Ann" initials="A" {ACCOUNT}/>'
            ),
            "ppt/comments/one.xml": people(f'<p:cm id="{{1}}" authorId="{FIRST}"/>'),
            "ppt/old.xml": people(
                f'<p:cmAuthor name="Ann"><p:presenceInfo {ACCOUNT}/></p:cmAuthor>'
            ),
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_no_trace_of_the_author_stays(case: str, tmp_path: Path, detector: str) -> None:
    form, dropped, parts = CASES[case]
    path, out = tmp_path / f"x.{form}", tmp_path / f"out.{form}"
    whole = parts_of(form, parts)
    for name in [one for one in whole if one.startswith("docProps/") or one == "meta.xml"]:
        del whole[name]
    zipped(whole, path)
    report = veil_file(path, out, OPTIONS)
    assert (report.status, set(report.dropped)) == ("ok", dropped)
    after = read(out)
    said = b"".join(one.replace(b"\0", b"") for one in after.values())
    for trace in (TOKEN, FIRST.encode(), SECOND.encode(), b"S::"):
        assert trace.lower() not in said.lower()
    for data in after.values():
        if data[:1] == b"<" and not data.startswith(b"<manifest"):
            ElementTree.fromstring(data)
    assert remains(out, OPTIONS) == []
    _what_stays(case, after)


def _what_stays(case: str, after: dict[str, bytes]) -> None:
    if case == "sessions of a text":
        assert b'<w:p w:val="1"><w:t>w:rsidR="00AA1B2C" is shown' in after["word/document.xml"]
    if case == "sessions and printer of OpenDocument":
        assert b">3</config:config-item>" in after["settings.xml"]
    if case == "printer of a sheet":
        sheet = after["xl/worksheets/sheet1.xml"]
        assert b'<pageSetup paperSize="9" copies="2"/><pageSetup/><pageSetup r:id="rId1"/>' in sheet
    if case.startswith("printer"):
        assert b"printer" not in b"".join(after.values())
        assert b"theme.xml" in b"".join(after.values())
    if case.startswith("authors"):
        assert b"Ann" in b"".join(after.values())
    if case == "authors of a workbook":
        ids = [
            ElementTree.fromstring(after[f"xl/threadedComments/{name}.xml"])[0].get("personId")
            for name in ("one", "two")
        ]
        persons = ElementTree.fromstring(after["xl/persons/person.xml"])
        assert [one.get("id") for one in persons] == ids
        assert ids[0] != ids[1]
        assert [one.get("userId") for one in persons] == ["Ann", "Bob"]


def record(kind: int, body: bytes = b"") -> bytes:
    """MS-XLSB 2.1.4."""
    head = bytes((kind,)) if kind < 128 else bytes((kind & 127 | 128, kind >> 7))
    size = len(body)
    return head + (bytes((size,)) if size < 128 else bytes((size & 127 | 128, size >> 7))) + body


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def test_a_binary_workbook_keeps_no_folder_and_no_printer(tmp_path: Path, detector: str) -> None:
    folder = record(2071, wide("C:\\Users\\PLANTED\\" * 9))
    last = record(158, b"view") + record(132)
    book = record(131) + record(37, b"\2\0") + folder + record(38) + last
    setup = struct.pack("<8IH", 9, 100, 600, 600, 1, 1, 1, 1, 4)
    sheet = record(129) + record(478, setup + wide("rId1")) + record(130)
    path, out = tmp_path / "x.xlsb", tmp_path / "out.xlsb"
    whole = parts_of("xlsx", {})
    for name in [one for one in whole if one.startswith("docProps/")]:
        del whole[name]
    kind = b"application/vnd.ms-excel.sheet.binary.macroEnabled.main"
    whole["[Content_Types].xml"] = whole["[Content_Types].xml"].replace(
        b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml", kind
    )
    whole |= {
        "xl/workbook.bin": book,
        "xl/worksheets/sheet1.bin": sheet,
        "xl/worksheets/_rels/sheet1.bin.rels": relationships(("printerSettings", "../printer.bin")),
        "xl/printer.bin": WIDE * 9,
    }
    zipped(whole, path)
    report = veil_file(path, out, OPTIONS)
    assert report.status == "ok"
    assert set(report.dropped) == {"path of a file", "settings of a printer"}
    after = read(out)
    assert after["xl/workbook.bin"] == record(131) + last
    assert after["xl/worksheets/sheet1.bin"] == (
        record(129) + record(478, setup + b"\xff" * 4) + record(130)
    )
    assert "xl/printer.bin" not in after
    assert remains(out, OPTIONS) == []


def test_a_folder_that_stands_alone_is_emptied_and_other_records_stay() -> None:
    alone = record(131) + record(2071, wide("C:\\PLANTED")) + record(132)
    assert without_binary_traces(alone, ())[0] == record(131) + record(2071, bytes(4)) + record(132)
    both = record(131) + record(37) + record(3073, b"PLANTED") + record(38) + alone[3:]
    both += record(37) + record(2071) + record(39)
    assert without_binary_traces(both, ()) == (
        both.replace(record(37) + record(3073, b"PLANTED") + record(38), b"").replace(
            record(2071, wide("C:\\PLANTED")), record(2071, bytes(4))
        ),
        ("editing history", "path of a file"),
    )
    sharing = record(131) + record(548, b"\1\0\2\0" + wide("PLANTED")) + record(132)
    assert without_binary_traces(sharing, ()) == (
        record(131) + record(548, b"\1\0\2\0" + bytes(4)) + record(132),
        ("accounts of authors",),
    )
    for odd in (alone[:-9], b"\x83\x01" + b"\xff" * 40, record(5, b"x") + alone, b""):
        assert without_binary_traces(odd, ()) == (odd, ())
