"""Many files: how it scales with processes, what --resume and Ray cost, what a million would.

    python benchmarks/batch.py --photos 1000 --workers 1 2
    python benchmarks/batch.py --photos 200 --ray
    python benchmarks/batch.py --split film.mp4 --video crowd_1080p.mp4

Photos are the astronaut of scikit-image (NASA, public domain) and pictures without people, at
sizes from 640 to 2048 pixels, as JPEG, PNG and WebP. A long video with known faces is made by
compose.py.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
from skimage import data

from faceveil.batch import Manifest, Processes, find_files, veil_files
from faceveil.errors import WithheldError
from faceveil.options import Options
from faceveil.pipeline import analyze_file, veil_file
from faceveil.report import Report

SIZES = (640, 1024, 1600, 2048)
FORMATS = (".jpg", ".jpg", ".jpg", ".png", ".webp")
MIB = 1 << 20
HOUR = 3600.0


def photos(folder: Path, count: int, shrink: float) -> None:
    """Mixed photos, two of three with a face; every one has bytes of its own."""
    scenes = [data.astronaut(), data.astronaut(), data.coffee()]
    for number in range(count):
        scene = scenes[number % 3][..., ::-1]
        side = SIZES[number % len(SIZES)]
        scale = side / shrink / max(scene.shape[:2])
        picture = cv2.resize(scene, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        picture[:4, :4] = np.random.default_rng(number).integers(0, 256, (4, 4, 3))
        target = folder / f"{number % 10}" / f"{number:05d}{FORMATS[number % len(FORMATS)]}"
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), picture)


class Peak:
    """The use of resources by the processes below this one while the block ran.

    Attributes:
        mib: the most memory that any one of them had to itself, in MiB.
        cpu: seconds of processor time of all together. On a busy machine it tells more than wall
            time does.
    """

    def __enter__(self) -> Peak:
        self.mib = 0.0
        self._cpu: dict[tuple[int, float], float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._stop.wait(0.2):
            for process in me.children(recursive=True):
                try:
                    memory = process.memory_full_info().uss
                    times = process.cpu_times()
                    key = process.pid, process.create_time()
                    self._cpu[key] = times.user + times.system
                except psutil.Error:
                    continue
                self.mib = max(self.mib, memory / MIB)

    @property
    def cpu(self) -> float:
        return sum(self._cpu.values())

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def run(
    folder: Path, out: Path, executor: Any, options: Options, manifest: Path | None = None
) -> tuple[float, int]:
    """Seconds and faces of one run over a folder."""
    started = time.perf_counter()
    jobs = find_files([folder], options)
    resume = manifest is not None and manifest.exists()
    done = Manifest(manifest, options, resume=resume) if manifest else None
    faces = 0
    for one in veil_files(jobs, out, options, executor, manifest=done):
        if isinstance(one.outcome, Exception) and not isinstance(one.outcome, WithheldError):
            raise one.outcome
        faces += one.outcome.tracks if isinstance(one.outcome, Report) else 0
    return time.perf_counter() - started, faces


def photos_part(folder: Path, scratch: Path, workers: list[int]) -> None:
    options = Options(threads=1)
    count = sum(1 for _ in folder.rglob("*.*"))
    rates: dict[int, float] = {}
    cpu: dict[int, float] = {}
    for number in workers:
        with Peak() as peak:
            manifest = scratch / f"{number}.jsonl"
            out = scratch / f"{number}"
            seconds, faces = run(folder, out, Processes(number), options, manifest)
        rates[number], cpu[number] = count / seconds, peak.cpu
        print(
            f"{number} processes: {count} photos, {faces} faces, {seconds:.1f} s, "
            f"{rates[number]:.2f} photos/s, {peak.cpu:.1f} s of CPU, "
            f"peak {peak.mib:.0f} MiB a process"
        )
    first, last = min(workers), max(workers)
    print(
        f"from {first} to {last} processes: {rates[last] / rates[first]:.2f} times; by CPU time, "
        f"with nothing else on the machine: {last / first * cpu[first] / cpu[last]:.2f} times"
    )
    seconds, _ = run(folder, scratch / f"{last}", Processes(last), options, manifest)
    print(f"second run with --resume: {seconds:.2f} s")
    hours = 1e6 * cpu[last] / count / HOUR
    print(f"a million such photos, if all goes on as here: {hours:.0f} core hours")


def ray_part(folder: Path, scratch: Path, workers: int) -> None:
    from faceveil.batch.ray import Cluster

    options = Options(threads=1)
    with Peak() as base:
        plain, _ = run(folder, scratch / "plain", Processes(workers), options)
    started = time.perf_counter()
    with Peak() as above, Cluster("local", workers) as cluster:
        begun = time.perf_counter() - started
        ray, _ = run(folder, scratch / "ray", cluster, options)
    print(f"processes: {plain:.1f} s, {base.cpu:.1f} s of CPU")
    print(f"Ray: {ray:.1f} s and {begun:.1f} s to begin, {above.cpu:.1f} s of CPU")
    print(
        f"overhead: {100 * (ray / plain - 1):+.1f} %, {100 * (above.cpu / base.cpu - 1):+.1f} % CPU"
    )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photos", type=int, default=0)
    parser.add_argument("--shrink", type=float, default=1.0, help="divides the photos' sizes")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--split", type=Path, help="a video to scan in four parts and in one")
    parser.add_argument("--video", type=Path, help="a 1080p video to measure")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faceveil-bench-") as name:
        scratch = Path(name)
        if asked.photos:
            photos(scratch / "photos", asked.photos, asked.shrink)
            part = ray_part if asked.ray else photos_part
            part(scratch / "photos", scratch, max(asked.workers) if asked.ray else asked.workers)
        if asked.split:
            video_parts(asked.split)
        if asked.video:
            video_cost(asked.video, scratch)


def video_parts(path: Path) -> None:
    one_s, one = timed(lambda: analyze_file(path, Options()))
    four_s, four = timed(
        lambda: analyze_file(path, Options(parts=4), executor=Processes(os.cpu_count() or 1))
    )
    seconds = float((one.pts[-1] - one.pts[0]) * one.time_base)
    print(f"{seconds:.0f} s of video, {len(one.tracks)} tracks, {len(one.cuts)} cuts")
    print(f"in one: {one_s:.1f} s; in four parts: {four_s:.1f} s; plans equal: {one == four}")


def video_cost(path: Path, scratch: Path) -> None:
    before = time.process_time()
    seconds, report = timed(lambda: veil_file(path, scratch / "out.mp4"))
    used = time.process_time() - before
    plan = analyze_file(path)
    length = float((plan.pts[-1] - plan.pts[0]) * plan.time_base)
    print(f"{report.frames} frames, {length:.1f} s of video: {seconds:.1f} s, {used:.1f} s of CPU")
    print(f"an hour of such video: {used / length:.2f} core hours")


if __name__ == "__main__":
    main()
