"""Telling people apart: the network, its rules, and what must never leave the memory."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut
from typer.testing import CliRunner

from faceveil import weights
from faceveil.cli import app
from faceveil.frames import Image
from faceveil.people.chip import aligned, similarity
from faceveil.people.embedder import FaceNetwork
from faceveil.people.network import LENGTH, SIDE, OtherNetworkError, build

there = pytest.mark.skipif(
    not weights.available("people"), reason="needs `faceveil weights fetch people`"
)
EYES = np.array([(210.0, 114.0), (243.0, 112.0), (227.0, 133.0), (214.0, 150.0), (240.0, 149.0)])
"""The astronaut's eyes, nose and corners of the mouth, placed by hand."""


def picture() -> Image:
    return np.ascontiguousarray(astronaut()[..., ::-1])


# The network


def number(value: int) -> bytes:
    """An integer as dlib writes it."""
    size = max(1, (value.bit_length() + 7) // 8)
    return bytes([size]) + value.to_bytes(size, "little")


def layer(name: bytes, values: NDArray[np.float32], before: tuple[int, ...] = ()) -> bytes:
    sizes = (*before, 2, values.size, 1, 1, 1)
    return b"\x01" + bytes([len(name)]) + name + b"".join(map(number, sizes)) + values.tobytes()


@pytest.fixture(scope="module")
def made() -> bytes:
    """A file with the layers of dlib's network and other numbers in them."""
    chance = np.random.default_rng(19)
    blocks = ((3, 32, 32), (4, 32, 64), (3, 64, 128), (3, 128, 256), (1, 256, 256))
    shapes = [(3, 32, 7)]
    for count, before, after in blocks:
        for block in range(count):
            shapes += [(before if block == 0 else after, after, 3), (after, after, 3)]
    parts = []
    for before, after, side in shapes:
        size = before * after * side * side
        filters = chance.normal(0, (before * side * side) ** -0.5, size + after)
        parts.append(layer(b"con_4", filters.astype(np.float32)))
        parts.append(layer(b"affine_", np.repeat(np.array([1.0, 0.1], np.float32), after)))
    last = chance.normal(0, 0.1, 256 * LENGTH).astype(np.float32)
    parts.append(layer(b"fc_2", last, before=(LENGTH, 256)))
    return b"head" + b"between".join(parts)


def test_the_network_is_read_from_dlibs_format(made: bytes) -> None:
    network = FaceNetwork(made)
    noise = np.random.default_rng(1).integers(0, 256, (11, SIDE, SIDE, 3), np.uint8)
    points = network.embed(list(noise))
    assert points.shape == (11, LENGTH)
    assert np.isfinite(points).all()
    assert np.allclose(points[9:10], network.embed([noise[9]]), atol=1e-5)
    assert np.linalg.norm(points[0] - points[1]) > 0
    assert network.embed([]).shape == (0, LENGTH)


@pytest.mark.parametrize("fault", ["short", "other", "more"])
def test_a_file_of_another_network_is_refused(made: bytes, fault: str) -> None:
    cut = made.rindex(b"\x01\x05con_4")
    broken = {
        "short": made[:cut] + made[made.rindex(b"\x01\x04fc_2") :],
        "other": made.replace(b"\x01\x05con_4\x01\x02", b"\x01\x05con_4\x01\x03", 1),
        "more": made[: made.rindex(b"\x01\x04fc_2")] + made[cut:],
    }
    with pytest.raises(OtherNetworkError):
        build(broken[fault])


@there
@pytest.mark.long
def test_the_distances_are_those_of_dlib() -> None:
    dlib = pytest.importorskip("dlib", reason="needs dlib-bin")
    path = weights.find("people")
    theirs = dlib.face_recognition_model_v1(str(path))
    turned = [warped(picture(), matrix) for matrix in some_turns()]
    chips = [aligned(image, EYES + shift) for image in turned for shift in (0.0, 3.0)]
    chips += [chip[:, ::-1].copy() for chip in chips]
    ours = FaceNetwork(path.read_bytes()).embed(chips)
    other = np.array(
        [theirs.compute_face_descriptor(np.ascontiguousarray(chip[..., ::-1])) for chip in chips]
    )
    gaps = [np.linalg.norm(one[:, None] - one[None], axis=2) for one in (ours, other)]
    assert gaps[0].max() > 0.3, "the chips differ"
    assert np.abs(gaps[0] - gaps[1]).max() < 0.02


def some_turns() -> list[NDArray[np.float64]]:
    return [turn((227.0, 130.0), angle, 1.0) for angle in (0.0, 12.0, -30.0, 75.0)]


def turn(center: tuple[float, float], angle: float, scale: float) -> NDArray[np.float64]:
    return np.asarray(cv2.getRotationMatrix2D(center, angle, scale), np.float64)


def warped(image: Image, matrix: NDArray[np.float64], side: int = 900) -> Image:
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_CUBIC), np.uint8)


def resized(image: Image, times: int) -> Image:
    side = image.shape[0] * times
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


# The chip


def test_a_chip_is_the_same_however_the_face_lies_in_the_picture() -> None:
    upright = aligned(picture(), EYES)
    assert upright.shape == (SIDE, SIDE, 3)
    for matrix in chain(some_turns(), [np.array([[3.0, 0, -300], [0, 3.0, -100]])]):
        moved = warped(picture(), matrix)
        marks = EYES @ matrix[:, :2].T + matrix[:, 2]
        apart = np.abs(aligned(moved, marks).astype(float) - upright)[20:-20, 20:-20].mean()
        assert apart < 6


@pytest.mark.slow
def test_a_large_face_is_made_small_by_area() -> None:
    """Skipping pixels would make a fine pattern coarse."""
    large = resized(picture(), 9)
    stripes = large.copy()
    stripes[::2] = 255 - stripes[::2] // 2
    plain = np.asarray(cv2.blur(stripes, (9, 9)), np.uint8)
    marks = EYES * 9 + 4
    apart = np.abs(aligned(stripes, marks).astype(float) - aligned(plain, marks))
    assert apart.mean() < 2
    small = np.abs(aligned(large, marks).astype(float) - aligned(picture(), EYES))
    assert small[20:-20, 20:-20].mean() < 4


def test_the_similarity_is_exact_for_a_turn() -> None:
    matrix = turn((3.0, 8.0), 33.0, 0.7)
    assert np.allclose(similarity(EYES, EYES @ matrix[:, :2].T + matrix[:, 2]), matrix)


# The default run


def test_weights_that_few_need_are_fetched_by_name_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fetch(name: str, folder: Path | None, **_: object) -> Path:
        asked.append(name)
        return Path(name)

    monkeypatch.setattr(weights, "fetch", fetch)
    assert CliRunner().invoke(app, ["weights", "fetch"]).exit_code == 0
    assert asked == [name for name in weights.TABLE if name != "people"]
    assert CliRunner().invoke(app, ["weights", "fetch", "people"]).exit_code == 0
    assert asked[-1] == "people"
