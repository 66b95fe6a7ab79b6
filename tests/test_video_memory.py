"""The memory that a run takes: it depends on the size of the pictures, not on their number."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from faceveil.frames import Image
from films import film, head, put, scenery
from usage import used_by

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("detector")]

MEGABYTE = 1_000_000
PER_CORE = 60
"""Of a decoder's threads there is one for each core."""


def walk(astronaut: Image, size: tuple[int, int], frames: int) -> Iterator[Image]:
    """Somebody walks through the second half of a film whose pictures are never alike."""
    background, (actor, _) = scenery(3, size), head(astronaut, size[1] / 1080)
    random = np.random.default_rng(1)
    for number in range(frames):
        picture = np.roll(background, number, axis=1)
        picture[-64:, :64] = random.integers(0, 256, (64, 64, 3))
        if number >= frames // 2:
            picture = put(picture, actor, size[0] // 4 + 8 * (number % 100), size[1] // 4)
        yield picture


@pytest.mark.parametrize(
    ("size", "frames", "most"), [((1920, 1080), 200, 600), ((3840, 2160), 60, 1000)]
)
def test_large_pictures_fit_into_a_small_machine(
    tmp_path: Path, astronaut: Image, size: tuple[int, int], frames: int, most: int
) -> None:
    clip = film(tmp_path / "a.mp4", walk(astronaut, size, frames), gop=20, crf=20)
    out, report = tmp_path / "out.mp4", tmp_path / "report.json"
    used = used_by("veil", str(clip), "-o", str(out), "--report", str(report))
    told = json.loads(report.read_text())
    assert told["tracks"] > 0
    assert 0 < told["copied"] < frames
    with av.open(str(out)) as file:
        assert sum(1 for _ in file.decode(video=0)) == frames
    peak = used.bytes / MEGABYTE
    print(f"{size[0]}x{size[1]}: {peak:.0f} MB")
    assert peak < most + PER_CORE * max(0, (os.cpu_count() or 2) - 2)
