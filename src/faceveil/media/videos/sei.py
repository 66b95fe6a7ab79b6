"""The text that an H.264 encoder writes about itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from av.packet import Packet

if TYPE_CHECKING:
    from av.video.stream import VideoStream

_START: Final = re.compile(rb"\x00?\x00\x00\x01")
_SEI: Final = 6  # ITU-T H.264, table 7-1
_USER_DATA_UNREGISTERED: Final = 5  # ITU-T H.264, D.1.1


def without_encoder_info(packet: Packet[VideoStream]) -> Packet[VideoStream]:
    """A packet of libx264 without the message that names its version and all its settings.

    Among these is the number of threads, which tells about the machine.
    """
    data = bytes(packet)
    starts = [match.start() for match in _START.finditer(data)]
    units = [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]
    kept = b"".join(unit for unit in units if not _is_user_data(unit))
    if not starts or starts[0] != 0 or len(kept) == len(data):
        return packet
    clean: Packet[Any] = Packet(kept)
    clean.stream, clean.time_base = packet.stream, packet.time_base
    clean.pts, clean.dts, clean.duration = packet.pts, packet.dts, packet.duration
    clean.is_keyframe = packet.is_keyframe
    return clean


def _is_user_data(unit: bytes) -> bool:
    header = unit[unit.index(b"\x01") + 1 :][:2]
    return len(header) == 2 and header[0] & 31 == _SEI and header[1] == _USER_DATA_UNREGISTERED
