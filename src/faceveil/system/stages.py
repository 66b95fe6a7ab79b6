"""Run the stages of a pipeline side by side, in threads with bounded queues.

The heavy work (decoding, detecting, encoding) happens in libraries that release the interpreter
lock, so threads keep all cores busy. Queues are short, and shorter for large frames: memory does
not grow with the length of a video. An error in a stage is raised where its results are used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Protocol, TypeVar

T = TypeVar("T")
J = TypeVar("J")
R = TypeVar("R")

DEPTH, BYTES = 8, 20_000_000
"""Frames that may wait between two stages, and what they may take, two large ones excepted."""

# Seconds that a stage sleeps before it checks whether it is still needed.
_PATIENCE = 0.1
_END = object()


class Executor(Protocol):
    """Runs many jobs, in this process, in others, or on other machines.

    Attributes:
        workers: how many jobs are worked on at the same time.
    """

    workers: int

    def map(
        self, function: Callable[[J], R], jobs: Iterable[J]
    ) -> Iterator[tuple[J, R | Exception]]:
        """Each job with what the function returned or raised, in order of completion.

        Jobs are taken from the iterable only when a worker is free, so that a million of them need
        no memory. Function and jobs are sent to other processes.
        """
        ...


def depth_for(pixels: int, *, still: bool = False) -> int:
    """The number of frames with so many pixels that may wait between two stages.

    Args:
        still: pages and pictures, which may be large and have no hurry.
    """
    return 1 if still else max(2, min(DEPTH, BYTES // (3 * pixels)))


def ahead(items: Iterable[T], depth: int = DEPTH) -> Generator[T, None, None]:
    """The same items, made in a thread of their own, at most ``depth`` ahead of their use.

    Close the generator, or exhaust it, before what the items come from is closed.
    """
    queue: Queue[object] = Queue(depth)
    stop = Event()
    failure: list[BaseException] = []

    def produce() -> None:
        try:
            for item in items:
                if not _put(queue, item, stop):
                    return
        except BaseException as error:
            failure.append(error)
        _put(queue, _END, stop)

    thread = Thread(target=produce, name="faceveil-ahead", daemon=True)
    thread.start()
    try:
        while (item := queue.get()) is not _END:
            yield item  # type: ignore[misc]
        if failure:
            raise failure[0]
    finally:
        stop.set()
        thread.join()


def several(function: Callable[[J], R], items: Iterable[J], workers: int) -> Iterator[R]:
    """The results of a function in the order of the items, made by so many threads.

    At most as many items more than threads are taken ahead of their use.
    """
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="faceveil-several") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def behind(
    consume: Callable[[T], None], depth: int = DEPTH
) -> Generator[Callable[[T], None], None, None]:
    """A function that hands its argument to ``consume`` in another thread and returns at once.

    Leaving the context waits until everything is consumed, or raises the error of ``consume``. If
    the body fails, the waiting arguments are dropped.
    """
    queue: Queue[object] = Queue(depth)
    stop = Event()
    failure: list[BaseException] = []

    def work() -> None:
        while True:
            try:
                item = queue.get(timeout=_PATIENCE)
            except Empty:
                if stop.is_set():
                    return
                continue
            if item is _END or stop.is_set():
                return
            try:
                consume(item)  # type: ignore[arg-type]
            except BaseException as error:
                failure.append(error)
                stop.set()
                return

    thread = Thread(target=work, name="faceveil-behind", daemon=True)
    thread.start()

    def put(item: T) -> None:
        if not _put(queue, item, stop):
            raise failure[0]

    try:
        yield put
        if not failure:
            _put(queue, _END, stop)
    except BaseException:
        stop.set()
        raise
    finally:
        thread.join()
    if failure:
        raise failure[0]


def _put(queue: Queue[object], item: object, stop: Event) -> bool:
    """Wait for room; False if the item is no longer needed."""
    while not stop.is_set():
        try:
            queue.put(item, timeout=_PATIENCE)
        except Full:
            continue
        return True
    return False
