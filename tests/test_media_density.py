"""Resolution, the shape of pixels, and which way up a picture is."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL.TiffImagePlugin import IFDRational

from faceveil.media import open_sink, open_source
from faceveil.media.leftovers import leftovers
from faceveil.media.pictures.density import Density, Unit
from faceveil.options import Options

OPTIONS = Options()
HOLD_LENGTHS = (".jpg", ".png", ".tif", ".bmp")


def inch(x: int, y: int) -> Density:
    return Density(Fraction(x), Fraction(y), "inch")


def picture(width: int = 60, height: int = 40) -> Pillow.Image:
    rows, columns = np.mgrid[0:height, 0:width]
    return Pillow.fromarray(np.dstack([rows * 5, columns * 4, rows + columns]).astype(np.uint8))


def saved(format: str, image: Pillow.Image | None = None, **settings: object) -> bytes:
    buffer = io.BytesIO()
    (image or picture()).save(buffer, format, **settings)
    return buffer.getvalue()


def chunk(code: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + code + body + struct.pack(">I", zlib.crc32(code + body))


def exif(orientation: int = 1, x: object = None, y: object = None, unit: int = 2) -> Pillow.Exif:
    block = Pillow.Exif()
    if orientation != 1:
        block[274] = orientation
    if x is not None:
        block[282], block[283], block[296] = x, y, unit
    return block


def jfif(unit: int, x: int, y: int, **settings: object) -> bytes:
    plain = saved("JPEG", None, **settings)
    return plain[:13] + struct.pack(">BHH", unit, x, y) + plain[18:]


def png(body: bytes) -> bytes:
    plain = saved("PNG")
    return plain[:33] + chunk(b"pHYs", body) + plain[33:]


def gif(aspect: int, **settings: object) -> bytes:
    plain = saved("GIF", picture().convert("P"), **settings)
    return plain[:12] + bytes([aspect]) + plain[13:]


def jp2(box: bytes) -> bytes:
    """A JPEG 2000 file whose ``res`` box says 8000 x 4000 pixels a metre."""
    inner = struct.pack(">I4sHHHHbb", 18, box, 40, 1, 80, 1, 2, 2)
    extra = struct.pack(">I", 8 + len(inner)) + b"res " + inner
    plain = saved("JPEG2000", irreversible=False)
    at = plain.index(b"jp2h") - 4
    size = int.from_bytes(plain[at : at + 4], "big")
    head = struct.pack(">I", size + len(extra)) + plain[at + 4 : at + size]
    return plain[:at] + head + extra + plain[at + size :]


def rewrite(data: bytes, target: Path) -> tuple[bytes, tuple[str, ...], tuple[str, ...]]:
    """The output, its notes and its warnings."""
    with open_source(data, OPTIONS) as source, open_sink(target, source, OPTIONS) as sink:
        for frame in source.frames():
            sink.write(frame)
        return sink.commit().read_bytes(), sink.notes, sink.warnings


def density(data: bytes) -> Density | None:
    with open_source(data, OPTIONS) as source:
        found = source.traits.density  # type: ignore[attr-defined]
    assert found is None or isinstance(found, Density)
    return found


def stored(data: bytes) -> tuple[int, float, float]:
    """Unit (0: none, 1: inch) and pixels on it, read by other means than the product's."""
    with Pillow.open(io.BytesIO(data)) as opened:
        if opened.format == "JPEG":
            unit, pair = opened.info["jfif_unit"], opened.info["jfif_density"]
            factor = 2.54 if unit == 2 else 1
            return min(unit, 1), pair[0] * factor, pair[1] * factor
        if opened.format == "TIFF":
            tags = opened.tag_v2  # type: ignore[attr-defined]
            factor = 2.54 if tags[296] == 3 else 1
            return int(tags[296] > 1), float(tags[282]) * factor, float(tags[283]) * factor
        if opened.format == "PNG" and "aspect" in opened.info:
            return 0, *opened.info["aspect"]
        return 1, *opened.info["dpi"]


SOURCES: dict[str, tuple[bytes, Density]] = {
    "tiff": (saved("TIFF", dpi=(204, 98)), inch(204, 98)),
    "tiff-cm": (
        saved("TIFF", resolution_unit=3, x_resolution=118.11, y_resolution=59.055),
        Density(Fraction(11811, 100), Fraction(59055, 1000), "cm"),
    ),
    "tiff-no-unit": (
        saved("TIFF", resolution_unit=1, x_resolution=2, y_resolution=1),
        Density(Fraction(2), Fraction(1), ""),
    ),
    "jfif": (jfif(1, 204, 98), inch(204, 98)),
    "jfif-cm": (jfif(2, 80, 40), Density(Fraction(80), Fraction(40), "cm")),
    "jfif-aspect": (jfif(0, 12, 11), Density(Fraction(12), Fraction(11), "")),
    "jpeg-exif": (
        jfif(0, 1, 1, exif=exif(x=300, y=150)),
        inch(300, 150),
    ),
    "png": (png(struct.pack(">IIB", 8000, 4000, 1)), Density(Fraction(80), Fraction(40), "cm")),
    "png-aspect": (png(struct.pack(">IIB", 3, 2, 0)), Density(Fraction(3), Fraction(2), "")),
    "png-exif": (
        saved("PNG", exif=exif(x=200, y=100)),
        inch(200, 100),
    ),
    "webp-exif": (
        saved("WEBP", exif=exif(x=200, y=100)),
        inch(200, 100),
    ),
    "avif-exif": (
        saved("AVIF", exif=exif(x=200, y=100)),
        inch(200, 100),
    ),
    "bmp": (
        (lambda b: b[:38] + struct.pack("<ii", 8000, 4000) + b[46:])(saved("BMP")),
        Density(Fraction(80), Fraction(40), "cm"),
    ),
    "gif": (gif(17), Density(Fraction(64), Fraction(32), "")),
    "jp2-display": (jp2(b"resd"), Density(Fraction(80), Fraction(40), "cm")),
    "jp2-capture": (jp2(b"resc"), Density(Fraction(80), Fraction(40), "cm")),
}


@pytest.mark.parametrize("name", SOURCES)
def test_is_read(name: str) -> None:
    data, wanted = SOURCES[name]
    found = density(data)
    assert found is not None
    assert found.unit == wanted.unit
    assert float(found.x) == pytest.approx(float(wanted.x), rel=1e-4)
    assert float(found.y) == pytest.approx(float(wanted.y), rel=1e-4)


@pytest.mark.parametrize("suffix", HOLD_LENGTHS)
@pytest.mark.parametrize("name", SOURCES)
def test_is_kept_in_every_format_that_has_one(name: str, suffix: str, tmp_path: Path) -> None:
    data, wanted = SOURCES[name]
    after, _, warnings = rewrite(data, tmp_path / f"out{suffix}")
    unit, x, y = stored(after)
    assert x / y == pytest.approx(float(wanted.x / wanted.y), rel=0.01)
    if wanted.unit:
        across, down = (float(value) for value in wanted.to("inch"))
        assert unit == 1
        assert (x, y) == pytest.approx((across, down), rel=0.005)
    elif suffix != ".bmp":
        assert unit == 0  # a length that nobody has stated is not made up
    assert warnings == ()
    assert leftovers(after) == []


@pytest.mark.parametrize("data", [*map(saved, ("JPEG", "PNG", "TIFF", "BMP", "WEBP"))])
def test_nothing_is_made_up(data: bytes, tmp_path: Path) -> None:
    for suffix in HOLD_LENGTHS:
        after, notes, _ = rewrite(data, tmp_path / f"out{suffix}")
        found = density(after)
        assert found is None or not found.telling
        assert not any("resolution" in note for note in notes)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turns_with_the_picture(orientation: int, tmp_path: Path) -> None:
    wanted = (98, 204) if orientation > 4 else (204, 98)
    tiff = saved("TIFF", dpi=(204, 98), tiffinfo={274: orientation})
    packed = saved("TIFF", dpi=(204, 98), tiffinfo={274: orientation}, compression="tiff_lzw")
    tagged = exif(orientation)
    for data in (
        tiff,
        packed,
        jfif(1, 204, 98, exif=tagged),
        saved("PNG", exif=tagged, dpi=(204, 98)),
    ):
        after, _, _ = rewrite(data, tmp_path / "out.tif")
        unit, *pair = stored(after)
        assert unit == 1
        assert pair == pytest.approx(wanted, abs=0.02)


def test_animations_keep_it(tmp_path: Path) -> None:
    frames = [picture().rotate(turn).convert("P") for turn in (90, 180)]
    after, _, _ = rewrite(gif(17, save_all=True, append_images=frames), tmp_path / "out.gif")
    assert after[12] == 17
    after, _, _ = rewrite(gif(17, save_all=True, append_images=frames), tmp_path / "out.png")
    assert stored(after) == (0, 2, 1)
    assert leftovers(after) == []
    with Pillow.open(io.BytesIO(after)) as opened:
        assert getattr(opened, "n_frames", 1) == 3


@pytest.mark.parametrize("suffix", [".webp", ".avif", ".gif"])
def test_what_a_format_cannot_hold_is_said(suffix: str, tmp_path: Path) -> None:
    square = saved("TIFF", dpi=(300, 300))
    _, notes, warnings = rewrite(square, tmp_path / f"out{suffix}")
    assert any("resolution" in note for note in notes)
    assert warnings == ()
    _, notes, warnings = rewrite(SOURCES["tiff"][0], tmp_path / f"out{suffix}")
    assert bool(warnings) == (suffix != ".gif")  # GIF has the shape of a pixel, but no length
    plain = saved("TIFF", dpi=(72, 72))
    assert not any("resolution" in n for n in rewrite(plain, tmp_path / f"out{suffix}")[1])


@pytest.mark.parametrize(
    "data",
    [
        png(struct.pack(">IIB", 0, 0, 1)),
        png(struct.pack(">IIB", 2**31, 1, 1)),
        jfif(1, 0, 0),
        jfif(7, 3, 4),
        saved("JPEG", exif=exif(x=IFDRational(1, 0), y=IFDRational(0, 0))),
        saved("TIFF", tiffinfo={282: IFDRational(0, 0), 283: IFDRational(1, 0), 296: 2}),
        (lambda b: b[:38] + struct.pack("<ii", -1, 5) + b[46:])(saved("BMP")),
    ],
)
def test_nonsense_costs_nothing(data: bytes, tmp_path: Path) -> None:
    for suffix in HOLD_LENGTHS:
        after, _, _ = rewrite(data, tmp_path / f"out{suffix}")
        assert after[:2]


@pytest.mark.slow
@given(
    x=st.fractions(min_value=Fraction(1, 2), max_value=20_000, max_denominator=1000),
    share=st.fractions(min_value=Fraction(1, 20), max_value=20, max_denominator=1000),
    unit=st.sampled_from(["inch", "cm", ""]),
)
def test_any_density_survives_its_own_writing(x: Fraction, share: Fraction, unit: Unit) -> None:
    before = Density(x, x * share, unit)
    assert before.turned().turned() == before
    code, across, down = struct.unpack(">BHH", before.jfif())
    assert across
    assert down
    assert bool(code) == bool(unit)
    across, down, metre = struct.unpack(">IIB", before.png_chunk()[8:17])
    assert bool(metre) == bool(unit)
    if min(before.x, before.y) >= 10 or not unit:
        assert across / down == pytest.approx(float(1 / share), rel=0.01)
    tags = before.tiff_tags()
    assert float(tags[282]) / float(tags[283]) == pytest.approx(float(1 / share), rel=0.001)


def test_the_resolution_of_a_fax(tmp_path: Path) -> None:
    """204 x 98 dots an inch (cases/fax_aspect.tif) came back as 1 x 1."""
    after, notes, warnings = rewrite(saved("TIFF", dpi=(204, 98)), tmp_path / "out.tif")
    assert stored(after) == (1, 204, 98)
    assert (notes, warnings) == ((), ())


# Which way up

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"/></rdf:RDF></x:xmpmeta>'
)


def stale(format: str, orientation: int) -> bytes:
    packet = XMP % orientation
    if format == "PNG":
        plain = saved("PNG")
        return plain[:33] + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet) + plain[33:]
    if format.endswith("TIFF"):
        deflated = "tiff_adobe_deflate" if format == "deflated TIFF" else None
        return saved("TIFF", tiffinfo={700: packet}, compression=deflated)
    return saved(format, xmp=packet)


@pytest.mark.parametrize("orientation", [2, 3, 6, 8])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "deflated TIFF"])
def test_xmp_turns_nothing(format: str, orientation: int) -> None:
    """As browsers show it: a packet outlives the turning of its picture."""
    with open_source(stale(format, orientation), OPTIONS) as source:
        assert (source.media.width, source.media.height) == (60, 40)
        (frame,) = source.frames()
    wanted = np.asarray(picture())[..., ::-1].astype(int)
    assert np.abs(frame.image - wanted).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_wins_over_xmp(orientation: int) -> None:
    data = saved("JPEG", xmp=XMP % (orientation % 8 + 1), exif=exif(orientation), quality=95)
    plain = saved("JPEG", exif=exif(orientation), quality=95)
    with open_source(data, OPTIONS) as one, open_source(plain, OPTIONS) as two:
        assert np.array_equal(next(one.frames()).image, next(two.frames()).image)
