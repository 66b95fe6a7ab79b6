"""A document as a source of frames: its pictures, together where they adjoin, then one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceveil.errors import LimitError, UnreadableError, UnsupportedError
from faceveil.frames import Frame, Image, Span
from faceveil.i18n import say
from faceveil.media.documents import pdf_remains
from faceveil.media.documents.collage import Collage, collages_in
from faceveil.media.documents.edits import LINKS
from faceveil.media.documents.heads import Head, head_of
from faceveil.media.documents.nodes import Clip, Gone, Nest, Still, leaves
from faceveil.media.documents.package import Package, open_package
from faceveil.media.leftovers import BROKEN, leftovers
from faceveil.media.noting import Noting
from faceveil.media.pictures.image import ImageSource
from faceveil.plan import DocumentPart, Media
from faceveil.report import Report
from faceveil.system.closing import Closing

if TYPE_CHECKING:
    from faceveil.options import Options

_GREY, _WHITE = 128, 255


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of a document, and all the places in which it is stored.

    Attributes:
        places: the first names it. All have the same bytes.
        frames: which of the source's are its own: several for an animation or pages.
        size: width and height of the first, as displayed.
        clean: it holds nothing beside the picture.
    """

    places: tuple[Still, ...]
    frames: range
    size: tuple[int, int]
    clean: bool

    def open(self, options: Options) -> ImageSource:
        """The picture itself.

        Raises:
            InputError: it cannot be read.
        """
        first = self.places[0]
        return ImageSource(first.read(), first.kind, options)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Pictures of a document that lie side by side: a face may be cut into them.

    Attributes:
        collage: as they lie.
        shown: the picture in each of its places.
    """

    collage: Collage
    shown: tuple[Shown, ...]

    def image(self, options: Options) -> Image:
        """All together; grey where one cannot be decoded."""
        return self.collage.image([_on_white(one, options) for one in self.shown])


def _on_white(one: Shown, options: Options) -> Image:
    width, height = one.size
    try:
        with one.open(options) as picture:
            frame = next(picture.frames())
    except (UnreadableError, UnsupportedError):
        return np.full((height, width, 3), _GREY, np.uint8)
    return frame.on(_WHITE).image


@dataclass(frozen=True, slots=True)
class Reworked:
    """A film or PDF of a document after it was worked on.

    Attributes:
        data: its new bytes.
        report: of that work; None if nothing could be done with it.
        warnings: beside those of the report.
    """

    data: bytes
    report: Report | None = None
    warnings: tuple[str, ...] = ()


class DocumentSource(Noting, Closing):
    """The pictures of a document; meets ``faceveil.media.Source``.

    A picture that is stored several times is one frame. Each is a frame of its own size, at time 0,
    as the pages of a TIFF are.

    Attributes:
        path: that of the file, or None for bytes.
        package: the document.
        scenes: pictures that lie side by side, put together; the first frames.
        shown: its pictures.
        broken: pictures that cannot be read; they are replaced.
        gone: what is not kept.
        films: with PDFs; each is worked on by itself. ``veiled``: what became of it.
        damaged: frames whose picture turned out to be broken when it was decoded.

    Raises:
        UnsupportedError: encrypted, signed, or of a form that is not handled.
        UnreadableError: damaged.
        LimitError: larger than the options allow.
    """

    time_base = Fraction(1, 1000)

    def __init__(self, origin: Path | bytes, kind: str, options: Options) -> None:
        super().__init__()
        self.path = origin if isinstance(origin, Path) else None
        self._options = options
        self.package, found = open_package(origin, options)
        try:
            self.scenes: list[Ensemble] = []
            self.shown: list[Shown] = []
            self.broken: list[Still] = []
            self.gone: list[Gone] = []
            self.films: list[Clip] = []
            self.veiled: dict[Clip, Reworked] = {}
            self.damaged: set[int] = set()
            self._whole: set[int] = set()
            self._notes |= found.notes
            self._warnings |= found.warnings
            self._dropped = dict.fromkeys(found.beside)
            if LINKS in found.beside:
                self._warnings[say("links to pictures that lie elsewhere are taken out")] = None
            self.media = self._read(self.package)
        except BaseException:
            self.close()
            raise

    @property
    def dropped(self) -> tuple[str, ...]:
        return tuple(self._dropped)

    def _read(self, package: Package) -> Media:
        """Look at the head of every picture."""
        alike: dict[str, list[Still]] = {}
        for leaf in leaves(Nest("", package.inner, package.built)):
            if isinstance(leaf, Still):
                alike.setdefault(leaf.sha256, []).append(leaf)
            elif isinstance(leaf, Gone):
                self.gone.append(leaf)
                if leaf.why:
                    self._warn(leaf.name, leaf.why)
            else:
                self.films.append(leaf)
                self._dropped.update(dict.fromkeys(_beside(leaf)))
        heads: list[tuple[list[Still], Head]] = []
        for places in alike.values():
            first = places[0]
            try:
                head = head_of(first.read(), first.kind, self._options)
            except LimitError:
                raise
            except (UnreadableError, UnsupportedError) as error:
                self.broken += places
                self._warn(first.name, say("it is replaced by a blank one: {reason}", reason=error))
                continue
            self._dropped.update(dict.fromkeys(head.dropped))
            for what in head.warnings:
                self._warn(first.name, what)
            heads.append((places, head))
        sizes = {one.name: head.sizes[0] for places, head in heads for one in places}
        # They come first: what is painted there goes on into the pictures.
        collages = list(collages_in(package, sizes))
        parts = [DocumentPart(name, *collage.size, hidden=True) for name, collage in collages]
        by_name: dict[str, Shown] = {}
        for places, head in heads:
            begin, count, name = len(parts), len(head.sizes), places[0].name
            names = [name] if count == 1 else _numbered(name, count)
            parts += map(_part, names, head.sizes)
            clean = not head.dropped and not head.warnings
            one = Shown(tuple(places), range(begin, begin + count), head.sizes[0], clean)
            self.shown.append(one)
            by_name |= {place.name: one for place in places}
        for _, collage in collages:
            self.scenes.append(Ensemble(collage, tuple(by_name[p.part] for p in collage.placed)))
        return Media(
            "document",
            package.suffix.lstrip("."),
            max((part.width for part in parts), default=1),
            max((part.height for part in parts), default=1),
            len(parts),
            parts=tuple(parts),
            films=tuple(clip.name for clip in self.films),
        )

    def _warn(self, name: str, what: str) -> None:
        self._warnings[say("{name}: {what}", name=name, what=what)] = None

    def frames(self, skip: Sequence[Span] = ()) -> Iterator[Frame]:
        """Every picture that the sink does not take over as it is."""
        passed = {index for span in skip for index in span.frames}
        wanted = set(range(self.media.frames or 0)) - passed
        return self._some(wanted, looking=False)

    def skim(self) -> Iterator[Frame]:
        """The same as ``frames``, but nothing may be painted there."""
        return self._some(set(range(self.media.frames or 0)), looking=True)

    def key_frames(self) -> Sequence[int]:
        """All frames cost the same here."""
        return range(self.media.frames or 0)

    def sample(self, wanted: Collection[int]) -> Iterator[Frame]:
        """Only the frames with these indices."""
        return self._some(set(wanted), looking=True)

    def _some(self, wanted: set[int], *, looking: bool) -> Iterator[Frame]:
        for index, scene in enumerate(self.scenes):
            if index in wanted:
                yield Frame(index, scene.image(self._options))
        for one in self.shown:
            rest = wanted & set(one.frames)
            if not rest:
                continue
            try:
                with one.open(self._options) as picture:
                    stream = picture.skim() if looking else picture.frames()
                    for frame in stream:
                        frame.index, frame.pts = one.frames[frame.index], 0
                        if frame.index in rest:
                            rest.discard(frame.index)
                            yield frame
                    self._whole |= set(one.frames) - rest
            except (UnreadableError, UnsupportedError):
                # Its head could be read: it is covered whole.
                for index in sorted(rest):
                    width, height = self.media.parts[index].width, self.media.parts[index].height
                    self.damaged.add(index)
                    yield Frame(index, np.full((height, width, 3), _GREY, np.uint8), damaged=True)

    def is_whole(self, one: Shown) -> bool:
        """Decide whether every frame of a picture can be decoded; many are known already."""
        if not self._whole.issuperset(one.frames):
            for _ in self._some(set(one.frames), looking=True):
                pass
        return self.damaged.isdisjoint(one.frames)

    def close(self) -> None:
        self.package.close()


def _beside(film: Clip) -> list[str]:
    """All that a film or a PDF holds beside what it shows."""
    if film.kind != "pdf":
        return leftovers(film.read())
    try:
        return pdf_remains.remains(film.read(), "")
    except (RecursionError, TypeError, ValueError):
        return [BROKEN]


def _part(name: str, size: tuple[int, int]) -> DocumentPart:
    return DocumentPart(name, *size)


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}@{number}" for number in range(1, count + 1)]
