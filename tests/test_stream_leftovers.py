"""Nothing of a video comes along but its pictures and its sound."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from faceveil.media.leftovers import leftovers
from faceveil.options import Options
from test_fragments import put, tree
from videos import TOKEN, X264, compose, read, rewrite, source_of
from voices import hear


def plant(output: av.container.OutputContainer) -> None:
    for key in ("title", "comment", "artist", "location", "creation_time", "custom"):
        output.metadata[key] = TOKEN if key != "creation_time" else "2020-02-02T02:02:02Z"
    output.set_chapters(
        [
            {
                "id": 1,
                "start": 0,
                "end": 500,
                "time_base": Fraction(1, 1000),
                "metadata": {"title": TOKEN},
            }
        ]
    )
    for stream in output.streams:
        stream.metadata["handler_name"] = TOKEN
        stream.metadata["title"] = TOKEN


def with_extra_streams(clip: Path, target: Path, muxer: str) -> Path:
    """The clip with a second picture stream, subtitles and cover art, all with the token."""
    cover = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes() + TOKEN.encode()
    with av.open(str(clip)) as file, av.open(str(target), "w", format=muxer) as output:
        output.metadata.update(file.metadata)
        output.set_chapters(file.chapters())
        pairs: dict[int, list[Any]] = {}
        for stream in (*file.streams.video, *file.streams.video, *file.streams.audio):
            copy = output.add_stream_from_template(stream, opaque=True)
            copy.metadata.update(stream.metadata)
            pairs.setdefault(stream.index, []).append(copy)
        art = output.add_mux_stream("mjpeg", width=16, height=16)
        art.disposition = av.stream.Disposition.attached_pic
        text = output.add_mux_stream("mov_text" if muxer == "mp4" else "subrip")
        if muxer == "matroska":
            output.add_attachment(f"{TOKEN}.txt", "text/plain", TOKEN.encode())
        packets = [packet for packet in file.demux() if packet.size]
        picture_packet = av.Packet(cover)
        picture_packet.stream, picture_packet.pts, picture_packet.dts = art, 0, 0
        picture_packet.is_keyframe = True
        output.mux(picture_packet)
        words = TOKEN.encode()
        line = av.Packet(len(words).to_bytes(2, "big") + words if muxer == "mp4" else words)
        line.stream, line.pts, line.dts, line.duration = text, 0, 0, 100
        line.time_base = Fraction(1, 1000)
        output.mux(line)
        for packet in packets:
            for copy in pairs[packet.stream.index]:
                data = av.Packet(bytes(packet))
                data.stream, data.time_base = copy, packet.time_base
                data.pts, data.dts, data.duration = packet.pts, packet.dts, packet.duration
                data.is_keyframe = packet.is_keyframe
                output.mux(data)
    return target


@pytest.mark.parametrize(
    ("muxer", "planted"),
    [
        ("mp4", {"title", "comment", "chapters", "subtitles", "handler name", "cover art"}),
        ("matroska", {"tag COMMENT", "chapters", "subtitles", "attachments", "track name"}),
    ],
)
def test_nothing_planted_comes_along(muxer: str, planted: set[str], tmp_path: Path) -> None:
    suffix = ".mp4" if muxer == "mp4" else ".mkv"
    container = {"movflags": "+use_metadata_tags"} if muxer == "mp4" else {}
    plain = compose(
        tmp_path / "plain",
        muxer=muxer,
        settings=X264,
        sound="aac",
        decorate=plant,
        container=container,
    )
    clip = with_extra_streams(plain, tmp_path / f"in{suffix}", muxer)
    assert clip.read_bytes().count(TOKEN.encode()) >= 6
    found = leftovers(clip)
    assert {*planted, "further picture track"} <= set(found)
    with source_of(clip) as source:
        assert {"further picture stream", "subtitles", "chapters"} <= set(source.dropped)
        assert all(TOKEN not in name for name in (*source.dropped, *found))
    target = tmp_path / f"out{suffix}"
    rewrite(clip, target)
    assert leftovers(target) == []
    output = target.read_bytes()
    assert TOKEN.encode() not in output
    assert b"x264" not in output
    assert str(tmp_path).encode() not in output
    with av.open(str(target)) as file:
        assert [stream.type for stream in file.streams] == ["video", "audio"]
        assert not file.chapters()
    assert read(target).times == read(clip).times
    for other in {".mp4", ".mkv", ".webm"} - {suffix}:
        rewrite(clip, tmp_path / f"out{other}", Options())
        assert TOKEN.encode() not in (tmp_path / f"out{other}").read_bytes()
        assert leftovers(tmp_path / f"out{other}") == []


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_what_was_cut_off_at_the_beginning_is_gone(suffix: str, tmp_path: Path) -> None:
    """A list of edits passes over it, and anybody could take the list away."""
    clip = compose(tmp_path / f"in{suffix}", settings=X264, sound="aac", times=range(50))
    assert not any("cut off" in name for name in leftovers(clip))
    data = bytearray(clip.read_bytes())
    at, cuts = 0, []
    for unit in (12_800, 48_000):  # of the pictures, of the sound
        at = data.index(b"elst", at) + 16
        cuts.append(int.from_bytes(data[at : at + 4], "big") + unit)
        data[at : at + 4] = cuts[-1].to_bytes(4, "big")
    clip.write_bytes(data)
    assert {"pictures that are cut off", "sound that is cut off"} <= set(leftovers(clip))
    for target in (tmp_path / "out.mp4", tmp_path / "out.mov", tmp_path / "out.mkv"):
        sink = rewrite(clip, target)
        assert (sink.warnings, leftovers(target)) == ((), [])
        heard, before = hear(target), hear(clip)
        assert heard.seconds == pytest.approx(before.seconds, abs=0.03)
        assert len(read(target).times) == 25
        with av.open(str(target), options={"ignore_editlist": "1"}) as file:
            seconds = sum(packet.duration or 0 for packet in file.demux(audio=0))
            track = file.streams.audio[0]
            assert track.time_base
            assert seconds * track.time_base < before.seconds + 0.15


def test_sound_that_begins_late_begins_where_it_did(tmp_path: Path) -> None:
    """Half a second of nothing in place of the first half second of sound, as programs write it
    that let sound in later: what was cut off must not be heard there."""
    clip = compose(tmp_path / "in.mp4", settings=X264, sound="aac", times=range(50))
    data = clip.read_bytes()
    _, place = (one for one in tree(data, 0, len(data)) if one.kind == "elst")
    moves = struct.pack(">IIIiIIiI", 0, 2, 500, -1, 65_536, 1500, 1024 + 24_000, 65_536)
    data = put(data, place.end, bytes(12), (*place.inside, place.at))
    clip.write_bytes(data[: place.body] + moves + data[place.body + len(moves) :])
    for target in (tmp_path / "out.mp4", tmp_path / "out.mov", tmp_path / "out.mkv"):
        sink = rewrite(clip, target)
        assert (sink.warnings, leftovers(target)) == ((), [])
        for path in (clip, target):
            with av.open(str(path)) as file:
                first = next(file.decode(audio=0))
                assert first.time == pytest.approx(0.5, abs=0.025)


def test_the_parameters_of_encoders_stay_out(tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mp4", settings=X264, times=range(3))
    assert "user data in the picture stream" in leftovers(clip)
    for encoder in ("libx264", "libx265", "libsvtav1", "libvpx-vp9"):
        target = tmp_path / f"{encoder}.mkv"
        rewrite(clip, target, Options(encoder=encoder))
        assert leftovers(target) == []


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_looking_through_broken_files_never_fails(suffix: str, tmp_path: Path) -> None:
    clip = compose(tmp_path / f"in{suffix}", settings=X264, sound="aac", times=range(4))
    whole = clip.read_bytes()
    random = np.random.default_rng(1)
    for _ in range(60):
        broken = np.frombuffer(whole, np.uint8).copy()
        broken[random.integers(16, len(broken), 20)] = random.integers(0, 256, 20)
        assert isinstance(leftovers(broken[: random.integers(64, len(broken))].tobytes()), list)
