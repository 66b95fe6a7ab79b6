"""HEIC and AVIF files put together box by box, as odd as a test wants them."""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"

Property = tuple[bytes, bytes]


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def find(data: bytes, kind: bytes) -> bytes:
    """The body of the first box of a kind, wherever it is."""
    at = data.index(kind)
    return data[at + 4 : at - 4 + int.from_bytes(data[at - 4 : at], "big")]


def nclx(primaries: int, transfer: int, matrix: int, *, full: bool = True) -> Property:
    return b"colr", b"nclx" + struct.pack(">HHHB", primaries, transfer, matrix, full << 7)


def ispe(width: int, height: int) -> Property:
    return b"ispe", bytes(4) + struct.pack(">II", width, height)


def clap(width: int, height: int, box: tuple[int, int, int, int]) -> Property:
    """Shows x0, y0, x1, y1 of a picture of this size."""
    x0, y0, x1, y1 = box
    numbers = (x1 - x0, 1, y1 - y0, 1, x0 + x1 - width, 2, y0 + y1 - height, 2)
    return b"clap", struct.pack(">IIIIiIiI", *numbers)


def auxc(name: bytes = ALPHA) -> Property:
    return b"auxC", bytes(4) + name


@dataclass
class Part:
    """One item: its type, its properties, its bytes."""

    kind: bytes
    properties: Sequence[Property]
    payload: bytes


def av1(picture: Pillow.Image, **settings: object) -> Part:
    """8 bits, by libaom."""
    buffer = io.BytesIO()
    picture.save(buffer, "AVIF", **{"quality": 95, "subsampling": "4:4:4", "speed": 9, **settings})
    data = buffer.getvalue()
    return Part(b"av01", [(b"av1C", find(data, b"av1C")), ispe(*picture.size)], find(data, b"mdat"))


def by_ffmpeg(picture: Pillow.Image, codec: str, pixels: str, **options: str) -> Part:
    """AV1 (libsvtav1) or HEVC (libx265) in any layout that FFmpeg has."""
    if codec == "libx265":  # with threads of its own it now and then gave headers nobody can read
        options["x265-params"] += ":pools=none:frame-threads=1"
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as out:
        stream = out.add_stream(codec, rate=1, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.codec_context.color_range = 2
        stream.width, stream.height, stream.pix_fmt = *picture.size, pixels
        frame = av.VideoFrame.from_ndarray(np.asarray(picture.convert("RGB")), "rgb24")
        frame = frame.reformat(
            format=pixels, src_color_range=2, dst_color_range=2, dst_colorspace="ITU601"
        )
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    data = buffer.getvalue()
    kind, configuration = (b"av01", b"av1C") if "av1" in codec else (b"hvc1", b"hvcC")
    found = [(configuration, find(data, configuration)), ispe(*picture.size)]
    return Part(kind, found, find(data, b"mdat"))


def grid(width: int, height: int, columns: int, rows: int, *more: Property) -> Part:
    body = bytes([0, 1, rows - 1, columns - 1]) + struct.pack(">II", width, height)
    return Part(b"grid", [ispe(width, height), *more], body)


def heif(
    parts: Sequence[Part],
    references: Sequence[tuple[bytes, int, Sequence[int]]] = (),
    *,
    primary: int = 1,
    major: bytes = b"avif",
    brands: bytes = b"avifmif1miaf",
    twice: bool = False,
    inside: Sequence[int] = (),
    pieces: int = 1,
) -> bytes:
    """A file whose items are numbered from 1.

    Args:
        twice: a box of property associations for each item, where readers want one for all.
        inside: items whose bytes lie in ``idat``.
        pieces: number of extents of each item.
    """
    places: dict[Property, int] = {}
    owned, names = [], b""
    for number, part in enumerate(parts, 1):
        indices = b""
        for one in part.properties:
            place = places.setdefault(one, len(places) + 1)
            vital = one[0] in (b"av1C", b"hvcC", b"irot", b"imir", b"clap", b"lsel", b"a1op")
            indices += bytes([place | vital << 7])
        owned.append(struct.pack(">HB", number, len(part.properties)) + indices)
        names += box(b"infe", b"\2\0\0\0" + struct.pack(">HH4s", number, 0, part.kind) + b"\0")
    runs = [[one] for one in owned] if twice else [owned]
    groups = [box(b"ipma", struct.pack(">II", 0, len(run)) + b"".join(run)) for run in runs]
    meta = box(b"hdlr", bytes(8) + b"pict" + bytes(13))
    meta += box(b"pitm", bytes(4) + struct.pack(">H", primary))
    meta += box(b"iinf", bytes(4) + struct.pack(">H", len(parts)) + names)
    meta += box(b"iprp", box(b"ipco", b"".join(box(*one) for one in places)) + b"".join(groups))
    links = b"".join(
        box(kind, struct.pack(f">HH{len(to)}H", source, len(to), *to))
        for kind, source, to in references
    )
    meta += box(b"iref", bytes(4) + links) if links else b""
    held = [part.payload if number in inside else b"" for number, part in enumerate(parts, 1)]
    meta += box(b"idat", b"".join(held)) if inside else b""
    head = box(b"ftyp", major + bytes(4) + brands)
    entry = 8 + 8 * pieces
    place = len(head) + 12 + len(meta) + 16 + entry * len(parts) + 8
    table, within = b"\1\0\0\0\x44\0" + struct.pack(">H", len(parts)), 0
    for number, part in enumerate(parts, 1):
        at, size = (within if held[number - 1] else place), len(part.payload)
        table += struct.pack(">HHHH", number, bool(held[number - 1]), 0, pieces)
        cuts = [size * step // pieces for step in range(pieces + 1)]
        for start, stop in itertools.pairwise(cuts):
            table += struct.pack(">II", at + start, stop - start)
        within, place = (within + size, place) if held[number - 1] else (within, place + size)
    meta += box(b"iloc", table)
    body = b"".join(part.payload for part, kept in zip(parts, held, strict=True) if not kept)
    return head + box(b"meta", bytes(4) + meta) + box(b"mdat", body)


def scene(width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    """(H, W, 3) RGB, different in every corner and smooth."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = (40 + rows * 180 // height, 40 + columns * 180 // width, 60 + (rows + columns) // 2)
    return np.dstack(planes).astype(np.uint8)
