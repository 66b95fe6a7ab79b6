"""Private parts of other packages that are used here, and the versions that have them."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Collection, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from trees import parsed

ROOT = Path(__file__).parent.parent
PRIVATE = {
    ("src/faceveil/media/pictures/jpeg_blocks.py", "jpeglib._bind"): "jpeglib",
    ("src/faceveil/media/pictures/jpeg_blocks.py", "_bind_lib"): "jpeglib",
    ("src/faceveil/batch/ray.py", "ray._private.ray_constants"): "ray",
    ("src/faceveil/server/connections.py", "uvicorn.protocols.http.h11_impl"): "uvicorn",
    ("tools/licences.py", "av._core"): "av",
}
"""The place where a private name is used, and the package that it belongs to."""
UNPROMISED = ("uvicorn.protocols", "starlette.formparsers")
"""Modules that their makers do not document, however they are called."""
DOCUMENTED = {"_exit", "_replace"}  # of os, and of named tuples


def modules() -> Iterator[tuple[str, ast.Module]]:
    for folder in ("src", "tools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), parsed(path)


def defined(tree: ast.Module) -> set[str]:
    """All names that a module gives to something."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.Attribute(ctx=ast.Store(), value=ast.Name(id="self" | "cls")):
                found.add(node.attr)
            case ast.Name(ctx=ast.Store()):
                found.add(node.id)
    return found


def private(
    tree: ast.Module, own: set[str], inherited: Collection[str] = frozenset()
) -> Iterator[str]:
    """Private names and modules of others that a module uses, other rooms' among them."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name, value=of) if re.match("_[^_]", name):
                itself = isinstance(of, ast.Name) and of.id in ("self", "cls")
                if name not in own | DOCUMENTED and not (itself and name in inherited):
                    yield name
            case ast.ImportFrom(module=str(module), names=names):
                if re.search(r"(^|\.)_(?!_)", module) or module.startswith(UNPROMISED):
                    yield module
                else:
                    yield from (one.name for one in names if re.match("_[^_]", one.name))
            case ast.Import(names=names):
                modules = (one.name for one in names)
                yield from (one for one in modules if re.search(r"(^|\.)_(?!_)", one))
            case ast.Constant(value=str(text)) if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", text):
                if re.search(r"\._(?!_)", text):  # a module that is imported by its name
                    yield text


def bounds() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    asked = [*project["dependencies"], *(one for extra in extras for one in extra)]
    return {each.name: each for each in map(Requirement, asked)}


def test_each_use_of_a_private_name_is_known() -> None:
    """Each module's own private names are its own: no other room uses them, either."""
    names = {path: defined(tree) for path, tree in modules()}
    ours = set().union(*names.values())
    used = {(path, name) for path, tree in modules() for name in private(tree, names[path], ours)}
    assert used == set(PRIVATE)


@pytest.mark.parametrize(
    "package",  # the tools run with what constraints.txt pins
    sorted({package for (path, _), package in PRIVATE.items() if path.startswith("src/")}),
)
def test_whose_private_names_are_used_is_bounded_to_versions_that_have_them(package: str) -> None:
    specifier = bounds()[package].specifier
    assert any(one.operator in ("<", "<=", "==", "~=") for one in specifier), specifier
    pinned = re.search(rf"^{package}==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert specifier.contains(pinned[1])
    try:
        assert specifier.contains(version(package))
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed")


def test_what_is_private_is_there() -> None:
    """As the code that uses it expects; otherwise the bound is wrong."""
    from av._core import library_meta
    from uvicorn.protocols.http.h11_impl import H11Protocol

    assert {"configuration", "license"} <= library_meta["libavcodec"].keys()
    wanted = {"connection_made", "data_received", "on_response_complete"}
    assert wanted <= set(vars(H11Protocol))
    constants = pytest.importorskip("ray._private.ray_constants")
    assert hasattr(constants, "ENABLE_RAY_CLUSTER")


def test_a_private_name_would_be_found() -> None:
    tree = ast.parse("import a._b\nfrom c import _d\nfrom e._f import g\nh._i()\nself._own")
    assert set(private(tree, {"_own"})) == {"a._b", "_d", "e._f", "_i"}
    assert set(private(tree, set(), {"_own", "_i"})) == {"a._b", "_d", "e._f", "_i"}
