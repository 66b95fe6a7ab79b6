"""The page's texts, and what its files may not hold. `test_chinese` sees to their translations."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from faceveil import errors
from faceveil.options import Options
from faceveil.options.presets import PRESETS

pytest.importorskip("fastapi", reason="the extra server is not installed")

from faceveil import server
from faceveil.options.groups import DECISIVE
from faceveil.server.problems import problem_of
from faceveil.server.store import JobState
from trees import nodes

HOUSE = Path(server.__file__).parent
STATIC = HOUSE / "static"
TABLE: dict[str, str] = json.loads((STATIC / "texts.json").read_text(encoding="utf-8"))
SETTINGS = {
    name: setting
    for name, setting in Options.model_json_schema()["properties"].items()
    if name in DECISIVE
}


def problem_types() -> set[str]:
    """Names of all problems that the service can answer with."""
    types = {
        problem_of(kind("")).type
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.FaceVeilError)
    }
    for path in HOUSE.glob("*.py"):
        for node in nodes(path):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("ProblemError", "problem"):
                types |= {
                    one.value
                    for argument in node.args[1:2]
                    for one in ast.walk(argument)
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }
    return types


def needed() -> Iterator[str]:
    for name, setting in SETTINGS.items():
        yield from (f"option.{name}", f"option.{name}.help", f"group.{setting['group']}")
        if name != "preset":
            yield from (f"option.{name}.{value}" for value in values(setting))
    for preset in PRESETS:
        yield from (f"preset.{preset}", f"preset.{preset}.help")
    yield from (f"state.{state}" for state in get_args(JobState))
    for kind in problem_types():
        yield from (f"problem.{kind}", f"advice.{kind}")
    for path in STATIC.rglob("*.js"):
        yield from named_in(path)
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    yield from re.findall(r'data-t(?:-label)?="([^"]+)"', page)


def values(setting: dict[str, Any]) -> list[Any]:
    return list(setting.get("enum", []))


def named_in(path: Path) -> Iterator[str]:
    """Keys that a module names outright; those it puts together are asked for above."""
    text = path.read_text(encoding="utf-8")
    for key in re.findall(r'"([a-z]+(?:\.[a-z]+)+)"', text):
        if not key.startswith("faceveil."):  # those are names in the browser's storage
            yield key


def test_every_text_is_there() -> None:
    missing = {key for key in needed() if key not in TABLE and f"{key}.other" not in TABLE}
    assert missing == set()
    assert all(TABLE.values())


def test_numbers_come_in_all_forms() -> None:
    for key in TABLE:
        stem, _, form = key.rpartition(".")
        if form in ("one", "other"):
            assert f"{stem}.one" in TABLE
            assert f"{stem}.other" in TABLE


def test_the_page_parses_nothing_and_fetches_nothing_foreign() -> None:
    """No markup from data, no code from text, no address but the service's own."""
    for path in [*STATIC.rglob("*.js"), STATIC / "index.html", STATIC / "app.css"]:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        for forbidden in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ):
            assert forbidden not in text, path
        assert not re.search(r"https?://|//cdn|@import|new Function", text), path
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_type_distances_and_corners_are_of_one_scale() -> None:
    """Sizes of type, margins, gaps, radii: none but those that the page names at its top."""
    css = (STATIC / "app.css").read_text(encoding="utf-8")
    named = set(re.findall(r"^  (--(?:text|space|round)-\w+):", css, re.MULTILINE))
    used = set(re.findall(r"var\((--(?:text|space|round)-\w+)\)", css))
    assert used == named
    assert len(named) <= 19
    kinds = r"(?<![\w-])((?:font|margin|padding|(?:row-|column-)?gap)[\w-]*):([^;}]+)"
    reckoned = r"(?:calc|clamp)\((?:[^()]|\([^()]*\))*var\(--space(?:[^()]|\([^()]*\))*\)"
    written = [(kind, re.sub(reckoned, "", value)) for kind, value in re.findall(kinds, css)]
    assert len(written) > 200
    corners = re.findall(r"(border-(?:[\w-]+-)?radius): ([^;}]+)", css)
    assert len(corners) > 30
    written += [one for one in corners if one[1] not in {"50%", "inherit"}]
    assert not [one for one in written if re.search(r"\d(?:r?em|px|%|v[hw])", one[1])]
    for path in STATIC.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"style\.(font|margin|padding|gap|border)", text), path


def test_a_module_is_one_idea() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in STATIC.rglob("*.js")}
    counted = {name: len([*filter(str.strip, one.splitlines())]) for name, one in texts.items()}
    assert len(counted) > 20
    assert {name: count for name, count in counted.items() if count > 250} == {}
