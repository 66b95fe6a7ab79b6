"""Many files: which are taken, where they go, and that one bad file never stops the rest."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePath

import pytest

from faceveil.batch import Job, Processes, Serial, find_jobs, veil_files
from faceveil.errors import UnreadableError, UsageError
from faceveil.options import Options
from faceveil.report import Report


@pytest.fixture
def tree(tmp_path: Path, photo: Path) -> Path:
    folder = tmp_path / "in"
    for name in ("a.jpg", "deep/er/b.jpg", "deep/a.jpg", ".hidden.jpg", ".git/c.jpg"):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, target)
    (folder / "deep/broken.jpg").write_bytes(photo.read_bytes()[:3000])
    return folder


def test_folders_are_walked_and_hidden_files_passed_over(tree: Path) -> None:
    assert find_jobs([tree]) == [
        Job(tree / "a.jpg"),
        Job(tree / "deep/a.jpg", PurePath("deep")),
        Job(tree / "deep/broken.jpg", PurePath("deep")),
        Job(tree / "deep/er/b.jpg", PurePath("deep/er")),
    ]


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file in"):
        find_jobs([tmp_path])


def test_two_inputs_may_not_share_an_output(tree: Path, tmp_path: Path) -> None:
    jobs = find_jobs([tree / "a.jpg", tree / "deep/a.jpg"])
    with pytest.raises(UsageError, match="several inputs are called"):
        list(veil_files(jobs, tmp_path / "out", Options()))


@pytest.mark.parametrize("executor", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_the_tree_is_mirrored_and_a_broken_file_is_named(
    tree: Path, tmp_path: Path, executor: Serial | Processes, detector: str
) -> None:
    out = tmp_path / "out"
    results = dict(veil_files(find_jobs([tree]), out, Options(min_face=40), executor))
    broken = results.pop(Job(tree / "deep/broken.jpg", PurePath("deep")))
    assert isinstance(broken, UnreadableError)
    assert broken.advice
    assert all(isinstance(report, Report) and report.tracks == 1 for report in results.values())
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()) == [
        "a.veiled.jpg",
        "deep/a.veiled.jpg",
        "deep/er/b.veiled.jpg",
    ]
