"""A long video scanned in parts: the plan is that of one scan over all of it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from faceveil.batch import Processes, Serial
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.options import Options
from faceveil.pipeline import analyze_file
from faceveil.plan import Face
from faceveil.scan import Scan, scan, schedule
from faceveil.scan.parts import join, parts_of, scan_part
from films import Told, film, head, put, scenery
from tiers import daily
from videos import source_of

pytestmark = pytest.mark.slow

FPS = 25
FRAMES = 500
RESTART = 1.3


def pictures(astronaut: Image, frames: int = FRAMES) -> Iterator[Image]:
    """Cuts now and then, and a head that goes through the picture, fast and slowly."""
    actor, _ = head(astronaut)
    random = np.random.default_rng(5)
    scenes = sorted(random.integers(5, frames, frames // 60).tolist())
    x, speed = 0.0, 3.0
    for index in range(frames):
        if index % 40 == 0:
            speed = float(random.choice([-14, -2, 0, 2, 9, 20]))
        x = (x + speed) % 400
        yield put(scenery(sum(index >= cut for cut in scenes)), actor, int(x) - 60, 40)


CODING = {
    "plain": {},
    "pyramid": {"bf": "3", "b-pyramid": "normal", "preset": "veryfast"},
    "open": {"bf": "3", "x264-params": "open-gop=1:scenecut=0", "preset": "veryfast"},
}


@pytest.fixture(scope="module", params=daily(CODING, "pyramid"))
def clip(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, _astronaut: Image
) -> Path:
    path = tmp_path_factory.mktemp("clip") / "in.mp4"
    return film(path, pictures(_astronaut), gop=30, settings=CODING[request.param])


@pytest.fixture(scope="module")
def one(clip: Path) -> Scan:
    """Of all of it at once."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(schedule, "RESTART_SECONDS", RESTART)
        return whole(clip)


@pytest.fixture(autouse=True)
def _short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "RESTART_SECONDS", RESTART)


def brightest(frame: Frame) -> list[Face]:
    """A detector of its own kind: what it sees depends on the pixels and on nothing else."""
    small = frame.thumbnail(16, 10).astype(int)
    y, x = np.unravel_index(int(small.argmax()), small.shape)
    value = int(small.max()) + int(small.sum()) % 7
    return [Face(Box(x * 20.0, y * 20.0, x * 20.0 + 30, y * 20.0 + 30), min(1.0, value / 260))]


class Looking(Told):
    def detect(self, frame: Frame, floor: float) -> list[Face]:
        self.looked.append(frame.index)
        return [face for face in brightest(frame) if face.score >= floor]

    def detect_in(self, frame: Frame, box: Box, floor: float) -> list[Face]:
        self.glanced.append(frame.index)
        return [face for face in brightest(frame) if face.score >= floor]


def whole(path: Path) -> Scan:
    with source_of(path) as source:
        return scan(source, Looking(), 0.2, 0.4, lambda done: None)


@pytest.mark.parametrize("count", daily([2, 3, 4, 7], 7))
def test_parts_make_the_whole(clip: Path, one: Scan, count: int) -> None:
    with source_of(clip) as source:
        parts = parts_of(source, count)
        assert len(parts) == count
        assert [part.first for part in parts[1:]] == [part.end for part in parts[:-1]]
        assert (parts[0].first, parts[-1].end) == (0, FRAMES)
        assert max(part.end - part.first for part in parts) < 1.6 * FRAMES / count
        found = [scan_part(source, part, Looking(), 0.2, 0.4) for part in parts]
    assert len(one.cuts) > 3
    assert join([part for part in found if part]) == one
    assert 60 < len(one.found) < FRAMES


def test_the_frames_of_a_part_are_decoded_as_in_a_whole_pass(clip: Path) -> None:
    with source_of(clip) as source:
        for part in parts_of(source, 4)[1:]:
            wanted = dict.fromkeys(part.times[:40])
            exact = [f.peek().y.copy() for f in source.skim() if f.pts in wanted]
            alone = [f.peek().y.copy() for f in source.skim(part.start) if f.pts in wanted]
            assert len(exact) == len(alone) == 40
            assert all((a == b).all() for a, b in zip(exact, alone, strict=True))


def test_what_cannot_be_split_is_left_whole(tmp_path: Path, astronaut: Image) -> None:
    short = film(tmp_path / "short.mp4", pictures(astronaut, 20))
    lone = film(tmp_path / "lone.mp4", pictures(astronaut, 100), gop=200)
    for path in (short, lone):
        with source_of(path) as source:
            assert [part.first for part in parts_of(source, 4)] == [0]


def test_damage_is_left_to_a_whole_pass(clip: Path, tmp_path: Path) -> None:
    data = bytearray(clip.read_bytes())
    at = data.index(b"mdat")
    for place in range(at + 3000, len(data) - 20_000, 9000):
        data[place] ^= 0x55
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    with source_of(path) as source:
        parts = parts_of(source, 3)
        found = [scan_part(source, part, Looking(), 0.2, 0.4) for part in parts]
    assert None in found or join([part for part in found if part]) == whole(path)


@pytest.mark.parametrize(
    "rate", [Fraction(1001, 30000), pytest.param(Fraction(1, 25), marks=pytest.mark.long)]
)
def test_the_plan_is_the_same(
    tmp_path: Path, astronaut: Image, detector: str, rate: Fraction
) -> None:
    path = film(tmp_path / "in.mp4", pictures(astronaut, 200), gop=15, time_base=rate)
    one = analyze_file(path, Options())
    split = analyze_file(path, Options(parts=4), executor=Serial())
    assert split == one
    assert one.tracks


@pytest.mark.long
def test_processes_give_the_plan_of_one(
    tmp_path: Path, astronaut: Image, detector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # processes know only the real length
    path = film(tmp_path / "in.mp4", pictures(astronaut, 1100), gop=50)
    one = analyze_file(path, Options())
    assert analyze_file(path, Options(parts=2), executor=Processes(2)) == one
