"""Frames a second of a whole clip: decode and encode alone, FaceVeil, peers; and peak memory.

    python benchmarks/video.py CLIP... [--deface PYTHON] [--open-redactor PYTHON] [--runs N]

Each runs as a process of its own, in turn, N times (peers once); medians are printed. "alone"
decodes and encodes with the encoder, preset and quality that FaceVeil uses, through the same
library, and does nothing else. See peers.py for the other programs; open-redactor calls ffmpeg and
ffprobe.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import peers

ALONE = """
import sys, av
source = av.open(sys.argv[1])
stream = source.streams.video[0]
stream.thread_type = "AUTO"
sink = av.open(sys.argv[2], "w")
out = sink.add_stream("libx264", rate=stream.average_rate)
out.width, out.height, out.pix_fmt = stream.width, stream.height, "yuv420p"
out.time_base = out.codec_context.time_base = stream.time_base
out.options = {"preset": "veryfast", "crf": "20"}
for frame in source.decode(stream):
    frame.pict_type = 0
    sink.mux(out.encode(frame))
sink.mux(out.encode(None))
sink.close()
"""
COUNT = "import sys, av; print(sum(1 for _ in av.open(sys.argv[1]).decode(video=0)))"

EQUAL = """
import sys, av
pairs = zip(*(av.open(name).decode(video=0) for name in sys.argv[1:]), strict=True)
print(sum(all(bytes(p) == bytes(q) for p, q in zip(a.planes, b.planes)) for a, b in pairs))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clips", nargs="+", type=Path)
    peers.add_options(parser, commands=True)
    parser.add_argument("--never", action="store_true", help="also without copying anything")
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    for clip in args.clips:
        frames = int(subprocess.check_output([sys.executable, "-c", COUNT, str(clip)]))
        with tempfile.TemporaryDirectory() as folder:
            commands = {
                "alone": [sys.executable, "-c", ALONE, str(clip), f"{folder}/a.mp4"],
                "faceveil": [
                    *(sys.executable, "-m", "faceveil", "veil"),
                    *(str(clip), "-o", f"{folder}/b.mp4"),
                ],
            }
            if args.never:
                never = ["-o", f"{folder}/c.mp4", "--copy-unpainted", "never"]
                commands["never"] = [*commands["faceveil"][:-2], *never]
            commands |= {
                name: peers.film(name, python, clip, Path(folder, f"{name}.mp4"))
                for name, python in peers.chosen(args).items()
            }
            show(clip, frames, measure(commands, args.runs))
            equal = subprocess.check_output(
                [sys.executable, "-c", EQUAL, str(clip), f"{folder}/b.mp4"], text=True
            )
            print(f"  frames that are equal bit for bit: {equal.strip()}", flush=True)


def measure(
    commands: dict[str, list[str]], runs: int
) -> dict[str, list[tuple[float, float, float]]]:
    """Wall seconds, processor seconds and peak MiB of each run."""
    figures: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for number in range(runs):
        for name, command in commands.items():
            if name in peers.NAMES and number:
                continue  # they take minutes; one run tells enough
            started = time.perf_counter()
            process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise SystemExit(f"{name} ended with {process.returncode}")
            figures[name].append((wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024))
    return figures


def show(clip: Path, frames: int, figures: dict[str, list[tuple[float, float, float]]]) -> None:
    print(f"{clip.name}: {frames} frames")
    fps = {}
    for name, runs in figures.items():
        wall, cpu, memory = (statistics.median(column) for column in zip(*runs, strict=True))
        fps[name] = frames / wall
        print(f"  {name:9} {fps[name]:7.1f} fps  {cpu:6.1f} s processor  {memory:5.0f} MiB peak")
    for other in fps.keys() - {"faceveil"}:
        ratios = [
            theirs[0] / ours[0]
            for theirs, ours in zip(figures[other], figures["faceveil"], strict=False)
        ]
        print(f"  faceveil / {other}: {statistics.median(ratios):.2f}", flush=True)


if __name__ == "__main__":
    main()
