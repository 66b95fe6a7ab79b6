"""Photos of people that come with an upload: they lie in the folder of each of its jobs.

They are deleted with the original. What is computed from them is in the memory of the worker alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from starlette.datastructures import FormData

from faceveil.i18n import say
from faceveil.media import IMAGES, kind_of
from faceveil.server.forms import files_of
from faceveil.server.problems import ProblemError
from faceveil.server.spool import keep
from faceveil.server.store import Store

MOST: Final = 16
"""Number of photos with an upload."""
_MODES: Final = ("keep", "hide")
FIELDS: Final = {
    "keep": {
        "type": "array",
        "maxItems": MOST,
        "items": {"type": "string", "format": "binary"},
        "description": "Photos of the one person who stays visible.",
    },
    "hide": {
        "type": "array",
        "maxItems": MOST,
        "items": {"type": "string", "format": "binary"},
        "description": "Photos of the only person who is hidden. Not together with `keep`.",
    },
}
"""The fields of a form, in the words of OpenAPI."""

Photos = Sequence[tuple[str, IO[bytes]]]
"""The name that each gets in a job's folder, and its bytes."""


def photos_in(form: FormData) -> Photos:
    """The photos that came with a form.

    Raises:
        ProblemError: there are too many, both kinds, or something else than photos.
    """
    found = [(mode, file.file) for mode in _MODES for file in files_of(form, mode)]
    if len({mode for mode, _ in found}) > 1:
        words = say("{one} and {other} cannot be given together", one="keep", other="hide")
        raise ProblemError(422, "usage", words)
    if len(found) > MOST:
        raise ProblemError(413, "limit", say("there are more than {most} photos", most=MOST))
    named = [(f"{mode}-{number}", file) for number, (mode, file) in enumerate(found, 1)]
    for name, file in named:
        if kind_of(file)[1] not in IMAGES:
            raise ProblemError(422, "usage", say("{name} is no photo", name=name))
    return named


def put(photos: Photos, folders: Sequence[Path]) -> None:
    """Put the photos into the folders of jobs; the disk has each only once."""
    for name, file in photos if folders else ():
        first, *others = (folder / name for folder in folders)
        keep(file, first)
        with first.open("rb") as named:
            for other in others:
                keep(named, other)


def photos_of_job(store: Store, job: str) -> dict[str, tuple[Path, ...]]:
    """The settings ``keep`` and ``hide`` of a job."""
    found = {
        mode: sorted(store.path(job).glob(f"{mode}-*"), key=lambda path: (len(path.name), path))
        for mode in _MODES
    }
    return {mode: tuple(paths) for mode, paths in found.items() if paths}
