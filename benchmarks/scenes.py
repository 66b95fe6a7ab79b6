"""The composed videos: what happens in each (see compose.py, which takes the pictures).

``mixed`` is a bit of everything. The others each show one thing that is hard to find, or that a
program which looks now and then would miss:

- ``time-lapse``: a still camera; two people at new places every 9 frames, there for 3 of them.
- ``rush``: a still camera, 60 frames a second; somebody passes it in 9 frames.
- ``dark``: the mean of the picture rises from 4 to 8 of 255.
- ``fades``: out of the black, from scene to scene, and into the black again.
- ``flashes``: again and again the light is several times as strong for one or two frames.
- ``texture``: a camera that pans over gravel, grass and bricks, past people who stand there.
- ``turning``: people who turn their backs to the camera and come round again.
- ``standing``: a recording of variable rate: while something tiny moves there are 30 frames a
  second, then one frame with a face stands for five seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

import cv2
import numpy as np

from actors import Actor, Matrix, Random, Scene, backgrounds, beyond, cast, direct, textures
from faceveil.frames import Image

SIZE = (960, 540)
MIXED = "mixed"


class Story(NamedTuple):
    """All of a video but its noise.

    Attributes:
        scenes: by their first frames.
        fps: frames a second.
        times: of the frames, in milliseconds; (): evenly.
    """

    scenes: list[Scene]
    size: tuple[int, int]
    fps: int = 25
    times: tuple[int, ...] = ()

    @property
    def cuts(self) -> list[int]:
        """Frames at which a new scene begins at once."""
        ends = {scene.end for scene in self.scenes}
        return [scene.first for scene in self.scenes[1:] if scene.first in ends]


def story(scene: str, seed: int, frames: int, size: tuple[int, int] = SIZE, fps: int = 25) -> Story:
    """Decide everything that happens.

    Args:
        scene: one of ``SCENES``.
        fps: frames a second of ``mixed``; the others have their own.
    """
    if scene == MIXED:
        return Story(direct(seed, frames, size, fps), size, fps)
    return HARD[scene](np.random.default_rng([seed, *scene.encode()]), frames, size)


def _time_lapse(random: Random, frames: int, size: tuple[int, int]) -> Story:
    actors: list[Actor] = []
    for start in range(0, frames, 9):
        for side in (0.0, 0.5):
            at = random.uniform((side + 0.08, 0.15), (side + 0.42, 0.85)) * size
            actors.append(_stander(random, len(actors), at, (start, start + 3)))
    return Story([still(random, frames, size, actors)], size, 30)


def _rush(random: Random, frames: int, size: tuple[int, int]) -> Story:
    actors = []
    for number, start in enumerate(range(20, frames, 40)):
        face = float(random.uniform(45, 90))
        edges = random.permutation([[0, 1], [1, 0], [2, 3]])[0].tolist()
        way = np.array([beyond(random, edge, size, face) for edge in edges])
        actors.append(_walker(random, number, way, start, 9.0, face))
    # In sunlight: what passes is hardly blurred.
    return Story([replace(still(random, frames, size, actors), shutter=0.1)], size, 60)


def _dark(random: Random, frames: int, size: tuple[int, int]) -> Story:
    actors = [cast(random, number, frames, size, 25) for number in range(3)]
    scene = still(random, frames, size, actors, noise=1.0)
    light = np.linspace(4, 8, frames) / scene.background.mean()
    return Story([replace(scene, light=tuple(light.tolist()))], size)


def _fades(random: Random, frames: int, size: tuple[int, int]) -> Story:
    over = min(20, frames // 8)
    starts = [0, frames // 3, 2 * frames // 3]
    scenes: list[Scene] = []
    for first, end in zip(starts, [*(start + over for start in starts[1:]), frames], strict=True):
        actors = [cast(random, 10 * len(scenes) + n, end - first, size, 25) for n in range(3)]
        scenes.append(replace(still(random, end - first, size, actors), first=first, end=end))
    rising = tuple(np.linspace(0, 1, over).tolist())
    scenes[0] = replace(scenes[0], light=rising + scenes[0].light[over:])
    scenes[-1] = replace(scenes[-1], light=scenes[-1].light[over:] + rising[::-1])
    return Story(scenes, size)


def _flashes(random: Random, frames: int, size: tuple[int, int]) -> Story:
    actors = [cast(random, number, frames, size, 25) for number in range(4)]
    light = np.full(frames, 0.7)
    for start in np.cumsum(random.integers(12, 36, frames // 12 + 1)).tolist():
        light[start : start + int(random.integers(1, 3))] = random.uniform(1.5, 3.5)
    scene = still(random, frames, size, actors)
    return Story([replace(scene, light=tuple(light.tolist()))], size)


def _texture(random: Random, frames: int, size: tuple[int, int]) -> Story:
    speed = float(random.uniform(6, 14))
    wide = round(size[0] + speed * frames) + 2
    tiles = [textures()[number] for number in random.permutation(len(textures()))]
    across = -(-wide // tiles[0].shape[1])
    ground = np.hstack([tiles[number % len(tiles)] for number in range(across)])
    ground = np.vstack([ground, ground[::-1]])[: size[1], :wide]
    way = np.array([[0.0, 0.0], [speed * frames, 0.0]])
    actors = []
    for number in range(max(2, wide // 450)):
        place = random.uniform((0, 0.2 * size[1]), (wide, 0.8 * size[1]))
        walk = random.uniform(-0.2, 0.2, 2) * size[1]
        path = np.array([place - way[0], place + walk - way[1]])
        face = float(random.uniform(25, 110))
        actors.append(_walker(random, number, path, 0, float(frames), face))
    scene = Scene(0, frames, ground, way, (1.0,) * frames, 2.0, tuple(actors), shutter=0.2)
    return Story([scene], size)


def _turning(random: Random, frames: int, size: tuple[int, int]) -> Story:
    actors = []
    for number in range(3):
        at = random.uniform((0.1 + 0.3 * number, 0.2), (0.2 + 0.3 * number, 0.8)) * size
        way = np.array([at, at + random.uniform(-60, 60, 2)])
        actor = _walker(random, number, way, 0, float(frames), float(random.uniform(40, 110)))
        turns = float(random.uniform(40, 110)), float(random.uniform(0, 6.28))
        actors.append(replace(actor, turns=turns))
    return Story([still(random, frames, size, actors)], size)


def _standing(random: Random, frames: int, size: tuple[int, int]) -> Story:
    run = 12
    floor = np.array([(0.05, 0.95), (0.95, 0.95)]) * size
    actors, steps = [_walker(random, 0, floor, 0, float(frames), 8.0)], []
    for number in range(frames):
        stands = number % (run + 1) == run
        steps.append(5000 if stands else 33)
        if stands:
            at = random.uniform((0.1, 0.2), (0.9, 0.8)) * size
            actors.append(_stander(random, len(actors), at, (number, number + 1)))
    times = tuple(accumulate(steps[:-1], initial=0))
    return Story([still(random, frames, size, actors, noise=0.0)], size, 30, times)


HARD: dict[str, Callable[[Random, int, tuple[int, int]], Story]] = {
    "time-lapse": _time_lapse,
    "rush": _rush,
    "dark": _dark,
    "fades": _fades,
    "flashes": _flashes,
    "texture": _texture,
    "turning": _turning,
    "standing": _standing,
}
SCENES = (MIXED, *HARD)


def passers(random: Random, frames: int, size: tuple[int, int], fps: int) -> list[Actor]:
    """People who walk past, one every four seconds, each for eight to twelve."""
    actors: list[Actor] = []
    for start in range(0, max(1, frames - 10 * fps), 4 * fps):
        face = float(random.uniform(30, 80))
        edges = random.permutation(2).tolist()
        way = np.array([beyond(random, edge, size, face) for edge in edges])
        way[1, 1] = way[0, 1]
        span = float(random.uniform(8, 12)) * fps
        actors.append(_walker(random, len(actors), way, start, span, face))
    return actors


def still(
    random: Random,
    frames: int,
    size: tuple[int, int],
    actors: list[Actor],
    noise: float = 2.0,
) -> Scene:
    """A camera that does not move."""
    pictures = backgrounds()
    picture = pictures[int(random.integers(len(pictures)))]
    zoom = max(size[0] / picture.shape[1], size[1] / picture.shape[0])
    ground = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
    place = np.zeros((2, 2))
    background: Image = np.asarray(ground, np.uint8)
    return Scene(0, frames, background, place, (1.0,) * frames, noise, tuple(actors))


def _stander(
    random: Random, number: int, at: Matrix, shown: tuple[int, int], face: float = 60.0
) -> Actor:
    """Somebody who is in one place for some frames."""
    actor = _walker(random, number, np.array([at, at]), shown[0], 1.0, face)
    return replace(actor, shown=shown)


def _walker(
    random: Random, number: int, way: Matrix, begin: float, span: float, face: float
) -> Actor:
    """Somebody upright, of one size."""
    return Actor(
        number=number,
        way=way,
        span=span,
        begin=begin,
        sizes=(face, face),
        roll=(math.radians(float(random.uniform(0, 12))), 60.0, float(random.uniform(0, 6.28))),
        sway=(0.0, 50.0, 0.0),
        mirrored=bool(random.random() < 0.5),
    )
