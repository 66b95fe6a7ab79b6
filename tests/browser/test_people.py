"""One person of several: told apart, a click hides all others; or photos say who it is."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Locator, Page, Route, expect

from browser import hands
from browser.couple import WALL, WIDE, changed, frames_of, require_only_her
from browser.hands import download, drop, ended, probe
from faceveil import weights
from faceveil.frames import Image
from servers import Server

pytestmark = pytest.mark.slow

Open = Callable[..., Page]
Look = Callable[[Page, str], None]

told_apart = pytest.mark.skipif(
    not weights.available("people"), reason="needs `faceveil weights fetch people`"
)


def cards(dialog: Locator) -> Locator:
    return dialog.locator(".person")


@pytest.mark.long
@told_apart
def test_one_click_leaves_one_person_visible(
    visit: Open, look: Look, couple: Path, server: Server, tmp_path: Path
) -> None:
    """Five steps from the file to the result: tell apart, drop, review, only this person, save."""
    page = visit()
    page.locator("input[name=people]").check()
    drop(page, {"two.mp4": couple.read_bytes()})
    dialog = hands.review(ended(page, "two.mp4"))
    look(page, "people cards")
    hers = card_of(dialog, server)
    hers.get_by_role("button", name="visible, all others hidden").click()
    look(page, "people only her")
    hands.save(dialog)
    result = ended(page, "two.mp4")
    _, data = download(result.locator('[data-action="download"]'))
    require_only_her(frames_of(couple.read_bytes(), tmp_path), frames_of(data, tmp_path))


def tracks_of(server: Server) -> list[dict[str, Any]]:
    (job,) = server.jobs()
    tracks: list[dict[str, Any]] = server.api.get(f"/api/jobs/{job['id']}/plan").json()["tracks"]
    return tracks


def name_of(card: Locator) -> str:
    return card.locator("b").text_content() or ""


def card_of(dialog: Locator, server: Server) -> Locator:
    """Her card, as a person would choose it by its picture: she is on the left at first."""
    (person,) = (
        track["person"]
        for track in tracks_of(server)
        if track["person"] and track["boxes"].get("0", {"x0": 1e9})["x0"] < WALL[0] / 2
    )
    return cards(dialog).filter(has_text=f"Person {person}")


@pytest.mark.long
@told_apart
def test_a_wrong_face_is_taken_out_of_a_card(
    visit: Open, look: Look, couple: Path, server: Server, axe: str
) -> None:
    page = visit()
    page.evaluate(axe)
    page.locator("input[name=review]").check()
    drop(page, {"two.mp4": couple.read_bytes()})
    dialog = hands.review(ended(page, "two.mp4", "review"))
    # Nobody has asked for it before: they are told apart now, and the review goes on.
    expect(cards(dialog)).to_have_count(0)
    page.keyboard.press("n")  # an edit, which is not lost
    before = dialog.locator(".face-thumb img").evaluate_all("all => all.map(({ src }) => src)")
    shown = {src.partition("/tracks/")[2] for src in before}
    dialog.get_by_role("button", name="Tell people apart").click()
    expect(cards(dialog)).to_have_count(2)
    # Numbers of faces have changed: none has the address of a picture from before.
    now = dialog.locator(".face-thumb img").evaluate_all("all => all.map(({ src }) => src)")
    assert now
    assert len({src.partition("/tracks/")[2] for src in now} & shown) <= 2, "as at the start"
    dialog.locator(".strip-row", has_text="Box").get_by_role("button", name="no face here").click()
    hers, count = card_of(dialog, server), dialog.locator(".side-head [role=status]")
    only = hers.get_by_role("button", name="visible, all others hidden")
    expect(hers).to_contain_text("3 stretches")
    only.focus()
    page.keyboard.press("Enter")
    expect(count).to_have_text("4 hidden, 3 visible")
    expect(only).to_have_attribute("aria-pressed", "true")

    # By keyboard: open the card, take the last one out, which is then hidden; and undo that.
    hers.get_by_role("button", name="Faces of Person").focus()
    page.keyboard.press("Enter")
    expect(hers.locator(".member")).to_have_count(3)
    look(page, "people members")
    assert hands.barriers(page) == []
    hers.locator(".pull").last.focus()
    page.keyboard.press("Enter")
    expect(hers.locator(".member")).to_have_count(2)
    expect(hers).to_contain_text("2 stretches")
    expect(count).to_have_text("5 hidden, 2 visible")
    expect(hers.locator(".pull").last).to_be_focused()
    expect(dialog.get_by_text("One face could not be told apart.")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(hers.locator(".member")).to_have_count(3)
    expect(count).to_have_text("4 hidden, 3 visible")

    # On the picture itself, by keyboard and by pointer: each is one step, and one step back.
    def box(of: Locator) -> Locator:
        mine = [one for one in tracks_of(server) if f"Person {one['person']}" == name_of(of)]
        (here,) = (one["id"] for one in mine if "0" in one["boxes"])
        return dialog.locator(f'.face-box[data-track="{here}"]')

    strangers = cards(dialog).filter(has_not_text=name_of(hers))
    box(strangers).focus()
    page.keyboard.press("o")
    expect(count).to_have_text("3 hidden, 4 visible")
    page.keyboard.press("Shift+H")
    expect(count).to_have_text("7 hidden, 0 visible")
    bar = dialog.get_by_role("toolbar", name="The selected face")
    box(hers).focus()
    bar.get_by_role("button", name="Only this person").click()
    expect(count).to_have_text("4 hidden, 3 visible")
    look(page, "people selected")
    assert hands.barriers(page) == []
    bar.get_by_role("button", name="Hide this person everywhere").click()
    expect(count).to_have_text("7 hidden, 0 visible")
    page.keyboard.press("Control+z")
    # Put with her by hand, it is as visible as she is.
    box(strangers).focus()
    whose = bar.get_by_label("Whose face this is")
    whose.press("ArrowUp")  # to her, which counts once it is chosen in the open list
    page.keyboard.press("Escape")
    expect(whose).to_have_value("2")
    expect(count).to_have_text("4 hidden, 3 visible")
    whose.select_option(label=name_of(hers))
    expect(count).to_have_text("3 hidden, 4 visible")
    expect(hers).to_contain_text("4 stretches")
    page.keyboard.press("Control+z")
    expect(count).to_have_text("4 hidden, 3 visible")
    hers.get_by_label("is the same person as").select_option(index=1)
    expect(cards(dialog)).to_have_count(1)
    expect(count).to_have_text("7 hidden, 0 visible")
    page.keyboard.press("Control+z")
    expect(count).to_have_text("4 hidden, 3 visible")

    # A person of whom a part is visible is hidden first.
    dialog.locator(".strip-row .keep[aria-pressed=false]").first.click()
    expect(hers).to_have_attribute("data-look", "partly")
    hers.locator(".keep").click()
    expect(count).to_have_text("7 hidden, 0 visible")
    hers.locator(".keep").click()
    expect(count).to_have_text("4 hidden, 3 visible")
    page.set_viewport_size({"width": 360, "height": 740})
    hers.scroll_into_view_if_needed()
    look(page, "people phone")
    assert probe(page, "cutOff") == []


@told_apart
def test_photos_say_who_stays_visible(
    visit: Open, look: Look, her: Image, stranger: Image, axe: str, tmp_path: Path
) -> None:
    page = visit()
    page.evaluate(axe)
    page.locator("#photo-mode").select_option("keep")
    names = [tmp_path / f"her {number}.png" for number in range(3)]
    for name, light in zip(names, (1.0, 0.8, 1.2), strict=True):
        name.write_bytes(png(np.clip(her * light, 0, 255).astype(np.uint8)))
    page.locator(".photo-zone input").set_input_files(names[:2])
    last = base64.b64encode(names[2].read_bytes()).decode()
    probe(page, "drop", [[names[2].name], [last], ".photo-zone"])
    expect(page.locator(".photos li")).to_have_count(3)
    note = page.get_by_text("Only the person of 3 photos stays visible.")
    expect(note).to_be_visible()
    look(page, "people photos")
    assert hands.barriers(page) == []
    drop(page, {"two.png": png(np.hstack([her, stranger]))})
    result = ended(page, "two.png")
    expect(page.locator(".job")).to_have_count(1)  # what was dropped as a photo is no job
    expect(note).to_be_visible()
    _, data = download(result.locator('[data-action="download"]'))
    new, old = hands.decoded(data), np.hstack([her, stranger])
    assert changed(old, new, 0) == 0
    assert changed(old, new, WIDE) > 12
    page.get_by_role("button", name="Without photos again").click()
    expect(note).to_be_hidden()


def test_what_the_service_cannot_do_is_not_offered(visit: Open) -> None:
    """Its network's weights are not there."""
    page = visit()

    def answer(route: Route) -> None:
        told = route.fetch().json()
        told["service"]["people"] = False
        route.fulfill(json=told)

    page.route("**/api/options", answer)
    page.reload()
    page.locator("input[name=review]").wait_for()
    expect(page.locator("input[name=people], #photo-mode")).to_have_count(0)


def png(picture: Image) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()
