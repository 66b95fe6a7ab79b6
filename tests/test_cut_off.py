"""Recordings that broke off and copies that stopped: told, with what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from faceveil.errors import UnreadableError
from faceveil.media.kinds import sniff
from faceveil.media.videos.ending import is_cut_off
from tiers import daily
from videos import CLIPS, VP9, X264, compose, source_of

FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
DASH = {"movflags": "dash+frag_keyframe+delay_moov"}
FRONT = {"movflags": "+faststart"}
FORMATS: list[tuple[str, dict[str, Any]]] = [
    ("x.mp4", {"settings": X264, "sound": "aac", "container": FRAGMENTS}),
    ("dash.mp4", {"settings": X264, "sound": "aac", "container": DASH}),
    ("x.mov", {"settings": X264, "container": FRAGMENTS}),
    ("front.mp4", {"settings": X264, "sound": "aac", "container": FRONT}),
    ("x.mkv", {"settings": X264, "sound": "aac"}),
    ("live.mkv", {"settings": X264, "container": {"live": "1"}}),
    ("x.webm", {"codec": "libvpx", "settings": VP9, "sound": "libopus"}),
    ("x.avi", {"codec": "mpeg4", "sound": "libmp3lame"}),
    ("x.flv", {"settings": X264}),
    ("x.wmv", {"codec": "wmv2", "muxer": "asf"}),
    ("x.ogv", {"codec": "libvpx", "settings": VP9, "muxer": "ogg"}),
]


@pytest.mark.parametrize(("name", "how"), daily(FORMATS, every=4))
def test_an_early_end_is_told(name: str, how: dict[str, Any], tmp_path: Path) -> None:
    clip = compose(tmp_path / name, times=range(60), **how)
    whole = clip.read_bytes()
    with source_of(clip) as source:
        count = sum(1 for _ in source.frames())
        assert count == 60
        assert source.warnings == ()
    for share in (0.55, 0.8, 0.93):
        cut = tmp_path / f"cut-{name}"
        cut.write_bytes(whole[: int(len(whole) * share)])
        for origin in (cut, cut.read_bytes()):
            with source_of(origin) as source:
                frames = list(source.frames())
                assert frames
                seconds = float((frames[-1].pts - source.traits.first) * source.time_base)
                told = f"the file was cut off: what came after {seconds:.1f} seconds is missing"
                assert told in source.warnings


@pytest.mark.parametrize("name", ["x.mp4", "x.mov"])
def test_a_recording_without_its_index_can_be_repaired(name: str, tmp_path: Path) -> None:
    clip = compose(tmp_path / name, settings=X264, sound="aac", times=range(60))
    whole = clip.read_bytes()
    for size in (len(whole) // 3, whole.rindex(b"moov") - 4, whole.rindex(b"moov") + 90):
        for origin in (whole[:size], tmp_path / "cut"):
            (tmp_path / "cut").write_bytes(whole[:size])
            with pytest.raises(UnreadableError, match="broke off before its index") as caught:
                source_of(origin)
            assert "untrunc whole.mp4 broken.mp4" in caught.value.advice


@pytest.mark.parametrize(
    "junk", [b"\0" * 3, b"\0" * 64, b"some notes that a tool left here", b"\xff" * 40]
)
def test_what_lies_behind_a_film_is_no_early_end(junk: bytes, tmp_path: Path) -> None:
    for name, how in FORMATS:
        if name.endswith((".flv", ".ogv", ".avi", ".wmv", ".mkv", ".webm")):
            continue
        clip = compose(tmp_path / name, times=range(12), **how)
        data = clip.read_bytes()
        assert not is_cut_off(data, sniff(data[:4096]) or "")
        assert not is_cut_off(data + junk, sniff(data[:4096]) or "")


@pytest.mark.parametrize("name", CLIPS)
def test_shared_clips_are_whole(name: str, data: Path) -> None:
    clip = data / "videos" / name
    assert not is_cut_off(clip, sniff(clip.read_bytes()[:4096]) or "")


@pytest.mark.slow
def test_sound_that_begins_on_the_way_does_not_end_the_reading(tmp_path: Path) -> None:
    """FLV and transport streams tell of a stream when its first packet comes."""
    clip = compose(tmp_path / "in.flv", settings=X264, sound="aac", times=range(100))
    whole = clip.read_bytes()
    for part in range(40, 100, 7):
        cut = tmp_path / "cut.flv"
        cut.write_bytes(whole[: len(whole) * part // 100])
        with source_of(cut) as source:
            assert sum(1 for _ in source.frames()) > 20
