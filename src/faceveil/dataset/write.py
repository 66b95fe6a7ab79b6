"""Writing boxes as COCO json, YOLO txt or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath, PurePosixPath
from typing import Any, Final

from faceveil.dataset.annotation import Annotation, Spot
from faceveil.errors import UsageError
from faceveil.i18n import say

CATEGORY: Final = "face"
COLUMNS: Final = ("file", "frame", "x0", "y0", "x1", "y1", "score", "track", "width", "height")
FRAME_MARK: Final = "#"
"""``clip.mp4#12`` is frame 12 of a video, where a format knows only pictures."""


def write(found: Sequence[Annotation], form: str) -> dict[str, str]:
    """The text of each file of a data set, by its name; "" for a format that is one file.

    Args:
        form: one of `FORMATS`.

    Raises:
        UsageError: two pictures would have the same file.
    """
    return FORMATS[form](found)


def _frames(one: Annotation) -> Iterator[tuple[int, list[Spot]]]:
    """Every frame of a still; of a video those with boxes."""
    by_frame: dict[int, list[Spot]] = {} if one.frames > 1 else {0: []}
    for spot in one.spots:
        by_frame.setdefault(spot.frame, []).append(spot)
    yield from sorted(by_frame.items())


def _coco(found: Sequence[Annotation]) -> dict[str, str]:
    images: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    for one in found:
        for frame, spots in _frames(one):
            name = f"{one.file}{FRAME_MARK}{frame}" if one.frames > 1 else one.file
            number = len(images) + 1
            size = dict(zip(("width", "height"), one.size_of(frame), strict=True))
            images.append({"id": number, "file_name": name, **size})
            for spot in spots:
                box = spot.box
                note = {
                    "id": len(notes) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "bbox": [_px(v) for v in (box.x0, box.y0, box.width, box.height)],
                    "area": _px(box.area),
                    "iscrowd": 0,
                }
                if spot.score is not None:
                    note["score"] = round(spot.score, 4)
                if spot.track is not None:
                    note["track_id"] = spot.track
                notes.append(note)
    categories = [{"id": 1, "name": CATEGORY}]
    return {"": json.dumps({"images": images, "annotations": notes, "categories": categories})}


def _yolo(found: Sequence[Annotation]) -> dict[str, str]:
    files: dict[str, str] = {}
    for one in found:
        path = PurePosixPath(PurePath(one.file).as_posix())
        stem = path.name if path.suffix == "" else path.stem
        for frame, spots in _frames(one):
            name = f"{stem}_{frame:06d}.txt" if one.frames > 1 else f"{stem}.txt"
            if name in files:
                raise UsageError(say("several pictures would have the labels {name}", name=name))
            files[name] = "".join(_yolo_line(spot, one) for spot in spots)
    return files


def _yolo_line(spot: Spot, one: Annotation) -> str:
    size = one.size_of(spot.frame)
    box = spot.box.clipped(*size)
    if box is None:
        return ""
    x, y = box.center
    values = (x / size[0], y / size[1], box.width / size[0], box.height / size[1])
    return "0 " + " ".join(f"{value:.6f}" for value in values) + "\n"


def _csv(found: Sequence[Annotation]) -> dict[str, str]:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for one in found:
        for frame, spots in _frames(one):
            if not spots:  # the picture was looked at, and has no face
                lines.writerow([one.file, frame, *[""] * 6, *one.size_of(frame)])
            for spot in spots:
                box = [_px(value) for value in spot.box.as_tuple()]
                score = "" if spot.score is None else round(spot.score, 4)
                track = "" if spot.track is None else spot.track
                lines.writerow([one.file, frame, *box, score, track, *one.size_of(frame)])
    return {"": text.getvalue()}


def _px(value: float) -> float:
    return round(value, 2)


FORMATS: Final[dict[str, Callable[[Sequence[Annotation]], dict[str, str]]]] = {
    "coco": _coco,
    "yolo": _yolo,
    "csv": _csv,
}
