"""A PDF written with its faces covered."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from faceveil.errors import OutputError, UsageError
from faceveil.frames import Frame, Image, Span
from faceveil.geometry import Box
from faceveil.i18n import say
from faceveil.media.documents.collage import Collage
from faceveil.media.documents.matrices import inverted
from faceveil.media.documents.nodes import Clip
from faceveil.media.documents.pdf_attached import put_back
from faceveil.media.documents.pdf_carry import PaintedArea, Patch, areas_of, patch_for
from faceveil.media.documents.pdf_file import save, saved
from faceveil.media.documents.pdf_flat import flatten
from faceveil.media.documents.pdf_objects import Number, is_picture, is_stream, open_pdf, stream_of
from faceveil.media.documents.pdf_pieces import number_of
from faceveil.media.documents.pdf_pixels import StoredPicture, read_stored, rewrite
from faceveil.media.documents.pdf_places import area_on_page
from faceveil.media.documents.pdf_readings import CHANGED
from faceveil.media.documents.pdf_render import Renderer
from faceveil.media.documents.pdf_spool import Spool
from faceveil.media.documents.pdf_trouble import reading
from faceveil.media.documents.pdf_words import Words
from faceveil.media.noting import Noting
from faceveil.media.part import PartFile, cannot_write
from faceveil.plan import Media
from faceveil.system.closing import Aborting

if TYPE_CHECKING:
    from pikepdf import Stream

    from faceveil.media import Source
    from faceveil.media.documents.pdf_parts import PdfPart
    from faceveil.options import Options

_GREY: Final = 128
_CODING: Final = ("/ColorSpace", "/BitsPerComponent", "/Decode", "/SMaskInData", "/DecodeParms")
"""Keys that say how a picture is coded, besides its filter."""


class PdfSink(Noting, Aborting):
    """Writes a PDF; meets ``faceveil.media.Sink``.

    Paint on a page is carried into every picture under it. A page that still shows what was to be
    covered, because it is drawn and no picture, becomes a picture itself.

    Raises:
        UsageError: the target is the input, or has the suffix of something else.
        OutputError: the folder is missing or cannot be written to.
    """

    spoilt = False

    def __init__(self, target: Path, source: Source, options: Options) -> None:
        from faceveil.media.documents.pdf_source import PdfSource

        super().__init__()
        assert isinstance(source, PdfSource)
        require_suffix(target, source.media)
        self._source, self._options = source, options
        self._part = PartFile(target, source.path)
        # Of its own, because the source is read in another thread meanwhile.
        self._before, self._pdf = (open_pdf(source.file.path) for _ in range(2))
        self._spool = Spool(self._pdf, source.file.path.parent)
        self._areas: dict[int, list[tuple[PdfPart, PaintedArea]]] = defaultdict(list)
        self._patches: dict[Number, list[Patch]] = defaultdict(list)
        self._opaque: dict[Number, list[Image]] = defaultdict(list)
        self._written: set[Number] = set()
        self._covered: dict[Number, list[Box]] = defaultdict(list)
        self._originals: dict[bytes, Number] = {}
        self._attached: dict[int, bytes] = {}
        self._frames = self.copied = 0
        self._closed = False

    def put(self, film: Clip, data: bytes) -> None:
        """Take the new bytes of an attached file; without any it stays out."""
        if not data:
            return
        self._attached[self._source.file.attached.index(film)] = data

    def keep(self, times: Sequence[int], touched: Collection[int]) -> Sequence[Span]:
        """All that is not painted stays as it is, if it is known that it can be decoded."""
        kept = [at for at in range(len(times)) if at not in touched and at in self._source.sound]
        spans = []
        for _, run in groupby(enumerate(kept), lambda pair: pair[1] - pair[0]):
            frames = [index for _, index in run]
            spans.append(
                Span(range(frames[0], frames[-1] + 1), times[frames[0]], times[frames[-1]])
            )
        self.copied = len(kept)
        return spans

    @reading()
    def write(self, frame: Frame) -> None:
        """Take a page or a picture.

        Raises:
            OutputError: it cannot be coded.
        """
        self._frames += 1
        part = self._source.layout.parts[frame.index]
        if part.pieces is not None:
            self._write_pieces(part, part.pieces, frame)
            return
        if part.picture is None:
            self._write_page(part, frame)
            return
        if part.kind == "other":
            if frame.painted:
                before = self._source.read_otherwise(part)
                self._patches[part.picture] += [
                    Patch(area.box, area.after, area.paint() > 0)
                    for area in areas_of(before, frame.image, frame.painted)
                ]
            return
        image = np.ascontiguousarray(np.rot90(frame.image, -part.turns))
        boxes = [_turned(box, -part.turns, frame.size) for box in frame.painted]
        if frame.damaged:
            self._warnings[say("a picture that cannot be decoded is covered whole")] = None
        if frame.painted or frame.damaged:
            self._write_picture(part.picture, image, boxes)

    def _write_page(self, part: PdfPart, frame: Frame) -> None:
        if not frame.painted:
            return
        onto = inverted(self._source.to_user_space(part))
        before = self._source.page_image(part)
        for area in areas_of(before, frame.image, frame.painted):
            self._areas[part.page].append((part, area))
            for place in self._source.layout.drawings[part.page].places:
                size = self._size(place.picture)
                patch = patch_for(area, onto @ place.frame, size)
                if patch is not None:
                    self._patches[place.picture].append(patch)

    def _write_pieces(self, part: PdfPart, pieces: Collage, frame: Frame) -> None:
        if not frame.painted:
            return
        before = self._source.put_together(part)
        for area in areas_of(before, frame.image, frame.painted):
            for at, one in enumerate(pieces.placed):
                number = number_of(one)
                patch = pieces.patch(area, at, self._size(number))
                if patch is not None:
                    self._patches[number].append(patch)

    def _size(self, number: Number) -> tuple[int, int]:
        stream = self._stream(number)
        return int(stream.Width), int(stream.Height)

    def _stream(self, number: Number) -> Stream:
        return stream_of(self._pdf, number)

    def _write_picture(self, number: Number, painted: Image | None, boxes: Sequence[Box]) -> None:
        """Write a picture with its own paint and that of the pages on which it is shown."""
        stream = self._stream(number)
        stored = read_stored(self._before, number)
        if stored is None:
            height, width = int(stream.Height), int(stream.Width)
            stored = StoredPicture(np.full((height, width, 3), _GREY, np.uint8))
            boxes = [Box(0, 0, width, height)]
        image = stored.image.copy() if painted is None else painted
        covered = [*boxes]
        for patch in self._patches.pop(number, ()):
            patch.apply(image)
            covered.append(patch.box)
        for opacity in self._opaque.pop(number, ()):
            _shown_where(image, opacity, stencil=bool(stream.get("/ImageMask", False)))
        self._written.add(number)
        self._covered[number] += covered
        before = stream_of(self._before, number).read_raw_bytes()
        self._originals[hashlib.sha256(before).digest()] = number
        folder = self._part.path.parent
        self._notes |= dict.fromkeys(rewrite(stream, stored, image, covered, self._options, folder))
        for key in ("/SMask", "/Mask"):
            if is_picture(mask := stream.get(key)):
                opacity = np.zeros(image.shape[:2], np.uint8)
                opacity[(image != stored.image).any(axis=2)] = 255
                self._opaque[mask.objgen].append(opacity)
        self._spool.add(number)

    @reading()
    def finish(self) -> Path:
        """Complete the temporary file.

        Raises:
            OutputError: nothing was written, or the disk is full.
        """
        if self._closed:
            return self._part.close()
        if not self._frames and not self.copied:
            raise OutputError(say("no frame was written"))
        while pending := [*self._patches, *self._opaque]:
            self._write_picture(pending[0], self._again(pending[0]), ())
        self._cover_twins()
        self._take_words()
        put_back(self._pdf, self._attached)
        self._save()
        if flat := self._showing():
            for page, image in flat.items():
                flatten(self._pdf, page, image, self._source.page_size(page))
                name = say(
                    "page {number} is now a picture, because a face on it was drawn or could not "
                    "be reached",
                    number=page + 1,
                )
                self._warnings[name] = None
            self._save()
        self._closed = True
        self._close()
        return self._part.close()

    def _again(self, number: Number) -> Image | None:
        """A picture that was written and gets more paint: as it is by now."""
        if number not in self._written:
            return None
        stored = read_stored(self._pdf, number)
        return None if stored is None else stored.image.copy()

    def _save(self) -> None:
        file = self._part.file
        try:
            file.seek(0)
            file.truncate()
            save(self._pdf, file, self._source.file.lock)
            file.flush()
        except OSError as error:
            raise cannot_write(error) from error

    def _showing(self) -> dict[int, Image]:
        """The pages that still show what was to be covered, as they should look."""
        flat: dict[int, Image] = {}
        if not self._areas:
            return flat
        made: Path | bytes = self._part.path
        if self._source.file.lock is not None:
            made = saved(self._pdf)
        kinds = {part.kind for areas in self._areas.values() for part, _ in areas}
        with ExitStack() as opened:
            changed = {kind: CHANGED[kind](made) if kind in CHANGED else made for kind in kinds}
            renderers = {kind: opened.enter_context(Renderer(pdf)) for kind, pdf in changed.items()}
            for number, areas in self._areas.items():
                shown = {
                    part: renderers[part.kind].page(number, *part.size)
                    for part in {part for part, _ in areas}
                }
                if any(area.shows(shown[part]) for part, area in areas):
                    flat[number] = self._painted(number)
        return flat

    def _painted(self, number: int) -> Image:
        """A page as rendered, without what is hidden, with all paint that was put on it."""
        part = replace(self._areas[number][0][0], kind="page")
        image = self._source.page_image(part)
        for each, area in self._areas[number]:
            if each.kind != "layers":
                x0, y0, x1, y1 = map(int, area.box.as_tuple())
                image[y0:y1, x0:x1] = area.after
        return image

    def _cover_twins(self) -> None:
        """Give a picture that is stored twice its paint in both places.

        Of strips each may have a second copy that no page shows, which nobody looks for a face in.
        """
        for one in self._pdf.objects:
            if not is_stream(one) or one.objgen in self._written or not self._originals:
                continue
            number = self._originals.get(hashlib.sha256(one.read_raw_bytes()).digest())
            if number is None:
                continue
            painted = self._stream(number)
            for key in _CODING:
                if key in one:
                    del one[key]
                if key in painted:
                    one[key] = painted[key]
            used: Any = painted.get("/Filter")
            parms: Any = painted.get("/DecodeParms")
            one.write(painted.read_raw_bytes(), filter=used, decode_parms=parms)

    def _take_words(self) -> None:
        """Take out the unseen text under what is covered."""
        words = Words(self._pdf)
        for number, drawing in enumerate(self._source.layout.drawings):
            covered = [
                area_on_page(place, box, self._size(place.picture))
                for place in drawing.places
                for box in self._covered.get(place.picture, ())
            ]
            if covered and words.add(number, self._source.drawn(number), covered):
                note = say(
                    "page {number}: recognized text is taken out where it is covered",
                    number=number + 1,
                )
                self._notes[note] = None
        words.apply()

    def commit(self) -> Path:
        """Give the file its final name and return that."""
        self.finish()
        return self._part.commit()

    def abort(self) -> None:
        """Remove everything written. Does nothing after ``commit``."""
        self._close()
        self._part.abort()

    def _close(self) -> None:
        self._before.close()
        self._pdf.close()


def require_suffix(target: Path, media: Media) -> None:
    """Refuse the name of an output that says it is something else.

    Raises:
        UsageError: it does.
    """
    if target.suffix.lower() not in (".pdf", ""):
        raise UsageError(
            say("{name} cannot be written: a PDF stays a PDF", name=target.name),
            say("Name the output .pdf."),
        )


def _shown_where(mask: Image, opacity: Image, *, stencil: bool) -> None:
    """Make what is painted opaque in a mask, which may be of another size.

    A mask that is the same all over it shows no outline of a head, and stays.
    """
    height, width = mask.shape[:2]
    shown = cv2.resize(opacity, (width, height), interpolation=cv2.INTER_NEAREST) > 0
    shown |= cv2.resize(opacity, (width, height), interpolation=cv2.INTER_AREA) > 0
    if shown.any() and np.ptp(mask[shown]):
        mask[shown] = 0 if stencil else 255


def _turned(box: Box, turns: int, size: tuple[int, int]) -> Box:
    """A box after so many quarter turns to the left of a picture of this size."""
    x0, y0, x1, y1 = box.as_tuple()
    width, height = size
    for _ in range(turns % 4):
        x0, y0, x1, y1 = y0, width - x1, y1, width - x0
        width, height = height, width
    return Box(x0, y0, x1, y1)
