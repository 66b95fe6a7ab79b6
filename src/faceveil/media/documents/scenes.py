"""The pictures of a slide or a drawing that lie side by side: a face may be cut into them.

References: DrawingML (ISO/IEC 29500-1, 20.1.7: off, ext, chOff, chExt, rot, flipH, flipV; 20.1.8:
srcRect, fillRect) and OpenDocument 1.3 part 3, 19.575 and 19.581. Places are in EMU there, in
centimetres and the like here; only their proportions matter.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from faceveil.media.documents.matrices import moved

UnitMatrix = NDArray[np.float64]
"""(3, 3) from the unit square, whose second number grows downwards."""
Crop = tuple[float, float, float, float]
"""Left, top, right, bottom of what is shown of a picture, as shares of its sides."""

_ROOTS: Final = frozenset({"spTree", "wsDr", "wgp", "wpc", "lockedCanvas"})
"""Elements in which places are told in one space (slides, sheets, groups in texts)."""
_GROUPS: Final = frozenset({"grpSp", "wgp"})
_SHAPES: Final = frozenset({"pic", "sp", "wsp"})
_DEEPEST: Final = 60
_FARTHEST: Final = 1e12
_NEAR: Final = 0.04
"""Gap between pictures side by side, as a share of the shorter side of the smaller one."""
MOST: Final = 400
"""Pictures of one scene."""
_LENGTH: Final = re.compile(r"(-?\d*\.?\d+)(cm|mm|in|pt|pc|px)")
_UNITS: Final = {"cm": 1.0, "mm": 0.1, "in": 2.54, "pt": 2.54 / 72, "pc": 2.54 / 6, "px": 2.54 / 96}


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A picture in a scene.

    Attributes:
        part: its name.
        frame: from the unit square to where it is shown.
        crop: the part of it that is.
    """

    part: str
    frame: UnitMatrix
    crop: Crop = (0.0, 0.0, 1.0, 1.0)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in the scene."""
        return moved(self.frame, (0, 0, 1, 1))

    @property
    def whole(self) -> UnitMatrix:
        """From the unit square of the whole picture, shown or not."""
        left, top, right, bottom = self.crop
        wide, high = right - left, bottom - top
        inner = np.array([[1 / wide, 0, -left / wide], [0, 1 / high, -top / high], [0, 0, 1]])
        return np.asarray(self.frame @ inner)


def tree_of(text: bytes) -> ElementTree.Element | None:
    """A part of an office file or of OpenDocument, in UTF-8 and without entities; None: broken."""
    try:
        return ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, ValueError):
        return None


def scenes_in(
    tree: ElementTree.Element | None, linked: Mapping[str, str]
) -> Iterator[list[Placed]]:
    """The pictures that lie side by side, each time two or more.

    Args:
        tree: see `tree_of`.
        linked: the parts to which its relationships lead, or names in it, by what it calls them.
    """
    if tree is None:
        return
    for root in _roots(tree, 0):
        placed = [one for one in _placed(root, np.eye(3), linked, 0) if is_sound(one)]
        yield from side_by_side(placed[:MOST])


def _roots(element: ElementTree.Element, depth: int) -> Iterator[ElementTree.Element]:
    if name_of(element) in _ROOTS or name_of(element) == "page":
        yield element
    elif depth < _DEEPEST:
        for child in element:
            yield from _roots(child, depth + 1)


def _placed(
    element: ElementTree.Element, space: UnitMatrix, linked: Mapping[str, str], depth: int
) -> Iterator[Placed]:
    """The pictures in an element whose places are told in ``space``."""
    name = name_of(element)
    if name == "Fallback" or depth > _DEEPEST:
        return
    if name in _GROUPS:
        space = space @ _group(first(element, "grpSpPr", "xfrm"))
    elif name == "frame":
        yield from _framed(element, linked)
        return
    elif name == "graphicFrame":
        for cell in _cells(element, linked):
            yield Placed(cell.part, space @ cell.frame, cell.crop)
    elif name in _SHAPES:
        if (one := _shape(element, linked)) is not None:
            yield Placed(one.part, space @ one.frame, one.crop)
        return
    for child in element:
        yield from _placed(child, space, linked, depth + 1)


def _shape(element: ElementTree.Element, linked: Mapping[str, str]) -> Placed | None:
    """A picture, or a shape that is filled with one."""
    properties = first(element, "spPr")
    fill = first(element, "blipFill")
    if fill is None and properties is not None:
        fill = first(properties, "blipFill")
    place = None if properties is None else first(properties, "xfrm")
    blip = None if fill is None else first(fill, "blip")
    if fill is None or blip is None or place is None or first(fill, "tile") is not None:
        return None
    part = linked.get(attribute(blip, "embed"))
    off, extent = _pair(place, "off", "x", "y"), _pair(place, "ext", "cx", "cy")
    if part is None or off is None or extent is None:
        return None
    left, top, right, bottom = insets(first(fill, "srcRect"))
    x0, y0, x1, y1 = insets(first(fill, "stretch", "fillRect"))
    within = np.array([[1 - x0 - x1, 0, x0], [0, 1 - y0 - y1, y0], [0, 0, 1.0]])
    frame = _turned(place, off, extent) @ box_matrix(off, extent) @ within
    return Placed(part, frame, (left, top, 1 - right, 1 - bottom))


def _framed(element: ElementTree.Element, linked: Mapping[str, str]) -> Iterator[Placed]:
    """A picture on a page of OpenDocument; one that is turned has no such place."""
    image = first(element, "image")
    numbers = [length_of(attribute(element, one)) for one in ("x", "y", "width", "height")]
    if image is None or None in numbers or attribute(element, "transform"):
        return
    x, y, width, height = (one or 0.0 for one in numbers)
    part = linked.get(attribute(image, "href").removeprefix("./"))
    if part is not None:
        yield Placed(part, box_matrix((x, y), (width, height)))


def _cells(element: ElementTree.Element, linked: Mapping[str, str]) -> Iterator[Placed]:
    """The pictures with which cells of a table on a slide are filled."""
    table = first(element, "graphic", "graphicData", "tbl")
    place = first(element, "xfrm")
    off = None if place is None else _pair(place, "off", "x", "y")
    grid = None if table is None else first(table, "tblGrid")
    if table is None or off is None or grid is None:
        return
    widths = [number_of(column.get("w")) or 0.0 for column in grid]
    top = off[1]
    for row in (child for child in table if name_of(child) == "tr"):
        left, height = off[0], number_of(row.get("h")) or 0.0
        cells = [child for child in row if name_of(child) == "tc"]
        for cell, width in zip(cells, widths, strict=False):
            fill = first(cell, "tcPr", "blipFill")
            blip = None if fill is None else first(fill, "blip")
            part = None if blip is None else linked.get(attribute(blip, "embed"))
            if part is not None and fill is not None:
                x0, y0, x1, y1 = insets(first(fill, "srcRect"))
                crop = (x0, y0, 1 - x1, 1 - y1)
                yield Placed(part, box_matrix((left, top), (width, height)), crop)
            left += width
        top += height


def _group(place: ElementTree.Element | None) -> UnitMatrix:
    """From the space in a group to that around it."""
    if place is None:
        return np.eye(3)
    off, extent = _pair(place, "off", "x", "y"), _pair(place, "ext", "cx", "cy")
    inner, size = _pair(place, "chOff", "x", "y"), _pair(place, "chExt", "cx", "cy")
    if off is None or extent is None or inner is None or size is None or not all(size):
        return np.eye(3)
    return (
        _turned(place, off, extent)
        @ box_matrix(off, extent)
        @ np.linalg.inv(box_matrix(inner, size))
    )


def box_matrix(off: tuple[float, float], extent: tuple[float, float]) -> UnitMatrix:
    return np.array([[extent[0], 0, off[0]], [0, extent[1], off[1]], [0, 0, 1.0]])


def _turned(
    place: ElementTree.Element, off: tuple[float, float], extent: tuple[float, float]
) -> UnitMatrix:
    """Turn and flip around the centre of a place."""
    angle = math.radians((number_of(place.get("rot")) or 0) / 60000)
    across, down = (-1 if place.get(key) in ("1", "true") else 1 for key in ("flipH", "flipV"))
    x, y = off[0] + extent[0] / 2, off[1] + extent[1] / 2
    cos, sin = math.cos(angle), math.sin(angle)
    move = np.array([[cos * across, -sin * down, x], [sin * across, cos * down, y], [0, 0, 1]])
    return np.asarray(move @ np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1.0]]))


def is_sound(one: Placed) -> bool:
    """Decide whether anything can be seen of a picture."""
    left, top, right, bottom = one.crop
    flat = abs(np.linalg.det(one.frame)) < 1e-9 or right - left <= 0.001 or bottom - top <= 0.001
    return not flat and bool(np.isfinite(one.frame).all())


def side_by_side(placed: Sequence[Placed]) -> Iterator[list[Placed]]:
    """Groups of pictures each of which touches another one of its group."""
    group = list(range(len(placed)))

    def find(at: int) -> int:
        while group[at] != at:
            at = group[at]
        return at

    boxes = [one.box for one in placed]
    for at, one in enumerate(boxes):
        for other in range(at):
            if _touch(one, boxes[other]) and one != boxes[other]:
                group[find(other)] = find(at)
    members: dict[int, list[Placed]] = {}
    for at, each in enumerate(placed):
        members.setdefault(find(at), []).append(each)
    yield from (some for some in members.values() if len(some) > 1)


def _touch(one: Sequence[float], other: Sequence[float]) -> bool:
    room = _NEAR * min(side for box in (one, other) for side in (box[2] - box[0], box[3] - box[1]))
    apart_x = max(one[0], other[0]) - min(one[2], other[2])
    apart_y = max(one[1], other[1]) - min(one[3], other[3])
    # Strips are thin: their gap is measured by what is usual between them all.
    return max(apart_x, apart_y) <= max(room, _NEAR / 8 * (one[2] - one[0] + one[3] - one[1]))


def name_of(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def attribute(element: ElementTree.Element, name: str) -> str:
    """An attribute, in whatever space its name is."""
    return next((v for k, v in element.attrib.items() if k.rpartition("}")[2] == name), "")


def first(element: ElementTree.Element, *path: str) -> ElementTree.Element | None:
    """The first child of a child of these names."""
    found: ElementTree.Element | None = element
    for name in path:
        if found is None:
            return None
        found = next((child for child in found if name_of(child) == name), None)
    return found


def _pair(place: ElementTree.Element, name: str, *keys: str) -> tuple[float, float] | None:
    found = first(place, name)
    if found is None:
        return None
    one, other = (number_of(found.get(key)) for key in keys)
    return None if one is None or other is None else (one, other)


def number_of(text: str | None) -> float | None:
    """A number as DrawingML has it, with or without a unit; None for what is none."""
    try:
        number = float(text or "")
    except ValueError:
        return length_of(text or "")
    return number if abs(number) < _FARTHEST else None


def length_of(text: str) -> float | None:
    found = _LENGTH.fullmatch(text.strip())
    return float(found[1]) * _UNITS[found[2]] if found else None


def insets(element: ElementTree.Element | None) -> Crop:
    """The four insets of a rectangle as shares: thousandths of a percent, or percent."""

    def share(key: str) -> float:
        text = "" if element is None else element.get(key) or ""
        percent = text.endswith("%")
        number = number_of(text.removesuffix("%")) or 0.0
        return number / 100 if percent else number / 100000

    return share("l"), share("t"), share("r"), share("b")
