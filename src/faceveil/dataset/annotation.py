"""The boxes in what FaceVeil saves: plans, reports, and the lines of ``detect --json``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from faceveil.errors import UsageError
from faceveil.geometry import Box
from faceveil.i18n import say
from faceveil.plan import Plan


class Spot(NamedTuple):
    """A box in a frame.

    Attributes:
        score: None where nothing was seen, or it is not known.
        track: None if it is not known.
    """

    frame: int
    box: Box
    score: float | None = None
    track: int | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """The boxes of one picture or video.

    Attributes:
        file: its name as far as it is known.
        width, height: of the picture in pixels.
        frames: number of frames; 1 for a still.
        sizes: width and height of each frame, where they differ: pages, pictures of a document.
    """

    file: str
    width: int
    height: int
    frames: int
    spots: tuple[Spot, ...]
    sizes: tuple[tuple[int, int], ...] = ()

    def size_of(self, frame: int) -> tuple[int, int]:
        """Width and height of a frame."""
        return self.sizes[frame] if self.sizes else (self.width, self.height)


def read_found(path: Path) -> list[Annotation]:
    """The boxes in a plan, a report, or the output of ``detect --json``.

    Raises:
        UsageError: the file is none of these; says where it goes wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UsageError(say("{path} cannot be read as a plan or a report", path=path)) from error
    if not text.strip():
        raise UsageError(say("{path} is empty", path=path))
    found: list[Annotation] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            found += _of_line(json.loads(line), path)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UsageError(
                say(
                    "{path}, line {number}, is neither a plan nor a report of FaceVeil",
                    path=path,
                    number=number,
                )
            ) from error
    return found


def _of_line(line: Mapping[str, Any], path: Path) -> Iterator[Annotation]:
    if "tracks" in line and "schema" in line:
        plan = Plan.from_json(json.dumps(line))
        name = path.name.removesuffix(".json").removesuffix(".plan")
        yield Annotation(
            name,
            plan.media.width,
            plan.media.height,
            len(plan.pts),
            tuple(
                Spot(frame, box, seen.score if (seen := one.seen.get(frame)) else None, one.id)
                for one in plan.tracks
                for frame, box in one.boxes.items()
            ),
            tuple((part.width, part.height) for part in plan.media.parts),
        )
    elif "regions" in line:
        if line["status"] in ("failed", "skipped") or line["media"] is None:  # or an archive
            return
        spots = (
            Spot(int(frame), Box(*box)) for frame, boxes in line["regions"].items() for box in boxes
        )
        size = int(line["media"]["width"]), int(line["media"]["height"])
        sizes = _sizes(line["media"].get("parts", ()))
        yield Annotation(str(line["input"]), *size, int(line["frames"]), tuple(spots), sizes)
    else:
        spots = (
            Spot(int(frame["index"]), Box(*face["box"]), face["score"], face["track"])
            for frame in line["frames"]
            for face in frame["faces"]
        )
        size = int(line["width"]), int(line["height"])
        sizes = _sizes(frame for frame in line["frames"] if "part" in frame)
        yield Annotation(str(line["file"]), *size, len(line["frames"]), tuple(spots), sizes)


def _sizes(parts: Iterable[Mapping[str, Any]]) -> tuple[tuple[int, int], ...]:
    return tuple((int(part["width"]), int(part["height"])) for part in parts)
