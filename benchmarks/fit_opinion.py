"""Fit the rule by which the scores of one network, or of two, become a probability.

    python benchmarks/fit_opinion.py FOLDER... [--first yunet|centerface]

Each FOLDER holds pictures and, unless none of them shows a face, ``labels.json``, as for
coverage.py. Prints the constants of faceveil.detect.rules and, for each step, how well it tells
faces from other places in pictures that it was not fitted to: five times, a fifth of the pictures
is left out.

A candidate is a face if it is the best one of a labeled face. It is none if nearly a third of what
would be painted lies more than half a face away from every face; the others are left out: they
are doubles, or beside a face.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coverage import read_folder, regions, use_one_core
from coverage_score import Picture
from faceveil import media
from faceveil.detect import load_detector, load_judged
from faceveil.detect.judged import Answers, Judged
from faceveil.detect.rule import Rule, opinion_terms, probability, weigh
from faceveil.faces import Faces, Floats, pairwise_iou
from faceveil.obscure import region
from faceveil.options import Options

FOLDS, RIDGE, STEPS = 5, 1.0, 30
FACE, SPILL = 0.3, 0.3
"""IoU from which a candidate can be the one of a labeled face; share of the paint that lies far
from every face from which it is none."""


@dataclass
class Seen:
    """The candidates of one picture, and which of them are faces: 1, 0, or -1."""

    name: str
    side: int
    evidence: Answers
    truth: NDArray[np.int_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--first", default="yunet")
    args = parser.parse_args()
    use_one_core()
    for name, constants in fit(seen(args.folders, args.first), tell=True).items():
        print(f"{name}=({', '.join(f'{value:.3f}' for value in constants)}),")


def seen(folders: Sequence[Path], first: str) -> list[Seen]:
    """All candidates of all pictures, each of which the other network is asked about."""
    options = Options(detector=first, threads=1)
    judged = load_judged(options, load_detector(options))
    assert isinstance(judged, Judged)
    found = []
    for folder in folders:
        for pictures in read_folder(folder).values():
            for picture in pictures:
                with media.open_source(picture.path, Options()) as source:
                    frame = next(source.frames())
                evidence = judged.evidence(frame, everything=True)
                faces = truth(evidence.groups.faces, picture, frame.size)
                found.append(Seen(picture.path.name, max(frame.size), evidence, faces))
    return found


def truth(faces: Faces, picture: Picture, size: tuple[int, int]) -> NDArray[np.int_]:
    """(n,) which of the candidates are faces: 1, 0, or -1 for those that are left out."""
    labels = np.array(picture.boxes, np.float64).reshape(-1, 4)
    width, height = size
    near = np.zeros((height, width), np.uint8)
    for x0, y0, x1, y1 in labels:
        w, h = x1 - x0, y1 - y0
        rows = slice(max(0, int(y0 - h / 2)), int(np.ceil(y1 + h / 2)))
        near[rows, max(0, int(x0 - w / 2)) : int(np.ceil(x1 + w / 2))] = 1
    options = Options()
    spill = np.zeros(len(faces))
    for number, face in enumerate(faces):
        painted = spilt = 0
        for area in regions([face], width, height, options):
            x0, y0, x1, y1 = map(int, area.box.as_tuple())
            mask = region.mask(area, options) == 255
            painted += int(mask.sum())
            spilt += int((mask & (near[y0:y1, x0:x1] == 0)).sum())
        spill[number] = spilt / max(painted, 1)
    found = np.where(spill > SPILL, 0, -1)
    if len(labels) and len(faces):
        iou = pairwise_iou(labels, faces.boxes)
        best = (iou * (1 + faces.scores)).argmax(axis=1)
        found[best[iou.max(axis=1) > FACE]] = 1
    return found


def fit(pictures: Sequence[Seen], *, tell: bool = False) -> dict[str, Floats]:
    """The constants of each step, fitted to what the step before says."""
    rule = Rule("", *((0.0,) * width for width in (8, 7, 13)))
    fold = np.concatenate(
        [np.full(len(one.truth), zlib.crc32(one.name.encode()) % FOLDS) for one in pictures]
    )
    weight = np.concatenate(
        [np.full(len(one.truth), len(one.truth) ** -0.5) for one in pictures if len(one.truth)]
    )
    is_face = np.concatenate([one.truth for one in pictures])
    opinions = np.concatenate([one.evidence.opinions for one in pictures])
    found = {}
    for step in ("looks", "alone", "together"):
        known = [weigh(one.evidence.groups, one.side, rule) for one in pictures]
        terms = np.concatenate([one.looks if step == "looks" else one.terms for one in known])
        if step == "together":
            terms = opinion_terms(terms, opinions)
        some = is_face >= 0
        found[step] = regression(terms[some], is_face[some], weight[some])
        rule = replace(rule, **{step: tuple(found[step].tolist())})  # type: ignore[arg-type]
        if tell:
            print(
                f"{step:9}{quality(terms[some], is_face[some], weight[some], fold[some])}",
                flush=True,
            )
    return found


def quality(
    terms: Floats, is_face: NDArray[np.int_], weight: Floats, fold: NDArray[np.int_]
) -> str:
    """A line on how well a step tells candidates apart in pictures to which it was not fitted."""
    odds = np.zeros(len(terms))
    for left_out in range(FOLDS):
        there = fold == left_out
        odds[there] = terms[there] @ regression(terms[~there], is_face[~there], weight[~there])
    rank = np.argsort(np.argsort(odds)) + 1.0
    faces, others = int((is_face == 1).sum()), int((is_face == 0).sum())
    above = rank[is_face == 1].sum() - faces * (faces + 1) / 2
    right = np.where(is_face == 1, probability(odds), 1 - probability(odds))
    return (
        f"{faces} faces, {others} others; a face ranks above another place in"
        f" {100 * above / (faces * others):.1f} % of the pairs,"
        f" log loss {-np.log(right).mean():.3f}"
    )


def regression(terms: Floats, is_face: NDArray[np.int_], weight: Floats) -> Floats:
    """(k,) coefficients of a logistic regression with a ridge on standardized terms, by Newton's
    method; the first term is 1.
    """
    mean, spread = terms.mean(axis=0), terms.std(axis=0)
    spread[spread < 1e-9] = 1.0
    mean[0], spread[0] = 0.0, 1.0
    scaled = (terms - mean) / spread
    ridge = RIDGE * np.eye(terms.shape[1])
    ridge[0, 0] = 0.0
    found, weight = np.zeros(terms.shape[1]), weight / weight.mean()
    for _ in range(STEPS):
        chance = probability(scaled @ found)
        slope = scaled.T @ (weight * (is_face - chance)) - ridge @ found
        curve = (scaled * (weight * chance * (1 - chance))[:, None]).T @ scaled + ridge
        step = np.linalg.solve(curve, slope)
        found += step
        if np.abs(step).max() < 1e-6:
            break
    plain: Floats = found / spread
    plain[0] -= (mean[1:] * plain[1:]).sum()
    return plain


if __name__ == "__main__":
    main()
