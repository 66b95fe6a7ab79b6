"""Of an output that is made anew, the check looks only at what is new."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pytest

import pdfs
from faceveil import Options
from faceveil.check import check_file
from faceveil.check.recall import Recall
from faceveil.detect.scaled import Scaled
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.pipeline import analyze_file, veil_file
from faceveil.plan import Face


def test_a_page_that_shows_the_same_is_looked_at_once(
    astronaut: Image, tmp_path: Path, detector: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pikepdf.new() as pdf:
        for light in (1.0, 0.95, 0.9):
            picture = (astronaut[:320, 60:380] * light).astype(np.uint8)
            pdfs.page(pdf, pdfs.PLACED, {"I": pdfs.stored(pdf, picture, "jpeg")})
        pdf.save(tmp_path / "in.pdf")
    plan = analyze_file(tmp_path / "in.pdf")
    missed = next(track for track in plan.tracks if 1 in track.boxes)
    plan = replace(plan, tracks=tuple(track for track in plan.tracks if track is not missed))
    looks: Counter[int] = Counter()
    recheck = Scaled.recheck

    def counted(self: Scaled, frame: Frame, floor: float) -> Any:
        looks[frame.index] += 1
        return recheck(self, frame, floor)

    monkeypatch.setattr(Scaled, "recheck", counted)
    report = veil_file(tmp_path / "in.pdf", tmp_path / "out.pdf", plan=plan)
    assert report.check is not None
    assert (report.check.repairs, report.check.frames) == (1, 3)
    assert looks[0] == looks[2] == len(report.check.detectors)
    assert looks[1] == 2 * looks[0]
    assert check_file(tmp_path / "out.pdf", Options()) == []


class _Eye:
    """Sees a face in everything; counts how often it is asked."""

    weights_sha256 = ""

    def __init__(self, name: str) -> None:
        self.name, self.asked = name, 0

    def recheck(self, frame: Frame, floor: float) -> list[Face]:
        self.asked += 1
        return [Face(Box(0, 0, 9, 9), self.asked / 100)]


def test_what_differs_in_anything_is_looked_at() -> None:
    eye: Any = _Eye("one")
    other: Any = _Eye("other")
    recall = Recall()
    grey, opaque = np.full((20, 30, 3), 90, np.uint8), np.full((20, 30), 255, np.uint8)
    dot, clear = grey.copy(), opaque.copy()
    dot[19, 29, 2] += 1
    clear[0, 0] = 254
    frames = [
        Frame(0, grey),
        Frame(0, dot),
        Frame(0, grey, alpha=opaque),
        Frame(0, grey, alpha=clear),
        Frame(0, grey.reshape(30, 20, 3)),
    ]
    first = [recall.recheck(frame, eye, 0.5) for frame in frames]
    assert eye.asked == len(frames)
    assert [recall.recheck(frame, eye, 0.5) for frame in reversed(frames)] == first[::-1]
    assert recall.recheck(Frame(7, grey.copy()), eye, 0.5) == first[0]
    assert eye.asked == len(frames)
    recall.recheck(frames[0], eye, 0.4)
    recall.recheck(frames[0], other, 0.5)
    assert (eye.asked, other.asked) == (len(frames) + 1, 1)
