"""The structure of the code, as the design has it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "faceveil"
MODULES = sorted(PACKAGE.rglob("*.py"))

FLOORS = (
    {"geometry", "i18n"},
    {"frames", "plan", "system", "zones"},
    {"faces", "report"},
    {"errors"},
    {"options"},
    {"obscure", "track"},
    {"dataset", "media", "weights"},
    {"detect", "evidence"},
    {"live", "people", "scan"},
    {"check"},
    {"pipeline"},
    {"batch", "in_memory"},
    {"server"},
    {"cli"},
)
"""The rooms from the ground up. A module imports from its own room and from lower floors."""
CONTRIBUTING = (PACKAGE.parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
LONGEST = int(re.findall(r"A module with more than (\d+) lines, empty ones not", CONTRIBUTING)[0])
"""Lines of a module, empty ones not counted; whoever contributes reads it there."""
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
LIGHT = ("faceveil", "faceveil.errors", "faceveil.options", "faceveil.plan", "faceveil.cli")
HEAVY = {"av", "cv2", "onnx", "onnxruntime", "PIL", "scipy", "skimage", "ai_edge_litert"}


def room(module: str) -> str:
    """``faceveil.detect.yunet`` lies in room ``detect``."""
    return module.split(".")[1] if "." in module else ""


def floor(name: str) -> int:
    """The number of the floor that a room is on.

    Raises:
        LookupError: the room has no place yet; decide on one.
    """
    for number, rooms in enumerate(FLOORS):
        if name in rooms:
            return number
    raise LookupError(f"{name} is on no floor")


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
def test_imports_only_from_floors_below(path: Path) -> None:
    here = room(dotted(path))
    if here in ("", "__main__"):  # the public names, and the door of the command line
        return
    for name in imports(path):
        there = room(name)
        if name.split(".")[0] == "faceveil" and there != here:
            assert floor(there) < floor(here), f"{here} imports {name}"


def modules_in(path: Path) -> set[str]:
    """The modules that a module imports by name or takes a name from."""
    known = {dotted(each) for each in MODULES}
    own = {name for name in imports(path) if name in known}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            if inner <= known:  # only rooms and modules are taken from there, no names
                own.discard(str(node.module))
            own |= inner & known
    return own - {dotted(path)}


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not even inside a room, and not through an import in a function."""
    order = TopologicalSorter({dotted(path): modules_in(path) for path in MODULES})
    assert len(list(order.static_order())) == len(MODULES)


def test_every_room_is_a_package() -> None:
    """Builders of executables pass over folders that are none."""
    rooms = {path.parent for path in MODULES}
    assert [room for room in rooms if not (room / "__init__.py").exists()] == []


def test_one_name_means_one_thing() -> None:
    """No two files of one name in different rooms, and no two classes."""
    files = Counter(path.stem for path in MODULES if path.stem != "__init__")
    classes = Counter(
        node.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, times in (files + classes).items() if times > 1] == []


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_is_one_idea(path: Path) -> None:
    assert sum(1 for line in path.read_text().splitlines() if line.strip()) <= LONGEST


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_only_weights_and_what_serves_pages_know_the_network(path: Path) -> None:
    if room(dotted(path)) in ("weights", "server") or dotted(path) == "faceveil.live.preview":
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
