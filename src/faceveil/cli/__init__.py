"""The command line: verbs only. Everything they do, the library does without printing."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from faceveil.cli import serve as _serve  # noqa: F401  (adds its verbs)
from faceveil.cli.verbs import app
from faceveil.errors import INTERRUPTED

__all__ = ["app", "main"]


def _terminated(number: int, _frame: FrameType | None) -> None:
    # Unwinding the stack, not dying on the spot, is what removes half-written files.
    sys.exit(128 + number)


def main() -> None:
    """Run the command line of this process; ends it with the exit codes of `faceveil.errors`."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app(prog_name="faceveil")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
