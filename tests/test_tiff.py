"""TIFF files as their tags say: whatever is accepted looks as tifffile reads it."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, note
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow

from faceveil.errors import UnreadableError, UnsupportedError
from faceveil.frames import Frame
from faceveil.media import open_source
from faceveil.options import Options

pytest.importorskip("imagecodecs", reason="tifffile needs imagecodecs to write what is compressed")

OPTIONS = Options(check="off", second_detector="none")
HEIGHT, WIDTH = 40, 50
COLOURS = {
    "minisblack": 1,
    "miniswhite": 1,
    "palette": 1,
    "rgb": 3,
    "cielab": 3,
    "icclab": 3,
    "separated": 4,
}
EXTRA = {"unspecified": 0, "assocalpha": 1, "unassalpha": 2}


def read(data: bytes, options: Options = OPTIONS) -> list[Frame]:
    with open_source(data, options) as source:
        return list(source.frames())


def noise(bits: int, samples: int) -> NDArray[Any]:
    """(HEIGHT, WIDTH, samples), all values, and a smooth picture so that JPEG can be compared."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [down / (HEIGHT - 1), across / (WIDTH - 1), (down + across) / (HEIGHT + WIDTH - 2)]
    smooth = np.stack([planes[number % 3] for number in range(samples)], axis=-1)
    kind = np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32
    values: NDArray[Any] = np.rint(smooth * ((1 << bits) - 1)).astype(kind)
    return values


def written(
    values: NDArray[Any],
    photometric: str,
    *,
    bits: int,
    planar: bool = False,
    extra: tuple[str, ...] = (),
    **settings: Any,
) -> bytes:
    """A TIFF of (H, W, samples), by tifffile."""
    if values.shape[2] == 1:
        values = values[..., 0]
    else:
        settings["planarconfig"] = "separate" if planar else "contig"
        values = np.moveaxis(values, -1, 0) if planar else values
    if bits not in (8, 16, 32, 64):
        settings["bitspersample"] = bits
    if extra:
        settings["extrasamples"] = [EXTRA[name] for name in extra]
    if photometric == "palette":
        table = np.random.default_rng(bits).integers(0, 65536, (3, 1 << bits))
        settings["colormap"] = table.astype(np.uint16)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric=photometric, metadata=None, **settings)
    return buffer.getvalue()


def as_tifffile_reads(data: bytes) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """(H, W, 3) RGB and opacity, floats from 0 to 255, by the plainest of conversions."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        assert isinstance(page, tifffile.TiffPage)
        values = page.asarray().astype(float)
        values = values[..., None] if values.ndim == 2 else values
        if page.planarconfig == 2 and page.samplesperpixel > 1:
            values = np.moveaxis(values, 0, -1)
        shares = values / ((1 << page.bitspersample) - 1)
        name, extras = (
            tifffile.PHOTOMETRIC(page.photometric).name,
            [int(kind) for kind in page.extrasamples],
        )
        table = page.colormap
    channels = COLOURS[name.lower()]
    rgb, rest = shares[..., :channels], shares[..., channels:]
    alpha = next((rest[..., at] for at, kind in enumerate(extras) if kind), None)
    if name == "PALETTE":
        assert table is not None
        rgb = np.moveaxis(table, 0, -1)[values[..., 0].astype(int)] / 65535
    elif name == "MINISWHITE":
        rgb = 1 - rgb
    elif name == "SEPARATED":
        rgb = (1 - rgb[..., :3]) * (1 - rgb[..., 3:])
    if 1 in extras and alpha is not None:
        rgb = np.minimum(rgb / np.maximum(alpha, 1e-9)[..., None], 1)
    rgb = np.repeat(rgb, 3, axis=-1) if rgb.shape[2] == 1 else rgb
    if alpha is not None and name == "SEPARATED":
        alpha = None  # noted as left out
    return rgb * 255, None if alpha is None else alpha * 255


def difference(data: bytes) -> tuple[NDArray[Any], NDArray[Any]]:
    """Of colours where they can be seen, and of opacity, from what tifffile reads."""
    (frame,) = read(data)
    rgb, alpha = as_tifffile_reads(data)
    seen = frame.alpha if frame.alpha is not None else np.full(frame.image.shape[:2], 255, np.uint8)
    opacity = np.abs(seen - (255.0 if alpha is None else alpha))
    visible = seen > 8
    return np.abs(frame.image[..., ::-1] - rgb)[visible], opacity


BYTES = [None, "lzw", "zlib", "packbits", "lzma", "zstd"]


@st.composite
def layouts(draw: st.DrawFn) -> dict[str, Any]:
    photometric = draw(st.sampled_from(["minisblack", "miniswhite", "palette", "rgb", "separated"]))
    bits = draw(st.sampled_from([8, 16, 1, 2, 4, 12, 10, 14]))
    extra = draw(st.sampled_from([(), (), *((name,) for name in EXTRA)]))
    compression = draw(st.sampled_from(BYTES))
    settings: dict[str, Any] = {
        "photometric": photometric,
        "bits": bits,
        "extra": extra,
        "planar": draw(st.booleans()),
        "byteorder": draw(st.sampled_from("<>")),
    }
    settings["bigtiff"] = settings["byteorder"] == "<" and draw(st.booleans())
    if bits in (8, 16):
        settings["compression"] = compression
        settings["predictor"] = compression in ("lzw", "zlib") and draw(st.booleans())
    if draw(st.booleans()):
        settings["tile"] = draw(st.sampled_from([(16, 16), (32, 16), (64, 64)]))
    else:
        settings["rowsperstrip"] = draw(st.sampled_from([1, 7, 13, HEIGHT, 200]))
    return settings


@pytest.mark.slow
@given(layouts())
def test_what_is_accepted_looks_as_tifffile_reads_it(settings: dict[str, Any]) -> None:
    if settings["photometric"] == "palette":  # tifffile writes no others
        settings |= {"bits": 8, "extra": ()}
    samples = COLOURS[settings["photometric"]] + len(settings["extra"])
    note(str(settings))
    data = written(noise(settings["bits"], samples), **settings)
    if "assocalpha" in settings["extra"] and settings["photometric"] not in ("minisblack", "rgb"):
        # Ink that was multiplied by its opacity: no two programs agree what that is.
        with pytest.raises(UnsupportedError):
            open_source(data, OPTIONS)
        return
    colours, opacity = difference(data)
    assert colours.max() <= (16 if "assocalpha" in settings["extra"] else 2)
    assert opacity.max() <= 1


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [np.int8, np.int16, np.float16, np.float32, np.float64, np.uint32])
@pytest.mark.parametrize("photometric", ["minisblack", "rgb"])
def test_samples_without_a_fixed_white_are_refused(
    photometric: str, kind: type[Any], order: str
) -> None:
    values = np.zeros((HEIGHT, WIDTH, COLOURS[photometric]), kind)
    data = written(values, photometric, bits=values.itemsize * 8, byteorder=order)
    with pytest.raises(UnsupportedError):
        open_source(data, OPTIONS)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite", "rgb", "ycbcr"])
def test_jpeg_inside(photometric: str, planar: bool) -> None:
    samples = 3 if photometric in ("rgb", "ycbcr") else 1
    if photometric == "ycbcr" and planar:
        pytest.skip("JPEG holds the three together")
    values = noise(8, samples)
    data = written(values, photometric, bits=8, planar=planar, compression="jpeg", rowsperstrip=16)
    (frame,) = read(data)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        expected = file.pages[0].asarray().astype(int)
    expected = np.moveaxis(expected, 0, -1) if planar and samples > 1 else expected
    expected = expected.reshape(HEIGHT, WIDTH, samples)
    expected = 255 - expected if photometric == "miniswhite" else expected
    assert np.abs(frame.image[..., ::-1] - expected).mean() < 4


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
@pytest.mark.parametrize("photometric", [0, 1])
def test_fax(compression: str, photometric: int) -> None:
    page = Pillow.fromarray(noise(8, 3)).convert("1")
    buffer = io.BytesIO()
    page.save(buffer, "TIFF", compression=compression, tiffinfo={262: photometric})
    (frame,) = read(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(buffer.getvalue())) as file:
        values = file.pages[0].asarray().astype(bool)
    expected = values if photometric else ~values
    np.testing.assert_array_equal(frame.image[..., 0] > 127, expected)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("photometric", ["cielab", "icclab"])
def test_lab(photometric: str, bits: int) -> None:
    """CIELab has signed a and b, ICCLab has them from 128 on."""
    from PIL import ImageCms

    colours = np.array([(180, 90, 80), (80, 120, 160), (128, 128, 128), (210, 200, 150)], np.uint8)
    rgb = np.repeat(colours[:, None], 8, axis=1)
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(srgb, lab, "RGB", "LAB")
    converted = ImageCms.applyTransform(Pillow.fromarray(rgb), transform)
    assert converted is not None
    values = np.asarray(converted).copy()  # a and b are signed
    if photometric == "icclab":
        values[..., 1:] ^= 128
    if bits == 16:
        values = values.astype(np.uint16) << 8
    data = bytearray(written(values, "rgb", bits=bits))
    at = data.index(struct.pack("<HHI", 262, 3, 1)) + 8
    data[at] = {"cielab": 8, "icclab": 9}[photometric]
    (frame,) = read(bytes(data))
    assert np.abs(frame.image[..., ::-1].astype(int) - rgb).max() <= 6


def stored(data: bytes) -> list[tuple[int, int]]:
    """(offset, length) of the strips of the first page."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        assert isinstance(page, tifffile.TiffPage)
        return list(zip(page.dataoffsets, page.databytecounts, strict=True))


@pytest.mark.parametrize(
    ("bits", "photometric", "compression"),
    [(8, "minisblack", None), (1, "miniswhite", None), (12, "rgb", None), (16, "rgb", "zlib")],
)
def test_bits_that_are_stored_from_right_to_left(
    bits: int, photometric: str, compression: str | None
) -> None:
    values = noise(bits, COLOURS[photometric])
    data = bytearray(
        written(
            values,
            photometric,
            bits=bits,
            compression=compression,
            extratags=[(65000, "H", 1, 2, True)],
        )
    )
    plain = read(bytes(data))[0].image
    at = data.index(struct.pack("<HHIH", 65000, 3, 1, 2))
    data[at : at + 2] = struct.pack("<H", 266)
    reverse = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
    for start, size in stored(bytes(data)):
        data[start : start + size] = data[start : start + size].translate(reverse)
    np.testing.assert_array_equal(read(bytes(data))[0].image, plain)


def test_palettes_of_8_bits() -> None:
    """Old writers filled in 8 bits where there are 16."""
    values = noise(8, 1)
    ramp = np.tile(np.arange(256, dtype=np.uint16), (3, 1))
    for table in (ramp, ramp * 256, ramp * 257):
        buffer = io.BytesIO()
        tifffile.imwrite(
            buffer, values[..., 0], photometric="palette", colormap=table, metadata=None
        )
        np.testing.assert_array_equal(read(buffer.getvalue())[0].image[..., :1], values)


def test_colour_at_less_resolution() -> None:
    """libtiff knows how to read it where it is compressed; refused where it is not."""
    buffer = io.BytesIO()
    values = noise(8, 3)
    Pillow.fromarray(values).convert("YCbCr").save(buffer, "TIFF")
    expected = read(buffer.getvalue())[0].image
    assert np.abs(expected[..., ::-1] - values.astype(int)).max() < 4
    data = buffer.getvalue()
    at = data.index(struct.pack("<HHI", 530, 3, 2)) + 8
    halved = data[:at] + struct.pack("<HH", 2, 2) + data[at + 4 :]
    with pytest.raises(UnsupportedError):
        open_source(halved, OPTIONS)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_samples_that_are_put_together_here(orientation: int) -> None:
    values = noise(16, 3)
    data = written(
        values, "rgb", bits=16, planar=True, extratags=[(274, "H", 1, orientation, True)]
    )
    buffer = io.BytesIO()
    flat = Pillow.fromarray((values >> 8).astype(np.uint8))
    flat.save(buffer, "TIFF", tiffinfo={274: orientation})
    (frame,), (other,) = read(data), read(buffer.getvalue())
    assert frame.image.shape == other.image.shape
    assert np.abs(frame.image.astype(int) - other.image).max() <= 1


def test_what_is_cut_off_or_broken_is_said_so() -> None:
    data = written(noise(16, 3), "rgb", bits=16, planar=True)
    with pytest.raises(UnreadableError):
        open_source(data[: len(data) // 2], OPTIONS)
    with pytest.raises(UnreadableError):
        open_source(data[:4] + struct.pack("<I", len(data) + 9) + data[8:], OPTIONS)
    with pytest.raises(UnsupportedError, match="reverse"):
        open_source(
            written(noise(8, 1), "minisblack", bits=8, byteorder=">", bigtiff=True), OPTIONS
        )
