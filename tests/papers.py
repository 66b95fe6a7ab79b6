"""One document of each form with the same pictures in it, for tests that go through all of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pikepdf
import PIL.Image
from pikepdf import Array, Name, Pdf

import offices
import pdfs
from faceveil.frames import Image

FORMS = ("docx", "pptx", "xlsx", "odt", "epub", "pdf", "tif")
"""A form of each kind of document."""
PAGE = (360, 480)
"""Points of a page of `pdf`, of which a picture takes the width that `SHOWN` says: smaller than a
letter, for the larger it is the longer it is looked through."""
SHOWN = (18.0, 180.0, 324.0)
"""Left and bottom edge of the picture on a page, and its width, in points."""


def paper(form: str, pictures: list[Image], path: Path | None = None) -> bytes:
    """A document with these pictures in it, in this order."""
    if form == "pdf":
        data = pdf(pictures)
    elif form == "tif":
        data = pages(pictures)
    else:
        folder = {"docx": "word/", "pptx": "ppt/", "xlsx": "xl/"}.get(form, "")
        parts = {
            f"{folder}media/image{number}.jpeg": offices.jpeg(picture, 95)
            for number, picture in enumerate(pictures, 1)
        }
        data = offices.document(form, parts)
    if path is not None:
        path.write_bytes(data)
    return data


def pdf(pictures: list[Image], *, scanned: bool = False) -> bytes:
    """A page for each picture, with text on it.

    Args:
        scanned: the last one is all of its page.
    """
    buffer = io.BytesIO()
    with pikepdf.new() as made:
        for number, picture in enumerate(pictures, 1):
            _page(made, picture, whole=scanned and number == len(pictures))
        made.save(buffer)
    return buffer.getvalue()


def _page(made: Pdf, picture: Image, *, whole: bool) -> None:
    height, width = picture.shape[:2]
    left, bottom, wide = (0.0, 0.0, float(PAGE[0])) if whole else SHOWN
    high = wide * height / width
    sheet = (PAGE[0], high) if whole else PAGE
    shown = f"q {wide} 0 0 {high} {left} {bottom} cm /I Do Q"
    page: Any = pdfs.page(made, shown, {"I": pdfs.stored(made, picture, "jpeg")})
    page.MediaBox = Array([0, 0, *sheet])
    words = "" if whole else "BT /F 14 Tf 18 450 Td (Words that stay) Tj ET "
    page.Contents = made.make_stream((words + shown).encode())
    page.Type = Name.Page


def pages(pictures: list[Image]) -> bytes:
    """A TIFF with a page for each picture."""
    first, *rest = (
        PIL.Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)) for picture in pictures
    )
    buffer = io.BytesIO()
    first.save(buffer, "TIFF", save_all=True, append_images=rest, compression="tiff_deflate")
    return buffer.getvalue()


def stored(form: str, data: bytes) -> list[Image]:
    """The pictures of such a document, as they are stored, in the order of `paper`."""
    if form == "pdf":
        return _of_pdf(data)
    if form == "tif":
        done, found = cv2.imdecodemulti(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert done
        return [np.asarray(one, np.uint8) for one in found]
    parts = offices.read(data)
    return [
        np.asarray(cv2.imdecode(np.frombuffer(parts[name], np.uint8), cv2.IMREAD_COLOR), np.uint8)
        for name in sorted(parts)
        if "media/image" in name
    ]


def _of_pdf(data: bytes) -> list[Image]:
    found: list[Image] = []
    with pikepdf.open(io.BytesIO(data)) as document:
        for page in document.pages:
            named: Any = page.obj.Resources.XObject
            for _, picture in named.items():
                shown = pikepdf.PdfImage(picture).as_pil_image().convert("RGB")
                found.append(np.ascontiguousarray(np.asarray(shown)[..., ::-1]))
    return found
