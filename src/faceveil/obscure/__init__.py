"""Making faces unrecognizable. The only room that writes a pixel of a face.

Painting has two halves, and only codes pass from one to the other:

    canvas, region --summarize--> Codes --draw--> patch --paste through the mask--> canvas

``draw`` is not given the canvas, so what it returns is a function of codes and geometry by its
signature. All regions of a frame are summarized before the first is painted.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from faceveil.errors import UsageError
from faceveil.options import Options
from faceveil.types import Box, Image, Region

if TYPE_CHECKING:
    from faceveil.obscure.canvas import Canvas
    from faceveil.obscure.codes import Codes

ENTRY_POINTS = "faceveil.obscurers"
"""Group under which an installed package offers obscurers; each a callable taking Options."""

_BUILT_IN = {
    "blur": "faceveil.obscure.blur:Blur",
    "pixelate": "faceveil.obscure.pixelate:Pixelate",
    "solid": "faceveil.obscure.solid:Solid",
    "cartoon": "faceveil.obscure.cartoon:Cartoon",
    "gaussian": "faceveil.obscure.gaussian:Gaussian",
}
_GREEN = (0, 255, 0)


class Obscurer(Protocol):
    """A way to obscure.

    Attributes:
        name: what reports call it.
        recoverable: an attacker can undo it; choosing it deserves a warning.
        holds: its codes may stand in for those of later frames of the same track.
    """

    @property
    def name(self) -> str: ...

    @property
    def recoverable(self) -> bool: ...

    @property
    def holds(self) -> bool: ...

    def summarize(self, canvas: Canvas, region: Region) -> Codes:
        """What to keep of the region. Reads the canvas, never writes it."""
        ...

    def draw(self, codes: Codes, region: Region) -> Image:
        """A patch of the size of ``region.box``, from the codes and the geometry alone.

        The codes may come from another frame, in which the region had another size.
        """
        ...


def load_obscurer(options: Options, name: str | None = None) -> Obscurer:
    """The obscurer the options ask for.

    Args:
        name: in place of ``options.method``: a built-in method or an installed plug-in. A plug-in
            is imported only when it is named here.

    Raises:
        UsageError: there is none of this name.
    """
    name = name or options.method
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        make = getattr(import_module(module), attribute)
    else:
        found = tuple(entry_points(group=ENTRY_POINTS, name=name))
        if not found:
            raise UsageError(
                f"no method is called {name!r}", f"Choose one of: {', '.join(_BUILT_IN)}."
            )
        make = found[0].load()
    return cast(Obscurer, make(options))


def paint(
    canvas: Canvas,
    regions: Sequence[Region],
    masks: Sequence[NDArray[np.uint8]],
    obscurer: Obscurer,
    held: dict[int, Codes] | None = None,
) -> None:
    """Obscure all regions of one frame, in place.

    Args:
        masks: for each region how far each pixel is painted, see ``faceveil.region.mask``.
        held: codes by track id, read and extended here, if the obscurer's codes may be held. The
            caller keeps it from frame to frame and clears it at a new scene and every 2 s.
    """
    if not obscurer.holds:
        held = None
    codes = []
    for region in regions:
        found = held.get(region.track) if held is not None else None
        if found is None:
            found = obscurer.summarize(canvas, region)
            if held is not None:
                held[region.track] = found
        codes.append(found)
    for region, mask, code in zip(regions, masks, codes, strict=True):
        canvas.paste(region.box, obscurer.draw(code, region), mask)


def outline(canvas: Canvas, region: Region) -> None:
    """Draw a green frame around each face of a painted region, on the border of its cover.

    It lies inside the cover, so it needs no room of its own and uncovers nothing.
    """
    line = 2 * max(1, round(min(canvas.width, canvas.height) / 800))
    for shape in region.shapes:
        x0, y0, x1, y1 = shape.cover.as_tuple()
        thick = max(2, min(line, int(min(x1 - x0, y1 - y0)) // 8 * 2))
        for strip in (
            (x0, y0, x1, min(y0 + thick, y1)),
            (x0, max(_even(y1 - thick), y0), x1, y1),
            (x0, y0, min(x0 + thick, x1), y1),
            (max(_even(x1 - thick), x0), y0, x1, y1),
        ):
            canvas.fill(Box(*strip), _GREEN)


def _even(position: float) -> float:
    """The even pixel at or before it, where a 4:2:0 chroma sample begins."""
    return position // 2 * 2
