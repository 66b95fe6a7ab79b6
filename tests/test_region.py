"""Rules 7 to 9: what is guaranteed to be painted, and what is merged."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceveil.geometry import Box, Region, Target
from faceveil.obscure.region import mask, regions
from faceveil.options import Options

sizes = st.integers(1, 90)
shares = st.sampled_from([0.0, 0.25, 0.4, 1.0])
some_options = st.builds(
    Options,
    shape=st.sampled_from(["box", "ellipse"]),
    feather=st.sampled_from([0.0, 0.1, 0.7]),
    margin_side=shares,
    margin_top=shares,
    margin_bottom=shares,
)


@st.composite
def boxes(draw: Any) -> Box:
    x, y = (draw(st.floats(-60, 120, width=32)) for _ in "xy")
    w, h = (draw(st.floats(0.125, 60, width=32)) for _ in "wh")
    return Box(x, y, x + w, y + h)


@st.composite
def some_targets(draw: Any) -> list[Target]:
    found = draw(st.lists(st.tuples(boxes(), st.booleans()), max_size=8))
    return [Target(i, box, padded=padded) for i, (box, padded) in enumerate(found)]


def promised(target: Target, width: int, height: int, options: Options) -> NDArray[np.bool_]:
    """Every pixel the padded box reaches into, worked out apart from the code under test."""
    box = target.box
    if target.padded:
        side = options.margin_side
        box = box.padded(side, options.margin_top, side, options.margin_bottom)
    out = np.zeros((height, width), bool)
    x0, y0 = max(math.floor(box.x0), 0), max(math.floor(box.y0), 0)
    out[y0 : max(math.ceil(box.y1), 0), x0 : max(math.ceil(box.x1), 0)] = True
    return out


def painted(region: Region, width: int, height: int, options: Options) -> NDArray[np.uint8]:
    out = np.zeros((height, width), np.uint8)
    x0, y0, x1, y1 = map(int, region.box.as_tuple())
    out[y0:y1, x0:x1] = mask(region, options)
    return out


@given(some_targets(), sizes, sizes, some_options)
def test_every_promised_pixel_is_painted(
    targets: list[Target], width: int, height: int, options: Options
) -> None:
    found = regions(targets, width, height, options)
    union = np.zeros((height, width), np.uint8)
    for region in found:
        union = np.maximum(union, painted(region, width, height, options))
    touching = 0
    for target in targets:
        promise = promised(target, width, height, options)
        assert (union[promise] == 255).all()
        touching += bool(promise.any())
    assert sum(len(region.shapes) for region in found) == touching


@given(some_targets(), sizes, sizes, some_options)
def test_regions_are_whole_even_and_inside(
    targets: list[Target], width: int, height: int, options: Options
) -> None:
    for region in regions(targets, width, height, options):
        for box in (region.box, *(shape.cover for shape in region.shapes)):
            assert all(value == int(value) for value in box.as_tuple())
            assert 0 <= box.x0 < box.x1 <= width
            assert 0 <= box.y0 < box.y1 <= height
            assert box.x0 % 2 == box.y0 % 2 == 0
            assert box.x1 % 2 == 0 or box.x1 == width
            assert box.y1 % 2 == 0 or box.y1 == height
        areas = [shape.face.area for shape in region.shapes]
        assert areas == sorted(areas, reverse=True)
        assert targets[region.track].box == region.shapes[0].face


@given(some_targets(), sizes, sizes, some_options)
def test_no_pixel_belongs_to_two_regions(
    targets: list[Target], width: int, height: int, options: Options
) -> None:
    count = np.zeros((height, width), int)
    for region in regions(targets, width, height, options):
        count += painted(region, width, height, options) > 0
    assert count.max(initial=0) <= 1


@pytest.mark.slow
@given(some_targets(), sizes, sizes, st.randoms(use_true_random=False))
def test_order_of_targets_does_not_matter(
    targets: list[Target], width: int, height: int, random: Any
) -> None:
    options = Options()
    expected = regions(targets, width, height, options)
    random.shuffle(targets)
    assert regions(targets, width, height, options) == expected


@pytest.mark.slow
@given(st.lists(boxes(), min_size=1, max_size=12))
def test_regions_are_the_connected_components(found: list[Box]) -> None:
    options = Options(margin_side=0, margin_top=0, margin_bottom=0)
    result = regions([Target(i, box) for i, box in enumerate(found)], 90, 90, options)
    covers = [shape.cover for region in result for shape in region.shapes]
    group = list(range(len(covers)))
    for _ in covers:  # the slow way
        for i, a in enumerate(covers):
            for j, b in enumerate(covers):
                if a.x0 <= b.x1 and b.x0 <= a.x1 and a.y0 <= b.y1 and b.y0 <= a.y1:
                    group[i] = group[j] = min(group[i], group[j])
    assert len(set(group)) == len(result)


@given(boxes(), some_options)
def test_the_edge_is_soft_outside_the_guaranteed_set_only(box: Box, options: Options) -> None:
    for region in regions([Target(0, box)], 90, 90, options):
        values = painted(region, 90, 90, options)
        cover = region.shapes[0].cover
        x0, y0, x1, y1 = map(int, cover.as_tuple())
        assert (values[y0:y1, x0:x1] == 255).all()
        row = values[(y0 + y1) // 2].astype(int)
        assert (np.diff(row[x1 - 1 :]) <= 0).all()
        if options.feather == 0:
            assert set(np.unique(values)) <= {0, 255}


def test_an_ellipse_holds_the_corners_by_itself() -> None:
    options = Options(shape="ellipse", margin_side=0, margin_top=0, margin_bottom=0)
    (region,) = regions([Target(0, Box(100, 100, 200, 240))], 400, 400, options)
    assert region.box == Box(78, 70, 222, 270)  # 50 and 70 times sqrt 2 around (150, 170)
    values = painted(region, 400, 400, options)
    assert values[170, 80] == 255
    assert values[70:90, 78:100].max() == 0
    area = (values > 0).sum() / (math.pi * 50 * 70 * 2)
    assert area == pytest.approx(1, abs=0.01)


def test_margins_are_those_of_the_options() -> None:
    (region,) = regions([Target(7, Box(100, 100, 200, 200), roll=0.5)], 400, 400, Options())
    assert region.box == region.shapes[0].cover == Box(74, 60, 226, 216)
    assert region.shapes[0].face == Box(100, 100, 200, 200)
    assert region.shapes[0].roll == 0.5
    assert region.track == 7


@pytest.mark.parametrize("dx", [-1, 0, 1])
@pytest.mark.parametrize("dy", [-1, 0, 1])
def test_covers_that_touch_are_one_region(dx: int, dy: int) -> None:
    for step, number in ((20, 1), (22, 2 if dx or dy else 1)):
        x, y = 40 + dx * step, 40 + dy * step
        targets = [
            Target(0, Box(40, 40, 60, 60), padded=False),
            Target(1, Box(x, y, x + 20, y + 20), padded=False),
        ]
        assert len(regions(targets, 99, 99, Options())) == number


def test_a_zone_is_covered_as_it_is() -> None:
    (region,) = regions([Target(0, Box(10, 20, 30.5, 40), padded=False)], 400, 400, Options())
    assert region.box == Box(10, 20, 32, 40)


def test_a_box_wholly_outside_gives_no_region() -> None:
    outside = [Box(-50, 10, -30, 30), Box(10, 90, 20, 100), Box(1e300, 0, 1.1e300, 10)]
    assert regions([Target(i, b) for i, b in enumerate(outside)], 64, 48, Options()) == []
    beside = Target(0, Box(63, 0, 64, 9), padded=False)  # shares no pixel, only a pair of columns
    assert regions([beside], 63, 47, Options()) == []
    assert regions([], 64, 48, Options()) == []


def test_a_face_outside_whose_margin_reaches_in_is_covered() -> None:
    (region,) = regions([Target(0, Box(-40, 10, -2, 50))], 64, 48, Options())
    assert region.box.x0 == 0


def test_absurd_boxes_cover_the_whole_picture() -> None:
    everything = Box(-1e308, -1e308, 1e308, 1e308)
    (region,) = regions([Target(0, everything)], 63, 47, Options(feather=1.0, shape="ellipse"))
    assert region.box == Box(0, 0, 63, 47)
    assert (mask(region, Options(feather=1.0, shape="ellipse")) == 255).all()


def test_the_last_odd_row_and_column_are_covered() -> None:
    (region,) = regions([Target(0, Box(50, 30, 70, 50))], 63, 47, Options())
    assert (region.box.x1, region.box.y1) == (63, 47)


def test_a_thousand_faces_are_quick() -> None:
    random = np.random.default_rng(0)
    corners = random.random((1000, 2)) * [1024, 768]
    crowd = [Target(i, Box(x, y, x + 200, y + 250)) for i, (x, y) in enumerate(corners.tolist())]
    start = time.process_time()
    (region,) = regions(crowd, 1024, 768, Options())
    assert mask(region, Options()).all()
    assert time.process_time() - start < 1  # about 0.03 s; a loop over all pairs takes several


def test_a_long_chain_is_one_region() -> None:
    order = np.random.default_rng(0).permutation(1000).tolist()
    chain = [Target(i, Box(i * 30, 10, i * 30 + 28, 40)) for i in order]
    assert len(regions(chain, 30_000, 100, Options())) == 1
