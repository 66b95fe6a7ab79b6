"""``python -m faceveil``, and the door of the executable."""

from __future__ import annotations

import sys

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
    from faceveil.cli import main

    main()


if __name__ == "__main__":
    start(sys.argv[1:])
