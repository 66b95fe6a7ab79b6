"""Guess the encoding of the names in an archive that does not declare it.

Names in zip and tar are bytes. In a zip they are UTF-8 if an entry says so; most programs of before
about 2010, and Windows until today, write the machine's code page without naming it. So all names
of an archive are read together in every usual encoding, and the most likely text of a language
wins. Each character has the frequency of texts in that language; a byte that is no character rules
the encoding out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from faceveil.i18n import say
from faceveil.media.archives.signs import JAPANESE, KOREAN, SIMPLIFIED, TRADITIONAL

CODES: Final = {
    "utf-8": "utf-8",
    "cp437": "cp437",
    "gbk": "gb18030",
    "big5": "cp950",
    "shift-jis": "cp932",
    "euc-kr": "cp949",
    "windows-1252": "cp1252",
}
"""The user's name of an encoding -> Python's."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A name as an archive holds it.

    Attributes:
        sure: the archive says that it is UTF-8.
        path: the name from a separate field, which replaces these bytes.
    """

    name: bytes
    sure: bool = False
    path: str | None = None


def decoded(stored: Sequence[Stored], names_in: str = "auto") -> tuple[list[str], tuple[str, ...]]:
    """The names of an archive as text, and a note if their code was guessed.

    Args:
        names_in: a key of ``CODES`` in place of a guess.
    """
    open_names = [one.name for one in stored if _sure(one) is None]
    code, notes = names_in, tuple[str, ...]()
    if code == "auto" and open_names:
        code = guess(open_names)
        if code != "utf-8":
            notes = (
                say(
                    "names in the archive were read as {code}; --names-in says otherwise", code=code
                ),
            )
    known = [(one.name, _sure(one)) for one in stored]
    return [read(name, code) if sure is None else sure for name, sure in known], notes


def _sure(one: Stored) -> str | None:
    """A name that needs no guess."""
    if one.path is not None:
        return one.path
    if one.sure or one.name.isascii():
        try:
            return one.name.decode()
        except UnicodeDecodeError:
            return None
    return None


def read(name: bytes, code: str) -> str:
    """A name in an encoding, or, if it is invalid there, in code page 437, where every byte is
    valid.
    """
    try:
        return name.decode(CODES[code])
    except UnicodeDecodeError:
        return name.decode("cp437")


def guess(names: Sequence[bytes]) -> str:
    """The code in which these names, all together, are most likely written."""
    try:
        for name in names:
            name.decode()
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    distinct = [name for name in dict.fromkeys(names) if not name.isascii()][:_MOST]
    scores = {code: sum(_score(name, code) for name in distinct) for code in _CHANCES}
    return max(scores, key=lambda code: scores[code])


_MOST: Final = 500
"""More names than this do not make a guess better."""
_RULED_OUT: Final = -60.0
"""The score of a name that is invalid in an encoding. Not infinite, because one name of many may be
cut.
"""
_TOGETHER: Final = -3.0
"""Letters with accents stand beside plain small ones; two in a row are rare."""
_ACCENT: Final = -2.5
"""In languages with Latin letters most are plain, which the other codes need not explain."""


def _score(name: bytes, code: str) -> float:
    """Logarithm of the chance of a name's signs that are not ASCII."""
    try:
        text = name.decode(CODES[code])
    except UnicodeDecodeError:
        return _RULED_OUT
    chance = _CHANCES[code]
    if chance is _latin:
        near = zip(f" {text}", text, f"{text[1:]} ", strict=False)
        return sum(_accent(*signs) for signs in near if not signs[1].isascii())
    return sum(chance(sign) for sign in text if not sign.isascii())


def _accent(before: str, sign: str, after: str) -> float:
    """The chance of a letter with an accent between its neighbours."""
    chance = _latin(sign) + _ACCENT
    if not before.isascii():
        chance += _TOGETHER / (2 if sign.islower() and before.islower() else 1)
    elif before.islower() if sign.isupper() else not (before.islower() or after.islower()):
        chance += _TOGETHER
    return chance


def _gbk(sign: str) -> float:
    if sign in SIMPLIFIED:
        return -6.5
    raw = sign.encode("gb18030")
    if len(raw) == 4 or "\ue000" <= sign <= "\uf8ff":
        return -22.0
    if raw[0] in range(0xB0, 0xD8) and raw[1] >= 0xA1:  # the first level of GB 2312
        return -9.5
    if raw[0] in range(0xD8, 0xF8) and raw[1] >= 0xA1:
        return -12.8
    return -11.0 if sign in _PUNCTUATION else -15.0


def _big5(sign: str) -> float:
    if sign in TRADITIONAL:
        return -6.5
    raw = sign.encode("cp950")
    if "\ue000" <= sign <= "\uf8ff":
        return -22.0
    if raw[0] in range(0xA4, 0xC7):  # the frequent signs of Big5
        return -9.9
    return -11.0 if sign in _PUNCTUATION else -13.5


def _shift_jis(sign: str) -> float:
    if "\u3041" <= sign <= "\u3096":
        return -5.5
    if "\u30a1" <= sign <= "\u30fc":
        return -6.0
    if sign in JAPANESE:
        return -7.2
    if "\uff61" <= sign <= "\uff9f":  # half as wide, of one byte each
        return -9.0
    raw = sign.encode("cp932")
    if raw[0] in range(0x88, 0x98):  # the first level of JIS X 0208
        return -10.2
    return -11.0 if sign in _PUNCTUATION else -14.0


def _euc_kr(sign: str) -> float:
    if sign in KOREAN:
        return -5.6
    if "\uac00" <= sign <= "\ud7a3":
        raw = sign.encode("cp949")
        return -9.5 if raw[0] >= 0xB0 and raw[1] >= 0xA1 else -15.0
    return -11.0 if sign in _PUNCTUATION else -13.5


def _latin(sign: str) -> float:
    if sign in "éèàçüöäßñóíáúêâîôûãõøåæÉÜÖÄÅØÑÇ":
        return -3.4
    if sign.isalpha() and unicodedata.name(sign, "").startswith("LATIN"):
        return -5.5
    if sign in "’‘–—°“”…´·©®«»¿¡ºª":
        return -6.0
    return -8.0 if "\u0370" <= sign <= "\u03ff" else -14.0  # Greek; lines and blocks


_PUNCTUATION: Final = frozenset(
    "　、。，！？：；（）【】《》〈〉「」『』“”‘’—…·～－＿＆０１２３４５６７８９"
)
_CHANCES: Final[dict[str, Callable[[str], float]]] = {
    "gbk": _gbk,
    "big5": _big5,
    "shift-jis": _shift_jis,
    "euc-kr": _euc_kr,
    "windows-1252": _latin,
    "cp437": _latin,
}
