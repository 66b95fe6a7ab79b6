"""Further pictures of a file that its output cannot hold are told, and the run is partial."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from commands import faceveil
from faceveil import veil_file
from faceveil.errors import UnsupportedError
from faceveil.media import open_source
from faceveil.options import Options
from heif import ALPHA, Part, auxc, av1, box, by_ffmpeg, grid, heif, scene

OPTIONS = Options(check="off")


def picture(level: int = 0) -> Pillow.Image:
    return Pillow.fromarray(scene() // 2 + level)


def hidden(data: bytes, number: int) -> bytes:
    """The same file with an item that is not to be shown by itself."""
    at = data.index(b"infe\2\0\0\0" + struct.pack(">H", number))
    return data[: at + 7] + b"\1" + data[at + 8 :]


def warnings(data: bytes) -> tuple[str, ...]:
    with open_source(data, OPTIONS) as source:
        assert len(list(source.frames())) == 1
        return source.warnings


@pytest.mark.parametrize("count", [1, 2, 4])
def test_further_pictures_of_an_avif(count: int, tmp_path: Path) -> None:
    data = heif([av1(picture(10 * number)) for number in range(count)])
    path = tmp_path / "in.avif"
    path.write_bytes(data)
    report = veil_file(path, tmp_path / "out.avif", OPTIONS)
    assert report.status == ("ok" if count == 1 else "partial")
    assert len(report.warnings) == (count > 1)
    assert all(f"{count - 1} further" in warning for warning in report.warnings)


@pytest.fixture(scope="module")
def hevc() -> Part:
    return by_ffmpeg(picture(), "libx265", "yuv420p", **{"x265-params": "log-level=none:info=0"})


def test_further_pictures_of_a_heic_are_printed(hevc: Part, tmp_path: Path) -> None:
    path = tmp_path / "in.heic"
    path.write_bytes(heif([hevc] * 3, major=b"heic", brands=b"mif1heic"))
    done = faceveil("veil", path, "-o", tmp_path / "out.jpg", "--check", "off")
    assert done.returncode == 0
    assert "2 further pictures of the file are left out" in done.stderr


def test_what_belongs_to_the_picture_is_no_further_one() -> None:
    """Tiles, opacity, thumbnails and hidden items."""
    tiles = [av1(picture()), av1(picture())]
    parts = [grid(192, 64, 2, 1), *tiles]
    assert warnings(heif(parts, [(b"dimg", 1, [2, 3])])) == ()
    opacity = av1(Pillow.fromarray(np.full((64, 96), 200, np.uint8)))
    alpha = Part(opacity.kind, [*opacity.properties, auxc(ALPHA)], opacity.payload)
    assert warnings(heif([av1(picture()), alpha], [(b"auxl", 2, [1])])) == ()
    small = av1(picture().resize((48, 32)))
    assert warnings(heif([av1(picture()), small], [(b"thmb", 2, [1])])) == ()
    assert warnings(hidden(heif([av1(picture()), small]), 2)) == ()
    assert len(warnings(heif([av1(picture()), small]))) == 1


def test_a_heic_with_a_sequence_beside_its_still(hevc: Part) -> None:
    still = heif([hevc], major=b"heic")
    told = warnings(still + box(b"moov", box(b"mvhd", bytes(100))))
    assert told == ("the file's image sequence is left out; only its still picture is kept",)
    alone = box(b"ftyp", b"hevc" + bytes(4) + b"msf1hevc") + box(b"moov", bytes(8))
    with pytest.raises(UnsupportedError, match="without a still"):
        open_source(alone, OPTIONS)


def mpo(*, kinds: tuple[int, ...], order: str, says: bytes = b"") -> bytes:
    """JPEG files behind each other, with an index in the first (CIPA DC-007).

    Args:
        says: what those behind the first say of themselves.
    """

    def jpeg(level: int) -> bytes:
        buffer = io.BytesIO()
        picture(level).save(buffer, "JPEG")
        return buffer.getvalue()

    files = [jpeg(number) for number in range(len(kinds))]
    comment = struct.pack(">HH", 0xFFFE, len(says) + 2) + says if says else b""
    files[1:] = [file[:2] + comment + file[2:] for file in files[1:]]
    # The first lies at 0; places count from where the index begins, behind SOI, marker and name.
    index = 8 + 2 + 36 + 4 + _ENTRY * len(kinds)
    places = [0]
    for file in files[:-1]:
        places.append((places[-1] or index) + len(file))
    entries = b"".join(
        struct.pack(order + "IIIHH", kind, len(file), place, 0, 0)
        for kind, file, place in zip(kinds, files, places, strict=True)
    )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    head += struct.pack(order + "H", 3)
    head += struct.pack(order + "HHI4s", 0xB000, 7, 4, b"0100")
    head += struct.pack(order + "HHII", 0xB001, 4, 1, len(kinds))
    head += struct.pack(order + "HHII", 0xB002, 7, len(entries), 8 + 2 + 36 + 4)
    body = b"MPF\0" + head + bytes(4) + entries
    segment = struct.pack(">HH", 0xFFE2, len(body) + 2) + body
    return files[0][:2] + segment + files[0][2:] + b"".join(files[1:])


_ENTRY = 16
PRIMARY, STEREO, NO_KIND, PREVIEW = 0x030000, 0x020002, 0, 0x010001


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("kinds", "count"),
    [
        ((STEREO, STEREO), 1),
        ((STEREO, STEREO, STEREO), 2),
        ((PRIMARY, NO_KIND), 1),
        ((PRIMARY, NO_KIND, PREVIEW, NO_KIND), 2),
        ((PRIMARY, PREVIEW, PREVIEW), 0),
    ],
)
def test_further_pictures_of_an_mpo(kinds: tuple[int, ...], count: int, order: str) -> None:
    """Not previews, of which a user knows nothing."""
    told = warnings(mpo(kinds=kinds, order=order))
    assert len(told) == (count > 0)
    assert all(f"{count} further" in warning for warning in told)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    "says", [b'hdrgm:Version="1.0"', b"urn:iso:std:iso:ts:21496-1", b"apdi:AuxiliaryImageType"]
)
def test_a_gain_map_is_no_further_picture(says: bytes, order: str) -> None:
    """Phones give it no kind, as programs do that put several photos into one file."""
    assert warnings(mpo(kinds=(PRIMARY, NO_KIND), order=order, says=says)) == ()


def test_further_photos_that_a_program_put_into_a_jpeg() -> None:
    buffer = io.BytesIO()
    picture().save(buffer, "MPO", save_all=True, append_images=[picture(5), picture(9)])
    assert warnings(buffer.getvalue()) == ("2 further pictures of the file are left out",)


@pytest.mark.parametrize("brand", [b"mp42", b"isom", b"qt  "])
def test_the_clip_of_a_motion_photo_is_missed(brand: bytes, hevc: Part, tmp_path: Path) -> None:
    clip = box(b"ftyp", brand + bytes(4) + brand) + box(b"moov", bytes(8)) + box(b"mdat", bytes(99))
    buffer = io.BytesIO()
    picture().save(buffer, "JPEG")
    told = ("the clip of a motion photo is left out; only its still picture is kept",)
    assert warnings(buffer.getvalue()) == ()
    path = tmp_path / "in.jpg"
    path.write_bytes(buffer.getvalue() + clip)
    done = faceveil("veil", path, "-o", tmp_path / "out.jpg", "--check", "off")
    assert done.returncode == 0
    assert told[0] in done.stderr
    assert b"ftyp" not in (tmp_path / "out.jpg").read_bytes()
    still = heif([hevc], major=b"heic", brands=b"mif1heic")
    assert warnings(still + box(b"mpvd", clip)) == told
    assert warnings(heif([av1(picture())]) + clip) == told


def test_the_picture_that_is_shown_where_an_animation_is_not_known() -> None:
    buffer = io.BytesIO()
    options = {"save_all": True, "default_image": True, "duration": 40}
    picture().save(buffer, "PNG", append_images=[picture(5), picture(9)], **options)
    with open_source(buffer.getvalue(), OPTIONS) as source:
        assert len(list(source.frames())) == 2
        assert source.warnings == ("1 further picture of the file is left out",)


@pytest.mark.slow
def test_further_pictures_of_real_files(data: Path) -> None:
    formats = data / "formats"
    assert warnings((formats / "sugarshack.mpo").read_bytes()) == (
        "1 further picture of the file is left out",
    )
    for name in ("iphone_13_pro_max.HEIC", "exif.avif", "flower.jpg"):
        assert warnings((formats / name).read_bytes()) == ()


def jpeg(image: Pillow.Image, **how: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "jpeg", **how)
    return file.getvalue()


@pytest.mark.parametrize("gap", [b"", bytes(6)])
@pytest.mark.parametrize("progressive", [False, True])
def test_frames_behind_the_first_of_a_motion_jpeg(
    progressive: bool, gap: bytes, tmp_path: Path
) -> None:
    """A camera's bare stream has the signature of a photo, and all viewers show its first frame."""
    frames = [jpeg(picture(10 * number), progressive=progressive) for number in range(4)]
    path = tmp_path / "in.mjpeg"
    path.write_bytes(gap.join(frames))
    report = veil_file(path, tmp_path / "out.jpg", OPTIONS)
    assert report.status == "partial"
    assert report.warnings == ("3 further pictures of the file are left out",)


def test_a_preview_behind_a_jpeg_is_no_further_picture() -> None:
    small = jpeg(picture().resize((48, 32)))
    whole = jpeg(picture())
    assert warnings(whole + small) == ()
    exif = Pillow.Exif()
    exif[0x010E] = (b"\xff\xd9\xff\xd8\xff" * 3).decode("latin-1")
    assert warnings(jpeg(picture(), exif=exif)) == ()
    assert warnings(whole + b"\xff\xd8\xff\xe0 cut") == ()
