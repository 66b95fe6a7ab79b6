"""The recordings of one camera of the page, on the wishes of its client."""

from __future__ import annotations

import threading
from typing import Any

from faceveil.errors import FaceVeilError
from faceveil.i18n import say
from faceveil.live.footage import Footage
from faceveil.live.session import Session
from faceveil.server.problems import ProblemError, problem_of
from faceveil.server.recordings import Recordings, over
from faceveil.server.routes import read_options


class Tape:
    """Begins and ends recordings of a session, and tells how they stand."""

    def __init__(self, session: Session, recordings: Recordings) -> None:
        self._session = session
        self._recordings = recordings
        self._on: tuple[str, Footage] | None = None
        self._one_at_a_time = threading.Lock()
        self._ending: list[threading.Thread] = []
        self._news: list[dict[str, Any]] = []

    @property
    def state(self) -> dict[str, Any] | None:
        """The recording that is being made, and its length so far."""
        if (on := self._on) is None:
            return None
        recording, footage = on
        return {"id": recording, "seconds": footage.seconds}

    def hear(self, text: str) -> None:
        """Do what a message of the client says; what goes wrong is told, and the camera goes on."""
        try:
            wanted = read_options(text).get("record")
            self._end(broken=False)
            if wanted is not None:
                recording, footage = self._recordings.begin(str(wanted))
                self._on = recording, footage
                self._session.tap = footage.write
        except LookupError:
            self._tell_gone()
        except (FaceVeilError, ProblemError, OSError) as error:
            self._trouble(error)

    def news(self) -> list[dict[str, Any]]:
        """The messages that the client has to hear once. A recording that cannot go on is ended."""
        if (on := self._on) is not None:
            _, footage = on
            if footage.problem is not None:
                self._trouble(footage.problem)
                self._end(broken=True, only=on)
            elif footage.ended:  # somebody deleted it; who is filmed must not believe in it
                self._tell_gone()
                self._end(broken=True, only=on)
            elif footage.full:
                self._trouble(over(footage.full))
                self._end(broken=False, only=on)
        news, self._news = self._news, []
        return news

    def leave(self) -> None:
        """The client is gone: what it records is broken off, and kept."""
        self._end(broken=True)
        for thread in self._ending:
            thread.join()

    def _end(self, *, broken: bool, only: tuple[str, Footage] | None = None) -> None:
        with self._one_at_a_time:
            on = self._on
            if on is None or only not in (None, on):
                return
            self._on = self._session.tap = None
        recording, _ = on
        # Making one film of the parts may take a while, and the camera goes on meanwhile.
        thread = threading.Thread(target=self._conclude, args=(recording, broken))
        self._ending.append(thread)
        thread.start()

    def _conclude(self, recording: str, broken: bool) -> None:
        try:
            self._recordings.end(recording, broken=broken)
        except (FaceVeilError, OSError) as error:
            self._trouble(error)
        else:
            self._news.append({"recorded": recording})

    def _tell_gone(self) -> None:
        gone = say("there is no such recording, or it is gone")
        self._trouble(ProblemError(404, "not-found", gone))

    def _trouble(self, error: Exception) -> None:
        self._news.append({"trouble": problem_of(error).model_dump(mode="json")})
