"""Flash and beep come together, whatever clock a file was written by, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from faceveil.media.videos.timeline import straightened
from faceveil.options import Options
from faceveil.pipeline import analyze_file, render_file, veil_file
from test_fragments import Place, put, tree
from tiers import daily
from videos import X264, compose, picture, read, rewrite, source_of
from voices import clip, flashes, hear

Packet = Any
FRAME = 0.041
WRAP = 2**33 / 90_000
FLASH, BEEP = (8, 9), (0.32, 0.40)
"""Pictures of 25 a second, and the same in seconds."""


def part(path: Path, muxer: str = "mpegts", **given: Any) -> Path:
    """Two seconds with a flash and a beep after 0.32 s."""
    pictures = {"webm": "libvpx", "mpeg": "mpeg2video"}.get(muxer, "libx264")
    sound = {"mpeg": "mp2", "webm": "libopus"}.get(muxer, "aac")
    usual = {
        "muxer": muxer,
        "picture_codec": pictures,
        "pictures": 50,
        "seconds": 2.0,
        "flash": FLASH,
        "at": BEEP,
    }
    if pictures == "libx264":
        usual["picture_settings"] = {"preset": "veryfast", "bf": "2"}
    return clip(path, **{"codec": sound, **usual, **given})


def joined(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(one.read_bytes() for one in parts))
    return path


def check(
    source: Path, *, frames: int, times: Sequence[float], suffix: str = ".mp4"
) -> list[tuple[float, float]]:
    """All frames whole, all flashes and beeps there, each pair together; returns the pairs."""
    with source_of(source) as opened:
        found = list(opened.frames())
        assert not opened.warnings
        assert len(found) == frames
        assert not any(frame.damaged for frame in found)
        first = found[0].pts * opened.time_base
        stamps = [frame.pts for frame in found]
        assert stamps == sorted(set(stamps))
    target = source.with_name(f"out{suffix}")
    sink = rewrite(source, target)
    assert not sink.warnings
    out = read(target).times
    assert len(out) == frames
    seen, heard = flashes(target), [begin for begin, _ in hear(target).beeps]
    assert len(seen) == len(heard) == len(times), (seen, heard)
    for light, sound in zip(seen, heard, strict=True):
        assert abs(light - sound) < FRAME, (seen, heard)
    for light, due in zip(seen, times, strict=True):
        assert abs(light - float(out[0]) - due) < 2.5 * FRAME, (seen, first)
    return list(zip(seen, heard, strict=True))


@pytest.mark.parametrize("suffix", daily([".mp4", ".mkv"], ".mp4"))
@pytest.mark.parametrize("muxer", ["mpegts", "mpeg", "matroska", "webm"])
def test_two_recordings_joined_by_copying_are_whole(
    muxer: str, suffix: str, tmp_path: Path
) -> None:
    one = part(tmp_path / "one", muxer)
    check(joined(tmp_path / "in", one, one), frames=100, times=[0.32, 2.32], suffix=suffix)


@pytest.mark.parametrize("muxer", ["mp4", "mov", "flv", "asf"])
def test_a_second_recording_that_no_player_reads_is_told(muxer: str, tmp_path: Path) -> None:
    given: dict[str, Any] = {}
    if muxer == "asf":
        given = {"codec": "libmp3lame", "picture_codec": "mpeg4", "picture_settings": {}}
    one = part(tmp_path / "one", muxer, **given)
    told = "another recording follows in the file, and is not read"
    for source, warned in ((one, False), (joined(tmp_path / "in", one, one), True)):
        with source_of(source) as opened:
            assert len(list(opened.frames())) == 50
            assert (told in opened.warnings) == warned, opened.warnings


@pytest.mark.parametrize(("muxer", "suffix"), [("mpegts", ".mkv"), ("flv", ".mp4")])
def test_sound_of_another_rate_in_the_second_recording(
    muxer: str, suffix: str, tmp_path: Path
) -> None:
    """Copied, it would be played too fast."""
    one = part(tmp_path / "one", muxer)
    other = part(tmp_path / "other", muxer, rate=44_100, layout="stereo").read_bytes()
    source = tmp_path / "in"
    # A server that records goes on writing into the same file when the sender comes back.
    source.write_bytes(one.read_bytes() + other[13 if muxer == "flv" else 0 :])
    sink = rewrite(source, tmp_path / f"out{suffix}")
    assert any("sound converted from aac" in note for note in sink.notes)
    heard = hear(tmp_path / f"out{suffix}")
    assert [begin for begin, _ in heard.beeps] == pytest.approx([0.38, 2.4], abs=0.05)
    for begin, end in heard.beeps:
        assert heard.pitch((begin + 0.01, end - 0.01)) == pytest.approx(440, abs=10)


@pytest.mark.parametrize("muxer", ["mp4", "mov"])
def test_sound_that_is_described_twice(muxer: str, tmp_path: Path) -> None:
    """As programs write it that cut films of two cameras together; copied, one description is
    lost."""
    one = part(tmp_path / "one", muxer)
    other = part(tmp_path / "other", muxer, layout="stereo")
    source = tmp_path / "in"
    with (
        av.open(str(one)) as first,
        av.open(str(other)) as second,
        av.open(str(source), "w", format=muxer) as output,
    ):
        shown = output.add_stream_from_template(first.streams.video[0])
        track = output.add_stream_from_template(first.streams.audio[0])
        packets: list[Packet] = [one for one in first.demux(audio=0) if one.size]
        first.seek(0)
        still: Packet = next(first.demux(video=0))
        start = 0
        others = [one for one in second.demux(audio=0) if one.size][:-5]  # else of equal length
        for packet in [*packets, still, *others]:
            if packet is still:  # parts the sound into two chunks
                packet.stream, packet.time_base = shown, Fraction(1, 48_000)
                packet.pts = packet.dts = start
                packet.duration = 1024
            else:
                packet.stream, packet.pts, packet.dts = track, start, start
                start += packet.duration or 0
            output.mux_one(packet)
    data, theirs = source.read_bytes(), other.read_bytes()
    table = _tables(data, "stsd")[1]
    description = _tables(theirs, "stsd")[1]
    entry = theirs[description.body + 8 : description.end]
    chunks = _tables(data, "stsc")[1]
    assert int.from_bytes(data[chunks.body + 4 : chunks.body + 8], "big") == 2
    changed = bytearray(data)
    changed[chunks.body + 28 : chunks.body + 32] = (2).to_bytes(4, "big")
    changed[table.body + 4 : table.body + 8] = (2).to_bytes(4, "big")
    whole = put(bytes(changed), table.end, entry, (*table.inside, table.at))
    source.write_bytes(whole)
    sink = rewrite(source, tmp_path / "out.mp4")
    assert "sound converted from aac to aac" in sink.notes
    beeps = hear(tmp_path / "out.mp4").beeps
    assert [begin for begin, _ in beeps] == pytest.approx([0.32, 2.37], abs=0.07)


def _tables(data: bytes, kind: str) -> list[Place]:
    return [place for place in tree(data, 0, len(data)) if place.kind == kind]


def test_a_programme_that_begins_on_the_way_is_told(tmp_path: Path) -> None:
    """FFmpeg adds its streams while it reads, and PyAV does not know them."""
    one = part(tmp_path / "one")
    numbers = {"mpegts_start_pid": "700", "mpegts_pmt_start_pid": "600", "mpegts_service_id": "7"}
    other = part(tmp_path / "other", container=numbers)
    told = "pictures or sound of another programme begin on the way, and are not read"
    for second, warned in ((one, False), (other, True)):
        with source_of(joined(tmp_path / "in", one, second)) as opened:
            list(opened.frames())
            assert (told in opened.warnings) == warned, opened.warnings


@pytest.mark.slow
@pytest.mark.parametrize("muxer", ["mpegts", "mpeg"])
def test_three_recordings_of_different_clocks_are_whole(muxer: str, tmp_path: Path) -> None:
    """The second is an hour ahead, and the third some minutes behind the first."""
    parts = [
        part(tmp_path / str(start), muxer, container={"output_ts_offset": str(start)})
        for start in (500, 4100, 200)
    ]
    check(joined(tmp_path / "in", *parts), frames=150, times=[0.32, 2.32, 4.32])


def test_codecs_of_old_recorders_are_joined_as_well(tmp_path: Path) -> None:
    one = part(tmp_path / "one", picture_codec="mpeg2video", codec="mp2", picture_settings={})
    check(joined(tmp_path / "in", one, one), frames=100, times=[0.32, 2.32])


@pytest.mark.parametrize("muxer", ["mpegts", "mpeg"])
@pytest.mark.parametrize("before", [0.1, 1.0, 100.0])
def test_a_counter_that_wraps(muxer: str, before: float, tmp_path: Path) -> None:
    """On the way, in the middle of a flash, or, far before it, not at all."""
    start = WRAP - 1.4 - before
    source = part(tmp_path / "in", muxer, container={"output_ts_offset": f"{start:.3f}"})
    check(source, frames=50, times=[0.32])


def test_a_counter_that_wraps_in_the_second_recording(tmp_path: Path) -> None:
    late = part(tmp_path / "late", container={"output_ts_offset": f"{WRAP - 2.4:.3f}"})
    source = joined(tmp_path / "in", part(tmp_path / "one"), late)
    check(source, frames=100, times=[0.32, 2.32])


def test_sound_of_the_second_recording_that_begins_later(tmp_path: Path) -> None:
    """Two seconds of its picture go by before anything is heard."""
    quiet = remade(
        part(tmp_path / "one", pictures=100, seconds=4.0, flash=(60, 61), at=(2.4, 2.5)),
        tmp_path / "quiet.ts",
        lambda packet, is_sound: packet if not is_sound or seconds(packet) > 2.0 else None,
    )
    source = joined(tmp_path / "in", part(tmp_path / "first"), quiet)
    check(source, frames=150, times=[0.32, 4.4])


def test_a_clock_that_jumps_in_the_sound_only(tmp_path: Path) -> None:
    def moved(packet: Packet, is_sound: bool) -> Packet:
        if is_sound and seconds(packet) > 2.4:
            assert packet.pts is not None
            packet.pts = packet.dts = packet.pts + 40 * 90_000
        return packet

    given: dict[str, Any] = {"pictures": 75, "seconds": 3.0, "flash": (40, 41), "at": (1.6, 1.7)}
    source = remade(part(tmp_path / "one", **given), tmp_path / "in.ts", moved)
    check(source, frames=75, times=[1.6])


@pytest.mark.slow
def test_a_long_pause_of_the_sound_is_no_jump(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "pictures": 320,
        "seconds": 64.0,
        "flash": (2, 310),
        "at": (0.4, 0.5),
        "fps": 5,
    }
    source = remade(
        part(tmp_path / "one", **given),
        tmp_path / "in.ts",
        lambda packet, is_sound: packet if not is_sound or not 3 < seconds(packet) < 60 else None,
    )
    with source_of(source) as opened:
        times = [float(frame.pts * opened.time_base) for frame in opened.frames()]
    assert times[-1] - times[0] == pytest.approx(63.8, abs=0.01)
    rewrite(source, tmp_path / "out.mkv")
    assert hear(tmp_path / "out.mkv").seconds == pytest.approx(times[0] + 64, abs=0.2)


def test_a_picture_that_stands_for_long_is_no_jump(tmp_path: Path) -> None:
    """Screen recordings of variable rate, joined."""
    one = tmp_path / "one"
    with av.open(str(one), "w", format="matroska") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for time in (0, 40, 90, 20_000, 20_040):
            frame = av.VideoFrame(96, 64, "yuv420p")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with source_of(joined(tmp_path / "in", one, one)) as opened:
        times = [frame.pts for frame in opened.frames()]
        assert not opened.warnings
    assert times[:5] == [0, 40, 90, 20_000, 20_040]
    assert [time - times[5] for time in times[5:]] == times[:5]
    assert 0 < times[5] - times[4] < 100


def standing(path: Path, number: int) -> list[int]:
    """Thirty pictures with B-frames, one of which stands for five seconds; returns their times, in
    milliseconds."""
    times = [40 * index + 4960 * (index > number) for index in range(30)]
    options = {"preset": "veryfast", "bf": "2", "b-adapt": "0"}
    with av.open(str(path), "w", format="matroska") as output:
        stream = output.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        packets = []
        for index, time in enumerate(times):
            frame = picture(index, 96, 64)
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            packets += stream.encode(frame)
        for packet in packets + stream.encode(None):
            packet.duration = 5000 if packet.pts == times[number] else 40
            output.mux(packet)
    return times


@pytest.mark.parametrize("number", [14, 16])
def test_pictures_are_shown_before_one_that_stands_and_was_stored_first(
    number: int, tmp_path: Path
) -> None:
    """They are no second recording: all after them would be late, and the sound not."""
    times = standing(tmp_path / "in", number)
    with source_of(tmp_path / "in") as opened:
        assert [frame.pts for frame in opened.frames()] == times
        assert not opened.warnings


@pytest.mark.parametrize("muxer", ["matroska", "flv"])
@pytest.mark.parametrize(
    "times",
    [
        [1000 * index for index in range(20)],
        [40 * index + 12_000 * (index > 0) for index in range(20)],
        [40 * index + 12_000 * (index > 7) for index in range(20)],
    ],
    ids=["one a second", "the first stands", "another stands"],
)
def test_pictures_far_apart_that_are_stored_in_another_order(
    muxer: str, times: list[int], tmp_path: Path
) -> None:
    """The first ones of Matroska have no time at which they are decoded, and what is shown after a
    long pause is decoded before it."""
    settings = {"preset": "veryfast", "x264-params": "bframes=3:b-adapt=0:b-pyramid=normal"}
    unit = Fraction(1, 1000)
    path = tmp_path / "in"
    compose(path, times=times, time_base=unit, muxer=muxer, settings=settings)
    with source_of(path) as opened:
        shown = [frame.pts * opened.time_base * 1000 for frame in opened.frames()]
        assert not opened.warnings
    assert [time - shown[0] for time in shown] == times


@pytest.mark.parametrize(("preset", "copied"), [(None, 30), ("veryfast", 0)])
def test_the_last_picture_stands_as_long_as_before(
    preset: str | None, copied: int, tmp_path: Path
) -> None:
    source, target = tmp_path / "in.mkv", tmp_path / "out.mp4"
    standing(source, 29)
    given: dict[str, Any] = {"check": "off", "encoder_preset": preset}
    report = veil_file(source, target, **given)
    assert (report.status, report.copied) == ("ok", copied)
    assert veil_file(target, tmp_path / "again.mp4", **given).status == "ok"
    for path in (target, tmp_path / "again.mp4"):
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            assert stream.duration
            assert stream.time_base
            assert float(stream.duration * stream.time_base) == pytest.approx(6.16, abs=0.09)
    # A plan that was made before: what is copied is not decoded at all.
    report = render_file(target, analyze_file(target), tmp_path / "later.mp4", **given)
    assert (report.status, report.copied, report.warnings) == ("ok", copied, ())


def test_a_pause_just_before_the_end_does_not_lengthen_a_film(tmp_path: Path) -> None:
    """Pictures that are shown after it are decoded before it, and do not stand for as long."""
    times = [40 * index + 7000 * ((index > 0) + (index > 27)) for index in range(40)]
    settings = {"preset": "veryfast", "x264-params": "bframes=3:b-adapt=0:b-pyramid=normal"}
    path = tmp_path / "in.mp4"
    compose(path, times=times, time_base=Fraction(1, 1000), settings=settings)
    rewrite(path, tmp_path / "out.mp4", Options())
    lengths = []
    for one in (path, tmp_path / "out.mp4"):
        with av.open(str(one)) as file:
            lengths.append((file.duration or 0) / 1_000_000)
    assert lengths[0] == pytest.approx(15.6, abs=0.05)
    assert lengths[1] == pytest.approx(lengths[0], abs=0.05)


def test_damage_at_the_end_of_a_part_is_still_seen(tmp_path: Path) -> None:
    """The last picture of the first part lacks some of its packets."""
    settings = {**X264, "crf": "1"}
    one = compose(
        tmp_path / "one", muxer="mpegts", settings=settings, size=(192, 128), times=range(50)
    )
    data = one.read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    pictures = [at for at, one in enumerate(packets) if (one[1] & 31) << 8 | one[2] == 256]
    torn = [one for at, one in enumerate(packets) if at not in pictures[-1:]]
    (tmp_path / "in").write_bytes(b"".join(torn) + data)
    with source_of(tmp_path / "in") as opened:
        damaged = [frame.index for frame in opened.frames() if frame.damaged]
        count = opened.warnings
    assert damaged
    assert set(damaged) <= {48, 49}
    assert count


@pytest.mark.slow
@pytest.mark.parametrize("fps", daily([5, 25, 30], 25))
@pytest.mark.parametrize("b_frames", ["0", "1", "2"])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_avi_keeps_picture_and_sound_together(
    codec: str, b_frames: str, fps: int, tmp_path: Path
) -> None:
    at = 7 / fps
    source = clip(
        tmp_path / "in",
        "pcm_s16le",
        muxer="avi",
        picture_codec=codec,
        picture_settings={"bf": b_frames},
        pictures=4 * fps,
        seconds=4.0,
        fps=fps,
        flash=(7, 8),
        at=(at, at + 0.1),
    )
    for suffix in (".mp4", ".mkv"):
        [(light, sound)] = check(source, frames=4 * fps, times=[at], suffix=suffix)
        assert light == pytest.approx(at, abs=0.002)
        assert sound == pytest.approx(at, abs=0.02)


# H.264 without B-frames is left out: FFmpeg takes it to have some there, and shows it 40 ms late.
@pytest.mark.parametrize(("codec", "b_frames"), [("libx264", "2"), ("mpeg4", "0"), ("mpeg4", "2")])
def test_wmv_keeps_picture_and_sound_together(codec: str, b_frames: str, tmp_path: Path) -> None:
    source = part(
        tmp_path / "in",
        "asf",
        codec="libmp3lame",
        picture_codec=codec,
        picture_settings={"bf": b_frames},
    )
    check(source, frames=50, times=[0.32])


def test_packed_b_frames_keep_their_places(tmp_path: Path) -> None:
    """As DivX stored them: two pictures in one chunk, and nothing in the next."""
    settings = {"bf": "1"}
    plain = part(
        tmp_path / "plain",
        "avi",
        codec="pcm_s16le",
        picture_codec="mpeg4",
        picture_settings=settings,
    )
    check(packed(plain, tmp_path / "in.avi"), frames=50, times=[0.32])


def test_lost_chunks_move_nothing_behind_the_next_key_frame(tmp_path: Path) -> None:
    plain = part(
        tmp_path / "plain",
        "avi",
        codec="pcm_s16le",
        picture_settings={"bf": "2", "g": "12"},
        flash=(40, 41),
        at=(1.6, 1.7),
    )
    data = bytearray(plain.read_bytes())
    with av.open(str(plain)) as file:
        chunks = [packet for packet in file.demux(file.streams.video[0]) if packet.size]
    for chunk in chunks[14:18]:
        assert chunk.pos is not None
        data[chunk.pos + 8 : chunk.pos + 8 + chunk.size] = bytes(chunk.size)
    (tmp_path / "in").write_bytes(data)
    rewrite(tmp_path / "in", tmp_path / "out.mp4")
    assert flashes(tmp_path / "out.mp4") == [pytest.approx(1.6, abs=0.001)]


def test_what_is_read_twice_has_the_same_times(tmp_path: Path) -> None:
    one = part(tmp_path / "one")
    with source_of(joined(tmp_path / "in", one, one, one)) as opened:
        times = [frame.pts for frame in opened.frames()]
        assert [frame.pts for frame in opened.skim()] == times
        packets, keys = opened.times()
        assert sorted(packets) == times
        last = max(keys)
        assert next(opened.skim(last)).pts == last
        assert [frame.pts for frame in opened.sample({0, 149})] == [times[0], times[149]]


@pytest.mark.slow
def test_no_packet_is_held_for_ever() -> None:
    """One stream jumps, and the other never follows nor ends."""
    given = []
    for step in range(5000):
        for index in (0, 1):
            packet: Any = av.Packet(b"x")
            packet.time_base, packet.duration = Fraction(1, 100), 4
            packet.pts = packet.dts = step * 4 - (100_000 if step > 500 and index else 0)
            given.append((packet, index))
    streams = {id(packet): index for packet, index in given}

    class Stub:
        """A packet that knows its stream without a file."""

        def __init__(self, packet: Any) -> None:
            self.__dict__["packet"] = packet

        def __getattr__(self, name: str) -> Any:
            if name == "stream":
                return type("Stream", (), {"index": streams[id(self.packet)]})
            return getattr(self.packet, name)

        def __setattr__(self, name: str, value: Any) -> None:
            setattr(self.packet, name, value)

    taken = 0

    def counted() -> Any:
        nonlocal taken
        for packet, _ in given:
            taken += 1
            yield Stub(packet)

    most = 0
    times: dict[int, list[int]] = {0: [], 1: []}
    for out, packet in enumerate(straightened(counted(), recorded=True)):
        most = max(most, taken - out)
        times[packet.stream.index].append(packet.pts)
    assert most < 4100
    assert times[0] == times[1] == [4 * step for step in range(5000)]


def seconds(packet: Packet) -> float:
    assert packet.dts is not None
    return float(packet.dts * packet.time_base)


def remade(source: Path, target: Path, change: Callable[[Packet, bool], Packet | None]) -> Path:
    """The packets of a transport stream written once more, some of them changed or left out."""
    with av.open(str(source)) as file, av.open(str(target), "w", format="mpegts") as output:
        streams: dict[int, Any] = {
            one.index: output.add_stream_from_template(one) for one in file.streams
        }
        output.container_options["max_interleave_delta"] = "1"
        for packet in file.demux():
            if packet.size and (own := change(packet, packet.stream.type == "audio")):
                own.stream = streams[packet.stream.index]
                output.mux_one(own)
    return target


def packed(source: Path, target: Path) -> Path:
    """An MPEG-4 AVI with each B-frame in the chunk of the picture before it."""
    vop = b"\0\0\1\xb6"
    nothing = vop + b"\x50\x4f"  # ISO/IEC 14496-2, 6.2.5: a picture that is not coded
    with av.open(str(source)) as file, av.open(str(target), "w", format="avi") as output:
        streams: dict[int, Any] = {
            one.index: output.add_stream_from_template(one) for one in file.streams
        }
        video = file.streams.video[0].index
        packets = [packet for packet in file.demux() if packet.size]
        pictures = [bytes(one) for one in packets if one.stream.index == video]
        chunks: list[bytes] = []
        for data in pictures:
            if data[data.rindex(vop) + 4] >> 6 == 2:
                chunks[-1] += data
                data = nothing
            chunks.append(data)
        at = chunks[0].index(vop)
        chunks[0] = chunks[0][:at] + b"\0\0\1\xb2DivX503b1393p\0" + chunks[0][at:]
        for place, data in enumerate(chunks):
            own: Any = av.Packet(data)
            own.stream, own.time_base = streams[video], Fraction(1, 25)
            own.pts = own.dts = place
            own.is_keyframe = len(data) > 10 and data[data.index(vop) + 4] >> 6 == 0
            output.mux_one(own)
        for packet in packets:
            if packet.stream.index != video:
                packet.stream = streams[packet.stream.index]
                output.mux_one(packet)
    return target
