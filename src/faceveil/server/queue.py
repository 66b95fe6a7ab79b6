"""The queue of job ids between the server and its workers: huey, on SQLite or Redis.

It carries ids and nothing else: what a job is, its folder says. An id that is lost is put back by
the sweep, one that comes twice does nothing the second time.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from huey import Huey, PriorityRedisHuey, SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer

from faceveil.errors import UsageError

NAME = "faceveil"
_TASK = "work"
_FILE = "queue.sqlite"


class _Json(Serializer):  # type: ignore[misc]
    """Plain JSON, because whoever can write to a pickled queue can run code in the workers."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps([data.id, data.name, data.priority, list(data.args)]).encode()

    def _deserialize(self, data: bytes) -> Message:
        task, name, priority, args = json.loads(data)
        return Message(task, name, priority=priority, args=args, kwargs={}, retries=0)


class JobQueue:
    """Ids of jobs to work on.

    Args:
        url: ``redis://HOST/0``, or None for a file in ``folder``.

    Raises:
        UsageError: the url is of another kind, or the package redis is not installed.
    """

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self._huey = _open(folder, url)
        self._task: Any = self._huey.task(name=_TASK)(_carry)

    def push(self, job: str, *, first: bool = False) -> None:
        """Put an id at the end, or before all those that are not first."""
        self._huey.enqueue(self._task.s(job, priority=int(first)))

    def take(self) -> str | None:
        """Take the next id out, if there is one."""
        task = self._huey.dequeue()
        return None if task is None else str(task.args[0])

    def waiting(self) -> set[str]:
        """The ids in it."""
        return {str(task.args[0]) for task in self._huey.pending()}


def _carry(job: str) -> None:
    """What travels: the worker does the work itself, so that signals can end it cleanly."""


def _open(folder: Path, url: str | None) -> Huey:
    common = {"results": False, "serializer": _Json(), "utc": True}
    if url is None:
        return SqliteHuey(NAME, filename=str(folder / _FILE), strict_fifo=True, **common)
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise UsageError(f"a queue cannot be kept at {url}", "use redis://HOST/0, or leave it out")
    try:
        return PriorityRedisHuey(NAME, url=url, **common)
    except ImportError as error:
        raise UsageError(
            "a queue on Redis needs the package redis", "Get it with: pip install redis"
        ) from error
