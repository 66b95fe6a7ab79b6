"""Score the painted areas of pictures against the places of their faces (see coverage.py)."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
"""(H, W), True where a picture is painted."""
SMALL = 10.0
COVERED, HALF = 0.9, 0.5
"""Shares of a face's box that have to be painted."""


@dataclass
class Picture:
    """Boxes are in pixels of the picture as it is shown, ``enlarged`` times as large."""

    path: Path
    boxes: list[list[float]]
    enlarged: int = 1


@dataclass
class Score:
    """The score of some pictures.

    Attributes:
        faces: size in pixels of each, and the share of its box that is painted.
        milliseconds: of processor time, for each picture.
    """

    faces: list[tuple[float, float]] = field(default_factory=list)
    false_pixels: int = 0
    pixels: int = 0
    false_regions: int = 0
    milliseconds: list[float] = field(default_factory=list)

    def add(self, picture: Picture, mask: Mask, pieces: int) -> None:
        height, width = mask.shape
        near = np.zeros_like(mask)
        for x0, y0, x1, y1 in picture.boxes:
            w, h = x1 - x0, y1 - y0
            inside = mask[max(0, int(y0)) : int(np.ceil(y1)), max(0, int(x0)) : int(np.ceil(x1))]
            size = (w * h) ** 0.5 / picture.enlarged
            self.faces.append((size, float(inside.mean()) if inside.size else 0.0))
            near[
                max(0, int(y0 - h / 2)) : int(np.ceil(y1 + h / 2)),
                max(0, int(x0 - w / 2)) : int(np.ceil(x1 + w / 2)),
            ] = True
        self.false_pixels += int((mask & ~near).sum())
        self.pixels += height * width
        if not picture.boxes:
            self.false_regions += pieces

    def __add__(self, other: Score) -> Score:
        return Score(*(getattr(self, f) + getattr(other, f) for f in self.__dataclass_fields__))

    def count(
        self, smallest: float, largest: float = float("inf"), share: float = COVERED
    ) -> tuple[int, int]:
        """Faces of a range of sizes of which so much is painted, and all of them."""
        some = [painted >= share for size, painted in self.faces if smallest <= size < largest]
        return sum(some), len(some)

    @property
    def missed(self) -> float:
        covered, faces = self.count(SMALL)
        return 1 - covered / max(faces, 1)

    @property
    def false_area(self) -> float:
        return 100 * self.false_pixels / max(self.pixels, 1)

    def __str__(self) -> str:
        (large, of_large), (small, of_small) = self.count(SMALL), self.count(0, SMALL)
        return (
            f"{large:4}/{of_large:<4} {large / max(of_large, 1):6.3f}"
            f" {self.count(SMALL, share=HALF)[0]:6}"
            f"   {small:4}/{of_small:<4} {small / max(of_small, 1):6.3f}"
            f"   {self.false_area:5.2f} %   {self.false_regions:3}"
            f"   {statistics.median(self.milliseconds):6.1f}"
        )
