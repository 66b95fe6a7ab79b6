"""Cameras and receivers that speak RTSP: read, pushed to, killed in the middle, with passwords."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cameras import Camera, shown
from faceveil.check import check_file
from faceveil.frames import Image
from faceveil.live.loop import run
from faceveil.live.outlets import open_live_sink
from faceveil.live.sources import open_feed
from faceveil.options import Options
from films import film, head, put, scenery
from lively import SOLID, MarkDetector, bare, live, scene
from servers import wait_for
from test_live_run import Collector, covered
from tiers import daily

pytestmark = pytest.mark.slow

WORD = "geheim@7"
QUOTED = "geheim%407"


@pytest.fixture
def locked_camera(served: Path, astronaut: Image) -> Iterator[Camera]:
    """It shows a face, to those who have the password."""
    actor, _ = head(astronaut)
    steps = [*range(40, 140, 2), *range(140, 40, -2)]
    shown(served, [put(scenery(1), actor, x, 60) for x in steps])
    camera = Camera(served, "me", WORD)
    yield camera
    camera.kill()


def test_a_camera_killed_and_restarted_never_leaves_bare(open_camera: Camera) -> None:
    """RTSP in, RTSP out, and both ends break at once; every frame at the far end is looked at."""
    collector, said, stop = Collector(), list[str](), threading.Event()
    runner = threading.Thread(
        target=run,
        args=(
            open_feed(f"{open_camera.address}/play", SOLID),
            [open_live_sink(f"{open_camera.address}/record"), collector],
            SOLID,
        ),
        kwargs={"make": lambda smallest: MarkDetector(), "stop": stop, "on_message": said.append},
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


@pytest.mark.long
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


@pytest.mark.parametrize("way", daily(["read", "push"], "read"))
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
