"""Fields and formulas that fetch a picture from elsewhere whenever they are brought up to date."""

from __future__ import annotations

import re
from typing import Final

# A field of Word (ISO/IEC 29500-1, 17.16): its instruction stands between its beginning and its
# separator or end, in as many pieces as the text was edited in.
_STEP: Final = re.compile(
    rb"<w:fldChar\b[^>]*w:fldCharType\s*=\s*[\"'](?P<step>begin|separate|end)[\"'][^>]*>"
    rb"|<w:(?:instrText|delInstrText)\b[^>/]*>(?P<words>[^<]*)</w:(?:instrText|delInstrText)>"
)
_SIMPLE: Final = re.compile(rb"(<w:fldSimple\b[^>]*?w:instr\s*=\s*)(\"[^\"]*\"|'[^']*')")
_FETCHES: Final = re.compile(rb"\s*(?:INCLUDEPICTURE|IMPORT)\b", re.IGNORECASE)

_FORMULA: Final = re.compile(rb"(<(?:\w+:)?(?:f|formula|definedName)\b[^>/]*>)([^<]*)(?=</)")
_WORDS: Final = re.compile(rb"\"[^\"]*\"|&quot;.*?&quot;", re.DOTALL)
_IMAGE: Final = re.compile(rb"\bIMAGE\s*\(", re.IGNORECASE)


def without_fetching(text: bytes) -> tuple[bytes, int]:
    """A text whose fields and formulas lead nowhere, and how many did before.

    What they showed last stays: it is a picture like others.
    """
    count = 0
    if b"<w:fld" in text:
        text, count = _fields(text)
    if b"IMAGE" in text.upper():
        text, more = _formulas(text)
        count += more
    return text, count


def _fields(text: bytes) -> tuple[bytes, int]:
    gone: list[tuple[int, int]] = []
    open_fields: list[list[tuple[int, int]]] = []
    count = 0
    for found in _STEP.finditer(text):
        step = found["step"]
        if step == b"begin":
            open_fields.append([])
        elif step is None:
            if open_fields:
                open_fields[-1].append(found.span("words"))
        elif open_fields:
            pieces = open_fields[-1]
            if _FETCHES.match(b"".join(text[at:end] for at, end in pieces)):
                gone += pieces
                count += 1
            pieces.clear()  # behind the separator stands what it showed last
            if step == b"end":
                open_fields.pop()
    for at, end in sorted(gone, reverse=True):
        text = text[:at] + text[end:]

    def simple(found: re.Match[bytes]) -> bytes:
        nonlocal count
        if not _FETCHES.match(found[2][1:-1]):
            return found[0]
        count += 1
        return found[1] + b'""'

    return _SIMPLE.sub(simple, text), count


def _formulas(text: bytes) -> tuple[bytes, int]:
    count = 0

    def change(found: re.Match[bytes]) -> bytes:
        nonlocal count
        if not _IMAGE.search(_WORDS.sub(b"", found[2])):
            return found[0]
        count += 1
        return found[1] + b'""'

    return _FORMULA.sub(change, text), count
