"""Browsers that were let in: each has a random cookie, which this process forgets in time."""

from __future__ import annotations

import secrets
import time

SECONDS = 24 * 3600
"""Time that a browser stays let in: as long as the longest lifetime of a result."""
_MOST = 1000


class Sessions:
    """Random ids, each good for a day. From none of them can anybody learn the token."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def begin(self) -> str:
        """The id of a new session. Of too many the oldest ends."""
        now = time.monotonic()
        for session, until in list(self._until.items()):  # oldest first
            if until > now and len(self._until) < _MOST:
                break
            del self._until[session]
        session = secrets.token_urlsafe(32)
        self._until[session] = now + SECONDS
        return session

    def holds(self, session: str) -> bool:
        """Whether an id is of a session that has not ended."""
        # Ids are random and long: how far a guess got, the time of a look-up does not tell.
        return self._until.get(session, 0.0) > time.monotonic()
