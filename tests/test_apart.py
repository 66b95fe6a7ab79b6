"""One file that ends its process, hangs in it or fills the disk costs itself alone."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from multiprocessing import active_children
from pathlib import Path

import cv2
import numpy as np
import pytest

import faulty
from faceveil.batch import Processes
from faceveil.batch.apart import Apart, HungError, LostError, patience
from faceveil.errors import WithheldError
from faceveil.media.part import PartFile
from faceveil.options import Options
from faceveil.report import Report
from faceveil.system import beats

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="needs signals"),
]

LARGEST = 1_000_000
"""Bytes a file may have on the disk that is full."""
BAD = {
    "b-abort.png": (faulty.ABORT, "crashed"),
    "c-hang.png": (faulty.HANG, "nothing of it was done"),
    "d-large.png": (faulty.GOOD, "cannot be written: file too large"),
    "e-crash.png": (faulty.CRASH, "SIGSEGV"),
    "f-killed.png": (faulty.KILL, "memory"),
}
GOOD = ("a.png", "g.png", "h.png")


def picture(path: Path, what: int, size: int = 48) -> Path:
    made = np.full((size, size, 3), what, np.uint8)
    if size > 48:  # noise, which no format makes small
        made[:] = np.random.default_rng(1).integers(what - 9, what + 9, made.shape)
    path.write_bytes(cv2.imencode(".png", made)[1].tobytes())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inputs = tmp_path / "in"
    inputs.mkdir()
    for name in GOOD:
        picture(inputs / name, faulty.GOOD)
    for name, (what, _) in BAD.items():
        picture(inputs / name, what, 900 if "large" in name else 48)
    return inputs


def full() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, LARGEST))


def faceveil(site: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a verb with the detector that fails, on a disk on which no large file has room."""
    asked = ("--detector", faulty.NAME, "--time-limit", "6")
    return subprocess.run(
        [sys.executable, "-m", "faceveil", *map(str, arguments), *asked],
        capture_output=True,
        text=True,
        timeout=170,
        env=os.environ | faulty.install(site / "site"),
        preexec_fn=full,
    )


def assert_named(errors: str, names: dict[str, str]) -> None:
    for name, why in names.items():
        (line,) = [one for one in errors.splitlines() if name in one]
        assert why in line, line


@pytest.mark.long
@pytest.mark.parametrize("jobs", [1, 2])
def test_in_a_folder_the_others_are_done_and_each_is_named(
    jobs: int, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    manifest = tmp_path / "done.jsonl"
    asked = ("-o", out, "--jobs", str(jobs), "--second-detector", "none", "--manifest", manifest)
    done = faceveil(tmp_path, "veil", folder, *asked)
    assert done.returncode == 1, done.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        name.replace(".png", ".veiled.png") for name in GOOD
    ]
    assert_named(done.stderr, {name: why for name, (_, why) in BAD.items()})
    assert "failed: 5" in done.stderr
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    failed = {line["input"] for line in lines if line["status"] == "failed"}
    assert failed == set(BAD)


@pytest.mark.long
def test_so_in_an_archive(folder: Path, tmp_path: Path) -> None:
    album, out = tmp_path / "album.zip", tmp_path / "out"
    with zipfile.ZipFile(album, "w") as archive:
        for path in sorted(folder.iterdir()):
            if "large" not in path.name:  # a full disk is that of the archive, too
                archive.write(path, path.name)
    out.mkdir()
    done = faceveil(tmp_path, "veil", album, "-o", out, "--second-detector", "none")
    assert done.returncode == 1, done.stderr
    with zipfile.ZipFile(out / "album.veiled.zip") as archive:
        assert sorted(archive.namelist()) == [f"{name[:-4]}.veiled.png" for name in GOOD]
    for name, (_, why) in BAD.items():
        if "large" not in name:
            assert any(why in line and name in line for line in done.stderr.splitlines()), name
    assert [path.name for path in out.iterdir()] == ["album.veiled.zip"]


@pytest.mark.long
@pytest.mark.parametrize("verb", ["veil", "check", "detect"])
def test_of_a_few_files_named_one_by_one(verb: str, folder: Path, tmp_path: Path) -> None:
    names = ("a.png", "b-abort.png", "c-hang.png", "g.png")
    extra = ("--second-detector", "none") if verb == "veil" else ()
    done = faceveil(tmp_path, verb, *(folder / name for name in names), *extra)
    assert done.returncode == 1, done.stderr
    said = [name for line in done.stdout.splitlines() for name in names if f"/{name}" in line]
    assert said == ["a.png", "g.png"]
    assert_named(done.stderr, {name: BAD[name][1] for name in names if name in BAD})


# The processes


def test_what_hangs_is_ended_and_costs_no_other() -> None:
    jobs = [faulty.GOOD, faulty.HANG, faulty.SLEEP, faulty.ABORT, faulty.GOOD]
    began = time.monotonic()
    outcomes = list(Processes(2).map(impatient, enumerate(jobs)))
    assert time.monotonic() - began < 60
    found = {number: outcome for (number, _), outcome in outcomes}
    assert [found[number] for number in (0, 4)] == [faulty.GOOD] * 2
    assert isinstance(found[1], HungError)
    assert isinstance(found[2], HungError)
    assert isinstance(found[3], LostError)
    assert "SIGABRT" in str(found[3])
    assert not active_children()


def impatient(job: tuple[int, int]) -> int:
    beats.patient(2)
    return faulty.act(job[1])


def slow(_: int) -> str:
    """Takes longer than it may from one move to the next, and moves in between."""
    beats.patient(2)
    for number in range(8):
        time.sleep(0.5)
        beats.moved("render", number, 8)
    return "done"


@pytest.mark.long
def test_what_moves_may_take_as_long_as_it_likes() -> None:
    heard: list[tuple[str, int, int | None]] = []
    with Apart() as helper:
        assert helper.run(slow, 1, watch=lambda *told: heard.append(told)) == "done"
    assert ("render", 0, 8) in heard
    assert len(heard) > 3


def test_what_cannot_be_sent_is_an_error_of_its_job() -> None:
    with Apart() as helper:
        assert isinstance(helper.run(lambda: 1), Exception)
        assert isinstance(helper.run(unsendable, "a"), Exception)
        assert isinstance(helper.run(withheld), WithheldError)
        assert helper.run(abs, -3) == 3


def unsendable(_: str) -> object:
    return threading.Lock()


def withheld() -> None:
    report = Report(status="failed", input="x.jpg")
    raise WithheldError("the check found one thing", "look", report=report, place=Path("x"))


def test_an_error_keeps_its_report_advice_and_trace() -> None:
    with Apart() as helper:
        error = helper.run(withheld)
    assert isinstance(error, WithheldError)
    assert (error.advice, error.place) == ("look", Path("x"))
    assert error.report is not None
    assert "in withheld" in "".join(error.__notes__)


def test_what_a_process_left_unfinished_is_removed(tmp_path: Path) -> None:
    with Apart() as helper:
        place = helper.run(tempfile.gettempdir)
        assert isinstance(place, str)
        assert isinstance(helper.run(begin_and_die, tmp_path), LostError)
        assert not Path(place).exists()
        assert list(tmp_path.iterdir()) == [tmp_path / "done.txt"]


def begin_and_die(folder: Path) -> None:
    done = PartFile(folder / "done.txt")
    done.commit()
    begun = PartFile(folder / "begun.txt")
    begun.file.write(b"half")
    Path(tempfile.mkdtemp(), "original.jpg").write_bytes(b"a face")
    os.abort()


def test_a_run_that_is_given_up_ends_its_processes(tmp_path: Path) -> None:
    def jobs() -> Iterator[tuple[int, Path]]:
        for number in range(100):
            yield number, tmp_path / f"{number}"

    results = Processes(2).map(wait_and_tidy, jobs())
    next(results)
    began = time.monotonic()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 20
    assert not active_children()
    assert {path.read_text() for path in tmp_path.iterdir()} <= {"tidy"}


def wait_and_tidy(job: tuple[int, Path]) -> None:
    number, note = job
    try:
        if number:
            note.write_text("busy")
            time.sleep(60)
    finally:
        if number:
            note.write_text("tidy")


def test_an_interrupt_of_a_worker_ends_the_run() -> None:
    with Apart() as helper, pytest.raises(KeyboardInterrupt):
        helper.run(signal.raise_signal, signal.SIGINT)


def test_patience_grows_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with path.open("wb") as file:
        file.truncate(20_000_000)
    assert patience(path, Options()) == pytest.approx(610)
    assert patience(path, Options(time_limit=7)) == 7
    assert patience(tmp_path / "gone", Options()) == 600
