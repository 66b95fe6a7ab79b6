"""The part of a film's stored pictures that its file says is to be shown.

Matroska stores how much is cut off on each side, MP4 and QuickTime the part that is left. Who cuts
pictures off in this way, without encoding them again, does not want what is beyond to be seen.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import av
import av.filter
from av.error import FFmpegError

from faceveil.i18n import say
from faceveil.media.metadata.items import boxes, inside
from faceveil.media.pictures.item import clean_aperture
from faceveil.media.videos.containers import bytes_of, moving_streams
from faceveil.media.videos.fitting import chain, through
from faceveil.media.videos.numbered import PICTURES, streamed, walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_ENTRY: Final = 78
"""Bytes of a visual sample entry before its boxes (ISO/IEC 14496-12, 12.1.3)."""

_VIDEO: Final = 0xE0
_PLACED: Final = frozenset({"mkv", "webm"})
_SIDES: Final = (0x54CC, 0x54BB, 0x54DD, 0x54AA)
"""PixelCropLeft, Top, Right and Bottom (RFC 9559, 5.1.4.1.28)."""


class Margins(NamedTuple):
    """The part of each side of the stored pictures that is not shown, in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def margins_of(
    origin: Path | bytes, kind: str, track: int, size: tuple[int, int]
) -> Margins | None:
    """The margins of a film's picture stream, or None where all of it is shown.

    Args:
        kind: of the file.
        track: the stream's number in the file (MP4, QuickTime), or its place among those of
            pictures (Matroska).
        size: of a stored picture.
    """
    if kind not in ("mp4", "mov", *_PLACED):
        return None
    with bytes_of(origin) as data:
        try:
            found = _matroska(data, track) if kind in _PLACED else _iso(data, track, size)
        except (IndexError, ValueError, struct.error):
            return None  # what is broken is passed over, as players do
    if found is None or not any(found):
        return None
    across, down = found.left + found.right, found.top + found.bottom
    return found if across < size[0] and down < size[1] else None


def margins_in(stream: VideoStream, size: tuple[int, int]) -> Margins | None:
    """The same of a stream that is read as it comes: FFmpeg knows, and writes it down."""
    header = io.BytesIO()
    try:
        with av.open(header, "w", format="matroska") as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (FFmpegError, ValueError):
        return None  # nothing that can be stored with margins
    return margins_of(header.getvalue(), "mkv", 0, size)


def track_of(stream: VideoStream, kind: str) -> int:
    """The number under which `margins_of` looks for a stream."""
    if kind not in _PLACED:
        return stream.id
    moving = moving_streams(cast("InputContainer", stream.container))
    return sum(one.index < stream.index for one in moving)


def cropper_of(
    origin: Path | bytes, kind: str, stream: VideoStream, first: VideoFrame
) -> Callable[[], Cropper]:
    """A maker of croppers for the frames of a film, by the first of them."""
    size = first.width, first.height
    margins = margins_of(origin, kind, track_of(stream, kind), size)
    return lambda: Cropper(margins, size)


def _matroska(data: bytes, track: int) -> Margins | None:
    places = [place for type, place in streamed(data) if type == PICTURES]
    if track >= len(places):
        return None
    cut = {
        side: int.from_bytes(data[body:stop], "big")
        for video in inside(walk, data, places[track], _VIDEO)
        for side, body, stop in walk(data, *video)
    }
    return Margins(*(cut.get(side, 0) for side in _SIDES))


def _iso(data: bytes, track: int, size: tuple[int, int]) -> Margins | None:
    for trak in inside(boxes, data, (0, len(data)), b"moov", b"trak"):
        for head, _ in inside(boxes, data, trak, b"tkhd"):
            at = head + (20 if data[head] == 1 else 12)
            if int.from_bytes(data[at : at + 4], "big") == track:
                return _of_track(data, trak, size)
    return None


def _of_track(data: bytes, trak: tuple[int, int], size: tuple[int, int]) -> Margins | None:
    for at, end in inside(boxes, data, trak, b"mdia", b"minf", b"stbl", b"stsd"):
        for _, entry, stop in boxes(data, at + 8, end):
            for body, last in inside(boxes, data, (entry + _ENTRY, stop), b"clap"):
                if (shown := clean_aperture(bytes(data[body:last]), size)) is not None:
                    x0, y0, x1, y1 = shown
                    return Margins(x0, y0, size[0] - x1, size[1] - y1)
    return None


class Cropper:
    """Cuts frames of one size off, as the file says; others pass as they are.

    Args:
        margins: of frames of the size that the file begins with.
        size: of those, as stored.
    """

    def __init__(self, margins: Margins | None, size: tuple[int, int]) -> None:
        self._margins, self._size = margins, size
        self._graph: Any = None

    def shown(self, frame: VideoFrame) -> VideoFrame:
        """The part of a frame that is shown, rounded inwards to whole samples of colour."""
        if self._margins is None or (frame.width, frame.height) != self._size:
            return frame
        if self._graph is None:
            self._graph = self._made(frame, self._margins)
        return through(self._graph, frame)

    def note(self, width: int, height: int) -> str:
        """A note on what is shown, or "" where it is all."""
        if (width, height) == self._size:
            return ""
        return say(
            "only the {width}x{height} pixels that the file says are shown are kept, of "
            "{stored_width}x{stored_height}",
            width=width,
            height=height,
            stored_width=self._size[0],
            stored_height=self._size[1],
        )

    def _made(self, frame: VideoFrame, margins: Margins) -> av.filter.Graph:
        across = 8 // (frame.format.chroma_width(8) or 8)
        down = 8 // (frame.format.chroma_height(8) or 8) * (2 if frame.interlaced_frame else 1)
        left, top, right, bottom = (
            -(-side // step) * step
            for side, step in zip(margins, (across, down, across, down), strict=True)
        )
        return chain(
            frame,
            ("crop", f"{frame.width - left - right}:{frame.height - top - bottom}:{left}:{top}"),
            ("copy",),  # else the picture would still lie in the rows of the larger one
        )
