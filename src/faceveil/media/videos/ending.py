"""Detect films that end too early: recordings that broke off, copies that stopped."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from faceveil.errors import UnreadableError
from faceveil.i18n import reason_of, say
from faceveil.media.videos.film_boxes import repeats

if TYPE_CHECKING:
    from av.video.stream import VideoStream

_ISO_BOXES: Final = frozenset(
    {b"ftyp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"uuid", b"sidx", b"udta"}
    | {b"meta", b"mfra", b"styp", b"pnot", b"emsg", b"prft"}
)
_HEADS: Final = (b"moof", b"sidx", b"styp", b"prft")
_SEGMENT: Final = 0x18538067
_HEAD_SIZES: Final = {"flv": 4, "asf": 16}
"""The length of such a file's beginning: a word and a version, an identifier."""

_SHORT_BY: Final = Fraction(1, 50)
"""A file that ends this share before its declared length, and a second, was cut off."""

_LAST_PAGE: Final = 4  # RFC 3533, section 6: the flag of the last page of a stream
_OGG_TAIL: Final = 65_307 + 27
"""As much as a page can have, and a header: the last page begins within."""


def is_cut_off(origin: Path | bytes, kind: str) -> bool:
    """Whether the last thing a file announces reaches beyond its end.

    Formats that can end anywhere (transport streams, bare streams) are never cut off.
    """
    look = _LOOKS.get(kind)
    if look is None:
        return False
    with _opened(origin) as (file, size):
        return look(file, size)


def endings(
    origin: Path | bytes, kind: str, stream: VideoStream, last: int, end: int
) -> tuple[str, str]:
    """Warnings where a film ends before it should, and where another one follows it, or "".

    Args:
        last: time of the last frame, in units of the stream.
        end: time up to which frames are known to be shown, if that is later.
    """
    return _early_end(origin, kind, stream, last, end), _another_follows(origin, kind)


def _early_end(origin: Path | bytes, kind: str, stream: VideoStream, last: int, end: int) -> str:
    unit, start = stream.time_base or Fraction(0), stream.start_time or 0
    if is_cut_off(origin, kind):
        return say(
            "the file was cut off: what came after {seconds:.1f} seconds is missing",
            seconds=float((last - start) * unit),
        )
    # That of a recorder is the difference of two times, of which either can be after a jump.
    if not stream.duration or kind in ("mpeg", "mpegts"):
        return ""
    declared, seen = stream.duration * unit, (max(last, end) - start) * unit
    if seen >= declared * (1 - _SHORT_BY) - 1:
        return ""
    return say(
        "the video ends after {seconds:.1f} of {declared:.1f} seconds",
        seconds=float(seen),
        declared=float(declared),
    )


def _another_follows(origin: Path | bytes, kind: str) -> str:
    """A warning of a whole second film that was joined to the first, in a format that is read as
    one only, or ""."""
    with _opened(origin) as (file, size):
        if not _is_followed(file, size, kind):
            return ""
    return say("another recording follows in the file, and is not read")


def _is_followed(file: IO[bytes], size: int, kind: str) -> bool:
    if kind in ("mp4", "mov"):
        first, *later = _headers(file, size) or [b""]
        # Fragments behind a repeated header are read; `counted` tells of those that are not.
        return not all(repeats(first, one) for one in later)
    if kind in ("flv", "asf"):
        file.seek(0)
        head = file.read(_HEAD_SIZES[kind])
        end = _behind_tags(file, size) if kind == "flv" else _behind_objects(file, size, head)
        file.seek(end)
        return file.read(len(head)) == head
    return False


def _headers(file: IO[bytes], size: int) -> list[bytes]:
    """The headers, as far as they are there, if there are several."""
    at, found = 0, list[tuple[int, int]]()
    for code, end in _boxes(file, size):
        if code == b"moov":
            found.append((at, end))
        at = end
    if len(found) < 2:
        return []
    headers = []
    for start, end in found:
        file.seek(start)
        headers.append(file.read(end - start))
    return headers


def has_index(origin: Path | bytes) -> bool:
    """Whether an MP4 or QuickTime file has all of the box without which none of it can be read."""
    with _opened(origin) as (file, size):
        return any(code == b"moov" and end <= size for code, end in _boxes(file, size))


def _boxes(file: IO[bytes], size: int) -> Iterator[tuple[bytes, int]]:
    """(type, end as announced) of the boxes of a file, as far as they look like some."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, code = int.from_bytes(head[:4], "big"), head[4:8]
        if code not in _ISO_BOXES:
            return
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:  # to the end, wherever that is
            length = size - at
        if length < 8:
            return
        at += length
        yield code, at


def _iso(file: IO[bytes], size: int) -> bool:
    boxes = list(_boxes(file, size))
    # The head of a fragment without its pictures.
    return any(end > size for _, end in boxes) or (boxes[-1:] != [] and boxes[-1][0] in _HEADS)


def _matroska(file: IO[bytes], size: int) -> bool:
    """RFC 8794: elements of id, length and body; the segment and clusters may have no length."""
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(12)
        marker = _vint(head, 0, keep=True)
        length = marker and _vint(head, marker[1], keep=False)
        if not marker or not length:
            return at + 12 > size  # the end of the file lies within the length
        element, body = marker[0], at + length[1]
        unknown = length[0] == 2 ** (7 * (length[1] - marker[1])) - 1
        if element == _SEGMENT:
            if not unknown and body + length[0] > size:
                return True
            at = body
        elif unknown:
            at = body  # a cluster of a live recording: its parts follow
        else:
            at = body + length[0]
    return at > size


def _vint(data: bytes, at: int, *, keep: bool) -> tuple[int, int] | None:
    if at >= len(data) or not data[at]:
        return None
    length = 9 - data[at].bit_length()
    if at + length > len(data):
        return None
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keep else value & ~(1 << (7 * length))), at + length


def _riff(file: IO[bytes], size: int) -> bool:
    """A chunk of AVI, or of its continuation beyond a gigabyte, that ends behind the file."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(8)
        if head[:4] != b"RIFF":
            return False
        at += 8 + int.from_bytes(head[4:], "little")
        at += at & 1
    return at > size + 1


def _flash(file: IO[bytes], size: int) -> bool:
    at = _behind_tags(file, size)
    return at != size if at + 11 > size else False


def _behind_tags(file: IO[bytes], size: int) -> int:
    """FLV: tags of 11 bytes and a body, each followed by its own length."""
    file.seek(5)
    at = int.from_bytes(file.read(4), "big") + 4
    while at + 11 <= size:
        file.seek(at)
        head = file.read(4)
        if head[0] & 31 not in (8, 9, 18) or head[:3] == b"FLV":
            break
        at += 11 + int.from_bytes(head[1:4], "big") + 4
    return at


def _ogg(file: IO[bytes], size: int) -> bool:
    file.seek(max(0, size - _OGG_TAIL))
    tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0 or at + 27 > len(tail):
        return True
    table = tail[at + 27 : at + 27 + tail[at + 26]]
    return not tail[at + 5] & _LAST_PAGE or at + 27 + len(table) + sum(table) > len(tail)


def _asf(file: IO[bytes], size: int) -> bool:
    return _behind_objects(file, size) > size


def _behind_objects(file: IO[bytes], size: int, until: bytes = b"") -> int:
    """ASF: objects of an identifier, a length of eight bytes, and a body."""
    at = 0
    while at + 24 <= size:
        file.seek(at)
        head = file.read(24)
        length = int.from_bytes(head[16:], "little")
        if length < 24 or (at and head[:16] == until):
            break
        at += length
    return at


_LOOKS: Final[dict[str, Callable[[IO[bytes], int], bool]]] = {
    "mp4": _iso,
    "mov": _iso,
    "mkv": _matroska,
    "webm": _matroska,
    "avi": _riff,
    "flv": _flash,
    "ogg": _ogg,
    "asf": _asf,
}


@contextmanager
def _opened(origin: Path | bytes) -> Iterator[tuple[IO[bytes], int]]:
    try:
        with io.BytesIO(origin) if isinstance(origin, bytes) else origin.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            yield file, size
    except OSError as error:
        raise UnreadableError(
            say("the file cannot be read: {reason}", reason=reason_of(error))
        ) from error
