"""A detector that sees what is white."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.options import Sensitivity
from faceveil.plan import Face


@dataclass
class SeesWhite:
    """Finds the box around all that is white on black, if ``suits`` says that it is a face."""

    name: str = "white"
    weights_sha256: str = ""
    min_size: float = 12.0
    max_size: float = 128.0
    default_min_face: float = 6.0
    input_side: int | None = None
    score: float = 0.9
    thresholds: dict[Sensitivity, float] = field(default_factory=lambda: {"high": 0.4})
    inputs: list[tuple[int, int]] = field(default_factory=list)

    def detect(self, images: Sequence[Image], floor: float) -> list[list[Face]]:
        return [self._detect(image) for image in images]

    def close(self) -> None:
        """Nothing to free."""

    def suits(self, box: Box) -> bool:
        raise NotImplementedError

    def _detect(self, image: Image) -> list[Face]:
        self.inputs.append((image.shape[1], image.shape[0]))
        ys, xs = np.nonzero(image[..., 0] > 127)
        if not len(ys):
            return []
        box = Box(float(xs.min()), float(ys.min()), xs.max() + 1.0, ys.max() + 1.0)
        return [Face(box, self.score)] if self.suits(box) else []
