"""Frames a second of whole clips: decode and encode alone, FaceVeil, peers; stages; peak memory.

    python benchmarks/video.py CLIP... [--deface PYTHON] [--open-redactor PYTHON] [--runs N]
    python benchmarks/video.py CLIP... --fifth --still 60 --memory 10

Each runs as a process of its own, in turn, N times (peers once); medians are printed. "alone" is
fixed: it decodes with two threads, and encodes with x264 at veryfast and crf 20, with two threads,
through the library that FaceVeil uses, and does nothing else. See peers.py for the other programs;
open-redactor calls ffmpeg and ffprobe.

"stages" is FaceVeil once more, called as a library in a process of its own: the start of the
program, the search for faces, painting and writing, and the check of the finished file, each in
seconds and in seconds of processor time.

The size and the likeness to the input (PSNR of the luma outside the painted areas) of what FaceVeil
and "alone" wrote are compared, and the frames counted that are equal bit for bit.

``--fifth`` adds a clip with faces in a fifth of it for each clip, ``--still`` so many minutes of a
camera that stands still, and ``--memory`` the peak of so many minutes of 1080p and of a twentieth
of that in 4K, made of the largest clip (see clips.py).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import av
import numpy as np

import clips
import peers
from leak_score import Regions, boxes_of, raster

FACEVEIL = (sys.executable, "-m", "faceveil", "veil")

ALONE = """
import sys, av
source = av.open(sys.argv[1])
stream = source.streams.video[0]
stream.thread_type, stream.codec_context.thread_count = "AUTO", 2
sink = av.open(sys.argv[2], "w")
out = sink.add_stream("libx264", rate=stream.average_rate)
out.width, out.height, out.pix_fmt = stream.width, stream.height, "yuv420p"
out.time_base = out.codec_context.time_base = stream.time_base
out.codec_context.thread_count = 2
out.options = {"preset": "veryfast", "crf": "20"}
for frame in source.decode(stream):
    frame.pict_type = 0
    sink.mux(out.encode(frame))
sink.mux(out.encode(None))
sink.close()
"""
COUNT = "import sys, av; print(sum(1 for _ in av.open(sys.argv[1]).decode(video=0)))"

STAGES = """
import json, sys, time
import av, cv2, onnxruntime
import faceveil.cli
from faceveil.pipeline import veil_file

def note():
    marks.append((time.time() - float(sys.argv[3]), time.process_time()))

def step(stage, done, total):
    while len(marks) < ("analyze", "render", "check").index(stage) + 1:
        note()

marks = []
note()
veil_file(sys.argv[1], sys.argv[2], progress=step)
while len(marks) < 4:
    note()
print(json.dumps(marks))
"""
STAGE_NAMES = ("start", "search", "paint and write", "check")

PSNR_PEAK = 255.0
EDGE = 0.1
"""Share of a painted box by which it is grown: coding spreads the paint."""

LAUNCH = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
nowhere = subprocess.DEVNULL
code = subprocess.call(sys.argv[1:], stdout=nowhere, stderr=nowhere)
wall, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
sys.exit(code)
"""
"""A small process in between: Linux counts what the one that starts another holds as its, too."""

Figures = dict[str, list[tuple[float, float, float]]]
"""Name -> wall seconds, processor seconds and peak MiB of each run."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clips", nargs="+", type=Path)
    peers.add_options(parser, commands=True)
    parser.add_argument("--never", action="store_true", help="also without copying anything")
    parser.add_argument("--fifth", action="store_true", help="also with faces in a fifth of it")
    parser.add_argument("--still", type=float, metavar="MINUTES", help="also a still camera")
    parser.add_argument(
        "--memory", type=float, metavar="MINUTES", help="also the peak of 1080p, 4K"
    )
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for clip in args.clips:
            race(clip, folder, args, peers.chosen(args))
            if args.fifth:
                made = folder / f"fifth of {clip.stem}.mp4"
                clips.fifth(clip, made, still=True)
                race(made, folder, args)
        if args.still:
            made = folder / f"still camera, {args.still:g} minutes.mp4"
            clips.still_camera(made, args.still)
            race(made, folder, args, compared=False)
        if args.memory:
            memory(max(args.clips, key=_area), folder, args.memory)


def race(
    clip: Path,
    folder: Path,
    args: argparse.Namespace,
    others: Mapping[str, str] | None = None,
    *,
    compared: bool = True,
) -> None:
    """Measure all programs with a clip, and print what came of it."""
    frames = int(subprocess.check_output([sys.executable, "-c", COUNT, str(clip)]))
    alone, ours, report = folder / "a.mp4", folder / "b.mp4", folder / "b.json"
    commands = {
        "alone": [sys.executable, "-c", ALONE, str(clip), str(alone)],
        "faceveil": [*FACEVEIL, str(clip), "-o", str(ours), "--report", str(report)],
    }
    if args.never:
        never = ["-o", str(folder / "c.mp4"), "--copy-unpainted", "never"]
        commands["never"] = [*FACEVEIL, str(clip), *never]
    for name, python in (others or {}).items():
        commands[name] = peers.film(name, python, clip, folder / f"{name}.mp4")
    show(clip, frames, measure(commands, args.runs))
    show_stages([stages(clip, folder / "d.mp4") for _ in range(args.runs)])
    facts = json.loads(report.read_text())
    print(f"  copied as they were coded: {facts['copied']} frames", flush=True)
    if compared:
        compare(clip, alone, ours, boxes_of(facts["regions"]))


def memory(clip: Path, folder: Path, minutes: float) -> None:
    """Print the peak memory of a long clip and of a large one, made of this one."""
    for name, height, length in (("1080p", 1080, minutes), ("4K", 2160, minutes / 20)):
        made = folder / f"{name}.mp4"
        clips.repeated(clip, made, length, height)
        command = [*FACEVEIL, str(made), "-o", str(folder / "m.mp4")]
        ((_, _, peak),) = measure({name: command}, 1)[name]
        print(f"{name}, {length:g} minutes: {peak:.0f} MiB ({peak * 1.048576:.0f} MB) peak")


def _area(clip: Path) -> int:
    with av.open(str(clip)) as source:
        return source.streams.video[0].width * source.streams.video[0].height


def stages(clip: Path, out: Path) -> list[tuple[float, float]]:
    """Seconds and processor seconds of each of ``STAGE_NAMES``."""
    command = [sys.executable, "-c", STAGES, str(clip), str(out), str(time.time())]
    told = json.loads(subprocess.check_output(command, stderr=subprocess.DEVNULL))
    ends = np.array([(0.0, 0.0), *told])
    return [(float(wall), float(processor)) for wall, processor in np.diff(ends, axis=0)]


def show_stages(runs: Sequence[list[tuple[float, float]]]) -> None:
    medians = np.median(np.array(runs), axis=0)
    parts = (
        f"{name} {wall:.1f} s ({processor:.1f} s processor)"
        for name, (wall, processor) in zip(STAGE_NAMES, medians.tolist(), strict=True)
    )
    print("  stages: " + ", ".join(parts), flush=True)


def compare(clip: Path, alone: Path, ours: Path, regions: Regions) -> None:
    """Print size and likeness of two outputs, and the number of frames that are as they were."""
    errors, equal, pixels = np.zeros(2), 0, 0
    with av.open(str(clip)) as a, av.open(str(alone)) as b, av.open(str(ours)) as c:
        files = (file.decode(file.streams.video[0]) for file in (a, b, c))
        for number, (given, theirs, made) in enumerate(zip(*files, strict=True)):
            one, *others = (frame.to_ndarray(format="gray") for frame in (given, theirs, made))
            equal += all(
                np.array_equal(np.from_dlpack(p)[:, : p.width], np.from_dlpack(q)[:, : q.width])
                for p, q in zip(given.planes, made.planes, strict=True)
            )
            grown = [box.padded(EDGE, EDGE, EDGE, EDGE) for box in regions.get(number, ())]
            free = ~raster(grown, one.shape[1], one.shape[0])
            pixels += int(free.sum())
            base = one.astype(np.float32)
            errors += [float(((other - base)[free] ** 2).sum()) for other in others]
    before, after = 10 * np.log10(PSNR_PEAK**2 / np.maximum(errors / max(1, pixels), 1e-9))
    ratio = ours.stat().st_size / alone.stat().st_size
    print(
        f"  size to alone's: {ratio:.2f}; likeness outside of the paint: {after:.2f} dB, "
        f"alone's: {before:.2f} dB"
    )
    print(f"  frames that are equal bit for bit: {equal}", flush=True)


def measure(commands: dict[str, list[str]], runs: int) -> Figures:
    """Run the commands in turn."""
    figures: Figures = {name: [] for name in commands}
    for number in range(runs):
        for name, command in commands.items():
            if name in peers.NAMES and number:
                continue  # they take minutes; one run tells enough
            launcher = [sys.executable, "-c", LAUNCH, *command]
            done = subprocess.run(launcher, stdout=subprocess.PIPE, check=False)
            if done.returncode:
                raise SystemExit(f"{name} ended with {done.returncode}")
            wall, processor, peak = json.loads(done.stdout)
            figures[name].append((wall, processor, peak))
    return figures


def show(clip: Path, frames: int, figures: Figures) -> None:
    with av.open(str(clip)) as source:
        rate = float(source.streams.video[0].average_rate or 25)
    print(f"{clip.name}: {frames} frames")
    fps = {}
    for name, runs in figures.items():
        wall, cpu, memory = (statistics.median(column) for column in zip(*runs, strict=True))
        fps[name] = frames / wall
        print(f"  {name:9} {fps[name]:7.1f} fps  {cpu:6.1f} s processor  {memory:5.0f} MiB peak")
    print(f"  faceveil: {fps['faceveil'] / rate:.1f} times real time")
    for other in fps.keys() - {"faceveil"}:
        ratios = [
            theirs[0] / ours[0]
            for theirs, ours in zip(figures[other], figures["faceveil"], strict=False)
        ]
        print(f"  faceveil / {other}: {statistics.median(ratios):.2f}", flush=True)


if __name__ == "__main__":
    main()
