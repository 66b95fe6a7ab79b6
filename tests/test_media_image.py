"""Pictures in and out: every mode, every orientation, every frame, and what is refused."""

from __future__ import annotations

import base64
import io
import os
import stat
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps

from faceveil.errors import (
    InputError,
    LimitError,
    OutputError,
    UnreadableError,
    UnsupportedError,
    UsageError,
)
from faceveil.frames import Frame, Image
from faceveil.media import open_sink, open_source, output_suffix, sniff
from faceveil.media.leftovers import leftovers
from faceveil.media.pictures.image import ImageSource
from faceveil.options import Options
from faceveil.plan import Media

OPTIONS = Options()


def saved(format: str, picture: Pillow.Image, **settings: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **settings)
    return buffer.getvalue()


def scene(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """(H, W, 3) RGB, different in every corner and smooth enough for lossy formats."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = (rows * 255 // height, columns * 255 // width, (rows + columns) * 2 % 256)
    return np.dstack(planes).astype(np.uint8)


def picture(mode: str = "RGB") -> Pillow.Image:
    return Pillow.fromarray(scene()).convert(mode)


def read(origin: Path | bytes, options: Options = OPTIONS) -> list[Frame]:
    with open_source(origin, options) as source:
        return list(source.frames())


def rewrite(origin: Path | bytes, target: Path, options: Options = OPTIONS) -> Path:
    with open_source(origin, options) as source, open_sink(target, source, options) as sink:
        for frame in source.frames():
            sink.write(frame)
        return sink.commit()


def error(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(int) - b).mean())


# What a file is


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "jpeg"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "png"),
        (b"GIF87a", "gif"),
        (b"GIF89a", "gif"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "webp"),
        (b"RIFF\x24\0\0\0AVI LIST", "avi"),
        (b"RIFF\x24\0\0\0WAVEfmt ", None),
        (b"II*\0\x08\0\0\0", "tiff"),
        (b"MM\0*\0\0\0\x08", "tiff"),
        (b"II+\0\x08\0\0\0", "tiff"),
        (b"BM" + bytes(12) + b"\x28\0\0\0", "bmp"),
        (b"BMW is a maker of cars and not a picture", None),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "heic"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "avif"),
        (b"\0\0\0\x18ftypavis\0\0\0\0msf1avis", "avif"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1", "mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "mov"),
        (b"\0\0\0\x14ftypcrx \0\0\0\x01crx ", "raw"),
        (b"\0\0\0\x08wide\0\0\x10\0mdat", "mov"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
        (b"\xff\x4f\xff\x51\0\x29", "jp2"),
        (b"\x1a\x45\xdf\xa3\x9fB\x82\x84webm", "webm"),
        (b"\x1a\x45\xdf\xa3\xa3B\x82\x88matroska", "mkv"),
        (b"\0\0\x01\xba\x44", "mpeg"),
        ((b"\x47" + bytes(187)) * 3, "mpegts"),
        (b"PK\x03\x04", "zip"),
        (b"\x1f\x8b\x08", "gzip"),
        (bytes(257) + b"ustar\x0000", "tar"),
        (b"%PDF-1.7", "pdf"),
        (b"", None),
        (b"text", None),
    ],
)
def test_sniff(head: bytes, kind: str | None) -> None:
    assert sniff(head) == kind


def test_name_means_nothing(tmp_path: Path) -> None:
    path = tmp_path / "liar.jpg"
    path.write_bytes(saved("PNG", picture()))
    with open_source(path, OPTIONS) as source:
        assert source.media == Media("image", "png", 64, 48, 1)
        assert output_suffix(source.media, path.name) == ".png"


# Orientation


def turned(orientation: int) -> tuple[Pillow.Image, Pillow.Exif]:
    """A picture stored so that it shows `picture` once the orientation is applied."""
    back = {6: Pillow.Transpose.ROTATE_90, 8: Pillow.Transpose.ROTATE_270}
    same = {
        2: Pillow.Transpose.FLIP_LEFT_RIGHT,
        3: Pillow.Transpose.ROTATE_180,
        4: Pillow.Transpose.FLIP_TOP_BOTTOM,
        5: Pillow.Transpose.TRANSPOSE,
        7: Pillow.Transpose.TRANSVERSE,
    }
    step = (back | same).get(orientation)
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    return (picture() if step is None else picture().transpose(step)), exif


@pytest.mark.parametrize("orientation", [*range(10), 65535])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "deflated TIFF"])
def test_orientation(format: str, orientation: int) -> None:
    stored, exif = turned(orientation)
    settings: dict[str, object] = {"exif": exif, "quality": 95}
    if "TIFF" in format:
        settings = {"exif": exif}
    if format == "deflated TIFF":
        if not 1 <= orientation <= 8:
            pytest.skip("libtiff does not write such an orientation")
        settings |= {"compression": "tiff_adobe_deflate"}
    data = saved(format.split()[-1], stored, **settings)
    with open_source(data, OPTIONS) as source:
        assert (source.media.width, source.media.height) == (64, 48)
        frame = next(source.frames())
    assert error(frame.image[..., ::-1], scene()) < 8
    assert frame.image.flags.c_contiguous


@pytest.mark.parametrize("exif", [b"", b"II", b"garbage" * 9, b"II*\0\xff\xff\xff\xff", b"MM\0*"])
def test_broken_exif_costs_nothing(exif: bytes) -> None:
    plain = saved("JPEG", picture())
    body = b"Exif\0\0" + exif
    data = plain[:2] + struct.pack(">BBH", 0xFF, 0xE1, len(body) + 2) + body + plain[2:]
    assert error(read(data)[0].image, read(plain)[0].image) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Landscape", "Portrait"])
def test_orientations_of_real_pictures_agree(data: Path, name: str) -> None:
    upright = read(data / "formats" / f"{name}_1.jpg")[0].image
    assert (upright.shape[1] > upright.shape[0]) == (name == "Landscape")
    for orientation in range(9):
        other = read(data / "formats" / f"{name}_{orientation}.jpg")[0].image
        assert other.shape == upright.shape
        assert error(other, upright) < 5  # each was compressed on its own


# Modes


def test_grey_stays_grey(tmp_path: Path) -> None:
    for format, suffix in (("JPEG", ".jpg"), ("PNG", ".png"), ("TIFF", ".tif")):
        data = saved(format, picture("L"))
        assert (read(data)[0].image == read(data)[0].image[..., :1]).all()
        with Pillow.open(rewrite(data, tmp_path / f"grey{suffix}")) as after:
            assert after.mode == "L"


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "LA", "PA", "RGBA"])
@pytest.mark.parametrize(("format", "suffix"), [("PNG", ".png"), ("TIFF", ".tif")])
def test_lossless_stays_equal(mode: str, format: str, suffix: str, tmp_path: Path) -> None:
    alpha = Pillow.fromarray(scene()[..., 1])
    if mode in ("LA", "RGBA"):
        before = picture(mode)
        before.putalpha(alpha)
    elif mode == "PA":
        if format == "TIFF":
            pytest.skip("Pillow writes no TIFF with palette and opacity")
        before = picture("RGBA")
        before.putalpha(alpha.point(lambda value: 255 if value > 99 else 0))
        before = before.quantize(64)
    else:
        before = picture(mode)
    data = saved(format, before)
    expected = np.array(before.convert("RGBA"))
    expected[expected[..., 3] == 0] = 0
    target = rewrite(data, tmp_path / f"out{suffix}")
    with Pillow.open(target) as opened:
        after = np.array(opened.convert("RGBA"))
    np.testing.assert_array_equal(after, expected)


def test_lossless_webp_stays_lossless(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    data = saved("WEBP", Pillow.fromarray(noise), lossless=True)
    after = read(rewrite(data, tmp_path / "out.webp"))[0].image
    np.testing.assert_array_equal(after[..., ::-1], noise)


def test_transparent_key_colours() -> None:
    grey = saved("PNG", picture("L"), transparency=100)
    alpha = read(grey)[0].alpha
    assert alpha is not None
    np.testing.assert_array_equal(alpha == 0, np.asarray(picture("L")) == 100)
    red, green, blue = (int(value) for value in scene()[10, 10])
    colour = read(saved("PNG", picture(), transparency=(red, green, blue)))[0].alpha
    assert colour is not None
    assert colour[10, 10] == 0
    assert colour[40, 40] == 255


def png16(samples: NDArray[np.uint16], extra: bytes = b"") -> bytes:
    """A 16-bit PNG of (H, W) grey or (H, W, C) samples."""
    height, width = samples.shape[:2]
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[samples.reshape(height, width, -1).shape[2]]
    rows = samples.astype(">u2").tobytes()
    step = len(rows) // height
    lines = b"".join(b"\0" + rows[at : at + step] for at in range(0, len(rows), step))

    def chunk(code: bytes, body: bytes) -> bytes:
        check = zlib.crc32(code + body)
        return struct.pack(">I", len(body)) + code + body + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    parts = chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(lines))
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND", b"")


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_are_scaled(channels: int) -> None:
    ramp = np.linspace(0, 65535, 48 * 64).astype(np.uint16).reshape(48, 64)
    samples = np.dstack([ramp] * channels)
    if channels in (2, 4):
        samples[..., -1] = 65535
    data = png16(samples[..., 0] if channels == 1 else samples)
    with open_source(data, OPTIONS) as source:
        frame = next(source.frames())
        assert source.notes == ("16-bit samples reduced to 8",)
    assert frame.alpha is None
    assert np.abs(frame.image[..., 0] - ramp / 257.0).max() <= 1
    assert (frame.image[0, 0, 0], frame.image[-1, -1, 0]) == (0, 255)


def test_16_bit_key_colours() -> None:
    samples = np.full((4, 4), 40000, np.uint16)
    samples[1, 1] = 513
    key = b"tRNS" + struct.pack(">H", 513)
    extra = struct.pack(">I", 2) + key + struct.pack(">I", zlib.crc32(key))
    alpha = read(png16(samples, extra))[0].alpha
    assert alpha is not None
    assert alpha[1, 1] == 0
    assert alpha.sum() == 15 * 255
    key = b"tRNS" + struct.pack(">HHH", 513, 513, 513)
    extra = struct.pack(">I", 6) + key + struct.pack(">I", zlib.crc32(key))
    colour = read(png16(np.dstack([samples] * 3), extra))[0].alpha
    assert colour is not None
    assert colour[1, 1] == 0


def test_12_bit_tiff_is_scaled() -> None:
    data = bytearray(saved("TIFF", Pillow.fromarray(np.full((8, 8), 4095, np.uint16))))
    # BitsPerSample in the directory: 16 becomes 12. Rows of 8 samples then take 12 bytes.
    at = data.index(struct.pack("<HHIH", 258, 3, 1, 16))
    data[at + 8] = 12
    first = data.index(b"\xff\x0f" * 64)
    data[first : first + 96] = b"\xff" * 96
    assert (read(bytes(data))[0].image == 255).all()


def test_samples_without_white_are_refused() -> None:
    for samples in (np.ones((4, 4), np.float32), np.ones((4, 4), np.int32)):
        with pytest.raises(UnsupportedError, match="32-bit"):
            open_source(saved("TIFF", Pillow.fromarray(samples)), OPTIONS)


def test_cmyk() -> None:
    with open_source(saved("TIFF", picture("CMYK")), OPTIONS) as source:
        assert source.notes == ("CMYK converted to RGB without a colour profile",)
        assert error(next(source.frames()).image[..., ::-1], scene()) < 3


def test_lab() -> None:
    from PIL import ImageCms

    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(srgb, lab, "RGB", "LAB")
    converted = ImageCms.applyTransform(picture(), transform)
    assert converted is not None
    data = saved("TIFF", converted)
    assert error(read(data)[0].image[..., ::-1], scene()) < 3


def wide_profile(kind: bytes = b"RGB ") -> bytes:
    """An ICC profile of the Display P3 primaries with a plain gamma of 2.2 (ICC.1 version 2)."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    tags = {
        b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1.0, 0.8249),
        b"rXYZ": b"XYZ \0\0\0\0" + fixed(0.5151, 0.2412, -0.0011),
        b"gXYZ": b"XYZ \0\0\0\0" + fixed(0.2920, 0.6922, 0.0419),
        b"bXYZ": b"XYZ \0\0\0\0" + fixed(0.1571, 0.0666, 0.7841),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
        b"kTRC": curve,
    }
    table, heap = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, body in tags.items():
        table += name + struct.pack(">II", start + len(heap), len(body))
        heap += body
    header = bytearray(128)
    header[0:4] = struct.pack(">I", start + len(heap))
    header[8:24] = b"\x02\x10\0\0mntr" + kind + b"XYZ "
    header[36:40] = b"acsp"
    header[68:80] = fixed(0.9642, 1.0, 0.8249)
    return bytes(header) + table + heap


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_profiles_are_applied_not_kept(format: str, tmp_path: Path) -> None:
    patch = Pillow.new("RGB", (8, 8), (200, 120, 120))
    data = saved(format, patch, icc_profile=wide_profile())
    with open_source(data, OPTIONS) as source:
        assert source.notes == ("colours converted to sRGB",)
        assert "ICC" in source.dropped
        blue, green, red = (int(value) for value in next(source.frames()).image[0, 0])
    # The same colour needs more red and less green in the smaller space.
    assert red > 205
    assert green < 119
    assert abs(green - blue) < 8
    suffix = ".png" if format == "PNG" else ".tif"
    with Pillow.open(rewrite(data, tmp_path / f"out{suffix}")) as after:
        assert "icc_profile" not in after.info


def test_profiles_that_change_nothing_are_not_noted() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for mode in ("RGB", "L", "RGBA", "P"):
        with open_source(saved("PNG", picture(mode), icc_profile=profile), OPTIONS) as source:
            assert source.notes == ()


@pytest.mark.parametrize(
    ("mode", "profile"),
    [("RGB", b"rubbish" * 40), ("RGB", wide_profile(b"GRAY")), ("CMYK", wide_profile())],
)
def test_unusable_profiles_are_ignored(mode: str, profile: bytes) -> None:
    with open_source(saved("TIFF", picture(mode), icc_profile=profile), OPTIONS) as source:
        assert any("profile" in note and "ignored" in note for note in source.notes)
        assert error(next(source.frames()).image[..., ::-1], scene()) < 3


def test_grey_profiles() -> None:
    data = saved("PNG", picture("L"), icc_profile=wide_profile(b"GRAY"))
    after = read(data)[0].image
    assert error(after[..., 0], np.asarray(picture("L"))) < 12
    assert error(after[..., 0], after[..., 2]) == 0


# Animations


def frames_of(count: int, *, clear: bool = False) -> list[Pillow.Image]:
    """Frames that share most pixels, the third equal to the second; few colours, for GIF."""
    result = []
    for index in range(count):
        canvas = np.zeros((30, 40, 4), np.uint8)
        canvas[...] = (20, 60, 100, 255)
        at = min(index, 1) * 5 if index < 3 else index * 5
        canvas[5:15, at : at + 8] = (250, 200, 10 + index // 3, 255)
        if clear:
            canvas[20:28, (index % 4) * 9 : (index % 4) * 9 + 6] = 0
        result.append(Pillow.fromarray(canvas if clear else canvas[..., :3].copy()))
    return result


DURATIONS = [100, 50, 250, 40, 1000, 70]


@pytest.mark.parametrize("plays", [0, 1, 3])
@pytest.mark.parametrize("clear", [False, True])
@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_animations(format: str, suffix: str, clear: bool, plays: int, tmp_path: Path) -> None:
    settings: dict[str, object] = {"save_all": True, "duration": DURATIONS}
    if format == "GIF" and plays != 1:
        settings["loop"] = max(plays - 1, 0)
    elif format != "GIF":
        settings["loop"] = plays
    if format == "WEBP":
        settings["lossless"] = True
    if format == "GIF":
        settings["disposal"] = 2
    stills = frames_of(6, clear=clear)
    data = saved(format, stills[0], append_images=stills[1:], **settings)
    with open_source(data, OPTIONS) as source:
        assert isinstance(source, ImageSource)
        before = list(source.frames())
        assert source.media.kind == "animation"
        assert source.media.frames == len(before)
        assert source.traits.plays == plays
    assert sum(frame.duration for frame in before) == sum(DURATIONS)
    target = rewrite(data, tmp_path / f"out{suffix}")
    assert leftovers(target) == []
    with open_source(target, OPTIONS) as source:
        assert isinstance(source, ImageSource)
        after = list(source.frames())
        assert source.traits.plays == plays
    assert [(f.index, f.pts, f.duration) for f in after] == [
        (f.index, f.pts, f.duration) for f in before
    ]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        assert (one.alpha is None) == (other.alpha is None)
        if one.alpha is not None:
            np.testing.assert_array_equal(one.alpha, other.alpha)


def test_equal_frames_stay_frames(tmp_path: Path) -> None:
    class Still:
        media = Media("animation", "gif", 40, 30, 3)

    image = np.full((30, 40, 3), 90, np.uint8)
    for suffix in (".gif", ".png", ".webp"):
        target = tmp_path / f"out{suffix}"
        with open_sink(target, Still(), OPTIONS) as sink:  # type: ignore[arg-type]
            for index in range(3):
                sink.write(Frame(index, image.copy(), pts=index * 80, duration=80))
            sink.commit()
        assert [frame.duration for frame in read(target)] == [80, 80, 80]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_photographs_move(suffix: str, astronaut: Image, tmp_path: Path) -> None:
    class Moving:
        media = Media("animation", "gif", 200, 160, 3)

    crops = [np.ascontiguousarray(astronaut[60:220, at : at + 200]) for at in (80, 90, 100)]
    target = tmp_path / f"out{suffix}"
    with open_sink(target, Moving(), OPTIONS) as sink:  # type: ignore[arg-type]
        for index, crop in enumerate(crops):
            sink.write(Frame(index, crop, duration=40))
        sink.commit()
    for crop, frame in zip(crops, read(target), strict=True):
        assert error(crop, frame.image) < 8


def test_stills_stay_stills(tmp_path: Path) -> None:
    data = saved("GIF", picture("P"))
    with open_source(data, OPTIONS) as source:
        assert source.media == Media("image", "gif", 64, 48, 1)
    target = rewrite(data, tmp_path / "out.gif")
    np.testing.assert_array_equal(read(target)[0].image, read(data)[0].image)
    assert b"NETSCAPE" not in target.read_bytes()


# What is refused


@pytest.mark.parametrize(
    "format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000"]
)
def test_cut_off_is_refused(format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = saved(format, Pillow.fromarray(noise).convert("P" if format == "GIF" else "RGB"))
    assert len(read(data)) == 1
    for share in (0.3, 0.6, 0.9):
        with pytest.raises(UnreadableError) as caught:
            open_source(data[: int(len(data) * share)], OPTIONS)
        assert "\n" not in str(caught.value)
        assert caught.value.advice


def test_a_frame_cut_off_is_refused() -> None:
    stills = frames_of(6)
    for format in ("GIF", "PNG", "WEBP"):
        data = saved(format, stills[0], save_all=True, append_images=stills[1:], lossless=True)
        with pytest.raises(UnreadableError):
            read(data[:-40])


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", UnreadableError, "empty"),
        (b"hello", UnreadableError, "neither"),
        (b"%PDF-1.7", UnreadableError, "PDF"),
        (b"8BPS", UnsupportedError, "psd"),
        (b"\x1f\x8b\x08", UnsupportedError, "archives"),
        (b"\xff\xd8\xff\xe0", UnreadableError, "JPEG"),
    ],
)
def test_refused_in_words(data: bytes, kind: type[InputError], words: str) -> None:
    with pytest.raises(kind, match=words):
        open_source(data, OPTIONS)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="no such file") as caught:
        open_source(tmp_path / "nothing.jpg", OPTIONS)
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(UnreadableError, match="directory"):
        open_source(tmp_path, OPTIONS)


def test_bombs_are_refused_by_their_header() -> None:
    small = saved("PNG", picture())
    head = b"IHDR" + struct.pack(">II", 100_000, 100_000) + small[24:29]
    png = small[:12] + head + struct.pack(">I", zlib.crc32(head)) + small[33:]
    bmp = bytearray(saved("BMP", picture()))
    bmp[18:26] = struct.pack("<ii", 50_000, 50_000)
    jpeg = bytearray(saved("JPEG", picture()))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65_000, 65_000)
    for data in (png, bytes(bmp), bytes(jpeg)):
        with pytest.raises(LimitError, match="too large"):
            open_source(data, OPTIONS)


def test_frames_count_against_the_limit() -> None:
    stills = frames_of(6)
    data = saved("GIF", stills[0], save_all=True, append_images=stills[1:])
    one = Options(max_pixels=40 * 30 * 2)
    with pytest.raises(LimitError, match="frames"):
        open_source(data, one)
    assert read(saved("GIF", stills[0]), one)


@pytest.mark.slow
@pytest.mark.long
def test_large_pictures_within_the_limit_are_welcome() -> None:
    # Above Pillow's own process-wide limit, which is neither used nor changed.
    limit = Pillow.MAX_IMAGE_PIXELS
    side = 13_500
    data = saved("PNG", Pillow.new("1", (side, side)), compress_level=1)
    assert read(data)[0].image.shape == (side, side, 3)
    assert limit == Pillow.MAX_IMAGE_PIXELS


def test_camera_raw_is_refused() -> None:
    info = {50706: b"\x01\x04\0\0"}
    with pytest.raises(UnsupportedError, match="raw"):
        open_source(saved("TIFF", picture(), tiffinfo=info), OPTIONS)


# Passes and threads


def test_each_pass_is_fresh() -> None:
    stills = frames_of(3)
    moving = saved("PNG", stills[0], save_all=True, append_images=stills[1:])
    for data in (saved("PNG", picture()), moving):
        with open_source(data, OPTIONS) as source:
            first = [frame.image for frame in source.frames()]
            copies = [image.copy() for image in first]
            for image in first:
                image[:] = 0
            second = [frame.image for frame in source.frames()]
        for one, other in zip(copies, second, strict=True):
            np.testing.assert_array_equal(one, other)


def test_threads_share_nothing() -> None:
    def work(index: int) -> bool:
        # Corrupt EXIF makes Pillow warn; a warning is an error here.
        exif = b"Exif\0\0II*\0\x08\0\0\0\x09\0\x12\x01\x03\0\x01\0\0\0\x06\0"
        plain = saved("JPEG", Pillow.new("RGB", (64, 48), (index, 0, 0)))
        head = struct.pack(">BBH", 0xFF, 0xE1, len(exif) + 2) + exif
        return bool(abs(int(read(plain[:2] + head + plain[2:])[0].image[0, 0, 2]) - index) < 3)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(100)))


# The sink


def test_default_suffixes() -> None:
    def suffix(format: str, name: str = "", kind: str = "image") -> str:
        return output_suffix(Media(kind, format, 8, 8), name)  # type: ignore[arg-type]

    assert suffix("jpeg", "a.JPEG") == ".JPEG"
    assert suffix("jpeg", "a.png") == ".jpg"
    assert suffix("heic", "a.heic") == ".jpg"
    assert suffix("jp2", "a.jp2") == ".png"
    assert suffix("tiff", "a.tiff") == ".tiff"
    assert suffix("avif") == ".avif"
    assert suffix("png", "a.apng", "animation") == ".apng"
    assert suffix("avif", "a.avif", "animation") == ".webp"


def test_appears_only_when_committed(tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"what was there")
    with (
        open_source(saved("PNG", picture()), OPTIONS) as source,
        open_sink(target, source, OPTIONS) as sink,
    ):
        sink.write(next(source.frames()))
        part = sink.finish()
        assert part.parent == tmp_path
        assert part.name.startswith(".out.png.")
        assert part.suffix == ".part"
        if os.name == "posix":
            assert stat.S_IMODE(part.stat().st_mode) == 0o600
        assert leftovers(part) == []
        assert target.read_bytes() == b"what was there"
        assert sink.commit() == target
        sink.abort()
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]
    assert sniff(target.read_bytes()) == "png"


@pytest.mark.skipif(os.name != "posix", reason="umask")
def test_final_permissions_are_the_usual(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    target = rewrite(saved("PNG", picture()), tmp_path / "out.png")
    assert target.stat().st_mode == usual.stat().st_mode


def test_nothing_stays_after_an_error(tmp_path: Path) -> None:
    with open_source(saved("PNG", picture()), OPTIONS) as source:
        with suppress(KeyError), open_sink(tmp_path / "a.png", source, OPTIONS) as sink:
            sink.write(next(source.frames()))
            raise KeyError
        with (
            pytest.raises(OutputError, match="no frame"),
            open_sink(tmp_path / "b.png", source, OPTIONS) as sink,
        ):
            sink.finish()
    assert list(tmp_path.iterdir()) == []


def test_input_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(saved("PNG", picture()))
    link = tmp_path / "link.png"
    link.hardlink_to(path)
    with open_source(path, OPTIONS) as source:
        for target in (path, tmp_path / "." / "photo.png", link):
            with pytest.raises(UsageError, match="overwrite"):
                open_sink(target, source, OPTIONS)


@pytest.mark.parametrize("name", ["out.heic", "out.jp2"])
def test_formats_that_cannot_be_written(name: str, tmp_path: Path) -> None:
    with open_source(saved("PNG", picture()), OPTIONS) as source, pytest.raises(UsageError):
        open_sink(tmp_path / name, source, OPTIONS)


def test_animations_need_a_format_that_moves(tmp_path: Path) -> None:
    stills = frames_of(2)
    data = saved("GIF", stills[0], save_all=True, append_images=stills[1:])
    with open_source(data, OPTIONS) as source, pytest.raises(UsageError, match="animation"):
        open_sink(tmp_path / "out.jpg", source, OPTIONS)


def test_bad_targets(tmp_path: Path) -> None:
    with open_source(saved("PNG", picture()), OPTIONS) as source:
        with pytest.raises(OutputError, match="no such file"):
            open_sink(tmp_path / "missing" / "out.png", source, OPTIONS)
        with pytest.raises(UsageError, match="folder"):
            open_sink(tmp_path, source, OPTIONS)


def test_too_large_for_the_format(tmp_path: Path) -> None:
    data = saved("PNG", Pillow.new("L", (20_000, 2)))
    with pytest.raises(OutputError, match="20000 x 2 cannot be written as WEBP"):
        rewrite(data, tmp_path / "out.webp")
    assert list(tmp_path.iterdir()) == []


def test_conversions_are_noted(tmp_path: Path) -> None:
    clear = picture("RGBA")
    clear.putalpha(100)
    with (
        open_source(saved("PNG", clear), OPTIONS) as source,
        open_sink(tmp_path / "out.jpg", source, OPTIONS) as sink,
    ):
        sink.write(next(source.frames()))
        assert sink.notes == ("written as JPEG", "transparency filled with white")


@pytest.mark.parametrize("sampling", [0, 1, 2])
def test_jpeg_stays_near(sampling: int, astronaut: Image, tmp_path: Path) -> None:
    rgb = Pillow.fromarray(np.ascontiguousarray(astronaut[..., ::-1]))
    data = saved("JPEG", rgb, quality=85, subsampling=sampling)
    target = rewrite(data, tmp_path / "out.jpg")
    assert error(read(target)[0].image, read(data)[0].image) < 1.5
    with open_source(target, OPTIONS) as source:
        assert isinstance(source, ImageSource)
        assert source.traits.chroma == sampling


@pytest.mark.slow
def test_quality_is_obeyed(astronaut: Image, tmp_path: Path) -> None:
    data = saved("PNG", Pillow.fromarray(astronaut))
    for suffix in (".jpg", ".webp", ".avif"):
        sizes = [
            rewrite(data, tmp_path / f"{quality}{suffix}", Options(quality=quality)).stat().st_size
            for quality in (20, 60, 95)
        ]
        if suffix == ".webp":
            # From a lossless input, WebP is lossless.
            assert len(set(sizes)) == 1
        else:
            assert sizes == sorted(set(sizes))


# The shared collection


@pytest.mark.slow
@pytest.mark.long
def test_every_file_is_read_or_refused(data: Path, tmp_path: Path) -> None:
    refused: dict[str, str] = {}
    for path in sorted((data / "formats").iterdir()):
        try:
            with open_source(path, OPTIONS) as source:
                before = list(source.frames())
                assert len(before) == source.media.frames
                target = tmp_path / (path.name + output_suffix(source.media, path.name))
                with open_sink(target, source, OPTIONS) as sink:
                    for frame in before:
                        assert frame.image.shape == (source.media.height, source.media.width, 3)
                        assert frame.image.dtype == np.uint8
                        assert frame.image.flags.c_contiguous
                        sink.write(frame)
                    sink.commit()
        except InputError as problem:
            refused[path.name] = str(problem)
            continue
        assert leftovers(target) == []
        after = read(target)
        assert [frame.duration for frame in after] == [frame.duration for frame in before]
        assert after[0].image.shape == before[0].image.shape
        # Below 100 x 100 the lossy formats have a handful of blocks to spend.
        assert error(after[0].image, before[0].image) < 4
    assert not any(str(data) in message for message in refused.values())
    assert refused.keys() == {
        "broken.png",
        "broken_data_stream.png",
        "decompression_bomb.gif",
        "decompression_bomb_extents.gif",
        "truncated.heic",
        "truncated_image.png",
        "truncated_jpeg.jpg",
    }


def test_pillow_agrees(data: Path) -> None:
    """Against Pillow's own convenience functions, which take another way through its code."""
    for name in ("canon-ixus.jpg", "transparent.png", "transparent.webp", "exif.avif"):
        with Pillow.open(data / "formats" / name) as opened:
            expected = np.array(ImageOps.exif_transpose(opened).convert("RGBA"))
        frame = read(data / "formats" / name)[0]
        visible = expected[..., 3] > 0
        np.testing.assert_array_equal(frame.image[..., ::-1][visible], expected[..., :3][visible])


def test_import_is_light() -> None:
    import subprocess

    code = "import sys, faceveil.media; print(sorted({'PIL', 'cv2', 'av'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# JPEG of 12 bits: 48 x 32, red and green rise by 60 of 4095 a pixel from 600 and 400, blue is 2000;
# made with libjpeg-turbo's 12-bit encoder, which no package here has.
DEEP = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4R"
    "DgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU"
    "FBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wQARDAAgADADASIAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAA"
    "CgkM/8QAGhAAAAcAAAAAAAAAAAAAAAAAAAgJJDVCUv/EABcBAQEBAQAAAAAAAAAAAAAAAAsKBQz/xAAdEQAABQUA"
    "AAAAAAAAAAAAAAAABwg0UQkjJEFC/9oADAMBAAIRAxEAPwDGlJfFciWmKheCXxW4lpiokcl8VyJaYqF3pfFciGmK"
    "haRWpuOLk7GiuWnc7wp5FcUviuRLTFQu9L4rkQ0zUSPS+K5ENM1C70vitxLTFRFcrU3HFydg9BctO53hTyK4pfFc"
    "iGmahd6XxW4lpiokel8VuJaYqF3pfFciGmaiK9WpuOLk7B565adzvCnkYtFL4rkS0zULvS+K3EtMVEj0viuRLTFQ"
    "u9L4rkQ0zUJ4q1NxxcnY7V9ctO53hTyK4pfFciWmKhd6XxXIhpmokcl8VyIaZqF4JfFbiWmKiK9WpuOLk7B6C5ad"
    "zvCnkVwS+K5ENM1C8EvitxLTFRI5L4rcS0xULvS+K5ENM1EVytTccXJ2Dz1y07neFPI//9k="
)


def test_12_bit_jpeg(tmp_path: Path) -> None:
    """Pillow cannot; it was called broken. It is coded anew with 8 bits, and both is said."""
    rows, columns = np.mgrid[0:32, 0:48]
    wanted = np.dstack([(600 + rows * 60) / 16, (400 + columns * 60) / 16, np.full((32, 48), 125)])
    with open_source(DEEP, OPTIONS) as source:
        assert "12-bit samples reduced to 8" in source.notes
        image = next(iter(source.frames())).image[..., ::-1]
        assert np.abs(image.astype(int) - wanted).mean() < 4
    after = rewrite(DEEP, tmp_path / "out.jpg")
    assert leftovers(after) == []
    with Pillow.open(after) as opened:
        assert opened.size == (48, 32)


def test_12_bit_jpeg_turns_by_its_exif() -> None:
    tags = Pillow.Exif()
    tags[0x0112] = 6
    block = b"Exif\0\0" + tags.tobytes()[6:]
    segment = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
    with open_source(DEEP[:2] + segment + DEEP[2:], OPTIONS) as source:
        assert (source.media.width, source.media.height) == (32, 48)


def test_jpeg_of_other_depths_is_refused_in_words() -> None:
    at = DEEP.index(b"\xff\xc1")
    for head in (b"\xff\xc2" + DEEP[at + 2 : at + 5], DEEP[at : at + 4] + b"\x10"):
        with pytest.raises(UnsupportedError):
            open_source(DEEP[:at] + head + DEEP[at + 5 :], OPTIONS)
    for size in range(20, len(DEEP), 40):
        with pytest.raises(InputError):
            open_source(DEEP[:size], OPTIONS)
