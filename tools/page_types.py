"""Writes tests/js/service.d.ts: what the service answers, as the page's scripts are checked by.

    python tools/page_types.py

A test compares the file with what this would write, so that it cannot fall behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from faceveil.plan import Plan
from faceveil.server.drafts import Draft
from faceveil.server.following import Follow, Pursued
from faceveil.server.schemas import Accepted, Job, Jobs, OptionsPage, RecordingList

FILE = Path(__file__).parent.parent / "tests" / "js" / "service.d.ts"
ANSWERS = (Accepted, Draft, Follow, Job, Jobs, OptionsPage, Plan, Pursued, RecordingList)
SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}
HEAD = """\
// Made from src/faceveil/server/schemas.py and plan.py by tools/page_types.py; change it there.

declare namespace Service {
"""


def text() -> str:
    """The text of the file."""
    adapters = [(answer, "serialization", TypeAdapter[Any](answer)) for answer in ANSWERS]
    _, schema = TypeAdapter.json_schemas(adapters)  # type: ignore[arg-type]
    return HEAD + "\n".join(_interfaces(schema["$defs"])) + "}\n"


def _interfaces(definitions: dict[str, Any]) -> Iterator[str]:
    for name, definition in sorted(definitions.items()):
        if definition.get("type") != "object":
            yield f"  type {name} = {_type(definition)};\n"
            continue
        # What has a default is sent all the same.
        fields = (
            f"    {field}: {_type(kind)};\n"
            for field, kind in definition.get("properties", {}).items()
        )
        yield f"  interface {name} {{\n{''.join(fields)}  }}\n"


def _type(schema: dict[str, Any]) -> str:
    """A JSON schema as a type of TypeScript."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(one) for one in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type", "")
    if kind == "array" and "prefixItems" in schema:
        return f"[{', '.join(_type(one) for one in schema['prefixItems'])}]"
    if kind == "array":
        item = _type(schema["items"])
        return f"({item})[]" if " | " in item else f"{item}[]"
    if kind == "object":
        values = schema.get("additionalProperties", True)
        return f"Record<string, {'any' if values is True else _type(values)}>"
    return "null" if kind == "null" else SCALARS.get(kind, "any")


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
