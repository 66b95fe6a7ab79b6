"""Clips to measure speed and memory with, made of others or composed.

    python benchmarks/clips.py fifth CLIP OUT.mp4 [--still] [--every 2]
    python benchmarks/clips.py still OUT.mp4 [--minutes 60]
    python benchmarks/clips.py repeat CLIP OUT.mp4 [--minutes 10] [--height 2160]

``fifth`` has faces in a fifth of it, as most that is filmed is without. In the middle are the first
frames of CLIP, in which somebody is seen all the time. Before and after that a photograph without
people, of scikit-image, stands in for what a camera sees otherwise, with the noise of a sensor; a
camera that does not stand still drifts over it.

``still`` is what a camera on a wall sees: 720p, 15 frames a second, a sensor's noise, and people
who pass for five minutes of an hour. Half minutes are composed and encoded, and put together as
they are coded.

``repeat`` is CLIP again and again, enlarged first if a height is given.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from compose import compose
from scenes import Story, passers, still

NOISE = 2.0
"""Standard deviation, of 255."""
CAMERA, CAMERA_RATE = (1280, 720), 15
PIECE = 30 * CAMERA_RATE
"""Frames of the pieces of which a still camera's recording is made."""
BUSY, CASTS = 12, 3
"""One piece in so many has people in it, of so many kinds."""
SCENERY = 1
"""The seed of what the camera sees: nothing that looks like a face, or it would be covered all the
time, and nothing could be copied."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    one = kinds.add_parser("fifth")
    one.add_argument("clip", type=Path)
    one.add_argument("out", type=Path)
    one.add_argument("--still", action="store_true", help="the camera stands still")
    one.add_argument("--every", type=float, default=2.0, help="seconds between key frames")
    one = kinds.add_parser("still")
    one.add_argument("out", type=Path)
    one.add_argument("--minutes", type=float, default=60.0)
    one = kinds.add_parser("repeat")
    one.add_argument("clip", type=Path)
    one.add_argument("out", type=Path)
    one.add_argument("--minutes", type=float, default=10.0)
    one.add_argument("--height", type=int, help="in pixels")
    args = parser.parse_args()
    if args.kind == "fifth":
        fifth(args.clip, args.out, still=args.still, every=args.every)
    elif args.kind == "still":
        still_camera(args.out, args.minutes)
    else:
        repeated(args.clip, args.out, args.minutes, args.height)


def fifth(clip: Path, out: Path, *, still: bool = False, every: float = 2.0) -> None:
    """Compose the clip with faces in a fifth: as many frames as the given one has, in H.264."""

    with av.open(str(clip)) as source:
        given = source.streams.video[0]
        rate = given.average_rate or Fraction(25)
        count = given.frames // 5
        size = given.width, given.height
        scenery = (
            av.VideoFrame.from_ndarray(view, format="bgr24")
            for view in _scenery(size, 4 * count, still)
        )
        people = islice(source.decode(given), count)
        pictures = chain(islice(scenery, 2 * count), people, scenery)
        _encode(pictures, out, size, rate, every, {"crf": "18"})


def still_camera(out: Path, minutes: float) -> None:
    """Compose the recording of a camera that does not move."""

    count = max(1, round(minutes * 60 * CAMERA_RATE / PIECE))
    # People come in the second piece of each six minutes.
    casts = [number // BUSY % CASTS if number % BUSY == 1 else None for number in range(count)]
    if count == 1:
        casts = [0]
    with tempfile.TemporaryDirectory() as folder:
        pieces = {}
        for people in sorted(set(casts), key=str):
            seed, actors = people or 0, []
            if people is not None:
                actors = passers(np.random.default_rng([7, seed]), PIECE, CAMERA, CAMERA_RATE)
            scene = still(np.random.default_rng(SCENERY), PIECE, CAMERA, actors, NOISE)
            shots = compose(Story([scene], CAMERA, CAMERA_RATE), seed)
            pictures = (av.VideoFrame.from_ndarray(shot, format="bgr24") for shot, _ in shots)
            pieces[people] = Path(folder, f"{people}.mp4")
            settings = {"crf": "23", "preset": "veryfast"}
            _encode(pictures, pieces[people], CAMERA, Fraction(CAMERA_RATE), 2.0, settings)
        joined([pieces[people] for people in casts], out)


def repeated(clip: Path, out: Path, minutes: float, height: int | None = None) -> None:
    """Repeat a clip until it lasts so long, without its sound.

    Args:
        height: in pixels, to which it is brought first.
    """

    with tempfile.TemporaryDirectory() as folder:
        with av.open(str(clip)) as source:
            given = source.streams.video[0]
            rate = given.average_rate or Fraction(25)
            if height and height != given.height:
                size = round(given.width * height / given.height / 2) * 2, height
                large = (
                    frame.reformat(*size, interpolation="BICUBIC") for frame in source.decode(given)
                )
                clip = Path(folder, "large.mp4")
                settings = {"crf": "20", "preset": "veryfast"}
                _encode(large, clip, size, rate, 2.0, settings)
        with av.open(str(clip)) as source:
            seconds = source.streams.video[0].frames / rate
        joined([clip] * max(1, round(minutes * 60 / seconds)), out)


def joined(pieces: Sequence[Path], out: Path) -> None:
    """Put clips that were encoded alike one after another, as they are coded."""

    with av.open(str(out), "w") as sink:
        copy, sets, start = None, b"", 0
        for piece in pieces:
            with av.open(str(piece)) as source:
                given = source.streams.video[0]
                extradata = bytes(given.codec_context.extradata or b"")
                if copy is None:
                    copy, sets = sink.add_stream_from_template(given), extradata
                if extradata != sets:
                    raise ValueError(f"{piece.name} was encoded otherwise than the first")
                for packet in source.demux(given):
                    if packet.pts is None or packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + start, packet.dts + start
                    packet.stream = copy
                    sink.mux(packet)
                start += given.duration or 0


def _encode(
    pictures: Iterable[av.VideoFrame],
    out: Path,
    size: tuple[int, int],
    rate: Fraction,
    every: float,
    settings: dict[str, str],
) -> None:
    """Write pictures as H.264, with a key frame at least every so many seconds."""

    with av.open(str(out), "w") as sink:
        stream = sink.add_stream("libx264", rate=rate, options=settings)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.gop_size = round(float(rate) * every)
        for index, picture in enumerate(pictures):
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
