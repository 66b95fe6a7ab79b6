"""Whole runs over videos with a known face: who is covered when, and what else stays as it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import faceveil
from faceveil import check, pipeline
from faceveil.errors import OutputError
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.media.videos.video_write import VideoSink
from faceveil.options import Options
from faceveil.plan import Face, Plan, Track
from faceveil.report import Report
from films import SIZE, Told, film, head, inside, lumas, put, scenery, threads
from tiers import daily
from videos import read, sound_packets, source_of

Use = Callable[[Told], Told]
WIDTH, HEIGHT = SIZE
GREY = 126
"""Luma of the grey fill, limited range: 16 + 128 * 219 / 255."""


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    def install(detector: Told) -> Told:
        for module in (pipeline, check):
            monkeypatch.setattr(module, "load_detector", lambda options, kind: detector)
        return detector

    return install


def lossless(**settings: Any) -> Options:
    """Unpainted parts come out bit for bit."""
    return Options(**{"encoder_preset": "ultrafast", "video_quality": 0, **settings})


def veiled(clip: Path, options: Options, plan: Plan | None = None) -> tuple[Report, Path]:
    out = clip.with_name("out" + clip.suffix)
    report = faceveil.veil_file(clip, out, options, plan=plan)
    assert report.output == out.name
    return report, out


class Walk:
    """A head that goes through the picture, and where its face is in each frame."""

    def __init__(
        self, astronaut: Image, path: Callable[[int], tuple[int, int] | None], frames: int
    ) -> None:
        self.actor, self.face = head(astronaut)
        self.path, self.frames = path, frames

    def pictures(self) -> Iterator[Image]:
        scene = scenery(1)
        for index in range(self.frames):
            at = self.path(index)
            yield scene if at is None else put(scene, self.actor, *at)

    def truth(self, index: int) -> Box | None:
        """The visible part of the face."""
        at = self.path(index)
        return self.face.transformed(1.0, *at).clipped(WIDTH, HEIGHT) if at else None

    def script(self, index: int) -> list[Face]:
        """The faces that a good detector sees: all but slivers at the border."""
        box = self.truth(index)
        return [Face(box, 0.9)] if box and box.area > 0.6 * self.face.area else []


def across(start: int, step: int) -> Callable[[int], tuple[int, int] | None]:
    """From beyond the left border to beyond the right one."""
    return lambda index: (step * (index - start) - 50, 40)


def popping_up(index: int) -> tuple[int, int] | None:
    """From one frame to the next, and gone again."""
    return (100 + 2 * (index - 23), 50) if 23 <= index < 61 else None


def to_and_fro(index: int) -> tuple[int, int] | None:
    return (140 + round(90 * np.sin(index / 8)), 50 + round(20 * np.cos(index / 5)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "frames"),
    daily(
        [
            (across(7, 3), 140),
            (across(12, 9), 70),
            (across(4, 16), 50),
            (across(0, 25), 40),
            (popping_up, 90),
            (to_and_fro, 100),
        ],
        every=2,
    ),
    ids=["walking", "running", "racing", "flashing past", "popping up", "to and fro"],
)
def test_every_frame_from_entering_to_leaving_is_covered(
    path: Callable[[int], tuple[int, int] | None],
    frames: int,
    tmp_path: Path,
    astronaut: Image,
    use: Use,
) -> None:
    walk = Walk(astronaut, path, frames)
    clip = film(tmp_path / "in.mp4", walk.pictures())
    use(Told(walk.script, walk.script))
    report, out = veiled(clip, lossless(method="solid"))
    assert (report.status, report.frames) == ("ok", frames)
    before, after = lumas(clip), lumas(out)
    assert len(after) == len(before) == frames
    shown = 0
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        truth = walk.truth(index)
        if truth and truth.width >= 3:
            shown += 1
            assert (abs(inside(new, truth) - GREY) <= 1).all(), f"frame {index} shows {truth}"
        # What was not painted is as it was, and what is said to be painted was.
        rest = np.ones(old.shape, bool)
        for box in report.regions.get(index, ()):
            x0, y0, x1, y1 = map(int, box.as_tuple())
            rest[y0:y1, x0:x1] = False
            assert (abs(new[y0:y1, x0:x1] - GREY) <= 1).all()
        assert (old == new)[rest].all()
    assert shown > 8
    assert report.faces + report.filled >= shown


def test_nobody_is_covered_long_before_and_after(
    tmp_path: Path, astronaut: Image, use: Use
) -> None:
    walk = Walk(astronaut, popping_up, 100)
    use(Told(walk.script))
    report, _ = veiled(film(tmp_path / "in.mp4", walk.pictures()), lossless())
    assert min(report.regions) >= 23 - 10
    assert max(report.regions) <= 60 + 11


def test_a_blurred_face_has_no_detail_left(tmp_path: Path, astronaut: Image, use: Use) -> None:
    walk = Walk(astronaut, across(0, 6), 50)
    clip = film(tmp_path / "in.mp4", walk.pictures())
    use(Told(walk.script))
    _, out = veiled(clip, lossless())
    for index, (old, new) in enumerate(zip(lumas(clip), lumas(out), strict=True)):
        truth = walk.truth(index)
        if truth is None or truth.width < 20:
            continue
        a, b = (inside(one, truth).astype(np.float64) for one in (old, new))
        assert np.abs(a - b).mean() > 8
        sharp = [cv2.Laplacian(one, cv2.CV_64F).std() for one in (a, b)]
        assert sharp[1] < sharp[0] / 8


@pytest.mark.slow
def test_a_real_detector_covers_a_real_face(
    tmp_path: Path, astronaut: Image, detector: str
) -> None:
    size = (640, 360)
    actor, face = head(astronaut, 0.9)
    places = [(4 * index - 40, 90 + index // 2) for index in range(60)]
    clip = film(tmp_path / "in.mp4", (put(scenery(1, size), actor, *at) for at in places))
    options = lossless(method="solid", detector=detector, check="full")
    report, out = veiled(clip, options)
    assert report.status == "ok"
    for at, new in zip(places, lumas(out), strict=True):
        truth = face.transformed(1.0, *at).clipped(*size)
        assert truth is not None
        assert (abs(inside(new, truth) - GREY) <= 1).mean() > 0.97


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_and_times_stay_as_they_were(
    suffix: str, tmp_path: Path, astronaut: Image, use: Use
) -> None:
    walk = Walk(astronaut, across(0, 6), 60)
    times = np.cumsum([40, 33, 34, 100, 21] * 12).tolist()
    clip = film(
        tmp_path / f"in{suffix}",
        walk.pictures(),
        times=times,
        time_base=Fraction(1, 1000),
        sound="aac",
    )
    use(Told(walk.script))
    report, out = veiled(clip, Options(encoder_preset="ultrafast"))
    assert report.status == "ok"
    assert read(out).times == read(clip).times
    ((codec, packets),) = sound_packets(clip)
    assert len(packets) > 50
    assert sound_packets(out) == [(codec, packets)]
    _, silent = veiled(clip, Options(encoder_preset="ultrafast", audio="drop"))
    assert sound_packets(silent) == []
    assert read(silent).times == read(clip).times


@pytest.mark.slow
def test_codes_are_held_for_two_seconds_and_no_longer_than_a_scene(
    tmp_path: Path, use: Use
) -> None:
    """The face changes its colours in every frame; what is painted must not follow."""
    box = Box(100, 60, 140, 110)
    random = np.random.default_rng(3)

    def pictures() -> Iterator[Image]:
        for index in range(140):
            scene = scenery(1 if index < 90 else 2)
            actor = np.kron(random.integers(70, 180, (2, 2, 3)), np.ones((50, 40, 1)))
            yield put(scene, actor.astype(np.uint8)[:90, :80], 80, 30)

    clip = film(tmp_path / "in.mp4", pictures())
    use(Told())
    plan = faceveil.analyze_file(clip)
    assert plan.cuts == (90,)
    scenes = enumerate((range(90), range(90, 140)))
    tracks = tuple(Track(number, dict.fromkeys(frames, box)) for number, frames in scenes)
    plan = replace(plan, tracks=tracks)
    report, out = veiled(clip, lossless(method="pixelate"), plan)
    frames = lumas(out)

    def patch(index: int) -> NDArray[Any]:
        return inside(frames[index], box)

    changes = [i for i in range(1, 140) if not np.array_equal(patch(i - 1), patch(i))]
    assert changes == [50, 90]
    assert abs(patch(49) - patch(50)).mean() > 3
    assert abs(patch(89) - patch(90)).mean() > 3
    assert report.status == "ok"


@pytest.mark.slow
def test_damaged_frames_are_covered_whole_and_told(tmp_path: Path, use: Use) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (60, HEIGHT // 4, WIDTH // 4, 3), np.uint8)
    clip = film(tmp_path / "in.mp4", (np.kron(one, np.ones((4, 4, 1), np.uint8)) for one in noise))
    data = np.frombuffer(clip.read_bytes(), np.uint8).copy()
    start = bytes(data).index(b"mdat")
    spots = np.random.default_rng(1).integers(start + len(data) // 3, start + len(data) // 2, 60)
    data[spots] ^= 0xFF
    clip.write_bytes(data.tobytes())
    with source_of(clip) as source:
        marks = [frame.damaged for frame in source.frames()]
        assert 0 < sum(marks) < len(marks)
    use(Told())
    report, out = veiled(clip, lossless(method="solid"))
    assert report.status == "partial"
    assert any("damaged pictures are covered whole" in one for one in report.warnings)
    whole = Box(0, 0, WIDTH, HEIGHT)
    assert report.regions == {i: (whole,) for i, mark in enumerate(marks) if mark}
    for mark, new in zip(marks, lumas(out), strict=True):
        assert (abs(new - GREY) <= 1).all() == mark


def test_zones_are_covered_in_every_frame(tmp_path: Path, use: Use) -> None:
    clip = film(tmp_path / "in.mp4", [scenery(1)] * 20 + [scenery(2)] * 20)
    use(Told())
    zones = [(10.5, 20, 60, 50), (200, 100, 5000, 5000)]
    report, out = veiled(clip, lossless(method="solid", cover_zones=zones))
    assert sorted(report.regions) == list(range(40))
    for old, new in zip(lumas(clip), lumas(out), strict=True):
        painted = abs(new - GREY) <= 1
        assert painted[20:50, 10:60].all()
        assert painted[100:, 200:].all()
        painted[20:50, 10:60] = painted[100:, 200:] = True
        assert (painted | (old == new)).all()


def test_a_zone_is_left_visible(tmp_path: Path, astronaut: Image, use: Use) -> None:
    actor, face = head(astronaut)
    left, right = (20, 60), (200, 60)
    clip = film(tmp_path / "in.mp4", [put(put(scenery(1), actor, *left), actor, *right)] * 30)
    boxes = [face.transformed(1.0, *at) for at in (left, right)]
    use(Told(lambda index: [Face(box, 0.9) for box in boxes], lambda index: [Face(boxes[0], 0.9)]))
    options = lossless(method="solid", check="full", skip_zones=[(0, 0, 160, HEIGHT)])
    plan = faceveil.analyze_file(clip, options)
    assert sorted(track.keep for track in plan.tracks) == [False, True]
    report, out = veiled(clip, options)
    assert (report.tracks, report.kept, report.status) == (1, 1, "ok")
    for old, new in zip(lumas(clip), lumas(out), strict=True):
        assert (inside(old, boxes[0]) == inside(new, boxes[0])).all()
        assert (abs(inside(new, boxes[1]) - GREY) <= 1).all()


def test_who_walks_out_of_a_visible_zone_is_covered(
    tmp_path: Path, astronaut: Image, use: Use
) -> None:
    walk = Walk(astronaut, lambda index: (10 + 4 * index, 40), 50)
    use(Told(walk.script))
    options = lossless(method="solid", skip_zones=[(0, 0, 160, HEIGHT)])
    _, out = veiled(film(tmp_path / "in.mp4", walk.pictures()), options)
    for index, new in enumerate(lumas(out)):
        truth = walk.truth(index)
        assert truth is not None
        assert (abs(inside(new, truth) - GREY) <= 1).all()


@pytest.mark.slow
def test_a_plan_is_saved_edited_and_rendered(tmp_path: Path, astronaut: Image, use: Use) -> None:
    walk = Walk(astronaut, to_and_fro, 60)
    clip = film(tmp_path / "in.mp4", walk.pictures())
    use(Told(walk.script))
    options = lossless(method="solid")
    plan = faceveil.analyze_file(clip, options)
    saved = tmp_path / "plan.json"
    saved.write_text(plan.to_json())
    assert Plan.from_json(saved.read_bytes()) == plan

    edited = json.loads(saved.read_text())
    edited["tracks"][0]["keep"] = True
    saved.write_text(json.dumps(edited))
    own = Box(4, 4, 44, 34)
    manual = Track(77, dict.fromkeys(range(10, 20), own), origin="manual")
    kept = Plan.from_json(saved.read_bytes())
    kept = replace(kept, tracks=(*kept.tracks, manual))
    report = faceveil.render_file(clip, kept, tmp_path / "out.mp4", options)
    assert (report.status, report.tracks, report.kept, report.filled) == (
        "ok",
        1,
        1,
        plan.tracks[0].filled + 10,
    )
    assert sorted(report.regions) == list(range(10, 20))
    rows = zip(lumas(clip), lumas(tmp_path / "out.mp4"), strict=True)
    for index, (old, new) in enumerate(rows):
        truth = walk.truth(index)
        assert truth is not None
        if index in manual.boxes:
            assert (abs(inside(new, own) - GREY) <= 1).all()
        else:
            assert (old == new).all()


def test_a_track_that_was_emptied_covers_nothing(tmp_path: Path, use: Use) -> None:
    clip = film(tmp_path / "in.mp4", [scenery(1)] * 10)
    use(Told())
    plan = replace(faceveil.analyze_file(clip), tracks=(Track(0, {}, origin="manual"),))
    report = faceveil.render_file(clip, plan, tmp_path / "out.mp4", lossless())
    assert (report.status, report.regions) == ("ok", {})


class TestFailures:
    @pytest.fixture
    def clip(self, tmp_path: Path) -> Path:
        return film(tmp_path / "in.mp4", [scenery(1)] * 200)

    @pytest.fixture(autouse=True)
    def _nothing_stays(self, clip: Path) -> Iterator[None]:
        yield
        assert threads() == []
        assert [path.name for path in clip.parent.iterdir()] == ["in.mp4"]

    @pytest.mark.slow
    def test_the_detector_fails(self, clip: Path, use: Use) -> None:
        def broken(index: int) -> list[Face]:
            if index > 90:
                raise MemoryError("detector")
            return []

        use(Told(broken))
        with pytest.raises(MemoryError, match="detector"):
            faceveil.veil_file(clip, clip.with_name("out.mp4"), lossless())

    def test_the_check_fails(self, clip: Path, use: Use) -> None:
        def broken(index: int) -> list[Face]:
            raise MemoryError("check")

        use(Told(again=broken))
        with pytest.raises(MemoryError, match="check"):
            faceveil.veil_file(clip, clip.with_name("out.mp4"), lossless())

    @pytest.mark.slow
    @pytest.mark.parametrize("error", [OutputError("disk full"), ValueError("odd"), MemoryError()])
    def test_the_sink_fails(
        self, error: Exception, clip: Path, use: Use, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = VideoSink.write

        def broken(self: VideoSink, frame: Frame) -> None:
            if frame.index == 57:
                raise error
            write(self, frame)

        use(Told())
        monkeypatch.setattr(VideoSink, "write", broken)
        with pytest.raises(type(error)) as caught:
            faceveil.veil_file(clip, clip.with_name("out.mp4"), lossless())
        assert caught.value is error

    @pytest.mark.slow
    @pytest.mark.parametrize("stage", ["analyze", "render"])
    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    def test_the_caller_stops_it(
        self, stage: str, error: type[BaseException], clip: Path, use: Use
    ) -> None:
        use(Told())

        def stop(name: str, done: int, total: int | None) -> None:
            if (name, done) == (stage, 100):
                raise error

        began = time.monotonic()
        with pytest.raises(error):
            faceveil.veil_file(clip, clip.with_name("out.mp4"), lossless(), progress=stop)
        assert time.monotonic() - began < 10


def test_progress_only_goes_forward(tmp_path: Path, use: Use) -> None:
    clip = film(tmp_path / "in.mp4", [scenery(1)] * 40)
    told: list[tuple[str, int, int | None]] = []
    use(Told())
    faceveil.veil_file(
        clip, tmp_path / "out.mp4", lossless(), progress=lambda *now: told.append(now)
    )
    stages = list(dict.fromkeys(stage for stage, *_ in told))
    assert stages[:2] == ["analyze", "render"]
    for stage in ("analyze", "render"):
        done = [done for name, done, _ in told if name == stage]
        assert done == list(range(1, 41))
        assert {total for name, _, total in told if name == stage} == {40}
    assert [told.index(one) for one in told] == list(range(len(told)))
