"""The errors of pydantic, as messages.

pydantic words its errors in English. It also gives the kind of each and its values, from which the
same words can be made as a message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from faceveil.i18n import Message, listed, say, words_of

_OF_JSON: Final = (
    *(say("expected value"), say("expected ident"), say("expected `:`"), say("invalid number")),
    *(say("expected `,` or `]`"), say("expected `,` or `}`"), say("trailing comma")),
    *(say("key must be a string"), say("trailing characters"), say("invalid escape")),
    *(say("EOF while parsing a value"), say("EOF while parsing a list")),
    *(say("EOF while parsing a string"), say("EOF while parsing an object")),
    *(say("control character (\\u0000-\\u001F) found while parsing a string"),),
    *(say("unexpected end of hex escape"), say("lone leading surrogate in hex escape")),
    *(say("invalid unicode code point"), say("recursion limit exceeded")),
)
"""Words of pydantic's parser about JSON that is none."""

_BETWEEN: Final = re.compile(r", | or ")
_PLACED: Final = re.compile(r"(.*) at line (\d+) column (\d+)")


def first_fault(faults: Sequence[Mapping[str, Any]], places: slice = slice(None)) -> str:
    """The first error of `pydantic.ValidationError.errors`, and its place.

    Args:
        places: the part of the path to it that tells a person something.
    """
    where = ".".join(str(part) for part in faults[0]["loc"][places])
    what = fault_of(faults[0])
    return say("{name}: {what}", name=where, what=what) if where else what


def fault_of(fault: Mapping[str, Any]) -> str:
    """The message of an error, or pydantic's own words for a kind not known here."""
    from pydantic_core import PydanticKnownError

    kind, context = fault["type"], fault.get("ctx") or {}
    if kind == "value_error":  # raised by a validator of ours
        return words_of(context["error"])
    if kind == "json_invalid":
        return _of_json(str(context["error"]))
    try:
        words = PydanticKnownError(kind, context or None).message_template
    except (KeyError, TypeError):
        return str(fault["msg"])
    message = Message(words, {name: _shown(name, value) for name, value in context.items()})
    return message if message == fault["msg"] else str(fault["msg"])


def _of_json(said: str) -> Message:
    found = _PLACED.fullmatch(said)
    what, line, column = found.groups() if found else (said, "", "")
    known = next((one for one in _OF_JSON if one == what), what)
    if not line:
        return say("Invalid JSON: {error}", error=known)
    place = say("{what} at line {line} column {column}", what=known, line=line, column=column)
    return say("Invalid JSON: {error}", error=place)


def _shown(name: str, value: object) -> str:
    if name != "expected" or not isinstance(value, str):
        return _figure(value)
    *first, last = [_quoted(one) for one in _BETWEEN.split(value)]
    return say("{first} or {last}", first=listed(first), last=last) if first else last


def _quoted(word: str) -> str:
    """A word that may stand in quotes, which are others in other languages."""
    return say("'{name}'", name=word[1:-1]) if word[:1] == word[-1:] == "'" else word


def _figure(value: object) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)  # type: ignore[call-overload]
