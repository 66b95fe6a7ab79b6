"""Sound of every codec, rate and layout into every container: heard again at its time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from faceveil.media.leftovers import leftovers
from faceveil.media.videos.mixing import Mixer
from faceveil.options import Options
from tiers import daily
from videos import QUICK, rewrite, sound_packets
from voices import BEEP, PITCH, Heard, beep, clip, hear

CONTAINERS = (".mp4", ".mov", ".mkv", ".webm")
VPX = Options(encoder="libvpx", encoder_preset="16")

CODECS = [
    # codec, muxer, format of the samples
    ("pcm_u8", "avi", None),
    ("pcm_s16le", "avi", None),
    ("pcm_s16be", "mov", None),
    ("pcm_s24le", "matroska", None),
    ("pcm_s32le", "mov", None),
    ("pcm_f32le", "matroska", None),
    ("pcm_f64le", "matroska", None),
    ("pcm_alaw", "avi", None),
    ("adpcm_ms", "avi", None),
    ("adpcm_ima_wav", "avi", None),
    ("alac", "mp4", None),
    ("flac", "matroska", "s16"),
    ("flac", "matroska", "s32"),
    ("wavpack", "matroska", "fltp"),
    ("tta", "matroska", "s16"),
    ("aac", "mpegts", None),
    ("aac", "mp4", None),
    ("ac3", "mpegts", None),
    ("eac3", "matroska", None),
    ("mp2", "mpeg", None),
    ("libmp3lame", "avi", None),
    ("wmav2", "asf", None),
    ("flac", "ogg", "s16"),
    ("libopus", "ogg", None),
    ("libopus", "matroska", None),
]
RATES = [
    ("pcm_s16le", 6000),
    ("pcm_s16le", 11024),
    ("pcm_s16le", 44100),
    ("pcm_s16le", 88200),
    ("pcm_s16le", 176400),
    ("pcm_s16le", 192000),
    ("flac", 6000),
    ("flac", 192000),
    ("libmp3lame", 8000),
    ("libmp3lame", 11025),
    ("aac", 7350),
    ("aac", 96000),
]
LAYOUTS = [
    ("pcm_s16le", "stereo"),
    ("pcm_s16le", "2.1"),
    ("pcm_s16le", "7.1"),
    ("pcm_s16le", "hexadecagonal"),
    ("pcm_s16le", "22.2"),
    ("flac", "3.0"),
    ("flac", "quad"),
    ("flac", "5.1(side)"),
    ("flac", "6.1"),
    ("flac", "7.1"),
    ("flac", "7.1(wide)"),
    ("wavpack", "FC+LFE"),
    ("wavpack", "BL+BR"),
    ("wavpack", "octagonal"),
    ("wavpack", "hexadecagonal"),
    ("wavpack", "22.2"),
    ("aac", "6.1"),
    ("aac", "7.1"),
    ("aac", "hexadecagonal"),
]
TAKEN = {
    ".mp4": {"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"},
    ".mov": {"aac", "mp3", "ac3", "eac3", "alac"}
    | {f"pcm_{kind}" for kind in ("s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le")},
    ".webm": {"opus", "vorbis"},
}
"""Codecs that may be copied; all others become AAC or Opus."""


def check(found: Heard, before: Heard) -> None:
    """The whole beep is there, once, at its time and pitch."""
    assert len(found.beeps) == len(before.beeps) == 1
    (begin, end), (begin_before, end_before) = found.beeps[0], before.beeps[0]
    assert abs(begin - begin_before) < 0.025
    assert abs(end - end_before) < 0.025
    assert abs(end - begin - (BEEP[1] - BEEP[0])) < 0.05
    assert abs(found.pitch((begin, end)) - PITCH) < 8
    assert abs(found.seconds - before.seconds) < 0.15


def carried(source: Path, suffix: str) -> tuple[Heard, tuple[str, ...]]:
    target = source.with_name(f"out{suffix}")
    sink = rewrite(source, target, VPX if suffix == ".webm" else QUICK)
    assert not sink.warnings
    return hear(target), sink.notes


def check_all(source: Path) -> None:
    before = hear(source)
    for suffix in CONTAINERS:
        found, notes = carried(source, suffix)
        check(found, before)
        if suffix in TAKEN and before.codec not in TAKEN[suffix]:
            assert found.codec == ("opus" if suffix == ".webm" else "aac")
        told = {note.split(" from ")[0] for note in notes if note.startswith("sound ")}
        changed = found.codec != before.codec
        assert ("sound converted" in told) == changed
        if found.codec != "opus":  # which is decoded at one rate, whatever it was made from
            assert ("sound resampled" in told) == (changed and found.rate != before.rate)
        if not changed:
            assert (found.rate, found.channels) == (before.rate, before.channels)


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "muxer", "format"), daily(CODECS, every=5))
def test_codecs(codec: str, muxer: str, format: str | None, tmp_path: Path) -> None:
    picture = {"mpeg": "mpeg2video", "mpegts": "mpeg2video", "ogg": "libvpx"}.get(muxer, "mpeg4")
    layout = "stereo" if codec == "wmav2" else "mono"
    source = clip(
        tmp_path / "in", codec, muxer=muxer, format=format, layout=layout, picture_codec=picture
    )
    check_all(source)


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_layer_two_under_the_name_of_layer_three(suffix: str, tmp_path: Path) -> None:
    """As MP4 has it, which has one name for both."""
    source = clip(tmp_path / "in", "mp2", muxer="mp4", picture_codec="mpeg4")
    check(carried(source, suffix)[0], hear(source))


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["ac3", "eac3", "alac", "pcm_s24be"])
def test_what_quicktime_says_of_a_codec_is_no_metadata(codec: str, tmp_path: Path) -> None:
    source = clip(tmp_path / "in", codec=codec, muxer="mov")
    rewrite(source, tmp_path / "out.mov")
    assert [name for name, _ in sound_packets(tmp_path / "out.mov")] == [codec]
    assert not leftovers(tmp_path / "out.mov")


@pytest.mark.parametrize(("codec", "rate"), daily(RATES, every=4))
def test_rates(codec: str, rate: int, tmp_path: Path) -> None:
    check_all(clip(tmp_path / "in", codec, rate=rate))


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "layout"), daily(LAYOUTS, every=4))
def test_layouts(codec: str, layout: str, tmp_path: Path) -> None:
    check_all(clip(tmp_path / "in", codec, layout=layout))


@pytest.mark.slow
def test_the_note_says_what_became_of_the_sound(tmp_path: Path) -> None:
    source = clip(tmp_path / "in", "flac", layout="7.1", rate=176_400)
    _, notes = carried(source, ".webm")
    assert "sound converted from flac to libopus" in notes
    assert "sound resampled from 176400 to 48000 Hz" in notes
    assert not any("mixed" in note for note in notes)
    _, notes = carried(clip(tmp_path / "in", "wavpack", layout="7.1"), ".mp4")
    assert "sound mixed from 7.1 to 5.1" in notes


def test_a_track_that_no_encoder_takes_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceveil.media.videos.audio.layout_for", lambda *_: "downmix")
    source = clip(tmp_path / "in", "pcm_s16le", layout="hexadecagonal")
    sink = rewrite(source, tmp_path / "out.mp4")
    assert [one.split(":")[0] for one in sink.warnings] == [
        "a sound track (pcm_s16le) that cannot be converted is left out"
    ]
    assert sound_packets(tmp_path / "out.mp4") == []


def test_sound_that_changes_on_the_way_is_whole(tmp_path: Path) -> None:
    """Stereo after mono, at another rate, with a gap between."""
    frames = []
    for rate, channels, start in ((48_000, 1, 0.0), (44_100, 2, 1.1), (22_050, 6, 2.0)):
        layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
        samples = beep(rate, channels)
        for first in range(0, len(samples), 1000):
            part = samples[first : first + 1000].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, format="flt", layout=layout)
            frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
            frame.pts = round(start * rate) + first
            frames.append(frame)
    with av.open(str(tmp_path / "out.mp4"), "w") as output:
        track = output.add_stream("aac", rate=32_000, layout="stereo")
        output.start_encoding()
        mixer = Mixer(track.codec_context)
        for given in [*frames, None]:
            for mixed in mixer.mixed(given):
                output.mux(track.encode(mixed))
        output.mux(track.encode(None))
    starts = [begin for begin, _ in hear(tmp_path / "out.mp4").beeps]
    assert starts == pytest.approx([0.32, 1.42, 2.32], abs=0.03)
