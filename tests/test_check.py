"""The look at a finished video: which frames, what counts, and what becomes of the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import faceveil
from faceveil import check, pipeline
from faceveil.check import sampled
from faceveil.errors import WithheldError
from faceveil.options import Options
from faceveil.types import Box, Face, Media, Plan, Track
from films import Told, film, head, put, scenery
from videos import QUICK

FPS = 25
HERE = Box(40.0, 40.0, 80.0, 90.0)
ELSEWHERE = Box(200.0, 100.0, 240.0, 150.0)


def track(number: int, boxes: range, scores: dict[int, float], keep: bool = False) -> Track:
    seen = {index: Face(HERE, score) for index, score in scores.items()}
    return Track(number, dict.fromkeys(boxes, HERE), seen, keep=keep)


def plan_of(frames: int, *tracks: Track, fps: int = FPS) -> Plan:
    return Plan(
        Media("video", "mp4", 320, 192, frames),
        tracks,
        time_base=Fraction(1, fps),
        pts=tuple(range(100, 100 + frames)),
    )


class TestSampled:
    @pytest.mark.parametrize("fps", [1, 5, 25, 60])
    def test_every_second_has_a_frame(self, fps: int) -> None:
        wanted = sampled(plan_of(10 * fps, fps=fps), [])
        assert {index // fps for index in wanted} == set(range(10))
        assert len(wanted) == 10

    def test_key_frames_are_preferred_within_a_second(self) -> None:
        assert sampled(plan_of(75), [10, 12, 60]) == {10, 25, 60}

    def test_slow_videos_have_every_frame_looked_at(self) -> None:
        plan = replace(plan_of(4), pts=(0, 50, 100, 150))
        assert sampled(plan, []) == {0, 1, 2, 3}

    def test_both_ends_and_the_middle_of_a_track(self) -> None:
        ends = {31: 0.9, 59: 0.9}
        wanted = sampled(plan_of(100, track(0, range(30, 61), ends)), [])
        assert {30, 45, 60} <= wanted

    def test_the_least_sure_frames(self) -> None:
        scores = dict.fromkeys(range(100), 0.9) | {33: 0.41, 71: 0.42}
        assert {33, 71} <= sampled(plan_of(100, track(0, range(100), scores)), [])

    def test_filled_frames_come_before_seen_ones(self) -> None:
        seen = dict.fromkeys(range(10, 19), 0.45)
        both = track(0, range(10, 20), seen), track(1, range(40, 51), {45: 0.4})
        assert {19, 40, 50} <= sampled(plan_of(100, *both), [])

    def test_kept_tracks_are_of_no_interest(self) -> None:
        kept = track(0, range(30, 60), {40: 0.5}, keep=True)
        assert sampled(plan_of(100, kept), []) == {0, 25, 50, 75}

    def test_it_is_bounded_however_many_faces(self) -> None:
        crowd = [track(i, range(i, i + 300), dict.fromkeys(range(i, i + 300), 0.5))
                 for i in range(0, 900, 3)]  # fmt: skip
        wanted = sampled(plan_of(1200, *crowd), range(1200))
        assert len(wanted) <= 48 + 6 + 10

    def test_a_plan_without_frames_or_with_an_empty_track(self) -> None:
        assert sampled(plan_of(0), []) == set()
        assert sampled(plan_of(25, Track(0, {})), []) == {0}

    def test_a_frame_that_is_doubtful_twice_takes_one_place(self) -> None:
        lone = [track(i, range(i, i + 1), {i: 0.5}) for i in (3, 5, 7, 9, 11, 13)]
        assert {3, 5, 7, 9, 11, 13} <= sampled(plan_of(20, *lone), [])

    def test_broken_times(self) -> None:
        plan = replace(plan_of(6), pts=(5, 5, 3, 3, 100, 100))
        assert 0 in sampled(plan, [])


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return film(tmp_path / "in.mp4", [scenery(1)] * 50)


Use = Callable[[Told], Told]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    def install(detector: Told) -> Told:
        for module in (pipeline, check):
            monkeypatch.setattr(module, "load_detector", lambda options, kind: detector)
        return detector

    return install


def quick(**settings: object) -> Options:
    return Options(**{"encoder_preset": "ultrafast", **settings})  # type: ignore[arg-type]


def leaked(index: int) -> list[Face]:
    return [Face(ELSEWHERE, 0.95)]


@pytest.mark.parametrize("which", ["sample", "full"])
def test_a_leaked_face_is_withheld(which: str, clip: Path, use: Use) -> None:
    use(Told(lambda index: [Face(HERE, 0.9)], leaked))
    with pytest.raises(WithheldError, match="the output was withheld") as caught:
        faceveil.veil_file(clip, clip.with_name("out.mp4"), quick(check=which))
    assert caught.value.exit_code == 5
    report = caught.value.report
    assert report is not None
    assert (report.status, report.output, report.sha256_out) == ("failed", "", "")
    assert {finding.kind for finding in report.findings} == {"face"}
    assert {finding.box for finding in report.findings} == {ELSEWHERE}
    assert [path.name for path in clip.parent.iterdir()] == ["in.mp4"]


def test_an_earlier_output_survives_one_that_is_withheld(clip: Path, use: Use) -> None:
    out = clip.with_name("out.mp4")
    out.write_bytes(b"earlier")
    use(Told(again=leaked))
    with pytest.raises(WithheldError):
        faceveil.veil_file(clip, out, QUICK)
    assert out.read_bytes() == b"earlier"


def test_full_looks_at_every_frame_and_off_at_none(clip: Path, use: Use) -> None:
    full, sample, off = (Told(lambda index: [Face(HERE, 0.9)]) for _ in range(3))
    for detector, which in ((full, "full"), (sample, "sample"), (off, "off")):
        use(detector)
        faceveil.veil_file(clip, clip.with_name("out.mp4"), quick(check=which))
    assert full.checked == list(range(50))
    assert {0, 25} <= set(sample.checked)
    assert len(sample.checked) < 12
    assert off.checked == []


def test_a_leak_in_a_single_frame_is_found_by_full(clip: Path, use: Use) -> None:
    use(Told(again=lambda index: leaked(index) if index == 37 else []))
    with pytest.raises(WithheldError) as caught:
        faceveil.veil_file(clip, clip.with_name("out.mp4"), quick(check="full"))
    assert caught.value.report is not None
    assert [finding.frame for finding in caught.value.report.findings] == [37]


def test_what_was_painted_is_no_finding(clip: Path, use: Use) -> None:
    faces = lambda index: [Face(HERE, 0.95)]  # noqa: E731
    use(Told(faces, faces))
    assert faceveil.veil_file(clip, clip.with_name("out.mp4"), QUICK).status == "ok"


def test_a_faint_resemblance_is_no_finding(clip: Path, use: Use) -> None:
    use(Told(again=lambda index: [Face(ELSEWHERE, 0.69)]))
    assert faceveil.veil_file(clip, clip.with_name("out.mp4"), QUICK).findings == ()


def test_kept_tracks_are_no_findings_in_their_frames_alone(clip: Path, use: Use) -> None:
    use(Told(lambda index: [Face(ELSEWHERE, 0.9)] if index < 20 else [], leaked))
    plan = faceveil.analyze_file(clip)
    kept = replace(plan, tracks=tuple(replace(one, keep=True) for one in plan.tracks))
    last = max(kept.tracks[0].boxes)
    assert 19 <= last < 40
    with pytest.raises(WithheldError) as caught:
        faceveil.render_file(clip, kept, clip.with_name("out.mp4"), quick(check="full"))
    assert caught.value.report is not None
    frames = [finding.frame for finding in caught.value.report.findings]
    assert frames == list(range(last + 1, 50))


@pytest.mark.parametrize("which", ["sample", "full"])
def test_metadata_left_in_the_output_withholds_it(
    which: str, clip: Path, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(Told())
    monkeypatch.setattr(check, "leftovers", lambda path: ["title", "location"])
    with pytest.raises(WithheldError, match="2 things") as caught:
        faceveil.veil_file(clip, clip.with_name("out.mp4"), quick(check=which))
    assert caught.value.report is not None
    assert [(one.kind, one.detail) for one in caught.value.report.findings] == [
        ("metadata", "title"),
        ("metadata", "location"),
    ]
    assert [path.name for path in clip.parent.iterdir()] == ["in.mp4"]


def test_a_finished_file_shows_what_an_adversary_would_find(clip: Path, use: Use) -> None:
    use(Told(lambda index: [Face(HERE, 0.9)] if index in (3, 4) else []))
    found = check.check_file(clip, Options())
    assert [finding.frame for finding in found if finding.kind == "face"] == [3, 4]
    assert "user data in the picture stream" in [finding.detail for finding in found]


def test_a_face_that_the_analysis_missed_is_found_by_the_real_check(
    tmp_path: Path, detector: str, astronaut: faceveil.types.Image, use: Use,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    actor, _ = head(astronaut, 0.8)
    clip = film(tmp_path / "in.mp4", [put(scenery(1), actor, 100, 20)] * 30)
    monkeypatch.setattr(pipeline, "load_detector", lambda options, kind: Told())
    with pytest.raises(WithheldError):
        faceveil.veil_file(clip, tmp_path / "out.mp4", quick(detector=detector))
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
