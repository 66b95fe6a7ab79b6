"""Documents that are written open in LibreOffice, and look there as before but for the paint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pypdfium2
import pytest
from numpy.typing import NDArray

from faceveil import Options, veil_file
from faceveil.errors import FaceVeilError
from faceveil.frames import Image
from faceveil.media import open_source
from faceveil.media.documents.blanks import BLANK_PNG
from faceveil.media.documents.document import DocumentSource, Shown
from faceveil.media.documents.nodes import Node
from faceveil.media.documents.pdf_carry import areas_of
from faceveil.report import Report
from flats import composed, convert, soffice
from offices import jpeg, png, read

OPTIONS = Options(second_detector="none", check="sample")
MOST_PAGES = 40
"""Pages of a document that are compared; a sheet may have hundreds."""
SCALE = 50 / 72
LEVELS = 32
"""By which two pixels may differ: pictures are scaled, and coded anew for the PDF."""
ROOM = 9
"""Pixels around the paint that it may have changed when pictures were scaled and coded."""

Mask = NDArray[np.bool_]


def probe(path: Path, report: Report, out: Path) -> None:
    """The document with the inverse in every place that was painted: it shows where these are."""
    with DocumentSource(path, "office", OPTIONS) as source:
        new: dict[Node, bytes] = dict.fromkeys(source.broken, BLANK_PNG)
        # Marked first, because a face may be painted in a picture and on what it is put together.
        marks: dict[Shown, Mask] = {}
        for one in source.shown:
            width, height = one.size
            marks[one] = np.zeros((height, width), bool)
            for box in report.regions.get(one.frames[0], ()):
                x0, y0, x1, y1 = map(round, box.as_tuple())
                marks[one][y0:y1, x0:x1] = True
        for index, scene in enumerate(source.scenes):
            before = scene.image(OPTIONS)
            for area in areas_of(before, ~before, report.regions.get(index, ())):
                for number, one in enumerate(scene.shown):
                    if (patch := scene.collage.patch(area, number, one.size)) is not None:
                        x0, y0, x1, y1 = map(int, patch.box.as_tuple())
                        marks[one][y0:y1, x0:x1] |= patch.mask
        for one, mark in marks.items():
            if mark.any():
                image = shown(one)
                image[mark] ^= 255
                new.update(dict.fromkeys(one.places, png(image)))
        with out.open("wb") as file:
            source.package.write(file, new)


def shown(one: Shown) -> Image:
    with one.open(OPTIONS) as picture:
        return next(picture.frames()).image


def pages(path: Path) -> Iterator[Image]:
    with pypdfium2.PdfDocument(path) as pdf:
        for page in islice(pdf, MOST_PAGES):
            yield page.render(scale=SCALE).to_numpy()[..., :3].copy()


def count(path: Path) -> int:
    with pypdfium2.PdfDocument(path) as pdf:
        return len(pdf)


def differ(one: Image, other: Image) -> Mask:
    if one.shape != other.shape:
        return np.ones(one.shape[:2], bool)
    return np.asarray(np.abs(one.astype(int) - other).max(axis=2) > LEVELS)


def outside_the_paint(before: Path, after: Path, painted: Path) -> tuple[int, int]:
    """Pixels that differ outside the paint, and those of the paint, on all pages together."""
    foreign = paint = 0
    for old, new, marked in zip(pages(before), pages(after), pages(painted), strict=True):
        mask = differ(old, marked).astype(np.uint8)
        mask = np.asarray(cv2.dilate(mask, np.ones((2 * ROOM + 1,) * 2, np.uint8)), np.uint8)
        foreign += int((differ(old, new) & (mask == 0)).sum())
        paint += int(mask.sum())
    return foreign, paint


Ended = dict[str, Report | FaceVeilError]


def veiled(paths: Sequence[Path], folder: Path) -> Ended:
    """The end of each document, by its name; those that are done lie in the new folder."""
    folder.mkdir()
    ended: Ended = {}
    for path in paths:
        try:
            ended[path.name] = veil_file(path, folder / path.name, OPTIONS)
        except FaceVeilError as error:
            ended[path.name] = error
    return ended


def compared(
    paths: Sequence[Path], ended: Ended, tmp_path: Path, command: list[str]
) -> dict[str, str]:
    """Convert documents and what they became to PDF, and say of each whether it looks the same."""
    said: dict[str, str] = {}
    folders = {name: tmp_path / name for name in ("before", "after", "painted")}
    reports: dict[str, Report] = {}
    for name in ("before", "painted"):
        folders[name].mkdir()
    for path in paths:
        report = ended[path.name]
        if isinstance(report, FaceVeilError):
            said[path.name] = f"refused: {report}"
            continue
        reports[path.name] = report
        (folders["before"] / path.name).write_bytes(path.read_bytes())
        probe(path, report, folders["painted"] / path.name)
    for folder in folders.values():
        left = [folder / name for name in sorted(reports)]
        while left:
            convert(command, left, "pdf", folder)
            rest = [one for one in left if not one.with_suffix(".pdf").exists()]
            # What one process could not convert may have ended it: all others once more.
            left = rest[1:]
    for name, report in reports.items():
        made = [(folder / name).with_suffix(".pdf") for folder in folders.values()]
        if not made[0].exists():
            said[name] = "LibreOffice does not open the original"
        elif not made[1].exists():
            said[name] = "LOST: LibreOffice does not open what was written"
        elif len({count(one) for one in made}) != 1:
            said[name] = f"LOST: {[count(one) for one in made]} pages"
        else:
            foreign, paint = outside_the_paint(*made)
            what = (
                f"{count(made[0])} pages, {paint} pixels of paint, {len(report.warnings)} warned of"
            )
            said[name] = f"DIFFERENT: {foreign} pixels, {what}" if foreign else f"equal: {what}"
    return said


def wrong(said: dict[str, str]) -> dict[str, str]:
    return {name: what for name, what in said.items() if what.split(":")[0].isupper()}


@pytest.mark.long
def test_composed_documents_look_as_before_but_for_the_paint(
    astronaut: Image, tmp_path: Path, detector: str
) -> None:
    command = soffice(tmp_path)
    face = np.ascontiguousarray(astronaut[:300, 100:360])
    plain = np.ascontiguousarray(
        np.tile(np.linspace(0, 255, 260, dtype=np.uint8)[None, :, None], (300, 1, 3))
    )
    paths = composed(command, tmp_path, [jpeg(face), png(plain), png(face)])
    said = compared(paths, veiled(paths, tmp_path / "after"), tmp_path, command)
    assert len(said) == 6
    assert wrong(said) == {}
    for name, what in said.items():
        assert what.startswith("equal"), (name, what)
        assert ", 0 pixels of paint" not in what, name


@pytest.mark.long
def test_documents_of_others_are_done_or_refused_and_look_as_before_but_for_the_paint(
    data: Path, tmp_path: Path, detector: str
) -> None:
    paths = [one for one in (data / "documents").iterdir() if one.suffix not in (".pdf", ".md")]
    paths.sort()
    ended = veiled(paths, tmp_path / "after")
    for path in paths:
        report, out = ended[path.name], tmp_path / "after" / path.name
        if isinstance(report, FaceVeilError):
            continue
        # Which parts may differ is said where documents are composed; here all of them are there.
        before, after = read(path), read(out)
        text = [name for name in before if name.endswith((".rels", "[Content_Types].xml"))]
        assert set(text) <= after.keys(), path.name
        assert report.status in ("ok", "partial"), path.name
        with open_source(out, OPTIONS) as source:
            assert source.media.kind == "document", path.name
    # Macros with windows of their own, and three whose names are not those of their kind.
    refused = {name: str(how) for name, how in ended.items() if isinstance(how, FaceVeilError)}
    assert len(refused) <= 4, refused

    command = soffice(tmp_path)
    shown_there = [one for one in paths if one.suffix != ".epub"]  # LibreOffice opens no EPUB
    said = compared(shown_there, ended, tmp_path, command)
    print("\n".join(f"{name}: {what}" for name, what in said.items()))
    assert len(said) == len(shown_there)
    assert wrong(said) == {}
