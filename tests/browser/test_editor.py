"""The editor by hand: wheel, fingers and keys; each track trimmed, split and joined."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import FloatRect, Locator, Page, ViewportSize, expect

from browser import hands
from browser.hands import drop, ended, jpeg
from faceveil.frames import Image
from films import film, head, put, scenery

pytestmark = pytest.mark.slow

Open = Callable[..., Page]
Look = Callable[[Page, str], None]

FRAMES, WALL = 30, (480, 288)
PHONE: ViewportSize = {"width": 360, "height": 740}
NARROW = {"viewport": PHONE}
ORIGINAL = re.compile(r"/frames/\d+\?of=original&width=(\d+)")


def place(found: Locator) -> FloatRect:
    box = found.bounding_box()
    assert box is not None
    return box


@pytest.mark.long
def test_closer_and_elsewhere(visit: Open, look: Look, astronaut: Image) -> None:
    page = visit()
    asked: list[int] = []
    drop(page, {"group.jpg": jpeg(hands.group(astronaut))})
    job = ended(page, "group.jpg")
    page.on("request", lambda one: asked.extend(map(int, ORIGINAL.findall(one.url))))
    dialog = hands.review(job)
    boxes, stage = dialog.locator(".face-box"), dialog.locator(".stage")
    # None was asked for before it was known how large it is shown.
    expect(stage.locator("img")).to_have_js_property("naturalWidth", hands.SIZE[0])
    assert not [width for width in asked if width < 700]
    expect(boxes.locator(".number")).to_have_text(["1", "2", "3"])
    whole, face = place(stage), place(boxes.nth(1))

    # The wheel enlarges what lies under the pointer, which stays there.
    x, y = face["x"] + face["width"] / 2, face["y"] + face["height"] / 2
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    wider = place(stage)
    assert wider["width"] > 2 * whole["width"]
    near = place(boxes.nth(1))
    assert abs(near["x"] + near["width"] / 2 - x) < 3
    assert abs(near["y"] + near["height"] / 2 - y) < 3

    # Enlarged, a drag moves the picture and draws nothing.
    room = place(dialog.locator(".viewport"))
    page.mouse.move(room["x"] + 30, room["y"] + 30)
    page.mouse.down()
    page.mouse.move(room["x"] + 130, room["y"] + 90, steps=4)
    page.mouse.up()
    moved = place(stage)
    assert abs(moved["x"] - wider["x"] - 100) < 12
    assert moved["width"] == wider["width"]
    expect(boxes).to_have_count(3)
    # A drag that is to draw does.
    dialog.get_by_role("button", name="Draw", exact=True).click()
    page.mouse.move(room["x"] + 30, room["y"] + 30)
    page.mouse.down()
    page.mouse.move(room["x"] + 130, room["y"] + 90, steps=4)
    page.mouse.up()
    expect(boxes).to_have_count(4)
    dialog.get_by_role("button", name="Draw", exact=True).click()

    # By keyboard: out again, and close to the selected face.
    for _ in range(12):
        page.keyboard.press("-")
    assert place(stage)["width"] == whole["width"]
    boxes.nth(2).focus()
    page.keyboard.press("z")
    close = place(boxes.nth(2))
    assert close["width"] > 2 * face["width"]
    assert abs(close["x"] + close["width"] / 2 - room["x"] - room["width"] / 2) < 40
    look(page, "editor close")
    page.keyboard.press("h")
    expect(boxes.nth(2)).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("h")
    expect(boxes.nth(2)).to_have_attribute("aria-pressed", "true")


@pytest.mark.long
def test_two_fingers(visit: Open, look: Look, astronaut: Image) -> None:
    page = visit(viewport={"width": 360, "height": 740}, has_touch=True, device_scale_factor=2)
    drop(page, {"group.jpg": jpeg(hands.group(astronaut))})
    dialog = hands.review(ended(page, "group.jpg"))
    stage = dialog.locator(".stage")
    before, room = place(stage), place(dialog.locator(".layer"))
    x, y = room["x"] + room["width"] / 2, room["y"] + room["height"] / 2
    fingers = page.context.new_cdp_session(page)

    def touch(kind: str, *apart: float) -> None:
        points = [{"x": x + side * gap, "y": y, "id": n} for gap in apart for n, side in SIDES]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 20)
    for gap in (30, 45, 60):
        touch("touchMove", gap)
    touch("touchEnd")
    look(page, "editor two fingers")
    assert place(stage)["width"] == pytest.approx(3 * before["width"], rel=0.1)
    expect(dialog.locator(".face-box")).to_have_count(3)


SIDES = ((0, -1), (1, 1))


def test_tracks_over_time(visit: Open, look: Look, astronaut: Image, tmp_path: Path) -> None:
    actor, _ = head(astronaut, 0.6)
    pictures = [put(scenery(5, WALL), actor, 60 + 3 * i, 40) for i in range(FRAMES)]
    page = visit()
    drop(page, {"c.mp4": film(tmp_path / "c.mp4", pictures).read_bytes()})
    dialog = hands.review(ended(page, "c.mp4"))
    rows = dialog.locator(".strip-row")
    rows.first.locator(".face-thumb").click()
    for _ in range(FRAMES):
        dialog.press(",")
    for _ in range(10):
        dialog.press(".")
    dialog.get_by_role("button", name="Split here").click()
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("1–10")
    expect(rows.nth(1)).to_contain_text(f"11–{FRAMES}")
    # Trimmed by button and by key, then joined: what lies between is filled in.
    rows.nth(1).locator(".face-thumb").click()
    for _ in range(5):
        dialog.press(".")
    page.keyboard.press("[")
    expect(rows.nth(1)).to_contain_text(f"16–{FRAMES}")
    dialog.get_by_role("button", name="Join with").click()
    expect(dialog.locator(".merge-hint")).to_contain_text("Choose the other face")
    look(page, "editor joining")
    rows.nth(0).locator(".face-thumb").click()
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text(f"1–{FRAMES}")
    for _ in range(4):
        dialog.press(",")
    expect(dialog.locator(".face-box")).to_have_count(1)
    look(page, "editor joined")


def said_frame(found: Locator) -> int:
    """The number of the frame that a player says it shows."""
    number = re.search(r"[Ff]rame (\d+) of", found.inner_text())
    assert number is not None
    return int(number[1])


@pytest.mark.long
def test_plays_with_boxes_and_sound(
    visit: Open, look: Look, astronaut: Image, tmp_path: Path, axe: str
) -> None:
    actor, _ = head(astronaut, 0.6)
    pictures = [put(scenery(5, WALL), actor, 20 + i, 40) for i in range(2 * FRAMES)]
    clip = film(tmp_path / "c.mp4", pictures, sound="aac")
    # No browser plays this one: its pictures come one by one.
    other = film(tmp_path / "c.avi", pictures[::4], sound="mp3")
    page = visit(provoked="500 (Internal", **NARROW)
    drop(page, {"c.mp4": clip.read_bytes(), "c.avi": other.read_bytes()})
    dialog = hands.review(ended(page, "c.mp4"))
    said, player = dialog.locator(".frame-said"), dialog.locator("video.film")
    page.evaluate(axe)
    page.evaluate("window.shown = []")
    # Each picture that the browser shows: its time, and then the frame and the box of the page.
    player.evaluate("""(video) => {
      const said = document.querySelector(".frame-said");
      const tell = (time) => {
        const box = document.querySelector(".face-box");
        const frame = Number(/frame (\\d+)/.exec(said.textContent)[1]);
        const plays = video.classList.contains("on");
        if (plays) window.shown.push([time * 25, frame - 1, box.offsetLeft]);
      };
      const note = (_, { mediaTime }) => {
        setTimeout(tell, 0, mediaTime);
        video.requestVideoFrameCallback(note);
      };
      video.requestVideoFrameCallback(note);
    }""")
    page.keyboard.press("k")
    pause = dialog.get_by_role("button", name="Pause")
    expect(pause).to_be_visible()
    expect(player).to_have_class("film on")
    look(page, "editor playing")
    expect(said).to_contain_text(f"frame {2 * FRAMES} of")
    expect(dialog.get_by_role("button", name="Play")).to_be_visible()
    expect(player).to_have_class("film")
    assert player.evaluate("(video) => video.webkitAudioDecodedByteCount") > 0
    # The boxes went along: one pixel of the film for each frame of it.
    shown = page.evaluate("window.shown")
    scale = place(dialog.locator(".stage"))["width"] / WALL[0]
    assert len(shown) > 5
    for time, frame, left in shown:
        assert abs(frame - time) < 1.5
        assert abs((left - shown[0][2]) / scale - (frame - shown[0][1])) < 6
    assert hands.barriers(page) == []

    # Slowly, then stopped by going elsewhere: to the beginning of the face.
    dialog.get_by_label("Speed").select_option("0.25")
    dialog.get_by_role("button", name="Play").click()
    expect(player).to_have_class("film on")
    assert player.evaluate("(video) => video.playbackRate") == 0.25
    dialog.get_by_role("button", name="Sound").click()
    assert player.evaluate("(video) => video.muted")
    dialog.get_by_role("button", name="go to the start").click()
    expect(said).to_contain_text("frame 1 of")
    expect(player).to_have_class("film")
    page.keyboard.press(".")
    assert said_frame(said) == 2
    # A picture that cannot be made is no empty place.
    page.route("**/frames/*", lambda route: route.fulfill(status=500))
    page.keyboard.press(".")
    expect(dialog.locator(".picture-missing")).to_have_text("This picture cannot be shown.")
    look(page, "editor picture missing")
    page.unroute("**/frames/*")
    page.keyboard.press(".")
    expect(dialog.locator(".picture-missing")).to_have_count(0)
    dialog.get_by_role("button", name="Close", exact=True).click()

    # The result, in the comparison.
    card = ended(page, "c.mp4")
    hands.act(card, "compare")
    card.get_by_role("button", name="Play").click()
    expect(card.locator("video.film")).to_have_class("film on")
    look(page, "result playing")
    expect(card.locator("output")).to_have_text(f"Frame {2 * FRAMES} of {2 * FRAMES}")
    card.get_by_role("button", name="Previous frame").click()
    expect(card.locator("output")).to_contain_text(f"Frame {2 * FRAMES - 1} of")
    assert hands.barriers(page) == []

    dialog = hands.review(ended(page, "c.avi"))
    dialog.get_by_role("button", name="Play").click()
    expect(dialog.locator(".play-note")).to_contain_text("single pictures")
    look(page, "editor single pictures")
    expect(dialog.locator(".frame-said")).to_contain_text("frame 15 of 15")
    expect(dialog.get_by_role("button", name="Play")).to_be_visible()


@pytest.mark.long
def test_next_leads_through_the_files_to_look_at(visit: Open, astronaut: Image) -> None:
    page = visit()
    page.locator("input[name=review]").check()
    picture = jpeg(hands.group(astronaut))
    drop(page, {"a.jpg": picture, "b.jpg": picture})
    ended(page, "b.jpg", "review")
    dialog = hands.review(ended(page, "a.jpg", "review"))
    page.keyboard.press("n")
    for name, boxes in (("b.jpg", 3), ("a.jpg", 4)):
        dialog.get_by_role("button", name="Next file").click()
        expect(dialog.locator("h2")).to_have_text(name)
        expect(dialog.locator(".face-box")).to_have_count(boxes)


def test_a_box_that_is_lost_is_said_and_stays(
    visit: Open, look: Look, tmp_path: Path, axe: str
) -> None:
    """A thing around which a box was drawn is gone from one frame to the next, without a cut."""
    gone = 18
    thing = scenery(8, (66, 66))
    pictures = [
        put(scenery(3, WALL), thing, 40 + 4 * index, 190) if index < gone else scenery(3, WALL)
        for index in range(FRAMES)
    ]
    page = visit()
    page.evaluate(axe)
    drop(page, {"c.mp4": film(tmp_path / "c.mp4", pictures).read_bytes()})
    dialog = hands.review(ended(page, "c.mp4"))
    hands.drag(dialog, WALL, (40, 190), (106, 256))
    told = dialog.locator(".following")
    expect(told).to_contain_text("was followed from")
    there = told.get_by_role("button", name="Lost at")
    expect(there).to_contain_text("from there on the box stands still. Look there")
    assert hands.barriers(page) == []
    look(page, "editor lost")
    page.set_viewport_size(PHONE)
    look(page, "editor lost phone")
    assert hands.probe(page, "cutOff") == []
    there.focus()
    page.keyboard.press("Enter")
    said, box = dialog.locator(".frame-said"), dialog.locator(".face-box")
    assert gone - 2 <= said_frame(said) <= gone + 2
    before = place(box)["x"]
    dialog.locator(".scrub").press("End")
    expect(said).to_contain_text(f"frame {FRAMES} of")
    expect(box).to_have_attribute("aria-pressed", "true")
    assert abs(place(box)["x"] - before) < 2
