"""The structure of a PDF, which tells in words what is on its pages (ISO 32000-2, 14.7, 14.9)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Final

from faceveil.media.documents.pdf_objects import (
    Number,
    containers,
    is_array,
    is_dictionary,
    is_stream,
)

if TYPE_CHECKING:
    from pikepdf import Pdf

READ_ALOUD: Final = ("/ActualText", "/Alt", "/E")
"""Keys of what is read aloud, or copied, in place of what is shown."""
_HIGHEST: Final = 60
Mark = tuple[Number, int]
"""The number of the page or form that has some marked content, and its number there."""


def silence(pdf: Pdf, marks: Collection[Mark]) -> None:
    """Drop the words that the structure has for some marked content that was taken out."""
    for one in containers(pdf) if marks else ():
        if is_dictionary(one) and any(mark in marks for mark in _marks(one)):
            _drop_words(one)


def forget_page(pdf: Pdf, page: Number) -> None:
    """Drop the words that the structure and forms have for a page, and all that it draws."""
    for one in containers(pdf):
        if not is_dictionary(one):
            continue
        if _number(one.get("/Pg")) == page:
            _drop_words(one)
        # Forms and pictures of the page would stay in the file.
        if one.get("/Type") in ("/OBJR", "/MCR") and _number(one.get("/Pg", None)) in (page, None):
            for key in ("/Obj", "/Stm"):
                if is_stream(one.get(key)):
                    del one[key]
        kids = one.get("/Kids")
        if "/T" in one and is_array(kids) and all(_is_empty(kid) for kid in kids):
            for key in ("/V", "/DV", "/RV"):
                if key in one:
                    del one[key]


def _marks(element: Any) -> Iterator[Mark]:
    """The marked content that an element of the structure stands for."""
    kids = element.get("/K") if "/S" in element else None
    place = _number(element.get("/Pg"))
    for kid in list(kids) if is_array(kids) else [kids]:
        if isinstance(kid, int) and place is not None:
            yield place, kid
        elif is_dictionary(kid):
            count: Any = kid.get("/MCID")
            within = _number(kid.get("/Stm")) or _number(kid.get("/Pg")) or place
            if within is not None and isinstance(count, int):
                yield within, count


def _drop_words(element: Any) -> None:
    """Drop the words of an element and of those around it, which have them, too."""
    for _ in range(_HIGHEST):
        if not is_dictionary(element):
            return
        for key in READ_ALOUD:
            if key in element:
                del element[key]
        element = element.get("/P")


def _number(one: Any) -> Number | None:
    return one.objgen if is_dictionary(one) else None


def _is_empty(one: Any) -> bool:
    return is_dictionary(one) and not len(list(one.keys()))
