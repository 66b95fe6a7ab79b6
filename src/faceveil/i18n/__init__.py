"""What messages are in Chinese.

A message is worded once, in English, where it is raised, and stays a plain string wherever it goes:
through exceptions, processes, files and JSON. So it is translated where a person reads it, by its
words: chinese.json holds each message, with ``{0}``, ``{1}``, ... for what is put into it, and its
translation, which takes over ``{0}`` as it stands, ``{0!}`` translated as well, and ``{0*}`` so
for each part of a list. The web page does the same with the same file, in js/chinese.js.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

CATALOGUE = Path(__file__).with_name("chinese.json")
LIST = "; "
"""What stands between the parts of a list, in English."""
_HOLE = re.compile(r"\{(\d)([!*]?)\}")
_DEEPEST = 6
"""Messages in messages; a file name can be made to look like more."""


class _Pattern(NamedTuple):
    """A message with holes.

    Attributes:
        pieces: what stands around the holes.
        names: numbers of those that hold no message but a name or a figure.
    """

    pieces: Sequence[str]
    chinese: str
    names: Sequence[int]


def in_chinese(text: str) -> str:
    """A message in simplified Chinese, or as it is where the catalogue does not know it."""
    return _translated(text, 0)


def _translated(text: str, depth: int) -> str:
    exact, patterns = _catalogue()
    # What the system says comes in either case.
    if (chinese := exact.get(text.lower())) is not None:
        return chinese
    doubtful = None
    for pattern in patterns if depth < _DEEPEST else ():
        held = _held(pattern.pieces, text)
        if held is None:
            continue
        # "x.jpg: the file" cannot be the name in "... cannot be read": more is said before it.
        if not any(": " in held[number] for number in pattern.names):
            return _filled(pattern.chinese, held, depth)
        doubtful = doubtful or (pattern, held)
    return _filled(doubtful[0].chinese, doubtful[1], depth) if doubtful else text


def _held(pieces: Sequence[str], text: str) -> list[str] | None:
    """What a text holds between the pieces, or None if they are not in it."""
    first, *middle, last = pieces
    if not text.startswith(first):
        return None
    at, held = len(first), []
    for piece in middle:
        end = text.find(piece, at)
        if end < 0:
            return None
        held.append(text[at:end])
        at = end + len(piece)
    end = len(text) - len(last)
    if end < at or not text.endswith(last):
        return None
    return [*held, text[at:end]]


def _filled(chinese: str, held: Sequence[str], depth: int) -> str:
    def put(hole: re.Match[str]) -> str:
        text, kind = held[int(hole[1])], hole[2]
        if not kind:
            return text
        parts = text.split(LIST) if kind == "*" else [text]
        return "；".join(_translated(part, depth + 1) for part in parts)

    return _HOLE.sub(put, chinese)


@cache
def _catalogue() -> tuple[dict[str, str], list[_Pattern]]:
    """The messages without holes, in lower case, and the others, those with most words first."""
    exact, patterns = {}, []
    for english, chinese in json.loads(CATALOGUE.read_text(encoding="utf-8")).items():
        pieces = re.split(r"\{\d\}", english)
        if len(pieces) == 1:
            exact[english.lower()] = chinese
        else:
            names = [int(number) for number, kind in _HOLE.findall(chinese) if not kind]
            if english.startswith("{0} "):  # who or what does it
                names.append(0)
            patterns.append(_Pattern(pieces, chinese, names))
    return exact, sorted(patterns, key=lambda one: -sum(map(len, one.pieces)))
