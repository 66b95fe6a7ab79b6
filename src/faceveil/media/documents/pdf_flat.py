"""Make a page of a PDF a picture of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceveil.frames import Image
from faceveil.media.documents.pdf_objects import empty, is_dictionary, items_of
from faceveil.media.documents.pdf_samples import write_rgb
from faceveil.media.documents.pdf_structure import forget_page

if TYPE_CHECKING:
    from pikepdf import Pdf


def flatten(pdf: Pdf, number: int, image: Image, points: tuple[float, float]) -> None:
    """Replace everything on a page by one picture, lossless. Its text can no longer be searched.

    Args:
        image: (H, W, 3) BGR, the page as displayed.
        points: width and height as displayed.
    """
    from pikepdf import Array, Dictionary, Name

    page = pdf.pages[number].obj
    for one in items_of(page.get("/Annots")):
        if is_dictionary(one):  # a form or an outline may refer to it
            empty(one)
    forget_page(pdf, page.objgen)
    picture = pdf.make_stream(b"")
    picture.Type, picture.Subtype = Name.XObject, Name.Image
    write_rgb(picture, image)
    width, height = points
    empty(page, "/Type", "/Parent", "/StructParents", "/Tabs", "/Trans", "/Dur")
    page.MediaBox = Array([0, 0, width, height])
    page.Rotate = 0
    page.Resources = Dictionary(XObject=Dictionary(Page=picture))
    page.Contents = pdf.make_stream(f"{width:.4f} 0 0 {height:.4f} 0 0 cm /Page Do".encode())
