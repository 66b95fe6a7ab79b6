"""Small pictures of a job's files for the page, made on request and never written."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faceveil import media
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.i18n import say
from faceveil.options import Options
from faceveil.plan import Track
from faceveil.server.problems import ProblemError
from faceveil.server.shelf import Shelf

WIDEST = 4096
SMALL = 320
"""Wider ones are looked at; these tell files from one another."""
_QUALITY = 85
_THUMBNAIL = 160
"""Side of a face's thumbnail in pixels."""
_MARGIN = 0.4
_PAPER = 255
"""The ground, from black (0) to white, on which a picture with transparency is shown."""
_shelf = Shelf()


def frame_jpeg(path: Path, index: int, width: int, options: Options, part: str = "") -> bytes:
    """A frame as JPEG.

    Args:
        width: in pixels; a smaller frame is not enlarged.
        part: of a document, the name of what the frame shows, which counts for more than its
            number: in a result, further pictures may have been replaced by blank ones.

    Raises:
        ProblemError: 404, there is no such frame.
        InputError: the file cannot be read.
    """
    with _shelf.book(path, options) as book:

        def make() -> bytes:
            if book.glances is not None:
                return _shown(_there(book.glances.at(index)), width)
            with media.open_source(path, options) as source:
                wanted = index
                if part:
                    names = [one.name for one in source.media.parts]
                    wanted = names.index(part) if part in names else len(names)
                return _shown(_frame(source, wanted), width)

        return book.once((index, width, part), make)


def warm() -> bytes:
    """Load what the first preview will need."""
    import faceveil.media.videos.video  # noqa: F401

    return b""


def prepare(path: Path, options: Options) -> bytes:
    """Read what the next frame of a film will need; nothing comes of it but time.

    Raises: as `frame_jpeg`.
    """
    with _shelf.book(path, options) as book:
        if book.glances is not None:
            book.glances.prepare()
    return b""


def face_jpeg(path: Path, track: Track, options: Options) -> bytes:
    """The face of a track as JPEG, from the frame in which it was seen best."""
    index, box = surest(track)
    with _shelf.book(path, options) as book:

        def make() -> bytes:
            if book.glances is not None:
                return _cut(_there(book.glances.at(index)), box)
            with media.open_source(path, options) as source:
                return _cut(_frame(source, index), box)

        return book.once((index, box), make)


def _cut(frame: Frame, box: Box) -> bytes:
    image = frame.on(_PAPER).image
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


def _shown(frame: Frame, width: int) -> bytes:
    frame = frame.on(_PAPER)
    columns, rows = frame.size
    shown = min(width, columns)
    return _jpeg(frame.at_size(shown, max(1, round(rows * shown / columns))))


def _there(frame: Frame | None) -> Frame:
    if frame is None:
        raise ProblemError(404, "not-found", say("there is no such frame"))
    return frame


def _frame(source: media.Source, index: int) -> Frame:
    return _there(next((one for one in source.sample({index}) if one.index == index), None))


def _jpeg(image: Image) -> bytes:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert done
    return data.tobytes()
