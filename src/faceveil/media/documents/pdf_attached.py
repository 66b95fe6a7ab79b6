"""Files attached to a PDF: taken out when it is opened, worked on by themselves, and put back.

What is neither picture nor film nor document stays out. Until a file is put back nothing of it is
in the PDF but its name, so that whatever goes wrong leaves it out.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from faceveil.i18n import say
from faceveil.media.documents.nodes import Clip
from faceveil.media.documents.pdf_objects import containers, data_of, is_dictionary, is_stream
from faceveil.media.documents.recognize import DOCUMENTS, kind_of
from faceveil.media.kinds import IMAGES, VIDEOS
from faceveil.system.files import write_whole

if TYPE_CHECKING:
    from pikepdf import Object, Pdf

HANDLED: Final = frozenset({*IMAGES, *VIDEOS, *DOCUMENTS})
"""Kinds of files with something to look at."""
_PLACE: Final = "/FaceVeilAttached"
"""Key of a file specification (ISO 32000-2, 7.11.3) whose file was taken out; its number."""
_NAMES: Final = ("/UF", "/F", "/Unix", "/Mac", "/DOS")
_FILES: Final = ("/EF", "/RF", "/Desc", "/CI")
"""Keys of a specification that hold files, or were written for a list of them."""


def take_out(pdf: Pdf, folder: Path) -> tuple[list[Clip], int]:
    """Take out every attached file, wherever it is attached.

    Args:
        folder: where those are kept that can be worked on; nobody else can read it.

    Returns:
        These, and the number of the others.
    """
    clips: dict[str, Clip] = {}
    numbers: dict[str, int] = {}
    others = 0
    if is_dictionary(names := pdf.Root.get("/Names")) and "/EmbeddedFiles" in names:
        del names["/EmbeddedFiles"]
    for one in containers(pdf):
        if not is_dictionary(one):
            continue
        data = _data(one)
        has_file = "/EF" in one
        others += _further(one)
        for key in (_PLACE, *(_FILES if has_file else ())):
            if key in one:
                del one[key]
        kind = None if data is None else kind_of(data)[1]
        if data is None or kind not in HANDLED:
            others += has_file
            continue
        digest = hashlib.sha256(data).hexdigest()
        if digest not in clips:
            path = folder / f"attached-{len(clips)}"
            write_whole(path, data)
            numbers[digest] = len(clips)
            clips[digest] = Clip(_name(one, len(clips) + 1), kind or "", path.read_bytes)
        one[_PLACE] = numbers[digest]
    return list(clips.values()), others


def keep_listed(pdf: Pdf) -> None:
    """List the files that have a place, and no others, as attached to the document.

    Those that lie on a page, as a pin, are listed there.
    """
    from pikepdf import Array, Dictionary, String

    pinned = {
        one.FS.objgen
        for one in containers(pdf)
        if is_dictionary(one) and "/Rect" in one and is_dictionary(one.get("/FS"))
    }
    listed = Array()
    for one in pdf.objects:
        if is_dictionary(one) and _PLACE in one and one.objgen not in pinned:
            listed.append(String(f"{len(listed) // 2:06}"))
            listed.append(one)
    if len(listed):
        names: Any = pdf.Root.get("/Names")
        if not is_dictionary(names):
            names = pdf.Root["/Names"] = Dictionary()
        names["/EmbeddedFiles"] = Dictionary(Names=listed)


def remains(pdf: Pdf) -> Iterator[str]:
    """Names of what `take_out` would take out for good."""
    for one in containers(pdf):
        if not is_dictionary(one) or "/EF" not in one:
            continue
        data = _data(one)
        if data is None or kind_of(data)[1] not in HANDLED or set(_FILES[1:]) & set(one.keys()):
            yield say("attached file")


def stored(pdf: Pdf) -> Iterator[bytes]:
    """The attached files as they are coded, each once."""
    streams: dict[Any, Any] = {}
    for one in containers(pdf):
        if is_dictionary(one) and is_dictionary(one.get("/EF")):
            found = (one.EF.get(key) for key in _NAMES)
            streams |= {each.objgen: each for each in found if is_stream(each)}
    return (each.read_raw_bytes() for each in streams.values())


def put_back(pdf: Pdf, files: Mapping[int, bytes]) -> None:
    """Attach the files with these numbers again, where they were."""
    from pikepdf import Dictionary, Name

    streams: dict[int, Object] = {}
    for one in list(_places(pdf)):
        number = int(one[_PLACE])
        del one[_PLACE]
        if number not in files:
            continue
        if number not in streams:
            stream = pdf.make_stream(zlib.compress(files[number]))
            stream.Filter = Name.FlateDecode
            stream.Type, stream.Params = Name.EmbeddedFile, Dictionary(Size=len(files[number]))
            streams[number] = stream
        one.EF = Dictionary(F=streams[number], UF=streams[number])


def _places(pdf: Pdf) -> Iterator[Any]:
    return (one for one in containers(pdf) if is_dictionary(one) and _PLACE in one)


def _data(specification: Any) -> bytes | None:
    """The attached file, or None if there is none or it cannot be read."""
    import pikepdf

    files: Any = specification.get("/EF")
    if not is_dictionary(files):
        return None
    found = (files.get(key) for key in _NAMES)
    stream = next((one for one in found if is_stream(one)), None)
    try:
        return None if stream is None else data_of(stream)
    except pikepdf.PdfError:
        return None


def _further(specification: Any) -> int:
    """Number of files that a specification has for other systems, besides its own."""
    files: Any = specification.get("/EF")
    found = (files.get(key) for key in _NAMES) if is_dictionary(files) else ()
    coded = {one.read_raw_bytes() for one in found if is_stream(one)}
    return max(0, len(coded) - 1)


def _name(specification: Any, number: int) -> str:
    """The file's name, as far as it can be shown; it may have been written by anybody."""
    for key in _NAMES:
        name = str(specification.get(key, "")).replace("\\", "/").rpartition("/")[2]
        if name:
            return name
    return say("attached file {number}", number=number)
