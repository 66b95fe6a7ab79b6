"""Data hidden in coded sound is found by the check, and is in no output."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from faceveil.media.leftovers import leftovers
from faceveil.media.metadata.sound import clean_header, clean_packet, in_header, in_packet
from faceveil.options import Options
from tiers import daily
from videos import QUICK, TOKEN, rewrite
from voices import clip, hear

HIDDEN = TOKEN.encode()
CONTAINERS = (".mp4", ".mov", ".mkv", ".webm")
VPX = Options(encoder="libvpx", encoder_preset="16")
Change = Callable[[bytes], bytes]


def same(data: bytes) -> bytes:
    return data


def planted(
    source: Path, muxer: str, header: Change = same, packet: Change = same, **metadata: str
) -> Path:
    """The same file with a sound header and sound packets that were changed."""
    target = source.with_name(f"planted.{muxer}")
    with av.open(str(source)) as file, av.open(str(target), "w", format=muxer) as output:
        streams: dict[int, Any] = {
            one.index: output.add_stream_from_template(one, opaque=True) for one in file.streams
        }
        track = file.streams.audio[0]
        streams[track.index].metadata.update(metadata)
        context = streams[track.index].codec_context
        context.extradata = header(track.codec_context.extradata or b"") or None
        for old in file.demux():
            if not old.size:
                continue
            is_sound = old.stream.index == track.index
            own: Any = av.Packet(packet(bytes(old)) if is_sound else bytes(old))
            own.stream, own.time_base = streams[old.stream.index], old.time_base
            own.pts, own.dts, own.duration = old.pts, old.dts, old.duration
            own.is_keyframe = old.is_keyframe
            output.mux_one(own)
    return target


def made(folder: Path, codec: str, muxer: str, **given: Any) -> Path:
    picture = "libvpx" if muxer in ("webm", "ogg") else "mpeg4"
    return clip(folder / "in", codec, muxer=muxer, picture_codec=picture, **given)


def check_clean(source: Path, *, exact: bool = True) -> None:
    """The token is in the input and in none of the outputs, which sound alike."""
    assert HIDDEN in source.read_bytes()
    before = hear(source)
    for suffix in CONTAINERS:
        target = source.with_name(f"out{suffix}")
        rewrite(source, target, VPX if suffix == ".webm" else QUICK)
        assert HIDDEN not in target.read_bytes(), suffix
        assert not [one for one in leftovers(target) if "sound" in one], suffix
        after = hear(target)
        np.testing.assert_allclose(after.beeps, before.beeps, atol=0.03)
        if exact and after.codec == before.codec and abs(after.seconds - before.seconds) < 1e-6:
            np.testing.assert_allclose(after.samples, before.samples, atol=1e-6)


def vorbis_comments(header: bytes) -> bytes:
    """The comment header with a vendor and two comments."""
    vendor = b"Xiph.Org libVorbis " + HIDDEN
    words = [b"TITLE=" + HIDDEN, b"LOCATION=52.1,13.2 " + HIDDEN]
    middle = b"\x03vorbis" + struct.pack("<I", len(vendor)) + vendor
    middle += struct.pack("<I", 2) + b"".join(struct.pack("<I", len(one)) + one for one in words)
    middle += b"\x01"
    first, second = header[1], header[2]
    start, end = 3, 3 + first + second
    lacing = b"\xff" * (len(middle) // 255) + bytes([len(middle) % 255])
    return b"\x02" + bytes([first]) + lacing + header[start : start + first] + middle + header[end:]


@pytest.mark.slow
@pytest.mark.parametrize("muxer", ["matroska", "webm"])
def test_vorbis_comments(muxer: str, tmp_path: Path) -> None:
    plain = made(tmp_path, "vorbis", muxer, layout="stereo")
    source = planted(plain, muxer, header=vorbis_comments)
    assert "comments in the sound header" in leftovers(source)
    check_clean(source)


@pytest.mark.slow
def test_comments_of_flac_in_matroska(tmp_path: Path) -> None:
    plain = made(tmp_path, "flac", "matroska", layout="7.1(wide)")
    told = b"WAVEFORMATEXTENSIBLE_CHANNEL_MASK="
    data = plain.read_bytes()
    assert data.count(told) == 1
    plain.write_bytes(data.replace(told, (b"TITLE=" + HIDDEN).ljust(len(told), b"x")))
    assert "comments in the sound header" in leftovers(plain)
    check_clean(plain)


@pytest.mark.parametrize(
    ("kind", "body", "name"),
    [
        (1, HIDDEN, "further data in the sound header"),
        (2, b"ATCH" + HIDDEN, "application data in the sound header"),
        (4, struct.pack("<I", 5) + b"Title" + bytes(4), "comments in the sound header"),
        (5, HIDDEN, "cue sheet in the sound header"),
        (6, HIDDEN, "picture in the sound header"),
        (77, HIDDEN, "further data in the sound header"),
    ],
)
def test_blocks_of_flac(kind: int, body: bytes, name: str) -> None:
    first = b"\0\0\0\x22" + bytes(34)
    block = bytes([kind | 128]) + len(body).to_bytes(3, "big") + body
    for header in (b"fLaC" + first + block, first + block):
        assert list(in_header("flac", header)) == [name]
    assert list(in_header("flac", b"fLaC" + first)) == []
    assert clean_header("flac", b"fLaC" + first + block) == bytes(34)


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["libopus", "flac"])
def test_tags_of_ogg(codec: str, tmp_path: Path) -> None:
    plain = made(tmp_path, codec, "ogg", layout="stereo")
    check_clean(planted(plain, "ogg", title=TOKEN, location=TOKEN))


@pytest.mark.parametrize(
    ("codec", "muxer"),
    daily(
        [
            ("libopus", "matroska"),
            ("alac", "mp4"),
            ("alac", "mov"),
            ("aac", "mp4"),
            ("aac", "matroska"),
            ("adpcm_ms", "avi"),
            ("pcm_s16le", "avi"),
            ("libmp3lame", "avi"),
            ("libmp3lame", "matroska"),
        ],
        every=3,
    ),
)
def test_what_is_appended_to_a_header(codec: str, muxer: str, tmp_path: Path) -> None:
    def longer(header: bytes) -> bytes:
        own = header + HIDDEN
        if codec == "alac":
            own = len(own).to_bytes(4, "big") + own[4:]
        return own

    source = planted(made(tmp_path, codec, muxer), muxer, header=longer)
    if HIDDEN not in source.read_bytes():
        pytest.skip("this muxer leaves it out itself")
    if muxer != "avi":
        assert "further data in the sound header" in leftovers(source)
    check_clean(source)


@pytest.mark.slow
def test_the_comment_of_a_programme(tmp_path: Path) -> None:
    """FFmpeg's encoder signs layouts of its own making there."""
    plain = made(tmp_path, "aac", "matroska", layout="hexadecagonal")

    def signed(header: bytes) -> bytes:
        assert b"Lavc" in header
        return header.replace(b"Lavc62.28.102", HIDDEN.ljust(13, b"!"))

    with av.open(str(plain)) as file:
        header = file.streams.audio[0].codec_context.extradata
    assert header is not None
    if len(header[header.index(b"Lavc") :]) != 16:
        pytest.skip("another version of FFmpeg")
    source = planted(plain, "matroska", header=signed)
    assert "further data in the sound header" in leftovers(source)
    check_clean(source)


def bits_of(*fields: tuple[int, int]) -> str:
    return "".join(f"{value:0{width}b}" for value, width in fields)


def with_element(element: str) -> Change:
    """An element before the others of a raw data block, of which none is aligned."""

    def change(data: bytes) -> bytes:
        body = element + "".join(f"{byte:08b}" for byte in data)
        body += "0" * (-len(body) % 8)
        return int(body, 2).to_bytes(len(body) // 8, "big")

    return change


def fill(kind: int) -> str:
    payload = bits_of((kind, 4), (0, 4)) + "".join(f"{byte:08b}" for byte in HIDDEN)
    count = len(payload) // 8
    return bits_of((6, 3), *(((count, 4),) if count < 15 else ((15, 4), (count - 14, 8)))) + payload


def data_element(align: int) -> str:
    head = bits_of((4, 3), (0, 4), (align, 1), (len(HIDDEN), 8))
    head += "0" * (-len(head) % 8 if align else 0)
    return head + "".join(f"{byte:08b}" for byte in HIDDEN)


@pytest.mark.parametrize("element", [fill(0), fill(1), data_element(0), data_element(1)])
@pytest.mark.parametrize("muxer", daily(["mp4", "matroska"], "mp4"))
def test_elements_of_aac_before_the_sound(muxer: str, element: str, tmp_path: Path) -> None:
    def decorate(output: Any) -> None:
        output.streams.audio[0].codec_context.flags |= av.codec.context.Flags.bitexact

    plain = made(tmp_path, "aac", muxer, decorate=decorate)
    assert not [one for one in leftovers(plain) if "sound" in one]
    source = planted(plain, muxer, packet=with_element(element))
    assert "user data in the sound stream" in leftovers(source)
    before = hear(source)
    for suffix in CONTAINERS[:3]:
        target = tmp_path / f"out{suffix}"
        rewrite(source, target)
        assert not [one for one in leftovers(target) if "sound" in one]
        with av.open(str(target)) as file:
            for packet in file.demux(file.streams.audio[0]):
                bits = "".join(f"{byte:08b}" for byte in bytes(packet))
                assert "".join(f"{byte:08b}" for byte in HIDDEN) not in bits
        after = hear(target)
        np.testing.assert_allclose(after.beeps, before.beeps, atol=0.006)
        if suffix != ".mkv":  # which rounds times to milliseconds
            length = min(len(after.samples), len(before.samples)) - 48_000
            np.testing.assert_allclose(after.samples[:length], before.samples[:length], atol=1e-6)


def test_the_encoders_name_in_aac_of_a_transport_stream(tmp_path: Path) -> None:
    source = clip(tmp_path / "in", "aac", muxer="mpegts", picture_codec="mpeg2video")
    assert b"Lavc" in source.read_bytes()
    for suffix in CONTAINERS[:3]:
        rewrite(source, tmp_path / f"out{suffix}")
        assert b"Lavc" not in (tmp_path / f"out{suffix}").read_bytes()


def lame_tag(frame: bytes) -> bytes:
    """A silent frame of the same header that describes the file."""
    side = 17 if frame[3] >> 6 == 3 else 32
    body = b"Info" + struct.pack(">II", 1, 42) + b"LAME3.100" + HIDDEN
    return (frame[:4] + bytes(side) + body).ljust(len(frame), b"\0")


@pytest.mark.parametrize("muxer", ["matroska", "mp4", "avi"])
def test_tags_in_mp3(muxer: str, tmp_path: Path) -> None:
    count = 0

    def tagged(frame: bytes) -> bytes:
        nonlocal count
        count += 1
        if count == 1:
            return lame_tag(frame)
        if count == 5:
            return frame + b"TAG" + HIDDEN.ljust(125, b"\0")
        if count == 9:
            return frame + b"APETAGEX" + HIDDEN.ljust(60, b"\0")
        if count == 11:
            return frame + b"ID3\x04\0\0\0\0\0\x20" + HIDDEN.ljust(32, b"\0")
        return frame

    source = planted(made(tmp_path, "libmp3lame", muxer), muxer, packet=tagged)
    if muxer != "avi":
        assert "user data in the sound stream" in leftovers(source)
    check_clean(source, exact=False)  # the decoder takes the tags for sound


@pytest.mark.parametrize("head", ["fffdA400", "fffd0400", "fffb0400", "ffffa400"])
def test_sound_of_other_layers_and_of_a_free_rate_is_left_alone(head: str) -> None:
    """Bytes in the midst of them that look like the head of a frame of layer III are none."""
    frame = bytes.fromhex(head).ljust(200, b"\x11") + bytes.fromhex("fffb9064")
    assert clean_packet("mp3", frame.ljust(300, b"\x22")) == frame.ljust(300, b"\x22")


def test_padding_of_opus(tmp_path: Path) -> None:
    def padded(packet: bytes) -> bytes:
        if packet[0] & 3:
            return packet
        padding = HIDDEN.ljust(20, b"\0")
        return bytes([packet[0] | 3, 64 | 1, len(padding)]) + packet[1:] + padding

    source = planted(made(tmp_path, "libopus", "webm"), "webm", packet=padded)
    assert "user data in the sound stream" in leftovers(source)
    check_clean(source)


@pytest.mark.parametrize("codec", ["aac", "alac", "mp3", "opus"])
def test_cleaning_again_changes_nothing_and_never_fails(codec: str) -> None:
    random = np.random.default_rng(5)
    for size in (0, 1, 2, 3, 5, 9, 40, 400):
        for _ in range(200):
            data = random.integers(0, 256, size).astype(np.uint8)
            if codec == "mp3" and size > 4:
                data[:4] = (0xFF, 0xFB, 0x50, 0xC0)
            once = clean_packet(codec, data.tobytes())
            assert clean_packet(codec, once) == once
            assert list(in_packet(codec, once)) == []
            header = clean_header(codec, data.tobytes())
            assert header is None or clean_header(codec, header) == header
