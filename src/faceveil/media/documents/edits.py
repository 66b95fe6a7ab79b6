"""Changes to the texts of a document: its properties, and links that leave it.

The texts are searched, never parsed: no entity is resolved, and what is not changed keeps its
bytes.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from faceveil.i18n import say
from faceveil.media.documents.accounts import ACCOUNTS, without_accounts
from faceveil.media.documents.binary_book import without_binary_traces
from faceveil.media.documents.fields import without_fetching
from faceveil.media.documents.texts import narrowed, widened
from faceveil.media.documents.traces import PATH, PROPERTIES, template_of, without_traces

TYPES: Final = "[Content_Types].xml"
MANIFEST: Final = "META-INF/manifest.xml"
LINKS: Final = say("link to a picture elsewhere")

_XML: Final = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PROPERTIES: Final = {
    "core-properties+xml": _XML
    + b'<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
    + b'core-properties"/>',
    "extended-properties+xml": _XML
    + b'<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/'
    + b'extended-properties"/>',
    "custom-properties+xml": _XML
    + b'<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/'
    + b'custom-properties"/>',
}
"""The end of the type of a part with properties, and such a part without any."""
_META: Final = (
    _XML
    + b'<office:document-meta xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    + b'office:version="1.3"><office:meta/></office:document-meta>'
)
# Programs lay a document out as the one that wrote it did, so they look for its name.
_PROGRAM: Final = re.compile(
    rb"<Application>(?:Microsoft (?:Office |Macintosh )?(?:Word|Excel|PowerPoint)|LibreOffice)"
    rb"</Application>"
)
_FIRST_VERSION: Final = re.compile(rb"<AppVersion>12\.0000</AppVersion>")
"""Of Office 2007, whose charts have other defaults: labels that it did not show would be shown."""
_GENERATOR: Final = re.compile(
    rb"<meta:generator>(?:LibreOffice|OpenOffice(?:\.org)?|MicrosoftOffice)/[\d.]{1,12}"
    rb"(?:\$\w{1,20}|%20\w{1,20}| \w{1,20})?(?: LibreOffice_project/[0-9a-f$Build-]{1,50})?"
    rb"</meta:generator>"
)

_RELATIONSHIP: Final = re.compile(
    rb"<(?:\w+:)?Relationship\s[^>]*>(?:\s*</(?:\w+:)?Relationship>)?"
)
_TYPE: Final = re.compile(rb"<(?:\w+:)?(?:Override|Default)\s[^>]*>")
_ENTRY: Final = re.compile(
    rb"<manifest:file-entry\s[^>]*(?:/>|>.*?</manifest:file-entry\s*>)\s*", re.DOTALL
)
_ATTRIBUTE: Final = re.compile(rb"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_SHOWN: Final = re.compile(
    r"/(?:image|video|audio|media|thumbnail|slicerImage|oleObject|package|aFChunk|frame"
    r"|subDocument)$",
    re.IGNORECASE,
)
"""Ends of the types of relationships that lead to what is shown."""
_CELLS: Final = "/richdata/"
"""The folder of pictures in cells, whose hyperlinks lead to where they came from."""
_NOWHERE: Final = b"NULL"
"""The target that PowerPoint itself writes for a picture that it cannot find."""

_ELEMENT: Final = re.compile(
    rb"<(?:\w+:)?(?:img|image|imagedata|fill|fill-image|background-image|embed|object|object-ole"
    rb"|plugin|video|audio|source|input|iframe|bullet|list-level-style-image|feImage"
    rb"|section-source)\b[^>]*>",
    re.IGNORECASE,
)
_ELSEWHERE: Final = re.compile(
    rb"(\b(?:src|srcset|href|poster|data)\s*=(?:3D)?\s*)(?:\"(?:https?|ftps?|file|smb):[^\"]*\"|\"(?://|"
    rb"\\\\)[^\"]*\"|'(?:https?|ftps?|file|smb):[^']*'|'(?://|\\\\)[^']*')",
    re.IGNORECASE,
)
_WEB: Final = re.compile(rb"<html\b", re.IGNORECASE)
_OUTSIDE: Final = re.compile(rb"(\bhref\s*=\s*)(?:\"\.\./[^\"]*\"|'\.\./[^']*')")
_STYLED: Final = re.compile(rb"url\(\s*[\"']?(?:https?|ftps?|file):[^)]*\)", re.IGNORECASE)


def attributes(element: bytes) -> dict[str, str]:
    """The attributes of an element, as they are written."""
    return {
        name.decode("utf-8", "replace"): (one or other).decode("utf-8", "replace")
        for name, one, other in _ATTRIBUTE.findall(element)
    }


def relationships(text: bytes) -> Iterator[dict[str, str]]:
    """The attributes of each relationship in a part with such."""
    return (attributes(found[0]) for found in _RELATIONSHIP.finditer(text))


def target_of(rels: str, target: str) -> str:
    """The name of the part to which a relationship leads.

    Args:
        rels: the name of the part with the relationship.
    """
    base = PurePosixPath(rels).parent.parent
    whole = _plain_name(target) if target.startswith("/") else f"/{base}/{_plain_name(target)}"
    return posixpath.normpath(whole).lstrip("/")


class Edits:
    """Changes the texts of one document.

    Args:
        types: the bytes of `TYPES`; none in OpenDocument and EPUB.
        suffix: of the document.
        dropped: names of parts that are not kept.
        unlinked: name of a part -> ids of its relationships that lead to such.
        numbers: the new ones of authors, see `without_accounts`.
    """

    def __init__(
        self,
        types: bytes,
        suffix: str,
        dropped: Iterable[str],
        unlinked: Mapping[str, Collection[str]],
        numbers: Mapping[bytes, bytes],
    ) -> None:
        self._dropped = frozenset(map(key_of_part, dropped))
        self._suffix = suffix
        self._unlinked, self._numbers = unlinked, numbers
        self._properties: dict[str, bytes] = {}
        self._defaults: dict[str, bytes] = {}
        for found in _TYPE.finditer(narrowed(types)[0]):
            given = attributes(found[0])
            plain = self._plain(given.get("ContentType", ""))
            if plain and "PartName" in given:
                self._properties[key_of_part(given["PartName"])] = plain
            elif plain and "Extension" in given:
                self._defaults[f".{given['Extension'].casefold()}"] = plain

    @staticmethod
    def _plain(kind: str) -> bytes:
        kind = kind.partition(";")[0].strip().lower()
        return next((data for end, data in _PROPERTIES.items() if kind.endswith(end)), b"")

    def __call__(self, name: str, data: bytes) -> tuple[bytes, tuple[str, ...]]:
        """The bytes of a part as they are written, and what is not kept of it.

        Args:
            data: its bytes, pictures in it replaced already.
        """
        low = key_of_part(name)
        text, code = narrowed(data)
        plain = self._properties.get(low) or self._defaults.get(PurePosixPath(low).suffix)
        if self._suffix.startswith(".o") and PurePosixPath(low).name == "meta.xml":
            plain = _META  # objects in a document have their own
        if plain is not None:
            plain = _with_program(plain, text)
            return plain, (PROPERTIES,) if data != plain else ()
        gone = self._unlinked.get(name, ())
        if self._suffix == ".xlsb" and low.endswith(".bin"):
            return without_binary_traces(data, gone)
        if b"<" not in text[:4096] and not low.endswith((".css", ".js")):
            return data, ()
        changed, links, traces = text, 0, tuple[str, ...]()
        if low.endswith(".rels"):
            changed, links, traces = self._rels(name, text)
        elif low == TYPES.casefold():
            changed = _TYPE.sub(self._type, text)
        elif name == MANIFEST and self._dropped:
            changed = _ENTRY.sub(self._entry, text)
        else:
            changed, traces = without_traces(text, gone)
            lean = without_accounts(changed, self._numbers)
            traces += (ACCOUNTS,) if lean != changed else ()
            changed, links = self._links(lean)
        if changed == text:
            return data, ()
        return widened(changed, code), (*((LINKS,) if links else ()), *traces)

    def _rels(self, name: str, text: bytes) -> tuple[bytes, int, tuple[str, ...]]:
        count, traces = 0, tuple[str, ...]()
        in_cells = _CELLS in f"/{name.casefold()}"

        def change(found: re.Match[bytes]) -> bytes:
            nonlocal count, traces
            given = attributes(found[0])
            target = given.get("Target", "")
            if given.get("TargetMode") != "External":
                gone = key_of_part(target_of(name, target)) in self._dropped
                return b"" if gone else found[0]
            template = template_of(given.get("Type", ""), target)
            if template is not None:
                traces = (PATH,)
                return _with(found[0], b"Target", template.encode())
            shown = in_cells or _SHOWN.search(given.get("Type", ""))
            if not shown or target == _NOWHERE.decode():
                return found[0]
            count += 1
            return _with(found[0], b"Target", _NOWHERE)

        return _RELATIONSHIP.sub(change, text), count, traces

    def _type(self, found: re.Match[bytes]) -> bytes:
        part = attributes(found[0]).get("PartName", "")
        return b"" if part and key_of_part(part) in self._dropped else found[0]

    def _entry(self, found: re.Match[bytes]) -> bytes:
        path = attributes(found[0]).get("manifest:full-path", "")
        return b"" if key_of_part(path) in self._dropped else found[0]

    def _links(self, text: bytes) -> tuple[bytes, int]:
        count = 0
        outside = self._suffix.startswith(".o")

        def change(found: re.Match[bytes]) -> bytes:
            nonlocal count
            element, some = _ELSEWHERE.subn(rb'\1""', found[0])
            more = 0
            if outside:
                element, more = _OUTSIDE.subn(rb'\1""', element)
            count += some + more
            return element

        text = _ELEMENT.sub(change, text)
        if self._suffix == ".epub" or _WEB.search(text):
            text, more = _STYLED.subn(b"url()", text)
            count += more
        text, more = without_fetching(text)
        return text, count + more


def _with_program(plain: bytes, before: bytes) -> bytes:
    """Empty properties with the name of the program, if that is a usual one."""
    if b"/extended-properties" in plain and (found := _PROGRAM.search(before)):
        version = _FIRST_VERSION.search(before)
        kept = found[0] + (version[0] if version else b"")
        return plain.removesuffix(b"/>") + b">" + kept + b"</Properties>"
    if plain is _META and (found := _GENERATOR.search(before)):
        space = b' xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" office:version'
        return plain.replace(b" office:version", space).replace(
            b"<office:meta/>", b"<office:meta>" + found[0] + b"</office:meta>"
        )
    return plain


def key_of_part(name: str) -> str:
    """The same for every way to write the name of a part (ISO/IEC 29500-2, 6.2.2)."""
    return _plain_name(name).lstrip("/").casefold()


def _plain_name(name: str) -> str:
    """A name without percent signs for what a URL cannot hold (RFC 3986, 2.1)."""
    data = re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode()), name.encode()
    )
    return data.decode("utf-8", "replace")


def _with(element: bytes, name: bytes, value: bytes) -> bytes:
    """An element with another value of an attribute."""
    pattern = rb"(\b" + name + rb"\s*=\s*)(?:\"[^\"]*\"|'[^']*')"
    return re.sub(pattern, rb'\1"' + value + b'"', element, count=1)
