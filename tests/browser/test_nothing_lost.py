"""A person's edits are there again: after a reload, after Back, in a page that was closed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from browser import hands
from browser.hands import BOARD, act, card, drop, ended, jpeg
from faceveil.frames import Image
from films import film, head, put, scenery
from servers import PATIENCE, Server, running, wait_for

pytestmark = pytest.mark.slow

Open = Callable[..., Page]
Look = Callable[[Page, str], None]

FRAMES, WALL = 24, (480, 288)


CHANGES = """(node, wait) => new Promise((resolve) => {
  const said = [];
  const watch = new MutationObserver(() => said.push(node.textContent));
  watch.observe(node, { childList: true, characterData: true, subtree: true });
  setTimeout(() => resolve(said), wait);
})"""
"""All texts that a node is changed to within some milliseconds; the service is asked every 3000."""


def photo(page: Page, astronaut: Image) -> Locator:
    """The card of a photo of three, done."""
    drop(page, {"group.jpg": jpeg(hands.group(astronaut))})
    return ended(page, "group.jpg")


def opened(page: Page) -> Locator:
    """The review that opens by itself."""
    dialog = page.locator("dialog.editor")
    dialog.locator(".stage:not(.loading)").wait_for()
    return dialog


def draft_of(server: Server) -> dict[str, Any]:
    (job,) = server.jobs()
    return dict(server.api.get(f"/api/jobs/{job['id']}/draft").json())


def test_a_reload_at_any_moment(visit: Open, look: Look, astronaut: Image, server: Server) -> None:
    """At once after each of several edits, with no time for the service to answer."""
    page = visit()
    dialog = hands.review(photo(page, astronaut))
    edits: list[tuple[Callable[[], None], int, int]] = [
        (lambda: page.keyboard.press("n"), 4, 0),
        (lambda: dialog.locator(".strip-row .keep").first.click(), 4, 1),
        (lambda: hands.drag(dialog, hands.SIZE, (BOARD.x0, BOARD.y0), (BOARD.x1, BOARD.y1)), 5, 1),
        (lambda: page.keyboard.press("Delete"), 4, 1),
        (lambda: dialog.get_by_role("button", name="Undo all changes").click(), 3, 0),
    ]
    for edit, boxes, kept in edits:
        dialog.locator(".face-box").first.focus()
        if boxes == 4 and kept == 1 and dialog.locator(".face-box").count() == 5:
            dialog.locator(".face-box").last.focus()
        edit()
        page.reload()
        dialog = opened(page)
        expect(dialog.locator(".face-box")).to_have_count(boxes)
        expect(dialog.locator(".side-head")).to_contain_text(f"{boxes - kept} hidden, {kept} visi")
    # What was kept is on the service, not only in this tab.
    page.keyboard.press("n")
    expect(dialog.locator(".draft-state")).to_have_text("Changes kept, not applied yet")
    look(page, "editor with a draft")
    page.close()
    other = visit()
    dialog = hands.review(card(other, "group.jpg"))
    expect(dialog.locator(".face-box")).to_have_count(4)
    # Applied, it is no draft any more.
    hands.save(dialog)
    ended(other, "group.jpg")
    expect(card(other, "group.jpg").locator(".facts")).to_contain_text("4 faces")
    assert draft_of(server)["version"] == 0


@pytest.mark.long
def test_a_reload_while_settings_are_chosen_and_files_are_sent(visit: Open, look: Look) -> None:
    """All that was typed is there again, if it makes sense or not yet; the rest is said."""
    page = visit()
    page.locator("summary").click()
    search, zones = page.get_by_role("searchbox"), page.locator("#option-cover_zones")
    zones.fill("10,20,30")
    page.locator("#option-min_face").fill("33")
    search.fill("cover zone")
    apart = page.locator("#photo-mode").count() > 0  # the service can
    if apart:
        page.locator("#photo-mode").select_option("keep")
        photo: FilePayload = {"name": "her.jpg", "mimeType": "image/jpeg", "buffer": b"no matter"}
        page.locator("input[name=photos]").set_input_files([photo, photo])
    for _ in range(2):
        page.reload()
        expect(search).to_have_value("cover zone")
        expect(zones).to_have_value("10,20,30")
        expect(page.locator("#option-min_face")).to_have_value("33")
        expect(page.locator("#option-margin_top")).to_have_count(1)
        expect(page.locator("#option-margin_top")).to_be_hidden()
        assert not zones.evaluate("(field) => field.checkValidity()")
        if apart:
            expect(page.locator("#photo-mode")).to_have_value("keep")
            expect(page.locator(".photo-note")).to_contain_text("The 2 photos were kept in this")
            look(page, "photos to be chosen again")
    zones.fill("10,20,30,40")
    page.route(
        "**/api/jobs", lambda route: None if route.request.method == "POST" else route.continue_()
    )
    drop(page, {"group.jpg": b"sent for ever"})
    expect(page.locator(".sending progress")).to_be_visible()
    page.reload()
    toast = page.locator(".toast")
    expect(toast).to_contain_text("Files were still being sent when the page was left")
    expect(zones).to_have_value("10,20,30,40")
    page.reload()
    expect(search).to_have_value("cover zone")
    expect(toast).to_have_count(0)


@pytest.mark.long
def test_a_review_goes_on_as_it_was(visit: Open, look: Look, astronaut: Image) -> None:
    """Steps to undo and redo, zoom, place, selection, and a box whose pointer is still down."""
    page = visit()
    dialog = hands.review(photo(page, astronaut))
    boxes, head = dialog.locator(".face-box"), dialog.locator(".side-head")
    draw = dialog.get_by_role("button", name="Draw", exact=True)
    page.keyboard.press("n")
    dialog.locator(".strip-row .keep").nth(1).click()
    dialog.locator(".strip-row .keep").nth(2).click()
    page.keyboard.press("Control+z")
    draw.click()
    for _ in range(3):
        dialog.get_by_role("button", name="Larger").click()
    dialog.locator(".viewport").evaluate("(node) => node.scrollTo(90, 40)")
    boxes.nth(1).focus()
    chosen = dialog.locator(".face-box.selected").get_attribute("data-track")
    size = "(node) => [node.clientWidth, node.parentNode.scrollLeft, node.parentNode.scrollTop]"
    seen = dialog.locator(".stage").evaluate(size)
    for _ in range(2):  # also where the page is left again without an edit
        page.reload()
        dialog = opened(page)
        assert dialog.locator(".stage").evaluate(size) == seen
        assert dialog.locator(".face-box.selected").get_attribute("data-track") == chosen
        expect(draw).to_have_attribute("aria-pressed", "true")
        expect(head).to_contain_text("3 hidden, 1 visible")
    page.keyboard.press("Control+y")
    expect(head).to_contain_text("2 hidden, 2 visible")
    expect(dialog.get_by_role("button", name="Redo")).to_be_disabled()
    for told in ("3 hidden, 1 visible", "4 hidden, 0 visible", "3 hidden, 0 visible"):
        page.keyboard.press("Control+z")
        expect(head).to_contain_text(told)
    expect(dialog.get_by_role("button", name="Undo", exact=True)).to_be_disabled()
    page.reload()
    dialog = opened(page)
    expect(boxes).to_have_count(3)
    page.keyboard.press("Control+y")
    expect(boxes).to_have_count(4)

    place = dialog.locator(".viewport").bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 20, place["y"] + 20)
    page.mouse.down()
    page.mouse.move(place["x"] + 90, place["y"] + 120, steps=4)
    expect(dialog.locator(".ghost")).to_be_visible()
    page.reload()
    dialog = opened(page)
    expect(boxes).to_have_count(5)
    page.mouse.up()
    page.keyboard.press("Control+z")
    expect(boxes).to_have_count(4)
    look(page, "review gone on with")


@pytest.mark.long
def test_the_list_is_as_it_was(visit: Open, look: Look, astronaut: Image) -> None:
    """The files picked, the one open, its slider, the panels, and what was refused."""
    page = visit(viewport={"width": 1280, "height": 800})
    face = jpeg(astronaut[:320, 60:380])
    files = {f"face {n}.jpg": face for n in range(3)}
    walls = {f"wall {n}.jpg": jpeg(scenery(n, (320, 200))) for n in range(3)}
    drop(page, files | walls | {"notes.xyz": b"no picture"})
    expect(page.locator(".tally")).to_have_text("3 done, 3 to look at")
    expect(page.locator("#notices")).to_contain_text("notes.xyz")
    page.get_by_role("button", name="No face found: 3").click()
    card(page, "wall 1.jpg").locator(".opener").click()
    page.locator(".compare-range").fill("80")
    page.locator(".comparison .switch-line input").check()
    page.locator('[aria-controls="options"]').click()
    page.locator("summary").click()
    page.evaluate("scrollTo(0, 120)")
    place = page.evaluate("scrollY")
    for _ in range(2):
        page.reload()
        expect(page.locator(".job:visible")).to_have_count(3)
        expect(page.locator(".job.open .job-name")).to_have_text("wall 1.jpg")
        expect(page.locator(".compare-range")).to_have_value("80")
        expect(page.locator(".comparison .switch-line input")).to_be_checked()
        expect(page.locator("#notices")).to_contain_text("notes.xyz")
        expect(page.locator('[aria-controls="options"]')).to_have_attribute("aria-expanded", "true")
        expect(page.locator("#option-margin_top")).to_be_visible()
        assert page.evaluate("scrollY") == pytest.approx(place, abs=2)
    look(page, "list as it was")
    page.locator("#notices").get_by_role("button", name="Close").click()
    # An older file that somebody opens stays open, though there is a newer upload.
    page.get_by_role("button", name="No face found: 3").click()
    drop(page, {"new.jpg": face})
    expect(card(page, "new.jpg").locator(".comparison")).to_be_visible()
    card(page, "wall 0.jpg").locator(".opener").click()
    drop(page, {"empty.jpg": b""})
    act(card(page, "face 0.jpg"), "discard")
    card(page, "wall 0.jpg").locator(".opener").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".job.open .job-name")).to_have_text("wall 0.jpg")
    page.reload()
    expect(page.locator(".job.open .job-name")).to_have_text("wall 0.jpg")
    expect(page.locator("#notices")).not_to_contain_text("notes.xyz")


@pytest.mark.long
def test_a_video_is_looked_at_where_it_was(visit: Open, astronaut: Image, tmp_path: Path) -> None:
    actor, _ = head(astronaut, 0.6)
    pictures = [put(scenery(5, WALL), actor, 60 + 3 * i, 40) for i in range(FRAMES)]
    page = visit()
    drop(page, {"c.mp4": film(tmp_path / "c.mp4", pictures).read_bytes()})
    job = ended(page, "c.mp4")
    for _ in range(5):
        job.get_by_role("button", name="Next frame").click()
    page.reload()
    expect(ended(page, "c.mp4").locator(".frames output")).to_have_text(f"Frame 6 of {FRAMES}")
    dialog = hands.review(ended(page, "c.mp4"))
    for _ in range(3):
        dialog.press(".")
    page.reload()  # sooner than the address tells the frame
    expect(opened(page).locator(".frame-said")).to_contain_text(f"frame 4 of {FRAMES}")


@pytest.mark.long
def test_a_service_that_is_started_anew(
    browser: Browser, detector: str, astronaut: Image, tmp_path: Path
) -> None:
    """The page says what to do, and goes on by itself once that is done, its pictures, too."""
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    with running(tmp_path / "jobs") as server:
        page.goto(server.address)
        page.locator(".zone").wait_for()
        drop(page, {"a.jpg": jpeg(astronaut[:320, 60:380])})
        ended(page, "a.jpg")
        after, offline = page.locator(".compare img").first, page.locator(".offline-note")
        expect(after).to_have_js_property("complete", True)
        server.kill()
        expect(offline).to_contain_text("The connection to FaceVeil is lost")
        # Those it has had the browser may still have.
        page.route("**/frames/*", lambda route: route.abort())
        for _ in range(2):
            card(page, "a.jpg").locator('[data-action="compare"]').click()
        expect(page.locator(".compare")).to_contain_text("This picture cannot be shown")
        page.unroute("**/frames/*")
        server.start()
        expect(offline).to_contain_text("Open the address that “faceveil serve” printed")
        # It stays: what comes and goes is read out again and again.
        assert offline.evaluate(CHANGES, 4000) == []
        context.new_page().goto(server.address)
        expect(offline).to_be_hidden()
        expect(page.locator(".compare")).not_to_contain_text("This picture cannot be shown")
        expect(page.locator(".compare img[src]")).to_have_count(2)
    context.close()


@pytest.mark.long
def test_while_the_service_does_not_answer(visit: Open, astronaut: Image, server: Server) -> None:
    page = visit(provoked="ERR_INTERNET_DISCONNECTED")
    dialog = hands.review(photo(page, astronaut))
    page.context.set_offline(True)
    with page.expect_event("requestfailed"):
        page.keyboard.press("n")
    expect(dialog.locator(".draft-state")).to_contain_text("in this tab only")
    assert draft_of(server)["version"] == 0
    page.context.set_offline(False)
    expect(dialog.locator(".draft-state")).to_have_text("Changes kept, not applied yet")
    assert len(draft_of(server)["added"]) == 1


@pytest.mark.long
def test_back_and_forward(visit: Open, astronaut: Image, tmp_path: Path) -> None:
    actor, _ = head(astronaut, 0.6)
    pictures = [put(scenery(5, WALL), actor, 60 + 3 * i, 40) for i in range(FRAMES)]
    page = visit()
    drop(page, {"c.mp4": film(tmp_path / "c.mp4", pictures).read_bytes()})
    dialog = hands.review(ended(page, "c.mp4"))
    for _ in range(7):
        dialog.press(".")
    page.keyboard.press("n")
    page.wait_for_url(lambda url: url.endswith(":7"))
    page.reload()
    dialog = opened(page)
    expect(dialog.locator(".frame-said")).to_contain_text(f"frame 8 of {FRAMES}")
    expect(dialog.locator(".strip-row")).to_have_count(2)
    page.go_back()
    expect(dialog).to_have_count(0)
    assert "#" not in page.url
    page.go_forward()
    expect(opened(page).locator(".strip-row")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    wait_for(lambda: "#" not in page.url)


@pytest.mark.long
def test_two_windows(visit: Open, astronaut: Image, server: Server) -> None:
    """The second does not overwrite what the first has kept."""
    one, other = visit(), visit(provoked="409")
    first = hands.review(photo(one, astronaut))
    second = hands.review(card(other, "group.jpg"))
    one.keyboard.press("n")
    expect(first.locator(".draft-state")).to_have_text("Changes kept, not applied yet")
    other.keyboard.press("n")
    expect(second.locator(".draft-state")).to_contain_text("another window")
    assert len(draft_of(server)["added"]) == 1
    assert draft_of(server)["version"] == 1


@pytest.mark.long
def test_discard_can_be_undone(visit: Open, look: Look, astronaut: Image, server: Server) -> None:
    page = visit()
    job = photo(page, astronaut)
    backs: list[Callable[[], None]] = [
        lambda: page.locator(".toast.offer").get_by_role("button", name="Undo").click(),
        lambda: page.keyboard.press("Control+z"),
    ]
    for back in backs:
        act(job, "discard")
        expect(page.locator(".job")).to_have_count(0)
        look(page, "discarded")
        page.wait_for_timeout(300)
        assert len(server.jobs()) == 1
        back()
        expect(page.locator(".job")).to_have_count(1)
        expect(page.locator(".toast")).to_have_count(0)
    # Leaving the page makes it final: nobody could undo it any more.
    act(job, "discard")
    expect(page.locator(".job")).to_have_count(0)
    page.reload()
    wait_for(lambda: not server.jobs())


@pytest.mark.long
def test_reviewing_puts_off_the_deletion(
    visit: Open, look: Look, astronaut: Image, server: Server
) -> None:
    page = visit()
    dialog = hands.review(photo(page, astronaut))
    expect(dialog.locator(".keeping")).to_contain_text("The original is deleted in")
    before = server.jobs()[0]
    assert before["original_expires"] < before["original_latest"]
    dialog.get_by_role("button", name="Keep longer").click()
    wait_for(lambda: server.jobs()[0]["original_expires"] > before["original_expires"])
    assert server.jobs()[0]["original_latest"] == before["original_latest"]


@pytest.mark.long
def test_what_the_check_added_is_shown_and_can_be_taken_away(
    visit: Open, look: Look, astronaut: Image, server: Server
) -> None:
    page = visit()
    original = hands.group(astronaut)
    job = photo(page, astronaut)
    dialog = hands.review(job)
    dialog.locator(".strip-row").first.get_by_role("button", name="Delete").click()
    hands.save(dialog)
    job = ended(page, "group.jpg")
    expect(job.locator(".facts")).to_contain_text("3 faces")
    dialog = hands.review(job)
    expect(dialog.locator(".face-box.checked")).to_have_count(1)
    row = dialog.locator(".strip-row").filter(has_text="found by the check")
    expect(row).to_have_count(1)
    look(page, "editor with what the check added")
    row.get_by_role("button", name="No face here").click()
    hands.save(dialog)
    job = ended(page, "group.jpg")
    expect(job.locator(".facts")).to_have_text("2 faces found and obscured · 1 left visible")
    result = hands.decoded(hands.download(job.locator('[data-action="download"]'))[1])
    shown = [hands.difference(result, original, hands.face_at(astronaut, n)) < 4 for n in range(3)]
    assert sorted(shown) == [False, False, True]
