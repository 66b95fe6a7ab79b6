"""The run as a whole, with scripted detectors in place of networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import faceveil
from faceveil import check, detect, pipeline
from faceveil.check.quarantine import FOLDER
from faceveil.errors import OutputError, UsageError, WithheldError
from faceveil.frames import Frame
from faceveil.geometry import Box
from faceveil.media.memory import MemorySink, MemorySource
from faceveil.options import Options, Sensitivity
from faceveil.plan import Face, Plan

FACE = Box(30.0, 40.0, 70.0, 90.0)


@dataclass
class Scripted:
    """Answers with the faces it was told; its second look with others."""

    faces: list[Face]
    again: list[Face] = field(default_factory=list)
    name: str = "scripted"
    weights_sha256: str = "0" * 64
    thresholds: dict[Sensitivity, float] = field(
        default_factory=lambda: {"high": 0.4, "balanced": 0.5, "precise": 0.6}
    )

    def detect(self, frame: Frame, floor: float) -> list[Face]:
        return [face for face in self.faces if face.score >= floor]

    def detect_in(self, frame: Frame, box: Box, floor: float) -> list[Face]:
        return [face for face in self.detect(frame, floor) if face.box.intersection(box) > 0]

    def detect_rotated(self, frame: Frame, floor: float) -> list[Face]:
        return []

    def recheck(self, frame: Frame, floor: float) -> list[Face]:
        return [face for face in self.again if face.score >= floor]

    def smallest_face(self, width: int, height: int) -> float:
        return 7.0


Script = Callable[[Scripted], None]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    def use(detector: Scripted) -> None:
        for module in (pipeline, check):
            monkeypatch.setattr(module, "load_detector", lambda options, kind: detector)
        monkeypatch.setattr(check, "load_second", lambda options, kind: None)

    return use


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    noise = np.random.default_rng(1).integers(0, 256, (160, 120, 3), np.uint8)
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), noise)
    return path


def test_a_file_is_veiled_beside_its_input(photo: Path, script: Script) -> None:
    script(Scripted([Face(FACE, 0.9), Face(Box(0, 0, 9, 9), 0.39)]))
    before = photo.read_bytes()
    report = faceveil.veil_file(photo)
    output = photo.with_name("photo.veiled.png")
    assert report.output == output.name
    assert (report.status, report.faces, report.tracks) == ("ok", 1, 1)
    assert report.smallest_face_px == 7.0
    assert photo.read_bytes() == before
    old, new = cv2.imread(str(photo)), cv2.imread(str(output))
    assert old is not None
    assert new is not None
    (cover,) = report.regions[0]
    x0, y0, x1, y1 = map(int, cover.as_tuple())
    assert max(x0, y0) <= 20
    assert x1 >= 80
    assert y1 >= 97
    changed = (old != new).any(axis=2)
    assert changed[y0:y1, x0:x1].mean() > 0.95
    changed[y0:y1, x0:x1] = False
    assert not changed.any()


MISSED = Face(Box(2.0, 110.0, 30.0, 140.0), 0.95)
WITHHOLD = Options(on_fail="withhold")


def test_a_file_is_withheld_when_the_check_finds_a_face(photo: Path, script: Script) -> None:
    script(Scripted([Face(FACE, 0.9)], again=[MISSED]))
    with pytest.raises(WithheldError) as caught:
        faceveil.veil_file(photo, None, WITHHOLD)
    assert caught.value.exit_code == 5
    report = caught.value.report
    assert report is not None
    assert report.status == "failed"
    assert report.findings[0].box == MISSED.box
    assert {path.name for path in photo.parent.iterdir()} == {"photo.png", FOLDER}


def test_a_face_the_check_finds_is_covered_too(photo: Path, script: Script) -> None:
    script(Scripted([Face(FACE, 0.9)], again=[MISSED]))
    report = faceveil.veil_file(photo)
    assert (report.status, report.tracks, report.findings) == ("ok", 2, ())
    assert report.check is not None
    assert (report.check.repairs, report.check.added) == (1, 1)
    assert max(MISSED.box.intersection(box) for box in report.regions[0]) == MISSED.box.area
    assert {path.name for path in photo.parent.iterdir()} == {"photo.png", "photo.veiled.png"}


def test_a_doubtful_face_is_covered_but_withholds_nothing(photo: Path, script: Script) -> None:
    doubtful = replace(MISSED, score=0.65)
    script(Scripted([], again=[doubtful]))
    assert faceveil.veil_file(photo, None, WITHHOLD).tracks == 0
    assert faceveil.veil_file(photo).tracks == 1


def test_a_painted_face_that_is_still_detectable_is_no_finding(photo: Path, script: Script) -> None:
    script(Scripted([Face(FACE, 0.9)], again=[Face(FACE, 0.99)]))
    assert faceveil.veil_file(photo).status == "ok"


def test_a_face_that_a_person_keeps_is_neither_painted_nor_a_finding(
    photo: Path, script: Script
) -> None:
    script(Scripted([Face(FACE, 0.9)], again=[Face(FACE, 0.99)]))
    plan = faceveil.analyze_file(photo)
    kept = replace(plan, tracks=tuple(replace(track, keep=True) for track in plan.tracks))
    report = faceveil.render_file(photo, kept)
    assert (report.tracks, report.kept, report.regions) == (0, 1, {})
    old, new = (cv2.imread(str(photo.with_name(n))) for n in ("photo.png", "photo.veiled.png"))
    assert np.array_equal(old, new)  # type: ignore[arg-type]


def test_a_plan_survives_saving_and_renders_the_same(photo: Path, script: Script) -> None:
    script(Scripted([Face(FACE, 0.9)]))
    plan = faceveil.analyze_file(photo)
    first = faceveil.render_file(photo, plan)
    again = faceveil.render_file(photo, Plan.from_json(plan.to_json()))
    assert first.sha256_out == again.sha256_out


def test_a_plan_for_another_picture_is_refused(photo: Path, script: Script) -> None:
    script(Scripted([]))
    plan = faceveil.analyze_file(photo)
    other = replace(plan, media=replace(plan.media, width=64))
    with pytest.raises(UsageError, match="another file: it is for 64x160"):
        faceveil.render_file(photo, other)
    assert list(photo.parent.iterdir()) == [photo]


@pytest.mark.parametrize(
    ("pts", "words"),
    [((0, 40), "it is for 2 frames"), ((0, 41, 80), "frame 1 is at another time"),
     ((0, 40, 80, 120), "it is for 4 frames, not 3")],
)  # fmt: skip
def test_a_plan_for_another_clip_of_the_same_size_is_refused(
    pts: tuple[int, ...], words: str, script: Script
) -> None:
    script(Scripted([]))
    pictures = [np.zeros((64, 64, 3), np.uint8)] * 3
    with MemorySource(pictures, (0, 40, 80)) as source, MemorySink() as sink:
        plan = replace(faceveil.analyze(source), pts=pts)
        with pytest.raises(UsageError, match=words):
            faceveil.render(source, plan, Options(), sink)


def test_zones_are_skipped_when_a_saved_plan_is_rendered(photo: Path, script: Script) -> None:
    script(Scripted([Face(FACE, 0.9)]))
    plan = faceveil.analyze_file(photo)
    drawn = replace(plan.tracks[0], id=1, origin="manual")
    options = Options(skip_zones=((0, 0, 100, 100),))
    assert faceveil.render_file(photo, plan, None, options).kept == 1
    both = replace(plan, tracks=(*plan.tracks, drawn))
    report = faceveil.render_file(photo, both, None, options)
    assert (report.kept, report.tracks, len(report.regions[0])) == (1, 1, 1)


def test_the_input_is_never_the_output(photo: Path, script: Script) -> None:
    script(Scripted([]))
    before = photo.read_bytes()
    with pytest.raises(UsageError):
        faceveil.veil_file(photo, photo)
    assert photo.read_bytes() == before


def test_a_failing_sink_leaves_nothing(photo: Path, script: Script, tmp_path: Path) -> None:
    class Failing(MemorySink):
        def write(self, frame: Frame) -> None:
            raise OutputError("disk full")

    script(Scripted([Face(FACE, 0.9)]))
    image = cv2.imread(str(photo))
    assert image is not None
    with MemorySource([np.asarray(image, np.uint8)]) as source, Failing() as sink:
        plan = faceveil.analyze(source)
        with pytest.raises(OutputError):
            faceveil.render(source, plan, Options(), sink)
        assert not sink.images


def test_an_image_in_memory_is_not_changed(script: Script) -> None:
    script(Scripted([Face(FACE, 0.9)]))
    image = np.random.default_rng(2).integers(0, 256, (160, 120, 3), np.uint8)
    before = image.copy()
    veiled = faceveil.veil_image(image)
    assert np.array_equal(image, before)
    assert (veiled[45:85, 35:65] != image[45:85, 35:65]).any(axis=2).mean() > 0.95


def test_confidence_overrides_sensitivity(script: Script) -> None:
    script(Scripted([Face(FACE, 0.5)]))
    image = np.zeros((160, 120, 3), np.uint8)
    counts = [
        len(faceveil.analyze(MemorySource([image]), options).tracks)
        for options in (Options(), Options(sensitivity="precise"), Options(confidence=0.55))
    ]
    assert counts == [1, 0, 0]


def test_the_detector_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def factory(options: Options) -> Scripted:
        made.append(options)
        detector = Scripted([])
        detector.default_min_face = 6.0  # type: ignore[attr-defined]
        return detector

    monkeypatch.setattr(detect.load, "_factory", lambda name: factory)
    monkeypatch.setattr(detect.load, "_loaded", {})
    detect.load_detector(Options(detector="yunet"))
    detect.load_detector(Options(detector="yunet", min_face=20.0))
    assert len(made) == 1
