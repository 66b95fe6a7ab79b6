"""Files that accompany pictures and videos: those of cameras, programs and systems."""

from __future__ import annotations

import codecs
import re
from pathlib import Path, PurePath
from typing import IO, Final, Literal

from faceveil.media.documents.recognize import is_flat
from faceveil.media.kinds import HEAD, format_of_suffix, sniff, unreadable

# Made by Windows, macOS, Linux desktops and NAS; edits of Apple, Adobe, darktable, RawTherapee,
# DxO, Capture One; of Google Takeout a .json for each picture; tracks and lists of cameras.
_SIDECARS: Final = re.compile(
    r"""
    (?:eh)?thumbs\.db | desktop\.ini | \.?picasa\.ini | \.ds_store | \.nomedia | \.localized
    | \.directory | icon\r | \._.* | zbthumbnail\.info | .*@syno\w+
    | .*\.(?: aae | xmp | dop | pp3 | arp | cos | on1 | nksc | thm\.json | modd | moff | ctg | cpi
        | bdm | mpl | bim | sav | srt | gpx | lnk | url | webloc | ini | lrcat | lrprev | pvt )
    | .*\.(?:jpe?g|png|gif|webp|heic|heif|avif|tiff?|bmp|dng|mp4|mov|m4v|mkv|webm|avi|3gp|mpg|mp)
      (?:\.supp[a-z.-]*)?(?:\(\d+\))?\.json                         # Takeout cuts long names
    | (?:metadata|metadaten|métadonnées|metadatos|元数据|shared_album_comments)(?:\(\d+\))?\.json
    | print-subscriptions\.json | user-generated-memory-titles\.json | [a-z]?\d+m\d+\.xml
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_MEDIA: Final = re.compile(
    r"\.(?:jxl|mp4|m4v|mov|mkv|webm|avi|mpe?g|m?ts|m2ts|3gp|wmv|flv|zip|tar|tgz|gz|bz2|xz|zst|7z"
    r"|rar|pdf|docx|pptx|xlsx|odt|psd)",
    re.IGNORECASE,
)
"""Suffixes of files that are always processed or refused; their bytes are not read here."""
# Texts that may hold pictures, or describe some.
_DRAWN: Final = re.compile(
    r"\.(?:svg|x?html?|mht(?:ml)?|eml|rtf|e?ps|fod[tgp]|warc|p[abgnp]m|x[bp]m|fits?)", re.IGNORECASE
)
_DRAWN_HEADS: Final = (
    *(b"<svg", b"<!doctype html", b"<html", b"{\\rtf", b"%!ps", b"mime-version", b"warc/1"),
    *(b"/* xpm */", b"simple  ="),
)
_NETPBM: Final = re.compile(rb"P[1-7]\s+[\d#W]")

Beside = Literal["sidecar", "text"]


def may_be_beside(name: str) -> bool:
    """Whether a file with this name may be neither picture nor video."""
    return format_of_suffix(name) is None and not _MEDIA.fullmatch(PurePath(name).suffix)


def beside(name: str, head: bytes) -> Beside | None:
    """The kind of a file that holds no picture and is no failure, or None for all others.

    Args:
        name: its base name.
        head: its first bytes. A picture is a picture, whatever its name says.
    """
    if sniff(head) is not None:
        return None
    if _SIDECARS.fullmatch(name):
        return "sidecar"
    if not may_be_beside(name) or _DRAWN.fullmatch(PurePath(name).suffix):
        return None
    drawn = head.lstrip()[:16].lower().startswith(_DRAWN_HEADS) or _NETPBM.match(head)
    if drawn or is_flat(head):
        return None
    return "text" if _is_text(head) else None


def beside_in(name: str, file: IO[bytes]) -> Beside | None:
    """As `beside`, for a whole file: a text with pictures in it, written as letters, is none.

    Args:
        file: read from its beginning.
    """
    head = file.read(HEAD)
    if (kind := beside(name, head)) != "text":
        return kind
    from faceveil.media.documents.texts import holds_pictures

    file.seek(0)
    return None if holds_pictures(file) else kind


def beside_at(name: str, path: Path) -> Beside | None:
    """As `beside_in`, for a file at a path.

    Raises:
        UnreadableError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return beside_in(name, file)
    except OSError as error:
        raise unreadable(error) from error


def is_sidecar(name: str) -> bool:
    """Whether a file of this name accompanies pictures, if it is not one itself."""
    return _SIDECARS.fullmatch(name) is not None


def _is_text(head: bytes) -> bool:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    return not head.translate(None, _TEXT)


_TEXT: Final = bytes({*range(32, 127), *b"\t\n\r\f", *range(0x80, 0x100)})
"""Bytes that a text may hold in any of the usual codes."""
