"""A PDF as a source of frames: its pages as shown, then its pictures as stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faceveil.frames import Frame, Image, Span
from faceveil.media.documents.document import Reworked
from faceveil.media.documents.matrices import inverted, moved
from faceveil.media.documents.nodes import Clip
from faceveil.media.documents.pdf_file import PdfFile
from faceveil.media.documents.pdf_objects import Number, stream_of
from faceveil.media.documents.pdf_parts import Layout, PdfPart, layout_of, worth_a_look
from faceveil.media.documents.pdf_pieces import looks_alike, number_of
from faceveil.media.documents.pdf_pixels import read_stored
from faceveil.media.documents.pdf_readings import CHANGED, read_as, readings_of
from faceveil.media.documents.pdf_render import Renderer
from faceveil.media.documents.pdf_trouble import reading
from faceveil.media.documents.pdf_words import Drawn
from faceveil.plan import DocumentPart, Media
from faceveil.system.closing import Closing

if TYPE_CHECKING:
    from faceveil.options import Options

_NOTHING = 32
"""Side in pixels of what stands for a page of text when faces are looked for."""
_MARGIN = 0.02
"""Share of a page's longer side that is looked at around what it draws."""


class PdfSource(Closing):
    """The pages and the pictures of a PDF; meets ``faceveil.media.Source``.

    Attributes:
        path: that of the file, or None for bytes.
        file: the PDF freed of everything else, for the sink.
        layout: what each frame is.
        films: files that are attached to it; ``veiled``: what became of each.
        sound: the frames that need not be read again to know that they can be.

    Raises:
        UnreadableError, UnsupportedError, LimitError: see `PdfFile` and `layout_of`.
    """

    time_base = Fraction(1, 1000)
    notes: tuple[str, ...] = ()

    def __init__(self, origin: Path | bytes, kind: str, options: Options) -> None:
        self.path = origin if isinstance(origin, Path) else None
        self.sound: set[int] = set()
        self.veiled: dict[Clip, Reworked] = {}
        self._lock = Lock()
        self._changed: dict[str, Renderer] = {}
        self.file = PdfFile(origin, options)
        with ExitStack() as opened:
            opened.callback(self.file.close)
            self._renderer = opened.enter_context(Renderer(self.file.path))
            with reading():
                self.layout: Layout = layout_of(
                    self.file.pdf, self._renderer, self.file.hides, options.max_pixels
                )
            opened.pop_all()
        parts = self.layout.parts
        wide, high = (max(part.size[side] for part in parts) for side in (0, 1))
        self.films = list(self.file.attached)
        told, films = tuple(map(_told, parts)), tuple(clip.name for clip in self.films)
        self.media = Media("document", kind, wide, high, len(parts), parts=told, films=films)
        self.warnings = self.file.warnings
        self.dropped = self.file.dropped

    def frames(self, skip: Sequence[Span] = ()) -> Iterator[Frame]:
        """Every page and every picture.

        Args:
            skip: frames that the sink leaves as they are.
        """
        left_out = {index for span in skip for index in span.frames}
        for index, part in enumerate(self.layout.parts):
            if index not in left_out:
                yield self._frame(index, part)

    def skim(self) -> Iterator[Frame]:
        """The same, but a page shows nothing where it has nothing but text."""
        for index, part in enumerate(self.layout.parts):
            yield self._outlined(index, part)

    def key_frames(self) -> Sequence[int]:
        """All cost about the same."""
        return range(len(self.layout.parts))

    def sample(self, wanted: Collection[int]) -> Iterator[Frame]:
        """Those with these indices, with all that is on them."""
        for index, part in enumerate(self.layout.parts):
            if index in wanted:
                yield self._frame(index, part)

    def page_image(self, part: PdfPart) -> Image:
        """A page as rendered, unpainted."""
        if change := CHANGED.get(part.kind):
            with self._lock:
                if part.kind not in self._changed:
                    self._changed[part.kind] = Renderer(change(self.file.path))
            return self._changed[part.kind].page(part.page, *part.size)
        return self._renderer.page(part.page, *part.size)

    def to_user_space(self, part: PdfPart) -> NDArray[np.float64]:
        """(3, 3) matrix from a page's pixels to its user space."""
        return self._renderer.to_user_space(part.page, *part.size)

    def drawn(self, number: int) -> tuple[Drawn, ...]:
        """Everything that a page draws, in its order."""
        return self._renderer.drawn(number)

    def page_size(self, number: int) -> tuple[float, float]:
        """Width and height of a page as displayed, in points."""
        return self._renderer.size(number)

    def put_together(self, part: PdfPart) -> Image:
        """Pictures that adjoin, unpainted; grey where one cannot be decoded."""
        assert part.pieces is not None
        numbers = map(number_of, part.pieces.placed)
        return part.pieces.image([self._piece(one, part.kind == "other") for one in numbers])

    def read_otherwise(self, part: PdfPart) -> Image:
        """A picture as another program may show it, unpainted; grey where it has nothing there."""
        assert part.picture is not None
        assert part.reading is not None
        image = read_as(self.file.pdf, part.picture, part.reading)
        width, height = part.size
        if image is None or image.shape[:2] != (height, width):
            return np.full((height, width, 3), 128, np.uint8)
        return image

    def _piece(self, number: Number, otherwise: bool) -> Image:
        if otherwise and (readings := readings_of(stream_of(self.file.pdf, number))):
            image = read_as(self.file.pdf, number, readings[0])
            if image is not None:
                return image
        stored = read_stored(self.file.pdf, number)
        if stored is not None:
            return stored.image
        stream = stream_of(self.file.pdf, number)
        return np.full((int(stream.Height), int(stream.Width), 3), 128, np.uint8)

    @reading()
    def _frame(self, index: int, part: PdfPart) -> Frame:
        if part.pieces is not None:
            self.sound.add(index)
            return Frame(index, self.put_together(part))
        if part.picture is None:
            self.sound.add(index)
            return Frame(index, self.page_image(part))
        if part.kind == "other":
            self.sound.add(index)
            return Frame(index, self.read_otherwise(part))
        stored = read_stored(self.file.pdf, part.picture)
        if stored is None:  # nobody knows what it shows
            width, height = part.size
            return Frame(index, np.full((height, width, 3), 128, np.uint8), damaged=True)
        self.sound.add(index)
        return Frame(index, np.ascontiguousarray(np.rot90(stored.image, part.turns)))

    @reading()
    def _outlined(self, index: int, part: PdfPart) -> Frame:
        if part.picture is not None or part.pieces is not None:
            frame = self._frame(index, part)
            shown = part.kind == "pieces" and self._is_shown(part, frame.image)
            return self._blank(index) if shown else frame
        drawing = self.layout.drawings[part.page]
        if not worth_a_look(part, drawing):
            self.sound.add(index)
            return self._blank(index)
        frame = self._frame(index, part)
        if not drawing.everywhere:
            self._blank_text(frame.image, part, drawing.areas)
        return frame

    @staticmethod
    def _blank(index: int) -> Frame:
        return Frame(index, np.full((_NOTHING, _NOTHING, 3), 255, np.uint8))

    def _is_shown(self, part: PdfPart, image: Image) -> bool:
        """Whether the page on which adjoining pictures lie shows them, so that it will do."""
        if part.pieces is None or part.page < 0:
            return False
        page = next(one for one in self.layout.parts if one.page == part.page)
        return page.kind == "page" and looks_alike(part.pieces, image, self.page_image(page))

    def _blank_text(
        self, image: Image, part: PdfPart, areas: Sequence[tuple[float, float, float, float]]
    ) -> None:
        height, width = image.shape[:2]
        back, room = inverted(self.to_user_space(part)), _MARGIN * max(width, height)
        shown = np.zeros((height, width), bool)
        for area in areas:
            box = np.array(moved(back, area))
            left, top = np.floor(box[:2] - room).clip(0).astype(int)
            right, bottom = np.ceil(box[2:] + room).clip(0).astype(int)
            shown[top:bottom, left:right] = True
        image[~shown] = 255

    def close(self) -> None:
        for renderer in self._changed.values():
            renderer.close()
        self._renderer.close()
        self.file.close()


def _told(part: PdfPart) -> DocumentPart:
    """A part as a plan has it."""
    page = part.on if part.picture is not None and part.page < 0 else part.page + 1
    hidden = part.kind in ("layers", "pieces", "other")
    return DocumentPart(part.name, *part.size, page, part.number, hidden)
