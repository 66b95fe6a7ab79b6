"""Very large pictures: in strips, without needless copies, and the same to the last pixel."""

from __future__ import annotations

import gc
import io
import time
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pi_heif
import pytest
from PIL import Image as Pillow

from faceveil.frames import Frame
from faceveil.media import open_sink, open_source
from faceveil.media.colour import of_code_points
from faceveil.media.leftovers import leftovers
from faceveil.media.pictures import image, large
from faceveil.media.pictures.large import Shrinking
from faceveil.media.pictures.picture import to_pixels
from faceveil.media.pictures.pillow import open_picture
from faceveil.options import Options
from heif import by_ffmpeg, grid, heif, nclx, scene
from usage import used_by

OPTIONS = Options()


@pytest.fixture
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything counts as large, and strips are a few rows high."""
    monkeypatch.setattr(large, "LARGE", 100)
    monkeypatch.setattr(large, "_STRIP", 7 * 96)


def saved(format: str, picture: Pillow.Image, **settings: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **settings)
    return buffer.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK", "LAB", "RGBA", "LA", "1", "I;16"])
def test_strips_are_the_whole(mode: str, orientation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Pillow.fromarray(scene())
    if mode == "I;16":
        wide = np.asarray(picture.convert("L")).astype(np.uint16) * 257
        picture = Pillow.fromarray(wide)
    elif mode in ("RGBA", "LA"):
        picture = picture.convert(mode[:-1])
        picture.putalpha(picture.convert("L"))
    else:
        picture = picture.convert(mode)
    profile = of_code_points(12, 13)
    wanted = to_pixels(picture.copy(), profile=profile, orientation=orientation)
    monkeypatch.setattr(large, "LARGE", 100)
    monkeypatch.setattr(large, "_STRIP", 7 * 96)
    assert len(large.strips(96, 64)) == 10
    found = to_pixels(picture.copy(), profile=profile, orientation=orientation)
    assert np.array_equal(found.image, wanted.image)
    assert found.notes == wanted.notes
    if wanted.alpha is not None:
        assert found.alpha is not None
        assert np.array_equal(found.alpha, wanted.alpha)


def test_heic_is_read_in_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"x265-params": "keyint=1:log-level=none"}
    part = by_ffmpeg(Pillow.fromarray(scene()), "libx265", "yuv420p", **options)
    part.properties = [*part.properties, nclx(12, 13, 6), (b"irot", b"\1")]
    data = heif([part], major=b"heic", brands=b"heicmif1")
    with open_source(data, OPTIONS) as source:
        wanted, notes = next(iter(source.frames())).image, source.notes
    monkeypatch.setattr(large, "LARGE", 100)
    monkeypatch.setattr(large, "_STRIP", 7 * 96)
    with open_source(data, OPTIONS) as source:
        gc.collect()
        for _ in range(2):  # the second time it is decoded again
            assert np.array_equal(next(iter(source.frames())).image, wanted)
        assert source.notes == notes


@pytest.mark.usefixtures("small_is_large")
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_the_other_encoder_does_as_the_first(suffix: str, tmp_path: Path) -> None:
    """OpenCV's writes from the array itself; resolution, sampling and cleanness are as ever."""
    for chroma, quality in product((0, 1, 2), (75, 95)):
        data = saved("JPEG", Pillow.fromarray(scene()), subsampling=chroma, dpi=(300, 150))
        target = tmp_path / f"out{suffix}"
        options = Options(quality=quality, jpeg="encode")
        with open_source(data, options) as source, open_sink(target, source, options) as sink:
            frame = next(iter(source.frames()))
            before = frame.image.copy()
            sink.write(frame)
            sink.commit()
        assert leftovers(target) == []
        with Pillow.open(target) as opened:
            after = np.asarray(opened.convert("RGB")).astype(int)[..., ::-1]
            assert opened.info["dpi"] == (pytest.approx(300, 0.01), pytest.approx(150, 0.01))
            if suffix == ".png":
                assert np.array_equal(after, before)
            else:
                assert np.abs(after - before).mean() < 3
                from PIL import JpegImagePlugin

                assert JpegImagePlugin.get_sampling(opened) == chroma


@pytest.mark.usefixtures("small_is_large")
def test_grey_stays_grey_and_alpha_stays(tmp_path: Path) -> None:
    for mode in ("L", "RGBA"):
        picture = Pillow.fromarray(scene()).convert("L").convert(mode)
        if mode == "RGBA":
            picture.putalpha(128)
        target = tmp_path / f"{mode}.png"
        data = saved("PNG", picture)
        with open_source(data, OPTIONS) as source, open_sink(target, source, OPTIONS) as sink:
            sink.write(next(iter(source.frames())))
            sink.commit()
        with Pillow.open(target) as opened:
            assert opened.mode == {"L": "L", "RGBA": "LA"}[mode]


@pytest.mark.parametrize("size", [(500, 375), (501, 333), (130, 90), (64, 48), (1200, 900)])
def test_smaller_looks_are_what_they_were(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (900, 1201, 3), np.uint8)
    pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 8), np.uint8)
    one, other = Shrinking(0, pixels), Frame(0, pixels)
    for _ in range(2):
        shown, wanted = one.at_size(*size), other.at_size(*size)
        assert shown.shape == wanted.shape
        assert np.abs(shown.astype(int) - wanted).mean() < 1.5


@pytest.mark.usefixtures("small_is_large")
def test_it_is_decoded_once_to_be_looked_at_and_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def noted(kind: str, data: bytes, limit: int) -> Pillow.Image:
        opened.append(kind)
        return open_picture(kind, data, limit)

    monkeypatch.setattr(image, "open_picture", noted)
    with open_source(saved("PNG", Pillow.fromarray(scene())), OPTIONS) as source:
        looks = [next(iter(source.skim())) for _ in range(2)]
        assert all(isinstance(look, Shrinking) for look in looks)
        painted = next(iter(source.frames()))
        assert len(opened) == 1
        painted.image[:] = 0
        assert next(iter(source.frames())).image.any()
        assert len(opened) == 2


@pytest.mark.long
@pytest.mark.usefixtures("detector")
def test_200_megapixels(tmp_path: Path) -> None:
    """In less than 2 GB, and in less than four times what decoding alone takes."""
    import skimage.data

    face = Pillow.fromarray(skimage.data.astronaut())
    picture = Pillow.fromarray(skimage.data.coffee()).resize((512, 512))
    options = {"x265-params": "keyint=1:log-level=none", "crf": "20"}
    tiles = []
    for size in (0, 300):
        if size:
            picture.paste(face.crop((120, 20, 330, 250)).resize((size, size)), (60, 80))
        tiles.append(by_ffmpeg(picture, "libx265", "yuv420p", **options))
    parts = [tiles[number == 300] for number in range(768)]
    whole = grid(16320, 12240, 32, 24, nclx(1, 13, 6))
    data = heif([whole, *parts], [(b"dimg", 1, range(2, 770))], major=b"heic", brands=b"heicmif1")
    path = tmp_path / "big.heic"
    path.write_bytes(data)
    start = time.process_time()
    pi_heif.open_heif(io.BytesIO(data))[0].load()
    alone = time.process_time() - start
    used = used_by("veil", str(path), "-o", str(tmp_path / "o.jpg"))
    assert "1 face" in used.said
    assert used.bytes < 2_000_000 * 1024
    assert used.seconds < 4 * alone + 10
