"""Share of faces covered, false area and time for a picture, beside deface.

    python benchmarks/coverage.py DIR [--deface PYTHON] [--detectors a,b] [--curve FILE.svg]

DIR holds pictures and, unless none of them shows a face, ``labels.json``:
{name: {"boxes": [[x0, y0, x1, y1]]}}. A face counts as covered when at least 90 % of its box lies
inside a painted region. Its size is the square root of its area. False area is what is painted
outside all boxes grown by half their size on each side, as a share of all pixels. Pictures whose
name begins with ``orig_`` are counted apart. PYTHON is an interpreter with deface 1.5.0.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceveil import media, region
from faceveil.detect import BUILT_IN, load_detector, threshold
from faceveil.errors import FaceVeilError
from faceveil.options import Options
from faceveil.types import Face

Mask = NDArray[np.bool_]
SMALL = 10.0
COVERED = 0.9
SWEEP = [round(x, 2) for x in np.arange(0.2, 0.81, 0.05)]


@dataclass
class Picture:
    path: Path
    boxes: list[list[float]]


@dataclass
class Score:
    covered: int = 0
    faces: int = 0
    covered_small: int = 0
    faces_small: int = 0
    false_pixels: int = 0
    pixels: int = 0
    false_regions: int = 0

    def add(self, picture: Picture, mask: Mask, pieces: int) -> None:
        height, width = mask.shape
        near = np.zeros_like(mask)
        for x0, y0, x1, y1 in picture.boxes:
            w, h = x1 - x0, y1 - y0
            inside = mask[max(0, int(y0)) : int(np.ceil(y1)), max(0, int(x0)) : int(np.ceil(x1))]
            covered = bool(inside.size) and bool(inside.mean() >= COVERED)
            if (w * h) ** 0.5 >= SMALL:
                self.faces += 1
                self.covered += covered
            else:
                self.faces_small += 1
                self.covered_small += covered
            near[
                max(0, int(y0 - h / 2)) : int(np.ceil(y1 + h / 2)),
                max(0, int(x0 - w / 2)) : int(np.ceil(x1 + w / 2)),
            ] = True
        self.false_pixels += int((mask & ~near).sum())
        self.pixels += height * width
        if not picture.boxes:
            self.false_regions += pieces

    @property
    def missed(self) -> float:
        return 1 - self.covered / max(self.faces, 1)

    @property
    def false_area(self) -> float:
        return 100 * self.false_pixels / max(self.pixels, 1)

    def __str__(self) -> str:
        return (
            f"{self.covered:4}/{self.faces:<4} {self.covered / max(self.faces, 1):6.3f}"
            f"   {self.covered_small:4}/{self.faces_small:<4}"
            f" {self.covered_small / max(self.faces_small, 1):6.3f}   {self.false_area:5.2f} %"
            f"   {self.false_regions:3}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--deface", help="an interpreter in which deface is installed")
    parser.add_argument("--detectors", default="auto," + ",".join(BUILT_IN))
    parser.add_argument("--min-face", type=float)
    parser.add_argument("--curve", type=Path, help="write thresholds against misses as a plot")
    args = parser.parse_args()
    groups = read_folder(args.folder)
    print(f"{'':24}{'faces >= 10 px':>15}{'< 10 px':>19}{'false area':>14} regions   ms")
    curves = {}
    for name, pictures in groups.items():
        for detector in args.detectors.split(","):
            options = Options(detector=detector, min_face=args.min_face)
            try:
                at = threshold(load_detector(options), options)
            except FaceVeilError as error:
                print(f"{name} {detector}: {error}")
                continue
            found, times = detect(pictures, options, at)
            show(name, detector, score(pictures, found, at, options), times)
            if args.curve:
                found, _ = detect(pictures, options, SWEEP[0])
                curves[name, detector] = [score(pictures, found, s, options) for s in SWEEP]
        if args.deface:
            peer, times = deface(pictures, args.deface)
            show(name, "deface", peer, times)
            curves[name, "deface"] = [peer]
    if args.curve:
        plot(curves, args.curve)


def read_folder(folder: Path) -> dict[str, list[Picture]]:
    """The pictures of a folder; those called ``orig_*`` apart from the others."""
    labels = folder / "labels.json"
    known = json.loads(labels.read_text()) if labels.exists() else {}
    groups: dict[str, list[Picture]] = {}
    for path in sorted(folder.iterdir()):
        if path == labels or not path.is_file():
            continue
        group = "orig" if path.name.startswith("orig_") else "small" if known else "pictures"
        groups.setdefault(group, []).append(
            Picture(path, known.get(path.name, {}).get("boxes", []))
        )
    if set(groups) == {"small"}:
        groups = {"all": groups["small"]}
    return groups


def detect(
    pictures: list[Picture], options: Options, floor: float
) -> tuple[list[tuple[int, int, list[Face]]], list[float]]:
    """(width, height, faces from a confidence on) and milliseconds of each picture."""
    detector = load_detector(options)
    found, times = [], []
    for picture in pictures:
        with media.open_source(picture.path, options) as source:
            frame = next(source.frames())
        if not found:
            detector.detect(frame, floor)
        started = time.perf_counter()
        faces = detector.detect(frame, floor)
        times.append((time.perf_counter() - started) * 1000)
        found.append((*frame.size, faces))
    return found, times


def score(
    pictures: list[Picture],
    found: list[tuple[int, int, list[Face]]],
    level: float,
    options: Options,
) -> Score:
    total = Score()
    for picture, (width, height, faces) in zip(pictures, found, strict=True):
        kept = [face for face in faces if face.score >= level]
        areas = region.regions(
            (region.Target(i, face.box) for i, face in enumerate(kept)), width, height, options
        )
        mask = np.zeros((height, width), bool)
        for area in areas:
            x0, y0, x1, y1 = map(int, area.box.as_tuple())
            mask[y0:y1, x0:x1] |= region.mask(area, options) == 255
        total.add(picture, mask, len(areas))
    return total


def deface(pictures: list[Picture], python: str) -> tuple[Score, list[float]]:
    total = Score()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, str(Path(__file__).with_name("deface_masks.py")), folder],
            input="\n".join(str(picture.path) for picture in pictures),
            capture_output=True,
            text=True,
            check=True,
        )
        for number, picture in enumerate(pictures):
            mask = np.load(Path(folder) / f"{number}.npy")
            total.add(picture, mask, _pieces(mask))
    return total, json.loads(done.stdout.splitlines()[-1])


def _pieces(mask: Mask) -> int:
    import cv2

    return int(cv2.connectedComponents(mask.astype(np.uint8))[0]) - 1


def show(group: str, name: str, total: Score, times: list[float]) -> None:
    print(f"{group + ' ' + name:24}{total}   {statistics.median(times):6.1f}", flush=True)


def plot(curves: dict[tuple[str, str], list[Score]], path: Path) -> None:
    """Misses against false area: one line a detector, a dot for deface at its default."""
    import matplotlib.pyplot as plt

    groups = list(dict.fromkeys(group for group, _ in curves))
    figure, axes = plt.subplots(1, len(groups), figsize=(5.5 * len(groups), 4.2), squeeze=False)
    for ax, group in zip(axes[0], groups, strict=True):
        for (of, name), scores in curves.items():
            if of == group and name != "auto":
                style = "kx" if name == "deface" else ".-"
                ax.plot(
                    [s.false_area for s in scores],
                    [100 * s.missed for s in scores],
                    style,
                    label="deface 1.5.0, default" if name == "deface" else name,
                )
                for level, s in zip(SWEEP, scores, strict=False):
                    if name != "deface" and round(level * 100) % 20 == 0:
                        ax.annotate(f"{level:.1f}", (s.false_area, 100 * s.missed), fontsize=7)
        ax.set(xlabel="false area, %", ylabel="faces of 10 px and more missed, %", title=group)
        ax.set_xlim(left=0)
        ax.set_ylim(bottom=0)
        ax.grid(alpha=0.3)
        ax.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
