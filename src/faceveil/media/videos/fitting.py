"""Fit frames of another size, shape or rotation into the format of their film's first frame."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import av.filter

from faceveil.i18n import say
from faceveil.media.videos.facts import display_matrix
from faceveil.media.videos.planes import FULL, FrameLayout, Orientation, layout_of

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

_RANGES: Final = ("limited", "full")
_TRANSPOSE: Final = ("transpose", "cclock_flip")


@dataclass(frozen=True, slots=True)
class FrameFormat:
    """The properties of frames that may change in the middle of a film.

    Attributes:
        width, height: as stored.
        format: pixel format as decoded.
        full: luma uses all values.
        colours: matrix coefficients (ITU-T H.273).
        aspect: width of a pixel by its height as coded, or None.
        matrix: display matrix, or None.
    """

    width: int
    height: int
    format: str
    full: bool
    colours: int
    aspect: Fraction | None
    matrix: tuple[int, ...] | None


class Shapes:
    """Tells the shapes of a film's frames.

    The display matrix is read once for each turn: PyAV's frame and its side data refer to each
    other, so every frame whose matrix is read stays in memory until the garbage collector runs.
    """

    def __init__(self) -> None:
        self._matrices: dict[int, tuple[int, ...] | None] = {}

    def of(self, frame: VideoFrame, decoder: VideoCodecContext) -> FrameFormat:
        turn = frame.rotation
        if turn not in self._matrices:
            self._matrices[turn] = display_matrix(frame)
        return FrameFormat(
            frame.width,
            frame.height,
            frame.format.name,
            frame.color_range == FULL,
            frame.colorspace,
            decoder.sample_aspect_ratio or None,
            self._matrices[turn],
        )


class Changes:
    """The changes of format during a film.

    Args:
        first: the shape of its first frame.
        shapes: tells those of the others.
    """

    def __init__(self, first: FrameFormat, shapes: Shapes) -> None:
        self._first, self._shapes = first, shapes
        self._met: dict[FrameFormat, int] = {}

    def at(self, index: int, frame: VideoFrame, decoder: VideoCodecContext) -> FrameFormat:
        """Note the next frame, and tell its shape."""
        shape = self._shapes.of(frame, decoder)
        if shape != self._first:
            self._met.setdefault(shape, index)
        return shape

    @property
    def notes(self) -> list[str]:
        """Notes on frames that were fitted without a loss."""
        return [self._words(shape) for shape in self._met if not self._shrinks(shape)]

    @property
    def warnings(self) -> list[str]:
        """Warnings for frames that lost detail by it."""
        return [self._words(shape) for shape in self._met if self._shrinks(shape)]

    def _shrinks(self, shape: FrameFormat) -> bool:
        first = sorted((self._first.width, self._first.height))
        return any(a > b for a, b in zip(sorted((shape.width, shape.height)), first, strict=True))

    def _words(self, shape: FrameFormat) -> str:
        first, index = self._first, self._met[shape]
        if (shape.width, shape.height) != (first.width, first.height):
            return say(
                "from frame {frame} on the picture is {width}x{height}: fitted "
                "into {first_width}x{first_height}, the size it begins with",
                frame=index,
                width=shape.width,
                height=shape.height,
                first_width=first.width,
                first_height=first.height,
            )
        return say(
            "from frame {frame} on the pixels are stored or shaped otherwise: made like before",
            frame=index,
        )


class Fitter:
    """Puts frames of any shape into that of the first, as large as can be, on black.

    Args:
        first: the shape to fit into.
        look: how its frames are worked on.
        aspect: of its pixels, as players take it.
    """

    def __init__(self, first: FrameFormat, look: FrameLayout, aspect: Fraction) -> None:
        self._first, self._look, self._aspect = first, look, aspect
        self._graph: Any = None
        self._shape: FrameFormat | None = None

    def fit(self, frame: VideoFrame, shape: FrameFormat) -> VideoFrame:
        """The frame in the size, shape, turn, pixel format and colours of the first."""
        if self._shape != shape:
            self._graph, self._shape = self._made(frame, shape), shape
        return through(self._graph, frame)

    def _made(self, frame: VideoFrame, shape: FrameFormat) -> av.filter.Graph:
        wanted = self._look.orientation
        given = Orientation.of_matrix(shape.matrix) if shape.matrix else None
        given = given or Orientation()
        width, height, pad = self._place(shape, given.swap)
        theirs = layout_of(frame, given)[0]
        colours = ":".join(
            f"{way}_color_matrix={look.matrix}:{way}_range={_RANGES[look.full_range]}"
            for way, look in (("in", theirs), ("out", self._look))
        )
        return chain(
            frame,
            *turned(given),
            ("scale", f"{width}:{height}:{colours}"),
            ("format", self._look.format),
            ("pad", pad),
            *reversed(turned(wanted)),
        )

    def _place(self, shape: FrameFormat, swap: bool) -> tuple[int, int, str]:
        """Displayed size of what is shown, and how it lies on the black ground."""
        first = self._first
        room_x, room_y, ground = first.width, first.height, self._aspect
        # What does not code another aspect has the one that players take for all of the film.
        own = self._aspect if shape.aspect == first.aspect else shape.aspect or Fraction(1)
        wide, high = Fraction(shape.width) * own, Fraction(shape.height)
        if self._look.orientation.swap:
            room_x, room_y, ground = room_y, room_x, 1 / ground
        if swap:
            wide, high = high, wide
        wide /= ground
        scale = min(room_x / wide, room_y / high)
        across, down = self._look.chroma
        step_x, step_y = (down, across) if self._look.orientation.swap else (across, down)
        width = _whole(wide * scale, room_x, step_x)
        height = _whole(high * scale, room_y, step_y)
        left = (room_x - width) // 2 // step_x * step_x
        top = (room_y - height) // 2 // step_y * step_y
        return width, height, f"{room_x}:{room_y}:{left}:{top}"


def chain(frame: VideoFrame, *steps: tuple[str, str] | tuple[str]) -> av.filter.Graph:
    """A graph of filters, one after the other, for frames of the size and format of this one.

    Args:
        steps: the name of each, and what it is told.
    """
    graph = av.filter.Graph()
    buffer = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=frame.time_base or Fraction(1, 1000),
    )
    filters = (graph.add(*step) for step in steps)
    graph.link_nodes(buffer, *filters, graph.add("buffersink")).configure()
    return graph


def through(graph: av.filter.Graph, frame: VideoFrame) -> VideoFrame:
    """A frame as a graph of filters makes it, at its own time."""
    graph.push(frame)
    made = graph.vpull()
    made.pts, made.duration = frame.pts, frame.duration
    if frame.time_base is not None:
        made.time_base = frame.time_base
    return made


def turned(orientation: Orientation) -> list[tuple[str, str] | tuple[str]]:
    """The filters that make stored pictures displayed ones; each is its own inverse."""
    steps: list[tuple[str, str] | tuple[str]] = []
    if orientation.swap:
        steps.append(_TRANSPOSE)
    if orientation.flip_rows:
        steps.append(("vflip",))
    if orientation.flip_cols:
        steps.append(("hflip",))
    return steps


def _whole(size: Fraction, room: int, step: int) -> int:
    """A size in whole samples of colour, or all of the room where it nearly fills it."""
    near = max(step, round(size / step) * step)
    return room if near + step > room else near
