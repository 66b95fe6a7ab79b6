"""CenterFace, the most accurate detector that needs nothing but the package index.

Y. Xu et al.: "CenterFace: Joint Face Detection and Alignment Using Face as Point" (arXiv
1911.03599). Weights and the meaning of the outputs: Star-Clouds/CenterFace, MIT.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil import weights
from faceveil.detect.onnx_format import with_shapes
from faceveil.detect.runtime import named, session
from faceveil.faces import Faces
from faceveil.frames import Image
from faceveil.options import Device, Options, Sensitivity

STRIDE = 4
"""Pixels of the input per cell of the outputs."""
MULTIPLE = 32
"""The network halves its input five times."""
NMS_IOU = 0.3
TOGETHER = 32 * 64 * 64 * 3
"""Values of the pictures that are shown in one run, at most."""

# Of several scales together; see benchmarks/coverage.py.
THRESHOLDS: dict[Sensitivity, float] = {"high": 0.25, "balanced": 0.35, "precise": 0.45}

_INPUT = "input.1"
_OUTPUTS = {"537": 1, "538": 2, "539": 2, "540": 10}
"""Heat map, size, offset and landmarks, with the numbers they have for each cell."""


class CenterFace:
    """CenterFace on ONNX Runtime, any input size. Implements the ``SinglePass`` protocol.

    Args:
        model: path of the ONNX file.
        threads: processor threads, 0 for all.
        device: where to run; the name tells where it does if that is not the processor.
    """

    # Measured on WIDER FACE validation pictures, whole and shrunk: three in four faces are found
    # from 12 px on the input; of enlarged close-ups all are up to 600 px and none from 800 px.
    min_size = 12.0
    max_size = 500.0
    default_min_face = 8.0
    input_side: int | None = None

    def __init__(
        self,
        model: Path,
        *,
        weights_sha256: str = "",
        threads: int = 0,
        device: Device = "cpu",
    ) -> None:
        self.weights_sha256 = weights_sha256
        self.thresholds = dict(THRESHOLDS)
        self._session = session(_dynamic(model), threads, device)
        self._device = device

    @property
    def name(self) -> str:
        return named("centerface", self._device, self._session)

    def detect(self, images: Sequence[Image], floor: float) -> list[Faces]:
        found: list[Faces] = []
        # Small pictures of one size are one run: alone, each would cost half as much again.
        for _, same in groupby(images, key=lambda image: image.shape):
            alike = list(same)
            together = max(1, TOGETHER // alike[0].size)
            for some in range(0, len(alike), together):
                found += self._detect(alike[some : some + together], floor)
        return found

    def close(self) -> None:
        del self._session

    def _detect(self, images: Sequence[Image], floor: float) -> list[Faces]:
        height, width = images[0].shape[:2]
        # Padding keeps the picture's proportions and sharpness, which resizing would not.
        below, right = -height % MULTIPLE, -width % MULTIPLE
        if below or right:
            sides = (0, below, 0, right)
            images = [cv2.copyMakeBorder(one, *sides, cv2.BORDER_CONSTANT) for one in images]  # type: ignore[misc]
        blob = cv2.dnn.blobFromImages(images, swapRB=True)
        outputs = self._session.run([*_OUTPUTS], {_INPUT: blob})
        found = []
        for number in range(len(images)):
            heat, size, offset, marks = (output[number, None] for output in outputs)
            one = Faces.from_rows(_decode(heat, size, offset, marks, floor))
            found.append(one[one.leaders(NMS_IOU)])
        return found


def _dynamic(model: Path) -> bytes:
    """The model with an input of any size, its constants marked as such.

    The published file is fixed to ten pictures of 32 x 32, and names every constant as an input
    too, which forbids the runtime to fold them into the operators.
    """
    return with_shapes(
        model.read_bytes(),
        {_INPUT: ("batch", 3, "height", "width")},
        {name: ("batch", count, "rows", "columns") for name, count in _OUTPUTS.items()},
    )


def _decode(
    heat: NDArray[np.float32],
    size: NDArray[np.float32],
    offset: NDArray[np.float32],
    marks: NDArray[np.float32],
    floor: float,
) -> NDArray[np.float32]:
    """(n, 15) rows: box, score, five landmarks.

    Args:
        heat: (1, 1, rows, columns) score of a face being centered there.
        size: (1, 2, rows, columns) logarithm of its height and width in cells.
        offset: (1, 2, rows, columns) of the center from the cell's own, down and to the right.
        marks: (1, 10, rows, columns) landmarks from the box's upper left corner, y before x, in
            shares of its height and width.
    """
    y, x = np.nonzero(heat[0, 0] >= floor)
    extent = np.exp(size[0, :, y, x]) * STRIDE
    center = (np.stack([y, x], axis=1) + offset[0, :, y, x] + 0.5) * STRIDE
    corner = center - extent / 2
    points = marks[0, :, y, x].reshape(-1, 5, 2) * extent[:, None] + corner[:, None]
    return np.concatenate(
        [
            corner[:, ::-1],
            (corner + extent)[:, ::-1],
            heat[0, 0, y, x][:, None],
            points[:, :, ::-1].reshape(-1, 10),
        ],
        axis=1,
    ).astype(np.float32)


def from_options(options: Options) -> CenterFace:
    """The detector with its weights found and verified.

    Raises:
        WeightsError: they are missing or altered.
    """
    path = weights.find("centerface", options.weights)
    return CenterFace(
        path,
        weights_sha256=weights.TABLE["centerface"].sha256,
        threads=options.threads,
        device=options.device,
    )
