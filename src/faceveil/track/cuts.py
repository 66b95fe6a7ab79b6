"""Find the beginnings of scenes, from thumbnails of the luma alone.

Two pictures of one scene look alike at 32 by 18 pixels, whatever moves in them. Two thumbnails are
compared by their correlation, which a change of light does not affect, and by their histograms. A
missed cut costs a second of needless cover. A false cut prevents the bridging of gaps, which is
worse, so the thresholds prefer to miss a cut. They lie between the strongest camera shake
(correlation 0.62) and the weakest cut (0.26, or 0.50 with half of the histogram changed) of the
test videos.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

THUMBNAIL = (32, 18)
"""Width and height of the luma thumbnails, made by area averaging."""

UNLIKE = 0.45
"""Correlation below which two thumbnails show different scenes."""
RATHER_UNLIKE = 0.6
"""The same if the histograms differ as well."""
REDISTRIBUTED = 0.35
"""Share of the pixels that moved to another of 16 bins."""
FLAT = 6.0
"""Mean difference, of 255 and apart from brightness, below which only noise changed."""


def is_cut(before: NDArray[Any], after: NDArray[Any]) -> bool:
    """Whether two successive thumbnails show different scenes.

    Args:
        before, after: (18, 32) luma, 0 to 255, of one shape; any small shape works.
    """
    a, b = before.astype(np.float64), after.astype(np.float64)
    a0, b0 = a - a.mean(), b - b.mean()
    if np.abs(a0 - b0).mean() < FLAT:
        return False
    energy = float(np.sqrt((a0 * a0).sum() * (b0 * b0).sum()))
    likeness = float((a0 * b0).sum()) / energy if energy > 0 else 0.0
    if likeness < UNLIKE:
        return True
    bins = [np.histogram(x, 16, (0.0, 256.0))[0] for x in (a, b)]
    changed = float(np.abs(bins[0] - bins[1]).sum()) / 2 / a.size
    return likeness < RATHER_UNLIKE and changed > REDISTRIBUTED


class CutFinder:
    """Collects the cuts of a video, thumbnail by thumbnail.

    Two cuts in a row are no cuts, but a flash or a fast pan, and the scene continues. This is known
    only one frame later. So ``feed`` reports possible cuts, at which the detector has to look, and
    ``cuts`` the real ones.

    Args:
        first: index of the first frame.

    Attributes:
        suspects: frame indices of possible cuts.
    """

    def __init__(self, first: int = 0) -> None:
        self._last: NDArray[Any] | None = None
        self._frame = first
        self.suspects: list[int] = []

    def feed(self, thumbnail: NDArray[Any]) -> bool:
        """Take the next frame; True if it may be the first of a scene."""
        suspect = self._last is None or is_cut(self._last, thumbnail)
        if suspect and self._last is not None:
            self.suspects.append(self._frame)
        self._last = thumbnail
        self._frame += 1
        return suspect

    @property
    def cuts(self) -> tuple[int, ...]:
        """Frame indices at which a new scene begins, among the frames fed so far."""
        return cuts_among(self.suspects)


def cuts_among(suspects: Sequence[int]) -> tuple[int, ...]:
    """The real cuts among possible ones: those without another directly beside them."""
    marked = set(suspects)
    return tuple(f for f in suspects if f - 1 not in marked and f + 1 not in marked)
