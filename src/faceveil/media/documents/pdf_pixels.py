"""Pictures of a PDF as pixels, and painted pixels back into their streams."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from faceveil.errors import InputError
from faceveil.frames import Frame, Image
from faceveil.geometry import Box
from faceveil.i18n import say
from faceveil.media.documents import pdf_render
from faceveil.media.documents.pdf_objects import (
    Number,
    coded_picture,
    filters_of,
    is_array,
    stream_of,
)
from faceveil.media.documents.pdf_samples import channels, repaint, write_flate, write_rgb
from faceveil.media.pictures.image_write import keeps_blocks
from faceveil.media.pictures.jpeg_keep import kept_jpeg
from faceveil.media.pictures.jpeg_layout import CannotKeep
from faceveil.media.pictures.pillow import decoding, open_picture
from faceveil.media.pictures.traits import StoredJpeg

if TYPE_CHECKING:
    from pikepdf import Pdf, Stream

    from faceveil.options import Options

_ANY: Final = 1 << 60
"""No limit: the size of a picture has been checked before."""
_QUALITY: Final = 95
"""Of a JPEG whose file was odd."""


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture as it is stored.

    Attributes:
        image: (H, W, 3) BGR. A JPEG's own samples; of all else, what pdfium shows.
        jpeg: the file in the stream, if its samples are grey or red, green and blue.
    """

    image: Image
    jpeg: bytes | None = None


def read_stored(pdf: Pdf, number: Number) -> StoredPicture | None:
    """Decode the picture with this number; None where that fails."""
    stream = stream_of(pdf, number)
    if (found := _plain_jpeg(stream)) is not None:
        return found
    image = pdf_render.picture(pdf, stream)
    return None if image is None else StoredPicture(image)


def _plain_jpeg(stream: Stream) -> StoredPicture | None:
    from pikepdf import PdfError

    if filters_of(stream)[-1:] != ["/DCTDecode"] or "/Decode" in stream:
        return None
    if stream.get("/ImageMask", False):
        return None
    count = channels(stream.get("/ColorSpace"))
    parms = stream.get("/DecodeParms")
    if parms is not None and "ColorTransform" in str(parms):
        return None
    try:
        data = coded_picture(stream)
        with decoding("jpeg"):
            picture = open_picture("jpeg", data, _ANY)
            size = int(stream.Width), int(stream.Height)
            if {"L": 1, "RGB": 3}.get(picture.mode) != count or picture.size != size:
                return None
            samples = np.asarray(picture)
    except (InputError, PdfError):  # pdfium may know what to do
        return None
    code = cv2.COLOR_GRAY2BGR if count == 1 else cv2.COLOR_RGB2BGR
    return StoredPicture(np.asarray(cv2.cvtColor(samples, code), np.uint8), data)


def rewrite(
    stream: Stream,
    stored: StoredPicture,
    painted: Image,
    boxes: Sequence[Box],
    options: Options,
    scratch: Path,
) -> Iterator[str]:
    """Put painted pixels into a picture's stream.

    What is not painted stays as it is where the coding allows it; see `repainted` and `repaint`.

    Args:
        painted: as ``stored.image``.
        boxes: all that was painted lies in these.
        scratch: an existing folder; see `kept_jpeg`.

    Yields:
        Notes of what had to be converted.
    """
    from pikepdf import Name

    touched = _touched(stored.image, painted, boxes)
    if not touched.any():
        return
    if stored.jpeg is not None:
        stream.write(_jpeg(stored, painted, boxes, options, scratch), filter=Name.DCTDecode)
        return
    if repaint(stream, painted, touched):
        return
    yield from _recoded(stream, painted, touched, options.quality)


def recode(stream: Stream, stored: StoredPicture) -> None:
    """Code a picture anew, so that nothing is in its stream but its pixels."""
    from pikepdf import Name

    if stored.jpeg is not None:
        stream.write(_like(stored.jpeg, stored.image), filter=Name.DCTDecode)
        return
    touched = np.zeros(stored.image.shape[:2], bool)
    for _ in _recoded(stream, stored.image, touched, _QUALITY):
        pass


def _recoded(
    stream: Stream, painted: Image, touched: NDArray[np.bool_], quality: int
) -> Iterator[str]:
    from pikepdf import Name

    jpeg, bilevel = filters_of(stream)[-1:] == ["/DCTDecode"], _is_bilevel(stream)
    for key in ("/Decode", "/SMaskInData"):
        if key in stream:
            del stream[key]
    if bool(stream.get("/ImageMask", False)):
        bits = (painted[..., 0] >= 128).astype(np.uint8)
        write_flate(stream, np.packbits(bits, axis=1), 1, 1)
        return
    if is_array(stream.get("/Mask")):  # of samples that are no longer there
        del stream["/Mask"]
        yield say("a picture of the PDF has lost its transparent colour")
    if jpeg:
        stream.ColorSpace, stream.BitsPerComponent = Name.DeviceRGB, 8
        stream.write(_as_rgb_jpeg(painted, quality), filter=Name.DCTDecode)
        yield say("a picture of the PDF is written in RGB")
        return
    grey = not np.ptp(painted, axis=2).any()
    if grey and bilevel and not ((painted[..., 0] > 0) & (painted[..., 0] < 255) & ~touched).any():
        stream.ColorSpace, stream.BitsPerComponent = Name.DeviceGray, 1
        bits = (painted[..., 0] >= 128).astype(np.uint8)
        write_flate(stream, np.packbits(bits, axis=1), 1, 1)
        return
    if not grey:
        write_rgb(stream, painted)
        return
    stream.ColorSpace, stream.BitsPerComponent = Name.DeviceGray, 8
    write_flate(stream, np.ascontiguousarray(painted[..., 0]), 1, 8)


def _is_bilevel(stream: Stream) -> bool:
    return filters_of(stream)[-1] in ("/CCITTFaxDecode", "/JBIG2Decode")


def _touched(original: Image, painted: Image, boxes: Sequence[Box]) -> NDArray[np.bool_]:
    touched: NDArray[np.bool_] = (original != painted).any(axis=2)
    for box in boxes:
        x0, y0, x1, y1 = (max(0, round(side)) for side in box.as_tuple())
        touched[y0:y1, x0:x1] = True
    return touched


def _jpeg(
    stored: StoredPicture, painted: Image, boxes: Sequence[Box], options: Options, scratch: Path
) -> bytes:
    assert stored.jpeg is not None
    if keeps_blocks(options):
        frame = Frame(0, painted)
        frame.painted = tuple(boxes)
        try:
            return kept_jpeg(StoredJpeg(stored.jpeg), stored.image, frame, None, scratch)
        except CannotKeep:
            pass
    return _like(stored.jpeg, painted)


def _like(jpeg: bytes, painted: Image) -> bytes:
    """The picture as a JPEG of the same kind, with the same tables."""
    import PIL.Image
    from PIL.JpegImagePlugin import get_sampling

    with decoding("jpeg"):
        model: Any = open_picture("jpeg", jpeg, _ANY)
        tables, sampling = model.quantization, get_sampling(model)
    rgb = PIL.Image.fromarray(np.ascontiguousarray(painted[..., ::-1]))
    picture = rgb.convert("L") if model.mode == "L" else rgb
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", qtables=tables, subsampling=max(sampling, 0))
    return buffer.getvalue()


def _as_rgb_jpeg(painted: Image, quality: int) -> bytes:
    import PIL.Image

    buffer = io.BytesIO()
    rgb = PIL.Image.fromarray(np.ascontiguousarray(painted[..., ::-1]))
    rgb.save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()
