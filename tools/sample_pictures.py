"""Makes the page's sample picture, and what each strength leaves of its face.

    python tools/sample_pictures.py

The picture is of the astronaut Eileen Collins (NASA, public domain), from scikit-image.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from skimage.data import astronaut

import faceveil
from faceveil.in_memory import veil_image
from faceveil.options import Options
from faceveil.options.presets import PRESETS

STATIC = Path(faceveil.__file__).parent / "server" / "static"
HEAD = (slice(10, 230), slice(115, 335))
"""Rows and columns around the face."""
SIDE = 192
"""Of the small pictures, in pixels: twice of what they are shown at."""


def main() -> None:
    picture = np.ascontiguousarray(astronaut()[..., ::-1])
    _save(STATIC / "sample.jpg", picture)
    for preset in PRESETS:
        veiled = veil_image(picture, Options(preset=preset))
        small = cv2.resize(veiled[HEAD], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        _save(STATIC / "strength" / f"{preset}.jpg", np.asarray(small, np.uint8))


def _save(path: Path, picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    path.parent.mkdir(exist_ok=True)
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 82])
    assert done
    path.write_bytes(data.tobytes())


if __name__ == "__main__":
    main()
