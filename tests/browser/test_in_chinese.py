"""Errors on the page in Chinese: nothing of them is left in English."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Locator, Page, expect

from browser import hands
from browser.hands import card, drop, ended, jpeg, probe
from faceveil.frames import Image
from films import film, head, put, scenery

pytestmark = pytest.mark.slow

Open = Callable[..., Page]
Look = Callable[[Page, str], None]

PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2}
SENTENCE = re.compile(r"\b[A-Za-z]+[a-z'-]* [a-z]{2,}")
"""Two words of English, one after the other."""


def left_over(page: Page) -> list[str]:
    """The shown texts that are English, without names of files."""
    named = set(page.locator(".job-name, noscript").all_text_contents())
    return [text for text in probe(page, "texts") if SENTENCE.search(text) and text not in named]


def notes(page: Page, name: str, state: str) -> Locator:
    return ended(page, name, state).locator(".notes")


@pytest.mark.long
@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desk", "phone"])
def test_what_goes_wrong(
    visit: Open, look: Look, astronaut: Image, tmp_path: Path, screen: dict[str, object]
) -> None:
    where = "phone" if screen else "desk"
    page = visit(locale="zh-CN", **screen)
    page.locator("summary").click()
    assert left_over(page) == []
    page.locator("#option-on_fail").select_option("withhold")
    page.locator("summary").click()

    photo = jpeg(hands.group(astronaut))
    drop(page, {"notes.txt": b"no picture", "empty.jpg": b"", "old.psd": b"8BPS" + bytes(40)})
    toasts = page.locator(".toast")
    expect(toasts).to_have_count(1)
    expect(toasts.locator("li")).to_have_count(3)
    expect(toasts).to_contain_text("不是已知格式的图片、视频或文档")
    expect(toasts).to_contain_text("文件是空的")
    look(page, f"chinese refused {where}")
    assert left_over(page) == []
    toasts.locator("button").click()

    actor, _ = head(astronaut, 0.6)
    pictures = [put(scenery(5, (480, 288)), actor, 60 + 3 * i, 40) for i in range(60)]
    clip = film(tmp_path / "c.mp4", pictures).read_bytes()
    middle = len(clip) // 2
    holed = clip[:middle] + bytes(400) + clip[middle + 400 :]
    drop(page, {"cut.jpg": photo[: len(photo) // 3], "holed.mp4": holed})
    expect(notes(page, "cut.jpg", "failed")).to_contain_text("JPEG 数据不完整，缺少后面的部分")
    expect(notes(page, "holed.mp4", "done")).to_contain_text("帧已损坏，整帧都已遮盖")

    drop(page, {"group.jpg": photo})
    dialog = hands.review(ended(page, "group.jpg"))
    dialog.locator(".strip-row").first.get_by_role("button", name="删除").click()
    hands.save(dialog)
    withheld = notes(page, "group.jpg", "withheld")
    expect(withheld).to_contain_text("检查发现一处问题，因此没有交出结果")
    expect(withheld).to_contain_text("原件最迟在 1 小时后删除")
    look(page, f"chinese failed {where}")
    assert left_over(page) == []
    assert probe(page, "cutOff") == []
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0

    # What was said follows a switch of the language.
    page.locator("#language").select_option("en")
    expect(withheld).to_contain_text("The check found one thing, so the output was withheld")
    page.locator("#language").select_option("zh")
    expect(withheld).to_contain_text("检查发现一处问题，因此没有交出结果")
    assert left_over(page) == []
    hands.act(card(page, "holed.mp4"), "compare")
    look(page, f"chinese compared {where}")
    hands.review(ended(page, "group.jpg", "withheld"))
    look(page, f"chinese editor {where}")
    assert left_over(page) == []
