"""State that all requests share: the service behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection

from faceveil.server.care import Care
from faceveil.server.darkroom import Darkroom
from faceveil.server.following import Following
from faceveil.server.intake import Intake
from faceveil.server.job_index import JobIndex
from faceveil.server.metrics import Metrics
from faceveil.server.queue import JobQueue
from faceveil.server.recordings import Recordings
from faceveil.server.settings import Service
from faceveil.server.store import Store


@dataclass
class State:
    """The objects that all routes share.

    Attributes:
        base: options of every job unless its client says otherwise.
        machine: options of this machine: ``weights``, ``threads``.
        cameras: how many are being watched.
        care: knows whether all goes on that has to.
        darkroom: makes previews.
        following: follows boxes in videos.
        recordings: of the cameras that are being watched, and were.
    """

    service: Service
    base: dict[str, Any]
    store: Store
    queue: JobQueue
    hub: JobIndex
    intake: Intake
    metrics: Metrics
    machine: dict[str, Any] = field(default_factory=dict)
    cameras: int = 0
    care: Care = field(default_factory=Care)
    darkroom: Darkroom = field(default_factory=Darkroom)
    following: Following = field(init=False)
    recordings: Recordings = field(init=False)

    def __post_init__(self) -> None:
        self.following = Following(self.store, self.machine)
        self.recordings = Recordings(self.store, self.service)


async def _state_of(connection: HTTPConnection) -> State:
    """Asynchronous, so that it needs no thread; there may be none free."""
    state: State = connection.app.state.faceveil
    return state


StateDep = Annotated[State, Depends(_state_of)]
"""The service, as a parameter of a route."""
