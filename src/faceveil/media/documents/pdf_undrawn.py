"""Pictures that a PDF names for drawing and never draws.

One alone is looked at like any other. Several may be the pieces of a picture, and nothing tells how
they would lie; nobody sees them, so they go.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from faceveil.i18n import say
from faceveil.media.documents.pdf_objects import (
    CODED_PICTURES,
    Number,
    containers,
    data_of,
    filters_of,
    is_dictionary,
    is_picture,
    is_stream,
    items_of,
)

if TYPE_CHECKING:
    from pikepdf import Pdf

# A name and the operator that draws it, with nothing but space and comments between.
_DRAWS: Final = re.compile(
    rb"/([^\s\0()<>\[\]{}/%]+)(?:[\s\0]|%[^\r\n]*[\r\n])+Do(?![^\s\0/\[(<%])"
)
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_NO_CONTENT: Final = frozenset({"/ObjStm", "/XRef", "/Metadata", "/EmbeddedFile"})


def drop_undrawn(pdf: Pdf) -> tuple[str, ...]:
    """Take the names away from several pictures that no content of the file draws.

    Returns:
        Names of what was dropped.
    """
    from pikepdf import PdfError

    named: list[tuple[Any, str, Number]] = []
    for one in containers(pdf):
        group = one.get("/XObject") if is_dictionary(one) else None
        if is_dictionary(group):
            found = ((key, group[key]) for key in group.keys())  # noqa: SIM118
            named += [(group, key, each.objgen) for key, each in found if is_picture(each)]
    if len({number for *_, number in named}) < 2:
        return ()
    try:
        drawn = _drawn(pdf)
    except PdfError:  # nobody knows what it draws
        return ()
    kept = {number for _, key, number in named if _plain(key.encode()) in drawn}
    undrawn = [each for each in named if each[2] not in kept]
    if len({number for *_, number in undrawn}) < 2:
        return ()
    for group, key, _ in undrawn:
        if key in group:
            del group[key]
    return (say("a picture that nothing shows"),)


def _drawn(pdf: Pdf) -> set[bytes]:
    """Every name that is drawn anywhere, in whatever resources it is."""
    contents = []
    for page in pdf.pages:
        # A name and its operator may be in two pieces of a page.
        pieces = items_of(page.obj.get("/Contents"))
        contents.append(b"\n".join(data_of(one) for one in pieces if is_stream(one)))
    for one in pdf.objects:
        if not is_stream(one) or is_picture(one) or CODED_PICTURES & set(filters_of(one)):
            continue
        if str(one.get("/Type")) not in _NO_CONTENT:
            contents.append(data_of(one))
    return {b"/" + _plain(name) for data in contents for name in _DRAWS.findall(data)}


def _plain(name: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), name)
