"""Only what a file says is shown of its stored pictures is taken over."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from faceveil.live.sources import Stream
from faceveil.media.leftovers import leftovers
from faceveil.options import Options
from faceveil.pipeline import veil_file
from test_fragments import Element, box, parsed, put, tree, written
from videos import QUARTERS, X264, compose, read, source_of

SIZE = (96, 64)
SHOWN = (slice(8, 56), slice(16, 80))
"""Rows and columns that are left of it."""


def cropped(path: Path, target: Path) -> Path:
    """The same film with 8 rows and 16 columns cut off on each side, without a new encoding."""
    data = path.read_bytes()
    target.write_bytes(_mkv(data) if target.suffix in (".mkv", ".webm") else _mp4(data))
    return target


def _mkv(data: bytes) -> bytes:
    sides = [(0x54BB, b"\x08"), (0x54AA, b"\x08"), (0x54CC, b"\x10"), (0x54DD, b"\x10")]

    def cut(elements: list[Element]) -> list[Element]:
        found: list[Element] = []
        for kind, body in elements:
            if not isinstance(body, bytes):
                body = cut(body) + (list(sides) if kind == 0xE0 else [])
            found.append((kind, body))
        return found

    return written(cut(parsed(data)))


def _mp4(data: bytes) -> bytes:
    aperture = box("clap", struct.pack(">8I", 64, 1, 48, 1, 0, 1, 0, 1))
    table = next(place for place in tree(data, 0, len(data)) if place.kind == "stsd")
    entry = table.body + 8
    size = int.from_bytes(data[entry : entry + 4], "big")
    return put(data, entry + size, aperture, (*table.inside, table.at, entry))


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
def test_what_is_cut_off_stays_off(suffix: str, tmp_path: Path) -> None:
    whole = compose(tmp_path / f"whole{suffix}", settings=X264, sound="aac")
    report = veil_file(
        cropped(whole, tmp_path / f"in{suffix}"), tmp_path / f"out{suffix}", check="off"
    )
    assert report.status == "ok"
    assert report.copied == 0
    assert any("64x48" in note and "96x64" in note for note in report.notes), report.notes
    assert "margins that are cut off" in leftovers(tmp_path / f"in{suffix}")
    assert leftovers(tmp_path / f"out{suffix}") == []
    before = read(whole, pixels=True)
    after = read(tmp_path / f"out{suffix}", pixels=True)
    assert after.tags["size"] == (64, 48)
    assert after.times == before.times
    for old, new in zip(before.planes, after.planes, strict=True):
        assert np.abs(old[0][SHOWN].astype(int) - new[0][:, :64]).mean() < 4


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
def test_what_is_cut_off_is_not_shown_live(suffix: str, tmp_path: Path) -> None:
    whole = compose(tmp_path / f"whole{suffix}", settings=X264)
    path = cropped(whole, tmp_path / f"in{suffix}")
    with source_of(path) as source:
        expected = [(frame.image, frame.pts * source.time_base) for frame in source.frames()]
    found = list(Stream(str(path), "it", {}, Options()).frames())
    assert len(found) == len(expected)
    for frame, (image, time) in zip(found, expected, strict=True):
        assert np.array_equal(frame.image, image)
        assert frame.pts == round(1000 * time)


def test_of_a_turned_film_the_stored_rows_are_cut_off(tmp_path: Path) -> None:
    whole = compose(tmp_path / "whole.mp4", settings=X264, matrix=QUARTERS[90], times=range(6))
    with source_of(cropped(whole, tmp_path / "in.mp4")) as source:
        assert (source.media.width, source.media.height) == (48, 64)
        frames = list(source.frames())
        assert all(frame.size == (48, 64) for frame in frames)
        [same] = source.sample({3})
        assert np.array_equal(same.image, frames[3].image)


def test_an_aperture_that_makes_no_sense_is_passed_over(tmp_path: Path) -> None:
    whole = compose(tmp_path / "whole.mp4", settings=X264, times=range(3))
    data = cropped(whole, tmp_path / "in.mp4").read_bytes()
    with source_of(data.replace(struct.pack(">2I", 64, 1), struct.pack(">2I", 640, 1))) as source:
        assert (source.media.width, source.media.height) == SIZE
        assert not source.notes
