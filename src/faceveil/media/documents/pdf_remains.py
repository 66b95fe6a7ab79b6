"""Name everything that a PDF holds beside its pages."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from faceveil.i18n import say
from faceveil.media.documents import pdf_coded
from faceveil.media.documents.pdf_clean import clean

_START = b"startxref"


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
    data = origin if isinstance(origin, bytes) else origin.read_bytes()
    if data.count(_START) > 1:
        found.append(say("earlier revisions"))
    return list(dict.fromkeys(found))
