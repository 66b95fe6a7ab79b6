"""GStreamer's RTSP server, as a camera that shows a film and takes what is pushed to it."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from faceveil.frames import Image
from films import film
from servers import free_port

PROGRAM = Path(__file__).with_name("rtsp_server.py")
PYTHON = "/usr/bin/python3"
"""The system's: GStreamer's own package is for that one."""


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
        """The film that was pushed to it, as far as it is more than a second long."""
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


def shown(folder: Path, pictures: list[Image]) -> None:
    settings = {"tune": "zerolatency", "x264-params": "aud=1:sliced-threads=0"}
    film(folder / "film.h264", pictures, muxer="h264", gop=12, settings=settings)
