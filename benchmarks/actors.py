"""The people in a composed video, their paths, and their pictures (see compose.py)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Image
from faceveil.geometry import Box

Matrix = NDArray[np.float64]
Layer = NDArray[np.float32]
Random = np.random.Generator

HEAD = (140, 5, 315, 205)
"""x0, y0, x1, y1 of the head with its hair in the 512 px portrait."""
FACE = Box(180.0, 72.0, 271.0, 180.0)
"""The face in it: hairline to chin, ear to ear, as the labels of WIDER FACE draw it."""
HAIR = (227.0, 105.0, 76.0, 92.0)
"""Centre and half axes of the ellipse that is cut out and pasted."""
FRONT = 0.85
"""Radians from the middle of the face up to where a head that turns has hair."""

SMALLEST, LARGEST = 20.0, 300.0
HIDDEN_FRAMES = 12
AUDITIONS = 50
"""Ways tried for a face that does not stay behind another for longer than that."""


@dataclass(frozen=True)
class Actor:
    """One face and its way through one scene. Times count in frames from the scene's first.

    Attributes:
        number: unique in the video.
        way: (2, 2) start and end of its centre, pixels, beyond the picture to enter or leave.
        span: frames between the two.
        begin: the time at which it is at the start of the way.
        sizes: face size in pixels at start and end.
        roll: amplitude in radians, period in frames and phase of the head's swing.
        sway: amplitude in pixels, period and phase of the movement across the way.
        mirrored: left and right exchanged.
        hidden: time at which a panel passes in front of it and for how many frames, or None.
        shown: times from which and up to which it is there, or None: always.
        turns: period in frames and phase with which it turns to show the back of the head and
            comes round again, or None.
    """

    number: int
    way: Matrix
    span: float
    begin: float
    sizes: tuple[float, float]
    roll: tuple[float, float, float]
    sway: tuple[float, float, float]
    mirrored: bool
    hidden: tuple[float, float] | None = None
    shown: tuple[float, float] | None = None
    turns: tuple[float, float] | None = None

    def is_there(self, time: float) -> bool:
        return self.shown is None or self.shown[0] <= time < self.shown[1]

    def yaw(self, time: float) -> int | None:
        """By how many degrees the head is turned: 0 to the camera, 180 away; None: it never is."""
        if self.turns is None:
            return None
        return round(90 - 90 * math.cos(2 * math.pi * time / self.turns[0] + self.turns[1]))

    def pose(self, time: float) -> tuple[float, float, float, float]:
        """Centre x and y, face size and roll at a moment."""
        share = (time - self.begin) / self.span
        (x0, y0), (x1, y1) = self.way.tolist()
        length = math.hypot(x1 - x0, y1 - y0) or 1.0
        wave = self.sway[0] * math.sin(2 * math.pi * time / self.sway[1] + self.sway[2])
        x = x0 + (x1 - x0) * share - wave * (y1 - y0) / length
        y = y0 + (y1 - y0) * share + wave * (x1 - x0) / length
        mix = min(max(share, 0.0), 1.0)
        size = self.sizes[0] * (self.sizes[1] / self.sizes[0]) ** mix
        roll = self.roll[0] * math.sin(2 * math.pi * time / self.roll[1] + self.roll[2])
        return x, y, size, roll

    def placement(self, time: float) -> Matrix:
        """(2, 3) affine map from pixels of ``head()`` to pixels of the frame."""
        x, y, size, roll = self.pose(time)
        scale = size / FACE.size
        cos, sin = scale * math.cos(roll), scale * math.sin(roll)
        turn = np.array([[cos, -sin], [sin, cos]]) @ np.diag([-1.0 if self.mirrored else 1.0, 1.0])
        center = (FACE.center[0] - HEAD[0], FACE.center[1] - HEAD[1])
        return np.column_stack([turn, np.array([x, y]) - turn @ center])


@dataclass(frozen=True)
class Scene:
    """The frames between two cuts, or two fades.

    Attributes:
        first, end: frames of the video, half-open. It fades over into a scene that begins earlier
            than it ends.
        background: larger than the picture; the view drifts over it.
        drift: (2, 2) upper left corner of the view in the first frame and in the last.
        light: brightness of each frame, 1 is daylight.
        noise: standard deviation, of 255.
        shutter: share of the time between two frames during which it is open.
    """

    first: int
    end: int
    background: Image
    drift: Matrix
    light: tuple[float, ...]
    noise: float
    actors: tuple[Actor, ...]
    shutter: float = 0.5


@cache
def _library() -> Any:
    from skimage import data

    return data


@cache
def head(yaw: int | None = None) -> tuple[Layer, Layer]:
    """The head: BGR times opacity (H, W, 3), and (H, W, 2) its opacity and the face's mask.

    Args:
        yaw: degrees, 0 to 180, by which it is turned away, as an ellipsoid with hair at the back;
            None: the picture as it is.
    """
    if yaw is not None:
        return _turned(yaw)
    x0, y0, x1, y1 = HEAD
    picture = _library().astronaut()[y0:y1, x0:x1, ::-1].astype(np.float32)
    row, column = np.mgrid[y0:y1, x0:x1] + 0.5

    def ellipse(cx: float, cy: float, rx: float, ry: float, soft: float) -> NDArray[np.float64]:
        away = np.hypot((column - cx) / rx, (row - cy) / ry)
        inside: NDArray[np.float64] = np.clip((1 - away) * min(rx, ry) / soft + 0.5, 0, 1)
        return inside

    hair = ellipse(*HAIR, soft=4.0)
    face = ellipse(*FACE.center, FACE.width / 2, FACE.height / 2, soft=1.0)
    return picture * hair[..., None].astype(np.float32), np.dstack([hair, face]).astype(np.float32)


def _turned(yaw: int) -> tuple[Layer, Layer]:
    picture, masks = head()
    opacity = masks[..., :1]
    row, column = (np.indices(opacity.shape[:2]) + 0.5).astype(np.float32)
    middle, height = HAIR[0] - HEAD[0], (row - (HAIR[1] - HEAD[1])) / HAIR[3]
    radius = HAIR[2] * np.sqrt(np.clip(1 - height**2, 0.01, 1))
    around = np.arcsin(np.clip((column - middle) / radius, -1, 1)) + math.radians(yaw)
    front = np.abs(around) < FRONT
    source = (middle + radius * np.sin(around) - 0.5).astype(np.float32), row - 0.5
    plain = np.divide(picture, opacity, where=opacity > 0, out=np.zeros_like(picture))
    skin = cv2.remap(plain, *source, cv2.INTER_LINEAR)
    strands = 120 + 25 * np.sin(column + 2 * np.sin(row / 9))
    hair = strands[..., None] * (0.55, 0.8, 1.0)
    color = np.where(front[..., None], skin, hair) * opacity
    face = cv2.remap(np.ascontiguousarray(masks[..., 1]), *source, cv2.INTER_LINEAR) * front
    return color.astype(np.float32), np.dstack([opacity, face]).astype(np.float32)


@cache
def backgrounds() -> tuple[Image, ...]:
    """Photographs without people."""
    data = _library()
    pictures = (data.coffee(), data.rocket(), data.chelsea(), data.stereo_motorcycle()[0])
    return tuple(np.ascontiguousarray(picture[..., ::-1]) for picture in pictures)


@cache
def textures() -> tuple[Image, ...]:
    """Gravel, grass and bricks, (512, 512, 3), each in a colour of its own."""
    data = _library()
    found = []
    for gray, tint in (
        (data.gravel(), (1.0, 1.0, 1.0)),
        (data.grass(), (0.5, 1.0, 0.7)),
        (data.brick(), (0.6, 0.7, 1.0)),
    ):
        found.append((gray[..., None] * np.array(tint)).astype(np.uint8))
    return tuple(found)


def direct(seed: int, frames: int, size: tuple[int, int], fps: float) -> list[Scene]:
    """Decide everything that happens in a video but its noise."""
    random = np.random.default_rng([seed, 0])
    count = max(1, min(3, frames // 80))
    starts = [round(frames * (n + random.uniform(-0.15, 0.15)) / count) for n in range(1, count)]
    pictures = random.permutation(len(backgrounds()))
    scenes: list[Scene] = []
    number = 0
    for index, (first, end) in enumerate(zip([0, *starts], [*starts, frames], strict=True)):
        actors: list[Actor] = []
        for _ in range(random.integers(2, 5)):
            candidates = (
                cast(random, number + len(actors), end - first, size, fps) for _ in range(AUDITIONS)
            )
            fit = (actor for actor in candidates if not _eclipsed(actor, actors, end - first))
            actors += list(islice(fit, 1))
        number += len(actors)
        picture = backgrounds()[pictures[index % len(pictures)]]
        zoom = 1.25 * max(size[0] / picture.shape[1], size[1] / picture.shape[0])
        background = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
        room = np.array([background.shape[1] - size[0], background.shape[0] - size[1]])
        drift = random.uniform(0, 1, (2, 2)) * room
        dark = random.random() < 0.35
        gain, noise = (random.uniform(0.25, 0.4), 5.0) if dark else (1.0, random.uniform(0, 3))
        light = (gain,) * (end - first)
        scenes.append(
            Scene(first, end, background.astype(np.uint8), drift, light, noise, tuple(actors))
        )
    return scenes


def cast(random: Random, number: int, frames: int, size: tuple[int, int], fps: float) -> Actor:
    """Invent one face's way through a scene of so many frames."""
    limit = min(LARGEST, 0.6 * min(size))
    sizes = np.exp(random.uniform(np.log(SMALLEST), np.log(limit), 2))
    # In face sizes a second: from standing about to running past the camera.
    speed = math.exp(random.uniform(math.log(0.5), math.log(7.0))) * float(sizes.mean()) / fps
    middle = float(random.uniform(0.15, 0.85)) * frames
    if random.random() < 0.6:
        reach = 1.6 * float(sizes.max())
        edges = random.permutation(4)[:2].tolist()
        way = np.array([beyond(random, edge, size, reach) for edge in edges])
        span = float(np.hypot(*(way[1] - way[0]))) / max(speed, 2.0)
        begin = middle - span / 2
    else:
        way = random.uniform(0.2, 0.8, (2, 2)) * size
        distance = float(np.hypot(*(way[1] - way[0])))
        way[1] = way[0] + (way[1] - way[0]) * min(1.0, speed * frames / distance)
        span, begin = float(frames), 0.0
    period = float(random.uniform(1.0, 3.0)) * fps
    panel = float(random.integers(3, HIDDEN_FRAMES + 1))
    return Actor(
        number=number,
        way=way,
        span=span,
        begin=begin,
        sizes=(float(sizes[0]), float(sizes[1])),
        roll=(math.radians(random.uniform(0, 30)), period, float(random.uniform(0, 6.28))),
        sway=(
            float(random.uniform(0, 0.6) * sizes.min()),
            0.8 * period,
            float(random.uniform(0, 6.28)),
        ),
        mirrored=bool(random.random() < 0.5),
        hidden=(middle, panel) if random.random() < 0.5 else None,
    )


def _eclipsed(actor: Actor, others: list[Actor], frames: int) -> bool:
    """Whether it and another stay in each other's way for longer than a panel would."""
    for other in others:
        run = 0
        for time in range(frames):
            x0, y0, a, _ = actor.pose(time)
            x1, y1, b, _ = other.pose(time)
            # The heads with their hair are nearly twice as wide as the faces.
            run = run + 1 if math.hypot(x1 - x0, y1 - y0) < 0.8 * (a + b) else 0
            if run > HIDDEN_FRAMES:
                return True
    return False


def beyond(random: Random, edge: int, size: tuple[int, int], reach: float) -> tuple[float, float]:
    """A point outside one of the four edges."""
    width, height = size
    along = float(random.uniform(0.15, 0.85))
    return (
        (-reach, along * height),
        (width + reach, along * height),
        (along * width, -reach),
        (along * width, height + reach),
    )[edge]
