"""Memory of the files that somebody looks at, so that the next preview comes sooner.

It is all in memory. A file that is deleted or replaced is let go of within a second, with all
that was made of it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path

from faceveil import media
from faceveil.media.videos.glances import Glances
from faceveil.media.videos.video import VideoSource
from faceveil.options import Options

_FILES = 4
"""Files of which it is known what the last previews were; of a film, also the times of all frames:
2 MB each for three hours.
"""
_MOST_BYTES = 8_000_000
"""Previews of a file that are kept."""
_LOOK = 0.5
"""Seconds between two looks whether the files are still there."""
_OPEN = 5.0
"""Seconds after the last preview for which a film stays open."""


class Book:
    """Knowledge of a file.

    Attributes:
        glances: into it, if it is a film.
    """

    def __init__(self, path: Path, options: Options) -> None:
        self.glances: Glances | None = None
        self.used = time.monotonic()
        self._made: OrderedDict[Hashable, bytes] = OrderedDict()
        self._bytes = 0
        with path.open("rb") as file:
            kind = media.sniff(file.read(media.HEAD))
        if kind in media.VIDEOS:
            with media.open_source(path, options) as source:
                if isinstance(source, VideoSource):
                    self.glances = Glances(source)

    def once(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The preview that was made under that key, or is made now."""
        if (known := self._made.get(key)) is not None:
            self._made.move_to_end(key)
            return known
        made = self._made[key] = make()
        self._bytes += len(made)
        while self._bytes > _MOST_BYTES:
            _, old = self._made.popitem(last=False)
            self._bytes -= len(old)
        return made

    def rest(self) -> None:
        """Hold no file open; what is known stays."""
        if self.glances is not None:
            self.glances.close()


_BookKey = tuple[Path, Options, tuple[int, int, int]]


class Shelf:
    """The books of the files looked at last; one at a time is read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._books: OrderedDict[_BookKey, Book] = OrderedDict()
        self._watch: threading.Thread | None = None

    @contextmanager
    def book(self, path: Path, options: Options) -> Iterator[Book]:
        """The book of a file. Raises `OSError` if it is gone, `InputError` if it is broken."""
        with self._lock:
            key = (path, options, _state(path))
            book = self._books.get(key) or Book(path, options)
            self._books[key] = book
            self._books.move_to_end(key)
            if len(self._books) > _FILES:
                self._books.popitem(last=False)[1].rest()
            if self._watch is None:
                self._watch = threading.Thread(
                    target=self._tend, name="faceveil-shelf", daemon=True
                )
                self._watch.start()
            try:
                yield book
            finally:
                book.used = time.monotonic()

    def tidy(self) -> None:
        """Forget files that are gone, and hold none open that nobody has looked at lately."""
        with self._lock:
            for key, book in list(self._books.items()):
                path, _, state = key
                if not _is(path, state):
                    del self._books[key]
                    book.rest()
                elif time.monotonic() - book.used > _OPEN:
                    book.rest()

    def _tend(self) -> None:
        while True:
            time.sleep(_LOOK)
            self.tidy()


def _state(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _is(path: Path, state: tuple[int, int, int]) -> bool:
    try:
        return _state(path) == state
    except OSError:
        return False
