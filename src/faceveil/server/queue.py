"""The queue of job ids between the server and its workers: huey, on SQLite or Redis.

It contains only ids; each job's folder has the rest. If an id is lost, the sweep puts it back; if
it comes twice, the second does nothing. So a broken file can be thrown away, and nothing is refused
because the queue cannot be reached for a while.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from huey import Huey, PriorityRedisHuey, SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer

from faceveil.errors import FaceVeilError, UsageError
from faceveil.i18n import say
from faceveil.options.ports import require_port
from faceveil.server.locks import HeldError, locked
from faceveil.server.store import new_id

T = TypeVar("T")

NAME = "faceveil"
_TASK = "work"
_TASK_NAME = f"{__name__}.{_TASK}"
"""Its name in huey."""
_FILE, _LOCK = "queue.sqlite", "queue.lock"
_WAIT = 5.0
"""Seconds to wait while another process holds the queue."""
_PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})
"""Errors of SQLite after which the file is still sound."""


class QueueError(FaceVeilError):
    """The queue cannot be used at the moment."""

    def __init__(self) -> None:
        super().__init__(
            say("the queue of jobs cannot be used"),
            say("Nothing is lost: jobs go on once it is back."),
        )


class _Json(Serializer):  # type: ignore[misc]
    """Plain JSON: anybody who can write to a pickled queue could run code in the workers."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps([data.id, data.name, data.priority, list(data.args)]).encode()

    def _deserialize(self, data: bytes) -> Message:
        try:
            task, _, priority, (job,) = json.loads(data)
        except (ValueError, TypeError, RecursionError):
            # Not written by FaceVeil. It becomes the id of no job, so that taking it ends it.
            task, priority, job = "", 0, ""
        return Message(task, _TASK_NAME, priority=priority, args=[str(job)], kwargs={}, retries=0)


class JobQueue:
    """Ids of jobs to work on. Every method raises `QueueError` if the queue cannot be used.

    Args:
        url: ``redis://HOST/0``, or None for a file in ``folder``.

    Raises:
        UsageError: the url is of another kind, or the package redis is not installed.
    """

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self._queue = _File(folder) if url is None else _Redis(url)

    def push(self, job: str, *, first: bool = False) -> None:
        """Put an id at the end, or, with ``first``, before all others that were not put so."""
        self._queue.do(lambda huey, task: huey.enqueue(task.s(job, priority=int(first))))

    def take(self) -> str | None:
        """Take the next id out, if there is one."""
        task = self._queue.do(lambda huey, _: huey.dequeue())
        return None if task is None else str(task.args[0])

    def waiting(self) -> set[str]:
        """The ids in it."""
        tasks = self._queue.do(lambda huey, _: huey.pending())
        return {str(task.args[0]) for task in tasks}


def _carry(job: str) -> None:
    """The task in the queue. The worker does the work itself, so that signals end it cleanly."""


class _Opened:
    """A queue of huey's, and the one task it has."""

    def __init__(self, kind: Callable[..., Huey], **where: Any) -> None:
        self.huey = kind(NAME, results=False, serializer=_Json(), utc=True, **where)
        self.task: Any = self.huey.task(name=_TASK)(_carry)


class _File:
    """The queue in a file. A broken file is made again, a replaced one is opened again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / _FILE
        self._one_at_a_time = Lock()
        self._opened: _Opened | None = None
        self._number = -1

    def do(self, act: Callable[[Huey, Any], T]) -> T:
        with self._one_at_a_time:
            try:
                try:
                    return self._try(act)
                except sqlite3.Error as error:
                    if error.sqlite_errorcode & 0xFF in _PASSING and _is_database(self._path):
                        raise
                self._make_anew()
                return self._try(act)
            except (sqlite3.Error, OSError, HeldError) as error:
                raise QueueError from error

    def _try(self, act: Callable[[Huey, Any], T]) -> T:
        # A file that was removed or replaced can still be written to, but nobody reads it.
        if self._opened is None or self._number != _inode(self._path):
            self._close()
            self._opened = _Opened(
                SqliteHuey, filename=str(self._path), strict_fifo=True, timeout=_WAIT
            )
            self._number = _inode(self._path)
        return act(self._opened.huey, self._opened.task)

    def _make_anew(self) -> None:
        """Replace a broken file by a new one, unless another process has just done so."""
        with locked(self._folder / _LOCK, _WAIT):
            self._close()
            with suppress(sqlite3.Error):
                self._try(lambda huey, _: huey.pending())
                return
            self._close()
            for name in (_FILE, f"{_FILE}-wal", f"{_FILE}-shm", f"{_FILE}-journal"):
                _remove(self._folder / name)

    def _close(self) -> None:
        if self._opened is not None:
            with suppress(sqlite3.Error):
                self._opened.huey.storage.close()
            self._opened = None


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return -1


def _is_database(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"
    return False


def _remove(path: Path) -> None:
    """Delete everything there. It is moved away first, so that its place is free at once."""
    gone = path.with_name(f".{path.name}.{new_id()}")
    with suppress(FileNotFoundError):
        path.replace(gone)
        if gone.is_dir() and not gone.is_symlink():
            shutil.rmtree(gone, ignore_errors=True)
        else:
            gone.unlink()


class _Redis:
    """The queue in Redis. It answers within seconds or not at all."""

    def __init__(self, url: str) -> None:
        if not url.startswith(("redis://", "rediss://", "unix://")):
            raise UsageError(
                say("a queue cannot be kept at {url}", url=url),
                say("use redis://HOST/0, or leave it out"),
            )
        require_port(url)
        try:
            from redis import ConnectionPool, RedisError
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError as error:
            raise UsageError(
                say("a queue on Redis needs the package redis"),
                say("Get it with: pip install redis"),
            ) from error
        self._errors = (RedisError, OSError)
        pool = ConnectionPool.from_url(
            url,
            socket_connect_timeout=_WAIT,
            socket_timeout=_WAIT,
            retry=Retry(NoBackoff(), 1),  # a connection that Redis closed meanwhile
        )
        self._opened = _Opened(PriorityRedisHuey, connection_pool=pool)

    def do(self, act: Callable[[Huey, Any], T]) -> T:
        try:
            return act(self._opened.huey, self._opened.task)
        except self._errors as error:
            raise QueueError from error
