"""Pictures that are already in memory, as a source and a sink."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from faceveil.errors import UnsupportedError
from faceveil.frames import Frame, Image, Span
from faceveil.i18n import say
from faceveil.media.pictures.encode import blanked
from faceveil.plan import Media
from faceveil.system.closing import Closing


class MemorySource(Closing):
    """Frames from arrays of one size, (H, W, 3) uint8 BGR, or (H, W, 4) with opacity.

    They are copied, never changed.

    Raises:
        UnsupportedError: an array of another shape or type, or no array.
    """

    time_base = Fraction(1, 1000)
    notes: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __init__(self, images: Sequence[Image], pts: Sequence[int] | None = None) -> None:
        shapes = {image.shape for image in images}
        if len(shapes) != 1 or any(image.dtype != np.uint8 for image in images):
            raise UnsupportedError(say("pictures must be uint8 arrays of one and the same shape"))
        (shape,) = shapes
        if len(shape) != 3 or shape[2] not in (3, 4) or 0 in shape:
            raise UnsupportedError(
                say(
                    "a picture must have the shape (H, W, 3) or (H, W, 4), not {shape}", shape=shape
                )
            )
        self._images = images
        self._pts = pts or range(len(images))
        kind = "image" if len(images) == 1 else "video"
        self.media = Media(kind, "memory", shape[1], shape[0], len(images))  # type: ignore[arg-type]

    def frames(self, skip: Sequence[Span] = ()) -> Iterator[Frame]:
        """All of them; there is nothing to skip."""
        for index, (image, pts) in enumerate(zip(self._images, self._pts, strict=True)):
            alpha = image[..., 3].copy() if image.shape[2] == 4 else None
            yield Frame(index, np.array(image[..., :3], order="C"), pts=pts, alpha=alpha)

    def skim(self) -> Iterator[Frame]:
        """The same as ``frames``."""
        return self.frames()

    def key_frames(self) -> Sequence[int]:
        """All frames cost the same here."""
        return range(len(self._images))

    def sample(self, wanted: Collection[int]) -> Iterator[Frame]:
        """Only the frames with these indices."""
        return (frame for frame in self.frames() if frame.index in wanted)

    def close(self) -> None:
        self._images = ()


class MemorySink:
    """Collects what is written in ``images``. There is no file, so there is none to finish."""

    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    copied = 0
    spoilt = False

    def __init__(self) -> None:
        self.images: list[Image] = []

    def keep(self, times: Sequence[int], touched: Collection[int]) -> Sequence[Span]:
        """Nothing: there is nothing coded."""
        return ()

    def write(self, frame: Frame) -> None:
        image = frame.image
        if frame.alpha is not None:
            image = np.dstack([blanked(image, frame.alpha), frame.alpha])
        self.images.append(image)

    def finish(self) -> Path:
        raise UnsupportedError(say("pictures in memory have no file"))

    commit = finish

    def abort(self) -> None:
        self.images.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to undo: what was written lives as long as the sink."""
