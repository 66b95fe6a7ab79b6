"""Drop, watch, hide one face more, keep one, render, download: a photo, a zip, a video."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Locator, Page, expect

from browser import hands
from browser.hands import BOARD, card, choose, decoded, difference, download, drop, ended, is_grey
from faceveil.frames import Image
from faceveil.geometry import Box
from films import film, head, lumas, put, scenery
from servers import Server, zipped
from videos import sound_packets

pytestmark = pytest.mark.slow

Open = Callable[..., Page]
Look = Callable[[Page, str], None]

SAME = 4.0
"""Mean difference in levels that another round of JPEG makes, at most."""


def test_a_photo(visit: Open, look: Look, astronaut: Image) -> None:
    page = visit()
    look(page, "start")
    original = hands.group(astronaut)
    faces = [hands.face_at(astronaut, number) for number in range(3)]
    choose(page, "strict")
    drop(page, {"group.jpg": hands.jpeg(original)})
    expect(card(page, "group.jpg")).to_be_visible()
    job = ended(page, "group.jpg")
    expect(job.locator(".facts")).to_contain_text("3 faces found and obscured")
    first = decoded(download(job.locator('[data-action="download"]'))[1])
    assert all(is_grey(first, face) for face in faces)
    assert difference(first, original, BOARD) < SAME

    dialog = hands.review(job)
    look(page, "editor photo")
    expect(dialog.locator(".face-box")).to_have_count(3)
    nearest = dialog.locator(".face-box").nth(order(dialog, faces[1]))
    # One click exposes nobody.
    nearest.click()
    expect(nearest).to_have_class("face-box hidden-face selected")
    expect(nearest).to_have_attribute("aria-pressed", "true")
    hands.toggle(dialog)
    expect(nearest).to_have_attribute("aria-pressed", "false")
    hands.drag(dialog, hands.SIZE, (BOARD.x0 + 10, BOARD.y0 + 10), (BOARD.x1 - 10, BOARD.y1 - 10))
    expect(dialog.locator(".face-box")).to_have_count(4)
    expect(dialog.locator(".side-head")).to_contain_text("3 hidden, 1 visible")
    look(page, "editor photo edited")
    hands.save(dialog)
    job = ended(page, "group.jpg")
    expect(job.locator(".facts")).to_have_text("3 faces found and obscured · 1 left visible")

    # The result is shown by itself, boxes over it only when asked for.
    expect(job.locator(".comparison")).to_be_visible()
    job.locator(".switch-line").click()
    expect(job.locator(".boxes rect")).to_have_count(4)
    look(page, "compare")
    name, data = download(job.locator('[data-action="download"]'))
    assert name == "group.veiled.jpg"
    second = decoded(data)
    assert difference(second, original, faces[1]) < SAME
    assert is_grey(second, faces[0])
    assert is_grey(second, faces[2])
    assert is_grey(second, Box(BOARD.x0 + 14, BOARD.y0 + 14, BOARD.x1 - 14, BOARD.y1 - 14))


def order(dialog: Locator, face: Box) -> int:
    """Number of the box in the editor that lies over a face."""
    x, y = face.center
    shares = dialog.locator(".face-box").evaluate_all(
        "(nodes) => nodes.map((node) => ['left', 'top', 'width', 'height']"
        ".map((side) => parseFloat(node.style[side]) / 100))"
    )
    for number, (left, top, width, height) in enumerate(shares):
        if left < x / hands.SIZE[0] < left + width and top < y / hands.SIZE[1] < top + height:
            return number
    raise AssertionError("no box lies there")


@pytest.mark.long
def test_a_zip_of_ten_photos(visit: Open, look: Look, astronaut: Image, server: Server) -> None:
    page = visit()
    original = hands.group(astronaut)
    names = [f"trip/day {number}.jpg" for number in range(10)]
    choose(page, "strict")
    drop(page, {"trip.zip": zipped(dict.fromkeys(names, hands.jpeg(original)))})
    expect(page.locator(".job")).to_have_count(10)
    look(page, "batch under way")
    expect(page.locator('.job[data-state="done"]')).to_have_count(10)
    expect(page.locator(".tally")).to_have_text("10 done")

    dialog = hands.review(card(page, "day 4"))
    dialog.locator(".face-box").nth(order(dialog, hands.face_at(astronaut, 0))).click()
    hands.toggle(dialog)
    hands.drag(dialog, hands.SIZE, (BOARD.x0, BOARD.y0), (BOARD.x1, BOARD.y1))
    hands.save(dialog)
    expect(card(page, "day 4").locator(".facts")).to_contain_text("1 left visible")

    name, data = download(page.get_by_role("link", name="Download all 10 (zip)"))
    assert name.endswith(".zip")
    files = hands.files_in(data)
    assert sorted(files) == [name.replace(".jpg", ".veiled.jpg") for name in names]
    for name, content in files.items():
        picture = decoded(content)
        shown = [
            difference(picture, original, hands.face_at(astronaut, n)) < SAME for n in range(3)
        ]
        edited = "day 4" in name
        assert shown == [edited, False, False], name
        assert (difference(picture, original, BOARD) > 20) == edited, name


FRAMES, WALL = 40, (480, 288)


def scene(astronaut: Image, index: int) -> Image:
    """Two heads that stand, and a picture that goes to the right by 4 px a frame."""
    actor, _ = head(astronaut, 0.6)
    picture = put(put(scenery(3, WALL), actor, 30, 20), actor, 380, 20)
    return put(picture, scenery(8, (66, 66)), *board_at(index))


def board_at(index: int) -> tuple[int, int]:
    return 40 + 4 * index, 190


def left_of(box: Locator) -> float:
    place = box.bounding_box()
    assert place is not None
    return place["x"]


def left_at(dialog: Locator, x: float) -> float:
    """The place of a column of the picture on the screen."""
    place = dialog.locator(".layer").bounding_box()
    assert place is not None
    return place["x"] + x * place["width"] / WALL[0]


def test_a_video_with_sound(visit: Open, look: Look, astronaut: Image, tmp_path: Path) -> None:
    clip = film(tmp_path / "clip.mp4", [scene(astronaut, i) for i in range(FRAMES)], sound="aac")
    page = visit()
    choose(page, "strict")
    drop(page, {"clip.mp4": clip.read_bytes()})
    job = ended(page, "clip.mp4")
    expect(job.locator(".facts")).to_contain_text("2 faces found and obscured")

    dialog = hands.review(job)
    expect(dialog.locator(".strip-row")).to_have_count(2)
    right = rightmost(dialog)
    dialog.locator(".strip-row").nth(right).locator(".keep").click()
    x, y = board_at(0)
    # What is drawn goes along with what is in it; that is one step to undo.
    hands.drag(dialog, WALL, (x, y), (x + 66, y + 66))
    expect(dialog.locator(".following")).to_contain_text("was followed from 0:00.0 to")
    look(page, "editor video followed")
    dialog.locator(".scrub").press("End")
    expect(dialog.locator(".frame-said")).to_contain_text(f"frame {FRAMES} of {FRAMES}")
    drawn, moved = dialog.locator(".face-box.selected"), 4 * (FRAMES - 1)
    assert abs(left_of(drawn) - left_at(dialog, x + moved)) < 33
    page.keyboard.press("Control+z")
    assert abs(left_of(drawn) - left_at(dialog, x)) < 2
    page.keyboard.press("Control+y")
    assert abs(left_of(drawn) - left_at(dialog, x + moved)) < 33
    dialog.locator(".stage:not(.loading)").wait_for()
    look(page, "editor video")
    for _ in range(FRAMES // 2):
        dialog.press(",")
    expect(dialog.locator(".frame-said")).to_contain_text(f"frame {FRAMES // 2} of {FRAMES}")
    dialog.locator(".stage:not(.loading)").wait_for()
    look(page, "editor video between")
    expect(dialog.locator(".face-box.selected")).to_have_class("face-box hidden-face selected")
    # Where the button that stopped it is gone, keys go on: followed once more, now to the end.
    page.route("**/follow", lambda _: None)
    page.keyboard.press("f")
    dialog.get_by_role("button", name="Stop following").press("Enter")
    expect(dialog.locator(".following")).to_contain_text("Stopped")
    page.unroute("**/follow")
    page.keyboard.press("f")
    expect(dialog.locator(".following")).not_to_contain_text("Stopped")
    expect(dialog.locator(".following")).to_contain_text("was followed")
    hands.save(dialog)
    job = ended(page, "clip.mp4")
    expect(job.locator(".facts")).to_contain_text("1 left visible")
    look(page, "compare video")

    name, data = download(job.locator('[data-action="download"]'))
    assert name == "clip.veiled.mp4"
    veiled = tmp_path / name
    veiled.write_bytes(data)
    assert sound_packets(veiled) == sound_packets(clip)
    assert len(sound_packets(veiled)) == 1
    before, after = lumas(clip), lumas(veiled)
    assert len(after) == FRAMES
    face = head(astronaut, 0.6)[1]
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        assert spread(new, face.transformed(1.0, 30, 20)) < 4, index
        kept = face.transformed(1.0, 380, 20)
        assert abs(spread(new, kept) - spread(old, kept)) < 4, index
        # The box goes along with the picture that it was drawn around.
        x, y = board_at(index)
        assert spread(old, Box(x, y, x + 66, y + 66)) > 20
        assert spread(new, Box(x + 4, y + 4, x + 62, y + 62)) < 8, index


def spread(luma: NDArray[Any], box: Box) -> float:
    """The detail in a box: the standard deviation of its luma."""
    x0, y0, x1, y1 = map(int, box.as_tuple())
    return float(luma[y0:y1, x0:x1].std())


def rightmost(dialog: Locator) -> int:
    """Number of the row whose box lies farthest to the right."""
    lefts = dialog.locator(".face-box").evaluate_all(
        "(boxes) => boxes.map((box) => [Number(box.dataset.track), parseFloat(box.style.left)])"
    )
    return int(max(lefts, key=lambda one: one[1])[0])
