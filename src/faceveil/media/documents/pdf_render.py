"""Pages and pictures of a PDF as pixels, by pdfium. The only module that knows pdfium."""

from __future__ import annotations

import ctypes
import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from faceveil.errors import LimitError, UnreadableError
from faceveil.frames import Image
from faceveil.i18n import say
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
_WHITE, _BLACK = (255, 255, 255, 255), (0, 0, 0, 255)


class Renderer(Closing):
    """The pages of a PDF as a viewer shows them.

    Raises:
        UnreadableError: pdfium cannot read it.
    """

    def __init__(self, origin: Path | bytes) -> None:
        import pypdfium2

        with _lock:
            try:
                self._document: Any = pypdfium2.PdfDocument(origin)
            except pypdfium2.PdfiumError as error:
                raise _broken() from error

    def size(self, number: int) -> tuple[float, float]:
        """Width and height of a page as displayed, in points."""
        with _lock:
            width, height = self._page(number).get_size()
            return float(width), float(height)

    def to_user_space(self, number: int, width: int, height: int) -> NDArray[np.float64]:
        """(2, 3) matrix from pixels of a page rendered at this size to its user space."""
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
            ]
        )

    def page(self, number: int, width: int, height: int) -> Image:
        """A page on white, (height, width, 3) BGR.

        Raises:
            UnreadableError: pdfium cannot show it.
        """
        with _lock:
            return _drawn(self._page(number), width, height, _WHITE)

    def _page(self, number: int) -> Any:
        import pypdfium2

        try:
            return self._document[number]
        except pypdfium2.PdfiumError as error:
            raise _broken() from error

    def close(self) -> None:
        with _lock:
            self._document.close()


def picture(pdf: Pdf, stream: Object) -> Image | None:
    """A stored picture at its own resolution, whatever it is coded as.

    It is put alone on a page of its size. Colours are those that pdfium shows; what a mask hides is
    shown, and a stencil is black on white.

    Args:
        pdf: the file that it belongs to.

    Returns:
        (H, W, 3) BGR, or None if it cannot be decoded.
    """
    import pypdfium2

    width, height = int(stream.Width), int(stream.Height)
    with _lock:
        try:
            document: Any = pypdfium2.PdfDocument(_alone(pdf, stream, width, height))
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


def _alone(pdf: Pdf, stream: Object, width: int, height: int) -> bytes:
    """A PDF with nothing but this picture."""
    import pikepdf
    from pikepdf import Dictionary, Name, StreamDecodeLevel

    known = Dictionary({key: stream[key] for key in _PIXELS if key in stream})
    with pikepdf.new() as alone:
        image = alone.make_stream(stream.read_raw_bytes())
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
        raise LimitError(say("there is not enough memory for a page")) from error
    try:
        bitmap.fill_rect(ground, 0, 0, width, height)
        raw.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, raw.FPDF_ANNOT)
        return np.ascontiguousarray(bitmap.to_numpy())
    finally:
        bitmap.close()


def _broken() -> UnreadableError:
    return UnreadableError(say("the PDF is broken"), say("Get a complete copy of the file."))
