"""An accelerator beside the processor: photos and videos, what is found, where it ran, memory.

    python benchmarks/accelerator.py FILE... --device cuda
    python benchmarks/accelerator.py FILE... --device cuda --also cudnn_conv_algo_search=EXHAUSTIVE

FILE is a picture or a clip. Every row is a process of its own: the processor with all threads and
with two, and the device; ``--also`` adds the device with another setting of ONNX Runtime's, which
goes to the search and not to the whole command.

Pictures are looked at as they are and enlarged to 12 megapixels, at the default, with
``--min-face 8`` and thorough. The first call is told apart, in which the device starts and finds
ways to compute; the others are a median, and their worst. Of clips, the search alone is timed and
then the whole command, in seconds and in seconds of processor time. "same" counts the faces, or
boxes of a clip, that the processor's first row has too (IoU of 0.5), and gives the least IoU.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

import faceveil
from faceveil import Device, Options
from faceveil.detect import runtime
from faceveil.faces import pairwise_iou
from faceveil.frames import Image

SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "min_face 8": {"min_face": 8.0},
    "thorough": {"sensitivity": "thorough"},
}
PICTURES = {".jpg", ".jpeg", ".png"}
LARGE = 12e6
SAME_IOU = 0.5

T = TypeVar("T")
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--runs", type=int, default=5, help="calls for each picture")
    parser.add_argument("--brief", action="store_true", help="pictures as they are, at the default")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.task:
        print(json.dumps(work(**json.loads(args.task))))
        return
    print(card() or "no card that nvidia-smi knows of")
    for path in args.files:
        for task in tasks(path, args):
            compare(task, args)


def tasks(path: Path, args: argparse.Namespace) -> Iterator[Row]:
    if path.suffix.lower() not in PICTURES:
        yield {"path": str(path), "clip": True}
        return
    for large in (False,) if args.brief else (False, True):
        for name in ["default"] if args.brief else SETTINGS:
            yield {"path": str(path), "large": large, "name": name, "runs": args.runs}


def compare(task: Row, args: argparse.Namespace) -> None:
    """Do one task in every way, and print a row for each."""
    size = " at 12 megapixels" if task.get("large") else ""
    print(f"\n{Path(task['path']).name}{size}, {task.get('name', 'default')}", flush=True)
    ways: list[Row] = [{"device": "cpu", "threads": threads} for threads in (0, 2)]
    ways.append({"device": args.device})
    ways += [{"device": args.device, "also": dict([one.split("=", 1)])} for one in args.also]
    first: Row | None = None
    for way in ways:
        command = [sys.executable, __file__, task["path"], "--task", json.dumps(task | way)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        label = " ".join(str(value) for value in way.values())
        if done.returncode:
            print(f"  {label:40} failed: {done.stderr.strip()[-300:]}", flush=True)
            continue
        *noise, last = done.stdout.splitlines()
        row = json.loads(last)
        first = first or row
        print(f"  {label:40} {told(row)}; {agreement(row, first)}", flush=True)
        if noise or done.stderr:
            print(f"    and said: {noise} {done.stderr.strip()[-300:]}")


def told(row: Row) -> str:
    """The measurements of one process, in words."""
    memory = f", {row['memory']} of the card's" if row["memory"] else ""
    if "first" in row:
        rest = f"first {row['first']:.0f} ms, then {row['then']:.0f}, at worst {row['worst']:.0f}"
    else:
        search, command = row["search"], row["command"]
        rest = (
            f"search {search[0]:.2f} s ({search[1]:.2f} of processors), "
            f"whole {command[0]:.2f} s ({command[1]:.2f})"
        )
    return f"{rest}; {row['detector']}{memory}"


def agreement(row: Row, first: Row) -> str:
    """The number of boxes that two rows have in common."""
    shared, worst = 0, 1.0
    for frame, boxes in first["boxes"].items():
        others = row["boxes"].get(frame, [])
        if boxes and others:
            best = pairwise_iou(np.array(boxes), np.array(others)).max(axis=1)
            shared += int((best >= SAME_IOU).sum())
            worst = min([worst, *best[best >= SAME_IOU].tolist()])
    mine, theirs = (sum(map(len, one["boxes"].values())) for one in (row, first))
    return f"{mine} boxes, {shared} of {theirs} the same, least IoU {worst:.3f}"


def work(path: str, device: Device, threads: int = 0, also: Row | None = None, **task: Any) -> Row:
    """Measure one task in this process."""
    for settings in runtime._SETTINGS.values():
        settings.update(also or {})
    options = Options(device=device, threads=threads, **SETTINGS[task.get("name", "default")])
    row = clip(path, options) if task.get("clip") else picture(path, options, **task)
    return row | {"memory": memory()}


def picture(path: str, options: Options, runs: int, large: bool, name: str) -> Row:
    image = np.asarray(cv2.imread(path), np.uint8)
    if large:
        factor = (LARGE / (image.shape[0] * image.shape[1])) ** 0.5
        image = np.asarray(cv2.resize(image, None, fx=factor, fy=factor), np.uint8)
    found, first = timed(lambda: faceveil.find_faces(image, options))
    rest = [timed(lambda: faceveil.find_faces(image, options))[1][0] for _ in range(runs)]
    return {
        "first": first[0] * 1000,
        "then": statistics.median(rest) * 1000,
        "worst": max(rest) * 1000,
        "boxes": {"0": found.boxes.tolist()},
        "detector": where(image, options),
    }


def where(image: Image, options: Options) -> str:
    """The name of the detector in the report."""
    data = cv2.imencode(".jpg", image[:512, :512])[1].tobytes()
    return faceveil.veil_bytes(data, options, check="off").report.detector


def clip(path: str, options: Options) -> Row:
    plan, search = timed(lambda: faceveil.analyze_file(path, options))
    boxes: dict[str, list[tuple[float, ...]]] = {}
    for track in plan.tracks:
        for frame, face in track.seen.items():
            boxes.setdefault(str(frame), []).append(face.box.as_tuple())
    with tempfile.TemporaryDirectory() as folder:
        knobs = ["--device", options.device, "--threads", str(options.threads)]
        command = [sys.executable, "-m", "faceveil", "veil", path, "-o", f"{folder}/out.mp4"]
        report = Path(folder, "report.json")
        before = os.times()
        subprocess.run([*command, *knobs, "--report", str(report)], check=True, capture_output=True)
        after = os.times()
        told_of = json.loads(report.read_text())
    processor = after.children_user + after.children_system
    processor -= before.children_user + before.children_system
    return {
        "search": search,
        "command": (after.elapsed - before.elapsed, processor),
        "boxes": boxes,
        "detector": told_of["detector"],
    }


def timed(call: Callable[[], T]) -> tuple[T, tuple[float, float]]:
    """A result, and the seconds and seconds of processor time that it took."""
    wall, processor = time.perf_counter(), time.process_time()
    result = call()
    return result, (time.perf_counter() - wall, time.process_time() - processor)


def card() -> str:
    return asked_of_card("name,driver_version,memory.total")


def memory() -> str:
    """Memory of the card in use now, with what others use."""
    return asked_of_card("memory.used")


def asked_of_card(query: str) -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    command: Sequence[str] = (program, f"--query-gpu={query}", "--format=csv,noheader")
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    main()
