"""Fixtures that tests share: pictures, and skips for files that are not in the repository."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import settings

from cameras import PROGRAM, PYTHON, Camera, shown
from faceveil import weights
from faceveil.frames import Image
from faceveil.system.priority import usual_priority
from lively import marked, scene
from servers import PATIENCE, free_port

if TYPE_CHECKING:  # it need not be installed
    from playwright.sync_api import Playwright

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# What a shell starts in the background ignores Ctrl-C, what nohup starts ignores a closed terminal,
# and so would all that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

os.environ["LC_ALL"] = "C.UTF-8"
"""The command line speaks the user's language; what the tests read is English."""

# Where Python is told to keep no compiled modules, each of the hundreds of processes that the tests
# start would compile FaceVeil anew, which takes longer than most of them work.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

REPOSITORY = Path(__file__).parent.parent


AT_ONCE = {"quick": 1, "test": 3, "long": 2}
"""Tests for each core. More than half of the time one of `make test` waits, for a server, a browser
or a clock: with two, the cores had nothing to do for a quarter of the time. Those that start no
program never wait. Of the long ones some are heavy, and some wait."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The number of processes for ``-n auto``, by which tier is asked for."""
    chosen = config.option.markexpr
    tier = "quick" if "not slow" in chosen else "test" if "not long" in chosen else "long"
    return AT_ONCE[tier] * len(os.sched_getaffinity(0))


@pytest.fixture(autouse=True)
def _priority() -> Iterator[None]:
    """Tests that make AV1 files by themselves would starve all others; see `usual_priority`."""
    with usual_priority():
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with test material that may not be published; skips where it is not."""
    folder = Path(os.environ.get("FACEVEIL_SHARED", REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared test material: {folder} is not there (FACEVEIL_SHARED)")
    return folder


@pytest.fixture(scope="session")
def data(shared: Path) -> Path:
    """Third-party pictures and videos: faces, formats, videos and more."""
    if not (shared / "data").is_dir():
        pytest.skip(f"no shared test material in {shared}")
    return shared / "data"


@pytest.fixture(scope="session")
def _astronaut() -> Image:
    from skimage.data import astronaut

    picture: Image = np.ascontiguousarray(astronaut()[..., ::-1])
    picture.flags.writeable = False
    return picture


@pytest.fixture
def astronaut(_astronaut: Image) -> Image:
    """(512, 512, 3) uint8 BGR with one face, at about x 180 to 270, y 68 to 184."""
    return _astronaut.copy()


@pytest.fixture
def face(astronaut: Image) -> Image:
    """(300, 260, 3) uint8 BGR, one face."""
    return np.ascontiguousarray(astronaut[:300, 100:360])


@pytest.fixture
def photo(tmp_path: Path, astronaut: Image) -> Path:
    """The astronaut as a JPEG file."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(cv2.imencode(".jpg", astronaut)[1].tobytes())
    return path


@pytest.fixture(scope="session")
def detector() -> str:
    """Name of the detector that ``auto`` stands for; skips where no weights are."""
    for name in ("yunet", "centerface"):
        if weights.available(name):
            return name
    pytest.skip("no weights of YuNet or CenterFace here: faceveil weights fetch")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """The one that all tests with a browser use: a thread can hold no second one.

    As long as it is there, a loop of asyncio runs in this thread. Tests that need a loop of their
    own run it in a thread of its own (`servers.in_a_loop`).
    """
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    sync.expect.set_options(timeout=PATIENCE * 1000)
    with sync.sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser; skips where none is installed."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium here: apt-get install chromium")


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Redis."""
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=folder)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def gstreamer() -> None:
    try:
        probe = subprocess.run([PYTHON, str(PROGRAM), "--probe"], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip(f"no {PYTHON} here")
    if probe.returncode:
        pytest.skip(probe.stderr.strip())


@pytest.fixture
def served(gstreamer: None, tmp_path: Path) -> Path:
    """The folder of an RTSP server; skips where none can be had."""
    folder = tmp_path / "served"
    folder.mkdir()
    return folder


@pytest.fixture
def open_camera(served: Path) -> Iterator[Camera]:
    """It shows a mark that goes to and fro, to whoever asks."""
    steps = [*range(60, 160, 2), *range(160, 60, -2)]
    shown(served, [marked(scene(), x, 90) for x in steps])
    camera = Camera(served)
    yield camera
    camera.kill()
