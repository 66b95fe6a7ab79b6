"""Videos with a known face in them, and detectors that know where it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.options import Sensitivity
from faceveil.plan import Face

SIZE = (320, 192)
FACE = Box(180.0, 68.0, 270.0, 184.0)
"""Forehead to chin of the astronaut."""
HEAD = (165, 25, 290, 205)
"""The astronaut's head with its hair: x0, y0, x1, y1."""
SCALE = 0.4

Script = Callable[[int], Sequence[Face]]


def nobody(index: int) -> Sequence[Face]:
    return ()


@dataclass
class Told:
    """A detector that answers with what a script says about each frame.

    Attributes:
        script: frame index -> the faces there.
        again: the same for the second look of the check.
        looked, glanced, checked: frame indices at which it was asked.
    """

    script: Script = nobody
    again: Script = nobody
    name: str = "told"
    weights_sha256: str = "0" * 64
    thresholds: dict[Sensitivity, float] = field(
        default_factory=lambda: {"high": 0.4, "balanced": 0.5, "precise": 0.6}
    )
    looked: list[int] = field(default_factory=list)
    glanced: list[int] = field(default_factory=list)
    checked: list[int] = field(default_factory=list)

    def detect(self, frame: Frame, floor: float) -> list[Face]:
        self.looked.append(frame.index)
        return [face for face in self.script(frame.index) if face.score >= floor]

    def detect_in(self, frame: Frame, box: Box, floor: float) -> list[Face]:
        self.glanced.append(frame.index)
        return [
            face
            for face in self.script(frame.index)
            if face.score >= floor and face.box.intersection(box) > 0
        ]

    def detect_rotated(self, frame: Frame, floor: float) -> list[Face]:
        return []

    def recheck(self, frame: Frame, floor: float) -> list[Face]:
        self.checked.append(frame.index)
        return [face for face in self.again(frame.index) if face.score >= floor]

    def smallest_face(self, width: int, height: int) -> float:
        return 7.0


def scenery(seed: int, size: tuple[int, int] = SIZE) -> Image:
    """(H, W, 3) uint8 BGR: soft shades that fill the picture, others for each seed."""
    width, height = size
    coarse = np.random.default_rng(seed).integers(30, 226, (5, 8, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def head(astronaut: Image, scale: float = SCALE) -> tuple[Image, Box]:
    """The astronaut's head, and where in it the face is."""
    x0, y0, x1, y1 = HEAD
    picture = cv2.resize(
        astronaut[y0:y1, x0:x1], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
    )
    return np.asarray(picture, np.uint8), FACE.transformed(1.0, -x0, -y0).transformed(scale)


def put(scene: Image, actor: Image, x: int, y: int) -> Image:
    """A copy of the scene with the actor's upper left corner at (x, y), cut off at the borders."""
    scene = scene.copy()
    height, width = scene.shape[:2]
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + actor.shape[1], width), min(y + actor.shape[0], height)
    if x0 < x1 and y0 < y1:
        scene[y0:y1, x0:x1] = actor[y0 - y : y1 - y, x0 - x : x1 - x]
    return scene


def film(
    path: Path,
    pictures: Iterable[Image],
    *,
    times: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    gop: int = 25,
    crf: int = 10,
    sound: str | None = None,
    settings: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    muxer: str | None = None,
    decorate: Callable[[Any], None] | None = None,
) -> Path:
    """Write pictures, (H, W, 3) uint8 BGR, as H.264 and perhaps a tone beside them.

    Args:
        times: of the frames, in units of the time base; None: 0, 1, 2, ...
        decorate: called with the open output, before anything is encoded.
    """
    pictures = iter(pictures)
    first = next(pictures)
    with av.open(str(path), "w", format=muxer, container_options=container or {}) as output:
        options = {"preset": "ultrafast", "crf": str(crf), **(settings or {})}
        stream = output.add_stream("libx264", rate=25, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = stream.time_base = time_base
        stream.codec_context.gop_size = gop
        track = output.add_stream(sound, rate=48000, layout="stereo") if sound else None
        if decorate:
            decorate(output)
        index = 0
        for picture in (first, *pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
            frame.pts, frame.time_base = times[index] if times else index, time_base
            output.mux(stream.encode(frame))
            index += 1
        output.mux(stream.encode(None))
        if track:
            assert isinstance(track, av.AudioStream)
            last = times[index - 1] if times else index
            _tone(output, track, float(last * time_base))
    return path


def _tone(output: Any, track: av.AudioStream, seconds: float) -> None:
    rate, step = 48000, 960
    for start in range(0, int(seconds * rate) + step, step):
        wave = np.sin(np.arange(start, start + step) * 0.05) * 0.2
        frame = av.AudioFrame.from_ndarray(
            np.stack([wave, wave]).astype(np.float32), format="fltp", layout="stereo"
        )
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        output.mux(track.encode(frame))
    output.mux(track.encode(None))


def lumas(path: Path) -> list[NDArray[np.int16]]:
    """The luma of every frame, (H, W)."""
    found = []
    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            plane = np.from_dlpack(frame.planes[0])
            found.append(plane[:, : frame.width].astype(np.int16))
    return found


def inside(luma: NDArray[Any], box: Box) -> NDArray[Any]:
    """The pixels that lie wholly in a box."""
    x0, y0, x1, y1 = box.as_tuple()
    return luma[int(-(-y0 // 1)) : int(y1), int(-(-x0 // 1)) : int(x1)]


def threads() -> list[str]:
    """Names of the threads of a run that are still there.

    Not the one that closes files nobody looks at any more: it lives as long as the process in which
    a preview was once made, and any test before this one may have made one.
    """
    names = (thread.name for thread in threading.enumerate())
    return [name for name in names if name.startswith("faceveil-") and name != "faceveil-shelf"]
