"""Boxes from elsewhere, to be painted instead of those that a detector finds.

Reading is strict, because a box that is misread leaves a face visible.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from faceveil.dataset.write import FRAME_MARK
from faceveil.errors import UnsupportedError, UsageError
from faceveil.geometry import Box
from faceveil.i18n import listed, say, words_of
from faceveil.plan import Media, Plan, Track

_NEEDED = ("file", "x0", "y0", "x1", "y1")
# Rounding in a file may put an edge this far outside: share of the picture's side, pixels.
_SLACK, _SLACK_PX = 1e-4, 1.0


class _Mark(NamedTuple):
    frame: int
    track: int | None
    x0: float
    y0: float
    x1: float
    y1: float


_MOST = 100_000_000
"""Frames and tracks: no more than a plan may have."""
_Size = tuple[int, int]
_Item = tuple[str, int, _Size | None, list[_Mark]]
"""File, frame, size of that frame, and its boxes."""


@dataclass(frozen=True, slots=True)
class Marked:
    """The boxes of one picture or video.

    Attributes:
        sizes: frame -> width and height its boxes were made for, where that was said.
        relative: coordinates are shares of the picture's sides, not pixels.
    """

    marks: tuple[_Mark, ...]
    sizes: Mapping[int, _Size] = field(default_factory=dict)
    relative: bool = False

    def plan(self, media: Media, time_base: Fraction, pts: Sequence[int]) -> Plan:
        """A plan that covers the labelled boxes of a picture or video.

        Args:
            pts: presentation times of its frames.

        Raises:
            UnsupportedError: the boxes are not for this one.
        """
        for frame, (width, height) in self.sizes.items():
            size = media.size_of(min(frame, len(pts) - 1))
            if (width, height) != size:
                raise UnsupportedError(
                    say(
                        "its boxes are for {width}x{height}, and it is "
                        "{other_width}x{other_height}",
                        width=width,
                        height=height,
                        other_width=size[0],
                        other_height=size[1],
                    )
                )
        tracks: dict[int, dict[int, Box]] = {}
        free = 1 + max((mark.track for mark in self.marks if mark.track is not None), default=-1)
        for mark in self.marks:
            if mark.frame >= len(pts):
                raise UnsupportedError(
                    say(
                        "a box is for frame {frame}, and it has {frames}",
                        frame=mark.frame,
                        frames=len(pts),
                    )
                )
            box = self._box(mark, *media.size_of(mark.frame))
            number, free = (free, free + 1) if mark.track is None else (mark.track, free)
            boxes = tracks.setdefault(number, {})
            boxes[mark.frame] = box.hull(boxes[mark.frame]) if mark.frame in boxes else box
        return Plan(
            media=media,
            tracks=tuple(
                Track(number, boxes, origin="manual") for number, boxes in sorted(tracks.items())
            ),
            time_base=time_base,
            pts=tuple(pts),
        )

    def _box(self, mark: _Mark, width: int, height: int) -> Box:
        across, down = (width, height) if self.relative else (1, 1)
        box = Box(mark.x0 * across, mark.y0 * down, mark.x1 * across, mark.y1 * down)
        inside = box.clipped(width, height)
        if inside is None:
            raise UnsupportedError(say("a box lies outside the picture"))
        return inside


class Labels:
    """The boxes of many files.

    Attributes:
        sha256: of where they come from.
    """

    def __init__(self, marked: Mapping[str, Marked], sha256: str) -> None:
        self.sha256 = sha256
        self._marked = marked
        self._by_name: dict[str, list[str]] = {}
        for file in marked:
            for name in {PurePosixPath(file).name, PurePosixPath(file).stem}:
                self._by_name.setdefault(name, []).append(file)

    def of(self, name: str) -> Marked:
        """The boxes of a file.

        Args:
            name: below its folder, with forward slashes. If no label has the whole name, its last
                part is enough, and then that part without its suffix, as long as it is unique.

        Raises:
            UnsupportedError: there is no entry for it, or several could be meant. No entry is not
                the same as no face.
        """
        path = PurePosixPath(name)
        if name in self._marked:
            return self._marked[name]
        for key in (path.name, path.stem):
            files = self._by_name.get(key, [])
            if len(files) > 1:
                raise UnsupportedError(say("several entries among the boxes could be meant for it"))
            if files:
                return self._marked[files[0]]
        raise UnsupportedError(say("there is no entry for it among the boxes"))


def read_labels(path: Path) -> Labels:
    """Read COCO json, CSV with a header, a YOLO txt, or a folder of those.

    Raises:
        UsageError: the file is none of these, or something in it is wrong; says where.
    """
    try:
        if path.is_dir():
            files = sorted(path.rglob("*.txt"))
            marked = {_yolo_name(file, path): _yolo(file) for file in files}
            if not marked:
                raise UsageError(say("{path} has no txt files with boxes", path=path))
        else:
            files = [path]
            readers = {".json": _coco, ".csv": _csv}
            if path.suffix.lower() == ".txt":
                marked = {path.stem: _yolo(path)}
            elif reader := readers.get(path.suffix.lower()):
                marked = reader(path)
            else:
                raise UsageError(
                    say("{path} is not known as boxes", path=path), say("Use .json, .csv or .txt.")
                )
        digest = hashlib.sha256()
        for file in files:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    except (OSError, UnicodeError) as error:
        raise UsageError(say("{path} cannot be read", path=path)) from error
    return Labels(marked, digest.hexdigest())


def _wrong(path: Path, place: str, what: str) -> UsageError:
    return UsageError(say("{path}, {place}: {what}", path=path, place=place, what=what))


def _mark(values: Iterable[Any], frame: int, track: int | None) -> _Mark:
    """A box of four corners.

    Raises:
        ValueError: they are no numbers, or enclose nothing; says so.
    """
    try:
        x0, y0, x1, y1 = (float(value) for value in values)
    except (TypeError, ValueError):
        raise ValueError(say("a box needs four numbers")) from None
    if not all(map(math.isfinite, (x0, y0, x1, y1))):
        raise ValueError(say("a box needs finite numbers"))
    if not (0 <= frame <= _MOST and 0 <= (track or 0) <= _MOST):
        raise ValueError(say("a number of a frame or track is out of bounds"))
    if not (x0 < x1 and y0 < y1):
        raise ValueError(say("a box is empty"))
    return _Mark(frame, track, x0, y0, x1, y1)


def _number(value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(say("{text} is no number", text=value)) from None


def _whole(value: Any) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError(say("{text} is no whole number", text=value)) from None


def _gathered(
    items: Iterator[_Item],
) -> dict[str, Marked]:
    marks: dict[str, list[_Mark]] = {}
    sizes: dict[str, dict[int, _Size]] = {}
    for file, frame, size, found in items:
        known = sizes.setdefault(file, {})
        if size and known.setdefault(frame, size) != size:
            raise ValueError(say("{file} has two sizes", file=file))
        for mark in found if size else ():
            assert size is not None
            if min(mark.x0, mark.y0) < -_SLACK_PX or (
                mark.x1 > size[0] + _SLACK_PX or mark.y1 > size[1] + _SLACK_PX
            ):
                raise ValueError(say("a box of {file} reaches beyond the picture", file=file))
        marks.setdefault(file, []).extend(found)
    return {file: Marked(tuple(found), sizes[file]) for file, found in marks.items()}


def _split(name: str, frame: Any = None) -> tuple[str, int]:
    """File and frame of an entry: frames of a video are ``clip.mp4#12``."""
    file, mark, number = name.rpartition(FRAME_MARK)
    if frame in (None, "") and mark and number.isdecimal():
        return file, int(number)
    whole = _whole(frame or 0)
    if whole < 0:
        raise ValueError(say("a frame has a negative number"))
    return name, whole


def _coco(path: Path) -> dict[str, Marked]:
    place = "images"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        images: dict[Any, tuple[str, int, _Size, list[_Mark]]] = {}
        for number, image in enumerate(data["images"]):
            place = f"images[{number}]"
            size = _whole(image["width"]), _whole(image["height"])
            if min(size) < 1:
                raise ValueError(say("a picture needs a size"))
            if image["id"] in images:
                raise ValueError(say("two pictures have the same id"))
            images[image["id"]] = (*_split(str(image["file_name"])), size, [])
        place = "annotations"
        for number, note in enumerate(data["annotations"]):
            place = f"annotations[{number}]"
            if note["image_id"] not in images:
                raise ValueError(say("there is no picture with this image_id"))
            if len(note["bbox"]) != 4:
                raise ValueError(say("a box needs four numbers"))
            x, y, width, height = map(_number, note["bbox"])
            _, frame, _, marks = images[note["image_id"]]
            track = note.get("track_id")
            corners = (x, y, x + width, y + height)
            marks.append(_mark(corners, frame, None if track is None else _whole(track)))
        place = "images"
        return _gathered(iter(images.values()))
    except (KeyError, AttributeError) as error:
        raise _wrong(path, place, say("{key} is missing; is this COCO?", key=error)) from error
    except json.JSONDecodeError as error:
        raise _wrong(
            path, say("line {number}", number=error.lineno), say("this is no JSON")
        ) from error
    except (TypeError, ValueError, OverflowError) as error:
        raise _wrong(path, place, words_of(error)) from error
    except RecursionError as error:
        raise _wrong(path, place, say("lists lie in lists without end")) from error


def _csv(path: Path) -> dict[str, Marked]:
    number = 1

    def rows() -> Iterator[_Item]:
        nonlocal number
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.DictReader(file, strict=True)
            missing = [name for name in _NEEDED if name not in (lines.fieldnames or ())]
            if missing:
                raise ValueError(say("the header has no {names}", names=listed(missing)))
            for row in lines:
                number = lines.line_num
                if None in row or None in row.values() or not row["file"]:
                    raise ValueError(say("there are more or fewer fields than in the header"))
                name, frame = _split(row["file"], row.get("frame"))
                width, height = row.get("width"), row.get("height")
                size = (_whole(width), _whole(height)) if width and height else None
                corners = [row[key] for key in _NEEDED[1:]]
                track = row.get("track")
                none = not any(corners)  # the picture has no face
                mark = [] if none else [_mark(corners, frame, _whole(track) if track else None)]
                yield name, frame, size, mark

    try:
        return _gathered(rows())
    except (ValueError, OverflowError, csv.Error) as error:
        raise _wrong(path, say("line {number}", number=number), words_of(error)) from error


def _yolo_name(file: Path, folder: Path) -> str:
    return file.relative_to(folder).with_suffix("").as_posix()


def _yolo(path: Path) -> Marked:
    marks = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split()
        try:
            if not fields:
                continue
            if len(fields) not in (5, 6):
                raise ValueError(say("a line is class, x, y, width, height, and perhaps a score"))
            x, y, width, height = map(_number, fields[1:5])
            if not all(0 <= value <= 1 for value in (x, y, width, height)):
                raise ValueError(say("coordinates are shares of the picture, from 0 to 1"))
            corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            if min(corners) < -_SLACK or max(corners) > 1 + _SLACK:
                raise ValueError(say("a box reaches beyond the picture"))
            marks.append(_mark(corners, 0, None))
        except ValueError as error:
            raise _wrong(path, say("line {number}", number=number), words_of(error)) from error
    return Marked(tuple(marks), relative=True)
