"""CenterFace: decoding on made-up outputs, and the real network where its weights are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faceveil import weights
from faceveil.detect import SinglePass
from faceveil.detect.centerface import NMS_IOU, CenterFace, _decode, from_options
from faceveil.errors import WeightsError
from faceveil.faces import Faces
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.options import Options

Maps = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def maps(rows: int = 8, columns: int = 8) -> Maps:
    """Heat, size, offset and landmarks of a picture without faces."""
    heat, size, offset, marks = (np.zeros((1, n, rows, columns), np.float32) for n in (1, 2, 2, 10))
    return heat, size, offset, marks


def put(outputs: Maps, row: int, column: int, score: float, height: float, width: float) -> None:
    heat, size, _, marks = outputs
    heat[0, 0, row, column] = score
    size[0, :, row, column] = np.log([height / 4, width / 4])
    marks[0, :, row, column] = np.ravel(
        [(0.25, 0.3), (0.25, 0.7), (0.5, 0.5), (0.8, 0.3), (0.8, 0.7)]
    )


def test_decode_places_box_and_landmarks() -> None:
    outputs = maps()
    put(outputs, row=2, column=5, score=0.9, height=20, width=10)
    outputs[2][0, :, 2, 5] = (0.25, -0.25)  # down by 1 px, left by 1 px
    (row,) = _decode(*outputs, floor=0.5)
    assert row[:5] == pytest.approx([16, 1, 26, 21, 0.9], abs=1e-4)
    assert row[5:] == pytest.approx([19, 6, 23, 6, 21, 11, 19, 17, 23, 17], abs=1e-4)


def test_decode_lets_a_box_reach_beyond_the_picture() -> None:
    outputs = maps()
    put(outputs, row=0, column=0, score=0.9, height=20, width=20)
    assert _decode(*outputs, floor=0.5)[0, :4] == pytest.approx([-8, -8, 12, 12], abs=1e-4)


def test_decode_keeps_the_best_of_a_group_and_sorts() -> None:
    outputs = maps()
    put(outputs, row=2, column=2, score=0.6, height=20, width=20)
    put(outputs, row=2, column=3, score=0.7, height=20, width=20)
    put(outputs, row=7, column=7, score=0.8, height=4, width=4)
    put(outputs, row=7, column=0, score=0.4, height=4, width=4)
    found = Faces.from_rows(_decode(*outputs, floor=0.5))
    found = found[found.leaders(NMS_IOU)]
    assert [face.score for face in found] == pytest.approx([0.8, 0.7])


def test_decode_drops_what_is_no_box() -> None:
    outputs = maps()
    put(outputs, row=1, column=1, score=0.9, height=8, width=8)
    outputs[1][0, 0, 1, 1] = np.nan
    put(outputs, row=5, column=5, score=0.9, height=8, width=8)
    outputs[1][0, 0, 5, 5] = -200
    assert not Faces.from_rows(_decode(*outputs, floor=0.5))


@pytest.mark.parametrize("floor", [0.5, 0.0])
def test_decode_of_nothing(floor: float) -> None:
    assert _decode(*maps(0, 0), floor=floor).shape == (0, 15)


def test_missing_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights.search, "folders", lambda _: iter([tmp_path]))
    with pytest.raises(WeightsError):
        from_options(Options())


@pytest.fixture(scope="module")
def detector() -> Iterator[CenterFace]:
    if not weights.available("centerface"):
        pytest.skip("the weights of centerface are not here")
    found = from_options(Options())
    yield found
    found.close()


def test_it_is_a_single_pass_detector(detector: CenterFace) -> None:
    as_protocol: SinglePass = detector
    assert as_protocol.name == "centerface"
    assert as_protocol.weights_sha256 == weights.digest(weights.find("centerface"))


def test_loading_prints_nothing(detector: CenterFace, capfd: pytest.CaptureFixture[str]) -> None:
    from_options(Options(threads=1)).close()
    assert capfd.readouterr() == ("", "")


def test_face_and_landmarks_of_the_astronaut(detector: CenterFace, astronaut: Image) -> None:
    (face,) = detector.detect([astronaut], floor=0.3)[0]
    assert face.score > 0.8
    assert face.box.iou(Box(181, 58, 270, 178)) > 0.85
    assert face.landmarks is not None
    expected = [(204, 102), (247, 105), (224, 127), (203, 143), (242, 145)]
    assert np.abs(np.subtract(face.landmarks, expected)).max() < 6


@pytest.mark.parametrize(
    ("top", "left", "bottom", "right"), [(0, 0, 301, 333), (17, 103, 300, 410)]
)
def test_any_size_of_picture(
    detector: CenterFace, astronaut: Image, top: int, left: int, bottom: int, right: int
) -> None:
    part = np.ascontiguousarray(astronaut[top:bottom, left:right])
    (face,) = detector.detect([part], floor=0.5)[0]
    assert face.transformed(1, left, top).box.iou(Box(181, 58, 270, 178)) > 0.7


def test_pictures_of_different_sizes_at_once(detector: CenterFace, astronaut: Image) -> None:
    empty = np.full((1, 1, 3), 127, np.uint8)
    pictures = [empty, astronaut, np.ascontiguousarray(astronaut[:256])]
    assert [len(faces) for faces in detector.detect(pictures, floor=0.5)] == [0, 1, 1]
    assert detector.detect([], floor=0.5) == []


def test_color_order_is_right(detector: CenterFace, astronaut: Image) -> None:
    swapped = np.ascontiguousarray(astronaut[:, :, ::-1])
    right, wrong = (faces[0].score for faces in detector.detect([astronaut, swapped], floor=0.3))
    assert right > wrong


def test_close_ups_are_found(detector: CenterFace, data: Path) -> None:
    labels = json.loads((data / "close_ups" / "labels.json").read_text())
    for name in sorted(labels)[:10]:
        picture = cv2.imread(str(data / "close_ups" / name))
        assert picture is not None
        found = detector.detect([np.asarray(picture, np.uint8)], floor=0.2)[0]
        expected = Box(*labels[name]["boxes"][0])
        assert max(face.box.iou(expected) for face in found) > 0.4, name
