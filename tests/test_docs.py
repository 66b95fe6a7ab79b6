"""The documents say what is true: settings, verbs, errors, links and commands."""

from __future__ import annotations

import importlib.util
import inspect
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
import typer.main
from fastapi.routing import APIRoute
from typer.core import TyperGroup

import faceveil
from faceveil import errors
from faceveil.cli import app
from faceveil.cli.flags import make_settings
from faceveil.errors import ExitCode
from faceveil.options import Options
from faceveil.server import (
    routes_files,
    routes_jobs,
    routes_recordings,
    routes_review,
    routes_service,
    routes_veil,
)
from faceveil.server.problems import problem_of
from faceveil.server.settings import Service
from pages import DOCS, PAGES, REPOSITORY, blocks, commands
from test_layers import FLOORS

ERRORS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.FaceVeilError)
]
ABSTRACT = {errors.FaceVeilError, errors.InputError}
ROOT = typer.main.get_group(app)


def ours(page: Path) -> Iterator[str]:
    """Every command line of ours in the page's shell blocks."""
    for block in blocks(page):
        yield from (line for line in commands(block) if re.match(r"(\.venv/bin/)?faceveil ", line))


def verbs() -> Iterator[str]:
    for name, command in ROOT.commands.items():
        if isinstance(command, TyperGroup):
            yield from (f"{name} {below}" for below in command.commands)
        else:
            yield name


def row(page: Path, code: int) -> str:
    """The line of a table of exit codes."""
    (line,) = re.findall(rf"^\| {code} \|.*$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return str(line)


def generator(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DOCS))
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_made_from_the_code_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    made = generator(monkeypatch).made()
    assert {path.name for path in made} == {"options.md", "flow.svg", "rooms.svg", "badges.svg"}
    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text, "run: python docs/generate.py"


def test_every_room_is_described() -> None:
    table = (DOCS / "how-it-works.md").read_text(encoding="utf-8")
    said = {
        name
        for row in re.findall(r"^\| \d* ?\| (`[^|]*) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert said == set().union(*FLOORS)


def test_the_page_of_settings_has_them_all() -> None:
    text = (DOCS / "options.md").read_text(encoding="utf-8")
    for name in (*Options.model_fields, *Service.model_fields):
        assert f"| `--{name.replace('_', '-')}` |" in text


def test_every_public_name_is_explained() -> None:
    text = (DOCS / "library.md").read_text(encoding="utf-8")
    rows = "".join(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", rows)) == set(faceveil.__all__)


@pytest.mark.parametrize("verb", list(verbs()))
def test_every_verb_has_an_example(verb: str) -> None:
    assert any(f"faceveil {verb}" in line for line in ours(DOCS / "cli.md"))


def routes() -> Iterator[tuple[str, str]]:
    for module in (
        routes_service,
        routes_veil,
        routes_jobs,
        routes_files,
        routes_review,
        routes_recordings,
    ):
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            if route.include_in_schema:
                yield from ((method, route.path) for method in route.methods or ())


def test_every_route_is_documented_and_no_other() -> None:
    text = (DOCS / "rest.md").read_text(encoding="utf-8")
    said = re.findall(r"^\| `([A-Z]+) (/[^` ]*)` \|", text, re.MULTILINE)
    assert sorted(said) == sorted(routes())


def test_every_type_of_problem_is_documented() -> None:
    text = (DOCS / "rest.md").read_text(encoding="utf-8")
    given = set()
    for path in (REPOSITORY / "src" / "faceveil" / "server").glob("*.py"):
        given |= set(
            re.findall(r"(?:ProblemError|problem)\(\s*\d+,\s*\"([a-z-]+)\"", path.read_text())
        )
    given |= {problem_of(kind("")).type for kind in ERRORS if kind not in ABSTRACT}
    assert len(given) > 15
    for kind in given:
        assert f"`{kind}`" in text, kind


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_stands_beside_its_exit_code(kind: type[errors.FaceVeilError]) -> None:
    assert f"`{kind.__name__}`" in row(DOCS / "cli.md", kind.exit_code)


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", "docs/cli.md"])
def test_every_exit_code_is_explained_and_no_other(page: str) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)] == [*ExitCode]


@pytest.mark.parametrize(
    "line",
    [pytest.param(line, id=f"{page.name}: {line}") for page in PAGES for line in ours(page)],
)
def test_every_command_can_be_given(line: str) -> None:
    arguments = shlex.split(line)[1:]
    if arguments[-1] == "--help":
        arguments.pop()
    group = ROOT
    while True:
        context = group.make_context("faceveil", list(arguments))
        _, command, arguments = group.resolve_command(context, arguments)
        assert command is not None
        if not isinstance(command, TyperGroup):
            break
        group = command
    if not arguments and line.endswith("--help"):
        return
    given = command.make_context("verb", list(arguments)).params
    for model in (Options, Service):
        make_settings(
            model, {key: value for key, value in given.items() if key in model.model_fields}
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if workflow := re.fullmatch(r"\.\./\.\./actions/workflows/([\w.]+)(/badge\.svg)?", target):
            # What the repository's host shows of a workflow, seen from the first page there.
            assert (REPOSITORY / ".github" / "workflows" / workflow[1]).is_file()
        elif "://" not in target:
            assert (page.parent / target.partition("#")[0]).exists(), f"{page.name}: {target}"


def test_the_badges_say_what_is_drawn_in_them() -> None:
    drawn = re.search(r"<title>(.+)</title>", (DOCS / "badges.svg").read_text(encoding="utf-8"))
    assert drawn
    assert f"![{drawn[1]}](docs/badges.svg)" in (REPOSITORY / "README.md").read_text("utf-8")


def test_from_the_first_page_to_the_colours_of_a_face_it_is_five_files() -> None:
    """Each names the next, and holds what is said to be found in it."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## A first reading\n")[2].partition("\n## ")[0]
    steps = re.split(r"^\d\. ", section, flags=re.MULTILINE)[1:]
    way = [re.findall(r"`([^`]+)`", " ".join(step.split())) for step in steps]
    assert 2 < len(way) <= 5
    assert (way[0][0], way[-1][-1]) == ("README.md", "_palette()[level, cb, cr]")
    for (here, *_), (there, *_) in pairwise(way):
        path = Path(there)
        names = {
            there,
            path.name if path.suffix == ".md" else ".".join(path.with_suffix("").parts[1:]),
        }
        assert any(name in (REPOSITORY / here).read_text("utf-8") for name in names), here
    for file, *told in way:
        code = (REPOSITORY / file).read_text(encoding="utf-8")
        assert all(one in code for one in told), file


def test_every_page_is_in_the_index_and_in_the_menu_in_one_order() -> None:
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    menu = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r"\]\(([\w-]+\.md)\)", text)
    assert re.findall(r"^ +- ([\w-]+\.md)$", menu, re.MULTILINE) == ["index.md", *listed]
    assert sorted(["index.md", *listed]) == sorted(page.name for page in DOCS.glob("*.md"))


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("zensical", reason="zensical, which builds the site, is not installed")
    shutil.copytree(DOCS, tmp_path / "docs")
    shutil.copy(REPOSITORY / "mkdocs.yml", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "-f", "mkdocs.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout + done.stderr
    pages = {page.name for page in (tmp_path / "site").iterdir()}
    assert {f"{page.stem}.html" for page in DOCS.glob("*.md")} <= pages
    assert "generate.py" not in pages
    loaded = re.compile(r"""(?:src|href)=["']?(https?:)?//""")
    for page in (tmp_path / "site").glob("*.html"):
        links = re.sub(r"<a [^>]*>", "", page.read_text(encoding="utf-8"))
        assert not loaded.search(links), f"{page.name} loads something from elsewhere"


def test_constants_in_the_text_are_those_in_the_code() -> None:
    from faceveil.check.quarantine import FOLDER, KEEP_DAYS
    from faceveil.cli.verbs_evidence import FRAMES, PICTURES
    from faceveil.detect.blazeface import THRESHOLDS
    from faceveil.detect.centerface import THRESHOLDS as CENTERFACE
    from faceveil.detect.load import SECOND_MIN_FACE
    from faceveil.detect.scaled import STILL, VIDEO
    from faceveil.obscure.painter import HOLD_SECONDS

    said = {page.name: " ".join(page.read_text(encoding="utf-8").split()) for page in PAGES}
    assert f"the same codes for at least {HOLD_SECONDS:g} s" in said["privacy.md"]
    assert f"faces of {SECOND_MIN_FACE:g} px and more" in said["evidence.md"]
    assert f"at most {FRAMES} of a video and {PICTURES} on a page" in said["evidence.md"]
    for page in ("evidence.md", "PRIVACY.md"):
        assert f"`{FOLDER}/`" in said[page]
        assert f"{KEEP_DAYS} days" in said[page]
    assert f"at least {VIDEO.coarsest:g} px for videos" in said["detection.md"]
    assert f"beyond {STILL.side} px" in said["detection.md"]
    for name, levels in (("centerface", CENTERFACE), ("mediapipe", THRESHOLDS)):
        row = re.search(rf"\| `{name}` \|.*?px \|", said["detection.md"])
        assert row is not None
        assert ", ".join(f"{level:g}" for level in levels.values()) in row[0]


def test_every_promise_names_a_test_that_is_there() -> None:
    table = (DOCS / "threats.md").read_text(encoding="utf-8").partition("## What the service")[2]
    rows = [line for line in table.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    named = [re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", row.split("|")[3]) for row in rows[1:]]
    assert len(named) > 10
    for tests in named:
        assert tests
        for file, part in tests:
            code = (REPOSITORY / "tests" / file).read_text(encoding="utf-8")
            assert f"class {part}:" in code or not part
