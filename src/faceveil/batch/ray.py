"""Many machines: the executor of a batch on a Ray cluster.

Each processor core runs one actor with its own detector. If an actor dies, its job is given to
another. Outputs are replaced in one step, so a job that is done twice leaves one output. Data goes
only to the cluster: Ray's usage statistics and its web pages are off.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeVar

from faceveil.batch.apart import PATIENCE, LostError, outcome_of
from faceveil.errors import FaceVeilError, UsageError
from faceveil.i18n import say
from faceveil.options.ports import require_port
from faceveil.system import beats
from faceveil.system.closing import Closing
from faceveil.system.extras import advice_for

J = TypeVar("J")
R = TypeVar("R")

LOCAL: Final = "local"
"""The address that means a cluster on this machine only, started for this run."""

_ANSWER_SECONDS: Final = 10.0
"""A place that takes no connection for so long is empty. Ray itself would try for 80 seconds."""
_QUEUED: Final = 2
"""Jobs that an actor gets at a time, so that it can begin the next one without waiting."""
_ATTEMPTS: Final = 3
"""Tries of a job: more than on one machine, because machines also fail for other reasons."""
_STARTS: Final = 3
"""After so many failed starts in a row for each place, no further worker is started."""

# Ray reads these when it is imported.
_QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_enable_metrics_collection": "0",
    "RAY_task_events_report_interval_ms": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_NUM_REDIS_GET_RETRIES": "2",  # or a wrong address takes minutes to be found out
}


_CLUSTERS: Final = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""With this off, Ray behaves as on systems where it supports no clusters: it listens only to this
machine.
"""


class Worker:
    """The actor: one process of the cluster, with its own detector."""

    def __init__(self) -> None:
        import cv2

        cv2.setNumThreads(1)

    def ready(self) -> None:
        """Returns once the actor has a place."""

    def run(self, function: Callable[[Any], Any], job: Any) -> Any:
        with _Alarm():
            return outcome_of(function, job)


class _Alarm(Closing):
    """Ends the process if a job makes no progress, by a signal from the kernel: even a hanging
    library cannot stop that.
    """

    def __init__(self) -> None:
        self._seconds = PATIENCE
        beats.listen(self)
        self.moved("", 0, None)

    def moved(self, stage: str, done: int, total: int | None) -> None:
        self._set(self._seconds)

    def patient(self, seconds: float) -> None:
        self._seconds = seconds
        self._set(seconds)

    def began(self, path: Path) -> None:
        """Do nothing: the next run with ``--resume`` removes the leavings of an actor."""

    def close(self) -> None:
        beats.listen(None)
        self._set(0)

    def _set(self, seconds: float) -> None:
        if hasattr(signal, "setitimer"):  # not on Windows
            signal.setitimer(signal.ITIMER_REAL, seconds)


@dataclass(eq=False)
class _Actor:
    handle: Any
    busy: int = 0
    alone: bool = False


@dataclass(eq=False)
class _Try:
    job: Any
    failures: int = 0
    actor: _Actor = field(default_factory=lambda: _Actor(None))


class Cluster(Closing):
    """An executor on Ray. As a context manager it disconnects from the cluster, or ends a cluster
    of its own.

    Args:
        address: of the cluster (``host:6379``, ``auto``), or "local".
        workers: actors to begin; 0: one a core of the cluster.

    Attributes:
        workers: how many there are to be.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, address: str = LOCAL, workers: int = 0) -> None:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        if address == LOCAL:  # for the processes that Ray begins
            os.environ[_CLUSTERS] = "0"
        try:
            ray: Any = import_module("ray")
        except ImportError as error:
            raise UsageError(say("--ray-address needs Ray"), advice_for("scale")) from error
        self._ray = ray
        self._mine = not ray.is_initialized()
        if self._mine:
            _join(ray, address)
        self.workers = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def map(
        self, function: Callable[[J], R], jobs: Iterable[J]
    ) -> Iterator[tuple[J, R | Exception]]:
        """See `faceveil.system.stages.Executor`."""
        ray = self._ray
        shared = ray.put(function)
        actors = {_Actor(self._begin()) for _ in range(self.workers)}
        starting = {actor.handle.ready.remote(): actor for actor in actors}
        idle: list[_Actor] = []
        running: dict[Any, _Try] = {}
        again: deque[_Try] = deque()
        waiting, more, failed = iter(jobs), True, 0
        try:
            while True:
                for actor in sorted(idle, key=lambda one: one.busy):
                    while not actor.alone and actor.busy < _QUEUED:
                        if again and not actor.busy:
                            actor.alone = True  # tried alone, so that it takes no other job with it
                            attempt = again.popleft()
                        else:
                            job = next(waiting, _END) if more else _END
                            if job is _END:
                                more = False
                                break
                            attempt = _Try(job)
                        attempt.actor = actor
                        actor.busy += 1
                        running[actor.handle.run.remote(shared, attempt.job)] = attempt
                if not (running or again or more):
                    return
                ready, _ = ray.wait([*running, *starting], num_returns=1)
                for ref in ready:
                    if ref in starting:
                        actor = starting.pop(ref)
                        if self._lives(ref):
                            idle.append(actor)
                            failed = 0
                        else:
                            failed += 1
                            if failed > _STARTS * self.workers:
                                raise FaceVeilError(
                                    say("no worker can begin on the cluster"),
                                    say("See whether FaceVeil and its weights are on every node."),
                                )
                            self._replace(actor, actors, starting)
                        continue
                    attempt = running.pop(ref)
                    actor = attempt.actor
                    actor.busy -= 1
                    actor.alone = False
                    try:
                        yield attempt.job, ray.get(ref)
                    except ray.exceptions.RayTaskError as error:
                        yield attempt.job, error.cause or error
                    except ray.exceptions.RayError:
                        if actor in idle:
                            idle.remove(actor)
                            self._replace(actor, actors, starting)
                        attempt.failures += 1
                        if attempt.failures < _ATTEMPTS:
                            again.append(attempt)
                        else:
                            yield attempt.job, LostError()
        finally:
            for actor in actors:
                with suppress(Exception):
                    ray.kill(actor.handle)

    def _begin(self) -> Any:
        remote = self._ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Worker)
        return remote.remote()

    def _lives(self, ref: Any) -> bool:
        try:
            self._ray.get(ref)
        except self._ray.exceptions.RayError:
            return False
        return True

    def _replace(self, actor: _Actor, actors: set[_Actor], starting: dict[Any, _Actor]) -> None:
        """Another actor, which begins as soon as the cluster has a core for it."""
        actors.discard(actor)
        fresh = _Actor(self._begin())
        actors.add(fresh)
        starting[fresh.handle.ready.remote()] = fresh

    def close(self) -> None:
        if self._mine:
            self._ray.shutdown()


_END: Final[Any] = object()


@contextmanager
def _hushed() -> Generator[None, None, None]:
    """Keep to itself what native code writes to stderr: Ray's tries to connect, in English."""
    if sys.__stderr__ is None:  # closed: its number may be another file's
        yield
        return
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


async def _knock(host: str, port: int) -> None:
    # A name may have several addresses, and the first of them lead nowhere.
    opened = asyncio.open_connection(host, port, happy_eyeballs_delay=0.25)
    _, writer = await asyncio.wait_for(opened, _ANSWER_SECONDS)
    writer.close()


def _require_answer(address: str) -> None:
    """Refuse an address of host and port if nothing there takes a connection.

    Raises:
        UsageError: nothing does.
    """
    if address == "auto":  # as Ray reads it
        address = os.environ.get("RAY_ADDRESS", address)
    require_port(address)
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdecimal()):  # a cluster here, or what only Ray can judge
        return
    try:
        with ThreadPoolExecutor(1) as apart:  # whoever calls may have a loop of their own
            apart.submit(lambda: asyncio.run(_knock(host.strip("[]"), int(port)))).result()
    except (OSError, OverflowError, ValueError) as error:  # of sockets, of ports, of names
        raise UsageError(
            say("nothing answers at {address}, so there is no Ray cluster", address=address),
            say(
                "`ray start --head` begins one and prints its address; see also whether a firewall "
                "lies between."
            ),
        ) from error


def _join(ray: Any, address: str) -> None:
    _require_answer(address)
    settings: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if address == LOCAL:
        settings["include_dashboard"] = False
        # Ray may have been imported earlier, without the variable.
        constants: Any = import_module("ray._private.ray_constants")
        if not hasattr(constants, "ENABLE_RAY_CLUSTER"):
            raise UsageError(say("this version of Ray would listen to other machines"))
        constants.ENABLE_RAY_CLUSTER = False
    try:
        with _hushed():
            ray.init(address=address, **settings)  # "local": one of its own, whatever is there
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UsageError(say("there is no Ray cluster at {address}", address=address)) from error
    except Exception as error:  # Ray has no class of its own for a start that took too long
        raise FaceVeilError(
            say("Ray did not start: {reason}", reason=error), say("try again, or without it")
        ) from error
