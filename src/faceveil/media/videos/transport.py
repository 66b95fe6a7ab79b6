"""Streams of a transport stream that FFmpeg does not tell of, because they begin on the way."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from faceveil.errors import InputError, UnreadableError
from faceveil.i18n import say
from faceveil.media.videos.containers import ELSEWHERE, bytes_of
from faceveil.media.videos.described import encrypted

# ISO/IEC 13818-1, 2.4.3.2: the sync byte; the flag of a packet in which something begins, and the
# stream's number; no scrambling, and either the content or how long the field before it is.
_BEGINS: Final = re.compile(rb"G([\x40-\x7f].)(?:[\x10-\x1f]|[\x30-\x3f](.))", re.DOTALL)
_NUMBER: Final = 0x1FFF
_ENOUGH: Final = 1 << 24
"""Bytes that are searched for marks of scrambling."""

_KNOWN: Final = re.compile(rb"\0\0\x01[\xc0-\xef\xfd]")
"""Table 2-22: pictures and sound."""
_PRIVATE: Final = re.compile(rb"\0\0\x01\xbd.{4}(.)", re.DOTALL)
"""Private streams; what counts is how long the header is. Sound of these begins as below, else they
are subtitles and teletext."""
_SOUND: Final = (b"\x0b\x77", b"\x7f\xfe")


def begins_later(origin: Path | bytes, kind: str, known: Collection[int]) -> str:
    """A warning of pictures or sound under a number that was not known at the beginning, or "".

    Another recording was joined to this one, or its programme has changed.

    Args:
        known: numbers of all streams (PID).
    """
    if kind != "mpegts":
        return ""
    with bytes_of(origin) as data:
        if all(number in known for number in _numbers(data)):
            return ""
    return say("pictures or sound of another programme begin on the way, and are not read")


def no_picture(origin: Path | bytes, kind: str, number: int) -> InputError:
    """The refusal of pictures of which none can be decoded: perhaps they are scrambled.

    Receivers leave the marks in what they have descrambled, so these alone prove nothing.

    Args:
        number: of the stream (PID).
    """
    if kind == "mpegts" and _is_scrambled(origin, number):
        return encrypted()
    return UnreadableError(say("no picture in the video can be decoded"), ELSEWHERE)


def _is_scrambled(origin: Path | bytes, number: int) -> bool:
    """Whether most packets of a stream are marked so (transport_scrambling_control)."""
    high, low = divmod(number & _NUMBER, 256)
    heads = b"|".join(re.escape(bytes([flags << 5 | high, low])) for flags in range(8))
    with bytes_of(origin) as data:
        found = re.compile(b"G(?:" + heads + b")(.)", re.DOTALL).finditer(data, 0, _ENOUGH)
        marks = [bool(packet[1][0] >> 6) for packet in found]
    return 2 * sum(marks) > len(marks)


def _numbers(data: Any) -> Iterator[int]:
    for packet in _BEGINS.finditer(data):
        at = packet.end() + (packet[2][0] if packet[2] else 0)
        if _KNOWN.match(data, at) or _is_sound(data, at):
            yield int.from_bytes(packet[1], "big") & _NUMBER


def _is_sound(data: Any, at: int) -> bool:
    private = _PRIVATE.match(data, at)
    if private is None:
        return False
    body = private.end() + private[1][0]
    return bytes(data[body : body + 2]) in _SOUND
