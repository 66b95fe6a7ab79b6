"""Documents in a zip: office files (ISO/IEC 29500), OpenDocument, EPUB."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

from faceveil.errors import LimitError, UnreadableError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.archives.archive import OLDEST, Archive
from faceveil.media.archives.entries import Member
from faceveil.media.archives.zips import ZipReader
from faceveil.media.documents.edits import MANIFEST, TYPES, Edits, relationships, target_of
from faceveil.media.documents.nodes import Budget, Gone, Nest, New, Node, changes
from faceveil.media.documents.recognize import suffix_of
from faceveil.media.documents.walk import Walker
from faceveil.options import Options
from faceveil.system.closing import Closing

_SIGNED: Final = ("_xmlsignatures/", "META-INF/documentsignatures.xml", "META-INF/macrosignatures")
_HIDING_FONTS: Final = (
    b"http://www.idpf.org/2008/embedding",
    b"http://ns.adobe.com/pdf/enc#RC",
)
"""Algorithms that hide the fonts of a book, and nothing else."""
_THUMBNAIL: Final = "/thumbnail"


class Package(Closing):
    """A document, with what lies in its parts.

    Attributes:
        suffix: the usual one of its form, with the dot.
        inner: the parts that hold pictures or are not kept, by name.

    Raises:
        UnsupportedError: encrypted, signed, protected, or of a form that is not handled.
        UnreadableError: damaged.
        LimitError: too many parts, or too much to unpack.
    """

    def __init__(
        self, origin: Path | bytes, options: Options, budget: Budget, name: str = ""
    ) -> None:
        self._reader = ZipReader(origin, options)
        self._archive = Archive(self._reader)
        try:
            self._options, self._within = options, f"{name}!" if name else ""
            self._members = self._parts(budget)
            types = self._text(TYPES)
            mimetype = self._text("mimetype").decode("ascii", "replace").strip()
            try:
                self.suffix = suffix_of(types.decode("utf-8", "replace"), mimetype)
            except UnsupportedError:
                if not (
                    budget.depth and types
                ):  # what Word packs into a text has a form of its own
                    raise
                self.suffix = ""
            self._refuse()
            dropped = self._dropped()
            self._edits = Edits(types, self.suffix, dropped)
            self._beside = budget.beside
            self._beside.update(dict.fromkeys(dropped.values()))
            sounds = options.audio == "copy"
            walker = Walker(partial(_nested, options=options), budget, sounds=sounds)
            self.inner: dict[Any, Node] = {one: Gone(one, None) for one in dropped}
            for part in self._members.values():
                self._look(part, walker)
        except BaseException:
            self.close()
            raise

    def _parts(self, budget: Budget) -> dict[str, Member]:
        for one in self._archive.left_out:
            raise one.error
        budget.parts -= len(self._archive.members)
        budget.bytes -= sum(one.size for one in self._archive.members)
        if budget.parts < 0 or budget.bytes < 0:
            raise LimitError(say("the document and those in it have too many or too large parts"))
        members = {str(one.name): one for one in self._archive.members}
        if len({name.casefold() for name in members}) < len(self._archive.members):
            raise UnsupportedError(
                say("several parts of the document have one name"),
                say("Save it again with the program that it is for."),
            )
        return members

    def _text(self, name: str) -> bytes:
        return self._archive.read(self._members[name]) if name in self._members else b""

    def _refuse(self) -> None:
        """Refuse what must not be opened or changed."""
        manifest = self._text(MANIFEST)
        if b"encryption-data" in manifest or b"EncryptedKey" in manifest:
            raise UnsupportedError(
                say("the document is encrypted"),
                say("Save a copy without a password, and give that to FaceVeil."),
            )
        hidden = self._text("META-INF/encryption.xml")
        ways = hidden.count(b"EncryptionMethod ")
        if "META-INF/rights.xml" in self._members or ways > sum(
            hidden.count(one) for one in _HIDING_FONTS
        ):
            raise UnsupportedError(
                say("the document is protected by rights management"),
                say("Save a copy without it, and give that to FaceVeil."),
            )
        if self._signatures() and not self._options.invalidate_signatures:
            raise UnsupportedError(
                say("the document is signed, and any change makes the signature invalid"),
                say("Pass --invalidate-signatures to have the signature taken out."),
            )

    def _signatures(self) -> list[str]:
        names = [one for one in self._members if one.startswith(_SIGNED)]
        return names if self.suffix != ".epub" else []

    def _dropped(self) -> dict[str, str]:
        """The parts that are not kept, and what they are."""
        gone: dict[str, str] = dict.fromkeys(self._signatures(), say("signature"))
        for name in self._members:
            if name.startswith("Thumbnails/") and self.suffix.startswith(".o"):
                gone[name] = say("thumbnail")
            if not name.casefold().endswith(".rels"):
                continue
            for one in relationships(self._text(name)):
                target = target_of(name, one.get("Target", ""))
                if one.get("Type", "").endswith(_THUMBNAIL) and target in self._members:
                    gone[target] = say("thumbnail")
        return gone

    def _look(self, part: Member, walker: Walker) -> None:
        name = str(part.name)
        if name in self.inner:
            return
        data = self._archive.read(part)
        plain = self.suffix != ".epub" and name.casefold().endswith((".rels", ".xml", ".vml"))
        if plain and b"<!DOCTYPE" in data and name != MANIFEST:
            raise UnsupportedError(
                say("a part of the document declares entities ({name})", name=name),
                say("Save it again with a newer program, and give that to FaceVeil."),
            )
        node = walker.part(self._within + name, data, partial(self._archive.read, part))
        if node is not None:
            self.inner[name] = node
        self._beside.update(dict.fromkeys(self._edits(name, data)[1]))

    def write(self, file: IO[bytes], new: New) -> None:
        """Write the document with other bytes for some of its pictures.

        Raises:
            OSError: writing failed.
        """
        self._write(file, changes(self.inner, new))

    def kept(self) -> Iterator[tuple[str, bytes]]:
        """The name and the bytes of each part in which no picture was found."""
        for name, part in self._members.items():
            if name not in self.inner:
                yield name, self._archive.read(part)

    def built(self, new: Mapping[Any, bytes | None]) -> bytes:
        """The bytes of the document with other bytes for some of its parts."""
        file = io.BytesIO()
        self._write(file, new)
        return file.getvalue()

    def _write(self, file: IO[bytes], new: Mapping[Any, bytes | None]) -> None:
        with zipfile.ZipFile(file, "w") as package:
            for name, data, packed in self._new_parts(new):
                entry = zipfile.ZipInfo(name, OLDEST)
                entry.create_system = 0
                entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
                package.writestr(entry, data)

    def _new_parts(self, new: Mapping[Any, bytes | None]) -> Iterator[tuple[str, bytes, bool]]:
        for name, part in self._members.items():
            data = new[name] if name in new else self._archive.read(part)
            if data is not None:
                yield name, self._edits(name, data)[0], self._reader.is_packed(part)

    def close(self) -> None:
        self._archive.close()


def _nested(data: bytes, name: str, budget: Budget, *, options: Options) -> Node:
    """A document in a document. It stays in memory, as the one around it is small."""
    package = Package(data, options, budget, name)
    return Nest(name, package.inner, package.built, always=True)


def open_package(origin: Path | bytes, options: Options) -> tuple[Package, Budget]:
    """A document that is no part of another.

    Raises:
        InputError: see `Package`.
    """
    budget = Budget(options.max_unpacked, options.max_entries)
    try:
        return Package(origin, options, budget), budget
    except RecursionError as error:
        raise UnreadableError(say("the document is damaged")) from error
