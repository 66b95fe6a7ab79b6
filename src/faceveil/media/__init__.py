"""Open and write pictures, videos, documents and archives. Files are recognized by their bytes."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from faceveil.errors import UnreadableError, UnsupportedError
from faceveil.frames import Frame, Span
from faceveil.i18n import say
from faceveil.media.advice import COMPLETE, CONVERT, UNPACK
from faceveil.media.documents.recognize import (
    COMPOUND,
    DOCUMENTS,
    compound_refusal,
    flat_refusal,
    is_flat,
    is_flat_anywhere,
    kind_of,
    unknown_refusal,
)
from faceveil.media.kinds import ARCHIVES, HEAD, IMAGES, VIDEOS, sniff
from faceveil.media.names import veiled_name
from faceveil.plan import Media

if TYPE_CHECKING:
    from faceveil.options import Options

__all__ = [
    "ARCHIVES",
    "DOCUMENTS",
    "HEAD",
    "IMAGES",
    "VIDEOS",
    "Sink",
    "Source",
    "kind_of",
    "open_sink",
    "open_source",
    "output_suffix",
    "require_suffix",
    "sniff",
    "veiled_name",
]

_SOURCES: Final[dict[str, str]] = {
    **dict.fromkeys(IMAGES, "faceveil.media.pictures.image:ImageSource"),
    **dict.fromkeys(VIDEOS, "faceveil.media.videos.video:VideoSource"),
    "office": "faceveil.media.documents.document:DocumentSource",
    "pdf": "faceveil.media.documents.pdf_source:PdfSource",
}
"""Kind of file -> the module and class of its source, imported when the first such file is opened.
"""

_SINKS: Final[dict[str, str]] = {
    "image": "faceveil.media.pictures.image_write:ImageSink",
    "pages": "faceveil.media.pictures.image_write:ImageSink",
    "animation": "faceveil.media.pictures.image_write:ImageSink",
    "video": "faceveil.media.videos.video_write:VideoSink",
    "document": "faceveil.media.documents.document_write:DocumentSink",
    "document/pdf": "faceveil.media.documents.pdf_sink:PdfSink",
}
_SUFFIXES: Final[dict[str, str]] = {
    "image": "faceveil.media.pictures.image_write:output_suffix",
    "pages": "faceveil.media.pictures.image_write:output_suffix",
    "animation": "faceveil.media.pictures.image_write:output_suffix",
    "video": "faceveil.media.videos.containers:output_suffix",
    "document": "faceveil.media.documents.document_write:output_suffix",
}
_NAMED: Final[dict[str, str]] = {
    "image": "faceveil.media.pictures.image_write:require_suffix",
    "animation": "faceveil.media.pictures.image_write:require_suffix",
    "video": "faceveil.media.videos.containers:require_suffix",
    "document": "faceveil.media.documents.document_write:require_suffix",
    "document/pdf": "faceveil.media.documents.pdf_sink:require_suffix",
}


class Source(Protocol):
    """Something to read frames from, as often as needed.

    Attributes:
        media: size as displayed, kind, number of frames if known.
        time_base: seconds per unit of a frame's ``pts``.
        notes: what had to be converted on the way in ("16-bit reduced to 8").
        warnings: parts that could not be read correctly; they make the result partial.
        dropped: what the file holds and no output will: "EXIF", "GPS", "thumbnail", ...
    """

    media: Media
    time_base: Fraction
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    dropped: tuple[str, ...]

    def frames(self, skip: Sequence[Span] = ()) -> Iterator[Frame]:
        """Every frame from the start, in display order. May be called again for another pass.

        Args:
            skip: what the sink takes over and does not have to be read; see ``Sink.keep``.

        Raises:
            UnreadableError: the data is broken at this point.
        """
        ...

    def skim(self) -> Iterator[Frame]:
        """As ``frames``, for looking only: perhaps less exact, at less cost."""
        ...

    def key_frames(self) -> Sequence[int]:
        """Indices of the frames that ``sample`` reads at least cost."""
        ...

    def sample(self, wanted: Collection[int]) -> Iterator[Frame]:
        """Only the frames with these indices, reading no more than they need."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Sink(Protocol):
    """An output that takes frames. Nothing appears under the final name before ``commit``.

    Used as a context manager it aborts unless it was committed.

    Attributes:
        notes: what the output's format made necessary ("transparency filled with white").
        warnings: what was lost on the way; complete once the file is finished.
        copied: number of frames that went over as they are coded.
        spoilt: these did not come out as they went in: nothing can be committed, and another sink
            has to do without. Known once the file is finished.
    """

    @property
    def notes(self) -> tuple[str, ...]: ...

    @property
    def warnings(self) -> tuple[str, ...]: ...

    @property
    def copied(self) -> int: ...

    @property
    def spoilt(self) -> bool: ...

    def keep(self, times: Sequence[int], touched: Collection[int]) -> Sequence[Span]:
        """Choose, before the first is written, which frames go over as they are coded.

        Args:
            times: of all frames, in units of the source's time base.
            touched: indices of those that are painted. Nothing is chosen that is coded with them.

        Returns:
            What is not to be written.
        """
        ...

    def write(self, frame: Frame) -> None: ...

    def finish(self) -> Path:
        """Complete the file under its temporary name and return that name, for the check."""
        ...

    def commit(self) -> Path:
        """Rename the finished file to its final name, atomically, and return that name."""
        ...

    def abort(self) -> None:
        """Remove everything written. Does nothing after ``commit``."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def _place_of(table: Mapping[str, str], media: Media) -> str | None:
    """The place for a kind of media, or for one format of it (``document/pdf``)."""
    return table.get(f"{media.kind}/{media.format}") or table.get(media.kind)


def open_source(origin: str | os.PathLike[str] | bytes, options: Options) -> Source:
    """Open a picture, a video or a document for reading, whatever its name says it is.

    Args:
        origin: the file, or its bytes.

    Raises:
        UnreadableError: missing, empty, of no kind known here, broken or cut off.
        UnsupportedError: of a known kind that is not handled.
        LimitError: larger than the options allow.
    """
    if not isinstance(origin, bytes):
        origin = Path(origin)
    head, kind = kind_of(origin)
    if not head:
        raise UnreadableError(say("the file is empty"), COMPLETE)
    if kind is None:
        if head.startswith(COMPOUND):
            raise compound_refusal(origin)
        if is_flat(head) or (b"\0" not in head and is_flat_anywhere(origin)):
            raise flat_refusal()
        raise unknown_refusal(head)
    place = _SOURCES.get(kind)
    if place is None:
        if kind in ARCHIVES:
            raise UnsupportedError(say("archives ({kind}) are not handled", kind=kind), UNPACK)
        raise UnsupportedError(say("such files ({kind}) are not handled", kind=kind), CONVERT)
    source: Source = _load(place)(origin, kind, options)
    return source


def open_sink(target: str | os.PathLike[str], source: Source, options: Options) -> Sink:
    """Begin an output for the frames of a source.

    The suffix of ``target`` chooses the format; ``output_suffix`` tells the one that fits best.

    Raises:
        UsageError: the target is the input, or a format that cannot hold it.
        UnsupportedError: nothing here writes this kind of media.
        OutputError: the folder is missing or cannot be written to.
    """
    place = _place_of(_SINKS, source.media)
    if place is None:
        raise UnsupportedError(say("a {kind} cannot be written", kind=source.media.kind))
    sink: Sink = _load(place)(Path(target), source, options)
    return sink


def output_suffix(media: Media, name: str = "") -> str:
    """Suffix, with the dot, of the format in which a source is written by default.

    Not always the input's: HEIC becomes ``.jpg``, JPEG 2000 ``.png``.

    Args:
        name: the input's file name, whose spelling (``.JPEG``) is kept where it fits.

    Raises:
        UnsupportedError: nothing here writes this kind of media.
    """
    place = _place_of(_SUFFIXES, media)
    if place is None:
        raise UnsupportedError(say("a {kind} cannot be written", kind=media.kind))
    suffix: str = _load(place)(media, name)
    return suffix


def require_suffix(target: Path, media: Media) -> None:
    """Refuse the name of an output before any work is done for it.

    Raises:
        UsageError: its suffix is of no format, of one that is not written, or cannot hold this.
    """
    if (place := _place_of(_NAMED, media)) is not None:
        _load(place)(target, media)
