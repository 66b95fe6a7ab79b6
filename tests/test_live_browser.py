"""The page's camera in a real browser: a fake camera shows a composed video of a real face."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("uvicorn", reason="the server's packages are not installed")

from playwright.sync_api import Page, WebSocket, expect, sync_playwright

from faceveil.detect import load_detector
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.options import Options
from films import head, put, scenery

SIZE = (640, 360)
FRAMES, RATE = 60, 20
SURE = 0.6


@pytest.fixture(scope="module")
def address(detector: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("jobs") / "jobs"
    command = [sys.executable, "-m", "faceveil", "serve", "--port", str(port)]
    command += ["--folder", str(folder), "--jobs", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait(20)
    process.stdout.close()


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
def page(camera: Path) -> Iterator[Page]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    arguments = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
    ]
    arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page(locale="en-GB")
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def picture(message: bytes) -> tuple[int, Image]:
    decoded = cv2.imdecode(np.frombuffer(message[4:], np.uint8), cv2.IMREAD_COLOR)
    return int.from_bytes(message[:4], "big"), np.asarray(decoded, np.uint8)


def detail(image: Image, box: Box) -> float:
    """How much fine structure there is inside a box."""
    x0, y0, x1, y1 = (round(value) for value in box.padded(-0.15, -0.15, -0.15, -0.15).as_tuple())
    part = cv2.cvtColor(image[max(0, y0) : y1, max(0, x0) : x1], cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(part, cv2.CV_32F).std())


def test_every_picture_that_comes_back_is_covered(page: Page, address: str) -> None:
    sent: dict[int, bytes] = {}
    back: dict[int, bytes] = {}
    wrong: list[str] = []

    def watch(opened: WebSocket) -> None:
        def keep(into: dict[int, bytes], message: bytes | str) -> None:
            if isinstance(message, bytes):
                into[int.from_bytes(message[:4], "big")] = message

        opened.on("framesent", lambda message: keep(sent, message))
        opened.on("framereceived", lambda message: keep(back, message))

    page.on("websocket", watch)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.goto(address)
    page.locator('[data-action="camera-start"]').click()
    figures = page.locator(".camera-figures")
    expect(figures).to_contain_text("frames a second")
    expect(figures).to_contain_text("one face")
    page.locator('[data-action="camera-record"]').click()
    page.wait_for_timeout(4000)
    if folder := os.environ.get("FACEVEIL_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / "camera.png", full_page=True)
    fps, delay = (float(figures.get_attribute(f"data-{name}") or 0) for name in ("fps", "delay"))
    with page.expect_download() as download:
        page.locator('[data-action="camera-stop"]').click()
    assert Path(download.value.path()).stat().st_size > 1000
    expect(figures).to_contain_text("off")
    print(f"camera in the page: {fps:.1f} frames a second, delay {delay:.0f} ms")

    assert wrong == []
    assert len(back) > 30
    assert fps > 5
    detector = load_detector(Options(), "video")
    judged = 0
    for number, message in sorted(back.items()):
        _, shown = picture(message)
        _, original = picture(sent[number])
        assert shown.shape == original.shape
        for face in detector.detect(Frame(0, original), SURE):
            if face.box.size > 60:
                judged += 1
                assert detail(shown, face.box) < 0.35 * detail(original, face.box), number
    assert judged > 30
    whole = [n for n, m in back.items() if detail(picture(m)[1], Box(2, 2, 638, 358)) < 1.0]
    assert len(whole) < len(back) / 2
