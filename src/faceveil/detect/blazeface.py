"""BlazeFace, the detector of MediaPipe, without MediaPipe.

V. Bazarevsky et al.: "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs" (arXiv
1907.05047). Anchors, decoding and suppression follow MediaPipe's graphs
``face_detection_full_range_common`` and ``face_detection_short_range_common`` (Apache-2.0). The
``mediapipe`` package sends metrics over the network, so the model runs on LiteRT alone.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil import weights
from faceveil.detect.runtime import bounded
from faceveil.errors import NoDetectorError
from faceveil.faces import Faces, Floats, pairwise_iou
from faceveil.frames import Image
from faceveil.i18n import say
from faceveil.options import Device, Options, Sensitivity
from faceveil.options.whereabouts import Whereabouts
from faceveil.system.extras import advice_for

Model = Literal["full", "short"]

NMS_IOU = 0.3
SCORE_LIMIT = 100.0
"""Raw scores are clipped to this before the sigmoid."""
KEYPOINTS = 6
"""Right eye, left eye, nose tip, center of the mouth, right and left ear."""

# The lowest is what tutorials set as min_detection_confidence; the others are MediaPipe's own
# defaults, of its interface and of its full-range graph.
THRESHOLDS: dict[Sensitivity, float] = {"high": 0.30, "balanced": 0.50, "precise": 0.60}


@dataclass(frozen=True, slots=True)
class _Variant:
    name: str
    weights: str
    side: int
    strides: tuple[int, ...]
    per_layer: int
    min_size: float
    max_size: float


# Sizes measured on WIDER FACE validation pictures: from the smaller one on four in five faces are
# found, and up to the larger one nearly all.
_VARIANTS: dict[Model, _Variant] = {
    "full": _Variant("mediapipe", "blazeface-full", 192, (4,), 1, 16.0, 130.0),
    "short": _Variant("mediapipe-short", "blazeface-short", 128, (8, 16, 16, 16), 2, 20.0, 110.0),
}


class BlazeFace:
    """BlazeFace on LiteRT. Implements the ``SinglePass`` protocol.

    A picture is scaled to fit the square input, whatever its size. Of the mouth only the center
    is known; it stands for both corners.

    Args:
        model: "full" (range, 192 px) or "short" (range, 128 px: faces close to the camera).
        path: of the .tflite file.
        threads: processor threads, 0 for all.
        device: that was asked for. LiteRT cannot use any; the name tells so.

    Raises:
        NoDetectorError: LiteRT is not installed.
    """

    def __init__(
        self,
        model: Model,
        path: Path,
        *,
        weights_sha256: str = "",
        threads: int = 0,
        device: Device = "cpu",
    ) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise NoDetectorError(
                say("the detector mediapipe needs LiteRT, which is not installed"),
                advice_for("mediapipe"),
            ) from error
        variant = _VARIANTS[model]
        self.name = str(Whereabouts(variant.name, "" if device in ("cpu", "auto") else "cpu"))
        self.weights_sha256 = weights_sha256
        self.thresholds = dict(THRESHOLDS)
        self.min_size = variant.min_size
        self.max_size = variant.max_size
        # Enlarging a picture would cost many more tiles for faces it sees badly anyway.
        self.default_min_face = variant.min_size
        self.input_side: int | None = variant.side
        self._side = variant.side
        self._centers = anchors(variant.side, variant.strides, variant.per_layer)
        self._interpreter = Interpreter(model_path=str(path), num_threads=bounded(threads))
        self._interpreter.allocate_tensors()
        (self._input,) = (detail["index"] for detail in self._interpreter.get_input_details())
        outputs = {
            int(detail["shape"][-1]): detail["index"]
            for detail in self._interpreter.get_output_details()
        }
        self._boxes, self._scores = outputs[4 + 2 * KEYPOINTS], outputs[1]
        # The interpreter keeps its tensors between calls, so two threads must not share a call.
        self._lock = threading.Lock()

    def detect(self, images: Sequence[Image], floor: float) -> list[Faces]:
        return [self._detect(image, floor) for image in images]

    def close(self) -> None:
        del self._interpreter

    def _detect(self, image: Image, floor: float) -> Faces:
        height, width = image.shape[:2]
        scale = self._side / max(height, width)
        picture, left, top = _letterbox(image, self._side, scale)
        with self._lock:
            self._interpreter.set_tensor(self._input, picture)
            self._interpreter.invoke()
            raw = self._interpreter.get_tensor(self._boxes)[0]
            logits = self._interpreter.get_tensor(self._scores)[0, :, 0]
        points, scores = decode(raw, logits, self._centers, floor)
        points, scores = weighted_suppression(points, scores, NMS_IOU)
        return _faces(points, scores).transformed(1 / scale, -left / scale, -top / scale)


def anchors(side: int, strides: Sequence[int], per_layer: int) -> NDArray[np.float32]:
    """(n, 2) centers of the anchors in pixels of the input, in the order of the outputs.

    MediaPipe's ``SsdAnchorsCalculator`` with ``fixed_anchor_size``: the anchors have no size of
    their own. Layers of the same stride are interleaved.
    """
    found = []
    for stride in sorted(set(strides)):
        cells = (np.arange(side // stride) + 0.5) * stride
        grid = np.stack(np.meshgrid(cells, cells), axis=-1).reshape(-1, 2)
        found.append(np.repeat(grid, strides.count(stride) * per_layer, axis=0))
    return np.concatenate(found).astype(np.float32)


def decode(
    raw: NDArray[np.float32],
    logits: NDArray[np.float32],
    centers: NDArray[np.float32],
    floor: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The faces that the network saw with a score of at least ``floor``.

    Args:
        raw: (n, 16) center, size and keypoints, x before y, from the anchors, in pixels.
        logits: (n,).
        centers: (n, 2) of the anchors.

    Returns:
        (m, 8, 2) points in pixels of the input: the box's two corners, then the keypoints; and
        (m,) scores.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits, -SCORE_LIMIT, SCORE_LIMIT).astype(np.float64)))
    kept = np.flatnonzero(scores >= floor)
    pairs = raw[kept].reshape(-1, 2 + KEYPOINTS, 2)
    center, half = pairs[:, 0] + centers[kept], pairs[:, 1] / 2
    marks = pairs[:, 2:] + centers[kept, None]
    points = np.concatenate([(center - half)[:, None], (center + half)[:, None], marks], axis=1)
    # The network does not guarantee positive widths.
    real = np.isfinite(points).all(axis=(1, 2)) & (half > 0).all(axis=1)
    return points[real], scores[kept][real].astype(np.float32)


def weighted_suppression(
    points: NDArray[np.float32], scores: NDArray[np.float32], iou: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One detection for each group that overlaps: the mean weighted by score, and the best score.

    MediaPipe's ``NonMaxSuppressionCalculator`` with the algorithm ``WEIGHTED``.

    Args:
        points: (n, k, 2), the box's corners first.
        scores: (n,).

    Returns:
        The same for the m <= n groups, best first.
    """
    order = np.argsort(-scores, kind="stable")
    points, scores = points[order], scores[order]
    merged, best = [], []
    while len(scores):
        boxes = points[:, :2].reshape(-1, 4).astype(np.float64)
        same = pairwise_iou(boxes[:1], boxes)[0] > iou
        same[0] = True
        merged.append(np.average(points[same], axis=0, weights=scores[same]))
        best.append(scores[0])
        points, scores = points[~same], scores[~same]
    return (
        np.array(merged, np.float32).reshape(-1, *points.shape[1:]),
        np.array(best, np.float32),
    )


def _letterbox(image: Image, side: int, scale: float) -> tuple[NDArray[np.float32], float, float]:
    """(1, side, side, 3) RGB from -1 to 1, black around the picture; and where its corner lies."""
    height, width = (max(1, round(length * scale)) for length in image.shape[:2])
    if (height, width) != image.shape[:2]:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        image = cv2.resize(image, (width, height), interpolation=method)  # type: ignore[assignment]
    left, top = (side - width) // 2, (side - height) // 2
    picture = np.full((1, side, side, 3), -1.0, np.float32)
    picture[0, top : top + height, left : left + width] = image[:, :, ::-1] / np.float32(127.5) - 1
    return picture, left, top


def _faces(points: NDArray[np.float32], scores: NDArray[np.float32]) -> Faces:
    found: Floats = points.astype(np.float64)
    # The corners of the box, then right eye, left eye, nose and the center of the mouth.
    return Faces(found[:, :2].reshape(-1, 4), scores.astype(np.float64), found[:, [2, 3, 4, 5, 5]])


def full_range(options: Options) -> BlazeFace:
    """The full-range detector with its weights found and verified.

    Raises:
        NoDetectorError: LiteRT is not installed.
        WeightsError: the weights are missing or altered.
    """
    return _from_options("full", options)


def short_range(options: Options) -> BlazeFace:
    """The short-range detector; otherwise as ``full_range``."""
    return _from_options("short", options)


def _from_options(model: Model, options: Options) -> BlazeFace:
    entry = weights.TABLE[_VARIANTS[model].weights]
    path = weights.find(entry.name, options.weights)
    return BlazeFace(
        model, path, weights_sha256=entry.sha256, threads=options.threads, device=options.device
    )
