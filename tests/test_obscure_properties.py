"""Rules 1, 2, 7 and 9 for any picture, box, size and method, on pictures and on planes.

"Painted" is proved with two pictures that differ in every sample: what is the same in both
afterwards cannot depend on either.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceveil.frames import Image, Planes
from faceveil.geometry import Box, Region, Target
from faceveil.obscure import load_obscurer, paint
from faceveil.obscure.canvas import BgrCanvas, Canvas, PlanesCanvas
from faceveil.obscure.codes import BITS_PER_CELL, borders, grid, quantize
from faceveil.obscure.region import mask, regions
from faceveil.options import Options

METHODS = ("blur", "pixelate", "solid", "cartoon", "gaussian")
CODED = ("blur", "pixelate")  # the methods that look at the picture and bound what they keep
LAYOUTS = ("bgr", (2, 2), (2, 1), (1, 1))


class Painting:
    """A noise picture of one layout, and its negative: no sample of which equals the original."""

    def __init__(self, layout: Any, width: int, height: int, depth: int = 8, seed: int = 0) -> None:
        self.layout, self.depth = layout, depth
        random = np.random.default_rng(seed)
        dtype = np.uint8 if depth == 8 else np.uint16
        sx, sy = (1, 1) if layout == "bgr" else layout
        small = (-(-height // sy), -(-width // sx))
        shapes = [(height, width, 3)] if layout == "bgr" else [(height, width), small, small]
        self.arrays: list[NDArray[Any]] = [
            random.integers(0, 1 << depth, shape).astype(dtype) for shape in shapes
        ]
        self.steps = [(1, 1)] if layout == "bgr" else [(1, 1), (sx, sy), (sx, sy)]

    def copy(self, negative: bool = False) -> Painting:
        other = object.__new__(Painting)
        other.__dict__ = self.__dict__ | {
            "arrays": [a ^ ((1 << self.depth) - 1) if negative else a.copy() for a in self.arrays]
        }
        return other

    @property
    def canvas(self) -> Canvas:
        if self.layout == "bgr":
            return BgrCanvas(self.arrays[0])
        y, u, v = self.arrays
        return PlanesCanvas(Planes(y, u, v, chroma=self.layout, depth=self.depth))

    def reached(self, values: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        """A mask of the picture at each array's resolution: the largest value of its pixels."""
        out = []
        for sx, sy in self.steps:
            h, w = values.shape
            padded = np.pad(values, ((0, -h % sy), (0, -w % sx)))
            blocks = padded.reshape(padded.shape[0] // sy, sy, padded.shape[1] // sx, sx)
            out.append(blocks.max(axis=(1, 3)))
        return out


def whole(found: list[Region], masks: list[Any], width: int, height: int) -> NDArray[np.uint8]:
    out = np.zeros((height, width), np.uint8)
    for region, values in zip(found, masks, strict=True):
        x0, y0, x1, y1 = map(int, region.box.as_tuple())
        out[y0:y1, x0:x1] = np.maximum(out[y0:y1, x0:x1], values)
    return out


def assert_painted(
    picture: Painting, targets: list[Target], width: int, height: int, options: Options
) -> None:
    """Every guaranteed sample is a function of the codes, every unmasked one is untouched."""
    found = regions(targets, width, height, options)
    masks = [mask(region, options) for region in found]
    obscurer = load_obscurer(options)
    codes = [obscurer.summarize(picture.canvas, region) for region in found]
    one, two = picture.copy(), picture.copy(negative=True)
    for copy in (one, two):
        for region, values, code in zip(found, masks, codes, strict=True):
            copy.canvas.paste(region.box, obscurer.draw(code, region), values)
    reached = picture.reached(whole(found, masks, width, height))
    for before, a, b, values in zip(picture.arrays, one.arrays, two.arrays, reached, strict=True):
        assert (a == b)[values == 255].all()
        assert (a == before)[values == 0].all()
        assert (b != before)[values == 0].all()
    paint(picture.canvas, found, masks, obscurer)
    for a, b in zip(picture.arrays, one.arrays, strict=True):
        assert np.array_equal(a, b)


@st.composite
def some_targets(draw: Any) -> list[Target]:
    number = st.floats(-40, 110, width=32)
    size = st.floats(0.5, 60, width=32)
    roll = st.floats(-4, 4)
    found = draw(st.lists(st.tuples(number, number, size, size, roll), min_size=1, max_size=4))
    return [Target(i, Box(x, y, x + w, y + h), r) for i, (x, y, w, h, r) in enumerate(found)]


some_options = st.builds(
    Options,
    method=st.sampled_from(METHODS),
    cells=st.integers(1, 6),
    shape=st.sampled_from(["box", "ellipse"]),
    feather=st.sampled_from([0.0, 0.3]),
)


@pytest.mark.slow
@settings(deadline=None)
@given(
    some_targets(),
    st.integers(1, 90),
    st.integers(1, 90),
    some_options,
    st.sampled_from(LAYOUTS),
    st.sampled_from([8, 10]),
)
def test_guaranteed_pixels_depend_on_the_codes_alone(
    targets: list[Target], width: int, height: int, options: Options, layout: Any, depth: int
) -> None:
    picture = Painting(layout, width, height, 8 if layout == "bgr" else depth)
    assert_painted(picture, targets, width, height, options)


# Where the face lies in a picture 1.6 times its size: inside, and cut by each edge and corner.
PLACES = [(0.3, 0.3), (-0.4, 0.3), (1.1, 0.3), (0.3, -0.5), (0.3, 1.1), (1.1, 1.1), (-0.5, -0.5)]


@pytest.mark.slow
@pytest.mark.parametrize("size", [8, 13, 64, 301])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layout", ["bgr", (2, 2)])
def test_faces_of_all_sizes_at_all_edges(size: int, method: str, layout: Any) -> None:
    options = Options.model_validate({"method": method})
    width = height = int(1.6 * size) | 1
    for x, y in PLACES:
        face = Box(x * size, y * size, (x + 1) * size, (y + 1) * size)
        picture = Painting(layout, width, height)
        assert_painted(picture, [Target(0, face)], width, height, options)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["blur", "pixelate", "solid", "cartoon"])
@pytest.mark.parametrize("layout", ["bgr", (2, 2)])
def test_a_face_of_2000_pixels(method: str, layout: Any) -> None:
    options = Options.model_validate({"method": method})
    picture = Painting(layout, 2301, 1801)
    assert_painted(picture, [Target(0, Box(400.5, -100, 2400.5, 1900))], 2301, 1801, options)


@pytest.mark.slow
@settings(deadline=None)
@given(
    some_targets(),
    st.sampled_from(CODED),
    st.integers(1, 6),
    st.sampled_from(LAYOUTS),
    st.integers(0, 2**32),
)
def test_permuting_the_pixels_of_a_cell_changes_nothing(
    targets: list[Target], method: str, cells: int, layout: Any, seed: int
) -> None:
    options = Options.model_validate({"method": method, "cells": cells})
    picture = Painting(layout, 75, 61)
    random = np.random.default_rng(seed)
    obscurer = load_obscurer(options)
    for region in regions(targets, 75, 61, options):
        before = obscurer.summarize(picture.canvas, region)
        rows, cols = grid(region, cells)
        x0, y0 = int(region.box.x0), int(region.box.y0)
        for array, (sx, sy) in zip(picture.arrays, picture.steps, strict=True):
            ys = -(-(y0 + borders(int(region.box.height), rows)) // sy)
            xs = -(-(x0 + borders(int(region.box.width), cols)) // sx)
            for top, bottom in pairwise(ys):
                for left, right in pairwise(xs):
                    cell = array[top:bottom, left:right]
                    flat = cell.reshape(-1, *array.shape[2:])
                    cell[...] = random.permutation(flat).reshape(cell.shape)
        after = obscurer.summarize(picture.canvas, region)
        assert np.array_equal(before.cells, after.cells)
        assert np.array_equal(obscurer.draw(before, region), obscurer.draw(after, region))


@given(some_targets(), st.integers(1, 6))
def test_no_face_is_covered_by_more_cells_than_asked(targets: list[Target], cells: int) -> None:
    for region in regions(targets, 75, 61, Options()):
        rows, cols = grid(region, cells)
        for shape in region.shapes:
            if cols > 1:
                cell = np.diff(borders(int(region.box.width), cols)).min()
                assert cell * cells >= shape.face.width
            if rows > 1:
                cell = np.diff(borders(int(region.box.height), rows)).min()
                assert cell * cells >= shape.face.height


@given(st.integers(1, 500), st.integers(1, 300))
def test_every_pixel_belongs_to_one_cell(length: int, cells: int) -> None:
    found = borders(length, cells)
    assert found[0] == 0
    assert found[-1] == length
    assert (np.diff(found) >= 0).all()
    assert (found[:-1] % 2 == 0).all()


def test_a_cell_has_few_values_and_neutral_ones_stay_neutral() -> None:
    steps = np.arange(0, 256, 5, dtype=np.float64)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    assert len(np.unique(quantize(cube), axis=0)) <= 2**BITS_PER_CELL
    greys = quantize(np.repeat(np.arange(256.0)[:, None], 3, axis=1))
    assert (greys == greys[:, :1]).all()
    assert len(np.unique(greys)) == 16


def test_rounding_a_rounded_colour_keeps_the_brightness() -> None:
    random = np.random.default_rng(0).random((2000, 3)) * 255
    weights = [0.114, 0.587, 0.299]
    error = np.abs(quantize(random) @ weights - random @ weights)
    assert np.median(error) < 17 / 2


@settings(deadline=None)
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 200),
    st.integers(1, 200),
    st.integers(0, 2**32),
)
def test_a_blur_never_leaves_the_range_of_its_cells(
    rows: int, cols: int, height: int, width: int, seed: int
) -> None:
    from faceveil.obscure.blur import Blur
    from faceveil.obscure.codes import Codes

    cells: Image = np.random.default_rng(seed).integers(0, 256, (rows, cols, 3)).astype(np.uint8)
    box = Box(0, 0, width, height)
    patch = Blur(Options()).draw(Codes(cells), Region(box, ()))
    assert patch.shape == (height, width, 3)
    assert (patch.reshape(-1, 3) >= cells.reshape(-1, 3).min(axis=0)).all()
    assert (patch.reshape(-1, 3) <= cells.reshape(-1, 3).max(axis=0)).all()
