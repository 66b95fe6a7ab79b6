"""CenterFace, the most accurate detector that needs nothing but the package index.

Y. Xu et al.: "CenterFace: Joint Face Detection and Alignment Using Face as Point" (arXiv
1911.03599). Weights and the meaning of the outputs: Star-Clouds/CenterFace, MIT.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil import weights
from faceveil.detect.runtime import named, session
from faceveil.faces import Faces
from faceveil.frames import Image
from faceveil.options import Device, Options, Sensitivity

STRIDE = 4
"""Pixels of the input per cell of the outputs."""
MULTIPLE = 32
"""The network halves its input five times."""
NMS_IOU = 0.3

# Of several scales together; see benchmarks/coverage.py.
THRESHOLDS: dict[Sensitivity, float] = {"high": 0.25, "balanced": 0.35, "precise": 0.45}

_INPUT = "input.1"
_OUTPUTS = ("537", "538", "539", "540")  # heat map, size, offset, landmarks


class CenterFace:
    """CenterFace on ONNX Runtime, any input size. Implements the ``SinglePass`` protocol.

    Args:
        model: path of the ONNX file.
        threads: processor threads, 0 for all.
        device: where to run; the name tells where it does if that is not the processor.
    """

    name = "centerface"
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
        self.name = named(self.name, device, self._session)

    def detect(self, images: Sequence[Image], floor: float) -> list[Faces]:
        return [self._detect(image, floor) for image in images]

    def close(self) -> None:
        del self._session

    def _detect(self, image: Image, floor: float) -> Faces:
        height, width = image.shape[:2]
        # Padding keeps the picture's proportions and sharpness, which resizing would not.
        below, right = -height % MULTIPLE, -width % MULTIPLE
        if below or right:
            image = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT)  # type: ignore[assignment]
        blob = cv2.dnn.blobFromImage(image, swapRB=True)
        heat, size, offset, marks = self._session.run(_OUTPUTS, {_INPUT: blob})
        rows = _decode(heat, size, offset, marks, floor)
        found = Faces.from_rows(rows)
        return found[found.leaders(NMS_IOU)]


def _dynamic(model: Path) -> bytes:
    """The model with an input of any size, its constants marked as such.

    The published file is fixed to ten pictures of 32 x 32, and names every constant as an input
    too, which forbids the runtime to fold them into the operators.
    """
    import onnx

    loaded = onnx.load(model)
    graph = loaded.graph
    picture = next(value for value in graph.input if value.name == _INPUT)
    for value, names in (
        (picture, ("batch", "height", "width")),
        *((output, ("batch", "rows", "columns")) for output in graph.output),
    ):
        batch, _, rows, columns = value.type.tensor_type.shape.dim
        batch.dim_param, rows.dim_param, columns.dim_param = names
    del graph.input[:]
    graph.input.append(picture)
    contents: bytes = loaded.SerializeToString()
    return contents


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
