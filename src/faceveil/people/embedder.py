"""Faces as points: two pictures of one person lie close together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil import weights
from faceveil.people.network import LENGTH, build

if TYPE_CHECKING:
    from faceveil.frames import Image
    from faceveil.options import Options

WEIGHTS: Final = "people"
_BATCH: Final = 8

Points = NDArray[np.float32]


class Embedder(Protocol):
    """Turns aligned faces into points. Distances are Euclidean; 0.6 divides people in dlib's scale,
    which another network has to be scaled to.
    """

    def embed(self, faces: Sequence[Image]) -> Points:
        """(n, any length) for n faces of (150, 150, 3) BGR, from `chip.aligned`."""
        ...


def embed_both(embedder: Embedder, faces: Sequence[Image]) -> Points:
    """(n, any length) the means of what faces and their mirror images give: of one person's
    pictures these lie a tenth closer together, of two people's as far apart.
    """
    points = embedder.embed([*faces, *(face[:, ::-1] for face in faces)])
    pairs = points.reshape(2, len(faces), points.shape[1])
    both: Points = pairs.mean(axis=0)
    return both


def apart(points: Points, others: Points) -> NDArray[np.float64]:
    """(n, m) the distances of n points from m others, in memory of that size."""
    one, other = points.astype(np.float64), others.astype(np.float64)
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    distances: NDArray[np.float64] = np.sqrt(np.maximum(squares, 0.0))
    return distances


class FaceNetwork:
    """dlib's network, see `network`."""

    def __init__(self, contents: bytes, threads: int = 0) -> None:
        from faceveil.detect.runtime import session

        self._session = session(build(contents), threads)

    def embed(self, faces: Sequence[Image]) -> Points:
        parts = [np.empty((0, LENGTH), np.float32)]
        for first in range(0, len(faces), _BATCH):
            blob = cv2.dnn.blobFromImages(faces[first : first + _BATCH], swapRB=True)
            parts += self._session.run(["embeddings"], {"faces": blob})
        return np.concatenate(parts)


_loaded: dict[tuple[object, ...], FaceNetwork] = {}
_lock = threading.Lock()


def load_embedder(options: Options) -> Embedder:
    """The network, loaded once per process.

    Raises:
        WeightsError: its weights are missing or altered.
    """
    key = (options.weights, options.threads)
    with _lock:
        if key not in _loaded:
            path = weights.find(WEIGHTS, options.weights)
            _loaded[key] = FaceNetwork(path.read_bytes(), options.threads)
    return _loaded[key]
