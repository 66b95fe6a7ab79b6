"""Clips with a beep of a known time and pitch in their sound, and what can be heard of it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

BEEP = (0.32, 0.72)
"""Seconds from and to which it sounds."""
PITCH = 440.0
SECONDS = 1.0
_STEP = 1000


def beep(
    rate: int, channels: int = 1, seconds: float = SECONDS, at: Sequence[float] = BEEP
) -> NDArray[np.float32]:
    """(samples, channels): silence, a tone, silence."""
    time = np.arange(round(seconds * rate)) / rate
    wave = 0.4 * np.sin(2 * np.pi * PITCH * time) * ((time >= at[0]) & (time < at[1]))
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def said(track: av.AudioStream, samples: NDArray[np.float32], rate: int) -> list[Any]:
    """The packets of (samples, channels), to the end of the track."""
    layout = track.codec_context.layout.name
    packets: list[Any] = []
    for first in range(0, len(samples), _STEP):
        part = np.ascontiguousarray(samples[first : first + _STEP].reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(part, format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, first, Fraction(1, rate)
        packets += track.encode(frame)
    return packets + track.encode(None)


def clip(
    path: Path,
    codec: str,
    *,
    muxer: str = "matroska",
    rate: int = 48_000,
    layout: str = "mono",
    format: str | None = None,
    pictures: int = 25,
    flash: Sequence[int] = (),
    fps: int = 25,
    picture_codec: str = "mpeg4",
    picture_settings: dict[str, str] | None = None,
    seconds: float = SECONDS,
    at: Sequence[float] = BEEP,
    container: dict[str, str] | None = None,
    decorate: Any = None,
) -> Path:
    """Grey pictures, white ones where it flashes, and a beep."""
    with av.open(str(path), "w", format=muxer, container_options=container or {}) as output:
        stream = output.add_stream(picture_codec, rate=fps, options=picture_settings or {})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        track = output.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(track, av.AudioStream)
        if format:
            track.codec_context.format = format
        if codec == "wmav2":
            track.codec_context.bit_rate = 96_000
        if codec in ("opus", "vorbis"):
            track.codec_context.options = {"strict": "-2"}
        if decorate:
            decorate(output)
        output.start_encoding()
        packets: list[Any] = []
        for index in range(pictures):
            shade = 255 if index in flash else 90 + index % 20
            picture = av.VideoFrame.from_ndarray(np.full((64, 96, 3), shade, np.uint8), "rgb24")
            packets += stream.encode(picture)
        packets += stream.encode(None)
        channels = track.codec_context.layout.nb_channels
        packets += said(track, beep(rate, channels, seconds, at), rate)
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            output.mux_one(packet)
    return path


@dataclass
class Heard:
    """A sound track as it would be played.

    Attributes:
        codec, rate, channels, layout: of the track.
        samples: mono, at 48,000 Hz, from second 0 on.
        seconds: at which the last sample ends.
        beeps: seconds from and to which each sounds.
    """

    codec: str
    rate: int
    channels: int
    layout: str
    samples: NDArray[np.float32]
    seconds: float
    beeps: list[tuple[float, float]]

    def pitch(self, at: tuple[float, float]) -> float:
        """Its main frequency between two seconds."""
        part = self.samples[int(at[0] * 48_000) : int(at[1] * 48_000)]
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)), 96_000))
        return float(power.argmax() / 2)


def hear(path: Path, track: int = 0) -> Heard:
    """Decode a track, every frame at its own time."""
    with av.open(str(path), metadata_errors="replace") as file:
        stream = file.streams.audio[track]
        context = stream.codec_context
        resampler = av.AudioResampler(format="flt", layout="mono", rate=48_000)
        parts: list[tuple[float, NDArray[np.float32]]] = []
        for frame in _decoded(file, stream):
            begin = frame.time or 0.0
            frame.pts = None
            for mixed in resampler.resample(frame):
                parts.append((begin, mixed.to_ndarray()[0]))
    end = max(begin + len(part) / 48_000 for begin, part in parts)
    samples = np.zeros(int(end * 48_000) + 48_000, np.float32)
    for begin, part in parts:
        at = round(begin * 48_000)
        part = part[max(0, -at) :]
        samples[max(0, at) : max(0, at) + len(part)] = part
    name = context.codec.canonical_name
    beeps = _beeps(samples)
    layout = context.layout
    return Heard(name, context.sample_rate, layout.nb_channels, layout.name, samples, end, beeps)


def _decoded(file: Any, stream: Any) -> Iterator[av.AudioFrame]:
    for packet in file.demux(stream):
        with suppress(av.error.InvalidDataError):
            yield from packet.decode()


def _beeps(samples: NDArray[np.float32]) -> list[tuple[float, float]]:
    block = 240  # 5 ms
    loud = np.abs(samples[: len(samples) // block * block]).reshape(-1, block).max(axis=1)
    marks = np.flatnonzero(loud > 0.15 * loud.max())
    groups = np.split(marks, np.flatnonzero(np.diff(marks) > 10) + 1)
    return [(float(one[0]) * 0.005, float(one[-1] + 1) * 0.005) for one in groups]


def flashes(path: Path) -> list[float]:
    """Seconds at which the picture turns white."""
    found, before = [], False
    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            white = float(np.from_dlpack(frame.planes[0]).mean()) > 200
            if white and not before:
                found.append(frame.time or 0.0)
            before = white
    return found
