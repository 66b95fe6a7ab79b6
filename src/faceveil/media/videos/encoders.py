"""The encoder of a video, and its settings."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import av
from av.codec.codec import Codec
from av.codec.context import CodecContext, Flags
from av.error import FFmpegError

from faceveil.errors import UsageError
from faceveil.i18n import listed, reason_of, say, words_of
from faceveil.media.videos.facts import StreamFormat
from faceveil.media.videos.flow import Flow
from faceveil.media.videos.grading import words_of_mastering
from faceveil.media.videos.interlacing import field_order
from faceveil.media.videos.planes import subsampling
from faceveil.system.priority import usable_processors, usual_priority

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from faceveil.media.videos.containers import Container
    from faceveil.options import Options

# Quality and preset as measured on two cores for this project, about equally good to look at:
# each is near the fastest setting of its encoder that does not swell the file.
_DEFAULTS: Final[dict[str, tuple[float, str]]] = {
    "libx264": (19.6, "superfast"),
    "libx265": (22, "superfast"),
    "libsvtav1": (28, "10"),
    "libvpx-vp9": (28, "8"),
    "libvpx": (12, "8"),
}
_BESIDE_PRESET: Final = ("mbtree=1", "aq-strength=0.8")
"""Parameters of libx264 that superfast lacks most, with a look ahead: beside veryfast at crf 20 it
then takes 0.58 of the time, for files 1.05 times as large and as near to the input
(benchmarks/encode.py).
"""
_ALIKE: Final = 20.0
"""Quality of libx264 where pictures keep their types: what was coded coarsely, as B is, costs least
if it is coded so again. Beside veryfast that takes 0.46 of the time, for 0.97 of the bits.
"""
_PREDICTED: Final = (2, 3)  # AVPictureType: P, B
_LARGE: Final = 4_000_000
"""From so many pixels on, x264 codes the slices of one picture side by side, not several pictures,
and looks less far ahead: its frames would take 0.8 GB at 4K, and so take 0.4, for files that are
as near to the input at their size, in no more time.
"""
_FAMILIES: Final = ("264", "265", "hevc", "av1", "vp8", "vp9", "vpx")
_QUALITY_WORDS: Final = ("crf", "cq", "global_quality", "qp")
"""The names of a constant quality in encoders; the first one known is used."""

_COSTS: Final = {"av1": 0.9, "hevc": 0.8, "vp9": 0.8, "h264": 1.0, "vp8": 1.1}
"""Bits that codecs need for the same picture, roughly, by H.264."""

_OLDER: Final = 0.8
"""The share for pictures of an older codec: its flaws are detail that a newer codec has to
reproduce.
"""

_OVERSHOT: Final = 0.85
"""libvpx goes beyond the rate it is given, most of all where that is low."""
_ROOM: Final = 1.3
"""The share of the input's own rate that quick settings and a key frame a second may cost."""

_LEAST: Final = 64
"""Of smaller pictures, SVT-AV1 4.1 hangs on some and x265 4.2 ends the whole process on others."""
_FROM_LEAST_ON: Final = ("libx265", "libsvtav1")

_ANY_SIZE: Final = frozenset({None, "vp8", "vp9", "av1"})
"""Codecs that store odd sizes of 4:2:0, too."""

_HIDDEN: Final = {"a53cc": "0", "udu_sei": "0", "s12m_tc": "0", "dolbyvision": "0"}
"""Options that would carry side data of the input into the picture stream."""

_KEY_SECONDS: Final = (1.0, 5.0)
"""A key frame this often: the check, and a person who looks for a place, jump to them. The second
is the longest distance, for films in which key frames would cost more than half of the input's
bits.
"""

_BOTTOM_FIRST: Final = (3, 4)
_FULL_RANGE: Final = 2
_USUAL_RATE: Final = Fraction(25)


def choose(options: Options, container: Container, traits: StreamFormat) -> str:
    """Name of the encoder to use."""
    if options.encoder != "auto":
        return options.encoder
    deep = traits.format.endswith("10le") and not _is_tiny(traits)
    across, down = subsampling(traits.format)
    odd = traits.width % across or traits.height % down
    if traits.format.startswith("yuva") or (odd and not container.iso):
        return "libsvtav1" if deep else "libvpx-vp9"
    return container.deep_encoder if deep else container.encoder


def coded(name: str, options: Options, container: Container, traits: StreamFormat) -> StreamFormat:
    """The format for the encoder: the input's, or one that common players can show.

    Browsers and telephones show H.264 and HEVC as 4:2:0 alone, and these have no odd sizes, because
    they store whole samples of colour. A user who names an encoder gets everything that it can
    keep.
    """
    format = traits.format
    if options.encoder == "auto" and container.iso:
        format = format.replace("422", "420").replace("444", "420")
    if options.encoder == "auto" and _is_tiny(traits):
        format = format.removesuffix("10le")
    width, height = traits.width, traits.height
    across, down = subsampling(format)
    if codec_of(name) not in _ANY_SIZE:
        width, height = width + -width % across, height + -height % down
    fields = field_order(name, traits, height, down)
    return replace(traits, format=format, width=width, height=height, field_order=fields)


def _is_tiny(traits: StreamFormat) -> bool:
    return min(traits.width, traits.height) < _LEAST


def codec_of(name: str) -> str | None:
    """The codec that an encoder writes, or None if there is no such encoder."""
    try:
        return Codec(name, "w").canonical_name
    except (ValueError, FFmpegError):
        return None


class Encoding(NamedTuple):
    """The settings of the encoders of one stream.

    Attributes:
        flow: how the bits of the input are spread, as a bound; None: no bound.
        number: of the parameter sets, where the encoder is libx264.
    """

    traits: StreamFormat
    time_base: Fraction
    options: Options
    flow: Flow | None
    number: int


def add_stream(output: OutputContainer, name: str, encoding: Encoding) -> VideoStream:
    """Add an opened picture stream that keeps what the traits say.

    Raises:
        UsageError: the encoder is unknown, does not start here, does not fit the container or
            cannot keep the picture's depth.
    """
    traits = encoding.traits
    try:
        codec = Codec(name, "w")
    except (ValueError, FFmpegError) as error:
        raise UsageError(say("there is no encoder '{name}'", name=name), _advice()) from error
    if codec.type != "video":
        raise UsageError(say("'{name}' does not encode pictures", name=name), _advice())
    if name in _FROM_LEAST_ON and _is_tiny(traits):
        raise UsageError(
            say(
                "{name} cannot be trusted with {width}x{height} pixels",
                name=name,
                width=traits.width,
                height=traits.height,
            ),
            say("Use --encoder libx264."),
        )
    if name == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # it writes to stderr by itself otherwise
    try:
        stream = cast("VideoStream", output.add_stream(name, rate=traits.rate or _USUAL_RATE))
    except ValueError as error:
        raise UsageError(
            say(
                "{encoder} does not fit into {container}",
                encoder=name,
                container=output.format.name,
            ),
            say("Choose another suffix or encoder."),
        ) from error
    stream.time_base = encoding.time_base
    if name == "libx265" and output.format.name in ("mp4", "mov"):
        stream.codec_context.codec_tag = "hvc1"  # what players by Apple ask for
    if traits.matrix:
        stream.set_display_matrix(traits.matrix)
    _start(stream.codec_context, encoding)
    return stream


def another(first: VideoCodecContext, encoding: Encoding) -> VideoCodecContext:
    """An encoder for the same stream as the first, which begins with a picture of its own."""
    context = cast("VideoCodecContext", CodecContext.create(first.codec.name, "w"))
    context.framerate = first.framerate
    context.flags |= Flags.global_header
    _start(context, encoding)
    return context


def _start(context: VideoCodecContext, encoding: Encoding) -> None:
    traits, time_base, options, flow, number = encoding
    name = context.codec.name
    context.width, context.height = traits.width, traits.height
    context.pix_fmt = _fitting(context.codec, traits.format)
    context.time_base = time_base
    context.sample_aspect_ratio = traits.sample_aspect or Fraction(0, 1)
    context.color_range = _FULL_RANGE if traits.format.startswith("yuvj") else traits.range
    context.color_primaries = traits.primaries
    context.color_trc = traits.transfer
    context.colorspace = traits.matrix_coefficients
    context.flags |= Flags.bitexact | Flags.frame_duration
    if traits.interlaced:
        context.flags |= Flags.interlaced_dct
        context.field_order = traits.field_order
    context.gop_size = max(1, round(float(traits.rate or _USUAL_RATE) * _key_seconds(flow)))
    # By itself x264 takes half as many more, no faster, each with 20 MiB of 1080p and 32 rows.
    context.thread_count = usable_processors(traits.height // 32) if name == "libx264" else 0
    context.thread_type = "SLICE" if name == "libx264" and _is_large(traits) else "AUTO"
    context.options = _settings(name, context, traits, options, flow, number)
    try:
        with usual_priority():
            context.open()
    except (FFmpegError, ValueError) as error:
        why = reason_of(error) if isinstance(error, FFmpegError) else words_of(error)
        raise UsageError(
            say("the encoder {name} does not start: {reason}", name=name, reason=why), _advice()
        ) from error


def kind_for(picture: VideoFrame, name: str, encoding: Encoding) -> int:
    """The type (AVPictureType) that a decoded picture is to be coded as; 0: any."""
    alike = picture.pict_type in _PREDICTED and _keeps(name, encoding.traits, encoding.options)
    return int(picture.pict_type) if alike else 0


def _keeps(name: str, traits: StreamFormat, options: Options) -> bool:
    return name == "libx264" and traits.codec == "h264" and options.encoder_preset is None


def available() -> list[str]:
    """Names of the encoders that start on this machine, software first."""
    names = sorted(
        name
        for name in av.codecs_available
        if any(family in name for family in _FAMILIES) and _is_encoder(name)
    )
    working = [name for name in names if name in _DEFAULTS or _starts(name)]
    return sorted(working, key=lambda name: name not in _DEFAULTS)


def _advice() -> str:
    return say("Encoders that work here: {names}.", names=listed(available()))


def _is_encoder(name: str) -> bool:
    try:
        codec = Codec(name, "w")
    except (ValueError, FFmpegError):
        return False
    return codec.type == "video" and codec.name == name


def _starts(name: str) -> bool:
    try:
        context = cast("VideoCodecContext", CodecContext.create(name, "w"))
        context.width, context.height, context.time_base = 640, 480, Fraction(1, 25)
        context.pix_fmt = next((one.name for one in context.codec.video_formats or ()), "yuv420p")
        with usual_priority():
            context.open()
    except (FFmpegError, ValueError):
        return False
    return True


def _fitting(codec: Codec, wanted: str) -> str:
    """The encoder's pixel format nearest to the one wanted, never with fewer bits.

    Raises:
        UsageError: it has none of that depth, or none with transparency.
    """
    known = {one.name for one in codec.video_formats or ()}
    if not known or wanted in known:
        return wanted
    plain = wanted.replace("yuvj", "yuv")
    deep = wanted.endswith("10le")
    order: Iterable[str] = (plain, "p010le", "yuv420p10le") if deep else (plain, "yuv420p", "nv12")
    if not wanted.startswith("yuva"):
        for name in order:
            if name in known:
                return name
    raise UsageError(
        say("{name} cannot keep transparency", name=codec.name)
        if wanted.startswith("yuva")
        else say("{name} cannot keep 10 bits a sample", name=codec.name),
        _advice(),
    )


def _settings(
    name: str,
    context: CodecContext,
    traits: StreamFormat,
    options: Options,
    flow: Flow | None,
    number: int,
) -> dict[str, str]:
    own = {option.name for option in context.supported_options.private}
    usual, preset = _DEFAULTS.get(name, (None, None))
    usual = _ALIKE if _keeps(name, traits, options) else usual
    quality = usual if options.video_quality is None else options.video_quality
    preset = preset if options.encoder_preset is None else options.encoder_preset
    settings = {word: value for word, value in _HIDDEN.items() if word in own}
    if quality is not None:
        word = next((word for word in _QUALITY_WORDS if word in own), "global_quality")
        settings[word] = str(quality)
    if options.video_quality is None:
        settings |= _bound(name, traits, flow)
    if preset is not None:
        settings["cpu-used" if "cpu-used" in own else "preset"] = preset
    if name.startswith("libvpx"):
        settings |= {"deadline": "realtime", "b": settings.pop("maxrate", "0")}
        if name == "libvpx-vp9":
            settings |= {"row-mt": "1", "tile-columns": "2"}
        if traits.format.startswith("yuva"):
            settings["auto-alt-ref"] = "0"  # the encoder refuses transparency with it
    if name == "libx265":
        words = ["log-level=none", "info=0", *words_of_mastering(name, traits.mastering)]
        settings["x265-params"] = ":".join(words)
    elif words := [
        *(_beside_preset(name, traits) if options.encoder_preset is None else ()),
        *(("bff=1",) if traits.field_order in _BOTTOM_FIRST else ()),
        *words_of_mastering(name, traits.mastering),
        *((f"sps-id={number}",) if name == "libx264" and number else ()),
    ]:
        settings["svtav1-params" if name == "libsvtav1" else "x264-params"] = ":".join(words)
    return settings


def _bound(name: str, traits: StreamFormat, flow: Flow | None) -> dict[str, str]:
    """Limit the bits to those of the input, because a constant quality makes coarse films grow.

    A codec that is less efficient than the input's gets more. The buffer lets a busy moment have as
    many bits as in the input; bounded by the mean alone, motion after a pause would look bad.
    """
    if name not in _DEFAULTS or flow is None:
        return {}
    ours = _COSTS[codec_of(name) or ""]
    more = _ROOM * max(1.0, ours / _COSTS.get(traits.codec, _OLDER))
    keys = max(0.0, 1 / _key_seconds(flow) - 1 / flow.apart) * flow.key  # that the input has not
    rate = more * flow.rate + keys
    if name.startswith("libvpx"):
        # It has no buffer in which what a pause leaves over would wait for a busy moment.
        return {"maxrate": f"{_OVERSHOT * (rate + more * (flow.busy - flow.rate)):.0f}"}
    return {"maxrate": f"{rate:.0f}", "bufsize": f"{more * flow.buffer:.0f}"}


def _key_seconds(flow: Flow | None) -> float:
    least, most = _KEY_SECONDS
    if flow is None:
        return least
    return min(max(least, 2 * flow.key / flow.rate), max(least, min(flow.apart, most)))


def _beside_preset(name: str, traits: StreamFormat) -> tuple[str, ...]:
    if name != "libx264":
        return ()
    return (*_BESIDE_PRESET, f"rc-lookahead={4 if _is_large(traits) else 10}")


def _is_large(traits: StreamFormat) -> bool:
    return traits.width * traits.height >= _LARGE
