"""The command line: verbs only. The library does their work, without printing."""

from __future__ import annotations

import io
import os
import signal
import sys
from types import FrameType

from faceveil.cli import interrupts
from faceveil.cli import verbs_serve as _serve  # noqa: F401  (adds its verbs)
from faceveil.cli.ui import UI
from faceveil.cli.verbs import app
from faceveil.errors import ExitCode
from faceveil.i18n import ENGLISH, say, spoken
from faceveil.system.text import shown, unseen

__all__ = ["app", "main"]


def _terminated(number: int, _frame: FrameType | None) -> None:
    # Unwinding the stack, instead of dying at once, removes half-written files.
    sys.exit(128 + number)


def main(*, catches: bool = True) -> None:
    """Run the command line of this process; ends it with a `faceveil.ExitCode`.

    Args:
        catches: Ctrl-C interrupts it. False for a process that was started with the interrupt
            ignored.
    """
    if catches:
        signal.signal(signal.SIGINT, interrupts.caught)
    signal.signal(signal.SIGTERM, _terminated)
    # The terminal was closed; nohup means that this is no reason to end.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _terminated)
    # Python has none for a stream that was closed before it began.
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # a name may contain characters that this terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    for argument in sys.argv[1:]:
        if argument.startswith("-") and "=" not in argument and unseen(argument):
            # A file by this name, which would be shown as it is when it is refused.
            UI().note(say("no such option: {name}", name=shown(argument)))
            sys.exit(ExitCode.USAGE)
    language = spoken(os.environ)
    try:
        if language == ENGLISH:
            app(prog_name="faceveil")
        else:
            _run_in(language)
    except (KeyboardInterrupt, Exception) as error:
        # It may come out of an import, or of the making of a class, as another error.
        if isinstance(error, KeyboardInterrupt) or interrupts.came():
            UI().note(say("interrupted"))
            sys.exit(ExitCode.INTERRUPTED)
        if not isinstance(error, OSError):
            raise
        sys.exit(UI().error(error))  # a help text that could not be written


def _nowhere() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.FileIO(os.devnull, "w"))


def _run_in(language: str) -> None:
    """Run the command line with help and usage errors in a language other than English."""
    from faceveil.cli.in_language import Refusal, error_in, speak

    speak(language)
    try:
        code = app(prog_name="faceveil", standalone_mode=False)
    except Refusal as error:
        print(error_in(error, language), file=sys.stderr)
        code = error.exit_code
    sys.exit(code or ExitCode.OK)
