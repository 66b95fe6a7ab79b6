"""The video containers: how each is opened, and what each output can hold."""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

import av
import av.error
from av.stream import Discard, Disposition

from faceveil.errors import OutputError, UnreadableError, UsageError
from faceveil.i18n import listed, reason_of, say
from faceveil.media.part import DISK_ERRORS, DiskError
from faceveil.media.videos.ending import has_index
from faceveil.media.videos.timeline import straightened
from faceveil.plan import Media

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

_DEMUXERS: Final = {
    "mp4": "mov",
    "mov": "mov",
    "mkv": "matroska",
    "webm": "matroska",
    "avi": "avi",
    "mpeg": "mpeg",
    "mpegts": "mpegts",
    "flv": "flv",
    "asf": "asf",
    "ogg": "ogg",
    "mxf": "mxf",
    "ivf": "ivf",
    "dv": "dv",
    "h264": "h264",
    "hevc": "hevc",
}
_STEADY: Final = frozenset({"mov", "avi", "ivf", "h264", "hevc"})
"""Formats whose times are counted, or laid out by the file: they cannot jump."""

_RECORDED: Final = frozenset({"mpeg", "mpegts"})
"""Formats that store the clock of the recorder."""

TIMELESS: Final = frozenset({"h264", "hevc"})
"""Bare picture streams: no time is stored, only perhaps a rate."""

ALPHA_DECODERS: Final = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own decoders of these leave out the transparency that WebM keeps beside the frames."""

_REPAIR: Final = say(
    "Repair it with untrunc and a whole film of the same camera and "
    "settings: untrunc whole.mp4 broken.mp4"
)
ELSEWHERE: Final = say(
    "Play it in another program. If that shows it, convert it to MP4 there; if not, it is damaged."
)
_ELEMENTARY: Final = b"\x00\x00\x01\xb3"
"""An MPEG-1 or MPEG-2 sequence header without a program stream around it."""


@dataclass(frozen=True, slots=True)
class Container:
    """An output format.

    Attributes:
        muxer: FFmpeg's name for it.
        encoder, deep_encoder: the default for 8 bits a sample, and for 10.
        audio: sound codecs whose packets are copied as they are; empty: all that the muxer takes.
        audio_encoder: for sound that cannot be copied.
        iso: made of the boxes of ISO/IEC 14496-12: it has edit lists, which store starts before and
            after zero exactly, and its players support few kinds of pictures.
        keeps_shape: stores non-square pixels also for codecs that do not code them themselves.
        keeps_alpha: stores transparency.
    """

    name: str
    muxer: str
    suffixes: tuple[str, ...]
    encoder: str
    deep_encoder: str
    audio: frozenset[str]
    audio_encoder: str
    iso: bool
    keeps_shape: bool
    keeps_alpha: bool


_MP4_AUDIO: Final = frozenset({"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"})
_MOV_AUDIO: Final = frozenset({"aac", "mp3", "ac3", "eac3", "alac"}) | {
    f"pcm_{kind}" for kind in ("s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le")
}
_H26X: Final = ("libx264", "libx265")
OUTPUTS: Final = (
    Container("mp4", "mp4", (".mp4", ".m4v"), *_H26X, _MP4_AUDIO, "aac", True, True, False),
    Container("mov", "mov", (".mov", ".qt"), *_H26X, _MOV_AUDIO, "aac", True, True, False),
    Container("mkv", "matroska", (".mkv",), *_H26X, frozenset(), "libopus", False, False, True),
    Container(
        "webm",
        "webm",
        (".webm",),
        "libvpx-vp9",
        "libsvtav1",
        frozenset({"opus", "vorbis"}),
        "libopus",
        False,
        False,
        True,
    ),
)
"""The containers that can be written. The first is the default for other inputs."""


def output_suffix(media: Media, name: str = "") -> str:
    """Suffix for the output of a video, with the dot: the input's container, else MP4.

    A transparent video becomes WebM if its own container cannot hold transparency.

    Args:
        name: the input's file name; its own spelling (``.MP4``) is kept where it fits.
    """
    container = next((one for one in OUTPUTS if one.name == media.format), OUTPUTS[0])
    if media.transparent and not container.keeps_alpha:
        container = next(one for one in reversed(OUTPUTS) if one.keeps_alpha)
    suffix = PurePath(name).suffix
    return suffix if suffix.lower() in container.suffixes else container.suffixes[0]


def container_of(target: Path) -> Container:
    """The container that a name asks for.

    Raises:
        UsageError: none that can be written.
    """
    suffix = target.suffix.lower()
    for container in OUTPUTS:
        if suffix in container.suffixes:
            return container
    names = listed(one.suffixes[0] for one in OUTPUTS)
    suffix = suffix or say("a file without suffix")
    raise UsageError(
        say("no video can be written as {suffix}: use {suffixes}", suffix=suffix, suffixes=names)
    )


def require_suffix(target: Path, media: Media) -> None:
    """Refuse a name that asks for a container which cannot hold a video.

    Raises:
        UsageError: none that is written, or one without transparency for a video that has it.
    """
    container = container_of(target)
    if media.transparent and not container.keeps_alpha:
        raise UsageError(
            say("{name} cannot keep transparency", name=container.name),
            say("Write it as .webm or .mkv."),
        )


def open_input(
    origin: Path | bytes, kind: str, settings: Mapping[str, str] = MappingProxyType({})
) -> InputContainer:
    """Open a video for reading, as what its bytes say it is and nothing else.

    FFmpeg's own guess is not used, because some formats make it open other files and addresses.

    Args:
        settings: of the demuxer.

    Raises:
        UnreadableError: missing, cut off or broken.
    """
    demuxer = _DEMUXERS[kind]
    if kind == "mpeg" and _first_bytes(origin) == _ELEMENTARY:
        demuxer = "mpegvideo"
    container = None
    try:
        with reading():
            container = av.open(
                io.BytesIO(origin) if isinstance(origin, bytes) else str(origin.absolute()),
                "r",
                format=demuxer,
                metadata_errors="replace",
                options=dict(settings),
            )
    except UnreadableError:
        if demuxer != "mov" or has_index(origin):
            raise
    if demuxer == "mov" and not (container and container.streams) and not has_index(origin):
        raise UnreadableError(say("the recording broke off before its index was written"), _REPAIR)
    assert container is not None
    return container


def declared_seconds(path: Path, kind: str) -> float | None:
    """The length that a video declares, or None if it declares none.

    Raises:
        UnreadableError: it cannot be opened.
    """
    with open_input(path, kind) as container:
        return None if container.duration is None else container.duration / av.time_base


def _first_bytes(origin: Path | bytes) -> bytes:
    if isinstance(origin, bytes):
        return origin[:4]
    try:
        with origin.open("rb") as file:
            return file.read(4)
    except OSError as error:
        raise UnreadableError(
            say("the file cannot be read: {reason}", reason=reason_of(error))
        ) from error


@contextmanager
def bytes_of(origin: Path | bytes) -> Iterator[Any]:
    if isinstance(origin, bytes):
        yield origin
        return
    try:
        with (
            origin.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole,
        ):
            yield whole
    except (OSError, ValueError) as error:
        raise UnreadableError(say("the file cannot be read")) from error


@contextmanager
def reading() -> Iterator[None]:
    """Turn what FFmpeg raises while reading into an ``UnreadableError``."""
    try:
        yield
    except av.error.FFmpegError as error:
        raise UnreadableError(
            say("the video cannot be read: {reason}", reason=reason_of(error)), ELSEWHERE
        ) from error


@contextmanager
def writing() -> Iterator[None]:
    """Turn what FFmpeg raises while writing into an ``OutputError``."""
    try:
        yield
    except av.error.FFmpegError as error:
        disk = is_disk_error(error)
        kind = DiskError if disk else OutputError
        raise kind(
            say("the video cannot be written: {reason}", reason=reason_of(error)),
            say("Check the folder and the disk.")
            if disk
            else say("Write it as .mkv, or with --audio drop."),
        ) from error


def is_disk_error(error: av.error.FFmpegError) -> bool:
    """The disk is full or failing, as opposed to data that does not fit a format."""
    return error.errno in DISK_ERRORS


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The stream of moving pictures that players show: the first that is marked as the default, or
    else the first."""
    moving = moving_streams(container)
    marked = (one for one in moving if one.disposition & Disposition.default)
    return next(marked, moving[0] if moving else None)


def moving_streams(container: InputContainer) -> list[VideoStream]:
    """The streams of moving pictures, in the order of the file."""
    still = Disposition.attached_pic | Disposition.timed_thumbnails
    return [one for one in container.streams.video if not one.disposition & still]


def all_packets(container: InputContainer, wanted: Sequence[Stream]) -> Iterator[Packet[Any]]:
    """The packets of some streams, in the order of the file, with the times of one clock.

    Streams that are not needed for that are not read at all.

    Raises:
        av.error.FFmpegError: reading ends before the file does.
    """
    needed = list(wanted)
    jumps = container.format.name.split(",")[0] not in _STEADY
    if jumps:
        picture = picture_stream(container)
        needed = [*([picture] if picture else []), *container.streams.audio]
        needed = [one for one in needed if one.codec_context is not None]
    for stream in container.streams:
        if stream not in needed:
            stream.discard = Discard.all
    packets = _demuxed(container, needed)
    if jumps:
        packets = straightened(packets, recorded=container.format.name in _RECORDED)
    indices = {stream.index for stream in wanted}
    return (packet for packet in packets if packet.stream.index in indices)


def _demuxed(container: InputContainer, streams: Sequence[Stream]) -> Iterator[Packet[Any]]:
    try:
        yield from cast("Iterator[Packet[Any]]", container.demux(streams))
    except IndexError:
        # PyAV ends every stream, too, that only began on the way, and does not know it. Those that
        # were asked for have ended before.
        return


def packets_of(
    container: InputContainer, stream: VideoStream, start: int | None = None, seek: bool = False
) -> Iterator[Packet[VideoStream] | str]:
    """The stream's packets; the reason as the last item where reading ends before the file does."""
    try:
        if seek and start is not None:
            container.seek(start, stream=stream)
        packets = all_packets(container, [stream])
        if start is None:
            yield from packets
        else:
            yield from dropwhile(lambda packet: packet.pts != start, packets)
    except av.error.FFmpegError as error:
        yield reason_of(error)


def has_alpha(container: InputContainer, stream: VideoStream) -> bool:
    """Whether frames have a second picture, their opacity. A tag alone proves nothing."""
    tags = {key.lower(): value for key, value in stream.metadata.items()}  # written as a tag, too
    if tags.get("alpha_mode") != "1":
        return False
    if stream.codec_context.codec.canonical_name not in ALPHA_DECODERS:
        return False
    packets = packets_of(container, stream)
    return any(
        not isinstance(packet, str) and packet.has_sidedata("matroska_block_additional")
        for packet in packets
    )
