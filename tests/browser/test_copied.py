"""A browser plays a film of which parts were copied and parts encoded again, and seeks in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Browser, Page

import faceveil
from faceveil import check, pipeline
from faceveil.frames import Image
from faceveil.options import Options
from faceveil.plan import Face
from films import Told, film, head, put, scenery
from servers import PATIENCE

pytestmark = pytest.mark.slow

FRAMES, RATE, GROUP = 200, 25, 25
FACES = range(80, 100)
AT = (120, 40)
BITS, SIDE = 8, 16
PYRAMID = {"preset": "medium", "refs": "4", "x264-params": "bframes=5:b-pyramid=normal"}
LIKE = 3.0
"""Mean difference of 255 that two ways from YUV to RGB may make."""

PLAYER = """
<video muted></video><canvas></canvas>
<script>
const video = document.querySelector("video");
const canvas = document.querySelector("canvas");
const pen = canvas.getContext("2d", { willReadFrequently: true });
const wrong = [];
video.addEventListener("error", () => wrong.push(`${video.error.code} ${video.error.message}`));

const event = (name) => new Promise((done) => video.addEventListener(name, done, { once: true }));
const shown = () =>
  new Promise((done) => video.requestVideoFrameCallback((_, facts) => done(facts.mediaTime)));

function drawn() {
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  pen.drawImage(video, 0, 0);
  return canvas.toDataURL("image/png");
}

async function load(coded, type) {
  const bytes = Uint8Array.from(atob(coded), (letter) => letter.charCodeAt(0));
  const ready = event("loadeddata");
  video.src = URL.createObjectURL(new Blob([bytes], { type }));
  await ready;
  return video.duration;
}

async function seek(time) {
  const there = Promise.all([event("seeked"), shown()]);
  video.currentTime = time;
  const [, at] = await there;
  return [at, drawn()];
}

async function play(from, seconds) {
  await seek(from);
  const seen = [];
  const note = () => {
    seen.push(drawn());
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
  await video.play();
  const end = Date.now() + 1000 * patience;
  while (!video.ended && video.currentTime < from + seconds && Date.now() < end)
    await new Promise((done) => setTimeout(done, 20));
  video.pause();
  return seen;
}
</script>
"""


def numbered(picture: Image, number: int) -> Image:
    """With its number in black and white, where no face is."""
    for bit in range(BITS):
        picture[:SIDE, bit * SIDE : (bit + 1) * SIDE] = 255 * (number >> bit & 1)
    return picture


def number_of(picture: Image) -> int:
    row = picture[SIDE // 2, SIDE // 2 : BITS * SIDE : SIDE].mean(axis=1)
    return sum(1 << bit for bit in range(BITS) if row[bit] > 128)


@pytest.fixture(scope="module", params=[".mp4", ".mov", ".mkv"])
def veiled(
    request: pytest.FixtureRequest, _astronaut: Image, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A film with somebody in its middle, veiled."""
    folder = tmp_path_factory.mktemp("film")
    actor, box = head(_astronaut)
    random = np.random.default_rng(1)
    views = [np.roll(scenery(3), number // 2, axis=1) for number in range(FRAMES)]
    for number, view in enumerate(views):
        view[-24:, :24] = random.integers(0, 256, (24, 24, 3))
        views[number] = numbered(put(view, actor, *AT) if number in FACES else view, number)
    face = Face(box.transformed(1.0, *AT), 0.9)
    told = Told(script=lambda number: [face] if number in FACES else [])
    clip = film(folder / f"a{request.param}", views, gop=GROUP, settings=PYRAMID, sound="aac")
    with pytest.MonkeyPatch.context() as patch:
        for module in (pipeline, check):
            patch.setattr(module, "load_detector", lambda options, kind: told)
        out = folder / f"out{request.param}"
        report = faceveil.veil_file(clip, out, Options(preset="strict", second_detector="none"))
    assert report.copied == FRAMES - 3 * GROUP
    return out


@pytest.fixture
def player(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    page.set_content(f"<script>const patience = {PATIENCE}</script>{PLAYER}")
    yield page
    page.close()


def picture(address: str) -> Image:
    data = np.frombuffer(base64.b64decode(address.partition(",")[2]), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def frames(path: Path) -> list[tuple[float, Image]]:
    with av.open(str(path)) as file:
        return [(frame.time or 0.0, _bgr(frame)) for frame in file.decode(video=0)]


def _bgr(frame: av.VideoFrame) -> Image:
    return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def likeness(one: Image, other: Image) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.long
def test_it_is_shown_as_it_is(player: Page, veiled: Path) -> None:
    """Sought to across the borders of what was copied and what was not, both ways, and played."""

    def call(name: str, *arguments: Any) -> Any:
        return player.evaluate(f"{name}({', '.join(map(json.dumps, arguments))})")

    expected = frames(veiled)
    kind = {".mkv": "video/x-matroska"}.get(veiled.suffix, "video/mp4")
    duration = call("load", base64.b64encode(veiled.read_bytes()).decode(), kind)
    assert duration == pytest.approx(FRAMES / RATE, abs=0.1)
    # The borders are at 50 and 125; each place is another than the one before it.
    for place in (130, 48, 51, 90, 20, 124, 126, 49, 199, 74, 1, 125, 50, 175):
        time, wanted = expected[place]
        at, address = call("seek", time + 0.5 / RATE)
        shown = picture(address)
        assert number_of(shown) == number_of(wanted) == place
        assert at == pytest.approx(time, abs=0.02)
        assert likeness(shown, wanted) < LIKE, place
    for start in (40, 115):
        played = call("play", expected[start][0] + 0.5 / RATE, 1.0)
        numbers = [number_of(picture(address)) for address in played]
        assert numbers == sorted(numbers)
        assert numbers[0] < start + 10 < start + 20 < numbers[-1]
        for number, address in zip(numbers, played, strict=True):
            assert likeness(picture(address), expected[number][1]) < LIKE, number
    assert call("eval", "wrong") == []
    assert player.evaluate("video.error") is None
