"""Tracks of a film that are read, and that cannot be: several pictures, encrypted ones, sound in
two forms."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from faceveil.errors import UnsupportedError
from faceveil.media.videos.changing import changing
from faceveil.pipeline import veil_file
from test_cropped_films import cropped
from test_fragments import Element, box, parsed, put, tree, written
from videos import QUICK, VP9, X264, compose, picture, read, rewrite, source_of
from voices import BEEP, PITCH, clip, hear

SIZES = ((96, 64), (128, 80))
KEY = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
    "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
}


def two_pictures(path: Path, marks: Sequence[Disposition]) -> Path:
    """A film with two streams of pictures of different sizes."""
    with av.open(str(path), "w") as output:
        streams = []
        for (width, height), mark in zip(SIZES, marks, strict=True):
            stream = output.add_stream("libx264", rate=25, options=X264)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.disposition = mark
            streams.append(stream)
        for index in range(12):
            for stream in streams:
                frame = picture(index, stream.width, stream.height)
                frame.pts, frame.time_base = index, Fraction(1, 25)
                output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize("shown", [0, 1])
def test_the_pictures_that_players_show_are_read(suffix: str, shown: int, tmp_path: Path) -> None:
    marks = [Disposition.default if place == shown else Disposition(0) for place in (0, 1)]
    path = two_pictures(tmp_path / f"in{suffix}", marks)
    with source_of(path) as source:
        assert (source.media.width, source.media.height) == SIZES[shown]
        assert any("picture stream 2" in note for note in source.notes) == bool(shown)
        assert "further picture stream" in source.dropped
    rewrite(path, tmp_path / f"out{suffix}")
    assert read(tmp_path / f"out{suffix}").tags["size"] == SIZES[shown]


def test_pictures_without_a_mark_are_the_first(tmp_path: Path) -> None:
    path = two_pictures(tmp_path / "in.ts", [Disposition(0), Disposition(0)])
    with source_of(path) as source:
        assert (source.media.width, source.media.height) == SIZES[0]
        assert source.notes == ()


def test_margins_are_those_of_the_pictures_that_are_read(tmp_path: Path) -> None:
    marks = [Disposition(0), Disposition.default]
    path = two_pictures(tmp_path / "in.mkv", marks)
    seen = 0

    def cut(elements: list[Element]) -> list[Element]:
        """The last of the pictures without 16 columns on the left."""
        nonlocal seen
        found: list[Element] = []
        for kind, body in elements:
            if not isinstance(body, bytes):
                body = cut(body)
                seen += kind == 0xE0
                body += [(0x54CC, b"\x10")] if kind == 0xE0 and seen == 2 else []
            found.append((kind, body))
        return found

    path.write_bytes(written(cut(parsed(path.read_bytes()))))
    with source_of(path) as source:
        assert (source.media.width, source.media.height) == (SIZES[1][0] - 16, SIZES[1][1])


def test_encrypted_pictures_are_refused_in_words(tmp_path: Path) -> None:
    path = compose(tmp_path / "in.mp4", settings=X264, container=KEY)
    with pytest.raises(UnsupportedError, match="encrypted"):
        source_of(path)


@pytest.mark.parametrize(("packing", "told"), [("3", True), ("6", False)])
def test_two_views_in_a_picture_are_named(packing: str, told: bool, tmp_path: Path) -> None:
    """Players show the output as it is stored. 6 stands for one view (ITU-T H.264, D.2.26)."""
    settings = {**X264, "x264-params": f"frame-packing={packing}"}
    path = compose(tmp_path / "in.mp4", settings=settings)
    report = veil_file(path, tmp_path / "out.mp4", QUICK, check="off")
    assert any("two views" in warning for warning in report.warnings) == told
    assert report.status == ("partial" if told else "ok")


def test_a_film_all_around_is_named(tmp_path: Path) -> None:
    """A sphere, as the box of Google's spherical video says (sv3d, V2)."""
    path = compose(tmp_path / "in.mp4", settings=X264)
    data = path.read_bytes()
    table = next(place for place in tree(data, 0, len(data)) if place.kind == "stsd")
    entry = table.body + 8
    size = int.from_bytes(data[entry : entry + 4], "big")
    projection = box("proj", box("prhd", bytes(16)) + box("equi", bytes(20)))
    sphere = box("sv3d", box("svhd", bytes(4) + b"x\0") + projection)
    path.write_bytes(put(data, entry + size, sphere, (*table.inside, table.at, entry)))
    report = veil_file(path, tmp_path / "out.mp4", QUICK, check="off")
    assert any("360" in warning for warning in report.warnings)
    assert report.status == "partial"


@pytest.mark.parametrize("kind", [b"drmi", b"encv"])
def test_every_kind_of_encrypted_entry_is_known(kind: bytes, tmp_path: Path) -> None:
    """Apple's films have kinds of their own, for which FFmpeg makes noise."""
    path = compose(tmp_path / "in.mp4", settings=X264)
    path.write_bytes(path.read_bytes().replace(b"avc1\0\0\0\0", kind + bytes(4)))
    with pytest.raises(UnsupportedError, match="encrypted"):
        source_of(path)


def encoded(path: Path, type: int, scheme: Element) -> Path:
    """The same Matroska file, whose tracks of a type are encoded in a further way."""

    def walk(elements: list[Element]) -> list[Element]:
        found: list[Element] = []
        for kind, body in elements:
            if not isinstance(body, bytes):
                body = walk(body)
                if kind == 0xAE and (0x83, bytes([type])) in body:
                    body.append((0x6D80, [(0x6240, [(0x5033, b"\1"), scheme])]))
            found.append((kind, body))
        return found

    path.write_bytes(written(walk(parsed(path.read_bytes()))))
    return path


ENCRYPTION: Element = (0x5035, [(0x47E1, b"\5"), (0x47E2, bytes(range(16)))])
"""AES, and the number of the key (RFC 9559, 5.1.4.1.31.8)."""


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_encrypted_pictures_of_matroska_are_refused_too(suffix: str, tmp_path: Path) -> None:
    codec = {"codec": "libvpx-vp9", "settings": VP9} if suffix == ".webm" else {"settings": X264}
    path = encoded(compose(tmp_path / f"in{suffix}", **codec), 1, ENCRYPTION)
    with pytest.raises(UnsupportedError, match="encrypted"):
        source_of(path)


def test_encrypted_pictures_are_known_in_matroska_that_is_cut_off(tmp_path: Path) -> None:
    path = encoded(compose(tmp_path / "in.mkv", settings=X264), 1, ENCRYPTION)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(UnsupportedError, match="encrypted"):
        source_of(path)


def test_encrypted_sound_of_matroska_is_left_out(tmp_path: Path) -> None:
    path = encoded(compose(tmp_path / "in.mkv", settings=X264, sound="aac"), 2, ENCRYPTION)
    report = veil_file(path, tmp_path / "out.mkv", QUICK, check="off")
    assert report.status == "partial"
    assert any("encrypted" in warning for warning in report.warnings)
    with av.open(str(tmp_path / "out.mkv")) as file:
        assert not file.streams.audio


def with_stranger(path: Path, track: list[Element]) -> Path:
    """The same Matroska file, with a track before all others that players pass over."""

    def walk(elements: list[Element]) -> list[Element]:
        found: list[Element] = []
        for kind, body in elements:
            if not isinstance(body, bytes):
                body = walk(body)
                if kind == 0x1654AE6B:
                    body = [(0xAE, [(0xD7, b"\x63"), (0x73C5, b"\x63"), *track]), *body]
            found.append((kind, body))
        return found

    path.write_bytes(written(walk(parsed(path.read_bytes()))))
    return path


STRANGERS: dict[str, list[Element]] = {
    "without a codec": [(0x83, b"\1")],
    "with another's codec": [(0x83, b"\1"), (0x86, b"A_AAC")],
    "of no known type": [(0x83, b"\x20"), (0x86, b"V_VP9")],
    "subtitles": [(0x83, b"\x11"), (0x86, b"S_TEXT/UTF8")],
}


@pytest.mark.parametrize("track", STRANGERS.values(), ids=STRANGERS)
def test_a_track_that_is_passed_over_takes_no_margins(track: list[Element], tmp_path: Path) -> None:
    whole = compose(tmp_path / "whole.mkv", settings=X264, times=range(3))
    path = with_stranger(cropped(whole, tmp_path / "in.mkv"), track)
    with source_of(path) as source:
        assert (source.media.width, source.media.height) == (64, 48)


@pytest.mark.parametrize(
    "track",
    [[(0x83, b"\2")], [(0x83, b"\2"), (0x86, b"V_VP8")]],
    ids=["without a codec", "with another's codec"],
)
def test_a_track_that_is_passed_over_does_not_hide_encryption(
    track: list[Element], tmp_path: Path
) -> None:
    path = encoded(compose(tmp_path / "in.mkv", settings=X264, sound="aac"), 2, ENCRYPTION)
    report = veil_file(with_stranger(path, track), tmp_path / "out.mkv", QUICK, check="off")
    assert any("encrypted" in warning for warning in report.warnings)
    with av.open(str(tmp_path / "out.mkv")) as file:
        assert not file.streams.audio


def scrambled(data: bytes, number: int, *, flags_only: bool = False) -> bytes:
    """A transport stream in which the packets of one stream are scrambled, or said to be."""
    packets = np.frombuffer(data, np.uint8).reshape(-1, 188).copy()
    ours = (packets[:, 1].astype(int) % 32 * 256 + packets[:, 2]) == number
    packets[ours, 3] |= 0x80
    if not flags_only:
        noise = np.random.default_rng(1).integers(0, 256, (int(ours.sum()), 184), np.uint8)
        packets[ours, 4:] = noise
        packets[ours, 3] &= 0xDF  # no field before the content
        packets[ours, 3] |= 0x10
    return packets.tobytes()


def test_a_scrambled_transport_stream_is_refused_in_words(tmp_path: Path) -> None:
    path = compose(tmp_path / "in.ts", settings=X264, muxer="mpegts")
    data = path.read_bytes()
    path.write_bytes(scrambled(data, 256))
    with pytest.raises(UnsupportedError, match="encrypted"):
        source_of(path)
    # Receivers leave the marks in what they have descrambled.
    path.write_bytes(scrambled(data, 256, flags_only=True))
    with source_of(path) as source:
        assert sum(1 for _ in source.frames()) == 24


def test_encrypted_sound_is_left_out_with_a_warning(tmp_path: Path) -> None:
    """A copy would be noise: what tells players how to decrypt it is not taken over."""
    path = locked_sound(compose(tmp_path / "in.mp4", settings=X264, sound="aac"))
    report = veil_file(path, tmp_path / "out.mp4", QUICK, check="off")
    assert report.status == "partial"
    assert any("encrypted" in warning for warning in report.warnings)
    with av.open(str(tmp_path / "out.mp4")) as file:
        assert not file.streams.audio


def locked_sound(path: Path) -> Path:
    """The same film as if its sound were encrypted (ISO/IEC 14496-12, 8.12)."""
    data = path.read_bytes()
    table = [place for place in tree(data, 0, len(data)) if place.kind == "stsd"][-1]
    entry = table.body + 8
    size = int.from_bytes(data[entry : entry + 4], "big")
    assert data[entry + 4 : entry + 8] == b"mp4a"
    data = put(
        data, entry + size, box("sinf", box("frma", b"mp4a")), (*table.inside, table.at, entry)
    )
    path.write_bytes(data[: entry + 4] + b"enca" + data[entry + 8 :])
    return path


def test_mp3_whose_rate_changes_is_converted(tmp_path: Path) -> None:
    """A copy says one rate for all of it, so that the second half would be heard too fast."""
    parts = [
        clip(tmp_path / f"{rate}.ts", "libmp3lame", muxer="mpegts", rate=rate)
        for rate in (48_000, 32_000)
    ]
    joined = tmp_path / "in.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert changing(joined, "mpegts")
    assert not changing(parts[0], "mpegts")
    sink = rewrite(joined, tmp_path / "out.mp4")
    assert any("converted" in note for note in sink.notes)
    heard = hear(tmp_path / "out.mp4")
    assert len(heard.beeps) == 2
    assert all(abs(heard.pitch(at) - PITCH) < 5 for at in heard.beeps)
    assert all(abs(end - begin - (BEEP[1] - BEEP[0])) < 0.1 for begin, end in heard.beeps)


def test_pcm_that_is_described_twice_is_named(tmp_path: Path) -> None:
    path = compose(tmp_path / "in.mov", settings=X264, sound="pcm_s16le")
    data = path.read_bytes()
    table = [place for place in tree(data, 0, len(data)) if place.kind == "stsd"][-1]
    entry = table.body + 8
    size = int.from_bytes(data[entry : entry + 4], "big")
    second = bytearray(data[entry : entry + size])
    second[32:36] = (24_000 << 16).to_bytes(4, "big")  # the rate
    data = put(data, entry + size, bytes(second), (*table.inside, table.at))
    path.write_bytes(data[: entry - 4] + (2).to_bytes(4, "big") + data[entry:])
    report = veil_file(path, tmp_path / "out.mov", QUICK, check="off")
    assert report.status == "partial"
    assert any("changes its form" in warning for warning in report.warnings)
    assert np.isfinite(hear(tmp_path / "out.mov").samples).all()
