"""The messages of the program, read out of its code: what it says, and what it forgot to say so.

A message is a call of ``say``. Besides, every text that reads as words is taken for one that was
forgotten, unless it stands where no message can be.
"""

from __future__ import annotations

import ast
import errno
import json
import os
import re
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from itertools import product
from pathlib import Path
from typing import NamedTuple

import av
from pydantic import BaseModel
from pydantic_core._pydantic_core import list_all_errors

from faceveil.options import Options
from faceveil.server.settings import Service

HOLE = "\0"
"""Stands for what is put into a text."""

_HELP = {"Argument", "Counter", "FastAPI", "Field", "GaugeMetricFamily", "Option", "Typer"}
_HELP |= {"setting", "_setting"}
"""Calls that are handed help texts: see `help_of`."""
_ASIDE = {"cast", "compile", "decode", "echo", "print"}
"""Calls that are handed no words for people, or those of the standard output."""
_ASIDE_WORDS = {"description", "examples", "help", "summary"}
"""Parameters, and keys of dictionaries, of the same kind."""
_FAULTS = {"AttributeError", "LookupError", "RuntimeError", "TypeError"}
_FOR_PROGRAMS = ("media", "obscure", "track", "geometry.py", "plan.py")
"""Rooms whose ValueErrors stay inside the program."""
_NAMERS = ("media/metadata", "media/leftovers.py", "media/videos/tags.py", "media/videos/facts.py")
"""Modules that name what a file holds: there a single word is to be a message, too."""
_WORDS = re.compile(r"[a-z]{2,}[a-z'-]*[,;:]? +\S|\S +[a-z]{2,}")
_MARKUP = re.compile(r"<[a-z!/]")
_FORMAT = re.compile(r"\{(\w+)(?::[^{}]*)?\}")


class Said(NamedTuple):
    """A call of ``say``.

    Attributes:
        id: the words as catalogues have them.
        given: names of the values that are handed over.
    """

    id: str
    given: frozenset[str]
    module: str
    line: int


def said_in(package: Path) -> list[Said]:
    """All messages of the code."""
    return [one for module, code in _modules(package) for one in said_by(code, module)]


def said_by(code: str, module: str) -> list[Said]:
    """The messages of a module.

    Raises:
        ValueError: what is said is put together, so that no catalogue can know it.
    """
    found = []
    for node in ast.walk(_tree(code)):
        match node:
            case ast.Call(func=ast.Name(id="say"), args=[ast.Constant(value=str(words))]):
                names = frozenset(str(one.arg) for one in node.keywords)
                id = _FORMAT.sub(r"{\1}", words)
                found.append(Said(id, names, module, node.lineno))
            case ast.Call(func=ast.Name(id="say")):
                raise ValueError(f"{module}, line {node.lineno}: {ast.unparse(node)}")
    return found


def ids(package: Path) -> set[str]:
    """All that a catalogue has to know: messages, the help of flags, the texts of the page."""
    texts = json.loads((package / "server/static/texts.json").read_text(encoding="utf-8"))
    return {one.id for one in said_in(package)} | set(texts.values()) | help_of(package)


def help_of(package: Path) -> set[str]:
    """The help texts of the command line: of settings, of verbs, and of their own arguments."""
    models: list[type[BaseModel]] = [Options, Service]
    found = {str(field.description) for one in models for field in one.model_fields.values()}
    for module, code in _modules(package):
        for node in ast.walk(_tree(code)) if module.startswith("cli/") else ():
            match node:
                case ast.keyword(arg="help", value=ast.Constant(value=str(text))):
                    found.add(text)
                case ast.FunctionDef(decorator_list=[ast.Call(func=ast.Name(id="add_verb")), *_]):
                    found.add(str(ast.get_docstring(node)))
                case ast.FunctionDef(name="live"):
                    found.add(str(ast.get_docstring(node)))
    return {" ".join(text.split()) for text in found}


def of_others() -> set[str]:
    """Words of the system, FFmpeg, HTTP and pydantic, with holes."""
    said = {os.strerror(code) for code in errno.errorcode} | {one.phrase for one in HTTPStatus}
    for code in av.error.classes:
        try:
            av.error.err_check(-code)
        except av.error.FFmpegError as error:
            said.add(str(error.strerror))
    templates = {one["message_template_python"] for one in list_all_errors()}
    resolver = ("Name or service not known", "Temporary failure in name resolution")
    return {text.lower() for text in (*said, *resolver)} | templates


def forgotten_in(package: Path) -> dict[str, str]:
    """Words that are no message, numbered holes in them -> the module they are in."""
    return {
        text: module for module, code in _modules(package) for text in forgotten_by(code, module)
    }


def forgotten_by(code: str, module: str) -> list[str]:
    """The same of one module, by its path in the package."""
    return [numbered(text) for text in _Reader(module).read(_tree(code))]


@cache
def _tree(code: str) -> ast.Module:
    return ast.parse(code)


def _modules(package: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(package.rglob("*.py")):
        yield path.relative_to(package).as_posix(), path.read_text(encoding="utf-8")


def numbered(text: str) -> str:
    """A text with its holes numbered."""
    first, *rest = text.split(HOLE)
    return first + "".join(f"{{{number}}}{piece}" for number, piece in enumerate(rest))


def texts(node: ast.AST) -> list[str] | None:
    """All that an expression of words can come to, or None if it is no such expression."""
    match node:
        case ast.Constant(value=str(value)):
            return [value]
        case ast.JoinedStr(values=parts):
            return _joined([texts(part) or [HOLE] for part in parts])
        case ast.FormattedValue(value=value):
            return texts(value)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            one, other = texts(left), texts(right)
            return None if one is other is None else _joined([one or [HOLE], other or [HOLE]])
        case ast.IfExp(body=body, orelse=orelse):
            one, other = texts(body), texts(orelse)
            return None if one is other is None else (one or [HOLE]) + (other or [HOLE])
    return None


def _joined(parts: list[list[str]]) -> list[str]:
    return ["".join(one) for one in product(*parts)]


class _Reader:
    """Finds the words of one module that are no message."""

    def __init__(self, module: str) -> None:
        self._inside = module.startswith(_FOR_PROGRAMS)
        self._names = module.startswith(_NAMERS)

    def read(self, node: ast.AST, *, name: bool = False) -> Iterator[str]:
        """The words below a node.

        Args:
            name: a single word counts.
        """
        if self._aside(node):
            return
        for text in texts(node) or ():
            words = _WORDS.search(text) or (name and re.search("[a-z]{3}", text))
            if words and not _MARKUP.search(text):
                yield text
        name = name or (self._names and isinstance(node, ast.Yield))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "say":
            parts: Iterator[ast.AST] = iter(node.keywords)
        else:
            parts = _put_in(node) if texts(node) else ast.iter_child_nodes(node)
        for part in parts:
            value = self._names and isinstance(node, ast.Dict) and part in node.values
            if not (isinstance(node, ast.Dict) and _aside_in(node, part)):
                yield from self.read(part, name=name or value)

    def _aside(self, node: ast.AST) -> bool:
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Assert() | ast.arguments():
                return True
            case ast.keyword(arg=str(word)):
                return word in _ASIDE_WORDS
            case ast.Raise(exc=ast.Call(func=ast.Name(id=kind))):
                return kind in _FAULTS or (kind == "ValueError" and self._inside)
            case ast.Call(func=ast.Name(id="say")):
                return not node.keywords
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)):
                return called in _HELP | _ASIDE
        return False


def _aside_in(node: ast.Dict, part: ast.AST) -> bool:
    keys = (key for key, value in zip(node.keys, node.values, strict=True) if value is part)
    return any(isinstance(key, ast.Constant) and key.value in _ASIDE_WORDS for key in keys)


def _put_in(node: ast.AST) -> Iterator[ast.AST]:
    """Values for a text that are no messages, such as ``error.strerror or "no reason"``."""
    if texts(node) is None:
        yield node
    else:
        for part in ast.iter_child_nodes(node):
            yield from _put_in(part)
