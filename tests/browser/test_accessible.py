"""Each state of the page against WCAG 2.2 AA, by axe: light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Page, expect

from browser import hands
from browser.hands import card, drop, ended, jpeg
from faceveil.frames import Image
from films import scenery

pytestmark = pytest.mark.slow

Open = Callable[..., Page]


@pytest.mark.long
@pytest.mark.parametrize(
    "screen",
    [
        {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
        {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}, "locale": "zh-CN"},
    ],
    ids=["light", "dark phone"],
)
def test_every_state(visit: Open, astronaut: Image, axe: str, screen: dict[str, Any]) -> None:
    page = visit(reduced_motion="reduce", **screen)
    page.evaluate(axe)  # as the debugger does: the page itself lets no such script in

    def require_clean(state: str) -> None:
        assert hands.barriers(page) == [], state

    require_clean("start")
    page.locator("summary").click()
    require_clean("all settings")
    page.locator("summary").click()
    photo = jpeg(hands.group(astronaut))
    drop(page, {"group.jpg": photo, "note.txt": b"no picture", "cut.jpg": photo[:9000]})
    ended(page, "group.jpg")
    expect(page.locator(".comparison img[src]")).to_have_count(2)
    require_clean("a result, a failure and a refusal")
    page.locator(".unfold").nth(0).click()
    page.locator(".unfold").nth(1).click()
    require_clean("settings and camera unfolded")
    page.locator(".unfold").nth(1).click()
    page.locator(".unfold").nth(0).click()
    walls = {f"wall {number}.jpg": jpeg(scenery(number, (320, 200))) for number in range(3)}
    drop(page, walls)
    for name in walls:
        ended(page, name)
    require_clean("many")
    page.locator('[data-mark="none"]').click()
    require_clean("filtered")
    page.locator('[data-mark=""]').click()
    hands.review(card(page, "group.jpg"))
    require_clean("editor")
