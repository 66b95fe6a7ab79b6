"""YuNet, the default detector.

W. Wu, H. Peng, S. Yu: "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
Research 20 (2023). Weights: libfacedetection.train, Apache-2.0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceveil import weights
from faceveil.detect.joined_heads import STRIDES
from faceveil.detect.runtime import named, providers_of, session
from faceveil.detect.yunet_network import Network
from faceveil.faces import Faces
from faceveil.frames import Image
from faceveil.options import Device, Options, Sensitivity
from faceveil.options.whereabouts import Whereabouts

NMS_IOU = 0.45
_SLACK = 0.01
"""Cells are chosen by logits that are so much lower than needed, because of rounding."""


class YuNet:
    """YuNet on ONNX Runtime, any input size. Implements the ``SinglePass`` protocol.

    Args:
        model: path of the dynamic-shape ONNX file.
        threads: processor threads, 0 for all.
        device: where to run; the name tells where it does if that is not the processor. What the
            processor does instead of a device, it does as if it had been asked to.
    """

    # Measured on WIDER FACE validation pictures: precision falls off below 12 px on the input,
    # and above 128 px it takes large patterns for faces that smaller scales know are none.
    min_size = 12.0
    max_size = 128.0
    default_min_face = 6.0
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
        self.thresholds: dict[Sensitivity, float] = {"high": 0.41, "balanced": 0.5, "precise": 0.6}
        contents = model.read_bytes()
        strips = not providers_of(device)
        self._network = Network(contents, lambda one: session(one, threads, device), strips=strips)
        self._session, self._device = self._network.session, device
        if not strips and Whereabouts.of(self.name).on_processor:
            self._network = Network(contents, lambda one: session(one, threads), strips=True)
            self._session = self._network.session

    @property
    def name(self) -> str:
        return named("yunet", self._device, self._session)

    def detect(self, images: Sequence[Image], floor: float) -> list[Faces]:
        return [self._detect(image, floor) for image in images]

    def close(self) -> None:
        del self._network

    def _detect(self, image: Image, floor: float) -> Faces:
        found = Faces.from_rows(_decode(self._network.heads(image), floor))
        return found[found.leaders(NMS_IOU)]


def _decode(heads: Sequence[NDArray[np.float32]], floor: float) -> NDArray[np.float32]:
    """(n, 15) rows: box, score, five landmarks.

    Args:
        heads: (16, rows, columns) for each stride.
        floor: the least score. It is the root of the product of two, so neither is below its
            square.
    """
    least = math.log(floor**2 / (1 - floor**2)) - _SLACK if 0 < floor < 1 else -math.inf
    found = []
    for stride, head in zip(STRIDES, heads, strict=True):
        index = np.flatnonzero((head[0] >= least) & (head[1] >= least))
        if not len(index):
            continue
        cells = head.reshape(len(head), -1)[:, index].T
        score = np.sqrt(_sigmoid(cells[:, 0]) * _sigmoid(cells[:, 1]))
        enough = score >= floor
        score, cells, index = score[enough], cells[enough], index[enough]
        columns = head.shape[2]
        anchor = np.stack([index % columns, index // columns], 1)
        center = (anchor + cells[:, 2:4]) * stride
        half = np.exp(cells[:, 4:6]) * (stride / 2)
        marks = cells[:, 6:].reshape(-1, 5, 2) + anchor[:, None]
        found.append(
            np.concatenate(
                [center - half, center + half, score[:, None], marks.reshape(-1, 10) * stride],
                axis=1,
            )
        )
    return np.concatenate(found).astype(np.float32) if found else np.empty((0, 15), np.float32)


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-np.maximum(logits, -80))), np.float32)


def from_options(options: Options) -> YuNet:
    """The detector with its weights found and verified.

    Raises:
        WeightsError: they are missing or altered.
    """
    path = weights.find("yunet", options.weights)
    return YuNet(
        path,
        weights_sha256=weights.TABLE["yunet"].sha256,
        threads=options.threads,
        device=options.device,
    )
