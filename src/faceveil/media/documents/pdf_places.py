"""The places where a page of a PDF shows its pictures, or draws anything but text.

Reads the operators of content streams (ISO 32000-2, annex A) as far as they move or draw. Clip
paths are not followed: what is found lies where it would be shown without them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from faceveil.errors import LimitError
from faceveil.geometry import Box
from faceveil.i18n import say
from faceveil.media.advice import SMALLER
from faceveil.media.documents.matrices import lie_on
from faceveil.media.documents.pdf_matrices import (
    UNIT,
    Matrix,
    PageArea,
    around,
    box_of,
    corners,
    inverse,
    matrix_of,
    times,
)
from faceveil.media.documents.pdf_objects import (
    Named,
    Number,
    is_dictionary,
    is_picture,
    is_stream,
    items_of,
    values_of,
)

if TYPE_CHECKING:
    from pikepdf import Page, Stream

_COLOURS: Final = frozenset({"g", "rg", "k", "sc", "G", "RG", "K", "SC"})
_DRAWING: Final = "q Q cm Do sh gs scn SCN BI ID EI m l c v y re h n S s f F f* B B* b b* Tf"
_OPERATORS: Final = " ".join([_DRAWING, "W", "W*", "BDC", *_COLOURS])
_PAINTS: Final = frozenset({"S", "s", "f", "F", "f*", "B", "B*", "b", "b*"})
_MOST_STEPS, _MOST_CALLS = 3_000_000, 20_000
"""Operators of one page, those of its forms each time they are drawn, and times that one is."""
_DEEPEST: Final = 24
_MOST_TILES: Final = 200
_MANY, _COLOURFUL = 1000, 64
"""Straight shapes on a page, and colours of shapes or letters, from which on they may be the
pixels of a picture.
"""
_RIM: Final = 2
"""Points by which a picture may reach beyond its page, as one without a rim does."""
_LAST: Final = 400
"""Things on a page on which a picture may lie; those before them are not compared with it."""
_LETTER: Final = 128
"""A bitmap of a font with no more pixels a side than this is a letter."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A picture on a page.

    Attributes:
        picture: its object's number.
        matrix: from the unit square, in which a picture stands upright, to the page's user space.
    """

    picture: Number
    matrix: Matrix

    @property
    def frame(self) -> NDArray[np.float64]:
        """(3, 3), the same from a unit square whose second number grows downwards."""
        a, b, c, d, e, f = self.matrix
        # A picture's first row is the upper edge of the unit square (ISO 32000-2, 8.9.5.1).
        return np.array([[a, -c, c + e], [b, -d, d + f], [0, 0, 1.0]])


@dataclass(slots=True)
class Drawing:
    """Everything that a page draws.

    Attributes:
        places: its pictures, each time they are shown.
        areas: where it draws pictures, curves or patterns: what may look like a face.
        everywhere: that may be anywhere on the page.
        plain: it draws nothing but pictures, text, straight lines and rectangles.
        hides: a part of a picture may not be seen where it lies.
        forms: numbers of the forms that it draws, or that lie on it.
    """

    places: list[Placement] = field(default_factory=list)
    areas: list[PageArea] = field(default_factory=list)
    everywhere: bool = False
    plain: bool = True
    hides: bool = False
    forms: set[Number] = field(default_factory=set)


def area_on_page(place: Placement, box: Box, size: tuple[int, int]) -> PageArea:
    """The area of a page under a part of a picture on it.

    Args:
        box: in the picture's pixels.
        size: of the picture.
    """
    (x0, y0, x1, y1), (width, height) = box.as_tuple(), size
    part = (x0 / width, 1 - y1 / height, x1 / width, 1 - y0 / height)
    return around(place.matrix, corners(part))


def drawing_of(page: Page) -> Drawing:
    """Read a page, its forms, patterns, masks and annotations.

    Raises:
        LimitError: it draws more than anybody would.
    """
    reader = _Reader(tuple(float(side) for side in page.cropbox))
    resources = page.obj.get("/Resources")
    reader.content(page, resources, UNIT, 0)
    for annotation in items_of(page.obj.get("/Annots")):
        reader.annotation(annotation)
    return reader.result


def drawing_in(form: Stream) -> Drawing:
    """Read a form that no page draws.

    Raises:
        LimitError: it draws more than anybody would.
    """
    reader = _Reader((0, 0, 1, 1))
    reader.form(form)
    return reader.result


def other_looks(annotation: Any) -> Iterator[Stream]:
    """The appearances of an annotation that it does not have at first (12.5.5)."""
    looks = annotation.get("/AP") if is_dictionary(annotation) else None
    if not is_dictionary(looks):
        return
    for key in looks.keys():  # noqa: SIM118 (no dict)
        look: Any = looks[key]
        usual = key == "/N"
        if is_stream(look):
            if not usual:
                yield look
            continue
        states = look.keys() if is_dictionary(look) else ()
        for state in states:
            if is_stream(look[state]) and not (usual and state == annotation.get("/AS")):
                yield look[state]


class _Reader:
    def __init__(self, sheet: tuple[float, ...]) -> None:
        self.result = Drawing()
        self._sheet = sheet
        self._steps = self._calls = 0
        self._straight: list[PageArea] = []
        self._colours: set[tuple[str, ...]] = set()
        self._parsed: dict[Number, list[tuple[str, list[Any]]]] = {}

    def content(self, stream: Any, resources: Any, matrix: Matrix, depth: int) -> None:
        """Follow a content stream.

        Args:
            matrix: from its space to the page's.
        """
        self._calls += 1
        if self._calls > _MOST_CALLS:
            raise _too_much()
        if depth > _DEEPEST:
            self._anywhere()
            return
        named = Named(resources)
        base = matrix
        saved: list[tuple[Matrix, Any]] = []
        pattern: Any = None
        outline: list[tuple[float, float]] = []
        curved = False
        for operator, operands in self._instructions(stream):
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise _too_much()
            try:
                if operator == "q":
                    saved.append((matrix, pattern))
                elif operator == "Q":
                    if saved:
                        matrix, pattern = saved.pop()
                elif operator == "cm":
                    matrix = times(matrix_of(operands), matrix)
                elif operator == "Do":
                    self._object(named.get("/XObject", operands), resources, matrix, depth)
                elif operator == "sh" or operator == "INLINE IMAGE":
                    self._anywhere()
                elif operator == "gs":
                    self.result.hides = True
                    self._state(named.get("/ExtGState", operands), resources, matrix, depth)
                elif operator in ("W", "W*") or (operator == "BDC" and operands[0] == "/OC"):
                    self.result.hides = True
                elif operator in ("scn", "SCN"):
                    pattern = named.get("/Pattern", operands[-1:])
                    if pattern is not None:
                        self._pattern(pattern, resources, base, depth)
                elif operator in _COLOURS:
                    self._coloured(operands)
                elif operator == "Tf":
                    self._font(named.get("/Font", operands))
                elif operator in _PAINTS or operator == "n":
                    if operator != "n" and outline:
                        self._painted(around(matrix, outline), curved or pattern is not None)
                    outline, curved = [], False
                else:
                    curved |= operator in "cvy"
                    outline += _points(operator, operands)
            except (TypeError, ValueError, IndexError, AttributeError):
                self._anywhere()  # operands that make no sense: nobody knows what a viewer does

    def form(self, one: Any) -> None:
        """Follow a form by itself."""
        self._object(one, None, UNIT, 0)

    def annotation(self, one: Any) -> None:
        """Follow every appearance of an annotation (12.5.5)."""
        if not is_dictionary(one) or not is_dictionary(looks := one.get("/AP")):
            return
        for look in values_of(looks):
            for form in [look] if is_stream(look) else values_of(look):
                if not is_stream(form):
                    continue
                try:
                    x0, y0, x1, y1 = box_of(one.Rect)
                    inner = around(matrix_of(form.get("/Matrix")), corners(box_of(form.BBox)))
                    across = (x1 - x0) / ((inner[2] - inner[0]) or 1)
                    down = (y1 - y0) / ((inner[3] - inner[1]) or 1)
                    move: Matrix = (
                        across,
                        0,
                        0,
                        down,
                        x0 - inner[0] * across,
                        y0 - inner[1] * down,
                    )
                except (TypeError, ValueError, IndexError, AttributeError):
                    self._anywhere()
                    move = UNIT
                self.result.hides = True
                self._object(form, None, move, 0)

    def _instructions(self, stream: Any) -> Iterable[tuple[str, list[Any]]]:
        number = getattr(getattr(stream, "obj", stream), "objgen", (0, 0))
        if number not in self._parsed:
            self._parsed[number] = list(self._read(stream))
        return self._parsed[number]

    def _read(self, stream: Any) -> Iterator[tuple[str, list[Any]]]:
        import pikepdf

        try:
            for one in pikepdf.parse_content_stream(stream, _OPERATORS):
                yield str(one.operator), list(one.operands)
        except (pikepdf.PdfError, TypeError, ValueError):
            self._anywhere()

    def _object(self, one: Any, resources: Any, matrix: Matrix, depth: int) -> None:
        if is_picture(one):
            self.result.places.append(Placement(one.objgen, matrix))
            area = around(matrix, corners((0, 0, 1, 1)))
            if not self.result.hides:
                over = any(lie_on(area, each) for each in self.result.areas[-_LAST:])
                self.result.hides = over or "/OC" in one or not _within(area, self._sheet)
            self.result.areas.append(area)
        elif is_stream(one):
            self.result.forms.add(one.objgen)
            self.result.hides |= "/OC" in one
            inner = times(matrix_of(one.get("/Matrix")), matrix)
            self.content(one, one.get("/Resources", resources), inner, depth + 1)

    def _state(self, state: Any, resources: Any, matrix: Matrix, depth: int) -> None:
        """A soft mask may show a picture by its transparency (11.6.5.2)."""
        if is_dictionary(state) and is_dictionary(mask := state.get("/SMask")):
            self.result.plain = False
            self._object(mask.get("/G"), resources, matrix, depth)

    def _pattern(self, pattern: Any, resources: Any, base: Matrix, depth: int) -> None:
        """Follow a tiling pattern over the page (8.7.3)."""
        self.result.plain = False
        if not is_stream(pattern):  # a shading
            return
        matrix = times(matrix_of(pattern.get("/Matrix")), base)
        across, down = (abs(float(pattern[key])) for key in ("/XStep", "/YStep"))
        inner = pattern.get("/Resources", resources)
        # The page as the pattern sees it, and its cells there.
        sheet = around(inverse(matrix), corners(self._sheet))
        x0, y0, x1, y1 = box_of(pattern.BBox)
        columns = range(
            math.floor((sheet[0] - x1) / across), math.ceil((sheet[2] - x0) / across) + 1
        )
        rows = range(math.floor((sheet[1] - y1) / down), math.ceil((sheet[3] - y0) / down) + 1)
        if len(columns) * len(rows) > _MOST_TILES:
            self._anywhere()
            columns, rows = range(1), range(1)
        for row in rows:
            for column in columns:
                moved = times((1, 0, 0, 1, column * across, row * down), matrix)
                self.content(pattern, inner, moved, depth + 1)

    def _font(self, font: Any) -> None:
        """Letters that are bitmaps are text; larger ones may be anything."""
        if not is_dictionary(font) or font.get("/Subtype") != "/Type3":
            return
        self.result.plain = False
        for letter in values_of(font.get("/CharProcs")):
            if is_stream(letter):
                for operator, operands in self._instructions(letter):
                    if operator == "Do" or (operator == "INLINE IMAGE" and _is_large(operands)):
                        self._anywhere()

    def _painted(self, area: PageArea, shaped: bool) -> None:
        """Curves may draw anything, and so may very many rectangles."""
        self.result.hides |= bool(self.result.places)
        if shaped:
            self.result.plain = False
            self.result.areas.append(area)
        self._straight.append(area)
        if len(self._straight) > _MANY:
            self.result.plain = False
            self.result.areas += self._straight
            self._straight = []

    def _coloured(self, colour: Iterable[Any]) -> None:
        if len(self._colours) <= _COLOURFUL:
            self._colours.add(tuple(map(str, colour)))
            if len(self._colours) > _COLOURFUL:
                self._anywhere()

    def _anywhere(self) -> None:
        self.result.everywhere, self.result.plain = True, False


def _within(area: PageArea, sheet: tuple[float, ...]) -> bool:
    return all(
        low >= least - _RIM and high <= most + _RIM
        for low, high, least, most in zip(area[:2], area[2:], sheet[:2], sheet[2:], strict=True)
    )


def _too_much() -> LimitError:
    return LimitError(say("a page of the PDF draws too much"), SMALLER)


def _is_large(operands: list[Any]) -> bool:
    return any(max(one.width, one.height) > _LETTER for one in operands if hasattr(one, "width"))


def _points(operator: str, operands: list[Any]) -> list[tuple[float, float]]:
    numbers = [float(one) for one in operands]
    if operator == "re":
        x, y, width, height = numbers
        return corners((x, y, x + width, y + height))
    return list(zip(numbers[::2], numbers[1::2], strict=True))
