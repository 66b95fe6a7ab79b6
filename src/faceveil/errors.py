"""Every error that FaceVeil raises, with its exit code and advice for the user.

FaceVeilError
├── UsageError            2    the request makes no sense
│   └── NoDetectorError        a detector that is not there
├── InputError            3    the input cannot be used
│   ├── UnreadableError        broken, truncated or not a picture or video
│   ├── UnsupportedError       well-formed, but not something we handle
│   └── LimitError             too large to open safely
├── WeightsError          4    a detector's weights are missing or altered
├── WithheldError         5    the output did not pass the check
├── OutputError           1    the output could not be written
└── Cancelled           130    whoever watches the progress wants no more
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

from faceveil.i18n import say

if TYPE_CHECKING:
    from pathlib import Path

    from faceveil.report import Report


class ExitCode(IntEnum):
    """The exit code of a command line; docs/cli.md says more of each."""

    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    INPUT = 3
    WEIGHTS = 4
    WITHHELD = 5
    INTERRUPTED = 130


class FaceVeilError(Exception):
    """Base of every error raised on purpose.

    Attributes:
        exit_code: what a command line ends with when this error ends it.
        advice: one sentence that tells the user what to do next, or "".
    """

    exit_code: ClassVar[ExitCode] = ExitCode.SOME_FAILED

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


class UsageError(FaceVeilError):
    """The request makes no sense: wrong option, wrong combination, nothing to do."""

    exit_code = ExitCode.USAGE


class NoDetectorError(UsageError):
    """The detector that was asked for is not there, whatever the file."""


class InputError(FaceVeilError):
    """The input cannot be used. The children say why."""

    exit_code = ExitCode.INPUT


class UnreadableError(InputError):
    """The bytes are broken, cut off, or of no kind known here."""


class UnsupportedError(InputError):
    """The file is well-formed but asks for something FaceVeil does not handle."""


class LimitError(InputError):
    """The input is larger than what can be opened safely."""


class WeightsError(FaceVeilError):
    """A detector's weights are missing or their hash is wrong."""

    exit_code = ExitCode.WEIGHTS


class WithheldError(FaceVeilError):
    """The check found something in the output, so it was not given its final name.

    Attributes:
        report: what was found, if the run got that far.
        place: where the output was put aside, for its owner alone; None if it is nowhere.
    """

    exit_code = ExitCode.WITHHELD

    def __init__(
        self,
        message: str,
        advice: str = "",
        *,
        report: Report | None = None,
        place: Path | None = None,
    ) -> None:
        super().__init__(message, advice)
        self.report = report
        self.place = place


class OutputError(FaceVeilError):
    """The output could not be written."""


class Cancelled(FaceVeilError):  # noqa: N818  (it is no error of anybody's)
    """The run is to end. A progress function raises it; the run passes it on, and leaves nothing.

    Without words of its own it says that the run was cancelled.
    """

    exit_code = ExitCode.INTERRUPTED

    def __init__(self, message: str = "", advice: str = "") -> None:
        super().__init__(message or say("the run was cancelled"), advice)
