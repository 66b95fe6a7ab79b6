"""The public names of `faceveil`, and all that their signatures mention."""

from __future__ import annotations

import ast
import inspect
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import pytest

import faceveil
from faceveil import (
    Face,
    Options,
    Plan,
    Report,
    analyze,
    check,
    open_sink,
    open_source,
    pipeline,
    render,
)
from test_layers import MODULES, dotted
from test_pipeline import FACE, Scripted
from trees import nodes, parsed

PUBLIC = [name for name in faceveil.__all__ if name != "__version__"]
ROOT = ast.parse(inspect.getsource(faceveil))
ROOMS = {dotted(path).removeprefix("faceveil.") for path in MODULES}


def home(name: str) -> str:
    return f"faceveil.{faceveil._HOMES[name]}"


def spoken(name: str) -> bool:
    return not name.startswith("_") or name.endswith("__")


def signatures(node: ast.stmt) -> Iterator[ast.expr]:
    """The annotations of the public parts of a definition, and the bases of a class."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and spoken(node.name):
        arguments = node.args
        listed = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        for one in (*listed, arguments.vararg, arguments.kwarg):
            if one is not None and one.annotation is not None:
                yield one.annotation
        if node.returns is not None:
            yield node.returns
    if isinstance(node, ast.AnnAssign) and spoken(ast.unparse(node.target)):
        yield node.annotation
    if isinstance(node, ast.ClassDef):
        yield from node.bases
        for part in node.body:
            yield from signatures(part)


def ours(module: str) -> set[str]:
    """The names in a module that stand for something of ours, for type checkers too."""
    code = sys.modules[module]
    found = set()
    for node in nodes(Path(code.__file__ or "")):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("faceveil"):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {name for name in found if not isinstance(getattr(code, name, None), TypeVar)}


def parts(annotation: ast.expr) -> Iterator[ast.AST]:
    """All of an annotation, also of one that is written as a string."""
    for part in ast.walk(annotation):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            with suppress(SyntaxError):  # words of a `Literal`
                yield from ast.walk(ast.parse(part.value, mode="eval"))
        yield part


def mentioned(name: str) -> set[str]:
    """The names of ours in the signatures of a public function or class."""
    thing = getattr(faceveil, name)
    if not (inspect.isclass(thing) or inspect.isfunction(thing)):
        return set()  # an alias, which says what it stands for
    module = parsed(Path(sys.modules[thing.__module__].__file__ or ""))
    nodes = [  # several, where a function is overloaded
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
    ]
    assert nodes
    known, found = ours(thing.__module__), set[str]()
    for annotation in chain.from_iterable(map(signatures, nodes)):
        for part in parts(annotation):
            if isinstance(part, ast.Attribute) and ast.unparse(part.value) in known:
                found.add(part.attr)  # of a room that was imported by its name
            elif isinstance(part, ast.Name) and part.id in known - ROOMS:
                found.add(part.id)
    return found


@pytest.mark.parametrize("name", PUBLIC)
def test_what_a_public_signature_mentions_is_public(name: str) -> None:
    assert mentioned(name) <= set(PUBLIC)


def test_the_signatures_are_read() -> None:
    """So that the test above can fail."""
    assert mentioned("veil_file") == {"Options", "Plan", "Progress", "Report"}
    assert mentioned("analyze") == {"Detector", "Options", "Plan", "Progress", "Source"}
    assert mentioned("WithheldError") == {"FaceVeilError", "Report"}
    assert {"Status", "Finding", "Media"} <= mentioned("Report")
    assert "Report" in mentioned("veil_image")
    (late,) = ast.parse("def late(*more: 'list[Report]', **other: Plan) -> None: ...").body
    found = {ast.unparse(part) for one in signatures(late) for part in parts(one)}
    assert {"Report", "Plan"} <= found
    assert "Sensitivity" in mentioned("SinglePass")


def test_every_error_is_public() -> None:
    errors = parsed(Path(sys.modules[home("FaceVeilError")].__file__ or ""))
    assert {node.name for node in errors.body if isinstance(node, ast.ClassDef)} <= set(PUBLIC)


def test_no_module_has_the_name_of_something_public() -> None:
    """It would take its place as soon as it is imported."""
    assert not ROOMS & set(PUBLIC)


def test_the_three_lists_of_public_names_are_one() -> None:
    checked = {
        alias.name: node.module
        for block in ROOT.body
        if isinstance(block, ast.If)
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert checked == {name: home(name) for name in PUBLIC}
    assert set(dir(faceveil)) == {*PUBLIC, "__version__"}
    for name in faceveil.__all__:
        assert getattr(faceveil, name)


class Elsewhere(os.PathLike[str]):
    """A path that is neither a `str` nor a `Path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


@pytest.fixture
def one_face(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = Scripted([Face(FACE, 0.9)])
    for module in (pipeline, check):
        monkeypatch.setattr(module, "load_detector", lambda options, kind: detector)
    monkeypatch.setattr(check, "load_second", lambda options, kind: None)


@pytest.fixture
def party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture in the current folder."""
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(1).integers(0, 256, (160, 120, 3), np.uint8)
    path = tmp_path / "party.png"
    cv2.imwrite(str(path), noise)
    shutil.copy(path, tmp_path / "party.jpg")  # what it is, its bytes say
    return path


@pytest.mark.usefixtures("one_face")
@pytest.mark.parametrize("spelt", [str, Path, Elsewhere])
class TestAPathIs:
    """A string, a `Path`, or anything that says which path it is."""

    def test_of_a_file(self, party: Path, spelt: Callable[[Path], str | os.PathLike[str]]) -> None:
        target = party.with_name("safe.png")
        plan = faceveil.analyze_file(spelt(party))
        assert len(plan.tracks) == 1
        first = faceveil.veil_file(spelt(party), spelt(target))
        assert first.output == target.name
        second = faceveil.render_file(spelt(party), plan, spelt(target))
        assert (second.sha256_out, second.tracks) == (first.sha256_out, 1)

    def test_of_a_source_and_a_sink(
        self, party: Path, spelt: Callable[[Path], str | os.PathLike[str]]
    ) -> None:
        target, options = party.with_name("safe.png"), Options()
        with open_source(spelt(party), options) as source:
            plan = analyze(source, options)
            with open_sink(spelt(target), source, options) as sink:
                assert render(source, plan, options, sink).keys() == {0}
                sink.finish()
                assert sink.commit() == target
        assert target.exists()


@pytest.mark.usefixtures("one_face", "party")
def test_the_first_example_does_what_it_says(tmp_path: Path) -> None:
    lines = [line.strip() for line in (faceveil.__doc__ or "").splitlines()]
    names: dict[str, object] = {}
    for line in lines:
        if line.startswith(">>> "):
            exec(line.removeprefix(">>> "), names)
    plan, report = names["plan"], names["report"]
    assert isinstance(plan, Plan)
    assert isinstance(report, Report)
    assert report.status == "ok", report.warnings
    assert list(tmp_path.glob("*.veiled.*"))
