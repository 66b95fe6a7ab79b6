"""A process that takes jobs from the queue, one after the other."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from faceveil.batch.apart import PATIENCE
from faceveil.server import actions
from faceveil.server.execute import HUNG, work_on
from faceveil.server.queue import JobQueue
from faceveil.server.store import Store
from faceveil.server.sweep import Sweeper
from faceveil.server.tell import quiet_logs, tell_fault
from faceveil.system import beats
from faceveil.system.closing import Closing
from faceveil.system.heap import share_heap

NICE = 5
"""Workers run at low priority, so that the page answers at once while every core is busy."""
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
    on_error: Callable[[Exception], None] | None = None,
) -> None:
    """Work until ``stop`` is set or the process is told to end.

    Args:
        machine: options that are this machine's own: ``weights``, ``threads``.
        stop: set to end after the job at hand.
        on_error: called with every error that is a fault of the program.
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
            with _Guard(store, job):
                work_on(store, job, machine)
        except Exception as error:
            if on_error is not None:
                on_error(error)
            time.sleep(_PAUSE)


class _Guard(Closing):
    """Ends this process if it hangs in a job that was cancelled or makes no progress.

    A broken file can keep a decoder busy for ever, and a thread cannot be ended from outside. A
    watching thread ends the process. If a library also keeps the interpreter locked, a signal from
    the kernel does so a little later, and the job is tried again as if the worker had died.
    """

    def __init__(self, store: Store, job: str) -> None:
        self._store, self._job = store, job
        self._patience = PATIENCE
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="faceveil-unstuck", daemon=True)
        self.moved("", 0, None)
        beats.listen(self)
        self._thread.start()

    def moved(self, stage: str, done: int, total: int | None) -> None:
        self._last = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 2 * self._patience)

    def patient(self, seconds: float) -> None:
        self._patience = seconds
        self.moved("", 0, None)

    def began(self, path: Path) -> None:
        """Nothing to do: the next worker of the job removes its unfinished files."""

    def close(self) -> None:
        beats.listen(None)
        self._over.set()
        self._thread.join()
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _watch(self) -> None:
        asked = 0
        while not self._over.wait(1.0):
            asked = asked + 1 if self._store.stop_asked(self._job) else 0
            if asked >= STUCK_SECONDS:
                os._exit(EXIT_STUCK)
            if time.monotonic() - self._last >= self._patience:
                # A thread holds its lock and will never release it.
                with suppress(LookupError, OSError):
                    actions.fail(self._store, self._store.load(self._job), HUNG)
                os._exit(EXIT_STUCK)


def run_child() -> None:
    """Work for the server that started this process, for as long as it is there.

    The settings come on standard input, where no list of processes shows them. It ends when the
    server does, however that ends.
    """
    import json

    share_heap()
    quiet_logs()
    sys.excepthook = lambda kind, error, trace: tell_fault("worker", error)
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
        on_error=partial(tell_fault, "worker"),
    )


if __name__ == "__main__":
    run_child()
