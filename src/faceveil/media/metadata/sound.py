"""Coded sound: name and remove everything in headers and packets that is not sound.

Both use the same code: everything that `clean_header` or `clean_packet` would change is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from faceveil.i18n import say
from faceveil.media.metadata.bits import Bits

_NOTHING_NEEDED: Final = re.compile(r"pcm_\w+|mp[123]|ac3|eac3|dts|truehd|mlp")
_FIXED: Final = {
    "adpcm_ms": 32,
    "adpcm_ima_wav": 2,
    "wmav1": 4,
    "wmav2": 10,
    "wmapro": 18,
    "tta": 22,
    "wavpack": 2,
}
"""Bytes of the headers that are numbers and nothing else."""

_READ_FROM_PACKETS: Final = frozenset({"ac3", "eac3", "dts", "truehd", "mlp"})
"""Codecs whose header the reader makes from fields of the container."""

_CHANNELS: Final = b"WAVEFORMATEXTENSIBLE_CHANNEL_MASK="
_VENDORS: Final = frozenset({b"", b"Lavf"})
_STREAMINFO, _PADDING, _APPLICATION, _SEEKTABLE, _COMMENT, _CUESHEET, _COVER = range(7)
_FLAC_BLOCKS: Final = {
    _APPLICATION: say("application data in the sound header"),
    _CUESHEET: say("cue sheet in the sound header"),
    _COVER: say("picture in the sound header"),
}
_COMMENTS: Final = say("comments in the sound header")
_ODD: Final = say("further data in the sound header")
_USER_DATA: Final = say("user data in the sound stream")

_LAME: Final = re.compile(rb"L(?:AME|avc)\d[\d.]{2,}U*")
"""The text with which encoders of MP3 fill unused bytes."""


def clean_header(codec: str, header: bytes) -> bytes | None:
    """A codec's header with what decoding needs and nothing else.

    Args:
        codec: FFmpeg's name.
        header: its extradata.

    Returns:
        The header, perhaps empty; None for a codec whose header is not understood.
    """
    if not header or _NOTHING_NEEDED.fullmatch(codec):
        return b""
    if codec in _FIXED:
        return header[: _FIXED[codec]]
    cleaner = _HEADERS.get(codec)
    try:
        return cleaner(header) if cleaner else None
    except (IndexError, ValueError):
        return None


def clean_packet(codec: str, data: bytes) -> bytes:
    """A packet with only its sound, as long as before or shorter."""
    cleaner = _PACKETS.get(codec)
    if cleaner is None:
        return data
    try:
        return cleaner(data)
    except (IndexError, ValueError):  # cut off
        return data


def in_header(codec: str, header: bytes) -> Iterator[str]:
    """Names of everything in a container's header that decoding does not need."""
    if codec == "flac":
        yield from _flac_blocks(header)
    elif codec == "vorbis" and header:
        if clean_header(codec, header) != header:
            yield _COMMENTS
    elif header and codec not in _READ_FROM_PACKETS and clean_header(codec, header) != header:
        yield _ODD


def in_packet(codec: str, data: bytes) -> Iterator[str]:
    """The same for a packet."""
    if clean_packet(codec, data) != data:
        yield _USER_DATA


def _vorbis(header: bytes) -> bytes:
    """The three headers of Vorbis, laced as Matroska does; the second without its comments."""
    if header[:1] != b"\x02":
        raise ValueError("not laced")
    at, sizes = 1, []
    for _ in range(2):
        size = 0
        while header[at] == 255:
            size, at = size + 255, at + 1
        sizes.append(size + header[at])
        at += 1
    first = header[at : at + sizes[0]]
    last = header[at + sum(sizes) :]
    # Vorbis I, section 5: the vendor's name, the number of comments, a framing bit.
    middle = b"\x03vorbis" + bytes(8) + b"\x01"
    if not (first.startswith(b"\x01vorbis") and len(first) == 30 and last.startswith(b"\x05")):
        raise ValueError("not the headers of Vorbis")
    return bytes((2, len(first), len(middle))) + first + middle + last


def _flac(header: bytes) -> bytes:
    if header.startswith(b"fLaC"):
        header = header[8:]
    if len(header) < 34:
        raise ValueError("too short")
    return header[:34]


def _flac_blocks(header: bytes) -> Iterator[str]:
    """RFC 9639, section 8: metadata blocks, as in Matroska and, without the word, in MP4."""
    at = 4 if header.startswith(b"fLaC") else 0
    if at == 0 and len(header) == 34:
        return
    while at + 4 <= len(header):
        kind, size = header[at] & 127, int.from_bytes(header[at + 1 : at + 4], "big")
        body = header[at + 4 : at + 4 + size]
        if kind == _COMMENT and not _tells_channels_only(body):
            yield _COMMENTS
        elif kind in _FLAC_BLOCKS:
            yield _FLAC_BLOCKS[kind]
        elif (kind == _PADDING and body.strip(b"\0")) or kind > _COVER:
            yield _ODD
        at += 4 + size
    if at < len(header):
        yield _ODD


def _tells_channels_only(body: bytes) -> bool:
    size = int.from_bytes(body[:4], "little")
    vendor, at = body[4 : 4 + size], 4 + size
    count = int.from_bytes(body[at : at + 4], "little")
    at += 4
    if vendor not in _VENDORS or count > 1:
        return False
    for _ in range(count):
        size = int.from_bytes(body[at : at + 4], "little")
        comment = body[at + 4 : at + 4 + size]
        if not re.fullmatch(_CHANNELS + rb"0x[0-9A-Fa-f]+", comment):
            return False
        at += 4 + size
    return at == len(body)


def _opus(header: bytes) -> bytes:
    """RFC 7845, section 5.1."""
    if not header.startswith(b"OpusHead"):
        raise ValueError("no such header")
    return header[: 19 if header[18] == 0 else 21 + header[9]]


def _alac(header: bytes) -> bytes:
    """The atom of 36 bytes, and one of 24 for the channels."""
    has_channels = header[40:44] == b"chan" and header[36:40] == b"\0\0\0\x18"
    size = 60 if has_channels else 36
    if header[4:8] != b"alac" or len(header) < 36:
        raise ValueError("no such header")
    return b"\0\0\0\x24" + header[4:size]


def _aac(header: bytes) -> bytes:
    """AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1), the comment of its programme taken out."""
    bits = Bits(header)
    kind = _object_type(bits)
    _sampling(bits)
    channels = bits.read(4)
    if kind in (5, 29):  # spectral band replication is said at once
        _sampling(bits)
        kind = _object_type(bits)
    if kind not in (1, 2, 3, 4):
        return header
    bits.read(1)
    if bits.read(1):
        bits.read(14)
    bits.read(1)
    if channels == 0:
        at = _program(bits)
        header = header[:at] + b"\0" + header[at + 1 + header[at] :]
        bits = Bits(header)
        bits.at = 8 * (at + 1)
    end = _behind(bits)
    return header if not header[end:].strip(b"\0") else header[:end]


def _behind(bits: Bits) -> int:
    """The byte at which the header ends; spectral band replication may be declared behind it."""
    end = bits.at
    try:
        if bits.read(11) == 0x2B7 and _object_type(bits) == 5:
            if bits.read(1):
                _sampling(bits)
            end = bits.at
            if bits.read(11) == 0x548:
                bits.read(1)
                end = bits.at
    except ValueError:
        pass
    return -(-end // 8)


def _object_type(bits: Bits) -> int:
    kind = bits.read(5)
    return 32 + bits.read(6) if kind == 31 else kind


def _sampling(bits: Bits) -> None:
    if bits.read(4) == 15:
        bits.read(24)


def _program(bits: Bits) -> int:
    """Skip a program config element (4.4.1.1) up to its comment; returns the byte of its length."""
    bits.read(10)
    front, side, back, low, data, coupling = (bits.read(count) for count in (4, 4, 4, 2, 3, 4))
    for _ in range(2):
        if bits.read(1):
            bits.read(4)
    if bits.read(1):
        bits.read(3)
    bits.read(5 * (front + side + back) + 4 * (low + data) + 5 * coupling)
    bits.align()
    return bits.at // 8


_DATA, _PROGRAM, _FILL = 4, 5, 6
_EMPTY_FILLS: Final = frozenset({0, 1})
_FILLING: Final = frozenset({0, 0xA5})


def _elements(data: bytes, start: int = 0) -> bytes:
    """Elements of AAC and ALAC before the sound: user data and filling are blanked.

    Data behind the sound cannot be found without decoding it.
    """
    bits = Bits(data[start:])
    own = bytearray(data)
    while bits.at + 3 <= 8 * len(bits.data):
        kind = bits.read(3)
        if kind == _DATA:
            bits.read(4)
            align, count = bits.read(1), bits.read(8)
            count += bits.read(8) if count == 255 else 0
            if align:
                bits.align()
            _blank(own, 8 * start + bits.at, 8 * count)
        elif kind == _FILL:
            count = bits.read(4)
            count += bits.read(8) - 1 if count == 15 else 0
            begin = bits.at
            if count and bits.read(4) in _EMPTY_FILLS:
                filling = Bits(bits.data)
                filling.at = begin + 8
                rest = {filling.read(8) for _ in range(count - 1)}
                if not rest <= _FILLING:
                    _blank(own, 8 * start + begin + 4, 8 * count - 4)
            bits.at = begin
        elif kind == _PROGRAM:
            bits.at = 8 * _program(bits)
            count = bits.read(8)
            _blank(own, 8 * start + bits.at, 8 * count)
        else:
            break
        bits.at += 8 * count
    return bytes(own)


def _blank(data: bytearray, at: int, count: int) -> None:
    if at + count > 8 * len(data):
        raise ValueError("cut off")
    for bit in range(at, at + count):
        data[bit // 8] &= ~(128 >> bit % 8)


def _aac_packet(data: bytes) -> bytes:
    if len(data) > 7 and data[0] == 255 and data[1] & 0xF6 == 0xF0:  # ADTS
        return _elements(data, 7 if data[1] & 1 else 9)
    return _elements(data)


# ISO/IEC 11172-3 and 13818-3: kbit/s by layer (coded as 3, 2 and 1) of version 1, and of 2 and 2.5.
_LOW: Final = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES: Final = (
    {
        1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
        2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
        3: tuple(range(32, 449, 32)),
    },
    {1: _LOW, 2: _LOW, 3: (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256)},
)
_SAMPLES: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_TAGS: Final = (b"Xing", b"Info", b"VBRI")


def _mp3_packet(data: bytes) -> bytes:
    """The frames alone: no tag between them, and nothing in the one that describes the file.

    MP4 has one name for all layers, so frames of the others are known here, too.
    """
    frames, at = [], 0
    while at + 4 <= len(data):
        size, side = _mp3_frame(data[at : at + 4])
        if not size:
            if not at and side:
                return data  # of a free rate: where it ends is not said
            at += 1
            continue
        frame = data[at : at + size]
        body = 4 + (0 if frame[1] & 1 else 2) + side
        if side and (frame[body : body + 4] in _TAGS or frame[36:40] == b"VBRI"):
            frame = frame[:4] + bytes(len(frame) - 4)
        if side:
            frame = _LAME.sub(lambda match: bytes(len(match[0])), frame)
        frames.append(frame)
        at += size
    return b"".join(frames) if frames else data


def _mp3_frame(head: bytes) -> tuple[int, int]:
    """Bytes of a frame (0 if none begins here, or who knows how many) and of its side
    information (0 but for layer III, or if none begins here)."""
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate, sampling, pad = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if head[0] != 255 or head[1] < 224 or version == 1 or not layer or rate == 15 or sampling == 3:
        return 0, 0
    first, mono = version == 3, head[3] >> 6 == 3
    side = ((17 if mono else 32) if first else (9 if mono else 17)) if layer == 1 else 0
    if not rate:
        return 0, side or 1
    bits = 1000 * _RATES[0 if first else 1][layer][rate - 1]
    if layer == 3:
        return (12 * bits // _SAMPLES[version][sampling] + pad) * 4, 0
    slots = 72 if layer == 1 and not first else 144
    return slots * bits // _SAMPLES[version][sampling] + pad, side


def _opus_packet(data: bytes) -> bytes:
    """RFC 6716, section 3.2.5: padding is blanked. Of several streams, in the last one only."""
    if len(data) < 3 or data[0] & 3 != 3 or not data[1] & 64:
        return data
    at, padding = 2, 0
    while data[at] == 255:
        padding, at = padding + 254, at + 1
    padding += data[at]
    if at + 1 + padding > len(data):
        return data
    return data[: len(data) - padding] + bytes(padding)


_HEADERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "vorbis": _vorbis,
    "flac": _flac,
    "opus": _opus,
    "alac": _alac,
    "aac": _aac,
}
_PACKETS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "aac": _aac_packet,
    "alac": _elements,
    "mp3": _mp3_packet,
    "opus": _opus_packet,
}
