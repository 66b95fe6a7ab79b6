"""Stretches of a video in which nothing is painted go over as they are coded, and nothing else."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av import logging
from av.bitstream import BitStreamFilterContext
from numpy.typing import NDArray

import faceveil
from faceveil import check, pipeline
from faceveil.errors import OutputError
from faceveil.frames import Frame, Image, Span
from faceveil.geometry import Box
from faceveil.media import open_sink
from faceveil.media.videos import h264
from faceveil.media.videos.copying import Copies
from faceveil.media.videos.splice import Splice
from faceveil.media.videos.video import VideoSource
from faceveil.media.videos.video_write import VideoSink
from faceveil.options import Options
from faceveil.plan import Face
from faceveil.report import Report
from films import Told, film, head, inside, put, scenery
from tiers import daily
from videos import QUARTERS, TOKEN, read, sound_packets, source_of

GREY = 126
"""Luma of the grey fill, limited range: 16 + 128 * 219 / 255."""
FACES = range(80, 100)
FRAMES = 200
SIZE = (240, 144)
AT = (120, 40)
PYRAMID = {"preset": "medium", "refs": "4", "x264-params": "bframes=5:b-pyramid=normal"}
OPEN = {"preset": "medium", "refs": "4", "x264-params": "bframes=5:b-pyramid=normal:open-gop=1"}
SLICES = {h264.SLICE, h264.IDR}
STRICT = Options(preset="strict")


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Told], Told]:
    def install(detector: Told) -> Told:
        for module in (pipeline, check):
            monkeypatch.setattr(module, "load_detector", lambda options, kind: detector)
        return detector

    return install


@pytest.fixture
def seen(use: Callable[[Told], Told], astronaut: Image) -> Box:
    """A detector that sees the head in some frames, and where the face is."""
    box = head(astronaut)[1].transformed(1.0, *AT)
    use(Told(script=lambda index: [Face(box, 0.9)] if index in FACES else []))
    return box


@pytest.fixture(scope="session")
def pictures(_astronaut: Image) -> list[Image]:
    """A scene that shifts, with noise in a corner, so that no two pictures are coded alike; with a
    head in some of the frames."""
    random, scenes, actor = np.random.default_rng(1), scenery(3, SIZE), head(_astronaut)[0]
    shown = []
    for index in range(FRAMES):
        picture = np.roll(scenes, index // 2, axis=1)
        picture[-24:, :24] = random.integers(0, 256, (24, 24, 3))
        shown.append(put(picture, actor, *AT) if index in FACES else picture)
    return shown


Filmed = Callable[..., Path]


@pytest.fixture(scope="session")
def filmed(pictures: list[Image], tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    """Writes a film of the first pictures; one that was asked for before is not encoded again."""
    folder = tmp_path_factory.mktemp("films")

    @cache
    def encoded(suffix: str, count: int, gop: int, settings: tuple[tuple[str, str], ...]) -> bytes:
        path = folder / f"film{suffix}"
        return film(path, pictures[:count], gop=gop, settings=dict(settings)).read_bytes()

    def filmed(
        path: Path, count: int = FRAMES, *, gop: int = 25, settings: dict[str, str] = PYRAMID
    ) -> Path:
        path.write_bytes(encoded(path.suffix, count, gop, tuple(settings.items())))
        return path

    return filmed


def planes(path: Path) -> list[tuple[Fraction, bytes]]:
    """The time and the picture of each frame."""
    found = []
    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            assert frame.pts is not None
            assert frame.time_base is not None
            found.append((frame.pts * frame.time_base, b"".join(map(bytes, frame.planes))))
    return found


def same(path: Path, other: Path) -> list[bool]:
    """Numbers of the frames that are equal bit for bit in two files with the same times."""
    ours, theirs = planes(path), planes(other)
    assert [time for time, _ in ours] == [time for time, _ in theirs]
    return [a == b for (_, a), (_, b) in zip(ours, theirs, strict=True)]


def packets(path: Path) -> Iterator[tuple[Any, list[bytes]]]:
    """The packets of the pictures, each with its units."""
    with av.open(str(path)) as file:
        for packet in file.demux(video=0):
            data, at, units = bytes(packet), 0, []
            while at < len(data):
                (size,) = struct.unpack(">I", data[at : at + 4])
                units.append(data[at + 4 : at + 4 + size])
                at += 4 + size
            if units:
                yield packet, units


def kinds(units: Sequence[bytes]) -> set[int]:
    return {unit[0] & 31 for unit in units}


def veiled(clip: Path, options: Options = STRICT, suffix: str = "") -> tuple[Report, Path]:
    out = clip.with_name(f"out{suffix or clip.suffix}")
    return faceveil.veil_file(clip, out, options), out


def lumas(path: Path, start: int = 0) -> Iterator[tuple[int | None, NDArray[np.int16]]]:
    """Time and luma of every frame from a key frame on."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        if start:
            file.seek(start, stream=stream)
        for frame in file.decode(stream):
            plane = np.from_dlpack(frame.planes[0])
            yield frame.pts, plane[:, : frame.width].astype(np.int16)


def bare(luma: NDArray[np.int16], face: Box) -> float:
    """Difference between the place of the face and the grey that covers it."""
    return float(np.abs(inside(luma, face) - GREY).mean())


@pytest.mark.slow
@pytest.mark.parametrize("suffix", daily([".mp4", ".mov", ".mkv"], ".mp4"))
@pytest.mark.parametrize("settings", [{}, PYRAMID])
def test_untouched_groups_are_the_same_bit_for_bit(
    tmp_path: Path, filmed: Filmed, seen: Box, suffix: str, settings: dict[str, str]
) -> None:
    clip = filmed(tmp_path / f"a{suffix}", settings=settings)
    report, out = veiled(clip)
    assert (report.status, report.warnings) == ("ok", ())
    equal = same(out, clip)
    first, last = equal.index(False), FRAMES - equal[::-1].index(False)
    assert first <= FACES.start
    assert FACES.stop <= last
    assert report.copied >= FRAMES - (last - first)
    assert sum(equal) >= report.copied == FRAMES - 75
    assert f"{report.copied} frames stayed as they were coded: nothing is painted there" in (
        report.notes
    )
    for number, (_, luma) in enumerate(lumas(out)):
        assert number not in FACES or bare(luma, seen) < 4


@contextmanager
def listening() -> Iterator[list[str]]:
    """The messages of the libraries meanwhile, of warnings and errors, from all threads."""
    heard: list[str] = []
    before = logging.get_level()
    logging.set_level(logging.WARNING)
    try:
        with logging.Capture(local=False) as lines:
            yield heard
            heard += [line[2] for line in lines]
    finally:
        logging.set_level(before)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_decoder_has_nothing_to_say(
    tmp_path: Path, filmed: Filmed, seen: Box, suffix: str
) -> None:
    """From the start, and from every key frame; of a file that is broken it has."""
    report, out = veiled(filmed(tmp_path / f"a{suffix}"))
    assert report.copied
    with listening() as heard:
        assert sum(1 for _ in lumas(out)) == FRAMES
        starts = [packet.pts for packet, _ in packets(out) if packet.is_keyframe]
        for start in starts:
            assert next(lumas(out, start))[0] == start
    assert len(starts) > 3
    assert heard == []
    data = bytearray(out.read_bytes())
    for at in range(len(data) // 2, len(data) * 3 // 4, 97):
        data[at] ^= 0xFF
    out.write_bytes(data)
    with listening() as heard:
        try:
            left = sum(1 for _ in lumas(out))
        except av.FFmpegError:
            left = 0
    assert heard or left < FRAMES  # a container may be so broken that no picture is decoded


@pytest.mark.slow
@pytest.mark.parametrize(
    "faces", daily([range(12), range(188, 200), range(0), range(60, 140)], every=2)
)
def test_wherever_the_faces_are(
    tmp_path: Path, filmed: Filmed, seen: Box, use: Any, faces: range
) -> None:
    """At the beginning, at the end, nowhere, and over several groups."""
    use(Told(script=lambda index: [Face(seen, 0.9)] if index in faces else []))
    clip = filmed(tmp_path / "a.mp4")
    report, out = veiled(clip)
    equal = same(out, clip)
    assert report.copied <= sum(equal)
    assert report.copied >= FRAMES - len(faces) - 70
    if not faces:
        assert all(equal)
    for number, (_, luma) in enumerate(lumas(out)):
        assert number not in faces or bare(luma, seen) < 4


@pytest.mark.slow
@pytest.mark.parametrize("suffix", daily([".mp4", ".mkv"], ".mp4"))
def test_times_of_every_kind_stay(
    tmp_path: Path, pictures: list[Image], seen: Box, suffix: str
) -> None:
    """Frames that stand for long, and others for a moment; a late start; sound beside them."""
    times = np.cumsum([7, 40, 1, 13, 160] * (FRAMES // 5)).tolist()
    clip = film(
        tmp_path / f"a{suffix}",
        pictures,
        times=times,
        time_base=Fraction(1, 1000),
        settings=PYRAMID,
        sound="aac",
    )
    report, out = veiled(clip)
    assert report.status == "ok"
    assert report.copied > 0
    assert sum(same(out, clip)) >= report.copied
    assert sound_packets(out) == sound_packets(clip)


@pytest.mark.slow
def test_one_container_becomes_another(tmp_path: Path, filmed: Filmed, seen: Box) -> None:
    clip = filmed(tmp_path / "a.mkv")
    report, out = veiled(clip, suffix=".mp4")
    assert report.copied
    assert sum(same(out, clip)) >= report.copied


@pytest.mark.slow
def test_a_player_is_told_of_both_kinds_of_groups(
    tmp_path: Path, filmed: Filmed, seen: Box
) -> None:
    """ISO/IEC 14496-15, 5.3.3.1: all parameter sets, and what a player for all of them needs."""
    settings = {"preset": "medium", "x264-params": "level=51", "profile": "main"}
    clip = filmed(tmp_path / "a.mp4", settings=settings)
    _, out = veiled(clip)
    with av.open(str(out)) as file:
        record = bytes(file.streams.video[0].codec_context.extradata or b"")
    sets = h264.ParameterSets.read(record)
    ours, theirs = (h264.SequenceSet.read(unit) for unit in sets.sequences)
    assert (ours.profile, theirs.profile, theirs.level) == (100, 77, 51)
    assert (record[1], record[3]) == (100, 51)
    assert record[2] == ours.limits & theirs.limits
    names = [h264.PictureSet.read(unit) for unit in sets.pictures]
    assert {one.sequences for one in names} == {ours.name, theirs.name}
    assert len({one.name for one in names}) == len(names)
    used = {ours.slice_begins(unit)[1][1] for _, units in packets(out) for unit in units}
    assert used == {one.name for one in names}
    assert all(kinds(units) <= SLICES for _, units in packets(out))
    assert all(packet.is_keyframe == (kinds(units) == {h264.IDR}) for packet, units in packets(out))


def test_parameter_sets_are_written_as_others_write_them(tmp_path: Path) -> None:
    for number, profile in enumerate(("baseline", "main", "high")):
        clip = film(
            tmp_path / f"{number}.mp4",
            [scenery(1)] * 3,
            settings={"preset": "medium", "profile": profile},
        )
        with av.open(str(clip)) as file:
            record = bytes(file.streams.video[0].codec_context.extradata or b"")
        assert h264.ParameterSets.read(record).write() == record


def joined(path: Path, parts: Sequence[Sequence[Image]], settings: dict[str, str]) -> Path:
    """One stream of parts that were encoded apart with the same settings: each begins with an IDR
    picture, whatever is open in them."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options=dict(settings))
        stream.height, stream.width = parts[0][0].shape[:2]
        stream.pix_fmt, base = "yuv420p", Fraction(1, 25)
        coded: list[Any] = []
        at = 0
        for part in parts:
            context: Any = stream.codec_context
            if at:
                context = av.CodecContext.create("libx264", "w")
                context.width, context.height = stream.width, stream.height
                context.pix_fmt, context.framerate = "yuv420p", 25
                context.flags |= av.codec.context.Flags.global_header
                context.options = dict(settings)
            context.time_base, context.gop_size = base, 25
            for picture in part:
                frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
                frame = frame.reformat(format="yuv420p")
                frame.pts, frame.time_base = at, base
                coded += context.encode(frame)
                at += 1
            coded += context.encode(None)
        for number, packet in enumerate(coded):
            packet.stream, packet.time_base, packet.dts = stream, base, number - 3
            output.mux(packet)
    return path


def groups(path: Path) -> list[list[tuple[bytes, ...]]]:
    """The slices of each picture, by groups that begin with an IDR picture."""
    found: list[list[tuple[bytes, ...]]] = []
    for _, units in packets(path):
        if h264.IDR in kinds(units):
            found.append([])
        found[-1].append(tuple(unit for unit in units if unit[0] & 31 in SLICES))
    return found


ATTACKS: dict[str, tuple[dict[str, str], int]] = {
    "leading pictures of open groups": (OPEN, 25),
    "references of many pictures": (PYRAMID, 25),
    "references of reordered pictures": (
        {"preset": "medium", "refs": "6", "x264-params": "bframes=8:b-pyramid=strict:b-adapt=0"},
        30,
    ),
    "a long way to the next key frame": (PYRAMID, 250),
    "refreshed column by column": (
        {"preset": "medium", "x264-params": "intra-refresh=1:keyint=25"},
        25,
    ),
    "slices": ({"preset": "fast", "x264-params": "slices=4:sliced-threads=1"}, 25),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", daily(ATTACKS, every=3))
def test_nothing_of_a_covered_face_is_in_what_is_copied(
    tmp_path: Path, filmed: Filmed, seen: Box, name: str
) -> None:
    settings, gop = ATTACKS[name]
    clip = filmed(tmp_path / "a.mkv", settings=settings, gop=gop)
    report, out = veiled(clip)
    _require_nothing_left(clip, out, seen, report)


@pytest.mark.slow
def test_open_groups_between_idr_pictures(tmp_path: Path, pictures: list[Image], seen: Box) -> None:
    """The parts without a face are copied whole, open groups and all; the one with a face is not,
    nor are those of its open groups in which nobody is."""
    parts = [pictures[:50], pictures[50:150], pictures[150:]]
    clip = joined(tmp_path / "a.mp4", parts, OPEN)
    assert len(groups(clip)) == 3
    assert sum(packet.is_keyframe for packet, _ in packets(clip)) > 3
    report, out = veiled(clip)
    assert report.copied == 100
    assert same(out, clip)[:50] + same(out, clip)[150:] == [True] * 100
    _require_nothing_left(clip, out, seen, report)


def _require_nothing_left(clip: Path, out: Path, face: Box, report: Report) -> None:
    """No picture of a group with a painted frame is in the output, and no way to play it shows the
    face: from the start, or from any key frame."""
    ours = {picture for group in groups(out) for picture in group}
    number, copied = 0, 0
    for group in groups(clip):
        touched = any(index in report.regions for index in range(number, number + len(group)))
        if touched:
            assert not ours.intersection(group)
        copied += len(group) if ours.issuperset(group) else 0
        number += len(group)
    assert number == report.frames
    assert report.copied == copied
    times = [time for time, _ in lumas(out)]
    faces = {times[index] for index in FACES}
    whole = dict(lumas(out))
    for luma in (whole[time] for time in faces):
        assert bare(luma, face) < 4
    for packet, _ in packets(out):
        if packet.is_keyframe and packet.pts:
            for time, luma in list(lumas(out, packet.pts))[:40]:
                assert np.array_equal(luma, whole[time])
    # What shows the face bare in the input is like nothing that is shown in the output.
    bare_face = inside(dict(enumerate(luma for _, luma in lumas(clip)))[FACES[3]], face)
    for luma in whole.values():
        assert np.abs(inside(luma, face) - bare_face).mean() > 12


def planted(clip: Path, out: Path, filter: str) -> Path:
    """The clip through one of FFmpeg's filters for coded streams."""
    with av.open(str(clip)) as source, av.open(str(out), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        through = BitStreamFilterContext(filter, stream, copy)
        for packet in source.demux(stream):
            for made in through.filter(packet if packet.size else None):
                made.stream = copy
                target.mux(made)
    return out


@pytest.mark.slow
def test_what_is_planted_beside_the_pictures_is_gone(
    tmp_path: Path, filmed: Filmed, seen: Box
) -> None:
    """User data, delimiters, parameter sets in between, filling, and bytes behind the last unit."""
    clip = filmed(tmp_path / "clean.mp4")
    told = f"h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+{TOKEN}:aud=insert"
    spoken = planted(clip, tmp_path / "spoken.mp4", told)
    with av.open(str(clip)) as file:
        sets = h264.ParameterSets.read(bytes(file.streams.video[0].codec_context.extradata or b""))
    beside = h264.joined([*sets.sequences, *sets.pictures, bytes([12, 255, 255, 128])])
    spoken = _rewritten(spoken, tmp_path / "a.mkv", lambda data: beside + data)
    assert TOKEN.encode() in spoken.read_bytes()
    assert {h264.SEI, h264.SPS, h264.PPS, 9, 12} <= {
        kind for _, units in packets(spoken) for kind in kinds(units)
    }
    report, out = veiled(spoken)
    assert report.copied == FRAMES - 75
    assert report.status == "ok"
    assert {kind for _, units in packets(out) for kind in kinds(units)} == SLICES
    assert TOKEN.encode() not in out.read_bytes()
    assert b"x264 - core" not in out.read_bytes()


@pytest.mark.slow
def test_a_second_stream_of_pictures_is_gone(
    tmp_path: Path, pictures: list[Image], seen: Box
) -> None:
    """It shows the same, later, and the words are in all of its pictures and beside them."""

    def decorate(output: Any) -> None:
        output.metadata["comment"] = TOKEN

    clip = film(tmp_path / "one.mp4", pictures, settings=PYRAMID, decorate=decorate)
    told = f"h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+{TOKEN}"
    late = film(tmp_path / "late.mp4", [*pictures[:1] * 10, *pictures[:-10]], settings=PYRAMID)
    second = planted(late, tmp_path / "second.mp4", told)
    double = tmp_path / "a.mp4"
    with av.open(str(double), "w") as target:
        target.metadata["comment"] = TOKEN
        for path in (clip, second):
            with av.open(str(path)) as source:
                target.add_stream_from_template(source.streams.video[0])
        for path, copy in zip((clip, second), target.streams.video, strict=True):
            with av.open(str(path)) as source:
                for packet in source.demux(video=0):
                    if packet.size:
                        packet.stream = copy
                        target.mux(packet)
    with av.open(str(double)) as file:
        assert len(file.streams.video) == 2
    assert TOKEN.encode() in double.read_bytes()
    report, out = veiled(double)
    assert report.copied == FRAMES - 75
    assert TOKEN.encode() not in out.read_bytes()
    with av.open(str(out)) as file:
        assert len(file.streams) == 1
    ours = {picture for group in groups(out) for picture in group}
    assert not ours.intersection(picture for group in groups(second) for picture in group)
    _require_nothing_left(clip, out, seen, report)


def cropped(clip: Path, out: Path) -> Path:
    """The last columns of each picture are still coded, and not shown."""
    return planted(clip, out, "h264_metadata=crop_right=64")


def changing(clip: Path, out: Path) -> Path:
    """From the middle on other parameter sets hold, under the same number."""
    with av.open(str(clip)) as source, av.open(str(out), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        sets = h264.ParameterSets.read(bytes(stream.codec_context.extradata or b""))
        (sequences,) = sets.sequences
        other = sequences[:3] + bytes([sequences[3] + 1]) + sequences[4:]  # another level
        for packet in source.demux(stream):
            made: Any = packet
            if packet.is_keyframe and packet.pts:
                made = av.Packet(h264.joined([other, *sets.pictures]) + bytes(packet))
                made.pts, made.dts, made.time_base = packet.pts, packet.dts, packet.time_base
                made.is_keyframe = True
            made.stream = copy
            if made.size:
                target.mux(made)
    return out


def grainy(clip: Path, out: Path) -> Path:
    """A message says which grain a player has to add."""
    message = bytes([6, 19, 2, 0xC0, 0x80, 0x80])
    return _with_unit(clip, out, message)


def layered(clip: Path, out: Path) -> Path:
    """A picture of a second layer, which most players pass over, beside each."""
    return _with_unit(clip, out, bytes([20, 0xC0, 0, 0]) + TOKEN.encode())


def stuffed(clip: Path, out: Path) -> Path:
    """Bytes behind the last unit that are none."""
    return _rewritten(clip, out, lambda data: data + b"\x00\x00\x01")


def doubled(clip: Path, out: Path) -> Path:
    """Each packet holds its picture twice, of which a player shows one."""
    return _rewritten(clip, out, lambda data: data + data)


def _with_unit(clip: Path, out: Path, unit: bytes) -> Path:
    return _rewritten(clip, out, lambda data: h264.joined([unit]) + data)


def _rewritten(clip: Path, out: Path, change: Callable[[bytes], bytes]) -> Path:
    with av.open(str(clip)) as source, av.open(str(out), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.size:
                made = av.Packet(change(bytes(packet)))
                made.pts, made.dts, made.time_base = packet.pts, packet.dts, packet.time_base
                made.is_keyframe, made.stream = packet.is_keyframe, copy
                target.mux(made)
    return out


def smuggling(clip: Path, out: Path) -> Path:
    """Behind a start code inside the last slice there is a message, which players read, too."""
    message = bytes([6, 5, 16 + len(TOKEN), *range(16)]) + TOKEN.encode() + b"\x80"
    return _last_unit(clip, out, lambda unit: unit + b"\x00\x00\x01" + message)


def padded(clip: Path, out: Path) -> Path:
    """Filling behind a slice that is none of it."""
    return _last_unit(clip, out, lambda unit: unit + bytes(9))


def tailed(clip: Path, out: Path) -> Path:
    """A second picture in each packet, of which the part before the second block was lost."""
    return _rewritten(clip, out, lambda data: data + h264.joined([_later(_units(data)[-1])]))


def turned(clip: Path, out: Path) -> Path:
    """From the second group on a message asks for a turn by a quarter."""
    seen = [0]

    def change(data: bytes) -> bytes:
        seen[0] += 1
        turn = bytes([6, 47, 4, 0x08, 0, 0x18, 0, 0x80])
        return h264.joined([turn]) + data if seen[0] == 26 else data

    return _rewritten(clip, out, change)


def ambiguous(clip: Path, out: Path) -> Path:
    """Two picture parameter sets under the same number: the later one holds until the other is
    repeated."""
    return _with_sets(clip, out, lambda unit: [unit, unit[:-1] + bytes([unit[-1] ^ 16])])


def numerous(clip: Path, out: Path) -> Path:
    """Parameter sets under all numbers that an encoder could use for its own."""
    return _with_sets(clip, out, lambda unit: [unit, *(_numbered(unit, n) for n in range(1, 40))])


def _with_sets(clip: Path, out: Path, change: Callable[[bytes], list[bytes]]) -> Path:
    """With other picture parameter sets before the first picture."""
    with av.open(str(clip)) as source, av.open(str(out), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        given = h264.ParameterSets.read(bytes(stream.codec_context.extradata or b""))
        record = h264.ParameterSets(given.sequences, tuple(change(given.pictures[0]))).write()
        copy.codec_context.extradata = record
        for packet in source.demux(stream):
            packet.stream = copy
            if packet.size:
                target.mux(packet)
    with av.open(str(out)) as file:
        assert bytes(file.streams.video[0].codec_context.extradata or b"") == record
    return out


def _bits(unit: bytes) -> str:
    data = unit[1:].replace(b"\x00\x00\x03", b"\x00\x00")
    return f"{int.from_bytes(data):0{8 * len(data)}b}"


def _unit(kind: int, bits: str) -> bytes:
    bits = bits.rstrip("0")  # up to the one bit that ends it
    data = int(bits + "0" * (-len(bits) % 8), 2).to_bytes(-(-len(bits) // 8))
    return bytes([kind]) + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", data)


def _numbered(unit: bytes, number: int) -> bytes:
    """A picture parameter set whose number was 0 under another one."""
    code = f"{number + 1:b}"
    return _unit(unit[0], "0" * (len(code) - 1) + code + _bits(unit)[1:])


def _later(unit: bytes) -> bytes:
    """A slice from the first block on as one from the second on, of another picture."""
    return _unit(unit[0] ^ 0x20, "010" + _bits(unit)[1:])


def _units(data: bytes) -> list[bytes]:
    return list(h264.prefixed(data, 4))


def _last_unit(clip: Path, out: Path, change: Callable[[bytes], bytes]) -> Path:
    def changed(data: bytes) -> bytes:
        *others, last = _units(data)
        return h264.joined([*others, change(last)])

    return _rewritten(clip, out, changed)


ODD = [
    *(cropped, changing, grainy, layered, stuffed, doubled),
    *(smuggling, padded, tailed, turned, ambiguous, numerous),
]


@pytest.mark.slow
@pytest.mark.parametrize("odd", daily(ODD, every=4))
def test_what_is_odd_is_encoded(
    tmp_path: Path,
    filmed: Filmed,
    seen: Box,
    odd: Callable[[Path, Path], Path],
) -> None:
    """Things that a copy could take along unseen, or would show otherwise."""
    plain = filmed(tmp_path / "plain.mp4", 120)
    clip = odd(plain, tmp_path / "a.mp4")
    report, out = veiled(clip)
    assert report.copied == 0
    assert pipeline.CODED_ANEW not in report.notes
    assert report.output
    assert len(planes(out)) == report.frames
    assert TOKEN.encode() not in out.read_bytes()
    with av.open(str(out)) as file:
        record = bytes(file.streams.video[0].codec_context.extradata or b"")
    assert len(h264.ParameterSets.read(record).sequences) == 1


@pytest.mark.long
@pytest.mark.slow
def test_other_sizes_formats_and_fields_are_encoded(
    tmp_path: Path, filmed: Filmed, seen: Box
) -> None:
    """An encoder that was named does all of it; fields and areas always covered, too."""
    clip = filmed(tmp_path / "a.mp4", 100)
    for change in (
        {"copy_unpainted": "never"},
        {"encoder": "libx264"},
        {"encoder_preset": "ultrafast"},
        {"video_quality": 30},
        {"cover_zones": ((0, 0, 8, 8),)},
    ):
        report, out = veiled(clip, STRICT.model_copy(update=change))
        assert (report.copied, len(planes(out))) == (0, 100), change
    assert veiled(clip, suffix=".webm")[0].copied == 0
    fields = {"preset": "medium", "x264-params": "tff=1"}
    clip = filmed(tmp_path / "fields.mp4", 100, settings=fields)
    assert veiled(clip)[0].copied == 0


def test_pictures_that_are_not_shown_are_not_kept(
    tmp_path: Path, filmed: Filmed, seen: Box, use: Any
) -> None:
    """A list of edits that begins late hides pictures that are still in the file: of these nobody
    knows what they show."""
    use(Told())
    clip = filmed(tmp_path / "a.mp4", 100)
    data = bytearray(clip.read_bytes())
    at = data.index(b"elst") + 16
    (start,) = struct.unpack(">I", data[at : at + 4])
    data[at : at + 4] = struct.pack(">I", start + 10 * 512)
    clip.write_bytes(data)
    with source_of(clip) as source:
        shown = sum(1 for _ in source.frames())
    assert 80 < shown < 100
    report, out = veiled(clip)
    assert len(planes(out)) == shown == report.frames
    assert report.copied == 75
    ours = {picture for group in groups(out) for picture in group}
    assert not ours.intersection(groups(clip)[0])


def test_a_group_that_is_never_shown_parts_what_is_copied(
    tmp_path: Path, pictures: list[Image]
) -> None:
    """It is stored between two others that follow each other when shown."""
    clip = film(tmp_path / "a.mp4", pictures[:100])
    with source_of(clip, STRICT) as source:
        times = [frame.pts for frame in source.frames()]
        shown = times[:25] + times[50:]
        copies = Copies(source)
        assert [span.frames for span in copies.spans(times, ())] == [range(100)]
        spans = copies.spans(shown, ())
        assert [span.frames for span in spans] == [range(25), range(25, 75)]
        copied = [packet.pts or 0 for span in spans for packet, _, _ in copies.packets(span)]
        copies.close()
    assert sorted(copied) == shown


@pytest.mark.slow
def test_a_damaged_group_is_not_copied(tmp_path: Path, pictures: list[Image], use: Any) -> None:
    """A picture that a decoder could not restore is covered whole, here as elsewhere."""
    use(Told())
    noise = np.random.default_rng(1).integers(0, 256, (100, 48, 80, 3), np.uint8)
    clip = film(tmp_path / "a.mp4", (np.kron(one, np.ones((4, 4, 1), np.uint8)) for one in noise))
    data = np.frombuffer(clip.read_bytes(), np.uint8).copy()
    start = bytes(data).index(b"mdat")
    size = len(data) - start
    data[np.random.default_rng(1).integers(start + size // 3, start + size // 2, 60)] ^= 0xFF
    clip.write_bytes(data.tobytes())
    report, out = veiled(clip)
    assert report.status == "partial"
    assert report.copied == 0
    assert report.regions
    for index, (_, luma) in enumerate(lumas(out)):
        assert (np.abs(luma - GREY) <= 1).all() == (index in report.regions)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["comes out wrong", "cannot be written", "has changed"])
def test_what_cannot_be_copied_is_encoded(
    tmp_path: Path, filmed: Filmed, seen: Box, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def wrong(self: Splice, *_: Any) -> bool:
        return False

    def refused(self: Splice) -> Iterator[Any]:
        raise OutputError("the muxer refuses")

    def changed(self: Splice) -> Iterator[Any]:
        raise h264.OddStreamError

    if how == "comes out wrong":
        monkeypatch.setattr(Splice, "came_out", wrong)
    else:
        one = refused if how == "cannot be written" else changed
        monkeypatch.setattr(Splice, "next_copied", one)
    clip = filmed(tmp_path / "a.mp4", 120)
    report, out = veiled(clip)
    assert (report.status, report.copied) == ("ok", 0)
    assert pipeline.CODED_ANEW in report.notes
    assert report.options["copy_unpainted"] == "auto"
    for number, (_, luma) in enumerate(lumas(out)):
        assert number not in FACES or bare(luma, seen) < 4
    assert {path.name for path in tmp_path.iterdir()} == {"a.mp4", "out.mp4"}


def test_a_changed_byte_is_noticed(tmp_path: Path, filmed: Filmed, seen: Box) -> None:
    """The finished file is read again: of what was put in nothing may be otherwise."""
    clip = filmed(tmp_path / "a.mp4", 75)
    with source_of(clip, STRICT) as source:
        sink = open_sink(tmp_path / "out.mp4", source, STRICT)
        assert isinstance(sink, VideoSink)
        with sink:
            kept = sink.keep([frame.pts for frame in source.frames()], range(30, 40))
            for frame in source.frames(kept):
                sink.write(frame)
            path = sink.finish()
            assert not sink.spoilt
            assert sink.copied == 50
            splice = sink._splice
            assert splice is not None
            assert splice.came_out(path, "mp4", STRICT)
            data = bytearray(path.read_bytes())
            for place in (len(data) // 2, len(data) - 9):
                other = data.copy()
                other[place] ^= 1
                path.write_bytes(other)
                assert not splice.came_out(path, "mp4", STRICT)
            sink.spoilt = True
            with pytest.raises(OutputError):
                sink.commit()


@pytest.mark.slow
def test_the_progress_of_painting_counts_what_is_encoded(
    tmp_path: Path, filmed: Filmed, seen: Box
) -> None:
    """Else the time that is left would be told too short by as much as is copied."""
    told: list[tuple[int, int | None]] = []

    def progress(stage: str, done: int, total: int | None) -> None:
        if stage == "render":
            told.append((done, total))

    clip = filmed(tmp_path / "a.mp4")
    report = faceveil.veil_file(clip, tmp_path / "out.mp4", STRICT, progress=progress)
    left = FRAMES - report.copied
    assert 0 < left < FRAMES / 2
    assert told == [(done, left) for done in range(1, left + 1)]


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "settings"), [(".mp4", PYRAMID), (".mkv", {})])
@pytest.mark.parametrize("known", [True, False])
def test_what_was_decoded_once_is_decoded_again_only_beside_what_is_new(
    tmp_path: Path,
    filmed: Filmed,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    settings: dict[str, str],
    known: bool,
) -> None:
    """Groups of 10: those of 80 to 99 are new. Without a whole reading before, all is decoded."""
    clip = filmed(tmp_path / f"a{suffix}", gop=10, settings=settings)
    decoded: list[int] = []
    skim = VideoSource.skim

    def counted(self: VideoSource, *args: Any, **named: Any) -> Iterator[Frame]:
        for frame in skim(self, *args, **named):
            decoded.append(frame.index)
            yield frame

    with source_of(clip, STRICT) as source:
        times = [frame.pts for frame in source.skim()]
        if not known:
            source.sound_times = source.sound_times[:0]
        monkeypatch.setattr(VideoSource, "skim", counted)
        sink = open_sink(tmp_path / f"out{suffix}", source, STRICT)
        with sink:
            for frame in source.frames(sink.keep(times, FACES)):
                sink.write(frame)
            sink.finish()
            assert not sink.spoilt
            assert sink.copied == 180
    beside = [*range(10), *range(70, 110), *range(190, 200)]
    assert decoded == (beside if known else list(range(FRAMES)))


def test_what_is_copied_is_not_decoded(tmp_path: Path, filmed: Filmed) -> None:
    clip = filmed(tmp_path / "a.mp4")
    with source_of(clip, STRICT) as source:
        every = [(frame.index, frame.pts, frame.image.copy()) for frame in source.frames()]
        spans = [
            Span(range(a, b), every[a][1], every[b - 1][1])
            for a, b in ((0, 25), (50, 100), (175, 200))
        ]
        given = list(source.frames(spans))
        assert source.warnings == ()
    left = [one for one in every if not any(one[0] in span.frames for span in spans)]
    assert [(frame.index, frame.pts) for frame in given] == [one[:2] for one in left]
    assert all(np.array_equal(frame.image, one[2]) for frame, one in zip(given, left, strict=True))


@pytest.mark.slow
def test_a_group_that_hardly_lasts_is_not_worth_it(
    tmp_path: Path, filmed: Filmed, use: Any, seen: Box
) -> None:
    use(Told(script=lambda index: [Face(seen, 0.9)] if index in (5, 60) else []))
    clip = filmed(tmp_path / "a.mp4", 100, gop=8)
    report, out = veiled(clip)
    equal = same(out, clip)
    runs = [list(pair) for pair in pairwise([-1, *np.flatnonzero(~np.array(equal)), 100])]
    assert report.copied
    assert all(b - a == 1 or b - a > 12 for a, b in runs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "touched"),
    daily(
        [
            ("stage_cuts_audio.mp4", range(140, 150)),
            ("nasa_13013.mp4", range(100, 110)),
            ("video_with_failing_audio.mp4", range(30)),
        ],
        ("nasa_13013.mp4", range(100, 110)),
    ),
)
def test_real_clips_keep_what_is_not_touched(
    data: Path, tmp_path: Path, use: Any, name: str, touched: range
) -> None:
    clip = data / "videos" / name
    use(Told(script=lambda index: [Face(Box(60, 60, 120, 140), 0.9)] if index in touched else []))
    out = tmp_path / name
    # The check would find the people of the clips, whom this detector does not see.
    report = faceveil.veil_file(clip, out, STRICT.model_copy(update={"check": "off"}))
    with listening() as heard:
        equal = same(out, clip)
    assert heard == []
    assert 0 < report.copied < report.frames
    assert report.copied <= sum(equal) < report.frames
    assert not any(equal[index] for index in touched)
    assert sound_packets(out) == sound_packets(clip)


@pytest.mark.slow
def test_a_turned_film_stays_turned(tmp_path: Path, pictures: list[Image], use: Any) -> None:
    def turn(output: Any) -> None:
        output.streams.video[0].set_display_matrix(QUARTERS[90])

    use(Told(script=lambda index: [Face(Box(60, 60, 120, 140), 0.9)] if index < 20 else []))
    clip = film(tmp_path / "a.mov", pictures[:100], settings=PYRAMID, decorate=turn)
    report, out = veiled(clip)
    assert report.media is not None
    assert report.media.width < report.media.height
    assert report.copied == 50
    assert sum(same(out, clip)) >= 50
    assert read(out).tags == read(clip).tags
