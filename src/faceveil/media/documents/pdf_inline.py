"""Pictures inside content streams become objects of their own, like all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faceveil.media.documents.pdf_objects import (
    data_of,
    is_array,
    is_dictionary,
    is_form,
    is_stream,
    values_of,
)

if TYPE_CHECKING:
    from pikepdf import Pdf


def make_external(pdf: Pdf) -> None:
    """Give every inline picture an object, in pages, forms and patterns.

    The bitmaps of letters in fonts stay as they are.
    """
    import pikepdf

    for page in pdf.pages:
        if is_array(pieces := page.obj.get("/Contents")):  # readers pass over all but streams
            page.obj.Contents = pikepdf.Array([one for one in pieces if is_stream(one)])
        if _has_inline(page.obj.get("/Contents")):
            page.externalize_inline_images(shallow=True)
    for one in pdf.objects:
        drawn = is_form(one) or (is_stream(one) and one.get("/PatternType") == 1)
        if drawn and _has_inline(one):
            if "/Resources" not in one:
                one["/Resources"] = _resources_above(pdf, one)
            # The helper takes anything that has resources for a page.
            pikepdf.Page(one).externalize_inline_images(shallow=True)


def _resources_above(pdf: Pdf, form: Any) -> Any:
    """An old form has no resources of its own and uses those of the page that shows it."""
    import pikepdf

    for page in pdf.pages:
        known: Any = page.obj.get("/Resources")
        named = values_of(known.get("/XObject")) if is_dictionary(known) else []
        if form.objgen in {getattr(each, "objgen", None) for each in named}:
            return pikepdf.Dictionary({key: known[key] for key in known.keys()})  # noqa: SIM118
    return pikepdf.Dictionary()


def _has_inline(content: Any) -> bool:
    """Whether a content stream, or one of several, may have an inline picture."""
    import pikepdf

    streams = [content] if is_stream(content) else list(content or ())
    for stream in streams:
        if not is_stream(stream):
            continue
        try:
            data = data_of(stream)
        except pikepdf.PdfError:
            continue  # pictures, and what is broken
        if b"BI" in data and b"ID" in data and b"EI" in data:
            return True
    return False
