"""Interlaced films: two fields, one after the other, in every frame."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceveil.frames import Planes
from faceveil.geometry import Box
from faceveil.obscure.canvas import PlanesCanvas
from faceveil.options import Options
from videos import LOSSLESS, QUICK, X264, read, rewrite


def woven(index: int, size: tuple[int, int], format: str, top_first: bool) -> av.VideoFrame:
    """A frame whose two fields are different pictures: a bar that moves from field to field."""
    frame = av.VideoFrame(*size, format)
    for number, plane in enumerate(frame.planes):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
        wide = plane.width
        for field in (0, 1):
            moment = 2 * index + (field if top_first else 1 - field)
            at = wide * (moment % 20) // 24
            rows[field::2, :wide] = (60, 110, 140)[number]
            rows[field::2, at : at + wide // 8] = (200, 60, 200)[number]
    return frame


def interlaced(
    path: Path, codec: str, format: str, size: tuple[int, int], top_first: bool = True
) -> Path:
    rate = Fraction(30000, 1001) if size[1] == 480 else Fraction(25)
    settings = {
        "libx264": {**X264, "crf": "1", "x264-params": "tff=1" if top_first else "bff=1"},
        "mpeg2video": {"q": "2", "flags": "+ildct+ilme"},
    }.get(codec, {})
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=rate, options=settings)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = format
        context = stream.codec_context
        context.bit_rate = 20_000_000
        context.gop_size = 5
        if codec != "dvvideo":
            context.flags |= av.codec.context.Flags.interlaced_dct
            context.field_order = 2 if top_first else 3
        graph = av.filter.Graph()
        entry = graph.add_buffer(
            width=size[0], height=size[1], format=av.VideoFormat(format), time_base=1 / rate
        )
        mark = graph.add("setfield", "tff" if top_first else "bff")
        graph.link_nodes(entry, mark, graph.add("buffersink")).configure()
        for index in range(6):
            frame = woven(index, size, format, top_first)
            frame.pts, frame.time_base = index, 1 / rate
            graph.push(frame)
            output.mux(stream.encode(graph.vpull()))
        output.mux(stream.encode(None))
    return path


def fields(path: Path) -> list[NDArray[Any]]:
    """The luma of every field in the order in which a television shows them."""
    found = []
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        graph: Any = None
        for frame in file.decode(stream):
            assert frame.interlaced_frame
            if graph is None:
                graph = av.filter.Graph()
                entry = graph.add_buffer(template=stream)
                split = graph.add("separatefields")
                graph.link_nodes(entry, split, graph.add("buffersink")).configure()
            graph.push(frame)
            found += pulled(graph)
        graph.push(None)
    return found + pulled(graph)


def pulled(graph: av.filter.Graph) -> list[NDArray[Any]]:
    planes = []
    with suppress(av.error.BlockingIOError, av.error.EOFError):
        while True:
            plane = graph.vpull().planes[0]
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
            planes.append(rows[:, : plane.width].astype(int))
    return planes


CASES = [
    ("dvvideo", "yuv420p", (720, 576), ".avi", False),
    ("dvvideo", "yuv411p", (720, 480), ".dv", False),
    ("dvvideo", "yuv422p", (720, 576), ".mov", False),
    ("mpeg2video", "yuv420p", (192, 128), ".mpg", True),
    ("mpeg2video", "yuv422p", (192, 128), ".ts", True),
    ("libx264", "yuv420p", (192, 128), ".mp4", True),
    ("libx264", "yuv420p", (192, 128), ".mkv", False),
]


@pytest.mark.parametrize(("codec", "format", "size", "suffix", "top_first"), CASES)
def test_fields_stay_apart_and_in_order(
    codec: str,
    format: str,
    size: tuple[int, int],
    suffix: str,
    top_first: bool,
    tmp_path: Path,
) -> None:
    clip = interlaced(tmp_path / f"in{suffix}", codec, format, size, top_first)
    rewrite(clip, tmp_path / "out.mp4", QUICK)
    before, after = fields(clip), fields(tmp_path / "out.mp4")
    assert len(after) == len(before) == 12
    for one, other in zip(before, after, strict=True):
        assert np.abs(one - other).mean() < 4
    bars = [int(np.argmax(field.mean(axis=0) > 120)) for field in after]
    assert bars == sorted(bars)  # time never runs backwards
    assert len(set(bars)) == 12
    with av.open(str(tmp_path / "out.mp4")) as file:
        assert file.streams.video[0].codec_context.field_order == (2 if top_first else 3)


def test_an_encoder_without_fields_says_so(tmp_path: Path) -> None:
    clip = interlaced(tmp_path / "in.mp4", "libx264", "yuv420p", (192, 128))
    sink = rewrite(clip, tmp_path / "out.webm", Options())
    assert sink.warnings == (
        "libvpx-vp9 stores whole pictures: the two fields of each frame are shown at once",
    )
    assert rewrite(clip, tmp_path / "out.mkv", QUICK).warnings == ()


@pytest.mark.parametrize("height", [134, 486])
def test_fields_that_hold_no_whole_colours_are_shown_at_once(height: int, tmp_path: Path) -> None:
    """Half of 486 rows, as in NTSC's full frame, is odd: H.264 has no such fields in 4:2:0."""
    clip = interlaced(tmp_path / "in.mpg", "mpeg2video", "yuv420p", (192, height))
    sink = rewrite(clip, tmp_path / "out.mp4", QUICK)
    assert sink.warnings == (
        f"libx264 stores no fields of {height} rows: "
        "the two fields of each frame are shown at once",
    )
    before, after = (read(path, pixels=True) for path in (clip, tmp_path / "out.mp4"))
    assert after.tags["size"] == (192, height)
    assert len(after.planes) == len(before.planes) == 6
    for one, other in zip(before.planes, after.planes, strict=True):
        assert np.abs(one[0][:, :192].astype(int) - other[0][:, :192]).mean() < 4


def test_chroma_of_either_field_is_converted_by_itself(tmp_path: Path) -> None:
    clip = interlaced(tmp_path / "in.avi", "dvvideo", "yuv422p", (720, 576), False)
    rewrite(clip, tmp_path / "out.mp4", LOSSLESS)
    assert read(tmp_path / "out.mp4").tags["format"] == "yuv420p"
    before = read(clip, pixels=True).planes[3][1]
    after = read(tmp_path / "out.mp4", pixels=True).planes[3][1]
    for field in (0, 1):
        # 4:2:2 has twice the lines of colour: the means of two lines of one field.
        lines = before[field::2].astype(int)
        assert np.abs((lines[::2] + lines[1::2]) // 2 - after[field::2]).mean() < 2


@given(
    top=st.integers(0, 20),
    left=st.integers(0, 20),
    rows=st.integers(1, 12),
    columns=st.integers(1, 12),
    size=st.tuples(st.integers(64, 70), st.integers(64, 70)),
    swap=st.booleans(),
)
def test_what_is_painted_is_painted_in_both_fields(
    top: int, left: int, rows: int, columns: int, size: tuple[int, int], swap: bool
) -> None:
    height, width = size
    y = np.full((height, width), 77, np.uint8)
    u, v = (np.full((-(-height // 2), -(-width // 2)), 77, np.uint8) for _ in range(2))
    box = Box(2 * left, 2 * top, min(2 * (left + columns), width), min(2 * (top + rows), height))
    planes = Planes(y, u, v, fields=(2, 1) if swap else (1, 2))
    canvas = PlanesCanvas(planes)
    patch = np.full((int(box.height), int(box.width), 3), (0, 0, 255), np.uint8)
    canvas.paste(box, patch, np.full(patch.shape[:2], 255, np.uint8))
    painted = [plane.T if swap else plane for plane in (u != 77, v != 77)]
    corners = [int(value) for value in box.as_tuple()]
    x0, y0, x1, y1 = corners if not swap else (*corners[1::-1], *corners[:1:-1])
    for row in range(y0, y1):
        field, line = row % 2, row // 2
        sample = 2 * (line // 2) + field  # the line of colour that this line of its field shows
        for plane in painted:
            if sample < len(plane):
                assert plane[sample, x0 // 2 : -(-x1 // 2)].all()
    fresh = Planes(np.zeros_like(y), np.full_like(u, 77), np.full_like(v, 77), fields=planes.fields)
    PlanesCanvas(fresh).fill(box, (0, 0, 255))
    np.testing.assert_array_equal(fresh.u, u)
