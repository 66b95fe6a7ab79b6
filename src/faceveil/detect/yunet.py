"""YuNet, the default detector.

W. Wu, H. Peng, S. Yu: "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
Research 20 (2023). Weights: libfacedetection.train, Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceveil import weights
from faceveil.detect.runtime import named, session
from faceveil.faces import Faces
from faceveil.frames import Image
from faceveil.options import Device, Options, Sensitivity

STRIDES = (8, 16, 32)
NMS_IOU = 0.45


class YuNet:
    """YuNet on ONNX Runtime, any input size. Implements the ``SinglePass`` protocol.

    Args:
        model: path of the dynamic-shape ONNX file.
        threads: processor threads, 0 for all.
        device: where to run; the name tells where it does if that is not the processor.
    """

    name = "yunet"
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
        self._session = session(model, threads, device)
        self.name = named(self.name, device, self._session)
        self._outputs = [output.name for output in self._session.get_outputs()]

    def detect(self, images: Sequence[Image], floor: float) -> list[Faces]:
        return [self._detect(image, floor) for image in images]

    def close(self) -> None:
        del self._session

    def _detect(self, image: Image, floor: float) -> Faces:
        height, width = image.shape[:2]
        padded_h, padded_w = (-(-side // STRIDES[-1]) * STRIDES[-1] for side in (height, width))
        blob = np.zeros((1, 3, padded_h, padded_w), np.float32)
        blob[0, :, :height, :width] = image.transpose(2, 0, 1)
        values = self._session.run(self._outputs, {"input": blob})
        rows = _decode(dict(zip(self._outputs, values, strict=True)), padded_w, floor)
        found = Faces.from_rows(rows)
        return found[found.leaders(NMS_IOU)]


def _decode(
    outputs: dict[str, NDArray[np.float32]], width: int, floor: float
) -> NDArray[np.float32]:
    """(n, 15) rows: box, score, five landmarks."""
    found = []
    for stride in STRIDES:
        score = np.sqrt(
            np.clip(outputs[f"cls_{stride}"][0, :, 0], 0, 1)
            * np.clip(outputs[f"obj_{stride}"][0, :, 0], 0, 1)
        )
        index = np.flatnonzero(score >= floor)
        anchor = np.stack([index % (width // stride), index // (width // stride)], 1)
        raw = outputs[f"bbox_{stride}"][0, index]
        center = (anchor + raw[:, :2]) * stride
        half = np.exp(raw[:, 2:]) * (stride / 2)
        marks = outputs[f"kps_{stride}"][0, index].reshape(-1, 5, 2) + anchor[:, None]
        found.append(
            np.concatenate(
                [center - half, center + half, score[index, None], marks.reshape(-1, 10) * stride],
                axis=1,
            )
        )
    return np.concatenate(found).astype(np.float32)


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
