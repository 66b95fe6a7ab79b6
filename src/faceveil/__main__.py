"""``python -m faceveil``, and the door of the executable."""

from __future__ import annotations

import gc
import os
import signal
import sys

from faceveil.errors import ExitCode

WORKER = ("-m", "faceveil.server.worker")


def start(arguments: list[str]) -> None:
    """Run the command line, or what the executable stands in for.

    An executable (PyInstaller) brings no Python that further processes could be started with. They
    are started with the executable itself and the arguments that Python would get.

    Args:
        arguments: of this process, without its name.
    """
    if getattr(sys, "frozen", False):
        from multiprocessing import freeze_support

        freeze_support()
        if tuple(arguments) == WORKER:
            from faceveil.server.worker import run_child

            return run_child()
    _run()


def main() -> None:
    """The entry point of the command ``faceveil``."""
    try:
        start(sys.argv[1:])
    except SystemExit as ended:
        from faceveil.cli import leave

        leave(ended)
        raise


def _run() -> None:
    # Nothing has begun that would have to be tidied up, and an interrupt raised in the middle of
    # an import comes out as whatever the module makes of it. So it ends the process at once.
    catches = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if catches:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Pydantic would read the metadata of every installed package, to find plugins for itself.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # OpenBLAS, in numpy, would start a thread for each core, which wait by running in circles: 80
    # ms of the processor's time in each run. No large matrices are multiplied here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # What is loaded stays: to search it for garbage again and again is in vain. Verbs turn it on.
    gc.disable()
    from faceveil.cli import main as command_line
    from faceveil.system.heap import share_heap

    share_heap()
    try:
        command_line(catches=catches)
    except KeyboardInterrupt:
        raise SystemExit(ExitCode.INTERRUPTED) from None


if __name__ == "__main__":
    main()
