"""A PDF as a source of frames: its pages as shown, then its pictures as stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from faceveil.frames import Frame, Image, Span
from faceveil.media.documents.pdf_file import PdfFile, with_all_shown
from faceveil.media.documents.pdf_parts import Layout, PdfPart, layout_of, worth_a_look
from faceveil.media.documents.pdf_pixels import read_stored
from faceveil.media.documents.pdf_render import Renderer
from faceveil.plan import Media
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
        sound: the frames that need not be read again to know that they can be.

    Raises:
        UnreadableError, UnsupportedError, LimitError: see `PdfFile` and `layout_of`.
    """

    time_base = Fraction(1, 1000)
    notes: tuple[str, ...] = ()

    def __init__(self, origin: Path | bytes, kind: str, options: Options) -> None:
        self.path = origin if isinstance(origin, Path) else None
        self.sound: set[int] = set()
        self._lock = Lock()
        self._all_shown: Renderer | None = None
        self.file = PdfFile(origin, options)
        with ExitStack() as opened:
            opened.callback(self.file.close)
            self._renderer = opened.enter_context(Renderer(self.file.path))
            self.layout: Layout = layout_of(
                self.file.pdf, self._renderer, self.file.hides, options.max_pixels
            )
            opened.pop_all()
        parts = self.layout.parts
        wide, high = (max(part.size[side] for part in parts) for side in (0, 1))
        names = tuple(part.name for part in parts)
        self.media = Media("document", kind, wide, high, len(parts), parts=names)
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
        if part.kind == "layers":
            with self._lock:
                if self._all_shown is None:
                    self._all_shown = Renderer(with_all_shown(self.file.path))
            return self._all_shown.page(part.page, *part.size)
        return self._renderer.page(part.page, *part.size)

    def to_user_space(self, part: PdfPart) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """(2, 3) matrix from a page's pixels to its user space."""
        return self._renderer.to_user_space(part.page, *part.size)

    def page_size(self, number: int) -> tuple[float, float]:
        """Width and height of a page as displayed, in points."""
        return self._renderer.size(number)

    def _frame(self, index: int, part: PdfPart) -> Frame:
        if part.picture is None:
            self.sound.add(index)
            return Frame(index, self.page_image(part))
        stored = read_stored(self.file.pdf, part.picture)
        if stored is None:  # nobody knows what it shows
            width, height = part.size
            return Frame(index, np.full((height, width, 3), 128, np.uint8), damaged=True)
        self.sound.add(index)
        return Frame(index, np.ascontiguousarray(np.rot90(stored.image, part.turns)))

    def _outlined(self, index: int, part: PdfPart) -> Frame:
        if part.picture is not None:
            return self._frame(index, part)
        drawing = self.layout.drawings[part.page]
        if not worth_a_look(part, drawing):
            self.sound.add(index)
            return Frame(index, np.full((_NOTHING, _NOTHING, 3), 255, np.uint8))
        frame = self._frame(index, part)
        if not drawing.everywhere:
            self._blank_text(frame.image, part, drawing.areas)
        return frame

    def _blank_text(
        self, image: Image, part: PdfPart, areas: Sequence[tuple[float, float, float, float]]
    ) -> None:
        height, width = image.shape[:2]
        matrix = np.vstack([self.to_user_space(part), [0, 0, 1]])
        back, room = np.linalg.inv(matrix), _MARGIN * max(width, height)
        shown = np.zeros((height, width), bool)
        for x0, y0, x1, y1 in areas:
            corners = back @ np.array([[x0, x1, x0, x1], [y0, y0, y1, y1], [1, 1, 1, 1]])
            left, top = np.floor(corners[:2].min(axis=1) - room).clip(0).astype(int)
            right, bottom = np.ceil(corners[:2].max(axis=1) + room).clip(0).astype(int)
            shown[top:bottom, left:right] = True
        image[~shown] = 255

    def close(self) -> None:
        if self._all_shown is not None:
            self._all_shown.close()
        self._renderer.close()
        self.file.close()
