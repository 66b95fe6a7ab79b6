"""The layout of a JPEG's blocks, from its headers (ITU-T T.81)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from faceveil.i18n import say

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_DHT, _DAC, _DQT, _DNL, _DRI, _APP14 = 0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xEE
_SEQUENTIAL: Final = (0xC0, 0xC1)
# Start of frame by its number (ITU-T T.81 table B.1), less DHT, JPG and DAC.
_SOFS: Final = frozenset(range(0xC0, 0xD0)) - {_DHT, 0xC8, _DAC}


class CannotKeep(Exception):  # noqa: N818 (no error: the picture is encoded instead)
    """The blocks of this file cannot be taken over; the message says why."""


@dataclass(frozen=True, slots=True)
class Component:
    """One plane of samples: its share of the resolution, and its quantization table's number."""

    across: int
    down: int
    table: int


@dataclass(frozen=True, slots=True)
class JpegLayout:
    """The layout of a JPEG's blocks, and the bytes that hold them."""

    width: int
    height: int
    components: tuple[Component, ...]
    needed: bytes

    @property
    def across(self) -> int:
        return max(one.across for one in self.components)

    @property
    def down(self) -> int:
        return max(one.down for one in self.components)

    def blocks(self, one: Component) -> tuple[int, int]:
        """Rows and columns of blocks of a component (T.81 A.1.1 and A.2.2)."""
        rows = -(-(self.height * one.down) // (8 * self.down))
        return rows, -(-(self.width * one.across) // (8 * self.across))


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment of the first picture, entropy-coded data included."""
    at, size = 2, len(data)
    while at + 2 <= size:
        if data[at] != 0xFF:
            raise CannotKeep(say("damaged"))
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _EOI:
            yield marker, at, at + 2
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SOS:
            end = _end_of_scan(data, end)
        if end > size or end < at + 4:
            break
        yield marker, at, end
        at = end
    raise CannotKeep(say("damaged"))


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height, as the frame header says."""
    for marker, start, end in segments(data):
        if marker in _SOFS and end - start >= 9:
            height, width = (int.from_bytes(data[start + at : start + at + 2]) for at in (5, 7))
            return width, height
    raise CannotKeep(say("damaged"))


def _end_of_scan(data: bytes, at: int) -> int:
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise CannotKeep(say("damaged"))
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7 and data[at + 1] != 0xFF:
            return at
        at += 1 if data[at + 1] == 0xFF else 2


def read_layout(data: bytes) -> JpegLayout:
    """Read the layout from the headers.

    Raises:
        CannotKeep: the file is damaged, or coded in a way that is not handled.
    """
    needed, frame, plain = [data[:2]], b"", False
    for marker, start, end in segments(data):
        # A scan's coded data follows its header.
        body = data[start + 4 : start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")]
        if marker in _SOFS:
            if marker not in _SEQUENTIAL:
                odd = {0xC2: say("progressive"), 0xC3: say("lossless")}
                raise CannotKeep(odd.get(marker, say("coded in a rare way")))
            if frame:
                raise CannotKeep(say("damaged"))
            frame = body
        elif marker in (_DNL, _DAC):
            raise CannotKeep(say("coded in a rare way"))
        elif marker == _APP14 and body[:5] == b"Adobe":
            plain = body[11:12] == b"\0"
        elif not _sound(marker, body, frame):
            raise CannotKeep(say("damaged"))
        if marker in _SOFS or marker in (_DHT, _DQT, _DRI, _SOS, _EOI):
            needed.append(data[start:end])
    if len(frame) < 6 or len(frame) != 6 + 3 * frame[5]:
        raise CannotKeep(say("damaged"))
    if frame[0] != 8:
        raise CannotKeep(say("{bits}-bit", bits=frame[0]))
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    triples = [frame[at : at + 3] for at in range(6, len(frame), 3)]
    if len(triples) not in (1, 3):
        raise CannotKeep(say("CMYK"))
    # Red, green and blue: Adobe's segment says so, or the components' names, as libjpeg has it.
    if len(triples) == 3 and (plain or bytes(one[0] for one in triples) == b"RGB"):
        raise CannotKeep(say("coded without YCbCr"))
    components = tuple(Component(one[1] >> 4, one[1] & 15, one[2]) for one in triples)
    if len(components) == 1:  # whatever factors it names, its blocks lie side by side
        components = (Component(1, 1, components[0].table),)
    layout = JpegLayout(width, height, components, b"".join(needed))
    known = range(1, 5)
    if not (
        width and height and all(one.across in known and one.down in known for one in components)
    ):
        raise CannotKeep(say("damaged"))
    if any(layout.across % one.across or layout.down % one.down for one in components):
        raise CannotKeep(say("of colours at an odd resolution"))
    return layout


def _sound(marker: int, body: bytes, frame: bytes) -> bool:
    """Whether a segment is what T.81 B.2 says it is.

    jpeglib does not survive an error of libjpeg in the headers, so none may reach it. Errors in
    what follows the first scan's header are reported properly.
    """
    if marker == _DRI:
        return len(body) == 2
    if marker == _DQT:
        sizes = {0x00: 65, 0x10: 129}
        while body and body[0] & 15 < 4 and body[0] & 0xF0 in sizes:
            size = sizes[body[0] & 0xF0]
            if len(body) < size:
                return False
            body = body[size:]
        return not body
    if marker == _DHT:
        while len(body) >= 17 and body[0] & 0xEF < 4:
            count = sum(body[1:17])
            if count > 256 or len(body) < 17 + count:
                return False
            body = body[17 + count :]
        return not body
    if marker == _SOS:
        names = [frame[at] for at in range(6, len(frame), 3)]
        count = body[0] if body else 0
        listed = list(body[1 : 1 + 2 * count : 2])
        whole = 1 <= count <= 4 and len(body) == 2 * count + 4
        return whole and len(set(listed)) == count and set(listed) <= set(names)
    return True
