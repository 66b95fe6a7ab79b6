"""A document as a source of frames: its pictures, one after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from faceveil.errors import LimitError, UnreadableError, UnsupportedError
from faceveil.frames import Frame, Span
from faceveil.i18n import say
from faceveil.media.documents.edits import LINKS
from faceveil.media.documents.heads import head_of
from faceveil.media.documents.nodes import Clip, Gone, Nest, Still, leaves
from faceveil.media.documents.package import Package, open_package
from faceveil.media.leftovers import leftovers
from faceveil.media.noting import Noting
from faceveil.media.pictures.image import ImageSource
from faceveil.plan import Media
from faceveil.report import Report
from faceveil.system.closing import Closing

if TYPE_CHECKING:
    from faceveil.options import Options

_GREY: Final = 128


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of a document, and all the places in which it is stored.

    Attributes:
        places: the first names it. All have the same bytes.
        frames: which of the source's are its own: several for an animation or pages.
        size: width and height, as displayed.
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


class DocumentSource(Noting, Closing):
    """The pictures of a document; meets ``faceveil.media.Source``.

    A picture that is stored several times is one frame. Each is a frame of its own size, at time 0,
    as the pages of a TIFF are.

    Attributes:
        path: that of the file, or None for bytes.
        package: the document.
        shown: its pictures.
        broken: pictures that cannot be read; they are replaced.
        gone: what is not kept.
        films: each is worked on by itself; ``veiled``: its new bytes and its report.
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
            self.shown: list[Shown] = []
            self.broken: list[Still] = []
            self.gone: list[Gone] = []
            self.films: list[Clip] = []
            self.veiled: dict[Clip, tuple[bytes, Report]] = {}
            self.damaged: set[int] = set()
            self._whole: set[int] = set()
            self._notes |= found.notes
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
                self._dropped.update(dict.fromkeys(leftovers(leaf.read())))
        names: list[str] = []
        width = height = 1
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
            begin, count = len(names), head.frames
            names += [first.name] if count == 1 else _numbered(first.name, count)
            clean = not head.dropped and not head.warnings
            self.shown.append(Shown(tuple(places), range(begin, begin + count), head.size, clean))
            width, height = max(width, head.size[0]), max(height, head.size[1])
        return Media(
            "document",
            package.suffix.lstrip("."),
            width,
            height,
            len(names),
            parts=tuple(names),
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
                width, height = one.size
                for index in sorted(rest):
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


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}@{number}" for number in range(1, count + 1)]
