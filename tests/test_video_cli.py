"""Videos through the command line: how a run ends, and what is left after it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

import av
import psutil
import pytest

import commands
from faceveil.frames import Image
from faceveil.media.leftovers import leftovers
from films import film, head, inside, lumas, put, scenery
from test_stream_leftovers import plant, with_extra_streams
from tiers import daily
from videos import CLIPS, TOKEN, read, sound_packets

pytestmark = pytest.mark.slow

GREY = 126
ODD = {"corrupted.mp4", "rotated_vfr.mp4", "video_with_failing_audio.mp4"}
"""Clips that go through the command every time; test_media_video takes more through the library."""


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "faceveil", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"},
        start_new_session=True,
    )


def faceveil(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, output and messages of a run that ends by itself."""
    done = commands.faceveil(*arguments)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def _long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "in.mp4"
    return film(path, [scenery(1, (1280, 720))] * 500, crf=30)


@pytest.fixture
def long_clip(_long_clip: Path, tmp_path: Path) -> Path:
    """Long enough to be stopped in the middle."""
    return Path(shutil.copy(_long_clip, tmp_path))


def begun(process: subprocess.Popen[str], folder: Path) -> Path:
    """Wait until the output is being written: its temporary name."""
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        for part in folder.glob(".out.mp4.*.part"):
            if part.stat().st_size > 0:
                return part
        time.sleep(0.005)
    pytest.fail(f"the run ended before it could be stopped: {process.communicate()}")


ARGUMENTS = ("--min-face", "200", "--check", "off")


@pytest.mark.usefixtures("detector")
@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
class TestStopped:
    @pytest.mark.long
    def test_a_killed_run_leaves_nothing_under_the_final_name(self, long_clip: Path) -> None:
        folder = long_clip.parent
        with start("veil", long_clip, "-o", folder / "out.mp4", *ARGUMENTS) as process:
            part = begun(process, folder)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert {path.name for path in folder.iterdir()} == {"in.mp4", part.name}
        assert part.stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize(
        ("number", "code"),
        daily([(signal.SIGINT, 130), (signal.SIGTERM, 143)], (signal.SIGINT, 130)),
    )
    def test_an_interrupted_run_leaves_no_file_at_all(
        self, number: signal.Signals, code: int, long_clip: Path
    ) -> None:
        folder = long_clip.parent
        with start("veil", long_clip, "-o", folder / "out.mp4", *ARGUMENTS) as process:
            begun(process, folder)
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
        assert process.returncode == code, err
        assert "Traceback" not in err
        assert out == ""
        assert [path.name for path in folder.iterdir()] == ["in.mp4"]

    def test_interrupted_while_it_still_looks(self, long_clip: Path) -> None:
        folder = long_clip.parent
        with start("veil", long_clip, "-o", folder / "out.mp4") as process:
            until = time.monotonic() + 60
            while psutil.Process(process.pid).num_threads() < 5 and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        assert process.returncode == 130, err
        assert [path.name for path in folder.iterdir()] == ["in.mp4"]


@pytest.mark.usefixtures("detector")
@pytest.mark.parametrize(("muxer", "suffix"), [("mp4", ".mp4"), ("matroska", ".mkv")])
def test_nothing_planted_comes_through(
    muxer: str, suffix: str, tmp_path: Path, astronaut: Image
) -> None:
    actor, face = head(astronaut)
    plain = film(
        tmp_path / "plain",
        [put(scenery(1), actor, 60 + index, 50) for index in range(30)],
        muxer=muxer,
        sound="aac",
        decorate=plant,
        container={"movflags": "+use_metadata_tags"} if muxer == "mp4" else {},
    )
    clip = with_extra_streams(plain, tmp_path / f"in{suffix}", muxer)
    plain.unlink()
    assert clip.read_bytes().count(TOKEN.encode()) >= 6
    assert {"title", "chapters", "subtitles"} & set(leftovers(clip))
    report, plan = tmp_path / "report.json", tmp_path / "plan.json"
    code, out, err = faceveil("veil", clip, "--method", "solid", "--report", report, "--plan", plan)
    target = tmp_path / f"in.veiled{suffix}"
    assert code == 0, err
    assert "1 face covered" in out
    token = TOKEN.encode()
    for written in (target, report, plan):
        assert token not in written.read_bytes()
        assert token.decode().encode("utf-16-be") not in written.read_bytes()
    assert TOKEN not in out + err
    assert leftovers(target) == []
    with av.open(str(target)) as file:
        assert [stream.type for stream in file.streams] == ["video", "audio"]
        assert not file.chapters()
    assert read(target).times == read(clip).times
    for index, luma in enumerate(lumas(target)):
        truth = face.transformed(1.0, 60 + index, 50)
        assert (abs(inside(luma, truth) - GREY) <= 12).mean() > 0.98
    assert not list(tmp_path.glob(".*"))


@pytest.mark.usefixtures("detector")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name not in ODD)) for name in CLIPS]
)
def test_every_shared_clip_comes_out_with_its_times_and_sound(
    name: str, data: Path, tmp_path: Path
) -> None:
    clip = data / "videos" / name
    before = clip.read_bytes()
    speed = () if name.endswith("webm") else ("--encoder-preset", "ultrafast")
    code, out, err = faceveil(
        "veil", clip, "-o", tmp_path, "--min-face", "60", "--check", "off", *speed
    )
    assert code == 0, err
    assert "Traceback" not in err
    assert all(line.startswith("faceveil: ") for line in err.splitlines())
    assert clip.read_bytes() == before
    (target,) = tmp_path.iterdir()
    assert read(target).times == read(clip).times
    assert sound_packets(target) == sound_packets(clip)
    assert out.count("\n") == 1


@pytest.mark.usefixtures("detector")
@pytest.mark.parametrize("name", ["jumping_boxes.txt"])
def test_what_is_no_video_is_told_in_one_line(name: str, data: Path, tmp_path: Path) -> None:
    code, out, err = faceveil("veil", data / "videos" / name, "-o", tmp_path)
    assert (code, out) == (3, "")
    assert len(err.strip().splitlines()) <= 2
    assert not list(tmp_path.iterdir())


def looped(clip: Path, target: Path, times: int) -> Path:
    """The same packets again and again, with times that go on."""
    with av.open(str(clip)) as file:
        stream = file.streams.video[0]
        packets = [
            (bytes(packet), packet.pts or 0, packet.dts or 0, packet.is_keyframe)
            for packet in file.demux(stream)
            if packet.size
        ]
        assert stream.time_base is not None
        step = max(pts for _, pts, _, _ in packets) + (stream.duration or 0) // len(packets)
        with av.open(str(target), "w") as output:
            copy = output.add_stream_from_template(stream)
            for turn in range(times):
                for data, pts, dts, key in packets:
                    packet = av.Packet(data)
                    packet.stream, packet.time_base = copy, stream.time_base
                    packet.pts, packet.dts = pts + turn * step, dts + turn * step
                    packet.is_keyframe = key
                    output.mux(packet)
    return target


@pytest.mark.long
@pytest.mark.usefixtures("detector")
@pytest.mark.parametrize(
    ("size", "times"), [((320, 192), 24), pytest.param((1920, 1080), 30, marks=pytest.mark.long)]
)
def test_memory_does_not_grow_with_the_length(
    size: tuple[int, int], times: int, tmp_path: Path, astronaut: Image
) -> None:
    actor, _ = head(astronaut)
    pictures = (put(scenery(1, size), actor, 30 + 10 * i, size[1] // 3) for i in range(50))
    short = film(tmp_path / "short.mp4", pictures, crf=28)
    clip = looped(short, tmp_path / "in.mp4", times)
    assert len(read(clip).times) == 50 * times
    used: dict[str, list[float]] = {"analyze": [], "render": [], "check": []}
    out = tmp_path / "out.mp4"
    with start("veil", clip, "-o", out, "--encoder-preset", "ultrafast") as process:
        child = psutil.Process(process.pid)
        while process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                written = [one for one in child.open_files() if one.path.endswith(".part")]
                stage = "check" if list(tmp_path.glob("*.part")) else "analyze"
                if any(one.mode != "r" for one in written):
                    stage = "render"
                used[stage].append(child.memory_info().rss / 2**20)
            time.sleep(0.01)
        _, err = process.communicate()
    assert process.returncode == 0, err
    assert max(max(samples) for samples in used.values()) < 700
    for stage in ("analyze", "render"):
        samples = used[stage]
        assert len(samples) > 40
        # Halfway and near the end, each the median of a tenth of the stage.
        middle, end = (
            median(samples[int(share * len(samples)) :][: len(samples) // 10])
            for share in (0.45, 0.75)
        )
        assert end < 1.1 * middle, (stage, samples[:: len(samples) // 10])
    assert read(out).times[-1] == read(clip).times[-1]
