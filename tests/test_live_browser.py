"""The page's camera in a real browser: a fake camera shows a composed video of a real face."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("uvicorn", reason="the server's packages are not installed")

from playwright.sync_api import Error, Locator, Page, Playwright, WebSocket, expect

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
        sent, back: pictures by connection and number, as messages. Each connection counts anew.
        wrong: errors of the page.
        fps, delay: frames a second, and milliseconds, as the page tells them at the end.
    """

    def __init__(self, page: Page) -> None:
        self.sent: dict[int, bytes] = {}
        self.back: dict[int, bytes] = {}
        self.wrong: list[str] = []
        self.fps = self.delay = 0.0
        self._connections = 0
        page.on("websocket", self._watch)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on(
            "console",
            lambda said: self.wrong.append(said.text) if said.type == "error" else None,
        )

    def _watch(self, opened: WebSocket) -> None:
        self._connections += 1
        first = self._connections << 32

        def keep(into: dict[int, bytes], message: bytes | str) -> None:
            if isinstance(message, bytes):
                into[first + int.from_bytes(message[:4], "big")] = message

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
    expect(page.locator(".camera-recording")).to_contain_text("Recording")
    until = time.monotonic() + PATIENCE
    page.wait_for_timeout(2000)
    while not enough(seen) and time.monotonic() < until:
        page.wait_for_timeout(500)
    look(page, "camera")
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
    row = page.locator(".recordings li")
    expect(row).to_have_count(1)
    expect(row.get_by_text("Broken off")).to_have_count(0)
    row.get_by_role("button", name="Delete").click()
    page.locator(".toast").get_by_role("button", name="Close").click()
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


def started(page: Page) -> None:
    """Record, until there is something to keep."""
    expect(page.locator(".camera-figures")).to_contain_text("frames a second")
    page.locator('[data-action="camera-record"]').click()
    recorded(page)


def recorded(page: Page, least: float = 2.0) -> None:
    """Wait until so many seconds are recorded, by what the page tells."""
    told = page.locator(".camera-recording")
    expect(told).to_be_visible()
    until = time.monotonic() + PATIENCE
    while int((re.findall(r"(\d+) sec", told.inner_text()) or ["0"])[0]) < least:
        assert time.monotonic() < until
        page.wait_for_timeout(200)


def length(film: Path) -> float:
    """Seconds, every frame decoded."""
    with av.open(str(film)) as file:
        times = [frame.time or 0.0 for frame in file.decode(video=0)]
    assert times == sorted(times)
    return times[-1]


def saved(page: Page, click: Locator) -> Path:
    with page.expect_download() as download:
        click.click()
    name = download.value.suggested_filename
    assert re.fullmatch(r"camera-[\d-]+\.veiled\.mp4", name), name
    return Path(download.value.path())


def test_a_recording_outlasts_a_reload_and_a_crash(page: Page, address: str) -> None:
    """It is offered to be saved and gone on with, is one film at the end, and goes when deleted."""
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(address)
    page.locator('[data-action="camera-start"]').click()
    started(page)
    look(page, "camera recording")
    page.reload()
    row = page.locator(".recordings li")
    expect(row.get_by_text("Broken off")).to_be_visible()
    expect(row).to_have_count(1)
    ready = "node => fetch(node.poster).then((answer) => answer.blob()).then((blob) => blob.size)"
    assert row.locator("video").evaluate(ready) > 500
    look(page, "camera broken off")
    first = length(saved(page, row.get_by_role("link", name="Download")))
    assert first > 1

    row.get_by_role("button", name="Go on recording").click()
    recorded(page, first + 2)
    second = length(saved(page, page.locator('[data-action="camera-record"]')))
    assert second > first + 1
    expect(row).to_have_count(1)
    expect(row.get_by_text("Broken off")).to_have_count(0)
    # A person who ends it while the camera runs goes on with it, too, and then the tab crashes.
    row.get_by_role("button", name="Go on recording").click()
    recorded(page, second + 1)
    browser = page.context.browser
    assert browser is not None
    with suppress(Error):
        page.goto("chrome://crash")
    page = browser.new_page(locale="en-GB")
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(address)
    row = page.locator(".recordings li")
    expect(row.get_by_text("Broken off")).to_be_visible()
    assert length(saved(page, row.get_by_role("link", name="Download"))) > second

    row.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(row).to_have_count(1)
    row.get_by_role("button", name="Delete").click()
    page.locator(".toast").get_by_role("button", name="Close").click()
    page.reload()
    page.locator(".zone").wait_for()
    expect(row).to_have_count(0)


def test_what_is_covered_is_shown(page: Page, address: str) -> None:
    """Their number, and an outline around each; a switch takes the outlines away."""
    page.goto(address)
    page.locator('[data-action="camera-start"]').click()
    tag, outlines = page.locator(".covered"), page.locator(".camera-stage .boxes")
    expect(tag).to_have_text("1 area is covered")
    look(page, "camera covered")
    # The outline lies around the face, while it is not all of the picture that is covered.
    page.wait_for_function("""() => {
      const stage = document.querySelector(".camera-stage");
      const view = stage.querySelector("canvas");
      const wide = [...stage.querySelectorAll("rect")].map((one) => one.width.baseVal.value);
      const share = wide[0] / view.width;
      return stage.dataset.covered === "some" && wide.length === 1 && share > 0.05 && share < 0.9;
    }""")
    page.get_by_role("switch", name="Outline").uncheck()
    expect(outlines).to_be_hidden()
    expect(tag).to_be_visible()


def look(page: Page, name: str) -> None:
    if folder := os.environ.get("FACEVEIL_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.long
def test_it_keeps_up_with_a_camera(page: Page, address: str) -> None:
    """On a machine with nothing else to do."""
    seen = record(page, address, lambda seen: len(seen.back) > 30)
    assert seen.fps > 5
