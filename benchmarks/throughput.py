"""Pictures a second for a folder, beside peers; peak memory, start-up, and one picture in memory.

    python benchmarks/throughput.py PICTURE... [--deface PYTHON] [--open-redactor PYTHON]
        [--copies N] [--runs N]

PICTURE is a picture or a folder of them; with ``--copies`` they are repeated until there are N
files. Whole command lines run in turn, N times each: `faceveil veil FOLDER -o OUT` at the default
and with ``--min-face 20``, and the peers' own on the same files, see peers.py. Medians are printed,
and the median of the ratios within a run, which is what counts on a machine that is not idle.

Memory is resident memory, sampled: the sum over all processes of a run, in which pages that they
share count once for each, and the largest process alone.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import psutil

import faceveil
import peers
from faceveil import Options
from faceveil.frames import Image

FACEVEIL = (sys.executable, "-m", "faceveil")
SMALLEST = 20
"""The ``--min-face`` of the second row: what deface's users who only care for portraits need."""
SIZE = (1024, 768)
TIMES = 9
EIGHT, CORES = 8, len(os.sched_getaffinity(0))
CALLS = ((0, 1), (1, CORES), (1, EIGHT), (0, EIGHT))
"""For calls in threads: the setting, and how many are made at a time; the first is one by one."""
SAMPLE_SECONDS = 0.05
MIB = 1 << 20


@dataclass(frozen=True)
class Run:
    """The resources that one command took. Memory in MiB."""

    seconds: float
    processor: float
    together: float
    largest: float
    written: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE")
    peers.add_options(parser, commands=True)
    parser.add_argument("--copies", type=int, help="repeat the pictures up to this many files")
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    pictures = list_files(args.pictures)
    count = args.copies or len(pictures)
    runs: dict[str, list[Run]] = {}
    others = peers.chosen(args)
    for _ in range(args.runs):
        for name in ("faceveil", f"--min-face {SMALLEST}", *others):
            with tempfile.TemporaryDirectory() as folder:
                files = fill(Path(folder) / "in", pictures, count)
                command, out, pattern = command_line(name, files, others.get(name))
                runs.setdefault(name, []).append(measure(command, out, pattern))
    show(runs, count)
    print(f"faceveil --help: {start_up():.2f} s (median of {TIMES})")
    picture = np.asarray(cv2.resize(np.asarray(cv2.imread(str(pictures[0]))), SIZE), np.uint8)
    for options in (Options(check="off"), Options(min_face=SMALLEST, check="off")):
        name = "default" if options.min_face is None else f"min_face {SMALLEST}"
        print(f"veil_image {SIZE[0]}x{SIZE[1]}, {name}: {warm(picture, options):.0f} ms")
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    together = [calls(data, threads=threads, at_once=at_once) for threads, at_once in CALLS]
    for (threads, at_once), seconds in zip(CALLS, together, strict=True):
        print(
            f"{EIGHT} calls of veil_bytes, {at_once} at once, threads={threads}: {seconds:.2f} s, "
            f"{together[0] / seconds:.2f} times as fast"
        )


def list_files(given: list[Path]) -> list[Path]:
    """The JPEG files among what was given."""
    found = itertools.chain.from_iterable(
        sorted(path.iterdir()) if path.is_dir() else [path] for path in given
    )
    files = [path for path in found if path.suffix.lower() in {".jpg", ".jpeg"}]
    if not files:
        raise SystemExit("no JPEG files there")
    return files


def fill(folder: Path, pictures: list[Path], count: int) -> list[Path]:
    """A folder with so many files, the pictures in turn."""
    folder.mkdir()
    files = []
    for number, picture in zip(range(count), itertools.cycle(pictures), strict=False):
        files.append(folder / f"{number:04}.jpg")
        shutil.copyfile(picture, files[-1])
    return files


def command_line(name: str, files: list[Path], python: str | None) -> tuple[list[str], Path, str]:
    """The command to run, and folder and pattern of the files it writes."""
    folder = files[0].parent
    out = folder.with_name("out")
    if python:
        return peers.album(name, python, files, out)
    knobs = name.split() if name.startswith("-") else []
    return [*FACEVEIL, "veil", str(folder), "-o", str(out), *knobs], out, "*.jpg"


def measure(command: list[str], out: Path, pattern: str) -> Run:
    """Run a command to its end, looking at its processes' memory all the time."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tree = psutil.Process(process.pid)
    together = largest = 0.0
    while True:
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        if done:
            break
        sizes = [resident(one) for one in family(tree)]
        together, largest = max(together, sum(sizes)), max(largest, *sizes, 0.0)
        time.sleep(SAMPLE_SECONDS)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    written = len(list(out.glob(pattern)))
    if not written:
        raise SystemExit(
            f"{' '.join(command[:4])} ended with {process.returncode} and wrote nothing"
        )
    return Run(wall, usage.ru_utime + usage.ru_stime, together / MIB, largest / MIB, written)


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process with all below it."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def resident(process: psutil.Process) -> float:
    """Resident bytes; 0 once it has ended."""
    try:
        return float(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0.0


def show(runs: dict[str, list[Run]], count: int) -> None:
    print(f"{count} pictures{'a second':>23}{'processor s':>13}{'MiB in all':>12}{'largest':>9}")
    for name, done in runs.items():
        speed, processor, together, largest, written = (
            statistics.median(column)
            for column in zip(
                *((count / r.seconds, r.processor, r.together, r.largest, r.written) for r in done),
                strict=True,
            )
        )
        short = "" if written == count else f"   only {written:.0f} written"
        print(f"  {name:20}{speed:10.2f}{processor:13.1f}{together:12.0f}{largest:9.0f}{short}")
    measured = [name for name in runs if name in peers.NAMES]
    for name, peer in itertools.product(runs.keys() - measured, measured):
        ratios = [
            theirs.seconds / ours.seconds
            for ours, theirs in zip(runs[name], runs[peer], strict=True)
        ]
        print(f"  {name} / {peer}: {statistics.median(ratios):.2f}", flush=True)


def calls(data: bytes, *, threads: int, at_once: int) -> float:
    """Median seconds of eight calls of `faceveil.veil_bytes`, so many of them at a time."""
    veil = partial(faceveil.veil_bytes, threads=threads)
    veil(data)
    times = []
    for _ in range(TIMES):
        started = time.perf_counter()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(veil, [data] * EIGHT))
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def start_up() -> float:
    """Median seconds of ``faceveil --help``."""
    times = []
    for _ in range(TIMES):
        started = time.perf_counter()
        subprocess.run([*FACEVEIL, "--help"], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def warm(picture: Image, options: Options) -> float:
    """Median milliseconds of `faceveil.veil_image` once everything is loaded."""
    faceveil.veil_image(picture, options)
    times = []
    for _ in range(TIMES):
        started = time.perf_counter()
        faceveil.veil_image(picture, options)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    main()
