"""Find the faces that are clear in a file of which nobody knows what was painted.

To a detector, a painted head with its surroundings still looks a little like a face. Three things
distinguish a real face: the detector's score, a second detector that sees it as well, and features
in the middle of the box, where a face has eyes, nose and mouth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from faceveil.detect import Detector
from faceveil.frames import Frame
from faceveil.geometry import Box
from faceveil.plan import Face

# How far the score of a clear face lies above the one that the analysis asks for: with one
# detector, and with two that agree. Of 155 photos with faces one ends without a clear one (four
# with 0.3 and no look at the middle; where only YuNet is there 6 and 15), and so do all but seven
# of FaceVeil's own outputs of them (all but eight).
CLEAR, TOGETHER = 0.27, 0.3
# A score this high means a face, whatever is in its middle. Nothing painted came near it.
BEYOND = 0.45
# A face looked at with this many pixels has features; a blur with so many cells has none.
_SIDE, _BLUR, _MIDDLE = 24, 3.0, 8
# In the middle they differ from it by this many grey levels, and by this share of its brightness.
_LEVELS, _SHARE = 4.5, 0.048
# Two looks mean the same face if they share this much of the smaller box.
SAME = 0.5
# Probabilities of the rule for stills (detect/judged.py): from the first one on a face is certain,
# from the second one on a person should look. Of 126 photos of crowds that FaceVeil had obscured, 6
# had a certain face and 56 a doubtful one before these were asked for, and 2 and 36 with them; of
# 111 faces that were left visible there, 71 are certain either way, and 93 and 90 are found.
LIKELY, POSSIBLE = 0.7, 0.3


Seen: TypeAlias = Sequence[Sequence[Face]]
"""The faces that each detector sees in a frame."""


def same_place(a: Box, b: Box) -> bool:
    """Whether two boxes are around the same face."""
    return a.intersection(b) >= SAME * min(a.area, b.area)


def clear_faces(frame: Frame, seen: Seen, floors: Sequence[float]) -> set[Face]:
    """The faces that are clear, to one detector or to two together.

    Args:
        seen: what each detector sees, from its own floor on.
    """
    found: set[Face] = set()
    for number, faces in enumerate(seen):
        for face in faces:
            sure = face.score - floors[number]
            others = (
                other.score - floor
                for place, (more, floor) in enumerate(zip(seen, floors, strict=True))
                for other in more
                if place != number and same_place(face.box, other.box)
            )
            together = sure + max(others, default=-sure)
            clear = (sure >= CLEAR or together >= TOGETHER) and _has_features(frame, face.box)
            if clear or sure >= BEYOND:
                found.add(face)
    return found


def likely_faces(
    frame: Frame, seen: Seen, clear: set[Face], judge: Detector
) -> tuple[Seen, set[Face]]:
    """The faces that are possible, and which of them are certain, by the rule for stills.

    Args:
        seen: what each detector sees.
        clear: those that are clear by their scores.
        judge: a detector whose scores are probabilities.
    """
    if not any(seen):
        return seen, clear
    judged = judge.detect(frame, 0.0)

    def chance(face: Face, unknown: float) -> float:
        near = (one.score for one in judged if same_place(one.box, face.box))
        return max(near, default=unknown)

    # The judge knows the candidates of one network: a clear face of the other one stays clear.
    certain = {face for face in clear if chance(face, 1.0) >= LIKELY}
    return [
        [face for face in faces if face in clear or chance(face, 0.0) >= POSSIBLE] for faces in seen
    ], certain


def _has_features(frame: Frame, box: Box) -> bool:
    import cv2

    image = frame.image
    inside = box.clipped(image.shape[1], image.shape[0])
    if inside is None:
        return False
    x0, y0, x1, y1 = (round(value) for value in inside.as_tuple())
    if x1 - x0 < 4 or y1 - y0 < 4:
        return True
    part = cv2.cvtColor(image[y0:y1, x0:x1], cv2.COLOR_BGR2GRAY).astype(np.float32)
    method = cv2.INTER_AREA if min(part.shape) > _SIDE else cv2.INTER_LINEAR
    small = cv2.resize(part, (_SIDE, _SIDE), interpolation=method)
    features = small - cv2.GaussianBlur(small, (0, 0), _BLUR)
    middle = slice(_MIDDLE, _SIDE - _MIDDLE)
    levels = float(features[middle, middle].std())
    return levels >= _LEVELS or levels >= _SHARE * (float(small[middle, middle].mean()) + 10)
