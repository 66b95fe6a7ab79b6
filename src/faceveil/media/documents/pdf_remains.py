"""Name everything that a PDF holds beside its pages."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

from faceveil.i18n import say
from faceveil.media.documents import pdf_coded
from faceveil.media.documents.pdf_clean import clean

_START: Final = b"startxref"
_BLOCK: Final = 1 << 20


def remains(origin: Path | bytes, password: str) -> list[str]:
    """Names of what FaceVeil would take out, each once."""
    import pikepdf

    file: Any = io.BytesIO(origin) if isinstance(origin, bytes) else origin
    try:
        with pikepdf.open(file, password=password) as pdf:
            dropped, warnings = clean(pdf)
            found = [*dropped, *warnings, *pdf_coded.remains(pdf)]
    except pikepdf.PdfError:
        return [say("unparsable structure")]
    if _revisions(origin) > 1:
        found.append(say("earlier revisions"))
    return list(dict.fromkeys(found))


def _revisions(origin: Path | bytes) -> int:
    """Number of times that the file was ended."""
    if isinstance(origin, bytes):
        return origin.count(_START)
    count, before = 0, b""
    with origin.open("rb") as file:
        while data := file.read(_BLOCK):
            count += (before + data).count(_START)
            before = data[-len(_START) + 1 :]
    return count
