"""Documents composed by the tests: office files, OpenDocument and EPUB with pictures in them."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
OFFICE = "application/vnd.openxmlformats-officedocument"
MAIN = {
    "docx": ("word/document.xml", f"{OFFICE}.wordprocessingml.document.main+xml"),
    "dotx": ("word/document.xml", f"{OFFICE}.wordprocessingml.template.main+xml"),
    "docm": ("word/document.xml", "application/vnd.ms-word.document.macroEnabled.main+xml"),
    "pptx": ("ppt/presentation.xml", f"{OFFICE}.presentationml.presentation.main+xml"),
    "ppsx": ("ppt/presentation.xml", f"{OFFICE}.presentationml.slideshow.main+xml"),
    "xlsx": ("xl/workbook.xml", f"{OFFICE}.spreadsheetml.sheet.main+xml"),
    "xlsm": ("xl/workbook.xml", "application/vnd.ms-excel.sheet.macroEnabled.main+xml"),
}
MIMETYPES = {
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "epub": "application/epub+zip",
}
FORMS = (*MAIN, *MIMETYPES)
Parts = Mapping[str, bytes]


def zipped(parts: Parts, path: Path | None = None, stored: tuple[str, ...] = ()) -> bytes:
    """A zip of parts; those in ``stored`` are not compressed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        for name, data in parts.items():
            entry = zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10))
            packed = name not in stored
            entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            package.writestr(entry, data)
    if path is not None:
        path.write_bytes(file.getvalue())
    return file.getvalue()


def relationships(*targets: tuple[str, str], external: bool = False) -> bytes:
    """A part with relationships: type (its last word) and target of each."""
    mode = ' TargetMode="External"' if external else ""
    lines = "".join(
        f'<Relationship Id="rId{number}" Type="{KINDS}/{kind}" Target="{target}"{mode}/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<?xml version="1.0"?><Relationships xmlns="{RELS}">{lines}</Relationships>'.encode()


def parts_of(form: str, further: Parts, body: str = "") -> dict[str, bytes]:
    """The parts of a document with further ones in it."""
    if form in MIMETYPES:
        return _open_parts(form, further, body)
    main, kind = MAIN[form]
    core = "application/vnd.openxmlformats-package.core-properties+xml"
    types = (
        f'<Types xmlns="{TYPES}"><Default Extension="rels" ContentType="application/vnd.openxml'
        f'formats-package.relationships+xml"/><Default Extension="jpeg" ContentType="image/jpeg"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{main}" ContentType="{kind}"/>'
        f'<Override PartName="/docProps/core.xml" ContentType="{core}"/>'
        f'<Override PartName="/docProps/app.xml" ContentType="{OFFICE}.extended-properties+xml"/>'
        f'<Override PartName="/docProps/custom.xml" ContentType="{OFFICE}.custom-properties+xml"/>'
        "</Types>"
    )
    text = f'<?xml version="1.0"?><w:document xmlns:w="urn:w"><w:t>Grüße</w:t>{body}</w:document>'
    return {
        "[Content_Types].xml": types.encode(),
        "_rels/.rels": relationships(("officeDocument", main)),
        main: text.encode(),
        "docProps/core.xml": b"<cp:coreProperties><dc:creator>TOKEN</dc:creator></cp:core>",
        "docProps/app.xml": b"<Properties><Company>TOKEN</Company></Properties>",
        **further,
    }


def _open_parts(form: str, further: Parts, body: str) -> dict[str, bytes]:
    manifest = "".join(f'<manifest:file-entry manifest:full-path="{one}"/>\n' for one in further)
    parts = {"mimetype": MIMETYPES[form].encode()}
    if form == "epub":
        parts |= {
            "META-INF/container.xml": b"<container/>",
            "OEBPS/book.opf": b"<package><dc:title>Book</dc:title></package>",
            "OEBPS/one.xhtml": b'<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml"><p>'
            + body.encode()
            + b"</p></html>",
        }
        return {**parts, **further}
    return {
        **parts,
        "content.xml": f'<office:document-content xmlns:office="urn:o">{body}</office:document-'
        "content>".encode(),
        "meta.xml": b"<office:document-meta><dc:creator>TOKEN</dc:creator></office:document-meta>",
        **further,
        "META-INF/manifest.xml": f"<manifest:manifest>{manifest}</manifest:manifest>".encode(),
    }


def document(form: str, further: Parts, path: Path | None = None, body: str = "") -> bytes:
    """A document of a form with further parts in it."""
    return zipped(parts_of(form, further, body), path, stored=("mimetype",))


def read(origin: Path | bytes) -> dict[str, bytes]:
    """The parts of a document."""
    with zipfile.ZipFile(origin if isinstance(origin, Path) else io.BytesIO(origin)) as package:
        return {one.filename: package.read(one) for one in package.infolist()}


def dib(image: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    """Header and bits of a bitmap of 24 bits."""
    height, width = image.shape[:2]
    image = np.ascontiguousarray(image[:, : width - width % 4])
    header = struct.pack(
        "<IiiHHIIiiII", 40, image.shape[1], -height, 1, 24, 0, image.nbytes, 0, 0, 0, 0
    )
    return header, image.tobytes()


def emf(*records: bytes) -> bytes:
    """An enhanced metafile of records."""
    ending = struct.pack("<IIIII", 14, 20, 0, 16, 20)
    body = b"".join(records) + ending
    header = struct.pack("<II", 1, 88) + struct.pack("<iiii", 0, 0, 99, 99) * 2
    header += struct.pack("<4sIIIHHIII", b" EMF", 0x10000, 88 + len(body), 3, 1, 0, 0, 0, 0)
    return header.ljust(88, b"\0") + body


def stretched(image: NDArray[np.uint8]) -> bytes:
    """A record that shows a bitmap (EMR_STRETCHDIBITS)."""
    header, bits = dib(image)
    numbers = (0, 0, 0, 0, image.shape[1], image.shape[0])
    body = bytes(16) + struct.pack("<6i", *numbers)
    body += struct.pack("<IIII", 80, len(header), 80 + len(header), len(bits))
    body += struct.pack("<IIii", 0, 0xCC0020, 99, 99) + header + bits
    body += bytes(-len(body) % 4)
    return struct.pack("<II", 81, 8 + len(body)) + body


def wmf(image: NDArray[np.uint8]) -> bytes:
    """A placeable metafile that shows a bitmap (META_STRETCHDIB)."""
    header, bits = dib(image)
    body = struct.pack("<IH8h", 0xCC0020, 0, *[0] * 8) + header + bits
    record = struct.pack("<IH", 3 + len(body) // 2, 0x0F43) + body
    placed = b"\xd7\xcd\xc6\x9a" + bytes(18)
    words = 9 + len(record) // 2 + 3
    start = struct.pack("<HHHIHIH", 1, 9, 0x0300, words, 0, len(record) // 2, 0)
    return placed + start + record + struct.pack("<IH", 3, 0)


def jpeg(image: NDArray[np.uint8], quality: int = 90) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def png(image: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()
