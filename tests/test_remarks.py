"""Losses that a user would miss are named on the terminal and the page, not only in JSON."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image as Pillow

import faceveil
from commands import faceveil as run
from faceveil.frames import Image
from faceveil.i18n import say, translated
from films import scenery
from videos import QUICK

pytestmark = pytest.mark.slow


def tagged(path: Path, astronaut: Image) -> Path:
    """With EXIF and a place in it."""
    exif = Pillow.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8825)[2] = (1.0, 2.0, 3.0)
    Pillow.fromarray(np.ascontiguousarray(astronaut[::4, ::4, ::-1])).save(path, exif=exif)
    return path


def deep(path: Path) -> Path:
    """16 bits a sample, of which 8 are kept."""
    Pillow.fromarray(np.full((40, 40), 30000, np.uint16)).save(path)
    return path


def test_of_one_file_each_is_a_line(tmp_path: Path, astronaut: Image, detector: str) -> None:
    done = run("veil", tagged(tmp_path / "x.jpg", astronaut), "--check", "off")
    assert done.returncode == 0
    (line,) = [one for one in done.stderr.splitlines() if "removed: " in one]
    assert "GPS" in line
    assert "EXIF" in line
    done = run("veil", deep(tmp_path / "y.png"), "--check", "off")
    assert "note: 16-bit" in done.stderr


def test_of_many_files_each_is_told_once(tmp_path: Path, astronaut: Image, detector: str) -> None:
    for number in range(3):
        tagged(tmp_path / f"{number}.jpg", astronaut)
    deep(tmp_path / "a.png")
    deep(tmp_path / "b.png")
    done = run("veil", tmp_path, "-o", tmp_path / "out", "--check", "off", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("removed: ") == 1
    assert done.stderr.count("note: 16-bit") == 1
    assert "(2 files)" in done.stderr


def test_in_chinese_too() -> None:
    note = say("{bits}-bit samples reduced to 8", bits=16)
    told = say("note: {note} ({files})", note=note, files=say("{n} files", n=2))
    assert translated(told, "zh") == "说明：16 位样本已减为 8 位（2 个文件）"
    told = say("removed: {what}", what=[say("subtitles"), "GPS"])
    assert translated(told, "zh") == "已去除：字幕；GPS"


def test_subtitles_that_are_left_out_are_a_warning(tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25)
        room = scenery(1)
        stream.height, stream.width = room.shape[:2]
        stream.pix_fmt = "yuv420p"
        words = container.add_stream("ass")
        words.time_base = Fraction(1, 1000)
        words.codec_context.extradata = b"[Script Info]\n[Events]\n"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(room, format="bgr24")))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        if not container.streams.subtitles:
            pytest.skip("this PyAV writes no subtitles")
    report = faceveil.veil_file(path, tmp_path / "out.mkv", QUICK)
    assert report.status == "partial"
    assert "the subtitles are left out" in report.warnings
