"""Run YuNet's network, on a large picture by strips.

What the first half of the network makes of a large picture is several times as large as a
processor's caches, and goes through memory between any two of its steps. By strips, with as many
rows above and below as one of its values depends on, the whole network takes up to a tenth less of
the processor's time, with the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Final

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
    from faceveil.detect.runtime import Runs

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
        strips: look at large pictures by strips. The network is opened in two halves then, which
            serve small pictures as well: the whole beside them would be a third model to open.

    Attributes:
        session: the whole network, or its first half.
    """

    def __init__(
        self,
        contents: bytes,
        start: Callable[[bytes], Runs],
        *,
        strips: bool,
    ) -> None:
        model, second = with_joined_heads(contents), None
        if strips:
            model, second, self._between = halves(model)
        self.session = start(model)
        self._second = None if second is None else start(second)

    def heads(self, image: Image) -> list[HeadOutput]:
        """(16, rows, columns) for each stride: see `joined_heads`."""
        height, width = (-(-side // STRIDES[-1]) * STRIDES[-1] for side in image.shape[:2])
        if self._second is None:
            heads = self.session.run(_OUTPUTS, {INPUT: _blob(image, 0, height, width)})
        else:
            joint = self._first_half(image, height, width)
            heads = self._second.run(_OUTPUTS, {self._between: joint})
        return [head[0] for head in heads]

    def _first_half(self, image: Image, height: int, width: int) -> HeadOutput:
        """(1, channels, rows, columns) of the picture, enlarged to this size with zeros."""
        count = round(height * width / STRIP)
        if count < 2:
            return self._between_of(image, 0, height, width)
        rows = height // UNIT
        joint = np.empty((1, BETWEEN, rows, width // UNIT), np.float32)
        for top, bottom in pairwise(round(rows * part / count) for part in range(count + 1)):
            above, below = min(HALO, top), min(HALO, rows - bottom)
            made = self._between_of(image, (top - above) * UNIT, (bottom + below) * UNIT, width)
            joint[:, :, top:bottom] = made[:, :, above : above + bottom - top]
        return joint

    def _between_of(self, image: Image, top: int, bottom: int, width: int) -> HeadOutput:
        """The first half's output for some rows of the picture."""
        (made,) = self.session.run([self._between], {INPUT: _blob(image, top, bottom, width)})
        return np.asarray(made)


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
