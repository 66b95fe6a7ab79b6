"""Films in documents: each is worked on as a file of its own, and takes its old place."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from faceveil.errors import InputError, UnsupportedError, WithheldError
from faceveil.i18n import say
from faceveil.media import Sink, Source, open_source, output_suffix
from faceveil.media.documents.document import DocumentSource
from faceveil.media.documents.document_write import DocumentSink
from faceveil.media.documents.nodes import Clip
from faceveil.media.documents.recognize import kind_of
from faceveil.options import Options
from faceveil.report import Report
from faceveil.system.files import write_whole

Veil = Callable[[Path, Path, Options], Report]


@contextmanager
def unpacked(clip: Clip) -> Iterator[Path]:
    """A film as a file that only its owner can read, as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="faceveil-") as folder:
        path = Path(folder, "film")
        write_whole(path, clip.read())
        yield path


def veil_films(source: Source, sink: Sink, options: Options, veil: Veil) -> Sequence[Report]:
    """Obscure the faces in the films of a document; nothing for any other source.

    Args:
        veil: does so for a file.

    Returns:
        The report of each film, with warnings that name it. They are made once for a source.

    Raises:
        WithheldError: a film did not pass its check.
    """
    if not isinstance(source, DocumentSource) or not isinstance(sink, DocumentSink):
        return ()
    for clip in source.films:
        if clip not in source.veiled:
            source.veiled[clip] = _veiled(clip, options, veil)
        sink.put(clip, source.veiled[clip][0])
    return [source.veiled[clip][1] for clip in source.films]


def _veiled(clip: Clip, options: Options, veil: Veil) -> tuple[bytes, Report]:
    with unpacked(clip) as path:
        try:
            with open_source(path, options) as film:
                out = path.with_name(f"out{output_suffix(film.media, clip.name)}")
            report = veil(path, out, options)
        except WithheldError as error:
            words = say("{name}: {what}", name=clip.name, what=error)
            raise WithheldError(words, report=error.report) from error
        except InputError as error:
            words = say("{name}: {what}", name=clip.name, what=error)
            raise UnsupportedError(words, error.advice) from error
        warnings = report.warnings
        if kind_of(out)[1] != clip.kind:
            format = out.suffix.lstrip(".").upper()
            warnings += (say("written as {format}, under its old name", format=format),)
        warnings = tuple(say("{name}: {what}", name=clip.name, what=one) for one in warnings)
        return out.read_bytes(), replace(report, warnings=warnings)


def with_films(report: Report, films: Sequence[Report]) -> Report:
    """The report of a document with what was done in its films."""
    warnings = (*report.warnings, *(what for one in films for what in one.warnings))
    partial = warnings and report.status == "ok"
    return replace(
        report,
        status="partial" if partial else report.status,
        faces=report.faces + sum(one.faces for one in films),
        tracks=report.tracks + sum(one.tracks for one in films),
        filled=report.filled + sum(one.filled for one in films),
        warnings=warnings,
        notes=tuple(dict.fromkeys((*report.notes, *(what for one in films for what in one.notes)))),
        dropped=tuple(dict.fromkeys((*report.dropped, *(d for one in films for d in one.dropped)))),
    )
