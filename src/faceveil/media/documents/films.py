"""Films and PDFs in documents, and files attached to PDFs: each is worked on by itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from faceveil.errors import InputError, LimitError, UnsupportedError, WithheldError
from faceveil.i18n import say
from faceveil.media import Sink, Source, open_source, output_suffix
from faceveil.media.advice import APART
from faceveil.media.documents.blanks import BLANK_PNG
from faceveil.media.documents.recognize import kind_of
from faceveil.options import Options
from faceveil.report import Report
from faceveil.system.files import write_whole

if TYPE_CHECKING:
    from faceveil.media.documents.document import Reworked
    from faceveil.media.documents.nodes import Clip

_depth: ContextVar[int] = ContextVar("depth", default=0)
"""Number of files around the one that is worked on."""
Veil = Callable[[Path, Path, Options], Report]


@contextmanager
def unpacked(clip: Clip) -> Iterator[Path]:
    """A film or PDF as a file that only its owner can read, as long as it is needed.

    Raises:
        LimitError: it lies too deep in other files.
    """
    from faceveil.media.documents.walk import DEEPEST

    if _depth.get() >= DEEPEST:
        raise LimitError(
            say("documents lie too deep in each other"),
            APART,
        )
    deeper = _depth.set(_depth.get() + 1)
    try:
        with tempfile.TemporaryDirectory(prefix="faceveil-") as folder:
            path = Path(folder, "film")
            write_whole(path, clip.read())
            yield path
    finally:
        _depth.reset(deeper)


def veil_films(source: Source, sink: Sink, options: Options, veil: Veil) -> Sequence[Reworked]:
    """Obscure the faces in the films and PDFs of a document; nothing for any other source.

    Args:
        veil: does so for a file.

    Returns:
        What became of each, with its part as the name of the report's input; it is made once for
        a source.

    Raises:
        WithheldError: one did not pass its check.
        UnsupportedError: nothing can be done with a film.
    """
    if source.media.kind != "document":
        return ()
    from faceveil.media.documents.document import DocumentSource
    from faceveil.media.documents.document_write import DocumentSink
    from faceveil.media.documents.pdf_sink import PdfSink
    from faceveil.media.documents.pdf_source import PdfSource

    if not isinstance(source, DocumentSource | PdfSource):
        return ()
    if not isinstance(sink, DocumentSink | PdfSink):
        return ()
    for clip in source.films:
        if clip not in source.veiled:
            try:
                source.veiled[clip] = _veiled(clip, options, veil)
            except InputError as error:
                source.veiled[clip] = _without(clip, error, attached=isinstance(source, PdfSource))
        sink.put(clip, source.veiled[clip].data)
    return [source.veiled[clip] for clip in source.films]


def films_of(source: Source) -> Sequence[Clip]:
    """The films and PDFs in a document; none for any other source."""
    films: Sequence[Clip] = getattr(source, "films", ())
    return films if source.media.kind == "document" else ()


def _veiled(clip: Clip, options: Options, veil: Veil) -> Reworked:
    from faceveil.media.documents.document import Reworked

    with unpacked(clip) as path:
        try:
            with open_source(path, options) as film:
                out = path.with_name(f"out{output_suffix(film.media, clip.name)}")
            report = veil(path, out, options)
        except WithheldError as error:
            words = say("{name}: {what}", name=clip.name, what=error)
            raise WithheldError(words, report=error.report) from error
        warnings = report.warnings
        if kind_of(out)[1] != clip.kind:
            format = out.suffix.lstrip(".").upper()
            warnings += (say("written as {format}, under its old name", format=format),)
        # Nobody could review what was found there: it is said how much that is.
        note = say(
            "{name} is in no plan: it was worked on by itself, faces covered: {faces}",
            name=clip.name,
            faces=report.tracks,
        )
        report = replace(report, input=clip.name, notes=(note, *report.notes))
        named = tuple(say("{name}: {what}", name=clip.name, what=one) for one in warnings)
        return Reworked(out.read_bytes(), report, named)


def _without(clip: Clip, error: InputError, *, attached: bool) -> Reworked:
    """The rest of a file that cannot be worked on.

    Raises:
        UnsupportedError: it is a film, which a document cannot do without.
    """
    from faceveil.media.documents.document import Reworked

    if attached:
        why, data = say("it is left out: {reason}", reason=error), b""
    elif clip.kind == "pdf":
        why, data = say("it is replaced by a blank one: {reason}", reason=error), BLANK_PNG
    else:
        words = say("{name}: {what}", name=clip.name, what=error)
        raise UnsupportedError(words, error.advice) from error
    return Reworked(data, None, (say("{name}: {what}", name=clip.name, what=why),))


def with_films(report: Report, films: Sequence[Reworked]) -> Report:
    """The report of a document with what was done in its films and PDFs."""
    done = [one.report for one in films if one.report is not None]
    warnings = (*report.warnings, *(what for one in films for what in one.warnings))
    partial = warnings and report.status == "ok"
    return replace(
        report,
        status="partial" if partial else report.status,
        faces=report.faces + sum(one.faces for one in done),
        tracks=report.tracks + sum(one.tracks for one in done),
        filled=report.filled + sum(one.filled for one in done),
        faces_by_part={
            **report.faces_by_part,
            **{one.input: one.tracks for one in done if one.tracks},
        },
        warnings=warnings,
        notes=tuple(dict.fromkeys((*report.notes, *(what for one in done for what in one.notes)))),
        dropped=tuple(dict.fromkeys((*report.dropped, *(d for one in done for d in one.dropped)))),
    )
