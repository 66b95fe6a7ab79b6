"""Pictures that stand in texts as letters: data URIs, base64 in XML and in mail."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

# The letters with which pictures begin, and drawings and texts that may hold some: JPEG, PNG, GIF,
# RIFF, TIFF, BMP, boxes of ISO files, XML, EMF, WMF, gzip, zip.
_BEGINNINGS: Final = (
    rb"(?:/|%2[Ff])9j(?:/|%2[Ff])|iVBORw0K|R0lGOD|UklGR|SUkq|TU0A|Qk|AAAA|PHN2Zy|PD94bW|PCFE"
    rb"|AQAA|183G|H4sI|UEsDB|0M8R4|JVBER|GkXf|SUm8"
)
_LETTERS: Final = rb"[A-Za-z0-9+/]+|\s+|%2[BbFf]|%0[AaDd]|&\#(?:[0-9]+|x[0-9A-Fa-f]+);|\\\r?\n"
_RUN: Final = re.compile(
    rb"(?<![A-Za-z0-9+/%])(?=" + _BEGINNINGS + rb")(?:" + _LETTERS + rb")+(?:=|%3[Dd]){0,2}"
)
_NOISE: Final = re.compile(rb"\s+|%0[AaDd]|&\#(?:[0-9]+|x[0-9A-Fa-f]+);|\\\r?\n|=|%3[Dd]")
_LEAST: Final = 80
"""Letters of the smallest picture that is looked for."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of letters that stands for bytes.

    Attributes:
        start, end: where it is in the text.
        data: the bytes.
    """

    start: int
    end: int
    data: bytes


def runs(text: bytes) -> Iterator[Run]:
    """Everything in a text that may be a picture written as base64."""
    for found in _RUN.finditer(text):
        if found.end() - found.start() < _LEAST:
            continue
        data = _decoded(found[0])
        if data is not None:
            end = found.end() - (len(found[0]) - len(found[0].rstrip()))
            yield Run(found.start(), end, data)


def replaced(text: bytes, new: Mapping[int, bytes]) -> bytes:
    """The text with other bytes in some of its runs, each named by where it starts."""
    parts, at = [], 0
    for run in runs(text):
        if run.start in new:
            parts += [text[at : run.start], base64.b64encode(new[run.start])]
            at = run.end
    return b"".join([*parts, text[at:]])


def _decoded(letters: bytes) -> bytes | None:
    plain = _NOISE.sub(b"", letters)
    plain = re.sub(rb"%2[Bb]", b"+", re.sub(rb"%2[Ff]", b"/", plain))
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return None


def narrowed(data: bytes) -> tuple[bytes, str]:
    """A text in UTF-8, and the encoding that it has; "" if its bytes are as they are."""
    for mark, code in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):
            try:
                return data.decode(code).encode(), code
            except UnicodeError:
                return data, ""
    return data, ""


def widened(text: bytes, code: str) -> bytes:
    """A text back in the encoding that it had."""
    return text.decode().encode(code) if code else text
