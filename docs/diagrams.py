"""Draws docs/flow.svg, docs/rooms.svg and docs/badges.svg; `python docs/generate.py` runs it.

The rooms are those of `FLOORS` in tests/test_layers.py, so that the drawing is what is enforced.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).parent
FLOORS = HERE.parent / "tests" / "test_layers.py"

# Filled boxes with dark letters, and grey lines: readable on a white page and on a black one.
STYLE = """\
text { font: 14px system-ui, sans-serif; text-anchor: middle; fill: #12302c }
.name { font-weight: 600 }
.small { font-size: 12px }
.beside { font-size: 12px; fill: #808a88 }
.step { fill: #bfe3dc } .data { fill: #f3dfb0 } .end { fill: #dbe4ea } .bad { fill: #f0c4bb }
path { fill: none; stroke: #808a88; stroke-width: 1.6 }
.head { fill: #808a88; stroke: none }
.again { stroke-dasharray: 5 4 }
"""

ROOMS = (
    "rectangles, words, the machine",
    "what flows from stage to stage",
    "many faces, and what is told",
    "what goes wrong",
    "what is asked for",
    "linking and painting, on plain data",
    "files: media, weights, boxes",
    "finding faces; proof of a run",
    "frames over time: the first look",
    "the last look",
    "the whole run on one page",
    "many files; pictures in memory",
    "the page and REST",
    "the command line",
)
"""The floors, from the ground up."""


def flow() -> str:
    """The way of a file through FaceVeil."""
    parts = [
        box(10, 40, 130, 66, "end", "Input", "photo, video,", "archive member"),
        box(190, 40, 130, 66, "step", "open", "by what its bytes", "say it is"),
        box(370, 40, 150, 66, "step", "analyze", "find faces,", "link them over time"),
        box(570, 40, 150, 66, "data", "Plan", "boxes and tracks,", "never pixels"),
        box(770, 40, 150, 66, "step", "review", "by a person,", "if wanted"),
        box(770, 190, 150, 66, "step", "render", "cover, then encode", "from bare pixels"),
        box(
            570, 190, 150, 66, "data", "Temporary file", "beside its target,", "for its owner alone"
        ),
        box(370, 190, 150, 66, "step", "check", "as an adversary:", "faces, metadata"),
        box(190, 190, 130, 66, "end", "Output", "gets its name", "only now"),
        box(10, 190, 130, 66, "data", "Report", "what was done,", "what was not"),
        box(370, 310, 150, 50, "bad", "withheld", "put aside, exit code 5"),
        *(arrow((x, 73), (x + 50, 73)) for x in (140, 320, 520, 720)),
        arrow((845, 106), (845, 190)),
        *(arrow((x, 223), (x - 50, 223)) for x in (770, 570, 370, 190)),
        arrow((445, 256), (445, 310)),
        arrow((500, 190), (500, 148), (645, 148), (645, 106), kind="again"),
        note(736, 152, "a face shows: cover it, too"),
        arrow((255, 40), (255, 22), (945, 22), (945, 223), (920, 223)),
        note(600, 14, "read a second time, so that the plan reaches back to the first frame"),
    ]
    return drawing(960, 370, "The flow: open, analyze, review, render, check", parts)


def rooms() -> str:
    """The rooms on their floors, the highest on top."""
    parts = []
    floors = _floors()
    for number, (members, what) in enumerate(zip(floors, ROOMS, strict=True)):
        top = 20 + (len(floors) - 1 - number) * 62
        parts.append(box(10, top, 290, 44, "data", "", what))
        for place, name in enumerate(sorted(members)):
            parts.append(box(314 + place * 92, top, 84, 44, "step", name))
    bottom = 20 + len(floors) * 62
    parts += [arrow((984, 28), (984, bottom - 26)), note(984, 14, "imports")]
    return drawing(1020, bottom, "The rooms: each imports only from the floors below", parts)


def _floors() -> Sequence[set[str]]:
    spec = importlib.util.spec_from_file_location("floors", FLOORS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.append(str(FLOORS.parent))  # it imports from beside it
    spec.loader.exec_module(module)
    floors: Sequence[set[str]] = module.FLOORS
    return floors


def drawing(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    """The file, with a title for those who do not see it."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
    return "\n".join(
        [head, f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", *parts, "</svg>", ""]
    )


def box(x: int, y: int, width: int, height: int, kind: str, name: str, *lines: str) -> str:
    """A box with a name and lines below it, all of it centred."""
    texts = [("name", name)] * bool(name) + [("small", line) for line in lines]
    first = y + height / 2 + 5 - 8.5 * (len(texts) - 1)
    words = (
        f'<text class="{style}" x="{x + width / 2:g}" y="{first + 17 * n:g}">{escape(text)}</text>'
        for n, (style, text) in enumerate(texts)
    )
    shape = f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>'
    return shape + "".join(words)


def note(x: int, y: int, text: str) -> str:
    """Words beside a line."""
    return f'<text class="beside" x="{x}" y="{y}">{escape(text)}</text>'


def arrow(*points: tuple[int, int], kind: str = "") -> str:
    """A line from point to point, with its head at the last one."""
    (x0, y0), (x1, y1) = points[-2:]
    ahead = ((x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0))
    line = "M" + " L".join(_short(points, ahead))
    return f'<path class="{kind}" d="{line}"/><path class="head" d="{_head(x1, y1, *ahead)}"/>'


def _short(points: Sequence[tuple[int, int]], ahead: tuple[int, int]) -> Iterator[str]:
    """The points, the last of them drawn back to below the head."""
    yield from (f"{x} {y}" for x, y in points[:-1])
    yield f"{points[-1][0] - 6 * ahead[0]} {points[-1][1] - 6 * ahead[1]}"


def _head(x: int, y: int, dx: int, dy: int) -> str:
    left, right = (
        (x - 9 * dx - 5 * dy, y - 9 * dy - 5 * dx),
        (x - 9 * dx + 5 * dy, y - 9 * dy + 5 * dx),
    )
    return f"M{x} {y} L{left[0]} {left[1]} L{right[0]} {right[1]} Z"


def badges() -> str:
    """Badges for the first page: the claims of pyproject.toml."""
    with (HERE.parent / "pyproject.toml").open("rb") as file:
        about = tomllib.load(file)
    project, mypy = about["project"], about["tool"]["mypy"]
    pythons = re.findall(r"3\.\d+", " ".join(project["classifiers"]))
    facts = [
        ("Python", f"{pythons[0]} to {pythons[-1]}"),
        ("licence", project["license"]),
        ("types", "mypy --strict" if mypy["strict"] else "mypy"),
    ]
    parts = []
    for number, (name, value) in enumerate(facts):
        left = number * 176
        parts += [
            box(left, 0, 66, 24, "end", "", name),
            box(left + 64, 0, 106, 24, "step", "", value),
        ]
    told = ", ".join(f"{name} {value}" for name, value in facts)
    made = drawing(522, 24, told, parts)
    return made.replace(" viewBox", ' width="522" height="24" viewBox', 1)


DRAWINGS = {"flow.svg": flow, "rooms.svg": rooms, "badges.svg": badges}
