"""A frame of a video that somebody points at: the right one, found without reading up to it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from faceveil.errors import UnreadableError
from faceveil.frames import Image
from faceveil.media.videos.glances import Glances
from faceveil.media.videos.video import VideoSource
from films import film, scenery
from test_fragments import put, tree
from tiers import daily
from videos import source_of

FRAMES, SIZE = 60, (160, 96)

CODINGS = {
    "plain": {"bf": "0"},
    "reordered": {"bf": "3", "preset": "veryfast"},
    "open groups": {"bf": "3", "preset": "veryfast", "x264-params": "open-gop=1"},
}


def numbered() -> list[Image]:
    """Pictures that show by their brightness which they are."""
    ground = scenery(3, SIZE) // 8
    return [(ground + 2 * index + 10).astype(np.uint8) for index in range(FRAMES)]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", daily(["mp4", "mkv", "mov", "ts", "avi"], "mp4"))
@pytest.mark.parametrize("coding", CODINGS)
def test_the_frame_that_is_pointed_at(tmp_path: Path, suffix: str, coding: str) -> None:
    clip = film(tmp_path / f"c.{suffix}", numbered(), gop=20, settings=CODINGS[coding])
    source = source_of(clip)
    exact = {frame.index: frame.image for frame in source.frames()}
    assert len(exact) == FRAMES
    glances = Glances(source)
    # Around the key frames everything differs: order, groups, what a frame refers to.
    for index in (37, 0, FRAMES - 1, 18, 19, 20, 21, 40, 39, *range(16, 44), *range(43, 15, -1)):
        frame = glances.at(index)
        assert frame is not None
        assert frame.index == index
        assert (frame.image == exact[index]).all(), (suffix, index)
    assert glances.at(FRAMES) is None
    for first, end in ((18, 41), (19, 20), (0, FRAMES)):
        some = list(glances.between(first, end))
        assert [frame.index for frame in some] == list(range(first, end))
        assert all(abs(float(one.image.mean() - exact[one.index].mean())) < 0.5 for one in some)


@pytest.mark.parametrize("suffix", daily(["mp4", "mkv", "ts"], "mp4"))
@pytest.mark.parametrize("coding", CODINGS)
def test_a_sample_has_the_frames_themselves(tmp_path: Path, suffix: str, coding: str) -> None:
    """The check looks at it: it must not look at what no player shows."""
    clip = film(tmp_path / f"c.{suffix}", numbered(), gop=20, settings=CODINGS[coding])
    source = source_of(clip)
    exact = {frame.index: frame.image for frame in source.frames()}
    for wanted in ({18, 19, 20, 39, 41}, {19}, set(range(FRAMES))):
        found = {frame.index: frame.image for frame in source.sample(wanted)}
        assert found.keys() == wanted
        assert all((found[index] == exact[index]).all() for index in wanted)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("cut", [7, 23])
def test_of_a_trimmed_film_what_is_left_counts(cut: int, coding: str, tmp_path: Path) -> None:
    """A list of edits passes over its beginning, which is needed to decode the rest."""
    clip = film(tmp_path / "c.mp4", numbered(), gop=20, settings=CODINGS[coding])
    data = bytearray(clip.read_bytes())
    at = data.index(b"elst") + 16
    start = int.from_bytes(data[at : at + 4], "big") + cut * 512  # of 12800 in a second
    data[at : at + 4] = start.to_bytes(4, "big")
    clip.write_bytes(data)
    source = source_of(clip)
    exact = {frame.index: frame.image for frame in source.frames()}
    assert len(exact) == FRAMES - cut
    glances = Glances(source)
    for index in (0, 1, 12, 13, 14, 20, 35, 3):
        frame = glances.at(index)
        assert frame is not None
        assert (frame.image == exact[index]).all(), index
    assert glances.at(len(exact)) is None
    assert [one.index for one in glances.between(2, 30)] == list(range(2, 30))
    found = {frame.index: frame.image for frame in source.sample({0, 5, 21})}
    assert found.keys() == {0, 5, 21}
    assert all((found[index] == exact[index]).all() for index in found)


def test_a_key_frame_that_is_cut_off_is_not_taken_for_the_frame_shown_at_its_time(
    tmp_path: Path,
) -> None:
    """Of two pieces the second begins within a group, and FFmpeg gives what is before its cut the
    times of the first one's frames."""
    clip = film(tmp_path / "c.mp4", numbered(), gop=20, settings=CODINGS["plain"])
    data = clip.read_bytes()
    (place,) = (one for one in tree(data, 0, len(data)) if one.kind == "elst")
    (start,) = struct.unpack(">i", data[place.body + 12 : place.body + 16])
    pieces = (35 * 40, start, 65_536, 8 * 40, start + 52 * 512, 65_536)
    moves = struct.pack(">IIIiIIiI", 0, 2, *pieces)
    data = put(data, place.end, bytes(12), (*place.inside, place.at))
    clip.write_bytes(data[: place.body] + moves + data[place.body + len(moves) :])
    source = source_of(clip)
    exact = {frame.index: frame.image for frame in source.frames()}
    assert len(exact) == 35 + 8
    assert source.key_frames() == [0, 20]
    glances = Glances(source)
    for index in (0, 22, 24, 34, 35, 40, 42, 41, 23):
        frame = glances.at(index)
        assert frame is not None
        assert (frame.image == exact[index]).all(), index
    assert [one.index for one in glances.between(22, 42)] == list(range(22, 42))


def test_long_stretches_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first glance at it, a file is neither searched nor decoded from its beginning."""
    clip = film(tmp_path / "c.mp4", numbered(), gop=20)
    source = source_of(clip)
    glances = Glances(source)
    assert glances.at(3) is not None

    def refused(self: VideoSource, *_: object) -> None:
        raise AssertionError("all of it is read")

    for reading in ("times", "sample", "_decode"):
        monkeypatch.setattr(VideoSource, reading, refused)
    assert all(glances.at(index) is not None for index in (55, 0, 31))


def test_a_file_that_is_gone_is_not_held_open(tmp_path: Path) -> None:
    clip = film(tmp_path / "c.mp4", numbered(), gop=20)
    glances = Glances(source_of(clip))
    assert glances.at(3) is not None
    assert is_open(clip)
    clip.unlink()
    with pytest.raises(UnreadableError):
        glances.at(4)
    assert not is_open(clip)


def test_a_closed_file_is_opened_again(tmp_path: Path) -> None:
    clip = film(tmp_path / "c.mp4", numbered(), gop=20)
    glances = Glances(source_of(clip))
    first = glances.at(30)
    glances.close()
    assert not is_open(clip)
    again = glances.at(30)
    assert first is not None
    assert again is not None
    assert (first.image == again.image).all()


def is_open(path: Path) -> bool:
    """Does this process hold the file open, also when its name is gone?"""
    held = Path("/proc/self/fd")
    if not held.is_dir():
        pytest.skip("this system does not tell which files are open")
    return any(str(path) in str(one.readlink()) for one in held.iterdir() if one.is_symlink())
