"""What deface 1.5.0 paints at its defaults. Runs in deface's own interpreter, knows no FaceVeil.

    PYTHON benchmarks/deface_masks.py OUT < list-of-pictures

Writes OUT/<number>.npy, (H, W) bool: painted or not, and prints one JSON list of milliseconds a
picture (detection and painting, without reading and writing) on the last line.
"""

import json
import sys
import time
from pathlib import Path

import cv2
import deface.deface as peer
import imageio.v2 as iio
import numpy as np
from deface.centerface import CenterFace

THRESHOLD, MASK_SCALE = 0.2, 1.3  # its command line's defaults


def main() -> None:
    out = Path(sys.argv[1])
    detector = CenterFace(in_shape=None, backend="onnxrt")
    blur = cv2.blur
    milliseconds = []
    for number, path in enumerate(sys.stdin.read().splitlines()):
        image = np.atleast_3d(np.asarray(iio.imread(path)))
        image = np.broadcast_to(image[..., :3], (*image.shape[:2], 3)).copy()
        started = time.perf_counter()
        boxes, _ = detector(image, threshold=THRESHOLD)
        peer.anonymize_frame(boxes, image, MASK_SCALE, "blur", True, False, None, 20)
        milliseconds.append((time.perf_counter() - started) * 1000)
        # The same again, with white in place of the blur, on black: what it paints turns white.
        canvas = np.zeros_like(image)
        cv2.blur = lambda part, kernel: np.full_like(part, 255)
        peer.anonymize_frame(boxes, canvas, MASK_SCALE, "blur", True, False, None, 20)
        cv2.blur = blur
        np.save(out / f"{number}.npy", canvas[..., 0] > 0)
    print(json.dumps(milliseconds))


if __name__ == "__main__":
    main()
