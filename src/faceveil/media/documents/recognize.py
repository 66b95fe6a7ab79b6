"""Tell documents from archives, and name their forms."""

from __future__ import annotations

import io
import re
import stat
from pathlib import Path
from typing import IO, Final

from faceveil.errors import UnreadableError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.advice import CONVERT, PRINT
from faceveil.media.kinds import HEAD, sniff, unreadable

DOCUMENTS: Final = frozenset({"office", "pdf"})
"""Kinds of files, as `kind_of` names them, that are opened as documents."""

COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of a compound file (MS-CFB), as old office files are, and encrypted ones."""
_PIECE: Final = b"PK\x07\x08"
"""The first bytes of the first part of a zip in several (APPNOTE.TXT 8.5.4)."""
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_RIGHTS: Final = "DRMEncryptedDataSpace".encode("utf-16-le")
_LOOK: Final = 1 << 26
"""Bytes of a compound file in which the names of its streams are looked for."""

# Names in the directory of a zip (APPNOTE.TXT 4.3.12) that only documents have: ISO/IEC 29500-2,
# OpenDocument 1.3 part 2, EPUB 3.3, and those of Apple's programs.
_NAMED: Final = re.compile(
    rb"PK\x01\x02.{42}(\[Content_Types\]\.xml|META-INF/manifest\.xml|META-INF/container\.xml"
    rb"|Index/Document\.iwa|Metadata/BuildVersionHistory\.plist)",
    re.DOTALL | re.IGNORECASE,
)
_FLAT: Final = re.compile(
    rb"<office:document\s|<pkg:package\b|<\?mso-application\b|<w:wordDocument\b|^\s*\{\\rtf"
    rb"|^mime-version:|<(?:\w+:)?FictionBook\b",
    re.IGNORECASE,
)
"""Documents in one file of text."""
_END: Final = 1 << 16
_TABLE: Final = 1 << 24
"""Bytes of the end record with its comment, and of the directory, that are looked through."""

_OPC: Final = (
    ("wordprocessingml.document", ".docx"),
    ("wordprocessingml.template", ".dotx"),
    ("ms-word.document.macroenabled", ".docm"),
    ("ms-word.template.macroenabledtemplate", ".dotm"),
    ("spreadsheetml.sheet", ".xlsx"),
    ("spreadsheetml.template", ".xltx"),
    ("ms-excel.sheet.macroenabled", ".xlsm"),
    ("ms-excel.template.macroenabled", ".xltm"),
    ("ms-excel.addin.macroenabled", ".xlam"),
    ("ms-excel.sheet.binary.macroenabled", ".xlsb"),
    ("presentationml.presentation", ".pptx"),
    ("presentationml.template", ".potx"),
    ("presentationml.slideshow", ".ppsx"),
    ("ms-powerpoint.presentation.macroenabled", ".pptm"),
    ("ms-powerpoint.template.macroenabled", ".potm"),
    ("ms-powerpoint.slideshow.macroenabled", ".ppsm"),
    ("ms-powerpoint.addin.macroenabled", ".ppam"),
)
"""The main part's type, in lower case and without what all have in common, and the suffix."""
_MAIN: Final = re.compile(
    r"application/(?:vnd\.openxmlformats-officedocument\.|vnd\.)([\w.-]+?)\.main\+xml"
)
_BINARY: Final = "application/vnd.ms-excel.sheet.binary.macroenabled.main"

_MIMETYPES: Final = {
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.text-template": ".ott",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.oasis.opendocument.spreadsheet-template": ".ots",
    "application/vnd.oasis.opendocument.presentation": ".odp",
    "application/vnd.oasis.opendocument.presentation-template": ".otp",
    "application/vnd.oasis.opendocument.graphics": ".odg",
    "application/vnd.oasis.opendocument.graphics-template": ".otg",
    "application/epub+zip": ".epub",
}

SUFFIXES: Final = frozenset({*(suffix for _, suffix in _OPC), *_MIMETYPES.values()})
"""Suffixes of the documents that are handled."""
DOCUMENT_TYPES: Final = {
    **{suffix: name for name, suffix in _MIMETYPES.items()},
    **{
        suffix: f"application/vnd.openxmlformats-officedocument.{name}"
        for name, suffix in _OPC
        if not name.startswith("ms-")
    },
}
"""Media types by the suffixes of documents, but for those with macros."""


def kind_of(origin: Path | bytes | IO[bytes]) -> tuple[bytes, str | None]:
    """The first bytes of a file, and its kind: as `sniff` has it, but documents are "office".

    A document is a zip, and only its directory tells it from an archive.

    Raises:
        UnreadableError: the file cannot be read.
    """
    try:
        if isinstance(origin, bytes):
            return _kind(io.BytesIO(origin))
        if isinstance(origin, Path):
            # A pipe would be waited for, and cannot be read twice.
            if not stat.S_ISREG(mode := origin.stat().st_mode) and not stat.S_ISDIR(mode):
                raise UnreadableError(
                    say("it is a pipe or a device, not a file"), say("Save it as a file first.")
                )
            with origin.open("rb") as file:
                return _kind(file)
        return _kind(origin)
    except OSError as error:
        raise unreadable(error) from error


def _kind(file: IO[bytes]) -> tuple[bytes, str | None]:
    file.seek(0)
    head = file.read(HEAD)
    kind = sniff(head)
    if kind in ("zip", "office"):
        table = _directory(file)
        if table:  # a file that was cut off has none
            kind = "office" if _NAMED.search(table) else "zip"
    file.seek(0)
    return head, kind


def _directory(file: IO[bytes]) -> bytes:
    """The directory of a zip, or what can be found of it."""
    end = file.seek(0, io.SEEK_END)
    file.seek(max(0, end - _END - 22))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return b""
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    start = max(0, end - len(tail) + at - min(size, _TABLE))
    file.seek(start)
    return file.read(end - start)


def compound_refusal(origin: Path | bytes | IO[bytes]) -> UnsupportedError:
    """The reason why a compound file is not handled."""
    if isinstance(origin, bytes):
        data = origin[:_LOOK]
    elif isinstance(origin, Path):
        with origin.open("rb") as file:
            data = file.read(_LOOK)
    else:
        origin.seek(0)
        data = origin.read(_LOOK)
    if _RIGHTS in data:
        return UnsupportedError(
            say("the document is protected by rights management"),
            say("Save a copy without it, and give that to FaceVeil."),
        )
    if _ENCRYPTED in data:
        return UnsupportedError(
            say("the document is encrypted"),
            say("Save a copy without a password, and give that to FaceVeil."),
        )
    return UnsupportedError(
        say("old office files (.doc, .xls, .ppt, .msg) are not handled"),
        say("Save it as .docx, .xlsx or .pptx, and give that to FaceVeil."),
    )


def is_flat(head: bytes) -> bool:
    """Whether a file is a document in one text, which may hold pictures as letters."""
    from faceveil.media.documents.texts import narrowed, without_mark

    return _FLAT.search(without_mark(narrowed(head[: len(head) & ~1])[0])) is not None


def is_flat_anywhere(origin: Path | bytes) -> bool:
    """Whether a file of no kind is a text with pictures as letters in it, however it begins."""
    from faceveil.media.documents.texts import holds_pictures

    if isinstance(origin, bytes):
        return holds_pictures(io.BytesIO(origin))
    with origin.open("rb") as file:
        return holds_pictures(file)


def unknown_refusal(head: bytes) -> UnreadableError:
    """The reason why a file of no kind is not handled."""
    if head.startswith(_PIECE):
        return UnreadableError(
            say("it is one part of an archive that is stored in several"),
            say("Put the parts together (zip -s 0 it.zip --out whole.zip)."),
        )
    return UnreadableError(
        say("neither a picture, a video nor a document that is known here"), CONVERT
    )


def flat_refusal() -> UnsupportedError:
    """The reason why a document in one text is not handled."""
    return UnsupportedError(
        say("documents in one file of text (flat XML, RTF, MHT, HTML, notebooks) are not handled"),
        PRINT,
    )


def suffix_of(types: str, mimetype: str) -> str:
    """The usual suffix of a document.

    Args:
        types: the text of ``[Content_Types].xml``; "" where there is none.
        mimetype: of the part of this name.

    Raises:
        UnsupportedError: it is of a form that is not handled.
    """
    if types:
        lower = types.lower()
        found = {match[1] for match in _MAIN.finditer(lower)}
        if _BINARY in lower:
            found.add("ms-excel.sheet.binary.macroenabled")
        for name, suffix in _OPC:
            if name in found:
                return suffix
        raise UnsupportedError(say("documents of this form are not handled"), PRINT)
    if mimetype in _MIMETYPES:
        return _MIMETYPES[mimetype]
    raise UnsupportedError(say("documents of this form are not handled"), PRINT)
