"""Messages: worded in English where they are raised, and translated where a person reads them.

A message keeps its parts: the English words with named places, by which every catalogue knows it,
and the values for these places, which may be messages as well. So it can be translated wherever it
is shown, even after passing through exceptions, processes, files and JSON. As plain text it is
English.

A language is a file, ``LANGUAGE.po``, in this folder. One that is written in another script is
``LANGUAGE-Script.po``; what it lacks is taken from ``LANGUAGE.po``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from faceveil.i18n.po import read_po

ENGLISH: Final = "en"
"""The language that messages are worded in; it needs no catalogue."""
_FOLDER: Final = Path(__file__).parent
_HOLE: Final = re.compile(r"((?<=[\u4e00-\u9fff]) )?\{(\w+)\}( (?=[\u4e00-\u9fff]))?")
"""A hole, and the spaces that keep what is put in apart from Chinese beside it."""
_HAN: Final = re.compile(r"[\u4e00-\u9fff“”「」]")
"""Characters that stand beside Chinese without a space."""
_FORMATTED_HOLE: Final = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
_SCRIPTS: Final = {"zh_tw": "zh_hant", "zh_hk": "zh_hant", "zh_mo": "zh_hant"}
"""Regions that write a language in another script than most."""
_SEPARATOR: Final = "; "
"""The separator of the parts of a list; itself a message."""

Value: TypeAlias = "str | Sequence[Value]"
"""A value of a message: a name or a figure, a message, or a list of those."""


class _Refusal(Protocol):
    """An OSError, or an error of FFmpeg."""

    @property
    def strerror(self) -> str | None: ...


class Message(str):
    """A text that can be translated.

    Attributes:
        id: the English words, with ``{name}`` for each value.
        values: the values, by name.
    """

    id: str
    values: Mapping[str, Value]

    def __new__(cls, id: str, values: Mapping[str, Value] | None = None) -> Message:
        self = super().__new__(cls, _filled(id, values or {}, ENGLISH))
        self.id = id
        self.values = values or {}
        return self

    def __str__(self) -> Message:
        """The message itself, so that the text of an exception is still its message."""
        return self

    def __reduce__(self) -> tuple[type[Message], tuple[str, Mapping[str, Value]]]:
        return Message, (self.id, self.values)


def say(words: str, /, **values: object) -> Message:
    """A message.

    Args:
        words: in English, with ``{name}`` or ``{name:.1f}`` for each value.
        values: the values, by name. Exceptions stand for their text, and lists for their parts.
    """
    held: dict[str, Value] = {}

    def hold(hole: re.Match[str]) -> str:
        name, format_spec = hole.groups()
        value = values[name]
        if format_spec:
            held[name] = format(value, format_spec)
        else:
            held[name] = _value(value)
        return f"{{{name}}}"

    return Message(_FORMATTED_HOLE.sub(hold, words), held)


def listed(parts: Iterable[str]) -> str:
    """Names in a row, as each language separates them."""
    first, *rest = parts
    return say("{first}, {more}", first=first, more=listed(rest)) if rest else first


def words_of(error: BaseException) -> str:
    """The text of an exception in one line: its message, or a library's words."""
    words = str(error)
    return words if isinstance(words, Message) else " ".join(words.split())


def reason_of(error: _Refusal) -> Message:
    """The reason of the system or of FFmpeg for a refusal, in its own words, without names."""
    words = error.strerror
    if isinstance(words, Message):
        return words
    return foreign(words) if words else say("unknown error")


def foreign(words: str) -> Message:
    """Words of the system or of a library, which a catalogue may contain unchanged."""
    return Message(words.lower())


def translated(text: str, language: str) -> str:
    """A message in a language; in English if there is no translation, or if it is no message."""
    if not isinstance(text, Message):
        return text
    return _filled(text.id, text.values, language)


def to_data(text: str) -> Any:
    """A message as JSON can hold it, from which `from_data` makes it again."""
    if not isinstance(text, Message):
        return text
    return {"id": text.id, "values": {name: _data(value) for name, value in text.values.items()}}


def from_data(data: Any) -> str:
    """The message, or the plain text, that `to_data` was given.

    Raises:
        ValueError: it is something else.
    """
    match data:
        case str():
            return data
        case {"id": str(id), "values": dict(values)}:
            return Message(id, {str(name): _from_data(value) for name, value in values.items()})
    raise ValueError("no message")


@cache
def languages() -> tuple[str, ...]:
    """All languages that messages can be read in; English first."""
    return (ENGLISH, *sorted(path.stem for path in _FOLDER.glob("*.po")))


def language_of(wanted: Iterable[str]) -> str:
    """The first of the wanted languages that exists, otherwise English.

    Args:
        wanted: as locales or HTTP name them: ``zh_CN.UTF-8``, ``zh-Hans``, ``en``.
    """
    for name in wanted:
        tag = re.split(r"[.@]", name)[0].replace("-", "_").lower()
        tag = _SCRIPTS.get(tag, tag)
        # The longest first: zh_Hant_TW is zh-Hant rather than zh.
        for known in sorted(languages(), key=len, reverse=True):
            if f"{tag}_".startswith(known.replace("-", "_").lower() + "_"):
                return known
    return ENGLISH


def spoken(environment: Mapping[str, str]) -> str:
    """The language of a terminal's user, by the first of POSIX's variables that is set."""
    names = map(environment.get, ("LC_ALL", "LC_MESSAGES", "LANG"))
    return language_of(name for name in [next(filter(None, names), None)] if name)


def accepted(header: str) -> str:
    """The preferred language of an ``Accept-Language`` header (RFC 9110, 12.5.4)."""
    liked = []
    for part in header.split(","):
        name, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            quality = 0.0
        if quality > 0:
            liked.append((-quality, name.strip()))
    return language_of(name for _, name in sorted(liked, key=lambda one: one[0]))


def _value(value: object) -> Value:
    if isinstance(value, BaseException):
        return words_of(value)
    if isinstance(value, list | tuple):
        return [_value(part) for part in value]
    return str(value)


def _filled(id: str, values: Mapping[str, Value], language: str) -> str:
    def put(hole: re.Match[str]) -> str:
        before, name, after = hole.groups(default="")
        if name not in values:
            return hole[0]
        words = _put(values[name], language)
        if isinstance(values[name], Message):  # Chinese needs no space beside Chinese; a name does
            before = "" if _HAN.match(words[:1]) else before
            after = "" if _HAN.match(words[-1:]) else after
        return before + words + after

    # Values are not formatted again, because a name may contain braces.
    return _HOLE.sub(put, catalogue(language).get(id, id))


def _put(value: Value, language: str) -> str:
    if isinstance(value, str):
        return translated(value, language)
    return _filled(_SEPARATOR, {}, language).join(_put(part, language) for part in value)


def _data(value: Value) -> Any:
    return to_data(value) if isinstance(value, str) else [_data(part) for part in value]


def _from_data(data: Any) -> Value:
    return [_from_data(part) for part in data] if isinstance(data, list) else from_data(data)


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """The translations into a language; none for English."""
    if language == ENGLISH or language not in languages():
        return {}
    base, script, _ = language.partition("-")
    own = read_po(_FOLDER / f"{language}.po")
    return {**catalogue(base), **own} if script else own
