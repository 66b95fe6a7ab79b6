"""HEIC and AVIF: alpha, grids, crops and turns as the boxes say. What is hidden is gone."""

from __future__ import annotations

import io
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pi_heif
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from faceveil.errors import InputError, LimitError, UnreadableError, UnsupportedError
from faceveil.media import open_sink, open_source, sniff
from faceveil.media.leftovers import leftovers
from faceveil.options import Options
from heif import Part, Property, auxc, av1, box, by_ffmpeg, clap, grid, heif, ispe, scene

OPTIONS = Options()
WIDTH, HEIGHT = 96, 64
CROP = (8, 4, 88, 60)
LINK = (b"auxl", 2, [1])
HEIC: dict[str, Any] = {"major": b"heic", "brands": b"heicmif1"}
OPACITY = np.tile(np.linspace(20, 235, WIDTH).astype(np.uint8), (HEIGHT, 1))


def colours() -> Pillow.Image:
    return Pillow.fromarray(scene(WIDTH, HEIGHT))


def opacity(size: tuple[int, int] = (WIDTH, HEIGHT)) -> Pillow.Image:
    return Pillow.fromarray(OPACITY).resize(size)


def grown(part: Part, *more: Property) -> Part:
    return Part(part.kind, [*part.properties, *more], part.payload)


@cache
def parts() -> dict[str, Part]:
    grey = opacity().convert("RGB")
    return {
        "8 bits": av1(colours()),
        "4:2:0": av1(colours(), subsampling="4:2:0"),
        "grey": av1(colours().convert("L"), subsampling="4:0:0"),
        "10 bits": by_ffmpeg(colours(), "libsvtav1", "yuv420p10le", crf="5"),
        "alpha of 8 bits": grown(av1(opacity(), subsampling="4:0:0"), auxc()),
        "alpha in colour": grown(av1(grey), auxc()),
        "alpha of 10 bits": grown(by_ffmpeg(grey, "libsvtav1", "yuv420p10le", crf="5"), auxc()),
        "limited alpha": grown(av1(opacity(), subsampling="4:0:0", range="limited"), auxc()),
        "small alpha": grown(av1(opacity((48, 32)), subsampling="4:0:0"), auxc()),
        "hevc": by_ffmpeg(
            colours(), "libx265", "yuv444p", crf="5", **{"x265-params": "keyint=1:log-level=none"}
        ),
    }


def read(data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None, tuple[str, ...]]:
    """RGB, opacity, notes."""
    with open_source(data, OPTIONS) as source:
        frame = next(iter(source.frames()))
        return frame.image[..., ::-1], frame.alpha, source.notes


def error(one: object, other: object) -> float:
    return float(np.abs(np.asarray(one).astype(int) - np.asarray(other)).mean())


# Alpha


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize(
    "alpha",
    ["alpha of 8 bits", "alpha in colour", "alpha of 10 bits", "limited alpha", "small alpha"],
)
@pytest.mark.parametrize("colour", ["8 bits", "4:2:0", "10 bits", "grey"])
def test_alpha_of_any_depth_and_layout(colour: str, alpha: str, twice: bool) -> None:
    """libavif refuses most of these; 59 files of a conformance suite were called broken."""
    data = heif([parts()[colour], parts()[alpha]], [LINK], twice=twice)
    image, opaque, notes = read(data)
    wanted = colours().convert("L").convert("RGB") if colour == "grey" else colours()
    assert error(image, wanted) < 4
    assert opaque is not None
    assert error(opaque, OPACITY) < 4
    assert ("10-bit samples reduced to 8" in notes) == (colour == "10 bits")


def test_multiplied_colours_are_divided() -> None:
    plain = heif([parts()["8 bits"], parts()["alpha of 8 bits"]], [LINK, (b"prem", 1, [2])])
    odd = heif([parts()["8 bits"], parts()["alpha of 10 bits"]], [LINK, (b"prem", 1, [2])])
    with Pillow.open(io.BytesIO(plain)) as opened:
        wanted = np.asarray(opened.convert("RGB"))
    assert error(read(plain)[0], wanted) < 1
    assert error(read(odd)[0], wanted) < 4


@pytest.mark.parametrize("wrapped", [{"inside": [1, 2]}, {"pieces": 3}, {"major": b"mif1"}])
@pytest.mark.parametrize("alpha", ["alpha of 8 bits", "alpha of 10 bits"])
def test_wherever_the_bytes_lie(alpha: str, wrapped: dict[str, Any]) -> None:
    data = heif([parts()["8 bits"], parts()[alpha]], [LINK], **wrapped)
    image, opaque, _ = read(data)
    assert error(image, colours()) < 4
    assert opaque is not None


def test_brands_that_name_no_codec() -> None:
    data = heif([parts()["8 bits"]], major=b"mif1", brands=b"mif1miafMA1B")
    assert sniff(data) == "avif"
    assert error(read(data)[0], colours()) < 4
    assert sniff(heif([parts()["hevc"]], major=b"mif1", brands=b"mif1miaf")) == "heic"


# Grids


def tiles() -> tuple[Pillow.Image, list[Part]]:
    whole = Pillow.fromarray(scene(2 * WIDTH, 2 * HEIGHT))
    places = [(x, y) for y in (0, HEIGHT) for x in (0, WIDTH)]
    return whole, [av1(whole.crop((x, y, x + WIDTH, y + HEIGHT))) for x, y in places]


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("size", [(192, 128), (171, 101)])
def test_grids(size: tuple[int, int], twice: bool) -> None:
    whole, found = tiles()
    data = heif([grid(*size, 2, 2), *found], [(b"dimg", 1, [2, 3, 4, 5])], twice=twice)
    assert error(read(data)[0], whole.crop((0, 0, *size))) < 4


def test_a_grid_with_alpha_of_another_kind() -> None:
    whole, found = tiles()
    links = [(b"dimg", 1, [2, 3, 4, 5]), (b"auxl", 6, [1])]
    data = heif([grid(192, 128, 2, 2), *found, parts()["alpha of 10 bits"]], links)
    image, opaque, _ = read(data)
    assert error(image, whole) < 4
    assert opaque is not None
    assert error(opaque, opacity((192, 128))) < 4


# Crops and turns


def shown(part: Part) -> NDArray[np.uint8]:
    """By libheif, which knows crops and turns, or by hand for AV1, which it cannot decode here."""
    if part.kind == b"hvc1":
        return np.asarray(pi_heif.open_heif(io.BytesIO(heif([part], **HEIC))).to_pillow())
    image = colours()
    for kind, body in part.properties:
        if kind == b"clap":
            image = image.crop(CROP)
        elif kind == b"irot":
            image = image.rotate(90 * body[0], expand=True)
        elif kind == b"imir":
            flip = Pillow.Transpose
            image = image.transpose(flip.FLIP_LEFT_RIGHT if body[0] else flip.FLIP_TOP_BOTTOM)
    return np.asarray(image)


TURNS: list[tuple[Property, ...]] = [
    (),
    *[((b"irot", bytes([turn])),) for turn in range(4)],
    *[((b"imir", bytes([axis])),) for axis in range(2)],
    *[((b"irot", bytes([turn])), (b"imir", bytes([axis]))) for turn in (1, 3) for axis in (0, 1)],
]


@pytest.mark.parametrize("cropped", [False, True])
@pytest.mark.parametrize("turns", TURNS)
@pytest.mark.parametrize("coding", ["8 bits", "hevc"])
def test_shown_as_the_boxes_say(coding: str, turns: tuple[Property, ...], cropped: bool) -> None:
    crop = [clap(WIDTH, HEIGHT, CROP)] if cropped else []
    part = grown(parts()[coding], *crop, *turns)
    wanted = shown(part)
    image, _, _ = read(heif([part], **(HEIC if coding == "hevc" else {})))
    assert image.shape == wanted.shape
    assert error(image, wanted) < 4


def test_what_a_crop_hides_does_not_survive(tmp_path: Path) -> None:
    """The middle is grey; everything around it is red."""
    red = np.full((HEIGHT, WIDTH, 3), (255, 0, 0), np.uint8)
    red[CROP[1] : CROP[3], CROP[0] : CROP[2]] = 128
    picture = Pillow.fromarray(red)
    hevc = by_ffmpeg(picture, "libx265", "yuv444p", **{"x265-params": "keyint=1:log-level=none"})
    for part, options in ((av1(picture, quality=100), {}), (hevc, HEIC)):
        data = heif([grown(part, clap(WIDTH, HEIGHT, CROP))], **options)
        target = tmp_path / "out.png"
        with open_source(data, OPTIONS) as source, open_sink(target, source, OPTIONS) as sink:
            for frame in source.frames():
                sink.write(frame)
            sink.commit()
        with Pillow.open(target) as opened:
            assert opened.size == (80, 56)
            pixels = np.asarray(opened.convert("RGB")).astype(int)
        assert np.abs(pixels[4:-4, 4:-4] - 128).max() < 12
        target.unlink()


def test_a_crop_of_a_picture_that_is_decoded_apart() -> None:
    part = grown(parts()["8 bits"], clap(WIDTH, HEIGHT, CROP), (b"irot", b"\1"))
    image, opaque, _ = read(heif([part, parts()["alpha of 10 bits"]], [LINK]))
    assert error(image, shown(part)) < 4
    assert opaque is not None
    assert error(opaque, np.rot90(OPACITY[CROP[1] : CROP[3], CROP[0] : CROP[2]])) < 4


@pytest.mark.parametrize(
    "body",
    [
        bytes(32),
        b"\xff" * 32,
        b"short",
        clap(WIDTH, HEIGHT, (-8, 0, 90, 60))[1],
        clap(WIDTH, HEIGHT, (0, 0, WIDTH, HEIGHT))[1],
    ],
)
def test_a_crop_that_makes_no_sense_is_passed_over(body: bytes) -> None:
    """All of it is looked at and covered then, so nothing can hide."""
    data = heif([grown(parts()["8 bits"], (b"clap", body))])
    image, _, _ = read(data)
    assert image.shape == (HEIGHT, WIDTH, 3)


def test_exif_has_no_say_where_a_container_turns() -> None:
    """Browsers and libavif ignore it there; a picture must not be turned twice."""
    exif = Pillow.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    block = bytes(4) + exif.tobytes()[6:]
    item = Part(b"Exif", [], block)
    for turned in (False, True):
        part = grown(parts()["8 bits"], *([(b"irot", b"\2")] if turned else []))
        data = heif([part, item], [(b"cdsc", 2, [1])])
        assert "EXIF" in leftovers(data)
        assert error(read(data)[0], shown(part)) < 4


# Depth, and what is not handled


def test_reduced_depth_is_noted() -> None:
    assert read(heif([parts()["8 bits"]]))[2] == ()
    assert read(heif([parts()["10 bits"]]))[2] == ("10-bit samples reduced to 8",)
    for bits in (10, 12):
        options = {"x265-params": "keyint=1:log-level=none"}
        part = by_ffmpeg(colours(), "libx265", f"yuv420p{bits}le", **options)
        image, _, notes = read(heif([part], **HEIC))
        assert notes == (f"{bits}-bit samples reduced to 8",)
        assert error(image, colours()) < 6


def test_reduced_depth_of_jpeg_2000() -> None:
    buffer = io.BytesIO()
    wide = np.tile(np.linspace(0, 65535, WIDTH).astype(np.uint16), (HEIGHT, 1))
    Pillow.fromarray(wide).save(buffer, "JPEG2000", irreversible=False)
    image, _, notes = read(buffer.getvalue())
    assert notes == ("16-bit samples reduced to 8",)
    assert error(image[..., 0], wide / 257) < 1


def test_real_pictures_of_more_bits(data: Path) -> None:
    for name in ("16bit.cropped.jp2", "tiff_16bit_RGB.tiff", "LA_16__128x128.png"):
        assert "16-bit samples reduced to 8" in read((data / "formats" / name).read_bytes())[2]


@pytest.mark.parametrize(
    ("parts_", "references", "settings"),
    [
        ([Part(b"avc1", [ispe(96, 64)], b"x")], [], {"major": b"mif1", "brands": b"mif1"}),
        ([Part(b"j2k1", [ispe(96, 64)], b"x")], [], {"major": b"mif1", "brands": b"mif1miaf"}),
        ([Part(b"iovl", [ispe(96, 64)], b"x")], [], {}),
    ],
)
def test_what_is_not_handled_is_not_called_broken(
    parts_: list[Part], references: list[tuple[bytes, int, list[int]]], settings: dict[str, Any]
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        read(heif(parts_, references, **settings))
    assert "not handled" in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alpha", "grid", "hevc"])
def test_damage_is_refused_in_words_or_shown(name: str) -> None:
    """Any byte may be wrong; nothing but a refusal may come of it."""
    _, found = tiles()
    data = {
        "alpha": lambda: heif([parts()["8 bits"], parts()["alpha of 10 bits"]], [LINK]),
        "grid": lambda: heif([grid(192, 128, 2, 2), *found], [(b"dimg", 1, [2, 3, 4, 5])]),
        "hevc": lambda: heif([grown(parts()["hevc"], clap(WIDTH, HEIGHT, CROP))], **HEIC),
    }[name]()
    random = np.random.default_rng(5)
    head = data.index(b"mdat")
    for _ in range(150):
        broken = bytearray(data)
        for at in random.integers(8, head, 3):
            broken[at] = random.integers(0, 256)
        with suppress(InputError):
            read(bytes(broken))


def test_a_bomb_that_is_decoded_apart_is_refused() -> None:
    data = heif([parts()["8 bits"], parts()["alpha of 10 bits"]], [LINK])
    with pytest.raises(LimitError):
        open_source(data, Options(max_pixels=5000))


@pytest.mark.parametrize("kind", ["jp2", "j2k", "heic", "avif"])
@pytest.mark.parametrize(
    "rest",
    [
        b"abc",
        bytes(99),
        b"words of a program " * 9,
        b"\xff\xd8\xff\xe0" + bytes(99),
        box(b"ftyp", b"jp2 " * 4),
    ],
    ids=["short", "zeros", "words", "JPEG", "box"],
)
def test_what_is_behind_a_picture_is_named_and_does_not_matter(kind: str, rest: bytes) -> None:
    if kind in ("jp2", "j2k"):
        file = io.BytesIO()
        Pillow.fromarray(scene()).save(file, "JPEG2000", no_jp2=kind == "j2k")
        data = file.getvalue()
    elif kind == "avif":
        data = heif([parts()["8 bits"]])
    else:
        data = heif([parts()["hevc"]], **HEIC)
    with open_source(data, OPTIONS) as plain, open_source(data + rest, OPTIONS) as longer:
        (first,), (second,) = plain.frames(), longer.frames()
        assert np.array_equal(first.image, second.image)
        (more,) = set(longer.dropped) - set(plain.dropped)
    if rest[4:8] == b"ftyp" and kind != "j2k":
        assert more == "box ftyp"
    else:
        assert more == f"trailer {len(rest)} bytes"
    with pytest.raises(UnreadableError):
        open_source(data[:-20], OPTIONS)
