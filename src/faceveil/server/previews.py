"""Small pictures of a job's files for the page, made on request and never kept."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faceveil import media
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.i18n import say
from faceveil.options import Options
from faceveil.plan import Media, Track
from faceveil.server.problems import ProblemError

WIDEST = 4096
_QUALITY = 85
_THUMBNAIL = 160
"""Side of a face's thumbnail in pixels."""
_MARGIN = 0.4
_BESIDE = (128, 128, 128)
_PAPER = 255
"""The ground, from black (0) to white, on which a picture with transparency is shown."""


def frame_jpeg(path: Path, index: int, width: int, options: Options) -> bytes:
    """A frame as JPEG.

    Args:
        width: in pixels; a smaller frame is not enlarged.

    Raises:
        ProblemError: 404, there is no such frame.
        InputError: the file cannot be read.
    """
    with media.open_source(path, options) as source:
        frame = _frame(source, index).on(_PAPER)
        paged = source.media.kind in ("pages", "document")
        sheet = _on_sheet(frame.image, source.media) if paged else None
        frame = frame if sheet is None else Frame(index, sheet)
        columns, rows = frame.size
        shown = min(width, columns)
        return _jpeg(frame.at_size(shown, max(1, round(rows * shown / columns))))


def _on_sheet(image: Image, sheet: Media) -> Image:
    """A page in the corner of a sheet that holds every page, as boxes are placed."""
    down, across = sheet.height - image.shape[0], sheet.width - image.shape[1]
    grey = cv2.copyMakeBorder(image, 0, down, 0, across, cv2.BORDER_CONSTANT, value=_BESIDE)
    return np.asarray(grey, np.uint8)


def face_jpeg(path: Path, track: Track, options: Options) -> bytes:
    """The face of a track as JPEG, from the frame in which it was seen best."""
    index, box = surest(track)
    with media.open_source(path, options) as source:
        image = _frame(source, index).on(_PAPER).image
    wanted = box.padded(*(_MARGIN,) * 4).clipped(image.shape[1], image.shape[0])
    if wanted is None:
        raise ProblemError(404, "not-found", say("the face lies outside the picture"))
    x0, y0 = int(wanted.x0), int(wanted.y0)
    part = image[y0 : max(int(wanted.y1), y0 + 1), x0 : max(int(wanted.x1), x0 + 1)]
    scale = _THUMBNAIL / max(part.shape[:2])
    size = [max(1, round(side * scale)) for side in part.shape[1::-1]]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return _jpeg(np.asarray(cv2.resize(part, size, interpolation=method), np.uint8))


def surest(track: Track) -> tuple[int, Box]:
    """The frame in which the face was clearest, and where it is there.

    Raises:
        ProblemError: 404, the track has no boxes.
    """
    if track.seen:
        index = max(track.seen, key=lambda at: track.seen[at].score)
        return index, track.seen[index].box
    if not track.boxes:
        raise ProblemError(404, "not-found", say("the track has no boxes"))
    middle = sorted(track.boxes)[len(track.boxes) // 2]
    return middle, track.boxes[middle]


def _frame(source: media.Source, index: int) -> Frame:
    for frame in source.sample({index}):
        if frame.index == index:
            return frame
    raise ProblemError(404, "not-found", say("there is no such frame"))


def _jpeg(image: Image) -> bytes:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert done
    return data.tobytes()
