"""Changes to the texts of a document: its properties, and links that leave it.

The texts are searched, never parsed: no entity is resolved, and what is not changed keeps its
bytes.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

from faceveil.i18n import say
from faceveil.media.documents.texts import narrowed, widened

TYPES: Final = "[Content_Types].xml"
MANIFEST: Final = "META-INF/manifest.xml"
PROPERTIES, LINKS = say("document properties"), say("link to a picture elsewhere")

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

_RELATIONSHIP: Final = re.compile(
    rb"<(?:\w+:)?Relationship\s[^>]*>(?:\s*</(?:\w+:)?Relationship>)?"
)
_TYPE: Final = re.compile(rb"<(?:\w+:)?(?:Override|Default)\s[^>]*>")
_ENTRY: Final = re.compile(
    rb"<manifest:file-entry\s[^>]*(?:/>|>.*?</manifest:file-entry\s*>)\s*", re.DOTALL
)
_ATTRIBUTE: Final = re.compile(rb"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_SHOWN: Final = re.compile(rb"/(?:image|video|audio|media|thumbnail|slicerImage|oleObject)$")
"""Ends of the types of relationships that lead to what is shown."""
_NOWHERE: Final = b"NULL"
"""The target that PowerPoint itself writes for a picture that it cannot find."""

_ELEMENT: Final = re.compile(
    rb"<(?:\w+:)?(?:img|image|imagedata|fill|fill-image|background-image|embed|object|object-ole"
    rb"|plugin|video|audio|source|input|iframe|bullet|list-level-style-image|feImage)\b[^>]*>",
    re.IGNORECASE,
)
_ELSEWHERE: Final = re.compile(
    rb"(\b(?:src|srcset|href|poster|data)\s*=\s*)(?:\"(?:https?|ftps?|file|smb):[^\"]*\"|\"(?://|"
    rb"\\\\)[^\"]*\"|'(?:https?|ftps?|file|smb):[^']*'|'(?://|\\\\)[^']*')",
    re.IGNORECASE,
)
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
    """

    def __init__(self, types: bytes, suffix: str, dropped: Iterable[str]) -> None:
        self._dropped = frozenset(one.casefold() for one in dropped)
        self._suffix = suffix
        self._properties: dict[str, bytes] = {}
        self._defaults: dict[str, bytes] = {}
        for found in _TYPE.finditer(types):
            given = attributes(found[0])
            plain = self._plain(given.get("ContentType", ""))
            if plain and "PartName" in given:
                self._properties[given["PartName"].lstrip("/").casefold()] = plain
            elif plain and "Extension" in given:
                self._defaults[f".{given['Extension'].casefold()}"] = plain
        if suffix.startswith(".o"):
            self._properties["meta.xml"] = _META

    @staticmethod
    def _plain(kind: str) -> bytes:
        return next((data for end, data in _PROPERTIES.items() if kind.endswith(end)), b"")

    def __call__(self, name: str, data: bytes) -> tuple[bytes, tuple[str, ...]]:
        """The bytes of a part as they are written, and what is not kept of it.

        Args:
            data: its bytes, pictures in it replaced already.
        """
        low = name.casefold()
        plain = self._properties.get(low) or self._defaults.get(PurePosixPath(low).suffix)
        if plain is not None:
            return plain, (PROPERTIES,) if data != plain else ()
        text, code = narrowed(data)
        if b"<" not in text[:4096] and not low.endswith((".css", ".js")):
            return data, ()
        changed, links = text, 0
        if low.endswith(".rels"):
            changed, links = self._rels(name, text)
        elif name == TYPES:
            changed = _TYPE.sub(self._type, text)
        elif name == MANIFEST and self._dropped:
            changed = _ENTRY.sub(self._entry, text)
        else:
            changed, links = self._links(text)
        if changed == text:
            return data, ()
        return widened(changed, code), (LINKS,) if links else ()

    def _rels(self, name: str, text: bytes) -> tuple[bytes, int]:
        count = 0

        def change(found: re.Match[bytes]) -> bytes:
            nonlocal count
            given = attributes(found[0])
            target = given.get("Target", "")
            if given.get("TargetMode") != "External":
                gone = target_of(name, target).casefold() in self._dropped
                return b"" if gone else found[0]
            if not _SHOWN.search(given.get("Type", "").encode()) or target == "NULL":
                return found[0]
            count += 1
            return _with(found[0], b"Target", _NOWHERE)

        return _RELATIONSHIP.sub(change, text), count

    def _type(self, found: re.Match[bytes]) -> bytes:
        part = attributes(found[0]).get("PartName", "")
        return b"" if _plain_name(part).lstrip("/").casefold() in self._dropped else found[0]

    def _entry(self, found: re.Match[bytes]) -> bytes:
        path = attributes(found[0]).get("manifest:full-path", "")
        return b"" if path.casefold() in self._dropped else found[0]

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
        if self._suffix == ".epub":
            text, more = _STYLED.subn(b"url()", text)
            count += more
        return text, count


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
