"""Pictures of a PDF that another program may read otherwise than pdfium does.

Programs disagree about ``/Decode`` beside JPEG 2000, about inks, and about a colour space that does
not fit its picture; and the opacity in a picture is a picture by itself. A face that can be seen in
any of these ways is looked for there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from faceveil.errors import InputError
from faceveil.frames import Image
from faceveil.media.documents import pdf_render
from faceveil.media.documents.pdf_file import saved, with_all_shown
from faceveil.media.documents.pdf_objects import (
    Number,
    coded_picture,
    data_of,
    filters_of,
    is_array,
    is_picture,
    is_stream,
    open_pdf,
    stream_of,
)
from faceveil.media.documents.pdf_pixels import read_stored
from faceveil.media.documents.pdf_samples import channels, write_rgb
from faceveil.media.pictures.pillow import decoding, open_picture

if TYPE_CHECKING:
    from pikepdf import Pdf, Stream

Reading = Literal["turned", "own", "opacity"]
"""With light for dark; in the colours that the coded picture itself has; only its opacity."""

_CODINGS: Final = {"/DCTDecode": "jpeg", "/JPXDecode": "jp2"}
_SPACES: Final = {
    "L": "/DeviceGray",
    "LA": "/DeviceGray",
    "RGB": "/DeviceRGB",
    "RGBA": "/DeviceRGB",
    "CMYK": "/DeviceCMYK",
}
"""The colours of a coded picture by Pillow's name for them."""
_INKS: Final = 4
_LARGEST: Final = 256
_ANY: Final = 1 << 60


def readings_of(stream: Stream) -> tuple[Reading, ...]:
    """The ways to read a picture that may show something else than pdfium does."""
    if stream.get("/ImageMask", False):
        return ()
    found: list[Reading] = []
    space, mode = stream.get("/ColorSpace"), _mode(stream)
    count, own = _components(space), channels(_SPACES.get(mode))
    if _INKS in (channels(space), own) or _is_doubtful(stream, count):
        found.append("turned")
    misfits = bool(own) and space is not None and count != own
    if _true_palette(space) is not None or misfits or (own == _INKS and space is None):
        found.append("own")
    if mode.endswith("A"):
        found += ["opacity"] if "own" in found else ["own", "opacity"]
    return tuple(found)


def read_as(pdf: Pdf, number: Number, reading: Reading) -> Image | None:
    """A stored picture in one of its other readings, (H, W, 3) BGR; None where there is none."""
    from pikepdf import Array, Name

    stream = stream_of(pdf, number)
    space, mode = stream.get("/ColorSpace"), _mode(stream)
    if reading == "opacity" or (reading == "own" and mode.endswith("A")):
        return _decoded(stream, opacity=reading == "opacity")
    if reading == "own":
        palette = _true_palette(space)
        if palette is not None:
            return pdf_render.picture(pdf, stream, {"/ColorSpace": palette})
        count = channels(_SPACES[mode])
        plain = {"/ColorSpace": Name(_SPACES[mode]), "/Decode": Array([0, 1] * count)}
        return pdf_render.picture(pdf, stream, plain)
    if channels(space) == _INKS or mode == "CMYK":
        usual = [float(one) for one in stream.get("/Decode", [0, 1])]
        turned: dict[str, Any] = {
            "/Decode": Array(([0, 1] if usual[0] > usual[1] else [1, 0]) * _INKS)
        }
        if channels(space) != _INKS:
            turned["/ColorSpace"] = Name.DeviceCMYK
        return pdf_render.picture(pdf, stream, turned)
    stored = read_stored(pdf, number)
    return None if stored is None else 255 - stored.image


def with_other_readings(origin: Path | bytes) -> bytes:
    """A PDF with each picture in the first of its other readings, for looking only."""
    with open_pdf(origin) as pdf:
        for one in pdf.objects:
            if not is_picture(one) or not (readings := readings_of(one)):
                continue
            image = read_as(pdf, one.objgen, readings[0])
            if image is None:
                continue
            for key in ("/Decode", "/SMaskInData", "/Mask"):
                if key in one:
                    del one[key]
            write_rgb(one, image)
        return saved(pdf)


def _is_doubtful(stream: Stream, count: int) -> bool:
    """Whether programs may disagree about ``/Decode``."""
    if "/Decode" not in stream:
        return False
    jpx = filters_of(stream)[-1:] == ["/JPXDecode"]
    return jpx or not is_array(stream.Decode) or len(stream.Decode) != 2 * count


def _mode(stream: Stream) -> str:
    """Pillow's name for the colours of a coded picture; empty if it is not coded."""
    picture = _opened(stream)
    return "" if picture is None else str(picture.mode)


def _opened(stream: Stream) -> Any:
    """A coded picture as Pillow opens it, or None."""
    from pikepdf import PdfError

    filters = filters_of(stream)
    coding = _CODINGS.get(filters[-1]) if filters else None
    if coding is None:
        return None
    try:
        with decoding(coding):
            return open_picture(coding, coded_picture(stream), _ANY)
    except (InputError, PdfError):
        return None


def _decoded(stream: Stream, *, opacity: bool) -> Image | None:
    try:
        with decoding("jp2"):
            whole = _opened(stream).convert("RGBA")
    except InputError:
        return None
    shown = whole.getchannel("A") if opacity else whole
    return np.ascontiguousarray(np.asarray(shown.convert("RGB"))[..., ::-1])


def _components(space: Any) -> int:
    """Numbers of a pixel in a colour space; 0 if that is not known."""
    if is_array(space) and len(space) > 1:
        name = str(space[0])
        if name in ("/Indexed", "/I", "/Separation"):
            return 1
        if name == "/DeviceN" and is_array(space[1]):
            return len(space[1])
    return channels(space)


def _true_palette(space: Any) -> Any:
    """A space of a palette that says another size than it has, with its true one; or None."""
    from pikepdf import Array

    if not is_array(space) or len(space) != 4 or str(space[0]) not in ("/Indexed", "/I"):
        return None
    count = channels(space[1])
    table = data_of(space[3]) if is_stream(space[3]) else bytes(space[3])
    entries = min(_LARGEST, len(table) // count) if count else 0
    if not entries or int(space[2]) == entries - 1:
        return None
    return Array([space[0], space[1], entries - 1, space[3]])


CHANGED: Final = {"layers": with_all_shown, "other": with_other_readings}
"""For a kind of part, the change to the PDF whose pages it shows."""
