"""The changes from one frame of an animation to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Image
from faceveil.media.pictures.encode import Alpha, blanked

PixelArea = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels, half-open."""


def difference(
    before: NDArray[np.uint8], after: NDArray[np.uint8], step: int = 1
) -> tuple[PixelArea, NDArray[np.uint8], bool]:
    """The part of a frame that has to be stored if the frame before stays on the canvas.

    Args:
        before, after: (H, W, 4) BGRA.
        step: x0 and y0 are rounded down to a multiple of it.

    Returns:
        The smallest rectangle around every pixel that differs (one pixel if none does); its
        pixels; and whether they are to be laid *over* the canvas: then unchanged ones are
        transparent black, which compresses to nearly nothing. They cannot be laid over where a
        changed pixel is not opaque; then the rectangle *replaces* what was there.
    """
    differs = (before != after).any(axis=-1)
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not rows.size:
        return (0, 0, 1, 1), after[:1, :1], False
    x0, y0 = int(columns[0]) // step * step, int(rows[0]) // step * step
    x1, y1 = int(columns[-1]) + 1, int(rows[-1]) + 1
    part, changed = after[y0:y1, x0:x1], differs[y0:y1, x0:x1]
    if part[changed][:, 3].min() < 255:
        return (x0, y0, x1, y1), part, False
    return (x0, y0, x1, y1), np.where(changed[..., None], part, np.uint8(0)), True


def joined(image: Image, alpha: Alpha) -> NDArray[np.uint8]:
    """(H, W, 4) BGRA with hidden colour blanked."""
    opacity = np.full(image.shape[:2], 255, np.uint8) if alpha is None else alpha
    return np.dstack([blanked(image, alpha), opacity])
