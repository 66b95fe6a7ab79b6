"""Pictures of a PDF that adjoin, put together as they lie: a face may be cut into them.

Most are seen on their page as shown. These are not: pieces that are clipped or lie under something
else, outside the page, in forms that no page draws and in the other states of a button.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Image
from faceveil.media.documents.collage import Collage, collage_of
from faceveil.media.documents.matrices import lie_on
from faceveil.media.documents.pdf_objects import Number
from faceveil.media.documents.scenes import MOST, Placed, is_sound, side_by_side

if TYPE_CHECKING:
    from faceveil.media.documents.pdf_places import Placement

_LAYERS: Final = 8
_BLUR: Final = 9
_APART: Final = 24
"""Pixels, and levels: two renderings of the same thing differ by less when they are blurred."""

UPRIGHT: Final = np.diag([1.0, -1.0, 1.0])
"""(3, 3) from the space of a form that no page draws, whose second number grows upwards."""


def pieces_in(
    places: Iterable[Placement],
    onto: NDArray[np.float64],
    sizes: dict[Number, tuple[int, int]],
) -> Iterator[Collage]:
    """The pictures that adjoin, in layers if some lie on others.

    Args:
        places: all that are shown.
        onto: (3, 3) from the space of the places to one that stands upright.
        sizes: width and height of each picture in pixels.
    """
    layers: list[list[Placed]] = []
    for place in places:
        one = Placed(_name(place.picture), onto @ place.frame)
        if not is_sound(one):
            continue
        fits = (
            some
            for some in layers
            if len(some) < MOST and not any(lie_on(one.box, other.box) for other in some)
        )
        layer = next(fits, None)
        if layer is not None:
            layer.append(one)
        elif len(layers) < _LAYERS:
            layers.append([one])
    for placed in layers:
        for group in side_by_side(placed):
            if len({one.part for one in group}) > 1:
                collage = collage_of(group, [sizes[number_of(one)] for one in group])
                if collage is not None:
                    yield collage


def number_of(one: Placed) -> Number:
    """The number of the object that is placed."""
    number, generation = map(int, one.part.split())
    return number, generation


def looks_alike(collage: Collage, image: Image, page: Image) -> bool:
    """Decide whether a page shows all of the pictures that were put together.

    Args:
        collage: in the page's pixels.
        image: the pictures.
        page: as rendered.
    """
    # What becomes smaller is averaged first: a warp takes single pixels.
    scale = min(1.0, float(np.hypot(*collage.onto[:2, 0])))
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    back = np.diag([page.shape[1] / small.shape[1], page.shape[0] / small.shape[0], 1])
    seen = cv2.warpAffine(small, (collage.onto @ back)[:2], collage.size)
    ours, theirs = (cv2.blur(one, (_BLUR, _BLUR)).astype(np.int16) for one in (image, seen))
    return bool(np.abs(ours - theirs).max() < _APART)


def _name(number: Number) -> str:
    return f"{number[0]} {number[1]}"
