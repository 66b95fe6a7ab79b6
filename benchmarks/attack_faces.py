"""Faces to attack: what ships with scikit-image, a folder of people, or the tracks of videos.

    python benchmarks/attack_faces.py VIDEO... --out FOLDER

writes such a folder: one sub-folder a track that FaceVeil finds, its pictures named in order of
time. It holds people's faces; delete it when done with it.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from faceveil.frames import Image
from faceveil.geometry import Box

AROUND = 0.7
"""Pictures of a track show this share of the face's size on each side of it."""
GAP, OVERLAP = 12, 0.3
"""Frames between two sightings of a person, and how far their boxes must overlap."""
SIDE = 80.0
"""Faces are brought to this size in pixels, so that all of them are painted alike."""


class Portrait(NamedTuple):
    """A picture (H, W, 3) BGR with one face."""

    image: Image
    face: Box


def astronaut() -> Portrait:
    """NASA's portrait of Eileen Collins; the box is YuNet's."""
    from skimage.data import astronaut

    return Portrait(np.ascontiguousarray(astronaut()[..., ::-1]), Box(179, 68, 270, 184))


def lfw_subset() -> list[Portrait]:
    """The 100 faces of scikit-image's subset of LFW, 25 x 25 grey pixels each, no names.

    They are enlarged, and their edges drawn on outward to make room for margins. All have the
    same size and box.
    """
    from skimage.data import lfw_subset

    portraits = []
    for small in lfw_subset()[:100]:
        large = cv2.resize(small * 255, (125, 125), interpolation=cv2.INTER_CUBIC)
        grey = np.rint(large).clip(0, 255).astype(np.uint8)
        image = cv2.cvtColor(np.pad(grey, 64, mode="edge"), cv2.COLOR_GRAY2BGR)
        portraits.append(Portrait(np.asarray(image), Box(82, 77, 172, 187)))
    return portraits


def views_of_lfw(elsewhere: bool, count: int = 12) -> dict[str, list[Portrait]]:
    """Each face of the LFW subset as a person, seen ``count`` times.

    They stand in for several pictures of a person, which they are not. The face turns, leans, grows
    and is lit from one side, all at random.

    Args:
        elsewhere: more of all that, features move against each other, and what surrounds the face
            is another picture each time. False: the same picture is seen again.
    """
    random = np.random.default_rng(0)
    faces = [
        Portrait(np.ascontiguousarray(image[28:-28, 28:-28]), face.transformed(1, -28, -28))
        for image, face in lfw_subset()
    ]
    return {
        str(number): [_again(number, faces, elsewhere, random) for _ in range(count)]
        for number in range(len(faces))
    }


def _again(
    number: int, faces: Sequence[Portrait], elsewhere: bool, random: np.random.Generator
) -> Portrait:
    image, face = faces[number]
    height, width = image.shape[:2]
    much = 1.5 if elsewhere else 1.0
    matrix = cv2.getRotationMatrix2D(
        face.center, random.normal(0, 6 * much), random.normal(1, 0.04 * much)
    )
    lean, *shift = random.normal(0, [0.05 * much, 2 * much, 2 * much])
    matrix = matrix + np.array([[0, lean, shift[0]], [0, 0, shift[1]]])
    moved = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    if elsewhere:
        bend = cv2.resize(random.normal(0, 2.5, (6, 6, 2)), (width, height))
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        at_x, at_y = (x + bend[..., 0]).astype(np.float32), (y + bend[..., 1]).astype(np.float32)
        moved = cv2.remap(moved, at_x, at_y, cv2.INTER_LINEAR)
        other = faces[(number + int(random.integers(1, len(faces)))) % len(faces)].image
        oval = np.zeros((height, width), np.float32)
        axes = round(0.55 * face.width), round(0.58 * face.height)
        middle = round(face.center[0]), round(face.center[1])
        cv2.ellipse(oval, middle, axes, 0, 0, 360, 1.0, -1)
        share = np.asarray(cv2.GaussianBlur(oval, (0, 0), 3))[..., None]
        moved = moved * share + other * (1 - share)
    down, across = (np.linspace(-1, 1, n) for n in (height, width))
    slope = random.normal(0, 0.25 * much, 2)
    light = 1 + np.add.outer(slope[0] * down, slope[1] * across)[..., None]
    return Portrait(np.asarray((moved * light).clip(0, 255), np.uint8), face)


def normal(image: Image, face: Box) -> Portrait:
    """The surroundings of a face, at the size all faces are attacked at; edges drawn on."""
    scale = SIDE / face.size
    wide = face.padded(AROUND, AROUND, AROUND, AROUND)
    matrix = np.array([[scale, 0, -wide.x0 * scale], [0, scale, -wide.y0 * scale]])
    size = (round(wide.width * scale), round(wide.height * scale))
    if scale < 1:  # what the smaller picture cannot show would show up as false detail
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.5 / scale), np.uint8)
    moved = cv2.warpAffine(
        image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return Portrait(
        np.asarray(moved, np.uint8), face.transformed(scale, -wide.x0 * scale, -wide.y0 * scale)
    )


def people(folder: Path, fewest: int = 6) -> dict[str, list[Portrait]]:
    """The faces of a folder with one sub-folder a person, in order of their files' names.

    The face nearest to the middle of each picture is taken; pictures without one, and people with
    fewer than ``fewest`` pictures, are passed over.
    """
    from faceveil import media
    from faceveil.detect import load_detector, threshold
    from faceveil.options import Options

    options = Options(min_face=20, threads=1)
    detector = load_detector(options)
    floor = threshold(detector, options)
    found: dict[str, list[Portrait]] = {}
    for person in sorted(path for path in folder.iterdir() if path.is_dir()):
        portraits = []
        for path in sorted(person.iterdir()):
            with media.open_source(path, options) as source:
                frame = next(source.frames())
            faces = detector.detect(frame, floor)
            if faces:
                middle = frame.size[0] / 2, frame.size[1] / 2
                boxes = [face.box for face in faces]
                nearest = min(boxes, key=lambda box: math.dist(box.center, middle))
                portraits.append(normal(frame.image, nearest))
        if len(portraits) >= fewest:
            found[person.name] = portraits
    return found


def tracks(video: Path, seconds: float, smallest: float) -> Iterator[tuple[str, list[Image]]]:
    """Pictures of each person FaceVeil follows for long enough and large enough, in order of time.

    A picture shows the face where the detector found it, and AROUND of its size on each side.
    """
    from faceveil import media
    from faceveil.options import Options
    from faceveil.pipeline import analyze

    options = Options(min_face=20, threads=1)
    with media.open_source(video, options) as source:
        plan = analyze(source, options)
    lasting: dict[int, tuple[dict[int, Box], list[Image]]] = {}
    for track in plan.tracks:
        steady = longest_run({index: face.box for index, face in track.seen.items()})
        if not steady:
            continue
        span = float((plan.pts[max(steady)] - plan.pts[min(steady)]) * plan.time_base)
        if span >= seconds and np.median([box.size for box in steady.values()]) >= smallest:
            lasting[track.id] = steady, []
    with media.open_source(video, options) as source:
        for frame in source.frames():
            for steady, images in lasting.values():
                if frame.index in steady:
                    images.append(normal(frame.image, steady[frame.index]).image)
    for number, (_, images) in lasting.items():
        yield f"{video.stem}-{number}", images


def longest_run(seen: Mapping[int, Box]) -> dict[int, Box]:
    """The longest stretch in which a box never jumps: tracks may pass from person to person."""
    runs: list[dict[int, Box]] = [{}]
    for index in sorted(seen):
        if runs[-1]:
            last = max(runs[-1])
            if index - last > GAP or seen[index].iou(runs[-1][last]) < OVERLAP:
                runs.append({})
        runs[-1][index] = seen[index]
    return max(runs, key=len)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Make a folder of people from videos.")
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=1.5, help="shortest track")
    parser.add_argument("--smallest", type=float, default=36.0, help="smallest face in pixels")
    given = parser.parse_args(arguments)
    for video in given.videos:
        for name, images in tracks(video, given.seconds, given.smallest):
            folder = given.out / name
            folder.mkdir(parents=True, mode=0o700)
            for number, image in enumerate(images):
                (folder / f"{number:05}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
            print(f"{name}: {len(images)} pictures", flush=True)


if __name__ == "__main__":
    main()
