"""Pixels that are far from square: a face is looked for as it is shown, and as it is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image as Pictures

from faceveil import veil_file
from faceveil.detect.opinion import Opinion
from faceveil.detect.scaled import VIDEO, Scaled
from faceveil.detect.views import Stretched
from faceveil.faces import Faces
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.live.aspect import Squarer
from faceveil.media import open_source
from faceveil.media.pictures import large
from faceveil.options import Options
from faceveil.plan import Face
from films import head, inside, lumas, put, scenery
from videos import QUARTERS, X264, compose, source_of
from white import SeesWhite

WIDE = Fraction(10, 3)
"""No detector finds a face that is squeezed by so much."""


class Natural(SeesWhite):
    """Finds a white shape on black if it is about as high as wide, as faces are."""

    def suits(self, box: Box) -> bool:
        return 0.6 < box.width / box.height < 1.6


def squeezed(aspect: Fraction, stored: Box) -> Frame:
    """A picture with a white box, whose pixels are so many times as wide as high."""
    image = np.zeros((160, 160, 3), np.uint8)
    x0, y0, x1, y1 = map(int, stored.as_tuple())
    image[y0:y1, x0:x1] = 255
    return Frame(0, image, aspect=float(aspect))


Look = Callable[[Scaled, Frame], Sequence[Face]]
LOOKS: list[Look] = [
    lambda eye, frame: eye.detect(frame, 0.4),
    lambda eye, frame: eye.detect_in(frame, Box(40, 30, 140, 140), 0.4),
    lambda eye, frame: eye.detect_rotated(frame, 0.4),
    lambda eye, frame: eye.recheck(frame, 0.4),
]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("aspect", [WIDE, 1 / WIDE])
def test_what_is_natural_as_shown_is_found_where_it_is_stored(aspect: Fraction, look: Look) -> None:
    across, down = (60, 18)[aspect > 1], (60, 18)[aspect < 1]
    stored = Box(60, 60, 60 + across, 60 + down)
    eye = Scaled(Natural(max_size=600.0), effort=VIDEO)
    assert not look(eye, squeezed(Fraction(1), stored))
    found = look(eye, squeezed(aspect, stored))
    assert found
    for face in found:
        assert np.allclose(face.box.as_tuple(), stored.as_tuple(), atol=4)


def test_what_is_natural_as_stored_is_found_too() -> None:
    stored = Box(60, 60, 100, 100)
    assert Scaled(Natural(max_size=600.0)).detect(squeezed(WIDE, stored), 0.4)


def test_a_shape_that_no_camera_has_fills_no_memory() -> None:
    frame = squeezed(Fraction(100_000), Box(60, 60, 61, 100))
    assert not Scaled(Natural(max_size=600.0)).detect(frame, 0.4)


def test_nobody_is_doubted_for_the_shape_of_pixels() -> None:
    faces = Faces.of([Face(Box(60, 60, 78, 120), 0.5)])
    opinion = Opinion(Natural(max_size=600.0), 0.4)
    for aspect, doubts in ((Fraction(1), 1), (WIDE, 0)):
        frame = squeezed(aspect, Box(0, 0, 1, 1))
        assert len(opinion.doubtful(frame, faces)) == doubts
        assert (opinion.judge(frame, faces).scores == 1 - doubts).all()


@pytest.mark.parametrize(("turn", "shown"), [(0, WIDE), (90, 1 / WIDE)])
def test_frames_know_the_shape_of_their_pixels(turn: int, shown: Fraction, tmp_path: Path) -> None:
    path = compose(tmp_path / "in.mp4", settings=X264, aspect=WIDE, matrix=QUARTERS[turn])
    with source_of(path) as source:
        frame = next(source.skim())
        aspects = [frame.aspect, frame.crop(Box(0, 0, 16, 16)).aspect]
        aspects += [next(iter(source.sample({3}))).aspect]
        aspects += [frame.crop(Box(0, 0, 16, 16)).crop(Box(0, 0, 8, 8)).aspect]
        assert aspects == pytest.approx([float(shown)] * 4)
        assert Squarer().squared(frame, source.sample_aspect).aspect == 1


def test_stills_know_it_too(tmp_path: Path) -> None:
    """A fax has twice as many dots across as down."""
    picture = Pictures.new("RGB", (64, 32), "white")
    picture.save(tmp_path / "fax.tif", dpi=(204, 98))
    picture.save(tmp_path / "fax.png", dpi=(204, 98))
    picture.save(tmp_path / "plain.png")
    for name, aspect in (("fax.tif", 98 / 204), ("fax.png", 98 / 204), ("plain.png", 1)):
        with open_source(tmp_path / name, Options()) as source:
            for frame in (*source.frames(), *source.skim()):
                assert frame.aspect == pytest.approx(aspect, rel=0.01)


def test_a_large_still_is_looked_at_as_it_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pixels are made square without making more of them."""
    monkeypatch.setattr(large, "LARGE", 160 * 160 - 1)
    image = np.zeros((160, 160), np.uint8)
    image[60:120, 60:78] = 255
    path = tmp_path / "fax.png"
    Pictures.fromarray(image).save(path, dpi=(30, 100))
    eye = Scaled(Natural(max_size=600.0))
    with open_source(path, Options()) as source:
        frames = [*source.skim(), *source.frames()]
        assert isinstance(frames[0], large.Shrinking)
        for frame in frames:
            assert frame.aspect == pytest.approx(WIDE, rel=0.01)
            (found,) = eye.detect(frame, 0.4)
            assert np.allclose(found.box.as_tuple(), (60, 60, 78, 120), atol=4)
            width, height = Stretched(frame, frame.aspect).size
            assert width * height == pytest.approx(160 * 160, rel=0.01)
            assert width / height == pytest.approx(WIDE, rel=0.01)


def test_of_a_large_view_no_more_is_copied_than_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    view = Stretched(Frame(0, np.zeros((100, 100, 3), np.uint8)), 4.0)
    assert view.no_finer(0.25) is view
    monkeypatch.setattr(large, "LARGE", 100)
    assert view.no_finer(1.5) is view
    assert view.no_finer(0.25).size == (100, 25)


def test_a_stretched_view_keeps_what_is_shrunk_and_enlarged_apart() -> None:
    """Fine rows do not flicker where the picture becomes lower and wider at once."""
    image = np.zeros((120, 40, 3), np.uint8)
    image[::2] = 255
    view = Stretched(Frame(0, image), 3.0)
    assert view.size == (120, 120)
    small = view.at_size(60, 20)
    assert small.shape == (20, 60, 3)
    assert abs(int(small.max()) - int(small.min())) < 10


@pytest.mark.slow
@pytest.mark.parametrize("aspect", [WIDE, 1 / WIDE])
def test_a_real_face_is_covered(
    aspect: Fraction, tmp_path: Path, astronaut: Image, detector: str
) -> None:
    shown, frames = (640, 384), 12
    wide, high = min(1, float(1 / aspect)), min(1, float(aspect))
    size = round(shown[0] * wide) // 2 * 2, round(shown[1] * high) // 2 * 2
    actor, face = head(astronaut, 0.8)
    path = tmp_path / "in.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={**X264, "crf": "14"})
        assert isinstance(stream, av.VideoStream)
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        for index in range(frames):
            picture = put(scenery(3, shown), actor, 60 + 6 * index, 100)
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            output.mux(stream.encode(frame.reformat(format="yuv420p")))
        output.mux(stream.encode(None))
    options = Options(encoder_preset="ultrafast", detector=detector, method="solid")
    report = veil_file(path, tmp_path / "out.mp4", options)
    assert report.status == "ok"
    grey = 126
    for index, luma in enumerate(lumas(tmp_path / "out.mp4")):
        x0, y0, x1, y1 = face.transformed(1.0, 60 + 6 * index, 100).as_tuple()
        truth = Box(x0 * wide, y0 * high, x1 * wide, y1 * high)
        assert (abs(inside(luma, truth) - grey) <= 3).mean() > 0.95
