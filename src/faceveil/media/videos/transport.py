"""Streams of a transport stream that FFmpeg does not tell of, because they begin on the way."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from faceveil.i18n import say
from faceveil.media.videos.containers import bytes_of

# ISO/IEC 13818-1, 2.4.3.2: the sync byte; the flag of a packet in which something begins, and the
# stream's number; no scrambling, and either the content or how long the field before it is.
_BEGINS: Final = re.compile(rb"G([\x40-\x7f].)(?:[\x10-\x1f]|[\x30-\x3f](.))", re.DOTALL)
_NUMBER: Final = 0x1FFF

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
