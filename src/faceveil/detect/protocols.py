"""The protocols of detectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from faceveil.faces import Faces
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.options import Sensitivity
from faceveil.plan import Face


class SinglePass(Protocol):
    """A face detector that looks at a picture once. What a plug-in has to provide.

    Attributes:
        name: what reports call it; it may come to be another one if what it runs on does.
        weights_sha256: of the weights in use.
        thresholds: the score from which a face counts, for each sensitivity.
        min_size: side in pixels, on the detector's input, of the smallest face it finds reliably.
        max_size: the same for the largest.
        default_min_face: size in pixels of the smallest face to look for if no setting names one.
        input_side: longest side of a picture it can take in one pass at full resolution; larger
            ones are shrunk by it. None: no limit.
    """

    weights_sha256: str
    thresholds: dict[Sensitivity, float]
    min_size: float
    max_size: float
    default_min_face: float
    input_side: int | None

    @property
    def name(self) -> str: ...

    def detect(self, images: Sequence[Image], floor: float) -> Sequence[Sequence[Face]]:
        """Find the faces in each picture whose score is at least ``floor``.

        Args:
            images: (H, W, 3) uint8 BGR, sizes may differ.

        Returns:
            The faces of each picture, as a list or as `Faces`, boxes in that picture's pixels. A
            box may reach beyond the picture.
        """
        ...

    def close(self) -> None:
        """Free the model. The detector cannot be used afterwards."""
        ...


class Detector(Protocol):
    """A detector as the stages call it: `faceveil.detect.scaled.Scaled`, or a stand-in for it.

    Attributes:
        name, weights_sha256, thresholds: as in `SinglePass`.
    """

    weights_sha256: str
    thresholds: dict[Sensitivity, float]

    @property
    def name(self) -> str: ...

    def detect(self, frame: Frame, floor: float) -> Sequence[Face]:
        """Faces whose score is at least ``floor``, boxes in the frame's pixels."""
        ...

    def detect_in(self, frame: Frame, box: Box, floor: float) -> Sequence[Face]:
        """As ``detect``, in a part of the frame only; boxes in the frame's pixels."""
        ...

    def detect_rotated(self, frame: Frame, floor: float) -> Sequence[Face]:
        """Faces of heads that lie on a side or are upside down, those that are not small; boxes as
        ``detect``."""
        ...

    def recheck(self, frame: Frame, floor: float) -> Sequence[Face]:
        """A quick look at other scales than ``detect`` uses, for checking its work."""
        ...

    def smallest_face(self, width: int, height: int) -> float:
        """Size in pixels of the smallest face found in a picture of this size."""
        ...


@runtime_checkable
class Consulting(Protocol):
    """A detector of stills that may ask another network.

    Attributes:
        second: name of the other network; "" if there is none.
    """

    @property
    def second(self) -> str: ...

    def consult(self, frame: Frame, floor: float) -> tuple[Faces, int]:
        """As ``Detector.detect``, and the number of places the other network was asked about."""
        ...
