"""The objects of a PDF, whatever they are for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

if TYPE_CHECKING:
    from pikepdf import Array, Dictionary, Object, Pdf, Stream

Number = tuple[int, int]
"""An object's number and generation."""

CODED_PICTURES: Final = frozenset({"/DCTDecode", "/JPXDecode", "/CCITTFaxDecode", "/JBIG2Decode"})
"""Filters that only pictures have."""
_LONG: Final = {
    "/A85": "/ASCII85Decode",
    "/AHx": "/ASCIIHexDecode",
    "/CCF": "/CCITTFaxDecode",
    "/DCT": "/DCTDecode",
    "/Fl": "/FlateDecode",
    "/LZW": "/LZWDecode",
    "/RL": "/RunLengthDecode",
}


def is_array(one: object) -> TypeGuard[Array]:
    import pikepdf

    return isinstance(one, pikepdf.Array)


def is_stream(one: object) -> TypeGuard[Stream]:
    import pikepdf

    return isinstance(one, pikepdf.Stream)


def is_dictionary(one: object) -> TypeGuard[Dictionary | Stream]:
    """Whether it has keys."""
    import pikepdf

    return isinstance(one, pikepdf.Dictionary | pikepdf.Stream)


def is_picture(one: object) -> TypeGuard[Stream]:
    return is_stream(one) and one.get("/Subtype") == "/Image"


def stream_of(pdf: Pdf, number: Number) -> Stream:
    """The stream of this number."""
    stream: Any = pdf.get_object(number)
    return cast("Stream", stream)


def containers(pdf: Pdf) -> Iterator[Any]:
    """Every dictionary, stream and array of a file, those inside others too."""
    for top in pdf.objects:
        pending: list[object] = [top]
        while pending:
            one = pending.pop()
            inner = _inside(one)
            if inner is not None:
                yield one
                pending += [each for each in inner if not getattr(each, "is_indirect", True)]


def pictures_by_page(pdf: Pdf) -> tuple[list[list[Stream]], list[Stream]]:
    """Every picture that something refers to, once, in an order that follows the structure.

    Returns:
        Those of each page that no earlier page has, and those that belong to no page.
    """
    seen = {page.obj.objgen for page in pdf.pages}
    pages = [list(_pictures(_inside(page.obj) or (), seen)) for page in pdf.pages]
    return pages, list(_pictures([pdf.Root], seen))


def _pictures(tops: Iterable[object], seen: set[Number]) -> Iterator[Stream]:
    pending = list(tops)[::-1]
    while pending:
        one: Any = pending.pop()
        inner = _inside(one)
        if inner is None:
            continue
        if one.is_indirect:
            if one.objgen in seen:
                continue
            seen.add(one.objgen)
        if is_picture(one):
            yield one
        pending += reversed(inner)


def _inside(one: object) -> list[object] | None:
    """The values of a container, in the order of its keys; None for anything else."""
    if is_dictionary(one):
        return [one[key] for key in sorted(one.keys())]
    return list(one) if is_array(one) else None


def filters_of(stream: Object) -> list[str]:
    """Names of the filters of a stream, in the order in which they are undone."""
    named = stream.get("/Filter")
    if named is None:
        return []
    return [_LONG.get(str(one), str(one)) for one in (named if is_array(named) else [named])]
