"""BlazeFace: anchors, decoding and suppression; and the real networks where their weights are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from faceveil import weights
from faceveil.detect import SinglePass
from faceveil.detect.blazeface import (
    BlazeFace,
    anchors,
    decode,
    full_range,
    short_range,
    weighted_suppression,
)
from faceveil.errors import UsageError
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.options import Options

FACE = Box(178, 75, 273, 175)
"""The astronaut's, forehead to chin."""


def test_anchors_of_the_full_range() -> None:
    centers = anchors(192, (4,), 1)
    assert centers.shape == (2304, 2)
    assert centers[:2].tolist() == [[2, 2], [6, 2]]
    assert centers[48].tolist() == [2, 6]
    assert centers[-1].tolist() == [190, 190]


def test_anchors_of_the_short_range() -> None:
    centers = anchors(128, (8, 16, 16, 16), 2)
    assert centers.shape == (896, 2)
    assert centers[:3].tolist() == [[4, 4], [4, 4], [12, 4]]
    assert (centers[512:518] == [8, 8]).all()
    assert centers[518].tolist() == [24, 8]


def test_decode() -> None:
    raw = np.zeros((3, 16), np.float32)
    raw[1] = [1, -2, 10, 20, *range(12)]
    logits = np.array([-1000, np.log(3), 1000], np.float32)
    centers = np.array([[2, 2], [50, 60], [90, 90]], np.float32)
    points, scores = decode(raw, logits, centers, floor=0.5)
    # The last one is certain but empty, which is no box.
    assert scores == pytest.approx([0.75])
    assert points[0, :2].tolist() == [[46, 48], [56, 68]]
    assert points[0, 2].tolist() == [50, 61]
    assert points[0, 7].tolist() == [60, 71]


def boxes(*corners: tuple[float, float, float, float]) -> NDArray[np.float32]:
    return np.array(corners, np.float32).reshape(-1, 2, 2)


def test_suppression_averages_a_group_by_score() -> None:
    points, scores = weighted_suppression(
        boxes((50, 50, 60, 60), (0, 0, 10, 10), (2, 0, 12, 10)),
        np.array([0.5, 0.6, 0.2], np.float32),
        iou=0.3,
    )
    assert scores == pytest.approx([0.6, 0.5])
    assert points[0].ravel() == pytest.approx([0.5, 0, 10.5, 10])
    assert points[1].ravel() == pytest.approx([50, 50, 60, 60])


def test_suppression_compares_with_the_best_only() -> None:
    # Each overlaps its neighbour by a third, but the outer two overlap less.
    points, _ = weighted_suppression(
        boxes((0, 0, 10, 10), (5, 0, 15, 10), (10, 0, 20, 10)),
        np.array([0.9, 0.8, 0.7], np.float32),
        iou=0.3,
    )
    assert len(points) == 2


def test_suppression_of_nothing() -> None:
    points, scores = weighted_suppression(
        np.zeros((0, 8, 2), np.float32), np.zeros(0, np.float32), iou=0.3
    )
    assert points.shape == (0, 8, 2)
    assert scores.shape == (0,)


def test_without_litert_the_way_to_install_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(UsageError) as caught:
        BlazeFace("full", tmp_path / "none.tflite")
    assert "install 'ai-edge-litert>=2.0'" in caught.value.advice


@pytest.fixture(scope="module", params=[full_range, short_range])
def detector(request: pytest.FixtureRequest) -> Iterator[BlazeFace]:
    pytest.importorskip("ai_edge_litert", reason="the extra mediapipe is not installed")
    if not weights.available("blazeface-full") or not weights.available("blazeface-short"):
        pytest.skip("the weights of blazeface are not here")
    found: BlazeFace = request.param(Options())
    yield found
    found.close()


def test_it_is_a_single_pass_detector(detector: BlazeFace) -> None:
    as_protocol: SinglePass = detector
    assert as_protocol.name in {"mediapipe", "mediapipe-short"}
    assert as_protocol.thresholds["high"] == 0.3
    assert "mediapipe" not in sys.modules


def test_face_and_landmarks_of_the_astronaut(detector: BlazeFace, astronaut: Image) -> None:
    (face,) = detector.detect([astronaut], floor=0.5)[0]
    assert face.score > 0.85
    assert face.box.iou(FACE) > 0.8
    assert face.landmarks is not None
    expected = [(204, 102), (247, 106), (224, 127), (222, 146), (222, 146)]
    assert np.abs(np.subtract(face.landmarks, expected)).max() < 6
    assert face.landmarks[3] == face.landmarks[4]


@pytest.mark.parametrize("upright", [True, False])
def test_the_letterbox_is_undone(detector: BlazeFace, astronaut: Image, upright: bool) -> None:
    part = astronaut[:300, 100:350] if upright else astronaut[20:220]
    left, top = (100, 0) if upright else (0, 20)
    (face,) = detector.detect([np.ascontiguousarray(part)], floor=0.5)[0]
    assert face.transformed(1, left, top).box.iou(FACE) > 0.75


def test_pictures_of_different_sizes_at_once(detector: BlazeFace, astronaut: Image) -> None:
    empty = np.full((1, 7, 3), 127, np.uint8)
    pictures = [empty, astronaut, np.ascontiguousarray(astronaut[:256, 100:356])]
    assert [len(faces) for faces in detector.detect(pictures, floor=0.6)] == [0, 1, 1]
    assert detector.detect([], floor=0.5) == []


def test_color_order_is_right(detector: BlazeFace, astronaut: Image) -> None:
    dark = (astronaut // 2).astype(np.uint8)
    swapped = np.ascontiguousarray(dark[:, :, ::-1])
    right, wrong = detector.detect([dark, swapped], floor=0.2)
    assert right[0].score > wrong[0].score


def test_threads_may_share_it(detector: BlazeFace, astronaut: Image) -> None:
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    pictures = [astronaut, mirrored] * 8
    alone = [detector.detect([picture], floor=0.5) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda picture: detector.detect([picture], floor=0.5), pictures))
    assert together == alone
