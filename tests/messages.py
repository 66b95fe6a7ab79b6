"""The messages of the program, read out of its code.

Every text that reads as words is taken for a message, unless it stands where none can be: so the
code need not mark its messages, and one that is added cannot be forgotten.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

HOLE = "\0"
"""Stands for what is put into a message."""

_HELP = {"Argument", "Counter", "FastAPI", "Field", "GaugeMetricFamily", "Option", "Typer"}
_HELP |= {"_setting"}
"""Calls that are handed help texts: these are not translated."""
_ASIDE = {"cast", "compile", "decode", "echo", "getpass", "print", "result"}
"""Calls that are handed no words for people, or those of the standard output."""
_ASIDE_WORDS = {"description", "examples", "help", "summary"}
"""Parameters, and keys of dictionaries, of the same kind."""
_FAULTS = {"AttributeError", "LookupError", "RuntimeError", "TypeError"}
_FOR_PROGRAMS = ("media", "obscure", "track", "geometry.py", "plan.py")
"""Rooms whose ValueErrors stay inside the program."""
_NAMERS = ("media/metadata", "media/leftovers.py", "media/videos/tags.py", "media/videos/facts.py")
"""Modules that name what a file holds: there a single word is a message, too."""
_WORDS = re.compile(r"[a-z]{2,}[a-z'-]*[,;:]? +\S|\S +[a-z]{2,}")
_MARKUP = re.compile(r"<[a-z!/]")
_BILINGUAL = "evidence/words.py"


def of_package(package: Path) -> dict[str, str]:
    """Message with ``{0}``, ``{1}``, ... for what is put into it -> the module it is in."""
    found: dict[str, str] = {}
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if name != _BILINGUAL:
            for text in of_code(path.read_text(encoding="utf-8"), name):
                found.setdefault(text, name)
    return found


def of_code(code: str, module: str) -> list[str]:
    """The messages of a module, by its path in the package."""
    return [numbered(text) for text in _Reader(module).read(ast.parse(code))]


def all_texts(package: Path) -> set[str]:
    """Every text in the code, words or not, numbered in the same way."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in package.rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {numbered(text) for node in nodes for text in texts(node) or ()}


def numbered(text: str) -> str:
    """A message with its holes numbered."""
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
    """Finds the messages of one module."""

    def __init__(self, module: str) -> None:
        self._inside = module.startswith(_FOR_PROGRAMS)
        self._names = module.startswith(_NAMERS)

    def read(self, node: ast.AST, *, name: bool = False) -> Iterator[str]:
        """The messages below a node.

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
        for part in _put_in(node) if texts(node) else ast.iter_child_nodes(node):
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
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)):
                return called in _HELP | _ASIDE
        return False


def _aside_in(node: ast.Dict, part: ast.AST) -> bool:
    keys = (key for key, value in zip(node.keys, node.values, strict=True) if value is part)
    return any(isinstance(key, ast.Constant) and key.value in _ASIDE_WORDS for key in keys)


def _put_in(node: ast.AST) -> Iterator[ast.AST]:
    """What is put into a text and is none itself, such as ``error.strerror or "no reason"``."""
    if texts(node) is None:
        yield node
    else:
        for part in ast.iter_child_nodes(node):
            yield from _put_in(part)
