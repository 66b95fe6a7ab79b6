"""Sounds in documents: they stay, and what else is in their files goes."""

from __future__ import annotations

import base64
import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from faceveil import Options, veil_file
from faceveil.frames import Image
from faceveil.media.documents.remains import remains
from faceveil.media.kinds import HEAD, sniff
from faceveil.media.videos.sound_alone import sound_alone
from offices import document, jpeg, read

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

OPTIONS = Options(second_detector="none", check="sample")
TOKEN = b"PLANTED-TOKEN"
RATE = 48_000
KINDS = {
    "mp3": ("mp3", "libmp3lame"),
    "wav": ("wav", "pcm_s16le"),
    "rf64": ("wav", "pcm_s16le"),
    "w64": ("w64", "pcm_s16le"),
    "aiff": ("aiff", "pcm_s16be"),
    "au": ("au", "pcm_s16be"),
    "m4a": ("ipod", "aac"),
    "mov": ("mov", "aac"),
    "opus": ("ogg", "libopus"),
    "mka": ("matroska", "libopus"),
    "flac": ("flac", "flac"),
    "caf": ("caf", "alac"),
    "wv": ("wv", "wavpack"),
    "aac": ("adts", "aac"),
}


def spoken(kind: str, cover: bytes = b"") -> bytes:
    """A quarter of a second of sound, with words in its tags, and a picture where there is one."""
    muxer, codec = KINDS[kind]
    file = io.BytesIO()
    options = {"rf64": "always"} if kind == "rf64" else {}
    with av.open(file, "w", format=muxer, options=options) as output:
        stream = cast("AudioStream", output.add_stream(codec, rate=RATE, layout="mono"))
        for key in ("title", "artist", "comment", "location"):
            output.metadata[key] = TOKEN.decode()
        if cover and kind == "opus":
            output.metadata["METADATA_BLOCK_PICTURE"] = base64.b64encode(block(cover)).decode()
        wave = np.sin(np.arange(RATE // 4) / 20) * 9000
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], "s16", "mono")
        frame.rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    data = file.getvalue()
    if kind == "w64":  # FFmpeg writes no words there
        data += b"list" + data[44:56] + (24 + len(TOKEN)).to_bytes(8, "little") + TOKEN
    if cover and kind == "mp3":
        picture = b"APIC" + struct.pack(">IH", len(cover) + 14, 0) + b"\0image/jpeg\0\x03\0" + cover
        size = bytes(len(picture) >> shift & 127 for shift in (21, 14, 7, 0))
        data = b"ID3\x03\0\0" + size + picture + data + b"TAG" + TOKEN.ljust(125)
    if cover and kind == "flac":
        held = block(cover)
        data = data[:42] + b"\x06" + len(held).to_bytes(3, "big") + held + data[42:]
    if cover and kind == "wav":
        data += b"_PMX" + struct.pack("<I", len(cover)) + cover
    return data


def block(cover: bytes) -> bytes:
    """A picture as FLAC and Ogg hold it (RFC 9639, 8.8)."""
    numbers = struct.pack(">IIII", 260, 300, 24, 0) + struct.pack(">I", len(cover))
    return struct.pack(">II", 3, 10) + b"image/jpeg" + struct.pack(">I", 0) + numbers + cover


def heard(data: bytes) -> NDArray[np.generic]:
    with av.open(io.BytesIO(data), "r") as source:
        return np.concatenate([one.to_ndarray() for one in source.decode(audio=0)], axis=1)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_sound_is_left(kind: str) -> None:
    data = spoken(kind)
    assert (TOKEN in data) is (kind != "aac")  # it has no place for words
    alone = sound_alone(data, sniff(data[:HEAD]))
    assert alone is not None
    assert TOKEN not in alone
    assert np.array_equal(heard(alone), heard(data))
    assert sound_alone(alone, sniff(alone[:HEAD])) == alone


@pytest.mark.parametrize("kind", ["mp3", "wav", "flac", "opus"])
def test_covers_go(kind: str) -> None:
    data = spoken(kind, b"\xff\xd8\xff\xe0" + TOKEN * 9)
    alone = sound_alone(data, sniff(data[:HEAD]))
    assert alone is not None
    assert alone == sound_alone(spoken(kind), sniff(data[:HEAD]))


def test_tags_of_every_kind_at_the_end_go() -> None:
    bare = sound_alone(spoken("mp3"), "mp3")
    assert bare is not None
    words = b"TIT2\0\0\0\x0e\0\0\0" + TOKEN
    numbers = b"\4\0\x10" + bytes((0, 0, 0, len(words)))
    lyrics = b"LYRICSBEGIN" + TOKEN
    tag = b"TAG" + TOKEN.ljust(125)
    for end in (
        b"ID3" + numbers + words + b"3DI" + numbers,
        b"TAG+" + TOKEN.ljust(223) + tag,
        lyrics + b"LYRICSEND" + tag,
        lyrics + b"%06dLYRICS200" % len(lyrics),
        b"APETAGEX" + struct.pack("<IIII", 2000, 0, 0, 0) + TOKEN[:8],  # shorter than itself
    ):
        assert sound_alone(bare + end, "mp3") == bare


def test_words_that_are_packed_with_the_sound_are_told_of() -> None:
    data = spoken("wv")
    size = int.from_bytes(data[4:8], "little")
    words = b"LIST" + struct.pack("<I", 26) + b"INFOIART" + struct.pack("<I", 14) + TOKEN + b"\0"
    held = b"\x21" + bytes([len(words) // 2]) + words  # the header of the file it was made from
    first = data[:4] + struct.pack("<I", size + len(held)) + data[8:32] + held + data[32:]
    assert np.array_equal(heard(first), heard(data))
    assert sound_alone(first, None) is None


def test_sound_of_a_recorder_that_was_stopped_is_not_lost() -> None:
    data = spoken("wav")
    size = data.index(b"data") + 4
    assert sound_alone(data[:size] + bytes(4) + data[size + 4 :], "wav") is None


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000])
@pytest.mark.parametrize("words", [1, 2])
def test_words_behind_sound_of_a_size_that_is_not_known_go(size: int, words: int) -> None:
    data = spoken("wav")
    bare = sound_alone(data, "wav")
    assert bare is not None
    at = bare.index(b"data") + 4
    piped = bare[:at] + struct.pack("<I", size) + bare[at + 4 :]
    heard_there = heard(piped)
    held = b"INFOIART" + struct.pack("<I", 13) + TOKEN + b"\0"
    behind = (b"LIST" + struct.pack("<I", len(held)) + held) * words
    alone = sound_alone(piped + behind, "wav")
    assert alone == bare
    assert np.array_equal(heard(alone), heard_there)
    again = sound_alone(piped, "wav")
    assert again is not None
    assert np.array_equal(heard(again), heard_there)
    # Words of which nobody knows where they begin are told of.
    assert sound_alone(piped + behind[:-2], "wav") is None


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_left_alone(kind: str) -> None:
    data = spoken(kind)
    for cut in (3, 9, 20, 45, len(data) // 2):
        alone = sound_alone(data[:cut], sniff(data[:cut]))
        assert alone is None or len(alone) <= cut + 64


def test_a_document_keeps_sounds_without_words(
    astronaut: Image, tmp_path: Path, detector: str
) -> None:
    face = jpeg(np.ascontiguousarray(astronaut[:300, 100:360]))
    sounds = {
        f"ppt/media/s.{kind}": spoken(kind, face)
        for kind in ("mp3", "opus", "wav", "m4a", "w64", "rf64")
    }
    path, out = tmp_path / "x.pptx", tmp_path / "out.pptx"
    document("pptx", sounds, path)
    report = veil_file(path, out, OPTIONS)
    assert (report.status, report.warnings) == ("ok", ())
    assert "metadata of a sound" in report.dropped
    after = read(out)
    for name, data in sounds.items():
        assert np.array_equal(heard(after[name]), heard(data))
    whole = b"".join(after.values())
    assert TOKEN not in whole
    assert face[-500:-400] not in whole
    assert base64.b64encode(face)[-500:-400] not in whole
    assert remains(out, OPTIONS) == []


def test_a_sound_that_is_not_understood_is_told_of(tmp_path: Path, detector: str) -> None:
    song = b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\x20\0\xff\1" + TOKEN + bytes(64)
    path, out = tmp_path / "x.pptx", tmp_path / "out.pptx"
    document("pptx", {"ppt/media/s.mid": song}, path)
    report = veil_file(path, out, OPTIONS)
    assert report.status == "partial"
    assert report.warnings == ("ppt/media/s.mid: a sound keeps its title and other tags",)
    assert read(out)["ppt/media/s.mid"] == song
