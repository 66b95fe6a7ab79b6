"""File names as text that can be printed and saved safely.

A name on a disk need not be UTF-8, and may contain characters that a terminal obeys: colours, a new
title, a jump to the start of the line. Python represents bytes that are not UTF-8 as lone
surrogates (PEP 383).
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

# Controls of C0, C1 and DEL; line ends; characters that change the direction of writing, so that
# the end of a name is not what it seems; lone surrogates.
_UNSEEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# Besides, marks that cannot be seen, which names in Arabic and Hebrew may hold.
_SPELLED: Final = re.compile(f"[\u061c\u200e\u200f\ufeff]|{_UNSEEN.pattern}")
_LONE: Final = re.compile("[\ud800-\udfff]")


def unseen(text: str) -> bool:
    """Whether a text contains anything that cannot be shown as it is."""
    return _UNSEEN.search(text) is not None


def shown(text: str) -> str:
    r"""A text as one line for a person to read; characters that a terminal obeys are spelled out.

    A byte that is no UTF-8 is ``\xff``, the sign that begins commands to a terminal ``\x1b``.
    """
    return _SPELLED.sub(_spelled, text)


def utf8(text: str) -> str:
    """A text of many lines that can be saved as UTF-8; only bytes that are not UTF-8 are spelled
    out.
    """
    return _LONE.sub(_spelled, text)


def _spelled(sign: re.Match[str]) -> str:
    code = ord(sign[0])
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def as_json(value: Any) -> str:
    """One line of JSON that can be printed and saved as UTF-8, and from which each name can be
    restored.
    """
    text = json.dumps(value, ensure_ascii=False)
    return _SPELLED.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)
