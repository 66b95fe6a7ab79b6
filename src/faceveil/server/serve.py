"""Running the service: one server process, and workers that are started again when they die."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from socket import gaierror
from typing import Any
from urllib.parse import quote

import uvicorn

from faceveil.errors import OutputError, UsageError
from faceveil.i18n import foreign, reason_of, say
from faceveil.live.backoff import Backoff
from faceveil.live.session import MOST_BYTES
from faceveil.server.app import create_app
from faceveil.server.browse import address_of, can_open
from faceveil.server.connections import (
    BACKLOG,
    TimedConnection,
    look_at_all,
    raise_limits,
    wait_in_line,
)
from faceveil.server.job_index import JobIndex
from faceveil.server.locks import HeldError, locked
from faceveil.server.queue import JobQueue
from faceveil.server.security import new_token
from faceveil.server.settings import Service
from faceveil.server.store import Store
from faceveil.server.sweep import SERVER_LOCK
from faceveil.server.tell import quiet_logs
from faceveil.system.browser import forget_address, show_in_browser
from faceveil.system.folders import cache_folder

_LOOK = 0.5
_QUICK_DEATH = 10.0
"""A worker that lives shorter than this is restarted after growing pauses, up to this."""
_GRACE = 10.0
"""Seconds that workers have for ending."""
_CLOSING = 3
"""Seconds that connections have for ending."""


def open_store(service: Service) -> tuple[Store, JobQueue]:
    """The folder and the queue that the settings name.

    Raises:
        UsageError, OutputError: one of them cannot be used.
    """
    folder = service.folder
    if folder is None:
        folder = cache_folder("jobs")
        if folder is None:
            raise UsageError(say("there is no folder for jobs here"), say("name one with --folder"))
    store = Store(folder)
    return store, JobQueue(store.folder, service.queue)


def token_of(service: Service) -> str:
    """The token that clients have to send: the given one, or a fresh one.

    It is needed on this machine's own address, too, because its other users can reach that.
    """
    return service.token or new_token()


def serve(
    service: Service,
    base: dict[str, Any],
    machine: dict[str, Any],
    workers: int,
    ready: Callable[[str], None],
) -> None:
    """Serve until the process is told to end.

    Args:
        base: options of every job unless its client says otherwise.
        machine: options of this machine's workers: ``weights``, ``threads``.
        workers: how many processes work on jobs.
        ready: called with the address, including the token, when requests are accepted.

    Raises:
        UsageError: another server uses the folder.
        OutputError: the address cannot be listened on.
    """
    failures, TimedConnection.most = quiet_logs(), raise_limits()
    store, queue = open_store(service)
    token = token_of(service)
    address = f"{address_of(service.host, service.port)}?token={quote(token)}"

    def started() -> None:
        ready(address)
        if service.browser and can_open():
            # Some browsers return only when they are closed.
            threading.Thread(
                target=show_in_browser, args=(store.folder, address), daemon=True
            ).start()

    try:
        with locked(store.folder / SERVER_LOCK, wait=2.0):
            hub = JobIndex(store)
            app = create_app(service, base, store, queue, token, machine, hub=hub)
            config = uvicorn.Config(
                app,
                host=service.host,
                port=service.port,
                access_log=False,  # a log would have names and tokens
                log_config=None,
                http=TimedConnection,
                backlog=BACKLOG,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_CLOSING,
                ws="websockets-sansio",
                ws_max_size=MOST_BYTES,
            )
            settings = {"folder": str(store.folder), "queue": service.queue, "machine": machine}
            with Workers(json.dumps(settings), workers):
                try:
                    _Server(config, started, hub.close).run()
                finally:
                    forget_address(store.folder)
    except HeldError as error:
        raise UsageError(
            say("another server uses {folder}", folder=store.folder),
            say("end it, or name another folder with --folder"),
        ) from error
    except SystemExit as error:
        if error.code in (1, 3):  # uvicorn's ways of saying so, after it has logged why
            why = failures.why
            # asyncio's words name the address again. Those of a name that is not known are no
            # words of the system's.
            known = reason_of(why) if isinstance(why, gaierror) else None
            raise OutputError(
                say(
                    "cannot listen on {host}, port {port}: {reason}",
                    host=service.host,
                    port=service.port,
                    reason=known or foreign(os.strerror(why.errno or errno.EIO)),
                ),
                say("choose another --port"),
            ) from error
        raise


class _Server(uvicorn.Server):
    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        closing: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._closing = closing

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            for server in self.servers:
                for listener in server.sockets:
                    wait_in_line(listener.fileno())
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:  # ten ticks are a second
            look_at_all(self.server_state.connections)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: Any = None) -> None:
        await self._closing()  # an open page listens for ever and would delay the end
        await super().shutdown(sockets)


class Workers:
    """Processes that work on jobs, as many as asked for, as long as this is open."""

    def __init__(self, settings: str, number: int) -> None:
        self._stop = threading.Event()
        self._places = [_Place(settings) for _ in range(number)]
        self._thread = threading.Thread(target=self._watch, name="faceveil-workers", daemon=True)

    def __enter__(self) -> Workers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        running = [place.process for place in self._places if place.process]
        for process in running:
            process.terminate()
        until = time.monotonic() + _GRACE
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, until - time.monotonic()))
            process.kill()
            process.wait()
            _close(process)

    def _watch(self) -> None:
        while not self._stop.is_set():
            for place in self._places:
                place.tend()
            self._stop.wait(_LOOK)


class _Place:
    """The slot of one worker process, and of its successor after it has died."""

    def __init__(self, settings: str) -> None:
        self.process: subprocess.Popen[str] | None = None
        self._settings = settings
        self._pauses = Backoff(_QUICK_DEATH)
        self._since = 0.0
        self._due: float | None = None

    def tend(self) -> None:
        """Start a process if there is none. If processes die at once, the pauses grow."""
        now = time.monotonic()
        if self.process is not None:
            if self.process.poll() is None:
                return
            if self._due is None:
                if now - self._since >= _QUICK_DEATH:
                    self._pauses.reset()
                self._due = now + (self._pauses.next() or 0.0)
            if now < self._due:
                return
            _close(self.process)
        self.process, self._since, self._due = _start(self._settings), now, None


def _start(settings: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "faceveil.server.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        cwd=Path(sys.prefix),
        process_group=0,  # Ctrl-C is for the server, which ends its workers itself
    )
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(settings + "\n")
        process.stdin.flush()
    return process


def _close(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.close()
