"""Run YuNet's network, on a large picture by strips.

What the first half of the network makes of a large picture is several times as large as a
processor's caches, and goes through memory between any two of its steps. By strips, with as many
rows above and below as one of its values depends on, the whole network takes up to a tenth less of
the processor's time, with the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.detect.joined_heads import (
    BETWEEN,
    INPUT,
    STRIDES,
    halves,
    output,
    with_joined_heads,
)
from faceveil.frames import Image

if TYPE_CHECKING:
    import onnxruntime

STRIP: Final = 250_000
"""Pixels of a strip, about. With two pictures under way on two cores, strips of this size spare 4 %
of 648 x 624 pixels, 11 % of 1088 x 608, and 3 % of 1088 x 1088, where the rows above and below are
longer.
"""
UNIT: Final = STRIDES[0]
HALO: Final = 3
"""Rows of the first half's output, of 8 pixels each. A value depends on 19 pixels above and below
its own: one for each convolution of 3 x 3, of which there are one at full size, one at half, and
four at a quarter.
"""
_OUTPUTS = [output(stride) for stride in STRIDES]

HeadOutput = NDArray[np.float32]


class Network:
    """YuNet's network, with joined heads.

    Args:
        contents: of the published file.
        start: opens a model.
        strips: look at large pictures by strips.

    Attributes:
        session: the whole network.
    """

    def __init__(
        self,
        contents: bytes,
        start: Callable[[bytes], onnxruntime.InferenceSession],
        *,
        strips: bool,
    ) -> None:
        self._model, self._start, self._strips = with_joined_heads(contents), start, strips
        self.session = start(self._model)
        self._halves: tuple[Any, Any, str] | None = None
        self._lock = Lock()

    def heads(self, image: Image) -> list[HeadOutput]:
        """(16, rows, columns) for each stride: see `joined_heads`."""
        height, width = (-(-side // STRIDES[-1]) * STRIDES[-1] for side in image.shape[:2])
        count = round(height * width / STRIP)
        if count < 2 or not self._strips:
            heads = self.session.run(_OUTPUTS, {INPUT: _blob(image, 0, height, width)})
        else:
            first, second, between = self._opened()
            rows = height // UNIT
            joint = np.empty((1, BETWEEN, rows, width // UNIT), np.float32)
            for top, bottom in pairwise(round(rows * part / count) for part in range(count + 1)):
                above, below = min(HALO, top), min(HALO, rows - bottom)
                shown = _blob(image, (top - above) * UNIT, (bottom + below) * UNIT, width)
                (made,) = first.run([between], {INPUT: shown})
                joint[:, :, top:bottom] = made[:, :, above : above + bottom - top]
            heads = second.run(_OUTPUTS, {between: joint})
        return [head[0] for head in heads]

    def _opened(self) -> tuple[Any, Any, str]:
        with self._lock:
            if self._halves is None:
                first, second, between = halves(self._model)
                self._halves = self._start(first), self._start(second), between
            return self._halves


def _blob(image: Image, top: int, bottom: int, width: int) -> NDArray[np.float32]:
    """(1, 3, bottom - top, width) of some rows of a picture, with zeros beyond it."""
    blob = np.empty((1, 3, bottom - top, width), np.float32)
    part = image[top:bottom]
    height, columns = part.shape[:2]
    blob[0, :, height:] = 0
    blob[0, :, :height, columns:] = 0
    for plane, values in zip(blob[0], cv2.split(part) if height else (), strict=False):
        plane[:height, :columns] = values
    return blob
