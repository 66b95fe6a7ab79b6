"""A browser's way in, and the page that it shows without a token."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Browser, Page, expect

from faceveil.system.browser import show_in_browser
from servers import PATIENCE, Server

pytestmark = pytest.mark.slow

Open = Callable[..., Page]
Look = Callable[[Page, str], None]


def test_the_token_leaves_the_address_at_once(visit: Open, server: Server) -> None:
    page = visit()
    assert page.url == f"http://127.0.0.1:{server.port}/"
    (cookie,) = page.context.cookies()
    assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")
    assert server.token not in str(page.context.cookies())
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("document.referrer") == ""
    page.reload()
    page.locator(".zone").wait_for()
    page.go_back()  # what comes before is no address with the token in it
    assert server.token not in page.url


def test_a_file_opens_the_page(
    browser: Browser, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cookie for this site alone does not travel along what began elsewhere, as here."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    show_in_browser(tmp_path, server.address)
    context = browser.new_context()
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    page.goto(opened[0])
    page.locator(".zone").wait_for()
    assert page.url == f"http://127.0.0.1:{server.port}/"
    context.close()


def test_who_has_none_reads_why(browser: Browser, server: Server, look: Look) -> None:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    for path in ("", "?token=wrong", "api/jobs"):
        answer = page.goto(f"http://127.0.0.1:{server.port}/{path}")
        assert answer is not None
        assert answer.status == 401
        expect(page.locator("section[lang=en]")).to_contain_text("needs its token")
        expect(page.locator("section[lang=zh]")).to_contain_text("令牌")
    assert page.evaluate("getComputedStyle(document.body).maxWidth") == "544px"
    look(page, "without a token")
    context.close()
