"""The kind of a file, from its first bytes alone."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import dropwhile
from pathlib import PurePath
from typing import Final

from faceveil.errors import UnreadableError
from faceveil.i18n import reason_of, say
from faceveil.media.advice import READABLE

HEAD: Final = 4096
"""Number of leading bytes that ``sniff`` looks at, at most."""

# Major and compatible brands of ISO base media files (ISO/IEC 14496-12), as registered at mp4ra.
_HEIC_BRANDS: Final = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AVIF_BRANDS: Final = {b"avif", b"avis"}
_HEIF_BRANDS: Final = {b"mif1", b"mif2", b"msf1", b"miaf"}
_QUICKTIME_BOXES: Final = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
# Sizes of the headers a BMP can have; "BM" alone begins too many texts.
_BMP_HEADERS: Final = {12, 40, 52, 56, 64, 108, 124}

_PREFIXES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "jxl"),
    (b"\xff\x0a", "jxl"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"\x00\x00\x01\xb3", "mpeg"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK00PK\x03\x04", "zip"),  # one part of an archive that has no others
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"%PDF-", "pdf"),
    (b"8BPS", "psd"),
    (b"FLV\x01", "flv"),
    (b"OggS", "ogg"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02", "mxf"),
    (b"DKIF\0\0\x20\0", "ivf"),
)

IMAGES: Final = frozenset({"jpeg", "png", "gif", "webp", "tiff", "bmp", "heic", "avif", "jp2"})
WRITTEN: Final = IMAGES - {"heic", "jp2"}
"""Formats in which pictures are written."""
VIDEOS: Final = frozenset(
    {"mp4", "mov", "mkv", "webm", "avi", "mpeg", "mpegts"}
    | {"flv", "asf", "ogg", "mxf", "ivf", "dv", "h264", "hevc"}
)
ARCHIVES: Final = frozenset({"zip", "tar", "gzip", "bzip2", "xz", "zstd", "7z", "rar"})

PROGRAMS: Final = (b"MZ", b"\x7fELF", b"#!")
"""The first bytes of programs. A self-extracting one has an archive at its end."""
_PDF_WITHIN: Final = 1024
"""Bytes in which readers look for the header of a PDF (ISO 32000-1, annex H.3)."""
# What the first file is called in office documents, books and what is made like them (ISO/IEC
# 29500-2, OpenDocument 1.3 part 2, EPUB 3.3).
_OFFICE: Final = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"word/", b"xl/", b"ppt/")
_MIMETYPES: Final = (b"mimetypeapplication/vnd.oasis", b"mimetypeapplication/epub")

SUFFIXES: Final[dict[str, tuple[str, ...]]] = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "png": (".png", ".apng"),
    "gif": (".gif",),
    "webp": (".webp",),
    "tiff": (".tif", ".tiff"),
    "bmp": (".bmp", ".dib"),
    "avif": (".avif",),
    "heic": (".heic", ".heif", ".hif"),
    "jp2": (".jp2", ".j2k", ".jpx", ".jpf"),
}
"""Spellings of each picture format's suffix, the usual one first."""


def unreadable(error: OSError) -> UnreadableError:
    """The error of a file that the system does not let us read."""
    return UnreadableError(
        say("the file cannot be read: {reason}", reason=reason_of(error)), READABLE
    )


def sniff(head: bytes) -> str | None:
    """Name the kind of a file from its first ``HEAD`` bytes, or None for no kind known here.

    An animated PNG is "png". The name "tiff" covers the camera raw formats that are built on
    TIFF; whether one can be shown is decided when it is opened.
    """
    if head.startswith(b"PK\x03\x04") and head[30:].startswith((*_OFFICE, *_MIMETYPES)):
        return "office"
    for prefix, kind in _PREFIXES:
        if head.startswith(prefix):
            return kind
    if head[:4] == b"RIFF":
        return {b"WEBP": "webp", b"AVI ": "avi"}.get(head[8:12])
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "webm" if b"webm" in head[:64] else "mkv"
    if head[4:8] == b"ftyp":
        return _iso_kind(head)
    if head[4:8] in _QUICKTIME_BOXES:
        return "mov"
    if head[257:262] == b"ustar":
        return "tar"
    for first, step in ((0, 188), (4, 192)):
        if len(head) > first + 2 * step and all(head[first + i * step] == 0x47 for i in range(3)):
            return "mpegts"
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return "pdf"
    return _bare_stream(head) or ("tar" if _is_old_tar(head) else None)


_DV_SECTIONS: Final = (0, 1, 1, 2, 2, 2)
_H264_PROFILES: Final = frozenset({66, 77, 88, 100, 110, 118, 122, 128, 144, 244})


def _bare_stream(head: bytes) -> str | None:
    """Bare streams, which have no signature and are recognized by their structure."""
    # IEC 61834-2: blocks of 80 bytes, whose first three bits tell the section they belong to:
    # one header, two of subcode, three of auxiliary data.
    if head[:1] == b"\x1f" and len(head) >= 480:
        sections = tuple(head[at] >> 5 for at in range(0, 480, 80))
        return "dv" if sections == _DV_SECTIONS and head[1:3] == b"\x07\0" else None
    if not head.startswith((b"\0\0\1", b"\0\0\0\1")):
        return None
    units = [unit for unit in head.split(b"\0\0\1")[1:] if len(unit) > 3]
    if _begins(map(_h264, units), before=(6, 9), sets=(7, 8)):
        return "h264"
    if _begins(map(_hevc, units), before=(35, 39), sets=(32, 33)):
        return "hevc"
    return None


def _is_old_tar(head: bytes) -> bool:
    """Whether this is the header of a tar of before POSIX, which has nothing but its checksum."""
    if len(head) < 512 or not head[0]:
        return False
    try:
        claimed = int(head[148:156].strip(b" \0"), 8)
    except ValueError:
        return False
    return claimed == sum(head[:148]) + 8 * ord(" ") + sum(head[156:512])


def _begins(types: Iterable[int], before: tuple[int, ...], sets: tuple[int, int]) -> bool:
    """Whether units begin as a stream does: delimiter and messages, then two parameter sets."""
    rest = dropwhile(before.__contains__, types)
    return next(rest, -1) == sets[0] and sets[1] in rest


def _h264(unit: bytes) -> int:
    """The type of a unit (ITU-T H.264, 7.3.1), -1 for what is none."""
    code = unit[0] & 31
    if unit[0] & 128 or (code in (6, 9)) != (unit[0] & 96 == 0):
        return -1
    known = unit[1] in _H264_PROFILES and not unit[2] & 3
    return code if known or code != 7 else -1


def _hevc(unit: bytes) -> int:
    """The same for ITU-T H.265, 7.3.1.2."""
    code = unit[0] >> 1
    if unit[0] & 129 or unit[1] != 1:  # of the base layer, and of all its rates
        return -1
    # Bits that are 1 in every video parameter set, and sixteen more.
    known = unit[2] & 12 == 12 and unit[4:6] == b"\xff\xff"
    return code if known or code != 32 else -1


def _iso_kind(head: bytes) -> str | None:
    size = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    brands = {head[at : at + 4] for at in range(16, size - 3, 4)} | {major}
    if major == b"qt  ":
        return "mov"
    if major == b"crx ":
        return "raw"
    if brands & _AVIF_BRANDS and major not in _HEIC_BRANDS:
        return "avif"
    if major in _HEIF_BRANDS and not brands & _HEIC_BRANDS and b"av01" in head:
        return "avif"  # the brands that a file must list were settled late
    if brands & _HEIC_BRANDS or major in _HEIF_BRANDS:
        return "heic"
    return "mp4"


def format_of_suffix(name: str) -> str | None:
    """The picture format a file name asks for, or None if its suffix names none."""
    suffix = PurePath(name).suffix.lower()
    return next((kind for kind, known in SUFFIXES.items() if suffix in known), None)
