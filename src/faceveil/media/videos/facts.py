"""The properties of a video stream beside its pixels."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final, cast

import av.filter
import numpy as np
from av.sidedata.sidedata import Type
from av.stream import Disposition

from faceveil.errors import UnsupportedError
from faceveil.i18n import say
from faceveil.media.videos.containers import TIMELESS, moving_streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from av.container import InputContainer
    from av.sidedata.sidedata import SideData
    from av.stream import Stream
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_UNSPECIFIED: Final = 2  # ITU-T H.273
_MATRIX_RGB: Final = 0
_PQ: Final = 16
_FIELDS: Final = frozenset({2, 3, 4, 5})
"""AVFieldOrder values of interlaced video."""

_TOP_FIRST, _BOTTOM_FIRST = 2, 3

_RECORDER_CLOCK: Final = 10
"""Seconds. An MPEG stream that starts later than this shows the clock of what recorded it, as does
one that starts before zero: its counter wraps soon after."""

_UNCOUNTED: Final = frozenset({"h264", "hevc", "dv"})
"""Demuxers whose average rate is no count of frames but their own unit of time."""

_SAFE_KEY: Final = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
_HARMLESS_KEYS: Final = frozenset(
    {"major_brand", "minor_version", "compatible_brands", "encoder", "language", "vendor_id"}
    | {"duration", "alpha_mode", "handler_name"}
)
_SIDE_DATA: Final = {
    Type.A53_CC: say("closed captions"),
    Type.SEI_UNREGISTERED: say("user data in the picture stream"),
    Type.GOP_TIMECODE: say("time code"),
    Type.S12M_TIMECODE: say("time code"),
    Type.DYNAMIC_HDR_PLUS: "HDR10+",
    Type.DOVI_RPU_BUFFER: say("Dolby Vision"),
    Type.DOVI_METADATA: say("Dolby Vision"),
    Type.SPHERICAL: say("projection of a sphere"),
    Type.STEREO3D: say("stereo layout"),
    Type.ICC_PROFILE: say("ICC profile"),
}


@dataclass(frozen=True, slots=True)
class Mastering:
    """The display a film was graded on (SMPTE ST 2086), and its light levels (CTA-861.3).

    Attributes:
        points: x, y of red, green, blue and white.
        luminance: minimum and maximum in candela per square metre.
        light: MaxCLL and MaxFALL, or None.
    """

    points: tuple[tuple[Fraction, Fraction], ...] | None
    luminance: tuple[Fraction, Fraction] | None
    light: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """The properties of the input that the output must have, too.

    Attributes:
        width, height: as stored, before rotation.
        format: pixel format to encode.
        sample_aspect: width of a stored pixel by its height, or None if unknown.
        rate: average frames per second, or None if unknown.
        matrix: display matrix, nine numbers, or None.
        range, primaries, transfer, matrix_coefficients: as coded in ITU-T H.273 (range: 1 for
            limited, 2 for full, 0 for unknown).
        field_order: FFmpeg's number for it; 0 and 1 are not interlaced.
        first: time of the first frame, in units of the time base.
        shift: units by which the output is earlier than the input.
        codec: FFmpeg's name for how the pictures are coded.
        ends: time at which the film ends, as MP4 and QuickTime declare it; 0: nobody knows.
    """

    width: int
    height: int
    format: str
    sample_aspect: Fraction | None
    rate: Fraction | None
    matrix: tuple[int, ...] | None
    range: int
    primaries: int
    transfer: int
    matrix_coefficients: int
    field_order: int
    mastering: Mastering | None
    first: int
    shift: int
    codec: str
    ends: int = 0

    @property
    def interlaced(self) -> bool:
        return self.field_order in _FIELDS


def display_matrix(frame: VideoFrame) -> tuple[int, ...] | None:
    """The nine numbers that turn the picture, by rows, or None."""
    found = _bytes_of(frame, Type.DISPLAYMATRIX)
    return struct.unpack("=9i", found) if found and len(found) == 36 else None


def time_base_of(stream: VideoStream) -> Fraction:
    return stream.time_base or Fraction(1, 90_000)


def _declared_end(container: InputContainer, stream: VideoStream) -> int:
    if "mov" not in container.format.name or not stream.duration:
        return 0
    return (stream.start_time or 0) + stream.duration


def traits_of(
    container: InputContainer,
    stream: VideoStream,
    first: VideoFrame,
    matrix: tuple[int, ...] | None,
    format: str,
) -> StreamFormat:
    """Gather what the sink needs.

    Args:
        first: the first frame.
        format: pixel format it will be encoded in.

    Raises:
        UnsupportedError: colours that would be lost silently.
    """
    _require_colours(first)
    rgb = first.format.is_rgb
    context = stream.codec_context
    return StreamFormat(
        width=first.width,
        height=first.height,
        format=format,
        sample_aspect=stream.sample_aspect_ratio or None,
        rate=_rate(container, stream),
        matrix=matrix,
        range=1 if rgb else first.color_range,
        primaries=_known(first.color_primaries, context.color_primaries),
        transfer=_known(first.color_trc, context.color_trc),
        matrix_coefficients=1 if rgb else _matrix_of(first),
        field_order=_field_order(context, first),
        mastering=_mastering(first),
        first=first.pts or 0,
        shift=_recorder_shift(container, stream),
        codec=context.codec.canonical_name,
        ends=_declared_end(container, stream),
    )


def _field_order(context: VideoCodecContext, first: VideoFrame) -> int:
    """FFmpeg's number for how two fields make a frame, 0 for whole frames.

    The file may say nothing (DV), or only how the fields are stored; each frame says which one is
    shown first.
    """
    if not first.interlaced_frame:
        return context.field_order if context.field_order in _FIELDS else 0
    graph = av.filter.Graph()
    entry = graph.add_buffer(
        width=first.width, height=first.height, format=first.format, time_base=Fraction(1, 25)
    )
    graph.link_nodes(entry, graph.add("separatefields"), graph.add("buffersink")).configure()
    graph.push(first)
    field = graph.vpull()
    rows = np.from_dlpack(first.planes[0])
    shown = np.from_dlpack(field.planes[0])
    return _TOP_FIRST if np.array_equal(shown, rows[::2]) else _BOTTOM_FIRST


def _rate(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Frames per second, or None if nobody knows."""
    average, guessed = stream.average_rate, stream.guessed_rate
    if container.format.name in _UNCOUNTED:
        average = None
    return average or guessed or None


def notes_of(
    container: InputContainer, stream: VideoStream, first: VideoFrame, traits: StreamFormat
) -> list[str]:
    """Notes on what happens to the stream that a user may want to know."""
    notes: list[str] = []
    if number := moving_streams(container).index(stream):
        notes.append(
            say(
                "picture stream {number} is kept: the file marks it as the one to show",
                number=number + 1,
            )
        )
    if container.format.name in TIMELESS and traits.rate:
        notes.append(
            say(
                "a bare picture stream stores no times: {rate:.6g} frames a second",
                rate=float(traits.rate),
            )
        )
    if traits.interlaced:
        notes.append(say("interlaced, kept so where the encoder can"))
    if traits.shift:
        notes.append(say("the recorder's clock was set to zero"))
    if traits.transfer == _PQ and traits.mastering is None:
        notes.append(say("HDR without mastering data"))
    return notes


def dropped(container: InputContainer, stream: VideoStream, first: VideoFrame) -> tuple[str, ...]:
    """Names of what the file holds and no output will. Never contents."""
    found = dict.fromkeys(beside(container, stream))
    for data in _side_data(first):
        if name := _SIDE_DATA.get(data.type):
            found[name] = None
    return tuple(found)


def missed(first: VideoFrame) -> list[str]:
    """Warnings of what tells players how to show a film, and is not in any output."""
    found = list[str]()
    if _bytes_of(first, Type.SPHERICAL):
        found.append(say("that the film shows all around (360 degrees) is not kept: it plays flat"))
    views = _bytes_of(first, Type.STEREO3D)
    if views and any(views[:4]):  # libavutil/stereo3d.h: 0 for a film of one view
        found.append(
            say(
                "that the film shows two views (3D) is not kept: players show both as they are "
                "stored"
            )
        )
    return found


def beside(container: InputContainer, stream: Stream | None) -> Iterator[str]:
    """Names of the streams that are neither this one nor sound, of chapters and of tags."""
    for other in container.streams:
        if other is stream or other.type == "audio":
            continue
        if other.type == "video" and other.disposition & Disposition.attached_pic:
            yield say("cover art")
        else:
            kind = {"video": say("further picture stream"), "subtitle": say("subtitles")}.get(
                other.type
            )
            yield kind or say("{kind} stream", kind=other.type)
    if container.chapters():
        yield say("chapters")
    for holder in (container, *container.streams):
        for key in holder.metadata:
            if key.lower() not in _HARMLESS_KEYS:
                known = _SAFE_KEY.fullmatch(key)
                yield say("metadata: {key}", key=key) if known else say("metadata: other")
    if any(_names_handler(other.metadata.get("handler_name", "")) for other in container.streams):
        yield say("metadata: handler_name")


def _names_handler(name: str) -> bool:
    return name not in ("", "VideoHandler", "SoundHandler", "SubtitleHandler", "DataHandler")


def _known(of_frame: int, of_container: int) -> int:
    return of_container if of_frame == _UNSPECIFIED else of_frame


def _matrix_of(frame: VideoFrame) -> int:
    """The coding of luma and chroma; PNG says of grey pictures, too, that they are RGB."""
    grey = len(frame.format.components) < 3
    return _UNSPECIFIED if grey and frame.colorspace == _MATRIX_RGB else frame.colorspace


def _require_colours(frame: VideoFrame) -> None:
    dolby = {Type.DOVI_METADATA, Type.DOVI_RPU_BUFFER} & {data.type for data in _side_data(frame)}
    # Without its own metadata, a Dolby Vision picture with no compatible base layer (profile 5,
    # whose colours are ICtCp and marked unspecified) would be green and violet.
    if dolby and frame.color_trc == _UNSPECIFIED:
        raise UnsupportedError(
            say("Dolby Vision without a compatible base picture cannot be kept"),
            say("Export the video as HDR10 or SDR."),
        )
    if _matrix_of(frame) == _MATRIX_RGB and not frame.format.is_rgb:
        raise UnsupportedError(
            say("the video stores red, green and blue as if they were luma and chroma"),
            say("Convert it to 4:2:0."),
        )


def _recorder_shift(container: InputContainer, stream: VideoStream) -> int:
    if not container.format.name.startswith("mpeg") or container.start_time is None:
        return 0
    start = Fraction(container.start_time, 1_000_000)
    if 0 <= start <= _RECORDER_CLOCK:
        return 0
    return round(start / time_base_of(stream))


def _side_data(frame: VideoFrame) -> Iterator[SideData]:
    return iter(cast("Iterable[SideData]", frame.side_data))


def _bytes_of(frame: VideoFrame, kind: Type) -> bytes | None:
    return next((bytes(data) for data in _side_data(frame) if data.type == kind), None)


def _mastering(frame: VideoFrame) -> Mastering | None:
    # libavutil/mastering_display_metadata.h: rationals for the x, y of red, green, blue and
    # white, the lowest and highest luminance, then two flags that tell which of them are set.
    display = _bytes_of(frame, Type.MASTERING_DISPLAY_METADATA)
    points = luminance = light = None
    if display and len(display) >= 88:
        pairs = struct.unpack_from("=20i", display)
        has_points, has_luminance = struct.unpack_from("=2i", display, 80)
        values = [
            Fraction(top, bottom or 1) for top, bottom in zip(pairs[::2], pairs[1::2], strict=True)
        ]
        if has_points:
            points = tuple((values[at], values[at + 1]) for at in range(0, 8, 2))
        if has_luminance:
            luminance = (values[8], values[9])
    levels = _bytes_of(frame, Type.CONTENT_LIGHT_LEVEL)
    if levels and len(levels) >= 8:
        light = struct.unpack_from("=2I", levels)
    if points is None and luminance is None and light is None:
        return None
    return Mastering(points, luminance, light)
