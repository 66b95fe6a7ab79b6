"""New pictures of a PDF wait on disk, not in memory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

import pdfs
from faceveil.frames import Image
from faceveil.media.documents import pdf_spool
from faceveil.media.documents.pdf_objects import stream_of
from faceveil.media.documents.pdf_spool import Spool
from faceveil.pipeline import veil_file
from tiers import daily


def test_a_stream_is_the_same_from_disk(tmp_path: Path) -> None:
    """Its dictionary may hold other streams, bytes that are no text, and odd names."""
    with pikepdf.new() as pdf:
        odd: dict[str, Any] = {
            "Odd": String(bytes(range(256))),
            "Name": Name("/a b#(/"),
            "Real": Array([0.25, -7]),
        }
        noise = np.random.default_rng(1).integers(0, 256, (256, 256, 3), np.uint8)
        profile = pdf.make_stream(b"profile" * 99, N=3)
        inner = Dictionary(A=Dictionary(C=True), D=Name.D)
        one = pdfs.stored(pdf, noise, **odd, Inner=inner, SMask=pdfs.stored(pdf, noise))
        one.ColorSpace = Array([Name.ICCBased, profile])
        pdfs.page(pdf, pdfs.PLACED, {"I": one})
        pdf.save(tmp_path / "in.pdf")
    with pikepdf.open(tmp_path / "in.pdf") as pdf:
        stream = pdf.pages[0].obj.Resources.XObject.I
        keys, data = stream.stream_dict.unparse(), stream.read_raw_bytes()[::-1]
        stream.write(data, filter=Name.DCTDecode)
        Spool(pdf, tmp_path).add(stream.objgen)
        assert (tmp_path / "stream-0").read_bytes() == data
        again = stream_of(pdf, stream.objgen)
        assert again.read_raw_bytes() == data
        assert re.sub(rb"/(Length \d+|Filter /\w+)", b"", again.stream_dict.unparse()) == re.sub(
            rb"/(Length \d+|Filter /\w+)", b"", keys
        )
        assert again.Filter == Name.DCTDecode
        again.write(b"anew", filter=Name.DCTDecode)
        pdf.save(tmp_path / "out.pdf")
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        assert pdf.pages[0].obj.Resources.XObject.I.read_raw_bytes() == b"anew"
        assert pdf.get_warnings() == []


@pytest.mark.slow
@pytest.mark.parametrize("name", daily(["coded_indexed", "strips"], "strips"))
def test_a_document_is_the_same_from_disk(
    name: str,
    astronaut: Image,
    tmp_path: Path,
    detector: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = pdfs.composed(name, astronaut, tmp_path / "in.pdf")
    veil_file(source, tmp_path / "memory.pdf")
    monkeypatch.setattr(pdf_spool, "_LEAST", 0)
    veil_file(source, tmp_path / "disk.pdf")
    made = [(tmp_path / name).read_bytes() for name in ("memory.pdf", "disk.pdf")]
    # The second half of an /ID is made by chance.
    memory, disk = (re.sub(rb"/ID \[.*?\]", b"", data) for data in made)
    assert memory == disk
