"""A browser that notices what goes wrong, and a server for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from browser.couple import HIGH, WIDE, pictures
from faceveil.frames import Image
from films import film
from servers import PATIENCE, Server, running

if TYPE_CHECKING:  # none of it need be there: the tests then say so
    from playwright.sync_api import (
        Browser,
        BrowserContext,
        ConsoleMessage,
        Page,
        Playwright,
        Request,
    )

# What the browser itself holds against the page, for the page's own tests to ask.
_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """Debian's Chromium."""
    # Chromium's own sandbox does not start for root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def server(detector: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two workers, shared by all: each leaves it without jobs, as it found it."""
    with running(tmp_path_factory.mktemp("server") / "jobs", workers=2) as server:
        yield server


Open = Callable[..., "Page"]


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Open]:
    """Opens the page; at the end asserts that nothing went wrong in it, and discards all jobs.

    What it is called with goes to the browser's context: ``locale``, ``viewport``, ...; but
    ``provoked`` is part of an error of the console that the test brings about.
    """
    contexts: list[BrowserContext] = []
    wrong: list[str] = []
    origin = f"http://127.0.0.1:{server.port}/"

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(one in message.text for one in known):
            wrong.append(f"console: {message.text} {message.location['url']}")

    def asked(request: Request) -> None:
        if not request.url.startswith((origin, "blob:", "data:")):
            wrong.append(f"off the origin: {request.url}")

    known: list[str] = []

    def visit(provoked: str = "", **settings: Any) -> Page:
        known.extend([provoked] if provoked else [])
        context = browser.new_context(
            **{"locale": "en-GB", "viewport": {"width": 1280, "height": 900}, **settings}
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE * 1000)
        context.add_init_script(_WATCH)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("console", heard)
        page.on("request", asked)
        page.goto(server.address)
        page.locator(".zone").wait_for()
        return page

    yield visit
    for context in contexts:
        for page in context.pages:
            wrong += page.evaluate("window.violations")
        context.close()
    for job in server.jobs():
        server.api.delete(f"/api/jobs/{job['id']}")
    assert wrong == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    package = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    return Path(package.__file__).with_name("axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def her(_astronaut: Image) -> Image:
    """Somebody, (300, 270, 3) uint8 BGR."""
    picture = _astronaut[0:240, 120:336]
    return np.asarray(cv2.resize(picture, (WIDE, HIGH), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="session")
def stranger(data: Path) -> Image:
    """Somebody else, as large."""
    picture = cv2.imread(str(data / "close_ups" / "0063.jpg"))
    if picture is None:
        pytest.skip("no such picture")
    wide = picture.shape[1] * HIGH // picture.shape[0]
    whole = cv2.copyMakeBorder(
        cv2.resize(picture, (wide, HIGH)), 0, 0, 0, WIDE, cv2.BORDER_REPLICATE
    )
    return np.asarray(whole[:, :WIDE], np.uint8)


@pytest.fixture(scope="session")
def couple(her: Image, stranger: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of both, see `browser.couple`."""
    return film(tmp_path_factory.mktemp("couple") / "two.mp4", pictures(her, stranger))


@pytest.fixture
def look() -> Callable[[Page, str], None]:
    """Saves what the page looks like in the folder FACEVEIL_SCREENSHOTS, for people to see."""
    folder = os.environ.get("FACEVEIL_SCREENSHOTS")

    def look(page: Page, name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            whole = page.locator("dialog[open]").count() == 0
            page.wait_for_timeout(400)
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole)

    return look
