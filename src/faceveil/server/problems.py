"""Problems (RFC 9457): errors for HTTP clients, in the words of the command line."""

from __future__ import annotations

import errno
import re
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from faceveil import errors
from faceveil.i18n import say, words_of
from faceveil.server.language import Wording

MEDIA_TYPE = "application/problem+json"

_STATUS: dict[type[Exception], int] = {
    errors.UsageError: 422,
    errors.UnsupportedError: 415,
    errors.LimitError: 413,
    errors.InputError: 422,
    errors.WeightsError: 503,
    errors.WithheldError: 422,
    errors.OutputError: 507,
}


class Problem(BaseModel):
    """An answer that is no success.

    Attributes:
        type: a short name for programs to compare.
        advice: what to do next, or "".
    """

    model_config = ConfigDict(frozen=True)

    type: str = Field(examples=["unreadable"])
    title: str = Field(examples=["Unreadable"])
    status: int = Field(examples=[422])
    detail: Wording = Field(examples=["the JPEG data is cut off"])
    advice: Wording = Field("", examples=["Get a complete copy of the file."])


class ProblemError(Exception):
    """Ends a request, or a job, with a problem.

    Attributes:
        headers: to send along.
    """

    def __init__(
        self,
        status: int,
        type: str,
        detail: str,
        advice: str = "",
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = problem(status, type, detail, advice)
        self.headers = headers or {}

    def __reduce__(self) -> tuple[object, ...]:
        return ProblemError.of, (self.problem,)

    @classmethod
    def of(cls, told: Problem) -> Self:
        """The error that stands for a problem."""
        return cls(told.status, told.type, told.detail, told.advice)


def problem(status: int, type: str, detail: str, advice: str = "") -> Problem:
    """A problem whose title is its type in words."""
    title = type.replace("-", " ").capitalize()
    return Problem(type=type, title=title, status=status, detail=detail, advice=advice)


def problem_of(error: Exception) -> Problem:
    """The problem for an error. An unexpected error shows only its kind."""
    if isinstance(error, ProblemError):
        return error.problem
    if isinstance(error, errors.FaceVeilError):
        # Clients know these kinds; subclasses are only for use inside.
        kind = next(base for base in type(error).__mro__ if base.__module__ == errors.__name__)
        status = next((_STATUS[base] for base in kind.__mro__ if base in _STATUS), 500)
        return problem(status, _name(kind), words_of(error), error.advice)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return problem(507, "disk-full", say("the disk is full"), say("Make room, then try again."))
    return problem(
        500,
        "fault",
        say("a fault of FaceVeil: {kind}", kind=type(error).__name__),
        say("Try again; if it stays, report it with the version and the kind of file."),
    )


def _name(kind: type[Exception]) -> str:
    """``UnreadableError`` is "unreadable"."""
    return re.sub(r"(?<=.)([A-Z])", r"-\1", kind.__name__.removesuffix("Error")).lower()
