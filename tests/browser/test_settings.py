"""The settings of the page: few in plain words, all to be found, kept, and applied again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Page, expect

from browser import hands
from browser.hands import choose, decoded, download, drop, ended, jpeg
from faceveil.frames import Image
from faceveil.geometry import Box
from servers import Server

pytestmark = pytest.mark.slow

Open = Callable[..., Page]
Look = Callable[[Page, str], None]

SAMPLE_FACE = Box(190, 85, 255, 170)


def test_five_in_plain_words_and_the_rest_by_search(visit: Open, look: Look) -> None:
    page = visit()
    for plain in ("input[name=preset]", "#option-shape", "#option-min_face", "#option-audio"):
        expect(page.locator(plain).first).to_be_visible()
    expect(page.locator("input[name=review]")).to_be_visible()
    expect(page.locator("#option-encoder")).to_be_hidden()
    page.locator("summary").click()
    search = page.get_by_role("searchbox")
    search.fill("crf")
    expect(page.locator(".more .field:visible")).to_have_count(1)
    expect(page.locator("#option-video_quality")).to_be_visible()
    search.fill("no such thing")
    expect(page.get_by_text("No setting is called that.")).to_be_visible()
    search.fill("")
    every = page.locator(".field")
    expect(every.locator(".usual:not(:empty)")).to_have_count(every.count())

    # Each has its default and a way back; a preset's default is the preset's.
    cells = page.locator(".field:has(#option-cells)")
    expect(cells).to_contain_text("Default: 3")
    choose(page, "light")
    expect(cells).to_contain_text("Default: 5")
    page.locator("#option-cells").fill("2")
    look(page, "settings chosen")
    cells.get_by_role("button", name="Reset: Colour cells across a face").click()
    expect(page.locator("#option-cells")).to_have_value("5")
    expect(cells.get_by_role("button")).to_be_hidden()


@pytest.mark.long
def test_they_are_remembered(visit: Open, astronaut: Image, server: Server) -> None:
    page = visit()
    choose(page, "strict")
    page.locator("#option-shape").select_option("ellipse")
    page.locator("#option-min_face").fill("31")
    page.locator("input[name=review]").check()
    page.reload()
    expect(page.locator("input[value=strict]")).to_be_checked()
    expect(page.locator("#option-shape")).to_have_value("ellipse")
    expect(page.locator("input[name=review]")).to_be_checked()
    drop(page, {"a.jpg": jpeg(astronaut)})
    ended(page, "a.jpg", "review")
    (sent,) = server.jobs()
    assert sent["options"] == {"preset": "strict", "shape": "ellipse", "min_face": 31}
    page.locator(".unfold").first.click()
    page.get_by_role("button", name="Reset all settings").click()
    expect(page.locator("input[value=balanced]")).to_be_checked()
    expect(page.locator("#option-min_face")).to_have_value("")
    page.reload()
    page.locator(".job").wait_for()
    page.locator(".unfold").first.click()
    expect(page.locator("#option-shape")).to_have_value("box")
    expect(page.locator("input[name=review]")).not_to_be_checked()


@pytest.mark.long
def test_what_is_kept_in_the_browser_may_be_anything(visit: Open, astronaut: Image) -> None:
    page = visit()
    wrong = '{"cells": -4, "shape": "heart", "cover_zones": 5, "x": 1}'
    for kept in ("{", "7", f'{{"preset": "none", "given": {wrong}}}'):
        page.evaluate("(kept) => localStorage.setItem('faceveil.settings', kept)", kept)
        page.reload()
        expect(page.locator("input[value=balanced]")).to_be_checked()
        expect(page.locator("#option-cells")).to_have_value("3")
        expect(page.locator("#option-shape")).to_have_value("box")
    drop(page, {"a.jpg": jpeg(astronaut)})
    ended(page, "a.jpg")


@pytest.mark.long
def test_a_sample_and_then_with_other_settings(
    visit: Open, look: Look, astronaut: Image, server: Server
) -> None:
    page = visit()
    page.get_by_role("button", name="Try it with a sample").click()
    job = ended(page, "sample.jpg")
    expect(job.locator(".facts")).to_contain_text("1 face found and obscured")
    expect(job.locator(".comparison img[src]")).to_have_count(2)
    look(page, "sample")
    page.locator(".unfold").first.click()
    choose(page, "strict")
    with page.expect_response(lambda answer: answer.url.endswith("/render")):
        page.get_by_role("button", name="Apply to finished files").click()
    server.wait_all()
    job = ended(page, "sample.jpg")
    (told,) = server.jobs()
    assert told["options"] == {"preset": "strict"}
    picture = decoded(download(job.locator('[data-action="download"]'))[1])
    assert hands.is_grey(picture, SAMPLE_FACE)
    expect(job.locator(".comparison img[src]")).to_have_count(2)

    # Another smallest face finds other faces: the picture is looked at anew.
    page.locator("#option-min_face").fill("64")
    with page.expect_response(lambda answer: answer.url.endswith("/render")):
        page.get_by_role("button", name="Apply to finished files").click()
    server.wait_all()
    assert server.api.get(f"/api/jobs/{told['id']}/plan").json()["min_face"] == 64
