"""The page's modules that need no browser, in Node's own test runner."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

import page_types

TESTS = sorted((Path(__file__).parent / "js").glob("*.test.mjs"))
LEAST = (20, 19)
"""From here on Node takes a module for what it is without being told so beside it."""


@pytest.fixture(scope="module")
def node() -> str:
    path = shutil.which("node")
    if path is None:
        pytest.skip("no node here")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", said)[:2])
    if version < LEAST:
        pytest.skip(f"node {said.strip()} is too old; {LEAST[0]}.{LEAST[1]} will do")
    return path


def test_the_types_of_answers_are_those_of_the_service() -> None:
    said = page_types.FILE.read_text(encoding="utf-8")
    assert said == page_types.text(), "run: python tools/page_types.py"


@pytest.mark.slow
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_modules(node: str, path: Path) -> None:
    done = subprocess.run([node, "--test", str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"^(?:#|ℹ) pass (\d+)$", done.stdout, re.MULTILINE)
    assert counted is not None
    assert int(counted[1]) > 5
