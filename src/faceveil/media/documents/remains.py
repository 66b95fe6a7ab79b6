"""Everything that a finished file of any kind holds beside what it shows."""

from __future__ import annotations

from pathlib import Path

from faceveil.i18n import say
from faceveil.media.documents.recognize import kind_of
from faceveil.media.leftovers import leftovers
from faceveil.options import Options


def remains(path: Path, options: Options) -> list[str]:
    """As `leftovers`, for documents, too: their properties, and the metadata of their pictures.

    Raises:
        InputError: the document cannot be read.
        UnsupportedError: of a kind that is not known here.
        OSError: the file cannot be read.
    """
    _, kind = kind_of(path)
    if kind == "pdf":
        from faceveil.media.documents import pdf_remains

        return pdf_remains.remains(path, options.password or "")
    if kind != "office":
        return leftovers(path)
    import zipfile

    from faceveil.media.archives.archive import OLDEST
    from faceveil.media.documents.document import DocumentSource

    with DocumentSource(path, "office", options) as source:
        found = [*source.dropped]
    with zipfile.ZipFile(path) as package:
        parts = package.infolist()
        if package.comment or any(one.comment or one.extra for one in parts):
            found.append(say("comments of the package"))
        if any(one.date_time != OLDEST for one in parts):
            found.append(say("times of parts"))
    return found
