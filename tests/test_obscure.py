"""Each obscurer, both canvases, the held codes and the green boxes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faceveil.errors import UsageError
from faceveil.frames import Frame, Image, Planes
from faceveil.geometry import Box, Region, Target
from faceveil.obscure import Sampler, load_obscurer, outline, paint
from faceveil.obscure.canvas import BgrCanvas, Canvas, PlanesCanvas, canvas_of
from faceveil.obscure.codes import Codes, nothing, quantize
from faceveil.obscure.painter import Held
from faceveil.obscure.region import mask, regions
from faceveil.options import Options

FACE = Box(30, 30, 70, 80)


def noise(height: int = 120, width: int = 100, seed: int = 0) -> Image:
    out: Image = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return out


def planes(height: int = 120, width: int = 100, **kind: Any) -> Planes:
    random = np.random.default_rng(0)
    depth = kind.get("depth", 8)
    dtype = np.uint8 if depth == 8 else np.uint16
    small = (-(-height // 2), -(-width // 2))
    y, u, v = (
        random.integers(16, 235, shape).astype(dtype) << (depth - 8)
        for shape in ((height, width), small, small)
    )
    return Planes(y, u, v, **kind)


def veil(image: Image, targets: list[Target], options: Options, **more: Any) -> list[Region]:
    found = regions(targets, image.shape[1], image.shape[0], options)
    masks = [mask(region, options) for region in found]
    paint(BgrCanvas(image), found, masks, load_obscurer(options), **more)
    return found


def inside(box: Box) -> tuple[slice, slice]:
    x0, y0, x1, y1 = map(int, box.as_tuple())
    return slice(y0, y1), slice(x0, x1)


def test_only_gaussian_is_recoverable() -> None:
    found = {
        name: load_obscurer(Options.model_validate({"method": name}))
        for name in ("blur", "pixelate", "solid", "cartoon", "gaussian")
    }
    assert [name for name, o in found.items() if o.recoverable] == ["gaussian"]
    assert [name for name, o in found.items() if o.holds] == ["blur", "pixelate"]
    assert all(o.name == name for name, o in found.items())


def test_more_cells_than_six_are_refused_unless_asked_for_twice() -> None:
    with pytest.raises(UsageError, match="recognizable"):
        Options(cells=7)
    assert load_obscurer(Options(cells=7, allow_weak=True)).name == "blur"


def test_solid_is_one_grey_whatever_the_picture() -> None:
    image = noise()
    (region,) = veil(image, [Target(0, FACE)], Options(method="solid"))
    assert (image[inside(region.box)] == 128).all()


def test_strict_is_solid() -> None:
    assert load_obscurer(Options(preset="strict")).name == "solid"


def test_pixelate_shows_the_cells_and_nothing_else() -> None:
    image = noise()
    (region,) = veil(image, [Target(0, FACE)], Options(method="pixelate", cells=3))
    patch = image[inside(region.box)]
    assert len(np.unique(patch, axis=0)) == 4  # 0.25 + 1 + 0.25 faces wide, 1.55 high
    assert np.unique(patch, axis=1).shape[1] == 4
    assert len(np.unique(patch.reshape(-1, 3), axis=0)) <= 16


def test_blur_looks_like_a_gaussian_blur(astronaut: Image) -> None:
    """Near a Gaussian of the strength that leaves as many cells, and nothing like the original."""
    face = Box(177, 75, 266, 193)
    image = astronaut.copy()
    (region,) = veil(image, [Target(0, face)], Options())
    where = inside(region.box)
    strong = cv2.GaussianBlur(astronaut, (0, 0), 0.3 * face.width)[where]
    change = np.abs(image[where].astype(int) - strong).mean()
    assert change < 0.5 * np.abs(image[where].astype(int) - astronaut[where]).mean()
    steps = np.abs(np.diff(image[where].astype(int), axis=1)).max()
    assert steps <= 12  # no edge anywhere


def test_cartoon_is_drawn_from_geometry_alone() -> None:
    options = Options(method="cartoon")
    one, two, tilted = noise(seed=1), noise(seed=2), noise(seed=1)
    (region,) = veil(one, [Target(0, FACE)], options)
    veil(two, [Target(0, FACE)], options)
    veil(tilted, [Target(0, FACE, roll=0.4)], options)
    where = inside(region.box)
    assert np.array_equal(one[where], two[where])
    assert not np.array_equal(one[where], tilted[where])


def test_cartoon_draws_one_figure_a_face() -> None:
    options = Options(method="cartoon", margin_side=0.3)
    image = np.zeros((200, 300, 3), np.uint8)
    targets = [Target(0, Box(50, 60, 110, 130)), Target(1, Box(130, 60, 190, 130))]
    (region,) = veil(image, targets, options)
    assert len(region.shapes) == 2
    assert np.array_equal(image[100, 80], image[100, 160])
    assert not np.array_equal(image[100, 80], image[100, 120])  # background between them


def test_cartoon_survives_a_face_of_any_size() -> None:
    image = noise()
    veil(image, [Target(0, Box(-1e8, -1e8, 1e8, 1e8))], Options(method="cartoon"))
    assert (image == image[0, 0]).all()


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize(("face", "kernel"), [(Box(20, 20, 80, 100), 35), (FACE, 23)])
def test_gaussian_is_the_classic_operator(face: Box, kernel: int, passes: Any) -> None:
    before = noise()
    image = before.copy()
    options = Options(method="gaussian", gaussian_passes=passes)
    (region,) = veil(image, [Target(0, face)], options)
    expected: Any = before[inside(region.box)].copy()
    for _ in range(passes):
        expected = cv2.GaussianBlur(expected, (kernel, kernel), 0)
    assert np.array_equal(image[inside(region.box)], expected)


def test_gaussian_has_a_smallest_kernel() -> None:
    before = noise()
    image = before.copy()
    (region,) = veil(image, [Target(0, Box(40, 40, 50, 52))], Options(method="gaussian"))
    crop = before[inside(region.box)].copy()
    assert np.array_equal(image[inside(region.box)], cv2.GaussianBlur(crop, (15, 15), 0))


def test_overlapping_faces_are_one_region_made_from_the_original() -> None:
    before = noise()
    image = before.copy()
    options = Options(method="pixelate")
    targets = [Target(1, FACE), Target(2, Box(50, 50, 80, 95))]
    (region,) = veil(image, targets, options)
    assert region.track == 1
    obscurer = load_obscurer(options)
    patch = obscurer.draw(obscurer.summarize(BgrCanvas(before), region), region)
    painted = mask(region, options) == 255
    assert np.array_equal(image[inside(region.box)][painted], patch[painted])
    assert np.array_equal(image[inside(region.box)][~painted], before[inside(region.box)][~painted])


class Black:
    """Paints black, and remembers what it was shown."""

    name = "black"
    recoverable = False
    holds = False

    def __init__(self) -> None:
        self.shown: list[Image] = []

    def summarize(self, canvas: Canvas, region: Region) -> Codes:
        self.shown.append(canvas.crop(region.box))
        return nothing()

    def draw(self, codes: Codes, region: Region) -> Image:
        return np.zeros((int(region.box.height), int(region.box.width), 3), np.uint8)


def test_a_region_inside_the_bounding_box_of_another_sees_the_original() -> None:
    """A face in the free corner of an L of two smaller ones: it is painted before the L is."""
    before = noise(400, 400)
    image = before.copy()
    options = Options(margin_side=0, margin_top=0, margin_bottom=0)
    targets = [
        Target(0, Box(0, 0, 300, 60)),
        Target(1, Box(0, 40, 60, 300)),
        Target(2, Box(100, 100, 300, 300)),
    ]
    face, corner = found = regions(targets, 400, 400, options)
    assert corner.box.intersection(face.box) == face.box.area
    obscurer = Black()
    paint(BgrCanvas(image), found, [mask(region, options) for region in found], obscurer)
    for region, shown in zip(found, obscurer.shown, strict=True):
        assert np.array_equal(shown, before[inside(region.box)])
    assert not image[inside(face.box)].any()


class Keeping(dict[int, Codes]):
    """Keeps the first codes of every track."""

    def __call__(self, track: int, look: Sampler) -> Codes:
        if track not in self:
            self[track] = look.codes()
        return self[track]


def test_held_codes_stand_in_for_later_frames() -> None:
    options = Options()
    held = Keeping()
    first, second, other = noise(seed=1), noise(seed=2), noise(seed=2)
    (region,) = veil(first, [Target(5, FACE)], options, hold=held)
    kept = held[5]
    veil(second, [Target(5, FACE)], options, hold=held)
    assert held == {5: kept}
    assert np.array_equal(first[inside(region.box)], second[inside(region.box)])
    (moved,) = veil(other, [Target(5, Box(20, 40, 95, 118))], options, hold=held)
    expected = load_obscurer(options).draw(kept, moved)
    assert np.array_equal(other[inside(moved.box)], expected)


def test_methods_without_codes_hold_nothing() -> None:
    for method in ("solid", "cartoon", "gaussian"):
        held = Keeping()
        veil(noise(), [Target(5, FACE)], Options.model_validate({"method": method}), hold=held)
        assert held == {}


def grey(luma: int) -> Sampler:
    """A look at something of one grey."""
    canvas = BgrCanvas(np.full((120, 100, 3), luma, np.uint8))
    return Sampler(
        canvas, regions([Target(1, FACE)], 100, 120, Options())[0], load_obscurer(Options())
    )


@given(
    cells=arrays(np.uint8, (2, 2, 3)),
    step=st.integers(-1, 1),
    other=st.sampled_from([-3, -2, 2, 3]),
)
def test_codes_are_alike_up_to_one_level(cells: Image, step: int, other: int) -> None:
    greys = quantize(np.repeat(cells[..., :1], 3, axis=-1).astype(float))
    level = greys[..., :1].astype(int)

    def moved(levels: int) -> Codes:
        shifted = np.clip(level + 17 * levels, 0, 255)
        return Codes(np.repeat(shifted, 3, axis=-1).astype(np.uint8))

    assert Codes(greys).alike(moved(step))
    far = np.abs(moved(other).cells.astype(int) - greys).max() >= 2 * 17
    assert Codes(greys).alike(moved(other)) is not far
    assert not Codes(greys).alike(Codes(greys[:1].copy()))


def test_a_track_gets_other_codes_only_when_it_looks_otherwise() -> None:
    held = Held(2.0)
    shown = []

    def at(time: float, luma: int, track: int = 1, *, fresh: bool = False) -> int:
        hold = held.at(time, fresh)
        return int(hold(track, grey(luma)).cells[0, 0, 0])

    for time, luma in ((0.0, 100), (1.0, 200), (2.0, 117), (3.0, 200), (4.0, 200), (5.0, 100)):
        shown.append(at(time, luma))
    # Not within the limit; not for one level more; then for many; and not again at once.
    assert shown == [102, 102, 102, 102, 204, 204]
    assert at(5.5, 0, track=2) == 0
    assert at(6.0, 255, track=2) == 0  # each track has a clock of its own
    assert at(7.4, 255, track=2) == 0
    assert at(7.5, 255, track=2) == 255
    assert at(7.6, 17, track=2, fresh=True) == 17  # a scene of its own
    assert at(3.0, 51, track=2) == 51  # time that runs backwards


def test_a_track_that_was_away_for_long_is_looked_at_anew() -> None:
    held = Held(2.0)
    for time, luma, expected in ((0.0, 0, 0), (1.9, 255, 0), (3.8, 17, 0), (5.8, 17, 17)):
        assert held.at(time, False)(1, grey(luma)).cells[0, 0, 0] == expected


def test_a_trembling_box_changes_nothing() -> None:
    """Its grid may gain a column, and averages may cross to the next level."""
    image, options, held = noise(240, 200), Options(cells=5), Held(1)
    soft = np.asarray(cv2.GaussianBlur(image, (0, 0), 15), np.uint8)
    random = np.random.default_rng(1)
    grids, shown = set(), set()
    for time in range(100):
        grow = random.uniform(-0.03, 0.03)
        box = Box(60, 60, 130, 150).padded(*[grow] * 4).transformed(1, *random.uniform(-2, 2, 2))
        (region,) = regions([Target(1, box)], 200, 240, options)
        look = Sampler(BgrCanvas(soft), region, load_obscurer(options))
        grids.add(look.codes().cells.shape)
        shown.add(held.at(0.6 * time, False)(1, look).cells.tobytes())
    assert len(grids) > 1
    assert len(shown) == 1


def test_codes_cannot_be_altered() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Codes(noise()).cells[0, 0] = 0


@pytest.mark.parametrize("video", [False, True])
def test_a_transparent_picture_becomes_opaque_where_painted(video: bool) -> None:
    alpha = np.zeros((120, 100), np.uint8)
    options = Options(shape="ellipse", feather=0.3)
    (region,) = regions([Target(0, FACE)], 100, 120, options)
    values = mask(region, options)
    made = planes() if video else None
    canvas = canvas_of(Frame(0, noise(), alpha=alpha, planes=made))
    paint(canvas, [region], [values], load_obscurer(options))
    assert np.array_equal(alpha[inside(region.box)], values)
    outline(canvas, region)
    assert alpha[inside(region.shapes[0].cover)].min() == 255


@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("depth", [8, 10, 12, 16])
def test_planes_and_pictures_agree_on_colour(matrix: str, full_range: bool, depth: int) -> None:
    canvas = PlanesCanvas(planes(depth=depth, full_range=full_range, matrix=matrix))
    box = Box(10, 10, 50, 50)
    for color in ((0, 0, 0), (255, 255, 255), (128, 128, 128), (90, 120, 200), (0, 255, 0)):
        canvas.fill(box, color)
        assert np.abs(canvas.crop(box).astype(int) - color).max() <= 2
        patch = np.full((40, 40, 3), color, np.uint8)
        canvas.paste(box, patch, np.full((40, 40), 255, np.uint8))
        assert np.abs(canvas.crop(box).astype(int) - color).max() <= 2
        borders = np.array([0, 20, 40])
        assert np.abs(canvas.means(box, borders, borders) - color).max() <= 2


def test_known_values_of_video_colour() -> None:
    """ITU-R BT.709, limited range: pure green is Y 173, Cb 42, Cr 26."""
    drawn = planes(matrix="bt709")
    PlanesCanvas(drawn).fill(Box(0, 0, 100, 120), (0, 255, 0))
    assert (drawn.y[0, 0], drawn.u[0, 0], drawn.v[0, 0]) == pytest.approx((173, 42, 26), abs=1)


def test_turned_and_strided_planes_are_painted_in_place() -> None:
    store = planes(100, 120)
    turned = Planes(np.rot90(store.y), np.rot90(store.u), np.rot90(store.v))
    (region,) = regions([Target(0, FACE)], 100, 120, Options())
    paint(PlanesCanvas(turned), [region], [mask(region, Options())], load_obscurer(Options()))
    assert not np.array_equal(store.y, planes(100, 120).y)


@pytest.mark.parametrize("kind", [{"chroma": (4, 1)}, {"depth": 7}, {"matrix": "ycgco"}])
def test_unknown_layouts_are_refused(kind: dict[str, Any]) -> None:
    plain = planes()
    with pytest.raises(ValueError, match=r"paint|matrix"):
        PlanesCanvas(Planes(plain.y, plain.u, plain.v, **kind))


def test_painting_planes_drops_the_picture_made_from_them() -> None:
    """The detector's picture of the frame still shows the face."""
    drawn, made = planes(), []

    def make() -> Image:
        made.append(1)
        return PlanesCanvas(drawn).crop(Box(0, 0, 100, 120))

    frame = Frame(0, make, planes=drawn)
    before = frame.image
    (region,) = regions([Target(0, FACE)], 100, 120, Options())
    paint(canvas_of(frame), [region], [mask(region, Options())], load_obscurer(Options()))
    assert not np.array_equal(frame.image[inside(region.box)], before[inside(region.box)])
    assert len(made) == 2


def test_a_picture_that_cannot_be_made_again_is_out_of_reach_once_painted() -> None:
    frame = Frame(0, noise(), planes=planes())
    canvas_of(frame).fill(Box(0, 0, 2, 2), (0, 0, 0))
    with pytest.raises(RuntimeError, match="out of date"):
        _ = frame.image


def test_green_boxes_lie_on_the_border_of_each_cover() -> None:
    options = Options(method="solid", shape="ellipse")
    image = noise(400, 300)
    targets = [Target(0, Box(60, 60, 120, 130)), Target(1, Box(140, 70, 200, 150))]
    (region,) = veil(image, targets, options)
    before = image.copy()
    outline(BgrCanvas(image), region)
    changed = (image != before).any(axis=2)
    covered = np.zeros_like(changed)
    for shape in region.shapes:
        covered[inside(shape.cover)] = True
        rows, cols = inside(shape.cover)
        for edge in (image[rows.start, cols], image[rows.stop - 1, cols]):
            assert (edge == (0, 255, 0)).all()
        for edge in (image[rows, cols.start], image[rows, cols.stop - 1]):
            assert (edge == (0, 255, 0)).all()
    assert not changed[~covered].any()
    assert (image[changed] == (0, 255, 0)).all()


def test_green_boxes_on_planes_and_on_tiny_faces() -> None:
    drawn = planes(61, 41)
    canvas = PlanesCanvas(drawn)
    for box in (Box(1, 1, 3, 3), Box(30, 50, 60, 80)):
        (region,) = regions([Target(0, box)], 41, 61, Options())
        outline(canvas, region)
        x0, y0, x1, y1 = map(int, region.box.as_tuple())
        border = np.array([[*drawn.y[y0, x0:x1]], [*drawn.y[y1 - 1, x0:x1]]])
        assert (border == border[0, 0]).all()
