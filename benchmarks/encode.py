"""Settings of x264 against veryfast at crf 20: processor time, size, likeness to the input.

    python benchmarks/encode.py CLIP... [--frames N]

The frames of each clip are decoded once and encoded with each setting in turn, in this process, two
threads. "Types as they were" repeats which pictures of the input are P and B. Likeness is the PSNR
of the luma. Ratios and differences are means over the clips.
"""

from __future__ import annotations

import argparse
import io
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

FIRST = "veryfast, crf 20"
SETTINGS: dict[str, dict[str, str]] = {
    FIRST: {"preset": "veryfast", "crf": "20"},
    "me=dia, subme=1": {"preset": "veryfast", "crf": "19.7", "x264-params": "me=dia:subme=1"},
    "superfast": {"preset": "superfast", "crf": "20"},
    "superfast, mbtree": {
        "preset": "superfast",
        "crf": "19.6",
        "x264-params": "mbtree=1:rc-lookahead=10",
    },
    "superfast, mbtree, lookahead 20": {
        "preset": "superfast",
        "crf": "19.8",
        "x264-params": "mbtree=1:rc-lookahead=20",
    },
    "superfast, mbtree, slices": {
        "preset": "superfast",
        "crf": "19.6",
        "x264-params": "mbtree=1:rc-lookahead=10:sliced-threads=1",
    },
    "superfast, mbtree, aq 0.8": {
        "preset": "superfast",
        "crf": "19.6",
        "x264-params": "mbtree=1:rc-lookahead=10:aq-strength=0.8",
    },
    "superfast, mbtree, aq 0.8, types as they were": {
        "preset": "superfast",
        "crf": "20",
        "x264-params": "mbtree=1:rc-lookahead=10:aq-strength=0.8",
    },
    "the same, lookahead 4": {
        "preset": "superfast",
        "crf": "19.6",
        "x264-params": "mbtree=1:rc-lookahead=4:aq-strength=0.8",
    },
}
WITH_TYPES = list(SETTINGS)[-2:]
PREDICTED = {2, 3}
"""AVPictureType: P and B."""


class Cost(NamedTuple):
    """Processor seconds, bytes, and PSNR in dB."""

    seconds: float
    size: int
    psnr: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=100)
    given = parser.parse_args()
    totals: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for clip in given.clips:
        with av.open(str(clip)) as source:
            stream = source.streams.video[0]
            stream.thread_type = "AUTO"
            rate = stream.average_rate or 25
            frames = list(islice(source.decode(stream), given.frames))
        types = [int(frame.pict_type) for frame in frames]
        kept = [kind if kind in PREDICTED else 0 for kind in types]
        free = [0] * len(kept)
        costs = {
            name: encode(frames, rate, options, kept if name in WITH_TYPES else free)
            for name, options in SETTINGS.items()
        }
        first = costs[FIRST]
        for name, cost in costs.items():
            ratios = cost.seconds / first.seconds, cost.size / first.size, cost.psnr - first.psnr
            totals[name].append(ratios)
            print(f"{clip.name:28} {name:32} {_line(ratios)}", flush=True)
    for name, rows in totals.items():
        print(f"{'mean':28} {name:32} {_line(np.mean(rows, axis=0).tolist())}")


def encode(
    frames: Sequence[av.VideoFrame], rate: Any, options: dict[str, str], types: Sequence[int]
) -> Cost:
    """Encode the frames, and decode them again to compare.

    Args:
        types: of the pictures that they become; 0: x264 chooses.
    """
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as sink:
        stream = sink.add_stream("libx264", rate=rate, options=dict(options))
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        if (base := frames[0].time_base) is not None:
            stream.time_base = stream.codec_context.time_base = base
        stream.codec_context.thread_count = 2
        started = time.process_time()
        for frame, kind in zip(frames, types, strict=True):
            frame.pict_type = kind
            sink.mux(stream.encode(frame))
        sink.mux(stream.encode(None))
        seconds = time.process_time() - started
    size = file.tell()
    file.seek(0)
    with av.open(file, "r") as made:
        pairs = zip(made.decode(video=0), frames, strict=True)
        errors = [float(((_luma(a) - _luma(b)) ** 2).mean()) for a, b in pairs]
    return Cost(seconds, size, 10 * float(np.log10(255**2 / np.mean(errors))))


def _luma(frame: av.VideoFrame) -> NDArray[np.float32]:
    return frame.to_ndarray(format="gray").astype(np.float32)


def _line(ratios: Sequence[float]) -> str:
    seconds, size, psnr = ratios
    return f"time {seconds:.2f}  size {size:.2f}  {psnr:+.2f} dB"


if __name__ == "__main__":
    main()
