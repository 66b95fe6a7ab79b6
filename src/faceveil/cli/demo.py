"""A sample photo and clip with known faces, to see FaceVeil work before you use it on your own.

The only person in it is the astronaut Eileen Collins (NASA, public domain), from the portrait
beside this module, which is a part of the picture that comes with scikit-image.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceveil.errors import OutputError
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.i18n import reason_of, say
from faceveil.options import Options
from faceveil.report import Report

SIZE = (1280, 800)
"""Width and height of the sample photo."""
VIEW, FRAMES, RATE = (640, 400), 100, 25
"""The clip: width and height, number of frames, frames a second."""

_PORTRAIT = (90, 20, 370, 370)
"""Head and shoulders in the astronaut picture: x0, y0, x1, y1."""
_FACE = Box(180.0, 68.0, 270.0, 184.0)
"""Forehead to chin, ear to ear, in the astronaut picture."""

_PRINTS = (
    # centre x, centre y, height, turn in degrees, mirrored
    (250.0, 330.0, 500.0, -7.0, False),
    (640.0, 250.0, 340.0, 5.0, True),
    (590.0, 590.0, 230.0, -11.0, False),
    (930.0, 190.0, 190.0, 9.0, False),
    (1120.0, 330.0, 130.0, -5.0, True),
    (880.0, 480.0, 100.0, 12.0, False),
    (1130.0, 610.0, 240.0, 3.0, True),
    (800.0, 690.0, 80.0, -4.0, True),
)
"""Photographs lying on a table."""
_PAPER = 14
"""Width of the white edge of a print, in pixels of the astronaut picture."""

_Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Sample:
    """A file that the demo made.

    Attributes:
        before, after: the file, and its obscured version.
        faces: how many there are; ``covered``: how many of them lie under paint, whole, in every
            frame that shows them whole.
    """

    before: Path
    after: Path
    faces: int
    covered: int
    report: Report


def run(folder: Path, options: Options | None = None) -> tuple[Sample, Sample]:
    """Write a photo and a clip into ``folder``, obscure them, and count the faces covered.

    Raises:
        OutputError: the folder cannot be written to.
        FaceVeilError: what `faceveil.pipeline.veil_file` raises.
    """
    import cv2

    scene, faces = compose()
    photo, clip = folder / "before.jpg", folder / "before.mp4"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        photo.write_bytes(cv2.imencode(".jpg", scene)[1].tobytes())
        _write(clip, pan(scene))
    except OSError as error:
        raise OutputError(
            say("cannot write to {path}: {reason}", path=folder, reason=reason_of(error))
        ) from error
    seen = {index: _seen(faces, view) for index, view in enumerate(views())}
    return (
        _veil(photo, {0: dict(enumerate(faces))}, options or Options()),
        _veil(clip, seen, options or Options()),
    )


def _veil(before: Path, seen: Mapping[int, Mapping[int, Box]], options: Options) -> Sample:
    """Obscure a sample.

    Args:
        seen: frame -> number of each face that shows whole, and where.
    """
    from faceveil.pipeline import veil_file

    after = before.with_stem("after")
    after.unlink(missing_ok=True)
    report = veil_file(before, after, options)
    faces = {number for shown in seen.values() for number in shown}
    bare = {
        number
        for index, shown in seen.items()
        for number, face in shown.items()
        if not any(_holds(box, face) for box in report.regions.get(index, ()))
    }
    return Sample(before, after, len(faces), len(faces - bare), report)


def views() -> Iterator[Box]:
    """The part of the photo in each frame of the clip: a camera swings over the table."""
    width, height = VIEW
    for index in range(FRAMES):
        turn = math.pi * index / (FRAMES - 1)
        x = round((SIZE[0] - width) / 2 + 300 * math.cos(turn))
        y = round((SIZE[1] - height) / 2 + 180 * math.sin(turn))
        yield Box(x, y, x + width, y + height)


def pan(scene: Image) -> Iterator[Image]:
    """The frames of the clip, (H, W, 3) uint8 BGR."""
    for view in views():
        x0, y0, x1, y1 = (int(value) for value in view.as_tuple())
        yield np.ascontiguousarray(scene[y0:y1, x0:x1])


def _seen(faces: Sequence[Box], view: Box) -> dict[int, Box]:
    """The faces that a view shows whole, by number, where they are in it."""
    moved = (face.transformed(1.0, -view.x0, -view.y0) for face in faces)
    frame = Box(0.0, 0.0, view.width, view.height)
    return {number: face for number, face in enumerate(moved) if _holds(frame, face)}


def _write(path: Path, pictures: Iterable[Image]) -> None:
    """Encode the clip."""
    import av

    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast"})
        stream.width, stream.height = VIEW
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        file.mux(stream.encode(None))


def compose() -> tuple[Image, list[Box]]:
    """Photographs on a table: (H, W, 3) uint8 BGR, and the upright box of each face."""
    paper = portrait()
    width, height = SIZE
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    light = 1.1 - np.hypot(columns - width / 3, rows - height / 3) / width
    grain = np.sin(rows / 5 + 6 * np.sin(columns / 320)) * 5
    wood = np.array([70.0, 105.0, 150.0], np.float32)  # BGR
    scene: _Floats = (wood + grain[..., None]) * light[..., None]
    faces = []
    for x, y, tall, turn, mirrored in _PRINTS:
        scene, face = _lay(scene, paper, (x, y), tall, turn, mirrored)
        faces.append(face)
    return np.clip(scene, 0, 255).astype(np.uint8), faces


def _lay(
    scene: _Floats,
    portrait: Image,
    center: tuple[float, float],
    tall: float,
    turn: float,
    mirrored: bool,
) -> tuple[_Floats, Box]:
    """Lay one print on the table: the new scene and the box around the turned face."""
    import cv2

    paper = cv2.copyMakeBorder(portrait, *(_PAPER,) * 4, cv2.BORDER_CONSTANT, value=(245, 250, 250))
    face = _FACE.transformed(1.0, _PAPER - _PORTRAIT[0], _PAPER - _PORTRAIT[1])
    if mirrored:
        paper = cv2.flip(paper, 1)
        face = Box(paper.shape[1] - face.x1, face.y0, paper.shape[1] - face.x0, face.y1)
    scale = tall / paper.shape[0]
    paper = cv2.resize(paper, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    face = face.transformed(scale)

    high, wide = paper.shape[:2]
    place = cv2.getRotationMatrix2D((wide / 2, high / 2), turn, 1.0).astype(np.float64)
    place[:, 2] += np.array((center[0] - wide / 2, center[1] - high / 2))
    below = place.copy()
    below[:, 2] += np.array((0.015, 0.025)) * tall
    whole = np.ones((high, wide), np.float32)
    shadow = cv2.GaussianBlur(cv2.warpAffine(whole, below, SIZE), (0, 0), 0.02 * tall)
    alpha = cv2.warpAffine(whole, place, SIZE)[..., None]
    laid = cv2.warpAffine(paper, place, SIZE, flags=cv2.INTER_CUBIC)
    scene = scene * (1 - 0.5 * shadow[..., None])
    scene = scene * (1 - alpha) + laid * alpha

    corners = np.array([(x, y, 1.0) for x in (face.x0, face.x1) for y in (face.y0, face.y1)])
    turned = corners @ place.T
    (x0, y0), (x1, y1) = turned.min(0), turned.max(0)
    return scene, Box(float(x0), float(y0), float(x1), float(y1))


def portrait() -> Image:
    """Head and shoulders, as NASA published them."""
    import cv2

    data = Path(__file__).with_name("portrait.webp").read_bytes()
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.ascontiguousarray(picture, np.uint8)


def _holds(outer: Box, inner: Box) -> bool:
    # The box of a turned face has corners that are no part of it.
    return outer.intersection(inner) >= 0.95 * inner.area
