"""The page's camera in a real browser: a fake camera shows a composed video of a real face."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("uvicorn", reason="the server's packages are not installed")

from playwright.sync_api import Page, Playwright, WebSocket, expect

from faceveil.detect import load_detector
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.options import Options
from films import head, put, scenery
from servers import PATIENCE, running

pytestmark = [pytest.mark.alone, pytest.mark.slow]

SIZE = (640, 360)
FRAMES, RATE = 60, 20
SURE = 0.6


@pytest.fixture(scope="module")
def address(detector: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own."""
    with running(tmp_path_factory.mktemp("jobs") / "jobs") as server:
        yield server.address


@pytest.fixture
def camera(tmp_path: Path, astronaut: Image) -> Path:
    """A head that walks to and fro, as the raw video Chromium takes for a camera."""
    path, background = tmp_path / "camera.y4m", scenery(2, SIZE)
    actor, _ = head(astronaut, 1.0)
    width, height = SIZE
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{RATE}:1 Ip A1:1 C420mpeg2\n".encode())
        for number in range(FRAMES):
            x = 60 + 6 * min(number, FRAMES - number)
            picture = cv2.cvtColor(put(background, actor, x, 80), cv2.COLOR_BGR2YUV_I420)
            file.write(b"FRAME\n" + picture.tobytes())
    return path


@pytest.fixture
def page(playwright: Playwright, chromium: str, camera: Path) -> Iterator[Page]:
    arguments = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
    ]
    arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
    browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
    page = browser.new_page(locale="en-GB")
    page.set_default_timeout(PATIENCE * 1000)
    yield page
    browser.close()


def picture(message: bytes) -> tuple[int, Image]:
    decoded = cv2.imdecode(np.frombuffer(message[4:], np.uint8), cv2.IMREAD_COLOR)
    return int.from_bytes(message[:4], "big"), np.asarray(decoded, np.uint8)


def detail(image: Image, box: Box) -> float:
    """The amount of fine structure inside a box."""
    x0, y0, x1, y1 = (round(value) for value in box.padded(-0.15, -0.15, -0.15, -0.15).as_tuple())
    part = cv2.cvtColor(image[max(0, y0) : y1, max(0, x0) : x1], cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(part, cv2.CV_32F).std())


CHOSEN_TWICE = """async () => {
  const [media, streams] = [navigator.mediaDevices, []];
  const choice = document.querySelector(".camera-tools select");
  const both = new Promise((resolve) => {
    const ask = media.getUserMedia.bind(media);
    media.getUserMedia = async (wanted) => {
      streams.push(await ask(wanted));
      if (streams.length === 2) setTimeout(resolve);
      return streams.at(-1);
    };
  });
  for (const _ of [1, 2]) choice.dispatchEvent(new Event("change"));
  await both;
  return streams.map((stream) => stream.getVideoTracks()[0].readyState);
}"""
"""Choose a camera twice in a hurry, as arrow keys do; what has become of both."""


class Seen:
    """The traffic of the page's camera, and its figures.

    Attributes:
        sent, back: pictures by their number, as messages.
        wrong: errors of the page.
        fps, delay: frames a second, and milliseconds, as the page tells them at the end.
    """

    def __init__(self, page: Page) -> None:
        self.sent: dict[int, bytes] = {}
        self.back: dict[int, bytes] = {}
        self.wrong: list[str] = []
        self.fps = self.delay = 0.0
        page.on("websocket", self._watch)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on(
            "console",
            lambda said: self.wrong.append(said.text) if said.type == "error" else None,
        )

    def _watch(self, opened: WebSocket) -> None:
        def keep(into: dict[int, bytes], message: bytes | str) -> None:
            if isinstance(message, bytes):
                into[int.from_bytes(message[:4], "big")] = message

        opened.on("framesent", lambda message: keep(self.sent, message))
        opened.on("framereceived", lambda message: keep(self.back, message))


def record(page: Page, address: str, enough: Callable[[Seen], bool]) -> Seen:
    """Use the camera and record, until enough was seen or patience is at its end."""
    seen = Seen(page)
    page.goto(address)
    page.locator('[data-action="camera-start"]').click()
    figures = page.locator(".camera-figures")
    expect(figures).to_contain_text("frames a second")
    expect(figures).to_contain_text("one face")
    page.locator('[data-action="camera-record"]').click()
    until = time.monotonic() + PATIENCE
    page.wait_for_timeout(2000)
    while not enough(seen) and time.monotonic() < until:
        page.wait_for_timeout(500)
    if folder := os.environ.get("FACEVEIL_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / "camera.png", full_page=True)
    seen.fps, seen.delay = (
        float(figures.get_attribute(f"data-{name}") or 0) for name in ("fps", "delay")
    )
    # Whoever leaves now is asked first, and the camera stays what it is.
    leaves = page.evaluate("dispatchEvent(new Event('beforeunload', { cancelable: true }))")
    assert leaves is False
    assert page.get_by_label("Camera", exact=True).is_disabled()
    page.get_by_label("Width").select_option("320")
    expect(figures).to_contain_text("320×180")
    with page.expect_download() as download:
        page.locator('[data-action="camera-stop"]').click()
    assert Path(download.value.path()).stat().st_size > 1000
    expect(figures).to_contain_text("off")
    assert page.evaluate("dispatchEvent(new Event('beforeunload', { cancelable: true }))") is True
    assert page.evaluate(CHOSEN_TWICE) == ["ended", "live"]
    page.locator('[data-action="camera-stop"]').click()
    print(f"camera in the page: {seen.fps:.1f} frames a second, delay {seen.delay:.0f} ms")
    return seen


def test_every_picture_that_comes_back_is_covered(page: Page, address: str) -> None:
    """Those that came too late are covered whole; more are waited for."""
    whole = set[int]()

    def enough(seen: Seen) -> bool:
        new = seen.back.keys() - looked
        looked.update(new)
        whole.update(
            number
            for number in new
            if detail(picture(seen.back[number])[1], Box(2, 2, 638, 358)) < 1.0
        )
        return len(looked) > 90 and len(looked) - len(whole) > 60

    looked = set[int]()
    seen = record(page, address, enough)
    assert seen.wrong == []
    assert seen.fps > 0
    detector = load_detector(Options(), "video")
    judged = 0
    for number, message in sorted(seen.back.items()):
        _, shown = picture(message)
        _, original = picture(seen.sent[number])
        assert shown.shape == original.shape
        for face in detector.detect(Frame(0, original), SURE):
            if face.box.size > 60:
                judged += 1
                assert detail(shown, face.box) < 0.35 * detail(original, face.box), number
    assert judged > 30
    assert len(looked) - len(whole) > 60  # it is not all of the picture that is covered


@pytest.mark.long
def test_it_keeps_up_with_a_camera(page: Page, address: str) -> None:
    """On a machine with nothing else to do."""
    seen = record(page, address, lambda seen: len(seen.back) > 30)
    assert seen.fps > 5
