"""The page as different people use it: by keyboard, in two languages, on a phone, in the dark."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import FileChooser, FilePayload, Locator, Page, expect

from browser import hands
from browser.hands import act, card, decoded, difference, download, drop, ended, jpeg, probe
from faceveil import server as package
from faceveil.frames import Image
from faceveil.geometry import Box
from faceveil.i18n import Message, translated
from films import film, head, put, scenery
from servers import Server, holding, wait_for
from tiers import daily

pytestmark = pytest.mark.slow

Open = Callable[..., Page]
Look = Callable[[Page, str], None]

TEXTS = Path(package.__file__).parent / "static" / "texts.json"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "device_scale_factor": 2}
LEAST_CONTRAST = 4.5
"""WCAG 2.2, level AA, for text."""


def tab_to(page: Page, wanted: Locator, most: int = 60) -> None:
    """Press Tab until an element has the focus, as it must within reason, and shows it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("(node) => node === document.activeElement"):
            return
    raise AssertionError(f"not reached by Tab: {wanted}")


def test_by_keyboard_alone(visit: Open, look: Look, astronaut: Image) -> None:
    page = visit()
    # Heard from the start: a listener that comes with the key press may come too late.
    choosers: list[FileChooser] = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))
    original = hands.group(astronaut)
    tab_to(page, page.locator("input[name=preset]:checked"))
    page.keyboard.press("ArrowLeft")
    expect(page.locator("input[value=strict]")).to_be_checked()
    tab_to(page, page.locator("input[name=review]"))
    page.keyboard.press("Space")
    page.keyboard.press("Shift+Tab")
    choose = page.get_by_role("button", name="Choose files")
    for _ in range(12):
        if choose.evaluate("(node) => node === document.activeElement"):
            break
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    picture: FilePayload = {
        "name": "group.jpg",
        "mimeType": "image/jpeg",
        "buffer": jpeg(original),
    }
    until = time.monotonic() + 20
    while not choosers and time.monotonic() < until:
        page.wait_for_timeout(100)
    choosers[0].set_files(picture)

    job = ended(page, "group.jpg", "review")
    expect(page.locator("#live")).to_contain_text("Your turn")
    expect(job.locator('[data-action="download"]')).to_have_count(0)
    tab_to(page, job.locator('[data-action="edit"]'))
    look(page, "keyboard focus")
    page.keyboard.press("Enter")
    dialog = page.locator("dialog.editor")
    dialog.locator(".stage:not(.loading)").wait_for()

    boxes = dialog.locator(".face-box")
    expect(boxes).to_have_count(3)
    tab_to(page, boxes.nth(0))
    before = boxes.nth(0).get_attribute("style")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    assert boxes.nth(0).get_attribute("style") != before
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert boxes.nth(0).get_attribute("style") == before
    page.keyboard.press("Space")
    expect(boxes.nth(0)).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#live")).to_contain_text("2 hidden, 1 visible")
    page.keyboard.press("Tab")
    page.keyboard.press("Delete")
    expect(boxes).to_have_count(2)
    page.keyboard.press("Control+z")
    expect(boxes).to_have_count(3)
    page.keyboard.press("n")
    expect(boxes).to_have_count(4)
    expect(boxes.nth(3)).to_be_focused()
    look(page, "keyboard editor")
    page.keyboard.press("Delete")
    tab_to(page, dialog.locator(".editor-foot .primary"))
    page.keyboard.press("Enter")

    job = ended(page, "group.jpg")
    expect(job.locator(".facts")).to_have_text("2 faces found and obscured · 1 left visible")
    slider = job.locator(".compare-range")
    tab_to(page, slider)
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "40 % before")
    assert (
        job.locator(".compare").evaluate("(node) => node.style.getPropertyValue('--split')")
        == "40%"
    )
    link = job.locator('[data-action="download"]')
    link.focus()
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    result = decoded(Path(waiting.value.path()).read_bytes())
    shown = [difference(result, original, hands.face_at(astronaut, n)) < 4 for n in range(3)]
    assert sorted(shown) == [False, False, True]


@pytest.mark.long
def test_leaving_the_editor_loses_nothing(visit: Open, look: Look, astronaut: Image) -> None:
    page = visit()
    drop(page, {"group.jpg": jpeg(hands.group(astronaut))})
    job = ended(page, "group.jpg")
    dialog = hands.review(job)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(job.locator('[data-action="edit"]')).to_be_focused()
    dialog = hands.review(job)
    page.keyboard.press("n")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(job.locator(".notes")).to_contain_text("changes that are not applied yet")
    look(page, "draft on the card")
    dialog = hands.review(job)
    expect(dialog.locator(".face-box")).to_have_count(4)
    expect(dialog.locator(".draft-state")).to_have_text("Changes kept, not applied yet")
    dialog.get_by_role("button", name="Keys").click()
    look(page, "keys")
    page.keyboard.press("Escape")
    # All of it can be taken back, and that, too.
    dialog.get_by_role("button", name="Undo all changes").click()
    expect(dialog.locator(".face-box")).to_have_count(3)
    page.keyboard.press("Control+z")
    expect(dialog.locator(".face-box")).to_have_count(4)
    page.keyboard.press("Control+z")
    expect(dialog.locator(".face-box")).to_have_count(3)
    page.go_back()
    expect(dialog).to_have_count(0)
    expect(job.locator(".notes")).not_to_contain_text("not applied yet")
    expect(job.locator(".facts")).to_have_text("3 faces found and obscured")


@pytest.mark.parametrize(
    ("locale", "language"), daily([("zh-CN", "zh"), ("en-US", "en")], ("zh-CN", "zh"))
)
def test_language(visit: Open, look: Look, astronaut: Image, locale: str, language: str) -> None:
    english = json.loads(TEXTS.read_text(encoding="utf-8"))
    chinese = {key: translated(Message(words), "zh") for key, words in english.items()}
    table, other = (chinese, english) if language == "zh" else (english, chinese)
    page = visit(locale=locale)
    page.locator("summary").click()
    look(page, f"settings {language}")
    page.locator("summary").click()
    drop(page, {"group.jpg": jpeg(hands.group(astronaut)), "notes.txt": b"no picture at all"})
    job = ended(page, "group.jpg")
    expect(page.locator(".toast")).to_contain_text(table["advice.unreadable"])
    act(job, "compare")
    expect(job.locator(".state")).to_have_text(table["state.done"])
    expect(job.locator(".facts")).to_have_text(table["job.faces.other"].replace("{n}", "3"))
    look(page, f"page {language}")
    hands.review(job)
    look(page, f"editor {language}")
    shown = probe(page, "texts")
    assert not set(shown) & set(table), "keys without a text"
    only_there = {other[key] for key in table if other[key] != table[key]} - set(table.values())
    assert not set(shown) & only_there
    page.keyboard.press("Escape")

    choice = page.locator("#language")
    expect(choice.locator("option")).to_have_text(["English", "简体中文", "繁體中文"])
    choice.select_option("en" if language == "zh" else "zh")
    expect(job.locator(".state")).to_have_text(other["state.done"])
    expect(page.locator("html")).to_have_attribute("lang", "zh" if language == "en" else "en")
    expect(page.locator(".card b").first).to_have_text(other["preset.strict"])
    page.reload()
    expect(page.locator(".job .state")).to_have_text(other["state.done"])


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@pytest.mark.parametrize("locale", daily(["en-GB", "zh-CN"], "en-GB"))
def test_on_a_phone(visit: Open, look: Look, astronaut: Image, tmp_path: Path, locale: str) -> None:
    actor, _ = head(astronaut, 0.6)
    pictures = [put(scenery(5, (480, 288)), actor, 60 + 3 * i, 40) for i in range(20)]
    clip = film(tmp_path / "c.mp4", pictures)
    page = visit(locale=locale, **PHONE)
    page.locator("summary").tap()
    assert overflow(page) <= 0
    assert probe(page, "cutOff") == []
    look(page, f"phone settings {locale}")
    page.locator("summary").tap()
    # The page of the other language is open, too, and what was edited there stays edited.
    long, short = (
        f"{locale} a very long name of a photo that somebody took on a trip.jpg",
        f"{locale} c.mp4",
    )
    drop(page, {long: jpeg(hands.group(astronaut)), short: clip.read_bytes()})
    ended(page, short)
    job = ended(page, long)
    act(job, "compare")
    assert overflow(page) <= 0
    assert probe(page, "cutOff") == []
    look(page, f"phone page {locale}")
    for name in (long, short):
        dialog = hands.review(card(page, name))
        dialog.locator(".face-box").first.tap()
        expect(dialog.locator(".face-box").first).to_have_attribute("aria-pressed", "true")
        dialog.locator(".selection .keep").tap()
        expect(dialog.locator(".face-box").first).to_have_attribute("aria-pressed", "false")
        dialog.locator(".tools button").nth(1).tap()
        assert overflow(page) <= 0
        assert probe(page, "cutOff") == []
        look(page, f"phone editor {name} {locale}")
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)


@pytest.mark.long
def test_what_moves_under_a_finger_is_not_pressed(visit: Open) -> None:
    """A tap on a face once selected it, the page moved, and the tap ended on "keep visible"."""
    page = visit()
    page.evaluate("""() => {
      const place = "position: fixed; width: 80px; height: 40px; z-index: 9; top: 0; left: ";
      const [aimed, other] = ["0", "200px"].map((left) => {
        const button = document.createElement("button");
        button.style = place + left;
        document.body.append(button);
        return button;
      });
      window.pressed = [];
      aimed.onclick = () => window.pressed.push("aimed");
      other.onclick = () => window.pressed.push("other");
      aimed.onpointerdown = () => {
        aimed.style.left = "400px";
        other.style.left = "0";
      };
    }""")
    page.mouse.move(40, 20)
    page.mouse.down()
    page.mouse.up()
    assert page.evaluate("pressed") == []
    page.mouse.click(40, 20)
    assert page.evaluate("pressed") == ["other"]


def luminance(colour: str) -> float:
    """Relative luminance of ``rgb(r, g, b)``, as WCAG 2.2 defines it."""
    parts = [float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrasts(page: Page) -> dict[str, float]:
    """Contrast of each kind of text with what lies behind it."""
    found = {}
    for name, (one, other) in probe(page, "colours").items():
        light, dark = sorted((luminance(one), luminance(other)), reverse=True)
        found[name] = (light + 0.05) / (dark + 0.05)
    return found


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(visit: Open, look: Look, astronaut: Image, scheme: str) -> None:
    page = visit(color_scheme=scheme)
    page.locator("summary").click()
    look(page, f"settings {scheme}")
    page.locator("summary").click()
    drop(page, {"group.jpg": jpeg(hands.group(astronaut)), "notes.txt": b"no picture"})
    job = ended(page, "group.jpg")
    page.locator(".unfold").first.click()
    act(job, "compare")
    look(page, f"page {scheme}")
    read = contrasts(page)
    assert len(read) > 15
    assert {name: value for name, value in read.items() if value < LEAST_CONTRAST} == {}
    dialog = hands.review(job)
    dialog.locator(".face-box").first.click()
    hands.toggle(dialog)
    look(page, f"editor {scheme}")
    assert {n: value for n, value in contrasts(page).items() if value < LEAST_CONTRAST} == {}
    page.keyboard.press("Control+z")
    page.keyboard.press("Escape")

    colour = "getComputedStyle(document.body).backgroundColor"
    assert (luminance(page.evaluate(colour)) < 0.2) == (scheme == "dark")
    presses = 1 if scheme == "dark" else 2  # auto, light, dark
    for _ in range(presses):
        page.locator("#theme").click()
    page.reload()
    page.locator(".zone").wait_for()
    assert (luminance(page.evaluate(colour)) < 0.2) == (scheme == "light")


@pytest.mark.long
def test_pasted_and_from_a_folder(visit: Open, astronaut: Image, tmp_path: Path) -> None:
    picture = jpeg(hands.group(astronaut))
    (tmp_path / "trip" / "day 1").mkdir(parents=True)
    (tmp_path / "trip" / "day 1" / "a.jpg").write_bytes(picture)
    (tmp_path / "trip" / ".DS_Store").write_bytes(b"clutter")
    page = visit()
    hands.paste(page, "image.png", picture)
    expect(card(page, "image.png")).to_be_visible()
    page.locator("input[webkitdirectory]").set_input_files(tmp_path / "trip")
    expect(card(page, "trip/day 1/a.jpg")).to_be_visible()
    expect(page.locator(".job")).to_have_count(2)
    expect(page.locator(".toast")).to_have_count(0)
    ended(page, "image.png")
    ended(page, "trip/day 1/a.jpg")


@pytest.mark.long
def test_settings_go_along(visit: Open, astronaut: Image, server: Server) -> None:
    page = visit()
    hands.choose(page, "light")
    page.locator("summary").click()
    expect(page.locator("#option-cells")).to_have_value("5")
    hands.choose(page, "balanced")
    expect(page.locator("#option-cells")).to_have_value("3")
    page.locator("#option-method").select_option("solid")
    page.locator("#option-cover_zones").fill("80,330,200,450\n0,0,20,20")
    page.locator("#option-show_boxes").check()
    page.locator("#option-min_face").fill("25")
    page.locator("#option-margin_side").fill("0.37")
    drop(page, {"group.jpg": jpeg(hands.group(astronaut))})
    job = ended(page, "group.jpg")
    (sent,) = server.jobs()
    assert sent["options"] == {
        "preset": "balanced",
        "method": "solid",
        "cover_zones": [[80, 330, 200, 450], [0, 0, 20, 20]],
        "show_boxes": True,
        "min_face": 25,
        "margin_side": 0.37,
    }
    picture = decoded(download(job.locator('[data-action="download"]'))[1])
    assert hands.is_grey(picture, Box(95, 345, 185, 435))
    page.locator(".unfold").first.click()
    page.locator("#option-cover_zones").fill("1,2,3")
    drop(page, {"again.jpg": jpeg(hands.group(astronaut))})
    expect(page.locator("#option-cover_zones:invalid")).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.locator(".job")).to_have_count(1)


@pytest.mark.long
def test_finish_and_discard(visit: Open, astronaut: Image, server: Server) -> None:
    token = b"Pl4ntedT0ken" * 4
    page = visit()
    drop(page, {"a.jpg": jpeg(hands.group(astronaut)) + token})
    job = ended(page, "a.jpg")
    assert holding(server.folder, token)
    act(job, "finish")
    expect(job.locator('[data-action="edit"]')).to_have_count(0)
    expect(job.locator(".notes")).to_contain_text("The result is deleted in")
    assert not holding(server.folder, token)
    act(job, "compare")
    expect(job.locator(".comparison img")).to_have_count(1)
    assert decoded(download(job.locator('[data-action="download"]'))[1]).shape == (560, 900, 3)
    act(job, "discard")
    expect(page.locator(".job")).to_have_count(0)
    expect(page.locator("#jobs")).to_be_hidden()
    page.locator(".toast.offer").get_by_role("button", name="Close").click()
    wait_for(lambda: not server.jobs())


@pytest.mark.long
def test_what_the_check_found_can_be_covered(visit: Open, look: Look, astronaut: Image) -> None:
    page = visit()
    page.locator("summary").click()
    page.locator("#option-on_fail").select_option("withhold")
    original = hands.group(astronaut)
    drop(page, {"group.jpg": jpeg(original)})
    dialog = hands.review(ended(page, "group.jpg"))
    # Somebody takes a face for none.
    dialog.locator(".strip-row").first.get_by_role("button", name="Delete").click()
    hands.save(dialog)
    job = ended(page, "group.jpg", "withheld")
    expect(job.locator('[data-action="download"]')).to_have_count(0)
    # Once: its kind and its particulars say the same.
    expect(job.locator(".notes .bad")).to_have_text(
        "The check found one thing, so the output was withheld"
    )
    look(page, "withheld")
    dialog = hands.review(job)
    expect(dialog.locator(".missed")).to_contain_text("still finds one face")
    look(page, "editor withheld")
    dialog.get_by_role("button", name="Cover what it found").click()
    expect(dialog.locator(".face-box")).to_have_count(3)
    hands.save(dialog)
    job = ended(page, "group.jpg")
    expect(job.locator(".facts")).to_have_text("3 faces found and obscured")
    picture = decoded(download(job.locator('[data-action="download"]'))[1])
    assert all(difference(picture, original, hands.face_at(astronaut, n)) > 20 for n in range(3))


@pytest.mark.long
def test_cancel_and_retry(visit: Open, astronaut: Image, tmp_path: Path) -> None:
    actor, _ = head(astronaut, 0.6)
    pictures = (put(scenery(5, (640, 360)), actor, 60 + i, 40) for i in range(400))
    clip = film(tmp_path / "long.mp4", pictures)
    page = visit()
    drop(page, {"long.mp4": clip.read_bytes()})
    act(card(page, "long.mp4"), "cancel")
    job = ended(page, "long.mp4", "cancelled")
    expect(job.locator(".bad")).to_have_count(0)
    act(job, "retry")
    expect(job.locator(".pace")).to_contain_text("of 400 frames")
    job = ended(page, "long.mp4")
    expect(job.locator(".facts")).to_contain_text("1 face found and obscured")


def test_what_is_wrong_is_said(visit: Open, server: Server) -> None:
    page = visit()
    drop(page, {"empty.jpg": b"", "words.jpg": io.BytesIO(b"these are words").getvalue()})
    # One notice for all: which file, why, what to do. To send the same again would not help.
    notice = page.locator(".toast")
    expect(notice).to_have_count(1)
    expect(notice).to_contain_text("2 files were not taken")
    expect(notice.locator("li")).to_have_count(2)
    expect(notice.locator("li").first).to_have_text(
        "empty.jpgThe file is emptyGet a complete copy, or convert it to JPEG, PNG or MP4."
    )
    expect(notice.get_by_role("button", name="Try again")).to_have_count(0)
    notice.locator("button").click()
    expect(notice).to_have_count(0)
    assert server.jobs() == []
