"""Coarse films do not grow: the input's own rate bounds the default quality."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from faceveil.frames import Image
from faceveil.options import Options
from films import film, lumas
from tiers import daily
from videos import rewrite


def walk(astronaut: Image, count: int = 100) -> list[Image]:
    """A picture that is passed over, with the grain of a camera."""
    random = np.random.default_rng(1)
    pictures = []
    for index in range(count):
        x = 40 + index
        part = astronaut[60:252, x : x + 320].astype(int)
        grain = random.normal(0, 4, part.shape)
        pictures.append((part + grain).clip(0, 255).astype(np.uint8))
    return pictures


def picture_bytes(path: Path) -> int:
    with av.open(str(path)) as file:
        return sum(packet.size for packet in file.demux(file.streams.video[0]))


def fidelity(one: Path, other: Path) -> float:
    """Peak signal to noise of the luma in dB."""
    pairs = zip(lumas(one), lumas(other), strict=True)
    return float(10 * np.log10(255**2 / np.mean([((a - b) ** 2).mean() for a, b in pairs])))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "suffix", "most"),
    daily(
        [
            ({"crf": "36", "preset": "veryfast"}, ".mp4", 1.7),
            ({"crf": "32", "preset": "veryfast", "g": "250"}, ".mp4", 1.7),
            ({"crf": "36", "preset": "veryfast"}, ".mov", 1.7),
            ({"crf": "36", "preset": "veryfast"}, ".mkv", 1.7),
            ({"crf": "36", "preset": "veryfast"}, ".webm", 2.0),
        ],
        every=4,
    ),
)
def test_a_coarse_film_stays_about_as_large(
    settings: dict[str, str], suffix: str, most: float, astronaut: Image, tmp_path: Path
) -> None:
    clip = film(tmp_path / "in.mp4", walk(astronaut), settings=settings, gop=250)
    bound = tmp_path / f"out{suffix}"
    rewrite(clip, bound, Options())
    assert picture_bytes(bound) < most * picture_bytes(clip)
    assert fidelity(clip, bound) > 32.5
    if suffix == ".mp4":  # whoever asks for a quality gets it
        rewrite(clip, tmp_path / "asked.mp4", Options(video_quality=16))
        assert picture_bytes(tmp_path / "asked.mp4") > 2 * picture_bytes(clip)


@pytest.mark.parametrize(("suffix", "codec"), [(".mpg", "mpeg2video"), (".avi", "mpeg4")])
def test_an_older_film_does_not_double(
    suffix: str, codec: str, astronaut: Image, tmp_path: Path
) -> None:
    clip = tmp_path / f"in{suffix}"
    with av.open(str(clip), "w") as output:
        stream: Any = output.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 192, "yuv420p"
        stream.bit_rate = 300_000
        for picture in walk(astronaut, 60):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            output.mux(stream.encode(frame.reformat(format="yuv420p")))
        output.mux(stream.encode(None))
    rewrite(clip, tmp_path / "out.mp4", Options())
    assert picture_bytes(tmp_path / "out.mp4") < 2 * picture_bytes(clip)
    assert fidelity(clip, tmp_path / "out.mp4") > 33


def test_a_fine_film_is_not_made_coarser(astronaut: Image, tmp_path: Path) -> None:
    clip = film(tmp_path / "in.mp4", walk(astronaut, 40), crf=10)
    rewrite(clip, tmp_path / "bound.mp4", Options())
    rewrite(clip, tmp_path / "free.mp4", Options(video_quality=20))
    assert fidelity(clip, tmp_path / "bound.mp4") > fidelity(clip, tmp_path / "free.mp4") - 0.3


@pytest.mark.slow
def test_a_busy_moment_keeps_its_bits(astronaut: Image, tmp_path: Path) -> None:
    still = [walk(astronaut, 1)[0]] * 150
    clip = film(
        tmp_path / "in.mp4",
        [*still, *walk(astronaut, 50)[:25], *still],
        settings={"preset": "veryfast"},
        crf=26,
        gop=250,
    )
    rewrite(clip, tmp_path / "out.mp4", Options())
    before, after = lumas(clip)[150:175], lumas(tmp_path / "out.mp4")[150:175]
    error = np.mean([((a - b) ** 2).mean() for a, b in zip(before, after, strict=True)])
    assert 10 * np.log10(255**2 / error) > 33


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_busy_moment_beside_a_long_pause_keeps_its_bits(
    suffix: str, astronaut: Image, tmp_path: Path
) -> None:
    """By the mean of both there is next to nothing for it."""
    times = [index if index < 80 else index + 5000 for index in range(100)]
    clip = film(tmp_path / "in.mp4", walk(astronaut), crf=20, times=times)
    rewrite(clip, tmp_path / f"out{suffix}", Options())
    pairs = list(zip(lumas(clip), lumas(tmp_path / f"out{suffix}"), strict=True))
    for begin in range(0, 100, 20):
        error = np.mean([((a - b) ** 2).mean() for a, b in pairs[begin : begin + 20]])
        assert 10 * np.log10(255**2 / error) > 34
