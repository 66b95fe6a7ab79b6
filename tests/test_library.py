"""The examples of docs/library.md: each public function has one, all are typed, and all run."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import faceveil
from films import film
from pages import DOCS, REPOSITORY, blocks

EXAMPLES = blocks(DOCS / "library.md", "python")
FUNCTIONS = {name for name in faceveil.__all__ if inspect.isfunction(getattr(faceveil, name))}


def called(block: str) -> set[str]:
    """The functions that an example calls by their names, or hands on to be called."""
    tree = ast.parse(block)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    used = [part for call in calls for part in (call.func, *call.args)]
    return {part.id for part in used if isinstance(part, ast.Name)}


def test_the_public_functions_are_these() -> None:
    assert set(FUNCTIONS) == {
        *("analyze", "analyze_file", "find_faces", "open_sink", "open_source", "render"),
        *("render_file", "veil_bytes", "veil_file", "veil_image"),
    }


def test_every_public_function_has_an_example() -> None:
    assert set(FUNCTIONS) <= set().union(*map(called, EXAMPLES))


@pytest.mark.slow
def test_a_type_checker_has_nothing_to_say(tmp_path: Path) -> None:
    paths = [tmp_path / f"example_{number}.py" for number in range(len(EXAMPLES))]
    for path, block in zip(paths, EXAMPLES, strict=True):
        path.write_text(block, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *map(str, paths)],
        cwd=REPOSITORY, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def _here(photo: Path, monkeypatch: pytest.MonkeyPatch, detector: str) -> None:
    """A folder with all that the examples speak of."""
    folder, data = photo.parent, photo.read_bytes()
    monkeypatch.chdir(folder)
    (folder / "crowd.jpg").write_bytes(data)
    (folder / "broken.jpg").write_bytes(data[: len(data) // 2])
    picture = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), 1), np.uint8)
    for name in ("clip.mp4", "film.mp4"):
        film(folder / name, [np.ascontiguousarray(picture[:256, 100:400])] * 6, sound="aac")


@pytest.mark.slow
@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_runs(number: int) -> None:
    """Here in this process; `test_docs_run` has each typed into one of its own, now and then."""
    if "fastapi" in EXAMPLES[number]:
        pytest.importorskip("fastapi", reason="no extra server")
    exec(compile(EXAMPLES[number], "docs/library.md", "exec"), {"__name__": "example"})


@pytest.mark.usefixtures("_here")
def test_the_example_of_a_service_serves() -> None:
    testclient = pytest.importorskip("starlette.testclient", reason="no extra server")
    (example,) = (block for block in EXAMPLES if "fastapi" in block)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "docs/library.md", "exec"), names)
    with testclient.TestClient(names["app"]) as client:
        answer = client.post("/veil", content=Path("photo.jpg").read_bytes())
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        safe = cv2.imdecode(np.frombuffer(answer.content, np.uint8), 1)
        assert safe is not None
        assert len(faceveil.find_faces(safe)) == 0
        refused = client.post("/veil", content=b"words")
        assert refused.status_code == 422
        assert "neither a picture" in refused.text
