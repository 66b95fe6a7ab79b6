"""MP4 and QuickTime declare how many pictures they hold: those that cannot be read are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from faceveil import veil_file
from faceveil.media.kinds import sniff
from faceveil.media.videos.containers import all_packets, open_input, picture_stream
from faceveil.media.videos.counted import Counted
from test_fragments import tree
from videos import CLIPS, QUICK, X264, compose, source_of

FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
TOLD = re.compile(r"(\d+) of the (\d+) pictures that the file declares cannot be read")


def fragmented(path: Path) -> tuple[bytes, list[bytes]]:
    """A film of 60 frames: what stands before its five fragments, and these."""
    data = compose(path, settings=X264, times=range(60), container=FRAGMENTS).read_bytes()
    places = [one for one in tree(data, 0, len(data)) if not one.inside]
    heads = [one.at for one in places if one.kind == "moof"]
    ends = [*heads[1:], next(one.at for one in places if one.kind == "mfra")]
    return data[: heads[0]], [data[at:end] for at, end in zip(heads, ends, strict=True)]


def read(path: Path | bytes) -> tuple[int, tuple[str, ...]]:
    with source_of(path) as source:
        return sum(1 for _ in source.frames()), source.warnings


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (0, 2, 1, 3, 4), (1, 0, 4, 3, 2)])
def test_pictures_of_fragments_out_of_order_are_not_lost_silently(
    order: tuple[int, ...], tmp_path: Path
) -> None:
    begin, parts = fragmented(tmp_path / "whole.mp4")
    clip = tmp_path / "in.mp4"
    clip.write_bytes(begin + b"".join(parts[number] for number in order))
    count, warnings = read(clip)
    report = veil_file(clip, tmp_path / "out.mp4", QUICK, check="off")
    told = [TOLD.match(one) for one in report.warnings]
    assert warnings == report.warnings
    if order == (0, 1, 2, 3, 4):
        assert (count, told, report.status) == (60, [], "ok")
        return
    # FFmpeg shows nothing that is earlier than what came before it.
    assert count < 60
    assert [one and one.groups() for one in told] == [(str(60 - count), "60")]
    assert report.status == "partial"


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_pictures_without_a_place_in_the_file_are_told(suffix: str, tmp_path: Path) -> None:
    path = compose(tmp_path / f"in.{suffix}", settings=X264, sound="aac", times=range(60))
    data = bytearray(path.read_bytes())
    assert read(bytes(data)) == (60, ())
    table = next(one for one in tree(bytes(data), 0, len(data)) if one.kind == "stco")
    chunks = int.from_bytes(data[table.body + 4 : table.body + 8], "big")
    assert chunks > 2
    data[table.body + 4 : table.body + 8] = (chunks // 2).to_bytes(4, "big")
    count, warnings = read(bytes(data))
    assert 0 < count < 60
    assert [one.groups() for one in map(TOLD.match, warnings) if one] == [(str(60 - count), "60")]


def test_pictures_that_an_edit_list_leaves_out_are_not_missing(tmp_path: Path) -> None:
    path = compose(tmp_path / "in.mp4", settings=X264, times=range(60))
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 16
    start = int.from_bytes(data[at : at + 4], "big") + 31 * 512  # of 12800 in a second
    data[at : at + 4] = start.to_bytes(4, "big")
    count, warnings = read(bytes(data))
    assert count == 29
    assert not any(map(TOLD.match, warnings))


@pytest.mark.parametrize("less", [1, 2, 3, 4, 5])
def test_a_table_whose_length_is_damaged_costs_no_other_picture(less: int, tmp_path: Path) -> None:
    path = tmp_path / "in.mp4"
    fragmented(path)
    data = bytearray(path.read_bytes())
    table = [one for one in tree(bytes(data), 0, len(data)) if one.kind == "trun"][-1]
    length = int.from_bytes(data[table.at : table.at + 4], "big")
    data[table.at : table.at + 4] = (length - less).to_bytes(4, "big")
    count, _ = read(bytes(data))
    assert count >= 48  # those of the other fragments


def test_a_header_that_is_repeated_declares_nothing_more(tmp_path: Path) -> None:
    begin, parts = fragmented(tmp_path / "in.mp4")
    again = begin.index(b"moov") - 4
    count, warnings = read(begin + b"".join(one + begin[again:] for one in parts[:-1]) + parts[-1])
    assert (count, warnings) == (60, ())
    whole = compose(tmp_path / "one.mp4", settings=X264, times=range(60)).read_bytes()
    count, warnings = read(whole + whole)
    assert count == 60
    assert len(warnings) == 1  # that another one follows
    assert not TOLD.match(warnings[0])


@pytest.mark.parametrize("what", ["its size", "its track", "its samples", "cut off"])
def test_a_header_of_another_recording_is_told(what: str, tmp_path: Path) -> None:
    begin, parts = fragmented(tmp_path / "in.mp4")
    later = bytearray(begin[begin.index(b"moov") - 4 :])
    boxes = {one.kind: one for one in tree(bytes(later), 0, len(later))}
    if what == "its size":
        later[later.index(b"avc1") + 29] ^= 16
    elif what == "its track":
        later[boxes["tkhd"].body + 15] = 7
    elif what == "its samples":
        later[boxes["stsz"].body + 11] = 7
    else:
        del later[-20:], parts[-1]
    _, warnings = read(
        begin + b"".join(parts[:3]) + later + b"".join(parts[3:]) * (what != "cut off")
    )
    assert "another recording follows in the file, and is not read" in warnings


@pytest.mark.parametrize("name", [one for one in CLIPS if one.endswith((".mp4", ".mov"))])
def test_whole_clips_hold_what_they_declare(name: str, data: Path) -> None:
    clip = data / "videos" / name
    kind = sniff(clip.read_bytes()[:4096]) or ""
    with open_input(clip, kind) as container:
        stream = picture_stream(container)
        assert stream is not None
        packets = Counted(stream, all_packets(container, [stream]))
        assert sum(1 for _ in packets) > 1
        assert packets.lack(clip, kind) == ()
