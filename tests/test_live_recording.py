"""Recordings can be played to the last second, whatever ended them, and are where it was said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path

import av
import numpy as np
import pytest

from faceveil.errors import OutputError, UnreadableError
from faceveil.frames import Frame
from faceveil.live.loop import run
from faceveil.live.outlets import LiveSink, open_live_sink
from faceveil.media.leftovers import leftovers
from films import film
from lively import SOLID, MarkDetector, marked, scene
from tiers import daily

pytestmark = pytest.mark.slow

unix = pytest.mark.skipif(sys.platform == "win32", reason="no such signals")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a walking mark."""
    path = tmp_path_factory.mktemp("live") / "in.mp4"
    return film(path, [marked(scene(), 60 + 2 * n, 90) for n in range(50)])


def seconds(path: Path, *, torn: bool = False) -> float:
    """Seconds of a file that play, every frame decoded; of a torn one all but the last."""
    times: list[float] = []
    with av.open(str(path)) as file:
        packets = list(file.demux(video=0))
        last = [packet for packet in packets if packet.size][-1]
        for packet in packets:
            with suppress(av.error.InvalidDataError) if torn and packet is last else nullcontext():
                times += [frame.time or 0.0 for frame in packet.decode()]
    assert times == sorted(times)
    return times[-1] - times[0]


def recording(clip: Path, out: Path, **limits: int) -> tuple[subprocess.Popen[str], Path]:
    """`faceveil live` in a process of its own, once it records."""
    code = "from faceveil.cli import main; main()"
    for name, value in limits.items():
        code = f"import resource as r; r.setrlimit(r.{name}, ({value}, {value})); {code}"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "live", clip, out, "--loop", "--method", "solid"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    path = out.with_name(f"{out.stem}.recording{out.suffix}")
    end = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.02)
    return process, path


@unix
@pytest.mark.usefixtures("detector")
@pytest.mark.parametrize(
    ("name", "suffix"),
    daily(
        [
            ("SIGTERM", ".mp4"),
            ("SIGHUP", ".mkv"),
            ("SIGINT", ".mp4"),
            ("SIGKILL", ".mp4"),
            ("SIGKILL", ".mkv"),
        ],
        ("SIGTERM", ".mp4"),
        ("SIGKILL", ".mp4"),
    ),
)
def test_signals(name: str, suffix: str, clip: Path, tmp_path: Path) -> None:
    number = signal.Signals[name]
    out = tmp_path / f"out{suffix}"
    process, path = recording(clip, out)
    began = time.monotonic()
    time.sleep(3)
    process.send_signal(number)
    took = time.monotonic() - began
    _, err = process.communicate(timeout=30)
    killed = number == signal.SIGKILL
    left = path if killed else out
    assert [one.name for one in tmp_path.iterdir()] == [left.name]
    assert seconds(left) > took - 1.5
    assert process.returncode == {2: 0, 9: -9}.get(number, 128 + number)
    assert f"recording as out.recording{suffix}" in err
    if name in ("SIGTERM", "SIGHUP"):
        assert "what was recorded is kept" in err
    if not killed:
        assert leftovers(out) == []
        assert out.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.long
@unix
@pytest.mark.usefixtures("detector")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk(suffix: str, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / f"out{suffix}"
    process, _ = recording(clip, out, RLIMIT_FSIZE=60_000)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert f"out{suffix} is recorded up to here, then not: file too large" in err
    assert [one.name for one in tmp_path.iterdir()] == [out.name]
    assert 20_000 < out.stat().st_size <= 60_000
    assert seconds(out) > 1
    assert leftovers(out) == []


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """The end of the file does not fit, nor does anything else."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root may mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        sink = open_live_sink(str(disk / "out.mp4"))
        with pytest.raises(OutputError, match="is recorded up to here, then not: no space left"):
            write(sink, noise(500))
        sink.close()
        assert [one.name for one in disk.iterdir()] == ["out.mp4"]
        assert seconds(disk / "out.mp4") > 0.3
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def write(sink: LiveSink, frames: Iterator[Frame]) -> None:
    for frame in frames:
        sink.write(frame)


def noise(count: int, first: int = 0) -> Iterator[Frame]:
    random = np.random.default_rng(1)
    for index in range(first, first + count):
        image = random.integers(0, 256, (64, 64, 3)).astype(np.uint8)
        yield Frame(index, image, pts=40 * index)


@pytest.mark.parametrize("suffix", daily([".mp4", ".mkv", ".mov"], ".mp4"))
def test_what_is_on_the_disk_can_be_played_at_any_moment(suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"out{suffix}"
    sink = open_live_sink(str(out))
    path = tmp_path / f"out.recording{suffix}"
    copy = tmp_path / f"copy{suffix}"
    for frame in noise(150):
        sink.write(frame)
        if frame.index > 40 and frame.index % 7 == 0:
            data = path.read_bytes()
            copy.write_bytes(data)
            assert seconds(copy) > frame.index / 25 - 1.2
            copy.write_bytes(data[: len(data) - 100])  # torn in the middle of a write
            assert seconds(copy, torn=True) > frame.index / 25 - 2
    sink.close()
    assert not path.exists()
    assert seconds(out) == pytest.approx(149 / 25, abs=0.01)
    assert leftovers(out) == []


def test_what_a_killed_run_left_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "out.recording.mp4").write_bytes(b"kept")
    sink = open_live_sink(str(tmp_path / "out.mp4"))
    for frame in noise(3):
        sink.write(frame)
    assert (tmp_path / "out.recording-2.mp4").exists()
    sink.close()
    assert (tmp_path / "out.recording.mp4").read_bytes() == b"kept"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out.mp4", "out.recording.mp4"]


class Ends:
    """A source that gives some frames and breaks off for good."""

    name, endless = "it", False

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = frames

    def frames(self) -> Iterator[Frame]:
        for frame in self._frames:
            time.sleep(0.04)
            yield frame
        raise UnreadableError("it broke off")

    def stop(self) -> None:
        """It ends by itself."""


def test_a_source_that_breaks_off_leaves_what_came(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    frames = [Frame(n, marked(scene(), 60 + n, 90), pts=40 * n) for n in range(60)]
    with pytest.raises(UnreadableError, match="broke off"):
        run(Ends(frames), [open_live_sink(str(out))], SOLID, make=lambda smallest: MarkDetector())
    assert [one.name for one in tmp_path.iterdir()] == ["out.mp4"]
    assert seconds(out) > 1.2


def test_nothing_is_left_where_nothing_came(tmp_path: Path) -> None:
    open_live_sink(str(tmp_path / "out.mp4")).close()
    assert list(tmp_path.iterdir()) == []
