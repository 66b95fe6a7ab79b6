"""A process that takes jobs from the queue, one after the other."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from faceveil.server.queue import JobQueue
from faceveil.server.store import Store
from faceveil.server.sweep import Sweeper
from faceveil.server.tell import quiet_logs, tell_fault
from faceveil.server.work import work_on

NICE = 5
"""The page is to answer at once while workers keep every core busy."""
_IDLE = 0.1
"""Seconds between two looks at an empty queue."""
_SWEEP = 15.0
STUCK_SECONDS, EXIT_STUCK = 20, 70
_PAUSE = 1.0
"""Seconds to wait when the queue cannot be reached."""


def run_worker(
    store: Store,
    queue: JobQueue,
    machine: dict[str, Any],
    *,
    stop: threading.Event | None = None,
    told: Callable[[Exception], None] | None = None,
) -> None:
    """Work until told to stop, or until the process is.

    Args:
        machine: options that are this machine's own: ``weights``, ``threads``.
        stop: set to end after the job at hand.
        told: is handed every error that is a fault of the program.
    """
    with suppress(OSError):
        os.nice(NICE)
    sweeper, swept = Sweeper(store, queue), -_SWEEP
    while stop is None or not stop.is_set():
        try:
            if time.monotonic() - swept >= _SWEEP:
                swept = time.monotonic()
                sweeper.sweep(store.records())
            job = queue.take()
            if job is None:
                time.sleep(_IDLE)
                continue
            with _unstuck(store, job):
                work_on(store, job, machine)
        except Exception as error:
            if told is not None:
                told(error)
            time.sleep(_PAUSE)


@contextmanager
def _unstuck(store: Store, job: str) -> Iterator[None]:
    """End this process if it does not let go of a job that nobody wants any more.

    A broken file can keep a decoder busy for ever, and no thread can be ended from outside.
    """
    over = threading.Event()

    def watch() -> None:
        asked = 0
        while not over.wait(1.0):
            asked = asked + 1 if store.stop_asked(job) else 0
            if asked >= STUCK_SECONDS:
                os._exit(EXIT_STUCK)

    thread = threading.Thread(target=watch, name="faceveil-unstuck", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def run_child() -> None:
    """Work for the server that started this process, for as long as it is there.

    The settings come on standard input, where no list of processes shows them. It ends when the
    server does, however that ends.
    """
    import json
    import signal
    from pathlib import Path

    quiet_logs()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    given = json.loads(sys.stdin.readline())
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()

    folder = Path(given["folder"])
    run_worker(
        Store(folder),
        JobQueue(folder, given["queue"]),
        given["machine"],
        stop=stop,
        told=partial(tell_fault, "worker"),
    )


if __name__ == "__main__":
    run_child()
