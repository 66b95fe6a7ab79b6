"""The objects of a PDF, whatever they are for."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

if TYPE_CHECKING:
    from pikepdf import Array, Dictionary, Object, Pdf, Stream

Number = tuple[int, int]
"""An object's number and generation."""

CODED_PICTURES: Final = frozenset({"/DCTDecode", "/JPXDecode", "/CCITTFaxDecode", "/JBIG2Decode"})
"""Filters that only pictures have."""
_MAPPED: Final = 8 << 20
"""Bytes of the largest file that is mapped into memory, which is quicker for many small objects."""
_LONG: Final = {
    "/A85": "/ASCII85Decode",
    "/AHx": "/ASCIIHexDecode",
    "/CCF": "/CCITTFaxDecode",
    "/DCT": "/DCTDecode",
    "/Fl": "/FlateDecode",
    "/LZW": "/LZWDecode",
    "/RL": "/RunLengthDecode",
}


def open_pdf(origin: Path | bytes, password: str = "") -> Pdf:
    """Open a PDF. A large file is read as needed: what is mapped into memory counts as held."""
    import pikepdf
    from pikepdf import AccessMode

    if isinstance(origin, bytes):
        return pikepdf.open(io.BytesIO(origin), password=password)
    mode = AccessMode.stream if origin.stat().st_size > _MAPPED else AccessMode.default
    return pikepdf.open(origin, password=password, access_mode=mode)


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


def is_form(one: object) -> TypeGuard[Stream]:
    return is_stream(one) and one.get("/Subtype") == "/Form"


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


def parms_of(stream: Object) -> list[Any]:
    """The parameters of each filter of a stream: a dictionary, or None."""
    given: Any = stream.get("/DecodeParms")
    told = list(given) if is_array(given) else [given]
    count = len(filters_of(stream))
    return [one if is_dictionary(one) else None for one in (*told, *[None] * count)][:count]


def data_of(stream: Stream) -> bytes:
    """The bytes of a stream without any filter; to qpdf run lengths are no general one.

    Raises:
        PdfError: it is broken, or a coded picture.
    """
    from pikepdf import StreamDecodeLevel

    return stream.read_bytes(StreamDecodeLevel.specialized)


def coded_picture(stream: Stream) -> bytes:
    """The file of a coded picture, without the filters that compress it again or make it letters.

    Raises:
        PdfError: it cannot be read without them.
    """
    data, around = stream.read_raw_bytes(), filters_of(stream)[:-1]
    if not around:
        return data
    return undone(data, around, parms_of(stream)[:-1])


def undone(data: bytes, filters: Iterable[str], parms: Iterable[Any] = ()) -> bytes:
    """Bytes without the filters that they have.

    Args:
        parms: of each filter, a dictionary or null; as many as there are.

    Raises:
        PdfError: they are broken, or one of them is of coded pictures.
    """
    import pikepdf

    names = [pikepdf.Name(one) for one in filters]
    told = [_numbers_in(one) for one in parms][: len(names)]
    told += [None] * (len(names) - len(told))
    with pikepdf.new() as alone:
        stream = alone.make_stream(data, Filter=pikepdf.Array(names))
        if any(told):
            stream.DecodeParms = pikepdf.Array(told)
        return data_of(stream)


def _numbers_in(parms: Any) -> Dictionary | None:
    """The numbers among the parameters of a filter (ISO 32000-2, table 8), for another file."""
    import pikepdf

    if not is_dictionary(parms):
        return None
    found: dict[str, Any] = {key: parms[key] for key in parms.keys()}  # noqa: SIM118 (no dict)
    numbers = {key: one for key, one in found.items() if isinstance(one, int)}
    return pikepdf.Dictionary(numbers) if numbers else None


def items_of(one: Any) -> list[Any]:
    """The values of an array; none for anything else."""
    return list(one) if is_array(one) else []


def values_of(one: Any) -> list[Any]:
    """The values of a dictionary or stream; none for anything else."""
    return [one[key] for key in one.keys()] if is_dictionary(one) else []  # noqa: SIM118


def empty(one: Object, *kept: str) -> None:
    """Take everything out of a dictionary but some keys."""
    for key in list(one.keys()):
        if key not in kept:
            del one[key]


class Named:
    """Resources by kind and name."""

    def __init__(self, resources: Any) -> None:
        self._resources = resources

    def get(self, kind: str, operands: list[Any]) -> Any:
        """The resource that the first operand names, or None."""
        import pikepdf

        if not operands or not isinstance(operands[0], pikepdf.Name):
            return None
        group = self._resources.get(kind) if is_dictionary(self._resources) else None
        return group.get(str(operands[0])) if is_dictionary(group) else None
