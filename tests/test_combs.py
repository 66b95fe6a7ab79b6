"""Faces that move so fast that the two fields of a frame show them apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from faceveil import veil_file
from faceveil.detect.opinion import Opinion
from faceveil.detect.scaled import VIDEO, Scaled
from faceveil.detect.views import views
from faceveil.faces import Faces
from faceveil.frames import Frame, Image, Planes
from faceveil.geometry import Box
from faceveil.media.videos.view import View
from faceveil.options import Options
from faceveil.plan import Face
from films import head, inside, lumas, put, scenery
from videos import X264
from white import SeesWhite

SIZE = (192, 160)
EVEN, ODD = Box(24, 60, 64, 100), Box(88, 60, 128, 100)
"""A white square in the even rows, and where it is in the odd ones."""
FIELDS = ((1, 1), (1, 2), (2, 1))
"""The file says nothing; rows belong to fields; columns do, as the film is shown turned."""


class Natural(SeesWhite):
    """Finds a white shape on black if it is about as high as wide, as faces are."""

    def suits(self, box: Box) -> bool:
        return 0.6 < box.width / box.height < 1.6


def comb(fields: tuple[int, int], even: Box = EVEN, odd: Box = ODD) -> Frame:
    luma = np.full(SIZE[::-1], 16, np.uint8)
    for first, box in enumerate((even, odd)):
        x0, y0, x1, y1 = map(int, box.as_tuple())
        luma[y0 + first : y1 : 2, x0:x1] = 235
    planes = [luma, *(np.full((SIZE[1] // 2, SIZE[0] // 2), 128, np.uint8) for _ in range(2))]
    y, u, v = (plane.T if fields[0] > 1 else plane for plane in planes)
    return View(0, Planes(y, u, v, fields=fields), 0)


def turned(box: Box, fields: tuple[int, int]) -> tuple[float, ...]:
    x0, y0, x1, y1 = box.as_tuple()
    return (y0, x0, y1, x1) if fields[0] > 1 else (x0, y0, x1, y1)


Look = Callable[[Scaled, Frame], Sequence[Face]]
LOOKS: list[Look] = [
    lambda eye, frame: eye.detect(frame, 0.4),
    lambda eye, frame: eye.detect_in(frame, Box(4, 4, 156, 156), 0.4),
    lambda eye, frame: eye.recheck(frame, 0.4),
]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("fields", FIELDS)
def test_what_is_natural_in_each_field_is_found_in_both(
    fields: tuple[int, int], look: Look
) -> None:
    eye = Scaled(Natural(max_size=600.0), effort=VIDEO)
    found = look(eye, comb(fields))
    for truth in (EVEN, ODD):
        assert any(
            np.allclose(face.box.as_tuple(), turned(truth, fields), atol=4) for face in found
        )


@pytest.mark.parametrize("fields", FIELDS)
def test_a_frame_of_one_moment_is_looked_at_once(fields: tuple[int, int]) -> None:
    assert len(list(views(comb(fields, EVEN, EVEN)))) == 1
    assert len(list(views(comb(fields)))) == 3
    assert len(list(views(comb(fields).crop(Box(60, 60, 64, 64))))) == 1  # too small for a face


@pytest.mark.parametrize("fields", FIELDS)
def test_noise_is_no_comb_and_hides_none(fields: tuple[int, int]) -> None:
    """With fields, a sigma of 8 had as many teeth as a comb."""
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(0, 8, SIZE if fields[0] > 1 else SIZE[::-1])
        for combed in (False, True):
            frame = comb(fields, EVEN, ODD if combed else EVEN)
            planes = frame.peek()
            assert planes is not None
            planes.y[:] = np.clip(planes.y + noise, 0, 255).astype(np.uint8)
            assert len(list(views(frame))) == 1 + 2 * combed


def test_the_other_network_sees_the_fields_too() -> None:
    opinion = Opinion(Natural(max_size=600.0), 0.4)
    face = Faces.of([Face(EVEN, 0.5)])
    assert opinion.judge(comb((1, 2)), face).scores[0] > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("marked", [True, False])
def test_a_real_face_is_covered_in_both_fields(
    marked: bool, tmp_path: Path, astronaut: Image, detector: str
) -> None:
    """It moves by four fifths of its width from field to field."""
    size, frames, ground = (640, 384), 8, scenery(3, (640, 384))
    actor, face = head(astronaut, 0.5)
    path = tmp_path / "in.mp4"
    settings = {**X264, "crf": "10", **({"x264-params": "tff=1"} if marked else {})}
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options=settings)
        assert isinstance(stream, av.VideoStream)
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        for index in range(frames):
            moments = [put(ground, actor, 36 * (2 * index + field), 100) for field in (0, 1)]
            woven = moments[0].copy()
            woven[1::2] = moments[1][1::2]
            frame = av.VideoFrame.from_ndarray(woven, format="bgr24").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    options = Options(encoder_preset="ultrafast", detector=detector, method="solid", check="off")
    assert veil_file(path, tmp_path / "out.mp4", options).status == "ok"
    grey = 126
    for index, luma in enumerate(lumas(tmp_path / "out.mp4")):
        for field in (0, 1):
            truth = face.transformed(1.0, 36 * (2 * index + field), 100)
            assert (abs(inside(luma, truth) - grey) <= 3).mean() > 0.95
