"""A plan is for one file, and a file stays as it is while it is worked on, or is refused."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import commands
import faceveil
from faceveil import check, pipeline
from faceveil.batch import Serial, find_files, veil_files
from faceveil.check.quarantine import FOLDER
from faceveil.errors import InputError, UnreadableError, UsageError
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.media.original import Original
from faceveil.options import Options, Sensitivity
from faceveil.plan import Face, Plan, Track
from faceveil.report import Report
from films import film, scenery

pytestmark = pytest.mark.slow

FACE = Box(30.0, 40.0, 70.0, 90.0)
Change = Callable[[Path], None]


@dataclass
class Meddler:
    """Finds a face, and changes a file when it looks for the first time, or looks back."""

    change: Callable[[], None] = lambda: None
    back: Callable[[], None] = lambda: None
    name: str = "meddler"
    weights_sha256: str = "0" * 64
    thresholds: dict[Sensitivity, float] = field(
        default_factory=lambda: {"high": 0.4, "balanced": 0.5, "precise": 0.6}
    )

    def detect(self, frame: Frame, floor: float) -> list[Face]:
        self.change()
        return [Face(FACE, 0.9)]

    def recheck(self, frame: Frame, floor: float) -> list[Face]:
        self.back()
        return []

    def smallest_face(self, width: int, height: int) -> float:
        return 7.0


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Meddler], None]:
    def set_in(detector: Meddler) -> None:
        for module in (pipeline, check):
            monkeypatch.setattr(module, "load_detector", lambda options, kind: detector)
        monkeypatch.setattr(check, "load_second", lambda options, kind: None)

    return set_in


def picture(path: Path, seed: int = 1) -> Path:
    noise = np.random.default_rng(seed).integers(0, 255, (120, 160, 3), np.uint8)
    path.write_bytes(cv2.imencode(".png", noise)[1].tobytes())
    return path


def replaced(path: Path) -> None:
    picture(path.with_suffix(".new"), 2).replace(path)


def overwritten(path: Path) -> None:
    picture(path, 2)


def appended(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def backdated(path: Path) -> None:
    """As ``rsync --times --inplace`` leaves it: other bytes of the same length and time."""
    told, old = path.stat(), path.read_bytes()
    with path.open("r+b") as file:
        file.seek(len(old) // 2)
        file.write(bytes([old[len(old) // 2] ^ 1]))
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))


def gone(path: Path) -> None:
    path.unlink()


def linked(path: Path) -> None:
    path.with_suffix(".link").hardlink_to(path)


CHANGES = (replaced, overwritten, appended, backdated, gone)


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_between_the_readings_is_refused(
    change: Change, tmp_path: Path, use: Callable[[Meddler], None]
) -> None:
    path = picture(tmp_path / "x.png")
    use(Meddler(lambda: change(path)))
    with pytest.raises(InputError):
        faceveil.veil_file(path)
    assert not list(tmp_path.glob("*veiled*"))
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("change", CHANGES)
def test_no_plan_is_made_of_a_file_that_changes(
    change: Change, tmp_path: Path, use: Callable[[Meddler], None]
) -> None:
    path = picture(tmp_path / "x.png")
    use(Meddler(lambda: change(path)))
    with pytest.raises(InputError):
        faceveil.analyze_file(path)


@pytest.mark.parametrize("change", CHANGES[:3])
def test_an_output_that_changes_while_it_is_checked_gets_no_name(
    change: Change, tmp_path: Path, use: Callable[[Meddler], None]
) -> None:
    path = picture(tmp_path / "x.png")

    def meddle() -> None:
        (part,) = tmp_path.glob(".*.part")
        change(part)

    use(Meddler(back=meddle))
    with pytest.raises(UnreadableError, match="changed while"):
        faceveil.veil_file(path)
    assert not (tmp_path / "x.veiled.png").exists()
    assert not (tmp_path / FOLDER).exists()


def test_a_link_made_meanwhile_is_no_change(tmp_path: Path, use: Callable[[Meddler], None]) -> None:
    path = picture(tmp_path / "x.png")
    use(Meddler(lambda: linked(path)))
    report = faceveil.veil_file(path)
    assert report.status == "ok"
    assert report.sha256_in == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_hash_is_of_what_was_there_at_first(tmp_path: Path) -> None:
    path = picture(tmp_path / "x.png")
    original = Original(path)
    overwritten(path)
    with pytest.raises(UnreadableError, match="changed while"):
        _ = original.sha256


def test_in_a_folder_the_file_that_changed_is_named_and_the_others_are_done(
    tmp_path: Path, use: Callable[[Meddler], None]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        picture(folder / name)
    looked: list[int] = []

    def meddle() -> None:
        looked.append(1)
        if len(looked) == 2:
            replaced(folder / "b.png")

    use(Meddler(meddle))
    jobs = find_files([folder], Options())
    done = {one.job.name: one.outcome for one in veil_files(jobs, None, Options(), Serial())}
    assert isinstance(done["b.png"], UnreadableError)
    assert all(isinstance(done[name], Report) for name in ("a.png", "c.png"))


# Plans


def test_a_plan_holds_the_hash_of_its_file(tmp_path: Path, use: Callable[[Meddler], None]) -> None:
    use(Meddler())
    path = picture(tmp_path / "x.png")
    plan = Plan.from_json(faceveil.analyze_file(path).to_json())
    assert plan.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    report = faceveil.render_file(path, plan)
    assert (report.status, report.sha256_in) == ("ok", plan.sha256)


def test_the_plan_of_another_file_of_the_same_size_is_refused(
    tmp_path: Path, use: Callable[[Meddler], None]
) -> None:
    use(Meddler())
    one, other = picture(tmp_path / "x.png"), picture(tmp_path / "y.png", 2)
    plan = faceveil.analyze_file(one)
    with pytest.raises(UsageError, match="another file"):
        faceveil.render_file(other, plan)
    assert not list(tmp_path.glob("*veiled*"))
    report = faceveil.render_file(other, plan, foreign=True)
    assert report.status == "partial"
    assert "the plan was made for another file" in report.warnings
    assert report.sha256_in != plan.sha256


def test_a_plan_is_refused_for_its_own_file_after_a_change(
    tmp_path: Path, use: Callable[[Meddler], None]
) -> None:
    use(Meddler())
    path = picture(tmp_path / "x.png")
    plan = faceveil.analyze_file(path)
    appended(path)
    with pytest.raises(UsageError, match="another file"):
        faceveil.render_file(path, plan)


def test_a_plan_made_by_hand_is_taken_with_a_warning(
    tmp_path: Path, use: Callable[[Meddler], None]
) -> None:
    use(Meddler())
    path = picture(tmp_path / "x.png")
    made = replace(faceveil.analyze_file(path), sha256="", tracks=(Track(0, {0: FACE}),))
    report = faceveil.render_file(path, made)
    assert (report.status, report.tracks) == ("partial", 1)
    assert "the plan does not say for which file it was made" in report.warnings


def test_render_never_ends_with_0_on_the_plan_of_another_clip(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    empty, full = tmp_path / "without.mp4", tmp_path / "with.mp4"
    room = [scenery(1)] * 6
    film(empty, room)
    small = cv2.resize(astronaut, room[0].shape[1::-1])
    film(full, [np.asarray(small, np.uint8)] * 6)
    plan, out = tmp_path / "plan.json", tmp_path / "out.mp4"
    assert commands.faceveil("detect", empty, "--plan", plan).returncode == 0
    done = commands.faceveil("render", full, plan, "-o", out, "--check", "off")
    assert done.returncode == 2
    assert "another file" in done.stderr
    assert not out.exists()
    done = commands.faceveil("render", full, plan, "-o", out, "--check", "off", "--foreign-plan")
    assert done.returncode == 0
    assert "warning: " in done.stderr
    old = plan.read_text().replace(faceveil.Plan.from_json(plan.read_text()).sha256, "")
    plan.write_text(old)
    done = commands.faceveil("render", empty, plan, "-o", out)
    assert (done.returncode, "does not say" in done.stderr) == (2, True)
