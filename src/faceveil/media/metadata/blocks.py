"""JPEG, PNG, GIF, WebP and BMP files."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final

from faceveil.i18n import say
from faceveil.media.colour import well_known_profiles
from faceveil.media.metadata.items import printable
from faceveil.media.metadata.tiff import exif, xmp

# A marker that ends entropy-coded data: not a stuffed zero, restart marker or fill byte.
_JPEG_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
ICC_WHOLE: Final = b"ICC_PROFILE\0\1\1"
"""The beginning of an APP2 segment that holds a whole ICC profile."""
_SOI, _EOI, _SOS, _COM, _APP0, _APP14 = 0xD8, 0xD9, 0xDA, 0xFE, 0xE0, 0xEE
_JPEG_NEEDED: Final = frozenset(
    {*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD, _SOS} - {0xC8}
)  # SOFn, DHT, DAC, DQT, DNL, DRI, SOS (ITU-T T.81 table B.1)

# Chunks needed to show a picture (PNG third edition), with the length of those that carry a few
# numbers about colour or about the size of a pixel.
_PNG_NEEDED: Final = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"}
_PNG_NUMBERS: Final = {b"sRGB": 1, b"gAMA": 4, b"cHRM": 32, b"cICP": 4, b"pHYs": 9}
_PNG_NAMES: Final = {
    b"iCCP": "ICC",
    b"tIME": say("date"),
    b"caBX": "C2PA",
    b"bKGD": say("background colour"),
}

_WEBP_PIXELS: Final = {b"VP8 ", b"VP8L", b"ALPH"}
_WEBP_NAMES: Final = {b"ICCP": "ICC", b"C2PA": "C2PA"}


def trailer(size: int) -> Iterator[str]:
    if size > 0:
        yield say("trailer {count} bytes", count=size)


def _little(data: bytes, at: int, size: int = 4) -> int:
    return int.from_bytes(data[at : at + size], "little")


def jpeg(data: bytes) -> Iterator[str]:
    """Names what a JPEG file holds beside its (first) picture."""
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError("no marker")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _EOI:
            break
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if size < 2 or at + 2 + size > len(data):
            raise ValueError("segment beyond the end")
        if marker not in _JPEG_NEEDED:
            yield from _jpeg_segment(marker, data[at + 4 : at + 2 + size])
        at += 2 + size
        if marker == _SOS:
            found = _JPEG_MARKER.search(data, at)
            if found is None:
                raise ValueError("no end of image")
            at = found.start()
    yield from trailer(len(data) - at - 2)


def _jpeg_segment(marker: int, body: bytes) -> Iterator[str]:
    if marker == _COM:
        yield say("comment")
    elif body.startswith(b"JFIF\0") and marker == _APP0:
        if len(body) != 14:
            yield say("thumbnail")
    elif body.startswith(b"JFXX\0"):
        yield say("thumbnail")
    elif body.startswith(b"Adobe") and marker == _APP14:
        if len(body) != 12:
            yield "APP14"
    elif body.startswith(b"Exif\0"):
        yield from exif(body[6:])
    elif body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
        yield from xmp(body)
    elif body.startswith(b"http://ns.adobe.com/xmp/extension/\0"):
        yield say("extended XMP")
        yield from xmp(body)
    elif body.startswith(b"ICC_PROFILE\0"):
        if body[:14] != ICC_WHOLE or body[14:] not in well_known_profiles():
            yield "ICC"
    elif body.startswith(b"MPF\0"):
        yield "MPF"
    elif body.startswith(b"urn:iso:std:iso:ts:21496:-1\0"):
        yield say("gain map")
    elif body.startswith(b"Photoshop 3.0\0"):
        yield say("Photoshop 8BIM")
        # Resources 1033 and 1036 are thumbnails, 1028 is IPTC.
        if b"8BIM\x04\x09" in body or b"8BIM\x04\x0c" in body:
            yield say("thumbnail")
        if b"8BIM\x04\x04" in body:
            yield "IPTC"
    elif body.startswith(b"JP") and body[12:16] in (b"jumb", b"jumd"):
        yield "C2PA"
    else:
        yield (
            "APP" + str(marker - _APP0)
            if _APP0 <= marker < _APP0 + 16
            else say("marker {number:02X}", number=marker)
        )


def png(data: bytes) -> Iterator[str]:
    """Names what a PNG or APNG file holds beside its picture."""
    at, framed, animated = 8, False, False
    while True:
        size, code = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + size
        if len(code) < 4 or end > len(data):
            raise ValueError("chunk beyond the end")
        body = data[at + 8 : end - 4]
        animated = animated or code == b"acTL"
        framed = framed or code == b"fcTL"
        if code == b"IDAT" and animated and not framed:
            yield say("default picture outside the animation")
        if code not in _PNG_NEEDED and _PNG_NUMBERS.get(code) != size:
            yield from _png_chunk(code, body)
        at = end
        if code == b"IEND":
            if size:
                yield say("bytes in IEND")
            break
    yield from trailer(len(data) - at)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(code, body) of each chunk of a PNG file, until one is not whole."""
    at = 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + size > len(data):
            return
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        at += 12 + size


def lean_png(data: bytes) -> bytes | None:
    """The file with nothing beside its picture, and every pixel as it is coded.

    None where it looks otherwise without what it would lose: colours, orientation, a picture for
    programs without animation.
    """
    kept, found = [data[:8]], False
    for code, body in png_chunks(data):
        if code in (b"iCCP", b"eXIf", b"acTL") or b"Raw profile type " in body[:80]:
            return None
        if code in _PNG_NEEDED or _PNG_NUMBERS.get(code) == len(body):
            end = (code + body, zlib.crc32(code + body))
            kept.append(len(body).to_bytes(4, "big") + end[0] + end[1].to_bytes(4, "big"))
        found = code == b"IEND"
        if found:
            break
    return b"".join(kept) if found else None


def _png_chunk(code: bytes, body: bytes) -> Iterator[str]:
    if code == b"eXIf":
        yield from exif(body)
    elif code in (b"tEXt", b"zTXt", b"iTXt"):
        keyword = body.split(b"\0", 1)[0]
        if keyword == b"XML:com.adobe.xmp":
            yield from xmp(body)
        elif keyword.startswith(b"Raw profile type "):
            yield {b"exif": "EXIF", b"APP1": "EXIF", b"xmp": "XMP", b"icc": "ICC"}.get(
                keyword[17:], say("text")
            )
        else:
            yield say("text")
    else:
        yield _PNG_NAMES.get(code, say("chunk {name}", name=printable(code)))


def gif(data: bytes) -> Iterator[str]:
    """Names what a GIF file holds beside its frames."""
    at = 13 + _colour_table(data[10])
    while data[at] != 0x3B:
        if data[at] == 0x2C:
            at += 10 + _colour_table(data[at + 9])
            at, _ = _sub_blocks(data, at + 1)
            continue
        if data[at] != 0x21:
            raise ValueError("no block")
        label = data[at + 1]
        at, body = _sub_blocks(data, at + 2)
        if label == 0xFE:
            yield say("comment")
        elif label == 0xFF:
            yield from _gif_application(body)
        elif label != 0xF9:
            yield say("plain text") if label == 0x01 else say("extension {label:02X}", label=label)
        elif len(body) != 4:
            yield say("bytes in a frame header")
    yield from trailer(len(data) - at - 1)


def _colour_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _sub_blocks(data: bytes, at: int) -> tuple[int, bytes]:
    """The end of a chain of sub-blocks, and their content."""
    parts = []
    while data[at]:
        parts.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return at + 1, b"".join(parts)


def _gif_application(body: bytes) -> Iterator[str]:
    name = body[:11]
    if name in (b"NETSCAPE2.0", b"ANIMEXTS1.0"):
        if len(body) != 14 or body[11] & 7 != 1:
            yield say("bytes in the loop block")
    elif name == b"XMP DataXMP":
        yield "XMP"
    else:
        yield "ICC" if name == b"ICCRGBG1012" else say("application block")


def webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(four-character code, body) of each chunk of a WebP file.

    Raises:
        ValueError: a chunk reaches beyond the end.
    """
    return riff_chunks(data[: 8 + _little(data, 4)], 12)


def riff_chunks(data: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    """The same for any run of chunks that starts at an offset.

    Raises:
        ValueError: a chunk reaches beyond the end.
    """
    while at < len(data):
        size = _little(data, at + 4)
        if at + 8 + size > len(data):
            raise ValueError("chunk beyond the end")
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + (size & 1)


def frame_chunks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks inside an ``ANMF`` chunk, behind its 16 bytes of place and time."""
    return riff_chunks(body, 16)


def webp(data: bytes) -> Iterator[str]:
    """Names what a WebP file holds beside its picture or frames."""
    sizes = {b"VP8X": 10, b"ANIM": 6}
    pictures: set[bytes] = set()
    for code, body in webp_chunks(data):
        if code in (b"VP8 ", b"VP8L", b"ANMF"):
            if pictures and pictures | {code} != {b"ANMF"}:
                yield say("further picture")
            pictures.add(code)
        if code == b"ANMF":
            for inner, _ in frame_chunks(body):
                if inner not in _WEBP_PIXELS:
                    yield say("chunk {name} in a frame", name=printable(inner))
        elif code == b"EXIF":
            yield from exif(body.removeprefix(b"Exif\0\0"))
        elif code == b"XMP ":
            yield from xmp(body)
        elif code not in _WEBP_PIXELS and sizes.get(code) != len(body):
            yield _WEBP_NAMES.get(code, say("chunk {name}", name=printable(code)))
    yield from trailer(len(data) - 8 - _little(data, 4))


def bmp(data: bytes) -> Iterator[str]:
    """Names what a BMP file holds beside its picture."""
    start, header = _little(data, 10), _little(data, 14)
    if header == 12:
        width, height, bits = _little(data, 18, 2), _little(data, 20, 2), _little(data, 24, 2)
        compression = stored = colours = 0
    else:
        width, height, bits = _little(data, 18), _little(data, 22), _little(data, 28, 2)
        compression, stored, colours = _little(data, 30), _little(data, 34), _little(data, 46)
    if height >= 2**31:  # negative: rows from the top down
        height = 2**32 - height
    if header >= 124 and _little(data, 130):
        yield "ICC"
    palette = (colours or (1 << bits if bits <= 8 else 0)) * (3 if header == 12 else 4)
    # A header of 40 bytes is followed by masks where the compression says "bit fields".
    masks = {3: 12, 6: 16}.get(compression, 0) if header == 40 else 0
    if data[14 + header + masks + palette : start].strip(b"\0"):
        yield say("bytes before the picture")
    size = stored if compression not in (0, 3, 6) else (bits * width + 31) // 32 * 4 * height
    if start + size > len(data):
        raise ValueError("picture beyond the end")
    yield from trailer(len(data) - start - size)
