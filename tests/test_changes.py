"""Films whose pictures change on the way: size, shape, turn, pixel format, colours."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from faceveil.frames import Image
from faceveil.options import Options
from faceveil.pipeline import veil_file
from films import head, lumas, put, scenery
from videos import QUARTERS, QUICK, VP9, X264, compose, picture, read, rewrite, source_of

X265 = {"preset": "ultrafast", "x265-params": "log-level=none"}
SIZES = [(96, 64), (192, 128), (64, 96), (48, 32)]


def joined(folder: Path, parts: Sequence[dict[str, Any]], suffix: str = ".ts") -> Path:
    """A film in parts of twelve frames, which differ in what is given for each."""
    path, at = folder / f"joined{suffix}", 0
    with av.open(str(path), "w", format={".ts": "mpegts"}.get(suffix)) as output:
        stream: Any = None
        for how in parts:
            name, size = how.get("codec", "libx264"), how.get("size", (96, 64))
            if stream is None:
                stream = output.add_stream(name, rate=25)
                stream.width, stream.height = size
                stream.pix_fmt = how.get("format", "yuv420p")
                output.start_encoding()
            encoder: Any = av.CodecContext.create(name, "w")
            encoder.width, encoder.height = size
            encoder.pix_fmt = how.get("format", "yuv420p")
            encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
            encoder.color_range = 2 if encoder.pix_fmt == "yuvj420p" else 1
            encoder.options = {"libx264": X264, "libvpx": VP9, "libx265": X265}.get(name, {})
            if "aspect" in how:
                encoder.sample_aspect_ratio = how["aspect"]
            packets = []
            for index in range(12):
                frame = picture(index, size[0], size[1], encoder.pix_fmt)
                frame.pts, frame.time_base = at, Fraction(1, 25)
                packets += encoder.encode(frame)
                at += 1
            for packet in packets + encoder.encode(None):
                packet.stream = stream
                output.mux(packet)
    return path


def test_faces_are_covered_before_and_after_a_change(
    detector: str, astronaut: Image, tmp_path: Path
) -> None:
    actor, face = head(astronaut)
    scene = put(scenery(5), actor, 120, 60)
    frame = av.VideoFrame.from_ndarray(scene, format="bgr24")
    clip, at = tmp_path / "in.ts", 0
    with av.open(str(clip), "w", format="mpegts") as output:
        stream: Any = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 192, "yuv420p"
        output.start_encoding()
        for size in ((320, 192), (640, 384), (240, 144)):
            encoder: Any = av.CodecContext.create("libx264", "w")
            encoder.width, encoder.height, encoder.pix_fmt = *size, "yuv420p"
            encoder.time_base, encoder.options = Fraction(1, 25), {**X264, "crf": "12"}
            packets = []
            for _ in range(20):
                sized = frame.reformat(*size, format="yuv420p")
                sized.pts, sized.time_base = at, Fraction(1, 25)
                packets += encoder.encode(sized)
                at += 1
            for packet in packets + encoder.encode(None):
                packet.stream = stream
                output.mux(packet)
    report = veil_file(clip, tmp_path / "out.mp4", QUICK)
    assert report.status == "partial"  # the larger part lost detail
    bare = lumas(clip)[0]
    after = lumas(tmp_path / "out.mp4")
    assert len(after) == 60
    x0, y0, x1, y1 = (int(value) for value in face.transformed(1.0, 120, 60).as_tuple())
    for luma in after:
        assert luma.shape == (192, 320)
        assert np.abs(luma - bare)[y0:y1, x0:x1].mean() > 12
        assert np.abs(luma - bare)[:, :60].mean() < 6


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "scale"), [("libx264", 1), ("libx265", 2)])
def test_a_change_of_size_is_fitted_into_the_first(codec: str, scale: int, tmp_path: Path) -> None:
    sizes = [(scale * width, scale * height) for width, height in SIZES]
    clip = joined(tmp_path, [{"size": size, "codec": codec} for size in sizes])
    target = tmp_path / "out.mp4"
    with source_of(clip) as source:
        frames = list(source.frames())
        assert {frame.size for frame in frames} == {sizes[0]}
        assert {frame.size for frame in source.skim()} == {sizes[0]}
        assert len(frames) == 48
        words = [
            f"from frame {12 * number} on the picture is {size[0]}x{size[1]}: fitted into "
            f"{sizes[0][0]}x{sizes[0][1]}, the size it begins with"
            for number, size in enumerate(sizes)
        ]
        assert source.warnings == (words[1],)
        assert source.notes[-2:] == (words[2], words[3])
        # The same picture, larger or smaller, looks the same; an upright one stands in the middle.
        small, large, upright, tiny = (
            frames[index].at_size(96, 64).astype(int) for index in (2, 14, 26, 38)
        )
        assert np.abs(large - small)[16:].mean() < 6
        assert np.abs(tiny - small)[16:].mean() < 9
        assert upright[:, :24].max() < 12
        assert upright[:, -24:].max() < 12
        assert upright[:, 30:66].mean() > 60
    rewrite(clip, target)
    assert read(target).times == read(clip).times
    with source_of(target) as after:
        wanted = {13, 25, 40}
        for frame in after.sample(wanted):
            assert np.abs(frame.image.astype(int) - frames[frame.index].image).mean() < 6


def test_a_film_on_the_net_that_grows_and_shrinks(tmp_path: Path) -> None:
    """As browsers record calls: VP8 in WebM whose frames follow the bandwidth."""
    sizes = ((96, 64), (192, 128), (96, 64))
    path = joined(tmp_path, [{"size": size, "codec": "libvpx"} for size in sizes], ".webm")
    with source_of(path) as source:
        assert [frame.size for frame in source.frames()] == [(96, 64)] * 36
        assert len(source.warnings) == 1
    rewrite(path, tmp_path / "out.webm", Options())
    assert read(tmp_path / "out.webm").times == read(path).times


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"format": "yuv420p"}, {"format": "yuv422p"}),
        ({"format": "yuv420p"}, {"format": "yuvj420p"}),
        ({"format": "yuv420p"}, {"format": "yuv420p10le"}),
        ({"format": "yuv420p10le"}, {"format": "yuv444p"}),
    ],
)
def test_a_change_of_pixel_format_is_converted(
    first: dict[str, Any], second: dict[str, Any], tmp_path: Path
) -> None:
    clip = joined(tmp_path, [first, second])
    with source_of(clip) as source:
        frames = list(source.frames())
        assert len(frames) == 24
        assert len({frame.planes.y.dtype for frame in frames if frame.planes}) == 1
        assert any("stored or shaped otherwise" in note for note in source.notes)
        assert source.warnings == ()
        shades = [frame.image[32:].astype(int).mean() for frame in (frames[3], frames[15])]
        assert abs(shades[0] - shades[1]) < 12 or "yuvj420p" in second.values()
    rewrite(clip, tmp_path / "out.mkv")
    assert len(read(tmp_path / "out.mkv").times) == 24


def test_a_change_of_the_shape_of_pixels_keeps_what_is_shown(tmp_path: Path) -> None:
    """Television: 4:3 and then wide pictures of one stored size."""
    narrow, wide = Fraction(16, 15), Fraction(64, 45)
    size = (180, 144)
    clip = joined(
        tmp_path,
        [{"size": size, "aspect": narrow}, {"size": size, "aspect": wide}],
    )
    with source_of(clip) as source:
        assert source.sample_aspect == narrow
        late = list(source.frames())[20].image
        bars = int((late.max(axis=(1, 2)) < 12).sum())
        shown = (144 - bars) * 1  # a wide picture has three quarters of the height
        assert abs(shown - 144 * 3 / 4) <= 4


def test_a_change_of_turn_is_undone(tmp_path: Path) -> None:
    """A telephone that was turned while it sent: messages in the stream tell which way is up."""
    from faceveil.media.videos.fitting import Fitter, FrameFormat

    clip = compose(tmp_path / "in.mp4", settings=X264, size=(96, 64), times=range(2))
    with source_of(clip) as source:
        frame = next(source.frames()).picture.frame
        expected = {
            turn: np.rot90(frame.to_ndarray(format="bgr24"), -turn // 90) for turn in QUARTERS
        }
        first = FrameFormat(96, 64, "yuv420p", False, 2, None, None)
        fitter = Fitter(first, source._look, Fraction(1))
        for turn in (180, 90, 270):
            shape = FrameFormat(96, 64, "yuv420p", False, 2, None, QUARTERS[turn])
            fitted = fitter.fit(frame, shape).to_ndarray(format="bgr24").astype(int)
            assert fitted.shape == (64, 96, 3)
            if turn == 180:
                assert np.abs(fitted - expected[turn]).mean() < 4
            else:
                assert fitted[:, :24].max() < 12
                inner = expected[turn][:: 96 // 64 or 1]
                assert abs(fitted[:, 28:68].mean() - inner.mean()) < 20


def test_what_grows_too_large_on_the_way_is_named(tmp_path: Path) -> None:
    clip = joined(tmp_path, [{"size": (96, 64)}, {"size": (192, 128)}])
    with source_of(clip, Options(max_pixels=10_000)) as source:
        assert len(list(source.frames())) == 12
        assert "pictures of 192x128 are more than max_pixels permits: left out" in source.warnings
