"""Name everything that a PDF holds beside its pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from faceveil.i18n import say
from faceveil.media.documents import pdf_attached, pdf_coded
from faceveil.media.documents.pdf_clean import clean
from faceveil.media.documents.pdf_objects import open_pdf
from faceveil.media.documents.pdf_undrawn import drop_undrawn

# A linearized file has one more, which refers to nothing.
_END: Final = re.compile(rb"startxref\s+[1-9]\d{0,18}\s+%%EOF")
_LONGEST: Final = 64
_BLOCK: Final = 1 << 20


def remains(origin: Path | bytes, password: str) -> list[str]:
    """Names of what FaceVeil would take out, each once."""
    import pikepdf

    try:
        with open_pdf(origin, password) as pdf:
            attached = list(pdf_attached.remains(pdf))
            # Attached PDFs have ends of their own, which show if they could not be compressed.
            inner = 0
            if not pdf.is_encrypted:
                inner = sum(len(_END.findall(data)) for data in pdf_attached.stored(pdf))
            dropped, warnings = clean(pdf)
            dropped += drop_undrawn(pdf)
            found = [*attached, *dropped, *warnings, *pdf_coded.remains(pdf)]
    except pikepdf.PdfError:
        return [say("unparsable structure")]
    if _revisions(origin) - inner > 1:
        found.append(say("earlier revisions"))
    return list(dict.fromkeys(found))


def _revisions(origin: Path | bytes) -> int:
    """Number of times that the file was ended."""
    if isinstance(origin, bytes):
        return len(_END.findall(origin))
    count, before = 0, b""
    with origin.open("rb") as file:
        while data := file.read(_BLOCK):
            found = list(_END.finditer(before + data))
            count += len(found)
            # What was counted is not seen again.
            before = (before + data)[found[-1].end() if found else 0 :][-_LONGEST:]
    return count
