"""Cameras and receivers that speak RTSP: read, pushed to, killed in the middle, with passwords."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from av.error import FFmpegError

from faceveil.check import check_file
from faceveil.live.outlets import open_sink
from faceveil.live.run import run
from faceveil.media.feed import open_feed
from faceveil.options import Options
from faceveil.types import Image
from films import film, head, put, scenery
from lively import SOLID, MarkDetector, bare, live, marked, scene
from servers import free_port, wait_for
from test_live_run import Collector, covered

PROGRAM = Path(__file__).with_name("rtsp_server.py")
PYTHON = "/usr/bin/python3"
"""The system's: GStreamer's own package is for that one."""
WORD = "geheim@7"
QUOTED = "geheim%407"


class Camera:
    """GStreamer's RTSP server on this machine.

    Attributes:
        folder: ``film.h264`` in it is what it shows.
        address: of it, without a password.
    """

    def __init__(self, folder: Path, *known: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"rtsp://127.0.0.1:{self.port}"
        self._known = known
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [PYTHON, str(PROGRAM), str(self.port), str(self.folder), *self._known],
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def taken(self) -> list[Path]:
        """What was pushed to it, as far as it is more than a second long."""
        paths = sorted(self.folder.glob("pushed-*.ts"))
        return [path for path in paths if path.stat().st_size > 30_000]

    def pushed(self) -> list[list[Image]]:
        """All frames of each of these."""
        found = []
        for path in self.taken():
            frames = list[Image]()
            # One that was killed ends in the middle of a frame.
            with suppress(FFmpegError), av.open(str(path)) as file:
                for frame in file.decode(video=0):
                    frames.append(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))
            found.append(frames)
        return found


@pytest.fixture(scope="module")
def gstreamer() -> None:
    try:
        probe = subprocess.run([PYTHON, str(PROGRAM), "--probe"], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip(f"no {PYTHON} here")
    if probe.returncode:
        pytest.skip(probe.stderr.strip())


@pytest.fixture
def folder(gstreamer: None, tmp_path: Path) -> Path:
    folder = tmp_path / "served"
    folder.mkdir()
    return folder


@pytest.fixture
def open_camera(folder: Path) -> Iterator[Camera]:
    """It shows a mark that goes to and fro, to whoever asks."""
    steps = [*range(60, 160, 2), *range(160, 60, -2)]
    shown(folder, [marked(scene(), x, 90) for x in steps])
    camera = Camera(folder)
    yield camera
    camera.kill()


@pytest.fixture
def locked_camera(folder: Path, astronaut: Image) -> Iterator[Camera]:
    """It shows a face, to those who have the password."""
    actor, _ = head(astronaut)
    steps = [*range(40, 140, 2), *range(140, 40, -2)]
    shown(folder, [put(scenery(1), actor, x, 60) for x in steps])
    camera = Camera(folder, "me", WORD)
    yield camera
    camera.kill()


def shown(folder: Path, pictures: list[Image]) -> None:
    settings = {"tune": "zerolatency", "x264-params": "aud=1:sliced-threads=0"}
    film(folder / "film.h264", pictures, muxer="h264", gop=12, settings=settings)


def test_a_camera_killed_and_restarted_never_leaves_bare(open_camera: Camera) -> None:
    """RTSP in, RTSP out, and both ends break at once; every frame at the far end is looked at."""
    collector, said, stop = Collector(), list[str](), threading.Event()
    runner = threading.Thread(
        target=run,
        args=(
            open_feed(f"{open_camera.address}/play", SOLID),
            [open_sink(f"{open_camera.address}/record"), collector],
            SOLID,
        ),
        kwargs={"make": lambda smallest: MarkDetector(), "stop": stop, "told": said.append},
    )
    runner.start()
    try:
        wait_for(open_camera.taken)
        open_camera.kill()
        wait_for(lambda: len(said) > 1)
        open_camera.start()
        wait_for(lambda: len(open_camera.taken()) > 1)
    finally:
        stop.set()
        runner.join()
    assert any("next try" in words for words in said)
    first, second = open_camera.pushed()
    assert min(len(first), len(second)) > 10
    for pictures in (collector.pictures, first, second):
        assert [number for number, picture in enumerate(pictures) if bare(picture)] == []
        # And what it covers is the mark, not everything.
        assert sum(covered(picture) < 0.5 for picture in pictures) > 5


def test_a_camera_behind_a_password_is_recorded(
    locked_camera: Camera, tmp_path: Path, detector: str
) -> None:
    """The command as a user types it, ended with Ctrl-C."""
    out = tmp_path / "safe.mp4"
    address = locked_camera.address.replace("//", f"//me:{QUOTED}@")
    with live(f"{address}/play", str(out), f"{address}/record", "--min-face", "30") as process:
        wait_for(locked_camera.taken)
        process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert re.search(r"geheim|next try", printed + errors) is None
    assert check_file(out, Options(min_face=30)) == []
    (pushed,) = locked_camera.pushed()
    assert sum(covered(picture) < 0.5 for picture in pushed) > 5


@pytest.mark.parametrize("way", ["read", "push"])
def test_a_wrong_password_is_told_and_never_printed(
    locked_camera: Camera, tmp_path: Path, way: str
) -> None:
    address = locked_camera.address.replace("//", "//me:geheim@")
    clip = film(tmp_path / "in.mp4", [scene()] * 5)
    arguments = (f"{address}/play", "page") if way == "read" else (str(clip), f"{address}/record")
    with live(*arguments, "--debug") as process:
        printed, errors = process.communicate(timeout=60)
    assert process.returncode == (3 if way == "read" else 1)
    assert "401" in errors
    assert "rtsp://user:password@host" in errors
    assert "geheim" not in printed + errors
