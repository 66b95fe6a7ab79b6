"""No byte of an input but its pixels reaches an output, and what is left is named.

Each plant hides ``TOKEN`` in one place that a format offers. Both directions are tested: the token
and every name are gone from the output, and `leftovers` names the plant in the input, so that the
check can fail.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from faceveil.errors import UnreadableError, UnsupportedError
from faceveil.media import open_sink, open_source
from faceveil.media.leftovers import BROKEN, leftovers
from faceveil.options import Options

TOKEN = b"TOKEN-of-a-hidden-face-7f3a"
OPTIONS = Options()
SUFFIXES = (".jpg", ".png", ".webp", ".tif", ".bmp", ".gif", ".avif")


def pixels() -> Pillow.Image:
    rows, columns = np.mgrid[0:24, 0:32].astype(np.uint8)
    return Pillow.fromarray(np.dstack([rows * 8, columns * 7, rows + columns]))


def saved(format: str, picture: Pillow.Image | None = None, **settings: object) -> bytes:
    buffer = io.BytesIO()
    (picture or pixels()).save(buffer, format, **settings)
    return buffer.getvalue()


def ifd(entries: list[tuple[int, int, int, bytes]], at: int, following: int = 0) -> bytes:
    """A little-endian IFD that lies at offset ``at``, with the values behind it."""
    values = at + 2 + 12 * len(entries) + 4
    table, heap = struct.pack("<H", len(entries)), b""
    for tag, kind, count, value in sorted(entries):
        if len(value) > 4:
            table += struct.pack("<HHII", tag, kind, count, values + len(heap))
            heap += value
        else:
            table += struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
    return table + struct.pack("<I", following) + heap


def text(tag: int) -> tuple[int, int, int, bytes]:
    return (tag, 2, len(TOKEN) + 1, TOKEN + b"\0")


def long(tag: int, *values: int) -> tuple[int, int, int, bytes]:
    return (tag, 4, len(values), struct.pack(f"<{len(values)}I", *values))


def short(tag: int, *values: int) -> tuple[int, int, int, bytes]:
    return (tag, 3, len(values), struct.pack(f"<{len(values)}H", *values))


def exif() -> bytes:
    """EXIF with a GPS directory, a maker note and a thumbnail, each with the token."""
    thumbnail = saved("JPEG", comment=TOKEN)
    gps = ifd([text(29)], at=300)
    private = ifd([(37500, 7, len(TOKEN), TOKEN)], at=400)
    second = ifd([long(513, 600), long(514, len(thumbnail)), short(259, 6)], at=500)
    first = ifd([text(270), long(34853, 300), long(34665, 400)], at=8, following=500)
    block = bytearray(600)
    block[0:8] = b"II*\0\x08\0\0\0"
    for at, part in ((8, first), (300, gps), (400, private), (500, second)):
        block[at : at + len(part)] = part
    return bytes(block) + thumbnail


EXIF_NAMES = {"EXIF", "GPS", "maker note", "thumbnail"}
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><mwg-rs:Name>' + TOKEN + b"</mwg-rs:Name>"
    b'<d GImage:Data="' + TOKEN + b'" hdrgm:Version="1.0"/></x:xmpmeta>'
)
XMP_NAMES = {"XMP", "named face regions", "embedded picture", "gain map"}
MOTION = b"\0\0\0\x18ftypmp42\0\0\0\0mp42" + b"mp42\0\0\x10\0mdat" + TOKEN


def profile() -> bytes:
    """An sRGB profile with the token behind its data."""
    from PIL import ImageCms

    body = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + TOKEN)
    body[0:4] = struct.pack(">I", len(body))
    return bytes(body)


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def jpeg(marker: int, body: bytes) -> bytes:
    """A JPEG with one segment more."""
    plain = saved("JPEG")
    return plain[:2] + segment(marker, body) + plain[2:]


def jpeg_plants() -> dict[str, tuple[bytes, set[str]]]:
    plain, second = saved("JPEG"), saved("JPEG", comment=TOKEN)
    resource = b"8BIM\x04\x0c\0\0" + struct.pack(">I", len(TOKEN)) + TOKEN
    iptc = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(TOKEN)) + TOKEN
    jumbf = b"JP\0\x01\0\0\0\x01\0\0\0\x40jumb" + TOKEN
    size = f"trailer {len(second)} bytes"
    return {
        "exif": (jpeg(0xE1, b"Exif\0\0" + exif()), EXIF_NAMES),
        "xmp": (jpeg(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP), XMP_NAMES),
        "extended-xmp": (
            jpeg(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 40 + XMP),
            {"extended XMP"} | XMP_NAMES,
        ),
        "mpf": (jpeg(0xE2, b"MPF\0" + ifd([text(45056)], 8)) + second, {"MPF", size}),
        "motion-photo": (plain + MOTION, {f"trailer {len(MOTION)} bytes"}),
        "gain-map": (jpeg(0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + TOKEN), {"gain map"}),
        "8bim": (
            jpeg(0xED, b"Photoshop 3.0\0" + resource + iptc),
            {"Photoshop 8BIM", "thumbnail", "IPTC"},
        ),
        "icc": (jpeg(0xE2, b"ICC_PROFILE\0\x01\x01" + profile()), {"ICC"}),
        "c2pa": (jpeg(0xEB, jumbf), {"C2PA"}),
        "comment": (jpeg(0xFE, TOKEN), {"comment"}),
        "jfxx": (jpeg(0xE0, b"JFXX\0\x10" + TOKEN), {"thumbnail"}),
        "jfif": (jpeg(0xE0, b"JFIF\0\1\1\0\0\1\0\1\x03\x03" + TOKEN), {"thumbnail"}),
        "adobe": (jpeg(0xEE, b"Adobe\0d\0\0\0\0\1" + TOKEN), {"APP14"}),
        "unknown": (jpeg(0xE9, TOKEN), {"APP9"}),
        "reserved": (jpeg(0xF3, TOKEN), {"marker F3"}),
        "disguised": (jpeg(0xE0, TOKEN), {"APP0"}),
    }


def chunk(code: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + code + body + struct.pack(">I", zlib.crc32(code + body))


def png_plants() -> dict[str, tuple[bytes, set[str]]]:
    plain = saved("PNG")

    def png(code: bytes, body: bytes) -> bytes:
        return plain[:33] + chunk(code, body) + plain[33:]

    keyword = b"XML:com.adobe.xmp\0\0\0\0\0"
    raw = b"Raw profile type exif\0" + TOKEN
    hidden = plain.index(b"IDAT") - 4
    control = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 32, 24, 0, 0, 1, 10, 0, 0))
    body = plain[hidden + 8 : plain.index(b"IEND") - 8]
    frame = chunk(b"fdAT", struct.pack(">I", 1) + body)
    apng = plain[:33] + chunk(b"acTL", struct.pack(">II", 1, 0)) + plain[33:-12] + control + frame
    return {
        "text": (png(b"tEXt", b"Comment\0" + TOKEN), {"text"}),
        "compressed-text": (png(b"zTXt", b"Comment\0\0" + zlib.compress(TOKEN)), {"text"}),
        "international-text": (png(b"iTXt", b"Title\0\0\0\0\0" + TOKEN), {"text"}),
        "raw-exif": (png(b"tEXt", raw), {"EXIF"}),
        "xmp": (png(b"iTXt", keyword + XMP), XMP_NAMES),
        "exif": (png(b"eXIf", exif()), EXIF_NAMES),
        "icc": (png(b"iCCP", b"x\0\0" + zlib.compress(profile())), {"ICC"}),
        "c2pa": (png(b"caBX", TOKEN), {"C2PA"}),
        "private": (png(b"fvPr", TOKEN), {"chunk fvPr"}),
        "long-gamma": (png(b"gAMA", b"\0\0\xb1\x8f" + TOKEN), {"chunk gAMA"}),
        "date": (png(b"tIME", b"\x07\xe8\1\1\0\0\0"), {"date"}),
        "trailer": (plain + TOKEN, {f"trailer {len(TOKEN)} bytes"}),
        "default-picture": (
            apng + chunk(b"IEND", b""),
            {"default picture outside the animation"},
        ),
    }


def gif_plants() -> dict[str, tuple[bytes, set[str]]]:
    plain = saved("GIF", pixels().convert("P"))
    start = 13 + (3 << ((plain[10] & 7) + 1))

    def gif(block: bytes) -> bytes:
        return b"GIF89a" + plain[6:start] + block + plain[start:]

    def blocks(body: bytes) -> bytes:
        return bytes([len(body)]) + body + b"\0"

    magic = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    return {
        "comment": (gif(b"\x21\xfe" + blocks(TOKEN)), {"comment"}),
        "plain-text": (gif(b"\x21\x01\x0c" + bytes(12) + blocks(TOKEN)), {"plain text"}),
        "xmp": (gif(b"\x21\xff\x0bXMP DataXMP" + XMP + magic), {"XMP"}),
        "icc": (gif(b"\x21\xff\x0bICCRGBG1012" + blocks(TOKEN)), {"ICC"}),
        "application": (gif(b"\x21\xff\x0bFACEVEIL1.0" + blocks(TOKEN)), {"application block"}),
        "loop": (
            gif(b"\x21\xff\x0bNETSCAPE2.0\x03\1\0\0" + blocks(TOKEN)),
            {"bytes in the loop block"},
        ),
        "trailer": (plain + TOKEN, {f"trailer {len(TOKEN)} bytes"}),
    }


def riff(code: bytes, body: bytes) -> bytes:
    return code + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def webp_plants() -> dict[str, tuple[bytes, set[str]]]:
    still = saved("WEBP")[12:]

    def webp(extra: bytes, flags: int, picture: bytes = still) -> bytes:
        head = riff(b"VP8X", bytes([flags, 0, 0, 0, 31, 0, 0, 23, 0, 0]))
        body = b"WEBP" + head + (extra + picture if flags & 0x20 else picture + extra)
        return b"RIFF" + struct.pack("<I", len(body)) + body

    frame = riff(b"ANMF", bytes(6) + b"\x1f\0\0\x17\0\0\x64\0\0\0" + still + riff(b"fvPr", TOKEN))
    moving = riff(b"ANIM", bytes(6)) + frame
    return {
        "exif": (webp(riff(b"EXIF", exif()), 0x08), EXIF_NAMES),
        "xmp": (webp(riff(b"XMP ", XMP), 0x04), XMP_NAMES),
        "icc": (webp(riff(b"ICCP", profile()), 0x20), {"ICC"}),
        "c2pa": (webp(riff(b"C2PA", TOKEN), 0), {"C2PA"}),
        "private": (webp(riff(b"fvPr", TOKEN), 0), {"chunk fvPr"}),
        "trailer": (webp(b"", 0) + TOKEN, {f"trailer {len(TOKEN)} bytes"}),
        "second-picture": (webp(saved("WEBP", lossless=True)[12:], 0), {"further picture"}),
        "in-a-frame": (webp(b"", 0x02, moving), {"chunk fvPr in a frame"}),
    }


def tiff(extra: list[tuple[int, int, int, bytes]], tail: bytes = b"", following: int = 0) -> bytes:
    """A grey TIFF of 32 x 24: picture at 8, directory at 1000, ``tail`` at 2000."""
    base = [long(256, 32), long(257, 24), short(258, 8), short(259, 1), short(262, 1)]
    base += [long(273, 8), short(277, 1), long(278, 24), long(279, 768)]
    data = bytearray(2000)
    data[0:8] = struct.pack("<2sHI", b"II", 42, 1000)
    data[8:776] = bytes(range(256)) * 3
    directory = ifd(base + extra, at=1000, following=following)
    data[1000 : 1000 + len(directory)] = directory
    return bytes(data) + tail


def tiff_plants() -> dict[str, tuple[bytes, set[str]]]:
    def undefined(tag: int, body: bytes) -> tuple[int, int, int, bytes]:
        return (tag, 1, len(body), body)

    preview = [long(254, 1), long(256, 9), long(257, 3), short(258, 8), short(259, 1)]
    preview += [short(262, 1), long(273, 2200), short(277, 1), long(278, 3), long(279, 27)]
    second = ifd(preview, at=2000).ljust(200, b"\0") + TOKEN
    old = ifd([long(254, 0), short(255, 2), *preview[1:]], at=2000).ljust(200, b"\0") + TOKEN
    mask = ifd([long(254, 4), *preview[1:]], at=2000).ljust(200, b"\0") + TOKEN
    names = {270: "description", 271: "camera make", 272: "camera model", 305: "software"}
    names |= {306: "date", 315: "artist", 316: "host computer", 33432: "copyright"}
    plants = {name: (tiff([text(tag)]), {name}) for tag, name in names.items()}
    return plants | {
        "xmp": (tiff([undefined(700, TOKEN)]), {"XMP"}),
        "iptc": (tiff([undefined(33723, TOKEN)]), {"IPTC"}),
        "8bim": (tiff([undefined(34377, TOKEN)]), {"Photoshop 8BIM"}),
        "layers": (tiff([undefined(37724, TOKEN)]), {"Photoshop layers"}),
        "private": (tiff([undefined(65000, TOKEN)]), {"tag 65000"}),
        "icc": (tiff([undefined(34675, TOKEN)]), {"ICC"}),
        "gps": (tiff([long(34853, 2000)], ifd([text(29)], at=2000)), {"GPS"}),
        "exif": (
            tiff([long(34665, 2000)], ifd([undefined(37500, TOKEN)], at=2000)),
            {"EXIF", "maker note"},
        ),
        "sub-ifd": (tiff([long(330, 2000)], second), {"sub-IFD"}),
        "preview-page": (tiff([], second, following=2000), {"thumbnail"}),
        "old-preview-page": (tiff([], old, following=2000), {"thumbnail"}),
        "mask-page": (tiff([], mask, following=2000), {"mask"}),
        "unreferenced": (tiff([], TOKEN), {f"unreferenced {len(TOKEN)} bytes"}),
    }


def bmp_plants() -> dict[str, tuple[bytes, set[str]]]:
    plain = saved("BMP")
    start = 54 + len(TOKEN)
    gap = plain[:10] + struct.pack("<I", start) + plain[14:54] + TOKEN + plain[54:]
    size = len(plain) - 54
    fifth = struct.pack("<IiiHHIIiiII", 124, 32, 24, 1, 24, 0, size, 0, 0, 0, 0) + bytes(84)
    fifth = fifth[:112] + struct.pack("<II", 124 + size, len(TOKEN)) + fifth[120:]
    icc = b"BM" + struct.pack("<IHHI", 138 + size + len(TOKEN), 0, 0, 138) + fifth + plain[54:]
    tail = f"trailer {len(TOKEN)} bytes"
    return {
        "trailer": (plain + TOKEN, {tail}),
        "gap": (gap, {"bytes before the picture"}),
        "icc": (icc + TOKEN, {"ICC", tail}),
    }


def avif_plants() -> dict[str, tuple[bytes, set[str]]]:
    plain = saved("AVIF")
    unknown = struct.pack(">I", 8 + len(TOKEN)) + b"uuid" + TOKEN
    free = struct.pack(">I", 8 + len(TOKEN)) + b"free" + TOKEN
    at = plain.index(b"mdat") - 4
    size = struct.pack(">I", len(plain) - at + len(TOKEN))
    return {
        "exif": (saved("AVIF", exif=exif()), EXIF_NAMES),
        "xmp": (saved("AVIF", xmp=XMP), XMP_NAMES),
        "icc": (saved("AVIF", icc_profile=profile()), {"ICC"}),
        "item-name": (plain.replace(b"Color\0", b"Celia\0"), {"item name"}),
        "box": (plain + unknown, {"box uuid"}),
        "free": (plain + free, {f"unreferenced {len(TOKEN)} bytes"}),
        "media-data": (
            plain[:at] + size + plain[at + 4 :] + TOKEN,
            {f"unreferenced {len(TOKEN)} bytes"},
        ),
        "trailer": (plain + TOKEN, {f"trailer {len(TOKEN)} bytes"}),
    }


PLANTS: dict[str, tuple[bytes, set[str]]] = {
    f"{format}-{name}": plant
    for format, make in (
        ("jpeg", jpeg_plants),
        ("png", png_plants),
        ("gif", gif_plants),
        ("webp", webp_plants),
        ("tiff", tiff_plants),
        ("bmp", bmp_plants),
        ("avif", avif_plants),
    )
    for name, plant in make().items()
}
REFUSED = {"jpeg-reserved", "webp-second-picture"}
"""Plants with which a decoder does not open the file."""


def rewritten(data: bytes, target: Path) -> bytes:
    with (
        open_source(data, OPTIONS) as source,
        open_sink(target, source, OPTIONS) as sink,
    ):
        for frame in source.frames():
            sink.write(frame)
        return sink.commit().read_bytes()


@pytest.mark.parametrize("name", PLANTS)
def test_is_named_where_it_is(name: str) -> None:
    data, names = PLANTS[name]
    assert set(leftovers(data)) == names


@pytest.mark.parametrize("name", [name for name in PLANTS if name not in REFUSED])
def test_is_gone_from_the_output(name: str, tmp_path: Path) -> None:
    data, names = PLANTS[name]
    with open_source(data, OPTIONS) as source:
        assert set(source.dropped) == names
    after = rewritten(data, tmp_path / "out")
    assert TOKEN not in after
    assert leftovers(after) == []


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_is_refused(name: str) -> None:
    with pytest.raises(UnreadableError):
        open_source(PLANTS[name][0], OPTIONS)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", [name for name in PLANTS if name not in REFUSED])
def test_is_gone_in_every_format_written(
    name: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda file: None)  # hundreds of them take a minute
    after = rewritten(PLANTS[name][0], tmp_path / f"out{suffix}")
    assert TOKEN not in after
    assert leftovers(after) == []


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".gif", ".avif"])
@pytest.mark.parametrize("level", [0, 255])
def test_colour_under_alpha_is_blank(suffix: str, level: int, tmp_path: Path) -> None:
    picture = pixels().convert("RGBA")
    alpha = np.full((24, 32), 255, np.uint8)
    alpha[4:20, 4:28] = level
    picture.putalpha(Pillow.fromarray(alpha))
    target = tmp_path / f"out{suffix}"
    rewritten(saved("PNG", picture), target)
    with Pillow.open(target) as opened:
        after = np.asarray(opened.convert("RGBA")).astype(int)
    hidden = after[6:18, 6:26]
    if level == 0:
        assert (hidden[..., 3] == 0).all()
        assert hidden[..., :3].max() <= (16 if suffix == ".avif" else 0)
    else:
        assert hidden[..., :3].max() > 100


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_colour_under_alpha_is_white_without_alpha(suffix: str, tmp_path: Path) -> None:
    picture = pixels().convert("RGBA")
    picture.putalpha(0)
    target = tmp_path / f"out{suffix}"
    rewritten(saved("PNG", picture), target)
    with Pillow.open(target) as opened:
        assert np.asarray(opened).min() == 255


def test_clean_pictures_are_clean() -> None:
    makers: list[Callable[[], bytes]] = [
        lambda: saved("JPEG", progressive=True),
        lambda: saved("JPEG", pixels().convert("CMYK")),
        lambda: saved("PNG", pixels().convert("P")),
        lambda: saved("WEBP", pixels().convert("RGBA")),
        lambda: saved("TIFF", compression="tiff_lzw"),
        lambda: saved("BMP", pixels().convert("P")),
        lambda: saved("BMP", pixels().convert("1")),
        lambda: saved("AVIF", pixels().convert("RGBA")),
        lambda: saved("GIF", save_all=True, append_images=[pixels().rotate(90)], loop=3),
    ]
    for make in makers:
        assert leftovers(make()) == []


@pytest.mark.parametrize("name", PLANTS)
def test_survives_any_cut(name: str) -> None:
    data, _ = PLANTS[name]
    for size in range(16, len(data), max(1, len(data) // 60)):
        leftovers(data[:size])


def test_says_when_the_structure_is_broken() -> None:
    assert leftovers(saved("JPEG")[:-2]) == [BROKEN]
    assert leftovers(saved("PNG")[:-4]) == [BROKEN]


def test_refuses_what_it_does_not_know() -> None:
    with pytest.raises(UnsupportedError):
        leftovers(b"plain text")


def test_names_what_a_phone_hides(data: Path) -> None:
    found = leftovers(data / "formats" / "iphone_13_pro_max.HEIC")
    assert {"EXIF", "XMP", "ICC", "thumbnail", "gain map", "maker note"} <= set(found)
    assert BROKEN not in found
    assert {"MPF", "thumbnail"} <= set(leftovers(data / "formats" / "sugarshack.mpo"))
