"""Traces of whoever wrote an office file, outside of its properties, that no page shows."""

from __future__ import annotations

import re
from typing import Final

from faceveil.i18n import say

PROPERTIES, HISTORY, PATH = (
    say("document properties"),
    say("editing history"),
    say("path of a file"),
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
    return PROPERTIES if kind.endswith(_LABELS) else ""


def without_traces(text: bytes) -> tuple[bytes, str]:
    """A part without such traces, and the name of what it held."""
    if (found := _SET.match(text)) is not None:
        name, space = found["name"], found["space"]
        key = b"xmlns:" + name.partition(b":")[0] if b":" in name else b"xmlns"
        empty = found["head"] + b"<" + name + b" " + key + b'="' + space + b'"/>'
        return empty, PROPERTIES if text != empty else ""
    if b"absPath" not in text:
        return text, ""
    plain = _URL.sub(rb'\1""', _FOLDER.sub(b"", text))
    return plain, PATH if plain != text else ""


def template_of(kind: str, target: str) -> str | None:
    """The name of a template without the folder in which it lies; None if there is none to take
    away.

    Args:
        kind: the type of a relationship; ``target``: where it leads.
    """
    name = re.split(r"[/\\]|%5[Cc]", target)[-1]
    return name if kind.lower().endswith(_TEMPLATE) and name != target else None
