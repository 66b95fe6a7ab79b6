"""The pixels that another program paints at its defaults. Runs in that program's interpreter.

    PYTHON benchmarks/peer_masks.py PEER OUT [YUNET] < list-of-pictures

Writes OUT/<number>.npy, (H, W) bool: painted or not, and prints one JSON list of milliseconds of
processor time a picture (detection and painting, without reading and writing) on the last line.
PEER is deface, open-redactor or tutorial; the last needs FaceVeil and its extra ``mediapipe``.
YUNET is the file that open-redactor gets for its network if its own is not in its cache.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Peer = tuple[Callable[[str], Image], Callable[[Image], Image]]
"""Its function to read a picture, and the one to obscure it."""

CONFIDENCE, SMALLEST_KERNEL = 0.3, 15  # the tutorial's


def opened(path: str) -> Image:
    return np.asarray(cv2.imread(path), np.uint8)


def deface() -> Peer:
    """Its own detector and painter, as its command line calls them."""
    import deface.deface as peer
    import imageio.v2 as iio
    from deface.centerface import CenterFace

    detector = CenterFace(in_shape=None, backend="onnxrt")

    def read(path: str) -> Image:
        image = np.atleast_3d(np.asarray(iio.imread(path), np.uint8))
        return np.broadcast_to(image[..., :3], (*image.shape[:2], 3)).copy()

    def veil(image: Image) -> Image:
        painted = image.copy()
        boxes, _ = detector(image, threshold=0.2)
        peer.anonymize_frame(boxes, painted, 1.3, "blur", True, False, None, 20)
        return painted

    return read, veil


def open_redactor(yunet: str) -> Peer:
    """Its whole run over a photo; it loads its network anew for each. Files are kept from it."""
    from open_redactor import image_pipeline

    from peer_open_redactor import give_weights

    give_weights(yunet)
    place = Path(tempfile.mkdtemp())

    def veil(image: Image) -> Image:
        written: list[Image] = []

        def write(_: str, painted: Image) -> bool:
            written.append(painted)
            return True

        with (
            mock.patch.multiple(cv2, imread=lambda *_: image, imwrite=write),
            contextlib.redirect_stdout(io.StringIO()) as said,
        ):
            image_pipeline.run_image_pipeline(
                place / "in.jpg", place / "out.jpg", ["face"], provider="yunet"
            )
        # It goes on without a detector that failed.
        for line in said.getvalue().splitlines():
            if line.startswith("Warning"):
                raise RuntimeError(line)
        return written[0]

    return opened, veil


def tutorial() -> Peer:
    """MediaPipe's full-range model on the whole picture, and a Gaussian over the bare boxes."""
    from faceveil.detect.blazeface import full_range
    from faceveil.options import Options

    detector = full_range(Options())

    def veil(image: Image) -> Image:
        painted = image.copy()
        height, width = image.shape[:2]
        for face in detector.detect([image], CONFIDENCE)[0]:
            x0, y0, x1, y1 = map(int, face.box.as_tuple())
            x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
            if x0 < x1 and y0 < y1:
                kernel = max((x1 - x0 + y1 - y0) // 4, SMALLEST_KERNEL) | 1
                part = painted[y0:y1, x0:x1]
                painted[y0:y1, x0:x1] = cv2.GaussianBlur(part, (kernel, kernel), 0)
        return painted

    return opened, veil


PEERS: dict[str, Callable[..., Peer]] = {
    "deface": deface,
    "open-redactor": open_redactor,
    "tutorial": tutorial,
}


def blurs_become(colour: tuple[int, ...]) -> AbstractContextManager[Any]:
    """OpenCV's blurs paint this colour, so that what a program paints can be told."""

    def fill(image: Image, *_: object) -> Image:
        return np.full_like(image, colour)

    return mock.patch.multiple(cv2, blur=fill, GaussianBlur=fill)


def absent(image: Image) -> tuple[int, ...]:
    """A colour that is nowhere in the picture."""
    colours = itertools.product(range(255, -1, -1), repeat=3)
    return next(colour for colour in colours if not (image == colour).all(axis=2).any())


def main() -> None:
    name, out, *weights = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):  # one thread each: threads that wait may cost, too
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    read, veil = PEERS[name](*weights)
    milliseconds = []
    for number, path in enumerate(sys.stdin.read().splitlines()):
        image = read(path)
        if not number:
            veil(image)
        started = time.process_time()
        veil(image)
        milliseconds.append((time.process_time() - started) * 1000)
        colour = absent(image)
        with blurs_become(colour):
            painted = veil(image)
        np.save(Path(out) / f"{number}.npy", (painted == colour).all(axis=2))
    print(json.dumps(milliseconds))


if __name__ == "__main__":
    main()
