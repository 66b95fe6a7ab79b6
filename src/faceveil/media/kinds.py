"""What a file is, told from its first bytes alone."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Final

from faceveil.errors import UnreadableError

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
)

IMAGES: Final = frozenset({"jpeg", "png", "gif", "webp", "tiff", "bmp", "heic", "avif", "jp2"})
VIDEOS: Final = frozenset({"mp4", "mov", "mkv", "webm", "avi", "mpeg", "mpegts"})
ARCHIVES: Final = frozenset({"zip", "tar", "gzip", "bzip2", "xz", "zstd", "7z", "rar"})

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


def read_head(path: Path) -> bytes:
    """The first bytes of a file, for ``sniff``.

    Raises:
        UnreadableError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        reason = (error.strerror or "reading failed").lower()
        raise UnreadableError(f"the file cannot be read: {reason}") from error


def sniff(head: bytes) -> str | None:
    """Name the kind of a file from its first ``HEAD`` bytes, or None for no kind known here.

    An animated PNG is "png". The name "tiff" covers the camera raw formats that are built on
    TIFF; whether one can be shown is decided when it is opened.
    """
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
    return None


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
    if brands & _HEIC_BRANDS or major in _HEIF_BRANDS:
        return "heic"
    return "mp4"


def format_of_suffix(name: str) -> str | None:
    """The picture format a file name asks for, or None if its suffix names none."""
    suffix = PurePath(name).suffix.lower()
    return next((kind for kind, known in SUFFIXES.items() if suffix in known), None)
