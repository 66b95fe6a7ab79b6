"""Parameters that several routes share: a job's id, options, the bytes of a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Annotated, Any

from fastapi import Depends, Path

from faceveil.i18n import say
from faceveil.server.problems import ProblemError
from faceveil.server.state import StateDep

_CHUNK = 1 << 20


JobId = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9_-]{16,64}$", examples=["Vd2hx0m0k1qzq0TQ3C0jXw"]),
]


def _known(job: JobId, state: StateDep) -> str:
    return state.store.load(job).id


KnownJob = Annotated[str, Depends(_known)]
"""The id of an existing job, for answers that begin before they can fail."""


def read_options(text: str | None) -> dict[str, Any]:
    """Options as clients send them beside a file.

    Raises:
        ProblemError: the text is no JSON object.
    """
    try:
        options = json.loads(text or "{}")
    except (ValueError, RecursionError):  # no JSON, or lists in lists without end
        options = None
    if not isinstance(options, dict):
        raise ProblemError(422, "usage", say("options: a JSON object is wanted"))
    return options


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a file, which is closed at the end."""
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
