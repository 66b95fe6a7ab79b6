"""A clip with faces in a fifth of it, as most that is filmed is without.

    python benchmarks/fifth.py CLIP OUT.mp4 [--still] [--every 2]
    python benchmarks/video.py OUT.mp4 --never

In the middle are the first frames of CLIP, in which somebody is seen all the time. Before and after
that a photograph without people, of scikit-image, stands in for what a camera sees otherwise, with
the noise of a sensor; a camera that does not stand still drifts over it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

NOISE = 2.0
"""Standard deviation, of 255."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--still", action="store_true", help="the camera stands still")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between key frames")
    args = parser.parse_args()
    write(args.clip, args.out, still=args.still, every=args.every)


def write(clip: Path, out: Path, *, still: bool = False, every: float = 2.0) -> None:
    """Compose the clip: as many frames as the given one has, in H.264."""
    import av

    with av.open(str(clip)) as source, av.open(str(out), "w") as sink:
        given = source.streams.video[0]
        rate = given.average_rate or Fraction(25)
        count = given.frames // 5
        size = given.width, given.height
        stream = sink.add_stream("libx264", rate=rate, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.gop_size = round(float(rate) * every)

        scenery = (
            av.VideoFrame.from_ndarray(view, format="bgr24")
            for view in _scenery(size, 4 * count, still)
        )
        people = islice(source.decode(given), count)
        for index, picture in enumerate(chain(islice(scenery, 2 * count), people, scenery)):
            frame = picture.reformat(format="yuv420p")
            frame.pts, frame.time_base, frame.pict_type = index, 1 / rate, 0
            sink.mux(stream.encode(frame))
        sink.mux(stream.encode(None))


def _scenery(size: tuple[int, int], count: int, still: bool) -> Iterator[NDArray[np.uint8]]:
    from skimage import data

    width, height = size
    random = np.random.default_rng(1)
    photo = data.rocket()[..., ::-1]
    scale = 1.3 * max(width / photo.shape[1], height / photo.shape[0])
    large = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    for index in range(count):
        share = 0.5 if still else index / count
        x = round(share * (large.shape[1] - width))
        y = round(share * (large.shape[0] - height))
        view = large[y : y + height, x : x + width].astype(np.float32)
        view += NOISE * random.standard_normal(view.shape, np.float32)
        yield np.clip(view, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
