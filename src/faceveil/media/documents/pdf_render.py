"""Pages and pictures of a PDF as pixels, by pdfium. The only module that knows pdfium."""

from __future__ import annotations

import ctypes
import io
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from faceveil.errors import LimitError, UnreadableError
from faceveil.frames import Image
from faceveil.i18n import say
from faceveil.media.advice import SMALLER
from faceveil.media.documents.matrices import moved
from faceveil.media.documents.pdf_trouble import broken
from faceveil.media.documents.pdf_words import INVISIBLE, Drawn
from faceveil.system.closing import Closing

if TYPE_CHECKING:
    from pikepdf import Object, Pdf

_lock: Final = threading.RLock()
"""pdfium must not be entered by two threads at once."""

# Of a picture's dictionary: what its pixels depend on (ISO 32000-2, table 87). What hides parts of
# it (masks) is left out, so that everything it holds is looked at.
_PIXELS: Final = (
    "/Width",
    "/Height",
    "/BitsPerComponent",
    "/ColorSpace",
    "/Decode",
    "/ImageMask",
    "/Intent",
    "/Filter",
    "/DecodeParms",
)
_KINDS: Final = {1: "text", 3: "picture", 5: "form"}
"""Objects of a page by pdfium's numbers (FPDF_PAGEOBJ_TEXT and so on)."""
_PAGES, _TIMES = 16, 50
"""Pages after which a file is opened again, or the times that one of very many pages is: pdfium
keeps the pictures of all pages that it has loaded.
"""
_WHITE, _BLACK = (255, 255, 255, 255), (0, 0, 0, 255)


class Renderer(Closing):
    """The pages of a PDF as a viewer shows them.

    Raises:
        UnreadableError: pdfium cannot read it.
    """

    def __init__(self, origin: Path | bytes) -> None:
        self._origin = origin
        with _lock:
            self._document = self._opened()
            self._many = max(_PAGES, len(self._document) // _TIMES)

    def _opened(self) -> Any:
        import pypdfium2

        self._last, self._loaded = -1, 0
        try:
            return pypdfium2.PdfDocument(self._origin)
        except pypdfium2.PdfiumError as error:
            raise broken() from error

    def size(self, number: int) -> tuple[float, float]:
        """Width and height of a page as displayed, in points."""
        with _lock:
            width, height = self._page(number).get_size()
            return float(width), float(height)

    def to_user_space(self, number: int, width: int, height: int) -> NDArray[np.float64]:
        """(3, 3) matrix from pixels of a page rendered at this size to its user space."""
        from pypdfium2 import raw

        with _lock:
            page = self._page(number)
            x, y = ctypes.c_double(), ctypes.c_double()
            points = []
            for column, row in ((0, 0), (width, 0), (0, height)):
                raw.FPDF_DeviceToPage(page, 0, 0, width, height, 0, column, row, x, y)
                points.append((x.value, y.value))
        (x0, y0), (x1, y1), (x2, y2) = points
        return np.array(
            [
                [(x1 - x0) / width, (x2 - x0) / height, x0],
                [(y1 - y0) / width, (y2 - y0) / height, y0],
                [0, 0, 1],
            ]
        )

    def drawn(self, number: int) -> tuple[Drawn, ...]:
        """Everything that a page draws, in its order."""
        from pypdfium2 import raw

        with _lock:
            page = self._page(number)
            count = raw.FPDFPage_CountObjects(page)
            tops = [raw.FPDFPage_GetObject(page, at) for at in range(count)]
            # To find out whether a picture hides what is under it takes as long as to draw it.
            shown = (self._document.raw, page.raw) if any(map(_has_words, tops)) else None
            return tuple(_described(one, np.eye(3), shown) for one in tops)

    def page(self, number: int, width: int, height: int) -> Image:
        """A page on white, (height, width, 3) BGR.

        Raises:
            UnreadableError: pdfium cannot show it.
        """
        with _lock:
            return _drawn(self._page(number), width, height, _WHITE)

    def _page(self, number: int) -> Any:
        import pypdfium2

        if number != self._last:
            self._loaded += 1
            if self._loaded > self._many:
                self._document.close()
                self._document = self._opened()
            self._last = number
        try:
            return self._document[number]
        except pypdfium2.PdfiumError as error:
            raise broken() from error

    def close(self) -> None:
        with _lock:
            self._document.close()


def picture(
    pdf: Pdf,
    stream: Object,
    instead: Mapping[str, Object] | None = None,
    data: bytes | None = None,
) -> Image | None:
    """A stored picture at its own resolution, whatever it is coded as.

    It is put alone on a page of its size. Colours are those that pdfium shows; what a mask hides is
    shown, and a stencil is black on white.

    Args:
        pdf: the file that it belongs to.
        instead: values of its keys that are read in place of its own.
        data: bytes that are read in place of its own.

    Returns:
        (H, W, 3) BGR, or None if it cannot be decoded.
    """
    import pypdfium2

    width, height = int(stream.Width), int(stream.Height)
    alone = _alone(pdf, stream, instead or {}, stream.read_raw_bytes() if data is None else data)
    with _lock:
        try:
            document: Any = pypdfium2.PdfDocument(alone)
        except pypdfium2.PdfiumError:
            return None
        try:
            shown = _drawn(document[0], width, height, _WHITE)
            # One that leaves any ground as it is draws nothing: it could not be decoded.
            if shown.min() == 255 and not _drawn(document[0], width, height, _BLACK).any():
                return None
            return shown
        except (pypdfium2.PdfiumError, UnreadableError):
            return None
        finally:
            document.close()


def _alone(pdf: Pdf, stream: Object, instead: Mapping[str, Object], data: bytes) -> bytes:
    """A PDF with nothing but this picture."""
    import pikepdf
    from pikepdf import Dictionary, Name, StreamDecodeLevel

    width, height = int(stream.Width), int(stream.Height)
    known = Dictionary({key: stream[key] for key in _PIXELS if key in stream} | {**instead})
    with pikepdf.new() as alone:
        image = alone.make_stream(data)
        for key, value in alone.copy_foreign(pdf.make_indirect(known)).items():
            image[key] = value
        image.Type, image.Subtype = Name.XObject, Name.Image
        page = Dictionary(
            Type=Name.Page,
            MediaBox=[0, 0, width, height],
            Resources=Dictionary(XObject=Dictionary(I=image)),
            Contents=alone.make_stream(f"{width} 0 0 {height} 0 0 cm /I Do".encode()),
        )
        alone.pages.append(pikepdf.Page(alone.make_indirect(page)))
        buffer = io.BytesIO()
        alone.save(buffer, compress_streams=False, stream_decode_level=StreamDecodeLevel.none)
        return buffer.getvalue()


def _drawn(page: Any, width: int, height: int, ground: tuple[int, int, int, int]) -> Image:
    """A page stretched to this size.

    Raises:
        UnreadableError: pdfium cannot show it.
        LimitError: there is not enough memory.
    """
    import pypdfium2
    from pypdfium2 import raw

    try:
        bitmap = pypdfium2.PdfBitmap.new_native(width, height, raw.FPDFBitmap_BGR)
    except (pypdfium2.PdfiumError, MemoryError) as error:
        raise LimitError(say("there is not enough memory for a page"), SMALLER) from error
    try:
        bitmap.fill_rect(ground, 0, 0, width, height)
        raw.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, raw.FPDF_ANNOT)
        return np.ascontiguousarray(bitmap.to_numpy())
    finally:
        bitmap.close()


def _described(one: Any, outer: NDArray[np.float64], shown: tuple[Any, Any] | None) -> Drawn:
    """An object of a page, with the matrix from its space to the page's.

    Args:
        shown: the document and the page; None if it does not matter what pictures hide.
    """
    from pypdfium2 import raw

    kind = _KINDS.get(raw.FPDFPageObj_GetType(one), "")
    sides = [ctypes.c_float() for _ in range(4)]
    raw.FPDFPageObj_GetBounds(one, *sides)
    x0, y0, x1, y1 = (side.value for side in sides)
    inner = []
    if kind == "form":
        m = raw.FS_MATRIX()
        raw.FPDFPageObj_GetMatrix(one, m)
        within = outer @ np.array([[m.a, m.c, m.e], [m.b, m.d, m.f], [0, 0, 1]])
        for at in range(raw.FPDFFormObj_CountObjects(one)):
            inner.append(_described(raw.FPDFFormObj_GetObject(one, at), within, shown))
    if kind == "picture" and shown is not None and not _hides(one, shown):
        kind = ""
    unseen = kind == "text" and not _has_words(one)
    return Drawn(kind, moved(outer, (x0, y0, x1, y1)), unseen, tuple(inner))


def _has_words(one: Any) -> bool:
    """Whether an object of a page is, or holds, text that is not invisible by itself."""
    from pypdfium2 import raw

    kind = _KINDS.get(raw.FPDFPageObj_GetType(one), "")
    if kind == "form":
        inner = range(raw.FPDFFormObj_CountObjects(one))
        return any(_has_words(raw.FPDFFormObj_GetObject(one, at)) for at in inner)
    return kind == "text" and raw.FPDFTextObj_GetTextRenderMode(one) != INVISIBLE


def _hides(one: Any, shown: tuple[Any, Any]) -> bool:
    """Whether nothing can be seen through a picture of a page. Where that is not known: no."""
    import pypdfium2
    from pypdfium2 import raw

    if raw.FPDFPageObj_HasTransparency(one):
        return False
    drawn = raw.FPDFImageObj_GetRenderedBitmap(*shown, one)
    if not drawn:
        return False
    pixels = pypdfium2.PdfBitmap.from_raw(drawn).to_numpy()  # gone with the last of the two
    return pixels.ndim == 3 and pixels.shape[2] == 4 and bool(pixels[..., 3].min() == 255)
