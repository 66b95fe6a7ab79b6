"""JPEG files of which only the painted blocks are coded again."""

from __future__ import annotations

import ctypes
import io
import re
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow

from faceveil.frames import Image
from faceveil.geometry import Box, Target
from faceveil.media import open_sink, open_source
from faceveil.media.colour import Space, adobe_rgb, display_p3, romm_rgb
from faceveil.media.leftovers import leftovers
from faceveil.media.metadata.tiff import orientation_only
from faceveil.media.pictures import jpeg_blocks
from faceveil.media.pictures.jpeg_blocks import changed_at_most, repainted
from faceveil.media.pictures.jpeg_layout import CannotKeep, read_layout, segments
from faceveil.obscure.painter import Held, Painter
from faceveil.options import Options

TOKEN = b"planted-4711"
SAMPLINGS = {
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "4:4:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440,
    "4:1:1": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411,
}
KEEP, ENCODE = Options(jpeg="keep"), Options(jpeg="encode")


def jpeg(image: Image, sampling: str = "4:2:0", quality: int = 85, restart: int = 0) -> bytes:
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_RST_INTERVAL, restart]
    settings += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLINGS[sampling]]
    return cv2.imencode(".jpg", image, settings)[1].tobytes()


def shown(data: bytes) -> Image:
    """(H, W, 3) BGR as stored, not turned."""
    return np.ascontiguousarray(np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB"))[..., ::-1])


def veiled(path: Path, out: Path, boxes: list[Box], options: Options = KEEP) -> tuple[str, ...]:
    """Cover boxes of a picture file, without looking for faces. Returns the sink's notes."""
    with open_source(path, options) as source, open_sink(out, source, options) as sink:
        for frame in source.frames():
            targets = [Target(number, box, 0.0) for number, box in enumerate(boxes)]
            Painter(options).paint(frame, frame.size, targets, Held(1).at(0, True))
            sink.write(frame)
        sink.commit()
        return tuple(sink.notes)


def covered(path: Path, boxes: list[Box], options: Options = KEEP) -> NDArray[np.bool_]:
    """The places where those are painted, as displayed."""
    with open_source(path, options) as source:
        frame = next(iter(source.frames()))
        targets = [Target(number, box, 0.0) for number, box in enumerate(boxes)]
        Painter(options).paint(frame, frame.size, targets, Held(1).at(0, True))
        mask = np.zeros(frame.image.shape[:2], bool)
        for box in frame.painted:
            x0, y0, x1, y1 = map(int, box.as_tuple())
            mask[y0:y1, x0:x1] = True
        return mask


def markers(data: bytes) -> list[int]:
    return [marker for marker, _, _ in segments(data)]


@pytest.mark.slow
@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    sampling=st.sampled_from(sorted(SAMPLINGS)),
    quality=st.integers(5, 100),
    restart=st.integers(0, 3),
    grey=st.booleans(),
    area=st.tuples(*[st.floats(0, 1)] * 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_outside_the_replaced_blocks_every_pixel_is_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    size: tuple[int, int],
    sampling: str,
    quality: int,
    restart: int,
    grey: bool,
    area: tuple[float, ...],
    seed: int,
) -> None:
    width, height = size
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (height // 6 + 1, width // 6 + 1, 3), dtype=np.uint8)
    image = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    data = jpeg(image[..., :1] if grey else image, sampling, quality, restart)
    before = shown(data)
    touched = np.zeros((height, width), bool)
    (x0, x1), (y0, y1) = sorted(area[:2]), sorted(area[2:])
    touched[round(y0 * height) : round(y1 * height), round(x0 * width) : round(x1 * width)] = True
    painted = before.copy()
    painted[touched] = 130
    folder = tmp_path_factory.mktemp("scratch")
    out = repainted(data, painted, touched, folder)
    after = shown(out)
    may = changed_at_most(data, touched)
    assert np.array_equal(after[~may], before[~may])
    assert list(folder.iterdir()) == []
    layout = read_layout(data)
    unit = np.ones((16 * layout.down + 1, 16 * layout.across + 1), np.uint8)
    deep = cv2.erode(touched.astype(np.uint8), unit).astype(bool)
    if deep.any():  # whole units of nothing but paint: others take colour from what lies outside
        assert np.abs(after[deep].astype(int) - 130).max() <= 255 / quality + 2
    assert touched.any() or not may.any()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no files in memory")
def test_nothing_is_left_by_a_process_that_is_killed(
    tmp_path: Path, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files for libjpeg show the faces, and must not lie in the folder of the outputs."""
    seen: list[list[Path]] = []
    library = jpeg_blocks._library

    def watched() -> object:
        seen.append(list(tmp_path.rglob("*")))
        return library()

    monkeypatch.setattr(
        jpeg_blocks, "_path", lambda path: watched() and ctypes.c_char_p(bytes(path))
    )
    data = jpeg(astronaut, "4:2:0", 90, 0)
    repainted(data, astronaut, np.zeros(astronaut.shape[:2], bool), tmp_path)
    assert seen == [[], []]


def test_where_no_files_lie_in_memory_a_folder_takes_their_place(
    tmp_path: Path, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = jpeg(astronaut, "4:2:0", 90, 0)
    nowhere = np.zeros(astronaut.shape[:2], bool)
    usual = repainted(data, astronaut, nowhere, tmp_path)
    monkeypatch.setattr(jpeg_blocks, "_memory", lambda: None)
    assert repainted(data, astronaut, nowhere, tmp_path) == usual
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sampling", sorted(SAMPLINGS))
def test_nothing_of_what_was_painted_over_is_left(
    tmp_path: Path, astronaut: Image, sampling: str
) -> None:
    """Two pictures that differ only under the paint become one and the same file.

    So whatever lay there, at the borders of blocks too, has no say in any byte of the output.
    """
    data = jpeg(astronaut, sampling)
    before = shown(data)
    for x0, y0, x1, y1 in (
        (178, 66, 272, 184),
        (177, 65, 273, 185),
        (0, 0, 9, 9),
        (505, 500, 512, 512),
    ):
        touched = np.zeros(before.shape[:2], bool)
        touched[y0:y1, x0:x1] = True
        painted = before.copy()
        painted[touched] = (90, 120, 150)
        # Only whole blocks can differ without a trace outside: others would change the rim.
        inner = np.zeros_like(touched)
        inner[-(-y0 // 32) * 32 : y1 // 32 * 32, -(-x0 // 32) * 32 : x1 // 32 * 32] = True
        noise = before.copy()
        noise[inner] = np.random.default_rng(1).integers(0, 256, (int(inner.sum()), 3))
        other = repainted(data, noise, inner, tmp_path)
        first = repainted(data, painted, touched, tmp_path)
        assert repainted(other, painted, touched, tmp_path) == first
        if inner.any():
            assert not np.array_equal(shown(other), before)


@pytest.mark.parametrize("sampling", sorted(SAMPLINGS))
def test_half_painted_blocks_are_replaced_whole(
    tmp_path: Path, astronaut: Image, sampling: str
) -> None:
    """One painted pixel in a block, and its numbers come from the painted picture alone."""
    data = jpeg(astronaut, sampling)
    touched = np.zeros(astronaut.shape[:2], bool)
    touched[100, 200] = True
    layout = read_layout(data)
    out = repainted(data, np.full_like(astronaut, 130), touched, tmp_path)
    planes, _ = jpeg_blocks._read(read_layout(out), tmp_path)
    old, _ = jpeg_blocks._read(layout, tmp_path)
    for one, plane, former in zip(layout.components, planes, old, strict=True):
        row = 100 // (8 * layout.down) * one.down
        column = 200 // (8 * layout.across) * one.across
        unit = plane[row : row + one.down, column : column + one.across]
        assert not unit[..., 1:].any(), "flat, so all but the mean is zero"
        changed = (plane != former).any(axis=2)
        changed[row : row + one.down, column : column + one.across] = False
        assert not changed.any()


def test_a_picture_without_a_face_keeps_every_block(tmp_path: Path, photo: Path) -> None:
    out = tmp_path / "out.jpg"
    assert veiled(photo, out, []) == ()
    assert np.array_equal(shown(out.read_bytes()), shown(photo.read_bytes()))
    assert out.stat().st_size <= photo.stat().st_size


def test_whoever_names_a_quality_or_asks_for_it_gets_it_encoded(
    tmp_path: Path, photo: Path
) -> None:
    before = shown(photo.read_bytes())
    for options in (ENCODE, Options(quality=40)):
        veiled(photo, tmp_path / "out.jpg", [], options)
        assert not np.array_equal(shown((tmp_path / "out.jpg").read_bytes()), before)
    veiled(photo, tmp_path / "out.png", [])
    assert np.array_equal(shown((tmp_path / "out.png").read_bytes()), before)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_stays_turned(tmp_path: Path, astronaut: Image, orientation: int) -> None:
    """Turning would code it anew, so the orientation is kept, and nothing else of its EXIF."""
    exif = Pillow.Exif()
    exif[0x0112], exif[0x010E] = orientation, TOKEN.decode()
    path, out = tmp_path / "in.jpg", tmp_path / "out.jpg"
    Pillow.fromarray(astronaut[:300, :, ::-1]).save(path, quality=90, exif=exif)
    with open_source(path, KEEP) as source:
        before = next(iter(source.frames())).image
    box = Box(20, 30, 90, 110)
    assert veiled(path, out, [box]) == ()
    with open_source(out, KEEP) as source:
        after = next(iter(source.frames())).image
    mask = covered(path, [box])
    wide = cv2.dilate(mask.astype(np.uint8), np.ones((41, 41), np.uint8)).astype(bool)
    assert after.shape == before.shape
    assert np.array_equal(after[~wide], before[~wide])
    assert not np.array_equal(after[mask], before[mask])
    assert leftovers(out) == []
    assert TOKEN not in out.read_bytes()


def test_an_orientation_with_anything_beside_it_is_named() -> None:
    exif = Pillow.Exif()
    exif[0x0112], exif[0x010E] = 6, TOKEN.decode()

    def file(block: bytes) -> bytes:
        segment = b"Exif\0\0" + block
        head = b"\xff\xd8\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment
        return head + jpeg(np.zeros((8, 8, 3), np.uint8))[2:]

    assert leftovers(file(orientation_only(6))) == []
    assert leftovers(file(orientation_only(6) + TOKEN)) == ["EXIF"]
    assert leftovers(file(orientation_only(6)[:-4] + b"\0\0\0\x1a" + TOKEN))[:1] == ["EXIF"]
    assert leftovers(file(orientation_only(9))) == ["EXIF"]
    assert leftovers(file(exif.tobytes()[6:])) == ["EXIF"]


def test_no_marker_of_the_old_file_is_left(tmp_path: Path, photo: Path) -> None:
    data = photo.read_bytes()
    extra = b""
    for marker in (*range(0xE1, 0xF0), 0xFE):
        body = TOKEN if marker != 0xEE else b"Adobe\0\x64\0\0\0\0\x01" + TOKEN
        extra += bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body
    end = data.rindex(b"\xff\xd9")
    laden = data[:20] + extra + data[20:end] + b"\xff\xd9" + TOKEN + data
    photo.write_bytes(laden)
    out = tmp_path / "out.jpg"
    assert veiled(photo, out, [Box(178, 66, 272, 184)]) == ()
    written = out.read_bytes()
    assert TOKEN not in written
    assert set(markers(written)) <= {0xE0, 0xDB, 0xC0, 0xC4, 0xDA, 0xD9}
    assert written.endswith(b"\xff\xd9")
    assert leftovers(out) == []


def test_what_cannot_be_kept_is_encoded_and_said(tmp_path: Path, astronaut: Image) -> None:
    picture = Pillow.fromarray(astronaut[..., ::-1])
    files = {
        "progressive": {"progressive": True},
        "CMYK": {},
        "coded without YCbCr": {"keep_rgb": True},
    }
    for why, settings in files.items():
        path, out = tmp_path / "in.jpg", tmp_path / "out.jpg"
        made = picture.convert("CMYK") if why == "CMYK" else picture
        made.save(path, "JPEG", quality=90, **settings)
        notes = veiled(path, out, [Box(178, 66, 272, 184)])
        assert notes == (f"the whole JPEG is coded anew: it is {why}",)
        assert leftovers(out) == []


def test_rare_codings_are_not_touched(tmp_path: Path, astronaut: Image) -> None:
    """Arithmetic coding, 12 bits, a height that comes later, colours at odd resolutions."""
    data = jpeg(astronaut)
    start = data.index(b"\xff\xc0")
    mask = np.zeros(astronaut.shape[:2], bool)

    def with_byte(at: int, value: int, old: bytes = data) -> bytes:
        return old[: start + at] + bytes([value]) + old[start + at + 1 :]

    for odd, why in (
        (with_byte(1, 0xC9), "coded in a rare way"),
        (with_byte(4, 12), "12-bit"),
        (with_byte(11, 0x31, with_byte(14, 0x21)), "odd resolution"),
        (with_byte(9, 4), "damaged"),
        (data[:-2], "damaged"),
        (data[:start], "damaged"),
        (b"\xff\xd8", "damaged"),
        (data[: start + 5] + b"\0\0" + data[start + 7 :], "damaged"),
    ):
        with pytest.raises(CannotKeep, match=why):
            repainted(odd, astronaut, mask, tmp_path)


@given(cut=st.integers(0, 3000), value=st.integers(0, 255))
def test_a_damaged_file_is_kept_rightly_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, cut: int, value: int
) -> None:
    data = bytearray(jpeg(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)))
    data[2 + cut % (len(data) - 2)] = value
    touched = np.zeros((64, 64), bool)
    try:
        out = repainted(
            bytes(data), np.zeros((64, 64, 3), np.uint8), touched, tmp_path_factory.mktemp("x")
        )
    except CannotKeep:
        return
    assert out.startswith(b"\xff\xd8")
    assert out.endswith(b"\xff\xd9")


def test_the_part_of_jpeglib_that_is_not_public_is_there() -> None:
    """Its files and functions are called directly; see `jpeg_blocks._library`."""
    assert version("jpeglib").startswith("1.0.")
    text = Path("pyproject.toml").read_text() if Path("pyproject.toml").exists() else ""
    assert not text or re.search(r'"jpeglib>=1\.0[.\d]*,<1\.1"', text)
    library = jpeg_blocks._library()
    assert library.read_jpeg_dct
    assert library.write_jpeg_dct


@pytest.mark.slow
@pytest.mark.parametrize(
    ("every", "least"), [(8, 25), pytest.param(1, 200, marks=pytest.mark.long)]
)
def test_pictures_of_the_test_data(every: int, least: int, tmp_path: Path, data: Path) -> None:
    """Those that can be read: equal outside the paint, clean, and no larger."""
    kept, anew, grown = 0, [], []
    for path in sorted(data.rglob("*.jp*g"))[::every]:
        try:
            with open_source(path, KEEP) as source:
                before = next(iter(source.frames())).image
        except Exception:
            continue
        height, width = before.shape[:2]
        if min(height, width) < 64:
            continue
        boxes = [Box(width * 0.4, height * 0.4, width * 0.55, height * 0.55)]
        out = tmp_path / "out.jpg"
        notes = veiled(path, out, boxes)
        if notes:
            anew.append((path.name, notes))
            continue
        kept += 1
        with open_source(out, KEEP) as source:
            after = next(iter(source.frames())).image
        reach = np.ones((2 * 36 + 1,) * 2, np.uint8)
        near = cv2.dilate(covered(path, boxes).astype(np.uint8), reach).astype(bool)
        assert np.array_equal(after[~near], before[~near]), path.name
        assert leftovers(out) == [], path.name
        if out.stat().st_size > 1.05 * path.stat().st_size:
            grown.append(path.name)
    print(f"{kept} kept; encoded: {anew}")
    assert kept > least
    assert grown == []


def profile_of(space: Space) -> bytes:
    """An ICC profile such as a telephone writes: other bytes, the same effect, and a name in it."""
    made = Space(space.primaries, space.curve).icc(grey=False)
    return made + TOKEN.ljust(64, b"\0")


@pytest.mark.parametrize("make", [display_p3, adobe_rgb, romm_rgb])
def test_well_known_colours_stay_what_they_are(
    tmp_path: Path, astronaut: Image, make: Callable[[], Space]
) -> None:
    path, out = tmp_path / "in.jpg", tmp_path / "out.jpg"
    Pillow.fromarray(astronaut[..., ::-1]).save(path, quality=90, icc_profile=profile_of(make()))
    boxes = [Box(178, 66, 272, 184)]
    assert veiled(path, out, boxes) == ()
    assert leftovers(out) == []
    assert TOKEN not in out.read_bytes()
    assert leftovers(path) == ["ICC"]
    with open_source(path, KEEP) as source, open_source(out, KEEP) as made:
        before, after = (next(iter(one.frames())).image for one in (source, made))
        assert source.notes == made.notes == ()
        frame = next(iter(source.frames()))
    mask = covered(path, boxes)
    wide = cv2.dilate(mask.astype(np.uint8), np.ones((41, 41), np.uint8)).astype(bool)
    # The profile is another, so a level of rounding is allowed; the values are the same.
    assert np.array_equal(shown(out.read_bytes())[~wide], shown(path.read_bytes())[~wide])
    assert cv2.absdiff(after, before)[~wide].max() <= 2
    Painter(KEEP).paint(frame, frame.size, [Target(0, boxes[0], 0.0)], Held(1).at(0, True))
    assert cv2.absdiff(after, frame.image)[mask].mean() < 4, "the paint has the colours it should"
    assert out.stat().st_size < 1.02 * path.stat().st_size


def test_rare_colours_are_converted(tmp_path: Path, astronaut: Image) -> None:
    path, out = tmp_path / "in.jpg", tmp_path / "out.jpg"
    rare = Space((0.60, 0.35, 0.25, 0.65, 0.17, 0.10, 0.32, 0.33), display_p3().curve)
    Pillow.fromarray(astronaut[..., ::-1]).save(path, quality=90, icc_profile=rare.icc(grey=False))
    (note,) = veiled(path, out, [])
    assert note == "the whole JPEG is coded anew: it is of colours that are not well known"
    with open_source(path, KEEP) as source:
        assert source.notes == ("colours converted to sRGB",)
    # Well known, but encoded all the same: then it is converted, and the sink says so.
    Pillow.fromarray(astronaut[..., ::-1]).save(path, icc_profile=profile_of(display_p3()))
    assert veiled(path, out, [], ENCODE) == ("colours converted to sRGB",)
    assert leftovers(out) == []
