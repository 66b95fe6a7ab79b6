"""Videos that the tests compose, and what can be read back from a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from faceveil.media import open_sink, open_source, output_suffix
from faceveil.media.metadata.sound import clean_packet
from faceveil.media.videos.video import VideoSource
from faceveil.media.videos.video_write import VideoSink
from faceveil.options import Options
from tiers import daily

QUICK = Options(encoder_preset="ultrafast")
LOSSLESS = Options(encoder_preset="ultrafast", video_quality=0)
VP9 = {"deadline": "realtime", "cpu-used": "8"}
X264 = {"preset": "ultrafast"}
TOKEN = "Pl4ntedT0ken"
"""A text hidden in inputs that must not be found in outputs."""

CLIPS = [
    "av1_video.mkv",
    "bt709_full_range.mp4",
    "corrupted.mp4",
    "crowd_1080p_audio.mp4",
    "delayed_start.mp4",
    "h264_10bits.mp4",
    "h265_10bits.mp4",
    "jumping_boxes.mpg",
    "nasa_13013.mp4",
    "no_duration.webm",
    "rotated_vfr.mp4",
    "rotation_180.mov",
    "rotation_90.mov",
    "stage_cuts_audio.mp4",
    "talking_720p_audio.mp4",
    "transparent.webm",
    "vfr.mp4",
    "video_with_failing_audio.mp4",
    "walking_608x1080_600f.mp4",
]
"""The readable clips of the shared test data."""
DAILY = (
    *("bt709_full_range.mp4", "corrupted.mp4", "h265_10bits.mp4", "jumping_boxes.mpg"),
    *("no_duration.webm", "rotated_vfr.mp4", "video_with_failing_audio.mp4"),
)
"""Each is odd in its own way, and none is large."""


def clips() -> list[Any]:
    """All of them as parameters."""
    return daily(CLIPS, *DAILY)


QUARTERS = {
    0: (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30),
    90: (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30),
    180: (-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30),
    270: (0, -65536, 0, 65536, 0, 0, 0, 0, 1 << 30),
}
"""Display matrices that turn clockwise."""


def source_of(path: Path | bytes, options: Options = QUICK) -> VideoSource:
    source = open_source(path, options)
    assert isinstance(source, VideoSource)
    return source


def rewrite(
    path: Path | bytes, target: Path, options: Options = QUICK, paint: Any = None
) -> VideoSink:
    """Carry all frames over, painting each if asked to; the sink is committed."""
    with source_of(path, options) as source, open_sink(target, source, options) as sink:
        assert isinstance(sink, VideoSink)
        for frame in source.frames():
            if paint:
                paint(frame)
            sink.write(frame)
        sink.finish()
        sink.commit()
        return sink


def default_target(path: Path, folder: Path) -> Path:
    with source_of(path) as source:
        return folder / f"out{output_suffix(source.media, path.name)}"


def scene(index: int, width: int, height: int, peak: int = 255) -> list[NDArray[Any]]:
    """Y, U, V at full resolution: smooth shades with a bright square that moves right."""
    y, x = np.mgrid[0:height, 0:width]
    luma = (0.2 + 0.3 * x / width + 0.2 * y / height) * peak
    at = (index * 3) % max(1, width - 12)
    luma[4:12, at : at + 8] = 0.9 * peak
    u = (0.4 + 0.2 * x / width) * peak
    v = (0.4 + 0.2 * y / height) * peak
    return [plane.astype(np.int64) for plane in (luma, u, v)]


def picture(index: int, width: int, height: int, format: str = "yuv420p") -> av.VideoFrame:
    """A frame of the scene in a planar format."""
    deep = format.endswith("10le")
    frame = av.VideoFrame(width, height, format)
    full = scene(index, width, height, 1023 if deep else 255)
    for plane, values in zip(frame.planes, [*full, None], strict=False):
        kind = np.dtype("<u2" if deep else np.uint8)
        rows = np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)
        if values is None:  # opacity
            values = np.where(np.indices((height, width))[1] < width // 2, 255, 0)
        sy, sx = -(-height // plane.height), -(-width // plane.width)
        rows[:, : plane.width] = values[::sy, ::sx][: plane.height, : plane.width]
    return frame


def compose(
    path: Path,
    *,
    times: Sequence[int] = range(0, 24),
    time_base: Fraction = Fraction(1, 25),
    size: tuple[int, int] = (96, 64),
    codec: str = "libx264",
    format: str = "yuv420p",
    settings: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    muxer: str | None = None,
    matrix: Sequence[int] | None = None,
    aspect: Fraction | None = None,
    colours: tuple[int, int, int, int] | None = None,
    sound: str | None = None,
    sound_settings: dict[str, Any] | None = None,
    decorate: Any = None,
) -> Path:
    """Write a video of the scene.

    Args:
        times: of the frames, in units of the time base.
        colours: range, primaries, transfer, matrix.
        sound: codec of a sound track of about the same length.
        decorate: called with the open output, before anything is encoded.
    """
    with av.open(str(path), "w", format=muxer, container_options=container or {}) as output:
        stream = output.add_stream(codec, rate=25, options=settings or {})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = format
        context = stream.codec_context
        context.time_base = stream.time_base = time_base
        context.gop_size = 12
        if aspect:
            context.sample_aspect_ratio = aspect
        if colours:
            context.color_range, context.color_primaries = colours[:2]
            context.color_trc, context.colorspace = colours[2:]
        if matrix:
            stream.set_display_matrix(matrix)
        track = None
        if sound:
            track = output.add_stream(sound, rate=48000, layout="stereo", **(sound_settings or {}))
        if decorate:
            decorate(output)
        for index, time in enumerate(times):
            frame = picture(index, *size, format)
            frame.pts, frame.time_base = time, time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if track:
            assert isinstance(track, av.AudioStream)
            _tone(output, track, float((times[-1] - times[0]) * time_base))
    return path


def _tone(output: av.container.OutputContainer, track: av.AudioStream, seconds: float) -> None:
    rate, step = 48000, 960
    for start in range(0, int(seconds * rate) + step, step):
        wave = np.sin(np.arange(start, start + step) * 0.05) * 0.2
        samples = np.stack([wave, wave]).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        output.mux(track.encode(frame))
    output.mux(track.encode(None))


@dataclass
class Read:
    """A file as a player reads it.

    Attributes:
        times: seconds of each frame.
        planes: (Y, U, V[, A]) of each frame, as stored.
        tags: of the first frame: rotation, pixel format and colours.
    """

    times: list[Fraction]
    planes: list[list[NDArray[Any]]]
    tags: dict[str, Any]


def read(path: Path, *, pixels: bool = False) -> Read:
    """Decode a whole file with PyAV alone."""
    found = Read([], [], {})
    with av.open(str(path), metadata_errors="replace") as file:
        stream = file.streams.video[0]
        for packet in file.demux(stream):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue
            for frame in frames:
                if not found.tags:
                    found.tags = _tags(stream, frame)
                assert frame.time_base is not None
                found.times.append((frame.pts or 0) * frame.time_base)
                if pixels:
                    found.planes.append([np.from_dlpack(plane).copy() for plane in frame.planes])
    return found


def _tags(stream: av.VideoStream, frame: av.VideoFrame) -> dict[str, Any]:
    return {
        "rotation": frame.rotation % 360,
        "format": frame.format.name,
        # Unknown means limited for these formats; some encoders write out which it is.
        "full": frame.color_range == 2,
        "primaries": frame.color_primaries,
        "transfer": frame.color_trc,
        "matrix": frame.colorspace,
        "aspect": stream.sample_aspect_ratio or Fraction(1),
        "size": (frame.width, frame.height),
    }


def sound_packets(path: Path) -> list[tuple[str, list[tuple[bytes, Fraction]]]]:
    """Codec and packets (data, seconds) of each sound track, without the name of the encoder."""
    tracks = []
    with av.open(str(path), metadata_errors="replace") as file:
        wanted: Iterable[int] = [stream.index for stream in file.streams.audio]
    for index in wanted:
        with av.open(str(path), metadata_errors="replace") as file:
            stream = file.streams[index]
            name = stream.codec_context.codec.canonical_name
            packets = [
                (clean_packet(name, bytes(packet)), (packet.pts or 0) * packet.time_base)
                for packet in file.demux(stream)
                if packet.size
            ]
            tracks.append((name, packets))
    return tracks
