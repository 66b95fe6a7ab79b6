"""Drawings of Windows with their bitmaps painted in place: what is drawn with lines stays."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import numpy as np

from faceveil.frames import Image
from faceveil.media.documents.bitmaps import Bitmap, as_bmp
from faceveil.media.documents.metafiles import UnwalkableError, bitmaps_of


@dataclass(frozen=True, slots=True)
class Glance:
    """A picture to look at in a drawing.

    Attributes:
        file: a picture file.
        of: the bitmaps that it shows, in their order, by their numbers.
        axis: along which they are put together.
        takes_paint: paint on it can be put into the drawing.
    """

    file: bytes
    of: tuple[int, ...]
    axis: int = 0
    takes_paint: bool = False


@lru_cache(maxsize=1)
def looks_at(data: bytes) -> tuple[Glance, ...]:
    """All that has to be looked at in a drawing.

    Programs cut pictures into strips, in which no face is found. So those of one width that follow
    each other are also put together, in either order, and those of one height likewise.

    Raises:
        UnwalkableError: the drawing is broken, or there may be more in it.
    """
    found = bitmaps_of(data)
    try:
        single = [Glance(one.file(), (at,), 0, one.takes_paint) for at, one in enumerate(found)]
        opacity = [Glance(file, ()) for one in found if (file := one.opacity()) is not None]
    except (struct.error, ValueError) as error:
        raise UnwalkableError from error
    return (*single, *opacity, *_joined(found, single))


def _joined(found: list[Bitmap], single: list[Glance]) -> Iterator[Glance]:
    """Strips put together."""
    strips = [_decoded(look.file) for look in single] if len(single) > 1 else []
    for axis in (0, 1):
        numbers = range(len(strips))
        for _, group in groupby(numbers, lambda at: strips[at].shape[1 - axis]):  # noqa: B023
            run = tuple(group)
            for order in (run, run[::-1]) if len(run) > 1 else ():
                whole: Image = np.concatenate([strips[at] for at in order], axis)
                takes = all(found[at].takes_paint for at in order)
                yield Glance(as_bmp(whole), order, axis, takes)


def painted(data: bytes, new: Mapping[int, bytes]) -> bytes:
    """The drawing with other pictures in place of some that were looked at.

    Args:
        new: picture files, by the numbers of `looks_at`.

    Raises:
        UnwalkableError: one of them does not fit.
    """
    found, looks = bitmaps_of(data), looks_at(data)
    images: dict[int, Image] = {}
    files = {looks[at].of[0]: file for at, file in new.items() if len(looks[at].of) == 1}
    for number, file in new.items():
        look, place = looks[number], 0
        before, after = _decoded(look.file), _decoded(file)
        if before.shape != after.shape:
            if len(look.of) == 1 and found[look.of[0]].is_file:
                continue  # its own file takes its place
            raise UnwalkableError
        for at in look.of:
            strip = images.setdefault(at, _decoded(looks[at].file).copy())
            length = strip.shape[look.axis]
            cut = slice(place, place + length)
            place += length
            old, now = (one[cut] if look.axis == 0 else one[:, cut] for one in (before, after))
            changed = (old != now).any(axis=2)
            strip[changed] = now[changed]
            if len(look.of) > 1 and changed.any():
                files.pop(at, None)
    made = bytearray(data)
    for at in sorted({*images, *files}, key=lambda at: -found[at].at):
        _put(made, found[at], images.get(at), files.get(at))
    return bytes(made)


def _put(made: bytearray, bitmap: Bitmap, image: Image | None, file: bytes | None) -> None:
    """Put a bitmap into the drawing. What lies behind it may move, so the last one comes first."""
    if not bitmap.takes_paint:
        raise UnwalkableError
    if not bitmap.is_file:
        assert image is not None
        try:
            bits = bitmap.painted(image)
        except ValueError as error:
            raise UnwalkableError from error
    else:
        bits = file or _coded(bitmap.bits, image)
        bits += bytes((len(bitmap.bits) - len(bits)) % 4)  # records end with whole numbers
    more = len(bits) - len(bitmap.bits)
    if more and not bitmap.sizes:
        raise UnwalkableError
    made[bitmap.at : bitmap.at + len(bitmap.bits)] = bits
    for place in bitmap.sizes if more else ():
        (size,) = struct.unpack_from("<I", made, place)
        if size:  # a header may leave it open, or be wrong
            struct.pack_into("<I", made, place, size + more if size + more > 0 else len(bits))


def _coded(bits: bytes, image: Image | None) -> bytes:
    import cv2

    assert image is not None
    if bits.startswith(b"\xff\xd8"):
        return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    return cv2.imencode(".png", image)[1].tobytes()


def _decoded(file: bytes) -> Image:
    import cv2

    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(file, np.uint8), flags)
    except cv2.error as error:  # it is far too large, or empty
        raise UnwalkableError from error
    if image is None:
        raise UnwalkableError
    return np.asarray(image, np.uint8)
