"""A document with its faces covered: every part that shows none keeps its bytes."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from faceveil.errors import OutputError, UsageError
from faceveil.frames import Frame, Span
from faceveil.i18n import say
from faceveil.media.documents.blanks import BLANK_PNG
from faceveil.media.documents.document import DocumentSource, Ensemble, Shown
from faceveil.media.documents.nodes import Clip, Node
from faceveil.media.documents.pdf_carry import Patch, areas_of
from faceveil.media.documents.proof import Painted, require_gone
from faceveil.media.kinds import SUFFIXES
from faceveil.media.leftovers import leftovers
from faceveil.media.metadata.blocks import lean_png
from faceveil.media.noting import Noting
from faceveil.media.part import PartFile, cannot_write, scratch_beside
from faceveil.media.pictures.exif import SIDEWAYS, exif_orientation, read_exif
from faceveil.media.pictures.image import ImageSource
from faceveil.media.pictures.image_write import ImageSink, written_as
from faceveil.media.pictures.pillow import decoding, open_picture
from faceveil.plan import Media
from faceveil.system.closing import Aborting

if TYPE_CHECKING:
    from faceveil.media import Source
    from faceveil.options import Options


def output_suffix(media: Media, name: str = "") -> str:
    """The suffix of an output: the usual one of the document's form, as its name spells it."""
    suffix = Path(name).suffix
    return suffix if suffix.lower() == f".{media.format}" else f".{media.format}"


def require_suffix(target: Path, media: Media) -> None:
    """Refuse a name of another form: nothing is converted here.

    Raises:
        UsageError: the name has another suffix.
    """
    if target.suffix.lower() != f".{media.format}":
        raise UsageError(
            say(
                "{name} cannot be written: the document stays a {format}",
                name=target.name,
                format=media.format.upper(),
            ),
            say("Give the output the suffix of the input; a folder is named with / at its end."),
        )


class DocumentSink(Noting, Aborting):
    """Writes a document; meets ``faceveil.media.Sink``.

    Each painted picture is written by the sink of pictures, in its own format, and takes the place
    of the old one. So does a picture with metadata. All others go over as they are.

    Raises:
        UsageError: the target is the input, or has the suffix of another form.
        OutputError: the folder is missing or cannot be written to.
    """

    spoilt = False

    def __init__(self, target: Path, source: Source, options: Options) -> None:
        super().__init__()
        require_suffix(target, source.media)
        self._source, self._options = cast("DocumentSource", source), options
        self._part = PartFile(target, self._source.path)
        try:
            self._scratch = scratch_beside(target)
        except OutputError:
            self._part.abort()
            raise
        self._of = {index: one for one in self._source.shown for index in one.frames}
        self._new: dict[Node, bytes] = dict.fromkeys(self._source.broken, BLANK_PNG)
        self._patches: dict[Shown, list[Patch]] = defaultdict(list)
        self._undecided: set[Shown] = set()
        self._painted: list[Painted] = []
        self._picture: _PictureSink | None = None
        self.copied = 0
        self._finished = False

    def put(self, film: Clip, data: bytes) -> None:
        """Take other bytes for a film."""
        self._new[film] = data

    def keep(self, times: Sequence[int], touched: Collection[int]) -> Sequence[Span]:
        """The pictures that go over as they are: nothing is painted in them, and nothing hides."""
        changed = set(touched)
        scenes = self._source.scenes
        on_scenes = {one for at in changed & set(range(len(scenes))) for one in scenes[at].shown}
        spans = [Span(range(at, at + 1), 0, 0) for at in range(len(scenes)) if at not in changed]
        for one in self._source.shown:
            if one.clean and changed.isdisjoint(one.frames) and self._source.is_whole(one):
                if one in on_scenes:  # whether paint there is on this one is not known yet
                    self._undecided.add(one)
                else:
                    spans.append(Span(one.frames, 0, 0))
        self.copied = sum(len(span.frames) for span in spans)
        return spans

    def write(self, frame: Frame) -> None:
        """Write a frame of a picture; the last one completes it.

        Raises:
            OutputError: the format cannot hold it, or the disk is full.
        """
        if frame.index < len(self._source.scenes):
            self._carry(self._source.scenes[frame.index], frame)
            return
        shown = self._of[frame.index]
        if shown in self._undecided and shown not in self._patches:
            self.copied += 1
            return
        for patch in self._patches.get(shown, ()):
            patch.apply(frame.image)
            x0, y0, x1, y1 = map(int, patch.box.as_tuple())
            if frame.alpha is not None:
                frame.alpha[y0:y1, x0:x1][patch.mask] = 255
            frame.painted += (patch.box,)
        if frame.damaged:
            self._blank(shown)
            return
        if not frame.painted and (lean := _lean(shown)) is not None:
            self._new.update(dict.fromkeys(shown.places, lean))
            return
        if self._picture is None or self._picture.shown is not shown:
            self._close_picture()
            self._picture = _PictureSink(shown, self._scratch, self._options)
        self._picture.write(frame)

    def _carry(self, scene: Ensemble, frame: Frame) -> None:
        """Take what was painted on pictures side by side for each of them."""
        if not frame.painted:
            return
        for area in areas_of(scene.image(self._options), frame.image, frame.painted):
            for number, one in enumerate(scene.shown):
                patch = scene.collage.patch(area, number, one.size)
                if patch is not None:
                    self._patches[one].append(patch)

    def _blank(self, shown: Shown) -> None:
        """Replace a picture that cannot be decoded by a blank one."""
        name = shown.places[0].name
        why = say("it is replaced by a blank one: {reason}", reason=say("it is damaged"))
        self._warnings[say("{name}: {what}", name=name, what=why)] = None
        self._new.update(dict.fromkeys(shown.places, BLANK_PNG))
        if self._picture is not None and self._picture.shown is shown:
            self._picture.close()
            self._picture = None

    def _close_picture(self) -> None:
        picture, self._picture = self._picture, None
        if picture is None:
            return
        name, data = picture.shown.places[0].name, picture.finish()
        self._notes.update(dict.fromkeys(picture.notes))
        for what in picture.warnings:
            self._warnings[say("{name}: {what}", name=name, what=what)] = None
        if any(place.fixed for place in picture.shown.places):
            why = (
                say("it shows a face, and what holds it is replaced by something blank")
                if picture.proof
                else say("it has metadata, and what holds it is replaced by something blank")
            )
            self._warnings[say("{name}: {what}", name=name, what=why)] = None
        if picture.proof:
            self._painted.append(picture.proof)
        self._new.update(dict.fromkeys(picture.shown.places, data))

    def finish(self) -> Path:
        """Complete the temporary file and return its name.

        Raises:
            OutputError: the disk is full, or something of a painted picture is left.
        """
        if self._finished:
            return self._part.path
        self._close_picture()
        try:
            self._source.package.write(self._part.file, self._new)
        except OSError as error:
            raise cannot_write(error) from error
        path = self._part.close()
        require_gone(path, self._painted, self._options)
        self._finished = True
        return path

    def commit(self) -> Path:
        """Give the file its final name and return that."""
        self.finish()
        shutil.rmtree(self._scratch, ignore_errors=True)
        return self._part.commit()

    def abort(self) -> None:
        """Remove everything written. Does nothing after ``commit``."""
        if self._picture is not None:
            self._picture.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._part.abort()


def _lean(shown: Shown) -> bytes | None:
    """A PNG in which nothing is painted, freed of what is no picture, or None for all others.

    Coded anew it would get no better, and might be scaled a little otherwise.
    """
    first = shown.places[0]
    if first.kind != "png" or len(shown.frames) > 1:
        return None
    data = lean_png(first.read())
    return data if data is not None and not leftovers(data) else None


class _PictureSink:
    """Writes one picture of a document, with all its frames."""

    def __init__(self, shown: Shown, scratch: Path, options: Options) -> None:
        self.shown = shown
        self._source: ImageSource = shown.open(options)
        self._target = scratch / f"picture{SUFFIXES[written_as(self._source.media)][0]}"
        self._sink = ImageSink(self._target, self._source, options)
        self._painted: set[int] = set()
        self.proof: Painted | None = None
        self._turned = False

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self._source.notes, *self._sink.notes)

    @property
    def warnings(self) -> tuple[str, ...]:
        turned = (say("it was stored lying, and may be shown stretched"),) if self._turned else ()
        return (*self._sink.warnings, *turned)

    def write(self, frame: Frame) -> None:
        index = frame.index
        frame.index = self.shown.frames.index(index)
        if frame.painted:
            self._painted.add(frame.index)
        try:
            self._sink.write(frame)
        finally:
            frame.index = index

    def finish(self) -> bytes:
        """The bytes of the picture."""
        self._sink.commit()
        data = self._target.read_bytes()
        self._target.unlink()
        self._turned = _is_lying(self.shown.places[0].read()) != _is_lying(data)
        if self._painted:
            self.proof = Painted.of(self.shown.places[0].read(), self._source, self._painted)
        self.close()
        return data

    def close(self) -> None:
        self._sink.abort()
        self._source.close()


def _is_lying(data: bytes) -> bool:
    """Whether EXIF turns a JPEG by a quarter: programs for documents ignore that."""
    if not data.startswith(b"\xff\xd8"):
        return False
    with decoding("jpeg"):
        picture = open_picture("jpeg", data, 1 << 40)
        return exif_orientation(read_exif(picture)) in SIDEWAYS
