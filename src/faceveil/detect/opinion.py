"""Another network's opinion on faces that the first one cannot settle.

Each is cut out with its surroundings and shown to the other network at one size, so that the answer
depends neither on the size of the picture nor on that of the face, and costs about a millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from faceveil.detect.levels import lifted
from faceveil.detect.protocols import SinglePass
from faceveil.detect.views import views
from faceveil.faces import Faces, Floats, centers
from faceveil.frames import Frame, Image, croppable
from faceveil.geometry import Box

SURE: Final = 0.62
"""A face with this score of YuNet's needs no other opinion."""
FACE, ROOM = 32.0, 3.0
"""Size in pixels at which the face is shown, and size of the part in sizes of the face.

In composed videos (benchmarks/compose.py, seven of the seeds 1 to 9; 606 finds that YuNet scores
from 0.4 to 0.62) the answers at 32 px rank a face over a false find in 92 % of the pairs, at 24 px
in 78 %, and YuNet's own scores in 64 %.
"""
NEAR, LEAST, MOST = 0.4, 0.4, 2.2
"""The other network's find is the same face if it is centered within so many sizes, and is between
so many times as large."""
FLOOR = 0.05


class Opinion:
    """Asks another network about single faces.

    Args:
        other: a detector, which is given small pictures.
        strong: the first network's score from which a face counts.
    """

    def __init__(self, other: SinglePass, strong: float) -> None:
        self._other = other
        self._strong = strong

    def ask(self, frame: Frame, faces: Faces, *, lying: bool = False) -> Faces:
        """The faces that count but are not certain, with the other's scores; 0: it sees none.

        Args:
            lying: the heads lie on one side or the other.
        """
        asked = faces[(faces.scores >= self._strong) & (faces.scores < SURE)]
        places = zip(asked.boxes, asked.sizes.tolist(), strict=True)
        turns = (1, 3) if lying else (0,)
        scores = [self._score(frame, box, size, turns) for box, size in places]
        return Faces(asked.boxes, np.array(scores, np.float64), asked.landmarks)

    def _score(self, frame: Frame, box: Floats, size: float, turns: Sequence[int]) -> float:
        x, y = centers(box).tolist()
        reach = ROOM / 2 * size
        room = Box(x - reach, y - reach, x + reach, y + reach).clipped(*frame.size)
        if room is None:
            return 0.0
        part, scale = croppable(room, frame.size), FACE / size
        w, h = max(1, round(part.width * scale)), max(1, round(part.height * scale))
        x, y = (x - part.x0) * scale, (y - part.y0) * scale
        middles = ((x, y), (y, w - x), (w - x, h - y), (h - y, x))
        images = [lifted(view.at_size(w, h)) for view in views(frame.crop(part))]
        return max(
            self._at(np.rot90(image, turn), middles[turn]) for image in images for turn in turns
        )

    def _at(self, image: Image, middle: tuple[float, float]) -> float:
        """The best score of a face of the expected size in this place of a picture."""
        found = Faces.of(self._other.detect([np.ascontiguousarray(image)], FLOOR)[0])
        off = np.abs(centers(found.boxes) - middle).max(axis=1, initial=0.0)
        ratio = found.sizes / FACE
        same = (off < NEAR * FACE) & (ratio > LEAST) & (ratio < MOST)
        return float(found.scores[same].max(initial=0.0))
