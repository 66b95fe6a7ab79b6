"""Another network's opinion on faces that the first one cannot settle.

Each is cut out with its surroundings and shown to the other network at one size, so that the answer
depends neither on the size of the picture nor on that of the face, and costs about a millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from faceveil.detect.crops import are_shown
from faceveil.detect.levels import lit
from faceveil.detect.protocols import SinglePass
from faceveil.detect.views import is_oblong, views
from faceveil.faces import Faces, Floats, Mask, centers
from faceveil.frames import Frame, Image, croppable
from faceveil.geometry import Box

SURE: Final = 0.75
"""A face with this score of YuNet's needs no other opinion."""
NEARLY, ONE_IN = 0.62, 4
"""From this score on, a face is put to the other network in one frame of so many only: most of
these are faces, and each of them is seen often.
"""
UNSURE: Final = (NEARLY, SURE)
"""Between these scores a face is nearly certain."""
CROPS: Final = ((48.0, 1.0), (24.0, 0.6))
"""Sizes in pixels at which the face is shown, and the weight of each answer.

In composed videos (benchmarks/compose.py, seeds 1 to 12) 66 tracks had no score of YuNet's over
0.76, or were no faces. By the mean of these answers CenterFace doubts 30 of the 33 that are none,
cats for example, and no face; by answers at 32 px it doubted 19.
"""
CLEAR = 0.5
"""If the other network's first answer is this good, it is asked no second time."""
DIM: Final = 30.0
"""A place that is darker than this, of 255, on average, shows the other network too little to doubt
a face. Of an audience in the dark (means of 4 to 16), it doubted five people of whom YuNet was
nearly certain; no place in the composed videos with no face that both saw was below 43.
"""
ROOM = 3.0
"""Size of the part that is shown, in sizes of the face."""
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

    @property
    def name(self) -> str:
        return self._other.name

    def ask(self, frame: Frame, faces: Faces, *, lying: bool = False) -> Faces:
        """The faces that count but are not certain, with the other's scores; 0: it sees none.

        Args:
            lying: the heads lie on one side or the other, or are upside down.
        """
        return self.judge(frame, self.doubtful(frame, faces), lying=lying)

    def doubtful(self, frame: Frame, faces: Faces, *, always: bool = False) -> Faces:
        """The faces that count but are not certain; none where pixels are far from square: what
        the other network says of them was never measured.

        Args:
            always: those that are nearly certain are not left out in most frames.
        """
        if is_oblong(frame):
            return faces[:0]
        sure = NEARLY if frame.index % ONE_IN and not always else SURE
        return faces[(faces.scores >= self._strong) & (faces.scores < sure)]

    def in_the_dark(self, frame: Frame, faces: Faces) -> Mask:
        """(n,) those that are nearly certain or more, and lie in the dark: no doubt counts."""
        return np.array(
            [
                score >= NEARLY and _brightness(frame, box) < DIM
                for box, score in zip(faces.boxes, faces.scores.tolist(), strict=True)
            ],
            bool,
        )

    def judge(self, frame: Frame, faces: Faces, *, lying: bool = False) -> Faces:
        """All of the faces, with the other's scores; see ``ask``."""
        if is_oblong(frame):
            return Faces(faces.boxes, np.ones(len(faces)), faces.landmarks)
        places = zip(faces.boxes, faces.sizes.tolist(), strict=True)
        turns = (1, 2, 3) if lying else (0,)
        scores = [self._score(frame, box, size, turns) for box, size in places]
        return Faces(faces.boxes, np.array(scores, np.float64), faces.landmarks)

    def _score(self, frame: Frame, box: Floats, size: float, turns: Sequence[int]) -> float:
        """The weighted mean of the answers."""
        total = weights = 0.0
        for shown, weight in CROPS:
            score = self._shown_at(shown, frame, box, size, turns)
            if score >= CLEAR and not weights:
                return score
            total += weight * score
            weights += weight
        return total / weights

    def _shown_at(
        self, shown: float, frame: Frame, box: Floats, size: float, turns: Sequence[int]
    ) -> float:
        """The score if the face is shown at this size in pixels."""
        x, y = centers(box).tolist()
        reach = ROOM / 2 * size
        room = Box(x - reach, y - reach, x + reach, y + reach).clipped(*frame.size)
        if room is None:
            return 0.0
        part, scale = croppable(room, frame.size), shown / size
        w, h = max(1, round(part.width * scale)), max(1, round(part.height * scale))
        x, y = (x - part.x0) * scale, (y - part.y0) * scale
        middles = ((x, y), (y, w - x), (w - x, h - y), (h - y, x))
        images = [lit(view).at_size(w, h) for view in views(frame.crop(part))]
        return max(
            self._at(shown, np.rot90(image, turn), middles[turn])
            for image in images
            for turn in turns
        )

    def _at(self, size: float, image: Image, middle: tuple[float, float]) -> float:
        """The best score of a face of about this size in this place of a picture."""
        found = Faces.of(self._other.detect([np.ascontiguousarray(image)], FLOOR)[0])
        return float(found.scores[are_shown(found, middle, size)].max(initial=0.0))


def _brightness(frame: Frame, box: Floats) -> float:
    """The mean level of a place; full if it is outside the frame."""
    place = Box(*box.tolist()).clipped(*frame.size)
    if place is None:
        return 255.0
    return float(frame.crop(croppable(place, frame.size)).image.mean())
