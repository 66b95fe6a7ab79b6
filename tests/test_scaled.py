"""Several looks at one picture: which scales, which tiles, how the passes vote."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceveil.detect import load, scaled
from faceveil.detect.scaled import Scaled
from faceveil.detect.views import TURNS, turned_by
from faceveil.faces import Faces
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.options import Options
from faceveil.plan import Face, Kind
from white import SeesWhite


class Squares(SeesWhite):
    """Finds white squares on black whose side on its input is within its range."""

    def suits(self, box: Box) -> bool:
        return self.min_size * 0.9 <= box.size <= self.max_size * 1.1


def square(side: int, at: tuple[int, int], size: tuple[int, int]) -> Image:
    image = np.zeros((size[1], size[0], 3), np.uint8)
    image[at[1] : at[1] + side, at[0] : at[0] + side] = 255
    return image


@pytest.mark.parametrize("side", [7, 12, 20, 40, 100, 200, 380])
def test_every_size_from_the_smallest_to_frame_filling_is_found(side: int) -> None:
    detector = Scaled(Squares())
    (face,) = detector.detect(Frame(0, square(side, (11, 5), (500, 400))), 0.4)
    truth = Box(11, 5, 11 + side, 5 + side)
    assert face.box.iou(truth) > 0.6
    assert face.box.intersection(truth) > 0.85 * truth.area


@pytest.mark.parametrize("side", [12, 40, 380])
def test_tiles_that_are_looked_at_side_by_side_make_no_difference(side: int) -> None:
    image = square(side, (900, 300), (1500, 700))
    alone, together = (Scaled(Squares(), workers=workers) for workers in (1, 3))
    for look in ("detect", "recheck"):
        one, other = (getattr(eye, look)(Frame(0, image), 0.4) for eye in (alone, together))
        assert len(one)
        assert one.boxes.tolist() == other.boxes.tolist()
        assert one.scores.tolist() == other.scores.tolist()


def test_only_the_small_network_and_single_pictures_are_looked_at_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "_is_on_processor", lambda name, options: options.device == "cpu")
    many = Options(threads=4)
    count, shared = load._tiles_at_once("yunet", many, "image")
    assert (count, shared.threads) == (2, 2)
    others: tuple[tuple[str, Options, Kind], ...] = (
        ("yunet", many, "video"),  # its frames are
        ("centerface", many, "image"),
        ("a_plugin:detector", many, "image"),  # perhaps not for two threads
        ("yunet", Options(threads=1), "image"),
        ("yunet", Options(threads=4, device="cuda"), "image"),
    )
    for name, options, kind in others:
        assert load._tiles_at_once(name, options, kind) == (1, options)


def test_the_scale_follows_from_the_smallest_face_asked_for() -> None:
    inner = Squares()
    Scaled(inner, 24.0).detect(Frame(0, square(30, (0, 0), (400, 300))), 0.4)
    assert inner.inputs[0] == (200, 150)
    assert max(width for width, _ in inner.inputs[:-1]) == 200
    assert Scaled(inner, 24.0).smallest_face(4000, 3000) == 24.0


def test_the_blind_spot_grows_with_the_picture_only_when_unset() -> None:
    detector = Scaled(Squares())
    assert detector.smallest_face(640, 480) == 6.0
    assert detector.smallest_face(8192, 4000) == 24.0


def test_one_pass_alone_has_to_be_surer_than_two() -> None:
    steps = [scaled._Pass(2.0, 0, 0, 100), scaled._Pass(1.0, 0, 0, 100)]
    face = Face(Box(0, 0, 20, 20), 0.6)
    (both,) = scaled._grouped(steps, [Faces.of([face]), Faces.of([face])]).voted(1000)
    (single,) = scaled._grouped(steps, [Faces.of([face]), Faces.of([])]).voted(1000)
    assert both.score == pytest.approx(0.6)
    assert single.score == pytest.approx(0.3)


def test_a_small_confident_box_does_not_push_out_the_one_that_covers() -> None:
    steps = [scaled._Pass(2.0, 0, 0, 1e9), scaled._Pass(1.0, 0, 0, 1e9)]
    tight, loose = Face(Box(10, 10, 50, 50), 0.9), Face(Box(5, 5, 58, 58), 0.7)
    (face,) = scaled._grouped(steps, [Faces.of([tight]), Faces.of([loose])]).voted(1000)
    assert face.box == Box(5, 5, 58, 58)


def test_large_pictures_are_tiled_and_a_face_on_the_seam_is_found() -> None:
    inner = Squares(input_side=256)
    image = square(60, (230, 225), (600, 500))
    found = Scaled(inner, 12.0).detect(Frame(0, image), 0.4)
    assert max(face.box.iou(Box(230, 225, 290, 285)) for face in found) > 0.8
    assert max(max(size) for size in inner.inputs) <= 256


@given(st.integers(1, 5000), st.integers(64, 512))
def test_tiles_cover_every_pixel_and_overlap(length: int, side: int) -> None:
    spans = scaled._spans(length, side, side // 3)
    assert spans[0][0] == 0
    assert spans[-1][1] == length
    assert all(0 < end - start <= side for start, end in spans)
    assert all(this[1] - after[0] >= side // 3 for this, after in pairwise(spans))


def test_looking_again_uses_other_scales() -> None:
    inner = Squares()
    detector = Scaled(inner)
    image = square(40, (10, 10), (400, 300))
    detector.detect(Frame(0, image), 0.4)
    first, inner.inputs = set(inner.inputs), []
    assert detector.recheck(Frame(0, image), 0.5)
    assert not first & set(inner.inputs)


@pytest.mark.parametrize("quarters", TURNS)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (33, 47)])
def test_a_turn_is_that_of_numpy(quarters: int, size: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    turned = turned_by(image, quarters)
    np.testing.assert_array_equal(turned, np.rot90(image, quarters))
    assert turned.flags.c_contiguous
