"""Everything to look at in a PDF: its pages as shown, and its pictures as stored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from faceveil.errors import LimitError, UnreadableError
from faceveil.i18n import say
from faceveil.media.advice import PRINT, SMALLER
from faceveil.media.documents.collage import Collage
from faceveil.media.documents.matrices import inverted
from faceveil.media.documents.pdf_objects import Number, is_form, pictures_by_page
from faceveil.media.documents.pdf_pieces import UPRIGHT, number_of, pieces_in
from faceveil.media.documents.pdf_places import Drawing, drawing_in, drawing_of
from faceveil.media.documents.pdf_readings import Reading, readings_of
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
_WHOLE: Final = 0.75
"""Share of a page that a picture covers which is all of it: a scan may have a white rim."""
_EVEN: Final = 1.1
"""A picture whose pixels are shown no longer than this times their width is shown as it is."""


@dataclass(frozen=True, slots=True)
class PdfPart:
    """Something to look at.

    Attributes:
        kind: a page as shown; the same with all that is hidden; pictures that adjoin and are not
            seen as they lie; a stored picture; a page that is one picture, which is then looked
            at as it is stored; or any of these as another program may read it.
        name: for the person who reviews it.
        size: width and height in pixels.
        page: its number from 0; -1 for a picture.
        picture: its object's number, or None.
        on, number: of a picture, the page that shows it, from 1 (0: none does), and its number
            there.
        pieces: the pictures that adjoin; in the page's pixels, if they lie on one.
        turns: quarter turns to the left that make the stored picture stand as the page shows it.
        reading: of a picture of the kind "other".
    """

    kind: Literal["page", "layers", "pieces", "picture", "scan", "other"]
    name: str
    size: tuple[int, int]
    page: int = -1
    picture: Number | None = None
    turns: int = 0
    on: int = 0
    number: int = 0
    pieces: Collage | None = None
    reading: Reading | None = None


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
    parts, scans, layers, pieces = [], set(), [], list[PdfPart]()
    for number, drawing in enumerate(drawings):
        name = say("page {number}", number=number + 1)
        width, height = _pixels(renderer.size(number), drawing, sizes, limit)
        onto = inverted(renderer.to_user_space(number, width, height))
        turns = _as_stored(drawing, onto, sizes, width * height)
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
        if drawing.hides:
            for count, collage in enumerate(pieces_in(drawing.places, onto, sizes), 1):
                name = say(
                    "page {page}, adjoining pictures {number}", page=number + 1, number=count
                )
                pieces.append(PdfPart("pieces", name, collage.size, number, pieces=collage))
    parts += layers
    pieces += _loose_pieces(pdf, drawings, sizes)
    parts += pieces
    parts += _read_otherwise(streams, sizes, drawings, parts)
    for page, pictures in enumerate([*by_page, loose], 1):
        for number, one in enumerate((one.objgen for one in pictures), 1):
            if one in scans:
                continue
            name, on = say("picture {number} on no page", number=number), 0
            if page <= len(by_page):
                name, on = say("page {page}, picture {number}", page=page, number=number), page
            parts.append(PdfPart("picture", name, sizes[one], picture=one, on=on, number=number))
    return Layout(tuple(parts), drawings)


def _read_otherwise(
    streams: Iterable[Any],
    sizes: Mapping[Number, tuple[int, int]],
    drawings: Sequence[Drawing],
    parts: Sequence[PdfPart],
) -> list[PdfPart]:
    """The pictures that other programs may read otherwise, alone and together."""
    readings = {one.objgen: found for one in streams if (found := readings_of(one))}
    made = []
    for part in parts if readings else ():
        if part.pieces is not None:
            several = any(number_of(one) in readings for one in part.pieces.placed)
        else:
            places = drawings[part.page].places
            several = part.kind == "page" and sum(one.picture in readings for one in places) > 1
        if several:
            name = say("{part}, as other programs may show it", part=part.name)
            made.append(replace(part, kind="other", name=name))
    for number, found in readings.items():
        for reading in found:
            name = say("picture {number}, as other programs may show it", number=len(made) + 1)
            size = sizes[number]
            made.append(PdfPart("other", name, size, picture=number, reading=reading))
    return made


def _loose_pieces(
    pdf: Pdf, drawings: Iterable[Drawing], sizes: dict[Number, tuple[int, int]]
) -> Iterator[PdfPart]:
    """Pictures that adjoin in forms that no page draws."""
    drawn = {one for drawing in drawings for one in drawing.forms}
    loose = [one for one in pdf.objects if is_form(one) and one.objgen not in drawn]
    found = [(one.objgen, drawing_in(one)) for one in loose]
    within = {each for number, drawing in found for each in drawing.forms if each != number}
    count = 0
    for number, drawing in found:
        for collage in pieces_in(drawing.places, UPRIGHT, sizes) if number not in within else ():
            count += 1
            name = say("adjoining pictures {number} on no page", number=count)
            yield PdfPart("pieces", name, collage.size, pieces=collage)


def worth_a_look(part: PdfPart, drawing: Drawing | None) -> bool:
    """Whether there may be a face in it: there is none in text and straight lines."""
    if drawing is None:
        return part.kind == "scan" or min(part.size) >= _LEAST
    return drawing.everywhere or bool(drawing.areas)


def _size_of(stream: Any, limit: int) -> tuple[int, int]:
    try:
        width, height = int(stream.Width), int(stream.Height)
    except (AttributeError, TypeError, ValueError) as error:
        raise UnreadableError(
            say("a picture of the PDF does not say how large it is"), PRINT
        ) from error
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
        raise LimitError(say("a page of the PDF is too large"), SMALLER)
    return size


def _dpi(matrix: tuple[float, ...], size: tuple[int, int]) -> float:
    wide = math.hypot(*matrix[:2])
    return size[0] * 72 / wide if wide > 0 else 0.0


def _as_stored(
    drawing: Drawing, onto: NDArray[np.float64], sizes: dict[Number, tuple[int, int]], area: int
) -> int | None:
    """Quarter turns from a picture to the page that is nothing but it, or None.

    Args:
        onto: (3, 3) from the page's user space to its pixels.
        area: pixels of the page. Where the picture leaves much of it open, the page is shown to
            whoever reviews it as it is, with the words around the picture.
    """
    if not drawing.plain or len(drawing.places) != 1:
        return None
    place = drawing.places[0]
    width, height = sizes[place.picture]
    # Where one pixel to the right, and one down, lead on the page.
    right, down = (onto @ place.frame)[:2, :2].T / [[width], [height]]
    long, short = np.linalg.norm(right), np.linalg.norm(down)
    if not short or not 1 / _EVEN < long / short < _EVEN:
        return None
    if long * width * short * height < _WHOLE * area:
        return None
    for turns, axis in enumerate([(1, 0), (0, -1), (-1, 0), (0, 1)]):
        straight = np.allclose(right / long, axis, atol=0.02)
        if straight and np.allclose(down / short, (-axis[1], axis[0]), atol=0.02):
            return turns
    return None
