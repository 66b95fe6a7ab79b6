"""Docstrings and documents are written to be read once."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages import PAGES, REPOSITORY
from trees import nodes

FOLDERS = ("src/faceveil", "tests", "benchmarks", "tools", "docs")
QUESTION = re.compile(r"(What|Who|Whom|Whose|Which|How|Where|When|Why)(ever)?\b")
"""Openings that ask for the subject. "Whether" is not one: it is usual for truth values."""


def summaries(path: Path) -> Iterator[tuple[int, str]]:
    """The line and the text of each docstring, those of attributes and constants included."""
    for node in nodes(path):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for one in node.body:
            if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
                text = one.value.value
                if isinstance(text, str):
                    yield one.lineno, text.strip()


def test_every_docstring_names_its_subject() -> None:
    found, asking = 0, []
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            for line, text in summaries(path):
                found += 1
                if QUESTION.match(text):
                    asking.append(f"{path.relative_to(REPOSITORY)}:{line}: {text.splitlines()[0]}")
    assert found > 2000
    assert not asking, "begin with a noun phrase or an imperative"


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("What may be known of a face.", True),
        ("Whoever waits for work.", True),
        ("The colours of a face, as few numbers.", False),
        ("Whether two boxes are around the same face.", False),
    ],
)
def test_questions_are_told_from_statements(text: str, asks: bool) -> None:
    assert bool(QUESTION.match(text)) is asks


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_line_of_a_table_stands_twice(page: Path) -> None:
    """A merge of two branches may leave a row in its old and its new form."""
    for table in re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE):
        firsts = [row.split("|")[1].strip() for row in table.splitlines()[2:]]
        named = [first for first in firsts if first and not first.isdigit()]
        assert len(named) == len(set(named)), page.name
