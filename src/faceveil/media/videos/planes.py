"""The planes of a decoded frame: as displayed, to read, to paint on, as a small picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.frames import LUMA, Image, Planes
from faceveil.i18n import say

if TYPE_CHECKING:
    from av.video.format import VideoFormat
    from av.video.frame import VideoFrame

# ITU-T H.273, table 4 (MatrixCoefficients).
_MATRICES: Final = {1: "bt709", 5: "bt601", 6: "bt601", 7: "bt601", 9: "bt2020", 10: "bt2020"}
_HD_LINES: Final = 720
"""From this height on, players take an untagged picture for BT.709, below for BT.601."""

_LIMITED, FULL = 1, 2  # AVColorRange

_BAND: Final = 64
"""Rows converted at a time."""

_SPARSE: Final = 5
"""Samples along each side of a thumbnail's pixel that are looked at."""

_CHROMA: Final = {"420": (2, 2), "422": (2, 1), "444": (1, 1)}
_DIRECT: Final = frozenset(
    f"{family}{chroma}p{depth}"
    for family, depth in (("yuv", ""), ("yuvj", ""), ("yuv", "10le"))
    for chroma in _CHROMA
) | {"yuva420p"}
"""Pixel formats whose planes are used as they are decoded."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """The way from stored rows and columns to displayed ones: exchanged first, then reversed."""

    swap: bool = False
    flip_rows: bool = False
    flip_cols: bool = False

    @classmethod
    def of_matrix(cls, matrix: Sequence[int]) -> Self | None:
        """Read a display matrix (ISO/IEC 14496-12, 8.3.2; nine fixed-point numbers by rows).

        Returns:
            None where it turns the picture by something else than quarters.
        """
        a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
        if a and d and not (b or c):
            return cls(False, d < 0, a < 0)
        if b and c and not (a or d):
            return cls(True, b < 0, c < 0)
        return None

    def apply(self, plane: NDArray[Any]) -> NDArray[Any]:
        """The plane as displayed: a view, so painting it paints the plane."""
        if self.swap:
            plane = plane.T
        return plane[:: -1 if self.flip_rows else 1, :: -1 if self.flip_cols else 1]


@dataclass(frozen=True, slots=True)
class FrameLayout:
    """The layout that all frames of a stream share.

    Attributes:
        format: name of the pixel format that frames are worked on and encoded in.
        aspect: width of a displayed pixel by its height.
    """

    format: str
    full_range: bool
    matrix: str
    orientation: Orientation
    aspect: float = 1.0

    @property
    def chroma(self) -> tuple[int, int]:
        """Subsampling as stored, horizontal and vertical."""
        return subsampling(self.format)

    @property
    def depth(self) -> int:
        return 10 if self.format.endswith("10le") else 8

    @property
    def alpha(self) -> bool:
        return self.format.startswith("yuva")


def subsampling(format: str) -> tuple[int, int]:
    """Pixels to a chroma sample, horizontally and vertically, of a working format."""
    return next(ratio for name, ratio in _CHROMA.items() if name in format)


def layout_of(frame: VideoFrame, orientation: Orientation) -> tuple[FrameLayout, str]:
    """The layout for frames like this one, and a note if they have to be converted, or ""."""
    name, note = working_format(frame.format)
    if frame.format.is_rgb:
        return FrameLayout(name, False, "bt709", orientation), note
    unknown = "bt709" if frame.height >= _HD_LINES else "bt601"
    matrix = _MATRICES.get(frame.colorspace, unknown)
    full = frame.color_range == FULL or frame.format.name.startswith("yuvj")
    return FrameLayout(name, full, matrix, orientation), note


def working_format(given: VideoFormat) -> tuple[str, str]:
    """The planar format that keeps most of a given one, and a note about the loss, or "".

    Colour resolution is kept where there is a common format that has it (4:2:0, 4:2:2, 4:4:4), else
    reduced to 4:2:0; more than 10 bits become 10. RGB, palettes and grey become 4:2:0, which every
    player shows. Transparent formats become 8-bit 4:2:0 with opacity, which VP9 stores.
    """
    if given.name in _DIRECT:
        return given.name, ""
    if any(part.is_alpha for part in given.components):
        return "yuva420p", say("picture converted from {format} to yuva420p", format=given.name)
    depth = max((part.bits for part in given.components), default=8)
    chroma = "420"
    if not (given.is_rgb or given.has_palette or len(given.components) < 3):
        ratio = (64 // given.chroma_width(64), 64 // given.chroma_height(64))
        chroma = next((name for name, known in _CHROMA.items() if known == ratio), "420")
    name = f"yuv{chroma}p" + ("10le" if depth > 8 else "")
    return name, say(
        "picture converted from {format} to {new_format}", format=given.name, new_format=name
    )


def converted(frame: VideoFrame, look: FrameLayout) -> VideoFrame:
    """The frame in the stream's working format; the frame itself where it has it already."""
    if frame.format.name == look.format:
        return frame
    if not frame.format.is_rgb:
        # The same range and matrix on both sides: only the layout of the samples changes.
        return frame.reformat(format=look.format)
    turned = frame.reformat(
        format=look.format, dst_colorspace="itu709", dst_color_range=_LIMITED, interpolation="AREA"
    )
    turned.colorspace, turned.color_range = 1, _LIMITED
    return turned


def enlarged(frame: VideoFrame, width: int, height: int) -> VideoFrame:
    """A planar frame with its last column and row repeated up to a size, for encoding only."""
    larger = av.VideoFrame(width, height, frame.format.name)
    for old, new in zip(frame.planes, larger.planes, strict=True):
        kind = np.uint8 if old.line_size < 2 * old.width else np.dtype("<u2")
        rows, into = (
            np.frombuffer(memoryview(one), kind).reshape(one.height, -1)[:, : one.width]
            for one in (old, new)
        )
        more = (0, new.height - old.height), (0, new.width - old.width)
        into[...] = np.pad(rows, more, mode="edge")
    larger.colorspace, larger.color_range = frame.colorspace, frame.color_range
    larger.color_primaries, larger.color_trc = frame.color_primaries, frame.color_trc
    return larger


class Picture:
    """One decoded frame, its planes to read and to paint, in the displayed orientation.

    Attributes:
        frame: what goes to the encoder, with everything that was painted.
    """

    __slots__ = ("_ours", "_read", "frame", "look")

    def __init__(self, frame: VideoFrame, look: FrameLayout) -> None:
        self.frame = frame
        self.look = look
        self._ours = False
        self._read: Planes | None = None

    def read(self) -> Planes:
        """Views for reading only. They stay valid after ``write``, and do not show its paint."""
        # Through DLPack the view holds a reference to the buffer, not to the frame, whose buffer
        # is exchanged by ``write``.
        if self._read is None:
            self._read = self._planes([np.from_dlpack(plane) for plane in self.frame.planes])
        return self._read

    def write(self) -> Planes:
        """Writable views of what will be encoded."""
        self._own()
        return self._planes(self._views())

    def alpha(self) -> NDArray[np.uint8]:
        """(H, W) opacity, a writable view."""
        self._own()
        return self.look.orientation.apply(self._views()[3])

    def bgr(self) -> Image:
        """(H, W, 3) BGR of the frame as it is now."""
        planes = self.write() if self._ours else self.read()
        height, width = planes.y.shape
        return small_bgr(planes, width, height)

    def _own(self) -> None:
        # The decoder may still predict later frames from this buffer: paint a copy then.
        if not self._ours:
            self._read = None  # else what it refers to would count as in use
            self.frame.make_writable()
            self._ours = True

    def _views(self) -> list[NDArray[Any]]:
        kind = np.uint8 if self.look.depth == 8 else np.dtype("<u2")
        views = []
        for plane in self.frame.planes:
            rows = np.frombuffer(plane, kind).reshape(plane.height, -1)  # type: ignore[call-overload]
            views.append(rows[:, : plane.width])
        return views

    def _planes(self, views: list[NDArray[Any]]) -> Planes:
        look, swap = self.look, self.look.orientation.swap
        y, u, v = (look.orientation.apply(view) for view in views[:3])
        across, down = look.chroma
        fields = 2 if self.frame.interlaced_frame else 1
        return Planes(
            y,
            u,
            v,
            chroma=(down, across) if swap else (across, down),
            fields=(fields, 1) if swap else (1, fields),
            depth=look.depth,
            full_range=look.full_range,
            matrix=look.matrix,
        )


def small_bgr(planes: Planes, width: int, height: int) -> Image:
    """A BGR picture of any size made straight from the planes, with their own matrix and range.

    Resizing first and converting afterwards costs a fraction of converting the whole frame.

    Returns:
        (height, width, 3) uint8, C-contiguous.
    """
    parts, turn = [], Orientation()
    for plane in (planes.y, planes.u, planes.v):
        plane, turn = _straight(plane)
        part = _resized(plane, *((height, width) if turn.swap else (width, height)))
        if planes.depth > 8:
            part = cv2.convertScaleAbs(part, alpha=0.5 ** (planes.depth - 8))
        parts.append(part)
    picture = np.empty((*parts[0].shape, 3), np.uint8)
    matrix = _to_bgr(planes.matrix, planes.full_range)
    for top in range(0, len(picture), _BAND):  # small enough to stay in the processor's cache
        band = cv2.merge([part[top : top + _BAND] for part in parts])
        cv2.transform(band, matrix, dst=picture[top : top + _BAND])
    if turn.swap:
        picture = picture.transpose(1, 0, 2)
    rows, cols = -1 if turn.flip_rows else 1, -1 if turn.flip_cols else 1
    return np.ascontiguousarray(picture[::rows, ::cols])


def small_luma(planes: Planes, width: int, height: int) -> NDArray[np.uint8]:
    """A rough thumbnail of the luma plane, (height, width) uint8: most samples are skipped."""
    plane = planes.y
    across = max(1, plane.shape[1] // (_SPARSE * width))
    down = max(1, plane.shape[0] // (_SPARSE * height))
    sparse = np.ascontiguousarray(plane[::down, ::across])
    small = cv2.resize(sparse, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small / (1 << (planes.depth - 8))).astype(np.uint8)


def luma_of(planes: Planes, width: int, height: int) -> NDArray[np.uint8]:
    """The luma plane shrunk by area, (height, width) uint8, C-contiguous."""
    plane, turn = _straight(planes.y)
    small = _resized(plane, *((height, width) if turn.swap else (width, height)))
    if planes.depth > 8:
        small = cv2.convertScaleAbs(small, alpha=0.5 ** (planes.depth - 8))
    return np.ascontiguousarray(turn.apply(small))


def _straight(plane: NDArray[Any]) -> tuple[NDArray[Any], Orientation]:
    """Undo what ``Orientation.apply`` did, so that OpenCV need not copy the plane first."""
    down, across = plane.strides
    plane = plane[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]
    swap = abs(down) < abs(across)
    return (plane.T if swap else plane), Orientation(swap, down < 0, across < 0)


def _resized(plane: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    rows, cols = plane.shape
    if (rows, cols) == (height, width):
        return plane
    # Halving by area is fast, and below a factor of 2 a linear filter still reads every sample;
    # area filtering by other factors costs several times as much as both.
    while cols >= 2 * width and rows >= 2 * height:
        plane = cv2.resize(plane, (cols // 2, rows // 2), interpolation=cv2.INTER_AREA)
        rows, cols = plane.shape
    if (rows, cols) == (height, width):
        return plane
    return cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)


def _to_bgr(matrix: str, full_range: bool) -> NDArray[np.float64]:
    """(3, 4): 8-bit Y, Cb, Cr and 1 -> B, G, R of 0 to 255 (ITU-T H.273, 8.3)."""
    red, blue = LUMA[matrix]
    green = 1 - red - blue
    unit = np.array(
        [
            [1, 2 * (1 - blue), 0],
            [1, -2 * (1 - blue) * blue / green, -2 * (1 - red) * red / green],
            [1, 0, 2 * (1 - red)],
        ]
    )
    scale, offset = (np.ones(3), 0) if full_range else (255 / np.array([219, 224, 224]), 16)
    linear = unit * scale
    return np.column_stack([linear, -linear @ np.array([offset, 128, 128])])
