"""Broken videos, requests that cannot be met, and runs that do not end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest

from faceveil.errors import (
    FaceVeilError,
    InputError,
    LimitError,
    OutputError,
    UnreadableError,
    UnsupportedError,
    UsageError,
)
from faceveil.frames import Frame
from faceveil.media import open_sink
from faceveil.media.videos import decoding
from faceveil.media.videos.damage import DamageTracker
from faceveil.options import Options
from videos import QUICK, X264, compose, default_target, read, rewrite, sound_packets, source_of


def damaged(path: Path, tmp_path: Path, spots: int) -> Path:
    """A copy with some bytes of the coded pictures replaced."""
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    at = bytes(data).index(b"mdat")
    random = np.random.default_rng(spots)
    places = random.integers(at + 2000, len(data) - 3000, spots)
    data[places] = random.integers(0, 256, spots)
    target = tmp_path / f"damaged{spots}.mp4"
    target.write_bytes(data.tobytes())
    return target


@pytest.mark.parametrize("spots", [1, 5, 20, 40])
def test_one_thread_tells_of_damage_as_several_do(
    spots: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = compose(
        tmp_path / "in.mp4",
        settings={**X264, "crf": "1"},
        times=range(60),
        size=(192, 128),
    )
    path, told = damaged(clip, tmp_path, spots), []
    for bits, threads in ((0, range(2, 9)), (10**9, range(1, 2))):
        monkeypatch.setattr(decoding, "FEW_BITS", bits)
        with av.open(str(path)) as container:
            assert decoding.threads_for(container.streams.video[0]) in threads
        with source_of(path) as source:
            frames = [(frame.index, frame.pts, frame.damaged) for frame in source.frames()]
            told.append((frames, source.warnings))
    several, one = told
    assert one == several


@pytest.mark.parametrize("spots", [1, 5, 40])
def test_damaged_frames_are_marked_and_keep_their_time(spots: int, tmp_path: Path) -> None:
    clip = compose(
        tmp_path / "in.mp4",
        settings={**X264, "crf": "1"},
        times=range(60),
        size=(192, 128),
    )
    with source_of(damaged(clip, tmp_path, spots)) as source:
        first = [(frame.index, frame.pts, frame.damaged) for frame in source.frames()]
        warnings = source.warnings
        assert [(one.index, one.pts, one.damaged) for one in source.frames()] == first
        assert source.warnings == warnings
        marked = sum(mark for *_, mark in first)
        assert bool(warnings) == bool(marked or len(first) < 60)
        assert (
            any(f"{marked} damaged pictures are covered" in one for one in warnings) or not marked
        )
        rewrite(tmp_path / f"damaged{spots}.mp4", tmp_path / "out.mp4")
        kept = [time * source.time_base for _, time, _ in first]
        assert read(tmp_path / "out.mp4").times == kept
    assert {pts for _, pts, _ in first} <= {time * 512 for time in range(60)}


def test_what_follows_a_damaged_frame_is_damaged_until_a_key_frame(data: Path) -> None:
    with source_of(data / "videos" / "corrupted.mp4") as source:
        marks = [frame.damaged for frame in source.frames()]
        assert 0 < sum(marks) < len(marks)
        assert marks == sorted(marks)  # there is one key frame, the first
        assert any("could not be decoded" in one for one in source.warnings)


class Shown:
    """A decoded frame as a tracker of damage sees it."""

    def __init__(self, pts: int, *, corrupt: bool = False, key: bool = False) -> None:
        self.pts, self.dts, self.is_corrupt, self.key_frame = pts, pts, corrupt, key


class Coded(Shown):
    """A packet as a tracker of damage sees it."""

    size = 1

    @property
    def is_keyframe(self) -> bool:
        return self.key_frame


def judged(coded: list[int], damaged: set[int]) -> list[int | None]:
    """The times of the frames that count as damaged.

    Args:
        coded: times of the frames in the order in which they are coded; the first is a key frame.
        damaged: those that the decoder marks.
    """
    doubt = DamageTracker()
    found, given = list[int | None](), list[int | None]()
    shown = sorted(coded)
    for number, pts in enumerate(coded):
        doubt.sent(cast("Any", Coded(pts, key=not number)))
    for pts in shown:
        frames = [Shown(pts, corrupt=pts in damaged, key=pts == coded[0])]
        for frame, suspect in doubt.judged(cast("Any", frames), last=pts == shown[-1]):
            given.append(frame.pts)
            found += [frame.pts] if suspect else []
    assert given == shown
    return found


@pytest.mark.parametrize(
    ("coded", "damaged", "marked"),
    [
        ([0, 1, 2, 3, 4], {2}, [2, 3, 4]),
        ([0, 4, 2, 1, 3, 8, 6, 5, 7], {8}, [5, 6, 7, 8]),  # 5 to 7 are predicted from 8
        ([0, 4, 2, 1, 3, 8, 6, 5, 7], {6}, [5, 6, 7, 8]),
        ([0, 4, 2, 1, 3, 8, 6, 5, 7], set(), []),
    ],
)
def test_what_is_predicted_from_a_later_damaged_frame_is_damaged(
    coded: list[int], damaged: set[int], marked: list[int]
) -> None:
    assert judged(coded, damaged) == marked


def test_frames_wait_only_for_those_they_are_predicted_from() -> None:
    doubt = DamageTracker()
    for number, pts in enumerate([0, 3, 1, 2, 4]):
        doubt.sent(cast("Any", Coded(pts, key=not number)))
    given = []
    for pts in range(5):
        frames = cast("Any", [Shown(pts)])
        given.append([frame.pts for frame, _ in doubt.judged(frames, last=False)])
    assert given == [[0], [], [], [1, 2, 3], [4]]


@pytest.mark.slow
def test_b_pictures_of_a_damaged_one_are_marked(tmp_path: Path) -> None:
    """Bits of a P picture are flipped; the B pictures shown before it are predicted from it."""
    settings = {"preset": "fast", "bf": "3", "b_strategy": "0", "sc_threshold": "0", "crf": "12"}
    clip = compose(tmp_path / "in.mp4", settings=settings, size=(192, 128), times=range(12))
    whole = read(clip, pixels=True).planes
    with av.open(str(clip)) as file:
        packets = [one for one in file.demux(video=0) if one.size]
    reference = packets[1]
    assert (reference.pts or 0) > (packets[2].pts or 0)
    assert reference.pos is not None
    data = clip.read_bytes()
    for share in range(20, 95, 5):  # not every bit that is flipped makes a picture that is marked
        place = reference.pos + reference.size * share // 100
        broken = data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
        with source_of(broken) as source:
            frames = [(frame.damaged, frame.peek().y.copy()) for frame in source.frames()]
        if len(frames) == 12 and 0 < sum(mark for mark, _ in frames) < 12:
            break
    assert 0 < sum(mark for mark, _ in frames) < 12
    wrong = [
        index
        for index, ((_, luma), true) in enumerate(zip(frames, whole, strict=True))
        if np.abs(luma.astype(int) - true[0][:128, :192]).max() > 20
    ]
    assert {1, 2, 3} & set(wrong)
    assert all(frames[index][0] for index in wrong)


def test_both_readings_of_vp8_are_the_same(tmp_path: Path) -> None:
    """Its decoder does not notice damage, which looks otherwise without smoothing."""
    settings = {"deadline": "realtime", "cpu-used": "8", "b:v": "60k"}
    path = compose(tmp_path / "in.webm", codec="libvpx", settings=settings, size=(192, 128))
    with source_of(path) as source:
        pairs = zip(source.frames(), source.skim(), strict=True)
        assert all(np.array_equal(a.peek().y, b.peek().y) for a, b in pairs)


def test_a_file_that_was_cut_off_says_so(tmp_path: Path) -> None:
    clip = compose(
        tmp_path / "in.mp4",
        settings=X264,
        times=range(200),
        container={"movflags": "+faststart"},
    )
    whole = clip.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    with source_of(tmp_path / "cut.mp4") as source:
        count = sum(1 for _ in source.frames())
        assert 0 < count < 200
        assert source.warnings


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08moov" + bytes(300),
        b"\x1a\x45\xdf\xa3" + bytes(200),
        b"RIFF\x10\0\0\0AVI LIST" + bytes(100),
        b"\0\0\x01\xba" + bytes(500),
        b"\0\0\x01\xb3" + bytes(500),
        b"".join(b"\x47" + bytes(187) for _ in range(20)),
    ],
)
def test_broken_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    for origin in (content, tmp_path / "x"):
        with pytest.raises(InputError):
            source_of(origin)


@pytest.mark.slow
def test_random_damage_never_raises_anything_else(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    for suffix in (".mp4", ".mkv", ".avi", ".ts"):
        codec = "mpeg4" if suffix == ".avi" else "libx264"
        clip = compose(
            tmp_path / f"in{suffix}",
            codec=codec,
            settings=X264 if codec == "libx264" else {},
            muxer="mpegts" if suffix == ".ts" else None,
            sound="libmp3lame",
        )
        whole = clip.read_bytes()
        for turn in range(8):
            broken = np.frombuffer(whole, np.uint8).copy()
            broken[random.integers(32, len(broken), 30)] = random.integers(0, 256, 30)
            bad = tmp_path / f"bad{turn}{suffix}"
            bad.write_bytes(broken[: random.integers(500, len(broken) + 1)].tobytes())
            with suppress(FaceVeilError):
                rewrite(bad, default_target(bad, tmp_path))
    assert not list(tmp_path.glob(".*.part"))


def test_refusals_in_words(tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mp4", settings=X264, aspect=Fraction(4, 3), times=range(2))
    with pytest.raises(LimitError):
        source_of(clip, Options(max_pixels=1000))
    with pytest.raises(UsageError, match=r"written as \.avi"):
        rewrite(clip, tmp_path / "out.avi")
    with pytest.raises(UsageError, match="overwrite the input"):
        rewrite(clip, clip)
    with pytest.raises(UsageError, match="not square"):
        rewrite(clip, tmp_path / "out.webm", Options())
    with pytest.raises(UsageError, match="does not fit"):
        rewrite(clip, tmp_path / "out.webm", Options(encoder="libx264"))
    with pytest.raises(UsageError, match="no encoder 'nope'") as caught:
        rewrite(clip, tmp_path / "out.mp4", Options(encoder="nope"))
    assert "libx264" in caught.value.advice
    with pytest.raises(UsageError, match="does not start"):
        rewrite(clip, tmp_path / "out.mp4", Options(encoder_preset="warp"))
    with pytest.raises(OutputError):
        rewrite(clip, tmp_path / "no" / "out.mp4")
    deep = compose(tmp_path / "deep.mp4", format="yuv420p10le", settings=X264, times=range(2))
    with pytest.raises(UsageError, match="10 bits"):
        rewrite(deep, tmp_path / "out.mkv", Options(encoder="libvpx-vp9"))
    with av.open(str(tmp_path / "sound.mp4"), "w") as output:
        track = output.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        frame.sample_rate = 48000
        output.mux([*track.encode(frame), *track.encode(None)])
    with pytest.raises(UnsupportedError, match="no picture"):
        source_of(tmp_path / "sound.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep.mp4", "in.mp4", "sound.mp4"]


def test_hardware_that_is_not_there_is_named(tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mp4", settings=X264, times=range(2))
    other = "h264_mf" if sys.platform == "darwin" else "h264_videotoolbox"
    with pytest.raises(UsageError, match=other) as caught:
        rewrite(clip, tmp_path / "out.mp4", Options(encoder=other))
    assert "libx264" in caught.value.advice


def test_an_abandoned_output_leaves_nothing(tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mp4", settings=X264, sound="aac")
    target = tmp_path / "out.mp4"
    with source_of(clip) as source:
        with open_sink(target, source, QUICK) as sink:
            for frame in source.frames():
                sink.write(frame)
            assert sink.finish().exists()
        assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
        with suppress(RuntimeError), open_sink(target, source, QUICK) as sink:
            sink.write(next(source.frames()))
            raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_frames_from_elsewhere_are_refused(tmp_path: Path, astronaut: Any) -> None:
    clip = compose(tmp_path / "in.mp4", settings=X264, times=range(2))
    with (
        source_of(clip) as source,
        open_sink(tmp_path / "out.mp4", source, QUICK) as sink,
        pytest.raises(UsageError),
    ):
        sink.write(Frame(0, astronaut))


KILLED = """
import sys, time
from pathlib import Path
from faceveil.media import open_sink, open_source
from faceveil.options import Options
clip, target = map(Path, sys.argv[1:])
with open_source(clip, Options()) as source, open_sink(target, source, Options()) as sink:
    for frame in source.frames():
        sink.write(frame)
        if frame.index == 100:
            print("running", flush=True)
            time.sleep(60)
"""


@pytest.mark.slow
def test_a_killed_run_leaves_no_file_under_the_final_name(tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mp4", settings=X264, times=range(120))
    target = tmp_path / "out.mp4"
    command = [sys.executable, "-c", KILLED, str(clip), str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"running\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not target.exists()
    (part,) = tmp_path.glob(".out.mp4.*.part")
    assert part.stat().st_mode & 0o077 == 0


def test_bytes_are_read_as_files_are(tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mp4", settings=X264, sound="aac")
    rewrite(clip.read_bytes(), tmp_path / "out.mp4")
    assert read(tmp_path / "out.mp4").times == read(clip).times
    assert sound_packets(tmp_path / "out.mp4") == sound_packets(clip)


def test_names_do_not_matter(tmp_path: Path) -> None:
    clip = compose(tmp_path / "in.mp4", settings=X264, times=range(2))
    odd = tmp_path / "concat:http:%d wéird\n.jpg"
    clip.rename(odd)
    rewrite(odd, tmp_path / "out%03d.mp4")
    assert len(read(tmp_path / "out%03d.mp4").times) == 2


def test_only_broken_input_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        source_of(Path("no such file.mp4"))
