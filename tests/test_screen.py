"""The screen: a display of X11 without a monitor, with a face on it."""

from __future__ import annotations

import http.client
import mmap
import signal
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from urllib.parse import urlsplit

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceveil.check import check_file
from faceveil.errors import UnreadableError
from faceveil.frames import Image
from faceveil.live.sources import open_feed
from faceveil.options import Options
from films import FACE, inside, scenery
from lively import live

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 640, 512
UPPER_LEFT = 100, 0
"""The place of the astronaut on the screen."""
PLACE = FACE.transformed(1.0, *UPPER_LEFT)


class Screen:
    """Xvfb, which keeps what its display shows in a file.

    Attributes:
        name: of the display.
    """

    def __init__(self, folder: Path) -> None:
        command = ["Xvfb", "-displayfd", "1", "-nolisten", "tcp", "-fbdir", str(folder)]
        self.process = subprocess.Popen(
            [*command, "-screen", "0", f"{WIDTH}x{HEIGHT}x24"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout is not None
        self.name = f":{int(self.process.stdout.readline())}"
        self._memory = folder / "Xvfb_screen0"

    def show(self, picture: Image) -> None:
        """Draw a picture, (HEIGHT, WIDTH, 3) uint8 BGR, all over it."""
        with self._memory.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            # An X window dump: its header, as long as it says, and its colours, then the pixels.
            words = struct.unpack_from(">20I", memory)
            pixels = cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA).tobytes()
            start = words[0] + 12 * words[19]
            memory[start : start + len(pixels)] = pixels

    def close(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=20)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    if which("Xvfb") is None:
        pytest.skip("no Xvfb here")
    if "x11grab" not in av.formats_available:
        pytest.skip("this PyAV cannot read an X11 screen")
    screen = Screen(tmp_path)
    yield screen
    screen.close()


@pytest.mark.long
def test_the_screen_is_recorded_without_its_faces(
    screen: Screen, tmp_path: Path, astronaut: Image, detector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command as a user types it; what the page shows is looked at as well as the recording."""
    desk = scenery(1, (WIDTH, HEIGHT))
    x, y = UPPER_LEFT
    desk[y : y + 512, x : x + 512] = astronaut
    screen.show(desk)
    monkeypatch.setenv("DISPLAY", screen.name)
    out = tmp_path / "safe.mp4"
    with live("screen", str(out), "page", "--min-face", "40") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        shown = pictures(line.split()[-1], 40)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    with av.open(str(out)) as file:
        recorded = [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)]
    assert len(recorded) > 15
    assert check_file(out, Options(min_face=40)) == []
    for found in (shown, recorded):
        assert {picture.shape for picture in found} == {(HEIGHT, WIDTH, 3)}
        differences = [np.abs(picture.astype(int) - desk).mean(axis=2) for picture in found]
        assert min(inside(difference, PLACE).mean() for difference in differences) > 10
        # And it is the face that is covered, not the screen.
        assert min(difference[:, :100].mean() for difference in differences) < 6


def test_a_display_that_is_not_there_is_told(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen.close()
    monkeypatch.setenv("DISPLAY", screen.name)
    for word in ("screen", f"screen:{screen.name}.0"):
        with pytest.raises(UnreadableError, match="the screen cannot be opened") as caught:
            next(open_feed(word, Options()).frames())
        assert "screen::0.0" in caught.value.advice


def pictures(address: str, number: int) -> list[NDArray[np.uint8]]:
    """So many pictures of the page's stream."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request("GET", urlsplit(address).path + "stream")
    found = list[NDArray[np.uint8]]()
    with connection.getresponse() as answer:
        while len(found) < number:
            line = answer.readline()
            assert line, "the page ended"
            if line.lower().startswith(b"content-length:"):
                answer.readline()
                data = np.frombuffer(answer.read(int(line.split(b":")[1])), np.uint8)
                picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
                assert picture is not None
                found.append(np.asarray(picture, np.uint8))
    connection.close()
    return found
