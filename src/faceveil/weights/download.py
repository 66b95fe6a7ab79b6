"""Download a file of weights: the only part of FaceVeil that opens a socket by itself."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from faceveil.errors import WeightsError
from faceveil.i18n import reason_of, say, words_of
from faceveil.system.files import write_whole
from faceveil.weights.mirrors import Mirror, SourceError
from faceveil.weights.search import ENVIRONMENT, first, inside, judged, own_folder
from faceveil.weights.table import WeightsFile, entry_of


@dataclass(frozen=True, slots=True)
class FetchEvent:
    """A step of ``fetch``, for people.

    Attributes:
        source: what is tried.
        detail: why it failed; the file's path when it is done.
    """

    kind: Literal["trying", "failed", "done"]
    entry: WeightsFile
    source: str
    detail: str = ""


def fetch(
    name: str,
    folder: Path | None = None,
    *,
    on_event: Callable[[FetchEvent], None] | None = None,
) -> Path:
    """Download a file of weights. Does nothing if the right file is there already.

    Args:
        folder: the folder to put it into. None: that of an altered file, otherwise the user's
            cache.

    Returns:
        Where it is now.

    Raises:
        UsageError: no weights have this name.
        WeightsError: no source delivered the file, or it could not be written.
    """
    entry = entry_of(name)
    found = judged(entry, inside(entry, folder) if folder else first(entry, None))
    if found.path is not None and found.state == "ok":
        return found.path
    target = found.path or _new_path(entry, folder)

    def tell(kind: Literal["trying", "failed", "done"], source: Mirror, detail: str = "") -> None:
        if on_event:
            on_event(FetchEvent(kind, entry, str(source), detail))

    failures = []
    for source in entry.sources:
        tell("trying", source)
        try:
            data = source.read(entry.size)
            if hashlib.sha256(data).hexdigest() != entry.sha256:
                raise SourceError(say("what it delivers has another sha256"))
        except SourceError as error:
            failures.append(say("{name}: {what}", name=source, what=error))
            tell("failed", source, words_of(error))
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # In one step: another process may be looking for it right now.
            write_whole(target, data, 0o644, durable=True)
        except OSError as error:
            raise WeightsError(
                say("{path} cannot be written: {reason}", path=target, reason=reason_of(error)),
                say("Choose another folder and set {variable} to it.", variable=ENVIRONMENT),
            ) from error
        tell("done", source, os.fspath(target))
        return target
    raise WeightsError(
        say("no source delivered the weights of {name}: {failures}", name=name, failures=failures),
        say(
            "Copy {file} from another machine into a folder and set {variable} to it.",
            file=entry.file,
            variable=ENVIRONMENT,
        ),
    )


def _new_path(entry: WeightsFile, folder: Path | None) -> Path:
    place = folder or own_folder()
    if place is None:
        raise WeightsError(
            say("this user has no home folder to keep weights in"),
            say("Choose a folder and set {variable} to it.", variable=ENVIRONMENT),
        )
    return place / entry.file
