"""Documents in a zip: office files (ISO/IEC 29500), OpenDocument, EPUB."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, Literal, NamedTuple

from faceveil.errors import LimitError, UnreadableError, UnsupportedError
from faceveil.i18n import say
from faceveil.media.advice import APART, COMPLETE
from faceveil.media.archives.archive import OLDEST, Archive
from faceveil.media.archives.entries import Member
from faceveil.media.archives.zips import ZipReader
from faceveil.media.documents.accounts import new_numbers, tells_authors
from faceveil.media.documents.edits import (
    MANIFEST,
    TYPES,
    Edits,
    attributes,
    key_of_part,
    relationships,
    target_of,
)
from faceveil.media.documents.nodes import Budget, Gone, Nest, New, Node, Still, changes
from faceveil.media.documents.recognize import suffix_of
from faceveil.media.documents.texts import encoding_refusal, entities_refusal, is_readable, narrowed
from faceveil.media.documents.traces import BUYER, PROPERTIES, what_leads_there
from faceveil.media.documents.walk import Walker
from faceveil.options import Options
from faceveil.system.closing import Closing

_SIGNED: Final = ("_xmlsignatures/", "meta-inf/documentsignatures.xml", "meta-inf/macrosignatures")
_SIGNATURE: Final = "/digital-signature/"
"""In the types of relationships that lead to signatures."""
_PIECE: Final = re.compile(r"/\[\d+\](?:\.last)?\.piece$", re.IGNORECASE)
"""The end of the name of a piece of a part (ISO/IEC 29500-2, 7.2.4)."""
_TRASH: Final = "[trash]/"
"""The folder in which PowerPoint leaves remnants of what was deleted; no parts."""
_HIDING_FONTS: Final = (
    b"http://www.idpf.org/2008/embedding",
    b"http://ns.adobe.com/pdf/enc#RC",
)
"""Algorithms that hide the fonts of a book, and nothing else."""
_THUMBNAIL: Final = "/thumbnail"
_LINKED: Final = {"picture": ("/image", "/slicerimage"), "film": ("/video", "/audio", "/media")}
"""Ends of the types of relationships that lead to pictures, and to films and sounds."""
_TYPED: Final = re.compile(rb"<(?:\w+:)?(?:Override|Default|item)\s[^>]*>", re.IGNORECASE)
_BOOK: Final = re.compile(r"\.opf$", re.IGNORECASE)
_PICTURE: Final = re.compile(
    r"\.(?:ico|cur|tga|pcx|p[abgnp]m|x[bp]m|ras|sgi|rgb|dds|ps[db]|icns|met|pcd|qoi|jxl|jls|hdr|exr"
    r"|fits?|pct|pict|wdp|jxr)$",
    re.IGNORECASE,
)
"""Suffixes of pictures that programs show and that are not read here."""


class _Relation(NamedTuple):
    """A relationship that leads to a part.

    Attributes:
        kind: its type, in lower case.
        rels: the part that it stands in; ``id``: what the part with it calls it.
    """

    kind: str
    target: str
    rels: str
    id: str


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
            self._names = {key_of_part(name): name for name in self._members}
            self._links = tuple(self._read_links())
            types = self._text(TYPES)
            mimetype = self._text("mimetype").decode("ascii", "replace").strip()
            try:
                self.suffix = suffix_of(narrowed(types)[0].decode("utf-8", "replace"), mimetype)
            except UnsupportedError:
                if not (
                    budget.depth and types
                ):  # what Word packs into a text has a form of its own
                    raise
                self.suffix = ""
            self._refuse()
            self._shown = self._read_shown(types)
            dropped = self._dropped()
            numbers = new_numbers(
                narrowed(self._text(link.target))[0]
                for link in self._links
                if tells_authors(link.kind)
            )
            self._edits = Edits(types, self.suffix, dropped, self._unlinked(dropped), numbers)
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
            raise LimitError(
                say("the document and those in it have too many or too large parts"),
                APART,
            )
        members = {str(one.name): one for one in self._archive.members}
        if len(set(map(key_of_part, members))) < len(self._archive.members):
            raise UnsupportedError(
                say("several parts of the document have one name"),
                say("Save it again with the program that it is for."),
            )
        if any(map(_PIECE.search, members)):
            raise UnsupportedError(
                say("parts of the document are stored in pieces"),
                say("Save it again with the program that it is for."),
            )
        return members

    def _text(self, name: str) -> bytes:
        """The bytes of a part, however its name is written; none if there is no such part."""
        known = self._names.get(key_of_part(name))
        return b"" if known is None else self._archive.read(self._members[known])

    def _refuse(self) -> None:
        """Refuse what must not be opened or changed."""
        manifest = narrowed(self._text(MANIFEST))[0]
        if b"encryption-data" in manifest or b"EncryptedKey" in manifest:
            raise UnsupportedError(
                say("the document is encrypted"),
                say("Save a copy without a password, and give that to FaceVeil."),
            )
        hidden = narrowed(self._text("META-INF/encryption.xml"))[0]
        ways = len(re.findall(rb"EncryptionMethod\s", hidden))
        if "meta-inf/rights.xml" in self._names or ways > sum(
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
        if self.suffix == ".epub":
            return []
        named = [name for key, name in self._names.items() if key.startswith(_SIGNED)]
        linked = [link.target for link in self._links if _SIGNATURE in link.kind]
        return [*dict.fromkeys([*named, *linked])]

    def _read_links(self) -> Iterator[_Relation]:
        for name, part in self._members.items():
            if name.casefold().endswith(".rels"):
                for one in relationships(narrowed(self._archive.read(part))[0]):
                    target = self._names.get(key_of_part(target_of(name, one.get("Target", ""))))
                    if target is not None and one.get("TargetMode") != "External":
                        yield _Relation(
                            one.get("Type", "").lower(), target, name, one.get("Id", "")
                        )

    def pictured(self) -> Iterator[tuple[str, bytes, Mapping[str, str]]]:
        """The parts that may place several pictures: name, text, and which picture has what name
        in it.
        """
        pictures = {name for name, node in self.inner.items() if isinstance(node, Still)}
        if self.suffix.startswith(".o"):
            known = {name: name for name in pictures}
            for name in ("content.xml", "styles.xml"):
                yield name, narrowed(self._text(name))[0], known
            return
        by_part: dict[str, dict[str, str]] = {}
        for link in self._links:
            if link.target in pictures:
                by_part.setdefault(link.rels, {})[link.id] = link.target
        for rels, linked in by_part.items():
            name = _owner(rels)
            if len(set(linked.values())) > 1:
                yield name, narrowed(self._text(name))[0], linked

    def _dropped(self) -> dict[str, str]:
        """The parts that are not kept, and what they are."""
        gone: dict[str, str] = dict.fromkeys(self._signatures(), say("signature"))
        for link in self._links:
            if link.kind.endswith(_THUMBNAIL):
                gone[link.target] = say("thumbnail")
            elif what := what_leads_there(link.kind):
                gone[link.target] = what
        for key, name in self._names.items():
            if key.startswith("thumbnails/") and self.suffix.startswith(".o"):
                gone[name] = say("thumbnail")
            if self.suffix == ".epub" and BUYER.fullmatch(key):
                gone[name] = PROPERTIES
            if key.startswith(_TRASH) and TYPES.casefold() in self._names:
                gone[name] = say("remnant")
        return gone

    def _unlinked(self, dropped: Collection[str]) -> dict[str, set[str]]:
        """The ids by which each part calls parts that are not kept."""
        found: dict[str, set[str]] = {}
        for link in self._links:
            if link.target in dropped:
                found.setdefault(_owner(link.rels), set()).add(link.id)
        return found

    def _look(self, part: Member, walker: Walker) -> None:
        name = str(part.name)
        if name in self.inner:
            return
        data = self._archive.read(part)
        if name.casefold().endswith((".rels", ".xml", ".vml")):
            text = narrowed(data)[0]
            if self.suffix != ".epub" and b"<!DOCTYPE" in text and name != MANIFEST:
                raise entities_refusal(name)
            if not is_readable(text):
                raise encoding_refusal(name)
        again, called = partial(self._archive.read, part), self._called(name)
        node = walker.part(self._within + name, data, again, called)
        if node is not None:
            self.inner[name] = node
        self._beside.update(dict.fromkeys(self._edits(name, data)[1]))

    def _called(self, name: str) -> Literal["picture", "film", ""]:
        """The thing that the document says a part is, in whatever format."""
        if name in self._shown["picture"] or _PICTURE.search(name):
            return "picture"
        return "film" if name in self._shown["film"] else ""

    def _read_shown(self, types: bytes) -> dict[str, set[str]]:
        """The parts that are said to be pictures or films: by links, by types, and in books."""
        shown: dict[str, set[str]] = {"picture": set(), "film": set()}
        for link in self._links:
            for what, ends in _LINKED.items():
                if link.kind.endswith(ends):
                    shown[what].add(link.target)
        texts = [(TYPES, narrowed(types)[0])]
        texts += [(one, narrowed(self._text(one))[0]) for one in self._members if _BOOK.search(one)]
        for place, text in texts:
            for found in _TYPED.finditer(text):
                given = attributes(found[0])
                kind = (given.get("ContentType") or given.get("media-type") or "").lower()
                sort = {"image": "picture", "video": "film", "audio": "film"}.get(
                    kind.partition("/")[0]
                )
                if sort is None:
                    continue
                if "Extension" in given:
                    end = f".{given['Extension'].casefold()}"
                    shown[sort] |= {one for one in self._members if one.casefold().endswith(end)}
                else:
                    inner = posixpath.join(posixpath.dirname(place), given.get("href", ""))
                    named = given.get("PartName") or posixpath.normpath(inner)
                    if (known := self._names.get(key_of_part(named))) is not None:
                        shown[sort].add(known)
        return shown

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


def _owner(rels: str) -> str:
    """The part whose relationships stand in a part."""
    path = PurePosixPath(rels)
    return str(path.parent.parent / path.stem)


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
        raise UnreadableError(say("the document is damaged"), COMPLETE) from error
