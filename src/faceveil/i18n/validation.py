"""The errors of pydantic, as messages.

pydantic words its errors in English. It also gives the kind of each and its values, from which the
same words can be made as a message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from faceveil.i18n import Message, say, words_of


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
    try:
        words = PydanticKnownError(kind, context or None).message_template
    except (KeyError, TypeError):
        return str(fault["msg"])
    message = Message(words, {name: _figure(value) for name, value in context.items()})
    return message if message == fault["msg"] else str(fault["msg"])


def _figure(value: object) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)  # type: ignore[call-overload]
