"""The pictures of a text that follow each other: in a line, in lines below each other, in a table.

A text says how large its pictures are, and not where they stand: that is up to the program that
shows it. So pictures in a paragraph are taken to stand side by side, and paragraphs and rows of
tables below each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.etree import ElementTree

import numpy as np

from faceveil.media.documents.scenes import (
    Placed,
    attribute,
    box_matrix,
    first,
    insets,
    length_of,
    name_of,
    number_of,
)

_PARAGRAPHS: Final = frozenset({"p", "h"})
_ROWS: Final = frozenset({"tr", "table-row"})
_TABLES: Final = frozenset({"tbl", "table"})
_SLIDES: Final = frozenset({"spTree", "wsDr", "page"})
"""Elements that tell places; no text flows in them."""
_ALIKE: Final = 0.06
"""Difference in height of pictures that make a line, and in width of lines that make a block."""
_WIDTH: Final = 5943600.0
"""EMU between the margins of a usual page, where a line ends."""
_CENTIMETRE: Final = 360000.0
_STYLE: Final = re.compile(r"(?:^|;)\s*(width|height)\s*:\s*([^;]+)")
_DEEPEST: Final = 200

InlinePicture = tuple[str, float, float, tuple[float, float, float, float]]
"""Part, width and height in EMU, crop."""
Line = list[InlinePicture]


def lines_in(tree: ElementTree.Element | None, linked: Mapping[str, str]) -> Iterator[list[Placed]]:
    """Pictures that may stand beside and below each other, each time two or more.

    Args:
        tree: see `scenes.tree_of`.
        linked: parts, by what it calls them.
    """
    if tree is None:
        return
    block: list[Line] = []
    for line in _lines(tree, linked, 0):
        if line:
            block.append(line)
        elif line is None:
            yield from _blocks(block)
            block = []
    yield from _blocks(block)


def _lines(
    element: ElementTree.Element, linked: Mapping[str, str], depth: int
) -> Iterator[Line | None]:
    """The lines of a text; None where something else stands between them."""
    name = name_of(element)
    if depth > _DEEPEST or name in _SLIDES:
        return
    if name in _ROWS:
        yield list(_pictures(element, linked, depth))
    elif name in _PARAGRAPHS:
        found = list(_pictures(element, linked, depth))
        yield from _wrapped(found)
        if not found and "".join(element.itertext()).strip():
            yield None
    else:
        for child in element:
            yield from _lines(child, linked, depth + 1)
        if name in _TABLES:
            yield None


def _wrapped(pictures: Sequence[InlinePicture]) -> Iterator[Line]:
    line: Line = []
    across = 0.0
    for one in pictures:
        if line and across + one[1] > _WIDTH:
            yield line
            line, across = [], 0.0
        line.append(one)
        across += one[1]
    yield line


def _pictures(
    element: ElementTree.Element, linked: Mapping[str, str], depth: int
) -> Iterator[InlinePicture]:
    name = name_of(element)
    if depth > _DEEPEST or name == "Fallback":
        return
    found = None
    if name == "inline":
        found = _inline(element, linked)
    elif name == "frame":
        found = _frame(element, linked)
    elif name in ("shape", "rect"):
        found = _shape(element, linked)
    if found is not None:
        yield found
        return
    for child in element:
        yield from _pictures(child, linked, depth + 1)


def _inline(element: ElementTree.Element, linked: Mapping[str, str]) -> InlinePicture | None:
    extent = first(element, "extent")
    fill = next((one for one in element.iter() if name_of(one) == "blipFill"), None)
    blip = None if fill is None else first(fill, "blip")
    if extent is None or fill is None or blip is None:
        return None
    wide, high = number_of(extent.get("cx")), number_of(extent.get("cy"))
    left, top, right, bottom = insets(first(fill, "srcRect"))
    return _sound(linked.get(attribute(blip, "embed")), wide, high, (left, top, right, bottom))


def _frame(element: ElementTree.Element, linked: Mapping[str, str]) -> InlinePicture | None:
    image = first(element, "image")
    if image is None:
        return None
    sides = [length_of(attribute(element, side)) for side in ("width", "height")]
    wide, high = (None if side is None else side * _CENTIMETRE for side in sides)
    return _sound(linked.get(attribute(image, "href").removeprefix("./")), wide, high)


def _shape(element: ElementTree.Element, linked: Mapping[str, str]) -> InlinePicture | None:
    """A picture of VML."""
    data = first(element, "imagedata")
    if data is None:
        return None
    style = dict(_STYLE.findall(element.get("style") or ""))
    sides = [length_of(style.get(side, "").strip()) for side in ("width", "height")]
    wide, high = (None if side is None else side * _CENTIMETRE for side in sides)
    return _sound(linked.get(attribute(data, "id")), wide, high)


def _sound(
    part: str | None,
    wide: float | None,
    high: float | None,
    cut: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
) -> InlinePicture | None:
    left, top, right, bottom = cut
    if part is None or not wide or not high or not (0 < wide < 1e9 and 0 < high < 1e9):
        return None
    if left + right > 0.999 or top + bottom > 0.999:
        return None
    return part, wide, high, (left, top, 1 - right, 1 - bottom)


def _blocks(lines: Sequence[Line]) -> Iterator[list[Placed]]:
    """Lines of one width, put below each other; a line alone if its pictures are of one height."""
    block: list[Placed] = []
    width = top = 0.0
    for line in lines:
        placed, across, high = _laid(line, top)
        if block and abs(across - width) <= _ALIKE * max(across, width):
            block += placed
            top += high
            continue
        if len(block) > 1:
            yield block
        placed, across, high = _laid(line, 0.0)
        heights = [one[2] for one in line]
        even = max(heights) - min(heights) <= _ALIKE * max(heights)
        block, width, top = (placed, across, high) if even else ([], 0.0, 0.0)
    if len(block) > 1:
        yield block


def _laid(line: Line, top: float) -> tuple[list[Placed], float, float]:
    """The places of a line's pictures, its width and its height."""
    placed, across = [], 0.0
    for part, wide, high, crop in line:
        placed.append(Placed(part, box_matrix((across, top), (wide, high)), crop))
        across += wide
    return placed, across, float(np.max([one[2] for one in line]))
