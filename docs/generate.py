"""Writes docs/options.md from the settings in the code, and draws the diagrams.

    python docs/generate.py

A test compares the files with what this would write, so that they cannot fall behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from diagrams import DRAWINGS
from faceveil.options import Options
from faceveil.options.presets import PRESETS
from faceveil.server.settings import Service

HERE = Path(__file__).parent

HEAD = """\
# Settings

Every setting is a flag of the command line and a field of `faceveil.Options`: `--min-face 20` is
`Options(min_face=20)`. A switch has an opposite: `--no-show-boxes`. `faceveil VERB --help` lists
the settings that a verb uses, in the same groups.

`python docs/generate.py` makes this page from `src/faceveil/options/`; make changes there.
"""
SERVICE = """\
# Settings of the service

These are flags of `faceveil serve` and `faceveil worker`, see [rest.md](rest.md). They come from
`src/faceveil/server/settings.py`.
"""
LIMITS = (
    ("minimum", "from"),
    ("exclusiveMinimum", "above"),
    ("maximum", "to"),
    ("exclusiveMaximum", "below"),
)
KINDS = {"boolean": "switch", "integer": "whole number", "number": "number", "string": "text"}


def made() -> dict[Path, str]:
    """Each file that is made, and its text."""
    drawn = {HERE / name: draw() for name, draw in DRAWINGS.items()}
    return {HERE / "options.md": page(), **drawn}


def page() -> str:
    """The text of docs/options.md."""
    return "\n".join([HEAD, *_tables(Options), _presets(), SERVICE, *_tables(Service)])


def _tables(model: type[BaseModel]) -> Iterator[str]:
    """A table for each group of settings."""
    groups: dict[str, list[str]] = {}
    for name, setting in model.model_json_schema()["properties"].items():
        groups.setdefault(setting["group"], []).append(_row(name, setting))
    for group, rows in groups.items():
        head = f"## {group.capitalize()}\n\n| flag | values | default | what it does |\n"
        yield head + "|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _row(name: str, setting: dict[str, Any]) -> str:
    flag = "--" + name.replace("_", "-")
    default = _value(setting.get("default"))
    said = setting["description"]
    if "env" in setting:
        said += f" Also the variable `{setting['env']}`."
    return f"| `{flag}` | {_values(setting)} | {default} | {said} |"


def _values(setting: dict[str, Any]) -> str:
    """The permitted values, in words."""
    if "anyOf" in setting:
        (setting,) = (kind for kind in setting["anyOf"] if kind["type"] != "null")
    if "enum" in setting:
        return ", ".join(f"`{value}`" for value in setting["enum"])
    if setting["type"] == "array":
        return "text" if setting["items"]["type"] == "string" else "left,top,right,bottom"
    if setting.get("format") == "path":
        return "folder"
    limits = " ".join(f"{word} {setting[key]:g}" for key, word in LIMITS if key in setting)
    return f"{KINDS[setting['type']]} {limits}".rstrip()


def _value(default: Any) -> str:
    if default is None or default == []:
        return "unset"
    if isinstance(default, bool):
        return "on" if default else "off"
    return f"`{default}`"


def _presets() -> str:
    rows = [
        f"| `{preset}` | " + ", ".join(f"`{name}` = `{value}`" for name, value in bundle.items())
        for preset, bundle in PRESETS.items()
    ]
    return "## Presets\n\n| preset | sets |\n|---|---|\n" + " |\n".join(rows) + " |\n"


if __name__ == "__main__":
    for path, text in made().items():
        path.write_text(text, encoding="utf-8")
