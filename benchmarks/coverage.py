"""Share of faces covered, false area and time for a picture, beside other programs.

    python benchmarks/coverage.py FOLDER [--deface PYTHON] [--open-redactor PYTHON] [--tutorial]
        [--detectors a,b] [--curve FILE.svg] [--compare FILE.svg]
        [--alone] [--sensitivity NAME | --confidence SCORE] [--enlarge N]

FOLDER holds pictures and, unless none of them shows a face, ``labels.json``:
{name: {"boxes": [[x0, y0, x1, y1]]}}. A face counts as covered when at least 90 % of its box lies
inside a painted region, and as half covered from 50 % on. Its size is the square root of its area.
False area is what is painted outside all boxes grown by half their size on each side, as a share of
all pixels. Pictures whose name begins with ``orig_`` are counted apart. Time is the processor's, on
one thread, median of all pictures, for finding faces and painting them, without reading and
writing. See peers.py for the other programs. ``--enlarge`` shows the same scenes with more pixels;
sizes of faces are still those of the pictures as they are.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

import peers
from coverage_plots import draw_comparison, draw_curves
from coverage_score import Mask, Picture, Score
from faceveil import media
from faceveil.detect import BUILT_IN, Detector, load_detector, load_judged, threshold
from faceveil.errors import FaceVeilError
from faceveil.frames import Frame
from faceveil.geometry import Region, Target
from faceveil.obscure import load_obscurer, paint, region
from faceveil.obscure.canvas import BgrCanvas
from faceveil.options import Options
from faceveil.plan import Face

Finds = list[tuple[int, int, Sequence[Face]]]
"""Width and height of each picture, and the faces in it from some confidence on."""
SWEEP = [round(x, 2) for x in np.arange(0.2, 0.81, 0.05)]
EDGES = (4, 6, 8, 10, 14, 20, 32)
"""Sizes of faces, in pixels, that are told apart."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    peers.add_options(parser)
    parser.add_argument("--detectors", default=",".join(BUILT_IN))
    parser.add_argument("--min-face", type=float)
    parser.add_argument("--alone", action="store_true", help="without a second network")
    parser.add_argument("--sensitivity", default="high")
    parser.add_argument("--confidence", type=float, help="instead of that of the sensitivity")
    parser.add_argument("--enlarge", type=int, default=1, help="each picture, so many times")
    parser.add_argument("--curve", type=Path, help="draw misses against false area")
    parser.add_argument("--compare", type=Path, help="draw coverage by size, and time")
    args = parser.parse_args()
    use_one_core()
    groups = read_folder(args.folder, args.enlarge)
    print(f"{'':24}{'faces >= 10 px':>15}{'half':>8}{'< 10 px':>19}{'false area':>14} regions   ms")
    curves: dict[tuple[str, str], list[Score]] = {}
    totals: dict[str, Score] = {}

    def tell(group: str, name: str, total: Score) -> None:
        print(f"{group + ' ' + name:24}{total}", flush=True)
        totals[name] = totals.get(name, Score()) + total

    for group, pictures in groups.items():
        for name in args.detectors.split(","):
            options = Options(
                detector=name,
                min_face=args.min_face,
                second_detector="none" if args.alone else "auto",
                sensitivity=args.sensitivity,
                confidence=args.confidence,
                threads=1,
            )
            try:
                at = threshold(loaded(options), options)
            except FaceVeilError as error:
                print(f"{group} {name}: {error}")
                continue
            tell(group, name, ours(pictures, options, at)(at))
            if args.curve:
                scored = ours(pictures, options, SWEEP[0])
                curves[group, name] = [scored(level) for level in SWEEP]
        for name, python in peers.chosen(args).items():
            try:
                peer = theirs(pictures, name, python)
            except peers.PeerError as error:
                print(f"{group} {name}: {error}")
                continue
            tell(group, name, peer)
            curves[group, name] = [peer]
    if any(total.faces for total in totals.values()):
        tell_sizes(totals)
    if args.curve:
        draw_curves(curves, SWEEP, args.curve)
    if args.compare:
        draw_comparison(totals, EDGES, args.compare)


def use_one_core() -> None:
    """One thread each, peers too: threads that wait for each other cost time as well."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def read_folder(folder: Path, enlarged: int = 1) -> dict[str, list[Picture]]:
    """The pictures of a folder; those called ``orig_*`` apart from the others.

    Args:
        enlarged: they are to be shown with so many times the width and height.
    """
    labels = folder / "labels.json"
    known = json.loads(labels.read_text()) if labels.exists() else {}
    groups: dict[str, list[Picture]] = {}
    for path in sorted(folder.iterdir()):
        if path == labels or not path.is_file():
            continue
        group = "orig" if path.name.startswith("orig_") else "small" if known else "pictures"
        boxes = [
            [side * enlarged for side in box] for box in known.get(path.name, {}).get("boxes", [])
        ]
        groups.setdefault(group, []).append(Picture(path, boxes, enlarged))
    if set(groups) == {"small"}:
        groups = {"all": groups["small"]}
    return groups


def ours(pictures: list[Picture], options: Options, floor: float) -> Callable[[float], Score]:
    """The cover of FaceVeil, as a function of the confidence from which a face counts."""
    detector, obscurer = loaded(options), load_obscurer(options)
    finds: Finds = []
    times = []
    for picture in pictures:
        with media.open_source(picture.path, options) as source:
            frame = next(source.frames())
        if picture.enlarged > 1:
            size = tuple(side * picture.enlarged for side in frame.size)
            large = cv2.resize(frame.image, size, interpolation=cv2.INTER_CUBIC)
            frame = Frame(0, np.asarray(large, np.uint8))
        canvas = BgrCanvas(frame.image.copy())
        if not finds:
            detector.detect(frame, floor)
        started = time.process_time()
        faces = detector.detect(frame, floor)
        areas = regions(faces, *frame.size, options)
        paint(canvas, areas, [region.mask(area, options) for area in areas], obscurer)
        times.append((time.process_time() - started) * 1000)
        finds.append((*frame.size, faces))

    def score(level: float) -> Score:
        total = Score(milliseconds=times)
        for picture, (width, height, faces) in zip(pictures, finds, strict=True):
            kept = [face for face in faces if face.score >= level]
            areas = regions(kept, width, height, options)
            mask = np.zeros((height, width), bool)
            for area in areas:
                x0, y0, x1, y1 = map(int, area.box.as_tuple())
                mask[y0:y1, x0:x1] |= region.mask(area, options) == 255
            total.add(picture, mask, len(areas))
        return total

    return score


def loaded(options: Options) -> Detector:
    return load_judged(options, load_detector(options))


def regions(faces: Sequence[Face], width: int, height: int, options: Options) -> list[Region]:
    targets = [Target(i, face.box) for i, face in enumerate(faces)]
    return region.regions(targets, width, height, options)


def theirs(pictures: list[Picture], name: str, python: str) -> Score:
    masks, times = peers.masks(name, python, [picture.path for picture in pictures])
    total = Score(milliseconds=times)
    for picture, mask in zip(pictures, masks, strict=True):
        total.add(picture, mask, _pieces(mask))
    return total


def _pieces(mask: Mask) -> int:
    import cv2

    return int(cv2.connectedComponents(mask.astype(np.uint8))[0]) - 1


def tell_sizes(totals: dict[str, Score]) -> None:
    """Faces covered by their size, all pictures together."""
    ranges = list(zip(EDGES, (*EDGES[1:], float("inf")), strict=True))
    names = [f"{low}-{high}" if high in EDGES else f"{low}+" for low, high in ranges]
    print("\ncovered, by size in px" + "".join(f"{name:>11}" for name in names))
    for name, total in totals.items():
        cells = ("{}/{}".format(*total.count(low, high)) for low, high in ranges)
        print(f"{name:22}" + "".join(f"{cell:>11}" for cell in cells))


if __name__ == "__main__":
    main()
