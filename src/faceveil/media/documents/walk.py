"""Find everything in the parts of a document that can show a face.

A part is known by its bytes, never by its name or by what leads to it: what nobody refers to is
looked at as well.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from faceveil.errors import FaceVeilError, LimitError, UnreadableError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.documents import metafiles
from faceveil.media.documents.blanks import (
    BLANK_PNG,
    BLANK_SVG,
    blank_emf,
    blank_wmf,
    empty_compound,
)
from faceveil.media.documents.nodes import Budget, Clip, Gone, Nest, Node, Read, Still
from faceveil.media.documents.recognize import COMPOUND, kind_of
from faceveil.media.documents.texts import narrowed, replaced, runs, widened
from faceveil.media.kinds import ARCHIVES, HEAD, IMAGES, VIDEOS

Open = Callable[[bytes, str, Budget], Node]
"""Opens a document in a document."""

DEEPEST: Final = 5
"""Documents in documents."""
_LARGEST: Final = 1 << 28
"""Bytes to which a packed drawing may unpack."""
_WDP: Final = b"II\xbc\x01"
_SVM: Final = b"VCLMTF"
_EPS: Final = (b"%!PS", b"\xc5\xd0\xd3\xc6")
_PICT: Final = b"\x00\x11\x02\xff\x0c\x00"
_MACROS: Final = ("vbaProject.bin", "vbaProjectSignature.bin")
_FORM: Final = "VBFrame".encode("utf-16-le")
_SOUNDS: Final = (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf1", b"fLaC", b"#!AMR", b"MThd")
_LEAST: Final = 64
"""Bytes of the smallest thing that shows a face."""
_HEX: Final = (b"ffd8ff", b"89504e47", b"\\pict", b"\\objdata")


class Walker:
    """Finds what lies in parts.

    Args:
        open_document: opens a document in a document.
        budget: what may still be unpacked.
        sounds: keep them.
    """

    def __init__(self, open_document: Open, budget: Budget, *, sounds: bool) -> None:
        self._open, self._budget, self._sounds = open_document, budget, sounds

    def part(self, name: str, data: bytes, read: Read) -> Node | None:
        """The things a part holds, or None if it is to stay as it is.

        Args:
            data: its bytes.
            read: gives them again.

        Raises:
            UnsupportedError: it holds what is not handled, and cannot be left out.
            LimitError: it unpacks to too much.
        """
        if len(data) < _LEAST:
            return None
        head, kind = kind_of(data)
        if kind in IMAGES:
            return Still(name, kind, read)
        try:
            if kind in VIDEOS and _moves(data, kind):
                return Clip(name, kind, read)
        except UnreadableError as error:
            return Gone(name, b"", say("a film in it: {reason}", reason=error))
        if kind in VIDEOS or head.startswith(_SOUNDS) or head[8:12] in (b"WAVE", b"AIFF", b"AIFC"):
            return self._sound(name, data, read)
        if kind == "office":
            return self._document(name, data)
        if kind == "gzip":
            return self._packed(name, data, read)
        if kind is not None:
            if kind in ARCHIVES:
                return Gone(name, b"", say("an archive in the document is left out"))
            return Gone(name, BLANK_PNG, say("it cannot be read here ({kind})", kind=kind))
        if head.startswith(COMPOUND):
            return self._compound(name, data)
        if metafiles.is_emf(head) or metafiles.is_wmf(head):
            return self._drawing(name, data, read)
        if head.startswith((_WDP, _SVM, *_EPS)) or data[522:528] == _PICT:
            return Gone(name, BLANK_PNG, say("it is a picture that cannot be read here"))
        return self._text(name, data, read)

    def _document(self, name: str, data: bytes) -> Node:
        if self._budget.depth >= DEEPEST:
            raise LimitError(say("documents lie too deep in each other"))
        budget = replace(self._budget, depth=self._budget.depth + 1)
        try:
            return self._open(data, name, budget)
        except LimitError:
            raise
        except FaceVeilError as error:
            return Gone(name, empty_compound(), say("a document in it: {reason}", reason=error))
        finally:
            self._budget.bytes, self._budget.parts = budget.bytes, budget.parts

    def _compound(self, name: str, data: bytes) -> Node | None:
        if name.rpartition("/")[2] not in _MACROS:
            return Gone(name, empty_compound(), say("an embedded object is left out"))
        if _FORM in data:
            raise UnsupportedError(
                say(
                    "the macros of the document have windows of their own, which may hold pictures"
                ),
                say("Save it without macros, and give that to FaceVeil."),
            )
        self._budget.notes[say("macros are kept as they are")] = None
        return None

    def _sound(self, name: str, data: bytes, read: Read) -> Node | None:
        """A sound, in which there may be pictures: covers of albums."""
        if not self._sounds:
            return Gone(name, b"", say("a sound is left out"))
        node = self._binary(name, data, read)
        if isinstance(node, Nest):
            node.build = lambda new: b""
        return node

    def _packed(self, name: str, data: bytes, read: Read) -> Node | None:
        """A drawing that is packed: SVGZ, EMZ, WMZ."""

        def unpacked() -> bytes:
            worker = zlib.decompressobj(31)
            plain = worker.decompress(read(), _LARGEST)
            if worker.unconsumed_tail:
                raise LimitError(say("a part of the document unpacks to too much"))
            return plain

        try:
            plain = unpacked()
        except zlib.error:
            return Gone(name, BLANK_PNG, say("it is damaged"))
        self._budget.bytes -= len(plain)
        if self._budget.bytes < 0:
            raise LimitError(say("a part of the document unpacks to too much"))
        node = self.part(name, plain, unpacked)
        if node is None or isinstance(node, Gone):
            return node

        def build(new: Mapping[Any, bytes | None]) -> bytes:
            return gzip.compress(new[0] or b"", mtime=0)

        return Nest(name, {0: node}, build)

    def _drawing(self, name: str, data: bytes, read: Read) -> Node | None:
        blank = blank_emf if metafiles.is_emf(data[:HEAD]) else blank_wmf
        why = say("it is a drawing that cannot be looked at, and is replaced by a blank one")
        try:
            pictures = metafiles.bitmaps(data)
        except metafiles.UnwalkableError:
            return Gone(name, blank(data), why)
        inner: dict[Any, Node] = {}
        for number, picture in enumerate(pictures):
            _, kind = kind_of(picture)
            if kind not in IMAGES:
                return Gone(name, blank(data), why)

            def again(number: int = number) -> bytes:
                return metafiles.bitmaps(read())[number]

            inner[number] = Still(f"{name}#{number + 1}", kind, again, fixed=True)
        if not inner:
            return None
        return Nest(name, inner, lambda new: blank(read()))

    def _text(self, name: str, data: bytes, read: Read) -> Node | None:
        """A text, or what is of no kind known here, with pictures written as letters."""
        plain, code = narrowed(data)
        if plain.lstrip()[:1] == b"<" and b"<!ENTITY" in plain:
            if b"<svg" in plain:
                why = say("it is a drawing with entities, and is replaced by a blank one")
                return Gone(name, BLANK_SVG, why)
            raise UnsupportedError(
                say("a part of the document declares entities ({name})", name=name),
                say("Save it again with a newer program, and give that to FaceVeil."),
            )
        if plain.lstrip()[:5].lower() == b"{\\rtf" and any(one in plain.lower() for one in _HEX):
            raise UnsupportedError(
                say("it holds a text in RTF with pictures ({name})", name=name),
                say("Save it again with a newer program, and give that to FaceVeil."),
            )
        inner: dict[Any, Node] = {}
        for number, run in enumerate(runs(plain), 1):
            place = run.start

            def again(place: int = place) -> bytes:
                text, _ = narrowed(read())
                return next(one.data for one in runs(text) if one.start == place)

            node = self.part(f"{name}#{number}", run.data, again)
            if node is not None:
                inner[place] = node
        if inner:

            def build(new: Mapping[Any, bytes | None]) -> bytes:
                text, _ = narrowed(read())
                return widened(replaced(text, {at: one or b"" for at, one in new.items()}), code)

            return Nest(name, inner, build)
        return None if not _is_binary(plain) else self._binary(name, data, read)

    def _binary(self, name: str, data: bytes, read: Read) -> Node | None:
        """A part of no kind known here: pictures may begin anywhere in it."""
        inner: dict[Any, Node] = {}
        for sign in (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8"):
            at = data.find(sign)
            while at >= 0:
                _, kind = kind_of(data[at : at + HEAD])
                if kind in IMAGES and _opens(kind, data[at:]):
                    end = at + _length(kind, data[at:])

                    def again(at: int = at, end: int = end) -> bytes:
                        return read()[at:end]

                    inner[at] = Still(f"{name}#{len(inner) + 1}", kind, again, fixed=True)
                at = data.find(sign, at + 1)
        if not inner:
            return None

        def build(new: Mapping[Any, bytes | None]) -> bytes:
            raise UnsupportedError(
                say(
                    "it shows a face, or has metadata, where nothing can be painted ({name})",
                    name=name,
                ),
                say("Take that out of the document first."),
            )

        return Nest(name, inner, build)


def _moves(data: bytes, kind: str) -> bool:
    """Whether there are moving pictures in a file that may be a sound."""
    from faceveil.media.videos.containers import open_input, picture_stream

    with open_input(data, kind) as container:
        return picture_stream(container) is not None


def _is_binary(data: bytes) -> bool:
    return b"\0" in data[:HEAD]


def _length(kind: str, data: bytes) -> int:
    """Bytes of a picture with other data behind it; all of them where its end is not known."""
    if kind == "png":
        end = data.find(b"IEND")
        return end + 8 if end > 0 else len(data)
    at = 2
    while kind == "jpeg" and data[at : at + 1] == b"\xff":
        if data[at + 1] == 0xDA:
            end = data.find(b"\xff\xd9", at)
            return end + 2 if end > 0 else len(data)
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return len(data)


def _opens(kind: str, data: bytes) -> bool:
    """Whether a picture really begins here."""
    from faceveil.media.pictures.pillow import decoding, open_picture

    try:
        with decoding(kind):
            open_picture(kind, data, 1 << 28).load()
    except FaceVeilError:
        return False
    return True
