"""New streams of a PDF on disk until it is saved, so that memory does not grow with its pages."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from faceveil.media.documents.pdf_objects import Number, stream_of
from faceveil.system.files import write_whole

if TYPE_CHECKING:
    from pikepdf import Pdf

_LEAST: Final = 1 << 16
"""Bytes of the smallest stream that is put on disk."""


class Spool:
    """Moves the data of streams into files, from which they are read when the PDF is saved.

    Args:
        pdf: the file that the streams belong to.
        folder: an existing one that nobody else can read.
    """

    def __init__(self, pdf: Pdf, folder: Path) -> None:
        self._pdf, self._folder = pdf, folder
        self._count, self._objects = 0, len(pdf.objects)

    def add(self, number: Number) -> None:
        """Move the new data of the stream with this number."""
        stream = stream_of(self._pdf, number)
        data = stream.read_raw_bytes()
        if len(data) < _LEAST:
            return
        path = self._folder / f"stream-{self._count}"
        self._count += 1
        write_whole(path, data)
        # The one way to make a stream of a file: https://qpdf.readthedocs.io/en/stable/json.html
        keys = json.loads(stream.to_json(dereference=True, schema_version=2))
        head = {
            "jsonversion": 2,
            "pdfversion": self._pdf.pdf_version,
            "pushedinheritedpageresources": False,
            "calledgetallpages": False,
            "maxobjectid": self._objects,
        }
        key = f"obj:{number[0]} {number[1]} R"
        update = {"qpdf": [head, {key: {"stream": {"dict": keys, "datafile": str(path)}}}]}
        self._pdf.update_from_qpdf_json(io.BytesIO(json.dumps(update).encode()))
