"""Everything to look at in a PDF: its pages as shown, and its pictures as stored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from faceveil.errors import LimitError, UnreadableError
from faceveil.i18n import say
from faceveil.media.documents.pdf_objects import Number, pictures_by_page
from faceveil.media.documents.pdf_places import Drawing, drawing_of
from faceveil.media.pictures.pillow import check_size

if TYPE_CHECKING:
    from pikepdf import Pdf

    from faceveil.media.documents.pdf_render import Renderer

_DPI, _FINE_DPI = 150, 300
"""Resolution at which a page is looked at; where several pictures make it up, theirs, up to this.
"""
_LONGEST: Final = 5000
"""Pixels of a page's longest side, at most."""
_LEAST: Final = 8
"""A stored picture with a side of fewer pixels is looked at on its page only."""
_EVEN: Final = 1.1
"""A picture whose pixels are shown no longer than this times their width is shown as it is."""


@dataclass(frozen=True, slots=True)
class PdfPart:
    """Something to look at.

    Attributes:
        kind: a page as shown; the same with all that is hidden; a stored picture; or a page that
            is one picture, which is then looked at as it is stored.
        name: for the person who reviews it.
        size: width and height in pixels.
        page: its number from 0; -1 for a picture.
        picture: its object's number, or None.
        turns: quarter turns to the left that make the stored picture stand as the page shows it.
    """

    kind: Literal["page", "layers", "picture", "scan"]
    name: str
    size: tuple[int, int]
    page: int = -1
    picture: Number | None = None
    turns: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """The parts of a PDF, pages first.

    Attributes:
        drawings: of each page.
    """

    parts: tuple[PdfPart, ...]
    drawings: tuple[Drawing, ...]


def layout_of(pdf: Pdf, renderer: Renderer, hides: bool, limit: int) -> Layout:
    """Read the structure of a PDF.

    Args:
        hides: something in it is not shown.
        limit: pixels of a picture or page.

    Raises:
        LimitError: a picture has more pixels, or a page draws too much.
    """
    by_page, loose = pictures_by_page(pdf)
    streams = [*(one for page in by_page for one in page), *loose]
    sizes = {one.objgen: _size_of(one, limit) for one in streams}
    drawings = tuple(drawing_of(page) for page in pdf.pages)
    shown: dict[Number, int] = {}
    for drawing in drawings:
        for place in drawing.places:
            shown[place.picture] = shown.get(place.picture, 0) + 1
    masked = {one.objgen for one in streams if "/SMask" in one or "/Mask" in one}
    parts, scans, layers = [], set(), []
    for number, drawing in enumerate(drawings):
        name = say("page {number}", number=number + 1)
        width, height = _pixels(renderer.size(number), drawing, sizes, limit)
        turns = _as_stored(drawing, renderer.to_user_space(number, width, height), sizes)
        alone = drawing.places[0].picture if turns is not None else None
        if turns is not None and alone and shown[alone] == 1 and alone not in masked:
            scans.add(alone)
            size = sizes[alone] if not turns % 2 else sizes[alone][::-1]
            parts.append(PdfPart("scan", name, size, number, alone, turns))
            continue
        parts.append(PdfPart("page", name, (width, height), number))
        if hides and (drawing.areas or drawing.everywhere):
            name = say("page {number} with what is hidden", number=number + 1)
            layers.append(PdfPart("layers", name, (width, height), number))
    parts += layers
    for page, pictures in enumerate([*by_page, loose], 1):
        for number, one in enumerate((one.objgen for one in pictures), 1):
            if one in scans:
                continue
            name = say("picture {number} on no page", number=number)
            if page <= len(by_page):
                name = say("page {page}, picture {number}", page=page, number=number)
            parts.append(PdfPart("picture", name, sizes[one], picture=one))
    return Layout(tuple(parts), drawings)


def worth_a_look(part: PdfPart, drawing: Drawing | None) -> bool:
    """Whether there may be a face in it: there is none in text and straight lines."""
    if drawing is None:
        return part.kind == "scan" or min(part.size) >= _LEAST
    return drawing.everywhere or bool(drawing.areas)


def _size_of(stream: Any, limit: int) -> tuple[int, int]:
    try:
        width, height = int(stream.Width), int(stream.Height)
    except (AttributeError, TypeError, ValueError) as error:
        raise UnreadableError(say("a picture of the PDF does not say how large it is")) from error
    check_size(width, height, limit)
    return width, height


def _pixels(
    points: tuple[float, float],
    drawing: Drawing,
    sizes: dict[Number, tuple[int, int]],
    limit: int,
) -> tuple[int, int]:
    """Width and height at which a page is looked at."""
    dpi = float(_DPI)
    if len(drawing.places) > 1:
        found = (_dpi(place.matrix, sizes[place.picture]) for place in drawing.places)
        dpi = min(max(dpi, *found), _FINE_DPI)
    width, height = points
    scale = min(dpi / 72, _LONGEST / max(width, height, 1))
    size = max(1, math.ceil(width * scale)), max(1, math.ceil(height * scale))
    if size[0] * size[1] > limit:
        raise LimitError(say("a page of the PDF is too large"))
    return size


def _dpi(matrix: tuple[float, ...], size: tuple[int, int]) -> float:
    wide = math.hypot(*matrix[:2])
    return size[0] * 72 / wide if wide > 0 else 0.0


def _as_stored(
    drawing: Drawing, to_user: NDArray[np.float64], sizes: dict[Number, tuple[int, int]]
) -> int | None:
    """Quarter turns from a picture to the page that shows it and nothing else, or None."""
    if not drawing.plain or len(drawing.places) != 1:
        return None
    place = drawing.places[0]
    a, b, c, d, _, _ = place.matrix
    try:
        back = np.linalg.inv(to_user[:, :2])
    except np.linalg.LinAlgError:
        return None
    width, height = sizes[place.picture]
    # Where one pixel to the right, and one down, lead on the page.
    right = back @ np.array([a, b]) / width
    down = back @ np.array([-c, -d]) / height
    long, short = np.linalg.norm(right), np.linalg.norm(down)
    if not short or not 1 / _EVEN < long / short < _EVEN:
        return None
    for turns, axis in enumerate([(1, 0), (0, -1), (-1, 0), (0, 1)]):
        straight = np.allclose(right / long, axis, atol=0.02)
        if straight and np.allclose(down / short, (-axis[1], axis[0]), atol=0.02):
            return turns
    return None
