"""The distribution of a stream's bits over its time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from av.error import FFmpegError

from faceveil.media.videos.containers import all_packets, open_input, picture_stream
from faceveil.media.videos.facts import time_base_of

_PAUSE: Final = 1.0
"""Seconds. A picture that stands for longer does so on purpose, unless many do."""

_KEPT_BACK: Final = 3


@dataclass(frozen=True, slots=True)
class Flow:
    """A stream described by a bucket that leaks at the stream's own mean rate.

    Attributes:
        rate: bits a second, on the whole.
        burst: the most bits beyond the rate at any time: the size of a bucket that never overflows.
            It is large if busy stretches follow quiet ones.
        key: bits of a key frame.
        apart: seconds from one key frame to the next; of a single one, to the end.
        busy: bits a second while no picture stands for unusually long.
    """

    rate: float
    burst: float
    key: float
    apart: float
    busy: float

    @property
    def buffer(self) -> float:
        """Bits of the buffer with which x264 and x265 spend as much on a burst as the stream did.

        Of what goes far beyond the usual they would spend less than half: they keep the rest for
        what may follow.
        """
        burst = max(self.burst, self.key, self.rate / 2)
        beyond = max(0.0, burst - max(self.key, 2 * self.rate))
        return burst + _KEPT_BACK * beyond


def flow_in(origin: Path | bytes, kind: str) -> Flow | None:
    """The flow of a video's pictures, read without decoding any; None if nothing tells it."""
    times, sizes, keys, at = [], [], [], 0
    with open_input(origin, kind) as container, suppress(FFmpegError):
        stream = picture_stream(container)
        if stream is None:
            return None
        unit = time_base_of(stream)
        for packet in all_packets(container, [stream]):
            if packet.size:
                at = at if packet.dts is None else packet.dts
                times.append(at)
                sizes.append(packet.size)
                keys.append(packet.is_keyframe)
                at += packet.duration or 0
    return flow_of(times, sizes, keys, unit)


def longest_group(origin: Path | bytes, kind: str) -> int:
    """The most pictures from one key frame to the next, read without decoding any."""
    longest = length = 0
    with open_input(origin, kind) as container, suppress(FFmpegError):
        stream = picture_stream(container)
        for packet in all_packets(container, [stream] if stream else []):
            length = 1 if packet.is_keyframe else length + bool(packet.size)
            longest = max(longest, length)
    return longest


def flow_of(
    times: Sequence[int], sizes: Sequence[int], keys: Sequence[bool], time_base: Fraction
) -> Flow | None:
    """The flow of packets.

    Args:
        times: when each is decoded, in units of the time base.
        sizes: in bytes.
        keys: which are key frames.

    Returns:
        None where the times do not tell.
    """
    if len(times) < 2:
        return None
    seconds = np.maximum.accumulate(np.array(times, np.float64)) * float(time_base)
    span = float(seconds[-1] - seconds[0]) * len(times) / (len(times) - 1)
    if span <= 0:
        return None
    bits = 8 * np.array(sizes, np.float64)
    rate = float(bits.sum()) / span
    after = np.cumsum(bits) - rate * (seconds - seconds[0])
    least = np.minimum.accumulate(after - bits)
    key = bits[np.array(keys)]
    count = max(1, len(key))
    steps = np.diff(seconds)
    steps = np.minimum(steps, max(_PAUSE, 2 * float(np.median(steps))))
    busy = rate * span / (float(steps.sum()) * len(times) / (len(times) - 1))
    burst = float((after - least).max())
    return Flow(rate, burst, float(key.sum()) / count, span / count, busy)
