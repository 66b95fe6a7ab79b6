"""A few figures that should not get worse, beside those of earlier versions; under a minute.

    python benchmarks/trend.py            # measure, and print with the history
    python benchmarks/trend.py --record   # add a line to the history, before a release

All input is made here. Times are given in units of a fixed piece of OpenCV work that is timed
in between, so that figures of different machines can stand in one table; still, trust a change only
if it is large, and if it shows again.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np

from compose import read_truth, write
from faceveil.cli import demo
from faceveil.frames import Image
from faceveil.in_memory import veil_image
from faceveil.options import Options
from faceveil.pipeline import analyze_file, veil_file
from leak_score import score

HISTORY = Path(__file__).with_name("trend.csv")
FRAMES, SEED = 50, 7
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--record", action="store_true", help="add the figures to the history")
    args = parser.parse_args()
    figures = measure()
    past = list(csv.DictReader(HISTORY.open())) if HISTORY.exists() else []
    rows = [*past[-6:], {"version": "now", **figures}]
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[-1]}
    print("  ".join(name.rjust(width) for name, width in widths.items()))
    for row in rows:
        print("  ".join(row[name].rjust(width) for name, width in widths.items()))
    if args.record:
        with HISTORY.open("a", newline="") as file:
            lines = csv.DictWriter(file, list(rows[-1]), lineterminator="\n")
            if not past:
                lines.writeheader()
            lines.writerow({"version": version("faceveil"), **figures})


def measure() -> dict[str, str]:
    """Name of each figure and its value, in the order of the table."""
    with tempfile.TemporaryDirectory() as folder:
        photo, film = demo.run(Path(folder) / "demo")
        picture = np.asarray(cv2.imread(str(photo.before)), np.uint8)
        plain, fast = Options(threads=1), Options(threads=1, min_face=20)
        clip = Path(folder) / "clip.mp4"
        facts, truths = read_truth(write(clip, SEED, FRAMES))
        out = clip.with_name("out.mp4")
        report = veil_file(clip, out, plain)
        leaks = score(facts, truths, report.regions)
        return {
            "demo": f"{photo.covered + film.covered}/{photo.faces + film.faces}",
            "leaked": f"{leaks.leaked}/{leaks.must}",
            "false area": f"{leaks.false / max(1, leaks.frames):.2%}",
            "photo": _units(lambda: veil_image(picture, plain, check="off")),
            "photo, min_face 20": _units(lambda: veil_image(picture, fast, check="off")),
            "video, analysis": _units(lambda: analyze_file(clip, plain)),
            "video": _units(lambda: veil_file(clip, out, plain)),
        }


def _units(work: Callable[[], object]) -> str:
    """Processor time of some work as a multiple of the yardstick's, median of several rounds."""
    work()
    ratios = []
    for _ in range(ROUNDS):
        unit = _seconds(_yardstick)
        ratios.append(_seconds(work) / ((unit + _seconds(_yardstick)) / 2))
    return f"{statistics.median(ratios):.2f}"


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _yardstick() -> Image:
    """About a tenth of a second of work of the kind that a network does."""
    image = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    for _ in range(4):
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 3.0), np.uint8)
    return image


if __name__ == "__main__":
    main()
