"""Coded pictures of H.264: their units, and the parameter sets that say how they are to be read.

ITU-T H.264 (sections are those of 08/2021), and ISO/IEC 14496-15 for how files hold them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple, Self

from faceveil.media.metadata.bits import Bits
from faceveil.media.metadata.units import between_starts, unescaped

SLICE, IDR, SEI, SPS, PPS = 1, 5, 6, 7, 8  # table 7-1
BESIDE: Final = frozenset({SEI, SPS, PPS, 9, 10, 11, 12})
"""Units that show nothing by themselves; 9 to 12 mark where something begins or ends, or fill."""

_UNESCAPED: Final = re.compile(rb"\x00\x00(?:[\x00-\x02]|\x03[^\x00-\x03])|\x00\Z", re.DOTALL)
"""Bytes that no unit holds (7.4.1): a player may take those behind them for another unit."""

_LENGTH: Final = 4
_LEAST_BITS: Final = 4
_PROFILES: Final = (66, 77, 100)
"""Baseline, Main and High. Each plays on what plays the next, but for what only Baseline has: that
is looked for."""
_HIGH: Final = 100
_MACROBLOCK: Final = 16
_EXTENDED_SHAPE: Final = 255
_SHAPES: Final = (  # table E-1
    *((1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11), (80, 33)),
    *((18, 11), (15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1)),
)


class OddStreamError(ValueError):
    """Something that is not copied: rare, or not understood here."""


class Look(NamedTuple):
    """The properties that two streams have to have in common for a player to show them as one.

    Attributes:
        width, height: as shown.
        shape: width of a pixel by its height, or None where nothing is said.
        full, primaries, transfer, matrix: the colours, as in ITU-T H.273.
        place: where the samples of colour lie.
    """

    width: int
    height: int
    shape: Fraction | None = None
    full: bool = False
    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    place: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """A sequence parameter set (7.3.2.1.1).

    Attributes:
        name: number by which picture parameter sets refer to it.
        profile, limits, level: the three bytes that say what a player has to be able to do.
        reorder: by how many pictures the order of coding is ahead of that of showing, at most, or
            None where nothing is said.
        count_bits: bits of the number of a picture in a slice.
        order_bits: bits of its place in the order of showing, or 0 where slices do not give it so.
    """

    name: int
    profile: int
    limits: int
    level: int
    look: Look
    reorder: int | None
    count_bits: int
    order_bits: int

    @classmethod
    def read(cls, unit: bytes) -> Self:
        """Of a unit.

        Raises:
            OddStreamError: not whole pictures of 8 bits in 4:2:0, or more than is shown.
        """
        require_escaped(unit)
        bits = _Bits(unit[1:])
        profile, limits, level = bits.take(8), bits.take(8), bits.take(8)
        name = bits.ue()
        bits.require(profile in _PROFILES)
        if profile == _HIGH:
            bits.require(bits.ue() == 1)  # 4:2:0
            bits.require(bits.ue() == 0 and bits.ue() == 0)  # 8 bits
            bits.require(not bits.take(1))  # lossless
            if bits.take(1):
                bits.skip_scaling(8)
        count_bits = bits.few() + _LEAST_BITS
        order, order_bits = bits.ue(), 0
        if order == 0:
            order_bits = bits.few() + _LEAST_BITS
        elif order == 1:
            bits.take(1), bits.ue(), bits.ue()
            for _ in range(bits.few()):
                bits.ue()
        bits.ue(), bits.take(1)
        width, height = _MACROBLOCK * (bits.ue() + 1), _MACROBLOCK * (bits.ue() + 1)
        bits.require(bool(bits.take(1)))  # no fields
        bits.take(1)
        left, right, top, bottom = (bits.ue() for _ in range(4)) if bits.take(1) else (0, 0, 0, 0)
        # More than what fills the last block would be a part of the picture that nobody saw.
        bits.require(left == top == 0 and max(right, bottom) < _MACROBLOCK // 2)
        size = width - 2 * right, height - 2 * bottom
        look, reorder = _usability(bits, Look(*size)) if bits.take(1) else (Look(*size), None)
        bits.require_end()
        return cls(name, profile, limits, level, look, reorder, count_bits, order_bits)

    def slice_begins(self, unit: bytes) -> tuple[int, tuple[int, ...]]:
        """Of a slice (7.3.3): the block it begins with, and what all slices of a picture have in
        common (7.4.1.2.4), of which the second is the number of their picture parameter set."""
        bits = _Bits(unit[1:40])
        first, _, picture_set = bits.ue(), bits.ue(), bits.ue()
        count = bits.take(self.count_bits)
        among_idr = bits.ue() if unit[0] & 31 == IDR else 0
        return first, (unit[0], picture_set, count, among_idr, bits.take(self.order_bits))


def _usability(bits: _Bits, look: Look) -> tuple[Look, int | None]:
    """Annex E."""
    if bits.take(1):
        kind = bits.take(8)
        if kind == _EXTENDED_SHAPE:
            across, down = bits.take(16), bits.take(16)
            look = look._replace(shape=Fraction(across, down) if across and down else None)
        elif kind:
            bits.require(kind <= len(_SHAPES))
            look = look._replace(shape=Fraction(*_SHAPES[kind - 1]))
    if bits.take(1):
        bits.take(1)
    if bits.take(1):
        bits.take(3)
        look = look._replace(full=bool(bits.take(1)))
        if bits.take(1):
            primaries, transfer, matrix = bits.take(8), bits.take(8), bits.take(8)
            look = look._replace(primaries=primaries, transfer=transfer, matrix=matrix)
    if bits.take(1):
        look = look._replace(place=(bits.ue(), bits.ue()))
    if bits.take(1):
        bits.take(32), bits.take(32), bits.take(1)
    # What these announce (a buffer's state, pictures to be shown twice) is in units that are left
    # out.
    bits.require(not bits.take(1) and not bits.take(1) and not bits.take(1))
    reorder = None
    if bits.take(1):
        bits.take(1)
        for _ in range(4):
            bits.ue()
        reorder = bits.ue()
        bits.ue()
    return look, reorder


@dataclass(frozen=True, slots=True)
class PictureSet:
    """A picture parameter set (7.3.2.2), by its number, and that of the sequence's."""

    name: int
    sequences: int

    @classmethod
    def read(cls, unit: bytes) -> Self:
        """Raises `OddStreamError` for what has pictures in scattered or doubled parts."""
        require_escaped(unit)
        bits = _Bits(unit[1:])
        name, sequences = bits.ue(), bits.ue()
        bits.take(2)
        bits.require(bits.ue() == 0)  # groups of slices
        bits.ue(), bits.ue()
        bits.take(3)
        bits.ue(), bits.ue(), bits.ue()
        bits.take(2)
        bits.require(not bits.take(1))  # a second copy of the picture
        if not bits.at_end:
            each = bits.take(1)
            if bits.take(1):
                bits.skip_scaling(6 + 2 * each)
            bits.ue()
        bits.require_end()
        return cls(name, sequences)


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """The parameter sets of a stream, as a file has them before all pictures.

    Attributes:
        sequences, pictures: the units.
        length: bytes that give the length of a unit in a packet.
    """

    sequences: tuple[bytes, ...]
    pictures: tuple[bytes, ...]
    length: int = _LENGTH

    @classmethod
    def read(cls, data: bytes) -> Self:
        """From a configuration record (ISO/IEC 14496-15, 5.3.3.1), or a stream's first units.

        Raises `OddStreamError` if it is neither.
        """
        if data[:1] != b"\x01":
            units = list(between_starts(data))
            kinds = [unit[0] & 31 for unit in units]
            sequences, pictures = (
                tuple(unit for unit, kind in zip(units, kinds, strict=True) if kind == wanted)
                for wanted in (SPS, PPS)
            )
            return cls(sequences, pictures)
        sets: list[tuple[bytes, ...]] = []
        at, counted = 5, 31
        try:
            for _ in range(2):
                units, count = [], data[at] & counted
                at += 1
                for _ in range(count):
                    size = int.from_bytes(data[at : at + 2], "big")
                    units.append(data[at + 2 : at + 2 + size])
                    at += 2 + size
                sets.append(tuple(units))
                counted = 255
        except IndexError:
            raise OddStreamError from None  # cut off
        if not all(units and all(units) for units in sets) or at > len(data):
            raise OddStreamError  # no parameter sets
        return cls(sets[0], sets[1], (data[4] & 3) + 1)

    def __add__(self, other: ParameterSets) -> ParameterSets:
        return ParameterSets(self.sequences + other.sequences, self.pictures + other.pictures)

    def write(self) -> bytes:
        """As a configuration record with what a player needs for all of the sets."""
        known = [SequenceSet.read(unit) for unit in self.sequences]
        profile = max(one.profile for one in known)
        limits = 255
        for one in known:
            limits &= one.limits
        sets = bytes([1, profile, limits, max(one.level for one in known), 0xFC | _LENGTH - 1])
        for most, units in ((0xE0, self.sequences), (0, self.pictures)):
            sets += bytes([most | len(units)])
            sets += b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
        return sets + (bytes([0xFD, 0xF8, 0xF8, 0]) if profile == _HIGH else b"")


def prefixed(packet: bytes, length: int) -> Iterator[bytes]:
    """The units of a packet in a file. Raises `OddStreamError` if they do not fill it exactly."""
    at = 0
    while at < len(packet):
        size = int.from_bytes(packet[at : at + length], "big")
        at += length
        if not size or at + size > len(packet):
            raise OddStreamError  # units that do not fill the packet
        yield packet[at : at + size]
        at += size


def joined(units: Sequence[bytes]) -> bytes:
    """A packet of a file that is written with `ParameterSets.write`."""
    return b"".join(len(unit).to_bytes(_LENGTH, "big") + unit for unit in units)


def require_escaped(unit: bytes) -> None:
    """Raises `OddStreamError` for a unit in which a player may find another one."""
    if _UNESCAPED.search(unit):
        raise OddStreamError  # a start code inside, or filling behind


class _Bits(Bits):
    """Reads numbers from the bits of a unit (7.2, 9.1); whatever is rare ends it."""

    def __init__(self, coded: bytes) -> None:
        super().__init__(unescaped(coded))

    def require(self, usual: bool) -> None:
        if not usual:
            raise OddStreamError  # a rare kind of stream

    @property
    def left(self) -> int:
        return 8 * len(self.data) - self.at

    def take(self, count: int) -> int:
        self.require(self.left >= count)
        return self.read(count)

    def ue(self) -> int:
        """An unsigned Exp-Golomb number; of a signed one only that it is there matters."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            self.require(zeros <= 32)
        return (1 << zeros) - 1 + self.take(zeros)

    def few(self) -> int:
        count = self.ue()
        self.require(count < 256)
        return count

    def skip_scaling(self, lists: int) -> None:
        for number in range(lists):
            if not self.take(1):
                continue
            last = following = 8
            for _ in range(16 if number < 6 else 64):
                if following:
                    code = self.ue()
                    following = (last + (code + 1) // 2 * (1 if code % 2 else -1)) % 256
                last = following or last

    @property
    def at_end(self) -> bool:
        """Only the one bit is left that ends a unit, and what fills its byte."""
        return 0 < self.left <= 8 and self.data[-1] & (1 << self.left) - 1 == 1 << self.left - 1

    def require_end(self) -> None:
        self.require(self.at_end)
