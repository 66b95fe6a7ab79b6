"""Leaked frames: composed videos with exact ground truth, FaceVeil and deface in turn.

A frame leaks a face if at least half of the face shows, the face measures 20 px or more, and less
than 90 % of the box of what shows lies inside the painted regions.

    python benchmarks/leaks.py --videos 8                      # the faceveil command
    python benchmarks/leaks.py --scene all --videos 1          # what is hard, see scenes.py
    python benchmarks/leaks.py --mode track --every 3          # detector and tracker alone
    python benchmarks/leaks.py --deface path/to/its/python     # with the peer, 1.5.0

FaceVeil's regions come from its report. deface has none, so its own functions give them, run by
its own interpreter: detection, threshold and scaling as its command line does. It paints an
ellipse in the box by default; counting the whole box is in its favour.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from compose import read_truth, write
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.options import Options
from faceveil.plan import Face
from leak_score import Regions, Score, boxes_of, score
from scenes import MIXED, SCENES

DEFACE = """
import json, sys
import imageio.v2, numpy as np
from deface.centerface import CenterFace
from deface.deface import scale_bb
find = CenterFace(in_shape=None, backend="auto")
painted = {}
for index, frame in enumerate(imageio.v2.get_reader(sys.argv[1]).iter_data()):
    faces, _ = find(frame, threshold=0.2)
    height, width = frame.shape[:2]
    boxes = []
    for face in faces:
        x0, y0, x1, y1 = scale_bb(*face[:4].astype(int), 1.3)
        box = [max(0, x0), max(0, y0), min(width - 1, x1), min(height - 1, y1)]
        if box[0] < box[2] and box[1] < box[3]:
            boxes.append([int(side) for side in box])
    painted[index] = boxes
json.dump(painted, open(sys.argv[2], "w"))
"""


def faceveil_regions(video: Path, command: Sequence[str] = ("faceveil",)) -> Regions:
    """The areas that the faceveil command paints, from its report.

    Raises:
        RuntimeError: the command failed; its last words are in the message.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        output = Path(folder, "out.mp4")
        run = subprocess.run(
            [*command, "veil", str(video), "-o", str(output), "--report", str(report)],
            capture_output=True,
            text=True,
            check=False,
        )
        if not report.is_file():
            raise RuntimeError(f"faceveil ended with {run.returncode}: {run.stderr[-500:]}")
        facts = json.loads(report.read_text())
    return boxes_of(facts.get("regions", {}))


def deface_regions(video: Path, python: str) -> Regions:
    """The areas that deface's command line paints, by its own functions in its interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        painted = Path(folder, "painted.json")
        command = [python, "-W", "ignore", "-c", DEFACE, str(video), str(painted)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return boxes_of(json.loads(painted.read_text()))


def tracked_regions(
    video: Path,
    find: Callable[[Image], Sequence[Face]],
    strong: float,
    every: int,
    options: Options,
) -> Regions:
    """Detector and tracker alone: padded boxes of every track.

    Args:
        find: faces of one picture with a score of at least ``strong * options.weak_share``.
        every: the detector looks at every n-th frame and at the first of every scene.
    """
    import av
    import cv2

    from faceveil.track import THUMBNAIL, CutFinder, link, timeline

    finder, detections, pts = CutFinder(), {}, []
    width = height = 0
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        for index, frame in enumerate(container.decode(stream)):
            image = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            height, width = image.shape[:2]
            gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            fresh = finder.feed(cv2.resize(gray, THUMBNAIL, interpolation=cv2.INTER_AREA))
            pts.append(frame.pts or 0)
            if fresh or index % every == 0:
                detections[index] = find(image)
        base = stream.time_base
    tracks = link(
        detections,
        timeline(pts, base or 1),
        width=width,
        height=height,
        strong=strong,
        weak=strong * options.weak_share,
        options=options,
        cuts=finder.cuts,
    )
    regions: dict[int, list[Box]] = {}
    side, top, bottom = options.margin_side, options.margin_top, options.margin_bottom
    for track in tracks:
        for index, box in track.boxes.items():
            padded = box.padded(side, top, side, bottom).clipped(width, height)
            if padded is not None:
                regions.setdefault(index, []).append(padded)
    return regions


def _contestants(given: argparse.Namespace) -> Iterator[tuple[str, Callable[[Path], Regions]]]:
    if given.mode == "track":
        from faceveil.detect import load_detector, threshold

        options = Options()
        detector = load_detector(options, "video")
        strong = threshold(detector, options)

        def find(image: Image) -> Sequence[Face]:
            return detector.detect(Frame(0, image), strong * options.weak_share)

        name = f"track every {given.every}"
        yield name, lambda video: tracked_regions(video, find, strong, given.every, options)
    else:
        yield "faceveil", lambda video: faceveil_regions(video, given.faceveil.split())
    if given.deface:
        yield "deface", lambda video: deface_regions(video, given.deface)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Count the frames in which a face leaks.")
    parser.add_argument("--videos", type=int, default=6, help="how many to compose of each scene")
    parser.add_argument("--seed", type=int, default=1, help="of the first one")
    parser.add_argument("--frames", type=int, default=250, help="in each")
    parser.add_argument(
        "--scene",
        choices=(*SCENES, "all"),
        default=MIXED,
        help="what happens in them, see scenes.py; all: each",
    )
    parser.add_argument("--mode", choices=("command", "track"), default="command")
    parser.add_argument("--every", type=int, default=1, help="track only: frames per look")
    beside = shutil.which("faceveil", path=str(Path(sys.executable).parent))
    parser.add_argument("--faceveil", default=beside or "faceveil", help="command to run")
    parser.add_argument("--deface", metavar="PYTHON", help="interpreter that has deface 1.5.0")
    given = parser.parse_args(arguments)
    contestants = list(_contestants(given))
    for scene in SCENES if given.scene == "all" else (given.scene,):
        totals = {name: Score() for name, _ in contestants}
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(given.seed, given.seed + given.videos):
                video = Path(folder, f"{seed}.mp4")
                facts, truths = read_truth(write(video, seed, given.frames, scene=scene))
                for name, regions in contestants:
                    result = score(facts, truths, regions(video))
                    totals[name] += result
                    if given.videos > 1:
                        print(f"{scene}, seed {seed}  {name}: {result}", flush=True)
        for name, total in totals.items():
            print(f"{scene}  {name}: {total}", flush=True)


if __name__ == "__main__":
    main()
