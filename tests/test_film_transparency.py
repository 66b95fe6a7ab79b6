"""Films with transparency, as studios exchange them: read, and kept where a container can."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import av
import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from faceveil import pipeline
from faceveil.errors import UsageError
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.media.leftovers import leftovers
from faceveil.obscure.canvas import canvas_of
from faceveil.options import Options
from faceveil.pipeline import veil_file
from films import head
from videos import QUICK, default_target, read, rewrite, source_of

STUDIO = [
    ("prores_ks", "yuva444p10le", "mov", {"profile": "4444"}),
    ("qtrle", "argb", "mov", {}),
    ("png", "rgba", "mov", {}),
    ("ffv1", "yuva444p", "matroska", {}),
    ("ffv1", "yuva420p10le", "matroska", {}),
    ("utvideo", "gbrap", "avi", {}),
]


def overlay(
    path: Path,
    pictures: list[NDArray[np.uint8]],
    codec: str,
    format: str,
    muxer: str,
    settings: dict[str, str],
) -> Path:
    """Write (H, W, 4) pictures: red, green, blue, opacity."""
    with av.open(str(path), "w", format=muxer) as output:
        stream = output.add_stream(codec, rate=25, options=settings)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = format
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgba")
            output.mux(stream.encode(frame.reformat(format=format)))
        output.mux(stream.encode(None))
    return path


def title() -> NDArray[np.uint8]:
    """Red on the left half, opaque above and half so below; nothing on the right."""
    picture = np.zeros((64, 96, 4), np.uint8)
    picture[:, :48] = (200, 40, 40, 255)
    picture[32:, :48, 3] = 128
    return picture


@pytest.mark.parametrize(("codec", "format", "muxer", "settings"), STUDIO)
def test_transparency_is_read_and_kept(
    codec: str, format: str, muxer: str, settings: dict[str, str], tmp_path: Path
) -> None:
    name = {"mov": "in.mov", "matroska": "in.mkv", "avi": "in.avi"}[muxer]
    clip = overlay(tmp_path / name, [title()] * 5, codec, format, muxer, settings)
    target = default_target(clip, tmp_path)
    assert target.suffix == (".mkv" if muxer == "matroska" else ".webm")
    with source_of(clip) as source:
        assert any(re.fullmatch(r"picture converted from \w+ to yuva420p", n) for n in source.notes)
    rewrite(clip, target, Options())
    assert len(read(target).times) == 5
    assert leftovers(target) == []
    with source_of(target) as source:
        assert source.media.transparent
        frame = next(source.frames())
        assert frame.alpha is not None
        for rows, columns, opacity in (
            (slice(2, 30), slice(2, 44), 255),
            (slice(34, 62), slice(2, 44), 128),
            (slice(2, 62), slice(52, 94), 0),
        ):
            assert np.abs(frame.alpha[rows, columns].astype(int) - opacity).max() < 8
        assert np.abs(frame.image[2:30, 2:44].astype(int) - (40, 40, 200)).max() < 16
    with pytest.raises(UsageError, match="cannot keep transparency"):
        rewrite(clip, tmp_path / "out.mp4", QUICK)


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "format", "muxer", "settings"), STUDIO[:3])
def test_a_face_drawn_by_opacity_is_covered(
    codec: str,
    format: str,
    muxer: str,
    settings: dict[str, str],
    detector: str,
    astronaut: Image,
    tmp_path: Path,
) -> None:
    actor, face = head(astronaut, 0.8)
    ink = np.zeros((192, 160, 4), np.uint8)
    grey = actor.mean(axis=2)
    ink[20 : 20 + len(grey), 20 : 20 + grey.shape[1], 3] = (255 - grey).astype(np.uint8)
    clip = overlay(tmp_path / "in.mov", [ink] * 4, codec, format, muxer, settings)
    report = veil_file(clip, tmp_path / "out.webm", Options())
    assert report.tracks >= 1
    x0, y0, x1, y1 = (int(value) for value in face.transformed(1.0, 20, 20).as_tuple())
    with source_of(tmp_path / "out.webm") as source:
        for frame in source.frames():
            assert frame.alpha is not None
            assert frame.alpha[y0:y1, x0:x1].min() > 250


def test_what_is_painted_is_opaque(tmp_path: Path) -> None:
    clip = overlay(tmp_path / "in.mov", [title()] * 3, "qtrle", "argb", "mov", {})
    where = Box(40, 8, 80, 48)

    def paint(frame: Any) -> None:
        canvas_of(frame).fill(where, (127, 127, 127))

    rewrite(clip, tmp_path / "out.webm", Options(), paint)
    with source_of(tmp_path / "out.webm") as source:
        frame = next(source.frames())
        assert frame.alpha is not None
        assert frame.alpha[12:44, 44:76].min() > 250
        assert frame.alpha[:, 86:].max() < 5


def test_a_name_that_cannot_hold_it_is_refused_before_anything_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = overlay(tmp_path / "in.mov", [title()] * 2, "qtrle", "argb", "mov", {})
    gif = tmp_path / "in.gif"
    PIL.Image.new("RGB", (64, 48)).save(
        gif, save_all=True, append_images=[PIL.Image.new("RGB", (64, 48), "red")]
    )
    monkeypatch.setattr(pipeline, "analyze", None)  # so a look would fail
    for path, name in (
        (clip, "out.mp4"),
        (clip, "out.mov"),
        (clip, "out.gif"),
        (clip, "out.jpg"),
        (gif, "out.mp4"),
        (gif, "out.webm"),
    ):
        with pytest.raises(UsageError):
            veil_file(path, tmp_path / name, Options())
        assert not (tmp_path / name).exists()
