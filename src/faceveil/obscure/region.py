"""From faces to painted areas: padded, rounded outward, merged where they meet.

Everything here is geometry; no pixel of a picture is read. A region's *guaranteed set* is the union
of its covers: the padded boxes, whole and even pixels, clipped to the picture. Other paint (the
rest of an ellipse, a soft edge) only adds to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceveil.faces import Floats, areas, corners, sizes
from faceveil.geometry import Box, Region, Shape, Target
from faceveil.options import Options

_FAR = 1e9
"""No picture reaches this far. Coordinates beyond it, in a hand-edited plan, are cut here so that
all arithmetic stays finite."""


def regions(targets: Iterable[Target], width: int, height: int, options: Options) -> list[Region]:
    """The areas to paint in a picture of this size.

    Targets whose painted areas overlap or touch end up in one region. A target whose padded box
    lies wholly outside the picture gives none; everything else is covered.

    Returns:
        Disjoint regions, the one with the largest face first. The bounding boxes of two regions
        may overlap, what is painted of them does not.
    """
    given = list(targets)
    faces = corners(t.box for t in given).clip(-_FAR, _FAR)
    margins = np.array(
        [options.margin_side, options.margin_top, options.margin_side, options.margin_bottom]
    )
    widen = np.array([t.padded for t in given], dtype=np.float64)[:, None]
    padded = faces + _outward(faces, margins) * widen
    inside = (padded[:, :2] < [width, height]) & (padded[:, 2:] > 0)
    seen = np.flatnonzero(inside.all(axis=1))
    if not len(seen):
        return []
    # Largest first; equal sizes in order of track, so that the result does not depend on order.
    tracks = np.array([t.track for t in given], dtype=np.int64)
    seen = seen[np.lexsort((tracks[seen], -areas(faces)[seen]))]

    faces, covers = faces[seen], _whole(padded[seen], width, height)
    extents = _whole(_extents(faces, covers, options), width, height)
    labels = _components(extents)
    order = np.argsort(labels, kind="stable")
    result = []
    for members in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        low = extents[members, :2].min(axis=0)
        high = extents[members, 2:].max(axis=0)
        shapes = tuple(
            Shape(Box(*faces[i].tolist()), Box(*covers[i].tolist()), given[seen[i]].roll)
            for i in members
        )
        box = Box(*low.tolist(), *high.tolist())
        result.append(Region(box, shapes, given[seen[members[0]]].track))
    return result


def mask(region: Region, options: Options) -> NDArray[np.uint8]:
    """The opacity of the paint on each pixel of ``region.box``: 0 for none, 255 for full.

    255 on every pixel of every cover. With shape "ellipse" each cover's circumscribed ellipse is
    255 too; with ``feather`` the values fall to 0 outside of that.

    Returns:
        (h, w) uint8.
    """
    x0, y0, x1, y1 = map(int, region.box.as_tuple())
    out = np.zeros((y1 - y0, x1 - x0), np.uint8)
    faces, covers = (corners(getattr(s, name) for s in region.shapes) for name in ("face", "cover"))
    if options.shape == "ellipse" or options.feather > 0:
        extents = _whole(_extents(faces, covers, options), x1, y1)
        extents = extents.clip([x0, y0, x0, y0], [x1, y1, x1, y1]).astype(int)
        for cover, extent, reach in zip(covers, extents, _reach(faces, options), strict=True):
            left, top, right, bottom = extent
            part = out[top - y0 : bottom - y0, left - x0 : right - x0]
            np.maximum(part, _soft(cover, extent, reach, options.shape), out=part)
    for left, top, right, bottom in covers.astype(int):
        out[top - y0 : bottom - y0, left - x0 : right - x0] = 255
    return out


def _soft(cover: NDArray[Any], extent: NDArray[Any], reach: float, shape: str) -> NDArray[np.uint8]:
    """The mask of one cover over its extent, edge included."""
    left, top, right, bottom = extent
    cover = cover.astype(np.float32)
    x = np.arange(left, right, dtype=np.float32) + np.float32(0.5)
    y = np.arange(top, bottom, dtype=np.float32)[:, None] + np.float32(0.5)
    if shape == "ellipse":
        x, y = x - (cover[0] + cover[2]) / 2, y - (cover[1] + cover[3]) / 2
        squares = (x * x) * (2 / (cover[2] - cover[0]) ** 2)
        radius = squares + (y * y) * (2 / (cover[3] - cover[1]) ** 2)
        if reach <= 0:
            return np.where(radius <= 1, np.uint8(255), np.uint8(0))
        # Along the ray from the centre: never less than the true distance, so it ends in time.
        outside = np.sqrt(x * x + y * y) * (1 - 1 / np.sqrt(np.maximum(radius, 1)))
    else:
        dx = np.maximum(np.maximum(cover[0] - x, x - cover[2]), 0)
        dy = np.maximum(np.maximum(cover[1] - y, y - cover[3]), 0)
        outside = np.sqrt(dx * dx + dy * dy)
    fade = np.maximum(1 - outside / np.float32(reach), 0)
    out: NDArray[np.uint8] = np.rint(255 * fade * fade * (3 - 2 * fade)).astype(np.uint8)
    return out


def _outward(boxes: Floats, shares: NDArray[Any]) -> Floats:
    """The widths to add so that boxes grow by shares of their own width and height."""
    size = boxes[:, 2:] - boxes[:, :2]
    grown: Floats = np.hstack([-size, size]) * shares
    return grown


def _reach(faces: Floats, options: Options) -> NDArray[np.float64]:
    """Width of the soft edge in pixels, for each face."""
    return options.feather * sizes(faces)


def _extents(faces: Floats, covers: Floats, options: Options) -> Floats:
    """The boxes around all that is painted for each cover.

    An ellipse through the corners of a box has its half axes times sqrt 2: the smallest one of the
    same proportions that holds the box.
    """
    grow = (np.sqrt(2) - 1) / 2 if options.shape == "ellipse" else 0.0
    edge = _reach(faces, options)[:, None] * [-1, -1, 1, 1]
    return covers + _outward(covers, np.full(4, grow)) + edge


def _whole(boxes: Floats, width: int, height: int) -> Floats:
    """Round outward to even pixels and clip: a 4:2:0 chroma sample belongs to 2x2 pixels.

    The last column or row of an odd picture has its chroma sample to itself.
    """
    low = np.floor(boxes[:, :2] / 2) * 2
    high = np.ceil(boxes[:, 2:] / 2) * 2
    return np.hstack([low, high]).clip(0, [width, height, width, height])


def _components(boxes: Floats) -> NDArray[np.intp]:
    """Label boxes that overlap or touch, directly or through others, with their lowest index."""
    labels = np.arange(len(boxes))
    a, b = _pairs(boxes)
    while len(a):
        # Labels only get smaller: each takes the lowest label next to it, then that one's own
        # label, so that a long chain is finished in a few rounds.
        least = labels.copy()
        np.minimum.at(least, labels[a], labels[b])
        np.minimum.at(least, labels[b], labels[a])
        least = least[least]
        if np.array_equal(least, labels):
            break
        labels = least
    return labels


def _pairs(boxes: Floats) -> Sequence[NDArray[np.intp]]:
    """All pairs of boxes that overlap or touch, by a sweep from left to right."""
    order = np.argsort(boxes[:, 0], kind="stable")
    x0, y0, x1, y1 = boxes[order].T
    index = np.arange(len(boxes))
    counts = np.searchsorted(x0, x1, side="right") - index - 1
    first = np.repeat(index, counts)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    meet = (y0[first] <= y1[second]) & (y0[second] <= y1[first])
    return order[first[meet]], order[second[meet]]
