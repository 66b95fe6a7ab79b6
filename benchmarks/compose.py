"""Videos with exact ground truth, composed from pictures that ship with scikit-image.

One real face, NASA's portrait of Eileen Collins (public domain), moves over photographs without
people: in and out at every edge, growing and shrinking from 20 to 300 px, turning, mirrored,
blurred by its own motion, behind something for up to 12 frames, in dark and noisy scenes, across
hard cuts. As every face is placed, where it is and how much of it shows is known exactly.

    python benchmarks/compose.py OUT.mp4 --seed 1 --frames 250
    python benchmarks/compose.py OUT.mp4 --scene dark

That is the scene "mixed"; scenes.py tells of the others, which are harder.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from actors import FACE, Actor, Layer, Matrix, Random, Scene, head
from faceveil.frames import Image
from faceveil.geometry import Box
from scenes import MIXED, SCENES, SIZE, Story, story

MUST_FRACTION = 0.5
MUST_SIZE = 20.0
MILLISECOND = Fraction(1, 1000)
VISIBLE = (0.02, 4.0)
"""Light in which a face shows: below it all is black, and above it nothing but white."""


class Truth(NamedTuple):
    """One face in one frame.

    Attributes:
        face: number of the face, unique in the video.
        box: bounding box of what shows of it, in pixels.
        fraction: share of the face that shows, 0 to 1; less while it fades.
        size: side in pixels of the square with the area of the whole face.
    """

    face: int
    box: Box
    fraction: float
    size: float

    @property
    def must(self) -> bool:
        """Whether leaving this face uncovered is a leak."""
        return self.fraction >= MUST_FRACTION and self.size >= MUST_SIZE


def compose(told: Story, seed: int) -> Iterator[tuple[Image, list[Truth]]]:
    """Compose a video. The same arguments give the same pixels.

    Yields:
        (H, W, 3) uint8 BGR and what shows of each face in it.
    """
    random = np.random.default_rng([seed, 1])
    for number in range(told.scenes[-1].end):
        scenes = [scene for scene in told.scenes if scene.first <= number < scene.end]
        shots = [_shoot(scene, number - scene.first, told.size, random) for scene in scenes]
        if len(shots) == 1:
            yield shots[0]
        else:
            begin, end = scenes[1].first, scenes[0].end
            yield _faded(shots[0], shots[1], (number + 1 - begin) / (end + 1 - begin))


def write(
    path: Path,
    seed: int,
    frames: int = 250,
    size: tuple[int, int] = SIZE,
    fps: int = 25,
    tone: bool = False,
    scene: str = MIXED,
) -> Path:
    """Write a composed video (H.264, crf 18) and its ground truth.

    Args:
        size: width and height in pixels.
        fps: frames a second of the scene "mixed", whose speeds are per second.
        tone: add an AAC track with a tone of 440 Hz.
        scene: one of ``scenes.SCENES``.

    Returns:
        The path of the truth: JSON with ``width``, ``height``, ``fps``, ``cuts`` and for each
        frame a list of [face, x0, y0, x1, y1, fraction, size].
    """
    import av

    truths: list[list[list[float]]] = []
    told = story(scene, seed, frames, size, fps)
    fps = told.fps
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=fps, options={"crf": "18"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        audio = container.add_stream("aac", rate=48000, layout="mono") if tone else None
        if told.times:
            video.time_base = video.codec_context.time_base = MILLISECOND
        for number, (image, truth) in enumerate(compose(told, seed)):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            if told.times:
                frame.pts, frame.time_base = told.times[number], MILLISECOND
            container.mux(video.encode(frame))
            truths.append([[t.face, *t.box.as_tuple(), t.fraction, t.size] for t in truth])
        container.mux(video.encode(None))
        if audio is not None:
            for start in range(0, int(frames / fps * 48000), 1024):
                phase = 2 * np.pi * 440 * np.arange(start, start + 1024) / 48000
                block = (0.2 * np.sin(phase)).astype(np.float32)[None]
                samples = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
                samples.sample_rate, samples.pts = 48000, start
                container.mux(audio.encode(samples))
            container.mux(audio.encode(None))
    target = path.with_suffix(".json")
    facts = {"width": size[0], "height": size[1], "fps": fps, "cuts": told.cuts}
    target.write_text(json.dumps({**facts, "frames": truths}))
    return target


def read_truth(path: Path) -> tuple[dict[str, Any], list[list[Truth]]]:
    """The facts and the faces of a truth file."""
    facts = json.loads(path.read_text())
    rows = facts.pop("frames")
    return facts, [[Truth(int(r[0]), Box(*r[1:5]), r[5], r[6]) for r in row] for row in rows]


def _faded(
    one: tuple[Image, list[Truth]], other: tuple[Image, list[Truth]], share: float
) -> tuple[Image, list[Truth]]:
    """Two shots over each other, with this share of the second."""
    image = cv2.addWeighted(one[0], 1 - share, other[0], share, 0)
    truths = [
        truth._replace(fraction=truth.fraction * part)
        for (_, shown), part in ((one, 1 - share), (other, share))
        for truth in shown
    ]
    return np.asarray(image, np.uint8), sorted(truths)


def _shoot(
    scene: Scene, time: int, size: tuple[int, int], random: Random
) -> tuple[Image, list[Truth]]:
    """Take one picture of a scene."""
    share = time / max(1, scene.end - scene.first)
    at = scene.drift[0] * (1 - share) + scene.drift[1] * share
    shift = np.array([[1.0, 0.0, -at[0]], [0.0, 1.0, -at[1]]])
    view = cv2.warpAffine(scene.background, shift, size, flags=cv2.INTER_LINEAR)
    canvas: Layer = view.astype(np.float32)
    showing: list[tuple[Actor, Layer]] = []
    # The nearer face is the larger one and is painted later.
    present = (actor for actor in scene.actors if actor.is_there(time))
    for actor in sorted(present, key=lambda actor: actor.pose(time)[2]):
        layers = _layers(actor, time, size, scene.shutter)
        if layers is not None:
            (left, top, right, bottom), color, opacity, face = layers
            part = canvas[top:bottom, left:right]
            part *= 1 - opacity[..., None]
            part += color
            for _, mask in showing:
                mask[top:bottom, left:right] *= 1 - opacity
            own = np.zeros(canvas.shape[:2], np.float32)
            own[top:bottom, left:right] = face
            showing.append((actor, own))
        for left, top, right, bottom in _panel(actor, time, size):
            # Stripes, so that the panel has a texture.
            canvas[top:bottom, left:right] = (70, 90, 110)
            canvas[top:bottom, left:right:9] = (50, 60, 70)
            for _, mask in showing:
                mask[top:bottom, left:right] = 0
    canvas *= scene.light[time]
    if scene.noise:
        canvas += scene.noise * random.standard_normal(canvas.shape, np.float32)
    truths = [truth for actor, mask in showing for truth in _judge(actor, time, mask)]
    if not VISIBLE[0] <= scene.light[time] <= VISIBLE[1]:
        truths = [truth._replace(fraction=0.0) for truth in truths]
    return np.clip(canvas, 0, 255).astype(np.uint8), sorted(truths)


def _layers(
    actor: Actor, time: float, size: tuple[int, int], shutter: float
) -> tuple[tuple[int, int, int, int], Layer, Layer, Layer] | None:
    """One face in the frame, or None if it is beyond it.

    Args:
        shutter: share of the time between two frames during which it is open.

    Returns:
        Where (left, top, right, bottom in the frame), and cut to there: colour times opacity,
        opacity, and the mask of the face.
    """
    x, y, face_size, _ = actor.pose(time)
    move = np.subtract(actor.pose(time + shutter / 2)[:2], actor.pose(time - shutter / 2)[:2])
    radius = math.ceil(1.4 * face_size + float(np.abs(move).max())) + 2
    x0, y0 = math.floor(x) - radius, math.floor(y) - radius
    left, top = max(0, x0), max(0, y0)
    right, bottom = min(size[0], x0 + 2 * radius), min(size[1], y0 + 2 * radius)
    if left >= right or top >= bottom:
        return None
    picture, masks = head(actor.yaw(time))
    matrix = actor.placement(time)
    matrix[:, 2] -= (x0, y0)
    scale = face_size / FACE.size
    if scale < 0.7:
        # Shrunk by area first, or small faces would be made of a few unlucky pixels.
        small = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
        ratio = np.array([picture.shape[1] / small[0], picture.shape[0] / small[1]])
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA).astype(np.float32)
        masks = cv2.resize(masks, small, interpolation=cv2.INTER_AREA).astype(np.float32)
        turn = matrix[:, :2]
        # Pixel centres lie at +0.5: a map between two grids shifts by half of the difference.
        matrix = np.column_stack([turn * ratio, matrix[:, 2] + turn @ ((ratio - 1) / 2)])
    area = (2 * radius, 2 * radius)
    color = cv2.warpAffine(picture, matrix, area, flags=cv2.INTER_LINEAR)
    mask = cv2.warpAffine(masks, matrix, area, flags=cv2.INTER_LINEAR)
    opacity = np.ascontiguousarray(mask[..., 0])
    if np.hypot(*move) > 1.5:
        kernel = _smear(move)
        color, opacity = cv2.filter2D(color, -1, kernel), cv2.filter2D(opacity, -1, kernel)
    cut = (slice(top - y0, bottom - y0), slice(left - x0, right - x0))
    return (
        (left, top, right, bottom),
        color[cut].astype(np.float32),
        opacity[cut].astype(np.float32),
        mask[..., 1][cut].astype(np.float32),
    )


def _smear(move: Matrix) -> Layer:
    """Kernel of a straight motion by ``move`` pixels."""
    half = math.ceil(float(np.abs(move).max()) / 2) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for share in np.linspace(-0.5, 0.5, 4 * half + 1):
        kernel[half + round(share * move[1]), half + round(share * move[0])] += 1
    kernel /= kernel.sum()
    return kernel


def _panel(actor: Actor, time: float, size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """The panel that hides a face: left, top, right, bottom; nothing if it is away.

    It slides past the face at its own width per hidden time, so that less than half of the face
    shows during just that time.
    """
    if actor.hidden is None:
        return
    middle, frames = actor.hidden
    x, y, face_size, _ = actor.pose(time)
    width, height = 1.3 * face_size, 2.4 * face_size
    offset = (time - middle) / frames * width
    if abs(offset) > 2.5 * face_size:
        return
    left, right = np.clip([x + offset - width / 2, x + offset + width / 2], 0, size[0])
    top, bottom = np.clip([y - height / 2, y + height / 2], 0, size[1])
    yield round(left), round(top), round(right), round(bottom)


def _judge(actor: Actor, time: float, mask: Layer) -> Iterator[Truth]:
    """The visible parts of one face."""
    face_size = actor.pose(time)[2]
    whole = math.pi / 4 * FACE.width * FACE.height * (face_size / FACE.size) ** 2
    fraction = min(1.0, float(mask.sum()) / whole)
    rows, columns = np.nonzero((mask > 0.5).any(axis=1))[0], np.nonzero((mask > 0.5).any(axis=0))[0]
    if rows.size:
        box = Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
        yield Truth(actor.number, box, fraction, face_size)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Compose a video with exact ground truth.")
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=250)
    parser.add_argument("--size", type=int, nargs=2, default=SIZE, metavar=("W", "H"))
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--tone", action="store_true", help="add a sound track")
    parser.add_argument("--scene", choices=SCENES, default=MIXED)
    given = parser.parse_args(arguments)
    size = tuple(given.size)
    told = write(given.output, given.seed, given.frames, size, given.fps, given.tone, given.scene)
    print(told)


if __name__ == "__main__":
    main()
