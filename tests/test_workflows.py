"""The workflows are well-formed, and run only what can be run here."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps(workflow: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", WORKFLOWS),
        ("dependabot", [ROOT / ".github" / "dependabot.yml"]),
        ("citation-file-format", [ROOT / "CITATION.cff"]),
    ],
)
def test_follows_its_schema(schema: str, files: list[Path]) -> None:
    """By the schemas that the checker brings along, so without a network."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_runs_what_can_be_run_here(workflow: Path) -> None:
    """Our own checks are targets of the Makefile or scripts of the repository, by their names."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    ran = [step["run"].strip() for step in steps(workflow) if "run" in step]
    assert ran
    for command in ran:
        words = command.removeprefix("sudo bash ").split()
        if words[0] == "make":
            assert set(words[1:]) <= targets, command
        elif "/" in words[0]:
            assert (ROOT / words[0]).is_file(), command
        else:
            pytest.fail(f"{command}: put it into the Makefile, so that it can be tried")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_asks_for_no_more_than_it_needs(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    assert re.search(r"^permissions:\n  contents: read$", text, re.MULTILINE)
    assert "pull_request_target" not in text
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False
        assert "secrets." not in str(step)


@pytest.mark.skipif(os.name != "posix", reason="releases are made on Linux")
def test_a_release_has_every_file_and_its_hash(tmp_path: Path) -> None:
    made = tmp_path / "made"
    built = ("wheel/a.whl", "wheel/a.tar.gz", "executable-x/x.tar.gz", "image/image.tar.gz")
    for name in built:
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    asked = tmp_path / "asked"
    (tmp_path / "gh").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{asked}"\n')
    (tmp_path / "gh").chmod(0o755)
    command = [str(ROOT / "tools" / "publish.sh"), str(made), "v1.2.3"]
    env = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(command, env=env, check=True)
    lines = asked.read_text().splitlines()
    assert lines[:3] == ["release", "create", "v1.2.3"]
    assert set(lines[3:]) == {"--verify-tag", "--generate-notes", "SHA256SUMS", *built}
    sums = dict(line.split("  ")[::-1] for line in (made / "SHA256SUMS").read_text().splitlines())
    assert sums == {Path(name).name: hashlib.sha256(name.encode()).hexdigest() for name in built}
    # Whoever downloads them has them in one folder.
    (made / "image" / "x.tar.gz").write_text("another")
    assert subprocess.run(command, env=env, check=False, capture_output=True).returncode == 1
    assert asked.read_text().splitlines() == lines


def test_the_matrix_holds_the_versions_that_are_promised() -> None:
    promised = re.search(
        r'requires-python = ">=(3\.\d+),<3\.(\d+)"', (ROOT / "pyproject.toml").read_text()
    )
    assert promised
    lowest, above = promised.groups()
    checks = yaml.safe_load((ROOT / ".github" / "workflows" / "checks.yml").read_text())
    assert checks["jobs"]["test"]["strategy"]["matrix"]["python"] == [lowest, f"3.{int(above) - 1}"]


def pins(file: str) -> dict[str, set[str]]:
    """Package -> the versions that a file of requirements names."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(
        r"^([\w.-]+)==([^\s;\\]+)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE
    ):
        found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), set()).add(version)
    return found


def test_what_is_locked_is_what_is_tested_with() -> None:
    tested, locked = pins("constraints.txt"), pins("locked.txt")
    assert {name: tested.get(name) for name in locked} == locked, "run: make locked"


def test_what_is_locked_is_all_that_the_container_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    needs = [*project["dependencies"], "hatchling"]
    for extra in ("mediapipe", "redis", "server", "sign"):
        needs += [need for need in extras[extra] if not need.startswith("faceveil")]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=]", need)[0]).lower() for need in needs}
    assert names <= pins("locked.txt").keys(), "run: make locked"


def test_every_locked_package_has_hashes_and_no_address() -> None:
    text = (ROOT / "locked.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "index" not in text
    entries = re.split(r"^(?=[\w])", text.replace("\\\n", ""), flags=re.MULTILINE)[1:]
    assert len(entries) > 50
    for entry in entries:
        assert re.search(r" --hash=sha256:[0-9a-f]{64}\b", entry), entry.split()[0]


def test_the_citation_has_the_version() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version[1]
