"""The colours that an AV1 stream states in its sequence header."""

from __future__ import annotations

from typing import Final

from faceveil.media.metadata.bits import Bits

_SEQUENCE_HEADER: Final = 1


def code_points(stream: bytes) -> tuple[int, int, int] | None:
    """Primaries, transfer and matrix (ITU-T H.273) from the first sequence header.

    Args:
        stream: open bitstream units, as in an ``av1C`` or at the start of a picture.

    Returns:
        None where the stream states nothing, or has no such header.

    Raises:
        ValueError: it is cut off.
    """
    at = 0
    while at < len(stream):
        head = stream[at]
        at += 2 if head & 4 else 1
        size, shift = len(stream) - at, 0
        if head & 2:
            size = 0
            while True:
                byte = stream[at : at + 1]
                if not byte or shift > 28:
                    raise ValueError("unit without a size")
                size |= (byte[0] & 0x7F) << shift
                at, shift = at + 1, shift + 7
                if byte[0] < 0x80:
                    break
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            return _of_header(Bits(stream[at : at + size]))
        at += size
    return None


def _of_header(bits: Bits) -> tuple[int, int, int] | None:
    """AV1 Bitstream & Decoding Process Specification, 5.5."""
    take = bits.read
    profile, _still, reduced = take(3), take(1), take(1)
    if reduced:
        take(5)
    else:
        _skip_operating_points(bits)
    widths = take(4) + 1, take(4) + 1
    take(sum(widths))
    if not reduced and take(1):
        take(7)  # lengths of frame numbers
    take(3)
    if not reduced:
        _skip_tools(bits)
    take(3)
    high = take(1)
    if profile == 2 and high:
        take(1)
    if profile != 1:
        take(1)  # monochrome
    return (take(8), take(8), take(8)) if take(1) else None


def _skip_operating_points(bits: Bits) -> None:
    take = bits.read
    delay = 0
    if take(1):  # timing
        take(64)
        if take(1):
            zeros = 0
            while not take(1):
                zeros += 1
            take(zeros)
        if take(1):  # decoder model
            delay = take(5) + 1
            take(42)
    display_delays = take(1)
    for _ in range(take(5) + 1):
        take(12)
        if take(5) > 7:
            take(1)
        if delay and take(1):
            take(2 * delay + 1)
        if display_delays and take(1):
            take(4)


def _skip_tools(bits: Bits) -> None:
    take = bits.read
    take(4)
    ordered = take(1)
    if ordered:
        take(2)
    # Screen content tools and whole-number motion: chosen for each frame, or declared here.
    if (take(1) or take(1)) and not take(1):
        take(1)
    if ordered:
        take(3)
