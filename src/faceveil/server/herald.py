"""Send webhooks in the background, so that a slow receiver delays nothing.

The state of each message is in the job's folder, so that a restarted server continues. If a server
is killed between sending a message and recording that, it sends it again, with the same id.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from anyio import CapacityLimiter, to_thread
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceveil.i18n import say
from faceveil.server.problems import ProblemError
from faceveil.server.settings import Service
from faceveil.server.store import ENDED, WEBHOOK, JobState, Record, Store
from faceveil.server.sweep import steady
from faceveil.server.tell import tell_fault
from faceveil.server.webhooks import AnswerError, StrayError, post, receiver_of

PAUSES = (2.0, 10.0, 60.0, 300.0)
"""Seconds after each failed try but the last."""
_AT_ONCE, _EACH = 8, 2
"""Messages sent at the same time, in all and to one receiver."""
_GONE = 410
"""The status with which a receiver refuses all further tries."""
_TOLD: frozenset[JobState] = ENDED | {"review"}

Word = Literal["waiting", "sent", "failed"]
"""The state of the message about a job."""


class Outcome(BaseModel):
    """The message to a program about a job: nothing of the file, and not its name."""

    job: str
    batch: str
    state: JobState
    problem: str | None = Field(description="Type of the problem of a job that failed")
    faces: int | None
    kept: int | None
    filled: int | None
    warnings: int = Field(description="How many; GET the job for their words")


class WebhookMessage(BaseModel):
    """The body of a webhook."""

    type: str = Field(examples=["job.done"])
    timestamp: datetime
    data: Outcome


class Delivery(BaseModel):
    """The delivery of a message.

    Attributes:
        id: of the message, the same in each try.
        since: seconds since 1970 at which what it tells of came about.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    since: float
    tries: int = 0
    word: Word = "waiting"


def word_of(store: Store, record: Record) -> Word | None:
    """The state of the message about a job as it is now; None: nobody wants one."""
    if not record.webhook:
        return None
    known = _load_delivery(store, record.id) if record.state in _TOLD else None
    return known.word if known is not None and known.id == _id_of(record) else "waiting"


def message_of(record: Record, since: float) -> bytes:
    """The body of the message about a job."""
    told = Outcome(
        **record.model_dump(include={"batch", "state", "faces", "kept", "filled"}),
        job=record.id,
        problem=None if record.problem is None else record.problem.type,
        warnings=len(record.warnings),
    )
    moment = datetime.fromtimestamp(since, UTC)
    message = WebhookMessage(type=f"job.{record.state}", timestamp=moment, data=told)
    return message.model_dump_json().encode()


@dataclass
class _Letter:
    """A message, and the time of its next try."""

    record: Record
    delivery: Delivery
    noted: Delivery
    due: float
    busy: bool = False


class Herald:
    """Sends the messages that are due.

    Args:
        records: gives all jobs.
    """

    def __init__(self, store: Store, service: Service, records: Callable[[], list[Record]]) -> None:
        self._store = store
        self._service = service
        self._records = records
        self._letters: dict[str, _Letter] = {}
        self._going: set[asyncio.Task[None]] = set()
        self._own_thread = CapacityLimiter(1)

    async def look(self) -> None:
        """Start sending the due messages, and record the results of earlier ones."""
        await to_thread.run_sync(self._take_stock, self._records(), limiter=self._own_thread)
        for letter in self._due():
            letter.busy = True
            going = asyncio.create_task(self._send(letter))
            self._going.add(going)
            going.add_done_callback(self._going.discard)

    async def close(self) -> None:
        """Stop sending, and record the results so far."""
        for going in list(self._going):
            going.cancel()
        await asyncio.gather(*self._going, return_exceptions=True)
        await to_thread.run_sync(self._take_stock, self._records(), limiter=self._own_thread)

    def _take_stock(self, records: Iterable[Record]) -> None:
        # Before any is forgotten: while the people of a job are numbered there is nothing to tell,
        # and then it is what it was, and its message has been sent or is on its way.
        self._note()
        told = [one for one in records if one.webhook and one.state in _TOLD]
        going = {job: letter for job, letter in self._letters.items() if letter.busy}
        self._letters = going | {one.id: self._letter(one) for one in told}
        self._note()

    def _note(self) -> None:
        for letter in self._letters.values():
            made = letter.delivery
            if made is not letter.noted:
                # If it cannot be recorded now, the next round tries again.
                with suppress(LookupError, OSError):
                    self._store.write(letter.record.id, WEBHOOK, made.model_dump_json())
                    letter.noted = made

    def _letter(self, record: Record) -> _Letter:
        letter, id = self._letters.get(record.id), _id_of(record)
        if letter is not None and letter.delivery.id == id:
            return letter
        made = _load_delivery(self._store, record.id)
        if made is None or made.id != id:
            made = Delivery(id=id, since=record.ended or time.time())
        return _Letter(record, made, made, steady())

    def _due(self) -> list[_Letter]:
        now, found = steady(), list[_Letter]()
        busy = Counter(_place(one) for one in self._letters.values() if one.busy)
        for letter in self._letters.values():
            if busy.total() >= _AT_ONCE:
                break
            waits = letter.delivery.word == "waiting" and not letter.busy and now >= letter.due
            if waits and busy[_place(letter)] < _EACH:
                busy[_place(letter)] += 1
                found.append(letter)
        return found

    async def _send(self, letter: _Letter) -> None:
        made, secret = letter.delivery, self._service.webhook_secret
        try:
            # The settings may have changed since the job was made.
            to = receiver_of(letter.record.webhook, self._service.webhook_hosts)
            if secret is None:
                raise StrayError
            body = message_of(letter.record, made.since)
            await post(to, made.id, int(time.time()), body, secret)
        except Exception as error:
            tell_fault(say("a webhook was not taken"), error)
            tries = made.tries + 1
            over = tries > len(PAUSES) or isinstance(error, ProblemError | StrayError)
            over = over or (isinstance(error, AnswerError) and error.status == _GONE)
            word: Word = "failed" if over else "waiting"
            letter.due = steady() + (0 if over else PAUSES[made.tries])
            letter.delivery = made.model_copy(update={"tries": tries, "word": word})
        else:
            letter.delivery = made.model_copy(update={"tries": made.tries + 1, "word": "sent"})
        finally:
            letter.busy = False


def _place(letter: _Letter) -> str:
    """The receiver of a message: scheme, host and port of the address."""
    return "/".join(letter.record.webhook.split("/", 3)[:3]).partition("?")[0].lower()


def _id_of(record: Record) -> str:
    """The id of the message about a job as it is now."""
    said = f"{record.id}.{record.state}.{record.ended}"
    made = hashlib.sha256(said.encode()).digest()[:18]
    return f"msg_{base64.urlsafe_b64encode(made).decode()}"


def _load_delivery(store: Store, job: str) -> Delivery | None:
    try:
        return Delivery.model_validate_json(store.path(job, WEBHOOK).read_bytes())
    except (OSError, ValidationError):
        return None
