"""A detector of stills: one network's candidates, another's opinion, a probability for a score.

A network's score tells how much a place looks like a face to it, not how likely it is one, and two
networks are mistaken about different places. So candidates come from far below the score from which
one network alone would be believed. Those that it cannot settle are cut out and shown to the other
one, and a fitted rule makes a probability of both scores; see rule.py and docs/detection.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from faceveil.detect.crops import ask
from faceveil.detect.levels import lit
from faceveil.detect.protocols import SinglePass
from faceveil.detect.rule import Candidates, Rule, opinion_terms, probability, weigh
from faceveil.detect.scaled import Scaled
from faceveil.detect.views import Stretched, all_over, union
from faceveil.detect.votes import Groups
from faceveil.faces import Faces, Floats, centers, hull, paired_iou, sizes
from faceveil.frames import Frame
from faceveil.geometry import Box
from faceveil.options import Sensitivity

LEAST: Final = 0.1
"""Score of a find in one look from which it can belong to a candidate."""
CANDIDATE: Final = 0.12
"""The same for the vote of all looks."""
HOPELESS, CERTAIN = 0.1, 0.98
"""Below and above these probabilities of one network, the other one is not asked,"""
FEW: Final = 8
"""except about the likeliest so many: that costs little, and a face that is alone is not missed."""
SHOWN: Final = 32.0
"""Size in pixels at which a face is shown to the other network. Measured: at 32 px, in a square of
96 px, its answers rank a face over a false find more often than at 24 px in 64 or at 48 px in 96; a
second size adds nothing that could be measured, and costs as much again."""
FINER: Final = 2.0
"""A copy that was made to cut the faces from is so many times as large as the smallest needs."""
AGREES, SAME, WIDE = 0.1, 0.3, -3.0
"""The other network's score and the IoU from which both boxes count: their mean is painted, which
covers as many faces as the first one's box and spills half as much; for a face of 2**WIDE of the
picture's longer side and more, their hull, because that spills little there.
"""
LIKELY: Final = 0.5
"""Below this probability, the box of the first network's best find stands for the hull of several:
most of these places are no faces. The paint that this saves is worth more faces if it is spent on
a lower threshold; see docs/detection.md.
"""
THRESHOLDS: Final[dict[Sensitivity, float]] = {"high": 0.26, "balanced": 0.45, "precise": 0.65}


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The answers of both networks about one picture.

    Attributes:
        groups: the candidates, as the first network's looks find them.
        boxes: (n, 4) those to paint if it is likely a face.
        tight: (n, 4) those to paint otherwise; none reaches beyond the other one.
        known: what the first network says.
        asked: numbers of the candidates that were put to the other one.
        opinions: (m,) its scores for these.
    """

    groups: Groups
    boxes: Floats
    tight: Floats
    known: Candidates
    asked: NDArray[np.intp]
    opinions: Floats


class Judged:
    """A detector of stills whose scores are probabilities. Implements the protocols ``Detector``
    and ``Consulting``.

    Args:
        first: the network that finds candidates.
        rule: for that network.
        other: the network that is asked; None: there is none, and one alone has to settle all.
        everything: ask it about every candidate.
    """

    def __init__(
        self, first: Scaled, rule: Rule, other: SinglePass | None, *, everything: bool = False
    ) -> None:
        self._first = first
        self._rule = rule
        self._other = other
        self._everything = everything
        self.weights_sha256 = first.weights_sha256
        self.thresholds = dict(THRESHOLDS)

    @property
    def name(self) -> str:
        return self._first.name

    @property
    def second(self) -> str:
        return "" if self._other is None else self._other.name

    def smallest_face(self, width: int, height: int) -> float:
        return self._first.smallest_face(width, height)

    def detect(self, frame: Frame, floor: float) -> Faces:
        return self.consult(frame, floor)[0]

    def consult(self, frame: Frame, floor: float) -> tuple[Faces, int]:
        """As ``detect``, and the number of places the other network was asked about."""
        asked = []

        def look(view: Frame) -> Faces:
            evidence = self.evidence(view, everything=self._everything)
            scores = self._scores(evidence)
            boxes = np.where(scores[:, None] < LIKELY, evidence.tight, evidence.boxes)
            faces = Faces(boxes, scores, evidence.groups.faces.landmarks)
            asked.append(len(evidence.asked))
            return faces[scores >= floor]

        return union(all_over(frame, look)), sum(asked)

    def detect_in(self, frame: Frame, box: Box, floor: float) -> Faces:
        """The faces of the whole picture whose center lies in the part."""
        return _inside(self.detect(frame, floor), box)

    def detect_rotated(self, frame: Frame, floor: float) -> Faces:
        """Lying heads as the first network finds them, with its own scores."""
        return self._first.detect_rotated(frame, floor)

    def recheck(self, frame: Frame, floor: float) -> Faces:
        """A quick look of the first network, with its own scores."""
        return self._first.recheck(frame, floor)

    def evidence(self, view: Frame, *, everything: bool = False) -> Answers:
        """All that the rule needs to know about a picture.

        Args:
            everything: the other network is asked about all candidates.
        """
        groups = self._first.groups(view, LEAST)
        groups = groups[groups.voted(np.inf).scores >= CANDIDATE]
        known = weigh(groups, max(view.size), self._rule)
        wide = known.relative[:, None] >= WIDE
        boxes = groups.faces.boxes.copy()
        tight = np.where(wide, boxes, groups.tight)
        asked, opinions = np.zeros(0, np.intp), np.zeros(0)
        if self._other is not None:
            asked = np.arange(len(boxes)) if everything else _doubtful(known.chance)
        if self._other is not None and len(asked):
            places = boxes[asked]
            shown = lit(view)  # perhaps smaller
            if isinstance(shown, Stretched):
                shown = shown.no_finer(FINER * SHOWN / max(sizes(places).min(), 1.0))
            scale = shown.size[0] / view.size[0]
            opinions, seen = ask(self._other, shown.image, places * scale, SHOWN)
            seen /= scale
            agree = ((opinions > AGREES) & (paired_iou(places, seen) > SAME))[:, None]
            for painted in (boxes, tight):
                own = painted[asked]
                both = np.where(wide[asked], hull(own, seen), (own + seen) / 2)
                painted[asked] = np.where(agree, both, own)
        return Answers(groups, boxes, tight, known, asked, opinions)

    def _scores(self, evidence: Answers) -> Floats:
        odds, asked = evidence.known.odds.copy(), evidence.asked
        if len(asked):
            terms = opinion_terms(evidence.known.terms[asked], evidence.opinions)
            odds[asked] = terms @ np.array(self._rule.together)
        return probability(odds)


class Thorough:
    """Several judges, each of which sees the picture and its mirror image. Implements the
    ``Detector`` protocol.

    Args:
        judges: what only the first one can do is left to it.
    """

    def __init__(self, judges: Sequence[Judged]) -> None:
        self._judges = judges
        self._main = judges[0]
        self.weights_sha256 = self._main.weights_sha256
        self.thresholds = self._main.thresholds
        self.smallest_face = self._main.smallest_face
        self.detect_rotated = self._main.detect_rotated
        self.recheck = self._main.recheck

    @property
    def name(self) -> str:
        return self._main.name

    @property
    def second(self) -> str:
        return self._main.second

    def detect(self, frame: Frame, floor: float) -> Faces:
        return self.consult(frame, floor)[0]

    def detect_in(self, frame: Frame, box: Box, floor: float) -> Faces:
        return _inside(self.detect(frame, floor), box)

    def consult(self, frame: Frame, floor: float) -> tuple[Faces, int]:
        """As that of `Judged`: the faces that any of them finds."""
        found, asked, reverse = [], 0, _mirrored(frame)
        for judge in self._judges:
            faces, number = judge.consult(frame, floor)
            back, again = judge.consult(reverse, floor)
            found += [faces, _mirrored_back(back, frame.size[0])]
            asked += number + again
        return union(found), asked


def _inside(faces: Faces, box: Box) -> Faces:
    """Those whose center lies in the box."""
    middle = centers(faces.boxes)
    inside = (middle >= [box.x0, box.y0]) & (middle < [box.x1, box.y1])
    return faces[np.flatnonzero(inside.all(axis=1))]


def _mirrored(frame: Frame) -> Frame:
    alpha = None if frame.alpha is None else np.ascontiguousarray(frame.alpha[:, ::-1])
    image = np.ascontiguousarray(frame.image[:, ::-1])
    return Frame(frame.index, image, alpha=alpha, aspect=frame.aspect)


def _mirrored_back(faces: Faces, width: int) -> Faces:
    x0, y0, x1, y1 = faces.boxes.T
    # What is a person's right eye in the mirror is the left one.
    marks = faces.landmarks[:, [1, 0, 2, 4, 3]] * [-1, 1] + [width, 0]
    return Faces(np.stack([width - x1, y0, width - x0, y1], axis=1), faces.scores, marks)


def _doubtful(chance: Floats) -> NDArray[np.intp]:
    """Numbers of the candidates that one network cannot settle."""
    doubtful = (chance > HOPELESS) & (chance < CERTAIN)
    doubtful[np.argsort(-chance, kind="stable")[:FEW]] = True
    return np.flatnonzero(doubtful)
