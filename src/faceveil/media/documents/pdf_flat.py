"""Make a page of a PDF a picture of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from faceveil.frames import Image
from faceveil.media.documents.pdf_objects import is_array, is_dictionary
from faceveil.media.documents.pdf_samples import write_flate

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
    annotations = page.get("/Annots")
    for one in list(annotations) if is_array(annotations) else ():
        if is_dictionary(one):  # a form or an outline may refer to it
            for key in list(one.keys()):
                del one[key]
    picture = pdf.make_stream(b"")
    picture.Type, picture.Subtype = Name.XObject, Name.Image
    picture.Width, picture.Height = image.shape[1], image.shape[0]
    picture.ColorSpace, picture.BitsPerComponent = Name.DeviceRGB, 8
    rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
    write_flate(picture, rgb.reshape(len(rgb), -1), 3, 8)
    width, height = points
    kept = ("/Type", "/Parent", "/StructParents", "/Tabs", "/Trans", "/Dur")
    for key in list(page.keys()):
        if key not in kept:
            del page[key]
    page.MediaBox = Array([0, 0, width, height])
    page.Rotate = 0
    page.Resources = Dictionary(XObject=Dictionary(Page=picture))
    page.Contents = pdf.make_stream(f"{width:.4f} 0 0 {height:.4f} 0 0 cm /Page Do".encode())
