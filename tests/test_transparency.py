"""A face that shows only by its opacity is found and covered, whatever ground it is put on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageSequence

from faceveil import veil_file, veil_image
from faceveil.check import check_file
from faceveil.detect import load_detector
from faceveil.detect.views import union, views
from faceveil.faces import Faces
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.media import open_source
from faceveil.options import Options
from faceveil.plan import Face
from tiers import daily

OPTIONS = Options(check="off", second_detector="none")
GROUNDS = ((255, 255, 255), (0, 0, 0), (255, 0, 0))

Ink = Callable[[NDArray[np.uint8]], Pillow.Image]


def drawn(colour: int, alpha: NDArray[np.uint8]) -> Pillow.Image:
    """A picture of one colour, all of it drawn by its opacity."""
    pixels = np.full((*alpha.shape, 4), colour, np.uint8)
    pixels[..., 3] = alpha
    return Pillow.fromarray(pixels)


def black(grey: NDArray[np.uint8]) -> Pillow.Image:
    return drawn(0, 255 - grey)


def white(grey: NDArray[np.uint8]) -> Pillow.Image:
    return drawn(255, grey)


def faint(grey: NDArray[np.uint8]) -> Pillow.Image:
    """Nothing on white, and nearly nothing on black."""
    return drawn(255, (1 + grey // 20).astype(np.uint8))


def dense(grey: NDArray[np.uint8]) -> Pillow.Image:
    """Nearly opaque black: a little of the ground shines through."""
    return drawn(0, 255 - grey // 20)


def stencil(grey: NDArray[np.uint8]) -> Pillow.Image:
    """Each pixel is black or open, so it takes more of them."""
    dots = np.asarray(Pillow.fromarray(grey).resize((512, 512)).convert("1"))
    return drawn(0, np.where(dots, 0, 255).astype(np.uint8))


def palette(grey: NDArray[np.uint8]) -> Pillow.Image:
    picture = Pillow.fromarray(255 - grey).convert("P")
    picture.putpalette([20, 30, 40] * 256)
    picture.info["transparency"] = bytes(range(256))
    return picture


def grey_ink(grey: NDArray[np.uint8]) -> Pillow.Image:
    return black(grey).convert("LA")


@pytest.fixture(scope="module")
def grey() -> NDArray[np.uint8]:
    """(256, 256) a portrait, its face at about x 90 to 135, y 34 to 92."""
    from skimage.data import astronaut

    return np.asarray(Pillow.fromarray(astronaut()).convert("L").resize((256, 256)))


def on_grounds(path: Path) -> Iterator[tuple[int, Image, NDArray[np.uint8]]]:
    """The view of each frame by Pillow's own reading, and its opacity."""
    with Pillow.open(path) as opened:
        for index, frame in enumerate(ImageSequence.Iterator(opened)):
            picture = frame.convert("RGBA")
            for colour in GROUNDS:
                ground = Pillow.new("RGBA", picture.size, (*colour, 255))
                shown = np.asarray(Pillow.alpha_composite(ground, picture).convert("RGB"))
                opacity = np.array(picture.getchannel("A"))
                yield index, np.ascontiguousarray(shown[..., ::-1]), opacity


def faces_in(picture: Image) -> Sequence[Face]:
    return load_detector(OPTIONS).detect(Frame(0, picture), 0.4)


def covered(path: Path, out: Path) -> None:
    """Veil it, and assert that its face is gone on every ground and from its opacity."""
    report = veil_file(path, out, OPTIONS)
    assert report.status == "ok"
    assert report.tracks >= 1
    for index, shown, opacity in on_grounds(out):
        assert not faces_in(shown)
        for box in report.regions.get(index, ()):
            x0, y0, x1, y1 = (int(value) for value in box.as_tuple())
            assert (opacity[y0:y1, x0:x1] >= 250).all()
    assert [one for one in check_file(out, OPTIONS) if one.kind == "face"] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ink", "suffix", "settings"),
    daily(
        [
            (black, ".png", {}),
            (white, ".png", {}),
            (faint, ".png", {}),
            (dense, ".png", {}),
            (stencil, ".png", {}),
            (palette, ".png", {}),
            (grey_ink, ".png", {}),
            (black, ".tif", {"compression": "tiff_lzw"}),
            (black, ".webp", {"lossless": True}),
            (white, ".webp", {"quality": 80}),
            (black, ".avif", {}),
            (white, ".jp2", {}),
            (stencil, ".gif", {}),
        ],
        every=4,
    ),
    ids=lambda value: getattr(value, "__name__", value if isinstance(value, str) else ""),
)
def test_a_face_in_the_opacity_is_covered(
    ink: Ink,
    suffix: str,
    settings: dict[str, object],
    grey: NDArray[np.uint8],
    detector: str,
    tmp_path: Path,
) -> None:
    path = tmp_path / f"{ink.__name__}{suffix}"
    ink(grey).save(path, **settings)  # type: ignore[arg-type]
    out = tmp_path / f"out{'.png' if suffix == '.jp2' else suffix}"
    covered(path, out)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", daily([".png", ".webp", ".avif"], ".webp"))
def test_a_face_in_the_opacity_of_an_animation_is_covered(
    suffix: str, grey: NDArray[np.uint8], detector: str, tmp_path: Path
) -> None:
    """In the second frame alone; the first shows nothing."""
    path = tmp_path / f"moving{suffix}"
    frames = [drawn(0, np.full_like(grey, 40)), black(grey), black(grey)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=200)
    covered(path, tmp_path / f"out{'.webp' if suffix == '.avif' else suffix}")


@pytest.mark.slow
@pytest.mark.parametrize("tagged", daily([False, True], False))
@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_a_face_in_the_opacity_of_a_video_is_covered(
    codec: str, tagged: bool, grey: NDArray[np.uint8], detector: str, tmp_path: Path
) -> None:
    """Whether the container says that there is opacity, or a tag as FFmpeg's users write it."""
    path, out = tmp_path / "in.webm", tmp_path / "out.webm"
    settings = {"auto-alt-ref": "0", "deadline": "realtime", "cpu-used": "8", "b": "2000000"}
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=25, options=settings)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 256
        stream.pix_fmt = "yuva420p"
        if tagged:
            stream.metadata["alpha_mode"] = "1"
        for index in range(6):
            drawing = black(grey) if index >= 2 else drawn(0, np.full_like(grey, 40))
            picture = av.VideoFrame.from_ndarray(np.asarray(drawing), "rgba")
            output.mux(stream.encode(picture.reformat(format="yuva420p")))
        output.mux(stream.encode())
    report = veil_file(path, out, OPTIONS)
    assert report.status == "ok"
    assert {2, 3, 4, 5} <= set(report.regions)
    face = Box(90, 34, 135, 92)
    with open_source(out, OPTIONS) as source:
        for frame in source.frames():
            assert frame.alpha is not None
            if frame.index >= 2:
                assert frame.alpha[36:90, 92:133].min() > 250
            for ground in (255, 0, 127):
                shown = frame.on(ground).image
                assert all(one.box.intersection(face) == 0 for one in faces_in(shown))


def test_a_picture_in_memory_with_opacity(grey: NDArray[np.uint8], detector: str) -> None:
    before = np.ascontiguousarray(np.asarray(black(grey))[..., [2, 1, 0, 3]])
    kept = before.copy()
    after = veil_image(before, OPTIONS)
    np.testing.assert_array_equal(before, kept)
    assert after.shape == before.shape
    assert (after[36:90, 92:133, 3] == 255).all()
    np.testing.assert_array_equal(after[150:], before[150:])


# The looks


def looks(image: Image, alpha: NDArray[np.uint8] | None) -> list[Image]:
    return [view.image for view in views(Frame(0, image, alpha=alpha))]


def test_no_more_looks_than_show_something_else(astronaut: Image) -> None:
    size = astronaut.shape[:2]
    ramp = np.tile(np.linspace(40, 210, size[1]).astype(np.uint8), (size[0], 1))
    open_half = np.where(ramp > 128, 255, 0).astype(np.uint8)
    blank = astronaut.copy()
    blank[open_half == 0] = 0
    assert len(looks(astronaut, None)) == 1
    assert len(looks(astronaut, np.full(size, 77, np.uint8))) == 1
    assert len(looks(blank, open_half)) == 2
    assert len(looks(astronaut, ramp)) == 3


def test_a_smooth_edge_is_not_faint_and_a_shadow_is(astronaut: Image) -> None:
    alpha = np.full(astronaut.shape[:2], 255, np.uint8)
    alpha[:, :200], alpha[:, 200:203] = 0, (5, 90, 250)
    astronaut[:, :200] = 0
    assert len(looks(astronaut, alpha)) == 3
    alpha[100:200, 20:150] = 9
    assert len(looks(astronaut, alpha)) == 5


def test_one_face_of_several_looks_is_one() -> None:
    a, b = Face(Box(10, 10, 30, 30), 0.6), Face(Box(12, 9, 32, 30), 0.9)
    far = Face(Box(100, 100, 120, 120), 0.5)
    (first, second) = union([Faces.of([a]), Faces.of([b, far])])
    assert (first.box, first.score) == (Box(10, 9, 32, 30), 0.9)
    assert second == far
