"""Help and usage errors in the user's language.

Typer words part of both itself, in English, and cuts and joins what it was given. So the texts that
it writes are recognized here, and written as the messages they are.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

import typer
from typer import completion
from typer.core import TyperCommand

from faceveil.errors import ExitCode
from faceveil.i18n import Message, catalogue, listed, say, translated

Refusal: Any = typer.BadParameter.__mro__[2]
"""All errors that Typer shows by itself, wherever its version has them."""
_Plain: Any = TyperCommand.context_class.formatter_class

_ANY: Final = ""
"""Stands for what Typer puts in."""
_PHRASES: Final = (
    say("{problem} (Possible options: {names})", problem=_ANY, names=_ANY),
    say("No such option: {name}", name=_ANY),
    say("No such command '{name}'.", name=_ANY),
    say("Missing command."),
    say("Missing argument '{name}'.", name=_ANY),
    say("Missing option '{name}'.", name=_ANY),
    say("Invalid value for '{name}': Value error, {problem}", name=_ANY, problem=_ANY),
    say("Invalid value for '{name}': {problem}", name=_ANY, problem=_ANY),
    say("{value} is not one of {names}.", value=_ANY, names=_ANY),
    say("Option '{name}' requires an argument.", name=_ANY),
    say("Option '{name}' does not take a value.", name=_ANY),
    say("Got unexpected extra argument(s) ({names})", names=_ANY),
)
_REMARKS: Final = (
    say("default {value}, or the preset's", value=_ANY),
    say("default {value}", value=_ANY),
    say("default: {value}", value=_ANY),
    say("env var: {name}", name=_ANY),
    say("required"),
    say("on unless told otherwise"),
    say("from {least} to {most}", least=_ANY, most=_ANY),
    say("above {least} to {most}", least=_ANY, most=_ANY),
    say("from {least}", least=_ANY),
    say("above {least}", least=_ANY),
    say("to {most}", most=_ANY),
)
"""The words in brackets behind the help of a flag."""
_BETWEEN: Final = "; "
_WORDS: Final = (
    *(say("Usage"), say("Options"), say("Arguments"), say("Commands")),
    *(say("Protection"), say("Input"), say("Files"), say("Detection"), say("Machine")),
    *(say("Tracking"), say("Output"), say("Video"), say("Batch"), say("Check"), say("Live")),
    *(
        say("Evidence"),
        say("Trouble"),
        say("People"),
        say("Address"),
        say("Store"),
        say("Limits"),
        say("Lifetimes"),
        say("Webhooks"),
    ),
    *(say("OPTIONS"), say("COMMAND"), say("ARGS"), say("INPUT"), say("PLAN"), say("REPORT")),
    *(say("SOURCE"), say("SINK"), say("KEY"), say("NAME"), say("FOLDER")),
    *(say("path"), say("text"), say("number")),
    say("Show this message and exit."),
    say("Install completion for the current shell."),
    say("Show completion for the current shell, to copy it or customize the installation."),
)
"""Headings, what stands for values, and what Typer says of its own flags."""

_TYPED: Final = {"value", "names"}
"""Of the parts of phrases, those that a person types, or could."""

_HAN: Final = r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
_REMARKED: Final = re.compile(r"(.*?)(?: \(([^()]*)\))? ?(?:\[(.*)\])?")
_VALUE: Final = re.compile(r"(?<![\w-])[A-Z]{3,}\b|(?<=[<{[])[a-z]+(?=[>}\]])")
_PIECE: Final = re.compile(rf"[（“]*(?:{_HAN}|(?:(?!{_HAN})[^\s（“”])+)[，。；：、）”！？]*|\s+|.")
"""A piece of a line that is not broken: a character of Chinese, or a word."""


def speak(language: str) -> None:
    """Have all help of this process written in a language."""

    class Formatter(_Plain):  # type: ignore[misc]
        """Lays out help, whose texts are recognized, in columns of Chinese as of English."""

        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            name = translated(say("{name}: {what}", name=say("Usage"), what=prog), language)
            self.write(f"{name} {_with_values(args, language)}\n")

        def write_heading(self, heading: str) -> None:
            words = in_language(heading, language)
            self.write(translated(say("{name}: {what}", name=words, what=""), language) + "\n")

        def write_text(self, text: str) -> None:
            indent = " " * self.current_indent
            for line in _wrapped(of_help(text, language), self.width - self.current_indent):
                self.write(f"{indent}{line}\n")

        def write_dl(
            self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
        ) -> None:
            told = [(_with_values(a, language), of_help(b, language)) for a, b in rows]
            first = min(max(_width(name) for name, _ in told), col_max) + col_spacing
            indent = " " * self.current_indent
            for name, text in told:
                lines = _wrapped(text, max(self.width - first - self.current_indent, 20))
                left = indent + name
                if _width(name) > first - col_spacing:
                    self.write(left + "\n")
                    left = indent
                for line in lines:
                    self.write(left + " " * (first + len(indent) - _width(left)) + line + "\n")
                    left = indent

    TyperCommand.context_class.formatter_class = Formatter
    _install: Any = vars(completion)["install"]

    def install(*shell: Any, **named: Any) -> Any:
        name, path = _install(*shell, **named)
        # It would be said in English by whoever called this.
        print(translated(say("completion for {name} is in {path}", name=name, path=path), language))
        print(translated(say("it works in every shell that you open from now on"), language))
        sys.exit(ExitCode.OK)

    vars(completion)["install"] = install


def error_in(error: Any, language: str) -> str:
    """A usage error of Typer as a person reads it: the usage, a hint, the error."""
    context = getattr(error, "ctx", None)
    message = error.format_message()
    told = say("Error: {problem}", problem=_recognized(message, _PHRASES))
    if context is None:
        return translated(told, language)
    if message == context.get_help():  # called with nothing, which is answered by the help
        return str(message)
    command = f"{context.command_path} {context.help_option_names[0]}"
    hint = say("Try '{command}' for help.", command=command)
    return "\n".join([context.get_usage(), *(translated(one, language) for one in (hint, told))])


def in_language(text: str, language: str) -> str:
    """A text of Typer in a language; unchanged if nothing here knows it."""
    return translated(_recognized(text, (*_PHRASES, *_REMARKS)), language)


def of_help(text: str, language: str) -> str:
    """The help of a verb, an argument or a flag, whole or cut short, in a language."""
    known = catalogue(language)
    words, remarks = " ".join(text.split()), ""
    found = _REMARKED.fullmatch(words)
    if words not in known and found is not None:
        words = found[1]
        parts = [part for group in found.groups()[1:] if group for part in group.split(_BETWEEN)]
        told = [_recognized(part, _REMARKS) for part in parts]
        remarks = translated(say("({remarks})", remarks=told), language) if told else ""
    if words not in known:
        stem = words.removesuffix("...").removesuffix(".")
        full = next((one for one in known if stem and one.startswith(stem)), None)
        if full is not None:
            first = re.match(r".*?。", known[full])
            return (first[0] if first else known[full]) + remarks
    return translated(Message(words), language) + remarks


def _with_values(text: str, language: str) -> str:
    """Flags and what stands for their values: ``--out <path>``, ``[OPTIONS] INPUT...``."""

    return _VALUE.sub(lambda found: in_language(found[0], language), text)


def _recognized(text: str, phrases: Sequence[Message]) -> Message:
    for phrase in phrases:
        if found := _pattern(phrase.id).fullmatch(text):
            parts: dict[str, str] = found.groupdict()
            told: dict[str, str] = {}
            for name, words in parts.items():
                if name in _TYPED:  # without the quotes of Python
                    told[name] = listed(one.strip("'") for one in re.split(r",\s", words))
                else:
                    told[name] = _recognized(words, _PHRASES)
            return Message(phrase.id, told)
    if re.fullmatch(r"[A-Z]+\|[A-Z]+", text):  # what stands for either of two arguments
        one, other = (_recognized(part, ()) for part in text.split("|"))
        return Message("{one}|{other}", {"one": one, "other": other})
    known = {word.lower(): word for word in _WORDS}
    return known.get(text.lower(), Message(text)) if text.isalpha() else Message(text)


@cache
def _pattern(id: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", id)
    holes = [f"(?P<{part}>.+)" if odd % 2 else re.escape(part) for odd, part in enumerate(parts)]
    return re.compile("".join(holes), re.DOTALL)


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for piece in _PIECE.findall(text):
        if line and _width((line + piece).rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += piece if line else piece.lstrip()
    yield line.rstrip()


def _width(text: str) -> int:
    """Columns of a terminal."""
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in text)
