"""Find everything in the parts of a document that can show a face.

A part is known by its bytes, never by its name or by what leads to it: what nobody refers to is
looked at as well.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from faceveil.errors import FaceVeilError, LimitError, UnreadableError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.advice import APART
from faceveil.media.documents import drawings, metafiles
from faceveil.media.documents.blanks import (
    BLANK_PNG,
    BLANK_SVG,
    blank_emf,
    blank_wmf,
    empty_compound,
)
from faceveil.media.documents.compound import streams_of
from faceveil.media.documents.nodes import Budget, Clip, Gone, Nest, Node, Read, Still
from faceveil.media.documents.recognize import COMPOUND, kind_of
from faceveil.media.documents.svg import lean_svg
from faceveil.media.documents.texts import (
    SAVE_AGAIN,
    encoding_refusal,
    entities_refusal,
    is_readable,
    is_written_otherwise,
    narrowed,
    replaced,
    runs,
    widened,
    without_mark,
)
from faceveil.media.documents.within import has_pictures, pictures_in
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
_MACROS: Final = ("vbaproject.bin", "vbaprojectsignature.bin")
_FORM: Final = "VBFrame".encode("utf-16-le")
_SOUNDS: Final = (
    *(b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xfa", b"\xff\xf2", b"\xff\xf1", b"\xff\xf9"),
    *(b"fLaC", b"#!AMR", b"MThd", b".snd", b"caff", b"wvpk", b"\x0b\x77", b"MAC ", b"DSD "),
    b"riff\x2e\x91\xcf\x11",
)
_LEFT_OUT: Final = (
    (b"glTF", say("a 3D model is left out")),
    (b"Kaydara FBX Binary", say("a 3D model is left out")),
    (b"FWS", say("a program is left out")),
    (b"CWS", say("a program is left out")),
    (b"ZWS", say("a program is left out")),
)
"""The first bytes of what nobody can look at here: a head in three dimensions, Flash."""
_OF_DRAWING: Final = say("metadata of a drawing")
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

    def part(
        self, name: str, data: bytes, read: Read, called: Literal["picture", "film", ""] = ""
    ) -> Node | None:
        """The things a part holds, or None if it is to stay as it is.

        Args:
            data: its bytes.
            read: gives them again.
            called: what the document says that it is.

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
            return self._sound(name, data, read, kind)
        if kind == "office":
            return self._document(name, data)
        if kind == "gzip":
            return self._packed(name, data, read)
        if kind == "pdf":
            return Clip(name, kind, read)
        for sign, why in _LEFT_OUT:
            if head.startswith(sign):
                return Gone(name, b"", why)
        if kind is not None:
            if kind in ARCHIVES:
                return Gone(name, b"", say("an archive in the document is left out"))
            return Gone(name, BLANK_PNG, say("it cannot be read here ({kind})", kind=kind))
        if head.startswith(COMPOUND):
            return self._compound(name, data)
        if metafiles.is_emf(head) or metafiles.is_wmf(head):
            return self._drawing(name, data, read)
        is_xml = without_mark(narrowed(head)[0])[:1] == b"<"  # drawings are, and stay
        unread = "" if is_xml else called
        if head.startswith((_WDP, _SVM, *_EPS)) or data[522:528] == _PICT or unread == "picture":
            return Gone(name, BLANK_PNG, say("it is a picture that cannot be read here"))
        if unread:
            why = say("neither a picture, a video nor a document that is known here")
            return Gone(name, b"", say("a film in it: {reason}", reason=why))
        return self._text(name, data, read)

    def _document(self, name: str, data: bytes) -> Node:
        if self._budget.depth >= DEEPEST:
            raise LimitError(
                say("documents lie too deep in each other"),
                APART,
            )
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
        if name.rpartition("/")[2].casefold() not in _MACROS:
            return Gone(name, empty_compound(), say("an embedded object is left out"))
        if _FORM in data or any(map(has_pictures, (data, *streams_of(data)))):
            raise UnsupportedError(
                say(
                    "the macros of the document have windows of their own, which may hold pictures"
                ),
                say("Save it without macros, and give that to FaceVeil."),
            )
        self._budget.notes[say("macros are kept as they are")] = None
        return None

    def _sound(self, name: str, data: bytes, read: Read, kind: str | None) -> Node | None:
        """A sound, less its tags and covers. Of one that is not understood, pictures are sought."""
        if not self._sounds:
            return Gone(name, b"", say("a sound is left out"))
        from faceveil.media.videos.sound_alone import sound_alone  # needs PyAV

        alone = sound_alone(data, kind)
        if alone is None:
            what = say("a sound keeps its title and other tags")
            self._budget.warnings[say("{name}: {what}", name=name, what=what)] = None
            alone = data
        changed = alone != data
        if changed:
            self._budget.beside[say("metadata of a sound")] = None
        node = self._binary(name, alone, (lambda: alone) if changed else read)
        if isinstance(node, Nest):
            node.build = lambda new: b"" if new else alone
            node.always = changed
        elif changed:
            return Gone(name, alone)
        return node

    def _packed(self, name: str, data: bytes, read: Read) -> Node | None:
        """A drawing that is packed: SVGZ, EMZ, WMZ."""

        def unpacked() -> bytes:
            worker = zlib.decompressobj(31)
            plain = worker.decompress(read(), _LARGEST)
            if worker.unconsumed_tail:
                raise LimitError(
                    say("a part of the document unpacks to too much"),
                    APART,
                )
            if worker.unused_data:  # nothing shows it, and it may be anything
                raise zlib.error
            return plain

        try:
            plain = unpacked()
        except zlib.error:
            return Gone(name, BLANK_PNG, say("it is damaged"))
        self._budget.bytes -= len(plain)
        if self._budget.bytes < 0:
            raise LimitError(
                say("a part of the document unpacks to too much"),
                APART,
            )
        node = self.part(name, plain, unpacked)
        if node is None or (isinstance(node, Gone) and node.why):
            return node

        def build(new: Mapping[Any, bytes | None]) -> bytes:
            return gzip.compress(new[0] or b"", mtime=0)

        return Nest(name, {0: node}, build)

    def _drawing(self, name: str, data: bytes, read: Read) -> Node | None:
        blank = blank_emf if metafiles.is_emf(data[:HEAD]) else blank_wmf
        why = say("it is a drawing that cannot be looked at, and is replaced by a blank one")
        lean = metafiles.without_title(data)
        if lean != data:
            self._budget.beside[_OF_DRAWING] = None
        try:
            looks = drawings.looks_at(data)
        except metafiles.UnwalkableError:
            return Gone(name, blank(data), why)
        inner: dict[Any, Node] = {}
        for number, look in enumerate(looks):
            _, kind = kind_of(look.file)
            if kind not in IMAGES:
                return Gone(name, blank(data), why)

            def again(number: int = number) -> bytes:
                return drawings.looks_at(read())[number].file

            inner[number] = Still(f"{name}#{number + 1}", kind, again, fixed=not look.takes_paint)
        if not inner:
            return None if lean == data else Gone(name, lean)

        def build(new: Mapping[Any, bytes | None]) -> bytes:
            if any(not looks[at].takes_paint for at in new):
                return blank(read())
            try:
                whole = metafiles.without_title(read())
                return drawings.painted(whole, {at: one or b"" for at, one in new.items()})
            except metafiles.UnwalkableError:  # a picture that cannot be decoded is blank itself
                return blank(read())

        return Nest(name, inner, build, always=lean != data)

    def _text(self, name: str, data: bytes, read: Read) -> Node | None:
        """A text, or what is of no kind known here, with pictures written as letters."""
        plain, code = narrowed(data)
        if (words := without_mark(plain))[:1] == b"<" and b"<!ENTITY" in words and b"<svg" in words:
            why = say("it is a drawing with entities, and is replaced by a blank one")
            return Gone(name, BLANK_SVG, why)
        lean = lean_svg(plain)
        if lean != plain:
            self._budget.beside[_OF_DRAWING] = None
        _refuse_text(name, without_mark(lean))
        inner: dict[Any, Node] = {}
        for number, run in enumerate(runs(lean), 1):
            place = run.start

            def again(place: int = place) -> bytes:
                text = lean_svg(narrowed(read())[0])
                return next(one.data for one in runs(text) if one.start == place)

            node = self.part(f"{name}#{number}", run.data, again)
            if node is not None:
                inner[place] = node
        # In a text there is no picture as it is: each has bytes that are 0.
        bare = self._binary(name, data, read) if b"\0" in plain else None
        if bare is not None:
            inner[bare.name] = bare
        if not inner:
            return None if lean == plain else Gone(name, widened(lean, code))

        def build(new: Mapping[Any, bytes | None]) -> bytes:
            text = lean_svg(narrowed(read())[0])
            return widened(replaced(text, {at: one or b"" for at, one in new.items()}), code)

        return Nest(name, inner, build, always=lean != plain)

    def _binary(self, name: str, data: bytes, read: Read) -> Nest | None:
        """A part of no kind known here: pictures may begin anywhere in it."""
        inner: dict[Any, Node] = {}
        for at, end, kind in pictures_in(data):

            def again(at: int = at, end: int = end) -> bytes:
                return read()[at:end]

            inner[at] = Still(f"{name}#{len(inner) + 1}", kind, again, fixed=True)
        if not inner:
            return None

        def build(new: Mapping[Any, bytes | None]) -> bytes:
            raise _unpaintable(name)

        return Nest(name, inner, build)


def _refuse_text(name: str, plain: bytes) -> None:
    """Refuse a text in which pictures cannot be found or painted.

    Raises:
        UnsupportedError: it is one.
    """
    is_xml = plain[:1] == b"<"
    if is_xml and b"<!ENTITY" in plain:
        raise entities_refusal(name)
    if is_xml and not is_readable(plain):
        raise encoding_refusal(name)
    if plain[:5].lower() == b"{\\rtf" and any(one in plain.lower() for one in _HEX):
        raise UnsupportedError(
            say("it holds a text in RTF with pictures ({name})", name=name), SAVE_AGAIN
        )
    if is_written_otherwise(plain):
        raise UnsupportedError(
            say("it holds a picture that is written in a rare way ({name})", name=name), SAVE_AGAIN
        )


def _unpaintable(name: str) -> UnsupportedError:
    return UnsupportedError(
        say("it shows a face, or has metadata, where nothing can be painted ({name})", name=name),
        say("Take that out of the document first."),
    )


def _moves(data: bytes, kind: str) -> bool:
    """Whether there are moving pictures in a file that may be a sound."""
    from faceveil.media.videos.containers import open_input, picture_stream

    with open_input(data, kind) as container:
        return picture_stream(container) is not None
