"""Firefox and WebKit: one walk through all that most people do, as the page's other tests do it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from browser import hands
from browser.engines import Engine, opened
from browser.hands import BOARD, SIZE, difference, is_grey
from faceveil.frames import Image
from faceveil.geometry import Box
from films import film, head, lumas, put, scenery
from servers import Server, running, wait_for

pytestmark = pytest.mark.slow

FRAMES, WALL = 12, (480, 288)
SAME = 4.0
"""Mean difference in levels that another round of JPEG makes, at most."""


@pytest.fixture(scope="module")
def server(detector: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server") / "jobs") as server:
        yield server


def drop(window: Engine, name: str, content: bytes) -> None:
    window.probe("drop", [[name], [base64.b64encode(content).decode()]])


@pytest.mark.parametrize("engine", ["firefox", "webkit"])
def test_a_walk(engine: str, server: Server, astronaut: Image, tmp_path: Path) -> None:
    with opened(engine, tmp_path / engine) as window:
        window.resize(1280, 900)
        window.go(server.address)
        window.wait(".zone")
        in_three_languages(window)
        a_refusal_by_keyboard(window)
        a_photo(window, astronaut)
        a_video(window, server, astronaut, tmp_path)
        assert window.complaints() == []
    for job in server.jobs():
        server.api.delete(f"/api/jobs/{job['id']}")


def in_three_languages(window: Engine) -> None:
    titles = {}
    for language in ("zh", "zh-Hant", "en"):
        window.choose("#language", language)
        window.wait(f'html[lang="{language}"]')
        window.look(f"start {language}")
        titles[language] = window.text(".zone-title")
        texts = window.probe("texts")
        assert len(texts) > 60
        assert not [text for text in texts if text.startswith(("drop.", "option."))]
        assert window.probe("cutOff") == []
    assert len(set(titles.values())) == 3, titles


def a_refusal_by_keyboard(window: Engine) -> None:
    """A refusal says why, and its button is reached and pressed by keys."""
    drop(window, "note.txt", b"no picture")
    window.wait(".toast")
    assert "note.txt" in window.text(".toast")
    assert "Neither a picture, a video nor a document" in window.text(".toast")
    window.run("document.querySelector('.drop-panel').focus()")
    for _ in range(60):
        window.press("Tab")
        if window.run("Boolean(document.activeElement.closest('.toast'))"):
            break
    window.press("Enter")
    wait_for(lambda: window.count(".toast") == 0)


def a_photo(window: Engine, astronaut: Image) -> None:
    """Drop, look at before and after, leave one face visible, cover a place more, download."""
    original = hands.group(astronaut)
    window.click(".card:has(input[value=strict])")
    drop(window, "group.jpg", hands.jpeg(original))
    window.wait('.job[data-state="done"] .comparison img[src]')
    wait_for(lambda: window.run(LOADED, ".comparison img"))
    split = window.run(SPLIT)
    window.drag(".compare-range", (0.5, 0.5), (0.8, 0.5))
    assert split == "50%"
    assert window.run(SPLIT) in {"79%", "80%", "81%"}
    window.look("compared")

    review(window)
    assert window.count(".face-box") == 3
    window.look("editor")
    window.click(".strip-row:nth-child(2) .keep")
    start, end = (BOARD.x0 + 10, BOARD.y0 + 10), (BOARD.x1 - 10, BOARD.y1 - 10)
    window.drag(".layer", share(start, SIZE), share(end, SIZE))
    assert window.count(".face-box") == 4
    save(window)
    wait_for(lambda: "1 left visible" in window.text(".job .facts"))
    window.click('[data-action="download"]')
    result = hands.decoded(window.downloaded("group.veiled.jpg"))
    faces = [hands.face_at(astronaut, number) for number in range(3)]
    assert sorted(difference(result, original, face) < SAME for face in faces) == [
        False,
        False,
        True,
    ]
    assert is_grey(result, Box(BOARD.x0 + 14, BOARD.y0 + 14, BOARD.x1 - 14, BOARD.y1 - 14))


def a_video(window: Engine, server: Server, astronaut: Image, folder: Path) -> None:
    """Play it, step through it, move a box; leave its face visible: it is, in each frame."""
    actor, face = head(astronaut, 0.6)
    pictures = [put(scenery(5, WALL), actor, 60 + 2 * i, 40) for i in range(FRAMES)]
    clip = film(folder / "clip.mp4", pictures)
    drop(window, "clip.mp4", clip.read_bytes())
    window.wait(f"{CLIP}[data-state=done]")
    if window.count(f"{CLIP} .opener[aria-expanded=false]"):
        window.click(f"{CLIP} .opener")
    review(window, CLIP)
    if window.name == "firefox":  # WebKit has come without anything that plays it
        window.press("k")
    else:
        window.press(*"." * (FRAMES - 1))
    wait_for(lambda: f"{FRAMES} of {FRAMES}" in window.text(".frame-said"))
    for _ in range(FRAMES - 4):
        window.press(",")
    wait_for(lambda: f"4 of {FRAMES}" in window.text(".frame-said"))
    window.press("n")
    wait_for(lambda: window.count(".strip-row") == 2)
    left = window.run(LEFT)
    window.press("Right")
    assert window.run(LEFT) > left
    window.look("editor video")
    window.press("Delete")
    wait_for(lambda: window.count(".strip-row") == 1)
    window.click(".strip-row .keep")
    save(window)
    wait_for(lambda: "1 left visible" in window.text(f"{CLIP} .facts"))
    window.click(f'{CLIP} [data-action="download"]')
    (folder / "result.mp4").write_bytes(window.downloaded("clip.veiled.mp4"))
    before, after = lumas(clip), lumas(folder / "result.mp4")
    assert len(after) == FRAMES
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        x0, y0, x1, y1 = map(int, face.transformed(1.0, 60 + 2 * index, 40).as_tuple())
        parts = [picture[y0:y1, x0:x1].astype(int) for picture in (old, new)]
        assert np.abs(parts[0] - parts[1]).mean() < SAME, index


CLIP = '.job:has(.job-name[title="clip.mp4"])'
LOADED = "[...document.querySelectorAll(given[0])].every((one) => one.naturalWidth > 0)"
LEFT = "document.querySelector('.face-box.selected').getBoundingClientRect().left"
SPLIT = "document.querySelector('.compare').style.getPropertyValue('--split')"


def review(window: Engine, job: str = ".job") -> None:
    window.click(f'{job} [data-action="edit"]')
    window.wait("dialog.editor .stage:not(.loading)")


def save(window: Engine) -> None:
    window.click("dialog.editor .editor-foot .primary")
    wait_for(lambda: window.count("dialog.editor") == 0)


def share(place: tuple[float, float], size: tuple[int, int]) -> tuple[float, float]:
    return place[0] / size[0], place[1] / size[1]
