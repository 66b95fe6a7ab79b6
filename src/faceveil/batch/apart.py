"""A separate process for each file, because a library may crash or hang on it.

A process cannot defend itself against a library that aborts, a machine out of memory, or a decoder
that never returns. Another process can: it notices that the first has died, or ends it, and starts
a new one for the next file.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from faceveil.errors import ExitCode, FaceVeilError
from faceveil.i18n import say
from faceveil.options import Options
from faceveil.system import beats
from faceveil.system.closing import Closing
from faceveil.system.heap import share_heap

J = TypeVar("J")
R = TypeVar("R")
Watch = Callable[[str, int, int | None], None]

PATIENCE, BYTES_A_SECOND = 600.0, 2_000_000
"""Seconds that a file may take between two signs of life, and the bytes of it that give one second
more.
"""
_GRACE = 5.0
"""Seconds that a process has to tidy up after it was told to end, or after its parent has died."""
_TICK = 0.5
"""Seconds between two checks whether the parent still waits."""
_EVERY = 0.2
"""Seconds between two signs of life."""
_busy = threading.Event()
"""Set in a worker while it works on a job."""


class LostError(FaceVeilError):
    """The process that worked on a file died, and died again when the file was tried alone.

    Args:
        code: the exit code of the process; of one that was killed the signal, negative.
    """

    def __init__(self, code: int | None = None) -> None:
        if code is None or (os.name == "posix" and code == -signal.SIGKILL):
            super().__init__(
                say(
                    "the process that worked on it was ended twice, as happens when memory runs out"
                ),
                say("try it alone, with a larger --min-face or more memory"),
            )
            return
        name = f"{code}"
        with suppress(ValueError):
            name = signal.Signals(-code).name
        super().__init__(
            say("a library crashed on it twice ({signal})", signal=name),
            say("convert it with another program first"),
        )


class HungError(FaceVeilError):
    """A file made no progress for too long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            say(
                "it was given up after {seconds:.0f} seconds in which nothing of it was done",
                seconds=seconds,
            ),
            say("raise --time-limit if this machine is slow, or get another copy of it"),
        )


def patience(path: Path, options: Options) -> float:
    """Seconds that a file may take between two signs of life."""
    if options.time_limit is not None:
        return options.time_limit
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    return PATIENCE + size / BYTES_A_SECOND


def with_heartbeat(work: Callable[[Path, Watch], R], path: Path, options: Options) -> R:
    """Work on a file in a process of its own: its progress is its sign of life."""
    beats.patient(patience(path, options))
    return work(path, beats.moved)


def outcome_of(function: Callable[..., R], *arguments: Any) -> R | Exception:
    """The result of the function, or the exception that it raised."""
    try:
        return function(*arguments)
    except Exception as error:
        return error


class Apart(Closing):
    """A process that works on one job after the other; a new one replaces it when it dies.

    Args:
        alone: no other process works at the same time, so it may use all cores.
    """

    def __init__(self, *, alone: bool = True) -> None:
        self._alone = alone
        self._process: Any = None
        self._ready = False
        self._pipe: Connection
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._unfinished: set[Path] = set()
        self._stopped: float | None = None

    def run(
        self, function: Callable[..., R], *arguments: Any, watch: Watch | None = None
    ) -> R | Exception:
        """Call a function in the other process, to which it and its arguments are sent.

        Args:
            watch: called with its progress.

        Returns:
            `LostError` if the process ended, `HungError` if it was ended because nothing moved.

        Raises:
            KeyboardInterrupt: the process was interrupted.
        """
        self._unfinished.clear()
        if self._process is None:
            try:
                self._begin()
            except OSError as error:
                return error
        try:
            if not self._ready:
                self._receive(PATIENCE, None)
                self._ready = True
            self._pipe.send((function, arguments))
            answer: R | Exception = self._receive(PATIENCE, watch)
        except _HangsError as error:
            self._end()
            return HungError(error.args[0])
        except (EOFError, OSError):
            return self._lost()
        except Exception as error:  # the call or its result cannot be pickled
            return error
        return answer

    def stop(self) -> None:
        """Interrupt the current call. May be called from another thread than ``run``."""
        self._stopped = time.monotonic()
        process = self._process
        if process is not None:
            with suppress(OSError, ValueError):
                _interrupt(process)

    def close(self) -> None:
        """End the process, which has a moment to tidy up."""
        process = self._process
        if process is None:
            return
        self._pipe.close()
        process.join(_GRACE)
        self._end()

    def _begin(self) -> None:
        context = get_context("spawn")
        self._scratch = tempfile.TemporaryDirectory(prefix="faceveil-", ignore_cleanup_errors=True)
        self._pipe, theirs = context.Pipe()
        process = context.Process(
            target=_serve, args=(theirs, self._scratch.name, self._alone), daemon=True
        )
        with _undisturbed():
            process.start()
        self._process, self._ready = process, False
        theirs.close()

    def _receive(self, seconds: float, watch: Watch | None) -> Any:
        """The answer to what was sent last.

        Raises:
            _HangsError: with the seconds in which nothing moved.
            EOFError, OSError: the process is gone.
        """
        until = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            if self._stopped is not None:
                until = min(until, self._stopped + _GRACE)
            if now >= until:
                raise _HangsError(seconds)
            if not self._pipe.poll(min(_TICK, until - now)):
                continue
            kind, value = self._pipe.recv()
            if kind == "answer":
                return value
            if kind == "began":
                self._unfinished.add(value)
            if kind == "patient":
                seconds = value
            if kind == "moved" and value[0] and watch is not None:
                watch(*value)
            until = time.monotonic() + seconds

    def _lost(self) -> LostError:
        process = self._process
        process.join(_GRACE)
        code = process.exitcode
        self._end()
        if code in (ExitCode.INTERRUPTED, -signal.SIGINT):
            raise KeyboardInterrupt
        return LostError(code)

    def _end(self) -> None:
        """End the process, and remove the files that it left."""
        process, self._process = self._process, None
        if process.is_alive():
            process.kill()
        process.join()
        self._pipe.close()
        for path in self._unfinished:  # finished files have another name by now
            with suppress(OSError):
                path.unlink(missing_ok=True)
        if self._scratch is not None:
            self._scratch.cleanup()


class _HangsError(Exception):
    """Nothing moves."""


class _Link:
    """The end of the pipe in the process that works."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self._last, self._stage = 0.0, ""

    def send(self, kind: str, value: Any) -> None:
        with self._lock:
            self._pipe.send((kind, value))

    def moved(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self._last >= _EVERY or stage != self._stage or done == total:
            self._last, self._stage = now, stage
            self.send("moved", (stage, done, total))

    def patient(self, seconds: float) -> None:
        self.send("patient", seconds)

    def began(self, path: Path) -> None:
        self.send("began", path)


def _serve(pipe: Connection, scratch: str, alone: bool) -> None:
    """The loop of the other process: call after call, until the pipe is closed."""
    share_heap()
    if not alone:
        import cv2

        cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, name="faceveil-orphan", daemon=True).start()
    signal.signal(signal.SIGINT, _leave)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    tempfile.tempdir = scratch
    link = _Link(pipe)
    beats.listen(link)
    link.send("answer", None)
    while True:
        try:
            function, arguments = pipe.recv()
        except (EOFError, OSError):
            return
        except Exception as error:  # it is not to be found here
            link.send("answer", error)
            continue
        _busy.set()
        answer = outcome_of(function, *arguments)
        if isinstance(answer, Exception):
            # The trace does not travel, and --debug is there to show it.
            answer.add_note("".join(traceback.format_exception(answer)))
        try:
            link.send("answer", answer)
        except OSError:
            return
        except Exception as error:  # the result cannot be sent
            words = say("{name}: {what}", name=type(error).__name__, what=error)
            link.send("answer", FaceVeilError(words))
        _busy.clear()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Holds interrupts back, here and in processes that are started here, until they are ready."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker

    # Begun with the first process otherwise, and what begins it lets interrupts through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _interrupt(process: Any) -> None:
    if os.name == "posix":
        os.kill(process.pid, signal.SIGINT)
    else:
        process.terminate()


def _leave(number: int, _frame: FrameType | None) -> None:
    # An interrupt of all processes of a terminal may be followed by one from the parent.
    signal.signal(number, signal.SIG_IGN if _busy.is_set() else signal.SIG_DFL)
    if not _busy.is_set():  # nothing is half-written, and whoever waits here would print this
        os.kill(os.getpid(), number)
    raise SystemExit(ExitCode.INTERRUPTED)


def _end_with_parent() -> None:
    """End this process when its parent is killed: it would wait for work forever."""
    parent = parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(
        os.getpid(), signal.SIGINT
    )  # unwinds the current work, which removes half-written files
    time.sleep(_GRACE)
    os.kill(os.getpid(), signal.SIGTERM)
