"""An error of a picture, document, archive or plan says what to do, and none is waited for."""

from __future__ import annotations

import ast
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import faceveil
from faceveil import Options, open_source
from faceveil.errors import InputError, UnreadableError, UsageError
from faceveil.plan import Plan
from offices import document, png
from trees import nodes

ROOM = Path(faceveil.__file__).parent / "media"
INPUT = {"UnreadableError", "UnsupportedError", "LimitError"}
PLACES = [ROOM / "archives", ROOM / "documents", ROOM / "pictures"]


def _silent(path: Path) -> list[str]:
    """The lines that make an error without advice."""
    calls = [one for one in nodes(path) if isinstance(one, ast.Call)]
    return [
        f"{path.name}:{one.lineno}"
        for one in calls
        if isinstance(one.func, ast.Name) and one.func.id in INPUT and len(one.args) == 1
    ]


def test_every_error_of_an_input_says_what_to_do() -> None:
    files = [path for place in PLACES for path in sorted(place.glob("*.py"))]
    files += [ROOM / "__init__.py", ROOM / "kinds.py", ROOM / "original.py"]
    found = [line for path in files for line in _silent(path)]
    # What cannot be written is asked for by a program, not by a file.
    assert [one for one in found if not one.startswith("__init__")] == []
    assert len(found) <= 2


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr("a.txt", "words")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "complete copy"),
        (b"\xff\x0a" + bytes(99), "Convert it"),
        (b"8BPS" + bytes(99), "PDF"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(99), "Unpack it"),
        (_zip(), "Unpack it"),
        (b"PK\x07\x08" + _zip(), "Put the parts together"),
        (b"MIME-Version: 1.0\r\nSubject: x\r\n\r\n", "Save it as PDF"),
        (b"AT&TFORM\0\0\1\0DJVU" + bytes(99), "PDF"),
    ],
    ids=["empty", "JPEG XL", "Photoshop", "7z", "zip", "parts", "mail", "DjVu"],
)
def test_a_file_that_is_not_handled_says_what_to_do(data: bytes, words: str) -> None:
    with pytest.raises(InputError) as caught:
        open_source(data, Options())
    assert words in caught.value.advice


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    for place in (tmp_path / "a.jpg", Path("/dev/null")):
        with pytest.raises(UnreadableError, match="a pipe or a device") as caught:
            open_source(place, Options())
        assert caught.value.advice


def _plan(**track: Any) -> str:
    box = {"x0": 10, "y0": 10, "x1": 50, "y1": 60}
    media = {"kind": "image", "format": "png", "width": 100, "height": 90}
    return json.dumps({"media": media, "tracks": [{"id": 0, "boxes": {"0": box}, **track}]})


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ({"1": {"x0": 1, "y0": 1, "x1": 9, "y1": 9}}, "for frame 1"),
        ({"-1": {"x0": 1, "y0": 1, "x1": 9, "y1": 9}}, "for frame -1"),
        ({"0": {"x0": 100, "y0": 1, "x1": 120, "y1": 9}}, "outside the picture"),
        ({"0": {"x0": 1, "y0": -9, "x1": 9, "y1": 0}}, "outside the picture"),
    ],
)
def test_a_box_that_could_cover_nothing_is_refused(boxes: dict[str, Any], words: str) -> None:
    assert Plan.from_json(_plan()).tracks
    with pytest.raises(ValueError, match=words):
        Plan.from_json(_plan(boxes=boxes))
    seen = {"0": {"box": boxes[next(iter(boxes))], "score": 1}}
    if words == "outside the picture":  # a detector looks beyond the edge, too
        assert Plan.from_json(_plan(boxes=boxes, seen=seen)).tracks
    edge = {"x0": 99.5, "y0": -5, "x1": 120, "y1": 9}
    assert Plan.from_json(_plan(boxes={"0": edge})).tracks


def test_a_face_without_a_box_is_not_counted() -> None:
    assert Plan.from_json(_plan(boxes={})).hidden == ()
    assert len(Plan.from_json(_plan()).hidden) == 1


def test_a_plan_of_other_pictures_is_refused(tmp_path: Path) -> None:
    """Boxes count by frames: in another order they would lie on the wrong pictures."""
    tall, wide = (np.full(shape, 200, np.uint8) for shape in ((80, 60, 3), (60, 80, 3)))
    names = ("a.png", "b.png", "c.png")
    for number, pictures in enumerate(((tall, wide, wide), (wide, tall, wide))):
        parts = {f"word/media/{name}": png(one) for name, one in zip(names, pictures, strict=True)}
        document("docx", parts, tmp_path / f"{number}.docx")
    options = Options(second_detector="none", check="off")
    plan = faceveil.analyze_file(tmp_path / "0.docx", options)
    plan = Plan.from_json(plan.to_json())
    same = faceveil.render_file(tmp_path / "0.docx", plan, tmp_path / "same.docx", options)
    assert same.status == "ok"
    with pytest.raises(UsageError, match="in another order") as caught:
        faceveil.render_file(
            tmp_path / "1.docx", plan, tmp_path / "out.docx", options, foreign=True
        )
    assert caught.value.advice
    assert not (tmp_path / "out.docx").exists()


def test_a_box_of_a_film_may_leave_the_picture() -> None:
    text = _plan(boxes={"1": {"x0": -90, "y0": 1, "x1": -20, "y1": 9}})
    film = text.replace('"image"', '"video"').replace('"tracks"', '"pts": [0, 1], "tracks"')
    assert Plan.from_json(film).tracks
    with pytest.raises(ValueError, match="for frame 1, and it has 1"):
        Plan.from_json(film.replace("[0, 1]", "[0]"))
