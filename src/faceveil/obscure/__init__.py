"""Make faces unrecognizable. This is the only room that writes pixels of a face.

Painting has two halves, and only codes pass from one to the other:

    canvas, region --summarize--> Codes --draw--> patch --paste through the mask--> canvas

``draw`` is not given the canvas, so what it returns is a function of codes and geometry by its
signature. All regions of a frame are summarized before the first is painted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Image
from faceveil.geometry import Box, Region
from faceveil.i18n import say
from faceveil.obscure.codes import Codes, averaged
from faceveil.options import Options

if TYPE_CHECKING:
    from faceveil.obscure.canvas import Canvas

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
        """Reduce the region to the codes that are kept of it. Reads the canvas, never writes it."""
        ...

    def draw(self, codes: Codes, region: Region) -> Image:
        """A patch of the size of ``region.box``, from the codes and the geometry alone.

        The codes may come from another frame, in which the region had another size.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sampler:
    """Measurements of a region of a frame, taken before anything is painted."""

    canvas: Canvas
    region: Region
    obscurer: Obscurer

    def codes(self) -> Codes:
        """Fresh codes."""
        return self.obscurer.summarize(self.canvas, self.region)

    def like(self, codes: Codes) -> bool:
        """Whether the region still looks as it did when these codes were made.

        Its own grid may have another number of cells by now, because the box moves a little.
        """
        rows, cols = codes.cells.shape[:2]
        return codes.alike(averaged(self.canvas, self.region, rows, cols))


Hold = Callable[[int, Sampler], Codes]
"""Chooses the codes for a track, given a sampler of its region: fresh ones or earlier ones."""


def load_obscurer(options: Options) -> Obscurer:
    """The obscurer that the options ask for. Plug-ins cannot add others."""
    module, _, attribute = _BUILT_IN[options.method].partition(":")
    return cast(Obscurer, getattr(import_module(module), attribute)(options))


def doubts_of(obscurer: Obscurer) -> tuple[str, ...]:
    """Warnings for a user who chose this obscurer."""
    if not obscurer.recoverable:
        return ()
    return (
        say(
            "{method} can be undone by software; choose blur to protect the people shown",
            method=obscurer.name,
        ),
    )


def paint(
    canvas: Canvas,
    regions: Sequence[Region],
    masks: Sequence[NDArray[np.uint8]],
    obscurer: Obscurer,
    hold: Hold | None = None,
) -> None:
    """Obscure all regions of one frame, in place.

    Args:
        masks: the opacity of the paint for each region, see ``faceveil.obscure.region.mask``.
        hold: chooses the codes of a track, if the obscurer's codes may be held.
    """
    if not obscurer.holds:
        hold = None
    codes = []
    for region in regions:
        look = Sampler(canvas, region, obscurer)
        codes.append(hold(region.track, look) if hold is not None else look.codes())
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
