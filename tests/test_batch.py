"""Many files: which are taken, where they go, and that one bad file never stops the rest."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from commands import faceveil
from faceveil.batch import (
    Counts,
    Done,
    InputFile,
    Manifest,
    Processes,
    Serial,
    find_files,
    veil_files,
)
from faceveil.batch.apart import LostError
from faceveil.batch.storage import deliver, fetch, listing, place_of
from faceveil.errors import OutputError, UnreadableError, UsageError
from faceveil.frames import Image
from faceveil.media.archives.archive import open_archive
from faceveil.options import Options
from faceveil.report import Report

pytestmark = pytest.mark.slow

QUICK = Options(min_face=40)


def put(source: Path, *targets: Path) -> None:
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


@pytest.fixture
def tree(tmp_path: Path, photo: Path) -> Path:
    folder = tmp_path / "in"
    names = ("a.jpg", "deep/er/b.jpg", "deep/a.jpg", ".hidden.jpg", ".git/c.jpg")
    put(photo, *(folder / name for name in names))
    (folder / "deep/broken.jpg").write_bytes(photo.read_bytes()[:3000])
    return folder


def names(root: Path, options: Options = QUICK, apart: tuple[Path, ...] = ()) -> list[str]:
    return [job.name for job in find_files([root], options, apart=apart)]


def written(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(files)}


def reports(results: Iterator[Done]) -> dict[str, Report | Exception | None]:
    return {one.job.name: one.outcome for one in results}


# Which files


def test_folders_are_walked_and_hidden_files_passed_over(tree: Path) -> None:
    assert names(tree) == ["a.jpg", "deep/a.jpg", "deep/broken.jpg", "deep/er/b.jpg"]
    assert find_files([tree / "a.jpg"], QUICK) == [InputFile(str(tree), "a.jpg")]
    assert find_files([tree / "a.jpg"], QUICK)[0].path == tree / "a.jpg"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"include": ("*.JPG",), "exclude": ("b*",)}, ["a.jpg", "deep/a.jpg"]),
        ({"include": ("deep/*",)}, ["deep/a.jpg", "deep/broken.jpg", "deep/er/b.jpg"]),
        ({"exclude": ("deep",)}, ["a.jpg"]),
        ({"exclude": ("deep/er/",)}, ["a.jpg", "deep/a.jpg", "deep/broken.jpg"]),
        (
            {"hidden": True, "exclude": ("deep",)},
            [".hidden.jpg", "a.jpg", ".git/c.jpg"],
        ),
    ],
)
def test_globs_choose(tree: Path, settings: dict[str, object], expected: list[str]) -> None:
    assert names(tree, Options.model_validate(settings)) == expected


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_links_are_followed_on_request_and_never_in_circles(tree: Path, tmp_path: Path) -> None:
    put(tree / "a.jpg", tmp_path / "outside/x.jpg")
    (tree / "link").symlink_to(tmp_path / "outside")
    (tree / "link.jpg").symlink_to(tree / "a.jpg")
    (tree / "up").symlink_to(tree)
    assert not any("link" in name for name in names(tree))
    found = names(tree, Options(links=True))
    assert {"link/x.jpg", "link.jpg"} <= set(found)
    assert not any(name.startswith("up/") for name in found)


def test_its_own_outputs_are_no_inputs(tree: Path) -> None:
    put(tree / "a.jpg", tree / "a.veiled.jpg", tree / "out/b.jpg")
    put(tree / "a.jpg", tree / ".a.veiled.jpg.xyz.part", tree / "notes.jsonl")
    found = names(tree, Options(hidden=True), (tree / "out", tree / "notes.jsonl"))
    assert found == [
        ".hidden.jpg",
        "a.jpg",
        ".git/c.jpg",
        "deep/a.jpg",
        "deep/broken.jpg",
        "deep/er/b.jpg",
    ]


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file in"):
        find_files([tmp_path], QUICK)


def test_two_inputs_may_not_share_an_output(tree: Path, tmp_path: Path) -> None:
    jobs = find_files([tree / "a.jpg", tree / "deep/a.jpg"], QUICK)
    with pytest.raises(UsageError, match="several inputs are called"):
        veil_files(jobs, tmp_path / "out", QUICK)


# The run


@pytest.mark.parametrize("executor", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_the_tree_is_mirrored_and_a_broken_file_is_named(
    tree: Path, tmp_path: Path, executor: Serial | Processes, detector: str
) -> None:
    out = tmp_path / "out"
    counts = Counts()

    def watch(now: Counts) -> None:
        nonlocal counts
        counts = now

    results = reports(veil_files(find_files([tree], QUICK), out, QUICK, executor, watch=watch))
    broken = results.pop("deep/broken.jpg")
    assert isinstance(broken, UnreadableError)
    assert broken.advice
    assert all(isinstance(report, Report) and report.tracks == 1 for report in results.values())
    assert list(written(out)) == ["a.veiled.jpg", "deep/a.veiled.jpg", "deep/er/b.veiled.jpg"]
    assert counts == Counts(files=4, done=4, failed=1, faces=3)


def double(job: Path) -> int:
    """Work that ends its process as often as the file says."""
    left = int(job.read_text())
    if left:
        job.write_text(str(left - 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return 2


def refuse(job: int) -> int:
    raise ValueError(job)


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_process_that_dies_costs_only_the_file_it_died_of(tmp_path: Path) -> None:
    jobs = [tmp_path / str(number) for number in range(12)]
    for number, job in enumerate(jobs):
        job.write_text({3: "1", 7: "100"}.get(number, "0"))
    results = dict(Processes(2).map(double, jobs))
    assert set(results) == set(jobs)
    lost = results.pop(jobs[7])
    assert isinstance(lost, LostError)
    assert "memory" in str(lost)
    assert set(results.values()) == {2}
    assert jobs[7].read_text() == "98"  # twice, and no more


def test_what_is_raised_in_a_process_comes_back() -> None:
    for executor in (Serial(), Processes(1)):
        ((job, outcome),) = executor.map(refuse, [5])
        assert job == 5
        assert isinstance(outcome, ValueError)
        assert outcome.args == (5,)


def test_jobs_are_taken_only_when_somebody_is_free() -> None:
    taken = 0

    def jobs() -> Iterator[int]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield number

    results = Processes(1).map(abs, jobs())
    next(results)
    assert taken <= 4
    results.close()  # type: ignore[attr-defined]


# Archives


@pytest.fixture
def album(tmp_path: Path, photo: Path, tree: Path) -> Path:
    path = tmp_path / "album.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(photo, "summer/b.jpg")
        archive.write(tree / "deep/broken.jpg", "broken.jpg")
        archive.write(photo, "a.jpg")
        archive.write(photo, "__MACOSX/._a.jpg")
    return path


@pytest.mark.parametrize("executor", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_a_zip_becomes_a_zip(
    album: Path, tmp_path: Path, executor: Serial | Processes, detector: str
) -> None:
    outs = []
    for number in range(2):
        target = tmp_path / f"{number}.zip"
        (one,) = veil_files([InputFile.of(album)], target, QUICK, executor)
        report = one.outcome
        assert isinstance(report, Report)
        assert (report.status, report.tracks, report.output) == ("partial", 2, target.name)
        assert report.warnings == ("broken.jpg is left out: the JPEG data is cut off",)
        assert report.notes == ("1 hidden or excluded files of the archive left out",)
        outs.append(target.read_bytes())
    assert outs[0] == outs[1]
    with open_archive(target, QUICK) as archive:
        assert [str(one.name) for one in archive.members] == ["summer/b.veiled.jpg", "a.veiled.jpg"]
        archive.extract(archive.members[0], tmp_path / "b.jpg")
    picture = cv2.imread(str(tmp_path / "b.jpg"))
    assert picture is not None
    assert picture.shape == (512, 512, 3)
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]


def test_an_archive_in_which_nothing_can_be_done_fails(tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.zip"
    for files in ({"a.jpg": b"\xff\xd8\xffnone"}, {}, {"../a.jpg": b""}):
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        (one,) = veil_files([InputFile.of(path)], None, QUICK, Serial())
        assert isinstance(one.outcome, Exception)
        assert [left.name for left in tmp_path.iterdir()] == ["x.zip"]


# What is done already


class Runs:
    """Runs over one folder with one manifest."""

    def __init__(self, folder: Path, out: Path, manifest: Path) -> None:
        self.folder, self.out, self.manifest = folder, out, manifest

    def __call__(self, options: Options = QUICK, *, resume: bool = True) -> list[str]:
        """Names of the files that were worked on."""
        jobs = find_files([self.folder], options)
        with Manifest(self.manifest, options, resume=resume) as manifest:
            results = reports(veil_files(jobs, self.out, options, Serial(), manifest=manifest))
        assert set(results) == {job.name for job in jobs}
        return [name for name, outcome in results.items() if outcome is not None]


@pytest.fixture
def runs(tmp_path: Path, photo: Path, detector: str) -> Runs:
    put(photo, *(tmp_path / f"in/{name}.jpg" for name in "abc"))
    run = Runs(tmp_path / "in", tmp_path / "out", tmp_path / "done.jsonl")
    assert run(resume=False) == ["a.jpg", "b.jpg", "c.jpg"]
    return run


def test_what_is_done_is_not_done_again(runs: Runs) -> None:
    before = runs.manifest.read_bytes()
    assert runs() == []
    assert runs.manifest.read_bytes() == before
    assert runs(resume=False) == ["a.jpg", "b.jpg", "c.jpg"]
    line = json.loads(runs.manifest.read_text().splitlines()[0])
    assert line["input"] == "a.jpg"
    assert line["output"] == "a.veiled.jpg"
    assert (line["status"], line["faces"]) == ("ok", 1)
    assert len(line["sha256"]) == len(line["output_sha256"]) == len(line["options"]) == 64
    assert str(runs.folder) not in runs.manifest.read_text()
    if os.name == "posix":
        assert runs.manifest.stat().st_mode & 0o777 == 0o600


def test_what_changed_is_done_again(runs: Runs, astronaut: Image) -> None:
    cv2.imwrite(str(runs.folder / "a.jpg"), astronaut[:, ::-1])
    assert runs() == ["a.jpg"]
    os.utime(runs.folder / "b.jpg", (1, 1))  # the same bytes
    assert runs() == []
    (runs.out / "b.veiled.jpg").unlink()
    altered = bytearray((runs.out / "c.veiled.jpg").read_bytes())
    altered[-3] ^= 1
    (runs.out / "c.veiled.jpg").write_bytes(altered)
    assert runs() == ["b.jpg", "c.jpg"]
    assert runs(QUICK.model_copy(update={"jobs": 1, "threads": 1, "strict": True})) == []
    assert runs(QUICK.model_copy(update={"quality": 80})) == ["a.jpg", "b.jpg", "c.jpg"]
    put(runs.folder / "a.jpg", runs.folder / "d.jpg")
    assert runs(QUICK.model_copy(update={"quality": 80})) == ["d.jpg"]


def test_failures_are_tried_again(runs: Runs, photo: Path) -> None:
    (runs.folder / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    assert runs() == ["bad.jpg"]
    assert runs() == ["bad.jpg"]
    put(photo, runs.folder / "bad.jpg")
    assert runs() == ["bad.jpg"]
    assert runs() == []


@pytest.mark.parametrize("torn", [1, 20, 200])
def test_a_torn_last_line_costs_one_file(runs: Runs, torn: int) -> None:
    whole = runs.manifest.read_bytes()
    runs.manifest.write_bytes(whole[:-torn])
    assert runs() == ["c.jpg"]
    assert len(runs.manifest.read_bytes().splitlines()) == 3
    assert runs() == []
    runs.manifest.write_bytes(whole[:torn])  # the very first line
    assert len(runs()) == 3


def test_another_file_is_not_taken_for_a_manifest(runs: Runs, photo: Path) -> None:
    for content in (photo.read_bytes(), b"notes\n", b'{"a": 1}\n', b"[]\n", b"text"):
        runs.manifest.write_bytes(content)
        for resume in (True, False):
            with pytest.raises(UsageError, match="no manifest"):
                runs(resume=resume)
        assert runs.manifest.read_bytes() == content


def test_what_a_killed_run_left_is_removed(runs: Runs) -> None:
    part = runs.out / ".a.veiled.jpg.abc.part"
    part.write_bytes(b"half")
    other = runs.out / ".other.part"
    other.write_bytes(b"somebody else's")
    (runs.out / "a.veiled.jpg").unlink()
    assert runs() == ["a.jpg"]
    assert not part.exists()
    assert other.exists()


# The command


@pytest.mark.long
def test_a_killed_run_is_taken_up(tmp_path: Path, photo: Path, detector: str) -> None:
    folder = tmp_path / "in"
    put(photo, *(folder / f"{number % 3}/{number}.jpg" for number in range(16)))
    common = ("--min-face", "40", "--jobs", "2")
    manifest, out = tmp_path / "done.jsonl", tmp_path / "out"
    asked = (*common, "-o", str(out), "--manifest", str(manifest))
    command = [sys.executable, "-m", "faceveil", "veil", str(folder), *asked]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    for _ in range(5):
        process.stdout.readline()
    process.kill()
    process.communicate(timeout=60)
    lines = manifest.read_text().splitlines()
    assert 5 <= len(lines) < 16
    done = faceveil("veil", folder, *asked, "--resume")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("covered") == 16 - len([line for line in lines if line.endswith("}")])
    assert faceveil("veil", folder, "-o", tmp_path / "calm", *common).returncode == 0
    assert written(out) == written(tmp_path / "calm")
    assert len(written(out)) == 16
    assert len({json.loads(line)["input"] for line in manifest.read_text().splitlines()}) == 16


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_workers_end_with_the_run_that_began_them(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "import os, time\n"
        "from faceveil.batch import Processes\n"
        "def tell(job):\n"
        "    print(os.getpid(), flush=True)\n"
        "if __name__ == '__main__':\n"
        "    next(Processes(2).map(tell, range(4)))\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate(timeout=30)  # ends when no worker holds the other end any more
    assert process.returncode == -signal.SIGKILL


@pytest.mark.long
def test_the_command_resumes_counts_and_is_strict(
    tmp_path: Path, album: Path, detector: str
) -> None:
    manifest, out = tmp_path / "done.jsonl", tmp_path / "out"
    asked = (album, "-o", out.with_suffix(".zip"), "--manifest", manifest)
    done = faceveil("veil", *asked)
    assert done.returncode == 1, done.stderr  # as a folder with a broken file ends
    assert "broken.jpg is left out: the JPEG data is cut off" in done.stderr
    assert "files: 3, done earlier: 0" in done.stderr
    done = faceveil("veil", *asked, "--resume")
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert "an earlier run left out 1 of its files" in done.stderr
    assert "files: 1, done earlier: 1, with warnings: 1, failed: 1, faces covered: 2" in done.stderr
    done = faceveil("veil", *asked[:3], "--exclude", "broken.jpg", *asked[3:])
    assert done.returncode == 0, done.stderr
    done = faceveil(
        "veil", *asked[:3], "--exclude", "broken.jpg", *asked[3:], "--resume", "--strict"
    )
    assert done.returncode == 0, done.stderr
    assert "done earlier: 0" in faceveil("veil", album, "--resume").stderr
    assert "done earlier: 0" not in faceveil("veil", album, "--resume").stderr
    assert (album.parent / "faceveil-done.jsonl").is_file()
    assert faceveil("veil", album, "--plan", tmp_path / "plan.json").returncode == 2
    assert faceveil("veil", album, "--manifest", album).returncode == 2


def test_a_stamp_tells_a_change(tmp_path: Path) -> None:
    place = place_of(str(tmp_path))
    assert place.stamp("a") is None
    (tmp_path / "a").write_bytes(b"1")
    before = place.stamp("a")
    os.utime(tmp_path / "a", ns=(1, 1))
    assert place.stamp("a") != before


class Bucket:
    """A store that listed its folder before another process wrote into it."""

    def __init__(self) -> None:
        self.listed = True

    def invalidate_cache(self, folder: str) -> None:
        self.listed = folder != "s3://bucket/in"

    def info(self, url: str) -> dict[str, object]:
        if self.listed:
            raise FileNotFoundError(url)
        return {"size": 3, "ETag": "new"}


class Sulky:
    """A store that refuses everything with an error of its own."""

    def __getattr__(self, name: str) -> object:
        assert name != "makedirs", "in a store of buckets that makes one"

        def refuse(*_: object) -> None:
            raise RuntimeError("no credentials\nand so on")

        return refuse


def test_a_stamp_may_be_newer_than_the_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket()
    monkeypatch.setattr("faceveil.batch.storage.system", lambda url: bucket)
    place = place_of("s3://bucket/in")
    assert place.stamp("a") is None
    assert place.stamp("a", fresh=True) == (3, "new")


def test_what_a_store_raises_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("faceveil.batch.storage.system", lambda url: Sulky())
    url = "s3://bucket/in/a"
    with pytest.raises(UsageError, match=r"cannot be read: no credentials$"):
        list(listing(url))
    with pytest.raises(UnreadableError, match=r"cannot be fetched: no credentials$"):
        fetch(url, tmp_path / "a")
    with pytest.raises(OutputError, match=r"cannot be delivered: no credentials$"):
        deliver(tmp_path / "a", url)
    with pytest.raises(UnreadableError, match=r"cannot be asked for: no credentials$"):
        place_of("s3://bucket/in").stamp("a")
