"""The structure of the code, as the design has it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "faceveil"
MODULES = sorted(PACKAGE.rglob("*.py"))

LAYERS = (
    {"types", "frames", "options", "errors", "report", "stages", "beats"}
    | {"browser", "closing", "chinese", "text"},
    {"dataset", "detect", "track", "region", "obscure", "media", "weights"},
    {"check", "evidence", "paint", "scan"},
    {"live", "pipeline"},
    {"batch", "scale", "demo"},
    {"cli", "server"},
)
# Rooms of one layer know nothing of each other, except:
ALLOWED = {("detect", "weights"), ("cli", "server"), ("scale", "batch")}
PRIVATE = {"_sources": "weights", "_parts": "scan", "_zones": "options"}
"""Helper modules and the room they belong to."""
LONGEST = 320
"""A module with more lines than this, empty ones not counted, is two ideas."""
NETWORK = {
    "aiohttp",
    "ftplib",
    "http",
    "httpx",
    "requests",
    "smtplib",
    "socket",
    "urllib",
    "urllib3",
}
LIGHT = ("faceveil", "faceveil.errors", "faceveil.options", "faceveil.types", "faceveil.cli")
HEAVY = {"av", "cv2", "onnx", "onnxruntime", "PIL", "scipy", "skimage", "ai_edge_litert"}


def room(module: str) -> str:
    """``faceveil.detect.yunet`` and ``detect/yunet.py`` lie in room ``detect``."""
    name = module.split(".")[1] if "." in module else ""
    return PRIVATE.get(name, name)


def layer(name: str) -> int:
    """The number of a room's layer.

    Raises:
        LookupError: the room has no place yet; decide on one.
    """
    for number, rooms in enumerate(LAYERS):
        if name in rooms:
            return number
    raise LookupError(f"{name} is in no layer")


def dotted(path: Path) -> str:
    parts = ["faceveil", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Full names of all that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            assert node.module is not None
            if node.module == "faceveil":
                yield from (f"faceveil.{alias.name}" for alias in node.names)
            else:
                yield node.module


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_imports_only_from_layers_below(path: Path) -> None:
    here = room(dotted(path))
    if here in ("", "__main__"):  # the public names, and the door of the command line
        return
    for name in imports(path):
        there = room(name)
        if name.split(".")[0] != "faceveil" or there == here:
            continue
        below = layer(there) < layer(here)
        basics = layer(there) == layer(here) == 0
        assert below or basics or (here, there) in ALLOWED, f"{here} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_is_one_idea(path: Path) -> None:
    assert sum(1 for line in path.read_text().splitlines() if line.strip()) <= LONGEST


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_only_weights_and_what_serves_pages_know_the_network(path: Path) -> None:
    if room(dotted(path)) in ("weights", "server") or dotted(path) == "faceveil.live.page":
        return
    assert not {name.split(".")[0] for name in imports(path)} & NETWORK


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_the_library_never_prints_or_exits(path: Path) -> None:
    if room(dotted(path)) in ("cli", "server"):
        return
    calls = (
        node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    )
    assert not {ast.unparse(call) for call in calls} & {
        "print",
        "sys.exit",
        "exit",
        "quit",
        "os._exit",
    }


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_load_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & HEAVY
