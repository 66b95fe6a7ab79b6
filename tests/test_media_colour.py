"""Colours that a file declares are used, in the order in which browsers use them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms

from faceveil.errors import UnsupportedError
from faceveil.media import open_sink, open_source
from faceveil.media.colour import of_code_points, of_gamma
from faceveil.media.pictures.picture import to_pixels
from faceveil.options import Options
from heif import Part, Property, av1, by_ffmpeg, heif, nclx

OPTIONS = Options()
FLAT = (200, 120, 110)
AS_P3 = (213, 115, 106)
"""The colour ``FLAT`` in Display P3, converted to sRGB."""

D65 = (0.3127, 0.3290)
PLACES: dict[object, tuple[tuple[float, float], ...]] = {
    1: ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), D65),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),
    "adobe": ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), D65),
}


def matrix(places: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """From linear RGB to X, Y, Z (SMPTE RP 177)."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in places]).T
    return np.asarray(columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3]))


def light(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def levels(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = linear * 12.92, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055
    return np.clip(np.where(linear <= 0.0031308, low, high), 0, 1) * 255


def expected(
    colours: object, primaries: object, curve: Callable[..., NDArray[np.float64]] = light
) -> NDArray[np.float64]:
    """(N, 3) RGB levels in sRGB, straight from the definitions; all whites here are D65."""
    values = np.atleast_2d(np.asarray(colours, np.float64)) / 255
    change = np.linalg.inv(matrix(PLACES[1])) @ matrix(PLACES[primaries])
    return levels(curve(values) @ change.T)


def flat(colour: tuple[int, int, int] = FLAT) -> Pillow.Image:
    return Pillow.new("RGB", (64, 64), colour)


def saved(format: str, picture: Pillow.Image | None = None, **settings: object) -> bytes:
    buffer = io.BytesIO()
    (picture or flat()).save(buffer, format, **settings)
    return buffer.getvalue()


def seen(data: bytes) -> tuple[int, ...]:
    """RGB in the middle."""
    with open_source(data, OPTIONS) as source:
        frame = next(iter(source.frames()))
    return tuple(int(v) for v in frame.image[32, 32][::-1])


def notes(data: bytes) -> tuple[str, ...]:
    with open_source(data, OPTIONS) as source:
        return source.notes


def near(found: tuple[int, ...], wanted: object, within: float = 2.5) -> bool:
    return bool(np.abs(np.subtract(found, np.asarray(wanted).ravel())).max() <= within)


def chunk(code: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + code + body + struct.pack(">I", zlib.crc32(code + body))


def png(*chunks: tuple[bytes, bytes], picture: Pillow.Image | None = None) -> bytes:
    plain = saved("PNG", picture)
    return plain[:33] + b"".join(chunk(*one) for one in chunks) + plain[33:]


def chrm(places: tuple[tuple[float, float], ...]) -> tuple[bytes, bytes]:
    red, green, blue, white = places
    numbers = [round(v * 100_000) for pair in (white, red, green, blue) for v in pair]
    return b"cHRM", struct.pack(">8I", *numbers)


def gama(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(value * 100_000))


def swapped() -> bytes:
    """A profile that no one can miss: red and blue change places."""
    red, green, blue, white = PLACES[1]
    space = of_gamma([v for pair in (white, blue, green, red) for v in pair], None)
    assert space is not None
    return space.icc(grey=False)


ICCP = (b"iCCP", b"x\0\0" + zlib.compress(swapped()))
SWAPPED = (110, 120, 200)


@cache
def coded(kind: str) -> Part:
    if kind == "avif":
        return av1(flat())
    return by_ffmpeg(flat(), "libx265", "yuv444p", **{"x265-params": "keyint=1:log-level=none"})


def container(kind: str, *more: Property) -> bytes:
    part = coded(kind)
    part = Part(part.kind, [*part.properties, *more], part.payload)
    brands = (b"avif", b"avifmif1miaf") if kind == "avif" else (b"heic", b"heicmif1")
    return heif([part], major=brands[0], brands=brands[1])


# Code points in AVIF and HEIC


def test_display_p3_by_nclx() -> None:
    """cases/p3.avif: its values were passed on as if they were sRGB."""
    data = bytearray(saved("AVIF", quality=95, subsampling="4:4:4"))
    at = data.index(b"colrnclx") + 8
    data[at : at + 2] = struct.pack(">H", 12)
    assert near(seen(bytes(data)), AS_P3, 3)
    assert "colours converted to sRGB" in notes(bytes(data))


@pytest.mark.parametrize("primaries", [1, 5, 9, 12])
@pytest.mark.parametrize("kind", ["avif", "heic"])
def test_nclx(kind: str, primaries: int) -> None:
    data = container(kind, nclx(primaries, 13, 6))
    assert near(seen(data), expected(FLAT, primaries), 4)
    assert ("colours converted to sRGB" in notes(data)) == (primaries != 1)


@pytest.mark.parametrize(("transfer", "exponent"), [(4, 2.2), (5, 2.8), (8, 1.0)])
def test_nclx_curves(transfer: int, exponent: float) -> None:
    wanted = expected(FLAT, 1, lambda v: v**exponent)
    assert near(seen(container("avif", nclx(1, transfer, 6))), wanted, 4)


@pytest.mark.parametrize("transfer", [1, 2, 6, 13, 14, 15])
def test_the_family_of_bt709_is_shown_as_srgb(transfer: int) -> None:
    data = container("avif", nclx(1, transfer, 6))
    assert near(seen(data), FLAT)
    assert notes(data) == ()


@pytest.mark.parametrize("kind", ["avif", "heic"])
def test_icc_wins_over_nclx(kind: str) -> None:
    data = container(kind, nclx(12, 13, 6), (b"colr", b"prof" + swapped()))
    assert near(seen(data), SWAPPED, 4)


@pytest.mark.parametrize(
    ("codec", "pixels", "options"),
    [
        (
            "libx265",
            "yuv444p",
            {
                "x265-params": "keyint=1:log-level=none:colorprim=smpte432:range=full"
                ":transfer=iec61966-2-1:colormatrix=smpte170m"
            },
        ),
        (
            "libsvtav1",
            "yuv420p10le",
            {
                "svtav1-params": "color-primaries=12:transfer-characteristics=13"
                ":matrix-coefficients=6"
            },
        ),
    ],
)
def test_without_nclx_the_stream_is_asked(codec: str, pixels: str, options: dict[str, str]) -> None:
    part = by_ffmpeg(flat(), codec, pixels, **options)
    major = b"avif" if "av1" in codec else b"heic"
    assert near(seen(heif([part], major=major, brands=major + b"mif1miaf")), AS_P3, 4)


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_is_noted_and_readable(transfer: int) -> None:
    """Paper at 203 nits comes out bright but not burnt, and order is kept."""
    data = container("avif", nclx(9, transfer, 9))
    assert "high dynamic range not kept; colours may look flat" in notes(data)
    space = of_code_points(9, transfer)
    assert space is not None
    assert (np.diff(space.curve) >= 0).all()
    paper = space.curve[round(0.58 * 4095) if transfer == 16 else round(0.75 * 4095)]
    assert 0.4 < paper < 0.7
    assert space.curve[-1] == pytest.approx(1)


@pytest.mark.slow
@given(colour=st.tuples(*[st.integers(0, 255)] * 3), primaries=st.sampled_from([5, 9, 12]))
def test_any_colour_is_converted_as_defined(colour: tuple[int, int, int], primaries: int) -> None:
    pixels = to_pixels(flat(colour), profile=of_code_points(primaries, 13))
    wanted = expected(colour, primaries)
    assert near(tuple(int(v) for v in pixels.image[0, 0][::-1]), wanted, 3)


# PNG


def test_cicp() -> None:
    data = png((b"cICP", bytes([12, 13, 0, 1])))
    assert near(seen(data), AS_P3)
    assert "colours converted to sRGB" in notes(data)


def test_cicp_of_the_range_of_video() -> None:
    narrow = flat(tuple(round(16 + value * 219 / 255) for value in FLAT))  # type: ignore[arg-type]
    assert near(seen(png((b"cICP", bytes([1, 13, 0, 0])), picture=narrow)), FLAT)
    assert near(seen(png((b"cICP", bytes([12, 13, 0, 0])), picture=narrow)), AS_P3)
    for level, wanted in ((0, 0), (16, 0), (235, 255), (255, 255)):
        grey = Pillow.new("L", (64, 64), level)
        assert near(seen(png((b"cICP", bytes([1, 13, 0, 0])), picture=grey)), [wanted] * 3)


def test_the_order_of_chunks() -> None:
    """PNG third edition: cICP, iCCP, sRGB, and only then cHRM and gAMA."""
    cicp, srgb = (b"cICP", bytes([12, 13, 0, 1])), (b"sRGB", b"\0")
    wide, linear = chrm(PLACES[9]), gama(1.0)
    assert near(seen(png(cicp, ICCP)), AS_P3)
    assert near(seen(png(cicp, srgb)), AS_P3)
    assert near(seen(png(ICCP, linear)), SWAPPED)
    assert seen(png(srgb, wide, linear)) == FLAT
    assert near(seen(png(wide, gama(0.45455))), expected(FLAT, 9))


@pytest.mark.parametrize("primaries", [9, 12, "adobe"])
@pytest.mark.parametrize("exponent", [None, 1.0, 1.8, 2.6])
def test_chromaticities_and_gamma(primaries: object, exponent: float | None) -> None:
    chunks = [chrm(PLACES[primaries])]
    if exponent is None:  # Chromium and Firefox show such a file as if nothing were said
        assert seen(png(*chunks)) == FLAT
        return
    chunks.append(gama(1 / exponent))
    assert near(seen(png(*chunks)), expected(FLAT, primaries, lambda v: v**exponent))


def test_gamma_alone() -> None:
    assert near(seen(png(gama(1.0))), expected(FLAT, 1, lambda v: v))
    grey = Pillow.new("L", (64, 64), 90)
    found = seen(png(gama(1.0), picture=grey))
    assert len(set(found)) == 1
    assert near(found, expected([90] * 3, 1, lambda v: v))


@pytest.mark.parametrize("chunks", [(gama(0.45455),), (chrm(PLACES[1]), gama(0.45455)), ()])
def test_what_says_srgb_in_other_words_is_left_alone(chunks: tuple[tuple[bytes, bytes]]) -> None:
    data = png(*chunks)
    assert seen(data) == FLAT
    assert notes(data) == ()


@pytest.mark.parametrize(
    "chunks",
    [
        (gama(0),),
        (chrm(((0, 0), (0, 0), (0, 0), (0, 0))),),
        (chrm(((0.3, 0.3), (0.3, 0.3), (0.3, 0.3), D65)),),
        ((b"cHRM", struct.pack(">8I", *[2**32 - 1] * 8)),),
    ],
)
def test_nonsense_changes_nothing(chunks: tuple[tuple[bytes, bytes]]) -> None:
    assert seen(png(*chunks)) == FLAT


def test_a_moving_png() -> None:
    plain = saved("PNG", save_all=True, append_images=[flat((10, 120, 110))], duration=50)
    data = plain[:33] + chunk(b"cICP", bytes([12, 13, 0, 1])) + plain[33:]
    with open_source(data, OPTIONS) as source:
        frames = [tuple(f.image[0, 0][::-1]) for f in source.frames()]
    assert near(frames[0], AS_P3)
    assert near(frames[1], expected((10, 120, 110), 12))


# EXIF


def cameras(space: int | None, index: str | None) -> bytes:
    exif = Pillow.Exif()
    if space is not None:
        exif.get_ifd(0x8769)[0xA001] = space
    if index is not None:
        exif.get_ifd(0x8769)[0xA005] = {1: index}
    return exif.tobytes()


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
@pytest.mark.parametrize(
    ("space", "index", "adobe"),
    [
        (0xFFFF, "R03", True),
        (None, "R03", True),
        (2, None, True),
        (0xFFFF, "R98", False),
        (0xFFFF, None, False),
        (1, "R98", False),
        (1, "R03", False),
    ],
)
def test_adobe_rgb_by_exif(format: str, space: int | None, index: str | None, adobe: bool) -> None:
    data = saved(format, exif=cameras(space, index), quality=100, lossless=True)
    wanted = expected(FLAT, "adobe", lambda v: v ** (563 / 256)) if adobe else FLAT
    assert near(seen(data), wanted, 3)
    # A JPEG may stay in a well-known space; its sink says so where it is converted.
    assert ("colours converted to sRGB" in notes(data)) == (adobe and format != "JPEG")


def test_adobe_rgb_by_exif_in_tiff() -> None:
    wanted = expected(FLAT, "adobe", lambda v: v ** (563 / 256))
    assert near(seen(saved("TIFF", exif=cameras(2, None))), wanted, 3)


def test_a_profile_wins_over_exif() -> None:
    data = saved("JPEG", exif=cameras(0xFFFF, "R03"), icc_profile=swapped(), quality=100)
    assert near(seen(data), SWAPPED, 3)


# TIFF, BMP, JPEG 2000


def test_tiff_tags() -> None:
    def data(**more: tuple[float, ...]) -> bytes:
        red, green, blue, white = PLACES[12]
        tags = {318: white, 319: (*red, *green, *blue)}
        return saved("TIFF", tiffinfo=tags | {int(k[1:]): v for k, v in more.items()})

    assert near(seen(data()), AS_P3)
    linear = tuple(value * 257 for value in range(256))
    assert near(seen(data(t301=linear)), expected(FLAT, 12, lambda v: v))
    assert near(seen(data(t301=linear * 3)), expected(FLAT, 12, lambda v: v))


def bmp(space: bytes, places: tuple[tuple[float, float], ...], profile: bytes = b"") -> bytes:
    plain = saved("BMP")
    pixels = plain[54:]
    header = struct.pack("<IiiHHIIiiII", 124, 64, 64, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    header += bytes(16) + space
    columns = matrix(places).T * 2**30
    header += struct.pack("<9i", *(int(v) for v in columns.ravel()))
    header += struct.pack("<3I", *[round(2.2 * 65536)] * 3)
    header += struct.pack("<IIII", 4, 124 + len(pixels), len(profile), 0)
    size = 14 + len(header) + len(pixels) + len(profile)
    return b"BM" + struct.pack("<IHHI", size, 0, 0, 138) + header + pixels + profile


def test_bmp() -> None:
    assert near(seen(bmp(bytes(4), PLACES[12])), AS_P3)
    assert near(seen(bmp(b"DEBM", PLACES[1], swapped())), SWAPPED)
    assert seen(bmp(b"BGRs", PLACES[12])) == FLAT


def jp2(colr: bytes) -> bytes:
    plain = saved("JPEG2000", irreversible=False)
    at = plain.index(b"colr") - 4
    size = int.from_bytes(plain[at : at + 4], "big")
    body = struct.pack(">I", 8 + len(colr)) + b"colr" + colr
    head = plain.index(b"jp2h") - 4
    length = int.from_bytes(plain[head : head + 4], "big") + len(body) - size
    inner = plain[:head] + struct.pack(">I", length) + plain[head + 4 : at]
    return inner + body + plain[at + size :]


def test_jpeg_2000() -> None:
    assert seen(jp2(b"\1\0\0" + struct.pack(">I", 16))) == FLAT
    assert near(seen(jp2(b"\2\0\0" + swapped())), SWAPPED)
    assert near(seen(jp2(b"\5\0\0" + struct.pack(">HHHB", 12, 13, 0, 0x80))), AS_P3)
    found = seen(jp2(b"\1\0\0" + struct.pack(">I", 21)))
    assert found[0] > FLAT[0] + 20  # ROMM RGB is far wider, and lighter at the same number
    with pytest.raises(UnsupportedError):
        seen(jp2(b"\1\0\0" + struct.pack(">I", 14)))


def test_jpeg_2000_of_luma_and_chroma() -> None:
    data = saved("JPEG2000", flat().convert("YCbCr"), irreversible=False)
    assert near(seen(data), FLAT)


# What comes out


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".avif"])
def test_the_output_is_srgb_and_says_nothing_else(suffix: str, tmp_path: Path) -> None:
    data = container("avif", nclx(12, 13, 6))
    target = tmp_path / f"out{suffix}"
    with open_source(data, OPTIONS) as source, open_sink(target, source, OPTIONS) as sink:
        for frame in source.frames():
            sink.write(frame)
        sink.commit()
    with Pillow.open(target) as opened:
        assert "icc_profile" not in opened.info
        middle = opened.convert("RGB").getpixel((32, 32))
    assert isinstance(middle, tuple)
    assert near(middle, AS_P3, 5)
    assert notes(target.read_bytes()) == ()


def test_profiles_from_numbers_are_sound() -> None:
    """Little CMS reads them, and their sRGB is its own."""
    for primaries in (5, 9, 12):
        space = of_code_points(primaries, 13)
        assert space is not None
        for grey in (False, True):
            profile = ImageCms.ImageCmsProfile(io.BytesIO(space.icc(grey=grey)))
            assert profile.profile.xcolor_space.strip() == ("GRAY" if grey else "RGB")
