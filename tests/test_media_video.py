"""Reading and writing videos: no time, no tag and no sound changes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from faceveil.errors import UsageError
from faceveil.geometry import Box
from faceveil.media.leftovers import leftovers
from faceveil.media.videos.clock import Clock
from faceveil.obscure.canvas import canvas_of
from faceveil.options import Options
from videos import (
    QUARTERS,
    QUICK,
    TOKEN,
    VP9,
    X264,
    clips,
    compose,
    default_target,
    picture,
    read,
    rewrite,
    sound_packets,
    source_of,
)


@pytest.mark.slow
@pytest.mark.parametrize("name", clips())
def test_shared_clips_keep_times_tags_and_sound(name: str, data: Path, tmp_path: Path) -> None:
    clip = data / "videos" / name
    options = Options() if name.endswith("webm") else QUICK
    target = default_target(clip, tmp_path)
    rewrite(clip, target, options)
    before, after = read(clip), read(target)
    if target.suffix in (".mp4", ".mov"):  # as browsers show it
        before.tags["format"] = before.tags["format"].replace("444", "420")
    assert after.times == before.times
    assert after.tags == before.tags
    assert sound_packets(target) == sound_packets(clip)
    assert leftovers(target) == []


VARIABLE = [0, 3000, 6001, 9000, 27000, 27400, 36000, 40000, 90000, 93003]


@pytest.mark.parametrize(
    ("suffix", "times", "time_base", "codec"),
    [
        (".mp4", VARIABLE, Fraction(1, 90_000), "libx264"),
        (".mp4", [time + 45_001 for time in VARIABLE], Fraction(1, 90_000), "libx264"),
        (".mov", [time * 1001 + 1001 for time in range(12)], Fraction(1, 30_000), "libx264"),
        (".mkv", [45, 80, 121, 160, 900, 933, 1000], Fraction(1, 1000), "libx264"),
        (".webm", [15, 48, 81, 300, 333], Fraction(1, 1000), "libvpx-vp9"),
        (".avi", range(12), Fraction(1, 25), "mpeg4"),
        (".mpg", range(12), Fraction(1, 25), "mpeg2video"),
        (".ts", range(12), Fraction(1, 25), "libx264"),
    ],
)
def test_every_time_is_kept_exactly(
    suffix: str, times: list[int], time_base: Fraction, codec: str, tmp_path: Path
) -> None:
    settings = VP9 if codec == "libvpx-vp9" else X264 if codec == "libx264" else {}
    muxer = {".mpg": "mpeg", ".ts": "mpegts"}.get(suffix)
    clip = tmp_path / f"in{suffix}"
    compose(clip, times=times, time_base=time_base, codec=codec, settings=settings, muxer=muxer)
    target = default_target(clip, tmp_path)
    rewrite(clip, target, Options() if suffix == ".webm" else QUICK)
    before, after = read(clip), read(target)
    assert len(before.times) == len(times)
    assert after.times == before.times
    assert after.tags == before.tags


def test_missing_and_doubled_times_are_made_to_increase() -> None:
    clock = Clock(Fraction(1, 100), Fraction(25), "mkv")
    given: list[int | None] = [None, 4, 4, 3, None, 40, 8]
    times = []
    for time in given:
        frame = av.VideoFrame(16, 16, "yuv420p")
        frame.pts = time
        times.append(clock.stamp(frame))
    assert times == [0, 4, 5, 6, 10, 40, 44]
    assert clock.warning == "3 pictures had a time before the one shown last and were moved"


def test_a_recorders_clock_is_not_told(tmp_path: Path) -> None:
    clip = compose(
        tmp_path / "late.ts",
        settings=X264,
        muxer="mpegts",
        container={"output_ts_offset": "5000"},
        sound="aac",
    )
    rewrite(clip, tmp_path / "out.mp4")
    before, after = read(clip), read(tmp_path / "out.mp4")
    assert after.times[0] < 1
    assert np.ptp([b - a for b, a in zip(before.times, after.times, strict=True)]) == 0


@pytest.mark.parametrize("turn", QUARTERS)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_rotation_is_kept_and_frames_come_upright(turn: int, suffix: str, tmp_path: Path) -> None:
    clip = compose(tmp_path / f"in{suffix}", settings=X264, matrix=QUARTERS[turn], times=range(3))
    stored = read(clip, pixels=True).planes[0][0]
    with source_of(clip) as source:
        frame = next(source.frames())
        assert frame.planes is not None
        upright = np.rot90(stored, -turn // 90)
        assert (source.media.height, source.media.width) == upright.shape
        np.testing.assert_array_equal(frame.planes.y, upright)
        assert frame.image.shape == (*upright.shape, 3)
    rewrite(clip, tmp_path / f"out{suffix}")
    assert read(tmp_path / f"out{suffix}").tags == read(clip).tags


@pytest.mark.parametrize("mirrored", [(-65536, 0, 0, 0, 65536), (0, 65536, 0, 65536, 0)])
def test_mirrored_matrices_are_understood(mirrored: tuple[int, ...], tmp_path: Path) -> None:
    matrix = (*mirrored, 0, 0, 0, 1 << 30)
    clip = compose(tmp_path / "in.mp4", settings=X264, matrix=matrix, times=range(2))
    stored = read(clip, pixels=True).planes[0][0]
    with source_of(clip) as source:
        planes = next(source.frames()).peek()
        expected = stored[:, ::-1] if mirrored[0] else stored.T
        np.testing.assert_array_equal(planes.y, expected)
        assert source.traits.matrix == matrix


X264_ONLY = Options(encoder="libx264", encoder_preset="ultrafast")


@pytest.mark.parametrize(
    ("format", "settings", "colours", "options", "target"),
    [
        ("yuv420p", X264, (1, 1, 1, 1), QUICK, "out.mp4"),
        ("yuvj420p", X264, (2, 1, 13, 5), QUICK, "out.mp4"),
        ("yuv422p", X264, (1, 5, 6, 6), QUICK, "out.mkv"),
        ("yuv422p", X264, (1, 5, 6, 6), X264_ONLY, "out.mp4"),
        ("yuv444p", X264, (1, 1, 1, 1), QUICK, "out.mkv"),
        ("yuv420p10le", X264, (1, 9, 18, 9), QUICK, "out.mp4"),
        ("yuv422p10le", X264, (1, 9, 16, 9), QUICK, "out.mkv"),
        ("yuv420p10le", X264, (1, 9, 16, 9), Options(encoder="libsvtav1"), "out.webm"),
        ("yuv420p10le", X264, (1, 1, 1, 1), Options(encoder="libx264"), "out.mp4"),
    ],
)
def test_depth_colours_and_pixel_shape_are_kept(
    format: str,
    settings: dict[str, str],
    colours: tuple[int, int, int, int],
    options: Options,
    target: str,
    tmp_path: Path,
) -> None:
    square = target.endswith("webm")
    clip = compose(
        tmp_path / "in.mp4",
        format=format,
        settings=settings,
        colours=colours,
        aspect=None if square else Fraction(4, 3),
        times=range(5),
    )
    rewrite(clip, tmp_path / target, options)
    assert read(tmp_path / target).tags == read(clip).tags


def test_mastering_data_of_hdr_is_kept(tmp_path: Path) -> None:
    words = (
        "log-level=none:master-display=G(13250,34500)B(7500,3000)R(34000,16000)"
        "WP(15635,16450)L(10000000,1):max-cll=1000,400"
    )
    clip = compose(
        tmp_path / "in.mp4",
        codec="libx265",
        format="yuv420p10le",
        settings={"preset": "ultrafast", "x265-params": words},
        colours=(1, 9, 16, 9),
        times=range(5),
    )
    for encoder in ("libx265", "libx264"):
        target = tmp_path / f"{encoder}.mp4"
        rewrite(clip, target, QUICK.model_copy(update={"encoder": encoder}))
        with source_of(clip) as before, source_of(target) as after:
            assert before.traits.mastering is not None
            assert after.traits.mastering == before.traits.mastering


def test_odd_sizes_are_kept(tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mkv", codec="libvpx-vp9", settings=VP9, size=(95, 63))
    rewrite(clip, tmp_path / "out.mkv", Options())
    assert read(tmp_path / "out.mkv").tags["size"] == (95, 63)


def test_interlaced_stays_interlaced(tmp_path: Path) -> None:
    settings = {**X264, "flags": "+ildct+ilme", "x264-params": "tff=1"}
    clip = compose(tmp_path / "in.mp4", settings=settings)
    rewrite(clip, tmp_path / "out.mp4")
    with source_of(tmp_path / "out.mp4") as source:
        assert source.traits.interlaced
        assert source.notes == ("interlaced, kept so where the encoder can",)


@pytest.mark.parametrize(
    ("codec", "format", "muxer", "becomes"),
    [
        ("ffv1", "gray", "matroska", "yuv420p"),
        ("ffv1", "bgr0", "matroska", "yuv420p"),
        ("rawvideo", "yuv411p", "avi", "yuv420p"),
        ("ffv1", "yuv422p12le", "matroska", "yuv422p10le"),
        ("png", "gray", "mov", "yuv420p"),  # tagged as RGB, and of all values
        ("png", "gray16be", "mov", "yuv420p10le"),
    ],
)
def test_unusual_formats_are_converted_with_a_note(
    codec: str, format: str, muxer: str, becomes: str, tmp_path: Path
) -> None:
    clip = tmp_path / "in"
    with av.open(str(clip), "w", format=muxer) as output:
        stream = output.add_stream(codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 96, 64, format
        for index in range(3):
            output.mux(stream.encode(picture(index, 96, 64).reformat(format=format)))
        output.mux(stream.encode(None))
    with source_of(clip) as source:
        assert source.notes == (f"picture converted from {format} to {becomes}",)
        expected = picture(0, 96, 64).reformat(format=format).to_ndarray(format="bgr24")
        assert np.abs(next(source.frames()).image.astype(int) - expected).mean() < 6
    rewrite(clip, tmp_path / "out.mkv")
    assert read(tmp_path / "out.mkv").tags["format"].replace("yuvj", "yuv") == becomes


PAINTED, GREY = Box(64, 16, 88, 48), (127, 127, 127)


def test_transparency_is_kept_or_refused(tmp_path: Path) -> None:
    settings = {**VP9, "auto-alt-ref": "0"}
    clip = compose(tmp_path / "in.webm", codec="libvpx-vp9", format="yuva420p", settings=settings)
    rewrite(clip, tmp_path / "out.webm", Options())
    with source_of(tmp_path / "out.webm") as source:
        frame = next(source.frames())
        assert frame.alpha is not None
        assert frame.alpha[:, 10].min() > 250
        assert frame.alpha[:, 85].max() < 5
    rewrite(clip, tmp_path / "out.webm", Options(), lambda one: canvas_of(one).fill(PAINTED, GREY))
    with source_of(tmp_path / "out.webm") as source:
        frame = next(source.frames())
        assert frame.alpha is not None
        assert frame.alpha[20:44, 72:80].min() > 250
        assert frame.alpha[:, 92].max() < 5
    with pytest.raises(UsageError, match="cannot keep transparency"):
        rewrite(clip, tmp_path / "out.mp4")


@pytest.mark.parametrize(
    ("codec", "muxer", "target", "copied"),
    [
        ("aac", "mp4", "out.mp4", True),
        ("libopus", "webm", "out.webm", True),
        ("flac", "matroska", "out.mkv", True),
        ("libmp3lame", "avi", "out.mp4", True),
        ("pcm_s16le", "avi", "out.mp4", False),
        ("mp2", "mpeg", "out.mp4", False),
        ("flac", "matroska", "out.webm", False),
    ],
)
def test_sound_is_copied_or_converted(
    codec: str, muxer: str, target: str, copied: bool, tmp_path: Path
) -> None:
    video = {"webm": "libvpx-vp9", "avi": "mpeg4", "mpeg": "mpeg2video"}.get(muxer, "libx264")
    settings = VP9 if video == "libvpx-vp9" else X264 if video == "libx264" else {}
    clip = compose(tmp_path / "in", muxer=muxer, codec=video, settings=settings, sound=codec)
    sink = rewrite(clip, tmp_path / target, Options() if target.endswith("webm") else QUICK)
    before, after = sound_packets(clip), sound_packets(tmp_path / target)
    assert read(tmp_path / target).times == read(clip).times
    if copied:
        assert after == before
    else:
        assert any(note.startswith("sound converted from") for note in sink.notes)
        shift = after[0][1][0][1] - before[0][1][0][1]
        assert abs(shift) < 0.05
        length = after[0][1][-1][1] - before[0][1][-1][1]
        assert abs(length) < 0.1
    assert not sink.warnings


def test_all_sound_tracks_keep_their_language_and_nothing_else(tmp_path: Path) -> None:
    def decorate(output: av.container.OutputContainer) -> None:
        output.streams.audio[0].metadata["language"] = "deu"
        output.streams.audio[0].metadata["handler_name"] = TOKEN
        second = output.add_stream("aac", rate=48000)
        second.metadata["language"] = "fra"
        second.metadata["title"] = TOKEN
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        frame.sample_rate = 48000
        output.mux(second.encode(frame))
        output.mux(second.encode(None))

    clip = compose(tmp_path / "in.mp4", settings=X264, sound="aac", decorate=decorate)
    rewrite(clip, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as file:
        assert [stream.language for stream in file.streams.audio] == ["deu", "fra"]
    assert sound_packets(tmp_path / "out.mp4") == sound_packets(clip)
    assert TOKEN.encode() not in (tmp_path / "out.mp4").read_bytes()


def test_tracks_of_sound_keep_what_they_are_for(tmp_path: Path) -> None:
    kinds = [Disposition.default, Disposition.dub, Disposition.visual_impaired]

    def decorate(output: av.container.OutputContainer) -> None:
        for _ in kinds[1:]:
            output.add_stream("aac", rate=48000, layout="stereo")
        for track, kind in zip(output.streams.audio, kinds, strict=True):
            track.disposition = kind
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        frame.sample_rate = 48000
        for track in output.streams.audio[1:]:
            output.mux([*track.encode(frame), *track.encode(None)])

    clip = compose(tmp_path / "in.mp4", settings=X264, sound="aac", decorate=decorate)
    rewrite(clip, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as file:
        found = [track.disposition for track in file.streams.audio]
        assert [kind in one for kind, one in zip(kinds, found, strict=True)] == [True] * 3
    assert leftovers(tmp_path / "out.mp4") == []
    said = (tmp_path / "out.mp4").read_bytes()
    assert said.count(b"role:2011\0dub\0") == 1
    (tmp_path / "told.mp4").write_bytes(said.replace(b"role:2011\0dub\0", b"role:2011\0Eva\0"))
    assert leftovers(tmp_path / "told.mp4") == ["metadata kind"]


def test_sound_can_be_dropped(tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mp4", settings=X264, sound="aac")
    rewrite(clip, tmp_path / "out.mp4", Options(audio="drop", encoder_preset="ultrafast"))
    assert sound_packets(tmp_path / "out.mp4") == []


def test_pictures_keep_their_times_beside_sound_that_starts_before_zero(tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mp4", settings=X264, sound="aac")
    assert sound_packets(clip)[0][1][0][1] < 0
    rewrite(clip, tmp_path / "out.mkv")
    assert read(tmp_path / "out.mkv").times == read(clip).times
