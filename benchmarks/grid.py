"""The page with many real files: frames while it scrolls, and the memory of its tab.

Run with: `python benchmarks/grid.py --files 300`. It needs Chromium, Playwright and psutil.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import psutil
from playwright.sync_api import Page, sync_playwright
from skimage.data import astronaut

_SCROLL = """async () => {
  const times = [];
  let last = await new Promise(requestAnimationFrame);
  for (let i = 0; i < 200; i++) {
    scrollBy(0, i < 100 ? 60 : -60);
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times;
}"""


def make(folder: Path, files: int) -> list[Path]:
    """Photos of one face, each in a light of its own."""
    face = astronaut()[:320, 60:380, ::-1]
    paths = []
    for number in range(files):
        path = folder / f"photo {number:03}.jpg"
        light = 0.7 + 0.6 * (number % 60) / 60
        cv2.imwrite(str(path), np.clip(face * light, 0, 255).astype(np.uint8))
        paths.append(path)
    return paths


def tab_mb(page: Page) -> tuple[float, float]:
    """Megabytes of the tab's process that are its own, and of the heap of its scripts."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    metrics = {
        one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]
    }
    browser = page.context.browser
    assert browser is not None
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    tabs = [psutil.Process(one["id"]) for one in processes if one["type"] == "renderer"]
    return max(tab.memory_full_info().uss for tab in tabs) / 1e6, metrics["JSHeapUsedSize"] / 1e6


def measure(page: Page, address: str, paths: list[Path]) -> None:
    page.set_default_timeout(0)
    page.goto(address)
    page.locator(".zone").wait_for()
    print(f"empty: the tab has {tab_mb(page)[0]:.0f} MB")
    since = time.monotonic()
    page.locator(".zone input[multiple]").set_input_files(paths)
    page.wait_for_function(
        "(n) => document.querySelectorAll('.job[data-state=done]').length === n", arg=len(paths)
    )
    print(f"{len(paths)} files done in {time.monotonic() - since:.0f} s")
    most = 0.0
    for way in ("first", "second", "third"):
        frames = sorted(page.evaluate(_SCROLL))
        used, heap = tab_mb(page)
        most = max(most, used)
        slow = sum(frame > 50 for frame in frames)
        print(
            f"{way} way down and up: frames of {frames[len(frames) // 2]:.0f} ms in the median, "
            f"{frames[-1]:.0f} at most, {slow} of {len(frames)} over 50; "
            f"the tab has {used:.0f} MB, {heap:.0f} of them its scripts'"
        )
    thumbnails = page.evaluate(
        "[...document.querySelectorAll('.thumb img')].filter((one) => one.naturalWidth).length"
    )
    print(f"{thumbnails} thumbnails are loaded; at most {most:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=300)
    files = parser.parse_args().files
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium here: apt-get install chromium")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        paths = make(folder, files)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        command = [sys.executable, "-m", "faceveil", "serve", "--folder", str(folder / "jobs")]
        serving = subprocess.Popen([*command, "--port", port], stdout=subprocess.PIPE, text=True)
        assert serving.stdout is not None
        try:
            found = re.search(r"http\S+", serving.stdout.readline())
            assert found is not None
            arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
            measure(browser.new_page(), found[0], paths)
            browser.close()
        finally:
            serving.terminate()
            serving.wait()


if __name__ == "__main__":
    main()
