"""The planes of a video: what is painted, what is not, and small pictures of them."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from faceveil.frames import Frame, Planes
from faceveil.media.videos.planes import FrameLayout, Orientation, Picture, small_bgr
from faceveil.media.videos.view import VideoFrame
from faceveil.options import Options
from videos import LOSSLESS, QUARTERS, X264, compose, picture, read, rewrite, source_of


def test_what_is_not_painted_reaches_the_encoder_bit_for_bit(tmp_path: Path) -> None:
    # B-frames and several references: a painted picture must not leak into predicted ones.
    settings = {"preset": "medium", "bf": "3"}
    clip = compose(tmp_path / "in.mp4", settings=settings, times=range(40), size=(128, 96))

    def paint(frame: VideoFrame) -> None:
        assert frame.planes is not None
        frame.planes.y[32:64, 16:80] = 16
        frame.planes.u[16:32, 8:40] = 128
        frame.planes.v[16:32, 8:40] = 128

    rewrite(clip, tmp_path / "out.mp4", LOSSLESS, paint)
    before, after = read(clip, pixels=True), read(tmp_path / "out.mp4", pixels=True)
    assert len(after.planes) == 40
    for old, new in zip(before.planes, after.planes, strict=True):
        old[0][32:64, 16:80] = 16
        for plane in old[1:]:
            plane[16:32, 8:40] = 128
        for a, b in zip(old, new, strict=True):
            np.testing.assert_array_equal(a, b)


def test_painting_a_turned_frame_paints_what_is_shown_there(tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mp4", settings=X264, matrix=QUARTERS[90], times=range(3))

    def paint(frame: VideoFrame) -> None:
        assert frame.planes is not None
        assert frame.planes.y.shape == (96, 64)
        frame.planes.y[0:16, 0:8] = 235
        frame.forget_image()
        assert frame.image[:16, :8].mean() > frame.image[20:].mean()

    rewrite(clip, tmp_path / "out.mp4", LOSSLESS, paint)
    stored = read(tmp_path / "out.mp4", pixels=True).planes[0][0]
    assert (np.rot90(stored, -1)[0:16, 0:8] == 235).all()


def test_peeking_spares_the_copy_and_stays_valid(tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mp4", settings=X264)
    with source_of(clip) as source:
        for frame in source.frames():
            seen = frame.peek()
            assert not seen.y.flags.writeable
            kept = seen.y.copy()
            assert frame.planes is not None
            frame.planes.y[...] = 16
            np.testing.assert_array_equal(seen.y, kept)


@pytest.mark.parametrize(("most", "same"), [(30, True), (80, False)])
def test_where_key_frames_are_rare_edges_are_smoothed_for_looking_too(
    most: int, same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each picture is a little further from what it should be: black rubbish in the end."""
    monkeypatch.setattr("faceveil.media.videos.video._MOST_UNSMOOTHED", most)
    settings = {"preset": "veryfast", "crf": "40", "x264-params": "keyint=infinite:scenecut=0"}
    clip = compose(tmp_path / "in.mkv", settings=settings, times=range(60))
    with source_of(clip) as source:
        *_, last = source.frames()
        *_, skimmed = source.skim()
    assert np.array_equal(last.image, skimmed.image) == same


def test_two_passes_give_the_same_frames(tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mp4", settings={"preset": "medium"}, times=range(30))

    def paint(frame: Frame) -> None:
        assert frame.planes is not None
        frame.planes.y[...] = 0

    with source_of(clip) as source:
        first = [(frame.pts, frame.peek().y.sum()) for frame in source.frames()]
        for frame in source.frames():
            paint(frame)
        assert [(frame.pts, frame.peek().y.sum()) for frame in source.frames()] == first


def looked_at(frame: av.VideoFrame, matrix: str, full: bool = False) -> Planes:
    return Picture(frame, FrameLayout(frame.format.name, full, matrix, Orientation())).read()


@pytest.mark.parametrize("format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("full", [False, True])
def test_small_pictures_keep_the_means_of_large_ones(format: str, full: bool) -> None:
    planes = looked_at(picture(5, 320, 180, format), "bt601", full)
    unit = 1 << (planes.depth - 8)
    y, u, v = (float(plane.mean()) / unit for plane in (planes.y, planes.u, planes.v))
    luma = y if full else (y - 16) * 255 / 219
    cb, cr = ((c - 128) * (1 if full else 255 / 224) for c in (u, v))
    expected = [luma + 1.772 * cb, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.402 * cr]
    for width, height in ((320, 180), (200, 113), (107, 60), (40, 22)):
        small = small_bgr(planes, width, height)
        assert small.shape == (height, width, 3)
        assert small.flags.c_contiguous
        np.testing.assert_allclose(small.mean((0, 1)), expected, atol=1.3)


@pytest.mark.parametrize(
    ("matrix", "full", "coded"),
    [
        ("bt601", False, (81, 90, 240)),
        ("bt709", False, (63, 102, 240)),
        ("bt2020", False, (74, 97, 240)),
        ("bt601", True, (76, 85, 255)),
    ],
)
def test_red_is_red(matrix: str, full: bool, coded: tuple[int, int, int]) -> None:
    frame = av.VideoFrame(32, 32, "yuv420p")
    for plane, value in zip(frame.planes, coded, strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    red = small_bgr(looked_at(frame, matrix, full), 8, 8)
    np.testing.assert_allclose(red, np.broadcast_to([0, 0, 255], red.shape), atol=2)


@pytest.mark.parametrize("turn", QUARTERS)
def test_small_pictures_of_turned_planes_are_upright(turn: int) -> None:
    orientation = Orientation.of_matrix(QUARTERS[turn])
    assert orientation is not None
    plain = looked_at(picture(0, 96, 64), "bt601")
    turned = Picture(picture(0, 96, 64), FrameLayout("yuv420p", False, "bt601", orientation)).read()
    size = (48, 32) if turn % 180 == 0 else (32, 48)
    expected = np.rot90(small_bgr(plain, 48, 32), -turn // 90)
    np.testing.assert_array_equal(small_bgr(turned, *size), expected)


def test_pictures_of_h264_are_coded_as_what_they_were(tmp_path: Path) -> None:
    settings = {"preset": "medium", "x264-params": "bframes=2:b-adapt=0:scenecut=0"}
    clip = compose(tmp_path / "in.mp4", settings=settings, times=range(40), size=(128, 96))
    rewrite(clip, tmp_path / "out.mp4", Options())
    rewrite(clip, tmp_path / "preset.mp4", Options(encoder_preset="superfast"))
    before, after, own = (_types(tmp_path / name) for name in ("in.mp4", "out.mp4", "preset.mp4"))
    predicted = [number for number, kind in enumerate(before) if kind != PictureType.I]
    assert {before[number] for number in predicted} == {PictureType.P, PictureType.B}
    assert [after[number] for number in predicted] == [before[number] for number in predicted]
    assert sum(old != new for old, new in zip(before, own, strict=True)) > 10


def _types(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [int(frame.pict_type) for frame in container.decode(video=0)]
