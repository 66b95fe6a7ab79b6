"""A film of two people, from cut to cut, and a look at the result: is only one of them bare?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np

from faceveil.frames import Image
from films import scenery

HIGH, WIDE, WALL = 300, 270, (960, 320)
SCENES = ((60, 620), (500, 100), (None, 350), (620, 100))
"""Left edges of her and of the stranger from cut to cut; she is away in the third scene."""
LONG = 20
"""Frames of a scene."""


def pictures(her: Image, stranger: Image) -> list[Image]:
    """The film's."""
    made = []
    for number, (hers, strangers) in enumerate(SCENES):
        for frame in range(LONG):
            picture = scenery(number + 20, WALL)
            for x, who in ((strangers, stranger), (hers, her)):
                if x is not None:
                    picture[10 : 10 + HIGH, x + frame : x + frame + WIDE] = who
            made.append(picture)
    return made


def frames_of(data: bytes, folder: Path) -> list[Image]:
    path = folder / "result.mp4"
    path.write_bytes(data)
    with av.open(str(path)) as file:
        return [
            np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in file.decode(video=0)
        ]


def require_only_her(before: Sequence[Image], after: Sequence[Image]) -> None:
    """Her face is bare nearly everywhere, the stranger's nowhere."""
    assert len(after) == len(before) == LONG * len(SCENES)
    bare = 0
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        hers, strangers = (x and x + number % LONG for x in SCENES[number // LONG])
        assert changed(old, new, strangers or 0) > 12, number
        bare += hers is not None and changed(old, new, hers) < 6
    assert bare > 0.8 * LONG * 3


def changed(old: Image, new: Image, x: int) -> float:
    part = slice(90, 220), slice(x + 80, x + 190)
    return float(np.abs(new[part].astype(int) - old[part]).mean())
