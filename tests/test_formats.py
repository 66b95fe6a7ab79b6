"""Less usual formats: bare streams, old and professional containers."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from faceveil.errors import InputError, UsageError
from faceveil.media import sniff
from faceveil.media.leftovers import leftovers
from faceveil.options import Options
from videos import (
    LOSSLESS,
    QUARTERS,
    VP9,
    X264,
    compose,
    default_target,
    picture,
    read,
    rewrite,
    sound_packets,
    source_of,
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind", "how"),
    [
        ("a.flv", "flv", {"settings": {**X264, "bf": "2"}, "sound": "aac"}),
        ("b.flv", "flv", {"codec": "flv", "time_base": Fraction(1, 20)}),
        (
            "a.wmv",
            "asf",
            {"codec": "wmv2", "sound": "wmav2", "sound_settings": {"bit_rate": 192_000}},
        ),
        ("b.asf", "asf", {"codec": "msmpeg4", "sound": "libmp3lame"}),
        ("a.ogv", "ogg", {"codec": "libvpx", "settings": VP9, "muxer": "ogg", "sound": "libopus"}),
        ("a.mxf", "mxf", {"codec": "mpeg2video", "size": (720, 576), "sound": "pcm_s16le"}),
        ("a.ivf", "ivf", {"codec": "libvpx-vp9", "settings": VP9}),
        ("a.3gp", "mp4", {"codec": "h263", "size": (176, 144), "sound": "libopencore_amrnb"}),
        ("a.vob", "mpeg", {"codec": "mpeg2video", "muxer": "vob", "sound": "ac3"}),
        ("mjpeg.avi", "avi", {"codec": "mjpeg", "format": "yuvj420p"}),
        ("mjpeg.mov", "mov", {"codec": "mjpeg", "format": "yuvj422p", "sound": "pcm_s16be"}),
    ],
)
def test_frames_times_and_sound_are_kept(
    name: str, kind: str, how: dict[str, Any], tmp_path: Path
) -> None:
    muxer = {"wmv": "asf", "asf": "asf"}.get(name.split(".")[1])
    if how.get("sound") == "libopencore_amrnb":
        how = {**how, "sound": None, "decorate": None}
    clip = compose(tmp_path / name, **{"muxer": muxer, **how})
    assert sniff(clip.read_bytes()[:4096]) == kind
    target = default_target(clip, tmp_path)
    assert target.suffix == (f".{kind}" if kind in ("mov", "mp4") else ".mp4")
    sink = rewrite(clip, target)
    before, after = read(clip), read(target)
    assert len(before.times) == 24
    assert after.times == before.times
    assert sink.warnings == ()
    assert len(sound_packets(target)) == len(sound_packets(clip)) == bool(how.get("sound"))
    assert leftovers(target) == []
    assert ("written as MP4" in sink.notes) == (kind not in ("mov", "mp4"))


def bare(path: Path, codec: str, rate: Fraction, settings: dict[str, str]) -> Path:
    """A picture stream without a file around it."""
    muxer = {"libx264": "h264", "libx265": "hevc"}[codec]
    with av.open(str(path), "w", format=muxer) as output:
        stream = output.add_stream(codec, rate=rate, options=settings)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for index in range(20):
            output.mux(stream.encode(picture(index, 96, 64)))
        output.mux(stream.encode(None))
    return path


X265 = {"preset": "ultrafast", "x265-params": "log-level=none"}


@pytest.mark.parametrize(
    ("codec", "rate", "settings"),
    [
        ("libx264", Fraction(30000, 1001), {**X264, "bf": "2"}),
        ("libx264", Fraction(10), {**X264, "x264-params": "aud=1"}),
        ("libx264", Fraction(25), {"preset": "ultrafast", "x264-params": "aud=1:opencl=0"}),
        ("libx265", Fraction(50), X265),
        ("libx265", Fraction(24), {**X265, "x265-params": "log-level=none:aud=1:repeat-headers=1"}),
    ],
)
def test_bare_streams_run_at_the_rate_they_say(
    codec: str, rate: Fraction, settings: dict[str, str], tmp_path: Path
) -> None:
    clip = bare(tmp_path / "bare", codec, rate, settings)
    with source_of(clip) as source:
        assert source.notes[0] == (
            f"a bare picture stream stores no times: {float(rate):.6g} frames a second"
        )
        assert source.media.format == {"libx264": "h264", "libx265": "hevc"}[codec]
    rewrite(clip, tmp_path / "out.mp4")
    assert read(tmp_path / "out.mp4").times == [index / rate for index in range(20)]
    assert leftovers(tmp_path / "out.mp4") == []


def test_a_leading_message_does_not_hide_a_bare_stream(tmp_path: Path) -> None:
    stream = bare(tmp_path / "bare", "libx264", Fraction(25), X264).read_bytes()
    message = b"\0\0\0\1\6\5" + bytes([20]) + b"0123456789abcdef" + b"text\x80"
    for before in (message, b"\0\0\0\1\x09\xf0" + message, b"\0\0\1\x09\x10"):
        assert sniff((before + stream)[:4096]) == "h264"
    (tmp_path / "led").write_bytes(message + stream)
    rewrite(tmp_path / "led", tmp_path / "out.mp4")
    assert len(read(tmp_path / "out.mp4").times) == 20


@pytest.mark.parametrize(
    "head",
    [
        b"\0\0\1\0\1\0\x10\x10",  # an icon
        b"\0\0\1\xb0\1\0\0\1\xb5",  # MPEG-4 part 2
        b"\0\0\1\x67" + bytes(60),
        b"\0\0\0\1\x40\1\x0c\1\0\0",
        b"\0\0\0\1\x65\x88\x84",  # a picture without its parameters
        b"\x1f\x07\0",
        b"\x1f\x07\0" + bytes(600),
    ],
)
def test_what_only_begins_like_a_bare_stream_is_none(head: bytes, tmp_path: Path) -> None:
    assert sniff(head.ljust(4096, b"\7")) is None
    random = np.random.default_rng(3)
    for _ in range(2000):
        noise = random.integers(0, 256, 600).astype(np.uint8).tobytes()
        assert sniff(head[:4] + noise) not in ("h264", "hevc", "dv")


@pytest.mark.parametrize(
    ("format", "size", "rate"),
    [
        ("yuv420p", (720, 576), Fraction(25)),
        ("yuv411p", (720, 480), Fraction(30000, 1001)),
    ],
)
def test_raw_dv_is_read(format: str, size: tuple[int, int], rate: Fraction, tmp_path: Path) -> None:
    clip = compose(
        tmp_path / "tape.dv",
        muxer="dv",
        codec="dvvideo",
        format=format,
        size=size,
        times=range(6),
        time_base=1 / rate,
    )
    with source_of(clip) as source:
        assert source.media.format == "dv"
        assert source.traits.rate == rate
        assert source.traits.interlaced
    rewrite(clip, tmp_path / "out.mp4")
    assert read(tmp_path / "out.mp4").times == read(clip).times
    with source_of(tmp_path / "out.mp4") as source:
        assert source.traits.interlaced


@pytest.mark.parametrize("suffix", [".mov", ".MOV", ".m4v", ".qt"])
@pytest.mark.parametrize("sound", ["aac", "pcm_s16le", "alac", None])
def test_films_for_quicktime_are_written(suffix: str, sound: str | None, tmp_path: Path) -> None:
    muxer = "mp4" if suffix == ".m4v" else "mov"
    if muxer == "mp4" and sound == "pcm_s16le":
        sound = "mp3"
    clip = compose(
        tmp_path / f"in{suffix}",
        muxer=muxer,
        settings=X264,
        sound={"mp3": "libmp3lame"}.get(sound or "", sound),
        matrix=QUARTERS[90],
        aspect=Fraction(4, 3),
        times=[25_000 + index * 1001 for index in range(12)],
        time_base=Fraction(1, 30_000),
    )
    target = default_target(clip, tmp_path)
    assert target.suffix == suffix
    sink = rewrite(clip, target)
    head = target.read_bytes()[:12]
    assert head[4:8] == b"ftyp"
    assert head[8:12] == (b"M4V " if suffix == ".m4v" else b"qt  ")
    assert sniff(target.read_bytes()[:4096]) == ("mp4" if suffix == ".m4v" else "mov")
    before, after = read(clip), read(target)
    assert after.times == before.times
    assert after.tags == before.tags
    assert sound_packets(target) == sound_packets(clip)
    assert sink.notes == ()
    assert leftovers(target) == []


def test_ten_bits_in_quicktime_are_tagged_for_its_player(tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mov", format="yuv420p10le", settings=X264, times=range(4))
    rewrite(clip, tmp_path / "out.mov")
    assert b"hvc1" in (tmp_path / "out.mov").read_bytes()
    assert leftovers(tmp_path / "out.mov") == []


@pytest.mark.parametrize("size", [(95, 64), (96, 63), (853, 481), (95, 63)])
@pytest.mark.parametrize(("suffix", "format"), [(".mp4", "yuv420p"), (".mov", "yuv444p")])
def test_odd_sizes_become_even_where_players_need_it(
    size: tuple[int, int], suffix: str, format: str, tmp_path: Path
) -> None:
    clip = compose(
        tmp_path / "in.mkv", codec="ffv1", format=format, size=size, times=range(3), settings={}
    )
    target = tmp_path / f"out{suffix}"
    sink = rewrite(clip, target, LOSSLESS)
    width, height = size[0] + size[0] % 2, size[1] + size[1] % 2
    with av.open(str(target)) as file:
        assert file.streams.video[0].codec_context.codec.canonical_name == "h264"
    before, after = read(clip, pixels=True), read(target, pixels=True)
    assert after.times == before.times
    assert after.tags["size"] == (width, height)
    assert after.tags["format"] == "yuv420p"
    assert any(f"{width}x{height} is even, which h264 needs" in note for note in sink.notes)
    for one, other in zip(before.planes, after.planes, strict=True):
        # Every pixel is there, and what is more is a copy of its neighbour.
        np.testing.assert_array_equal(other[0][: size[1], : size[0]], one[0])
        np.testing.assert_array_equal(other[0][:, width - 1], other[0][:, size[0] - 1])
        np.testing.assert_array_equal(other[0][height - 1], other[0][size[1] - 1])


@pytest.mark.parametrize(
    ("format", "becomes"),
    [
        ("yuv422p", "yuv420p"),
        ("yuv444p", "yuv420p"),
        ("yuvj422p", "yuvj420p"),
        ("yuv422p10le", "yuv420p10le"),
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_what_few_players_show_is_not_written(
    format: str, becomes: str, suffix: str, tmp_path: Path
) -> None:
    clip = compose(tmp_path / "in.mp4", format=format, settings=X264, times=range(3))
    sink = rewrite(clip, tmp_path / f"out{suffix}")
    assert read(tmp_path / f"out{suffix}").tags["format"] == becomes
    assert "colour has half the resolution, which all players show" in sink.notes
    deep = any("written as HEVC, which not every browser plays" in note for note in sink.notes)
    assert deep == becomes.endswith("10le")
    # Where an encoder is named, it keeps what it can.
    own = Options(encoder="libx264", encoder_preset="ultrafast")
    assert rewrite(clip, tmp_path / f"kept{suffix}", own).notes == (
        () if suffix == ".mp4" else ("written as MOV",)
    )
    assert read(tmp_path / f"kept{suffix}").tags["format"] == format


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (7, 5), (16, 16), (48, 32), (200, 16)])
@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mkv"])
@pytest.mark.parametrize("format", ["yuv420p", "yuv420p10le"])
def test_tiny_pictures_do_not_end_the_process(
    size: tuple[int, int], suffix: str, format: str, tmp_path: Path
) -> None:
    clip = compose(tmp_path / "in.mkv", codec="ffv1", format=format, size=size, times=range(6))
    rewrite(clip, tmp_path / f"out{suffix}", Options())
    after = read(tmp_path / f"out{suffix}")
    assert len(after.times) == 6
    even = suffix == ".mp4"
    assert after.tags["size"] == tuple(side + side % 2 if even else side for side in size)


@pytest.mark.parametrize("encoder", ["libx265", "libsvtav1"])
def test_an_encoder_that_dies_of_tiny_pictures_is_refused(encoder: str, tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mkv", codec="ffv1", size=(48, 32), times=range(2))
    with pytest.raises(UsageError, match="48x32"):
        rewrite(clip, tmp_path / "out.mkv", Options(encoder=encoder))


@pytest.mark.parametrize("rate", [1, 1000, Fraction(1, 10)])
def test_slow_and_fast_films(rate: Fraction, tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mp4", settings=X264, time_base=1 / Fraction(rate))
    for suffix in (".mp4", ".mov", ".mkv"):
        rewrite(clip, tmp_path / f"out{suffix}")
        assert read(tmp_path / f"out{suffix}").times == read(clip).times


def test_one_frame_and_none(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mov", ".mkv", ".avi"):
        clip = compose(tmp_path / f"one{suffix}", settings=X264, times=[0])
        target = default_target(clip, tmp_path)
        rewrite(clip, target)
        assert len(read(target).times) == 1
    with av.open(str(tmp_path / "none.mp4"), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        output.start_encoding()
    with pytest.raises(InputError, match="no picture"):
        source_of(tmp_path / "none.mp4")
