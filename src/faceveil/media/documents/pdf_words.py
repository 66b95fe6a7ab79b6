"""Text that nobody sees, as recognition puts it under a scan: it goes where its picture is covered.

Otherwise words on which somebody has drawn a box could still be selected. All other text stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from faceveil.media.documents.pdf_matrices import PageArea
from faceveil.media.documents.pdf_objects import Named, Number, is_array, is_dictionary, is_form
from faceveil.media.documents.pdf_structure import READ_ALOUD, Mark, silence

if TYPE_CHECKING:
    from pikepdf import Pdf

_SHARE: Final = 0.3
"""A line of text is covered where it is for so much of its height, and as far along it."""
_DEEPEST: Final = 24
INVISIBLE: Final = 3
"""Mode of text that is neither filled nor stroked (ISO 32000-2, table 104)."""
_PAGE: Final[Number] = (0, 0)
"""In place of the number of a form: the page's own content."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Something that a page draws, in its order.

    Attributes:
        kind: "text", "picture" (which hides what is under it), "form", or "" for all else.
        box: in the page's user space.
        unseen: a text that is invisible.
        inner: of a form, the things in it.
    """

    kind: str
    box: PageArea
    unseen: bool = False
    inner: tuple[Drawn, ...] = ()


class Words:
    """Takes unseen text out of a PDF.

    Args:
        pdf: is changed by `apply`.
    """

    def __init__(self, pdf: Pdf) -> None:
        self._pdf = pdf
        self._gone: dict[tuple[int, Number], set[int]] = defaultdict(set)

    def add(self, page: int, drawn: Sequence[Drawn], covered: Sequence[PageArea]) -> bool:
        """Look for the text on a page that goes.

        Args:
            drawn: everything on it.
            covered: areas in its user space.

        Returns:
            Whether there is any.
        """
        doomed = {id(one) for one in _unseen(drawn) if any(_lies(one.box, at) for at in covered)}
        if doomed:
            content = self._pdf.pages[page]
            self._find((page, _PAGE), content, content.obj.get("/Resources"), drawn, doomed, 0)
        return bool(doomed)

    def _find(
        self,
        key: tuple[int, Number],
        content: Any,
        resources: Any,
        drawn: Sequence[Drawn] | None,
        doomed: set[int],
        depth: int,
    ) -> None:
        """Find the operators of what is doomed; where they cannot be told, of all unseen text.

        Args:
            drawn: what the content draws, or None if that is not known.
        """
        import pikepdf

        if depth > _DEEPEST:
            return
        try:
            steps = pikepdf.parse_content_stream(content)
        except (pikepdf.PdfError, TypeError, ValueError):
            return
        texts = [at for at, step in enumerate(steps) if _shows_text(step)]
        forms = [(at, form) for at, step in enumerate(steps) if (form := _form(step, resources))]
        shown = [one for one in drawn or () if one.kind == "text"]
        inner = [one.inner for one in drawn or () if one.kind == "form"]
        known = drawn is not None and (len(texts), len(forms)) == (len(shown), len(inner))
        if known:
            self._gone[key] |= {
                at for at, one in zip(texts, shown, strict=True) if id(one) in doomed
            }
        else:
            self._gone[key] |= set(_invisible(steps)) & set(texts)
        for number, (_, form) in enumerate(forms):
            within = inner[number] if known else None
            if within is not None and doomed.isdisjoint(id(one) for one in _flat(within)):
                continue
            place = (-1, form.objgen)
            self._find(place, form, form.get("/Resources", resources), within, doomed, depth + 1)

    def apply(self) -> None:
        """Take it out."""
        import pikepdf

        marks = set[Mark]()
        for (page, number), gone in self._gone.items():
            if not gone:
                continue
            content: Any = (
                self._pdf.pages[page] if number == _PAGE else self._pdf.get_object(number)
            )
            place = content.obj.objgen if number == _PAGE else number
            steps = pikepdf.parse_content_stream(content)
            silent = _silenced(steps, gone)
            marks |= {(place, mark) for mark in _marks(steps, silent)}
            data = pikepdf.unparse_content_stream(list(_without(steps, gone, silent)))
            if number == _PAGE:
                content.obj.Contents = self._pdf.make_stream(data)
            else:
                content.write(data)
        silence(self._pdf, marks)


def _unseen(drawn: Sequence[Drawn]) -> Iterator[Drawn]:
    """The texts that are invisible, or lie under a picture that is drawn later."""
    flat = list(_flat(drawn))
    over: list[PageArea] = []
    for one in reversed(flat):
        if one.kind == "picture":
            over.append(one.box)
        elif one.kind == "text":
            x, y = (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2
            if one.unseen or any(a <= x <= c and b <= y <= d for a, b, c, d in over):
                yield one


def _flat(drawn: Iterable[Drawn]) -> Iterator[Drawn]:
    for one in drawn:
        yield one
        yield from _flat(one.inner)


def _lies(text: PageArea, covered: PageArea) -> bool:
    width = min(text[2], covered[2]) - max(text[0], covered[0])
    height = min(text[3], covered[3]) - max(text[1], covered[1])
    least = _SHARE * min(text[2] - text[0], text[3] - text[1])
    return min(width, height) >= least > 0 or (least <= 0 and width >= 0 and height >= 0)


def _shows_text(step: Any) -> bool:
    """Whether an operator shows any text (9.4.3)."""
    import pikepdf

    operator, operands = str(step.operator), list(step.operands)
    if operator not in ("Tj", "TJ", "'", '"') or not operands:
        return False
    last = operands[-1]
    strings = list(last) if operator == "TJ" and is_array(last) else [last]
    return any(isinstance(one, pikepdf.String) and len(bytes(one)) for one in strings)


def _form(step: Any, resources: Any) -> Any:
    """The form that an operator draws, or None."""
    if str(step.operator) != "Do":
        return None
    one = Named(resources).get("/XObject", list(step.operands))
    return one if is_form(one) else None


def _invisible(steps: Iterable[Any]) -> Iterator[int]:
    """The operators that come while text is invisible."""
    mode, saved = 0, list[int]()
    for at, step in enumerate(steps):
        operator = str(step.operator)
        if operator == "q":
            saved.append(mode)
        elif operator == "Q" and saved:
            mode = saved.pop()
        elif operator == "Tr" and len(step.operands):
            mode = int(step.operands[0])
        elif mode == INVISIBLE:
            yield at


def _silenced(steps: Sequence[Any], gone: set[int]) -> set[int]:
    """The beginnings of marked content from which text is taken out."""
    opened, silent = list[int](), set[int]()
    for at, step in enumerate(steps):
        operator = str(step.operator)
        if operator in ("BDC", "BMC"):
            opened.append(at)
        elif operator == "EMC" and opened:
            opened.pop()
        elif at in gone:
            silent |= set(opened)
    return silent


def _marks(steps: Sequence[Any], silent: set[int]) -> Iterator[int]:
    """The numbers of marked content in the structure of the document."""
    for at in silent:
        last = list(steps[at].operands)[-1]
        mark: Any = last.get("/MCID") if is_dictionary(last) else None
        if isinstance(mark, int):
            yield mark


def _without(steps: Sequence[Any], gone: set[int], silent: set[int]) -> Iterator[Any]:
    """A content without some of its text, and without what would be read aloud instead."""
    from pikepdf import ContentStreamInstruction, Dictionary, Operator

    for at, step in enumerate(steps):
        operator, operands = str(step.operator), list(step.operands)
        if at in gone:
            if operator == '"':
                yield ContentStreamInstruction([operands[0]], Operator("Tw"))
                yield ContentStreamInstruction([operands[1]], Operator("Tc"))
            if operator in ("'", '"'):
                yield ContentStreamInstruction([], Operator("T*"))
        elif at in silent and is_dictionary(operands[-1]):
            kept = {key: value for key, value in operands[-1].items() if key not in READ_ALOUD}
            yield ContentStreamInstruction([operands[0], Dictionary(kept)], step.operator)
        else:
            yield step
