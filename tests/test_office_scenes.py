"""A face that is cut into pictures side by side is found as the page shows it, and painted."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from faceveil import Options, analyze_file, render_file, veil_file
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.media import open_source
from faceveil.media.documents.document import DocumentSource
from faceveil.media.documents.scenes import scenes_in, tree_of
from faceveil.plan import Face, Plan, Track
from offices import document, jpeg, png, read, relationships
from tiers import daily

OPTIONS = Options(second_detector="none", check="sample")
EMU = 9525
"""Of a pixel."""
STRIP = 12


@pytest.fixture
def face(astronaut: Image) -> Image:
    """(300, 264, 3) uint8 BGR, one face."""
    return np.ascontiguousarray(astronaut[:300, 96:360])


Piece = tuple[Image, tuple[int, int, int, int]]
"""A picture, and where it lies: left, top, width, height in pixels."""


def strips(face: Image) -> list[Piece]:
    height, width = face.shape[:2]
    return [(face[at : at + STRIP], (40, 30 + at, width, STRIP)) for at in range(0, height, STRIP)]


def tiles(face: Image) -> list[Piece]:
    side = 33
    return [
        (face[y : y + side, x : x + side], (20 + x, 50 + y, side, min(side, face.shape[0] - y)))
        for y in range(0, face.shape[0], side)
        for x in range(0, face.shape[1], side)
    ]


def pic(
    number: int, place: tuple[float, float, float, float], more: str = "", crop: str = ""
) -> str:
    x, y, width, height = (round(one * EMU) for one in place)
    return (
        f'<p:pic><p:blipFill><a:blip r:embed="rId{number}"/>{crop}<a:stretch><a:fillRect/>'
        f'</a:stretch></p:blipFill><p:spPr><a:xfrm{more}><a:off x="{x}" y="{y}"/><a:ext '
        f'cx="{width}" cy="{height}"/></a:xfrm></p:spPr></p:pic>'
    )


def group(inner: str, more: str = "", scale: float = 1.0) -> str:
    """A group in which places are told in other units, from another corner."""
    width, height = 400 * EMU, 400 * EMU
    return (
        f'<p:grpSp><p:grpSpPr><a:xfrm{more}><a:off x="{5 * EMU}" y="{7 * EMU}"/><a:ext '
        f'cx="{round(width * scale)}" cy="{round(height * scale)}"/><a:chOff x="0" y="0"/><a:chExt '
        f'cx="{width}" cy="{height}"/></a:xfrm></p:grpSpPr>{inner}</p:grpSp>'
    )


SPACES = 'xmlns:p="urn:p" xmlns:a="urn:a" xmlns:r="urn:r" xmlns:xdr="urn:x" xmlns:w="urn:w"'


def slide(inner: str) -> bytes:
    return f"<p:sld {SPACES}><p:cSld><p:spTree>{inner}</p:spTree></p:cSld></p:sld>".encode()


def deck(text: bytes, pictures: Sequence[bytes], path: Path) -> None:
    links = [("image", f"../media/image{number}.png") for number in range(1, len(pictures) + 1)]
    parts = {
        "ppt/slides/slide1.xml": text,
        "ppt/slides/_rels/slide1.xml.rels": relationships(*links),
    }
    parts |= {f"ppt/media/image{at}.png": one for at, one in enumerate(pictures, 1)}
    document("pptx", parts, path)


def plain_deck(pieces: Sequence[Piece], path: Path, wrap: str = "{}") -> None:
    inner = "".join(pic(number, place) for number, (_, place) in enumerate(pieces, 1))
    deck(slide(wrap.format(inner)), [png(one) for one, _ in pieces], path)


def shown(path: Path) -> Image:
    """The pictures of a document as they lie."""
    with DocumentSource(path, "office", OPTIONS) as source:
        (scene,) = source.scenes
        return scene.image(OPTIONS)


WRAPS = {
    "as they are": "{}",
    "in a group": group("{}"),
    "in a smaller group": group("{}", scale=0.9),
    "in a group in a group": group(group("{}", scale=0.8), scale=1.3),
    "in a group that is flipped": group("{}", ' flipH="1"'),
    "in a group that is turned a little": group("{}", ' rot="600000"'),
}


@pytest.mark.slow
@pytest.mark.parametrize("wrap", daily(WRAPS, every=3))
def test_strips_of_a_face_are_painted_where_they_lie(
    wrap: str, face: Image, tmp_path: Path, detector: str
) -> None:
    path, out = tmp_path / "x.pptx", tmp_path / "out.pptx"
    plain_deck(strips(face), path, WRAPS[wrap])
    plan = analyze_file(path, OPTIONS)
    assert plan.media.parts[0].name == "ppt/slides/slide1.xml#1"
    assert [index for track in plan.tracks for index in track.boxes] == [0]
    report = render_file(path, plan, out, OPTIONS)
    assert (report.status, report.tracks) == ("ok", 1)
    assert len(analyze_file(out, OPTIONS).hidden) == 0
    before, after = read(path), read(out)
    assert list(before) == list(after)
    changed = [name for name in before if before[name] != after[name] and "media" in name]
    assert 8 <= len(changed) < 25  # those above and below the head stay as they are


@pytest.mark.long
def test_tiles_of_a_face_are_painted_and_nothing_else(
    face: Image, tmp_path: Path, detector: str
) -> None:
    path, out = tmp_path / "x.pptx", tmp_path / "out.pptx"
    plain_deck(tiles(face), path)
    plan = analyze_file(path, OPTIONS)
    (whole,) = (track for track in plan.tracks if 0 in track.boxes)
    # A tile may look like a face by itself; here it is about what is painted on all together.
    only = replace(whole, boxes={0: whole.boxes[0]}, seen={0: whole.seen[0]})
    options = OPTIONS.model_copy(update={"check": "off"})
    report = render_file(path, replace(plan, tracks=(only,)), out, options)
    assert report.status == "ok"
    assert not any(0 in track.boxes for track in analyze_file(out, OPTIONS).tracks)
    before, after = shown(path), shown(out)
    ((box, *_),) = report.regions.values()
    x0, y0, x1, y1 = (round(one) for one in box.as_tuple())
    outside = np.ones(before.shape[:2], bool)
    outside[max(y0 - 4, 0) : y1 + 4, max(x0 - 4, 0) : x1 + 4] = False
    assert np.array_equal(before[outside], after[outside])
    assert (before != after)[y0 + 5 : y1 - 5, x0 + 5 : x1 - 5].any(axis=2).mean() > 0.9


@pytest.mark.slow
@pytest.mark.long
def test_cropped_and_scaled_pieces_fit_together(face: Image, tmp_path: Path, detector: str) -> None:
    """Each shows a strip out of a larger picture, which is noise otherwise, at half its size."""
    random = np.random.default_rng(7)
    pieces, inner = [], ""
    for number, (strip, (x, y, width, height)) in enumerate(strips(face), 1):
        whole = random.integers(0, 255, (4 * height, 2 * width, 3), np.uint8)
        whole[height : 3 * height] = cv2.resize(strip, (2 * width, 2 * height))
        pieces.append(png(whole))
        inner += pic(number, (x, y, width, height), crop='<a:srcRect t="25000" b="25000"/>')
    path, out = tmp_path / "x.pptx", tmp_path / "out.pptx"
    deck(slide(inner), pieces, path)
    report = veil_file(path, out, OPTIONS)
    assert report.status == "ok"
    assert report.tracks >= 1
    assert len(analyze_file(out, OPTIONS).hidden) == 0
    stored = np.asarray(Pillow.open(io.BytesIO(read(out)["ppt/media/image10.png"])))
    original = np.asarray(Pillow.open(io.BytesIO(pieces[9])))
    assert np.array_equal(stored[:, :60], original[:, :60])
    assert not np.array_equal(stored, original)


def _sheet(pieces: Sequence[Piece], path: Path) -> None:
    inner = "".join(
        f"<xdr:oneCellAnchor>{pic(number, place)}</xdr:oneCellAnchor>"
        for number, (_, place) in enumerate(pieces, 1)
    )
    links = [("image", f"../media/image{at}.png") for at in range(1, len(pieces) + 1)]
    parts = {
        "xl/drawings/drawing1.xml": f"<xdr:wsDr {SPACES}>{inner}</xdr:wsDr>".encode(),
        "xl/drawings/_rels/drawing1.xml.rels": relationships(*links),
    }
    parts |= {f"xl/media/image{at}.png": png(one) for at, (one, _) in enumerate(pieces, 1)}
    document("xlsx", parts, path)


def _text(pieces: Sequence[Piece], path: Path) -> None:
    inner = "".join(pic(number, place) for number, (_, place) in enumerate(pieces, 1))
    body = f'<w:p {SPACES}><wpg:wgp xmlns:wpg="urn:g">{inner}</wpg:wgp></w:p>'
    links = [("image", f"media/image{at}.png") for at in range(1, len(pieces) + 1)]
    parts = {"word/_rels/document.xml.rels": relationships(*links)}
    parts |= {f"word/media/image{at}.png": png(one) for at, (one, _) in enumerate(pieces, 1)}
    document("docx", parts, path, body)


def _open_deck(pieces: Sequence[Piece], path: Path) -> None:
    places = [f'svg:x="{x / 40}cm" svg:y="{y / 4}mm"' for _, (x, y, _, _) in pieces]
    _open_document("odp", "draw:page", _frames(pieces, places), pieces, path)


def _frames(pieces: Sequence[Piece], places: Sequence[str]) -> list[str]:
    """The pictures as OpenDocument shows them."""
    return [
        f'<draw:frame {place} svg:width="{width / 40}cm" svg:height="{height / 40}cm">'
        f'<draw:image xlink:href="Pictures/{at}.png"/></draw:frame>'
        for at, (place, (_, (_, _, width, height))) in enumerate(zip(places, pieces, strict=True))
    ]


def _open_document(
    suffix: str, element: str, frames: Sequence[str], pieces: Sequence[Piece], path: Path
) -> None:
    names = {"draw": "d", "svg": "s", "xlink": "x", "text": "t"}
    spaces = " ".join(f'xmlns:{name}="urn:{uri}"' for name, uri in names.items())
    pictures = {f"Pictures/{at}.png": png(one) for at, (one, _) in enumerate(pieces)}
    document(suffix, pictures, path, f"<{element} {spaces}>{''.join(frames)}</{element}>")


def _inline(number: int, width: int, height: int) -> str:
    return (
        f'<w:r><w:drawing><wp:inline xmlns:wp="urn:wp"><wp:extent cx="{width * EMU}" '
        f'cy="{height * EMU}"/><a:graphic><p:pic><p:blipFill><a:blip r:embed="rId{number}"/>'
        "</p:blipFill></p:pic></a:graphic></wp:inline></w:drawing></w:r>"
    )


def _lines(pieces: Sequence[Piece], path: Path, wrap: str, each: str) -> None:
    """A text with a picture in each paragraph or row."""
    inner = "".join(
        each.format(_inline(number, place[2], place[3]))
        for number, (_, place) in enumerate(pieces, 1)
    )
    links = [("image", f"media/image{at}.png") for at in range(1, len(pieces) + 1)]
    parts = {"word/_rels/document.xml.rels": relationships(*links)}
    parts |= {f"word/media/image{at}.png": png(one) for at, (one, _) in enumerate(pieces, 1)}
    words = "<w:p><w:r><w:t>Words</w:t></w:r></w:p>"
    body = f"<w:body {SPACES}>{words}{wrap.format(inner)}{words}</w:body>"
    document("docx", parts, path, body)


def _paragraphs(pieces: Sequence[Piece], path: Path) -> None:
    _lines(pieces, path, "{}", "<w:p>{}</w:p>")


def _rows(pieces: Sequence[Piece], path: Path) -> None:
    _lines(pieces, path, "<w:tbl>{}</w:tbl>", "<w:tr><w:tc><w:p>{}</w:p></w:tc></w:tr>")


def _columns(pieces: Sequence[Piece], path: Path) -> None:
    """The same picture, cut into columns in one line."""
    whole = np.concatenate([one for one, _ in pieces])
    cut = [np.ascontiguousarray(whole[:, at : at + 12]) for at in range(0, whole.shape[1], 12)]
    upright: list[Piece] = [(one, (0, 0, 12, len(one))) for one in cut]
    _lines(upright, path, "<w:p>{}</w:p>", "{}")


def _open_text(pieces: Sequence[Piece], path: Path) -> None:
    frames = [f"<text:p>{one}</text:p>" for one in _frames(pieces, [""] * len(pieces))]
    _open_document("odt", "office:text", frames, pieces, path)


def _cells(pieces: Sequence[Piece], path: Path) -> None:
    """A table on a slide, whose cells are filled with pictures."""
    rows = "".join(
        f'<a:tr h="{place[3] * EMU}"><a:tc><a:tcPr><a:blipFill><a:blip r:embed="rId{number}"/>'
        "</a:blipFill></a:tcPr></a:tc></a:tr>"
        for number, (_, place) in enumerate(pieces, 1)
    )
    width = pieces[0][1][2] * EMU
    table = (
        '<p:graphicFrame><p:xfrm><a:off x="9525" y="9525"/><a:ext cx="1" cy="1"/></p:xfrm>'
        f'<a:graphic><a:graphicData><a:tbl><a:tblGrid><a:gridCol w="{width}"/></a:tblGrid>{rows}'
        "</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
    )
    deck(slide(table), [png(one) for one, _ in pieces], path)


FORMS = {
    "xlsx": _sheet,
    "docx": _text,
    "odp": _open_deck,
    "paragraphs.docx": _paragraphs,
    "rows.docx": _rows,
    "columns.docx": _columns,
    "odt": _open_text,
    "cells.pptx": _cells,
}


@pytest.mark.slow
@pytest.mark.parametrize("form", daily(FORMS, every=3))
def test_in_every_form_that_tells_places(
    form: str, face: Image, tmp_path: Path, detector: str
) -> None:
    path, out = tmp_path / f"x.{form}", tmp_path / f"out{Path('x.' + form).suffix}"
    FORMS[form](strips(face), path)
    report = veil_file(path, out, OPTIONS)
    assert (report.status, report.tracks) == ("ok", 1)
    assert len(analyze_file(out, OPTIONS).hidden) == 0


def test_pictures_that_lie_apart_are_not_put_together(face: Image, tmp_path: Path) -> None:
    path = tmp_path / "x.pptx"
    apart = [(one, (x, 3 * y, width, height)) for one, (x, y, width, height) in strips(face)]
    plain_deck(apart, path)
    with open_source(path, OPTIONS) as source:
        assert source.media.frames == len(apart)
        assert source.media.parts[0].name.startswith("ppt/media/")


@pytest.mark.slow
def test_a_face_in_a_picture_and_beside_others_is_one(
    face: Image, tmp_path: Path, detector: str
) -> None:
    """It is found in the picture and where the pictures are put together."""
    path, out = tmp_path / "x.pptx", tmp_path / "out.pptx"
    grey = np.full((300, 264, 3), 120, np.uint8)
    inner = pic(1, (0, 0, 264, 300)) + pic(2, (264, 0, 264, 300))
    deck(slide(inner), [png(face), png(grey)], path)
    plan = analyze_file(path, OPTIONS)
    assert [sorted(track.boxes) for track in plan.tracks] == [[0, 1]]
    report = render_file(path, plan, out, OPTIONS)
    assert (report.status, report.tracks) == ("ok", 1)
    assert len(analyze_file(out, OPTIONS).hidden) == 0


def test_a_person_may_paint_on_pictures_side_by_side(
    face: Image, tmp_path: Path, detector: str
) -> None:
    """A box on both of two photos changes both, also where a JPEG keeps its blocks."""
    path, out = tmp_path / "x.pptx", tmp_path / "out.pptx"
    left, right = (np.full((160, 160, 3), grey, np.uint8) for grey in (90, 180))
    for one in (left, right):
        cv2.circle(one, (80, 80), 50, (20, 200, 120), -1)
    inner = pic(1, (0, 0, 160, 160)) + pic(2, (160, 0, 160, 160))
    deck(slide(inner), [jpeg(left), jpeg(right)], path)
    plan = analyze_file(path, OPTIONS)
    assert plan.media.frames == 3
    box = Box(120, 40, 200, 120)
    track = Track(1, {0: box}, {0: Face(box, 1.0)}, origin="manual")
    made = Plan(
        **{name: getattr(plan, name) for name in plan.__dataclass_fields__} | {"tracks": (track,)}
    )
    report = render_file(path, made, out, OPTIONS)
    assert report.status == "ok"
    for number, old in enumerate((left, right), 1):
        stored, original = (
            np.asarray(cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR))
            for one in (read(out)[f"ppt/media/image{number}.png"], jpeg(old))
        )
        far = np.s_[:, :90] if number == 1 else np.s_[:, 70:]
        assert np.array_equal(stored[far], original[far])
        assert not np.array_equal(stored, original)


def test_what_cannot_be_read_has_no_scenes() -> None:
    assert list(scenes_in(tree_of(b"<p:sld><unclosed>"), {})) == []
    deep = b"<a>" * 5000 + b"</a>" * 5000
    assert list(scenes_in(tree_of(deep), {})) == []
    for number in ("nan", "inf", "-1e400", "", "x", "5%", "99999999999999999999"):
        for key in ("x", "cx", "rot", "l"):
            odd = slide(
                pic(1, (0, 0, 9, 9), ' rot="5"', '<a:srcRect l="5"/>').replace(
                    f' {key}="', f' {key}="{number}" was="', 1
                )
                + pic(2, (9, 0, 9, 9))
            )
            for placed in scenes_in(tree_of(odd), {"rId1": "a", "rId2": "b"}):
                assert all(np.isfinite([*one.box, *one.crop]).all() for one in placed)
    flat = slide(pic(1, (0, 0, 0, 0)) + pic(2, (0, 0, 5, 5)) + pic(3, (1e300, 0, 5, 5)))
    assert list(scenes_in(tree_of(flat), {"rId1": "a", "rId2": "b", "rId3": "c"})) == []
