"""The structure of the code, as the design has it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from trees import nodes, parsed

PACKAGE = Path(__file__).parent.parent / "src" / "faceveil"
MODULES = sorted(PACKAGE.rglob("*.py"))

FLOORS = (
    {"geometry", "i18n"},
    {"frames", "plan", "system", "zones"},
    {"faces", "report"},
    {"by_frame", "errors"},
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


NAMES = {dotted(each) for each in MODULES}


def imports(path: Path) -> Iterator[str]:
    """Full names of all that a module imports, wherever in it."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            assert node.module is not None
            if node.module == "faceveil":
                yield from (f"faceveil.{alias.name}" for alias in node.names)
            else:
                yield node.module


# One test for all modules: as one for each, what runs them costs more than what they look at.


def test_imports_only_from_floors_below() -> None:
    wrong = []
    for path in MODULES:
        here = room(dotted(path))
        if here in ("", "__main__"):  # the public names, and the door of the command line
            continue
        for name in imports(path):
            there = room(name)
            if name.split(".")[0] == "faceveil" and there != here and floor(there) >= floor(here):
                wrong.append(f"{dotted(path)} imports {name}")
    assert wrong == []


def modules_in(path: Path) -> set[str]:
    """The modules that a module imports by name or takes a name from."""
    known = NAMES
    own = {name for name in imports(path) if name in known}
    for node in nodes(path):
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


def types(path: Path) -> Iterator[str]:
    """The classes of a module, and the names of types at its top, but for single letters."""
    for node in nodes(path):
        if isinstance(node, ast.ClassDef):
            yield node.name
    for node in parsed(path).body:
        named = node.targets if isinstance(node, ast.Assign) else []
        named = [node.target] if isinstance(node, ast.AnnAssign) else named
        for name in named:
            if isinstance(name, ast.Name) and re.fullmatch("_?[A-Z][a-z][A-Za-z0-9]*", name.id):
                yield name.id


def more_than_once(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def test_one_name_means_one_thing() -> None:
    """No two files of one name in different rooms, and no two types."""
    assert more_than_once(path.stem for path in MODULES if path.stem != "__init__") == []
    assert more_than_once(name for path in MODULES for name in types(path)) == []


def test_one_name_means_one_thing_on_the_page() -> None:
    """No two scripts of one name, and nothing that two of them offer under one name."""
    scripts = sorted((PACKAGE / "server" / "static" / "js").rglob("*.js"))
    offered = [
        name
        for path in scripts
        for name in re.findall(r"^export (?:async )?(?:\w+) (\w+)", path.read_text(), re.MULTILINE)
    ]
    assert len(scripts) > 50
    assert {"Session", "CameraSession", "nameOf"} <= set(offered)
    assert more_than_once(path.stem for path in scripts) == []
    assert more_than_once(offered) == []


def test_is_one_idea() -> None:
    lines = {dotted(path): path.read_text().splitlines() for path in MODULES}
    counted = {name: sum(1 for line in text if line.strip()) for name, text in lines.items()}
    assert {name: count for name, count in counted.items() if count > LONGEST} == {}


def test_only_weights_and_what_serves_pages_know_the_network() -> None:
    others = [
        path
        for path in MODULES
        if room(dotted(path)) not in ("weights", "server")
        and dotted(path) != "faceveil.live.preview"
    ]
    assert len(others) > 200
    known = {dotted(path): {name.split(".")[0] for name in imports(path)} for path in others}
    assert {name: found & NETWORK for name, found in known.items() if found & NETWORK} == {}


def test_the_library_never_prints_or_exits() -> None:
    forbidden = {"print", "sys.exit", "exit", "quit", "os._exit"}
    wrong = [
        f"{dotted(path)} calls {ast.unparse(node.func)}"
        for path in MODULES
        if room(dotted(path)) not in ("cli", "server") and dotted(path) != "faceveil.__main__"
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and ast.unparse(node.func) in forbidden
    ]
    assert wrong == []


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_load_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & HEAVY
