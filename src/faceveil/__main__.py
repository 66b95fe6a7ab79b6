"""``python -m faceveil``, and the door of the executable."""

from __future__ import annotations

import atexit
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
    end = _End()
    try:
        start(sys.argv[1:])
    except SystemExit as ended:
        end.at_once(ended)
        raise


class _End:
    """Ends this process without taking the interpreter down, once all else is done.

    That takes as long as the check of a photo, for libraries of which nothing is needed any more.
    Make it before anything else asks to be run at the end: what asked first is run last, and after
    threads that were to be waited for.
    """

    def __init__(self) -> None:
        self._code: int | None = None
        atexit.register(self._leave)

    def at_once(self, ended: SystemExit) -> None:
        """Leave with this exit code, unless there is something to be said first."""
        if isinstance(ended.code, int):
            self._code = ended.code

    def _leave(self) -> None:
        if self._code is None:
            return
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError):  # nobody reads any more: Python ends in its own way
            return
        os._exit(self._code)


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
