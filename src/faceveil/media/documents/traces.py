"""Traces of whoever wrote an office file, outside of its properties, that no page shows."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import partial
from typing import Final

from faceveil.i18n import say

PROPERTIES, HISTORY, PATH, PRINTER = (
    say("document properties"),
    say("editing history"),
    say("path of a file"),
    say("settings of a printer"),
)

_HISTORIES: Final = ("/changesinfo", "/revisioninfo")
"""Ends of the types of relationships that lead to who changed what, when and by which account
(MS-PPTX 2.2.5 and 2.2.6). Comments and tracked changes are others."""
_LABELS: Final = "/classificationlabels"
"""The same for the labels of a company (MS-OFFCRYPTO 2.6)."""

_SET: Final = re.compile(
    rb"(?P<head>(?:\xef\xbb\xbf)?(?:<\?xml[^>]*>)?\s*)<(?P<name>(?:\w+:)?(?:properties|LongProperties))(?=\s)[^>]*"
    rb"[\"'](?P<space>http://schemas\.microsoft\.com/office/2006/metadata/(?:longP|p)roperties)[\"']"
)
"""The properties that a document has in a library of SharePoint, shared with whom among them."""
_FOLDER: Final = re.compile(
    rb"<mc:AlternateContent\b[^>]*>\s*<mc:Choice\b[^>]*>\s*<(?:\w+:)?absPath\b[^>]*?"
    rb"(?:/>|>\s*</(?:\w+:)?absPath\s*>)\s*</mc:Choice>\s*</mc:AlternateContent\s*>"
)
"""The folder in which Excel saved the file (MS-XLSX 2.6.1)."""
_URL: Final = re.compile(rb"(<(?:\w+:)?absPath\b[^>]*?\surl\s*=\s*)(?:\"[^\"]+\"|'[^']+')")
_TEMPLATE: Final = "/attachedtemplate"
_PRINTERS: Final = "/printersettings"
"""The printer of whoever saved the file, with the names of its computer and its user."""
_TO_PRINTER: Final = re.compile(
    rb"<(?:\w+:)?printerSettings\s[^<>]*?\w+:id\s*=\s*[\"'](?P<own>[^\"']*)[\"'][^<>]*?"
    rb"(?:/>|>\s*</(?:\w+:)?printerSettings\s*>)"
    rb"|(?P<head><(?:\w+:)?pageSetup(?=\s)[^<>]*?)\s\w+:id\s*=\s*[\"'](?P<id>[^\"']*)[\"']"
)
"""Places that lead there (ISO/IEC 29500-1, 17.6.14 and 18.3.1.63)."""
_SETTING: Final = (
    rb"<config:config-item\s[^<>]*?\bconfig:name\s*=\s*[\"'](?:%b)[\"'][^<>]*(?<!/)>[^<>]+"
    rb"</config:config-item\s*>"
)
# Numbers of the sessions in which a text was written: they tell which texts were made from which
# (ISO/IEC 29500-1, 17.15.1.70; MS-DOCX 2.5.4.2). In workbooks, of their versions (MS-XLSX 2.4.82).
_SESSION: Final = re.compile(
    rb"\s\w+:(?:paragraph-)?rsid(?:R|RPr|RDefault|P|Tr|Sect|Del)?\s*=\s*"
    rb"(?:\"[0-9A-Fa-f]*\"|'[0-9A-Fa-f]*')(?=[^<>]*>)"
    rb"|<(?P<list>\w+:rsids)(?:\s*/>|\s*>.*?</(?P=list)\s*>)"
    rb"|<(?P<one>\w+:rsid|w1[45]:docId|\w+:revisionPtr)\s[^<>]*?(?:/>|>\s*</(?P=one)\s*>)",
    re.DOTALL,
)
_SESSIONS: Final = b"rsid", b":docId", b"revisionPtr"

BUYER: Final = re.compile(r"itunesmetadata[\w-]*\.plist|meta-inf/calibre_bookmarks\.txt")
"""Parts of a book, in lower case, that say who bought it by which account, and how far it was read.
"""


def what_leads_there(kind: str) -> str:
    """The name of what a part holds to which a relationship of this type leads, if it is only such
    a trace; "" otherwise.

    Args:
        kind: in lower case.
    """
    if kind.endswith(_HISTORIES):
        return HISTORY
    if kind.endswith(_PRINTERS):
        return PRINTER
    return PROPERTIES if kind.endswith(_LABELS) else ""


def without_traces(text: bytes, gone: Collection[str] = ()) -> tuple[bytes, tuple[str, ...]]:
    """A part without such traces, and the names of what it held.

    Args:
        gone: ids of relationships of the part that are not kept.
    """
    if (found := _SET.match(text)) is not None:
        name, space = found["name"], found["space"]
        key = b"xmlns:" + name.partition(b":")[0] if b":" in name else b"xmlns"
        empty = found["head"] + b"<" + name + b" " + key + b'="' + space + b'"/>'
        return empty, (PROPERTIES,) if text != empty else ()
    found_there: dict[str, None] = {}
    for what, change in _CHANGES:
        changed = change(text)
        if changed != text:
            text, found_there[what] = changed, None
    if gone:
        text = _TO_PRINTER.sub(lambda one: _unlinked(one, gone), text)
    return text, tuple(found_there)


def _without_folder(text: bytes) -> bytes:
    return _URL.sub(rb'\1""', _FOLDER.sub(b"", text)) if b"absPath" in text else text


def _without_sessions(text: bytes) -> bytes:
    return _SESSION.sub(b"", text) if any(one in text for one in _SESSIONS) else text


def _without_setting(name: bytes, text: bytes) -> bytes:
    """Without a setting of OpenDocument that has a value."""
    return re.sub(_SETTING % name, b"", text) if b"config:name" in text else text


def _unlinked(found: re.Match[bytes], gone: Collection[str]) -> bytes:
    """A place without what led to the settings of a printer that are not kept."""
    id = next(one for one in found.group("own", "id") if one is not None)
    return (found["head"] or b"") if id.decode() in gone else found[0]


_CHANGES: Final = (
    (PATH, _without_folder),
    (HISTORY, _without_sessions),
    (HISTORY, partial(_without_setting, b"Rsid(?:Root)?")),
    (PRINTER, partial(_without_setting, b"PrinterName|PrinterSetup|PrintFaxName")),
)


def template_of(kind: str, target: str) -> str | None:
    """The name of a template without the folder in which it lies; None if there is none to take
    away.

    Args:
        kind: the type of a relationship; ``target``: where it leads.
    """
    name = re.split(r"[/\\]|%5[Cc]", target)[-1]
    return name if kind.lower().endswith(_TEMPLATE) and name != target else None
