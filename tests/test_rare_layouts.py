"""PNG and JPEG 2000 of any depth, with key colours, look as their numbers say, or are refused."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from faceveil.errors import UnsupportedError
from faceveil.frames import Frame
from faceveil.media import open_source
from faceveil.options import Options

imagecodecs: Any = pytest.importorskip("imagecodecs", reason="imagecodecs writes what is rare")

OPTIONS = Options(check="off")
HEIGHT, WIDTH = 24, 32
DOWN, ACROSS = np.mgrid[0:HEIGHT, 0:WIDTH]


def read(data: bytes) -> Frame:
    with open_source(data, OPTIONS) as source:
        return next(iter(source.frames()))


def samples(bits: int, channels: int) -> NDArray[Any]:
    """(HEIGHT, WIDTH, channels) from 0 to white."""
    white = (1 << bits) - 1
    planes = [ACROSS / (WIDTH - 1), DOWN / (HEIGHT - 1), (ACROSS + DOWN) / (WIDTH + HEIGHT - 2)]
    values = [np.rint(planes[number % 3] * white) for number in range(channels)]
    return np.dstack(values).astype(np.int64)


def chunk(code: bytes, body: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(code + body))
    return struct.pack(">I", len(body)) + code + body + check


def png(values: NDArray[Any], bits: int, colour: int, key: bytes = b"") -> bytes:
    rows = values.reshape(HEIGHT, -1)
    if bits == 16:
        packed = [row.astype(">u2").tobytes() for row in rows]
    else:
        single = (rows[..., None] >> np.arange(bits - 1, -1, -1)) & 1
        packed = [np.packbits(row.ravel().astype(np.uint8)).tobytes() for row in single]
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour, 0, 0, 0))
    head += chunk(b"tRNS", key) if key else b""
    lines = zlib.compress(b"".join(b"\0" + row for row in packed))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


@pytest.mark.parametrize("key", ["none", "black", "white", "between"])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_grey_png_with_a_key(bits: int, key: str) -> None:
    values = samples(bits, 3)[..., 2:]
    white = (1 << bits) - 1
    number = {"none": -1, "black": 0, "white": white, "between": int(values[3, 5, 0])}[key]
    frame = read(png(values, bits, 0, struct.pack(">H", number) if number >= 0 else b""))
    expected = np.where(values[..., 0] == number, 0, 255)
    alpha = np.full((HEIGHT, WIDTH), 255) if frame.alpha is None else frame.alpha
    np.testing.assert_array_equal(alpha, expected)
    shown = values * 255 / white
    assert np.abs(frame.image - shown)[expected > 0].max() <= 1


@pytest.mark.parametrize("near", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_coloured_png_with_a_key(bits: int, near: bool) -> None:
    """Only that very colour is open, also where others share its high bytes."""
    values = samples(bits, 3)
    if near:
        values[:, :16] = values[3, 5]
        values[:, :16, 0] += ACROSS[:, :16] % 7
    key = values[3, 7]
    frame = read(png(values, bits, 2, struct.pack(">HHH", *key.tolist())))
    expected = np.where((values == key).all(axis=-1), 0, 255)
    assert frame.alpha is not None
    np.testing.assert_array_equal(frame.alpha, expected)
    shown = values * 255 / ((1 << bits) - 1)
    assert np.abs(frame.image[..., ::-1] - shown)[expected > 0].max() <= 1


def jp2(values: NDArray[Any], bits: int, signed: bool, container: str) -> bytes:
    if signed:
        values = values - (1 << (bits - 1))
    kind = np.dtype(f"{'i' if signed else 'u'}{1 if bits <= 8 else 2}")
    picture = values.astype(kind)
    data: bytes = imagecodecs.jpeg2k_encode(
        picture[..., 0] if picture.shape[2] == 1 else picture,
        level=0,
        codecformat=container,
        bitspersample=bits,
        reversible=True,
        mct=False,
    )
    return data


@pytest.mark.parametrize("container", ["jp2", "j2k"])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 7, 8, 9, 10, 12, 14, 16])
def test_jpeg_2000(bits: int, channels: int, signed: bool, container: str) -> None:
    values = samples(bits, channels)
    data = jp2(values, bits, signed, container)
    nine = bits == 9 and channels == 1 and container == "jp2"  # Pillow takes it for 8
    if bits > 8 and (channels == 2 or ((channels > 2 or nine) and signed)):
        with pytest.raises(UnsupportedError):
            open_source(data, OPTIONS)
        return
    frame = read(data)
    shares = values * 255 / ((1 << bits) - 1)
    alpha = np.full((HEIGHT, WIDTH), 255) if frame.alpha is None else frame.alpha
    if channels in (2, 4):
        assert np.abs(alpha - shares[..., -1]).max() <= 1
    colours = shares[..., :1] if channels < 3 else shares[..., :3]
    assert np.abs(frame.image[..., ::-1] - colours)[alpha > 0].max() <= 1
