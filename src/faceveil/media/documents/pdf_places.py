"""The places where a page of a PDF shows its pictures, or draws anything but text.

Reads the operators of content streams (ISO 32000-2, annex A) as far as they move or draw. Clip
paths are not followed: what is found lies where it would be shown without them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from faceveil.errors import LimitError
from faceveil.i18n import say
from faceveil.media.documents.pdf_objects import (
    Number,
    is_array,
    is_dictionary,
    is_picture,
    is_stream,
)

if TYPE_CHECKING:
    from pikepdf import Page

Matrix = tuple[float, float, float, float, float, float]
"""x' = a x + c y + e, y' = b x + d y + f, as a PDF writes it."""
Area = tuple[float, float, float, float]
"""Left, bottom, right, top in a page's user space."""

_UNIT: Final[Matrix] = (1, 0, 0, 1, 0, 0)
_OPERATORS: Final = "q Q cm Do sh gs scn SCN BI ID EI m l c v y re h n S s f F f* B B* b b* Tf"
_PAINTS: Final = frozenset({"S", "s", "f", "F", "f*", "B", "B*", "b", "b*"})
_MOST_STEPS, _MOST_CALLS = 3_000_000, 20_000
"""Operators of one page, those of its forms each time they are drawn, and times that one is."""
_DEEPEST: Final = 24
_MOST_TILES: Final = 200
_MANY: Final = 3000
"""Straight shapes on a page, from which on they may be the pixels of a picture."""
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


@dataclass(slots=True)
class Drawing:
    """Everything that a page draws.

    Attributes:
        places: its pictures, each time they are shown.
        areas: where it draws pictures, curves or patterns: what may look like a face.
        everywhere: that may be anywhere on the page.
        plain: it draws nothing but pictures, text, straight lines and rectangles.
    """

    places: list[Placement] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    everywhere: bool = False
    plain: bool = True


def drawing_of(page: Page) -> Drawing:
    """Read a page, its forms, patterns, masks and annotations.

    Raises:
        LimitError: it draws more than anybody would.
    """
    reader = _Reader(tuple(float(side) for side in page.mediabox))
    resources = page.obj.get("/Resources")
    reader.content(page, resources, _UNIT, 0)
    for annotation in _items(page.obj.get("/Annots")):
        reader.annotation(annotation)
    return reader.result


class _Reader:
    def __init__(self, sheet: tuple[float, ...]) -> None:
        self.result = Drawing()
        self._sheet = sheet
        self._steps = self._calls = 0
        self._straight: list[Area] = []
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
        named = _Named(resources)
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
                    matrix = _times(_matrix(operands), matrix)
                elif operator == "Do":
                    self._object(named.get("/XObject", operands), resources, matrix, depth)
                elif operator == "sh" or operator == "INLINE IMAGE":
                    self._anywhere()
                elif operator == "gs":
                    self._state(named.get("/ExtGState", operands), resources, matrix, depth)
                elif operator in ("scn", "SCN"):
                    pattern = named.get("/Pattern", operands[-1:])
                    if pattern is not None:
                        self._pattern(pattern, resources, base, depth)
                elif operator == "Tf":
                    self._font(named.get("/Font", operands))
                elif operator in _PAINTS or operator == "n":
                    if operator != "n" and outline:
                        self._painted(_around(matrix, outline), curved or pattern is not None)
                    outline, curved = [], False
                else:
                    curved |= operator in "cvy"
                    outline += _points(operator, operands)
            except (TypeError, ValueError, IndexError, AttributeError):
                self._anywhere()  # operands that make no sense: nobody knows what a viewer does

    def annotation(self, one: Any) -> None:
        """Follow every appearance of an annotation (12.5.5)."""
        if not is_dictionary(one) or not is_dictionary(looks := one.get("/AP")):
            return
        for look in (looks[key] for key in looks.keys()):  # noqa: SIM118 (no dict)
            for form in [look] if is_stream(look) else _values(look):
                if not is_stream(form):
                    continue
                try:
                    x0, y0, x1, y1 = _box(one.Rect)
                    inner = _around(_matrix(form.get("/Matrix")), _corners(_box(form.BBox)))
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
                    move = _UNIT
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
        except (pikepdf.PdfError, pikepdf.PdfParsingError, ValueError):
            self._anywhere()

    def _object(self, one: Any, resources: Any, matrix: Matrix, depth: int) -> None:
        if is_picture(one):
            self.result.places.append(Placement(one.objgen, matrix))
            self.result.areas.append(_around(matrix, _corners((0, 0, 1, 1))))
        elif is_stream(one):
            inner = _times(_matrix(one.get("/Matrix")), matrix)
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
        matrix = _times(_matrix(pattern.get("/Matrix")), base)
        across, down = (abs(float(pattern[key])) for key in ("/XStep", "/YStep"))
        inner = pattern.get("/Resources", resources)
        # The page as the pattern sees it, and its cells there.
        sheet = _around(_inverse(matrix), _corners(self._sheet))
        x0, y0, x1, y1 = _box(pattern.BBox)
        columns = range(
            math.floor((sheet[0] - x1) / across), math.ceil((sheet[2] - x0) / across) + 1
        )
        rows = range(math.floor((sheet[1] - y1) / down), math.ceil((sheet[3] - y0) / down) + 1)
        if len(columns) * len(rows) > _MOST_TILES:
            self._anywhere()
            columns, rows = range(1), range(1)
        for row in rows:
            for column in columns:
                moved = _times((1, 0, 0, 1, column * across, row * down), matrix)
                self.content(pattern, inner, moved, depth + 1)

    def _font(self, font: Any) -> None:
        """Letters that are bitmaps are text; larger ones may be anything."""
        if not is_dictionary(font) or font.get("/Subtype") != "/Type3":
            return
        self.result.plain = False
        for letter in _values(font.get("/CharProcs")):
            if is_stream(letter):
                for operator, operands in self._instructions(letter):
                    if operator == "Do" or (operator == "INLINE IMAGE" and _is_large(operands)):
                        self._anywhere()

    def _painted(self, area: Area, shaped: bool) -> None:
        """Curves may draw anything, and so may very many rectangles."""
        if shaped:
            self.result.plain = False
            self.result.areas.append(area)
        self._straight.append(area)
        if len(self._straight) > _MANY:
            self.result.plain = False
            self.result.areas += self._straight
            self._straight = []

    def _anywhere(self) -> None:
        self.result.everywhere, self.result.plain = True, False


def _too_much() -> LimitError:
    return LimitError(say("a page of the PDF draws too much"))


class _Named:
    """Resources by kind and name."""

    def __init__(self, resources: Any) -> None:
        self._resources = resources

    def get(self, kind: str, operands: list[Any]) -> Any:
        """The resource that the first operand names, or None."""
        import pikepdf

        if not operands or not isinstance(operands[0], pikepdf.Name):
            return None
        group = self._resources.get(kind) if is_dictionary(self._resources) else None
        return group.get(str(operands[0])) if is_dictionary(group) else None


def _is_large(operands: list[Any]) -> bool:
    return any(max(one.width, one.height) > _LETTER for one in operands if hasattr(one, "width"))


def _points(operator: str, operands: list[Any]) -> list[tuple[float, float]]:
    numbers = [float(one) for one in operands]
    if operator == "re":
        x, y, width, height = numbers
        return _corners((x, y, x + width, y + height))
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _matrix(numbers: Any) -> Matrix:
    if numbers is None:
        return _UNIT
    a, b, c, d, e, f = (float(one) for one in numbers)
    return a, b, c, d, e, f


def _times(first: Matrix, then: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return (
        a * p + b * r,
        a * q + b * s,
        c * p + d * r,
        c * q + d * s,
        e * p + f * r + t,
        e * q + f * s + u,
    )


def _inverse(matrix: Matrix) -> Matrix:
    a, b, c, d, e, f = matrix
    whole = a * d - b * c
    if not whole:
        raise ValueError("flat")
    return (
        d / whole,
        -b / whole,
        -c / whole,
        a / whole,
        (c * f - d * e) / whole,
        (b * e - a * f) / whole,
    )


def _corners(box: Area | tuple[float, ...]) -> list[tuple[float, float]]:
    x0, y0, x1, y1 = box
    return [(x0, y0), (x1, y0), (x0, y1), (x1, y1)]


def _around(matrix: Matrix, points: Iterable[tuple[float, float]]) -> Area:
    a, b, c, d, e, f = matrix
    moved = [(a * x + c * y + e, b * x + d * y + f) for x, y in points]
    xs, ys = zip(*moved, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _box(numbers: Any) -> Area:
    x0, y0, x1, y1 = (float(one) for one in numbers)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _items(array: Any) -> list[Any]:
    return list(array) if is_array(array) else []


def _values(one: Any) -> list[Any]:
    return [one[key] for key in one.keys()] if is_dictionary(one) else []  # noqa: SIM118
