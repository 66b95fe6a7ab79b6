"""All pages of a TIFF are looked at, painted, checked and kept, and nothing else of the file is."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.TiffImagePlugin import AppendingTiffWriter

from faceveil import analyze_file, render_file, veil_file
from faceveil.check import check_file
from faceveil.errors import LimitError, UnreadableError, UnsupportedError, UsageError
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.media import open_source, output_suffix
from faceveil.media.leftovers import leftovers
from faceveil.options import Options
from faceveil.plan import Plan, Track
from faceveil.server.previews import face_jpeg, frame_jpeg
from test_metadata import TOKEN

OPTIONS = Options(second_detector="none")


@pytest.fixture(scope="module")
def face() -> NDArray[np.uint8]:
    """(512, 512, 3) RGB, one face."""
    from skimage.data import astronaut

    return np.asarray(astronaut())


@pytest.fixture
def pages(face: NDArray[np.uint8], tmp_path: Path) -> Path:
    """An empty page, a portrait, and the same smaller."""
    path = tmp_path / "pages.tif"
    blank = Pillow.new("RGB", (512, 512), (200, 200, 200))
    portrait = Pillow.fromarray(face)
    blank.save(path, save_all=True, append_images=[portrait, portrait.resize((400, 400))])
    return path


def images(path: Path) -> list[Image]:
    with open_source(path, OPTIONS) as source:
        return [frame.image for frame in source.frames()]


@pytest.mark.slow
def test_all_pages_come_back_with_their_faces_covered(
    pages: Path, tmp_path: Path, detector: str
) -> None:
    out = tmp_path / "out.tif"
    report = veil_file(pages, out, OPTIONS)
    assert (report.status, report.warnings) == ("ok", ())
    assert (report.frames, report.tracks, report.faces, report.length) == (3, 2, 2, 0)
    assert sorted(report.regions) == [1, 2]
    assert [one.first for one in report.faces_over_time] == [1, 2]
    before, after = images(pages), images(out)
    assert [image.shape for image in after] == [(512, 512, 3), (512, 512, 3), (400, 400, 3)]
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        painted = np.zeros(old.shape[:2], bool)
        for box in report.regions.get(index, ()):
            x0, y0, x1, y1 = (int(value) for value in box.padded(0.3, 0.3, 0.3, 0.3).as_tuple())
            painted[max(y0, 0) : y1, max(x0, 0) : x1] = True
        np.testing.assert_array_equal(old[~painted], new[~painted])
    assert check_file(out, OPTIONS) == []
    assert leftovers(out) == []
    with tifffile.TiffFile(out) as file:
        assert len(file.pages) == 3


@pytest.mark.slow
def test_pages_may_differ_in_all_respects(
    face: NDArray[np.uint8], tmp_path: Path, detector: str
) -> None:
    """Size, depth, colours, opacity, resolution and which way is up."""
    path, out = tmp_path / "mixed.tif", tmp_path / "out.tif"
    grey = np.asarray(Pillow.fromarray(face).convert("L"))
    ink = np.zeros((512, 512, 4), np.uint8)
    ink[..., 3] = 255 - grey
    side = np.rot90(face, 1)
    with tifffile.TiffWriter(path) as writer:
        fax = np.zeros((98, 300), np.uint8)
        writer.write(fax, photometric="miniswhite", resolution=(204, 98), metadata=None)
        deep = 65535 - grey.astype(np.uint16) * 257
        writer.write(deep, photometric="miniswhite", metadata=None)
        writer.write(ink, photometric="rgb", extrasamples=["unassalpha"], metadata=None)
        planes = np.moveaxis(side.astype(np.uint16) * 257, -1, 0)
        turned = [(274, "H", 1, 6, True)]
        writer.write(
            planes, photometric="rgb", planarconfig="separate", extratags=turned, metadata=None
        )
    report = veil_file(path, out, OPTIONS)
    assert report.status == "ok"
    assert sorted(report.regions) == [1, 2, 3]
    assert report.notes == ("16-bit samples reduced to 8",)
    after = images(out)
    assert [image.shape[:2] for image in after] == [(98, 300), (512, 512), (512, 512), (512, 512)]
    with tifffile.TiffFile(out) as file:
        tags = [page.aspage().tags for page in file.pages]
        assert tags[0]["XResolution"].value == (204, 1)
        assert tags[0]["YResolution"].value == (98, 1)
        assert "XResolution" not in tags[1]
        assert file.pages[2].asarray().shape == (512, 512, 2)
    assert leftovers(out) == []


def directory(at: int, entries: list[tuple[int, int, int, bytes]], following: int) -> bytes:
    table, heap = struct.pack("<H", len(entries)), b""
    behind = at + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in sorted(entries):
        if len(value) > 4:
            value, heap = struct.pack("<I", behind + len(heap)), heap + value
        table += struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
    return table + struct.pack("<I", following) + heap


def test_previews_masks_and_metadata_of_every_page_are_gone(tmp_path: Path) -> None:
    """Two pages, each with a description; beside them a preview, a mask and a sub-IFD."""

    def number(tag: int, value: int) -> tuple[int, int, int, bytes]:
        return tag, 4, 1, struct.pack("<I", value)

    def page(subfile: int, *more: tuple[int, int, int, bytes]) -> list[tuple[int, int, int, bytes]]:
        text = (270, 2, len(TOKEN), TOKEN)
        width = 8 if subfile == 1 else 16
        size = [number(256, width), number(257, 8), number(278, 8), number(279, 128)]
        kind = [number(258, 8), number(259, 1), number(277, 1), number(273, 8)]
        return [number(254, subfile), number(262, 1), text, *size, *kind, *more]

    data = bytearray(6000)
    data[:8] = struct.pack("<2sHI", b"II", 42, 1000)
    data[8:136] = bytes(range(100, 228))
    places = [
        (1000, page(2, number(330, 5000)), 2000),
        (2000, page(1), 3000),
        (3000, page(4), 4000),
        (4000, page(2), 0),
        (5000, page(1), 0),
    ]
    for at, entries, following in places:
        packed = directory(at, entries, following)
        data[at : at + len(packed)] = packed
    path, out = tmp_path / "in.tif", tmp_path / "out.tif"
    path.write_bytes(data)
    with open_source(path, OPTIONS) as source:
        assert (source.media.kind, source.media.frames) == ("pages", 2)
        assert set(source.dropped) == {"thumbnail", "mask", "sub-IFD", "description"}
    report = veil_file(path, out, Options(check="off"))
    assert report.status == "ok"
    assert len(images(out)) == 2
    assert TOKEN not in out.read_bytes()
    assert leftovers(out) == []


@pytest.mark.slow
def test_a_plan_goes_by_page(pages: Path, tmp_path: Path, detector: str) -> None:
    """A box that a person draws on a page is painted there; there is nothing beyond the page."""
    plan = analyze_file(pages, OPTIONS)
    assert plan.cuts == (1, 2)
    drawn = Track(9, {0: Box(10, 10, 60, 60), 2: Box(380, 380, 500, 500)}, origin="manual")
    plan = replace(plan, tracks=(*plan.tracks, drawn))
    plan = Plan.from_json(plan.to_json())
    out = tmp_path / "out.tif"
    report = render_file(pages, plan, out, OPTIONS)
    assert report.status == "ok"
    assert sorted(report.regions) == [0, 1, 2]
    before, after = images(pages), images(out)
    assert (before[0][12:58, 12:58] == 200).all()
    assert not (after[0][12:58, 12:58] == 200).all()
    assert (after[0][100:] == 200).all()


@pytest.mark.slow
def test_what_the_check_finds_on_a_page_is_covered_there(
    pages: Path, tmp_path: Path, detector: str
) -> None:
    empty = replace(analyze_file(pages, OPTIONS), tracks=())
    report = render_file(pages, empty, tmp_path / "out.tif", OPTIONS)
    assert report.check is not None
    assert (report.check.frames, report.check.added) == (3, 2)
    assert sorted(report.regions) == [1, 2]


@pytest.mark.slow
def test_an_output_that_cannot_hold_them_is_refused(pages: Path, tmp_path: Path) -> None:
    with open_source(pages, OPTIONS) as source:
        assert output_suffix(source.media, "scan.TIFF") == ".TIFF"
    for name in ("out.jpg", "out.png", "out.gif", "out.webp"):
        with pytest.raises(UsageError, match="3 pages"):
            veil_file(pages, tmp_path / name, Options(check="off"))
        assert not (tmp_path / name).exists()


def test_pages_together_are_limited(pages: Path) -> None:
    most = 512 * 512 * 2 + 400 * 400
    with open_source(pages, Options(max_pixels=most)):
        pass
    with pytest.raises(LimitError, match="all pages"):
        open_source(pages, Options(max_pixels=most - 1))


def test_a_page_that_is_missing_ends_the_run(pages: Path, tmp_path: Path) -> None:
    """A later page is part of the file: neither passed over where it is cut off nor where odd."""
    data = pages.read_bytes()
    with tifffile.TiffFile(pages) as file:
        last = file.pages[2].offset
    cut = tmp_path / "cut.tif"
    cut.write_bytes(data[: last + 20])
    with pytest.raises(UnreadableError):
        open_source(cut, OPTIONS)
    odd = tmp_path / "odd.tif"
    with tifffile.TiffWriter(odd) as writer:
        writer.write(np.zeros((20, 30), np.uint8), metadata=None)
        writer.write(np.zeros((20, 30), np.float32), metadata=None)
    with pytest.raises(UnsupportedError, match="32-bit"):
        open_source(odd, OPTIONS)
    # One that comes again is no further page.
    around = bytearray(data)
    end = last + 2 + 12 * struct.unpack_from("<H", data, last)[0]
    around[end : end + 4] = data[4:8]
    with open_source(bytes(around), OPTIONS) as source:
        assert source.media.frames == 3


def test_pages_that_others_wrote(face: NDArray[np.uint8], tmp_path: Path) -> None:
    """Big-endian, BigTIFF, and what Pillow appends."""
    small = face[:64, :64]
    for settings in ({"byteorder": ">"}, {"bigtiff": True}):
        path = tmp_path / "in.tif"
        tifffile.imwrite(path, np.stack([small, small // 2]), photometric="rgb", **settings)
        assert [int(image.mean()) for image in images(path)] == [
            int(small.mean()),
            int((small // 2).mean()),
        ]
    buffer = io.BytesIO()
    with AppendingTiffWriter(buffer) as writer:
        for mode in ("RGB", "1", "P", "L", "CMYK"):
            Pillow.fromarray(small).convert(mode).save(writer, "TIFF")
            writer.newFrame()
    path.write_bytes(buffer.getvalue())
    assert len(images(path)) == 5


def test_the_page_shows_each_page_at_its_own_size(pages: Path, detector: str) -> None:
    """Boxes are placed in its pixels, which the plan tells."""
    plan = analyze_file(pages, OPTIONS)
    sizes = [(part.page, part.width, part.height) for part in plan.media.parts]
    assert sizes == [(1, 512, 512), (2, 512, 512), (3, 400, 400)]
    with Pillow.open(io.BytesIO(frame_jpeg(pages, 2, 512, OPTIONS))) as shown:
        assert shown.size == (400, 400)
    with Pillow.open(io.BytesIO(face_jpeg(pages, plan.tracks[1], OPTIONS))) as shown:
        assert max(shown.size) == 160
    assert json.loads(plan.to_json())["media"]["kind"] == "pages"


@pytest.mark.parametrize(
    "rare",
    [
        {"data": np.zeros((30, 40), bool), "subfiletype": 4, "photometric": 4},
        {
            "data": np.full((3, 30, 40), 9000, np.uint16),
            "planarconfig": "separate",
            "photometric": "rgb",
        },
        {
            "data": np.full((30, 40), 3, np.uint16),
            "bitspersample": 12,
            "subfiletype": 1,
            "photometric": "minisblack",
        },
    ],
    ids=["mask", "16-bit planes", "preview"],
)
def test_a_usual_page_before_a_rare_one(
    rare: dict[str, Any], face: NDArray[np.uint8], tmp_path: Path
) -> None:
    """Pillow counts pages by opening all of them, and cannot open each."""
    pytest.importorskip("imagecodecs", reason="tifffile needs it to pack bits")
    path = tmp_path / "in.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(face, photometric="rgb")
        file.write(**rare)
    shown = images(path)
    assert len(shown) == 1 + ("subfiletype" not in rare)
    assert np.array_equal(shown[0][..., ::-1], face)


@pytest.mark.parametrize(
    ("sizes", "reduced", "kept"),
    [
        ((100, 300), (False, True), 2),  # what is larger is no smaller version
        ((100, 100), (False, True), 2),
        ((300, 100), (False, True), 1),
        ((300, 100), (True, True), 2),  # of nothing
        ((300, 300), (True, True), 2),
        ((300,), (True,), 1),
        ((100, 300, 30), (True, False, True), 1),
    ],
)
def test_pages_that_call_themselves_smaller_versions(
    sizes: tuple[int, ...], reduced: tuple[bool, ...], kept: int, tmp_path: Path
) -> None:
    path = tmp_path / "in.tif"
    with tifffile.TiffWriter(path) as file:
        for size, lesser in zip(sizes, reduced, strict=True):
            values = np.full((size, size, 3), size % 256, np.uint8)
            file.write(values, photometric="rgb", subfiletype=int(lesser))
    shown = images(path)
    assert len(shown) == kept
    assert max(sizes) in [len(image) for image in shown]


def test_a_sample_of_no_known_meaning_is_noted(face: NDArray[np.uint8], tmp_path: Path) -> None:
    path = tmp_path / "in.tif"
    four = np.dstack([face, face[..., 0]])
    tifffile.imwrite(path, four, photometric="rgb", extrasamples=["unspecified"])
    with open_source(path, OPTIONS) as source:
        assert source.notes == ("samples beyond colour and opacity left out",)
