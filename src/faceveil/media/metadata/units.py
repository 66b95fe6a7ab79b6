"""Coded pictures: name everything in the units of a stream that is not picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from faceveil.i18n import say

_START: Final = re.compile(rb"\x00*\x00\x00\x01")
_H264_SEI: Final = 6
_HEVC_SEI: Final = frozenset({39, 40})
_USER_DATA: Final = {
    4: say("registered user data (captions, HDR10+)"),
    5: say("user data in the picture stream"),
}
"""Payload types of ITU-T H.264 and H.265, annex D."""

_OBU_METADATA: Final = 5
_METADATA_T35: Final = 4


def user_data(codec: str, extradata: bytes) -> Callable[[bytes], Iterator[str]] | None:
    """A function that names the user data in a packet; None for a codec without a reader."""
    if codec == "av1":
        return _obus
    if codec not in ("h264", "hevc"):
        return None
    hevc = codec == "hevc"
    # The configuration record tells how many bytes give the length of a unit (ISO/IEC 14496-15).
    place = 21 if hevc else 4
    prefixed = extradata[:1] == b"\x01" and len(extradata) > place
    length = (extradata[place] & 3) + 1 if prefixed else 0

    def read(packet: bytes) -> Iterator[str]:
        for unit in _prefixed(packet, length) if prefixed else between_starts(packet):
            yield from _sei(unit, hevc)

    return read


def in_configuration(codec: str, extradata: bytes) -> Iterator[str]:
    """The same for the units that an HEVC configuration record carries once for all packets."""
    if codec != "hevc" or extradata[:1] != b"\x01" or len(extradata) < 23:
        return
    at = 23
    for _ in range(extradata[22]):
        count = int.from_bytes(extradata[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            size = int.from_bytes(extradata[at : at + 2], "big")
            yield from _sei(extradata[at + 2 : at + 2 + size], hevc=True)
            at += 2 + size


def _prefixed(packet: bytes, length: int) -> Iterator[bytes]:
    at = 0
    while at + length <= len(packet):
        size = int.from_bytes(packet[at : at + length], "big")
        at += length
        yield packet[at : at + size]
        at += size


def between_starts(stream: bytes) -> Iterator[bytes]:
    """The units of a stream with start codes (ITU-T H.264, annex B)."""
    return filter(None, _START.split(stream)[1:])


def unescaped(coded: bytes) -> bytes:
    """The bytes of a unit without those that keep a start code from showing in it (7.4.1)."""
    return coded.replace(b"\x00\x00\x03", b"\x00\x00")


def messages(body: bytes) -> Iterator[int]:
    """Kinds of the messages in a unit of supplemental information (7.3.2.3.1).

    Args:
        body: the unit without its header.
    """
    body, at = unescaped(body), 0
    while at + 2 <= len(body) and body[at:] != b"\x80":
        kind, at = _sum_of_bytes(body, at)
        size, at = _sum_of_bytes(body, at)
        yield kind
        at += size


def _sei(unit: bytes, hevc: bool) -> Iterator[str]:
    if len(unit) < 3:
        return
    if hevc:
        is_sei, at = (unit[0] >> 1) & 63 in _HEVC_SEI, 2
    else:
        is_sei, at = unit[0] & 31 == _H264_SEI, 1
    if not is_sei:
        return
    yield from filter(None, map(_USER_DATA.get, messages(unit[at:])))


def _sum_of_bytes(body: bytes, at: int) -> tuple[int, int]:
    total = 0
    while at < len(body) and body[at] == 0xFF:
        total, at = total + 255, at + 1
    return total + (body[at] if at < len(body) else 0), at + 1


def _obus(packet: bytes) -> Iterator[str]:
    """AV1: open bitstream units with their sizes (AV1 specification, 5.3)."""
    at = 0
    while at < len(packet):
        header = packet[at]
        at += 2 if header & 4 else 1
        size = len(packet) - at
        if header & 2:
            size, at = _leb128(packet, at)
        if (header >> 3) & 15 == _OBU_METADATA and packet[at : at + 1] == bytes([_METADATA_T35]):
            yield _USER_DATA[4]
        at += size


def _leb128(packet: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 56, 7):
        byte = packet[at] if at < len(packet) else 0
        value |= (byte & 127) << shift
        at += 1
        if not byte & 128:
            break
    return value, at
