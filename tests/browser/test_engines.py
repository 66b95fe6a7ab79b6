"""Firefox and WebKit: one walk through all that most people do, as the page's other tests do it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import papers
from browser import hands
from browser.couple import WALL as BROAD
from browser.couple import frames_of, require_only_her
from browser.engines import Engine, opened
from browser.hands import BOARD, SIZE, difference, is_grey
from faceveil import weights
from faceveil.frames import Image
from faceveil.geometry import Box
from films import film, head, lumas, put, scenery
from servers import Server, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.long]

FRAMES, WALL = 12, (480, 288)
SAME = 4.0
"""Mean difference in levels that another round of JPEG makes, at most."""


@pytest.fixture(params=["firefox", "webkit"])
def window(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> Iterator[Engine]:
    """The page in another browser, which has nothing against it at the end."""
    with opened(request.param, tmp_path / request.param) as window:
        window.resize(1280, 900)
        window.go(server.address)
        window.wait(".zone")
        yield window
        window.look("at the end")
        for job in server.jobs():
            server.api.delete(f"/api/jobs/{job['id']}")
        assert window.complaints() == []


def test_a_walk(window: Engine, server: Server, astronaut: Image, axe: str, tmp_path: Path) -> None:
    in_three_languages(window)
    at_all_widths(window, axe, "start")
    a_refusal_by_keyboard(window, axe)
    a_photo(window, astronaut, axe)
    a_video(window, server, astronaut, axe, tmp_path)


@pytest.mark.long
def test_what_fewer_people_do(
    window: Engine, server: Server, astronaut: Image, couple: Path, axe: str, tmp_path: Path
) -> None:
    """Documents, one person of several, the camera."""
    the_camera(window, axe)
    documents(window, astronaut, axe)
    if weights.available("people"):
        one_person(window, server, couple, axe, tmp_path)


def at_all_widths(window: Engine, axe: str, state: str) -> None:
    """Nothing is cut off or hinders anybody on a desk, a tablet and a phone."""
    for width, height in ((768, 1024), (360, 740), (1280, 900)):
        window.resize(width, height)
        wide = window.run("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, (state, width)
        assert window.probe("cutOff") == [], (state, width)
        assert window.barriers(axe) == [], (state, width)
        window.look(f"{state} {width}")


def reload(window: Engine) -> None:
    """The review goes on where it was."""
    window.reload()
    window.wait("dialog.editor .stage:not(.loading)")


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


def a_refusal_by_keyboard(window: Engine, axe: str) -> None:
    """A refusal is in sight and says why, and its button is reached and pressed by keys."""
    window.drop({"note.txt": b"no picture"})
    window.wait(".toast")
    assert 0 <= window.run("document.querySelector('.toast').getBoundingClientRect().bottom") <= 900
    assert window.barriers(axe) == []
    assert "note.txt" in window.text(".toast")
    assert "Neither a picture, a video nor a document" in window.text(".toast")
    tab_to(window, ".toast button")
    window.press("Enter")
    wait_for(lambda: window.count(".toast") == 0)


def tab_to(window: Engine, css: str) -> None:
    """Press Tab until it has the focus, as it must within reason."""
    for _ in range(70):
        window.press("Tab")
        if window.run("document.activeElement.matches(given[0])", css):
            return
    raise AssertionError(f"not reached by Tab: {css}")


def a_photo(window: Engine, astronaut: Image, axe: str) -> None:
    """Drop, look at before and after, leave one face visible, cover a place more, download."""
    original = hands.group(astronaut)
    window.click(".card:has(input[value=strict])")
    window.drop({"group.jpg": hands.jpeg(original)})
    window.wait('.job[data-state="done"] .comparison img[src]')
    wait_for(lambda: window.run(LOADED, ".comparison img"))
    split = window.run(SPLIT)
    window.drag(".compare-range", (0.5, 0.5), (0.8, 0.5))
    assert split == "50%"
    assert window.run(SPLIT) in {"79%", "80%", "81%"}
    at_all_widths(window, axe, "compared")

    review(window)
    assert window.count(".face-box") == 3
    assert window.run(SHARP) >= SIZE[0] * 0.9
    closer(window)
    at_all_widths(window, axe, "editor")
    window.click(".strip-row:nth-child(2) .keep")
    start, end = (BOARD.x0 + 10, BOARD.y0 + 10), (BOARD.x1 - 10, BOARD.y1 - 10)
    window.drag(".layer", share(start, SIZE), share(end, SIZE))
    assert window.count(".face-box") == 4
    reload(window)
    assert window.count(".face-box") == 4
    assert window.count(".face-box.kept") == 1
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


def closer(window: Engine) -> None:
    """The wheel enlarges what lies under the pointer, which stays there, scrollbars or not."""
    x, y = window.run(MIDDLE)
    window.run(WHEEL, x, y, -600)
    wait_for(lambda: window.run(ENLARGED) > 2)
    after = window.run(MIDDLE)
    assert abs(after[0] - x) < 3
    assert abs(after[1] - y) < 3
    window.run(WHEEL, x, y, 6000)
    wait_for(lambda: window.run(ENLARGED) == 1)


def a_video(window: Engine, server: Server, astronaut: Image, axe: str, folder: Path) -> None:
    """Play it, step through it, move a box; leave its face visible: it is, in each frame."""
    actor, face = head(astronaut, 0.6)
    pictures = [put(scenery(5, WALL), actor, 60 + 2 * i, 40) for i in range(FRAMES)]
    clip = film(folder / "clip.mp4", pictures)
    window.drop({"clip.mp4": clip.read_bytes()})
    window.wait(f"{CLIP}[data-state=done]")
    if window.count(f"{CLIP} .opener[aria-expanded=false]"):
        window.click(f"{CLIP} .opener")
    review(window, CLIP)
    # WebKit may come without anything that plays it: the page then shows picture after picture.
    window.press("k")
    wait_for(lambda: f"{FRAMES} of {FRAMES}" in window.text(".frame-said"))
    for _ in range(FRAMES - 4):
        window.press(",")
    wait_for(lambda: f"4 of {FRAMES}" in window.text(".frame-said"))
    window.press("n")
    wait_for(lambda: window.count(".strip-row") == 2)
    left = window.run(LEFT)
    window.press("Right")
    assert window.run(LEFT) > left
    at_all_widths(window, axe, "editor video")
    reload(window)
    assert window.count(".strip-row") == 2
    assert f"4 of {FRAMES}" in window.text(".frame-said")
    window.run("document.querySelector('.strip-row:nth-child(2) .face-thumb').click()")
    window.press("Delete")
    wait_for(lambda: window.count(".strip-row") == 1)
    window.click(".strip-row .keep")
    save(window)
    wait_for(lambda: "1 left visible" in window.text(f"{CLIP} .facts"))
    window.wait(f"{CLIP} .comparison .play")
    window.click(f"{CLIP} .comparison .play")
    wait_for(lambda: f"{FRAMES} of {FRAMES}" in window.text(f"{CLIP} .frames output"))
    window.click(f'{CLIP} [data-action="download"]')
    (folder / "result.mp4").write_bytes(window.downloaded("clip.veiled.mp4"))
    before, after = lumas(clip), lumas(folder / "result.mp4")
    assert len(after) == FRAMES
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        x0, y0, x1, y1 = map(int, face.transformed(1.0, 60 + 2 * index, 40).as_tuple())
        parts = [picture[y0:y1, x0:x1].astype(int) for picture in (old, new)]
        assert np.abs(parts[0] - parts[1]).mean() < SAME, index


def the_camera(window: Engine, axe: str) -> None:
    """The browser's own picture for tests: it comes back, and what came back is recorded."""
    window.click('[data-action="camera-start"]')
    wait_for(lambda: "frames a second" in window.text(".camera-figures"))
    window.click('[data-action="camera-record"]')
    at_all_widths(window, axe, "camera")
    # While axe looks, the page stands still; it goes on afterwards.
    fps = "document.querySelector('.camera-figures').dataset.fps"
    wait_for(lambda: 0 < float(window.run(fps)) < 40)
    # Whoever leaves now is asked first.
    leave = "dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    assert window.run(leave) is False
    window.choose(".camera-tools label:last-child select", "320")
    wait_for(lambda: "320×" in window.text(".camera-figures"))
    window.click('[data-action="camera-stop"]')
    # The service records: no browser has to be able to.
    wait_for(lambda: list(window.downloads.glob("camera-*.veiled.mp4")))
    (path,) = window.downloads.glob("camera-*.veiled.mp4")
    assert len(window.downloaded(path.name)) > 1000
    assert window.run(leave) is True


def documents(window: Engine, astronaut: Image, axe: str) -> None:
    """A Word file and a PDF: to the page with faces, one kept, a place covered, downloaded."""
    plain = put(scenery(9, (640, 400)), hands.board(120), 40, 200)
    group = hands.group(astronaut)
    faces = [hands.face_at(astronaut, number) for number in range(3)]
    window.click(".card:has(input[value=strict])")
    letter, scan = papers.paper("docx", [plain, group]), papers.pdf([plain, group], scanned=True)
    window.drop({"letter.docx": letter, "scan.pdf": scan})
    for name in ("letter.docx", "scan.pdf"):
        window.wait(f"{named(name)}[data-state=done]")
    at_all_widths(window, axe, "documents")

    review(window, named("letter.docx"))
    window.press("f")
    wait_for(lambda: "image2.jpeg · 2 of 2" in window.text(".part-said"))
    window.wait("dialog.editor .stage:not(.loading)")
    assert window.count(".face-box") == 3
    window.run("document.querySelectorAll('.face-box')[0].focus()")
    window.press("h")
    start, end = (BOARD.x0, BOARD.y0), (BOARD.x1, BOARD.y1)
    window.drag(".layer", share(start, SIZE), share(end, SIZE))
    at_all_widths(window, axe, "editor word")
    reload(window)
    assert "2 of 2" in window.text(".part-said")
    assert (window.count(".face-box"), window.count(".face-box.kept")) == (4, 1)
    save(window)
    window.wait(f"{named('letter.docx')}[data-state=done]")
    wait_for(lambda: "1 left visible" in window.text(f"{named('letter.docx')} .facts"))
    window.click(f'{named("letter.docx")} [data-action="download"]')
    first, second = papers.stored("docx", window.downloaded("letter.veiled.docx"))
    assert (first == papers.stored("docx", letter)[0]).all()
    bare = [difference(second, group, face) < SAME for face in faces]
    assert sorted(bare) == [False, False, True]
    assert is_grey(second, Box(BOARD.x0 + 16, BOARD.y0 + 16, BOARD.x1 - 16, BOARD.y1 - 16))

    window.choose("#language", "zh")
    review(window, named("scan.pdf"))
    window.press("f")
    wait_for(lambda: "第 2 页" in window.text(".part-said"))
    window.wait("dialog.editor .stage:not(.loading)")
    assert window.count(".face-box") == 3
    at_all_widths(window, axe, "editor pdf zh")
    window.run("document.querySelectorAll('.face-box')[0].focus()")
    window.press("Delete")
    reload(window)
    assert window.count(".face-box") == 2
    window.press("Escape")
    wait_for(lambda: window.count("dialog.editor") == 0)
    window.choose("#language", "en")
    window.click(f'{named("scan.pdf")} [data-action="download"]')
    _, page = papers.stored("pdf", window.downloaded("scan.veiled.pdf"))
    assert all(is_grey(page, face) for face in faces)  # what was not applied is in no result


def one_person(window: Engine, server: Server, couple: Path, axe: str, folder: Path) -> None:
    """By keyboard, in Chinese: "only this person", there again after a reload, and in the film."""
    window.choose("#language", "zh")
    window.click(".unfold")
    window.click("label:has(input[name=people])")
    window.click(".card:has(input[value=balanced])")
    window.drop({"two.mp4": couple.read_bytes()})
    film = named("two.mp4")
    window.wait(f"{film}[data-state=done]")
    if window.count(f"{film} .opener[aria-expanded=false]"):
        window.click(f"{film} .opener")
    review(window, film)
    (job,) = (one["id"] for one in server.jobs() if one["name"] == "two.mp4")
    tracks = server.api.get(f"/api/jobs/{job}/plan").json()["tracks"]
    (person,) = (
        track["person"]
        for track in tracks
        if track["person"] and track["boxes"].get("0", {"x0": 1e9})["x0"] < BROAD[0] / 2
    )
    hers = f".person:has(#person-{person})"
    tab_to(window, f"{hers} .members-open")
    window.press("Enter")
    wait_for(lambda: window.count(f"{hers} .member") == 3)
    tab_to(window, f"{hers} .only")
    window.press("Enter")
    wait_for(lambda: window.count(f"{hers}[data-look=kept]") == 1)
    at_all_widths(window, axe, "editor people zh")
    reload(window)
    assert window.count(f"{hers} .only[aria-pressed=true]") == 1
    assert window.count(".person[data-look=hidden]") == 1
    save(window)
    window.wait(f"{film}[data-state=done]")
    wait_for(lambda: window.run("document.querySelector(given[0])?.textContent", f"{film} .facts"))
    window.click(f'{film} [data-action="download"]')
    data = window.downloaded("two.veiled.mp4")
    require_only_her(frames_of(couple.read_bytes(), folder), frames_of(data, folder))


def named(name: str) -> str:
    """The card of a file."""
    return f'.job:has(.job-name[title="{name}"])'


CLIP = named("clip.mp4")
LOADED = "[...document.querySelectorAll(given[0])].every((one) => one.naturalWidth > 0)"
LEFT = "document.querySelector('.face-box.selected').getBoundingClientRect().left"
SHARP = "document.querySelector('.stage img').naturalWidth"
MIDDLE = """(({ x, y, width, height }) => [x + width / 2, y + height / 2])
  (document.querySelectorAll(".face-box")[1].getBoundingClientRect())"""
WHEEL = """void document.querySelector(".viewport").dispatchEvent(new WheelEvent("wheel",
  { clientX: given[0], clientY: given[1], deltaY: given[2], bubbles: true, cancelable: true }))"""
ENLARGED = """Math.round(document.querySelector(".stage").offsetWidth /
  document.querySelector(".viewport").offsetWidth * 10) / 10 || 0"""
SPLIT = "document.querySelector('.compare').style.getPropertyValue('--split')"


def review(window: Engine, job: str = ".job") -> None:
    window.click(f'{job} [data-action="edit"]')
    window.wait("dialog.editor .stage:not(.loading)")


def save(window: Engine) -> None:
    window.click("dialog.editor .editor-foot .primary")
    wait_for(lambda: window.count("dialog.editor") == 0)


def share(place: tuple[float, float], size: tuple[int, int]) -> tuple[float, float]:
    return place[0] / size[0], place[1] / size[1]
