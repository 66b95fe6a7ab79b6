"""One frame and what to cover in it, made one painted frame.

What files and live streams have in common once it is known where the faces are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from faceveil import obscure, region
from faceveil.obscure.canvas import canvas_of
from faceveil.region import Target
from faceveil.types import Box, Frame

if TYPE_CHECKING:
    from faceveil.obscure.codes import Codes
    from faceveil.options import Options

HOLD_SECONDS = 2
"""For this long a track shows the same codes: fresh ones in every frame would add up to a face."""

# Codes are held by track, and no track has a negative number.
_WHOLE, _ZONES = -1, -2


class Painter:
    """Obscures what it is told to, frame by frame."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._obscurer = obscure.load_obscurer(options)

    def paint(
        self,
        frame: Frame,
        size: tuple[int, int],
        targets: Sequence[Target],
        held: dict[int, Codes],
    ) -> tuple[Box, ...]:
        """Paint the targets and the zones that are always covered, in place.

        Args:
            size: width and height of the frame.
            held: the codes to use again, from `Held`.

        Returns:
            What is certainly covered.
        """
        options = self._options
        areas = region.regions([*targets, *_zones(options)], *size, options)
        if not areas:
            return ()
        canvas = canvas_of(frame)
        masks = [region.mask(area, options) for area in areas]
        obscure.paint(canvas, areas, masks, self._obscurer, held)
        if options.show_boxes:
            for area in areas:
                obscure.outline(canvas, area)
        return tuple(shape.cover for area in areas for shape in area.shapes)


class Held:
    """The codes of each track, for as long as they may be held.

    Args:
        limit: that time, in the units of the times given to ``at``.
    """

    def __init__(self, limit: Fraction | float) -> None:
        self._limit = limit
        self._codes: dict[int, Codes] = {}
        self._since: float = 0

    def at(self, time: float, fresh: bool) -> dict[int, Codes]:
        """The codes for a frame at this time.

        Args:
            fresh: it is the first of a scene.
        """
        if fresh or not 0 <= time - self._since < self._limit:
            self._codes, self._since = {}, time
        return self._codes


def whole(size: tuple[int, int]) -> Target:
    """All of a frame that nobody can vouch for."""
    return Target(_WHOLE, Box(0, 0, *size), padded=False)


def in_skip_zone(box: Box, options: Options) -> bool:
    """Whether it lies wholly inside a zone in which faces are left visible."""
    zones = (Box(*zone) for zone in options.skip_zones)
    return any(box.intersection(zone) == box.area for zone in zones)


def _zones(options: Options) -> Iterator[Target]:
    for number, zone in enumerate(options.cover_zones):
        yield Target(_ZONES - number, Box(*zone), padded=False)
