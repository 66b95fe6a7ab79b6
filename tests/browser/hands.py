"""A person's actions on the page, and their results."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Locator, Page, expect

from faceveil.frames import Image
from faceveil.geometry import Box
from films import head, put, scenery

SIZE = (900, 560)
PLACES = ((60, 60), (330, 200), (650, 90))
"""Upper left corners of the heads of `group`."""
BOARD = Box(80, 330, 200, 450)
"""A place in `group` that is no face to a detector, but may be one to a person."""

PROBES = Path(__file__).with_name("probes.js").read_text(encoding="utf-8")

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ASK = """async (rules) => {
  const { violations } = await axe.run(document, { runOnly: rules });
  const told = ({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`);
  return violations.flatMap(told);
}"""


def barriers(page: Page) -> list[str]:
    """Violations of WCAG 2.2 AA that axe finds; its source must have been evaluated before."""
    return list(page.evaluate(ASK, RULES))


def probe(page: Page, name: str, argument: Any = None) -> Any:
    """The result of one of the functions of probes.js."""
    return page.evaluate(f"(argument) => ({PROBES.strip()}).{name}(argument)", argument)


def board(side: int) -> Image:
    """A checkerboard, (side, side, 3) uint8: whatever is painted over it changes it."""
    rows, columns = np.indices((side, side)) // 6
    shade = np.where((rows + columns) % 2, 230, 20).astype(np.uint8)
    return np.repeat(shade[:, :, None], 3, axis=2)


def group(astronaut: Image) -> Image:
    """Three heads and a checkerboard, (560, 900, 3) uint8 BGR."""
    picture = scenery(3, SIZE)
    actor, _ = head(astronaut, 1.0)
    for x, y in PLACES:
        picture = put(picture, actor, x, y)
    return put(picture, board(int(BOARD.width)), int(BOARD.x0), int(BOARD.y0))


def face_at(astronaut: Image, number: int) -> Box:
    """The place of a face in `group`."""
    x, y = PLACES[number]
    return head(astronaut, 1.0)[1].transformed(1.0, x, y)


def jpeg(picture: Image) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def drop(page: Page, files: Mapping[str, bytes]) -> None:
    """Let go of files over the zone."""
    probe(page, "drop", _coded(files))


def paste(page: Page, name: str, content: bytes) -> None:
    probe(page, "paste", _coded({name: content}))


def _coded(files: Mapping[str, bytes]) -> list[list[str]]:
    return [list(files), [base64.b64encode(content).decode() for content in files.values()]]


def choose(page: Page, preset: str) -> None:
    page.locator(f".card:has(input[value={preset}])").click()


def card(page: Page, name: str) -> Locator:
    """The card of the job with a file's name."""
    return page.locator(".job").filter(has=page.locator(".job-name", has_text=name))


def ended(page: Page, name: str, state: str = "done") -> Locator:
    """The card, once its job has come to a state."""
    found = card(page, name)
    expect(found).to_have_attribute("data-state", state)
    return found


def act(card: Locator, action: str) -> None:
    """Press a button of a card; of a tile, once it is opened. A comparison that shows is left."""
    opener = card.locator(".opener[aria-expanded=false]")
    if opener.is_visible():
        opener.click()
    button = card.locator(f'[data-action="{action}"]')
    if action != "compare" or button.get_attribute("aria-expanded") == "false":
        button.click()


def review(card: Locator) -> Locator:
    """Open the editor and wait for its picture."""
    act(card, "edit")
    dialog = card.page.locator("dialog.editor")
    expect(dialog.locator(".stage img")).to_have_js_property("complete", True)
    dialog.locator(".stage:not(.loading)").wait_for()
    return dialog


def toggle(dialog: Locator) -> None:
    """Hide the selected face, or leave it visible."""
    dialog.locator(".selection .keep").click()


def save(dialog: Locator) -> None:
    dialog.locator(".editor-foot .primary").click()
    expect(dialog).to_have_count(0)


def drag(
    dialog: Locator, size: tuple[int, int], start: tuple[float, float], end: tuple[float, float]
) -> None:
    """Drag on the picture, in its own pixels."""
    place = dialog.locator(".layer").bounding_box()
    assert place is not None
    scale = place["width"] / size[0]
    mouse = dialog.page.mouse
    mouse.move(place["x"] + start[0] * scale, place["y"] + start[1] * scale)
    mouse.down()
    mouse.move(
        place["x"] + (start[0] + end[0]) / 2 * scale, place["y"] + (start[1] + end[1]) / 2 * scale
    )
    mouse.move(place["x"] + end[0] * scale, place["y"] + end[1] * scale)
    mouse.up()


def download(link: Locator) -> tuple[str, bytes]:
    """Name and bytes of what comes when a link is followed."""
    with link.page.expect_download() as waiting:
        link.click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def decoded(data: bytes) -> Image:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)


def difference(one: Image, other: Image, box: Box) -> float:
    """Mean difference in a box, levels of 255."""
    x0, y0, x1, y1 = map(int, box.as_tuple())
    return float(np.abs(one[y0:y1, x0:x1].astype(int) - other[y0:y1, x0:x1].astype(int)).mean())


def is_grey(picture: Image, box: Box) -> bool:
    """Is a box filled with the one grey of the preset "strict"?"""
    x0, y0, x1, y1 = map(int, box.as_tuple())
    part = picture[y0:y1, x0:x1].astype(int)
    return bool(np.abs(part - 128).max() <= 6)


def files_in(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}
