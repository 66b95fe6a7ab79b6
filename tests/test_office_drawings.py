"""Faces in drawings of Windows are painted where they are, and the lines around them stay."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceveil import Options, analyze_file, veil_file
from faceveil.errors import UnsupportedError
from faceveil.frames import Image
from faceveil.media.documents.bitmaps import Bitmap
from faceveil.media.documents.drawings import looks_at, painted
from faceveil.media.documents.metafiles import UnwalkableError, bitmaps_of
from faceveil.media.documents.remains import remains
from faceveil.media.documents.svg import lean_svg
from faceveil.report import Report
from offices import dib, document, emf, jpeg, png, read, stretched, wmf
from tiers import daily

OPTIONS = Options(second_detector="none", check="sample")
LINE = struct.pack("<IIii", 54, 16, 7, 9)
"""A record that draws a line (EMR_LINETO)."""


def done(path: Path, tmp_path: Path) -> tuple[Report, Path]:
    out = tmp_path / f"out{path.suffix}"
    return veil_file(path, out, OPTIONS), out


def packed(image: Image, depth: int, from_top: bool) -> Bitmap:
    """A picture as rows of bits of this depth, with 3 + 3 + 2 bits of colours up to 8."""
    height, width = image.shape[:2]
    colours = b""
    rows: NDArray[np.uint8]
    blue, green, red = (image[..., at].astype(np.uint32) for at in range(3))
    if depth == 8:
        table = [(index & 0xC0, (index & 0x38) << 2, (index & 7) << 5) for index in range(256)]
        colours = b"".join(bytes([b, g, r, 0]) for b, g, r in table)
        index = (blue & 0xC0) | (green >> 5) << 3 | red >> 5
        rows = np.pad(index, ((0, 0), (0, -width % 4))).astype(np.uint8)
    elif depth in (1, 4):
        most = (1 << depth) - 1
        colours = b"".join(bytes([at * 255 // most] * 3 + [0]) for at in range(most + 1))
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)).astype(int) * most // 255
        per = 8 // depth
        grey = np.pad(grey, ((0, 0), (0, -width % (4 * per))))
        steps = np.arange(8 - depth, -1, -depth)
        rows = (grey.reshape(height, -1, per) << steps).sum(axis=2).astype(np.uint8)
    elif depth == 16:
        values = (red >> 3) << 10 | (green >> 3) << 5 | blue >> 3
        rows = np.asarray(np.pad(values, ((0, 0), (0, width % 2)))).astype("<u2").view(np.uint8)
    else:
        whole = image if depth == 24 else np.dstack([image, np.zeros_like(image[..., 0])])
        across = -(whole.shape[2] * width) % 4
        rows = np.pad(np.asarray(whole, np.uint8).reshape(height, -1), ((0, 0), (0, across)))
    rows = rows if from_top else rows[::-1]
    high = -height if from_top else height
    header = struct.pack("<IiiHHIIiiII", 40, width, high, 1, depth, 0, rows.nbytes, 0, 0, 0, 0)
    return Bitmap(header + colours, np.ascontiguousarray(rows).tobytes(), 0)


def record(header: bytes, bits: bytes) -> bytes:
    """A record that shows a bitmap (EMR_STRETCHDIBITS)."""
    body = bytes(16) + struct.pack("<6i", 0, 0, 0, 0, 99, 99)
    body += struct.pack("<IIII", 80, len(header), 80 + len(header), len(bits))
    body += struct.pack("<IIii", 0, 0xCC0020, 99, 99) + header + bits
    body += bytes(-len(body) % 4)
    return struct.pack("<II", 81, 8 + len(body)) + body


def file_record(data: bytes, compression: int) -> bytes:
    """A record with a JPEG (4) or PNG (5)."""
    header = struct.pack("<IiiHHIIiiII", 40, 260, 300, 1, 0, compression, len(data), 0, 0, 0, 0)
    return record(header, data)


def comment(body: bytes) -> bytes:
    body = body + bytes(-len(body) % 4)
    return struct.pack("<III", 70, 12 + len(body), len(body)) + body


def plus(data: bytes, width: int = 0, height: int = 0, stride: int = 0, form: int = 0) -> bytes:
    """An EMF+ object: a picture file, or rows of a pixel format of GDI+."""
    body = struct.pack("<IIiiiII", 0xDBC01002, 1, width, height, stride, form, int(not form)) + data
    body += bytes(-len(body) % 4)
    return struct.pack("<HHII", 0x4008, 5 << 8, 12 + len(body), len(body)) + body


def _alpha(face: Image) -> bytes:
    whole = np.dstack([face, np.full(face.shape[:2], 255, np.uint8)])
    return plus(whole.tobytes(), 260, 300, 1040, 0x0026200A)


def _record_of(face: Image, depth: int, top: bool) -> bytes:
    made = packed(face, depth, top)
    return record(made.header, made.bits)


PAINTED: dict[str, Callable[[Image], bytes]] = {
    **{f"{depth} bits": partial(_record_of, depth=depth, top=True) for depth in (8, 16, 24, 32)},
    **{
        f"{depth} bits from below": partial(_record_of, depth=depth, top=False)
        for depth in (8, 16, 24, 32)
    },
    "JPEG": lambda face: file_record(jpeg(face), 4),
    "PNG": lambda face: file_record(png(face), 5),
    "EMF+ JPEG": lambda face: comment(b"EMF+" + plus(jpeg(face))),
    "EMF+ PNG": lambda face: comment(b"EMF+" + plus(png(face))),
    "EMF+ with opacity": lambda face: comment(b"EMF+" + _alpha(face)),
    "strips": lambda face: b"".join(stretched(face[at : at + 12]) for at in range(0, 300, 12)),
    "strips of PNG": lambda face: b"".join(
        file_record(png(face[at : at + 15]), 5) for at in range(0, 300, 15)
    ),
    "columns": lambda face: b"".join(
        stretched(np.ascontiguousarray(face[:, at : at + 20])) for at in range(0, 260, 20)
    ),
    "WMF in EMF": lambda face: comment(
        b"GDIC" + struct.pack("<IIIII", 0x80000001, 0, 0, 0, 0) + wmf(face)[22:]
    ),
}


@pytest.mark.parametrize("what", daily(PAINTED, every=4))
def test_a_face_is_painted_and_the_lines_stay(
    what: str, face: Image, tmp_path: Path, detector: str
) -> None:
    drawing = emf(LINE, PAINTED[what](face), LINE)
    path = tmp_path / "x.docx"
    document("docx", {"word/media/a.emf": drawing}, path)
    assert len(analyze_file(path, OPTIONS).hidden) >= 1
    report, out = done(path, tmp_path)
    made = read(out)["word/media/a.emf"]
    assert (report.status, report.warnings) == ("ok", ())
    assert made != drawing
    assert made[88:104] == LINE
    assert made[-36:-20] == LINE
    assert struct.unpack_from("<I", made, 48)[0] == len(made)
    assert [len(one.of) for one in looks_at(made)] == [len(one.of) for one in looks_at(drawing)]
    assert len(analyze_file(out, OPTIONS).hidden) == 0


def test_a_drawing_does_not_name_its_file(face: Image, tmp_path: Path, detector: str) -> None:
    title = "Inkscape\0/home/PLANTED/a.svg\0\0".encode("utf-16-le")

    def titled(*records: bytes) -> bytes:
        plain = emf(*records)
        numbers = struct.pack("<II", len(title) // 2, 88)
        head = plain[:4] + struct.pack("<I", 88 + len(title)) + plain[8:48]
        head += struct.pack("<I", len(plain) + len(title)) + plain[52:60] + numbers + plain[68:88]
        return head + title + plain[88:]

    path = tmp_path / "x.docx"
    drawings = {"a": titled(LINE), "b": titled(stretched(face)), "c": titled(stretched(face[:30]))}
    document("docx", {f"word/media/{name}.emf": data for name, data in drawings.items()}, path)
    report, out = done(path, tmp_path)
    assert (report.status, report.tracks) == ("ok", 1)
    assert "metadata of a drawing" in report.dropped
    for name, data in drawings.items():
        made = read(out)[f"word/media/{name}.emf"]
        assert "PLANTED".encode("utf-16-le") not in made
        assert (made == data.replace(title, bytes(len(title)))) is (name != "b")
    assert remains(out, OPTIONS) == []


def test_a_picture_behind_a_drawing_is_seen(face: Image, tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.docx"
    plain = b'<svg xmlns="http://www.w3.org/2000/svg"><!-- by PLANTED --><rect/></svg>'
    text = plain + jpeg(face) + b"\">'>"  # as a program would end what is open in it
    assert b"PLANTED" not in lean_svg(text)
    document("docx", {"word/media/a.svg": text}, path)
    with pytest.raises(UnsupportedError, match="nothing can be painted"):
        done(path, tmp_path)


def test_a_placeable_drawing_is_painted_too(face: Image, tmp_path: Path, detector: str) -> None:
    path = tmp_path / "x.docx"
    document("docx", {"word/media/a.wmf": wmf(face)}, path)
    report, out = done(path, tmp_path)
    made = read(out)["word/media/a.wmf"]
    assert report.status == "ok"
    assert len(made) == len(wmf(face))
    assert len(analyze_file(out, OPTIONS).hidden) == 0


def _ink(face: Image) -> bytes:
    """Black everywhere, and the face in the opacity alone."""
    grey = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
    whole = np.dstack([np.zeros_like(face), grey])
    return plus(whole.tobytes(), 260, 300, 1040, 0x000E200B)


def _packed_in_runs(face: Image) -> bytes:
    """A bitmap of 8 bits, compressed (BI_RLE8)."""
    made = packed(face, 8, from_top=False)
    stride = len(made.bits) // 300
    rows = [made.bits[at : at + 260] for at in range(0, len(made.bits), stride)]
    bits = b"".join(b"".join(bytes([1, one]) for one in row) + b"\0\0" for row in rows) + b"\0\1"
    header = bytearray(made.header)
    struct.pack_into("<II", header, 16, 1, len(bits))
    return record(bytes(header), bits)


BLANK: dict[str, Callable[[Image], bytes]] = {
    "a face in the opacity": lambda face: comment(b"EMF+" + _ink(face)),
    "packed in runs": _packed_in_runs,
    "in two comments": lambda face: (
        comment(b"EMF+" + _part(jpeg(face), 0)) + comment(b"EMF+" + _part(jpeg(face), 1))
    ),
}


def _part(data: bytes, number: int) -> bytes:
    """One half of an object that goes on in the next comment."""
    body = struct.pack("<IIiiiII", 0xDBC01002, 1, 0, 0, 0, 0, 1) + data
    body += bytes(-len(body) % 8)
    half = len(body) // 8 * 4
    if number:
        rest = body[half:]
        return struct.pack("<HHII", 0x4008, 5 << 8, 12 + len(rest), len(rest)) + rest
    first = struct.pack("<I", len(body)) + body[:half]
    return struct.pack("<HHII", 0x4008, 0x8000 | 5 << 8, 12 + len(first), len(first)) + first


@pytest.mark.parametrize("what", BLANK)
def test_where_nothing_can_be_painted_the_drawing_becomes_blank(
    what: str, face: Image, tmp_path: Path, detector: str
) -> None:
    path = tmp_path / "x.docx"
    document("docx", {"word/media/a.emf": emf(LINE, BLANK[what](face))}, path)
    report, out = done(path, tmp_path)
    assert report.status == "partial"
    assert any("replaced by something blank" in one for one in report.warnings)
    assert bitmaps_of(read(out)["word/media/a.emf"]) == []


@given(
    st.sampled_from((1, 4, 8, 16, 24, 32)),
    st.booleans(),
    st.integers(8, 37),
    st.integers(8, 21),
    st.integers(0, 2**32 - 1),
)
def test_only_what_differs_is_written(
    depth: int, top: bool, width: int, height: int, seed: int
) -> None:
    """The pixels outside stay to the last bit; those inside are as near as the format allows."""
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (height, width, 3), np.uint8)
    made = packed(image, depth, top)
    before = made.pixels()
    assert made.painted(before) == made.bits
    paint = before.copy()
    paint[2:6, 3:7] = (64, 128, 192)
    after = Bitmap(made.header, made.painted(paint), 0)
    outside = np.ones((height, width), bool)
    outside[2:6, 3:7] = False
    assert len(after.bits) == len(made.bits)
    assert np.array_equal(after.pixels()[outside], before[outside])
    inside = after.pixels()[~outside]
    assert len(np.unique(inside, axis=0)) == 1 or (before[~outside] == (64, 128, 192)).any()
    if depth >= 16:
        assert np.abs(inside.astype(int) - (64, 128, 192)).max() <= 4


def test_files_of_another_length_leave_a_whole_drawing(face: Image) -> None:
    """Longer and shorter ones, in both ways to hold them, several in one drawing."""
    parts = (file_record(jpeg(face), 4), comment(b"EMF+" + plus(png(face)) + plus(jpeg(face))))
    drawing = emf(LINE, *parts, LINE)
    rough, fine = jpeg(face, 40), jpeg(face, 99)
    for new in ({0: rough, 2: fine}, {0: fine, 2: rough}, {1: png(face[::-1].copy())}):
        made = painted(drawing, new)
        looks = looks_at(made)
        assert struct.unpack_from("<I", made, 48)[0] == len(made)
        for number, file in new.items():
            assert looks[number].file == file
        assert made.count(LINE) == 2


@given(st.integers(0, 2**32 - 1), st.sampled_from(("24 bits", "JPEG", "EMF+ PNG", "WMF in EMF")))
def test_damage_ends_in_words(seed: int, what: str) -> None:
    """No damage to a drawing raises anything but what says that it cannot be looked at."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 255, (300, 260, 3), np.uint8)[::10, ::10]
    data = bytearray(emf(LINE, PAINTED[what](np.ascontiguousarray(cv2.resize(small, (260, 300))))))
    for at in random.integers(0, min(len(data), 400) - 4, 3):
        data[at : at + 4] = random.integers(0, 256, 4, np.uint8).tobytes()
    with suppress(UnwalkableError):
        looks_at(bytes(data))


def test_a_bitmap_with_too_few_bits_cannot_be_looked_at(face: Image) -> None:
    header, bits = dib(face)
    with pytest.raises(UnwalkableError):
        looks_at(emf(record(header, bits[:-9000])))
