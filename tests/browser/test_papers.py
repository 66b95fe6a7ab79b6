"""A Word file and a PDF, dropped, reviewed page by page, corrected and downloaded."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pikepdf
import pypdfium2
import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Locator, Page, expect

import offices
import papers
from browser import hands
from browser.hands import BOARD, card, choose, difference, download, drop, ended, is_grey
from browser.test_flow import SAME, order
from browser.test_in_chinese import PHONE, left_over
from faceveil.frames import Image
from faceveil.geometry import Box
from films import film, head, put, scenery

pytestmark = pytest.mark.slow

Open = Callable[..., Page]
Look = Callable[[Page, str], None]

INSIDE = Box(BOARD.x0 + 16, BOARD.y0 + 16, BOARD.x1 - 16, BOARD.y1 - 16)


@pytest.fixture
def faces(astronaut: Image) -> list[Box]:
    return [hands.face_at(astronaut, number) for number in range(3)]


@pytest.fixture
def pictures(astronaut: Image) -> list[Image]:
    """One without a face, one with three faces and a board, and the same turned to the left."""
    plain = put(scenery(9, (640, 400)), hands.board(120), 40, 200)
    group = hands.group(astronaut)
    return [plain, group, np.ascontiguousarray(group[:, 220:])]


def there(dialog: Locator, name: str) -> None:
    """Wait until the editor shows a page or picture."""
    expect(dialog.locator(".part-said")).to_contain_text(name)
    dialog.locator(".stage:not(.loading)").wait_for()


@pytest.mark.long
def test_a_word_file(visit: Open, look: Look, pictures: list[Image], faces: list[Box]) -> None:
    plain, group, _ = pictures
    page = visit()
    choose(page, "strict")
    data = papers.paper("docx", [plain, group])
    drop(page, {"letter.docx": data})
    job = ended(page, "letter.docx")
    expect(job.locator(".facts")).to_have_text("3 faces found and obscured · 2 pictures in it")
    expect(job.locator(".notes")).to_contain_text(
        "Faces covered, by page or part: word/media/image2.jpeg: 3"
    )
    expect(job.locator(".notes")).to_contain_text("document properties")
    look(page, "document card")

    dialog = hands.review(job)
    there(dialog, "word/media/image1.jpeg · 1 of 2")
    expect(dialog.locator(".face-box")).to_have_count(0)
    assert shape_of(dialog) == pytest.approx(640 / 400, rel=0.02)
    look(page, "document editor first")
    dialog.get_by_role("button", name="Next with a face").click()
    there(dialog, "word/media/image2.jpeg · 2 of 2")
    assert shape_of(dialog) == pytest.approx(hands.SIZE[0] / hands.SIZE[1], rel=0.02)
    expect(dialog.locator(".face-box")).to_have_count(3)
    expect(dialog.locator(".strip-row").first).to_contain_text("image2.jpeg")
    expect(dialog.get_by_role("button", name="Next with a face")).to_be_disabled()
    kept = dialog.locator(".face-box").nth(order(dialog, faces[1]))
    kept.click()
    hands.toggle(dialog)
    hands.drag(dialog, hands.SIZE, (BOARD.x0, BOARD.y0), (BOARD.x1, BOARD.y1))
    expect(dialog.locator(".side-head")).to_contain_text("3 hidden, 1 visible")
    expect(dialog.get_by_role("button", name="Begins here")).to_have_count(0)
    look(page, "document editor")
    hands.save(dialog)
    job = ended(page, "letter.docx")
    expect(job.locator(".facts")).to_contain_text("1 left visible")
    expect(job.locator(".compare-tools output")).to_have_text("word/media/image1.jpeg · 1 of 2")
    job.locator(".frames input").press("End")
    expect(job.locator(".compare-tools output")).to_have_text("word/media/image2.jpeg · 2 of 2")
    look(page, "document compared")

    name, made = download(job.locator('[data-action="download"]'))
    assert name == "letter.veiled.docx"
    first, second = papers.stored("docx", made)
    assert (first == papers.stored("docx", data)[0]).all()
    assert difference(second, group, faces[1]) < SAME
    assert is_grey(second, faces[0])
    assert is_grey(second, faces[2])
    assert is_grey(second, INSIDE)
    assert offices.read(made)["word/document.xml"] == offices.read(data)["word/document.xml"]


def shape_of(dialog: Locator) -> float:
    """Width by height of what the editor shows."""
    place = dialog.locator(".stage").bounding_box()
    assert place is not None
    return place["width"] / place["height"]


DOTS = hands.SIZE[0] / papers.SHOWN[2]
"""Pixels of a page for one of its points: as many as the picture on it has, which are over 150 an
inch."""
SHEET = (round(papers.PAGE[0] * DOTS), round(papers.PAGE[1] * DOTS))
"""Pixels of a page as it is looked at."""


def on_page(box: Box) -> Box:
    """A place of `hands.group` on a page, in its pixels."""
    left, bottom, wide = papers.SHOWN
    top = papers.PAGE[1] - bottom - wide * hands.SIZE[1] / hands.SIZE[0]
    return box.transformed(1.0, left * DOTS, top * DOTS)


def box_over(dialog: Locator, size: tuple[int, int], place: Box) -> Locator:
    """The box in the editor that lies over a place, in pixels of what is shown."""
    x, y = place.center
    boxes = dialog.locator(".face-box")
    for number in range(boxes.count()):
        left, top, width, height = boxes.nth(number).evaluate(
            "(node) => ['left', 'top', 'width', 'height']"
            ".map((side) => parseFloat(node.style[side]) / 100)"
        )
        if left < x / size[0] < left + width and top < y / size[1] < top + height:
            return boxes.nth(number)
    raise AssertionError("no box lies there")


def test_a_pdf(visit: Open, look: Look, pictures: list[Image], faces: list[Box]) -> None:
    page = visit()
    choose(page, "strict")
    page.locator("input[name=review]").check()
    data = papers.pdf(pictures, scanned=True)
    drop(page, {"scan.pdf": data})
    job = ended(page, "scan.pdf", "review")
    expect(job.locator(".facts")).to_contain_text("3 pages")
    dialog = hands.review(job)
    there(dialog, "Page 1 · 1 of 5")
    assert shape_of(dialog) == pytest.approx(SHEET[0] / SHEET[1], rel=0.02)
    look(page, "pdf first page")
    page.keyboard.press("f")
    there(dialog, "Page 2 · 2 of 5")
    expect(dialog.locator(".face-box")).to_have_count(3)
    look(page, "pdf editor")
    # A face on a page and in its picture is one: found twice, shown once, kept in both.
    expect(dialog.locator(".strip-row")).to_have_count(5)
    kept = box_over(dialog, SHEET, on_page(faces[1]))
    kept.click()
    hands.toggle(dialog)
    expect(kept).to_have_attribute("aria-pressed", "false")
    board = on_page(BOARD)
    hands.drag(dialog, SHEET, (board.x0, board.y0), (board.x1, board.y1))
    expect(dialog.locator(".face-box")).to_have_count(4)
    page.keyboard.press(".")
    there(dialog, "Page 3 · 3 of 5")
    expect(dialog.locator(".face-box")).to_have_count(2)
    page.keyboard.press("f")
    there(dialog, "Page 2, picture 1 · 5 of 5")
    expect(dialog.locator(".face-box.kept")).to_have_count(1)
    look(page, "pdf picture")
    page.keyboard.press("Shift+F")
    there(dialog, "Page 3 · 3 of 5")
    hands.save(dialog)
    job = ended(page, "scan.pdf")
    expect(job.locator(".facts")).to_contain_text("1 left visible")
    expect(job.locator(".notes")).to_contain_text("page 2: 3, page 3: 2")
    job.locator(".frames input").press("ArrowRight")
    expect(job.locator(".compare-tools output")).to_have_text("Page 2 · 2 of 5")
    job.locator(".switch-line").click()
    expect(job.locator(".boxes rect")).to_have_count(4)
    look(page, "pdf compared")

    name, made = download(job.locator('[data-action="download"]'))
    assert name == "scan.veiled.pdf"
    first, second, third = papers.stored("pdf", made)
    before = papers.stored("pdf", data)
    assert (first == before[0]).all()
    assert difference(second, before[1], faces[1]) < SAME
    assert is_grey(second, faces[0])
    assert is_grey(second, faces[2])
    assert is_grey(second, INSIDE)
    for face in faces[1:]:
        assert is_grey(third, face.transformed(1.0, -220, 0))
    with pypdfium2.PdfDocument(made) as document:
        assert len(document) == 3
        for number in range(2):
            assert "Words that stay" in document[number].get_textpage().get_text_range()
        sheet = document[1].render(scale=DOTS).to_numpy()
        assert difference(sheet, rendered(data), on_page(faces[1])) < SAME
        for covered in (faces[0], faces[2], INSIDE):
            assert is_grey(sheet, on_page(covered).padded(-0.1, -0.1, -0.1, -0.1))
    with pikepdf.open(io.BytesIO(made)) as opened:
        assert opened.get_warnings() == []


def rendered(data: bytes) -> Image:
    with pypdfium2.PdfDocument(data) as document:
        return np.asarray(document[1].render(scale=DOTS).to_numpy(), np.uint8)


@pytest.mark.long
@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desk", "phone"])
def test_in_chinese(
    visit: Open, look: Look, pictures: list[Image], screen: dict[str, object]
) -> None:
    where = "phone" if screen else "desk"
    page = visit(locale="zh-CN", **screen)
    drop(page, {"scan.pdf": papers.pdf(pictures, scanned=True)})
    job = ended(page, "scan.pdf")
    expect(job.locator(".notes")).to_contain_text("第 2 页")
    look(page, f"chinese document card {where}")
    assert left_over(page) == []
    dialog = hands.review(job)
    there(dialog, "第 1 页")
    page.keyboard.press("PageDown")
    there(dialog, "第 2 页，第 1 张图片")
    look(page, f"chinese document editor {where}")
    assert left_over(page) == []
    assert hands.probe(page, "cutOff") == []


@pytest.mark.long
def test_what_cannot_be_reviewed_is_said(
    visit: Open, look: Look, astronaut: Image, tmp_path: Path
) -> None:
    """A film in a document, a document without pictures, and one that is refused."""
    actor, _ = head(astronaut, 0.6)
    shots = [put(scenery(3, (320, 240)), actor, 30 + 2 * index, 20) for index in range(12)]
    clip = film(tmp_path / "clip.mp4", shots).read_bytes()
    with_film = {"ppt/media/media1.mp4": clip, "ppt/media/image1.png": offices.png(scenery(2))}
    signed = {"_xmlsignatures/sig1.xml": b"<Signature/>"}
    page = visit()
    page.locator("input[name=review]").check()
    drop(
        page,
        {
            "talk.pptx": offices.document("pptx", with_film),
            "bare.docx": offices.document("docx", {}),
            "signed.docx": offices.document("docx", signed),
        },
    )
    dialog = hands.review(ended(page, "talk.pptx", "review"))
    expect(dialog).to_contain_text("A film or PDF in this document is worked on when you save.")
    look(page, "document with a film")
    hands.save(dialog)
    job = ended(page, "talk.pptx")
    expect(job.locator(".notes")).to_contain_text("ppt/media/media1.mp4: 1")

    hands.act(ended(page, "bare.docx", "review"), "edit")
    dialog = page.locator("dialog.editor")
    expect(dialog).to_contain_text("There is no picture in this document.")
    look(page, "document without pictures")
    hands.save(dialog)
    job = ended(page, "bare.docx")
    expect(job.locator('[data-action="compare"]')).to_have_count(0)
    assert offices.read(download(job.locator('[data-action="download"]'))[1])

    refused = ended(page, "signed.docx", "failed")
    expect(refused.locator(".notes")).to_contain_text("signed")
    expect(refused.locator(".notes")).to_contain_text("signature")
    expect(refused.locator(".notes")).not_to_contain_text("Convert it to JPEG")
    assert card(page, "signed.docx").count() == 1
