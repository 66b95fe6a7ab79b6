"""Memory of what the check saw, so that of an output made anew it looks only at what is new."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from faceveil.detect import Detector
from faceveil.frames import Frame
from faceveil.plan import Face


class Recall:
    """The faces that quick looks saw in pictures, under a hash of their pixels.

    After a repair most pages of a document show what they did before, and a detector sees the same
    in the same pixels. Each page is read again and compared; it is looked at if it differs.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, float, bytes], Sequence[Face]] = {}

    def recheck(self, frame: Frame, detector: Detector, floor: float) -> Sequence[Face]:
        """The same as the detector's ``recheck``."""
        key = detector.name, floor, _digest(frame)
        if key not in self._seen:
            self._seen[key] = detector.recheck(frame, floor)
        return self._seen[key]


def _digest(frame: Frame) -> bytes:
    """The hash of everything that a detector can see in a picture."""
    digest = hashlib.sha256(repr(frame.image.shape).encode())
    for pixels in (frame.image, frame.alpha):
        if pixels is not None:
            digest.update(np.ascontiguousarray(pixels).data)
    return digest.digest()
