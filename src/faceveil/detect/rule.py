"""The rule by which the scores of one network, or of two, become a probability.

Three logistic regressions, one after the other: what the first network's looks say, then what lies
near, then what the second network says. No term changes if the same scene is enlarged: sizes are
shares of the picture's longer side. benchmarks/fit_opinion.py fits the constants.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceveil.detect.votes import Groups
from faceveil.faces import Floats, areas, centers, in_parts, intersections, sizes

FAINT = 0.05
"""A second look that sees nothing counts as one with this score."""
CLIP = 0.02
FAR, ALIKE, SIMILAR = 6.0, 1.0, 1.5
"""Faces are neighbours if their centers are within so many sizes, and of a kind if the logarithm of
base 2 of their sizes differs by less."""
APART = 0.15
"""Boxes that share less than this of the smaller one are of different faces."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Coefficients for one network as the first.

    Attributes:
        other: the network that is asked.
        looks, alone, together: of `look_terms`, `Candidates.terms` and `opinion_terms`.
    """

    other: str
    looks: tuple[float, ...]
    alone: tuple[float, ...]
    together: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The answers of one network about places where a face may be.

    Attributes:
        looks: (n, 8) terms of its looks.
        terms: (n, 7) of what they say, what lies near, and size.
        odds: (n,) log-odds of a face.
    """

    looks: Floats
    terms: Floats
    odds: Floats

    @property
    def chance(self) -> Floats:
        return probability(self.odds)

    @property
    def relative(self) -> Floats:
        """(n,) logarithm of base 2 of the size as a share of the picture's longer side."""
        relative: Floats = self.terms[:, 5]
        return relative


def log_odds(scores: Floats) -> Floats:
    clipped = scores.clip(CLIP, 1 - CLIP)
    return np.asarray(np.log(clipped / (1 - clipped)))


def probability(odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-odds)))


def weigh(groups: Groups, side: float, rule: Rule) -> Candidates:
    """Weigh what one network says.

    Args:
        side: the longer one of the picture.
    """
    relative = np.log2(np.maximum(sizes(groups.tight), 1.0) / side)
    looks = look_terms(groups, relative)
    said = looks @ np.array(rule.looks)
    near, alike, double = _company(groups, said)
    one = np.ones(len(said))
    terms = np.stack([one, said, near, alike, double, relative, near * relative], axis=1)
    return Candidates(looks, terms, terms @ np.array(rule.alone))


def look_terms(groups: Groups, relative: Floats) -> Floats:
    """(n, 8) of the best two looks, of whether there could be two, of their vote, and of size."""
    first, second = log_odds(groups.faces.scores), log_odds(np.maximum(groups.second, FAINT))
    vote = log_odds(groups.voted(np.inf).scores)
    sole = groups.sole.astype(np.float64)
    one = np.ones(len(first))
    return np.stack([one, first, second, sole, sole * first, vote, relative, relative**2], axis=1)


def opinion_terms(terms: Floats, opinions: Floats) -> Floats:
    """(n, 13) of what one network says and another one's scores.

    Args:
        terms: (n, 7) as in `Candidates`.
        opinions: (n,) scores.
    """
    _, said, _, _, double, relative, _ = terms.T
    other = log_odds(opinions)
    more = (other, relative**2, other * relative, said * relative, other * said, other * double)
    return np.hstack([terms, np.stack(more, axis=1)])


def _company(groups: Groups, odds: Floats) -> tuple[Floats, Floats, Floats]:
    """For each face the others nearby, and all others, of about its size, as logarithms of expected
    numbers; and the share of it that belongs to a likelier one.
    """
    boxes, extents = groups.faces.boxes, np.maximum(sizes(groups.tight), 1.0)
    if len(boxes) < 2:
        return (np.zeros(len(boxes)),) * 3
    chance, middle, area = probability(odds), centers(boxes), areas(boxes)
    near, alike, double = (np.zeros(len(boxes)) for _ in range(3))
    for some in in_parts(len(boxes), len(boxes)):
        shared = intersections(boxes[some], boxes) / np.minimum(area[some, None], area)
        away = np.abs(middle[some, None] - middle).max(axis=2)
        ratio = np.abs(np.log2(extents[some, None] / extents))
        other = shared < APART
        near[some] = (other & (away < FAR * extents[some, None]) & (ratio < ALIKE)) @ chance
        alike[some] = (other & (ratio < SIMILAR)) @ chance
        likelier = odds > odds[some, None]
        double[some] = np.where(likelier, shared * chance, 0.0).max(axis=1)
    return np.log1p(near), np.log1p(alike), double
