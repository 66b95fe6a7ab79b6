"""Media types of results, as HTTP names them."""

from __future__ import annotations

from typing import Final

from faceveil.media.documents.recognize import DOCUMENT_TYPES
from faceveil.media.kinds import SUFFIXES, WRITTEN

MEDIA_TYPES: Final = {
    **{
        suffix: f"image/{kind}"
        for kind, suffixes in SUFFIXES.items()
        if kind in WRITTEN
        for suffix in suffixes
    },
    **dict.fromkeys((".mp4", ".m4v"), "video/mp4"),
    **dict.fromkeys((".mov", ".qt"), "video/quicktime"),
    **{".mkv": "video/x-matroska", ".webm": "video/webm", ".pdf": "application/pdf"},
    **DOCUMENT_TYPES,
}
"""By suffix."""


def type_of(result: str) -> str:
    """The media type of a result, by the suffix that this program gave it."""
    suffix = "." + result.rpartition(".")[2].lower()
    return MEDIA_TYPES.get(suffix, "application/octet-stream")
