"""Files of sound alone: each without its tags, covers and other words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

_TAG: Final = 128
"""Bytes of an ID3v1 tag, at the end of a file."""
_FOOTER: Final = 32
"""Bytes of the footer of an APEv2 tag, and of its header."""
_LYRICS: Final = re.compile(rb"(\d{6})LYRICS200$")
_OLD_LYRICS: Final = b"LYRICSBEGIN", b"LYRICSEND"
_LONG_TAG: Final = 227
"""Bytes of the longer one that some programs put before an ID3v1 tag."""
_HAS_HEADER: Final = 1 << 31
_FRAMES: Final = re.compile(rb"\xff[\xe2-\xff]|\x0b\x77|fLaC|wvpk|MAC ")
_FROM_WAVE: Final = b"wvpk", b"MAC "
_WORDS: Final = re.compile(rb"LIST....INFO|bext|iXML|aXML|_PMX|id3 |ID3 ", re.DOTALL)
"""Chunks of a WAVE, which these keep to give the same file again."""
_WAVE: Final = (b"fmt ", b"fact", b"data")
_BEHIND: Final = re.compile(
    rb"(?:LIST|PEAK|PAD |JUNK|junk|bext|iXML|a[Xx]ML|chna|_PMX|id3 |ID3 |cue |plst|smpl|inst|DISP"
    rb"|acid|cart|note|afsp|fact|slnt|MD5 |umid|strc|levl|link|minf|elm1|FLLR|Cr8r|SAUR)(?=.{4})",
    re.DOTALL,
)
"""Chunks that may follow the sound of a WAVE."""
_W64: Final = re.compile(rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0.{8}wave", re.DOTALL)
_W64_REST: Final = b"\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a"
"""The end of the names of its chunks."""
_AIFF: Final = (b"FVER", b"COMM", b"SSND")
_CAF: Final = (b"desc", b"data", b"pakt", b"kuki", b"chan")
_STREAMINFO, _SEEKTABLE = 0, 3


def bare_sound(data: bytes) -> bytes | None:
    """A file of sound with nothing but its sound; the same bytes if it holds nothing else.

    None for a kind that is not known here, or if it is damaged.
    """
    writer = next((one for sign, one in _WRITERS if sign.match(data)), None)
    try:
        return None if writer is None else writer(data)
    except (IndexError, ValueError):
        return None


def _without_tags(data: bytes) -> bytes:
    """MP3, ADTS and others that are frames from end to end, without the tags at both ends."""
    start, end = 0, len(data)
    while data[start : start + 3] == b"ID3":
        start += 10 + _id3_size(data[start : start + 10]) + (10 if data[start + 5] & 16 else 0)
    start += len(data[start:end]) - len(data[start:end].lstrip(b"\0"))  # tags are padded
    while (shorter := _before_tag(data[start:end])) is not None:
        end = start + shorter
    body = data[start:end]
    if not _FRAMES.match(body):
        raise ValueError("no frames")
    if body.startswith(_FROM_WAVE) and _WORDS.search(body):
        raise ValueError("words within")
    return _flac(body) if body.startswith(b"fLaC") else body


def _id3_size(head: bytes) -> int:
    """Bytes of an ID3v2 tag, by its header or footer."""
    return sum((head[9 - at] & 127) << 7 * at for at in range(4))


def _before_tag(data: bytes) -> int | None:
    """The place at which a tag at the end begins; None if there is none."""
    end = len(data)
    if data[-_TAG:].startswith(b"TAG"):
        return max(0, end - _TAG)
    if data[-_LONG_TAG:].startswith(b"TAG+"):
        return max(0, end - _LONG_TAG)
    if data[-10:].startswith(b"3DI"):  # the footer of an ID3v2 tag
        return max(0, end - 20 - _id3_size(data[-10:]))
    if data.endswith(_OLD_LYRICS[1]) and (start := data.rfind(_OLD_LYRICS[0])) >= 0:
        return start
    if data[-_FOOTER:].startswith(b"APETAGEX"):
        size, _, flags = (
            int.from_bytes(data[end - at : end - at + 4], "little") for at in (20, 16, 12)
        )
        # Its size counts the footer; one that says less would be found again without an end.
        return max(0, end - max(size, _FOOTER) - (_FOOTER if flags & _HAS_HEADER else 0))
    found = _LYRICS.search(data[-15:])
    return None if found is None else max(0, end - 15 - int(found[1]))


def _flac(data: bytes) -> bytes:
    """RFC 9639, section 8."""
    at, last, kept = 4, False, []
    while not last:
        last, kind = data[at] > 127, data[at] & 127
        end = at + 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        if end > len(data):
            raise ValueError("cut off")
        if kind in (_STREAMINFO, _SEEKTABLE):
            kept.append(bytes((kind,)) + data[at + 1 : end])
        at = end
    kept[-1] = bytes((kept[-1][0] | 128,)) + kept[-1][1:]
    return b"".join([b"fLaC", *kept, data[at:]])


def _chunks(data: bytes, start: int, order: str) -> Iterator[tuple[bytes, bytes]]:
    """The name of each chunk, and all of its bytes."""
    at = start
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], order)  # type: ignore[arg-type]
        end = at + 8 + size + size % 2
        yield data[at : at + 4], data[at:end]  # the last may be cut off, or of a size not known
        at = end


def _wave(data: bytes) -> bytes:
    kept = [chunk for name, chunk in _chunks(data, 12, "little") if name in _WAVE]
    if kept and kept[-1][:4] == b"data":
        kept[-1] = _ended(kept[-1])
    body = b"".join(kept)
    # Whoever records writes the size of the sound last: without it, what follows may be sound.
    sound = [chunk for chunk in kept if chunk[:4] == b"data" and len(chunk) > 8]
    if not body.startswith(b"fmt ") or not sound:
        raise ValueError("no sound")
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WAVE" + body


def _ended(sound: bytes) -> bytes:
    """The last chunk of a WAVE, up to its end.

    Whoever writes into a pipe does not know the size of the sound. If it says more than there is,
    chunks with words may still follow.

    Raises:
        ValueError: there are such words, and it cannot be told where they begin.
    """
    if int.from_bytes(sound[4:8], "little") <= len(sound) - 8:
        return sound
    for found in _BEHIND.finditer(sound, 8):
        at = found.start()
        while _BEHIND.match(sound, at):
            size = int.from_bytes(sound[at + 4 : at + 8], "little")
            at += 8 + size + size % 2
        if len(sound) <= at <= len(sound) + 1:
            return b"data" + (found.start() - 8).to_bytes(4, "little") + sound[8 : found.start()]
    if _WORDS.search(sound):
        raise ValueError("words within")
    return sound


def _long_wave(data: bytes) -> bytes:
    """RF64 and BW64 (EBU Tech 3306, ITU-R BS.2088): the sizes stand in the first chunk."""
    size = int.from_bytes(data[16:20], "little")
    if data[12:16] != b"ds64" or size < 28:
        raise ValueError("no sizes")
    start = 20 + size + size % 2
    sound = int.from_bytes(data[28:36], "little")
    kept, at = [], start
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        size = sound if name == b"data" and size == 0xFFFFFFFF else size
        if name in _WAVE:
            if name == b"data" and (not size or at + 8 + size > len(data)):
                raise ValueError("no sound")
            kept.append(data[at : at + 8 + size + size % 2])
        at += 8 + size + size % 2
    body = b"".join(kept)
    if not body.startswith(b"fmt ") or kept[-1][:4] != b"data":
        raise ValueError("no sound")
    # The table at the end of the sizes is of chunks that are gone.
    sizes = (4 + 36 + len(body)).to_bytes(8, "little") + data[28:44] + bytes(4)
    return data[:4] + b"\xff" * 4 + b"WAVEds64" + (28).to_bytes(4, "little") + sizes + body


def _wave64(data: bytes) -> bytes:
    """Sony's W64: a WAVE with names of 16 bytes, sizes of 8 that count both, and steps of 8."""
    kept, at = [], 40
    while at + 24 <= len(data):
        size = int.from_bytes(data[at + 16 : at + 24], "little")
        if size < 24 or at + size > len(data):
            raise ValueError("cut off")
        if data[at : at + 4] in _WAVE and data[at + 4 : at + 16] == _W64_REST:
            kept.append(data[at : at + size].ljust(-(-size // 8) * 8, b"\0"))
        at += -(-size // 8) * 8
    body = b"".join(kept)
    if not body.startswith(b"fmt ") or kept[-1][:4] != b"data" or len(kept[-1]) < 32:
        raise ValueError("no sound")
    return data[:16] + (40 + len(body)).to_bytes(8, "little") + data[24:40] + body


def _aiff(data: bytes) -> bytes:
    kept = [chunk for name, chunk in _chunks(data, 12, "big") if name in _AIFF]
    if not {b"COMM", b"SSND"} <= {chunk[:4] for chunk in kept}:
        raise ValueError("no sound")
    body = b"".join(kept)
    return b"FORM" + (len(body) + 4).to_bytes(4, "big") + data[8:12] + body


def _caf(data: bytes) -> bytes:
    at, kept = 8, [data[:8]]
    while at + 12 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 12], "big", signed=True)
        end = len(data) if size < 0 else at + 12 + size
        if data[at : at + 4] in _CAF:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _au(data: bytes) -> bytes:
    """The annotation between header and sound is blanked."""
    start = int.from_bytes(data[4:8], "big")
    if not 24 <= start <= len(data):
        raise ValueError("no sound")
    return data[:24] + bytes(start - 24) + data[start:]


def _same(data: bytes) -> bytes:
    """There is no place for words."""
    return data


_WRITERS: Final[tuple[tuple[re.Pattern[bytes], Callable[[bytes], bytes]], ...]] = (
    (re.compile(rb"RIFF....WAVE", re.DOTALL), _wave),
    (re.compile(rb"(?:RF64|BW64)....WAVE", re.DOTALL), _long_wave),
    (_W64, _wave64),
    (re.compile(rb"FORM....AIF[FC]", re.DOTALL), _aiff),
    (re.compile(rb"caff"), _caf),
    (re.compile(rb"\.snd"), _au),
    (re.compile(rb"#!AMR"), _same),
    (re.compile(rb"ID3|\xff[\xe2-\xff]|\x0b\x77|fLaC|wvpk|MAC "), _without_tags),
)
